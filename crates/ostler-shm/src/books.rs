//! The rules of sharing, without memory and I/O: who may write which segment, which references are out, and what the peer
//! has yet to be told. Each operation is one step under the lock of an [`Arena`](crate::Arena).
//!
//! In the tests of this module all orders of such steps are tried, of two sides and what is on its way between them.

use ostler_wire::SegmentNews;

use crate::SHARED_FROM;
use crate::foreign::{Absence, Foreign};
use crate::owned::{Memory, Owned, Retired, Room};

/// So many segments are told of with one frame. They take 2 KiB: no limit for frames is so small.
const MAX_NEWS: usize = 256;

/// The books of one side: on its own memory `O`, and on that of the peer's `F`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Books<O, F> {
    pub(crate) owned: Owned<O>,
    pub(crate) foreign: Foreign<F>,
    news: SegmentNews,
    /// What each side may own, in bytes. 0: nothing is shared.
    bound: usize,
    /// Whether this side shares what it sends.
    sends: bool,
    /// How many payloads were begun.
    begun: u64,
}

/// What a payload that is about to be sent has in shared memory. Either it [is sent](Books::sent), or it is
/// [taken back](Books::take_back).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[must_use = "references are out"]
pub(crate) struct Lending {
    number: u64,
    /// Own segments to which it gives references, and whether it introduces them.
    lent: Vec<(u64, bool)>,
    /// Segments of the peer's to which it refers.
    returned: Vec<u64>,
}

/// What is given up by what was heard: to be dropped outside of the lock.
pub(crate) struct GivenUp<O, F> {
    pub(crate) owned: Retired<O>,
    pub(crate) foreign: Vec<F>,
}

impl<O, F> Default for Books<O, F> {
    fn default() -> Self {
        Self {
            owned: Owned::default(),
            foreign: Foreign::default(),
            news: SegmentNews::default(),
            bound: 0,
            sends: false,
            begun: 0,
        }
    }
}

impl Lending {
    /// The own segments that are new to the peer, in the order of their parts.
    pub(crate) fn introduces(&self) -> impl Iterator<Item = u64> + '_ {
        self.lent.iter().filter(|(_, new)| *new).map(|(id, _)| *id)
    }
}

impl<O: Memory, F> Books<O, F> {
    /// Both sides have agreed to share memory, each at most so many bytes of its own.
    pub(crate) const fn open(&mut self, bound: usize) {
        self.bound = bound;
        self.sends = bound >= SHARED_FROM;
    }

    pub(crate) const fn bound(&self) -> usize {
        self.bound
    }

    pub(crate) const fn sends(&self) -> bool {
        self.sends
    }

    /// Finds room for so many bytes.
    pub(crate) fn room(&mut self, len: usize, retired: &mut Retired<O>) -> Room {
        if len < SHARED_FROM || !self.sends {
            return Room::None;
        }
        let room = self.owned.room(len, self.bound, retired);
        self.note_retired(retired);
        room
    }

    /// Begins a payload that is about to be sent.
    pub(crate) const fn begin(&mut self) -> Lending {
        self.begun += 1;
        Lending { number: self.begun, lent: Vec::new(), returned: Vec::new() }
    }

    /// Gives the peer a reference to an own segment. Says whether it is new to the peer; `None` if it cannot be lent.
    pub(crate) fn lend(&mut self, id: u64, lending: &mut Lending) -> Option<bool> {
        let new = self.owned.lend(id, lending.number)?;
        lending.lent.push((id, new));
        Some(new)
    }

    /// Refers to what is the peer's. Whoever calls this has a lease of it, or of what lies there, until it returns.
    pub(crate) fn give_back_in(&mut self, id: u64, lending: &mut Lending) {
        self.foreign.place(id);
        lending.returned.push(id);
    }

    /// The payload has its place among what is sent: what is news now comes behind it.
    pub(crate) fn sent(&mut self, lending: Lending) {
        for (id, new) in lending.lent {
            if new {
                self.owned.introduced(id);
            }
        }
        self.unplace(lending.returned);
    }

    /// The payload is not sent.
    pub(crate) fn take_back(&mut self, lending: Lending) {
        for (id, new) in lending.lent {
            self.owned.take_back(id, new);
        }
        self.unplace(lending.returned);
    }

    fn unplace(&mut self, returned: Vec<u64>) {
        for id in returned {
            let owed = self.foreign.unplace(id);
            self.news.released.extend((0..owed).map(|_| id));
        }
    }

    /// Nobody uses a reference to a segment of the peer's any more.
    pub(crate) fn end_lease(&mut self, id: u64) {
        if self.foreign.end_lease(id) {
            self.news.released.push(id);
        }
    }

    /// One more reference to a segment of the peer's is used.
    pub(crate) fn lease(&mut self, id: u64) -> Result<&F, Absence> {
        self.foreign.lease(id)
    }

    /// A segment that may come cannot be had.
    pub(crate) fn lose(&mut self, id: u64) -> Result<(), String> {
        self.foreign.lose(id)?;
        self.news.lost.push(id);
        Ok(())
    }

    pub(crate) fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// What the peer has to be told, behind all that was sent so far: so much of it as fits into any frame.
    pub(crate) fn news(&mut self) -> Option<SegmentNews> {
        let mut room = MAX_NEWS;
        let mut some = |ids: &mut Vec<u64>| {
            let rest = ids.split_off(ids.len().min(room));
            room -= ids.len();
            std::mem::replace(ids, rest)
        };
        let SegmentNews { released, lost, retired } = &mut self.news;
        let news = SegmentNews { lost: some(lost), retired: some(retired), released: some(released) };
        Some(news).filter(|news| !news.is_empty())
    }

    /// What the peer tells.
    pub(crate) fn hear(&mut self, news: SegmentNews, given_up: &mut GivenUp<O, F>) -> Result<(), String> {
        for id in news.released {
            self.owned.released(id)?;
        }
        for id in news.retired {
            given_up.foreign.push(self.foreign.retired(id)?);
        }
        if !news.lost.is_empty() {
            // It will not be able to take the next one either: from now on all goes in the frame.
            self.sends = false;
            for id in news.lost {
                self.owned.forget(id, &mut given_up.owned);
            }
            self.owned.retire_free(&mut given_up.owned);
        }
        self.note_retired(&mut given_up.owned);
        Ok(())
    }

    fn note_retired(&mut self, retired: &mut Retired<O>) {
        self.news.retired.append(&mut retired.known);
    }
}

impl<O, F> Default for GivenUp<O, F> {
    fn default() -> Self {
        Self { owned: Retired::default(), foreign: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
