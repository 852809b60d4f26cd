use std::time::Duration;

use ostler_lifecycle::{FailureKind, Outcome, Priority, Ticket, WorkerKey};

/// A job that was accepted and has not ended.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Which submit it was.
    pub(crate) order: u64,
    pub(crate) priority: Priority,
    pub(crate) timeout: Option<Duration>,
    pub(crate) stage: Stage,
    /// A worker named it: that it never began is not certain any more.
    pub(crate) begun: bool,
    pub(crate) cancel_asked: bool,
    /// The open question to the hook, and how many free workers had been lost when it was asked.
    pub(crate) question: Option<(Ticket, u64)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Waits, perhaps for a resource.
    Pending {
        blocked: bool,
    },
    Sent(WorkerKey),
    Running(WorkerKey),
    Cancelling(WorkerKey),
}

impl Job {
    /// Whether it must start before the other one, if both may.
    pub(crate) fn precedes(&self, other: &Self) -> bool {
        self.priority > other.priority || (self.priority == other.priority && self.order < other.order)
    }

    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.stage, Stage::Pending { .. })
    }

    /// Pending, not blocked and not asked about.
    pub(crate) fn is_ready(&self) -> bool {
        self.stage == Stage::Pending { blocked: false } && self.question.is_none()
    }

    pub(crate) fn worker(&self) -> Option<WorkerKey> {
        match self.stage {
            Stage::Pending { .. } => None,
            Stage::Sent(worker) | Stage::Running(worker) | Stage::Cancelling(worker) => Some(worker),
        }
    }
}

/// How a job must end, in the step that is being judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Due {
    Completed,
    /// With the error that its worker sent.
    FailedByPlugin,
    Failed(FailureKind),
    Cancelled,
}

impl Due {
    pub(crate) fn is(self, outcome: &Outcome) -> bool {
        match (self, outcome) {
            (Self::Completed, Outcome::Completed) | (Self::Cancelled, Outcome::Cancelled) => true,
            (Self::FailedByPlugin, Outcome::Failed(failure)) => failure.kind == FailureKind::Plugin,
            (Self::Failed(kind), Outcome::Failed(failure)) => failure.kind == kind,
            _ => false,
        }
    }
}
