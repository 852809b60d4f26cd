//! Whether a worker that is busy still lives: asked only when it says nothing by itself.

use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Heartbeat {
    interval: Duration,
    timeout: Duration,
    heard: Instant,
    asked: Option<Instant>,
}

impl Heartbeat {
    /// None if nobody is to be asked.
    pub(crate) fn new(interval: Duration, timeout: Duration, now: Instant) -> Option<Self> {
        (!interval.is_zero()).then_some(Self { interval, timeout, heard: now, asked: None })
    }

    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.asked = None;
    }

    /// When it is to be asked; none while its answer is awaited.
    pub(crate) fn asks_at(&self) -> Option<Instant> {
        self.asked.is_none().then(|| self.heard + self.interval)
    }

    /// When it has not answered for too long.
    pub(crate) fn dies_at(&self) -> Option<Instant> {
        self.asked.map(|asked| asked + self.timeout)
    }

    /// It was asked.
    pub(crate) fn ask(&mut self, now: Instant) {
        self.asked = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn who_speaks_is_not_asked_and_who_does_not_answer_is_dead() {
        let start = Instant::now();
        let mut beat = Heartbeat::new(10 * SECOND, 4 * SECOND, start)
            .unwrap_or_else(|| unreachable!("the interval is not zero"));
        assert_eq!((beat.asks_at(), beat.dies_at()), (Some(start + 10 * SECOND), None));
        beat.heard(start + 9 * SECOND);
        assert_eq!((beat.asks_at(), beat.dies_at()), (Some(start + 19 * SECOND), None));
        beat.ask(start + 19 * SECOND);
        assert_eq!((beat.asks_at(), beat.dies_at()), (None, Some(start + 23 * SECOND)));
        beat.heard(start + 22 * SECOND);
        assert_eq!((beat.asks_at(), beat.dies_at()), (Some(start + 32 * SECOND), None));
    }
}
