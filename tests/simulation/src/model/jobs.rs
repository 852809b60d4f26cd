//! What may be said of jobs.

use std::time::Duration;

use ostler_lifecycle::{
    Admission, BlockReason, FailureKind, Input, JobChange, JobId, Outcome, Rejection, Ticket, WorkerKey,
};

use super::job::{Due, Job, Question, Stage};
use super::step::Frame;
use super::{Model, Verdict, ensure};

/// How long a job that waits for a resource waits at most until it is asked about again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

impl Model {
    /// The job, if it was accepted and has not ended.
    pub(super) fn unfinished(&mut self, id: JobId) -> Result<&mut Job, super::super::violation::Violation> {
        let ended = self.ended.contains(&id);
        let known = self.jobs.contains_key(&id);
        ensure(known, "guarantee_1_every_accepted_job_ends_once", || match ended {
            true => format!("{id} has ended, and is spoken of again"),
            false => format!("{id} was never accepted"),
        })?;
        // It is there: see above.
        #[expect(clippy::unwrap_used, reason = "checked just above")]
        Ok(self.jobs.get_mut(&id).unwrap())
    }

    pub(super) fn ask(&mut self, id: JobId, ticket: Ticket) -> Verdict {
        let last = std::mem::replace(&mut self.last_ticket, ticket);
        ensure(last < ticket, "names_are_new", || format!("{ticket:?} came after {last:?}"))?;
        ensure(self.config.has_hook, "nobody_is_asked_where_there_is_no_hook", || id.to_string())?;
        self.nothing_starts_while_paused(id)?;
        let plugin = self.unfinished(id)?.plugin;
        self.no_more_of_a_plugin_run_than_may(id, plugin)?;
        self.guarantee_6_first_in_first_out(id)?;
        let (losses, ending, asked_at) = (self.losses, self.ending.is_some(), self.now);
        let job = self.unfinished(id)?;
        let may = job.is_pending() && !job.cancel_asked && !ending;
        ensure(may, "the_hook_is_asked_about_pending_jobs", || format!("{id} is {job:?}"))?;
        let blocked = job.stage == Stage::Pending { blocked: true };
        ensure(!blocked || job.unsure, "who_waits_for_a_resource_waits_until_something_is_freed", || {
            id.to_string()
        })?;
        let open = job.question.as_ref().is_some_and(|question| question.losses == losses);
        ensure(!open, "the_hook_is_asked_once", || format!("{id} is being asked about"))?;
        job.waits_again(Stage::Pending { blocked: false });
        let best = self.best_for(plugin);
        self.unfinished(id)?.question = Some(Question { ticket, asked_at, losses, best });
        Ok(())
    }

    /// Its turn has come: nobody who came before it, or is more important, is ready and left behind.
    fn guarantee_6_first_in_first_out(&mut self, id: JobId) -> Verdict {
        let job = self.unfinished(id)?.clone();
        let passed = self.jobs.iter().find(|(_, other)| self.may_start(other) && other.precedes(&job));
        ensure(passed.is_none(), "guarantee_6_first_in_first_out", || format!("{id} passed {passed:?}"))
    }

    pub(super) fn execute(&mut self, id: JobId, attempt: u32, key: WorkerKey) -> Verdict {
        let admitted = self.step.admitted.take();
        ensure(admitted == Some(id) || !self.config.has_hook, "nothing_starts_without_the_hook", || {
            format!("{id} was sent to {key}; the hook agreed to {admitted:?}")
        })?;
        let job = self.unfinished(id)?.clone();
        self.nothing_starts_while_paused(id)?;
        if job.question.is_none() {
            self.no_more_of_a_plugin_run_than_may(id, job.plugin)?;
            self.guarantee_6_first_in_first_out(id)?;
        }
        ensure(job.stage != Stage::Quarantined, "who_is_in_quarantine_stays_there", || {
            format!("{id} was sent to {key}")
        })?;
        ensure(job.is_pending() && !job.begun, "guarantee_2_a_job_runs_on_one_worker_at_a_time", || {
            format!("{id} was sent to {key} and is {job:?}")
        })?;
        ensure(!job.cancel_asked, "guarantee_4_a_cancelled_job_does_not_start", || {
            format!("{id} was sent to {key}")
        })?;
        let another = job.attempt == attempt && job.runs.are_left(&job.policy);
        ensure(another, "guarantee_2_a_job_runs_no_more_often_than_its_policy_says", || {
            format!("attempt {attempt} of {id} was sent to {key}, and it is {job:?}")
        })?;
        // Who was asked about before the pool was made smaller keeps its worker.
        if job.question.is_none() || !self.narrowed {
            self.no_more_jobs_run_than_may(key)?;
        }
        let best = match job.question {
            Some(question) => question.best,
            None => self.best_for(job.plugin),
        };
        self.suits_best(key, best.as_ref())?;
        self.step.gave_work = true;
        let job = self.unfinished(id)?;
        job.stage = Stage::Sent(key);
        job.question = None;
        Ok(())
    }

    pub(super) fn publish(&mut self, id: JobId, change: &JobChange, input: &Input) -> Verdict {
        match (change, input) {
            (JobChange::Queued, Input::Submit(submit)) if self.step.submitted == Some(id) => {
                self.step.submitted = None;
                self.accept(id, submit);
                Ok(())
            }
            (JobChange::Blocked(BlockReason::Retry { attempt, delay, failure }), _) => {
                self.runs_again(id, *attempt, *delay, failure)
            }
            (JobChange::Blocked(BlockReason::Quarantined { crashes, failure }), _) => {
                self.goes_into_quarantine(id, *crashes, failure)
            }
            (JobChange::Blocked(BlockReason::Resources { .. }), _) => self.waits_for_resources(id, input),
            (JobChange::Released, Input::Release { .. }) if self.step.released == Some(id) => {
                self.step.released = None;
                self.leaves_quarantine(id)
            }
            (JobChange::Cancelling, Input::Cancel { .. }) if self.step.cancelling == Some(id) => {
                self.step.cancelling = None;
                let job = self.unfinished(id)?;
                if let Some(worker) = job.worker() {
                    job.stage = Stage::Cancelling(worker);
                }
                Ok(())
            }
            (change, Input::Frame { worker, .. }) => self.publish_of_frame(id, change, *worker),
            _ => ensure(false, "what_is_published_happened", || format!("{id}: {change:?}")),
        }
    }

    fn publish_of_frame(&mut self, id: JobId, change: &JobChange, key: WorkerKey) -> Verdict {
        self.unfinished(id)?;
        let frame = self.step.frame;
        let fits = self.workers.get(&key).is_some_and(|worker| {
            worker.task.as_ref().is_some_and(|task| {
                task.job == id
                    && match change {
                        JobChange::Started { worker: named, pid, attempt } => {
                            frame == Frame::Started
                                && *named == key
                                && *pid == worker.pid
                                && *attempt == task.attempt
                        }
                        JobChange::Noted => frame == Frame::Noted,
                        JobChange::Chunk => frame == Frame::Chunk,
                        _ => false,
                    }
            })
        });
        let first = !std::mem::replace(&mut self.step.published, true);
        ensure(fits && first, "guarantee_2_a_result_counts_only_from_who_was_asked", || {
            format!("{change:?} of {id} from {key}, whose frame means {frame:?}")
        })
    }

    /// The hook said so, now or before the submit, or says nothing.
    fn waits_for_resources(&mut self, id: JobId, input: &Input) -> Verdict {
        let job = self.unfinished(id)?;
        let asked_at = job.question.as_ref().map(|question| question.asked_at);
        let right = match input {
            Input::Submit(submit) => submit.job == id && submit.blocked.is_some(),
            Input::Admission { job: asked, ticket, answer: Admission::Wait { .. } } => {
                *asked == id && job.is_asked(*ticket)
            }
            Input::Tick => asked_at.is_some_and(|at| at + self.config.hook_timeout <= self.now),
            _ => false,
        };
        ensure(right, "what_is_published_happened", || format!("{id} waits for resources"))?;
        // In a tick, what is freed may come before or after the hook's time is up.
        let unsure = self.step.freed && matches!(input, Input::Tick);
        if !unsure {
            self.ask_again_at.get_or_insert(self.now + ASK_AGAIN);
        }
        let job = self.unfinished(id)?;
        job.waits_again(Stage::Pending { blocked: true });
        job.unsure = unsure;
        Ok(())
    }

    pub(super) fn settle(&mut self, id: JobId, outcome: &Outcome, input: &Input) -> Verdict {
        let job = self.unfinished(id)?.clone();
        let due = self.step.due.iter().position(|(due, _)| *due == id);
        match due.map(|index| self.step.due.remove(index).1) {
            Some(due) => {
                let right = due.is(outcome, self.down, self.ending.is_some());
                ensure(right, "guarantee_5_the_first_one_handled_wins", || {
                    format!("{id} had to end as {due:?}, and ended as {outcome:?}")
                })?;
                if let Due::RunFailed(kind, category) = due {
                    self.does_not_run_again(id, &job, kind, category)?;
                }
            }
            None => self.ended_without_its_own_reason(id, &job, outcome, input)?,
        }
        self.what_is_known_of_the_end_is_told(id, &job, outcome, input)?;
        ensure(
            job.cancel_asked || !matches!(outcome, Outcome::Cancelled(_)),
            "guarantee_4_cancelled_on_request_only",
            || format!("{id} was never asked to end"),
        )?;
        self.jobs.remove(&id);
        self.ended.insert(id);
        Ok(())
    }

    /// Who was in a worker that died has the evidence, and nobody else.
    fn what_is_known_of_the_end_is_told(
        &self,
        id: JobId,
        job: &Job,
        outcome: &Outcome,
        input: &Input,
    ) -> Verdict {
        let died = matches!(input, Input::WorkerExited { .. } | Input::SpawnFailed { .. });
        let right = match outcome {
            Outcome::Completed => true,
            Outcome::Cancelled(evidence) => evidence.is_some() == job.worker().is_some(),
            Outcome::Failed(failure) => !(died && job.worker().is_some()) || failure.forensics.is_some(),
        };
        ensure(right, "what_is_known_of_the_end_is_told", || format!("{id}: {outcome:?}"))
    }

    /// Only the pool's end, a spent budget and impatience take jobs along, and only those that wait.
    fn ended_without_its_own_reason(
        &self,
        id: JobId,
        job: &Job,
        outcome: &Outcome,
        input: &Input,
    ) -> Verdict {
        let kind = match outcome {
            Outcome::Completed => {
                return ensure(false, "guarantee_2_a_result_counts_only_from_who_was_asked", || {
                    id.to_string()
                });
            }
            Outcome::Cancelled(_) => {
                return ensure(false, "guarantee_4_cancelled_means_that_no_code_of_it_runs", || {
                    format!("{id} is {job:?}")
                });
            }
            Outcome::Failed(failure) => failure.kind,
        };
        ensure(job.stage != Stage::Quarantined, "who_is_in_quarantine_stays_there", || {
            format!("{id} failed with {kind:?}")
        })?;
        let taken_along = match kind {
            // In a tick, the pool may go down before the job's next attempt comes, and it fails as it did.
            _ if self.step.went_down && matches!(input, Input::Tick) && job.evidence == Some(kind) => {
                job.is_pending()
            }
            FailureKind::WorkerUnavailable => self.down && (job.is_pending() || job.is_delayed()),
            FailureKind::Refused => self.step.refused == Some(id) && job.is_pending(),
            FailureKind::Interrupted => self.ending.is_some() && job.is_pending(),
            FailureKind::TimedOut => {
                job.start_by.is_some_and(|deadline| deadline <= self.now) && job.is_pending()
            }
            _ => false,
        };
        ensure(taken_along, "guarantee_3_a_death_touches_only_its_own_job", || {
            format!("{id} failed with {kind:?} and is {job:?}")
        })
    }

    pub(super) fn reject(&mut self, id: JobId, rejection: &Rejection, input: &Input) -> Verdict {
        let asked = matches!(input, Input::Submit(submit) if submit.job == id);
        ensure(asked && self.step.submitted.take() == Some(id), "only_submits_are_rejected", || {
            id.to_string()
        })?;
        self.step.admitted = None;
        let right = match rejection {
            Rejection::ShutDown => self.shutdown.is_some(),
            Rejection::Down(_) => self.down,
            Rejection::QueueFull { capacity } => {
                let waits = |job: &&Job| job.is_pending() || job.is_delayed();
                let waiting = self.jobs.values().filter(waits).count();
                *capacity > 0 && *capacity == self.config.queue_capacity && waiting >= *capacity
            }
        };
        ensure(right, "a_rejection_has_a_reason", || format!("{id}: {rejection:?}"))
    }

    pub(super) fn still_dying(&mut self, id: JobId, pid: Option<u32>) -> Verdict {
        let worker = self.unfinished(id)?.worker();
        let of_worker = worker.and_then(|key| self.workers.get(&key)).map(|worker| worker.pid);
        let due = self.step.still_dying.iter().position(|due| *due == id);
        due.map(|index| self.step.still_dying.remove(index));
        ensure(due.is_some() && of_worker == Some(pid), "guarantee_4_who_does_not_die_is_named", || {
            format!("{id} is said to be still dying in {pid:?}; its worker is {worker:?}, {of_worker:?}")
        })
    }
}
