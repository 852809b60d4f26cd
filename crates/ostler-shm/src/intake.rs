use std::sync::Arc;

use bytes::Bytes;
use ostler_wire::Place;

use crate::Descriptors;
use crate::arena::Shared;
use crate::segment::Refusal;

/// The taking in of what lies in shared memory, for one frame.
pub(crate) struct Intake<'a> {
    arena: &'a Arc<Shared>,
    descriptors: &'a mut Descriptors,
    loss: Option<String>,
}

impl<'a> Intake<'a> {
    pub(crate) const fn new(arena: &'a Arc<Shared>, descriptors: &'a mut Descriptors) -> Self {
        Self { arena, descriptors, loss: None }
    }

    /// The bytes at a place, for [`ostler_wire::frame::decode_shared`]. If the system does not let us have them they are
    /// empty, and [`finish`](Self::finish) says so.
    ///
    /// # Errors
    /// What is wrong with the place.
    pub(crate) fn take(&mut self, place: Place) -> Result<Bytes, String> {
        match self.arena.take(place, self.descriptors) {
            Ok(bytes) => Ok(bytes),
            Err(Refusal::Fault(reason)) => Err(reason),
            Err(Refusal::Unavailable(reason)) => {
                self.loss.get_or_insert(reason);
                Ok(Bytes::new())
            }
        }
    }

    /// After the frame. Why parts of it could not be had, if so: then whoever wanted them must fail, and nobody else.
    /// `is_last` says that nothing more has come yet.
    ///
    /// # Errors
    /// Descriptors came that belong to no frame.
    pub(crate) fn finish(self, is_last: bool) -> Result<Option<String>, String> {
        if self.descriptors.is_flooded() {
            return Err("more descriptors came than belong to any message".to_owned());
        }
        if is_last && !self.descriptors.is_empty() {
            return Err("descriptors came that belong to no message".to_owned());
        }
        Ok(self.loss)
    }
}
