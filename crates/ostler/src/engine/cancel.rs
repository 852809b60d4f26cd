use std::sync::Arc;

use jiff::Timestamp;
use ostler_lifecycle::{Input, JobId, JobStatus, Outcome, WorkerKey};
use tokio::sync::oneshot;
use tokio::task::coop::consume_budget;

use super::Core;
use super::active::Cancel;
use super::cargo::Cargo;
use super::errand::Errands;
use super::perform::Step;
use super::state::State;
use crate::{CancelError, CancelOutcome, CancelRequest, CancelSummary, Cancellation, JobType, PluginId};

type Answer = oneshot::Receiver<Result<bool, CancelError>>;

/// Jobs that are cancelled while the lock is held: a million may be.
const CANCELLED_AT_ONCE: usize = 64;

impl<J: JobType> Core<J> {
    /// # Errors
    /// The job's process does not die.
    pub(crate) async fn cancel(
        self: &Arc<Self>,
        job: JobId,
        request: CancelRequest,
    ) -> Result<CancelOutcome, CancelError> {
        let mut errands = Errands::default();
        let begun = {
            let mut state = self.lock();
            let begun = self.begin_cancel(&mut state, job, &request, &mut errands);
            begun.ok_or_else(|| ended_before(state.ledger.status(job)))
        };
        errands.run(self);
        // One that is over already is answered at once: who asks again and again must let others have a turn. It comes
        // here, since a cancel goes on from its first poll.
        consume_budget().await;
        match begun {
            Err(before) => Ok(before),
            Ok(begun) => {
                let is_cancelled = answer(Some(begun)).await?;
                Ok(if is_cancelled { CancelOutcome::Cancelled } else { CancelOutcome::EndedFirst })
            }
        }
    }

    /// All are told before the first is waited for.
    pub(crate) async fn cancel_many(
        self: &Arc<Self>,
        jobs: Vec<JobId>,
        request: CancelRequest,
    ) -> CancelSummary {
        let mut begun: Vec<(JobId, Option<Answer>)> = Vec::with_capacity(jobs.len());
        for some in jobs.chunks(CANCELLED_AT_ONCE) {
            let mut errands = Errands::default();
            let mut state = self.lock();
            for &job in some {
                begun.push((job, self.begin_cancel(&mut state, job, &request, &mut errands)));
            }
            drop(state);
            errands.run(self);
        }
        let mut summary = CancelSummary::default();
        for (job, outcome) in begun {
            summary.add(job, answer(outcome).await);
        }
        summary
    }

    /// Cancels all jobs that have not ended and whose plugin is wanted.
    pub(crate) async fn cancel_all(
        self: &Arc<Self>,
        wanted: impl Fn(&PluginId) -> bool,
        request: CancelRequest,
    ) -> CancelSummary {
        let mut jobs = self.unfinished(wanted);
        // The youngest first: else a worker that becomes free meanwhile would be given one that is to be cancelled next.
        jobs.reverse();
        self.cancel_many(jobs, request).await
    }

    fn begin_cancel(
        self: &Arc<Self>,
        state: &mut State<J>,
        job: JobId,
        request: &CancelRequest,
        errands: &mut Errands<J>,
    ) -> Option<Answer> {
        let active = state.active.get_mut(&job)?;
        let (sender, outcome) = oneshot::channel();
        let cancel = active.cancel.get_or_insert_with(|| {
            let record = Cancellation {
                by: request.by.clone(),
                reason: request.reason.clone(),
                requested_at: Timestamp::now(),
                asked_at: None,
                killed_at: None,
                proven_at: None,
                forensics: None,
            };
            Box::new(Cancel { record: Box::new(record), waiters: Vec::new() })
        });
        cancel.waiters.push(sender);
        let input = Input::Cancel { job, grace: request.grace.map(super::start::bounded) };
        self.step(state, input, Cargo::None, errands);
        Some(outcome)
    }
}

impl<J: JobType> Step<'_, J> {
    /// The plugin was asked to end, or its worker is being killed: that stands on the job's record, if it is for a
    /// cancel.
    pub(super) fn note_cancel(&mut self, worker: WorkerKey, note: impl FnOnce(&mut Cancellation, Timestamp)) {
        let job = self.state.machine.job_in(worker);
        if let Some(active) = job.and_then(|job| self.state.active.get_mut(&job))
            && let Some(cancel) = &mut active.cancel
        {
            note(&mut cancel.record, self.clock.now());
            let (job, copy) = (active.cell.id, cancel.record.clone());
            self.state.ledger.set_cancellation(job, copy);
        }
    }

    /// The end of a cancel: its proof, or that something else came first.
    pub(super) fn note_cancellation(
        &mut self,
        job: JobId,
        mut cancellation: Box<Cancellation>,
        outcome: &Outcome,
    ) {
        if let Outcome::Cancelled(forensics) = outcome {
            cancellation.proven_at = Some(self.clock.now());
            cancellation.forensics = forensics.clone();
        }
        self.state.ledger.set_cancellation(job, cancellation);
    }
}

/// What a cancel finds of a job that is not there any more.
pub(crate) const fn ended_before(status: Option<JobStatus>) -> CancelOutcome {
    match status {
        Some(JobStatus::Cancelled) => CancelOutcome::AlreadyCancelled,
        Some(_) => CancelOutcome::AlreadyEnded,
        None => CancelOutcome::Unknown,
    }
}

/// What a cancel has come to: nothing, for a job that was not there any more.
async fn answer(outcome: Option<Answer>) -> Result<bool, CancelError> {
    match outcome {
        // Every job ends, and then everybody who waits is answered.
        Some(outcome) => outcome.await.unwrap_or(Ok(false)),
        None => Ok(false),
    }
}
