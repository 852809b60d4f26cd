//! What the host does: submits, cancels, reloads, restarts, shuts down; and how a history comes to its end.

use std::time::Duration;

use ostler_lifecycle::{BlockReason, ControlId, ControlOperation, Input, JobId, Priority, Submit};

use super::agenda::Happening;
use super::violation::Verdict;
use super::world::{World, remember};

/// From the calm until the host cancels what hangs, until every job must have ended, and from the shutdown
/// until sleeping processes wake up. All are far longer than any deadline of a scenario.
const PATIENCE: Duration = Duration::from_secs(30);
const VERDICT: Duration = Duration::from_secs(300);
const SLEEP: Duration = Duration::from_secs(20);

impl World {
    pub(super) fn happen(&mut self, happening: Happening) -> Verdict {
        match happening {
            Happening::Host => self.host_acts(),
            Happening::Chaos => self.chaos_strikes(),
            Happening::Admit(job, ticket, answer) => self.feed(Input::Admission { job, ticket, answer }),
            Happening::Calm => {
                self.calm = true;
                self.after(PATIENCE, Happening::Tidy);
                self.after(VERDICT, Happening::Judge);
                Ok(())
            }
            Happening::Tidy => {
                for job in self.model.jobs_in_workers() {
                    self.feed(Input::Cancel { job })?;
                }
                Ok(())
            }
            Happening::Judge => {
                self.model.liveness_every_job_ends_in_bounded_time()?;
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
            | Happening::Die(worker)
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
        match self.rng.below(100) {
            0..=2 => self.feed(Input::RestartWorkers),
            3..=12 => self.control(),
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
        let timeout = self
            .rng
            .chance(400)
            .then(|| Duration::from_micros(500) + self.rng.up_to_ms(self.scenario.job_length * 2));
        let blocked = self
            .rng
            .chance(self.scenario.refusals / 3)
            .then(|| BlockReason::Resources { reason: "no memory".to_owned() });
        self.feed(Input::Submit(Submit { job, priority, timeout, blocked }))
    }

    fn cancel(&mut self) -> Verdict {
        let in_workers = self.model.jobs_in_workers();
        if self.rng.chance(500) && !in_workers.is_empty() {
            let job = self.rng.pick(&in_workers);
            return self.feed(Input::Cancel { job });
        }
        let index = self.rng.below(self.recent_jobs.len());
        match self.recent_jobs.get(index) {
            Some(&job) => self.feed(Input::Cancel { job }),
            None => Ok(()),
        }
    }

    fn control(&mut self) -> Verdict {
        use ControlOperation::{GetState, Reload, Unload};
        self.controls_made += 1;
        let operation = self.rng.pick(&[Reload, Reload, Unload, GetState]);
        self.feed(Input::Control { id: ControlId(self.controls_made), operation })
    }

    fn shut_down(&mut self) -> Verdict {
        self.shut_down = true;
        let deadline = self.now + self.rng.up_to_ms(3000);
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
