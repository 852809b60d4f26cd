use std::collections::BTreeMap;
use std::mem;
use std::time::Instant;

use crate::job::{JobEntry, Whereabouts};
use crate::lane::Lanes;
use crate::place::Place;
use crate::slab::Spot;
use crate::{JobId, JobTable, Priority};

/// The jobs that wait: those whose turn may come, those that wait for a resource, and those that wait for their time.
///
/// New ones stand in lanes, where everything takes constant time, however many they are. Those that come back have an
/// old place among the others, and stand in maps.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    lanes: Lanes,
    returned: BTreeMap<Place, JobId>,
    blocked: BTreeMap<Place, JobId>,
    delayed: BTreeMap<(Instant, Place), JobId>,
    /// Until when jobs must have begun.
    deadlines: BTreeMap<(Instant, Place), JobId>,
    /// Since when all that wait are being ended.
    ending: Option<Instant>,
    arrivals: u64,
}

type Jobs = JobTable<JobEntry>;

impl Queue {
    /// A place behind all others of the same priority.
    pub(crate) fn new_place(&mut self, priority: Priority) -> Place {
        self.arrivals += 1;
        Place::new(priority, self.arrivals)
    }

    /// Adds a job whose place is the last one of its priority.
    pub(crate) fn push_new(&mut self, jobs: &mut Jobs, spot: Spot) {
        self.lanes.push(jobs, spot);
    }

    pub(crate) fn push_returned(&mut self, place: Place, job: JobId) {
        self.returned.insert(place, job);
    }

    pub(crate) fn push_blocked(&mut self, place: Place, job: JobId) {
        self.blocked.insert(place, job);
    }

    pub(crate) fn push_delayed(&mut self, until: Instant, place: Place, job: JobId) {
        self.delayed.insert((until, place), job);
    }

    /// Gives those their turn again whose time has come, though not to more than so many at once.
    pub(crate) fn take_due(&mut self, now: Instant, most: usize) -> Vec<JobId> {
        let due = take_until(&mut self.delayed, now, most);
        self.returned.extend(due.iter().copied());
        due.into_iter().map(|(_, job)| job).collect()
    }

    /// Takes out the one whose time would come first.
    pub(crate) fn pop_delayed(&mut self) -> Option<JobId> {
        self.delayed.pop_first().map(|(_, job)| job)
    }

    pub(crate) fn set_deadline(&mut self, deadline: Instant, place: Place, job: JobId) {
        self.deadlines.insert((deadline, place), job);
    }

    pub(crate) fn clear_deadline(&mut self, deadline: Instant, place: Place) {
        self.deadlines.remove(&(deadline, place));
    }

    /// Takes out the deadlines that have passed, though not more than so many at once.
    pub(crate) fn take_overdue(&mut self, now: Instant, most: usize) -> Vec<JobId> {
        take_until(&mut self.deadlines, now, most).into_iter().map(|(_, job)| job).collect()
    }

    /// From now on all that wait are being ended, some at a time.
    pub(crate) fn end_all(&mut self, now: Instant) {
        self.ending.get_or_insert(now);
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// None is left, or who comes now may stay.
    pub(crate) fn all_ended(&mut self) {
        self.ending = None;
    }

    /// When something happens here by itself.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let first = |map: &BTreeMap<(Instant, Place), JobId>| map.first_key_value().map(|((at, _), _)| *at);
        [first(&self.delayed), first(&self.deadlines), self.ending].into_iter().flatten().min()
    }

    /// The job whose turn it is.
    pub(crate) fn peek(&self, jobs: &Jobs) -> Option<JobId> {
        self.first(jobs).map(|first| first.job)
    }

    /// Takes the job whose turn it is.
    pub(crate) fn pop(&mut self, jobs: &mut Jobs) -> Option<JobId> {
        let first = self.first(jobs)?;
        Some(self.take(jobs, first))
    }

    /// Takes the first job, whether its turn may come or not.
    pub(crate) fn pop_any(&mut self, jobs: &mut Jobs) -> Option<JobId> {
        let blocked = self.blocked.first_key_value().map(Waiting::of);
        let first = [self.first(jobs), blocked].into_iter().flatten().min_by_key(|first| first.place)?;
        Some(self.take(jobs, first))
    }

    /// Takes a job out, wherever it waits.
    pub(crate) fn remove(&mut self, jobs: &mut Jobs, job: JobId) {
        let Some(spot) = jobs.spot(&job) else { return };
        let Some(entry) = jobs.at(spot) else { return };
        let place = entry.place;
        match entry.whereabouts {
            Whereabouts::Delayed => {
                if let Some(until) = entry.delayed_until() {
                    self.delayed.remove(&(until, place));
                }
            }
            Whereabouts::InLane => self.lanes.remove(jobs, spot),
            Whereabouts::Returned => drop(self.take(jobs, Waiting { job, place, spot: None })),
            Whereabouts::Quarantined | Whereabouts::InSlot(_) | Whereabouts::Undead => {}
        }
    }

    /// Gives every blocked job its turn again.
    pub(crate) fn unblock(&mut self) {
        if self.returned.is_empty() {
            mem::swap(&mut self.returned, &mut self.blocked);
        } else {
            // One by one: `append` would go through all that are there.
            self.returned.extend(mem::take(&mut self.blocked));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.wanting() + self.delayed.len()
    }

    /// Those that would start now if they could.
    pub(crate) fn wanting(&self) -> usize {
        self.lanes.len() + self.returned.len() + self.blocked.len()
    }

    fn first(&self, jobs: &Jobs) -> Option<Waiting> {
        let new = self.lanes.first().and_then(|spot| {
            let entry = jobs.at(spot)?;
            Some(Waiting { job: entry.job, place: entry.place, spot: Some(spot) })
        });
        let returned = self.returned.first_key_value().map(Waiting::of);
        [new, returned].into_iter().flatten().min_by_key(|first| first.place)
    }

    fn take(&mut self, jobs: &mut Jobs, waiting: Waiting) -> JobId {
        let Waiting { job, place, spot } = waiting;
        if let Some(spot) = spot {
            self.lanes.remove(jobs, spot);
        } else if self.returned.remove(&place).is_none() {
            self.blocked.remove(&place);
        }
        job
    }
}

/// A job that waits for its turn or for a resource.
struct Waiting {
    job: JobId,
    place: Place,
    /// If it is in its lane.
    spot: Option<Spot>,
}

impl Waiting {
    /// One that is in a map.
    fn of((&place, &job): (&Place, &JobId)) -> Self {
        Self { job, place, spot: None }
    }
}

fn take_until(map: &mut BTreeMap<(Instant, Place), JobId>, now: Instant, most: usize) -> Vec<(Place, JobId)> {
    let mut taken = Vec::new();
    while taken.len() < most
        && let Some(first) = map.first_entry().filter(|first| first.key().0 <= now)
    {
        let ((_, place), job) = first.remove_entry();
        taken.push((place, job));
    }
    taken
}

#[cfg(test)]
mod tests;
