//! Until when things must have happened.

use std::time::{Duration, Instant};

use ostler_lifecycle::{Machine, RestartPolicy};

use super::job::Stage;
use super::worker::Worker;
use super::{Model, Verdict, ensure};

/// From a hang-up until a worker that does not exit is killed.
pub(super) const HANG_UP_GRACE: Duration = Duration::from_secs(1);

impl Model {
    /// Calls `note` with every deadline that is known from outside, and whose it is.
    fn for_each_deadline(&self, mut note: impl FnMut(Instant, &dyn std::fmt::Debug)) {
        for (key, worker) in &self.workers {
            worker.asks_at(&self.config).into_iter().for_each(|at| note(at, &(key, worker)));
            // As long as it is read what it has said, nothing of it is judged.
            if worker.read_asked_at.is_none() {
                self.for_each_deadline_of(worker, |at| note(at, &(key, worker)));
            }
        }
        for (id, job) in &self.jobs {
            let at = match job.stage {
                Stage::Pending { .. } => job.start_by,
                Stage::Delayed { until } => Some(until),
                _ => None,
            };
            let hook = job.question.as_ref().filter(|question| question.losses == self.losses);
            let hook = hook.map(|question| question.asked_at + self.config.hook_timeout);
            at.into_iter().chain(hook).for_each(|at| note(at, &(id, job)));
        }
        for (id, control) in &self.controls {
            let is_due = control.deadline <= self.now;
            let waits =
                self.is_read_for(*id, control.deadline) || (is_due && self.lost_one_in_this_step(*id));
            if !waits {
                note(control.deadline, &(id, control));
            }
        }
        self.next_to_idle_out().into_iter().for_each(|(at, key)| note(at, &key));
        self.ask_again_at.into_iter().for_each(|at| note(at, &"what waits for resources"));
        if self.ending.is_none() && !self.closed {
            self.shutdown.into_iter().for_each(|at| note(at, &"the shutdown"));
        }
    }

    /// When it has taken too long for something.
    pub(super) fn for_each_deadline_of(&self, worker: &Worker, mut note: impl FnMut(Instant)) {
        let config = &self.config;
        if let Some(killed) = worker.killed {
            if !worker.given_up {
                note(killed.at + config.kill_timeout);
            }
            return;
        }
        if let Some(stopped) = &worker.stopped {
            let hung_up = worker.hung_up_at.map(|at| at + HANG_UP_GRACE);
            return stopped.until.into_iter().chain(hung_up).for_each(note);
        }
        if let Some(task) = &worker.task {
            let job = self.jobs.get(&task.job);
            let timeout = job.and_then(|job| job.timeout).zip(task.started_at);
            let stall = job.and_then(|job| job.stall_timeout).filter(|_| task.started_at.is_some());
            match (task.leave_by, task.started_at) {
                (Some(until), _) => note(until),
                (None, None) => note(task.sent_at + config.start_timeout),
                (None, Some(_)) => {
                    timeout.into_iter().for_each(|(span, started)| note(started + span));
                    stall.into_iter().for_each(|span| note(task.reported_at + span));
                }
            }
        } else if worker.hello_at.is_none() {
            worker.spawned_at.into_iter().for_each(|at| note(at + config.start_timeout));
        } else if !worker.ready {
            worker.hello_at.into_iter().for_each(|at| note(at + config.load_timeout));
        }
        worker.chore_ends.into_iter().for_each(&mut note);
        worker.hung_up_at.into_iter().for_each(|at| note(at + HANG_UP_GRACE));
        worker.dies_at(config).into_iter().for_each(note);
    }

    /// Nobody is in a state for longer than its deadline allows.
    pub(super) fn deadlines_are_kept(&self) -> Verdict {
        let mut late = None;
        self.for_each_deadline(|at, whose| {
            if at <= self.now && late.is_none() {
                late = Some(format!("{:?} ago: {whose:?}", self.now - at));
            }
        });
        ensure(late.is_none(), "deadlines_are_kept", || format!("{late:?}"))?;
        self.a_shutdown_ends_in_time()
    }

    /// The machine wants to be called no later than the next of them.
    pub(super) fn deadlines_are_announced(&self, machine: &Machine) -> Verdict {
        let announced = self.called_at(machine);
        let mut missed = None;
        self.for_each_deadline(|at, whose| {
            if announced.is_none_or(|next| next > at) && missed.is_none() {
                missed = Some(format!("{whose:?}"));
            }
        });
        ensure(missed.is_none(), "deadlines_are_announced", || format!("{missed:?}"))
    }

    /// A tick moves the next deadline into the future. A delay of nothing may take a few ticks.
    pub(super) fn ticks_lead_on(&mut self, tick: bool, machine: &Machine) -> Verdict {
        let again = tick && self.called_at(machine).is_some_and(|deadline| deadline <= self.now);
        self.idle_ticks = if again { self.idle_ticks + 1 } else { 0 };
        let no_delay = self.config.restart_policy == RestartPolicy::Backoff || self.degraded;
        let few = if no_delay { self.restarts.slots.len() + 1 } else { 1 };
        ensure(self.idle_ticks as usize <= few, "a_tick_leads_on", || {
            format!("{} ticks, and the next is due at once", self.idle_ticks)
        })
    }
}
