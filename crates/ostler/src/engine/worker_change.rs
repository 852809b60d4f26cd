use std::sync::Arc;

use ostler_lifecycle::{EndCause, EndReason, ExitStatus, JobId, WorkerChange, WorkerExit, WorkerKey};
use ostler_process::refusing_limits;
use serde_json::json;

use super::cargo::Cargo;
use super::perform::Step;
use super::state::State;
use crate::caught::say;
use crate::events::{ManagerEventKind, WorkerEvent};
use crate::integration::{WorkerPhase, WorkerState};
use crate::{JobType, LaunchError, PluginManifest, WorkerStartError};

impl<J: JobType> Step<'_, J> {
    pub(super) fn worker_changed(&mut self, worker: WorkerKey, change: WorkerChange) {
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
            WorkerChange::Busy { job } => {
                self.worker_is_busy(worker, *job);
                (WorkerPhase::Busy, Some(*job), None)
            }
            WorkerChange::Draining { .. } => (WorkerPhase::Draining, None, None),
            // Listeners are told when it is gone, and not before.
            WorkerChange::GivenUp { reason } => return self.worker_is_given_up(worker, reason),
            WorkerChange::Gone { cause, exit, .. } => (WorkerPhase::Gone, None, Some(cause.describe(exit))),
        };
        if cause.is_none() && !self.is_anybody_told_of_workers() {
            return;
        }
        let catalog = self.core.catalog();
        let resource = |name: &str| Arc::clone(catalog.resource(name));
        let known = self.state.worker(&self.core.settings, worker, phase, resource);
        let state = WorkerState { job, ..known };
        match &change {
            WorkerChange::Spawned { .. } => self.core.notices.register(&state),
            WorkerChange::Gone { .. } => self.core.notices.unregister(&state),
            _ => self.core.notices.update(&state),
        }
        if let WorkerChange::Gone { cause, exit, was_ready } = change {
            // Who waits for the launch is told the last lines apart.
            let brief = cause.describe_briefly(&exit);
            let met_limits = !matches!(cause, EndCause::SpawnFailed(_));
            self.worker_is_gone(worker, &state, &brief, met_limits, exit, was_ready);
        }
        self.tell_of_worker(state, cause);
    }

    /// With each job its worker becomes busy, and idle again: that is put into words only for those who listen.
    fn is_anybody_told_of_workers(&self) -> bool {
        self.core.notices.has_listener()
            || self.state.events.has_reader()
            || tracing::enabled!(tracing::Level::DEBUG)
    }

    fn worker_is_ready(&mut self, worker: WorkerKey) {
        if let Some(link) = self.state.links.get_mut(&worker) {
            link.is_coming = false;
        }
        if let Cargo::Manifests(manifests) = &mut self.cargo {
            let manifests = std::mem::take(manifests);
            self.warn_of_unknown_limits(&manifests);
            self.core.change_catalog(|catalog| catalog.set_manifests(manifests));
        }
        for waiter in self.state.ready_waiters.drain(..) {
            let _ = waiter.send(Ok(()));
        }
    }

    /// The first worker that is ready shows what plugins there are.
    fn warn_of_unknown_limits(&self, manifests: &[PluginManifest]) {
        if self.core.catalog().are_manifests_known() {
            return;
        }
        let known: Vec<_> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
        for plugin in self.core.settings.limited_plugins.iter().filter(|name| !known.contains(&name.as_str()))
        {
            say!(
                warn,
                plugin,
                ?known,
                "plugin_limits names a plugin that no worker has: nothing is limited by it"
            );
        }
    }

    fn worker_is_busy(&mut self, worker: WorkerKey, job: JobId) {
        let State { active, links, plugin_keys, .. } = &mut *self.state;
        if let (Some(active), Some(link)) = (active.get_mut(&job), links.get_mut(&worker)) {
            active.worker = Some(worker);
            link.plugin = Some((active.cell.plugin.clone(), plugin_keys.name(active.plugin)));
        }
    }

    fn worker_is_gone(
        &mut self,
        worker: WorkerKey,
        state: &WorkerState,
        cause: &str,
        met_limits: bool,
        exit: WorkerExit,
        was_ready: bool,
    ) {
        self.state.links.remove(&worker);
        say!(info, %worker, pid = state.pid, cause, "worker gone");
        if was_ready {
            return;
        }
        // One that was not even made has not met them, or says so itself.
        let limits = refusing_limits(&self.core.settings.command.limits).filter(|_| met_limits);
        let cause = limits.map_or(cause.to_owned(), |limits| format!("{cause} (its limits: {limits})"));
        self.start_has_failed(state.pid, cause, exit);
    }

    fn worker_is_given_up(&mut self, worker: WorkerKey, reason: &EndReason) {
        let Some(link) = self.state.links.get_mut(&worker) else { return };
        let pid = link.pid;
        let was_coming = std::mem::take(&mut link.is_coming);
        say!(error, %worker, pid, %reason, "a worker was killed and does not die");
        if was_coming {
            let exit = WorkerExit::bare(ExitStatus::Unknown);
            self.start_has_failed(pid, format!("{reason}, and does not die"), exit);
        }
    }

    /// Whoever waits for a worker is told why this one does not come, unless another one may.
    fn start_has_failed(&mut self, pid: Option<u32>, cause: String, exit: WorkerExit) {
        if self.state.links.values().any(|link| link.is_coming) {
            return;
        }
        let command = self.core.settings.command_text.clone();
        let WorkerExit { status, stderr_tail, .. } = exit;
        let error = WorkerStartError { command, pid, cause, status, stderr_tail };
        for waiter in self.state.ready_waiters.drain(..) {
            let _ = waiter.send(Err(LaunchError::WorkerStart(Box::new(error.clone()))));
        }
    }

    fn tell_of_worker(&mut self, state: WorkerState, cause: Option<String>) {
        say!(debug, slot = %state.slot, pid = state.pid, phase = %state.phase, "worker");
        if self.core.notices.has_broadcaster() {
            let data = json!({ "worker": state, "cause": cause });
            self.core.notices.broadcast(format!("{}:worker_{}", state.worker_type, state.phase), data);
        }
        self.state.events.push(self.clock.now(), || ManagerEventKind::Worker(WorkerEvent { state, cause }));
    }
}
