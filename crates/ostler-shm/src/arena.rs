use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use ostler_wire::{Payload, Place, SegmentNews};

use crate::foreign::Foreign;
use crate::intake::Intake;
use crate::lease::Lease;
use crate::mapping::{Reader, Writer};
use crate::owned::{Owned, Retired, Room};
use crate::segment::{self, Refusal};
use crate::{Descriptors, MAX_DESCRIPTORS, Placement, SHARED_FROM, SharedBuffer};

/// One side of one connection: the segments that it owns, and those that came from the other side. A clone is the same.
///
/// The memory of its own segments is bounded. Those that are free are kept warm for the next payload; one that was not
/// needed for a while is given back, counted in uses and not in time. When the arena is dropped, all go but what
/// somebody still has in hand.
#[derive(Clone)]
pub struct Arena(Arc<Shared>);

pub(crate) struct Shared {
    state: Mutex<State>,
    /// What this side may own, in bytes. 0: nothing is shared.
    bound: AtomicUsize,
    /// Whether this side shares what it sends.
    sends: AtomicBool,
    has_news: AtomicBool,
}

#[derive(Default)]
struct State {
    owned: Owned,
    foreign: Foreign,
    news: SegmentNews,
}

impl Arena {
    /// One that shares nothing.
    pub fn closed() -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            bound: AtomicUsize::new(0),
            sends: AtomicBool::new(false),
            has_news: AtomicBool::new(false),
        }))
    }

    /// Both sides have agreed to share memory, each at most so many bytes of its own.
    pub fn open(&self, bound: usize) {
        self.0.bound.store(bound, Ordering::Release);
        self.0.sends.store(bound >= SHARED_FROM, Ordering::Release);
    }

    /// What was agreed on; 0 if nothing is shared.
    pub fn bound(&self) -> usize {
        self.0.bound.load(Ordering::Acquire)
    }

    /// Decides for each part of a payload where it travels. What is large is copied into a segment, if it does not lie in
    /// one already; parts that are not in the frame are then empty in the payload. What cannot be shared stays.
    pub fn place(&self, payload: &mut Payload) -> Placement {
        if !has_large_part(payload) || !self.0.sends.load(Ordering::Acquire) {
            return Placement::inline();
        }
        let (encoding, mut body, mut attachments) = std::mem::take(payload).into_parts();
        let mut places = Vec::with_capacity(1 + attachments.len());
        let mut descriptors = Vec::new();
        let parts = std::iter::once(&mut body).chain(attachments.iter_mut().map(|part| &mut part.bytes));
        for part in parts {
            let place = self.0.place(part, &mut descriptors);
            if place.is_some() {
                *part = Bytes::new();
            }
            places.push(place.unwrap_or(Place::Inline { len: part.len() as u64 }));
        }
        *payload = Payload::from_parts(encoding, body, attachments);
        Placement::new(Arc::clone(&self.0), places, descriptors)
    }

    /// Begins to take in what a frame has in shared memory.
    pub(crate) fn intake<'a>(&'a self, descriptors: &'a mut Descriptors) -> Intake<'a> {
        Intake::new(&self.0, descriptors)
    }

    /// What the peer should be told behind the next message.
    pub fn news(&self) -> Option<SegmentNews> {
        if !self.0.has_news.load(Ordering::Acquire) {
            return None;
        }
        let mut state = self.0.lock();
        self.0.has_news.store(false, Ordering::Release);
        Some(std::mem::take(&mut state.news)).filter(|news| !news.is_empty())
    }

    /// What the peer tells.
    ///
    /// # Errors
    /// It makes no sense.
    pub fn hear(&self, news: SegmentNews) -> Result<(), String> {
        let mut retired = Retired::default();
        let mut unmapped = Vec::new();
        let mut state = self.0.lock();
        for id in news.released {
            state.owned.released(id)?;
        }
        for id in news.retired {
            unmapped.push(state.foreign.retired(id)?);
        }
        if !news.lost.is_empty() {
            // It will not be able to take the next one either: from now on all goes in the frame.
            self.0.sends.store(false, Ordering::Release);
            for id in news.lost {
                state.owned.forget(id, &mut retired);
            }
            state.owned.retire_free(&mut retired);
        }
        self.0.give_up(state, retired);
        drop(unmapped);
        Ok(())
    }

    /// Memory to write in, which can be sent to the peer without a copy; private memory if nothing can be shared, or if
    /// it is not large.
    pub fn buffer(&self, len: usize) -> SharedBuffer {
        match self.0.claim(len) {
            Some((_, writer)) => SharedBuffer::shared(writer, len),
            None => SharedBuffer::private(len),
        }
    }

    /// Whether bytes are memory of the peer's, which could change them.
    pub fn is_of_peer(&self, bytes: &Bytes) -> bool {
        self.0.lock().foreign.find(bytes).is_some()
    }

    /// Whether [`buffer`](Self::buffer) would have one at once.
    pub fn has_warm(&self, len: usize) -> bool {
        self.0.sends.load(Ordering::Acquire) && self.0.lock().owned.has_warm(len)
    }

    /// What the segments of this side take, in bytes: those in use, and those that are kept warm.
    pub fn owned_bytes(&self) -> usize {
        self.0.lock().owned.bytes()
    }

    /// How many segments this side has made.
    pub fn made(&self) -> u64 {
        self.0.lock().owned.made()
    }
}

/// Whether a part of it is so large that it is better shared than sent.
pub fn has_large_part(payload: &Payload) -> bool {
    let is_large = |part: &Bytes| part.len() >= SHARED_FROM;
    is_large(payload.body()) || payload.attachments().iter().any(|attachment| is_large(&attachment.bytes))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a part can be had without being in the frame.
    fn place(&self, part: &Bytes, descriptors: &mut Vec<OwnedFd>) -> Option<Place> {
        if part.len() < SHARED_FROM || descriptors.len() >= MAX_DESCRIPTORS {
            return None;
        }
        let len = part.len() as u64;
        let mut state = self.lock();
        if let Some((segment, offset)) = state.foreign.find(part) {
            return Some(Place::Returned { segment, offset, len });
        }
        let (place, descriptor) = match state.owned.find(part) {
            Some((segment, offset)) => state.owned.lend(segment, offset, len)?,
            None => {
                drop(state);
                // Copied outside of the lock: the writer keeps it until the peer has its reference.
                let (segment, mut writer) = self.claim(part.len())?;
                writer.bytes_mut(part.len()).copy_from_slice(part);
                self.lock().owned.lend(segment, 0, len)?
            }
        };
        descriptors.extend(descriptor);
        Some(place)
    }

    /// A segment for so many bytes, and the right to write it.
    fn claim(&self, len: usize) -> Option<(u64, Writer)> {
        if len < SHARED_FROM || !self.sends.load(Ordering::Acquire) {
            return None;
        }
        let mut retired = Retired::default();
        let mut state = self.lock();
        let room = state.owned.room(len, self.bound.load(Ordering::Acquire), &mut retired);
        self.give_up(state, retired);
        match room {
            Room::Warm(id, writer) => Some((id, writer)),
            Room::None => None,
            Room::ToMake(size) => match segment::make(size) {
                Ok((mapping, descriptor)) => self.lock().owned.add(mapping, descriptor),
                Err(_) => {
                    self.lock().owned.give_up(size);
                    None
                }
            },
        }
    }

    pub(crate) fn unlend(&self, places: &[Place]) {
        let mut retired = Retired::default();
        let mut state = self.lock();
        for place in places {
            if let Place::Shared { segment, new, .. } = *place {
                state.owned.unlend(segment, new.is_some(), &mut retired);
            }
        }
        self.give_up(state, retired);
    }

    /// Notes what the peer has to know of segments that are given up, and then, without the lock, gives them up.
    fn give_up(&self, mut state: MutexGuard<'_, State>, mut retired: Retired) {
        if !retired.known.is_empty() {
            state.news.retired.append(&mut retired.known);
            self.has_news.store(true, Ordering::Release);
        }
        drop(state);
        drop(retired);
    }

    /// A lease has ended.
    pub(crate) fn give_back(&self, segment: u64) {
        self.lock().news.released.push(segment);
        self.has_news.store(true, Ordering::Release);
    }

    pub(crate) fn take(
        self: &Arc<Self>,
        place: Place,
        descriptors: &mut Descriptors,
    ) -> Result<Bytes, Refusal> {
        let bound = self.bound.load(Ordering::Acquire);
        if bound == 0 {
            return Err(Refusal::Fault("sharing memory was not agreed on".to_owned()));
        }
        let mut state = self.lock();
        match place {
            Place::Inline { .. } => Err(Refusal::Fault("it is in the frame".to_owned())),
            Place::Returned { segment, offset, len } => {
                let reader: Reader = state.owned.read(segment, offset, len).map_err(Refusal::Fault)?;
                Ok(Bytes::from_owner(reader))
            }
            Place::Shared { segment, offset, len, new } => {
                if let Some(size) = new
                    && let Err(refusal) = state.foreign.take_over(segment, size, bound, descriptors)
                {
                    if let Refusal::Unavailable(_) = refusal {
                        state.news.lost.push(segment);
                        self.has_news.store(true, Ordering::Release);
                    }
                    return Err(refusal);
                }
                let reader = state.foreign.read(segment, offset, len).map_err(Refusal::Fault)?;
                Ok(Lease::new(reader, segment, Arc::downgrade(self)).into_bytes())
            }
        }
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("bound", &self.0.bound.load(Ordering::Relaxed)).finish_non_exhaustive()
    }
}
