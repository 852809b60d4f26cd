use std::collections::BTreeMap;
use std::mem;

use super::Jobs;
use crate::lane::{Front, Lanes};
use crate::place::Place;
use crate::slab::Spot;
use crate::{JobId, PluginKey};

/// All that wait for their turn or for a resource. Jobs of a plugin of which only so many may run stand in a line of their
/// own: while they may not start, others pass a million of them in one step.
#[derive(Debug)]
pub(super) struct Lines {
    open: Line,
    limited: Vec<(PluginKey, Line)>,
}

/// New jobs stand in lanes, where everything takes constant time, however many they are. Those that come back have an
/// old place among the others, and stand in maps.
#[derive(Default, Debug)]
struct Line {
    lanes: Lanes,
    returned: BTreeMap<Place, JobId>,
    blocked: BTreeMap<Place, JobId>,
}

/// A job that waits for its turn or for a resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    place: Place,
    at: At,
}

#[derive(Clone, Copy, Debug)]
enum At {
    /// In its lane.
    Lane(Spot),
    /// In a map.
    Map(JobId),
}

impl Lines {
    pub(super) fn new(limited: impl IntoIterator<Item = PluginKey>) -> Self {
        Self {
            open: Line::default(),
            limited: limited.into_iter().map(|plugin| (plugin, Line::default())).collect(),
        }
    }

    /// As many lines, and nobody in them.
    pub(super) fn take(&mut self) -> Self {
        let empty = Self::new(self.limited.iter().map(|(plugin, _)| *plugin));
        mem::replace(self, empty)
    }

    fn of(&mut self, plugin: PluginKey) -> &mut Line {
        match self.limited.iter_mut().find(|(limited, _)| *limited == plugin) {
            Some((_, line)) => line,
            None => &mut self.open,
        }
    }

    pub(super) fn push_new(&mut self, jobs: &mut Jobs, plugin: PluginKey, spot: Spot) {
        self.of(plugin).lanes.push(jobs, spot);
    }

    pub(super) fn push_returned(&mut self, plugin: PluginKey, place: Place, job: JobId) {
        self.of(plugin).returned.insert(place, job);
    }

    pub(super) fn push_blocked(&mut self, plugin: PluginKey, place: Place, job: JobId) {
        self.of(plugin).blocked.insert(place, job);
    }

    pub(super) fn remove_from_lane(&mut self, jobs: &mut Jobs, plugin: PluginKey, spot: Spot) {
        self.of(plugin).lanes.remove(jobs, spot);
    }

    pub(super) fn remove_from_maps(&mut self, plugin: PluginKey, place: Place) {
        let line = self.of(plugin);
        if line.returned.remove(&place).is_none() {
            line.blocked.remove(&place);
        }
    }

    /// Gives every blocked job its turn again.
    pub(super) fn unblock(&mut self) {
        self.all_mut().for_each(Line::unblock);
    }

    /// The first whose turn may come: of a limited plugin, if there is room for it.
    pub(super) fn first(&self, strict: bool, room: impl Fn(PluginKey) -> usize) -> Option<Waiting> {
        let limited = self.limited.iter().filter_map(|(plugin, line)| {
            let first = line.first(strict)?;
            (room(*plugin) > 0).then_some(first)
        });
        self.open.first(strict).into_iter().chain(limited).min_by_key(|first| first.place)
    }

    /// The first of all, whether its turn may come or not.
    pub(super) fn first_of_all(&self, strict: bool) -> Option<Waiting> {
        self.all().filter_map(|line| line.first_of_all(strict)).min_by_key(|first| first.place)
    }

    pub(super) fn len(&self) -> usize {
        self.all().map(Line::len).sum()
    }

    /// Those that would start now if there were workers for all.
    pub(super) fn wanting(&self, room: impl Fn(PluginKey) -> usize) -> usize {
        let limited = self.limited.iter().filter(|(_, line)| line.len() > 0);
        self.open.len() + limited.map(|(plugin, line)| line.len().min(room(*plugin))).sum::<usize>()
    }

    fn all(&self) -> impl Iterator<Item = &Line> {
        std::iter::once(&self.open).chain(self.limited.iter().map(|(_, line)| line))
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Line> {
        std::iter::once(&mut self.open).chain(self.limited.iter_mut().map(|(_, line)| line))
    }
}

impl Line {
    fn first(&self, strict: bool) -> Option<Waiting> {
        let new = self.lanes.first(strict).map(Waiting::in_lane);
        let returned = self.returned.first_key_value().map(Waiting::in_map);
        [new, returned].into_iter().flatten().min_by_key(|first| first.place)
    }

    fn first_of_all(&self, strict: bool) -> Option<Waiting> {
        let blocked = self.blocked.first_key_value().map(Waiting::in_map);
        [self.first(strict), blocked].into_iter().flatten().min_by_key(|first| first.place)
    }

    fn unblock(&mut self) {
        if self.returned.is_empty() {
            mem::swap(&mut self.returned, &mut self.blocked);
        } else {
            // One by one: `append` would go through all that are there.
            self.returned.extend(mem::take(&mut self.blocked));
        }
    }

    fn len(&self) -> usize {
        self.lanes.len() + self.returned.len() + self.blocked.len()
    }
}

impl Waiting {
    fn in_lane(Front { spot, place }: Front) -> Self {
        Self { place, at: At::Lane(spot) }
    }

    fn in_map((&place, &job): (&Place, &JobId)) -> Self {
        Self { place, at: At::Map(job) }
    }

    /// Its job.
    pub(super) fn job(self, jobs: &Jobs) -> Option<JobId> {
        match self.at {
            At::Lane(spot) => jobs.at(spot).map(|entry| entry.job),
            At::Map(job) => Some(job),
        }
    }
}
