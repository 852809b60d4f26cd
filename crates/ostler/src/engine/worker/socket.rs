use std::future::pending;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use bytes::BytesMut;
use ostler_wire::{FrameError, FromWorker, HELLO_MAX_BYTES, decode_hello, frame};

use crate::engine::link::Wire;
use crate::events::EventLog;
use crate::process::Endpoint;

/// Room for one read, in bytes: a frame of ordinary size and its neighbours. The kernel's socket buffer holds about
/// three times as much.
const READ_BYTES: usize = 64 * 1024;

/// A frame of this size, in bytes, takes the buffer with it: nobody who keeps a small part of a frame, and no idle
/// worker, shall hold on to its memory.
const LARGE_FRAME: usize = 1024 * 1024;

/// What a worker sends, frame by frame.
pub(super) struct Socket {
    wire: Arc<Wire>,
    limit: usize,
    buffer: BytesMut,
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
    /// The way in: the kernel vouches for the peer, then the token, then the version. Frames are of at most so many
    /// bytes.
    ///
    /// # Errors
    /// It is not our worker, or does not speak as we do.
    ///
    /// # Cancel safety
    /// None: the connection is gone with the future.
    pub(super) async fn meet(endpoint: Endpoint, pid: u32, limit: usize) -> Result<Self, String> {
        let accepted = endpoint.accept(pid).await;
        let stream = accepted.map_err(|error| format!("its connection could not be accepted: {error}"))?;
        let token = endpoint.token();
        // There is nobody else to wait for.
        drop(endpoint);
        let wire = Arc::new(Wire::new(stream, limit));
        let mut socket = Self {
            wire,
            limit,
            buffer: BytesMut::new(),
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
        socket.has_news = true;
        Ok(socket)
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
        self.buffer.reserve(READ_BYTES);
        let read = self.wire.socket().try_read_buf(&mut self.buffer);
        self.after(read)
    }

    /// Reads a little, if it is there: past tokio, whose idea of that may be old.
    pub(super) fn read_now(&mut self) -> Read {
        let end = self.buffer.len();
        self.buffer.resize(end + READ_BYTES, 0);
        let read = rustix::io::read(self.wire.socket().as_fd(), &mut self.buffer[end..]);
        self.buffer.truncate(end + read.unwrap_or(0));
        self.after(read.map_err(io::Error::from))
    }

    fn after(&mut self, read: io::Result<usize>) -> Read {
        match read {
            Ok(count @ 1..) => {
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
        let message = frame::decode::<FromWorker>(&mut self.buffer, self.limit)
            .inspect_err(|_| self.state = State::Spoilt)?;
        self.has_news = message.is_some();
        if before - self.buffer.len() >= LARGE_FRAME {
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        Ok(message)
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
