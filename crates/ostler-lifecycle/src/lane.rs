use crate::JobTable;
use crate::job::JobEntry;
use crate::place::Place;
use crate::slab::Spot;

/// One for each priority.
const LANES: usize = 256;

/// Jobs that wait in the order in which they came, one lane for each priority. Whatever is done to one of a million
/// jobs touches no more than its two neighbours: they are linked through their entries.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: Box<[Lane; LANES]>,
    /// Which lanes are not empty, one bit each.
    used: [u64; LANES / 64],
    len: usize,
}

#[derive(Clone, Copy, Default, Debug)]
struct Lane {
    first: Option<Front>,
    last: Option<Spot>,
}

/// Who is first in a lane. The place is here as well, so that the first of all is found without a look at a job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Front {
    pub(crate) spot: Spot,
    pub(crate) place: Place,
}

/// The neighbours of a job in its lane.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Links {
    before: Option<Spot>,
    behind: Option<Spot>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { lanes: Box::new([Lane::default(); LANES]), used: [0; LANES / 64], len: 0 }
    }
}

impl Lanes {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The first job: of the highest priority if that is all that counts, and else of the lowest place.
    pub(crate) fn first(&self, strict: bool) -> Option<Front> {
        let mut fronts = self.used_lanes().filter_map(|lane| self.lanes[lane].first);
        if strict { fronts.next() } else { fronts.min_by_key(|front| front.place) }
    }

    fn used_lanes(&self) -> impl Iterator<Item = usize> {
        self.used.iter().enumerate().flat_map(|(word, &bits)| {
            let next = |bits: &u64| Some(bits & (bits - 1)).filter(|left| *left != 0);
            let bits = std::iter::successors(Some(bits).filter(|bits| *bits != 0), next);
            bits.map(move |bits| word * 64 + bits.trailing_zeros() as usize)
        })
    }

    /// Puts a job behind all others of its priority.
    pub(crate) fn push(&mut self, jobs: &mut JobTable<JobEntry>, spot: Spot) {
        let Some(entry) = jobs.at_mut(spot) else { return };
        let place = entry.place;
        let number = place.lane();
        let lane = &mut self.lanes[number];
        let before = lane.last.replace(spot);
        entry.links = Links { before, behind: None };
        match before.and_then(|before| jobs.at_mut(before)) {
            Some(before) => before.links.behind = Some(spot),
            None => lane.first = Some(Front { spot, place }),
        }
        self.used[number / 64] |= 1 << (number % 64);
        self.len += 1;
    }

    /// Takes a job out that is in its lane.
    pub(crate) fn remove(&mut self, jobs: &mut JobTable<JobEntry>, spot: Spot) {
        let Some(entry) = jobs.at_mut(spot) else { return };
        let number = entry.place.lane();
        let Links { before, behind } = std::mem::take(&mut entry.links);
        let lane = &mut self.lanes[number];
        let mut next = None;
        match behind.and_then(|behind| Some((behind, jobs.at_mut(behind)?))) {
            Some((behind, entry)) => {
                entry.links.before = before;
                next = Some(Front { spot: behind, place: entry.place });
            }
            None => lane.last = before,
        }
        match before.and_then(|before| jobs.at_mut(before)) {
            Some(before) => before.links.behind = behind,
            None => lane.first = next,
        }
        if lane.first.is_none() {
            self.used[number / 64] &= !(1 << (number % 64));
        }
        self.len -= 1;
    }
}
