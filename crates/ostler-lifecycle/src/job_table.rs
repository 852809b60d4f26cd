use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::JobId;
use crate::slab::{Slab, Spot};

/// How many parts the index has. Each grows by itself: a pause is as long as one part of a million jobs takes. They are
/// not equally large, so that they grow one after the other, and half of the room is never empty in all of them at once.
const PARTS: usize = 64;
/// A part that is used to less than this share is made smaller.
const SPARSE: usize = 8;
/// Not worth it below this.
const SMALL: usize = 64;

/// What belongs to a job, and says to which.
pub trait OfJob {
    /// The job.
    fn job(&self) -> JobId;
}

/// What is kept of each job, found by the job's id.
///
/// It is made for a million jobs behind one lock, where a plain map would hold everybody up: when it grows, it moves a
/// small part of the *index* and no value; a value keeps its place, so that [`page_mut`](Self::page_mut) can be used to
/// go through all of them while the lock is let go in between. What many jobs took is given back as they go.
///
/// Ids come from our own process, so the hash need not withstand somebody who chooses them.
#[derive(Debug)]
pub struct JobTable<T> {
    parts: Box<[HashTable<Key>]>,
    values: Slab<T>,
}

/// An entry of the index. With 32 bits of the hash beside it, growing looks at no value, and a search at no wrong one.
#[derive(Clone, Copy, Debug)]
struct Key {
    print: u32,
    spot: Spot,
}

impl<T> Default for JobTable<T> {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| HashTable::new()).collect(), values: Slab::default() }
    }
}

impl<T: OfJob> JobTable<T> {
    /// How many jobs there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds what belongs to a job.
    ///
    /// # Errors
    /// The job has something already; the value is handed back.
    pub fn insert(&mut self, value: T) -> Result<(), T> {
        self.add(value).map(drop)
    }

    /// What belongs to a job.
    pub fn get(&self, job: &JobId) -> Option<&T> {
        self.values.get(self.spot(job)?)
    }

    /// What belongs to a job, to be changed.
    pub fn get_mut(&mut self, job: &JobId) -> Option<&mut T> {
        self.values.get_mut(self.spot(job)?)
    }

    /// Takes out what belongs to a job.
    pub fn remove(&mut self, job: &JobId) -> Option<T> {
        let (print, part) = place(job);
        let part = &mut self.parts[part];
        let values = &self.values;
        let found = part.find_entry(spread(print), |key| key.is(print, job, values)).ok()?;
        let (key, _) = found.remove();
        if part.capacity() > SMALL && part.len() < part.capacity() / SPARSE {
            part.shrink_to(2 * part.len(), |key| spread(key.print));
        }
        self.values.remove(key.spot)
    }

    /// How many pages there are; a page holds 128 values at most.
    pub fn pages(&self) -> usize {
        self.values.pages()
    }

    /// What is on a page, in no order. A value stays on its page: whoever goes through all pages, and lets others change
    /// the table in between, sees each value that is there all the time once.
    pub fn page_mut(&mut self, page: usize) -> impl Iterator<Item = &mut T> {
        self.values.page_mut(page)
    }

    pub(crate) fn add(&mut self, value: T) -> Result<Spot, T> {
        let job = value.job();
        let (print, part) = place(&job);
        let (part, values) = (&mut self.parts[part], &mut self.values);
        let is_it = |key: &Key| key.is(print, &job, values);
        match part.entry(spread(print), is_it, |key| spread(key.print)) {
            Entry::Occupied(_) => Err(value),
            Entry::Vacant(vacant) => {
                let spot = values.insert(value);
                vacant.insert(Key { print, spot });
                Ok(spot)
            }
        }
    }

    pub(crate) fn spot(&self, job: &JobId) -> Option<Spot> {
        let (print, part) = place(job);
        self.parts[part].find(spread(print), |key| key.is(print, job, &self.values)).map(|key| key.spot)
    }

    /// How many values were looked at so far.
    #[cfg(test)]
    pub(crate) fn looks(&self) -> usize {
        self.values.looks.get()
    }

    pub(crate) fn at(&self, spot: Spot) -> Option<&T> {
        self.values.get(spot)
    }

    pub(crate) fn at_mut(&mut self, spot: Spot) -> Option<&mut T> {
        self.values.get_mut(spot)
    }
}

impl Key {
    fn is<T: OfJob>(self, print: u32, job: &JobId, values: &Slab<T>) -> bool {
        self.print == print && values.get(self.spot).is_some_and(|value| value.job() == *job)
    }
}

/// The print of a job, and its part of the index. An id begins with its time in milliseconds: those of one moment are in
/// one part, and one moment's jobs come and go together, so that what is looked for is in the processor's cache. With
/// parts by chance a submit to a million took 1.2 times as long.
fn place(job: &JobId) -> (u32, usize) {
    let id = job.as_uuid().as_u128();
    let moment = mix((id >> 80) as u64, 0);
    // Of two numbers the larger one: so the last part has a hundred times as many jobs as the first.
    let (one, other) = (moment as usize % PARTS, moment as usize / PARTS % PARTS);
    let print = mix(id as u64, (id >> 64) as u64);
    (print as u32, one.max(other))
}

/// Each half of a product has something of every bit of its factors, be they random or counted.
fn mix(one: u64, other: u64) -> u64 {
    let factors = (one ^ 0x9e37_79b9_7f4a_7c15, other ^ 0xd1b5_4a32_d192_ed03);
    let product = u128::from(factors.0).wrapping_mul(u128::from(factors.1));
    product as u64 ^ (product >> 64) as u64
}

/// A print as the index wants it: its place from the lowest bits, its mark from the highest.
fn spread(print: u32) -> u64 {
    u64::from(print).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    impl OfJob for u128 {
        fn job(&self) -> JobId {
            JobId::from_uuid(Uuid::from_u128(*self))
        }
    }

    fn table(values: impl Iterator<Item = u128>) -> JobTable<u128> {
        let mut table = JobTable::default();
        for value in values {
            assert_eq!(table.insert(value), Ok(()));
        }
        table
    }

    #[test]
    fn a_value_is_found_by_its_job_until_it_is_taken_out() {
        let mut table = table(0..10_000);
        assert_eq!(table.insert(5), Err(5), "it is there already");
        for value in (0..10_000).step_by(3) {
            assert_eq!(table.remove(&value.job()), Some(value));
            assert_eq!(table.remove(&value.job()), None);
        }
        for value in 0..10_000 {
            assert_eq!(table.get(&value.job()).is_none(), value % 3 == 0);
        }
        assert_eq!(table.len(), 10_000 - 3_334);
    }

    #[test]
    fn moments_are_spread_over_the_parts() {
        let table = table((0..64_000_u128).map(|moment| (moment + 1_700_000_000_000) << 80));
        for (part, jobs) in table.parts.iter().map(HashTable::len).enumerate() {
            // Of all pairs this many have that number as the larger one.
            let expected = 64_000 * (2 * part + 1) / (PARTS * PARTS);
            assert!(jobs.abs_diff(expected) < expected / 4 + 20, "{jobs} are in part {part}, not {expected}");
        }
    }

    #[test]
    fn prints_differ_whether_ids_are_counted_or_random() {
        for factor in [1, 1 << 64, 0x0123_4567_89ab_cdef_0011_2233_4455_6677] {
            let ids = (1..=10_000_u128).map(|number| number.wrapping_mul(factor).job());
            let prints: std::collections::BTreeSet<u32> = ids.map(|job| place(&job).0).collect();
            assert!(prints.len() > 9_990, "{} of 10,000 differ", prints.len());
        }
    }

    #[test]
    fn what_many_jobs_took_is_given_back() {
        let mut table = table(0..100_000);
        let room = |table: &JobTable<u128>| table.parts.iter().map(HashTable::capacity).sum::<usize>();
        assert!(room(&table) >= 100_000);
        for value in 0..99_000 {
            table.remove(&value.job());
        }
        assert!(room(&table) < 20_000, "there is room for {} more", room(&table));
    }

    #[test]
    fn who_walks_sees_once_what_stays_whatever_else_changes() {
        let mut table = table(0..1_000);
        let (mut seen, mut page) = (Vec::new(), 0);
        while page < table.pages() {
            seen.extend(table.page_mut(page).map(|value| *value));
            page += 1;
            // Some go, and others come into their spots.
            for number in 0..10 {
                let number = page as u128 * 10 + number;
                table.remove(&number.job());
                assert!(table.insert(number + 1_000_000).is_ok());
            }
        }
        let mut stayed: Vec<u128> = seen.into_iter().filter(|value| (200..1_000).contains(value)).collect();
        stayed.sort_unstable();
        assert_eq!(stayed, (200..1_000).collect::<Vec<_>>());
    }
}
