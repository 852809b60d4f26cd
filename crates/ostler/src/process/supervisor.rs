use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Instant;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use tokio::sync::oneshot;

use super::child::{Child, ChildOutput, SpawnSpec};
use super::exit::ChildExit;
use super::housekeeper::{Housekeeper, OnSwept};
use super::life::Life;
use super::limit;
use super::oom::OomWatch;
use super::sweep::Swept;

/// A process that was made.
pub(crate) struct Spawned {
    pub(crate) pid: u32,
    pub(crate) output: ChildOutput,
    pub(crate) exit: oneshot::Receiver<ChildExit>,
}

/// Called on the supervisor's thread if nobody waits for the exit any more.
pub(crate) type OnUnclaimedExit = Box<dyn FnOnce(ChildExit) + Send>;

/// One process, from before it is made until after it is gone. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    life: Arc<Life>,
}

impl Process {
    /// The name of a process that is still to be made.
    pub(crate) fn new() -> Self {
        Self { life: Arc::default() }
    }

    /// Makes the process, on the supervisor's thread. Its exit goes to who waits for it, else to `unclaimed`;
    /// after that, `on_swept` is called, once. If it was not made, neither is.
    ///
    /// # Errors
    /// It cannot be made or limited, or was killed before.
    ///
    /// # Cancel safety
    /// If the future is dropped, the process is killed as soon as it is made.
    pub(crate) async fn spawn(
        &self,
        spec: SpawnSpec,
        unclaimed: OnUnclaimedExit,
        on_swept: OnSwept,
    ) -> io::Result<Spawned> {
        let (reply, answer) = oneshot::channel();
        let request = SpawnRequest { life: Arc::clone(&self.life), spec, unclaimed, on_swept, reply };
        supervisor()?.send(request);
        answer.await.unwrap_or_else(|_| Err(io::Error::other("the supervisor thread is gone")))
    }

    /// Whether the process, which was made, has ended: then its exit is told soon, if it was not yet. Never blocks.
    pub(crate) fn has_ended(&self) -> bool {
        self.life.has_ended()
    }

    /// Ends the process group; also if the process is still to be made. Does not wait and never blocks.
    pub(crate) fn kill(&self) {
        self.life.kill();
    }
}

struct SpawnRequest {
    life: Arc<Life>,
    spec: SpawnSpec,
    unclaimed: OnUnclaimedExit,
    on_swept: OnSwept,
    reply: oneshot::Sender<io::Result<Spawned>>,
}

struct Supervisor {
    requests: mpsc::Sender<SpawnRequest>,
    wake: Arc<OwnedFd>,
}

impl Supervisor {
    fn start() -> io::Result<Self> {
        let (requests, inbox) = mpsc::channel();
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let watched = Arc::clone(&wake);
        std::thread::Builder::new()
            .name("ostler-supervisor".into())
            .spawn(move || Thread::new(inbox, watched).run())?;
        Ok(Self { requests, wake })
    }

    fn send(&self, request: SpawnRequest) {
        // The thread never ends, so there is always a receiver.
        let _ = self.requests.send(request);
        // It fails only when the counter is full, and then the thread is awake.
        let _ = rustix::io::write(&*self.wake, &1_u64.to_ne_bytes());
    }
}

fn supervisor() -> io::Result<&'static Supervisor> {
    static SUPERVISOR: OnceLock<Supervisor> = OnceLock::new();
    if let Some(supervisor) = SUPERVISOR.get() {
        return Ok(supervisor);
    }
    // Two first callers may each make one; the one that loses has no children and costs a sleeping thread.
    let made = Supervisor::start()?;
    Ok(SUPERVISOR.get_or_init(|| made))
}

struct Watched {
    child: Child,
    exit: oneshot::Sender<ChildExit>,
    unclaimed: OnUnclaimedExit,
    on_swept: OnSwept,
}

struct Thread {
    inbox: mpsc::Receiver<SpawnRequest>,
    wake: Arc<OwnedFd>,
    children: HashMap<u64, Watched>,
    next_key: u64,
    watch: OomWatch,
    /// Unless no second thread can be made.
    housekeeper: Option<Housekeeper>,
}

impl Thread {
    fn new(inbox: mpsc::Receiver<SpawnRequest>, wake: Arc<OwnedFd>) -> Self {
        let housekeeper = Housekeeper::start().inspect_err(|error| {
            tracing::warn!(%error, "what workers leave outside of their group will not be looked for");
        });
        Self {
            inbox,
            wake,
            children: HashMap::new(),
            next_key: 0,
            watch: OomWatch::start(),
            housekeeper: housekeeper.ok(),
        }
    }

    fn run(mut self) {
        loop {
            let ended = self.wait();
            let mut counter = [0; 8];
            let _ = rustix::io::read(&*self.wake, &mut counter);
            // An end is somebody's free slot: it does not wait for new ones to be made.
            self.advance(&ended);
            while let Ok(request) = self.inbox.try_recv() {
                self.spawn(request);
            }
        }
    }

    /// Sleeps until a request comes, a child ends, or it is time to look at a group again; says who has ended.
    fn wait(&self) -> Vec<u64> {
        let now = Instant::now();
        let next_look = self.children.values().filter_map(|watched| watched.child.next_look()).min();
        let timeout = next_look.map(|at| at.saturating_duration_since(now));
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut keys = Vec::new();
        let mut fds = vec![PollFd::new(&*self.wake, PollFlags::IN)];
        for (&key, watched) in &self.children {
            if let Some(exit) = watched.child.exit_event() {
                keys.push(key);
                fds.push(PollFd::from_borrowed_fd(exit, PollFlags::IN));
            }
        }
        // An interrupted wait is a short one.
        let _ = poll(&mut fds, timeout.as_ref());
        let ended = fds.iter().skip(1).zip(keys).filter(|(fd, _)| !fd.revents().is_empty());
        ended.map(|(_, key)| key).collect()
    }

    fn spawn(&mut self, request: SpawnRequest) {
        let SpawnRequest { life, spec, unclaimed, on_swept, reply } = request;
        if life.is_condemned() {
            let _ = reply.send(Err(io::Error::other("it was killed before it was made")));
            return;
        }
        let (child, output) = match Child::spawn(&spec, life, &mut self.watch) {
            Ok(made) => made,
            Err(error) => {
                let _ = reply.send(Err(error));
                return;
            }
        };
        if let Err(error) = limit::apply(child.pid(), &spec.limits) {
            child.kill();
            // Nobody asks for its end any more, but it must be reaped, and what it left be found.
            self.keep(child, oneshot::channel().0, Box::new(drop), Box::new(drop));
            let _ = reply.send(Err(io::Error::other(error)));
            return;
        }
        let (exit, claimed) = oneshot::channel();
        let pid = child.pid().as_raw_pid().unsigned_abs();
        if reply.send(Ok(Spawned { pid, output, exit: claimed })).is_err() {
            child.kill();
        }
        self.keep(child, exit, unclaimed, on_swept);
    }

    fn keep(
        &mut self,
        mut child: Child,
        exit: oneshot::Sender<ChildExit>,
        unclaimed: OnUnclaimedExit,
        on_swept: OnSwept,
    ) {
        child.note_oom_kills();
        if let Some((housekeeper, noted)) = self.housekeeper.as_ref().zip(child.noted()) {
            housekeeper.record(noted);
        }
        self.children.insert(self.next_key, Watched { child, exit, unclaimed, on_swept });
        self.next_key += 1;
    }

    /// Brings the children that have ended, and those whose group still ends, one step further.
    fn advance(&mut self, ended: &[u64]) {
        let now = Instant::now();
        let mut gone: Vec<(u64, ChildExit)> = Vec::new();
        for (&key, watched) in &mut self.children {
            let due = watched.child.next_look().is_some_and(|at| at <= now);
            if (due || ended.contains(&key))
                && let Some(exit) = watched.child.advance(now, &mut self.watch)
            {
                gone.push((key, exit));
            }
        }
        for (key, exit) in gone {
            if let Some(watched) = self.children.remove(&key) {
                self.bury(watched, exit);
            }
        }
    }

    fn bury(&self, watched: Watched, exit: ChildExit) {
        let Watched { child, exit: claimed, unclaimed, on_swept } = watched;
        if let Err(exit) = claimed.send(exit) {
            tell(|| unclaimed(exit));
        }
        match &self.housekeeper {
            Some(housekeeper) => housekeeper.sweep(child.id(), on_swept),
            None => tell(|| on_swept(Swept::default())),
        }
    }
}

/// It leads to the host's code, and this thread serves all managers of the process.
fn tell(end: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(end)).is_err() {
        tracing::error!("the end of a worker could not be told: the host panicked over it");
    }
}
