use std::time::{Duration, Instant};

/// When to look for the other side's next word without sleeping: to wake a sleeping core takes longer than a small job.
///
/// It pays if the last word came so soon that a look of that length would have met it. So who becomes idle looks once
/// more, and then sleeps. It has no clock.
pub struct Spin {
    longest: Duration,
    /// When the present wait began.
    since: Option<Instant>,
    pays: bool,
}

impl Spin {
    /// Looks for so long at most; zero for never.
    pub const fn new(longest: Duration) -> Self {
        Self { longest, since: None, pays: false }
    }

    /// A wait begins.
    pub const fn begin(&mut self, now: Instant) {
        self.since = Some(now);
    }

    /// What was waited for has come.
    pub fn end(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.pays = now.saturating_duration_since(since) <= self.longest;
        }
    }

    /// Whether to look on.
    pub fn is_due(&self, now: Instant) -> bool {
        self.pays && self.since.is_some_and(|since| now.saturating_duration_since(since) < self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_micros(100);

    #[test]
    fn it_looks_only_after_a_job_that_a_look_would_have_met() {
        let begin = Instant::now();
        let mut spin = Spin::new(LONGEST);
        spin.begin(begin);
        assert!(!spin.is_due(begin), "nothing is known yet");
        spin.end(begin + LONGEST);
        assert!(!spin.is_due(begin + LONGEST), "no job was sent");
        spin.begin(begin + LONGEST);
        assert!(spin.is_due(begin + LONGEST));
        assert!(!spin.is_due(begin + LONGEST * 2), "it has looked for long enough");
        spin.end(begin + LONGEST * 3);
        spin.begin(begin + LONGEST * 3);
        assert!(!spin.is_due(begin + LONGEST * 3), "the last one took too long");
    }

    #[test]
    fn a_spin_of_nothing_is_none() {
        let begin = Instant::now();
        let mut spin = Spin::new(Duration::ZERO);
        spin.begin(begin);
        spin.end(begin);
        spin.begin(begin);
        assert!(!spin.is_due(begin));
    }
}
