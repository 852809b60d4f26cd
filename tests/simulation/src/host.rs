//! What the host does: submits, cancels, reloads, restarts, shuts down; and how a history comes to its end.

use std::time::Duration;

use std::sync::Arc;

use ostler_lifecycle::{BlockReason, ControlId, ControlOperation, Input, JobId, Priority, Submit};

use super::agenda::Happening;
use super::settings::{self, PLUGINS};
use super::violation::Verdict;
use super::world::{World, remember};

/// From the calm until the host cancels what hangs, until every job must have ended, and from the shutdown
/// until sleeping processes wake up. All are far longer than any deadline of a scenario.
const PATIENCE: Duration = Duration::from_secs(30);
const VERDICT: Duration = Duration::from_secs(90);
const SLEEP: Duration = Duration::from_secs(20);

impl World {
    pub(super) fn happen(&mut self, happening: Happening) -> Verdict {
        match happening {
            Happening::Host => self.host_acts(),
            Happening::Chaos => self.chaos_strikes(),
            Happening::Pause => self.pause(),
            Happening::Admit(job, ticket, answer) => self.feed(Input::Admission { job, ticket, answer }),
            Happening::Calm => {
                self.calm = true;
                self.after(PATIENCE, Happening::Tidy);
                self.after(VERDICT, Happening::Judge);
                self.feed(Input::Resume)?;
                self.host_has_enough()
            }
            Happening::Tidy => {
                for job in self.model.jobs_in_workers() {
                    self.feed(Input::Cancel { job, grace: None })?;
                }
                Ok(())
            }
            Happening::Measure => self.measure(),
            Happening::Judge => {
                self.model.liveness_every_job_ends_in_bounded_time()?;
                self.model.liveness_a_degraded_pool_recovers()?;
                self.model.liveness_the_pool_is_whole(self.scenario.eager)?;
                self.shut_down()
            }
            Happening::Thaw => {
                self.thaw();
                Ok(())
            }
            Happening::SpawnDone(worker)
            | Happening::Arrive(worker)
            | Happening::Act(worker, ..)
            | Happening::Deliver(worker)
            | Happening::CatchUp(worker)
            | Happening::Die(worker)
            | Happening::Wake(worker)
            | Happening::Reap(worker) => self.happen_to_process(worker, happening),
        }
    }

    fn host_acts(&mut self) -> Verdict {
        if self.acts_left == 0 {
            if self.shut_down {
                return Ok(());
            }
            if !self.scenario.early_shutdown {
                return self.happen(Happening::Calm);
            }
            // Some acts come too late.
            self.acts_left = 12;
            self.shut_down()?;
        }
        self.acts_left -= 1;
        let gap = self.rng.up_to_ms(self.scenario.host_gap);
        self.after(gap, Happening::Host);
        if self.rng.chance(self.scenario.resizes) {
            return self.resize();
        }
        match self.rng.below(100) {
            36..=41 => self.quarantined(),
            0..=2 | 42..=43 => self.feed(Input::RestartWorkers),
            3..=12 => self.control(),
            44..=45 => self.feed(Input::Pause),
            46..=50 => self.feed(Input::Resume),
            13..=14 if self.shut_down => self.shut_down(),
            15..=35 => self.cancel(),
            _ if self.machine.unfinished() >= self.scenario.crowd => self.cancel(),
            _ => self.submit(),
        }
    }

    fn submit(&mut self) -> Verdict {
        self.jobs_made += 1;
        let job = job_id(self.jobs_made);
        remember(&mut self.recent_jobs, job);
        let priority = Priority(self.rng.pick(&[-10, 0, 0, 0, 10, 3]));
        let length = self.scenario.job_length;
        let timeout =
            self.rng.chance(400).then(|| Duration::from_micros(500) + self.rng.up_to_ms(length * 2));
        let stall_timeout =
            self.rng.chance(300).then(|| Duration::from_micros(500) + self.rng.up_to_ms(length));
        let queue_timeout = self.rng.chance(250).then(|| self.rng.up_to_ms(600));
        let retry = self.rng.chance(500).then(|| Arc::new(settings::retry_policy(&mut self.rng)));
        let plugin = self.rng.pick(&PLUGINS);
        let blocked = self
            .rng
            .chance(self.scenario.refusals / 3)
            .then(|| BlockReason::Resources { reason: "no memory".to_owned() });
        self.feed(Input::Submit(Submit {
            job,
            plugin,
            priority,
            queue_timeout,
            timeout,
            stall_timeout,
            retry,
            blocked,
        }))
    }

    /// Somebody looks after those in quarantine.
    fn quarantined(&mut self) -> Verdict {
        let aside = self.model.jobs_in_quarantine();
        if aside.is_empty() {
            return self.submit();
        }
        let job = self.rng.pick(&aside);
        match self.rng.below(3) {
            0 => self.feed(Input::GiveUp { job }),
            _ => self.feed(Input::Release { job }),
        }
    }

    fn resize(&mut self) -> Verdict {
        let max_workers = 1 + self.rng.below(4) as u32;
        let standby = self.rng.below(3) as u32;
        self.feed(Input::Resize { max_workers, standby })
    }

    fn cancel(&mut self) -> Verdict {
        let in_workers = self.model.jobs_in_workers();
        let grace = match self.rng.below(6) {
            0 => Some(Duration::ZERO),
            1 | 2 => Some(self.rng.up_to_ms(300)),
            _ => None,
        };
        if self.rng.chance(500) && !in_workers.is_empty() {
            let job = self.rng.pick(&in_workers);
            return self.feed(Input::Cancel { job, grace });
        }
        let index = self.rng.below(self.recent_jobs.len());
        match self.recent_jobs.get(index) {
            Some(&job) => self.feed(Input::Cancel { job, grace }),
            None => Ok(()),
        }
    }

    fn control(&mut self) -> Verdict {
        use ControlOperation::{GetState, Reload, Unload};
        self.controls_made += 1;
        let plugin = self.rng.pick(&PLUGINS);
        let operation = self.rng.pick(&[Reload(plugin), Reload(plugin), Unload(plugin), GetState]);
        self.feed(Input::Control { id: ControlId(self.controls_made), operation })
    }

    fn shut_down(&mut self) -> Verdict {
        self.shut_down = true;
        let patience = self.rng.up_to_ms(3000);
        let deadline = self.now + patience;
        if !self.calm && self.rng.chance(500) {
            // The end of it comes while the host does not run.
            let before = self.rng.up_to_ms(100);
            self.after(patience.saturating_sub(before), Happening::Pause);
        }
        self.after(SLEEP, Happening::Thaw);
        self.feed(Input::Shutdown { deadline })
    }
}

/// The n-th job's name.
pub(super) fn job_id(number: u32) -> JobId {
    // A number in 32 digits is a UUID without hyphens.
    #[expect(clippy::unwrap_used, reason = "32 hexadecimal digits are a UUID")]
    format!("{number:032}").parse().unwrap()
}
