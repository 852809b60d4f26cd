//! What an input means.

use std::time::Instant;

use ostler_lifecycle::{
    Admission, Category, FailureKind, Input, JobId, Machine, NotReleased, Submit, Ticket,
};

use super::controls::Control;
use super::job::{Due, Job, Stage};
use super::runs::Next;
use super::step::Step;
use super::{Model, Verdict, ensure};

impl Model {
    pub(crate) fn foresee(&mut self, now: Instant, input: &Input, machine: &Machine) -> Verdict {
        self.time_passes(now, input);
        let now = self.now;
        self.step = Step::default();
        match input {
            Input::Start => self.foresee_start(),
            Input::Submit(submit) => self.foresee_submit(submit),
            Input::Cancel { job, grace } => {
                let grace = *grace;
                self.foresee_cancel(*job, grace);
            }
            Input::Release { job } => return self.foresee_release(*job, machine),
            Input::GiveUp { job } => self.foresee_give_up(*job),
            Input::Admission { job, ticket, answer } => self.foresee_admission(*job, *ticket, answer),
            Input::WorkerSpawned { worker, pid } => match self.workers.get_mut(worker) {
                None => self.step.quiet = true,
                Some(worker) => {
                    worker.pid = Some(*pid);
                    worker.spawned_at = Some(now);
                    self.step.quiet = worker.given_up;
                }
            },
            Input::SpawnFailed { worker, .. } => self.foresee_exit(*worker, None),
            Input::WorkerExited { worker, exit } => self.foresee_exit(*worker, Some(exit)),
            Input::Frame { worker, frame } => {
                self.foresee_frame(*worker, frame);
                return self.a_result_is_awaited_if_it_counts(*worker, frame, machine);
            }
            Input::CaughtUp { worker } => return self.foresee_reading(*worker),
            Input::HostPaused { .. } => self.step.quiet = true,
            Input::Tick => return self.foresee_tick(self.called_at(machine)),
            Input::Control { id, operation } => {
                self.controls.insert(*id, Control::new(*operation, now, &self.config));
            }
            Input::RestartWorkers => self.foresee_restart(),
            Input::Pause => self.foresee_pause(),
            Input::Resume => self.foresee_resume(),
            Input::Resize { max_workers, standby } => self.foresee_resize(*max_workers, *standby),
            Input::Memory { available, resident } => self.foresee_memory(*available, resident, machine),
            Input::Shutdown { deadline } => self.foresee_shutdown(self.in_host_time(*deadline)),
        }
        Ok(())
    }

    fn foresee_shutdown(&mut self, deadline: Instant) {
        let at_once = deadline <= self.now;
        self.step.quiet = (self.ending.is_some() && (self.ends_at_once || !at_once)) || self.closed;
        self.ends_at_once |= at_once;
        let deadline = self.shutdown.map_or(deadline, |earlier| earlier.min(deadline));
        self.shutdown = Some(deadline);
        for (&id, job) in &self.jobs {
            if let (Stage::Quarantined, Some(kind)) = (job.stage, job.evidence) {
                self.step.due.push((id, Due::Failed(kind)));
            }
        }
        self.notice_ending();
    }

    pub(super) fn notice_ending(&mut self) {
        if self.shutdown.is_none_or(|deadline| deadline > self.now) || self.closed || self.ending.is_some() {
            return;
        }
        self.ending = Some(self.now);
        self.delayed_jobs_fail_as_they_did();
    }

    /// There will be no worker, or no time, for their next attempt.
    pub(super) fn delayed_jobs_fail_as_they_did(&mut self) {
        for (&id, job) in &self.jobs {
            if let (Stage::Delayed { .. }, Some(kind)) = (job.stage, job.evidence) {
                self.step.due.push((id, Due::Failed(kind)));
            }
        }
    }

    fn foresee_submit(&mut self, submit: &Submit) {
        self.submits += 1;
        self.step.submitted = Some(submit.job);
        if submit.blocked.is_none() {
            self.step.admitted = Some(submit.job);
        }
    }

    fn foresee_release(&mut self, id: JobId, machine: &Machine) -> Verdict {
        let aside = self.jobs.get(&id).is_some_and(|job| job.stage == Stage::Quarantined);
        let said = machine.can_release(id);
        let is_true = match &said {
            Ok(()) => aside && !self.down && self.shutdown.is_none(),
            Err(NotReleased::NotQuarantined) => !aside,
            Err(NotReleased::ShutDown) => aside && self.shutdown.is_some(),
            Err(NotReleased::Down(_)) => aside && self.down && self.shutdown.is_none(),
        };
        if said.is_ok() {
            self.step.released = Some(id);
        } else {
            self.step.quiet = true;
        }
        ensure(is_true, "the_view_is_true", || format!("{id} is said to be let out: {said:?}"))
    }

    fn foresee_give_up(&mut self, id: JobId) {
        match self.jobs.get(&id) {
            Some(Job { stage: Stage::Quarantined, evidence: Some(kind), .. }) => {
                self.step.due.push((id, Due::Failed(*kind)));
            }
            _ => self.step.quiet = true,
        }
    }

    fn foresee_cancel(&mut self, id: JobId, grace: Option<std::time::Duration>) {
        let now = self.now;
        let patience = grace.unwrap_or(self.config.cancel_grace);
        let Some(job) = self.jobs.get(&id) else {
            self.step.quiet = true;
            return;
        };
        let ends_anyway = self.ends_anyway(job);
        let Some(job) = self.jobs.get_mut(&id) else { return };
        match job.stage {
            Stage::Pending { .. } | Stage::Delayed { .. } | Stage::Quarantined => {
                self.step.due.push((id, Due::Cancelled));
                job.cancel_asked = true;
            }
            // What ended it was first.
            Stage::Sent(_) | Stage::Running(_) if ends_anyway => self.step.quiet = true,
            Stage::Sent(key) | Stage::Running(key) => {
                job.cancel_asked = true;
                self.step.cancelling = Some(id);
                if let Some(task) = self.workers.get_mut(&key).and_then(|worker| worker.task.as_mut()) {
                    // Who has not begun has nothing to tidy up, and nobody who asks again makes it longer.
                    let until = if task.started_at.is_some() { now + patience } else { now };
                    task.leave_by = Some(task.leave_by.map_or(until, |earlier| earlier.min(until)));
                    task.overtime = false;
                }
            }
            Stage::Cancelling(key) => {
                let given_up = self.is_given_up(key);
                self.step.still_dying.extend(given_up.then_some(id));
                let worker = self.workers.get_mut(&key).filter(|worker| worker.listens());
                let task = worker.and_then(|worker| worker.task.as_mut());
                // Only who names a grace can change it, and only to a shorter one.
                if let (Some(grace), Some(task)) = (grace, task) {
                    task.leave_by = task.leave_by.map(|until| until.min(now + grace));
                    self.step.quiet = task.leave_by.is_none_or(|until| until > now);
                } else {
                    self.step.quiet = !given_up;
                }
            }
        }
    }

    /// Its worker is being killed, for a reason that is the job's end as well: it will not run again.
    fn ends_anyway(&self, job: &Job) -> bool {
        let killed = job.worker().and_then(|key| self.workers.get(&key)).and_then(|worker| worker.killed);
        let Some(killed) = killed else { return false };
        let late = job.begun.then_some((FailureKind::Stalled, Category::Transient));
        let Some((kind, category)) = killed.doom.or(late) else { return false };
        let next = job.next(kind, category);
        next == Next::Over
            || self.ending.is_some()
            || (next == Next::Again && self.down && self.shutdown.is_some())
            || (next == Next::Quarantine && self.shutdown.is_some())
    }

    fn foresee_admission(&mut self, id: JobId, ticket: Ticket, answer: &Admission) {
        let losses = self.losses;
        match self.jobs.get_mut(&id) {
            Some(job) if job.is_asked(ticket) => {
                let certain = job.question.as_ref().is_some_and(|question| question.losses == losses);
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

    /// Something was freed, so the hook is asked again for all.
    pub(super) fn everybody_gets_another_turn(&mut self) {
        self.ask_again_at = None;
        self.step.freed = true;
        for job in self.jobs.values_mut() {
            if let Stage::Pending { blocked } = &mut job.stage {
                *blocked = false;
                job.unsure = false;
            }
        }
    }

    pub(super) fn accept(&mut self, id: JobId, submit: &Submit) {
        let mut job = Job::new(self.submits, submit, &self.config.retry, self.now);
        let step = self.config.aging_step;
        if !step.is_zero() {
            // What a job is worth that comes now, later by a step for each priority below the highest.
            let steps = u32::from(i8::MAX.abs_diff(submit.priority.0));
            job.rank = Some(self.now - self.start + step * steps);
        }
        self.jobs.insert(id, job);
    }
}
