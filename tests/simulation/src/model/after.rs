//! What must have happened when a step is over.

use ostler_lifecycle::{Input, JobStatus, Machine, RestartPolicy};

use super::job::Stage;
use super::restart::Filled;
use super::step::Frame;
use super::worker::End;
use super::{Model, Verdict, ensure};

impl Model {
    pub(super) fn after(&mut self, input: &Input, machine: &Machine) -> Verdict {
        let tick = matches!(input, Input::Tick) && !self.step.quiet;
        self.what_had_to_happen_did(input)?;
        self.restarts_are_prompt(tick)?;
        self.memory_is_kept()?;
        self.health_is_true(machine)?;
        if tick {
            self.deadlines_are_kept()?;
        }
        self.deadlines_are_announced(machine)?;
        self.ticks_lead_on(tick, machine)?;
        if self.ending.is_none() && !self.closed {
            self.nobody_waits_beside_an_idle_worker(machine)?;
            self.empty_slots_are_filled_for_pending_jobs(machine)?;
            self.the_pool_keeps_its_size(machine)?;
            self.who_is_old_goes(machine)?;
            self.no_replacement_is_left_over(machine)?;
        }
        self.no_process_is_used_twice()?;
        self.a_pause_is_heeded(machine)?;
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
        ensure(step.released.is_none(), "a_release_is_heeded", || format!("{:?}", step.released))?;
        ensure(step.still_dying.is_empty(), "guarantee_4_who_does_not_die_is_named", || {
            format!("{:?}", step.still_dying)
        })?;
        ensure(step.submitted.is_none(), "a_submit_is_answered", || format!("{:?}", step.submitted))?;
        ensure(step.gone.is_none(), "a_death_is_announced", || format!("{:?}", step.gone))?;
        ensure(!step.hopeless || self.down, "a_hopeless_limit_ends_the_pool", || "it goes on".to_owned())?;
        ensure(!step.futile, "a_limit_is_refused_when_it_is_futile", || "it is heeded".to_owned())?;
        let Input::Frame { worker, .. } = input else { return Ok(()) };
        let wants_kill = matches!(step.frame, Frame::Wrong | Frame::LoadFailed | Frame::EndedAfterCancel);
        ensure(!wants_kill || step.killed.contains(worker), "who_breaks_the_protocol_is_killed", || {
            format!("{worker} lives on after {:?}", step.frame)
        })?;
        let wants_publish =
            matches!(step.frame, Frame::Started | Frame::Noted | Frame::Chunk | Frame::State(_));
        ensure(!wants_publish || step.published, "what_is_said_is_published", || format!("{:?}", step.frame))
    }

    /// Also a standby is idle: whoever is free takes the next job in the step in which another place is freed, as long as
    /// no more run than may.
    fn nobody_waits_beside_an_idle_worker(&self, machine: &Machine) -> Verdict {
        let free = self.workers.values().filter(|worker| worker.is_free()).count();
        if free == 0 || self.paused {
            return Ok(());
        }
        let reserved = self.reserved(machine);
        ensure(reserved <= free, "a_reservation_has_a_worker", || format!("{reserved} of {free}"))?;
        let idle = self.workers.values().filter(|worker| worker.is_free() && worker.is_serving()).count();
        if idle <= reserved || self.running(machine) >= self.config.max_workers as usize {
            return Ok(());
        }
        let left = self.jobs.iter().find(|(_, job)| self.may_start(job));
        ensure(left.is_none(), "nobody_waits_beside_an_idle_worker", || format!("{left:?}"))
    }

    fn empty_slots_are_filled_for_pending_jobs(&self, machine: &Machine) -> Verdict {
        let delayed = self.jobs.values().filter(|job| job.is_delayed()).count();
        let waiting = machine.queued().saturating_sub(delayed + self.held_back());
        if self.down || self.paused || waiting == 0 {
            return Ok(());
        }
        let backs_off = self.config.restart_policy == RestartPolicy::Backoff;
        let (mut taken, mut coming) = (0, 0);
        for slot in self.restarts.slots.values() {
            match slot {
                // It may be waiting for its time.
                Filled::NotAnyMore { end: End::Fault(_), .. } if backs_off => {
                    taken += 1;
                    coming += 1;
                }
                // Or for the budget to have room again.
                Filled::NotAnyMore { end: End::Fault(_), .. } if self.degraded => taken += 1,
                Filled::NotAnyMore { .. } => {}
                Filled::With(key) => {
                    let counts = self.workers.get(key).is_some_and(|worker| {
                        worker.killed.is_some() || (worker.task.is_none() && worker.listens())
                    });
                    taken += 1;
                    coming += usize::from(counts);
                }
            }
        }
        let enough = match self.pressure {
            true => usize::from(self.running(machine) == 0),
            false => waiting,
        };
        ensure(
            taken >= self.target() || coming >= enough,
            "an_empty_slot_is_filled_while_jobs_are_pending",
            || {
                format!(
                    "{taken} of {} places are taken, {coming} workers are coming, {waiting} jobs wait",
                    self.target()
                )
            },
        )
    }

    fn down_means_that_nobody_waits(&self) -> Verdict {
        let waiting = self.jobs.iter().find(|(_, job)| job.is_pending() || job.is_delayed());
        ensure(!self.down || waiting.is_none(), "down_means_that_nobody_waits", || format!("{waiting:?}"))
    }

    /// A shutdown answers what is open and lets nobody out of quarantine, and its deadline ends what waits.
    fn the_end_takes_all_that_wait(&self) -> Verdict {
        let open = self.shutdown.is_some() && !self.controls.is_empty();
        ensure(!open, "guarantee_8_a_shutdown_answers_what_is_open", || format!("{:?}", self.controls))?;
        let left = self.jobs.iter().find(|(_, job)| match job.stage {
            Stage::Pending { .. } | Stage::Delayed { .. } => self.ending.is_some(),
            Stage::Quarantined => self.shutdown.is_some(),
            _ => false,
        });
        ensure(left.is_none(), "guarantee_8_the_end_takes_all_that_wait", || format!("{left:?}"))
    }

    /// What the machine says of itself is what came out of it.
    fn the_view_is_true(&self, machine: &Machine) -> Verdict {
        ensure(machine.unfinished() == self.jobs.len(), "the_view_is_true", || {
            format!("{} jobs are unfinished, not {}", machine.unfinished(), self.jobs.len())
        })?;
        ensure(machine.down().is_some() == self.down, "the_view_is_true", || format!("down: {}", self.down))?;
        for (id, job) in &self.jobs {
            let expected = match job.stage {
                Stage::Pending { .. } | Stage::Delayed { .. } | Stage::Quarantined | Stage::Sent(_) => {
                    JobStatus::Pending
                }
                Stage::Running(_) => JobStatus::Running,
                Stage::Cancelling(_) => JobStatus::Cancelling,
            };
            let status = machine.status(*id);
            // Between a kill and the proof of death, a job that was sent may be seen either way.
            let dying =
                job.worker().and_then(|key| self.workers.get(&key)).is_some_and(|w| w.killed.is_some());
            let right = status == Some(expected) || (dying && matches!(job.stage, Stage::Sent(_)));
            ensure(right && status.is_some(), "the_view_is_true", || format!("{id} is {status:?}: {job:?}"))?;
            let aside = machine.is_quarantined(*id);
            ensure(aside == (job.stage == Stage::Quarantined), "the_view_is_true", || {
                format!("{id} is in quarantine: {aside}; {job:?}")
            })?;
        }
        Ok(())
    }

    /// When nothing is injected any more, every job ends; only one whose process does not die may be left, and those in
    /// quarantine.
    pub(crate) fn liveness_every_job_ends_in_bounded_time(&self) -> Verdict {
        let left = self.jobs.iter().find(|(_, job)| {
            job.stage != Stage::Quarantined && !job.worker().is_some_and(|worker| self.is_given_up(worker))
        });
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
