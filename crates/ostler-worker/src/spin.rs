use std::time::{Duration, Instant};

/// Whether to look for the next command a little while before sleeping: to wake a sleeping core takes longer than a small
/// job.
///
/// It pays if the last wait was so short that a look of that length would have met the command. So a worker that becomes
/// idle looks once more, and then sleeps.
pub(crate) struct Spin {
    longest: Duration,
    pays: bool,
}

impl Spin {
    /// Never.
    pub(crate) const fn none() -> Self {
        Self::new(Duration::ZERO)
    }

    pub(crate) const fn new(longest: Duration) -> Self {
        Self { longest, pays: false }
    }

    /// Whether to look on in a wait that began then.
    pub(crate) fn is_due(&self, begin: Instant) -> bool {
        self.pays && begin.elapsed() < self.longest
    }

    /// A wait is over.
    pub(crate) fn learn(&mut self, begin: Instant) {
        self.pays = begin.elapsed() <= self.longest && !self.longest.is_zero();
    }
}
