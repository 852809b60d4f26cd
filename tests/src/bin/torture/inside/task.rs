use ostler::JobType;
use serde::{Deserialize, Serialize};

use super::Act;

/// What a job in the torture is to do.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Task {
    /// Which job, from 0 without a gap.
    pub(crate) number: u64,
    /// What it does.
    pub(crate) act: Act,
    /// It does so in its first runs, up to this one; from then on it only answers.
    pub(crate) bad_runs: u32,
}

impl JobType for Task {
    type Output = String;
}

impl Task {
    /// What it does in this run.
    pub(crate) fn act_of(&self, attempt: u32) -> &Act {
        const ANSWER: &Act = &Act::Answer;
        if attempt <= self.bad_runs { &self.act } else { ANSWER }
    }
}
