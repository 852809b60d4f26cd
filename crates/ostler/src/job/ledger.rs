use std::collections::{BTreeMap, HashMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ostler_lifecycle::{BlockReason, JobFailure, JobId, JobStatus, JobTable, OfJob};
use ostler_wire::Attachment;
use serde_json::Value;

use super::entry::{Entry, Place};
use super::waiting::Waiting;
use super::{Cancellation, Job, JobCounts, JobResult, JobType, PluginId};
use crate::caught::{drop_of_host, hook, say};

/// The records of all jobs, in the order of their creation. It has no lock and no clock.
///
/// A change to a job that is unknown, or that does not follow from where the job stands, does nothing and
/// returns false; a terminal state is never left. Nothing here looks at more jobs than it returns.
///
/// The wall clock may be set back; a job's times still never fall.
///
/// Records are snapshots: a change makes a new one if a reader still holds the old one. That of a job that waits is made
/// when somebody asks for it: a million may wait, and nobody looks at most of them.
pub(crate) struct Ledger<J: JobType> {
    jobs: JobTable<Entry<J>>,
    running: BTreeMap<Place, JobId>,
    /// In the order in which they ended. Only this ledger takes jobs away, always from here.
    finished: VecDeque<JobId>,
    finished_kept: usize,
    kept_results: HashMap<JobId, Arc<JobResult<J::Output>>>,
    evicted: Option<Arc<Job<J>>>,
    next_place: Place,
    counts: JobCounts,
}

/// Some of a ledger's jobs, each with its place.
pub(crate) type Page<J> = Vec<(Place, Arc<Job<J>>)>;

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
            jobs: JobTable::default(),
            running: BTreeMap::new(),
            finished: VecDeque::new(),
            finished_kept,
            kept_results: HashMap::new(),
            evicted: None,
            next_place: 0,
            counts: JobCounts::default(),
        }
    }

    /// Adds a pending job; false if its id is taken.
    pub(crate) fn create(&mut self, job: Arc<Job<J>>) -> bool {
        debug_assert_eq!(job.status, JobStatus::Pending);
        self.add(|place| Entry::told(place, job))
    }

    /// Adds a pending job that nobody has looked at yet; false if its id is taken.
    pub(crate) fn enqueue(&mut self, waiting: Waiting<J>) -> bool {
        self.add(|place| Entry::waiting(place, waiting))
    }

    fn add(&mut self, entry: impl FnOnce(Place) -> Entry<J>) -> bool {
        let place = self.next_place;
        self.next_place += 1;
        let is_new = self.jobs.insert(entry(place)).is_ok();
        if is_new {
            self.counts.add(JobStatus::Pending);
        }
        is_new
    }

    /// How many jobs there are, by where they stand.
    pub(crate) fn counts(&self) -> JobCounts {
        self.counts
    }

    /// Lets a job stand elsewhere, if it may.
    fn turn(
        &mut self,
        id: JobId,
        to: JobStatus,
        may: impl FnOnce(JobStatus) -> bool,
    ) -> Option<(Place, &mut Job<J>)> {
        let entry = self.jobs.get_mut(&id).filter(|entry| may(entry.status()))?;
        let place = entry.place;
        let job = writable(entry.record()?)?;
        self.counts.take(job.status);
        self.counts.add(to);
        job.status = to;
        Some((place, job))
    }

    /// A worker began with it. A job that runs already keeps its start time.
    pub(crate) fn mark_running(
        &mut self,
        id: JobId,
        attempt: u32,
        worker_pid: Option<u32>,
        at: Timestamp,
    ) -> bool {
        let Some((place, job)) = self.turn(id, JobStatus::Running, |status| status == JobStatus::Pending)
        else {
            return false;
        };
        job.attempt = attempt;
        job.worker_pid = worker_pid;
        job.started_at = Some(at.max(job.created_at));
        job.block_reason = None;
        self.running.insert(place, id);
        true
    }

    /// A run of it has failed, and it waits: for its next attempt, or in quarantine.
    pub(crate) fn mark_waiting(&mut self, id: JobId, reason: BlockReason, failure: JobFailure) -> bool {
        let may = |status| matches!(status, JobStatus::Pending | JobStatus::Running);
        let Some((place, job)) = self.turn(id, JobStatus::Pending, may) else { return false };
        job.block_reason = Some(reason);
        if job.past_failures.len() >= PAST_FAILURES {
            job.past_failures.remove(0);
        }
        job.past_failures.push(failure);
        self.running.remove(&place);
        true
    }

    /// So many processes that had left the group of a worker that died with this job were ended, or why that is not known.
    pub(crate) fn add_swept(&mut self, id: JobId, swept: u32, unknown: Option<String>) {
        if swept == 0 && unknown.is_none() {
            return;
        }
        if let Some((_, job)) = self.find(id, |_| true) {
            job.swept += swept;
            job.sweep_error = unknown.or(job.sweep_error.take());
        }
    }

    /// Remembers a value of a job, whether it has ended or not.
    pub(crate) fn set_metadata(&mut self, id: JobId, name: &str, value: Value) -> bool {
        let Some((_, job)) = self.find(id, |_| true) else { return false };
        job.metadata.insert(name, value);
        true
    }

    /// It is being ended, and its worker not yet proven dead.
    pub(crate) fn mark_cancelling(&mut self, id: JobId) -> bool {
        let may = |status| matches!(status, JobStatus::Pending | JobStatus::Running);
        let Some((place, job)) = self.turn(id, JobStatus::Cancelling, may) else { return false };
        job.block_reason = None;
        self.running.insert(place, id);
        true
    }

    /// Sets or clears why a pending job cannot start.
    pub(crate) fn set_block_reason(&mut self, id: JobId, reason: Option<BlockReason>) -> bool {
        if self.get(id).is_none_or(|job| job.block_reason == reason) {
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

    pub(crate) fn get(&mut self, id: JobId) -> Option<Arc<Job<J>>> {
        self.jobs.get_mut(&id)?.record().cloned()
    }

    pub(crate) fn status(&self, id: JobId) -> Option<JobStatus> {
        self.jobs.get(&id).map(|entry| entry.status())
    }

    /// How long it may run.
    pub(crate) fn timeout(&self, id: JobId) -> Option<Duration> {
        self.jobs.get(&id)?.timeout()
    }

    /// Some of the jobs, in no order; `None` behind the last page. See [`all`](super::all).
    pub(crate) fn page(&mut self, number: usize) -> Option<Page<J>> {
        if number >= self.jobs.pages() {
            return None;
        }
        let records = self.jobs.page_mut(number).filter_map(|entry| {
            let place = entry.place;
            Some((place, Arc::clone(entry.record()?)))
        });
        Some(records.collect())
    }

    /// The places and ids of some of the jobs, of those that are wanted by where they stand and by their plugin; in no order,
    /// `None` behind the last page. No record is made for it.
    pub(crate) fn places(
        &mut self,
        number: usize,
        wanted: impl Fn(JobStatus, &PluginId) -> bool,
    ) -> Option<Vec<(Place, JobId)>> {
        if number >= self.jobs.pages() {
            return None;
        }
        let entries = self.jobs.page_mut(number);
        let wanted =
            entries.filter(|entry| entry.plugin().is_some_and(|plugin| wanted(entry.status(), plugin)));
        Some(wanted.map(|entry| (entry.place, entry.job())).collect())
    }

    /// Those that run or are being cancelled, oldest first.
    pub(crate) fn running(&mut self) -> Vec<Arc<Job<J>>> {
        let jobs = &mut self.jobs;
        self.running.values().filter_map(|job| jobs.get_mut(job)?.record().cloned()).collect()
    }

    /// The result, also of a job that was cleared with its result kept.
    pub(crate) fn result(&mut self, id: JobId) -> Option<ResultRef<J>> {
        match self.get(id) {
            Some(job) => Some(ResultRef::Job(job)),
            None => self.kept_results.get(&id).cloned().map(ResultRef::Kept),
        }
    }

    /// How many jobs have ended and are here.
    pub(crate) fn finished(&self) -> usize {
        self.finished.len()
    }

    /// Takes out finished jobs, the oldest first, so many at most. The caller counts them, and drops them when it has let
    /// go of its lock: they may be many, and their drop is the user's code.
    ///
    /// Kept results stay until a call that does not keep them; those of earlier calls go then too.
    pub(crate) fn clear_completed(&mut self, keep_results: bool, most: usize) -> Cleared<J> {
        let most = most.min(self.finished.len());
        let ids: Vec<JobId> = self.finished.drain(..most).collect();
        let jobs: Vec<_> = ids.into_iter().filter_map(|job| self.remove(job)).collect();
        let mut results = HashMap::new();
        if keep_results {
            let outcome = |job: &Job<J>| hook("Clone of a result", || job.outcome());
            let outcomes = jobs.iter().filter_map(|job| match outcome(job) {
                Ok(outcome) => Some((job.id, Arc::new(outcome?))),
                Err(panic) => {
                    say!(error, job = %job.id, "{panic}; its result is not kept");
                    None
                }
            });
            self.kept_results.extend(outcomes);
        } else {
            results = mem::take(&mut self.kept_results);
        }
        Cleared { jobs, _results: results }
    }

    /// Takes out a job that has ended, if it is the one that ended first of all that are here.
    pub(crate) fn take_oldest(&mut self, id: JobId) -> Option<Arc<Job<J>>> {
        self.finished.pop_front_if(|oldest| *oldest == id)?;
        self.remove(id)
    }

    /// The job that had to go when the last one finished: drop it without a lock. One that is not taken is
    /// dropped when the next one has to go.
    pub(crate) fn take_evicted(&mut self) -> Option<Arc<Job<J>>> {
        self.evicted.take()
    }

    fn find(&mut self, id: JobId, may: impl FnOnce(JobStatus) -> bool) -> Option<(Place, &mut Job<J>)> {
        let entry = self.jobs.get_mut(&id).filter(|entry| may(entry.status()))?;
        let place = entry.place;
        Some((place, writable(entry.record()?)?))
    }

    fn finish(
        &mut self,
        id: JobId,
        status: JobStatus,
        at: Timestamp,
        fill: impl FnOnce(&mut Job<J>),
    ) -> bool {
        let Some((place, job)) = self.turn(id, status, |status| !status.is_terminal()) else {
            // It may hold a result of the host's type.
            drop_of_host(fill);
            return false;
        };
        job.completed_at = Some(at.max(job.started_at.unwrap_or(job.created_at)));
        job.block_reason = None;
        fill(job);
        self.running.remove(&place);
        self.finished.push_back(id);
        if self.finished.len() > self.finished_kept
            && let Some(oldest) = self.finished.pop_front()
        {
            self.evicted = self.remove(oldest);
        }
        true
    }

    /// Forgets a job whose record could not be changed: it would stand there for ever as what it is no more.
    pub(crate) fn forget(&mut self, id: JobId) -> Option<Arc<Job<J>>> {
        self.running.retain(|_, job| *job != id);
        self.remove(id)
    }

    fn remove(&mut self, id: JobId) -> Option<Arc<Job<J>>> {
        let mut entry = self.jobs.remove(&id)?;
        self.counts.take(entry.status());
        entry.record().cloned()
    }
}

/// The record, to be changed. If a reader holds it this makes a copy, by the host's code: if that panics nothing changes.
fn writable<J: JobType>(record: &mut Arc<Job<J>>) -> Option<&mut Job<J>> {
    if Arc::get_mut(record).is_none() {
        match hook("Clone of a job", || Job::clone(record)) {
            // The reader may have gone meanwhile.
            Ok(copy) => drop_of_host(mem::replace(record, Arc::new(copy))),
            Err(panic) => {
                say!(error, job = %record.id, "{panic}; its record does not change while a reader holds it");
                return None;
            }
        }
    }
    Arc::get_mut(record)
}

/// What [`Ledger::clear_completed`] took out.
#[must_use = "drop it after the lock"]
pub(crate) struct Cleared<J: JobType> {
    pub(crate) jobs: Vec<Arc<Job<J>>>,
    _results: HashMap<JobId, Arc<JobResult<J::Output>>>,
}

#[cfg(test)]
mod tests;
