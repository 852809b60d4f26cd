//! Whether a job whose run has failed may run again, must, or must not.

use std::time::Duration;

use ostler_lifecycle::{Category, FailureKind, JobFailure, JobId};

use super::job::{Due, Job, Stage};
use super::runs::{Next, Runs};
use super::{Model, Verdict, ensure};

const POLICY: &str = "guarantee_2_a_job_runs_again_only_as_its_policy_says";

impl Model {
    /// The job's run has failed in this step, and this is how; nobody else is blamed for it.
    fn failed_run(
        &mut self,
        id: JobId,
        failure: &JobFailure,
    ) -> Result<Next, super::super::violation::Violation> {
        let job = self.unfinished(id)?.clone();
        let due = self.step.due.iter().position(|(due, _)| *due == id);
        match due.map(|index| self.step.due.remove(index).1) {
            Some(Due::RunFailed(kind, category)) => {
                ensure(failure.kind == kind, "guarantee_5_the_first_one_handled_wins", || {
                    format!("the run of {id} ended with {kind:?}, and is said to have ended with {failure:?}")
                })?;
                Ok(job.next(kind, category))
            }
            due => {
                ensure(false, "guarantee_3_only_jobs_that_had_begun_are_blamed", || {
                    format!("{id} is said to have failed with {failure:?}, and had to {due:?}")
                })?;
                Ok(Next::Over)
            }
        }
    }

    pub(super) fn runs_again(
        &mut self,
        id: JobId,
        attempt: u32,
        delay: Duration,
        failure: &JobFailure,
    ) -> Verdict {
        let next = self.failed_run(id, failure)?;
        let until = self.now + delay;
        let in_time =
            self.shutdown.is_none_or(|deadline| until < deadline) && self.ending.is_none() && !self.down;
        let job = self.unfinished(id)?;
        ensure(next == Next::Again && in_time, POLICY, || {
            format!("{id} had to be {next:?}, and runs again after {failure:?}: {job:?}")
        })?;
        ensure(attempt == job.attempt + 1, "attempts_are_counted", || {
            format!("attempt {attempt} of {id} follows {}", job.attempt)
        })?;
        job.runs = job.runs.and(failure.kind);
        let longest = job.runs.longest_delay(&job.policy);
        ensure(delay <= longest, "a_retry_waits_no_longer_than_its_policy_says", || {
            format!("{id} waits {delay:?}, and {longest:?} is the longest")
        })?;
        job.attempt = attempt;
        job.evidence = Some(failure.kind);
        job.start_by = None;
        job.waits_again(if delay.is_zero() {
            Stage::Pending { blocked: false }
        } else {
            Stage::Delayed { until }
        });
        Ok(())
    }

    pub(super) fn goes_into_quarantine(&mut self, id: JobId, crashes: u32, failure: &JobFailure) -> Verdict {
        let next = self.failed_run(id, failure)?;
        let open = self.shutdown.is_none();
        let job = self.unfinished(id)?;
        job.runs = job.runs.and(failure.kind);
        let right = next == Next::Quarantine
            && open
            && crashes == job.runs.crashes
            && crashes == job.policy.max_crashes;
        ensure(right, "who_crashes_too_often_goes_into_quarantine", || {
            format!("{id} goes after {crashes} crashes, and had to be {next:?}: {job:?}")
        })?;
        job.evidence = Some(failure.kind);
        job.start_by = None;
        job.waits_again(Stage::Quarantined);
        Ok(())
    }

    pub(super) fn leaves_quarantine(&mut self, id: JobId) -> Verdict {
        let job = self.unfinished(id)?;
        job.attempt += 1;
        job.runs = Runs::default();
        job.waits_again(Stage::Pending { blocked: false });
        Ok(())
    }

    /// The job has failed with its run: its policy has no other run for it, or there is no time for one.
    pub(super) fn does_not_run_again(
        &self,
        id: JobId,
        job: &Job,
        kind: FailureKind,
        category: Category,
    ) -> Verdict {
        let next = job.next(kind, category);
        let longest = job.runs.and(kind).longest_delay(&job.policy);
        let too_late = self.shutdown.is_some_and(|deadline| self.now + longest >= deadline);
        let right = match next {
            Next::Over => true,
            Next::Again => self.down || self.ending.is_some() || too_late,
            Next::Quarantine => self.shutdown.is_some(),
        };
        ensure(right, POLICY, || format!("{id} had to be {next:?} after {kind:?}, and failed: {job:?}"))
    }
}
