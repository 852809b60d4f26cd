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
        let queue = Queue::new(Duration::ZERO, [LIMITED]);
        let mut line = Self { queue, jobs: Jobs::default() };
        for (priority, number) in priorities.iter().zip(0..) {
            line.submit(number, *priority);
        }
        line
    }

    fn submit(&mut self, number: u128, priority: Priority) {
        self.submit_for(PluginKey(0), number, priority);
    }

    fn submit_for(&mut self, plugin: PluginKey, number: u128, priority: Priority) {
        let submit = Submit {
            job: id(number),
            plugin,
            priority,
            queue_timeout: None,
            timeout: None,
            stall_timeout: None,
            retry: None,
            blocked: None,
        };
        let place = self.queue.new_place(Instant::now(), priority);
        if let Ok(spot) = self.jobs.add(JobEntry::new(submit, place, None)) {
            self.queue.push_new(&mut self.jobs, spot);
        }
    }

    fn pop(&mut self) -> Option<u128> {
        self.pop_with(usize::MAX)
    }

    /// With room for so many of the limited plugin.
    fn pop_with(&mut self, room: usize) -> Option<u128> {
        let job = self.queue.peek(&self.jobs, |_| room)?;
        self.queue.remove(&mut self.jobs, job);
        self.entry(job.as_uuid().as_u128()).whereabouts = Whereabouts::InSlot(crate::SlotId(0));
        Some(job.as_uuid().as_u128())
    }

    fn wanting(&self) -> usize {
        self.queue.wanting(|_| usize::MAX)
    }

    fn all(&mut self) -> Vec<u128> {
        std::iter::from_fn(|| self.pop()).collect()
    }

    fn entry(&mut self, number: u128) -> &mut JobEntry {
        let Some(entry) = self.jobs.get_mut(&id(number)) else { panic!("there is no job {number}") };
        entry
    }

    fn return_to_queue(&mut self, number: u128) {
        let Some(entry) = self.jobs.get_mut(&id(number)) else { panic!("there is no job {number}") };
        self.queue.push_returned(entry);
    }

    fn block(&mut self, number: u128) {
        let Some(entry) = self.jobs.get_mut(&id(number)) else { panic!("there is no job {number}") };
        self.queue.push_blocked(entry);
    }

    fn delay(&mut self, number: u128, until: Instant) {
        let Some(entry) = self.jobs.get_mut(&id(number)) else { panic!("there is no job {number}") };
        self.queue.push_delayed(until, entry);
    }

    /// Those that are being ended, in their order.
    fn doomed(&mut self) -> Vec<u128> {
        let doomed = std::iter::from_fn(|| self.queue.pop_doomed(&mut self.jobs));
        doomed.map(|(job, _)| job.as_uuid().as_u128()).collect()
    }

    fn remove(&mut self, number: u128) {
        self.queue.remove(&mut self.jobs, id(number));
        self.jobs.remove(&id(number));
    }
}

const LIMITED: PluginKey = PluginKey(7);
const NORMAL: Priority = Priority::NORMAL;

#[test]
fn priority_first_then_arrival_and_a_returned_job_is_in_front() {
    let mut line = Line::new(&[NORMAL, Priority::HIGH, NORMAL, Priority::LOW]);
    assert_eq!(line.pop(), Some(1));
    assert_eq!(line.pop(), Some(0));
    line.return_to_queue(0);
    assert_eq!(line.wanting(), 3);
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
    assert_eq!(line.wanting(), 3);
    assert_eq!(line.all(), [0, 2, 3]);
}

#[test]
fn a_delayed_job_gets_its_old_place_when_its_time_has_come() {
    let now = Instant::now();
    let later = now + Duration::from_secs(1);
    let mut line = Line::new(&[NORMAL; 2]);
    assert_eq!(line.pop(), Some(0));
    line.delay(0, later);
    assert_eq!((line.queue.len(), line.wanting(), line.queue.next_deadline()), (2, 1, Some(later)));
    line.queue.take_due(&mut line.jobs, now, 9);
    assert_eq!(line.wanting(), 1);
    line.queue.take_due(&mut line.jobs, later, 0);
    assert_eq!(line.wanting(), 1, "so many at once");
    line.queue.take_due(&mut line.jobs, later, 9);
    assert_eq!((line.wanting(), line.queue.next_deadline()), (2, None));
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
fn who_is_doomed_ends_in_its_place_the_blocked_ones_too_and_who_comes_later_is_not_among_them() {
    let (now, failure) = (Instant::now(), || JobFailure::from("the pool is down"));
    let mut line = Line::new(&[NORMAL, NORMAL, Priority::HIGH, NORMAL, NORMAL]);
    assert_eq!((line.pop(), line.pop()), (Some(2), Some(0)));
    line.block(0);
    line.block(2);
    assert_eq!(line.pop(), Some(1));
    line.delay(1, now);
    line.queue.doom_all(now, failure());
    assert_eq!((line.queue.len(), line.queue.next_deadline()), (0, Some(now)));
    line.submit(5, Priority::HIGH);
    line.remove(3);
    assert_eq!(line.doomed(), [1, 2, 0, 4], "who waits for its time goes first");
    assert_eq!((line.all(), line.queue.next_deadline()), (vec![5], None));
}

#[test]
fn two_crowds_are_doomed_one_after_the_other() {
    let (now, failure) = (Instant::now(), |why: &str| JobFailure::from(why));
    let mut line = Line::new(&[NORMAL; 2]);
    line.queue.doom_all(now, failure("the first"));
    line.submit(2, Priority::HIGH);
    line.queue.doom_all(now, failure("the second"));
    line.remove(2);
    line.remove(0);
    line.submit(3, NORMAL);
    let (job, why) = line.queue.pop_doomed(&mut line.jobs).unwrap_or((id(9), failure("nobody")));
    assert_eq!((job, &*why.message), (id(1), "the first"));
    assert_eq!((line.doomed(), line.all()), (vec![], vec![3]));
}

#[test]
fn others_pass_those_of_a_plugin_that_has_no_room() {
    let mut line = Line::new(&[]);
    for (number, plugin) in [(0, LIMITED), (1, LIMITED), (2, PluginKey(0)), (3, LIMITED)] {
        line.submit_for(plugin, number, NORMAL);
    }
    assert_eq!(line.queue.wanting(|_| 2), 3);
    assert_eq!(line.pop_with(1), Some(0));
    assert_eq!((line.pop_with(0), line.pop_with(0)), (Some(2), None));
    line.return_to_queue(0);
    assert_eq!((line.queue.wanting(|_| 0), line.queue.len()), (0, 3));
    line.block(0);
    line.remove(1);
    line.queue.unblock();
    assert_eq!(line.all(), [0, 3]);
}

#[test]
fn with_aging_who_has_waited_long_enough_goes_before_higher_priorities() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut queue = Queue::new(Duration::from_secs(1), []);
    let mut jobs = Jobs::default();
    for (number, (priority, seconds)) in [(0, 0), (10, 5), (10, 9), (10, 11), (0, 12)].into_iter().enumerate()
    {
        let submit = Submit {
            job: id(number as u128),
            plugin: PluginKey(0),
            priority: Priority(priority),
            queue_timeout: None,
            timeout: None,
            stall_timeout: None,
            retry: None,
            blocked: None,
        };
        let place = queue.new_place(at(seconds), submit.priority);
        if let Ok(spot) = jobs.add(JobEntry::new(submit, place, None)) {
            queue.push_new(&mut jobs, spot);
        }
    }
    let mut line = Line { queue, jobs };
    assert_eq!(line.all(), [1, 2, 0, 3, 4]);
}
