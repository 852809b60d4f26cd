//! How much memory the host and its workers have, and that the host measures it.

use std::time::Duration;

use ostler_lifecycle::{Input, WorkerKey};

use super::agenda::Happening;
use super::process::Process;
use super::settings::LEAST;
use super::violation::Verdict;
use super::world::World;

impl World {
    /// The host looks, whenever the machine wants it to, and sometimes when it does not.
    pub(super) fn measure(&mut self) -> Verdict {
        let wanted = self.machine.measure_every();
        if self.calm || self.acts_left == 0 {
            return self.measure_in_the_calm(wanted);
        }
        let gap = wanted.unwrap_or(Duration::from_millis(300)) / 4;
        self.after(gap, Happening::Measure);
        if wanted.is_none() && self.rng.chance(900) {
            return Ok(());
        }
        if self.rng.chance(self.scenario.shortages) {
            self.short = !self.short;
        }
        let short = self.short;
        let available = self.rng.chance(900).then(|| match short {
            true => LEAST - 1 - self.rng.next() % 100,
            false => LEAST + self.rng.next() % self.scenario.room,
        });
        let resident = self.resident();
        self.feed(Input::Memory { available, resident })
    }

    /// Nothing is short any more, so the host looks only as long as the machine wants it to.
    fn measure_in_the_calm(&mut self, wanted: Option<Duration>) -> Verdict {
        let Some(gap) = wanted.filter(|_| self.machine.is_short_of_memory()) else { return Ok(()) };
        self.after(gap, Happening::Measure);
        self.host_has_enough()
    }

    pub(super) fn host_has_enough(&mut self) -> Verdict {
        self.short = false;
        self.feed(Input::Memory { available: Some(u64::MAX), resident: Vec::new() })
    }

    /// All that can be found; a process that has just died, and one that died long ago, may be among them.
    fn resident(&mut self) -> Vec<(WorkerKey, u64)> {
        let mut found: Vec<(WorkerKey, u64)> = Vec::new();
        for (&worker, process) in self.processes.iter().filter(|(_, process)| process.exists()) {
            // A job takes some more while it runs.
            let extra = self.rng.next() % (self.scenario.growth + 1);
            found.push((worker, process.resident + extra));
        }
        if let Some(&ghost) = self.graves.front() {
            found.push((ghost, u64::MAX));
        }
        found
    }
}

impl Process {
    fn exists(&self) -> bool {
        use super::process::Stage;
        matches!(self.stage, Stage::Living | Stage::Dead)
    }
}
