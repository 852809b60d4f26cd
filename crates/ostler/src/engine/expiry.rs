use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_lifecycle::JobId;

use super::state::State;
use crate::events::EventLog;
use crate::{Job, JobType};

/// How much later than it could a job may go at most: so many go at once, and an idle host is not woken for each.
const SLACK: Duration = Duration::from_secs(1);
/// Jobs that go while the lock is held.
const EXPIRED_AT_ONCE: usize = 64;

/// When ended jobs are forgotten for their age. It has no clock.
#[derive(Debug)]
pub(super) struct Expiry {
    kept_for: Option<Duration>,
    /// In the order in which they ended; empty if age does not count.
    ended: VecDeque<(Instant, JobId)>,
}

/// What is dropped without the lock of jobs that have expired: it is the host's.
pub(super) type Expired<J> = Vec<(Option<Arc<Job<J>>>, Option<Arc<EventLog>>)>;

impl Expiry {
    pub(super) fn new(kept_for: Option<Duration>) -> Self {
        Self { kept_for, ended: VecDeque::new() }
    }

    /// A job has ended, and so many that have ended are known. Those that were forgotten for another reason are the oldest.
    pub(super) fn ended(&mut self, now: Instant, job: JobId, known: usize) {
        if self.kept_for.is_some() {
            self.ended.push_back((now, job));
            while self.ended.len() > known {
                self.ended.pop_front();
            }
        }
    }

    /// When to look again.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let (ended, _) = self.ended.front()?;
        let kept_for = self.kept_for?;
        Some(*ended + kept_for + SLACK.min(kept_for / 8))
    }

    /// Takes one whose time is over.
    fn pop(&mut self, now: Instant) -> Option<JobId> {
        let kept_for = self.kept_for?;
        self.ended.pop_front_if(|(ended, _)| *ended + kept_for <= now).map(|(_, job)| job)
    }
}

impl<J: JobType> State<J> {
    /// When something happens by itself.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        [self.machine.next_deadline(), self.expiry.next_deadline()].into_iter().flatten().min()
    }

    /// Forgets the jobs that ended too long ago, some at a time.
    pub(super) fn expire(&mut self, now: Instant) -> Expired<J> {
        let mut expired = Vec::new();
        while expired.len() < EXPIRED_AT_ONCE
            && let Some(job) = self.expiry.pop(now)
        {
            expired.push((self.ledger.take_oldest(job), self.archive.forget(job)));
        }
        expired
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> JobId {
        JobId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn jobs_go_when_their_time_is_over_and_many_at_once() {
        let (start, day) = (Instant::now(), Duration::from_secs(24 * 3600));
        let mut expiry = Expiry::new(Some(day));
        for number in 0..4 {
            expiry.ended(start + Duration::from_millis(300) * number, id(number.into()), 3);
        }
        // The first had to make room.
        let look = start + Duration::from_millis(300) + day + SLACK;
        assert_eq!(expiry.next_deadline(), Some(look));
        assert_eq!(expiry.pop(start + day), None);
        let gone: Vec<_> = std::iter::from_fn(|| expiry.pop(look)).collect();
        assert_eq!(gone, [id(1), id(2), id(3)]);
        assert_eq!(expiry.next_deadline(), None, "nobody is woken for nothing");
    }

    #[test]
    fn without_an_age_nothing_is_kept_and_nobody_is_woken() {
        let mut expiry = Expiry::new(None);
        expiry.ended(Instant::now(), id(1), 1);
        assert!(expiry.ended.is_empty() && expiry.next_deadline().is_none());
    }
}
