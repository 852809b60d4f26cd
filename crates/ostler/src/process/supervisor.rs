use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use tokio::sync::oneshot;

use super::child::{Child, ChildOutput, SpawnSpec};
use super::reap::Remains;

/// A process that was made.
pub(crate) struct Spawned {
    pub(crate) pid: u32,
    pub(crate) output: ChildOutput,
    pub(crate) exit: oneshot::Receiver<ChildExit>,
}

/// The child is reaped and its group is empty.
pub(crate) type ChildExit = Remains;

/// Called on the supervisor's thread if nobody waits for the exit any more.
pub(crate) type OnUnclaimedExit = Box<dyn FnOnce(ChildExit) + Send>;

/// One process, from before it is made until after it is gone. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    key: u64,
    condemned: Arc<AtomicBool>,
}

impl Process {
    /// The name of a process that is still to be made.
    pub(crate) fn new() -> Self {
        static KEYS: AtomicU64 = AtomicU64::new(0);
        Self { key: KEYS.fetch_add(1, Ordering::Relaxed), condemned: Arc::default() }
    }

    /// Makes the process, on the supervisor's thread.
    ///
    /// # Errors
    /// It cannot be made, or was killed before.
    ///
    /// # Cancel safety
    /// If the future is dropped, the process is killed as soon as it is made.
    pub(crate) async fn spawn(&self, spec: SpawnSpec, unclaimed: OnUnclaimedExit) -> io::Result<Spawned> {
        let (reply, answer) = oneshot::channel();
        supervisor()?.send(Request::Spawn(Box::new(SpawnRequest {
            process: self.clone(),
            spec,
            unclaimed,
            reply,
        })));
        answer.await.unwrap_or_else(|_| Err(io::Error::other("the supervisor thread is gone")))
    }

    /// Ends the process group; also if the process is still to be made. Does not wait and never blocks.
    pub(crate) fn kill(&self) {
        self.condemned.store(true, Ordering::Release);
        // Without a supervisor there is no process either.
        if let Ok(supervisor) = supervisor() {
            supervisor.send(Request::Kill(self.key));
        }
    }
}

enum Request {
    Spawn(Box<SpawnRequest>),
    Kill(u64),
}

struct SpawnRequest {
    process: Process,
    spec: SpawnSpec,
    unclaimed: OnUnclaimedExit,
    reply: oneshot::Sender<io::Result<Spawned>>,
}

struct Supervisor {
    requests: mpsc::Sender<Request>,
    wake: Arc<OwnedFd>,
}

impl Supervisor {
    fn start() -> io::Result<Self> {
        let (requests, inbox) = mpsc::channel();
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let thread = Thread { inbox, wake: Arc::clone(&wake), children: HashMap::new() };
        std::thread::Builder::new().name("ostler-supervisor".into()).spawn(move || thread.run())?;
        Ok(Self { requests, wake })
    }

    fn send(&self, request: Request) {
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
}

struct Thread {
    inbox: mpsc::Receiver<Request>,
    wake: Arc<OwnedFd>,
    children: HashMap<u64, Watched>,
}

impl Thread {
    fn run(mut self) {
        loop {
            let ended = self.wait();
            let mut counter = [0; 8];
            let _ = rustix::io::read(&*self.wake, &mut counter);
            while let Ok(request) = self.inbox.try_recv() {
                match request {
                    Request::Spawn(request) => self.spawn(*request),
                    Request::Kill(key) => {
                        if let Some(watched) = self.children.get(&key) {
                            watched.child.kill();
                        }
                    }
                }
            }
            self.advance(&ended);
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
        let SpawnRequest { process, spec, unclaimed, reply } = request;
        if process.condemned.load(Ordering::Acquire) {
            let _ = reply.send(Err(io::Error::other("it was killed before it was made")));
            return;
        }
        let (child, output) = match Child::spawn(&spec) {
            Ok(made) => made,
            Err(error) => {
                let _ = reply.send(Err(error));
                return;
            }
        };
        let (exit, claimed) = oneshot::channel();
        let pid = child.pid().as_raw_nonzero().get().unsigned_abs();
        if reply.send(Ok(Spawned { pid, output, exit: claimed })).is_err() {
            child.kill();
        }
        self.children.insert(process.key, Watched { child, exit, unclaimed });
    }

    /// Brings the children that have ended, and those whose group still ends, one step further.
    fn advance(&mut self, ended: &[u64]) {
        let now = Instant::now();
        let mut gone: Vec<(u64, ChildExit)> = Vec::new();
        for (&key, watched) in &mut self.children {
            let due = watched.child.next_look().is_some_and(|at| at <= now);
            if (due || ended.contains(&key))
                && let Some(remains) = watched.child.advance(now)
            {
                gone.push((key, remains));
            }
        }
        for (key, remains) in gone {
            let Some(Watched { exit, unclaimed, .. }) = self.children.remove(&key) else { continue };
            if let Err(remains) = exit.send(remains) {
                // It leads to the host's code, and this thread serves all managers of the process.
                if catch_unwind(AssertUnwindSafe(|| unclaimed(remains))).is_err() {
                    tracing::error!("the end of a worker could not be told: the host panicked over it");
                }
            }
        }
    }
}
