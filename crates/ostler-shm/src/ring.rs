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
            sender: RingSender { words: Arc::clone(&words), lane: sends, head: 0, number: 0 },
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
    number: u64,
}

impl RingSender {
    /// Sends a frame if it can go this way.
    pub fn send(&mut self, frame: &[u8]) -> Taken {
        let number = self.number;
        self.number += 1;
        let size = ENTRY + frame.len().div_ceil(WORD) as u64;
        // A peer that says nonsense here hurts only itself.
        let used = self.head.wrapping_sub(self.word(TAIL).load(Ordering::Acquire));
        let has_room = used.checked_add(size).is_some_and(|needed| needed <= DATA);
        if frame.len() > RING_FRAME_BYTES || !has_room || self.word(ASLEEP).load(Ordering::Relaxed) == 1 {
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
    pub fn receive(&mut self, buffer: &mut BytesMut) -> Result<bool, String> {
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
    pub fn skip(&mut self) {
        self.number += 1;
    }

    /// Says that nobody looks here any more. False if the next frame has come just before: then somebody should once
    /// more, and nobody else says so.
    #[must_use = "a frame may be there, and nobody else says so"]
    pub fn sleep(&self) -> bool {
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
mod tests {
    #![expect(clippy::unwrap_used)]

    use super::*;

    /// The host's end, and the worker's.
    fn pair() -> (Ring, Ring) {
        let (host, descriptor) = Ring::make().unwrap();
        let mut descriptors = Descriptors::new();
        descriptors.push(descriptor);
        (host, Ring::take_over(&mut descriptors).unwrap())
    }

    fn received(receiver: &mut RingReceiver) -> Option<Vec<u8>> {
        let mut buffer = BytesMut::new();
        receiver.receive(&mut buffer).unwrap().then(|| buffer.to_vec())
    }

    #[test]
    fn frames_of_all_sizes_come_as_they_went_all_around_the_ring() {
        let (mut host, mut worker) = pair();
        for size in (0..RING_FRAME_BYTES).step_by(97).chain([RING_FRAME_BYTES]) {
            let frame: Vec<u8> = (0..size).map(|at| (at * 7 + size) as u8).collect();
            assert_eq!(host.sender.send(&frame), Taken::Yes);
            assert_eq!(received(&mut worker.receiver), Some(frame));
        }
        assert_eq!(received(&mut worker.receiver), None);
    }

    #[test]
    fn what_is_too_large_or_finds_no_room_goes_the_other_way_and_keeps_its_place() {
        let (mut host, mut worker) = pair();
        assert_eq!(host.sender.send(&vec![1; RING_FRAME_BYTES + 1]), Taken::No);
        assert_eq!(host.sender.send(b"second"), Taken::Yes);
        assert_eq!(received(&mut worker.receiver), None, "the first is to come through the socket");
        assert!(!worker.receiver.has_next() && worker.receiver.sleep());
        worker.receiver.wake();
        worker.receiver.skip();
        assert_eq!(received(&mut worker.receiver), Some(b"second".to_vec()));

        let mut sent = 0;
        while host.sender.send(&[2; RING_FRAME_BYTES]) == Taken::Yes {
            sent += 1;
        }
        assert_eq!(sent, 7);
        for _ in 0..sent {
            assert!(received(&mut worker.receiver).is_some());
        }
        assert_eq!(received(&mut worker.receiver), None);
        worker.receiver.skip();
        assert_eq!(host.sender.send(b"there is room again"), Taken::Yes);
        assert!(received(&mut worker.receiver).is_some());
    }

    #[test]
    fn nothing_goes_to_who_sleeps() {
        let (mut host, worker) = pair();
        assert!(worker.receiver.sleep());
        assert_eq!(host.sender.send(b"through the socket"), Taken::No);
        worker.receiver.wake();
        assert_eq!(host.sender.send(b"through the ring"), Taken::Yes);
        assert!(!worker.receiver.sleep(), "something has come");
        assert_eq!(host.sender.send(b"through the socket"), Taken::No);
    }

    #[test]
    fn the_host_sleeps_until_it_says_otherwise() {
        let (host, mut worker) = pair();
        assert_eq!(worker.sender.send(b"ready"), Taken::No);
        host.receiver.wake();
        assert_eq!(worker.sender.send(b"started"), Taken::Yes);
    }

    /// Of two who do it at the same time, one notices.
    #[test]
    fn a_frame_that_is_sent_while_its_receiver_falls_asleep_is_not_lost() {
        const ROUNDS: u64 = 100_000;
        let (mut host, mut worker) = pair();
        std::thread::scope(|scope| {
            let (wake, woken) = std::sync::mpsc::channel();
            scope.spawn(move || {
                for number in 0..ROUNDS {
                    // The channel stands for the socket.
                    match host.sender.send(&number.to_le_bytes()) {
                        Taken::Yes => {}
                        Taken::Wake => wake.send(None).unwrap(),
                        Taken::No => wake.send(Some(number)).unwrap(),
                    }
                }
            });
            let mut expected = 0;
            let mut through_socket = std::collections::VecDeque::new();
            while expected < ROUNDS {
                through_socket.extend(woken.try_iter().flatten());
                if let Some(frame) = received(&mut worker.receiver) {
                    assert_eq!(frame, expected.to_le_bytes());
                    expected += 1;
                } else if let Some(number) = through_socket.pop_front() {
                    assert_eq!(number, expected);
                    worker.receiver.skip();
                    expected += 1;
                } else if worker.receiver.sleep() {
                    // If it was lost, nobody ever wakes this.
                    through_socket.extend(woken.recv().unwrap());
                    worker.receiver.wake();
                }
            }
        });
    }

    #[test]
    fn a_sender_that_lies_is_found_out() {
        for (word, value) in [(HEAD, DATA + 1), (HEAD, u64::MAX), (BEGIN + 1, u64::MAX), (BEGIN + 1, 4096)] {
            let (mut host, mut worker) = pair();
            host.receiver.wake();
            worker.sender.send(b"honest");
            worker.sender.word(word).store(value, Ordering::Relaxed);
            assert!(host.receiver.receive(&mut BytesMut::new()).is_err(), "word {word} with {value}");
        }
        let (mut host, worker) = pair();
        worker.receiver.word(TAIL).store(u64::MAX / 2, Ordering::Relaxed);
        assert_eq!(host.sender.send(b"no room, it seems"), Taken::No);
    }
}
