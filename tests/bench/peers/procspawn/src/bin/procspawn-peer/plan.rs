//! How much is measured: what the harness says, as JSON.

use std::time::Duration;

use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Plan {
    pub(crate) warm_up: usize,
    pub(crate) echoes: usize,
    pub(crate) many: usize,
    pub(crate) rounds: usize,
    /// MiB, how often.
    pub(crate) payloads: Vec<(usize, usize)>,
    pub(crate) cancels: usize,
    pub(crate) loads: usize,
    pub(crate) crashes: usize,
    pub(crate) behind: usize,
    pub(crate) deep: usize,
    budget_s: f64,
    patience_s: f64,
}

impl Plan {
    pub(crate) fn budget(&self) -> Duration {
        Duration::from_secs_f64(self.budget_s)
    }

    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.patience_s)
    }
}
