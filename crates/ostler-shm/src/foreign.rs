use std::collections::HashMap;
use std::sync::Arc;

use crate::Descriptors;
use crate::mapping::{Mapping, Reader};
use crate::segment::{self, Refusal};

/// The segments of the peer's that have come.
#[derive(Default)]
pub(crate) struct Foreign {
    segments: HashMap<u64, Arc<Mapping>>,
    bytes: usize,
}

impl Foreign {
    /// Takes over a segment that comes with the next of the descriptors.
    pub(crate) fn take_over(
        &mut self,
        id: u64,
        size: u64,
        bound: usize,
        descriptors: &mut Descriptors,
    ) -> Result<(), Refusal> {
        if self.segments.contains_key(&id) {
            return Err(Refusal::Fault(format!("segment {id} comes twice")));
        }
        // It owns that much, and what it gives up it may tell of one message later.
        let allowed = bound.saturating_mul(2) as u64;
        if size.saturating_add(self.bytes as u64) > allowed {
            return Err(Refusal::Fault(format!(
                "with segment {id} of {size} bytes more is shared than {bound} bytes, which was agreed on"
            )));
        }
        let Some(descriptor) = descriptors.pop() else {
            return Err(Refusal::Unavailable(
                "the descriptor of shared memory did not arrive: this process may have too many open files"
                    .into(),
            ));
        };
        let mapping = segment::take_over(descriptor, size)?;
        self.bytes += mapping.len();
        self.segments.insert(id, Arc::new(mapping));
        Ok(())
    }

    /// Reads what the peer has put there.
    pub(crate) fn read(&self, id: u64, offset: u64, len: u64) -> Result<Reader, String> {
        let mapping = self.segments.get(&id).ok_or_else(|| format!("segment {id} was never sent"))?;
        Reader::new(mapping, offset, len)
            .ok_or_else(|| format!("{len} bytes at {offset} are not in segment {id} of {}", mapping.len()))
    }

    /// Where these bytes are, if they are in one of these segments.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<(u64, u64)> {
        let mut found = self.segments.iter();
        found.find_map(|(&id, mapping)| Some((id, mapping.offset_of(bytes)? as u64)))
    }

    /// The peer will not use it any more. Whoever still reads it keeps it.
    pub(crate) fn retired(&mut self, id: u64) -> Result<Arc<Mapping>, String> {
        let mapping = self.segments.remove(&id).ok_or_else(|| format!("segment {id} was never sent"))?;
        self.bytes -= mapping.len();
        Ok(mapping)
    }
}
