//! A way for small frames beside the socket, for as long as both sides are awake.
//!
//! A frame through a socket costs both sides a system call, and wakes whoever sleeps. While the other side looks for it
//! anyway, it can as well lie in memory that both have: there and back that takes half a microsecond instead of forty.
//! Nobody sleeps on a ring. Who is about to sleep says so, and then everything goes through the socket again; so do
//! frames that are large, or that find no room. Both ways carry parts of one sequence: each frame in the ring has its
//! number, those on the socket have those that are missing.
//!
//! ```text
//! word 0       how far the sender has written, in words
//! word 8       how far the receiver has read
//! word 16      1 while the receiver sleeps, or is about to
//! word 24 …    for each frame its number, its length in bytes, and its bytes
//! ```

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use bytes::{BufMut, BytesMut};

use crate::words::{WORD, Words};
use crate::{Descriptors, segment};

/// Frames up to this size, in bytes, may go through a ring.
pub const RING_FRAME_BYTES: usize = 8 * 1024;

/// Of each direction, in words. A power of two.
const DATA: u64 = 8 * 1024;
const HEAD: usize = 0;
const TAIL: usize = 8;
const ASLEEP: usize = 16;
const BEGIN: usize = 24;
const LANE: usize = BEGIN + DATA as usize;
/// Number and length of a frame, in words.
const ENTRY: u64 = 2;

/// Both directions, as one side has them.
pub struct Ring {
    /// Where this side sends.
    pub sender: RingSender,
    /// Where this side receives.
    pub receiver: RingReceiver,
}

impl Ring {
    /// Makes a ring, and the descriptor by which the peer gets it.
    ///
    /// # Errors
    /// The system has no memory or no descriptors.
    pub fn make() -> io::Result<(Self, OwnedFd)> {
        let descriptor = segment::make_open(2 * LANE * WORD)?;
        let words = Arc::new(Words::map(descriptor.as_fd(), 2 * LANE)?);
        let ring = Self::over(words, [0, LANE]);
        ring.receiver.word(ASLEEP).store(1, Ordering::Relaxed);
        Ok((ring, descriptor))
    }

    /// Takes over what the peer has made.
    ///
    /// # Errors
    /// It did not come, cannot be mapped, or is none.
    pub fn take_over(descriptors: &mut Descriptors) -> Result<Self, String> {
        let descriptor = descriptors.pop().ok_or("its descriptor did not come")?;
        segment::check_open(&descriptor, 2 * LANE * WORD)?;
        let words = Words::map(descriptor.as_fd(), 2 * LANE).map_err(|error| error.to_string())?;
        Ok(Self::over(Arc::new(words), [LANE, 0]))
    }

    fn over(words: Arc<Words>, [sends, receives]: [usize; 2]) -> Self {
        Self {
            sender: RingSender { words: Arc::clone(&words), lane: sends, head: 0, tail: 0, number: 0 },
            receiver: RingReceiver { words, lane: receives, tail: 0, number: 0 },
        }
    }
}

/// What became of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// The ring has it, and the receiver looks.
    Yes,
    /// The ring has it, but the receiver has just begun to sleep: wake it.
    Wake,
    /// It must go through the socket, and counts as sent.
    No,
}

/// One end of one direction.
pub struct RingSender {
    words: Arc<Words>,
    lane: usize,
    head: u64,
    /// How far the receiver had read when that was last looked at: each look takes the memory from the other core.
    tail: u64,
    number: u64,
}

impl RingSender {
    /// Sends a frame if it can go this way.
    pub fn send(&mut self, frame: &[u8]) -> Taken {
        let number = self.number;
        self.number += 1;
        let size = ENTRY + frame.len().div_ceil(WORD) as u64;
        let may = frame.len() <= RING_FRAME_BYTES && self.word(ASLEEP).load(Ordering::Relaxed) == 0;
        if !may || !self.has_room(size) {
            return Taken::No;
        }
        self.put(0, number);
        self.put(1, frame.len() as u64);
        for (at, bytes) in (ENTRY..).zip(frame.chunks(WORD)) {
            let mut word = [0; WORD];
            word[..bytes.len()].copy_from_slice(bytes);
            self.put(at, u64::from_le_bytes(word));
        }
        self.head += size;
        self.word(HEAD).store(self.head, Ordering::Release);
        // Either the receiver sees the frame before it sleeps, or it is seen here that it does.
        fence(Ordering::SeqCst);
        if self.word(ASLEEP).load(Ordering::Relaxed) == 1 { Taken::Wake } else { Taken::Yes }
    }

    /// A frame goes through the socket in any case.
    pub fn skip(&mut self) {
        self.number += 1;
    }

    fn has_room(&mut self, size: u64) -> bool {
        // A peer that says nonsense here hurts only itself.
        let fits =
            |tail: u64| self.head.wrapping_sub(tail).checked_add(size).is_some_and(|used| used <= DATA);
        if fits(self.tail) {
            return true;
        }
        let tail = self.word(TAIL).load(Ordering::Acquire);
        let has_room = fits(tail);
        self.tail = tail;
        has_room
    }

    fn put(&self, at: u64, word: u64) {
        self.words.all()[self.lane + BEGIN + ((self.head + at) % DATA) as usize]
            .store(word, Ordering::Relaxed);
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        &self.words.all()[self.lane + at]
    }
}

/// The other end.
pub struct RingReceiver {
    words: Arc<Words>,
    lane: usize,
    tail: u64,
    /// Of the frame that comes next, on whichever way.
    number: u64,
}

impl RingReceiver {
    /// Appends the next frame to the buffer, if it has come this way. Look here before each look at what came through the
    /// socket, and after it was read.
    ///
    /// # Errors
    /// The sender does not keep to the rules.
    pub(crate) fn receive(&mut self, buffer: &mut BytesMut) -> Result<bool, String> {
        let there = self.word(HEAD).load(Ordering::Acquire).wrapping_sub(self.tail);
        if there == 0 || self.get(0) != self.number {
            return Ok(false);
        }
        let len = self.get(1);
        let size = ENTRY + len.div_ceil(WORD as u64);
        if there > DATA || len > RING_FRAME_BYTES as u64 || size > there {
            return Err(format!("a frame of {len} bytes in a ring with {there} words"));
        }
        let end = buffer.len() + len as usize;
        for at in ENTRY..size {
            buffer.put_u64_le(self.get(at));
        }
        buffer.truncate(end);
        self.number += 1;
        self.tail += size;
        self.word(TAIL).store(self.tail, Ordering::Release);
        Ok(true)
    }

    /// Whether the next frame has come this way.
    pub fn has_next(&self) -> bool {
        self.word(HEAD).load(Ordering::Acquire) != self.tail && self.get(0) == self.number
    }

    /// The next frame has come through the socket.
    pub(crate) fn skip(&mut self) {
        self.number += 1;
    }

    /// Says that nobody looks here any more. False if the next frame has come just before: then somebody should once
    /// more, and nobody else says so.
    #[must_use = "a frame may be there, and nobody else says so"]
    pub fn rest(&self) -> bool {
        self.word(ASLEEP).store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        !self.has_next()
    }

    /// Says that somebody looks here.
    pub fn wake(&self) {
        self.word(ASLEEP).store(0, Ordering::Relaxed);
    }

    fn get(&self, at: u64) -> u64 {
        self.words.all()[self.lane + BEGIN + ((self.tail + at) % DATA) as usize].load(Ordering::Relaxed)
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        &self.words.all()[self.lane + at]
    }
}

#[cfg(test)]
mod tests;
