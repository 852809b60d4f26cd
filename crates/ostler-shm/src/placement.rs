use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use ostler_wire::Place;

use crate::arena::Shared;
use crate::books::Lending;
use crate::{MAX_DESCRIPTORS, SHARED_FROM};

/// Where the parts of a payload are that is about to be sent. Dropped without [`sent`](Self::sent) it takes the peer's
/// references back.
///
/// Until then nothing is given back to the peer to which the payload refers, whoever drops the bytes.
#[must_use = "the peer is given references, and must be told"]
pub struct Placement {
    places: Vec<Place>,
    descriptors: Vec<OwnedFd>,
    /// None if everything is in the frame.
    lending: Option<(Arc<Shared>, Lending)>,
}

impl Placement {
    /// Everything is in the frame.
    pub const fn inline() -> Self {
        Self { places: Vec::new(), descriptors: Vec::new(), lending: None }
    }

    pub(crate) const fn new(arena: Arc<Shared>, lending: Lending) -> Self {
        Self { places: Vec::new(), descriptors: Vec::new(), lending: Some((arena, lending)) }
    }

    /// Finds a place for the next part. Says whether it is out of the frame.
    pub(crate) fn add(&mut self, part: &Bytes) -> bool {
        let may_share = part.len() >= SHARED_FROM && self.descriptors.len() < MAX_DESCRIPTORS;
        let lending = self.lending.as_mut().filter(|_| may_share);
        let placed = lending.and_then(|(arena, lending)| arena.place(part, lending));
        let is_out = placed.is_some();
        let (place, descriptor) = placed.unwrap_or((Place::Inline { len: part.len() as u64 }, None));
        self.places.push(place);
        self.descriptors.extend(descriptor);
        is_out
    }

    /// For [`ostler_wire::frame::encode_placed`].
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The frame has its place among what is sent, and these descriptors go with its first byte.
    ///
    /// Call it under the lock under which the order of frames is decided, and before [`Arena::news`](crate::Arena::news)
    /// is asked for what goes behind the frame.
    pub fn sent(mut self) -> Vec<OwnedFd> {
        if let Some((arena, lending)) = self.lending.take() {
            arena.sent(lending);
        }
        std::mem::take(&mut self.descriptors)
    }
}

impl Drop for Placement {
    fn drop(&mut self) {
        if let Some((arena, lending)) = self.lending.take() {
            arena.take_back(lending, std::mem::take(&mut self.descriptors));
        }
    }
}
