use std::future::pending;
use std::hint::spin_loop;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use bytes::BytesMut;
use ostler_shm::{Descriptors, Ring, RingReceiver, socket};
use ostler_wire::{
    FEATURE_RING, FEATURE_SHARED_MEMORY, FrameError, FromWorker, HELLO_MAX_BYTES, Hello, Message,
    decode_hello, frame,
};
use tokio::io::Interest;

use super::outcome;
use crate::engine::wire::Wire;
use crate::events::EventLog;
use crate::process::Endpoint;

/// Room for one read, in bytes: a frame of ordinary size and its neighbours. The kernel's socket buffer holds about
/// three times as much.
const READ_BYTES: usize = 64 * 1024;

/// How often the ring is looked at between two looks at the socket: a few microseconds, as long as a small job takes.
const LOOKS: u32 = 256;

/// A frame of this size, in bytes, takes the buffer with it: nobody who keeps a small part of a frame, and no idle
/// worker, shall hold on to its memory.
const LARGE_FRAME: usize = 1024 * 1024;

/// What a worker sends, frame by frame.
pub(super) struct Socket {
    wire: Arc<Wire>,
    limit: usize,
    /// Room for one read.
    chunk: Box<[u8]>,
    buffer: BytesMut,
    descriptors: Descriptors,
    ring: Option<RingReceiver>,
    /// The frame that came by the ring.
    ringed: BytesMut,
    /// There may be a whole frame in the buffer.
    has_news: bool,
    was_read: bool,
    state: State,
    /// The log of a job that a frame added to, whose readers are waited for before the next frame.
    pacing: Option<Arc<EventLog>>,
}

/// What a worker may use beside its socket.
#[derive(Clone, Copy)]
pub(super) struct Offer {
    pub(super) shared_memory_bytes: usize,
    pub(super) ring: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing comes any more.
    HungUp,
    /// Nothing that comes can be trusted any more.
    Spoilt,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// So many bytes.
    More(usize),
    Nothing,
    End,
}

impl Socket {
    /// The way in: the kernel vouches for the peer, then the token, then the version. Frames are of at most so many
    /// bytes, and what is offered is used as far as the worker can.
    ///
    /// # Errors
    /// It is not our worker, or does not speak as we do.
    ///
    /// # Cancel safety
    /// None: the connection is gone with the future.
    pub(super) async fn meet(
        endpoint: Endpoint,
        pid: u32,
        limit: usize,
        offer: Offer,
    ) -> Result<Self, String> {
        let accepted = endpoint.accept(pid).await;
        let stream = accepted.map_err(|error| format!("its connection could not be accepted: {error}"))?;
        let token = endpoint.token();
        // There is nobody else to wait for.
        drop(endpoint);
        let wire = Arc::new(Wire::new(stream, limit, offer.ring));
        let mut socket = Self {
            wire,
            limit,
            chunk: vec![0; READ_BYTES].into(),
            buffer: BytesMut::new(),
            descriptors: Descriptors::new(),
            ring: None,
            ringed: BytesMut::new(),
            has_news: false,
            was_read: false,
            state: State::Open,
            pacing: None,
        };
        let hello = loop {
            match decode_hello(&mut socket.buffer, HELLO_MAX_BYTES) {
                Ok(Some(hello)) => break hello,
                Ok(None) => {}
                Err(error) => return Err(error.to_string()),
            }
            socket.ready().await;
            if socket.read() == Read::End {
                // Its exit tells more.
                pending::<()>().await;
            }
            socket.has_news = false;
        };
        if hello.token != token {
            return Err("it showed a wrong token".to_owned());
        }
        socket.accept(&hello, offer);
        socket.has_news = true;
        Ok(socket)
    }

    fn accept(&mut self, hello: &Hello, offer: Offer) {
        if hello.features & FEATURE_SHARED_MEMORY != 0 {
            self.wire.arena().open(offer.shared_memory_bytes);
        }
        if offer.ring
            && hello.features & FEATURE_RING != 0
            // Without memory for it the socket has to do.
            && let Ok((Ring { sender, receiver }, descriptor)) = Ring::make()
        {
            self.wire.offer_ring(sender, descriptor);
            self.ring = Some(receiver);
        }
    }

    pub(super) fn wire(&self) -> &Arc<Wire> {
        &self.wire
    }

    /// Returns when there may be a frame, or the end, and nobody who reads what came is far behind: meanwhile the
    /// socket fills, and the worker waits.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn ready(&self) {
        if let Some(log) = &self.pacing {
            log.pace().await;
        }
        if self.state != State::Open {
            pending::<()>().await;
        }
        if !self.has_news {
            // What is wrong with it shows at the next read.
            let _ = self.wire.socket().readable().await;
        }
    }

    /// Whether it is left unread because somebody who reads what came is far behind.
    pub(super) fn is_held(&self) -> bool {
        self.pacing.as_ref().is_some_and(|log| log.is_crowded())
    }

    /// Whether something was read that may be a frame.
    pub(super) fn has_news(&self) -> bool {
        self.has_news
    }

    /// Whether something was read since this was last asked.
    pub(super) fn was_read(&mut self) -> bool {
        std::mem::take(&mut self.was_read)
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Reads a little, if tokio knows that it is there.
    pub(super) fn read(&mut self) -> Read {
        let stream = self.wire.socket();
        let mut read = Err(io::ErrorKind::WouldBlock.into());
        // After less than there was room for nothing is left, and tokio may forget that there was: it would take another
        // system call per frame to find that out.
        let _ = stream.try_io(Interest::READABLE, || {
            read = socket::receive(stream.as_fd(), &mut self.chunk, &mut self.descriptors);
            match &read {
                Ok(count) if *count == self.chunk.len() => Ok(()),
                _ => Err(io::ErrorKind::WouldBlock.into()),
            }
        });
        self.after(read)
    }

    /// Looks for a while whether something comes, without sleeping.
    pub(super) fn look(&mut self) -> bool {
        for _ in 0..LOOKS {
            if self.has_news || self.ring.as_ref().is_some_and(RingReceiver::has_next) {
                (self.has_news, self.was_read) = (true, true);
                return true;
            }
            spin_loop();
        }
        self.read_now() != Read::Nothing
    }

    /// Somebody looks at the ring from now on.
    pub(super) fn wake(&self) {
        if let Some(ring) = &self.ring {
            ring.wake();
        }
    }

    /// Nobody looks at the ring any more. What has come just before is news.
    pub(super) fn rest(&mut self) {
        if let Some(ring) = &self.ring
            && !ring.rest()
        {
            // What follows goes through the socket; of this, nobody else tells.
            (self.has_news, self.was_read) = (true, true);
        }
    }

    /// Reads a little, if it is there: past tokio, whose idea of that may be old.
    pub(super) fn read_now(&mut self) -> Read {
        let stream = self.wire.socket();
        let read = socket::receive_now(stream.as_fd(), &mut self.chunk, &mut self.descriptors);
        self.after(read)
    }

    fn after(&mut self, read: io::Result<usize>) -> Read {
        match read {
            Ok(count @ 1..) => {
                self.buffer.extend_from_slice(&self.chunk[..count]);
                (self.has_news, self.was_read) = (true, true);
                Read::More(count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Read::Nothing,
            Ok(0) | Err(_) => {
                self.state = State::HungUp;
                Read::End
            }
        }
    }

    /// How many bytes are there to be read, for whoever must not read for ever.
    pub(super) fn waiting(&self) -> u64 {
        rustix::io::ioctl_fionread(self.wire.socket().as_fd()).unwrap_or(0)
    }

    /// The next frame of those that were read.
    ///
    /// # Errors
    /// It cannot be read, and nothing that follows is.
    pub(super) fn next(&mut self) -> Result<Option<FromWorker>, FrameError> {
        self.pacing = None;
        self.has_news = false;
        if self.state == State::Spoilt {
            return Ok(None);
        }
        let before = self.buffer.len();
        let message = self.decode().inspect_err(|_| self.state = State::Spoilt)?;
        self.has_news = message.is_some();
        if before - self.buffer.len() >= LARGE_FRAME {
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        Ok(message)
    }

    /// The next frame that is for others; what is told about shared memory is heard here.
    fn decode(&mut self) -> Result<Option<FromWorker>, FrameError> {
        let wrong = |reason| FrameError::Shared { direction: FromWorker::NAME, reason };
        let arena = self.wire.arena();
        loop {
            let by_ring = match &mut self.ring {
                Some(ring) => ring.receive(&mut self.ringed).map_err(wrong)?,
                None => false,
            };
            self.was_read |= by_ring;
            let buffer = if by_ring { &mut self.ringed } else { &mut self.buffer };
            let mut intake = arena.intake(&mut self.descriptors);
            let take = |place| intake.take(place);
            let message = frame::decode_shared::<FromWorker>(buffer, self.limit, take)?;
            let loss = intake.finish(!by_ring && buffer.is_empty()).map_err(wrong)?;
            if by_ring && (message.is_none() || !buffer.is_empty()) {
                return Err(wrong("what came by the ring is not one frame".to_owned()));
            }
            match (&mut self.ring, &message) {
                (None, _) | (_, None | Some(FromWorker::Nudge)) => {}
                (Some(ring), _) if !by_ring => ring.skip(),
                (Some(_), _) => {}
            }
            match message {
                Some(FromWorker::Nudge) => {}
                Some(FromWorker::Segments(news)) => arena.hear(news).map_err(wrong)?,
                Some(message) => return Ok(Some(outcome::received(message, loss, arena))),
                None => return Ok(None),
            }
        }
    }

    /// The readers of this log are waited for before the next frame.
    pub(super) fn pace(&mut self, log: Arc<EventLog>) {
        self.pacing = Some(log);
    }

    /// How the last frame is torn, if it is and could be read up to there.
    pub(super) fn torn(&self) -> Option<String> {
        if self.state == State::Spoilt {
            return None;
        }
        frame::finish(&self.buffer).err().map(|torn| torn.to_string())
    }
}
