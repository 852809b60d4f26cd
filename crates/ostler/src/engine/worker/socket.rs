use std::future::pending;
use std::hint::spin_loop;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use ostler_shm::{Inflow, Received, RingReceiver, socket};
use ostler_wire::{FrameError, FromWorker, HELLO_MAX_BYTES, Hello, HelloError, Message, decode_hello};
use tokio::io::Interest;

use super::outcome;
use crate::engine::wire::Wire;
use crate::events::EventLog;

/// Room for one read, in bytes: a frame of ordinary size and its neighbours. The kernel's socket buffer holds about
/// three times as much.
const READ_BYTES: usize = 64 * 1024;

/// How often the ring is looked at between two looks at the socket: a few microseconds, as long as a small job takes.
const LOOKS: u32 = 256;

/// What a worker sends, frame by frame.
pub(super) struct Socket {
    wire: Arc<Wire>,
    limit: usize,
    /// Room for one read.
    chunk: Box<[u8]>,
    inflow: Inflow,
    /// There may be a whole frame in the buffer.
    has_news: bool,
    was_read: bool,
    state: State,
    /// The log of a job that a frame added to, whose readers are waited for before the next frame.
    pacing: Option<Arc<EventLog>>,
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
    /// Frames are of at most so many bytes.
    pub(super) fn new(wire: Arc<Wire>, limit: usize) -> Self {
        Self {
            wire,
            limit,
            chunk: vec![0; READ_BYTES].into(),
            inflow: Inflow::default(),
            has_news: false,
            was_read: false,
            state: State::Open,
            pacing: None,
        }
    }

    /// The peer's first words, and the version of the protocol that both speak.
    ///
    /// # Errors
    /// They are no hello, or there is no such version.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn hello(&mut self) -> Result<(Hello, u32), HelloError> {
        loop {
            if let Some(hello) = decode_hello(self.inflow.buffer(), HELLO_MAX_BYTES)? {
                self.has_news = true;
                return Ok(hello);
            }
            self.has_news = false;
            self.ready().await;
            if self.read() == Read::End {
                // Its exit tells more.
                pending::<()>().await;
            }
        }
    }

    /// What comes next may come by this ring.
    pub(super) fn use_ring(&mut self, ring: RingReceiver) {
        self.inflow.use_ring(ring);
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
            read = socket::receive(stream.as_fd(), &mut self.chunk, self.inflow.descriptors());
            match &read {
                Ok(count) if *count == self.chunk.len() => Ok(()),
                _ => Err(io::ErrorKind::WouldBlock.into()),
            }
        });
        self.after(read)
    }

    /// Looks for a while whether something comes, without sleeping. What is in the ring is not counted.
    pub(super) fn look(&mut self) -> Read {
        for _ in 0..LOOKS {
            if self.has_news || self.inflow.is_in_ring() {
                (self.has_news, self.was_read) = (true, true);
                return Read::More(0);
            }
            spin_loop();
        }
        self.read_now()
    }

    /// Somebody looks at the ring from now on.
    pub(super) fn wake(&self) {
        if let Some(ring) = self.inflow.ring() {
            ring.wake();
        }
    }

    /// Nobody looks at the ring any more. What has come just before is news.
    pub(super) fn rest(&mut self) {
        if let Some(ring) = self.inflow.ring()
            && !ring.rest()
        {
            // What follows goes through the socket; of this, nobody else tells.
            (self.has_news, self.was_read) = (true, true);
        }
    }

    /// Reads a little, if it is there: past tokio, whose idea of that may be old.
    pub(super) fn read_now(&mut self) -> Read {
        let stream = self.wire.socket();
        let read = socket::receive_now(stream.as_fd(), &mut self.chunk, self.inflow.descriptors());
        self.after(read)
    }

    fn after(&mut self, read: io::Result<usize>) -> Read {
        match read {
            Ok(count @ 1..) => {
                self.inflow.buffer().extend_from_slice(&self.chunk[..count]);
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
        let message = self.decode().inspect_err(|_| self.state = State::Spoilt)?;
        self.has_news = message.is_some();
        Ok(message)
    }

    /// The next frame that is for others; what is told about shared memory is heard here.
    fn decode(&mut self) -> Result<Option<FromWorker>, FrameError> {
        let arena = self.wire.arena();
        while let Some(Received { message, loss, by_ring }) = self.inflow.next(self.limit, arena)? {
            self.was_read |= by_ring;
            match message {
                FromWorker::Nudge => {}
                FromWorker::Segments(news) => arena
                    .hear(news)
                    .map_err(|reason| FrameError::Shared { direction: FromWorker::NAME, reason })?,
                message => return Ok(Some(outcome::received(message, loss))),
            }
        }
        Ok(None)
    }

    /// Whether a frame has come in part.
    pub(super) fn is_within_a_frame(&self) -> bool {
        self.state == State::Open && self.inflow.finish().is_err()
    }

    /// Returns when more may have come, whoever is behind.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn readable(&self) {
        // What is wrong with it shows at the next read.
        let _ = self.wire.socket().readable().await;
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
        self.inflow.finish().err().map(|torn| torn.to_string())
    }
}
