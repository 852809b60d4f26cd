//! What a worker has said and the host has not read, and time in which the host did not run.

use std::time::{Duration, Instant};

use ostler_lifecycle::{Input, Machine, WorkerKey};

use super::worker::Worker;
use super::{Model, Verdict, ensure};

impl Model {
    /// The time in which the host ran: it does not run backwards.
    pub(super) fn time_passes(&mut self, moment: Instant, input: &Input) {
        if let Input::HostPaused { time } = input {
            self.lost += *time;
        }
        self.now = self.now.max(self.in_host_time(moment));
    }

    pub(super) fn in_host_time(&self, moment: Instant) -> Instant {
        moment.checked_sub(self.lost).unwrap_or(moment)
    }

    /// When the machine wants to be called, in the time in which the host ran.
    pub(super) fn called_at(&self, machine: &Machine) -> Option<Instant> {
        machine.next_deadline().map(|moment| self.in_host_time(moment))
    }

    /// All was read that a worker had said when that was asked for.
    pub(super) fn foresee_reading(&mut self, key: WorkerKey) -> Verdict {
        let now = self.now;
        let Some(worker) = self.workers.get_mut(&key).filter(|worker| !worker.given_up) else {
            self.step.quiet = true;
            return Ok(());
        };
        let Some(asked) = worker.read_asked_at.take() else {
            self.step.quiet = true;
            return Ok(());
        };
        worker.read_until = Some(asked);
        self.last_reading = Some(now);
        self.give_up_the_hopeless()
    }

    /// Somebody must have taken too long, so that it matters what it has said.
    pub(super) fn read(&mut self, key: WorkerKey) -> Verdict {
        let now = self.now;
        let worker = self.workers.get(&key);
        let asked_anew = worker.is_some_and(|worker| worker.read_asked_at.is_none() && !worker.given_up);
        let late = worker.is_some_and(|worker| {
            let unread = |at: Instant| at <= now && !worker.was_read_until(at);
            let drains = worker.stopped.as_ref().is_some_and(|stopped| stopped.until.is_none());
            let mut is_late = self.must_end_with_the_pool(worker)
                || (drains && self.shutdown.is_some_and(|deadline| deadline <= now));
            self.for_each_deadline_of(worker, |at| is_late |= unread(at));
            is_late || self.controls_open_in(worker).any(unread)
        });
        ensure(asked_anew && late, "nobody_is_listened_to_without_a_reason", || {
            format!("{key} is {worker:?}")
        })?;
        if let Some(worker) = self.workers.get_mut(&key) {
            worker.read_asked_at = Some(now);
        }
        Ok(())
    }

    /// The deadlines of what the pool does and this worker has been told and has not answered.
    pub(super) fn controls_open_in(&self, worker: &Worker) -> impl Iterator<Item = Instant> {
        let chore = worker.chore.map(|(id, _)| id);
        let asked = worker.questions.iter().map(|(_, id)| *id).chain(chore);
        asked.filter_map(|id| self.controls.get(&id)).map(|control| control.deadline)
    }

    fn must_end_with_the_pool(&self, worker: &Worker) -> bool {
        self.ending.is_some() && worker.is_busy()
    }

    /// Whether what a worker did until then was read: only then it can be judged, and only by a look at the time.
    pub(super) fn is_judged(&self, input: &Input, worker: &Worker, deadline: Instant) -> bool {
        matches!(input, Input::Tick | Input::CaughtUp { .. } | Input::Shutdown { .. })
            && deadline <= self.now
            && worker.was_read_until(deadline)
    }

    /// Who was killed and does not die in time is given up, once the host has looked whether it is dead.
    pub(super) fn give_up_the_hopeless(&mut self) -> Verdict {
        let kill_timeout = self.config.kill_timeout;
        let is_hopeless = |worker: &Worker| {
            let late = worker.killed.is_some_and(|killed| worker.was_read_until(killed.at + kill_timeout));
            late && !worker.given_up
        };
        let hopeless: Vec<WorkerKey> =
            self.workers.iter().filter(|(_, worker)| is_hopeless(worker)).map(|(&key, _)| key).collect();
        for key in hopeless {
            self.give_up(key)?;
        }
        Ok(())
    }

    /// From the last time at which something that the host read could end a worker, it takes no longer than a kill.
    pub(super) fn a_shutdown_ends_in_time(&self) -> Verdict {
        let is_read = self.workers.values().any(|worker| worker.read_asked_at.is_some() && !worker.given_up);
        let since = self.ending.max(self.last_reading).filter(|_| self.ending.is_some());
        let late = since.is_some_and(|since| since + self.config.kill_timeout + READING <= self.now);
        ensure(is_read || !late || self.closed, "guarantee_8_a_shutdown_ends_in_time", || {
            format!("{:?}", self.workers)
        })
    }
}

/// A death that was noticed late may be asked about once more.
const READING: Duration = Duration::from_millis(1);
