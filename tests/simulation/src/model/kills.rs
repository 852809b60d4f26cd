//! Why a worker may be killed.

use std::time::{Duration, Instant};

use ostler_lifecycle::{Category, FailureKind, Input, WorkerKey};

use super::deadlines::HANG_UP_GRACE;
use super::job::Stage;
use super::step::Frame;
use super::worker::{End, Killed, Task, Why, Worker};
use super::{Model, Verdict, ensure};

/// What speaks for a kill.
struct Reason {
    end: End,
    /// What becomes of a job that has begun.
    doom: Option<(FailureKind, Category)>,
    why: Why,
}

impl Model {
    pub(super) fn kill(&mut self, key: WorkerKey, input: &Input) -> Verdict {
        let worker = self.workers.get(&key);
        let alive = worker.is_some_and(|worker| worker.killed.is_none());
        ensure(alive, "a_worker_is_killed_once", || format!("{key} is {worker:?}"))?;
        let reason = worker.and_then(|worker| self.reason_to_kill(key, worker, input));
        ensure(reason.is_some(), "guarantee_3_nothing_is_killed_without_a_reason", || {
            format!("{key} is {worker:?}")
        })?;
        let (at, room, jobs) = (self.now, &mut self.step.eviction, &self.jobs);
        let (Some(worker), Some(Reason { end, doom, why })) = (self.workers.get_mut(&key), reason) else {
            return Ok(());
        };
        if worker.is_free() {
            self.losses += 1;
        }
        // Somebody was to take its place already.
        let replaced = worker.is_recycled() || worker.has_a_successor();
        let evicted = why == Why::MemoryPressure;
        worker.printed_by = worker
            .task
            .as_ref()
            .filter(|task| task.started_at.is_some() || jobs.get(&task.job).is_some_and(|job| job.begun))
            .map(|task| (task.job, task.attempt));
        let overtime = worker.task.as_ref().and_then(Task::doom_of_overtime);
        let doom = overtime.or(doom);
        worker.killed = Some(Killed { at, end, doom, why, replaced: evicted || replaced });
        if let (true, Some(eviction)) = (evicted, room) {
            eviction.gone.push(key);
            self.needs.insert(key.slot, worker.baseline.unwrap_or_default());
        }
        self.step.killed.push(key);
        Ok(())
    }

    /// Why a worker may be killed in this step, in the order in which reasons are looked at.
    fn reason_to_kill(&self, key: WorkerKey, worker: &Worker, input: &Input) -> Option<Reason> {
        let subject = matches!(input, Input::Frame { worker, .. } if *worker == key);
        let fault = |why, doom| Some(Reason { end: worker.fault(), doom, why });
        let asked = |why, doom| Some(Reason { end: End::Asked, doom, why });
        if let Some(stopped) = &worker.stopped {
            let until = stopped.until.or(self.shutdown);
            let late = self.is_over(input, worker, until, Duration::ZERO)
                || self.is_over(input, worker, worker.hung_up_at, HANG_UP_GRACE);
            return if late || self.ending.is_some() { asked(Why::LetGo, None) } else { None };
        }
        if (subject && self.step.frame == Frame::Wrong)
            || self.is_over(input, worker, worker.hung_up_at, HANG_UP_GRACE)
        {
            return fault(Why::Breach, self.doom_of_a_breach(worker));
        }
        if subject && self.step.frame == Frame::LoadFailed {
            return fault(Why::LoadFailed, None);
        }
        if let Some(task) = &worker.task
            && let Some(reason) = self.reason_of_its_job(worker, task, input)
        {
            return Some(reason);
        }
        // A shutdown that gives no time asks for no reason.
        let refused_is_over = self.is_over(input, worker, worker.chore_ends, Duration::ZERO)
            && !matches!(input, Input::Shutdown { .. });
        if refused_is_over || self.is_too_slow_to_begin(worker, input) {
            return fault(Why::TooSlow, None);
        }
        if self.has_no_pulse(worker, input) {
            let begun = worker.task.as_ref().is_some_and(|task| task.started_at.is_some());
            return fault(Why::Unresponsive, begun.then_some((FailureKind::Stalled, Category::Transient)));
        }
        if self.step.over_limit.contains(&key) {
            let begun = worker.task.as_ref().is_some_and(|task| task.started_at.is_some());
            let doom = begun.then_some((FailureKind::Crashed, Category::Resource));
            return match worker.has_done_nothing() {
                true => fault(Why::LoadFailed, None),
                false => asked(Why::MemoryLimit, doom),
            };
        }
        if self.has_to_make_room(key) {
            let begun = worker.task.as_ref().is_some_and(|task| task.started_at.is_some());
            let doom = begun.then_some((FailureKind::Interrupted, Category::Resource));
            return asked(Why::MemoryPressure, doom);
        }
        if worker.task.is_some() {
            let doom = Some((FailureKind::Interrupted, Category::Transient));
            let read = self.shutdown.is_some_and(|deadline| worker.was_read_until(deadline));
            let ends = self.ending.is_some() && (self.ends_at_once || read);
            return if ends { asked(Why::LetGo, doom) } else { None };
        }
        if self.is_too_slow_for_the_pool(worker, input) {
            // Who was told late had no time to be too slow.
            let hangs = self.has_had_its_time(worker);
            return if hangs { fault(Why::TooSlow, None) } else { asked(Why::LetGo, None) };
        }
        let useless = !worker.ready && self.is_surplus(key);
        if worker.obsolete || self.shutdown.is_some() || useless { asked(Why::LetGo, None) } else { None }
    }

    /// What its own job says.
    fn reason_of_its_job(&self, worker: &Worker, task: &Task, input: &Input) -> Option<Reason> {
        let job = self.jobs.get(&task.job)?;
        let asked = |why, doom| Some(Reason { end: End::Asked, doom, why });
        match (job.stage, task.started_at) {
            (Stage::Cancelling(_), _) => {
                let at_once = matches!(input, Input::Cancel { .. });
                let grace_over = task.leave_by.is_some_and(|until| {
                    (at_once && until <= self.now) || self.is_judged(input, worker, until)
                });
                let ended = self.step.frame == Frame::EndedAfterCancel
                    && matches!(input, Input::Frame { worker, .. } if Some(*worker) == job.worker());
                if grace_over || ended { asked(Why::Cancelled, None) } else { None }
            }
            (_, Some(_)) if task.overtime => {
                let over = task.leave_by.is_some_and(|until| self.is_judged(input, worker, until));
                if over { asked(Why::TimedOut, task.doom_of_overtime()) } else { None }
            }
            (_, Some(_))
                if self.config.timeout_grace.is_zero() && self.has_run_too_long(worker, task, input) =>
            {
                asked(Why::TimedOut, Some((FailureKind::TimedOut, Category::Transient)))
            }
            (_, Some(_))
                if job
                    .stall_timeout
                    .is_some_and(|span| self.is_over(input, worker, Some(task.reported_at), span)) =>
            {
                asked(Why::Silent, Some((FailureKind::Stalled, Category::Transient)))
            }
            (_, None) if self.is_over(input, worker, Some(task.sent_at), self.config.start_timeout) => {
                Some(Reason { end: worker.fault(), doom: None, why: Why::Stalled })
            }
            _ => None,
        }
    }

    /// It has begun with its job, and that has run for longer than it may.
    pub(super) fn has_run_too_long(&self, worker: &Worker, task: &Task, input: &Input) -> bool {
        let timeout = self.jobs.get(&task.job).and_then(|job| job.timeout);
        timeout.is_some_and(|span| self.is_over(input, worker, task.started_at, span))
    }

    /// It was asked whether it lives, and has said nothing since.
    fn has_no_pulse(&self, worker: &Worker, input: &Input) -> bool {
        worker.must_show_life()
            && self.is_over(input, worker, worker.pinged_at, self.config.heartbeat_timeout)
    }

    /// It does not say hello, or does not become ready.
    fn is_too_slow_to_begin(&self, worker: &Worker, input: &Input) -> bool {
        match worker.hello_at {
            None => self.is_over(input, worker, worker.spawned_at, self.config.start_timeout),
            Some(_) => {
                !worker.ready && self.is_over(input, worker, worker.hello_at, self.config.load_timeout)
            }
        }
    }

    /// It does not carry out what the whole pool does.
    fn is_too_slow_for_the_pool(&self, worker: &Worker, input: &Input) -> bool {
        let deadline = |(chore, _)| self.controls.get(&chore).map(|control| control.deadline);
        self.is_over(input, worker, worker.chore.and_then(deadline), Duration::ZERO)
    }

    /// It has been at what the pool does for as long as that may take.
    fn has_had_its_time(&self, worker: &Worker) -> bool {
        let time = worker.chore.and_then(|(chore, _)| self.controls.get(&chore)).map(|control| control.time);
        worker.chore_since.zip(time).is_some_and(|(since, time)| since + time <= self.now)
    }

    /// Whether it took too long, by what was read of it.
    fn is_over(&self, input: &Input, worker: &Worker, since: Option<Instant>, span: Duration) -> bool {
        since.is_some_and(|since| self.is_judged(input, worker, since + span))
    }
}
