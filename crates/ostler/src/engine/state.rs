use std::collections::HashMap;
use std::sync::Arc;

use ostler_lifecycle::{ControlId, Effect, JobId, JobTable, Machine, SlotPhase, WorkerKey};
use tokio::sync::oneshot;

use super::active::Active;
use super::control::ControlCall;
use super::core::Settings;
use super::expiry::Expiry;
use super::link::Link;
use super::plugin_keys::PluginKeys;
use super::timer::Alarm;
use crate::events::{Archive, ManagerLog};
use crate::integration::{WorkerPhase, WorkerState};
use crate::job::Ledger;
use crate::{JobType, LaunchError};

/// What the lock guards. The lock is held for short, never over an await, and never while the host's code runs, but for
/// the clone of a job's spec when somebody still holds the record that changes (if that panics, the record stays as it is),
/// and what a maker of workers does at once: to name one, and to kill one.
pub(super) struct State<J: JobType> {
    pub(super) machine: Machine,
    pub(super) ledger: Ledger<J>,
    /// The logs of the jobs that have ended and are in the ledger.
    pub(super) archive: Archive,
    pub(super) active: JobTable<Active<J>>,
    pub(super) links: HashMap<WorkerKey, Link>,
    pub(super) controls: HashMap<ControlId, ControlCall>,
    pub(super) controls_made: u64,
    /// Those who wait for a worker to become ready, or for the news that none does.
    pub(super) ready_waiters: Vec<oneshot::Sender<Result<(), LaunchError>>>,
    pub(super) plugin_keys: PluginKeys,
    /// The workers as the resource hook sees them, until one of them changes.
    pub(super) workers: Option<Arc<[WorkerState]>>,
    /// The jobs that died with a worker of which it is not known yet what had left its group.
    pub(super) unswept: HashMap<WorkerKey, JobId>,
    /// Whether memory is being measured.
    pub(super) is_measured: bool,
    pub(super) expiry: Expiry,
    /// What the timer is set for.
    pub(super) alarm: Alarm,
    /// It is closed when the manager is.
    pub(super) events: ManagerLog,
    /// Scratch space.
    pub(super) effects: Vec<Effect>,
}

impl<J: JobType> State<J> {
    pub(super) fn new(
        machine: Machine,
        plugin_keys: PluginKeys,
        finished_kept: usize,
        expiry: Expiry,
    ) -> Self {
        Self {
            machine,
            ledger: Ledger::new(finished_kept),
            archive: Archive::default(),
            active: JobTable::default(),
            links: HashMap::new(),
            controls: HashMap::new(),
            controls_made: 0,
            ready_waiters: Vec::new(),
            plugin_keys,
            workers: None,
            unswept: HashMap::new(),
            is_measured: false,
            expiry,
            alarm: Alarm::default(),
            events: ManagerLog::default(),
            effects: Vec::new(),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.events.is_closed()
    }

    /// Why the system refused to kill this worker, if it did and the worker lives because of that.
    pub(super) fn kill_refusal(&self, worker: WorkerKey) -> Option<String> {
        self.links.get(&worker)?.process.refusal().map(|refusal| refusal.to_string())
    }

    /// The workers that are there, as the machine sees them.
    pub(super) fn look_at_workers(
        &self,
        settings: &Settings,
        resource: impl Fn(&str) -> Arc<str>,
    ) -> Arc<[WorkerState]> {
        let slots = self.machine.slots();
        let worker = |slot: ostler_lifecycle::SlotView| {
            let phase = match slot.phase {
                SlotPhase::Empty => return None,
                SlotPhase::Starting => WorkerPhase::Starting,
                SlotPhase::Loading => WorkerPhase::Loading,
                SlotPhase::Idle => WorkerPhase::Idle,
                SlotPhase::Busy => WorkerPhase::Busy,
                SlotPhase::Ending => WorkerPhase::Draining,
            };
            Some(WorkerState { job: slot.job, ..self.worker(settings, slot.worker, phase, &resource) })
        };
        slots.filter_map(worker).collect()
    }

    pub(super) fn worker(
        &self,
        settings: &Settings,
        worker: WorkerKey,
        phase: WorkerPhase,
        resource: impl Fn(&str) -> Arc<str>,
    ) -> WorkerState {
        let link = self.links.get(&worker);
        let plugin = link.and_then(|link| link.plugin.as_ref());
        WorkerState {
            manager: settings.id,
            worker_type: settings.worker_type.clone(),
            slot: worker.slot,
            generation: worker.generation,
            pid: link.and_then(|link| link.pid),
            phase,
            plugin: plugin.map(|(id, _)| id.clone()),
            resource: plugin.map(|(_, name)| resource(name).to_string()),
            job: None,
        }
    }
}
