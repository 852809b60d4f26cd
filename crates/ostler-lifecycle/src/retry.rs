//! What becomes of a job whose run has failed: a policy as data, and a verdict as a function of it.

use std::time::Duration;

use ostler_wire::Category;
use serde::{Deserialize, Serialize};

use crate::FailureKind;
use crate::restart::{Jitter, backoff};

/// Whether a job that failed runs again.
///
/// Two things are counted apart. Failures after which the worker could go on, or was ended by us, count against
/// `max_attempts`. Crashes count against `max_crashes`: they are counted before a run and taken back after it, so that
/// a job that takes its worker along every time is found out whatever else dies. Who reaches that limit is
/// *quarantined*: it stays pending with the evidence, until somebody releases it or lets it fail. So a job runs at most
/// `max_attempts + max_crashes - 1` times, however it fails, and a few times more if it is given up for want of memory.
///
/// Each crash also uses up a restart of the pool, as the crash of any job does. Where there are no more of those than one
/// job may crash, the next crash of any job takes the pool down, and what waits fails: allow many more.
///
/// ```
/// # mod ostler { pub use ostler_lifecycle::*; }
/// use ostler::{FailureKind, RetryPolicy};
///
/// let policy = RetryPolicy::attempts(3);
/// assert!(policy.kinds.contains(&FailureKind::Crashed));
/// assert!(RetryPolicy::default().kinds.is_empty()); // nothing runs again that nobody asked for
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Runs that may end in a failure other than a crash; at least 1. For a job, 0 counts as 1.
    pub max_attempts: u32,
    /// Runs that may end in a crash; who reaches it is quarantined. At least 1. For a job, 0 counts as 1.
    pub max_crashes: u32,
    /// The longest first delay; it doubles with each further failure. The delay is anything up to that.
    #[serde(with = "crate::serde_form::duration")]
    pub backoff_base: Duration,
    /// The longest delay.
    #[serde(with = "crate::serde_form::duration")]
    pub backoff_max: Duration,
    /// What is tried again at all.
    pub kinds: Vec<FailureKind>,
    /// What a plugin may say of its own error or panic for it to be tried again.
    pub categories: Vec<Category>,
}

impl RetryPolicy {
    /// So many attempts for everything that might go better the next time: crashes, timeouts, stalls, and errors that
    /// the plugin calls transient or a lack of resources. As many crashes lead to quarantine.
    pub fn attempts(max_attempts: u32) -> Self {
        use FailureKind::{Crashed, Interrupted, Panicked, Plugin, Protocol, Stalled, TimedOut};
        Self {
            max_attempts,
            max_crashes: max_attempts,
            kinds: vec![Plugin, Panicked, Crashed, TimedOut, Stalled, Interrupted, Protocol],
            categories: vec![Category::Transient, Category::Resource],
            ..Self::default()
        }
    }

    /// Whether a failure of this kind and category is tried again at all.
    pub(crate) fn covers(&self, kind: FailureKind, category: Category) -> bool {
        let said_by_plugin = matches!(kind, FailureKind::Plugin | FailureKind::Panicked);
        self.kinds.contains(&kind) && (!said_by_plugin || self.categories.contains(&category))
    }

    /// What becomes of a job whose run has just failed; `score` has that run in it already.
    pub(crate) fn verdict(&self, kind: FailureKind, category: Category, score: Score) -> Verdict {
        if !self.covers(kind, category) {
            return Verdict::Fail;
        }
        if kind == FailureKind::Interrupted {
            return if score.evictions > EVICTIONS { Verdict::Fail } else { Verdict::Retry };
        }
        if is_crash(kind) {
            return if score.crashes >= self.max_crashes { Verdict::Quarantine } else { Verdict::Retry };
        }
        if score.failures >= self.max_attempts { Verdict::Fail } else { Verdict::Retry }
    }

    /// Whether a job may be given up once more for want of memory, and does not fail by that.
    pub(crate) fn outlives_eviction(&self, score: Score) -> bool {
        let score = Score { evictions: score.evictions + 1, ..score };
        self.verdict(FailureKind::Interrupted, Category::Resource, score) == Verdict::Retry
    }

    pub(crate) fn delay(&self, score: Score, jitter: &mut Jitter) -> Duration {
        let before = (score.failures + score.crashes + score.evictions).saturating_sub(1);
        // A sum with the clock must not overflow, whatever was meant by the largest value.
        backoff(self.backoff_base, self.backoff_max, before, jitter).min(FOR_EVER)
    }
}

impl Default for RetryPolicy {
    /// Nothing is tried again.
    fn default() -> Self {
        Self {
            max_attempts: 1,
            max_crashes: 3,
            backoff_base: Duration::from_secs(1),
            backoff_max: Duration::from_secs(60),
            kinds: Vec::new(),
            categories: Vec::new(),
        }
    }
}

/// A hundred years.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// How a job has done so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Score {
    /// Runs that failed otherwise than by a crash.
    pub(crate) failures: u32,
    /// Runs that ended in a crash, and the one that goes on: that one may crash the host as well.
    pub(crate) crashes: u32,
    /// Runs that were given up because the host was short of memory.
    pub(crate) evictions: u32,
}

/// How often a job may be given up for want of memory before that is its failure. Such ends are not the job's doing,
/// so they are counted apart.
const EVICTIONS: u32 = 3;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Fail,
    Retry,
    Quarantine,
}

/// Whether the job took its worker along.
pub(crate) const fn is_crash(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Crashed | FailureKind::Protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(policy: &RetryPolicy, kind: FailureKind, failures: u32, crashes: u32) -> Verdict {
        policy.verdict(kind, Category::Fatal, Score { failures, crashes, evictions: 0 })
    }

    #[test]
    fn nothing_runs_again_that_nobody_asked_for() {
        let policy = RetryPolicy::default();
        assert_eq!(verdict(&policy, FailureKind::Crashed, 0, 1), Verdict::Fail);
        assert_eq!(verdict(&policy, FailureKind::TimedOut, 1, 0), Verdict::Fail);
    }

    #[test]
    fn attempts_and_crashes_are_counted_apart() {
        let policy = RetryPolicy { max_crashes: 2, ..RetryPolicy::attempts(3) };
        assert_eq!(verdict(&policy, FailureKind::TimedOut, 2, 0), Verdict::Retry);
        assert_eq!(verdict(&policy, FailureKind::TimedOut, 2, 1), Verdict::Retry, "a crash is no attempt");
        assert_eq!(verdict(&policy, FailureKind::TimedOut, 3, 0), Verdict::Fail);
        assert_eq!(verdict(&policy, FailureKind::Crashed, 2, 1), Verdict::Retry, "an attempt is no crash");
        assert_eq!(verdict(&policy, FailureKind::Crashed, 0, 2), Verdict::Quarantine);
    }

    #[test]
    fn what_was_given_up_for_memory_is_counted_apart_and_not_for_ever() {
        let policy = RetryPolicy::attempts(1);
        let evicted = |evictions| Score { failures: 1, crashes: 1, evictions };
        let verdict =
            |evictions| policy.verdict(FailureKind::Interrupted, Category::Resource, evicted(evictions));
        assert_eq!(verdict(EVICTIONS), Verdict::Retry);
        assert_eq!(verdict(EVICTIONS + 1), Verdict::Fail);
    }

    #[test]
    fn a_plugin_says_itself_whether_it_may_go_better_next_time() {
        let policy = RetryPolicy::attempts(2);
        let once = Score { failures: 1, ..Score::default() };
        for (category, expected) in [
            (Category::Transient, Verdict::Retry),
            (Category::Resource, Verdict::Retry),
            (Category::Input, Verdict::Fail),
            (Category::Fatal, Verdict::Fail),
        ] {
            assert_eq!(policy.verdict(FailureKind::Plugin, category, once), expected, "{category:?}");
        }
        assert_eq!(policy.verdict(FailureKind::TimedOut, Category::Fatal, once), Verdict::Retry);
    }
}
