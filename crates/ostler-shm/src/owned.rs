use std::collections::BTreeMap;

use crate::SHARED_FROM;

/// A segment that is free is given back to the system when so many others were asked for since it was last used.
const USES_UNTIL_COLD: u64 = 64;
/// A segment may be so many times larger than what is put into it.
const ROOMY: usize = 4;

/// The memory of a segment, as far as the rules ask.
pub(crate) trait Memory {
    /// How large it is, in bytes.
    fn size(&self) -> usize;

    /// Whether nobody in this process reads or writes it.
    fn is_unused(&self) -> bool;
}

/// The segments that this side owns: what may be written, lent and given up.
///
/// Free is one that nobody in this process has, and to which the peer holds no reference.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Owned<M> {
    segments: BTreeMap<u64, Segment<M>>,
    /// What all of them, and those that are being made, take together.
    bytes: usize,
    /// How often a segment was asked for.
    uses: u64,
    made: u64,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Segment<M> {
    memory: M,
    introduction: Introduction,
    /// References that the peer holds, or will hold when what was placed is sent.
    out: u64,
    used_at: u64,
}

/// Whether the peer knows a segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Introduction {
    None,
    /// By the payload of this number, which is not sent yet: no other may name the segment before.
    By(u64),
    Done,
}

impl<M: Memory> Segment<M> {
    fn is_free(&self) -> bool {
        self.out == 0 && self.memory.is_unused()
    }
}

/// What there is for whoever wants to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Room {
    /// A segment that is free.
    Warm(u64),
    /// Leave to make one of this size: its memory counts already.
    ToMake(usize),
    /// Too much is in use.
    None,
}

/// Segments that are given up: their memory goes outside of the lock, since giving it back takes its time.
pub(crate) struct Retired<M> {
    pub(crate) memory: Vec<M>,
    /// Those that the peer knows.
    pub(crate) known: Vec<u64>,
}

impl<M> Default for Retired<M> {
    fn default() -> Self {
        Self { memory: Vec::new(), known: Vec::new() }
    }
}

impl<M> Default for Owned<M> {
    fn default() -> Self {
        Self { segments: BTreeMap::new(), bytes: 0, uses: 0, made: 0 }
    }
}

impl<M: Memory> Owned<M> {
    /// How many segments were made so far.
    pub(crate) const fn made(&self) -> u64 {
        self.made
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Finds room for so many bytes. What is out of use is given up before more than `bound` is taken.
    pub(crate) fn room(&mut self, len: usize, bound: usize, retired: &mut Retired<M>) -> Room {
        self.uses += 1;
        let size = size_for(len);
        let fitting = self.segments.iter().filter(|(_, segment)| {
            let there = segment.memory.size();
            (len..=size.saturating_mul(ROOMY)).contains(&there) && segment.is_free()
        });
        // The least room, and of those what was used last: it may be in a cache.
        let best = fitting.min_by_key(|(_, segment)| (segment.memory.size(), u64::MAX - segment.used_at));
        if let Some(id) = best.map(|(&id, _)| id) {
            if let Some(segment) = self.segments.get_mut(&id) {
                segment.used_at = self.uses;
            }
            self.retire_cold(retired);
            return Room::Warm(id);
        }
        self.retire_cold(retired);
        while self.bytes.saturating_add(size) > bound {
            let free = self.segments.iter().filter(|(_, segment)| segment.is_free());
            let Some((&coldest, _)) = free.min_by_key(|(_, segment)| segment.used_at) else {
                return Room::None;
            };
            self.retire(coldest, retired);
        }
        self.bytes += size;
        Room::ToMake(size)
    }

    /// Whether something of this size would be there at once.
    pub(crate) fn has_warm(&self, len: usize) -> bool {
        let sizes = len..=size_for(len).saturating_mul(ROOMY);
        self.segments.values().any(|segment| sizes.contains(&segment.memory.size()) && segment.is_free())
    }

    /// Takes in what was made, and numbers it.
    pub(crate) fn add(&mut self, memory: M) -> u64 {
        let id = self.made;
        self.made += 1;
        let segment = Segment { memory, introduction: Introduction::None, out: 0, used_at: self.uses };
        self.segments.insert(id, segment);
        id
    }

    /// What was to be made could not be.
    pub(crate) fn give_up(&mut self, size: usize) {
        self.bytes -= size;
    }

    pub(crate) fn memory(&self, id: u64) -> Option<&M> {
        self.segments.get(&id).map(|segment| &segment.memory)
    }

    pub(crate) fn memory_mut(&mut self, id: u64) -> Option<&mut M> {
        self.segments.get_mut(&id).map(|segment| &mut segment.memory)
    }

    /// The segment, and where in it, of which `offset` finds one.
    pub(crate) fn find(&self, offset: impl Fn(&M) -> Option<usize>) -> Option<(u64, usize)> {
        self.segments.iter().find_map(|(&id, segment)| Some((id, offset(&segment.memory)?)))
    }

    /// Gives the peer a reference, with the payload of this number. Says whether that one introduces the segment to the
    /// peer; `None` if another one does, that is not sent yet.
    pub(crate) fn lend(&mut self, id: u64, payload: u64) -> Option<bool> {
        let segment = self.segments.get_mut(&id)?;
        let new = match segment.introduction {
            Introduction::None => true,
            Introduction::By(other) if other != payload => return None,
            Introduction::By(_) | Introduction::Done => false,
        };
        if new {
            segment.introduction = Introduction::By(payload);
        }
        segment.out += 1;
        segment.used_at = self.uses;
        Some(new)
    }

    /// The payload that introduces it is on its way.
    pub(crate) fn introduced(&mut self, id: u64) {
        if let Some(segment) = self.segments.get_mut(&id) {
            segment.introduction = Introduction::Done;
        }
    }

    /// Takes back a reference that was never sent.
    pub(crate) fn take_back(&mut self, id: u64, was_new: bool) {
        if let Some(segment) = self.segments.get_mut(&id) {
            // A peer that gave back what it never had hurts only itself.
            segment.out = segment.out.saturating_sub(1);
            if was_new {
                segment.introduction = Introduction::None;
            }
        }
    }

    /// The peer gives one reference back.
    pub(crate) fn released(&mut self, id: u64) -> Result<(), String> {
        let out = self.segments.get_mut(&id).map(|segment| &mut segment.out).filter(|out| **out > 0);
        let out = out.ok_or_else(|| format!("segment {id} is given back and was not given"))?;
        *out -= 1;
        Ok(())
    }

    /// What the peer says that it has in one of these segments.
    pub(crate) fn returned(&self, id: u64) -> Result<&M, String> {
        let lent = self.segments.get(&id).filter(|segment| segment.out > 0);
        lent.map(|segment| &segment.memory)
            .ok_or_else(|| format!("segment {id} is referred to and was not given"))
    }

    /// The peer could not take it over.
    pub(crate) fn forget(&mut self, id: u64, retired: &mut Retired<M>) {
        if let Some(segment) = self.segments.remove(&id) {
            self.bytes -= segment.memory.size();
            retired.memory.push(segment.memory);
        }
    }

    /// Whether all of it is free.
    #[cfg(test)]
    pub(crate) fn is_free(&self) -> bool {
        self.segments.values().all(Segment::is_free)
    }

    /// Gives up all that is free.
    pub(crate) fn retire_free(&mut self, retired: &mut Retired<M>) {
        self.retire_where(retired, Segment::is_free);
    }

    fn retire_cold(&mut self, retired: &mut Retired<M>) {
        let uses = self.uses;
        self.retire_where(retired, |segment| segment.used_at + USES_UNTIL_COLD < uses && segment.is_free());
    }

    fn retire_where(&mut self, retired: &mut Retired<M>, which: impl Fn(&Segment<M>) -> bool) {
        let ids = self.segments.iter().filter(|(_, segment)| which(segment)).map(|(&id, _)| id);
        for id in ids.collect::<Vec<_>>() {
            self.retire(id, retired);
        }
    }

    fn retire(&mut self, id: u64, retired: &mut Retired<M>) {
        if self.segments.get(&id).is_some_and(|segment| segment.introduction == Introduction::Done) {
            retired.known.push(id);
        }
        self.forget(id, retired);
    }
}

/// The size of a segment for so many bytes: at most a quarter larger, so that payloads of about the same size find one
/// another's segments.
fn size_for(len: usize) -> usize {
    let len = len.max(SHARED_FROM);
    let step = len.checked_next_power_of_two().map_or(SHARED_FROM, |power| power / 8).max(4096);
    len.checked_next_multiple_of(step).unwrap_or(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_at_most_a_quarter_larger_than_what_it_is_for() {
        for len in (SHARED_FROM..SHARED_FROM * 64).step_by(4099) {
            let size = size_for(len);
            assert!(size >= len && size - len <= len / 4 && size.is_multiple_of(4096), "{len} gives {size}");
        }
        assert_eq!(size_for(1 << 26), 1 << 26, "a round size is not rounded");
        assert_eq!(size_for(1), SHARED_FROM);
    }
}
