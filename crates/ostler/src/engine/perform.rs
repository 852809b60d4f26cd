use std::sync::Arc;
use std::time::Duration;

use ostler_lifecycle::{
    BlockReason, Command, ControlFailure, ControlId, DegradedReason, DownReason, Effect, JobChange, JobId,
    RequestId, WorkerKey,
};
use ostler_shm::has_large_part;
use ostler_wire::{Execute, FrameError, Init, ToWorker};
use serde_json::json;

use super::Core;
use super::cargo::Cargo;
use super::catalog::config_text;
use super::clock::Clock;
use super::control::ControlWork;
use super::errand::{Errand, Errands};
use super::link::{Link, Unmade};
use super::state::State;
use crate::caught::{hook, say};
use crate::events::{EventLog, JobEvent, JobEventKind, ManagerEventKind};
use crate::job::JobCell;
use crate::{JobType, LaunchError};

/// The carrying out of what one input led to. It runs under the lock and never blocks.
pub(super) struct Step<'a, J: JobType> {
    pub(super) core: &'a Arc<Core<J>>,
    pub(super) state: &'a mut State<J>,
    /// What came with the input.
    pub(super) cargo: Cargo<J>,
    pub(super) clock: Clock,
    pub(super) errands: &'a mut Errands<J>,
    pub(super) grown: Option<Arc<EventLog>>,
}

impl<J: JobType> Step<'_, J> {
    pub(super) fn perform(&mut self, effect: Effect) {
        // What is published of a job changes no worker; everything else may.
        if !matches!(effect, Effect::Publish { .. }) {
            self.state.workers = None;
        }
        match effect {
            Effect::Spawn { worker } => self.make_link(worker),
            Effect::Send { worker, request, command } => self.send(worker, request, command),
            Effect::Kill { worker } => {
                if let Some(link) = self.state.links.get(&worker)
                    && let Err(error) = link.process.kill()
                {
                    // Whoever waits for the death is told as well, when it should have come.
                    say!(error, %worker, pid = link.pid, %error, "a worker could not be killed");
                }
                self.note_cancel(worker, |cancellation, at| cancellation.killed_at = Some(at));
            }
            Effect::CatchUp { worker } => {
                if let Some(link) = self.state.links.get(&worker) {
                    link.catch_up.notify_one();
                }
            }
            Effect::AskAdmission { job, ticket } => self.errands.push(Errand::Ask(job, ticket)),
            Effect::Publish { job, change } => self.publish(job, change),
            Effect::Settle { job, outcome } => self.settle(job, outcome),
            // Jobs are submitted under the lock under which `can_accept` said yes.
            Effect::Reject { job, rejection } => {
                say!(error, %job, %rejection, "an accepted job was rejected")
            }
            Effect::StillDying { job, pid } => self.still_dying(job, pid),
            Effect::Worker { worker, change } => self.worker_changed(worker, change),
            Effect::Report { id } => self.report(id),
            Effect::Answer { id, result } => self.answer(id, result),
            Effect::Down { reason } => self.down(reason),
            Effect::Paused => self.state.events.push(self.clock.now(), || ManagerEventKind::Paused),
            Effect::Resumed => self.state.events.push(self.clock.now(), || ManagerEventKind::Resumed),
            Effect::Degraded { reason } => self.degraded(reason),
            Effect::Recovered => {
                say!(info, "all workers are there again");
                self.broadcast_health("recovered", json!({}));
                self.state.events.push(self.clock.now(), || ManagerEventKind::Recovered);
            }
            Effect::Up => {
                self.broadcast_health("up", json!({}));
                self.state.events.push(self.clock.now(), || ManagerEventKind::Up);
            }
            Effect::RecyclingRefused { figures } => {
                say!(error, %figures, "a limit is not heeded");
                self.state.events.push(self.clock.now(), || ManagerEventKind::RecyclingRefused(figures));
            }
            Effect::Closed { still_dying } => self.close(still_dying),
        }
    }

    fn make_link(&mut self, worker: WorkerKey) {
        let maker = &self.core.settings.maker;
        // It is the host's code, under the lock: its worker is one that cannot be made.
        let prepared = hook("Maker::prepare", || maker.prepare());
        let process = prepared.unwrap_or_else(|panic| Arc::new(Unmade(panic.to_string())) as _);
        let link = Link::new(Arc::clone(&process));
        self.errands.push(Errand::Spawn(worker, process, Arc::clone(&link.catch_up)));
        self.state.links.insert(worker, link);
    }

    fn send(&mut self, worker: WorkerKey, request: RequestId, command: Command) {
        if let Command::Cancel { .. } = command {
            self.note_cancel(worker, |cancellation, at| cancellation.asked_at = Some(at));
        }
        let Some(message) = self.message(worker, request.0, command) else { return };
        let Some(wire) = self.state.links.get(&worker).and_then(|link| link.wire.as_ref()) else { return };
        match message {
            ToWorker::Execute(job) if has_large_part(&job.payload) => {
                wire.hold();
                self.errands.push(Errand::Deliver(worker, Arc::clone(wire), Box::new(job)));
            }
            message => note_sent(worker, wire.send(message)),
        }
    }

    fn message(&mut self, worker: WorkerKey, request: u64, command: Command) -> Option<ToWorker> {
        let reload_or_unload = |id| self.state.controls.get(&id).map(|call| &call.work);
        Some(match command {
            Command::Init => {
                let catalog = self.core.catalog();
                let wire = self.state.links.get(&worker)?.wire.as_ref()?;
                ToWorker::Init(Init {
                    request,
                    protocol: wire.protocol()?,
                    plugins: catalog.setups(),
                    only_these: catalog.is_complete(),
                    max_frame_bytes: self.core.settings.max_frame_bytes as u64,
                    // The configuration bounds it.
                    spin_ns: self.core.settings.spin.as_nanos() as u64,
                    shared_memory_bytes: wire.arena().bound() as u64,
                    // If one is offered, it goes with this message.
                    ring: false,
                })
            }
            Command::Execute { job, attempt } => {
                let active = self.state.active.get(&job)?;
                let name = self.state.plugin_keys.name(active.plugin);
                ToWorker::Execute(Execute {
                    request,
                    job,
                    attempt,
                    plugin: name.to_string(),
                    deadline_ms: self.state.ledger.timeout(job).map(milliseconds),
                    stream: self.core.supports_streaming(),
                    payload: active.payload.clone(),
                })
            }
            Command::Cancel { job } => ToWorker::Cancel { request, job },
            Command::Reload { id } | Command::Unload { id } => match reload_or_unload(id)? {
                ControlWork::Reload { name, config, .. } => {
                    ToWorker::Reload { request, plugin: name.clone(), config: config_text(config) }
                }
                ControlWork::Unload { name } => {
                    // From now on it holds nothing that an account should count.
                    if let Some(link) = self.state.links.get_mut(&worker) {
                        link.plugin.take_if(|(_, held)| **held == **name);
                    }
                    ToWorker::Unload { request, plugin: name.clone() }
                }
                ControlWork::GetState => ToWorker::GetState { request },
            },
            Command::GetState => ToWorker::GetState { request },
            Command::Ping => ToWorker::Ping { request },
            Command::Stop => ToWorker::Stop { request },
        })
    }

    fn publish(&mut self, job: JobId, change: JobChange) {
        let Some(cell) = self.state.active.get(&job).map(|active| Arc::clone(&active.cell)) else { return };
        let kind = match change {
            // Its log begins with that.
            JobChange::Queued => {
                let event = JobEvent { seq: 1, at: cell.created_at, kind: JobEventKind::Queued };
                return self.announce(&cell, event);
            }
            JobChange::Blocked(reason @ (BlockReason::Retry { .. } | BlockReason::Quarantined { .. })) => {
                self.run_failed(job, &reason);
                self.tell_dropped(&cell);
                JobEventKind::Blocked(reason)
            }
            JobChange::Released => {
                self.state.ledger.set_block_reason(job, None);
                JobEventKind::Released
            }
            JobChange::Blocked(reason) => {
                // It is asked about again and again; only news is told.
                if !self.state.ledger.set_block_reason(job, Some(reason.clone())) {
                    return;
                }
                JobEventKind::Blocked(reason)
            }
            JobChange::Started { worker, pid, attempt } => {
                self.state.ledger.mark_running(job, attempt, pid, self.clock.now());
                say!(debug, %job, plugin = %cell.plugin, %worker, pid, "started");
                self.grown = Some(Arc::clone(cell.log()));
                JobEventKind::Started { pid, attempt }
            }
            JobChange::Noted | JobChange::Chunk => {
                let Cargo::Event(kind) = self.cargo.take() else { return };
                self.grown = Some(Arc::clone(cell.log()));
                kind
            }
            JobChange::Cancelling => {
                self.state.ledger.mark_cancelling(job);
                JobEventKind::Cancelling
            }
        };
        self.tell(&cell, kind);
    }

    /// Records an event, and tells everybody who listens.
    pub(super) fn tell(&mut self, cell: &JobCell<J>, kind: JobEventKind) {
        let event = cell.log().push(self.clock.now(), kind);
        self.announce(cell, event);
    }

    fn announce(&mut self, cell: &JobCell<J>, event: JobEvent) {
        if self.core.notices.has_broadcaster()
            && let Some(data) = broadcast_data(cell, &event.kind)
        {
            let name = format!("{}:{}", self.core.worker_type(), event.kind.name());
            self.core.notices.broadcast(name, data);
        }
        self.state.events.push(event.at, || ManagerEventKind::Job {
            job: cell.id,
            plugin: cell.plugin.clone(),
            event,
        });
    }

    fn still_dying(&mut self, job: JobId, pid: Option<u32>) {
        let worker = self.state.active.get(&job).and_then(|active| active.worker);
        let refusal = worker.and_then(|worker| self.state.kill_refusal(worker));
        let active = self.state.active.get_mut(&job);
        let cancel = active.and_then(|active| active.cancel.as_mut());
        let waiters = cancel.map(|cancel| std::mem::take(&mut cancel.waiters));
        for waiter in waiters.unwrap_or_default() {
            // Whoever waited may have given up.
            let refusal = refusal.clone();
            let _ = waiter.send(Err(crate::CancelError::StillDying { job, pid, refusal }));
        }
    }

    fn report(&mut self, id: ControlId) {
        if let Cargo::Report(report) = self.cargo.take()
            && let Some(call) = self.state.controls.get_mut(&id)
        {
            call.reports.push(report);
        }
    }

    fn answer(&mut self, id: ControlId, result: Result<(), ControlFailure>) {
        let Some(call) = self.state.controls.remove(&id) else { return };
        if let (ControlWork::Reload { name, config, resource }, Ok(())) = (call.work, &result) {
            self.core.change_catalog(|catalog| catalog.configure(name, config, resource));
        }
        // Whoever asked may have given up.
        let _ = call.reply.send(result.map(|()| call.reports));
    }

    fn down(&mut self, reason: DownReason) {
        say!(error, %reason, "no worker is available any more");
        for waiter in self.state.ready_waiters.drain(..) {
            let _ = waiter.send(Err(LaunchError::Down(reason.clone())));
        }
        self.broadcast_health("down", json!({ "reason": reason.to_string() }));
        self.state.events.push(self.clock.now(), || ManagerEventKind::Down(reason));
    }

    fn degraded(&mut self, reason: DegradedReason) {
        say!(warn, %reason, "workers are missing; the others work on");
        self.broadcast_health("degraded", json!({ "reason": reason.to_string() }));
        self.state.events.push(self.clock.now(), || ManagerEventKind::Degraded(reason));
    }

    fn broadcast_health(&self, event: &str, data: serde_json::Value) {
        if self.core.notices.has_broadcaster() {
            self.core.notices.broadcast(format!("{}:{event}", self.core.worker_type()), data);
        }
    }

    fn close(&mut self, still_dying: Vec<u32>) {
        self.state.ready_waiters.clear();
        self.state.events.close();
        self.errands.push(Errand::Close(still_dying));
    }
}

/// What a broadcaster is told of an event; progress, chunks and log lines are for those who follow the job.
fn broadcast_data<J: JobType>(cell: &JobCell<J>, kind: &JobEventKind) -> Option<serde_json::Value> {
    let mut data = json!({ "job_id": cell.id, "plugin_id": cell.plugin });
    match kind {
        JobEventKind::Queued | JobEventKind::Completed | JobEventKind::Cancelled => {}
        JobEventKind::Started { pid, .. } => data["worker_pid"] = json!(pid),
        JobEventKind::Failed(failure) => {
            data["error"] = json!(failure.message);
            data["kind"] = json!(failure.kind);
        }
        _ => return None,
    }
    Some(data)
}

pub(super) fn note_sent(worker: WorkerKey, sent: Result<(), FrameError>) {
    if let Err(error) = sent {
        // Requests are measured before they are accepted; the answer that is missing will be missed.
        say!(error, %worker, %error, "a command cannot be sent");
    }
}

fn milliseconds(timeout: Duration) -> u64 {
    u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)
}
