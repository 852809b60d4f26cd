//! When a slot is filled again: the policy as a table, the budget as a window, the delay as a function.

use std::time::{Duration, Instant};

use crate::RestartPolicy;

/// Whether a worker's end was asked for. Only ends that were not use the restart budget.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EndKind {
    /// A cancel, a job's timeout, a retirement: the host wanted it.
    Asked,
    /// A crash, a failed load, a breach of the protocol.
    Fault(Fault),
}

/// Faults are counted apart: a plugin that never loads must not use up what jobs that crash may use, nor the other way
/// round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Of a worker that never became ready.
    Load,
    /// Of a worker that was ready.
    Crash,
}

/// What to do with an empty slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refill {
    Now,
    AfterBackoff,
    Leave,
}

/// The policy's table. `wanted` says whether a job is pending.
pub(crate) fn refill(policy: RestartPolicy, end: EndKind, wanted: bool) -> Refill {
    match (policy, end) {
        (RestartPolicy::Always, _)
        | (RestartPolicy::OnCancellation | RestartPolicy::Backoff, EndKind::Asked) => Refill::Now,
        (RestartPolicy::Backoff, EndKind::Fault(_)) => Refill::AfterBackoff,
        (RestartPolicy::Never, _) | (RestartPolicy::OnCancellation, EndKind::Fault(_)) if wanted => {
            Refill::Now
        }
        (RestartPolicy::Never, _) | (RestartPolicy::OnCancellation, EndKind::Fault(_)) => Refill::Leave,
    }
}

/// How many starts after faults of one kind are left, counted over a sliding window.
#[derive(Debug)]
pub(crate) struct RestartBudget {
    max: u32,
    window: Duration,
    /// When the starts were.
    starts: Vec<Instant>,
}

impl RestartBudget {
    pub(crate) fn new(max: u32, window: Duration) -> Self {
        Self { max, window, starts: Vec::new() }
    }

    /// Whether there is room for one more start. Those that wait for their time count too.
    pub(crate) fn has_room(&mut self, now: Instant, waiting: usize) -> bool {
        let window = self.window;
        self.starts.retain(|&at| now < at + window);
        self.starts.len() + waiting < self.max as usize
    }

    /// When to look again whether there is room, of a budget that has none; `None` if it never will.
    pub(crate) fn room_at(&self, now: Instant, waiting: usize) -> Option<Instant> {
        let max = (self.max as usize).checked_sub(1)?;
        // So many must leave the window first. If too many wait, nobody knows when they start.
        let leaving = (self.starts.len() + waiting).saturating_sub(max);
        Some(
            leaving.checked_sub(1).and_then(|last| self.starts.get(last)).map_or(now, |&at| at) + self.window,
        )
    }

    /// Takes one start, when it happens and not when it is decided: otherwise the late starts of one window and
    /// the early ones of the next could fall into one.
    pub(crate) fn take(&mut self, now: Instant) {
        self.starts.push(now);
    }

    /// A start that was taken then has mended what was broken: it does not count any more.
    pub(crate) fn give_back(&mut self, taken_at: Instant) {
        if let Some(index) = self.starts.iter().position(|&at| at == taken_at) {
            self.starts.remove(index);
        }
    }

    pub(crate) fn reset(&mut self) {
        self.starts.clear();
    }
}

/// The delay before the start after a fault, when there were `before` others in the same slot since its last good work:
/// anything up to `base · 2^before`, capped. Full jitter spreads restarts best (Brooker, "Exponential Backoff And
/// Jitter", AWS Architecture Blog, 2015).
pub(crate) fn backoff(base: Duration, max: Duration, before: u32, jitter: &mut Jitter) -> Duration {
    let factor = 1_u32.checked_shl(before).unwrap_or(u32::MAX);
    let ceiling = base.saturating_mul(factor).min(max);
    ceiling.mul_f64(jitter.next_fraction())
}

/// SplitMix64 (Steele, Lea, Flood 2014): replays from its seed, which matters more here than its quality.
#[derive(Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next_fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_table_is_the_documented_one() {
        use {EndKind::*, Refill::*, RestartPolicy::*};
        let fault = Fault(super::Fault::Crash);
        let table = [
            (Never, Asked, Leave, Now),
            (Never, fault, Leave, Now),
            (OnCancellation, Asked, Now, Now),
            (OnCancellation, fault, Leave, Now),
            (Always, Asked, Now, Now),
            (Always, fault, Now, Now),
            (Backoff, Asked, Now, Now),
            (Backoff, fault, AfterBackoff, AfterBackoff),
        ];
        for (policy, end, unwanted, wanted) in table {
            assert_eq!(refill(policy, end, false), unwanted, "{policy:?} {end:?}, nothing pending");
            assert_eq!(refill(policy, end, true), wanted, "{policy:?} {end:?}, something pending");
        }
    }

    #[test]
    fn budget_counts_within_the_window_only() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut budget = RestartBudget::new(2, Duration::from_secs(10));
        assert!(budget.has_room(at(0), 0));
        budget.take(at(0));
        assert!(budget.has_room(at(1), 0));
        assert!(!budget.has_room(at(1), 1), "one that waits counts");
        budget.take(at(5));
        assert!(!budget.has_room(at(9), 0));
        assert!(budget.has_room(at(10), 0), "the first one no longer counts");
        budget.take(at(10));
        assert!(!budget.has_room(at(11), 0));
        budget.reset();
        assert!(budget.has_room(at(11), 1));
    }

    #[test]
    fn a_spent_budget_knows_when_it_has_room_again() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut budget = RestartBudget::new(2, Duration::from_secs(10));
        budget.take(at(0));
        budget.take(at(5));
        assert_eq!(budget.room_at(at(6), 0), Some(at(10)), "when the first one leaves the window");
        assert_eq!(budget.room_at(at(6), 1), Some(at(15)), "one that waits takes that room");
        assert_eq!(budget.room_at(at(6), 2), Some(at(16)), "those that wait are still to come: look again");
        budget.give_back(at(5));
        assert!(budget.has_room(at(6), 0), "what helped does not count");
        assert_eq!(RestartBudget::new(0, Duration::from_secs(10)).room_at(at(0), 0), None);
    }

    #[test]
    fn backoff_grows_is_capped_and_never_overflows() {
        let (base, max) = (Duration::from_secs(1), Duration::from_secs(60));
        for before in [0, 1, 5, 6, 31, 32, 1000] {
            let ceiling = base.saturating_mul(1_u32.checked_shl(before).unwrap_or(u32::MAX)).min(max);
            let delays: Vec<_> =
                (0..200).map(|seed| backoff(base, max, before, &mut Jitter::new(seed))).collect();
            assert!(delays.iter().all(|delay| *delay <= ceiling));
            assert!(delays.iter().any(|delay| *delay > ceiling / 2), "{before}: uses the upper half");
            assert!(delays.iter().any(|delay| *delay < ceiling / 2), "{before}: uses the lower half");
        }
    }
}
