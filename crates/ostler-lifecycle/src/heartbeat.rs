//! Whether a worker that is busy still lives: asked only when it says nothing by itself.

use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Heartbeat {
    interval: Duration,
    timeout: Duration,
    heard: Instant,
    asked: Option<Instant>,
}

/// What to do now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pulse {
    Fine,
    Ask,
    Dead,
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

    pub(crate) fn deadline(&self) -> Instant {
        match self.asked {
            None => self.heard + self.interval,
            Some(asked) => asked + self.timeout,
        }
    }

    pub(crate) fn check(&mut self, now: Instant) -> Pulse {
        let deadline = self.deadline();
        if now < deadline {
            return Pulse::Fine;
        }
        // Whoever looks this late was stopped itself, and the answer may lie unread beside it: ask again.
        let overslept = now - deadline > self.timeout / 2;
        if self.asked.is_none() || overslept {
            self.asked = Some(now);
            return Pulse::Ask;
        }
        Pulse::Dead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn beat(now: Instant) -> Heartbeat {
        Heartbeat::new(10 * SECOND, 4 * SECOND, now)
            .unwrap_or_else(|| unreachable!("the interval is not zero"))
    }

    #[test]
    fn who_speaks_is_not_asked_and_who_does_not_answer_is_dead() {
        let start = Instant::now();
        let mut beat = beat(start);
        assert_eq!(beat.check(start + 9 * SECOND), Pulse::Fine);
        beat.heard(start + 9 * SECOND);
        assert_eq!(beat.check(start + 18 * SECOND), Pulse::Fine);
        assert_eq!(beat.check(start + 19 * SECOND), Pulse::Ask);
        assert_eq!(beat.check(start + 22 * SECOND), Pulse::Fine);
        assert_eq!(beat.check(start + 23 * SECOND), Pulse::Dead);
    }

    #[test]
    fn a_host_that_slept_asks_again() {
        let start = Instant::now();
        let mut beat = beat(start);
        assert_eq!(beat.check(start + 10 * SECOND), Pulse::Ask);
        assert_eq!(beat.check(start + 100 * SECOND), Pulse::Ask);
        assert_eq!(beat.check(start + 104 * SECOND), Pulse::Dead);
    }
}
