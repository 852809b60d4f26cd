use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use ostler_lifecycle::{Category, FailureKind, JobFailure, JobId, JobStatus};
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id};

use crate::job::Ledger;
use crate::{Job, JobType};

/// What a tracker's lock protects. No code of the user's tasks runs in here.
pub(super) struct State<J: JobType> {
    pub(super) ledger: Ledger<J>,
    tasks: HashMap<JobId, Tasks>,
}

/// The live tasks of a job. Each has a guard that calls [`State::task_ended`].
struct Tasks {
    aborts: Vec<AbortHandle>,
    /// The job's terminal status, for all that wait for its cancel.
    outcome: watch::Sender<Option<JobStatus>>,
}

/// What becomes of a task that is handed in.
pub(super) enum Adoption {
    /// The job runs with it.
    Running,
    /// The job is being cancelled: it must end, and the cancel waits for that.
    Ending,
    /// The job is cancelled already: it must end.
    TooLate,
    /// The job is unknown, or ended by itself: this task is none of ours.
    Refused,
}

pub(super) enum Cancel {
    Refused,
    Done,
    Waits { aborts: Vec<AbortHandle>, outcome: watch::Receiver<Option<JobStatus>> },
}

/// How a task ended.
pub(super) enum TaskEnd {
    Returned,
    Panicked(String),
    Aborted,
    /// Its runtime went away before anybody saw it end.
    Unseen,
}

impl<J: JobType> State<J> {
    pub(super) fn new(finished_kept: usize) -> Self {
        Self { ledger: Ledger::new(finished_kept), tasks: HashMap::new() }
    }

    pub(super) fn adopt(&mut self, id: JobId, task: AbortHandle, at: Timestamp) -> Adoption {
        let adoption = match self.ledger.status(id) {
            Some(JobStatus::Pending) => {
                self.ledger.mark_running(id, 1, None, at);
                Adoption::Running
            }
            Some(JobStatus::Running) => Adoption::Running,
            Some(JobStatus::Cancelling) => Adoption::Ending,
            Some(JobStatus::Cancelled) => return Adoption::TooLate,
            Some(JobStatus::Completed | JobStatus::Failed) | None => return Adoption::Refused,
        };
        let new = || Tasks { aborts: Vec::with_capacity(1), outcome: watch::Sender::new(None) };
        self.tasks.entry(id).or_insert_with(new).aborts.push(task);
        adoption
    }

    pub(super) fn begin_cancel(&mut self, id: JobId, at: Timestamp) -> Cancel {
        let tasks = self.tasks.get(&id);
        match (self.ledger.status(id), tasks) {
            (Some(JobStatus::Running | JobStatus::Cancelling), Some(tasks)) => {
                self.ledger.mark_cancelling(id);
                Cancel::Waits { aborts: tasks.aborts.clone(), outcome: tasks.outcome.subscribe() }
            }
            (Some(status), _) if !status.is_terminal() => {
                self.finish(id, |ledger| ledger.mark_cancelled(id, at));
                Cancel::Done
            }
            _ => Cancel::Refused,
        }
    }

    /// Ends a job in the way of `mark`, and answers those that wait for its cancel. None if nothing changed.
    pub(super) fn finish(
        &mut self,
        id: JobId,
        mark: impl FnOnce(&mut Ledger<J>) -> bool,
    ) -> Option<Arc<Job<J>>> {
        if !mark(&mut self.ledger) {
            return None;
        }
        let job = self.ledger.get(id).or_else(|| self.ledger.take_evicted())?;
        if let Some(tasks) = self.tasks.get(&id) {
            tasks.outcome.send_replace(Some(job.status));
        }
        Some(job)
    }

    pub(super) fn task_ended(&mut self, id: JobId, task: Id, end: TaskEnd, at: Timestamp) {
        let Some(tasks) = self.tasks.get_mut(&id) else { return };
        tasks.aborts.retain(|abort| abort.id() != task);
        let was_last = tasks.aborts.is_empty();
        let interrupted = |message| JobFailure::new(FailureKind::Interrupted, Category::Transient, message);
        let failure = match (self.ledger.status(id), end) {
            (Some(JobStatus::Cancelling), TaskEnd::Returned | TaskEnd::Aborted | TaskEnd::Panicked(_)) => {
                if was_last {
                    self.finish(id, |ledger| ledger.mark_cancelled(id, at));
                }
                None
            }
            (Some(JobStatus::Running), TaskEnd::Panicked(message)) => {
                Some(JobFailure::new(FailureKind::Panicked, Category::Fatal, message))
            }
            (Some(JobStatus::Running), TaskEnd::Aborted) if was_last => {
                Some(interrupted("its task was aborted"))
            }
            (Some(JobStatus::Running | JobStatus::Cancelling), TaskEnd::Unseen) => {
                Some(interrupted("the runtime was shut down under its task"))
            }
            // One that returned may have left the result to somebody who is about to hand it in.
            _ => None,
        };
        if let Some(failure) = failure {
            self.finish(id, |ledger| ledger.mark_failed(id, Box::new(failure), at));
        }
        if was_last {
            self.tasks.remove(&id);
        }
    }
}
