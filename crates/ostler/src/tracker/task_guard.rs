use ostler_lifecycle::JobId;
use tokio::task::{Id, JoinError, JoinHandle};

use super::JobTracker;
use super::state::TaskEnd;
use crate::JobType;
use crate::job::panic_message;

/// Tells the tracker that a task ended, whatever happens to the one who watches it.
pub(super) struct TaskGuard<J: JobType> {
    tracker: JobTracker<J>,
    job: JobId,
    task: Id,
    end: Option<TaskEnd>,
}

impl<J: JobType> TaskGuard<J> {
    pub(super) fn new(tracker: JobTracker<J>, job: JobId, task: Id) -> Self {
        Self { tracker, job, task, end: None }
    }

    pub(super) async fn watch<T>(mut self, task: JoinHandle<T>) {
        self.end = Some(match task.await {
            Ok(_) => TaskEnd::Returned,
            Err(error) => failed(error),
        });
    }
}

impl<J: JobType> Drop for TaskGuard<J> {
    fn drop(&mut self) {
        self.tracker.task_ended(self.job, self.task, self.end.take().unwrap_or(TaskEnd::Unseen));
    }
}

fn failed(error: JoinError) -> TaskEnd {
    match error.try_into_panic() {
        Ok(panic) => TaskEnd::Panicked(panic_message(&*panic).to_owned()),
        Err(_) => TaskEnd::Aborted,
    }
}
