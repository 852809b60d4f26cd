//! How often a job may run: the retry policy, written a second time.

use std::time::Duration;

use ostler_lifecycle::{Category, FailureKind, RetryPolicy};

/// So often may a job be given up for want of memory and run again.
const EVICTIONS: u32 = 3;

/// How the runs of a job have ended so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Runs {
    pub(crate) failures: u32,
    pub(crate) crashes: u32,
    pub(crate) evictions: u32,
}

/// What must become of a job whose run has failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// That was its end.
    Over,
    Again,
    Quarantine,
}

impl Runs {
    /// With one more run, that ended like this.
    pub(crate) fn and(mut self, kind: FailureKind) -> Self {
        match kind {
            FailureKind::Crashed | FailureKind::Protocol => self.crashes += 1,
            FailureKind::Interrupted => self.evictions += 1,
            _ => self.failures += 1,
        }
        self
    }

    /// What becomes of a job whose last run, which is counted, ended like this.
    pub(crate) fn next(&self, policy: &RetryPolicy, kind: FailureKind, category: Category) -> Next {
        let by_plugin = kind == FailureKind::Plugin || kind == FailureKind::Panicked;
        if !policy.kinds.contains(&kind) || (by_plugin && !policy.categories.contains(&category)) {
            return Next::Over;
        }
        let crashed = matches!(kind, FailureKind::Crashed | FailureKind::Protocol);
        if self.are_left(policy) {
            Next::Again
        } else if crashed {
            Next::Quarantine
        } else {
            Next::Over
        }
    }

    /// Whether there is one more run in it, whatever came of the earlier ones.
    pub(crate) fn are_left(&self, policy: &RetryPolicy) -> bool {
        self.failures < policy.max_attempts
            && self.crashes < policy.max_crashes
            && self.evictions <= EVICTIONS
    }

    /// The longest that the next run may be put off.
    pub(crate) fn longest_delay(&self, policy: &RetryPolicy) -> Duration {
        let before = (self.failures + self.crashes + self.evictions).saturating_sub(1);
        let doubled = (0..before).fold(policy.backoff_base, |delay, _| delay.saturating_mul(2));
        doubled.min(policy.backoff_max)
    }
}
