use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::{PluginKey, Submit};

/// Jobs that wait, each named by a number, in the order of their numbers.
struct Line {
    queue: Queue,
    jobs: Jobs,
}

fn id(number: u128) -> JobId {
    JobId::from_uuid(Uuid::from_u128(number))
}

impl Line {
    fn new(priorities: &[Priority]) -> Self {
        let mut line = Self { queue: Queue::default(), jobs: Jobs::default() };
        for (priority, number) in priorities.iter().zip(0..) {
            line.submit(number, *priority);
        }
        line
    }

    fn submit(&mut self, number: u128, priority: Priority) {
        let submit = Submit {
            job: id(number),
            plugin: PluginKey(0),
            priority,
            queue_timeout: None,
            timeout: None,
            stall_timeout: None,
            retry: None,
            blocked: None,
        };
        let place = self.queue.new_place(priority);
        if let Ok(spot) = self.jobs.add(JobEntry::new(submit, place, None)) {
            self.queue.push_new(&mut self.jobs, spot);
        }
    }

    fn pop(&mut self) -> Option<u128> {
        let job = self.queue.pop(&mut self.jobs);
        job.map(|job| job.as_uuid().as_u128())
    }

    fn all(&mut self) -> Vec<u128> {
        std::iter::from_fn(|| self.pop()).collect()
    }

    fn place(&mut self, number: u128, whereabouts: Whereabouts) -> Place {
        let Some(entry) = self.jobs.get_mut(&id(number)) else { panic!("there is no job {number}") };
        entry.whereabouts = whereabouts;
        entry.place
    }

    fn return_to_queue(&mut self, number: u128) {
        let place = self.place(number, Whereabouts::Returned);
        self.queue.push_returned(place, id(number));
    }

    fn block(&mut self, number: u128) {
        let place = self.place(number, Whereabouts::Returned);
        self.queue.push_blocked(place, id(number));
    }

    fn remove(&mut self, number: u128) {
        self.queue.remove(&mut self.jobs, id(number));
        self.jobs.remove(&id(number));
    }
}

const NORMAL: Priority = Priority::NORMAL;

#[test]
fn priority_first_then_arrival_and_a_returned_job_is_in_front() {
    let mut line = Line::new(&[NORMAL, Priority::HIGH, NORMAL, Priority::LOW]);
    assert_eq!(line.pop(), Some(1));
    assert_eq!(line.pop(), Some(0));
    line.return_to_queue(0);
    assert_eq!(line.queue.wanting(), 3);
    assert_eq!(line.all(), [0, 2, 3], "it did not lose its place");
}

#[test]
fn blocked_jobs_let_later_ones_pass_until_unblocked() {
    let mut line = Line::new(&[NORMAL; 4]);
    for blocked in [0, 1] {
        assert_eq!(line.pop(), Some(blocked));
        line.block(blocked);
    }
    assert_eq!(line.pop(), Some(2));
    line.return_to_queue(2);
    line.queue.unblock();
    line.remove(1);
    assert_eq!(line.queue.wanting(), 3);
    assert_eq!(line.all(), [0, 2, 3]);
}

#[test]
fn a_delayed_job_gets_its_old_place_when_its_time_has_come() {
    let now = Instant::now();
    let later = now + Duration::from_secs(1);
    let mut line = Line::new(&[NORMAL; 2]);
    assert_eq!(line.pop(), Some(0));
    let place = line.place(0, Whereabouts::Delayed);
    line.queue.push_delayed(later, place, id(0));
    let queue = &mut line.queue;
    assert_eq!((queue.len(), queue.wanting(), queue.next_deadline()), (2, 1, Some(later)));
    assert_eq!(queue.take_due(now, 9), []);
    assert_eq!(queue.take_due(later, 0), [], "so many at once");
    assert_eq!(queue.take_due(later, 9), [id(0)]);
    assert_eq!(queue.next_deadline(), None);
    line.place(0, Whereabouts::Returned);
    assert_eq!(line.all(), [0, 1]);
}

#[test]
fn a_job_leaves_its_lane_from_anywhere() {
    let mut line = Line::new(&[NORMAL; 6]);
    // The first, the last, one in the middle, and then its neighbour.
    for number in [0, 5, 2, 3] {
        line.remove(number);
    }
    line.submit(6, NORMAL);
    assert_eq!(line.queue.len(), 3);
    assert_eq!(line.all(), [1, 4, 6]);
    line.submit(7, NORMAL);
    line.remove(7);
    assert_eq!((line.pop(), line.queue.len()), (None, 0));
}

#[test]
fn whoever_takes_all_takes_the_blocked_ones_in_their_places() {
    let mut line = Line::new(&[NORMAL, NORMAL, Priority::HIGH]);
    assert_eq!((line.pop(), line.pop()), (Some(2), Some(0)));
    line.block(0);
    line.block(2);
    let any = std::iter::from_fn(|| line.queue.pop_any(&mut line.jobs));
    assert_eq!(any.collect::<Vec<_>>(), [id(2), id(0), id(1)]);
}
