//! The time in which the host ran: all deadlines count in it.

use std::time::{Duration, Instant};

/// The monotonic clock, less the time in which the host did not run.
///
/// What a stopped host did not read, it must not hold against a worker or a job. One clock for all deadlines, so that no
/// deadline can be forgotten.
#[derive(Debug, Default)]
pub(crate) struct HostClock {
    lost: Duration,
    latest: Option<Instant>,
}

impl HostClock {
    /// The host did not run for so long, until now.
    pub(crate) fn lose(&mut self, time: Duration) {
        self.lost = self.lost.saturating_add(time);
    }

    /// What the clock shows at this moment. It stands still rather than run backwards: somebody may have fed something in
    /// while the rest of the host did not run.
    pub(crate) fn read(&mut self, moment: Instant) -> Instant {
        let shown = self.shown_at(moment);
        let latest = self.latest.map_or(shown, |latest| latest.max(shown));
        self.latest = Some(latest);
        latest
    }

    /// What it would show at this moment, if no more time is lost.
    pub(crate) fn shown_at(&self, moment: Instant) -> Instant {
        moment.checked_sub(self.lost).unwrap_or(moment)
    }

    /// At which moment it shows this, if no more time is lost.
    pub(crate) fn moment_of(&self, shown: Instant) -> Instant {
        shown + self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn time_that_was_lost_does_not_count() {
        let start = Instant::now() + 100 * SECOND;
        let mut clock = HostClock::default();
        assert_eq!(clock.read(start + 3 * SECOND), start + 3 * SECOND);
        clock.lose(5 * SECOND);
        assert_eq!(clock.read(start + 8 * SECOND), start + 3 * SECOND);
        assert_eq!(clock.read(start + 9 * SECOND), start + 4 * SECOND);
        assert_eq!(clock.moment_of(start + 4 * SECOND), start + 9 * SECOND);
        assert_eq!(clock.shown_at(start + 9 * SECOND), start + 4 * SECOND);
    }

    #[test]
    fn it_stands_still_and_does_not_run_backwards() {
        let start = Instant::now() + 100 * SECOND;
        let mut clock = HostClock::default();
        // A thread of the host's own submitted a job while its runtime was blocked.
        assert_eq!(clock.read(start + 4 * SECOND), start + 4 * SECOND);
        clock.lose(5 * SECOND);
        assert_eq!(clock.read(start + 5 * SECOND), start + 4 * SECOND);
        assert_eq!(clock.read(start + 9 * SECOND), start + 4 * SECOND);
        assert_eq!(clock.read(start + 10 * SECOND), start + 5 * SECOND);
    }
}
