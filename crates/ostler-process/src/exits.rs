use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::say;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// The sleep of the supervisor: until a child ends, somebody wakes it, or it is time.
///
/// The children are watched by the kernel (epoll), and not handed over for each wait: that costs the more the more there
/// are, and is refused when the host lowers the number of its open files below theirs.
pub(super) struct Exits {
    epoll: OwnedFd,
    wake: Arc<OwnedFd>,
    is_broken: bool,
}

/// Of whoever only wakes.
const WAKE: u64 = u64::MAX;

/// So many ends at once are told at most; the others by the next wait.
const MOST_EVENTS: usize = 64;

/// How long it sleeps if it cannot wait: nothing wakes it then.
const BLIND: Duration = Duration::from_millis(50);

impl Exits {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        epoll::add(&epoll, &*wake, EventData::new_u64(WAKE), EventFlags::IN)?;
        Ok(Self { epoll, wake, is_broken: false })
    }

    /// An event counter: to write to it ends the wait.
    pub(super) fn wake(&self) -> &Arc<OwnedFd> {
        &self.wake
    }

    /// Watches for the end of a child, under this key.
    pub(super) fn add(&self, key: u64, child: BorrowedFd<'_>) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, child, EventData::new_u64(key), EventFlags::IN)?)
    }

    /// Watches for it no more.
    pub(super) fn remove(&self, child: BorrowedFd<'_>) {
        // It fails if it was not watched.
        let _ = epoll::delete(&self.epoll, child);
    }

    /// Waits, and says who has ended. `None` if that cannot be told: somebody has closed our descriptors.
    pub(super) fn wait(&mut self, until: Option<Instant>) -> Option<Vec<u64>> {
        let left = until.map(|at| at.saturating_duration_since(Instant::now()));
        match self.ended(left) {
            Ok(keys) => {
                let mut counter = [0; 8];
                // It fails if nobody has written.
                let _ = rustix::io::read(&*self.wake, &mut counter);
                Some(keys)
            }
            // An interrupted wait is a short one.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Some(Vec::new()),
            Err(error) => {
                if !std::mem::replace(&mut self.is_broken, true) {
                    say!(error, %error, "the ends of workers are looked for from time to time only: the host must not \
                         close descriptors that are not its own");
                }
                std::thread::sleep(left.unwrap_or(BLIND).min(BLIND));
                None
            }
        }
    }

    fn ended(&mut self, left: Option<Duration>) -> io::Result<Vec<u64>> {
        let longest = match left {
            Some(left) => self.wait_exactly(left)?,
            None => None,
        };
        let mut events: Vec<Event> = Vec::with_capacity(MOST_EVENTS);
        epoll::wait(&self.epoll, spare_capacity(&mut events), longest.as_ref())?;
        let keys = events.iter().map(|event| event.data.u64());
        Ok(keys.filter(|&key| key != WAKE).collect())
    }

    /// Waits that long or less, and says how long is still to be waited. Only the other call knows less than milliseconds.
    fn wait_exactly(&self, left: Duration) -> io::Result<Option<Timespec>> {
        let mut whole = [PollFd::new(&self.epoll, PollFlags::IN)];
        match poll(&mut whole, Timespec::try_from(left).ok().as_ref()) {
            Ok(_) => Ok(Some(Timespec { tv_sec: 0, tv_nsec: 0 })),
            // The host may open no files at all any more, and that call looks at this limit.
            Err(rustix::io::Errno::INVAL) => {
                let millis = i64::try_from(left.as_millis()).unwrap_or(i64::MAX).saturating_add(1);
                Ok(Some(Timespec { tv_sec: millis / 1000, tv_nsec: millis % 1000 * 1_000_000 }))
            }
            Err(error) => Err(error.into()),
        }
    }
}
