use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Instant;

use crate::{JobId, Priority};

/// A job's place among those that wait: higher priority first, then first come, first served.
/// A job keeps its place for life, so one that comes back is at the front again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place(Reverse<Priority>, u64);

/// The jobs that wait: those whose turn may come, those that wait for a resource, and those that wait for their time.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    ready: BTreeMap<Place, JobId>,
    blocked: BTreeMap<Place, JobId>,
    delayed: BTreeMap<(Instant, Place), JobId>,
    /// Until when jobs must have begun.
    deadlines: BTreeMap<(Instant, Place), JobId>,
    arrivals: u64,
}

impl Queue {
    /// A place behind all others of the same priority.
    pub(crate) fn new_place(&mut self, priority: Priority) -> Place {
        self.arrivals += 1;
        Place(Reverse(priority), self.arrivals)
    }

    pub(crate) fn push_ready(&mut self, place: Place, job: JobId) {
        self.ready.insert(place, job);
    }

    pub(crate) fn push_blocked(&mut self, place: Place, job: JobId) {
        self.blocked.insert(place, job);
    }

    pub(crate) fn push_delayed(&mut self, until: Instant, place: Place, job: JobId) {
        self.delayed.insert((until, place), job);
    }

    /// Gives those their turn again whose time has come.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<JobId> {
        let mut due = Vec::new();
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((_, place), job) = entry.remove_entry();
            self.ready.insert(place, job);
            due.push(job);
        }
        due
    }

    /// Takes out all whose time has not come.
    pub(crate) fn take_delayed(&mut self) -> Vec<JobId> {
        std::mem::take(&mut self.delayed).into_values().collect()
    }

    pub(crate) fn set_deadline(&mut self, deadline: Instant, place: Place, job: JobId) {
        self.deadlines.insert((deadline, place), job);
    }

    pub(crate) fn clear_deadline(&mut self, deadline: Instant, place: Place) {
        self.deadlines.remove(&(deadline, place));
    }

    /// Takes out the deadlines that have passed.
    pub(crate) fn take_overdue(&mut self, now: Instant) -> Vec<JobId> {
        let mut overdue = Vec::new();
        while let Some(entry) = self.deadlines.first_entry().filter(|entry| entry.key().0 <= now) {
            overdue.push(entry.remove());
        }
        overdue
    }

    /// When something happens here by itself.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let first = |map: &BTreeMap<(Instant, Place), JobId>| map.first_key_value().map(|((at, _), _)| *at);
        first(&self.delayed).into_iter().chain(first(&self.deadlines)).min()
    }

    /// The job whose turn it is.
    pub(crate) fn peek(&self) -> Option<JobId> {
        self.ready.first_key_value().map(|(_, job)| *job)
    }

    /// Takes the job whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<JobId> {
        self.ready.pop_first().map(|(_, job)| job)
    }

    /// Takes a job out whose time has not come.
    pub(crate) fn remove_delayed(&mut self, until: Instant, place: Place) -> bool {
        self.delayed.remove(&(until, place)).is_some()
    }

    /// Takes a job out, wherever it waits.
    pub(crate) fn remove(&mut self, place: Place) -> bool {
        self.ready.remove(&place).or_else(|| self.blocked.remove(&place)).is_some()
    }

    /// Gives every blocked job its turn again.
    pub(crate) fn unblock(&mut self) {
        // One by one: `append` would go through all that are ready.
        self.ready.extend(std::mem::take(&mut self.blocked));
    }

    /// Takes all jobs out, in order.
    pub(crate) fn drain(&mut self) -> Vec<JobId> {
        self.unblock();
        let delayed = std::mem::take(&mut self.delayed).into_iter();
        self.ready.extend(delayed.map(|((_, place), job)| (place, job)));
        std::mem::take(&mut self.ready).into_values().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.wanting() + self.delayed.len()
    }

    /// Those that would start now if they could.
    pub(crate) fn wanting(&self) -> usize {
        self.ready.len() + self.blocked.len()
    }

    #[cfg(test)]
    fn order(&self) -> Vec<JobId> {
        self.ready.values().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(n: u128) -> JobId {
        JobId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn priority_first_then_arrival_and_a_returned_job_is_in_front() {
        let mut queue = Queue::default();
        let places: Vec<Place> = [Priority::NORMAL, Priority::HIGH, Priority::NORMAL, Priority::LOW]
            .into_iter()
            .map(|priority| queue.new_place(priority))
            .collect();
        for (n, place) in places.iter().enumerate() {
            queue.push_ready(*place, id(n as u128));
        }
        assert_eq!(queue.order(), [id(1), id(0), id(2), id(3)]);
        assert_eq!(queue.pop(), Some(id(1)));
        assert_eq!(queue.pop(), Some(id(0)));
        queue.push_ready(places[0], id(0));
        assert_eq!(queue.order(), [id(0), id(2), id(3)], "it did not lose its place");
    }

    #[test]
    fn blocked_jobs_let_later_ones_pass_until_unblocked() {
        let mut queue = Queue::default();
        let (first, second) = (queue.new_place(Priority::NORMAL), queue.new_place(Priority::NORMAL));
        queue.push_blocked(first, id(1));
        queue.push_ready(second, id(2));
        assert_eq!(queue.order(), [id(2)]);
        queue.unblock();
        assert_eq!(queue.order(), [id(1), id(2)]);
        assert!(queue.remove(first) && !queue.remove(first));
    }

    #[test]
    fn a_delayed_job_gets_its_old_place_when_its_time_has_come() {
        let now = Instant::now();
        let later = now + std::time::Duration::from_secs(1);
        let mut queue = Queue::default();
        let (first, second) = (queue.new_place(Priority::NORMAL), queue.new_place(Priority::NORMAL));
        queue.push_delayed(later, first, id(1));
        queue.push_ready(second, id(2));
        assert_eq!((queue.len(), queue.wanting(), queue.next_deadline()), (2, 1, Some(later)));
        assert_eq!(queue.take_due(now), []);
        assert_eq!(queue.take_due(later), [id(1)]);
        assert_eq!(queue.order(), [id(1), id(2)]);
        assert_eq!(queue.next_deadline(), None);
    }
}
