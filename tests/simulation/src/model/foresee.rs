//! What an input means.

use std::time::Instant;

use ostler_lifecycle::{Admission, FailureKind, Input, JobId, Machine, SlotId, Submit, Ticket, WorkerKey};

use super::controls::Control;
use super::job::{Due, Job, Stage};
use super::step::Step;
use super::worker::End;
use super::{Model, Verdict, ensure};

impl Model {
    pub(crate) fn foresee(&mut self, now: Instant, input: &Input, machine: &Machine) -> Verdict {
        self.now = now;
        self.step = Step::default();
        match input {
            Input::Start => self.step.free_start = true,
            Input::Submit(submit) => self.foresee_submit(submit),
            Input::Cancel { job } => self.foresee_cancel(*job),
            Input::Admission { job, ticket, answer } => self.foresee_admission(*job, *ticket, answer),
            Input::WorkerSpawned { worker, pid } => match self.workers.get_mut(worker) {
                None => self.step.quiet = true,
                Some(worker) => {
                    worker.pid = Some(*pid);
                    worker.spawned_at = Some(now);
                    self.step.quiet = worker.given_up;
                }
            },
            Input::SpawnFailed { worker, .. } | Input::WorkerExited { worker, .. } => {
                self.foresee_exit(*worker)
            }
            Input::Frame { worker, frame } => self.foresee_frame(*worker, frame),
            Input::Tick => return self.foresee_tick(machine.next_deadline()),
            Input::Control { id, operation } => {
                self.controls.insert(*id, Control::new(*operation, now, &self.config));
            }
            Input::RestartWorkers if self.shutdown.is_some() => self.step.quiet = true,
            Input::RestartWorkers => {
                self.step.free_start = true;
                self.restarts.clear();
                for killed in self.workers.values_mut().filter_map(|worker| worker.killed.as_mut()) {
                    killed.replaced = true;
                }
            }
            Input::Shutdown { deadline } => {
                self.step.quiet = self.ending.is_some() || self.closed;
                let deadline = self.shutdown.map_or(*deadline, |earlier| earlier.min(*deadline));
                self.shutdown = Some(deadline);
                self.notice_ending();
            }
        }
        Ok(())
    }

    fn notice_ending(&mut self) {
        if self.shutdown.is_some_and(|deadline| deadline <= self.now) && !self.closed {
            self.ending.get_or_insert(self.now);
        }
    }

    fn foresee_submit(&mut self, submit: &Submit) {
        self.submits += 1;
        self.step.submitted = Some(submit.job);
        if submit.blocked.is_none() {
            self.step.admitted = Some(submit.job);
        }
    }

    fn foresee_cancel(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(&id) else {
            self.step.quiet = true;
            return;
        };
        job.cancel_asked = true;
        match job.stage {
            Stage::Pending { .. } => self.step.due.push((id, Due::Cancelled)),
            Stage::Sent(key) | Stage::Running(key) => {
                let doomed = self
                    .workers
                    .get(&key)
                    .and_then(|worker| worker.killed)
                    .is_some_and(|killed| killed.doom.is_some() || job.begun);
                if doomed {
                    // What ended it was first.
                    job.cancel_asked = false;
                    self.step.quiet = true;
                } else {
                    self.step.cancelling = Some(id);
                }
            }
            Stage::Cancelling(worker) => {
                let given_up = self.is_given_up(worker);
                self.step.quiet = !given_up;
                self.step.still_dying.extend(given_up.then_some(id));
            }
        }
    }

    fn foresee_admission(&mut self, id: JobId, ticket: Ticket, answer: &Admission) {
        let losses = self.losses;
        match self.jobs.get_mut(&id) {
            Some(job) if job.question.is_some_and(|(open, _)| open == ticket) => {
                let certain = job.question.is_some_and(|(_, then)| then == losses);
                match answer {
                    Admission::Proceed => self.step.admitted = Some(id),
                    Admission::Wait { .. } => {}
                    Admission::Refuse { .. } if certain => {
                        job.question = None;
                        self.step.due.push((id, Due::Failed(FailureKind::Refused)));
                    }
                    // Its worker may be lost, and the question with it.
                    Admission::Refuse { .. } => self.step.refused = Some(id),
                }
            }
            _ => self.step.quiet = true,
        }
    }

    fn foresee_exit(&mut self, key: WorkerKey) {
        let Some(worker) = self.workers.remove(&key) else {
            self.step.quiet = true;
            return;
        };
        if worker.is_free() {
            self.losses += 1;
        }
        if let Some(task) = &worker.task {
            let failure = match worker.killed {
                Some(killed) => killed.doom.or(Some(FailureKind::Stalled)),
                None => Some(FailureKind::Crashed),
            };
            self.foresee_end_of_job(task.job, failure);
        }
        if !worker.given_up {
            let replaced = worker.killed.is_some_and(|killed| killed.replaced);
            self.is_replaced(key.slot, replaced);
            let end = match worker.killed {
                Some(killed) => killed.end,
                None if worker.stopped => End::Asked,
                // It exits because its job was asked to end.
                None if worker.task.as_ref().is_some_and(|task| task.leaving_since.is_some()) => End::Asked,
                None => End::Fault,
            };
            self.emptied(key.slot, end);
        }
        self.step.gone = Some((key, worker));
        self.everybody_gets_another_turn();
    }

    /// A slot has become empty; a restart that was asked for before its end comes now, unless all has ended.
    fn is_replaced(&mut self, slot: SlotId, asked: bool) {
        let goes_on = self.shutdown.is_none() && !self.down;
        self.step.replaced.extend((asked && goes_on).then_some(slot));
    }

    /// A job's worker is dead, or as good as dead.
    fn foresee_end_of_job(&mut self, id: JobId, failure: Option<FailureKind>) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        match (job.stage, failure) {
            (Stage::Cancelling(_), _) => self.step.due.push((id, Due::Cancelled)),
            (_, Some(kind)) if job.begun || kind == FailureKind::Interrupted => {
                self.step.due.push((id, Due::Failed(kind)));
            }
            _ => {
                job.stage = Stage::Pending { blocked: false };
                job.question = None;
            }
        }
    }

    fn foresee_tick(&mut self, deadline: Option<Instant>) -> Verdict {
        let early = deadline.is_none_or(|deadline| self.now < deadline);
        self.step.quiet = early;
        if early {
            return Ok(());
        }
        self.notice_ending();
        if self.ask_again_at.is_some_and(|at| at <= self.now) {
            self.everybody_gets_another_turn();
        }
        let kill_timeout = self.config.kill_timeout;
        let hopeless: Vec<WorkerKey> = self
            .workers
            .iter()
            .filter(|(_, worker)| {
                !worker.given_up && worker.killed.is_some_and(|killed| killed.at + kill_timeout <= self.now)
            })
            .map(|(&key, _)| key)
            .collect();
        for key in hopeless {
            self.give_up(key)?;
        }
        Ok(())
    }

    fn give_up(&mut self, key: WorkerKey) -> Verdict {
        let Some(worker) = self.workers.get_mut(&key) else { return Ok(()) };
        worker.given_up = true;
        let Some(killed) = worker.killed else { return Ok(()) };
        let job = worker.task.as_ref().map(|task| task.job);
        self.is_replaced(key.slot, killed.replaced);
        self.emptied(key.slot, killed.end);
        if let Some(id) = job {
            match self.jobs.get(&id).map(|job| job.stage) {
                Some(Stage::Cancelling(_)) => self.step.still_dying.push(id),
                Some(_) => {
                    let kind = killed.doom.unwrap_or(FailureKind::Stalled);
                    self.step.due.push((id, Due::Failed(kind)));
                }
                None => {}
            }
        }
        self.everybody_gets_another_turn();
        ensure(killed.at <= self.now, "time_runs_forward", || format!("{key} was killed in the future"))
    }

    fn emptied(&mut self, slot: SlotId, end: End) {
        self.step.emptied.push((slot, end));
        self.restarts.empty(slot, end, self.now);
    }

    /// Something was freed, so the hook is asked again for all.
    pub(super) fn everybody_gets_another_turn(&mut self) {
        self.ask_again_at = None;
        for job in self.jobs.values_mut() {
            if let Stage::Pending { blocked } = &mut job.stage {
                *blocked = false;
            }
        }
    }

    pub(super) fn accept(&mut self, id: JobId, submit: &Submit) {
        let job = Job {
            order: self.submits,
            priority: submit.priority,
            timeout: submit.timeout,
            stage: Stage::Pending { blocked: false },
            begun: false,
            cancel_asked: false,
            question: None,
        };
        self.jobs.insert(id, job);
    }
}
