use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use ostler_wire::Place;

use crate::SHARED_FROM;
use crate::mapping::{Mapping, Reader, Writer};

/// A segment that is free is given back to the system when so many others were asked for since it was last used.
const USES_UNTIL_COLD: u64 = 64;
/// A segment may be so many times larger than what is put into it.
const ROOMY: usize = 4;

/// The segments that this side owns.
///
/// Free is one that nobody in this process has, and to which the peer holds no reference.
#[derive(Default)]
pub(crate) struct Owned {
    segments: HashMap<u64, Segment>,
    /// What all of them, and those that are being made, take together.
    bytes: usize,
    /// How often a segment was asked for.
    uses: u64,
    made: u64,
}

struct Segment {
    mapping: Arc<Mapping>,
    /// Until it has gone to the peer.
    descriptor: Option<OwnedFd>,
    /// References that the peer holds.
    out: u64,
    used_at: u64,
}

impl Segment {
    fn is_free(&self) -> bool {
        self.out == 0 && self.mapping.is_unused()
    }
}

/// What there is for whoever wants to write.
pub(crate) enum Room {
    /// A segment.
    Warm(u64, Writer),
    /// Leave to make one of this size: its memory counts already.
    ToMake(usize),
    /// Too much is in use.
    None,
}

/// Segments that are given up: dropped outside of the lock, since giving memory back takes its time.
#[derive(Default)]
pub(crate) struct Retired {
    _mappings: Vec<Arc<Mapping>>,
    _descriptors: Vec<OwnedFd>,
    /// Those that the peer knows.
    pub(crate) known: Vec<u64>,
}

impl Owned {
    /// How many segments were made so far.
    pub(crate) const fn made(&self) -> u64 {
        self.made
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Finds room for so many bytes. What is out of use is given up before more than `bound` is taken.
    pub(crate) fn room(&mut self, len: usize, bound: usize, retired: &mut Retired) -> Room {
        self.uses += 1;
        let size = size_for(len);
        let fitting = self.segments.iter().filter(|(_, segment)| {
            let there = segment.mapping.len();
            (len..=size.saturating_mul(ROOMY)).contains(&there) && segment.is_free()
        });
        // The least room, and of those what was used last: it may be in a cache.
        let best = fitting.min_by_key(|(_, segment)| (segment.mapping.len(), u64::MAX - segment.used_at));
        if let Some((&id, _)) = best
            && let Some(writer) = self.claim(id)
        {
            self.retire_cold(retired);
            return Room::Warm(id, writer);
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

    fn claim(&mut self, id: u64) -> Option<Writer> {
        let segment = self.segments.get_mut(&id)?;
        segment.used_at = self.uses;
        Writer::claim(&segment.mapping)
    }

    /// Whether something of this size would be there at once.
    pub(crate) fn has_warm(&self, len: usize) -> bool {
        let sizes = len..=size_for(len).saturating_mul(ROOMY);
        self.segments.values().any(|segment| sizes.contains(&segment.mapping.len()) && segment.is_free())
    }

    /// Takes in what was made.
    pub(crate) fn add(&mut self, mapping: Mapping, descriptor: OwnedFd) -> Option<(u64, Writer)> {
        let id = self.made;
        self.made += 1;
        let segment =
            Segment { mapping: Arc::new(mapping), descriptor: Some(descriptor), out: 0, used_at: self.uses };
        self.segments.insert(id, segment);
        self.claim(id).map(|writer| (id, writer))
    }

    /// What was to be made could not be.
    pub(crate) fn give_up(&mut self, size: usize) {
        self.bytes -= size;
    }

    /// Where these bytes are, if they are in one of these segments.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<(u64, u64)> {
        let mut found = self.segments.iter();
        found.find_map(|(&id, segment)| Some((id, segment.mapping.offset_of(bytes)? as u64)))
    }

    /// Gives the peer a reference to bytes in a segment. The descriptor is there if it has not gone out yet.
    pub(crate) fn lend(&mut self, id: u64, offset: u64, len: u64) -> Option<(Place, Option<OwnedFd>)> {
        let segment = self.segments.get_mut(&id)?;
        segment.out += 1;
        segment.used_at = self.uses;
        let descriptor = segment.descriptor.take();
        let new = descriptor.as_ref().map(|_| segment.mapping.len() as u64);
        Some((Place::Shared { segment: id, offset, len, new }, descriptor))
    }

    /// Takes back a reference that was never sent. A segment whose descriptor was to be sent with it is of no use.
    pub(crate) fn unlend(&mut self, id: u64, was_new: bool, retired: &mut Retired) {
        if let Some(segment) = self.segments.get_mut(&id) {
            segment.out -= 1;
        }
        if was_new {
            self.forget(id, retired);
        }
    }

    /// The peer gives one reference back.
    pub(crate) fn released(&mut self, id: u64) -> Result<(), String> {
        let out = self.segments.get_mut(&id).map(|segment| &mut segment.out).filter(|out| **out > 0);
        let out = out.ok_or_else(|| format!("segment {id} is given back and was not given"))?;
        *out -= 1;
        Ok(())
    }

    /// Reads what the peer says it has in one of these segments.
    pub(crate) fn read(&self, id: u64, offset: u64, len: u64) -> Result<Reader, String> {
        let lent = self.segments.get(&id).filter(|segment| segment.out > 0);
        let segment = lent.ok_or_else(|| format!("segment {id} is referred to and was not given"))?;
        Reader::new(&segment.mapping, offset, len)
            .ok_or_else(|| format!("{len} bytes at {offset} are not in segment {id}"))
    }

    /// The peer could not take it over.
    pub(crate) fn forget(&mut self, id: u64, retired: &mut Retired) {
        if let Some(segment) = self.segments.remove(&id) {
            self.bytes -= segment.mapping.len();
            retired._mappings.push(segment.mapping);
            retired._descriptors.extend(segment.descriptor);
        }
    }

    /// Gives up all that is free.
    pub(crate) fn retire_free(&mut self, retired: &mut Retired) {
        self.retire_where(retired, Segment::is_free);
    }

    fn retire_cold(&mut self, retired: &mut Retired) {
        let uses = self.uses;
        self.retire_where(retired, |segment| segment.used_at + USES_UNTIL_COLD < uses && segment.is_free());
    }

    fn retire_where(&mut self, retired: &mut Retired, which: impl Fn(&Segment) -> bool) {
        let ids = self.segments.iter().filter(|(_, segment)| which(segment)).map(|(&id, _)| id);
        for id in ids.collect::<Vec<_>>() {
            self.retire(id, retired);
        }
    }

    fn retire(&mut self, id: u64, retired: &mut Retired) {
        if self.segments.get(&id).is_some_and(|segment| segment.descriptor.is_none()) {
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
