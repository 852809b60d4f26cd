use std::collections::{BTreeMap, BTreeSet};

/// So many segments may be lost before the peer hears of the first. It sends a few messages at most until then, each with
/// at most [`MAX_DESCRIPTORS`](crate::MAX_DESCRIPTORS).
const MAX_LOST: usize = 1024;

/// The segments of the peer's that have come: what is read of them, and when they are given back.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Foreign<M> {
    segments: BTreeMap<u64, Segment<M>>,
    /// Those that came and could not be had. The peer may name them again until it hears that.
    lost: BTreeSet<u64>,
    bytes: u64,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Segment<M> {
    memory: M,
    size: u64,
    /// References that somebody here uses.
    leases: u64,
    /// How many payloads refer to it that are not sent yet.
    placed: u64,
    /// References that nobody uses any more, to be given back when those payloads are sent.
    owed: u64,
}

/// Why bytes of the peer's are not to be had.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Absence {
    /// It is not what a peer may name.
    Fault(String),
    /// It came, and could not be had.
    Lost,
}

impl<M> Default for Foreign<M> {
    fn default() -> Self {
        Self { segments: BTreeMap::new(), lost: BTreeSet::new(), bytes: 0 }
    }
}

impl<M> Foreign<M> {
    /// Whether a segment of this size may come.
    pub(crate) fn check(&self, id: u64, size: u64, bound: usize) -> Result<(), String> {
        if self.segments.contains_key(&id) || self.lost.contains(&id) {
            return Err(format!("segment {id} comes twice"));
        }
        // It owns that much, and what it gives up it may tell of one message later.
        let allowed = bound.saturating_mul(2) as u64;
        if size.saturating_add(self.bytes) > allowed {
            return Err(format!(
                "with segment {id} of {size} bytes more is shared than {bound} bytes, which was agreed on"
            ));
        }
        Ok(())
    }

    /// Takes in one that has come, and was checked.
    pub(crate) fn add(&mut self, id: u64, size: u64, memory: M) {
        self.bytes += size;
        self.segments.insert(id, Segment { memory, size, leases: 0, placed: 0, owed: 0 });
    }

    /// It came, was checked, and cannot be had.
    pub(crate) fn lose(&mut self, id: u64) -> Result<(), String> {
        if self.lost.len() >= MAX_LOST {
            return Err(format!("with segment {id} more were lost than a peer can have sent"));
        }
        self.lost.insert(id);
        Ok(())
    }

    /// One more reference is used here.
    pub(crate) fn lease(&mut self, id: u64) -> Result<&M, Absence> {
        match self.segments.get_mut(&id) {
            Some(segment) => {
                segment.leases += 1;
                Ok(&segment.memory)
            }
            None if self.lost.contains(&id) => Err(Absence::Lost),
            None => Err(Absence::Fault(format!("segment {id} was never sent"))),
        }
    }

    /// One less is. It is given back at once if this says so; else when what refers to the segment is sent: news that
    /// overtakes that would make the peer write where the reference points.
    pub(crate) fn end_lease(&mut self, id: u64) -> bool {
        let Some(segment) = self.segments.get_mut(&id) else { return false };
        segment.leases -= 1;
        let waits = segment.placed > 0;
        segment.owed += u64::from(waits);
        !waits
    }

    /// A payload that is about to be sent refers to it.
    pub(crate) fn place(&mut self, id: u64) {
        if let Some(segment) = self.segments.get_mut(&id) {
            segment.placed += 1;
        }
    }

    /// That payload is on its way, or never will be. Says how many references are to be given back now.
    pub(crate) fn unplace(&mut self, id: u64) -> u64 {
        let Some(segment) = self.segments.get_mut(&id) else { return 0 };
        segment.placed -= 1;
        if segment.placed == 0 { std::mem::take(&mut segment.owed) } else { 0 }
    }

    /// The segment, and where in it, of which `offset` finds one.
    pub(crate) fn find(&self, offset: impl Fn(&M) -> Option<usize>) -> Option<(u64, usize)> {
        self.segments.iter().find_map(|(&id, segment)| Some((id, offset(&segment.memory)?)))
    }

    /// The peer will not use it any more. It must not as long as it is read.
    pub(crate) fn retired(&mut self, id: u64) -> Result<M, String> {
        let segment = self.segments.get(&id).ok_or_else(|| format!("segment {id} was never sent"))?;
        if segment.leases + segment.placed + segment.owed > 0 {
            return Err(format!("segment {id} is given up and was not given back"));
        }
        let segment = self.segments.remove(&id).ok_or_else(|| format!("segment {id} was never sent"))?;
        self.bytes -= segment.size;
        Ok(segment.memory)
    }
}
