use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::{JobId, Priority};

/// A job's place among those that wait: higher priority first, then first come, first served.
/// A job keeps its place for life, so one that comes back is at the front again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place(Reverse<Priority>, u64);

/// The jobs that wait: those whose turn may come, and those that wait for a resource.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    ready: BTreeMap<Place, JobId>,
    blocked: BTreeMap<Place, JobId>,
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

    /// Takes the job whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<JobId> {
        self.ready.pop_first().map(|(_, job)| job)
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
        std::mem::take(&mut self.ready).into_values().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.ready.len() + self.blocked.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
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
}
