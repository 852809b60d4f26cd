use std::time::Duration;

use ostler::{JobId, RetryPolicy};

use crate::clock;
use crate::inside::Task;

/// A job that was started, and what was done to it.
#[derive(Clone)]
pub(crate) struct Note {
    pub(crate) task: Task,
    pub(crate) plugin: &'static str,
    /// Known once it is accepted.
    pub(crate) id: Option<JobId>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) queue_timeout: Option<Duration>,
    pub(crate) stall_timeout: Option<Duration>,
    pub(crate) born: u64,
    /// Somebody has asked for its cancel.
    pub(crate) is_unwanted: bool,
    /// How often it was let out of quarantine.
    pub(crate) releases: u32,
    /// The manager was shut down while it was not yet done.
    pub(crate) met_shutdown: bool,
}

impl Note {
    pub(crate) fn new(task: Task, plugin: &'static str) -> Self {
        Self {
            task,
            plugin,
            id: None,
            retry: None,
            timeout: None,
            queue_timeout: None,
            stall_timeout: None,
            born: clock::now(),
            is_unwanted: false,
            releases: 0,
            met_shutdown: false,
        }
    }

    /// How often it may run at most.
    pub(crate) fn most_runs(&self) -> u32 {
        let each = self.retry.as_ref().map_or(1, |policy| policy.max_attempts + policy.max_crashes - 1);
        each * (1 + self.releases)
    }

    pub(crate) fn describe(&self) -> String {
        let Self { task, plugin, retry, timeout, queue_timeout, stall_timeout, .. } = self;
        let mut text =
            format!("{} in its first {} runs, with plugin {plugin}", task.act.name(), task.bad_runs);
        if let Some(policy) = retry {
            text += &format!(", {} attempts, {} crashes", policy.max_attempts, policy.max_crashes);
        }
        let limits =
            [("timeout", timeout), ("queue timeout", queue_timeout), ("stall timeout", stall_timeout)];
        for (name, limit) in limits {
            if let Some(limit) = limit {
                text += &format!(", {name} {limit:?}");
            }
        }
        if self.is_unwanted {
            text += ", its cancel was asked for";
        }
        text
    }
}
