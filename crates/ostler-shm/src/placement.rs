use std::os::fd::OwnedFd;
use std::sync::Arc;

use ostler_wire::Place;

use crate::arena::Shared;

/// Where the parts of a payload are that is about to be sent. Dropped without [`sent`](Self::sent) it takes the peer's
/// references back.
#[must_use = "the peer is given references, and must be told"]
pub struct Placement {
    places: Vec<Place>,
    descriptors: Vec<OwnedFd>,
    /// None if everything is in the frame.
    arena: Option<Arc<Shared>>,
}

impl Placement {
    /// Everything is in the frame.
    pub const fn inline() -> Self {
        Self { places: Vec::new(), descriptors: Vec::new(), arena: None }
    }

    pub(crate) fn new(arena: Arc<Shared>, places: Vec<Place>, descriptors: Vec<OwnedFd>) -> Self {
        Self { places, descriptors, arena: Some(arena) }
    }

    /// For [`ostler_wire::frame::encode_placed`].
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The frame goes out now, and these descriptors with its first byte.
    pub fn sent(mut self) -> Vec<OwnedFd> {
        self.arena = None;
        std::mem::take(&mut self.descriptors)
    }
}

impl Drop for Placement {
    fn drop(&mut self) {
        if let Some(arena) = self.arena.take() {
            arena.unlend(&self.places);
        }
    }
}
