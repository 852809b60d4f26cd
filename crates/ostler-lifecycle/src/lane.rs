use crate::JobTable;
use crate::job::JobEntry;
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
    first: Option<Spot>,
    last: Option<Spot>,
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

    /// The first job of the highest priority.
    pub(crate) fn first(&self) -> Option<Spot> {
        let word = self.used.iter().position(|word| *word != 0)?;
        let lane = word * 64 + self.used[word].trailing_zeros() as usize;
        self.lanes[lane].first
    }

    /// Puts a job behind all others of its priority.
    pub(crate) fn push(&mut self, jobs: &mut JobTable<JobEntry>, spot: Spot) {
        let Some(entry) = jobs.at_mut(spot) else { return };
        let number = entry.place.lane();
        let lane = &mut self.lanes[number];
        let before = lane.last.replace(spot);
        entry.links = Links { before, behind: None };
        match before.and_then(|before| jobs.at_mut(before)) {
            Some(before) => before.links.behind = Some(spot),
            None => lane.first = Some(spot),
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
        match before.and_then(|before| jobs.at_mut(before)) {
            Some(before) => before.links.behind = behind,
            None => lane.first = behind,
        }
        match behind.and_then(|behind| jobs.at_mut(behind)) {
            Some(behind) => behind.links.before = before,
            None => lane.last = before,
        }
        if lane.first.is_none() {
            self.used[number / 64] &= !(1 << (number % 64));
        }
        self.len -= 1;
    }
}
