//! What may be said to workers and of workers.

use ostler_lifecycle::{
    Command, ControlId, ControlOperation, EndCause, EndReason, FailureKind, Input, JobId, RequestId,
    WorkerChange, WorkerKey,
};

use super::after::HANG_UP_GRACE;
use super::job::Stage;
use super::restart::Filled;
use super::step::Frame;
use super::worker::{End, Killed, Task, Worker};
use super::{Model, Verdict, ensure};

impl Model {
    pub(super) fn send(
        &mut self,
        key: WorkerKey,
        request: RequestId,
        command: Command,
        input: &Input,
    ) -> Verdict {
        let last = std::mem::replace(&mut self.last_request, request);
        ensure(last < request, "names_are_new", || format!("{request:?} came after {last:?}"))?;
        let now = self.now;
        let worker = self.workers.get(&key);
        let fits = worker.is_some_and(|worker| {
            worker.hello_at.is_some()
                && worker.listens()
                && match command {
                    Command::Init => worker.init.is_none() && self.step.frame == Frame::Hello,
                    Command::Execute { attempt, .. } => worker.is_free() && attempt == 1 && !worker.obsolete,
                    Command::Cancel { job } => {
                        worker
                            .task
                            .as_ref()
                            .is_some_and(|task| task.job == job && task.leaving_since.is_none())
                            && matches!(input, Input::Cancel { job: asked } if *asked == job)
                    }
                    Command::Reload { id } => worker.is_free() && self.is_open(id, ControlOperation::Reload),
                    Command::Unload { id } => worker.is_free() && self.is_open(id, ControlOperation::Unload),
                    Command::GetState => worker.ready && matches!(input, Input::Control { .. }),
                    Command::Stop => worker.is_free() && self.shutdown.is_some(),
                }
        });
        ensure(fits, "who_is_told_something_can_hear_it", || format!("{command:?} to {key}, {worker:?}"))?;
        if let Command::Execute { job, .. } = command {
            self.execute(job, key)?;
        }
        let Some(worker) = self.workers.get_mut(&key) else { return Ok(()) };
        match (command, input) {
            (Command::Init, _) => worker.init = Some(request),
            (Command::Execute { job, attempt }, _) => {
                let (started_at, leaving_since) = (None, None);
                worker.task = Some(Task {
                    job,
                    attempt,
                    request,
                    sent_at: now,
                    started_at,
                    next_chunk: 0,
                    leaving_since,
                });
            }
            (Command::Cancel { .. }, _) => {
                worker.task.iter_mut().for_each(|task| task.leaving_since = Some(now));
            }
            (Command::Reload { id } | Command::Unload { id }, _) => worker.chore = Some((id, request)),
            (Command::GetState, Input::Control { id, .. }) => worker.questions.push((request, *id)),
            (Command::GetState, _) => {}
            (Command::Stop, _) => worker.stopped = true,
        }
        Ok(())
    }

    fn is_open(&self, id: ControlId, operation: ControlOperation) -> bool {
        self.controls.get(&id).is_some_and(|control| control.operation == operation)
    }

    pub(super) fn kill(&mut self, key: WorkerKey, input: &Input) -> Verdict {
        let worker = self.workers.get(&key);
        let alive = worker.is_some_and(|worker| worker.killed.is_none());
        ensure(alive, "a_worker_is_killed_once", || format!("{key} is {worker:?}"))?;
        let reason = worker.and_then(|worker| self.reason_to_kill(key, worker, input));
        ensure(reason.is_some(), "guarantee_3_nothing_is_killed_without_a_reason", || {
            format!("{key} is {worker:?}")
        })?;
        let now = self.now;
        let (Some(worker), Some((end, doom))) = (self.workers.get_mut(&key), reason) else { return Ok(()) };
        if worker.is_free() {
            self.losses += 1;
        }
        worker.killed = Some(Killed { at: now, end, doom, replaced: false });
        self.step.killed.push(key);
        Ok(())
    }

    /// Why a worker may be killed in this step, and what becomes of a job that it has begun.
    fn reason_to_kill(
        &self,
        key: WorkerKey,
        worker: &Worker,
        input: &Input,
    ) -> Option<(End, Option<FailureKind>)> {
        let now = self.now;
        let subject = matches!(input, Input::Frame { worker, .. } if *worker == key);
        let tick = matches!(input, Input::Tick);
        let over = |at: Option<std::time::Instant>, span| tick && at.is_some_and(|at| at + span <= now);
        let begun = |task: &Task| self.jobs.get(&task.job).is_some_and(|job| job.begun);
        let ending = self.ending.is_some();
        if (subject && self.step.frame == Frame::Wrong) || over(worker.hung_up_at, HANG_UP_GRACE) {
            let doom = worker.task.as_ref().filter(|task| begun(task)).map(|_| FailureKind::Protocol);
            return Some((End::Fault, doom));
        }
        if let Some(task) = &worker.task {
            let job = self.jobs.get(&task.job)?;
            return match (job.stage, task.started_at) {
                (Stage::Cancelling(_), _) => {
                    let no_grace = self.config.cancel_grace.is_zero() || task.started_at.is_none();
                    let asked = no_grace && matches!(input, Input::Cancel { job } if *job == task.job);
                    let grace_over = over(task.leaving_since, self.config.cancel_grace);
                    let ended = subject && self.step.frame == Frame::EndedAfterCancel;
                    (asked || grace_over || ended || ending).then_some((End::Asked, None))
                }
                (_, Some(started)) if job.timeout.is_some_and(|timeout| over(Some(started), timeout)) => {
                    Some((End::Asked, Some(FailureKind::TimedOut)))
                }
                (_, None) if over(Some(task.sent_at), self.config.start_timeout) => Some((End::Fault, None)),
                _ => ending.then_some((End::Asked, Some(FailureKind::Interrupted))),
            };
        }
        let chore_over = worker.chore.is_some()
            && self.controls.iter().any(|(id, control)| {
                worker.chore.is_some_and(|(chore, _)| chore == *id) && control.deadline <= now
            });
        let silent = worker.hello_at.is_none() && over(worker.spawned_at, self.config.start_timeout);
        let slow = !worker.ready && over(worker.hello_at, self.config.load_timeout);
        let broken = subject && self.step.frame == Frame::LoadFailed;
        if (tick && chore_over) || silent || slow || broken {
            return Some((End::Fault, None));
        }
        (worker.obsolete || self.shutdown.is_some()).then_some((End::Asked, None))
    }

    pub(super) fn worker_change(&mut self, key: WorkerKey, change: &WorkerChange, input: &Input) -> Verdict {
        if let WorkerChange::Gone { cause, was_ready, .. } = change {
            return self.worker_gone(key, cause, *was_ready, input);
        }
        let worker = self.workers.get(&key);
        let right = worker.is_some_and(|worker| match change {
            WorkerChange::Spawned { pid } => {
                matches!(input, Input::WorkerSpawned { worker, .. } if *worker == key)
                    && worker_pid(worker, *pid)
            }
            WorkerChange::Loading => self.step.frame == Frame::Hello && worker.listens(),
            WorkerChange::Idle => worker.is_free(),
            WorkerChange::Busy { job } => {
                worker.listens() && worker.task.as_ref().is_some_and(|task| task.job == *job)
            }
            WorkerChange::Draining => worker.is_free() && self.shutdown.is_some(),
            WorkerChange::Gone { .. } => false,
        });
        ensure(right, "what_is_said_of_a_worker_is_true", || format!("{key}: {change:?} of {worker:?}"))
    }

    fn worker_gone(&mut self, key: WorkerKey, cause: &EndCause, was_ready: bool, input: &Input) -> Verdict {
        let Some((gone, worker)) = self.step.gone.take() else {
            return ensure(false, "a_worker_goes_once", || format!("{key}: {cause:?}"));
        };
        let end = match cause {
            EndCause::Ended(reason) => end_of(reason),
            EndCause::SpawnFailed(_) | EndCause::OnItsOwn => End::Fault,
        };
        let right = match (cause, worker.killed, input) {
            (EndCause::Ended(_), Some(killed), _) => killed.end == end,
            (EndCause::Ended(EndReason::Shutdown), None, _) => worker.stopped,
            (EndCause::SpawnFailed(_), None, Input::SpawnFailed { .. })
            | (EndCause::OnItsOwn, None, Input::WorkerExited { .. }) => true,
            _ => false,
        };
        ensure(gone == key && right && was_ready == worker.ready, "an_end_has_the_cause_that_it_had", || {
            format!("{key}: {cause:?}, ready: {was_ready}; {gone} was {worker:?}")
        })
    }

    pub(super) fn close(&mut self, still_dying: &[u32]) -> Verdict {
        ensure(!self.closed && self.shutdown.is_some(), "guarantee_8_closed_once", || "again".to_owned())?;
        self.closed = true;
        let left: Vec<JobId> = self
            .jobs
            .iter()
            .filter(|(_, job)| !job.worker().is_some_and(|worker| self.is_given_up(worker)))
            .map(|(&id, _)| id)
            .collect();
        ensure(left.is_empty(), "guarantee_8_closed_when_all_is_over", || format!("left are {left:?}"))?;
        let alive = self.restarts.slots.iter().any(|slot| matches!(slot, Filled::With(_)));
        ensure(!alive, "guarantee_8_closed_when_all_is_over", || format!("{:?}", self.restarts.slots))?;
        let mut said = still_dying.to_vec();
        said.sort_unstable();
        let mut known: Vec<u32> = self.workers.values().filter_map(|worker| worker.pid).collect();
        known.sort_unstable();
        ensure(said == known, "guarantee_8_who_does_not_die_is_named", || format!("{said:?}, not {known:?}"))
    }
}

fn worker_pid(worker: &Worker, pid: u32) -> bool {
    worker.pid == Some(pid)
}

/// Whether the host wanted a worker to end for this reason.
fn end_of(reason: &EndReason) -> End {
    match reason {
        EndReason::Cancelled | EndReason::TimedOut | EndReason::Retired | EndReason::Shutdown => End::Asked,
        EndReason::Stalled
        | EndReason::SilentAtStart
        | EndReason::LoadTimedOut
        | EndReason::LoadFailed(_)
        | EndReason::ControlTimedOut
        | EndReason::Protocol(_) => End::Fault,
    }
}
