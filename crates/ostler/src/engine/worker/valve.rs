use std::time::{Duration, Instant};

/// What a line takes of its worker's allowance: a thousand lines a second are more than anybody reads, and cost the
/// host a few milliseconds of every second.
const LINE: Duration = Duration::from_millis(1);
/// Bytes that take a second of it, so that long lines cost what they weigh.
const BYTES_PER_SECOND: f64 = 1024.0 * 1024.0;
/// What may be used in advance: 2,000 lines or 2 MiB, so that a job that prints a lot and is done, as most do, is kept
/// whole. The log of a job has room for as much, see `EventLog`.
const BURST: Duration = Duration::from_secs(2);
/// Once it is shut it stays so until so much of the burst is there again: a flood is kept in runs of lines that belong
/// together, with one note of what is missing between them, and not as every hundredth line.
const REOPENS_WITH: Duration = Duration::from_secs(1);

/// Bounds how much of what a worker says is kept: a thousand lines and 1 MiB a second, and twice that in a burst.
///
/// It holds up nobody. Whoever prints faster is not slowed down, and its chunks and its result need not wait behind
/// what it printed. It has no clock.
pub(super) struct Valve {
    /// What is used of the burst, as of then.
    used: Duration,
    at: Instant,
    shut_until: Option<Instant>,
}

impl Valve {
    pub(super) fn new(now: Instant) -> Self {
        Self { used: Duration::ZERO, at: now, shut_until: None }
    }

    /// Whether a line of so many bytes may pass.
    ///
    /// # Errors
    /// It may not, and nothing will before this time.
    pub(super) fn admit(&mut self, now: Instant, bytes: usize) -> Result<(), Instant> {
        self.used = self.used.saturating_sub(now.saturating_duration_since(self.at));
        self.at = self.at.max(now);
        if let Some(until) = self.shut_until {
            if now < until {
                return Err(until);
            }
            self.shut_until = None;
        }
        if self.used >= BURST {
            let until = self.at + (self.used + REOPENS_WITH - BURST);
            self.shut_until = Some(until);
            return Err(until);
        }
        // One that is larger than a burst passes as well, and nothing for two bursts after it.
        let cost = LINE.max(Duration::from_secs_f64(bytes as f64 / BYTES_PER_SECOND)).min(BURST);
        self.used += cost;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    /// How many of so many lines pass, at that distance.
    fn passed(valve: &mut Valve, begin: Instant, count: u32, distance: Duration, bytes: usize) -> u32 {
        (0..count).filter(|number| valve.admit(begin + distance * *number, bytes).is_ok()).count() as u32
    }

    #[test]
    fn r27_a_burst_passes_and_then_nothing_until_half_of_it_is_there_again() {
        let begin = Instant::now();
        let mut valve = Valve::new(begin);
        assert_eq!(passed(&mut valve, begin, 5_000, Duration::ZERO, 10), 2_000);
        assert_eq!(valve.admit(begin, 10), Err(begin + Duration::from_secs(1)));
        assert!(valve.admit(begin + Duration::from_millis(999), 10).is_err());
        let later = begin + Duration::from_secs(1);
        assert_eq!(passed(&mut valve, later, 5_000, Duration::ZERO, 10), 1_000);
    }

    #[test]
    fn r27_in_the_long_run_a_thousand_lines_a_second_pass() {
        let begin = Instant::now();
        let mut valve = Valve::new(begin);
        let kept = passed(&mut valve, begin, 60 * 10_000, Duration::from_micros(100), 10);
        assert!((60_000..=62_000).contains(&kept), "{kept}");
    }

    #[test]
    fn r27_who_stays_below_the_limit_loses_nothing() {
        let begin = Instant::now();
        let mut valve = Valve::new(begin);
        assert_eq!(passed(&mut valve, begin, 100_000, Duration::from_millis(1), 1_000), 100_000);
    }

    #[test]
    fn r27_long_lines_cost_what_they_weigh() {
        let begin = Instant::now();
        let mut valve = Valve::new(begin);
        assert_eq!(passed(&mut valve, begin, 100, Duration::ZERO, MIB / 4), 8);
    }

    #[test]
    fn r27_one_that_is_too_large_for_any_burst_passes_and_does_not_shut_the_valve_for_ever() {
        let begin = Instant::now();
        let mut valve = Valve::new(begin);
        assert_eq!(valve.admit(begin, 100 * MIB), Ok(()));
        assert!(valve.admit(begin, 1).is_err());
        assert_eq!(valve.admit(begin + Duration::from_secs(1), 1), Ok(()));
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_opens_nothing() {
        let begin = Instant::now() + Duration::from_secs(10);
        let mut valve = Valve::new(begin);
        assert_eq!(passed(&mut valve, begin, 2_000, Duration::ZERO, 1), 2_000);
        assert!(valve.admit(begin - Duration::from_secs(5), 1).is_err());
        assert!(valve.admit(begin, 1).is_err());
    }
}
