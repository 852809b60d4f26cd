use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::time::{Duration, Instant};

use self::lines::Lines;
use crate::job::{JobEntry, Whereabouts};
use crate::place::{Place, Ranks};
use crate::slab::Spot;
use crate::{JobFailure, JobId, JobTable, PluginKey, Priority};

mod lines;

/// The jobs that wait: those whose turn may come, those that wait for a resource, and those that wait for their time.
/// Apart from them, those that only wait to be told that they have failed.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Crowd,
    /// Oldest first.
    doomed: VecDeque<Doomed>,
    /// The number of the crowd that waits; each job knows that of its own.
    crowd: u16,
    /// Until when jobs must have begun.
    deadlines: BTreeMap<(Instant, Place), JobId>,
    ranks: Ranks,
}

/// Jobs that wait, wherever.
#[derive(Debug)]
struct Crowd {
    lines: Lines,
    delayed: BTreeMap<(Instant, Place), JobId>,
}

/// Jobs that are being ended for one reason, some at a time.
#[derive(Debug)]
struct Doomed {
    crowd: Crowd,
    number: u16,
    since: Instant,
    failure: JobFailure,
}

type Jobs = JobTable<JobEntry>;

impl Queue {
    /// Of the plugins that are named only so many jobs may run.
    pub(crate) fn new(aging_step: Duration, limited: impl IntoIterator<Item = PluginKey>) -> Self {
        Self {
            waiting: Crowd { lines: Lines::new(limited), delayed: BTreeMap::new() },
            doomed: VecDeque::new(),
            crowd: 0,
            deadlines: BTreeMap::new(),
            ranks: Ranks::new(aging_step),
        }
    }

    /// A place behind all others of the same priority.
    pub(crate) fn new_place(&mut self, now: Instant, priority: Priority) -> Place {
        self.ranks.next(now, priority)
    }

    /// Adds a job whose place is the last one of its priority.
    pub(crate) fn push_new(&mut self, jobs: &mut Jobs, spot: Spot) {
        let Some(entry) = jobs.at_mut(spot) else { return };
        entry.crowd = self.crowd;
        let plugin = entry.plugin;
        self.waiting.lines.push_new(jobs, plugin, spot);
    }

    /// Back to its place.
    pub(crate) fn push_returned(&mut self, entry: &mut JobEntry) {
        entry.whereabouts = Whereabouts::Returned;
        entry.crowd = self.crowd;
        self.waiting.lines.push_returned(entry.plugin, entry.place, entry.job);
    }

    /// Lets others pass it.
    pub(crate) fn push_blocked(&mut self, entry: &mut JobEntry) {
        entry.whereabouts = Whereabouts::Returned;
        entry.crowd = self.crowd;
        self.waiting.lines.push_blocked(entry.plugin, entry.place, entry.job);
    }

    /// Lets it wait until its time has come.
    pub(crate) fn push_delayed(&mut self, until: Instant, entry: &mut JobEntry) {
        entry.delay(until);
        entry.crowd = self.crowd;
        self.waiting.delayed.insert((until, entry.place), entry.job);
    }

    /// Gives those their turn again whose time has come, though not to more than so many at once.
    pub(crate) fn take_due(&mut self, jobs: &mut Jobs, now: Instant, most: usize) {
        for job in take_until(&mut self.waiting.delayed, now, most) {
            if let Some(entry) = jobs.get_mut(&job) {
                self.push_returned(entry);
            }
        }
    }

    pub(crate) fn set_deadline(&mut self, deadline: Instant, place: Place, job: JobId) {
        self.deadlines.insert((deadline, place), job);
    }

    pub(crate) fn clear_deadline(&mut self, deadline: Instant, place: Place) {
        self.deadlines.remove(&(deadline, place));
    }

    /// Takes out the deadlines that have passed, though not more than so many at once.
    pub(crate) fn take_overdue(&mut self, now: Instant, most: usize) -> Vec<JobId> {
        take_until(&mut self.deadlines, now, most)
    }

    /// All that wait are to end for this reason, some at a time; who comes from now on does not stand among them.
    pub(crate) fn doom_all(&mut self, now: Instant, failure: JobFailure) {
        if self.len() == 0 {
            return;
        }
        let crowd = Crowd { lines: self.waiting.lines.take(), delayed: mem::take(&mut self.waiting.delayed) };
        self.doomed.push_back(Doomed { crowd, number: self.crowd, since: now, failure });
        // Nobody waits to be ended while sixty thousand others are doomed after him.
        self.crowd = self.crowd.wrapping_add(1);
    }

    /// Takes a doomed job, and why it ends. Those that waited for their time go first.
    pub(crate) fn pop_doomed(&mut self, jobs: &mut Jobs) -> Option<(JobId, JobFailure)> {
        let strict = self.ranks.is_strict();
        loop {
            let doomed = self.doomed.front()?;
            if let Some(job) = doomed.crowd.first(jobs, strict) {
                let failure = doomed.failure.clone();
                self.remove(jobs, job);
                return Some((job, failure));
            }
            self.doomed.pop_front();
        }
    }

    /// When something happens here by itself.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let first = |map: &BTreeMap<(Instant, Place), JobId>| map.first_key_value().map(|((at, _), _)| *at);
        let doomed = self.doomed.front().map(|doomed| doomed.since);
        [first(&self.waiting.delayed), first(&self.deadlines), doomed].into_iter().flatten().min()
    }

    /// The job whose turn it is. `room` says how many more of a limited plugin may start.
    pub(crate) fn peek(&self, jobs: &Jobs, room: impl Fn(PluginKey) -> usize) -> Option<JobId> {
        self.waiting.lines.first(self.ranks.is_strict(), room)?.job(jobs)
    }

    /// Takes a job out, wherever it waits.
    pub(crate) fn remove(&mut self, jobs: &mut Jobs, job: JobId) {
        let Some(spot) = jobs.spot(&job) else { return };
        let Some(entry) = jobs.at(spot) else { return };
        let (place, plugin) = (entry.place, entry.plugin);
        let crowd = match self.doomed.iter_mut().find(|doomed| doomed.number == entry.crowd) {
            Some(doomed) => &mut doomed.crowd,
            None => &mut self.waiting,
        };
        match entry.whereabouts {
            Whereabouts::Delayed => {
                if let Some(until) = entry.delayed_until() {
                    crowd.delayed.remove(&(until, place));
                }
            }
            Whereabouts::InLane => crowd.lines.remove_from_lane(jobs, plugin, spot),
            Whereabouts::Returned => crowd.lines.remove_from_maps(plugin, place),
            Whereabouts::Quarantined | Whereabouts::InSlot(_) | Whereabouts::Undead => {}
        }
    }

    /// Gives every blocked job its turn again.
    pub(crate) fn unblock(&mut self) {
        self.waiting.lines.unblock();
    }

    /// Those that wait for a worker, a resource or their time. Who is being ended waits for nothing.
    pub(crate) fn len(&self) -> usize {
        self.waiting.lines.len() + self.waiting.delayed.len()
    }

    /// Those that wait for a worker or a resource, also if they may not start yet.
    pub(crate) fn in_line(&self) -> usize {
        self.waiting.lines.len()
    }

    /// Those that would start now if there were workers for all.
    pub(crate) fn wanting(&self, room: impl Fn(PluginKey) -> usize) -> usize {
        self.waiting.lines.wanting(room)
    }
}

impl Crowd {
    /// The first job, whether its turn may come or not; those that wait for their time before all others.
    fn first(&self, jobs: &Jobs, strict: bool) -> Option<JobId> {
        let delayed = self.delayed.first_key_value().map(|(_, job)| *job);
        delayed.or_else(|| self.lines.first_of_all(strict)?.job(jobs))
    }
}

fn take_until(map: &mut BTreeMap<(Instant, Place), JobId>, now: Instant, most: usize) -> Vec<JobId> {
    let mut taken = Vec::new();
    while taken.len() < most
        && let Some(first) = map.first_entry().filter(|first| first.key().0 <= now)
    {
        taken.push(first.remove());
    }
    taken
}

#[cfg(test)]
mod tests;
