use std::sync::Arc;

use jiff::Timestamp;
use ostler_lifecycle::{
    Command, ControlFailure, ControlId, DownReason, Effect, JobChange, JobId, RequestId, WorkerChange,
    WorkerKey,
};
use ostler_wire::{Execute, Init, ToWorker};
use serde_json::json;

use super::cargo::Cargo;
use super::catalog::config_text;
use super::control::ControlWork;
use super::errand::{Errand, Errands};
use super::link::Link;
use super::state::State;
use super::{Core, JobCell};
use crate::events::{EventLog, JobEventKind, ManagerEvent, WorkerEvent};
use crate::integration::{WorkerPhase, WorkerState};
use crate::process::Process;
use crate::{JobType, LaunchError, WorkerStartError};

/// The carrying out of what one input led to. It runs under the lock and never blocks.
pub(super) struct Step<'a, J: JobType> {
    pub(super) core: &'a Arc<Core<J>>,
    pub(super) state: &'a mut State<J>,
    /// What came with the input.
    pub(super) cargo: Cargo<J>,
    pub(super) at: Timestamp,
    pub(super) errands: &'a mut Errands<J>,
    pub(super) grown: Option<Arc<EventLog>>,
}

impl<J: JobType> Step<'_, J> {
    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Spawn { worker } => self.make_link(worker),
            Effect::Send { worker, request, command } => self.send(worker, request, command),
            Effect::Kill { worker } => {
                if let Some(link) = self.state.links.get(&worker) {
                    link.process.kill();
                }
            }
            Effect::AskAdmission { job, ticket } => self.errands.push(Errand::Ask(job, ticket)),
            Effect::Publish { job, change } => self.publish(job, change),
            Effect::Settle { job, outcome } => self.settle(job, outcome),
            // Jobs are submitted under the lock under which `can_accept` said yes.
            Effect::Reject { job, rejection } => {
                tracing::error!(%job, %rejection, "an accepted job was rejected")
            }
            Effect::StillDying { job, pid } => self.still_dying(job, pid),
            Effect::Worker { worker, change } => self.worker_changed(worker, change),
            Effect::Report { id } => self.report(id),
            Effect::Answer { id, result } => self.answer(id, result),
            Effect::Down { reason } => self.down(reason),
            Effect::Up => self.state.publish(|| ManagerEvent::Up),
            Effect::Closed { still_dying } => self.close(still_dying),
        }
    }

    fn make_link(&mut self, worker: WorkerKey) {
        let process = Process::new();
        self.state.links.insert(worker, Link::new(process.clone()));
        self.errands.push(Errand::Spawn(worker, process));
    }

    fn send(&mut self, worker: WorkerKey, request: RequestId, command: Command) {
        let Some(message) = self.message(worker, request.0, command) else { return };
        let Some(wire) = self.state.links.get(&worker).and_then(|link| link.wire.as_ref()) else { return };
        if let Err(error) = wire.send(&message) {
            // Requests are measured before they are accepted; the answer that is missing will be missed.
            tracing::error!(%worker, %error, "a command cannot be sent");
        }
    }

    fn message(&mut self, worker: WorkerKey, request: u64, command: Command) -> Option<ToWorker> {
        let reload_or_unload = |id| self.state.controls.get(&id).map(|call| &call.work);
        Some(match command {
            Command::Init => {
                let catalog = self.core.catalog();
                ToWorker::Init(Init {
                    request,
                    plugins: catalog.setups(),
                    only_these: catalog.is_complete(),
                    max_frame_bytes: self.core.settings.max_frame_bytes as u64,
                })
            }
            Command::Execute { job, attempt } => {
                let active = self.state.active.get_mut(&job)?;
                let link = self.state.links.get_mut(&worker)?;
                active.worker = Some(worker);
                link.plugin = Some((active.cell.plugin.clone(), Arc::clone(&active.plugin_name)));
                ToWorker::Execute(Execute {
                    request,
                    job: job.as_uuid(),
                    attempt,
                    plugin: active.plugin_name.to_string(),
                    deadline_ms: active.deadline_ms,
                    stream: self.core.supports_streaming(),
                    payload: active.payload.clone(),
                })
            }
            Command::Cancel { job } => ToWorker::Cancel { request, job: job.as_uuid() },
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
            Command::Stop => ToWorker::Stop { request },
        })
    }

    fn publish(&mut self, job: JobId, change: JobChange) {
        let Some(cell) = self.state.active.get(&job).map(|active| Arc::clone(&active.cell)) else { return };
        let kind = match change {
            JobChange::Queued => JobEventKind::Queued,
            JobChange::Blocked(reason) => {
                // It is asked about again and again; only news is told.
                if !self.state.ledger.set_block_reason(job, Some(reason.clone())) {
                    return;
                }
                JobEventKind::Blocked(reason)
            }
            JobChange::Started { worker, pid, attempt } => {
                self.state.ledger.mark_running(job, attempt, pid, self.at);
                tracing::debug!(%job, plugin = %cell.plugin, %worker, pid, "started");
                JobEventKind::Started { pid, attempt }
            }
            JobChange::Noted | JobChange::Chunk => {
                let Cargo::Event(kind) = self.cargo.take() else { return };
                self.grown = Some(Arc::clone(&cell.log));
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
        let event = cell.log.push(self.at, kind);
        if self.core.notices.has_broadcaster()
            && let Some(data) = broadcast_data(cell, &event.kind)
        {
            let name = format!("{}:{}", self.core.worker_type(), event.kind.name());
            self.core.notices.broadcast(name, data);
        }
        self.state.publish(|| ManagerEvent::Job { job: cell.id, plugin: cell.plugin.clone(), event });
    }

    fn still_dying(&mut self, job: JobId, pid: Option<u32>) {
        let waiters =
            self.state.active.get_mut(&job).map(|active| std::mem::take(&mut active.cancel_waiters));
        for waiter in waiters.unwrap_or_default() {
            // Whoever waited may have given up.
            let _ = waiter.send(Err(crate::CancelError::StillDying { job, pid }));
        }
    }

    fn worker_changed(&mut self, worker: WorkerKey, change: WorkerChange) {
        let (phase, job, cause) = match &change {
            WorkerChange::Spawned { pid } => {
                if let Some(link) = self.state.links.get_mut(&worker) {
                    link.pid = Some(*pid);
                }
                (WorkerPhase::Starting, None, None)
            }
            WorkerChange::Loading => (WorkerPhase::Loading, None, None),
            WorkerChange::Idle => {
                self.worker_is_ready(worker);
                (WorkerPhase::Idle, None, None)
            }
            WorkerChange::Busy { job } => (WorkerPhase::Busy, Some(*job), None),
            WorkerChange::Draining => (WorkerPhase::Draining, None, None),
            WorkerChange::Gone { cause, exit, .. } => (WorkerPhase::Gone, None, Some(cause.describe(exit))),
        };
        let catalog = self.core.catalog();
        let resource = |name: &str| Arc::clone(catalog.resource(name));
        let known = self.state.worker(self.core.worker_type(), worker, phase, resource);
        let state = WorkerState { job, ..known };
        match &change {
            WorkerChange::Spawned { .. } => self.core.notices.register(&state),
            WorkerChange::Gone { .. } => self.core.notices.unregister(&state),
            _ => self.core.notices.update(&state),
        }
        if let WorkerChange::Gone { exit, was_ready, .. } = change {
            self.worker_is_gone(worker, &state, cause.as_deref().unwrap_or_default(), exit, was_ready);
        }
        self.tell_of_worker(state, cause);
    }

    fn worker_is_ready(&mut self, worker: WorkerKey) {
        if let Some(link) = self.state.links.get_mut(&worker) {
            link.is_ready = true;
        }
        if let Cargo::Manifests(manifests) = &mut self.cargo {
            let manifests = std::mem::take(manifests);
            self.core.change_catalog(|catalog| catalog.set_manifests(manifests));
        }
        for waiter in self.state.ready_waiters.drain(..) {
            let _ = waiter.send(Ok(()));
        }
    }

    fn worker_is_gone(
        &mut self,
        worker: WorkerKey,
        state: &WorkerState,
        cause: &str,
        exit: ostler_lifecycle::WorkerExit,
        was_ready: bool,
    ) {
        self.state.links.remove(&worker);
        tracing::info!(%worker, pid = state.pid, cause, "worker gone");
        // Another one that is on its way may still become ready.
        if was_ready || self.state.links.values().any(|link| !link.is_ready) {
            return;
        }
        let error = WorkerStartError {
            command: self.core.settings.command_text.clone(),
            pid: state.pid,
            cause: cause.to_owned(),
            status: exit.status,
            stderr_tail: exit.stderr_tail,
        };
        for waiter in self.state.ready_waiters.drain(..) {
            let _ = waiter.send(Err(LaunchError::WorkerStart(Box::new(error.clone()))));
        }
    }

    fn tell_of_worker(&mut self, state: WorkerState, cause: Option<String>) {
        tracing::debug!(slot = %state.slot, pid = state.pid, phase = %state.phase, "worker");
        if self.core.notices.has_broadcaster() {
            let data = json!({ "worker": state, "cause": cause });
            self.core.notices.broadcast(format!("{}:worker_{}", state.worker_type, state.phase), data);
        }
        self.state.publish(|| ManagerEvent::Worker(WorkerEvent { state, cause }));
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
        tracing::error!(%reason, "no worker is available any more");
        for waiter in self.state.ready_waiters.drain(..) {
            let _ = waiter.send(Err(LaunchError::Down(reason.clone())));
        }
        if self.core.notices.has_broadcaster() {
            let name = format!("{}:down", self.core.worker_type());
            self.core.notices.broadcast(name, json!({ "reason": reason.to_string() }));
        }
        self.state.publish(|| ManagerEvent::Down(reason));
    }

    fn close(&mut self, still_dying: Vec<u32>) {
        self.state.ready_waiters.clear();
        self.state.events = None;
        self.core.close(still_dying);
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
