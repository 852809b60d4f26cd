use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use ostler_wire::{Payload, Place, SegmentNews};

use crate::books::{Books, GivenUp, Lending};
use crate::foreign::Absence;
use crate::intake::Intake;
use crate::lease::Lease;
use crate::mapping::{Mapping, Reader, Writer};
use crate::owned::{Memory, Retired, Room};
use crate::segment::{self, Refusal};
use crate::{Descriptors, Placement, SHARED_FROM, SharedBuffer, TrustedPeer};

/// One side of one connection: the segments that it owns, and those that came from the other side. A clone is the same.
///
/// The memory of its own segments is bounded. Those that are free are kept warm for the next payload; one that was not
/// needed for a while is given back, counted in uses and not in time. When the arena is dropped, all go but what
/// somebody still has in hand.
#[derive(Clone)]
pub struct Arena(Arc<Shared>);

pub(crate) struct Shared {
    books: Mutex<ArenaBooks>,
    /// What the books say, for whoever has no payload to place and need not lock them.
    has_news: AtomicBool,
    /// Whether the peer's memory is handed out, and not a copy.
    in_place: bool,
}

/// A segment that this side has made.
struct OwnMemory {
    mapping: Arc<Mapping>,
    /// Until it goes to the peer.
    descriptor: Option<OwnedFd>,
}

impl Memory for OwnMemory {
    fn size(&self) -> usize {
        self.mapping.len()
    }

    fn is_unused(&self) -> bool {
        self.mapping.is_unused()
    }
}

impl Arena {
    /// A host's side, which shares nothing yet. What a worker answers is copied into the host's own memory as it comes:
    /// the worker can write to what it shared at any time. If it is trusted not to, its memory is handed out.
    pub fn of_host(trusted: Option<TrustedPeer>) -> Self {
        Self::closed(trusted.is_some())
    }

    /// A worker's side, which shares nothing yet. A host's memory is handed out without a copy: the host made this process
    /// and all that runs in it comes from there, so there is nothing to be protected from it.
    pub fn of_worker() -> Self {
        Self::closed(true)
    }

    fn closed(in_place: bool) -> Self {
        let books = Mutex::default();
        Self(Arc::new(Shared { books, has_news: AtomicBool::new(false), in_place }))
    }

    /// Both sides have agreed to share memory, each at most so many bytes of its own.
    pub fn open(&self, bound: usize) {
        self.0.lock().open(bound);
    }

    /// What was agreed on; 0 if nothing is shared.
    pub fn bound(&self) -> usize {
        self.0.lock().bound()
    }

    /// Decides for each part of a payload where it travels. What is large is copied into a segment, if it does not lie in
    /// one already; parts that are not in the frame are then empty in the payload. What cannot be shared stays.
    pub fn place(&self, payload: &mut Payload) -> Placement {
        if !has_large_part(payload) {
            return Placement::inline();
        }
        let Some(lending) = self.0.begin() else { return Placement::inline() };
        let mut placement = Placement::new(Arc::clone(&self.0), lending);
        let (encoding, mut body, mut attachments) = std::mem::take(payload).into_parts();
        let parts = std::iter::once(&mut body).chain(attachments.iter_mut().map(|part| &mut part.bytes));
        for part in parts {
            if placement.add(part) {
                *part = Bytes::new();
            }
        }
        *payload = Payload::from_parts(encoding, body, attachments);
        placement
    }

    /// Begins to take in what a frame has in shared memory.
    pub(crate) fn intake<'a>(&'a self, descriptors: &'a mut Descriptors) -> Intake<'a> {
        Intake::new(&self.0, descriptors)
    }

    /// What the peer should be told, in pieces that fit into any frame: ask until nothing is left. All of it must go
    /// behind what was [sent](Placement::sent) last, and before what is sent next.
    pub fn news(&self) -> Option<SegmentNews> {
        if !self.0.has_news.load(Ordering::Acquire) {
            return None;
        }
        self.0.update(Books::news)
    }

    /// What the peer tells.
    ///
    /// # Errors
    /// It makes no sense.
    pub fn hear(&self, news: SegmentNews) -> Result<(), String> {
        let mut given_up = GivenUp::default();
        self.0.update(|books| books.hear(news, &mut given_up))
    }

    /// Memory to write in, which can be sent to the peer without a copy; private memory if nothing can be shared, or if
    /// it is not large.
    pub fn buffer(&self, len: usize) -> SharedBuffer {
        match self.0.claim(len) {
            Some((_, writer)) => SharedBuffer::shared(writer, len),
            None => SharedBuffer::private(len),
        }
    }

    /// Whether [`buffer`](Self::buffer) would have one at once.
    pub fn has_warm(&self, len: usize) -> bool {
        let books = self.0.lock();
        books.sends() && books.owned.has_warm(len)
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

type ArenaBooks = Books<OwnMemory, Arc<Mapping>>;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, ArenaBooks> {
        // Nothing panics while it is held.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step of the books. Nothing that ends a lease may be dropped in it: that is another step.
    fn update<R>(&self, step: impl FnOnce(&mut ArenaBooks) -> R) -> R {
        let mut books = self.lock();
        let outcome = step(&mut books);
        self.has_news.store(books.has_news(), Ordering::Release);
        outcome
    }

    fn begin(&self) -> Option<Lending> {
        let mut books = self.lock();
        books.sends().then(|| books.begin())
    }

    /// Where a part can be had without being in the frame, and what goes with the frame.
    pub(crate) fn place(&self, part: &Bytes, lending: &mut Lending) -> Option<(Place, Option<OwnedFd>)> {
        let len = part.len() as u64;
        let known = self.update(|books| {
            if let Some((segment, offset)) = books.foreign.find(|memory| memory.offset_of(part)) {
                books.give_back_in(segment, lending);
                return Some((Place::Returned { segment, offset: offset as u64, len }, None));
            }
            let (segment, offset) = books.owned.find(|memory| memory.mapping.offset_of(part))?;
            lend(books, segment, offset, len, lending)
        });
        known.or_else(|| {
            // Copied outside of the lock: the writer keeps it until the peer has its reference.
            let (segment, mut writer) = self.claim(part.len())?;
            writer.bytes_mut(part.len()).copy_from_slice(part);
            self.update(|books| lend(books, segment, 0, len, lending))
        })
    }

    /// A segment for so many bytes, and the right to write it.
    fn claim(&self, len: usize) -> Option<(u64, Writer)> {
        let mut retired = Retired::default();
        let room = self.update(|books| match books.room(len, &mut retired) {
            Room::Warm(id) => Ok(writer(books, id)),
            Room::ToMake(size) => Err(size),
            Room::None => Ok(None),
        });
        drop(retired);
        let size = match room {
            Ok(claimed) => return claimed,
            Err(size) => size,
        };
        match segment::make(size) {
            Ok((mapping, descriptor)) => self.update(|books| {
                let memory = OwnMemory { mapping: Arc::new(mapping), descriptor: Some(descriptor) };
                let id = books.owned.add(memory);
                writer(books, id)
            }),
            Err(_) => {
                self.update(|books| books.owned.give_up(size));
                None
            }
        }
    }

    /// What was placed is on its way: [`Placement::sent`].
    pub(crate) fn sent(&self, lending: Lending) {
        self.update(|books| books.sent(lending));
    }

    /// What was placed is not sent, and with it none of the descriptors of the segments that it introduces.
    pub(crate) fn take_back(&self, lending: Lending, descriptors: Vec<OwnedFd>) {
        self.update(|books| {
            for (segment, descriptor) in lending.introduces().zip(descriptors) {
                if let Some(memory) = books.owned.memory_mut(segment) {
                    memory.descriptor = Some(descriptor);
                }
            }
            books.take_back(lending);
        });
    }

    /// A lease has ended.
    pub(crate) fn give_back(&self, segment: u64) {
        self.update(|books| books.end_lease(segment));
    }

    pub(crate) fn take(
        self: &Arc<Self>,
        place: Place,
        descriptors: &mut Descriptors,
    ) -> Result<Bytes, Refusal> {
        let bound = self.lock().bound();
        if bound == 0 {
            return Err(Refusal::Fault("sharing memory was not agreed on".to_owned()));
        }
        match place {
            Place::Inline { .. } => Err(Refusal::Fault("it is in the frame".to_owned())),
            Place::Returned { segment, offset, len } => {
                let books = self.lock();
                let memory = books.owned.returned(segment).map_err(Refusal::Fault)?;
                let reader = read(&memory.mapping, segment, offset, len)?;
                // This side alone writes there, and does not as long as the reader lives.
                Ok(Bytes::from_owner(reader))
            }
            Place::Shared { segment, offset, len, new } => {
                if let Some(size) = new {
                    self.take_over(segment, size, bound, descriptors)?;
                }
                let reader = match self.lock().lease(segment) {
                    Ok(mapping) => read(mapping, segment, offset, len)?,
                    Err(Absence::Fault(reason)) => return Err(Refusal::Fault(reason)),
                    Err(Absence::Lost) => {
                        let reason = format!("segment {segment} of shared memory was lost when it came");
                        return Err(Refusal::Unavailable(reason));
                    }
                };
                let lease = Lease::new(reader, segment, Arc::downgrade(self));
                if self.in_place {
                    return Ok(lease.into_bytes());
                }
                lease.copy().ok_or_else(|| Refusal::Unavailable(format!("no memory for {len} bytes of it")))
            }
        }
    }

    /// Takes over a segment of the peer's that comes with the next of the descriptors.
    fn take_over(
        &self,
        id: u64,
        size: u64,
        bound: usize,
        descriptors: &mut Descriptors,
    ) -> Result<(), Refusal> {
        self.lock().foreign.check(id, size, bound).map_err(Refusal::Fault)?;
        let taken = match descriptors.pop() {
            Some(descriptor) => segment::take_over(descriptor, size),
            None => Err(Refusal::Unavailable(
                "the descriptor of shared memory did not arrive: this process may have too many open files"
                    .into(),
            )),
        };
        match taken {
            Ok(mapping) => self.update(|books| books.foreign.add(id, size, Arc::new(mapping))),
            Err(refusal) => {
                if let Refusal::Unavailable(_) = refusal {
                    self.update(|books| books.lose(id)).map_err(Refusal::Fault)?;
                }
                return Err(refusal);
            }
        }
        Ok(())
    }
}

fn writer(books: &ArenaBooks, id: u64) -> Option<(u64, Writer)> {
    Some((id, Writer::claim(&books.owned.memory(id)?.mapping)?))
}

fn read(mapping: &Arc<Mapping>, segment: u64, offset: u64, len: u64) -> Result<Reader, Refusal> {
    Reader::new(mapping, offset, len).ok_or_else(|| {
        let size = mapping.len();
        Refusal::Fault(format!("{len} bytes at {offset} are not in segment {segment} of {size}"))
    })
}

/// Gives the peer a reference to bytes in a segment. The descriptor is there if the peer does not know the segment.
fn lend(
    books: &mut ArenaBooks,
    segment: u64,
    offset: usize,
    len: u64,
    lending: &mut Lending,
) -> Option<(Place, Option<OwnedFd>)> {
    let is_new = books.lend(segment, lending)?;
    let memory = books.owned.memory_mut(segment).filter(|_| is_new);
    let new = memory.as_ref().map(|memory| memory.mapping.len() as u64);
    let descriptor = memory.and_then(|memory| memory.descriptor.take());
    Some((Place::Shared { segment, offset: offset as u64, len, new }, descriptor))
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("in_place", &self.0.in_place).finish_non_exhaustive()
    }
}
