//! What may be said to workers and of workers.

use ostler_lifecycle::{
    Command, ControlId, ControlOperation, EndCause, EndReason, Input, JobId, RequestId, WorkerChange,
    WorkerKey,
};

use super::restart::Filled;
use super::step::Frame;
use super::worker::{Task, Why, Worker};
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
        let (now, timeout_grace) = (self.now, self.config.timeout_grace);
        let worker = self.workers.get(&key);
        let fits = worker.is_some_and(|worker| {
            worker.hello_at.is_some() && worker.listens() && self.may_be_told(worker, command, input)
        });
        ensure(fits, "who_is_told_something_can_hear_it", || format!("{command:?} to {key}, {worker:?}"))?;
        if let Command::Execute { job, attempt } = command {
            self.execute(job, attempt, key)?;
        }
        if command == Command::Stop {
            self.stop(key)?;
        }
        if command == Command::Ping {
            self.ping(key, input)?;
        }
        let plugin = match command {
            Command::Execute { job, .. } => self.jobs.get(&job).map(|job| job.plugin),
            _ => None,
        };
        let Some(worker) = self.workers.get_mut(&key) else { return Ok(()) };
        match (command, input) {
            (Command::Init, _) => worker.init = Some(request),
            (Command::Execute { job, attempt }, _) => {
                worker.warm.extend(plugin);
                worker.lives(now);
                worker.task = Some(Task {
                    job,
                    attempt,
                    request,
                    sent_at: now,
                    started_at: None,
                    reported_at: now,
                    next_chunk: 0,
                    leave_by: None,
                    overtime: false,
                });
            }
            (Command::Reload { id } | Command::Unload { id }, _) => {
                worker.lives(now);
                worker.chore = Some((id, request));
                worker.chore_since = Some(now);
                if let Some(control) = self.controls.get_mut(&id) {
                    control.told = true;
                }
            }
            (Command::GetState, Input::Control { id, .. }) => worker.questions.push((request, *id)),
            (Command::Cancel { .. }, Input::Cancel { .. }) => {}
            // Its time is up, and it has some time more to end by itself.
            (Command::Cancel { .. }, _) => {
                worker.asked_to_end = Some(request);
                if let Some(task) = &mut worker.task {
                    task.overtime = true;
                    task.leave_by = Some(now + timeout_grace);
                }
            }
            (Command::GetState | Command::Stop | Command::Ping, _) => {}
        }
        Ok(())
    }

    fn may_be_told(&self, worker: &Worker, command: Command, input: &Input) -> bool {
        match command {
            Command::Init => worker.init.is_none() && self.step.frame == Frame::Hello,
            Command::Execute { .. } => worker.is_free() && !worker.obsolete,
            Command::Cancel { job } => worker.task.as_ref().is_some_and(|task| match input {
                Input::Cancel { job: asked, .. } => {
                    [task.job, *asked] == [job, job] && task.leave_by.is_some_and(|until| until > self.now)
                }
                _ => task.job == job && task.leave_by.is_none() && self.has_run_too_long(worker, task, input),
            }),
            Command::Reload { id } => {
                worker.is_free()
                    && self.is_open(id, |operation| matches!(operation, ControlOperation::Reload(_)))
            }
            Command::Unload { id } => {
                worker.is_free()
                    && self.is_open(id, |operation| matches!(operation, ControlOperation::Unload(_)))
            }
            Command::GetState => worker.ready && matches!(input, Input::Control { .. }),
            Command::Ping => worker.must_show_life(),
            Command::Stop => worker.is_free(),
        }
    }

    fn is_open(&self, id: ControlId, fits: impl Fn(ControlOperation) -> bool) -> bool {
        let now = self.now;
        self.controls.get(&id).is_some_and(|control| fits(control.operation) && control.deadline > now)
    }

    /// A worker is asked whether it lives when it was silent for the interval.
    fn ping(&mut self, key: WorkerKey, input: &Input) -> Verdict {
        let (now, config) = (self.now, &self.config);
        let Some(worker) = self.workers.get_mut(&key) else { return Ok(()) };
        let due = worker.asks_at(config).is_some_and(|deadline| deadline <= now);
        let right = due && matches!(input, Input::Tick);
        ensure(right, "who_speaks_is_not_asked_whether_it_lives", || format!("{key} is {worker:?}"))?;
        worker.pinged_at = Some(now);
        Ok(())
    }

    pub(super) fn worker_change(&mut self, key: WorkerKey, change: &WorkerChange, input: &Input) -> Verdict {
        if let WorkerChange::Gone { cause, was_ready, .. } = change {
            return self.worker_gone(key, cause, *was_ready, input);
        }
        let now = self.now;
        if let (WorkerChange::Idle, Some(worker)) = (change, self.workers.get_mut(&key)) {
            worker.idle_since = Some(now);
        }
        if let (WorkerChange::Draining { reason }, Some(worker)) = (change, self.workers.get_mut(&key)) {
            worker.drains = Some(reason.clone());
        }
        let worker = self.workers.get(&key);
        let right = worker.is_some_and(|worker| match change {
            WorkerChange::Spawned { pid } => {
                matches!(input, Input::WorkerSpawned { worker, .. } if *worker == key)
                    && worker.pid == Some(*pid)
            }
            WorkerChange::Loading => self.step.frame == Frame::Hello && worker.listens(),
            WorkerChange::Idle => worker.is_free(),
            WorkerChange::Busy { job } => {
                worker.listens() && worker.task.as_ref().is_some_and(|task| task.job == *job)
            }
            // The word to stop follows, and is judged.
            WorkerChange::Draining { .. } => worker.is_free(),
            WorkerChange::GivenUp { reason } => {
                worker.given_up && worker.killed.is_some_and(|killed| killed.why == Why::of(reason))
            }
            WorkerChange::Gone { .. } => false,
        });
        ensure(right, "what_is_said_of_a_worker_is_true", || format!("{key}: {change:?} of {worker:?}"))
    }

    fn worker_gone(&mut self, key: WorkerKey, cause: &EndCause, was_ready: bool, input: &Input) -> Verdict {
        let Some((gone, worker)) = self.step.gone.clone() else {
            return ensure(false, "a_worker_goes_once", || format!("{key}: {cause:?}"));
        };
        let right = match (cause, worker.killed, input) {
            (EndCause::Ended(reason), Some(killed), _) => killed.why == Why::of(reason),
            (EndCause::Ended(reason), None, _) => {
                worker.stopped.as_ref().is_some_and(|stopped| stopped.reason == *reason)
            }
            (EndCause::SpawnFailed(_), None, Input::SpawnFailed { .. })
            | (EndCause::OnItsOwn, None, Input::WorkerExited { .. }) => true,
            _ => false,
        };
        if let Some((end, comes_back)) = self.step.leaves.take() {
            self.slot_is_empty(key.slot, end, comes_back);
        }
        self.step.gone = None;
        // Somebody else takes the place of who was recycled, whatever the policy says.
        let recycled = matches!(cause, EndCause::Ended(EndReason::Recycled(_)));
        if recycled && self.shutdown.is_none() && !self.down && !self.pressure && !worker.given_up {
            self.step.replaced.push(key.slot);
        }
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
        let alive = self.restarts.slots.values().any(|slot| matches!(slot, Filled::With(_)));
        ensure(!alive, "guarantee_8_closed_when_all_is_over", || format!("{:?}", self.restarts.slots))?;
        let mut said = still_dying.to_vec();
        said.sort_unstable();
        let mut known: Vec<u32> = self.workers.values().filter_map(|worker| worker.pid).collect();
        known.sort_unstable();
        ensure(said == known, "guarantee_8_who_does_not_die_is_named", || format!("{said:?}, not {known:?}"))
    }
}
