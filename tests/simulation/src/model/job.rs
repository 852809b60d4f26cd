use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_lifecycle::{
    Category, FailureKind, Outcome, PluginKey, Priority, RetryPolicy, Submit, Ticket, WorkerKey,
};

use super::runs::{Next, Runs};

/// A job that was accepted and has not ended.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Which submit it was.
    pub(crate) order: u64,
    pub(crate) plugin: PluginKey,
    pub(crate) priority: Priority,
    /// When its turn comes, if priorities age.
    pub(crate) rank: Option<Duration>,
    /// Until when it must have begun for the first time.
    pub(crate) start_by: Option<Instant>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) stall_timeout: Option<Duration>,
    pub(crate) policy: Arc<RetryPolicy>,
    pub(crate) stage: Stage,
    /// Which attempt comes, or goes on.
    pub(crate) attempt: u32,
    /// How the earlier ones ended, since it was let out of quarantine last.
    pub(crate) runs: Runs,
    /// How the last one ended.
    pub(crate) evidence: Option<FailureKind>,
    /// A worker named it: that this attempt never began is not certain any more.
    pub(crate) begun: bool,
    pub(crate) cancel_asked: bool,
    pub(crate) question: Option<Question>,
    /// Whether it is blocked cannot be said: something was freed in the step in which the hook's time was up.
    pub(crate) unsure: bool,
}

/// An open question to the hook.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) ticket: Ticket,
    pub(crate) asked_at: Instant,
    /// How many free workers had been lost when it was asked.
    pub(crate) losses: u64,
    /// The workers that suit the job best, if that can be said from outside.
    pub(crate) best: Option<Vec<WorkerKey>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Waits, perhaps for a resource.
    Pending {
        blocked: bool,
    },
    /// Its next attempt comes then.
    Delayed {
        until: Instant,
    },
    Quarantined,
    Sent(WorkerKey),
    Running(WorkerKey),
    Cancelling(WorkerKey),
}

impl Job {
    pub(crate) fn new(order: u64, submit: &Submit, policy: &Arc<RetryPolicy>, now: Instant) -> Self {
        Self {
            order,
            plugin: submit.plugin,
            priority: submit.priority,
            rank: None,
            start_by: submit.queue_timeout.map(|patience| now + patience),
            timeout: submit.timeout,
            stall_timeout: submit.stall_timeout,
            policy: Arc::clone(submit.retry.as_ref().unwrap_or(policy)),
            stage: Stage::Pending { blocked: false },
            attempt: 1,
            runs: Runs::default(),
            evidence: None,
            begun: false,
            cancel_asked: false,
            question: None,
            unsure: false,
        }
    }

    /// Whether it must start before the other one, if both may.
    pub(crate) fn precedes(&self, other: &Self) -> bool {
        if self.priority == other.priority {
            return self.order < other.order;
        }
        match (self.rank, other.rank) {
            // Of two that come in one moment either may be first.
            (Some(rank), Some(others)) => rank + Duration::from_millis(1) < others,
            _ => self.priority > other.priority,
        }
    }

    /// Waits for a worker: not for its time, and not in quarantine.
    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.stage, Stage::Pending { .. })
    }

    pub(crate) fn is_delayed(&self) -> bool {
        matches!(self.stage, Stage::Delayed { .. })
    }

    /// Pending, not blocked and not asked about.
    pub(crate) fn is_ready(&self) -> bool {
        self.stage == Stage::Pending { blocked: false } && self.question.is_none() && !self.unsure
    }

    /// Whether the hook is asked under this name.
    pub(crate) fn is_asked(&self, ticket: Ticket) -> bool {
        self.question.as_ref().is_some_and(|question| question.ticket == ticket)
    }

    pub(crate) fn worker(&self) -> Option<WorkerKey> {
        match self.stage {
            Stage::Pending { .. } | Stage::Delayed { .. } | Stage::Quarantined => None,
            Stage::Sent(worker) | Stage::Running(worker) | Stage::Cancelling(worker) => Some(worker),
        }
    }

    /// What must become of it if this run ends like this.
    pub(crate) fn next(&self, kind: FailureKind, category: Category) -> Next {
        self.runs.and(kind).next(&self.policy, kind, category)
    }

    /// It waits again, for another attempt or for the same one.
    pub(crate) fn waits_again(&mut self, stage: Stage) {
        self.stage = stage;
        self.begun = false;
        self.question = None;
        self.unsure = false;
    }
}

/// What must become of a job in the step that is being judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Due {
    Completed,
    Cancelled,
    /// It ends with this.
    Failed(FailureKind),
    /// Its run has failed; its policy says what that means.
    RunFailed(FailureKind, Category),
    /// It came back to the queue too late for its first start.
    Overdue,
}

impl Due {
    /// Whether a job may end like this, apart from what its policy says.
    pub(crate) fn is(self, outcome: &Outcome, down: bool, ending: bool) -> bool {
        match (self, outcome) {
            (Self::Completed, Outcome::Completed) | (Self::Cancelled, Outcome::Cancelled(_)) => true,
            (Self::Failed(kind) | Self::RunFailed(kind, _), Outcome::Failed(failure)) => failure.kind == kind,
            (Self::Overdue, Outcome::Failed(failure)) => match failure.kind {
                FailureKind::TimedOut => true,
                FailureKind::WorkerUnavailable => down,
                FailureKind::Interrupted => ending,
                _ => false,
            },
            _ => false,
        }
    }
}
