use std::time::Duration;

use jiff::Timestamp;
use ostler_lifecycle::Forensics;
use serde::{Deserialize, Serialize};

/// How a job was cancelled, step by step, and what proves that it ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Cancellation {
    /// Who asked for it, if that was said.
    pub by: Option<String>,
    /// Why, if that was said.
    pub reason: Option<String>,
    /// When it was asked for first.
    pub requested_at: Timestamp,
    /// When the plugin was asked to end by itself; only with a grace.
    pub asked_at: Option<Timestamp>,
    /// When its worker was killed. `None` for a job that was pending, and for a worker that exited when it was asked.
    pub killed_at: Option<Timestamp>,
    /// When it was proven that no code of it runs: its worker was reaped, and nobody of the worker's group was left.
    pub proven_at: Option<Timestamp>,
    /// The proof: what is known of the worker's end. `None` for a job that was in no worker.
    pub forensics: Option<Box<Forensics>>,
}

impl Cancellation {
    /// From the request to the proof; `None` while there is none.
    pub fn took(&self) -> Option<Duration> {
        Duration::try_from(self.proven_at?.duration_since(self.requested_at)).ok()
    }
}
