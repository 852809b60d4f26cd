//! What must have happened when a step is over.

use std::time::{Duration, Instant};

use ostler_lifecycle::{Input, JobStatus, Machine};

use super::job::Stage;
use super::restart::Filled;
use super::step::Frame;
use super::{Model, Verdict, ensure};

/// From a hang-up until a worker that does not exit is killed.
pub(super) const HANG_UP_GRACE: Duration = Duration::from_secs(1);

impl Model {
    pub(super) fn after(&mut self, input: &Input, machine: &Machine) -> Verdict {
        let tick = matches!(input, Input::Tick) && !self.step.quiet;
        self.what_had_to_happen_did(input)?;
        self.restarts_are_prompt(tick)?;
        if tick {
            self.deadlines_are_kept()?;
        }
        self.ticks_lead_on(tick, machine)?;
        if self.ending.is_none() && !self.closed {
            self.nobody_waits_beside_an_idle_worker(machine)?;
            self.empty_slots_are_filled_for_pending_jobs(machine)?;
        }
        self.down_means_that_nobody_waits()?;
        self.the_end_takes_all_that_wait()?;
        self.the_view_is_true(machine)
    }

    fn what_had_to_happen_did(&mut self, input: &Input) -> Verdict {
        let step = &self.step;
        ensure(step.due.is_empty(), "guarantee_1_a_job_ends_when_its_end_is_known", || {
            format!("{:?}", step.due)
        })?;
        ensure(step.cancelling.is_none(), "guarantee_4_a_cancel_is_not_lost", || {
            format!("{:?}", step.cancelling)
        })?;
        ensure(step.still_dying.is_empty(), "guarantee_4_who_does_not_die_is_named", || {
            format!("{:?}", step.still_dying)
        })?;
        ensure(step.submitted.is_none(), "a_submit_is_answered", || format!("{:?}", step.submitted))?;
        ensure(step.gone.is_none(), "a_death_is_announced", || format!("{:?}", step.gone))?;
        let Input::Frame { worker, .. } = input else { return Ok(()) };
        let wants_kill = matches!(step.frame, Frame::Wrong | Frame::LoadFailed | Frame::EndedAfterCancel);
        ensure(!wants_kill || step.killed.contains(worker), "who_breaks_the_protocol_is_killed", || {
            format!("{worker} lives on after {:?}", step.frame)
        })?;
        let wants_publish =
            matches!(step.frame, Frame::Started | Frame::Noted | Frame::Chunk | Frame::State(_));
        ensure(!wants_publish || step.published, "what_is_said_is_published", || format!("{:?}", step.frame))
    }

    /// Nobody is in a state for longer than its deadline allows.
    fn deadlines_are_kept(&self) -> Verdict {
        let now = self.now;
        let over = |at: Option<Instant>, span: Duration| at.is_some_and(|at| at + span <= now);
        for (key, worker) in &self.workers {
            if worker.killed.is_some() {
                continue;
            }
            let late = if worker.stopped {
                over(self.shutdown, Duration::ZERO)
            } else if let Some(task) = &worker.task {
                let timeout = self.jobs.get(&task.job).and_then(|job| job.timeout).unwrap_or(Duration::MAX);
                match (task.leaving_since, task.started_at) {
                    (Some(since), _) => over(Some(since), self.config.cancel_grace),
                    (None, None) => over(Some(task.sent_at), self.config.start_timeout),
                    (None, started) => timeout < Duration::MAX && over(started, timeout),
                }
            } else if worker.hello_at.is_none() {
                over(worker.spawned_at, self.config.start_timeout)
            } else {
                !worker.ready && over(worker.hello_at, self.config.load_timeout)
            };
            let hung_up = !worker.stopped && over(worker.hung_up_at, HANG_UP_GRACE);
            ensure(!late && !hung_up, "deadlines_are_kept", || format!("{key} is {worker:?}"))?;
        }
        let control = self.controls.iter().find(|(_, control)| control.deadline <= now);
        ensure(control.is_none(), "an_operation_is_answered_in_time", || format!("{control:?}"))?;
        let late_end =
            self.ending.is_some_and(|ending| ending + self.config.kill_timeout <= now) && !self.closed;
        ensure(!late_end, "guarantee_8_a_shutdown_ends_in_time", || format!("{:?}", self.workers))
    }

    /// A tick moves the next deadline into the future. A delay of nothing may take a few ticks.
    fn ticks_lead_on(&mut self, tick: bool, machine: &Machine) -> Verdict {
        let again = tick && machine.next_deadline().is_some_and(|deadline| deadline <= self.now);
        self.idle_ticks = if again { self.idle_ticks + 1 } else { 0 };
        ensure(self.idle_ticks <= self.config.slots, "a_tick_leads_on", || {
            format!("{} ticks, and the next is due at once", self.idle_ticks)
        })
    }

    fn nobody_waits_beside_an_idle_worker(&self, machine: &Machine) -> Verdict {
        let free = self.workers.values().filter(|worker| worker.is_free()).count();
        if free == 0 {
            return Ok(());
        }
        let waiting = self.jobs.values().filter(|job| job.is_pending()).count();
        let reserved = waiting.saturating_sub(machine.queued());
        ensure(reserved <= free, "a_reservation_has_a_worker", || format!("{reserved} of {free}"))?;
        if free == reserved {
            return Ok(());
        }
        let left = self.jobs.iter().find(|(_, job)| job.is_ready());
        ensure(left.is_none(), "nobody_waits_beside_an_idle_worker", || format!("{left:?}"))
    }

    fn empty_slots_are_filled_for_pending_jobs(&self, machine: &Machine) -> Verdict {
        if self.down || machine.queued() == 0 {
            return Ok(());
        }
        let backs_off = self.config.restart_policy == ostler_lifecycle::RestartPolicy::Backoff;
        let (mut empty, mut coming) = (0, 0);
        for slot in &self.restarts.slots {
            match slot {
                Filled::Not => empty += 1,
                // It may be waiting for its time.
                Filled::NotAnyMore { end: super::worker::End::Fault, .. } if backs_off => coming += 1,
                Filled::NotAnyMore { .. } => empty += 1,
                Filled::With(key) => {
                    let counts = self.workers.get(key).is_some_and(|worker| {
                        worker.killed.is_some() || (worker.task.is_none() && !worker.stopped)
                    });
                    coming += usize::from(counts);
                }
            }
        }
        ensure(
            empty == 0 || coming >= machine.queued(),
            "an_empty_slot_is_filled_while_jobs_are_pending",
            || {
                format!(
                    "{empty} slots are empty, {coming} workers are coming, {} jobs wait",
                    machine.queued()
                )
            },
        )
    }

    fn down_means_that_nobody_waits(&self) -> Verdict {
        let waiting = self.jobs.iter().find(|(_, job)| job.is_pending());
        ensure(!self.down || waiting.is_none(), "down_means_that_nobody_waits", || format!("{waiting:?}"))
    }

    /// A shutdown answers what is open, and its deadline ends what waits.
    fn the_end_takes_all_that_wait(&self) -> Verdict {
        let open = self.shutdown.is_some() && !self.controls.is_empty();
        ensure(!open, "guarantee_8_a_shutdown_answers_what_is_open", || format!("{:?}", self.controls))?;
        let left = self.ending.is_some() && self.jobs.values().any(super::job::Job::is_pending);
        ensure(!left, "guarantee_8_the_end_takes_all_that_wait", || format!("{:?}", self.jobs))
    }

    /// What the machine says of itself is what came out of it.
    fn the_view_is_true(&self, machine: &Machine) -> Verdict {
        ensure(machine.unfinished() == self.jobs.len(), "the_view_is_true", || {
            format!("{} jobs are unfinished, not {}", machine.unfinished(), self.jobs.len())
        })?;
        ensure(machine.down().is_some() == self.down, "the_view_is_true", || format!("down: {}", self.down))?;
        for (id, job) in &self.jobs {
            let expected = match job.stage {
                Stage::Pending { .. } | Stage::Sent(_) => JobStatus::Pending,
                Stage::Running(_) => JobStatus::Running,
                Stage::Cancelling(_) => JobStatus::Cancelling,
            };
            let status = machine.status(*id);
            // Between a kill and the proof of death, a job that was sent may be seen either way.
            let dying =
                job.worker().and_then(|key| self.workers.get(&key)).is_some_and(|w| w.killed.is_some());
            let right = status == Some(expected) || (dying && matches!(job.stage, Stage::Sent(_)));
            ensure(right && status.is_some(), "the_view_is_true", || format!("{id} is {status:?}: {job:?}"))?;
        }
        Ok(())
    }

    /// When nothing is injected any more, every job ends; only one whose process does not die may be left.
    pub(crate) fn liveness_every_job_ends_in_bounded_time(&self) -> Verdict {
        let left =
            self.jobs.iter().find(|(_, job)| !job.worker().is_some_and(|worker| self.is_given_up(worker)));
        ensure(left.is_none(), "liveness_every_job_ends_in_bounded_time", || format!("{left:?}"))
    }

    /// Everything is over.
    pub(crate) fn at_the_end(&self, machine: &Machine) -> Verdict {
        ensure(self.closed, "guarantee_8_a_shutdown_ends", || "it never closed".to_owned())?;
        ensure(
            self.jobs.is_empty() && machine.unfinished() == 0,
            "guarantee_1_every_accepted_job_ends_once",
            || format!("left are {:?}", self.jobs),
        )?;
        ensure(self.workers.is_empty(), "guarantee_8_no_process_is_left", || format!("{:?}", self.workers))?;
        ensure(self.controls.is_empty(), "an_operation_is_answered_once", || format!("{:?}", self.controls))
    }
}
