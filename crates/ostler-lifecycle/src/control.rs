use std::collections::BTreeMap;
use std::time::Instant;

use crate::{ControlId, ControlOperation, RequestId, WorkerKey};

/// A reload, an unload or a question for state on its way through the pool.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) id: ControlId,
    pub(crate) operation: ControlOperation,
    pub(crate) deadline: Instant,
    targets: BTreeMap<WorkerKey, Target>,
    /// A worker that was told has gone without an answer, perhaps because of what it was told. If nobody else is left to do
    /// it, the operation has failed: it is not tried on the next worker.
    lost: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Target {
    /// Its turn comes when it is idle.
    Waiting,
    /// Told, and when.
    Sent(RequestId, Instant),
    Done(Result<(), String>),
}

impl Control {
    pub(crate) fn new(id: ControlId, operation: ControlOperation, deadline: Instant) -> Self {
        Self { id, operation, deadline, targets: BTreeMap::new(), lost: false }
    }

    pub(crate) fn add(&mut self, worker: WorkerKey) {
        self.targets.insert(worker, Target::Waiting);
    }

    pub(crate) fn waits_for(&self, worker: WorkerKey) -> bool {
        self.targets.get(&worker) == Some(&Target::Waiting)
    }

    pub(crate) fn sent(&mut self, worker: WorkerKey, request: RequestId, at: Instant) {
        self.targets.insert(worker, Target::Sent(request, at));
    }

    /// Notes the answer; false if nobody asked for it.
    pub(crate) fn answered(
        &mut self,
        worker: WorkerKey,
        request: RequestId,
        result: Result<(), String>,
    ) -> bool {
        let asked = matches!(self.targets.get(&worker), Some(Target::Sent(of, _)) if *of == request);
        if asked {
            self.targets.insert(worker, Target::Done(result));
        }
        asked
    }

    /// The worker is gone: it need not answer any more.
    pub(crate) fn forget(&mut self, worker: WorkerKey) {
        if !matches!(self.targets.get(&worker), Some(Target::Done(_))) {
            self.lost |= matches!(self.targets.remove(&worker), Some(Target::Sent(..)));
        }
    }

    /// Whether the next worker may do it when all that were to do it are gone. A question for state is only for workers that
    /// are ready.
    pub(crate) fn may_wait(&self) -> bool {
        !self.lost && self.operation != ControlOperation::GetState
    }

    /// The verdict, once nobody is awaited.
    pub(crate) fn verdict(&self) -> Option<Result<(), ControlFailure>> {
        if self.targets.is_empty() {
            return Some(Err(ControlFailure::NoLiveWorker));
        }
        let mut verdict = Ok(());
        for target in self.targets.values() {
            match target {
                Target::Waiting | Target::Sent(..) => return None,
                Target::Done(Ok(())) => {}
                Target::Done(Err(why)) => verdict = Err(ControlFailure::Plugin(why.clone())),
            }
        }
        Some(verdict)
    }

    /// The workers that carried it out.
    pub(crate) fn succeeded(&self) -> impl Iterator<Item = WorkerKey> {
        self.targets.iter().filter(|(_, target)| **target == Target::Done(Ok(()))).map(|(&worker, _)| worker)
    }

    /// The workers that were told and have not answered, and when they were told.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = (WorkerKey, Instant)> {
        self.targets.iter().filter_map(|(&worker, target)| match target {
            Target::Sent(_, at) => Some((worker, *at)),
            Target::Waiting | Target::Done(_) => None,
        })
    }
}

/// Why an operation on the pool is answered with no.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ControlFailure {
    /// No worker did it: none is alive, or the one that was told died before it answered.
    #[error("no worker is alive")]
    NoLiveWorker,
    /// A worker did not do it in time, or none came in time.
    #[error("a worker did not answer in time")]
    TimedOut,
    /// The plugin said no.
    #[error("{0}")]
    Plugin(String),
    /// The manager shut down.
    #[error("the manager is shut down")]
    ShutDown,
}
