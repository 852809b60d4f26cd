//! What may be said of a pause.

use ostler_lifecycle::{Input, JobId, Machine};

use super::{Model, Verdict, ensure};

impl Model {
    /// Whoever was being asked about waits on; the answer counts no longer.
    pub(super) fn foresee_pause(&mut self) {
        self.step.quiet = self.paused || self.ending.is_some() || self.closed;
        self.step.pauses = !self.step.quiet;
        if self.step.pauses {
            self.jobs.values_mut().for_each(|job| job.question = None);
        }
    }

    pub(super) fn foresee_resume(&mut self) {
        self.step.quiet = !self.paused;
        self.step.resumes = self.paused;
    }

    pub(super) fn paused(&mut self, input: &Input) -> Verdict {
        let right = std::mem::take(&mut self.step.pauses);
        self.paused = true;
        ensure(right, "a_pause_has_a_reason", || format!("{input:?}"))
    }

    pub(super) fn resumed(&mut self, input: &Input) -> Verdict {
        let right = std::mem::take(&mut self.step.resumes);
        self.paused = false;
        ensure(right, "a_pause_has_a_reason", || format!("{input:?}"))
    }

    pub(super) fn nothing_starts_while_paused(&self, id: JobId) -> Verdict {
        ensure(!self.paused, "nothing_starts_while_paused", || id.to_string())
    }

    pub(super) fn a_pause_is_heeded(&self, machine: &Machine) -> Verdict {
        ensure(!self.step.pauses && !self.step.resumes, "a_pause_is_heeded", || {
            format!("paused: {}", self.paused)
        })?;
        ensure(machine.is_paused() == self.paused, "the_view_is_true", || format!("paused: {}", self.paused))
    }
}
