use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::mem;
use std::sync::Arc;

use jiff::Timestamp;
use ostler_lifecycle::{BlockReason, JobFailure, JobId, JobStatus};
use ostler_wire::Attachment;

use super::{Cancellation, Job, JobResult, JobType};

/// The records of all jobs, in the order of their creation. It has no lock and no clock.
///
/// A change to a job that is unknown, or that does not follow from where the job stands, does nothing and
/// returns false; a terminal state is never left. Nothing here looks at more jobs than it returns.
///
/// The wall clock may be set back; a job's times still never fall.
///
/// Records are snapshots: a change makes a new one if a reader still holds the old one.
pub(crate) struct Ledger<J: JobType> {
    /// Where each job is in `jobs`: ids are made elsewhere, and need not sort by age.
    places: HashMap<JobId, Place>,
    jobs: BTreeMap<Place, Arc<Job<J>>>,
    running: BTreeSet<Place>,
    /// In the order in which they ended. Only this ledger takes jobs away, always from here.
    finished: VecDeque<Place>,
    finished_kept: usize,
    kept_results: HashMap<JobId, Arc<JobResult<J::Output>>>,
    evicted: Option<Arc<Job<J>>>,
    next_place: Place,
}

type Place = u64;

/// What a job remembers of its earlier attempts: enough to see what repeats itself.
const PAST_FAILURES: usize = 8;

/// A result that can be read after the ledger's lock was let go.
pub(crate) enum ResultRef<J: JobType> {
    Job(Arc<Job<J>>),
    Kept(Arc<JobResult<J::Output>>),
}

impl<J: JobType> ResultRef<J> {
    /// None while the job has not ended.
    pub(crate) fn read(&self) -> Option<JobResult<J::Output>> {
        match self {
            Self::Job(job) => job.outcome(),
            Self::Kept(result) => Some((**result).clone()),
        }
    }
}

impl<J: JobType> Ledger<J> {
    /// An empty one that holds at most so many finished jobs.
    pub(crate) fn new(finished_kept: usize) -> Self {
        Self {
            places: HashMap::new(),
            jobs: BTreeMap::new(),
            running: BTreeSet::new(),
            finished: VecDeque::new(),
            finished_kept,
            kept_results: HashMap::new(),
            evicted: None,
            next_place: 0,
        }
    }

    /// Adds a pending job; false if its id is taken.
    pub(crate) fn create(&mut self, job: Arc<Job<J>>) -> bool {
        debug_assert_eq!(job.status, JobStatus::Pending);
        if self.places.contains_key(&job.id) {
            return false;
        }
        self.places.insert(job.id, self.next_place);
        self.jobs.insert(self.next_place, job);
        self.next_place += 1;
        true
    }

    /// A worker began with it. A job that runs already keeps its start time.
    pub(crate) fn mark_running(
        &mut self,
        id: JobId,
        attempt: u32,
        worker_pid: Option<u32>,
        at: Timestamp,
    ) -> bool {
        let Some((place, job)) = self.find(id, |status| status == JobStatus::Pending) else { return false };
        job.status = JobStatus::Running;
        job.attempt = attempt;
        job.worker_pid = worker_pid;
        job.started_at = Some(at.max(job.created_at));
        job.block_reason = None;
        self.running.insert(place);
        true
    }

    /// A run of it has failed, and it waits: for its next attempt, or in quarantine.
    pub(crate) fn mark_waiting(&mut self, id: JobId, reason: BlockReason, failure: JobFailure) -> bool {
        let may = |status| matches!(status, JobStatus::Pending | JobStatus::Running);
        let Some((place, job)) = self.find(id, may) else { return false };
        job.status = JobStatus::Pending;
        job.block_reason = Some(reason);
        if job.past_failures.len() >= PAST_FAILURES {
            job.past_failures.remove(0);
        }
        job.past_failures.push(failure);
        self.running.remove(&place);
        true
    }

    /// So many processes that had left the group of a worker that died with this job were ended.
    pub(crate) fn add_swept(&mut self, id: JobId, swept: u32) {
        if let Some((_, job)) = self.find(id, |_| true).filter(|_| swept > 0) {
            job.swept += swept;
        }
    }

    /// It is being ended, and its worker not yet proven dead.
    pub(crate) fn mark_cancelling(&mut self, id: JobId) -> bool {
        let may = |status| matches!(status, JobStatus::Pending | JobStatus::Running);
        let Some((place, job)) = self.find(id, may) else { return false };
        job.status = JobStatus::Cancelling;
        job.block_reason = None;
        self.running.insert(place);
        true
    }

    /// Sets or clears why a pending job cannot start.
    pub(crate) fn set_block_reason(&mut self, id: JobId, reason: Option<BlockReason>) -> bool {
        if self.peek(id).is_none_or(|job| job.block_reason == reason) {
            return false;
        }
        let Some((_, job)) = self.find(id, |status| status == JobStatus::Pending) else { return false };
        job.block_reason = reason;
        true
    }

    /// It answered.
    pub(crate) fn mark_completed(
        &mut self,
        id: JobId,
        output: J::Output,
        attachments: Vec<Attachment>,
        at: Timestamp,
    ) -> bool {
        self.finish(id, JobStatus::Completed, at, |job| {
            job.result = Some(output);
            job.attachments = attachments;
        })
    }

    /// It failed.
    pub(crate) fn mark_failed(&mut self, id: JobId, failure: Box<JobFailure>, at: Timestamp) -> bool {
        self.finish(id, JobStatus::Failed, at, |job| job.error = Some(failure))
    }

    /// It is proven ended.
    pub(crate) fn mark_cancelled(&mut self, id: JobId, at: Timestamp) -> bool {
        self.finish(id, JobStatus::Cancelled, at, |_| {})
    }

    /// Notes how far a cancel has come.
    pub(crate) fn set_cancellation(&mut self, id: JobId, cancellation: Box<Cancellation>) {
        if let Some((_, job)) = self.find(id, |_| true) {
            job.cancellation = Some(cancellation);
        }
    }

    pub(crate) fn get(&self, id: JobId) -> Option<Arc<Job<J>>> {
        self.peek(id).cloned()
    }

    pub(crate) fn status(&self, id: JobId) -> Option<JobStatus> {
        self.peek(id).map(|job| job.status)
    }

    /// All jobs, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Job<J>>> {
        self.jobs.values().cloned().collect()
    }

    /// Those that run or are being cancelled, oldest first.
    pub(crate) fn running(&self) -> Vec<Arc<Job<J>>> {
        self.running.iter().filter_map(|place| self.jobs.get(place)).cloned().collect()
    }

    /// The result, also of a job that was cleared with its result kept.
    pub(crate) fn result(&self, id: JobId) -> Option<ResultRef<J>> {
        match self.get(id) {
            Some(job) => Some(ResultRef::Job(job)),
            None => self.kept_results.get(&id).cloned().map(ResultRef::Kept),
        }
    }

    /// Takes out all finished jobs. The caller counts them, and drops them when it has let go of its lock:
    /// they may be many, and their drop is the user's code.
    ///
    /// Kept results stay until a call that does not keep them; those of earlier calls go then too.
    pub(crate) fn clear_completed(&mut self, keep_results: bool) -> Cleared<J> {
        let places = mem::take(&mut self.finished);
        let jobs: Vec<_> = places.into_iter().filter_map(|place| self.remove(place)).collect();
        let mut results = HashMap::new();
        if keep_results {
            let outcomes = jobs.iter().filter_map(|job| Some((job.id, Arc::new(job.outcome()?))));
            self.kept_results.extend(outcomes);
        } else {
            results = mem::take(&mut self.kept_results);
        }
        Cleared { jobs, _results: results }
    }

    /// The job that had to go when the last one finished: drop it without a lock. One that is not taken is
    /// dropped when the next one has to go.
    pub(crate) fn take_evicted(&mut self) -> Option<Arc<Job<J>>> {
        self.evicted.take()
    }

    fn peek(&self, id: JobId) -> Option<&Arc<Job<J>>> {
        self.jobs.get(self.places.get(&id)?)
    }

    fn find(&mut self, id: JobId, may: impl FnOnce(JobStatus) -> bool) -> Option<(Place, &mut Job<J>)> {
        let place = *self.places.get(&id)?;
        let job = self.jobs.get_mut(&place)?;
        may(job.status).then(|| (place, Arc::make_mut(job)))
    }

    fn finish(
        &mut self,
        id: JobId,
        status: JobStatus,
        at: Timestamp,
        fill: impl FnOnce(&mut Job<J>),
    ) -> bool {
        let Some((place, job)) = self.find(id, |status| !status.is_terminal()) else { return false };
        job.status = status;
        job.completed_at = Some(at.max(job.started_at.unwrap_or(job.created_at)));
        job.block_reason = None;
        fill(job);
        self.running.remove(&place);
        self.finished.push_back(place);
        if self.finished.len() > self.finished_kept
            && let Some(oldest) = self.finished.pop_front()
        {
            self.evicted = self.remove(oldest);
        }
        true
    }

    fn remove(&mut self, place: Place) -> Option<Arc<Job<J>>> {
        let job = self.jobs.remove(&place)?;
        self.places.remove(&job.id);
        Some(job)
    }
}

/// What [`Ledger::clear_completed`] took out.
#[must_use = "drop it after the lock"]
pub(crate) struct Cleared<J: JobType> {
    pub(crate) jobs: Vec<Arc<Job<J>>>,
    _results: HashMap<JobId, Arc<JobResult<J::Output>>>,
}

#[cfg(test)]
mod tests;
