use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, getpid};
use tokio::sync::oneshot;

use super::child::{Child, Made};
use super::clone_child::{self, CAN_GO_BESIDE, Way};
use super::exit::ChildExit;
use super::exits::Exits;
use super::host;
use super::housekeeper::Housekeeper;
use super::life::Life;
use super::maker::{OnSwept, OnUnclaimedExit, Spawned};
use super::oom::{OomBaseline, OomWatch};
use super::spawn::{Launch, SpawnError, SpawnSpec};
use super::spawner::Spawners;
use super::sweep::Swept;
use super::worker_id::WorkerId;
use crate::HostError;
use crate::say;

/// One that comes with each turn must not take a processor.
const AFTER_A_PANIC: Duration = Duration::from_millis(50);

pub(super) struct SpawnRequest {
    pub(super) life: Arc<Life>,
    pub(super) spec: SpawnSpec,
    pub(super) unclaimed: OnUnclaimedExit,
    pub(super) on_swept: OnSwept,
    pub(super) reply: oneshot::Sender<Result<Spawned, SpawnError>>,
}

enum Message {
    Spawn(Box<SpawnRequest>),
    /// Nobody can ask for anything any more.
    End,
}

pub(super) struct Supervisor {
    requests: mpsc::Sender<Message>,
    wake: Arc<OwnedFd>,
    /// Where the thread is: it is not in what is forked from there.
    host: Pid,
}

impl Supervisor {
    pub(super) fn start() -> io::Result<Self> {
        let (requests, inbox) = mpsc::channel();
        let exits = Exits::new()?;
        let wake = Arc::clone(exits.wake());
        std::thread::Builder::new()
            .name("ostler-supervisor".into())
            .spawn(move || Thread::new(inbox, exits).run())?;
        Ok(Self { requests, wake, host: getpid() })
    }

    /// The answer comes to the request's `reply`, which is dropped with a thread that is gone.
    pub(super) fn spawn(&self, request: SpawnRequest) {
        self.send(Message::Spawn(Box::new(request)));
    }

    fn send(&self, message: Message) {
        // The thread ends only after the last message.
        let _ = self.requests.send(message);
        // It fails only when the counter is full, and then the thread is awake.
        let _ = rustix::io::write(&*self.wake, &1_u64.to_ne_bytes());
    }

    fn check(&self) -> Result<(), HostError> {
        if self.host == getpid() { Ok(()) } else { Err(HostError::Forked { parent: self.host.as_raw_pid() }) }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.send(Message::End);
    }
}

static SUPERVISOR: OnceLock<Supervisor> = OnceLock::new();

/// That of this process, made when it is first needed.
///
/// # Errors
/// Its threads cannot be made, or are in the process from which this one was forked.
pub(super) fn supervisor() -> Result<&'static Supervisor, SpawnError> {
    let supervisor = match SUPERVISOR.get() {
        Some(supervisor) => supervisor,
        None => {
            let made = Supervisor::start().map_err(SpawnError::system("start the supervisor thread"))?;
            // Two first callers may each make one. No lock, since a fork could leave one locked for ever: that of the one
            // that loses is dropped, and its threads end.
            SUPERVISOR.get_or_init(|| made)
        }
    };
    supervisor.check()?;
    Ok(supervisor)
}

/// Whether workers can be made in this process, as it is now.
///
/// # Errors
/// They could not be looked after.
pub(super) fn check_host() -> Result<(), HostError> {
    if let Some(supervisor) = SUPERVISOR.get() {
        supervisor.check()?;
    }
    host::check()
}

struct Watched {
    child: Child,
    exit: oneshot::Sender<ChildExit>,
    unclaimed: OnUnclaimedExit,
    on_swept: OnSwept,
}

/// A child that another thread makes.
struct Awaited {
    launch: Launch,
    id: WorkerId,
    before: OomBaseline,
    at: Instant,
    life: Arc<Life>,
    unclaimed: OnUnclaimedExit,
    on_swept: OnSwept,
    reply: oneshot::Sender<Result<Spawned, SpawnError>>,
}

struct Thread {
    inbox: mpsc::Receiver<Message>,
    exits: Exits,
    children: HashMap<u64, Watched>,
    next_key: u64,
    /// Those that may not have executed their program yet.
    launching: Vec<u64>,
    way: Way,
    spawners: Spawners,
    awaited: Vec<Awaited>,
    watch: OomWatch,
    /// Unless no second thread can be made.
    housekeeper: Option<Housekeeper>,
}

impl Thread {
    fn new(inbox: mpsc::Receiver<Message>, exits: Exits) -> Self {
        let housekeeper = Housekeeper::start().inspect_err(|error| {
            say!(warn, %error, "what workers leave outside of their group will not be looked for");
        });
        Self {
            inbox,
            spawners: Spawners::new(Arc::clone(exits.wake())),
            exits,
            children: HashMap::new(),
            next_key: 0,
            launching: Vec::new(),
            way: if CAN_GO_BESIDE { Way::Beside } else { Way::Before },
            awaited: Vec::new(),
            watch: OomWatch::start(),
            housekeeper: housekeeper.ok(),
        }
    }

    /// It goes on whatever the host's code does that listens to traces: all workers of this process would die with it.
    fn run(mut self) {
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.turn())) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return,
                Err(_) => std::thread::sleep(AFTER_A_PANIC),
            }
        }
    }

    fn turn(&mut self) -> ControlFlow<()> {
        let ended = self.wait();
        // An end is somebody's free slot: it does not wait for new ones to be made.
        self.advance(ended.as_deref());
        self.release();
        for awaited in self
            .awaited
            .extract_if(.., |awaited| awaited.launch.nascent().made().is_some())
            .collect::<Vec<_>>()
        {
            self.welcome(awaited);
        }
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                Message::Spawn(request) => self.spawn(*request),
                Message::End => return ControlFlow::Break(()),
            }
        }
        ControlFlow::Continue(())
    }

    /// Sleeps until a request comes, a child ends, or it is time to look at a group again; says who has ended, or nothing
    /// if anybody may have.
    fn wait(&mut self) -> Option<Vec<u64>> {
        let next_look = self.children.values().filter_map(|watched| watched.child.next_look()).min();
        self.exits.wait(next_look)
    }

    fn spawn(&mut self, request: SpawnRequest) {
        let SpawnRequest { life, spec, unclaimed, on_swept, reply } = request;
        let at = Instant::now();
        let made = self.make(&life, spec);
        let (launch, id, before) = match made {
            Ok(made) => made,
            Err(error) => {
                // Whoever asked may have given up.
                let _ = reply.send(Err(error));
                return;
            }
        };
        let awaited = Awaited { launch, id, before, at, life, unclaimed, on_swept, reply };
        match self.way {
            Way::Beside => self.welcome(awaited),
            Way::Before => self.awaited.push(awaited),
        }
    }

    fn make(&mut self, life: &Life, spec: SpawnSpec) -> Result<(Launch, WorkerId, OomBaseline), SpawnError> {
        if life.is_condemned() {
            return Err(SpawnError::Killed);
        }
        host::check()?;
        let id = WorkerId::fresh().map_err(SpawnError::system("get a random number for it"))?;
        let before = self.watch.baseline();
        let unmade = SpawnError::system("make a process");
        if self.way == Way::Beside {
            let launch = Launch::new(spec.clone(), id, None)?;
            match clone_child::make(launch.nascent(), Way::Beside) {
                Ok(()) => return Ok((launch, id, before)),
                Err(error) if is_forbidden(&error) => {
                    say!(info, %error, "processes are made by threads that wait for them");
                    self.way = Way::Before;
                }
                Err(error) => return Err(unmade(error)),
            }
        }
        let launch = Launch::new(spec, id, Some(self.exits.wake().as_fd()))?;
        self.spawners.make(launch.nascent()).map_err(unmade)?;
        Ok((launch, id, before))
    }

    /// The child is made.
    fn welcome(&mut self, awaited: Awaited) {
        let Awaited { mut launch, id, before, at, life, unclaimed, on_swept, reply } = awaited;
        let (pid, pidfd, output) = match launch.made() {
            Some(Ok(made)) => made,
            Some(Err(error)) => {
                let _ = reply.send(Err(error));
                return;
            }
            None => {
                let _ = reply.send(Err(SpawnError::NoSupervisor));
                return;
            }
        };
        self.watch.made(pid.as_raw_pid());
        let child = Child::new(id, Made { pid, pidfd, at }, life, before, launch);
        let (exit, claimed) = oneshot::channel();
        let pid = pid.as_raw_pid().unsigned_abs();
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
        if let Some(housekeeper) = &self.housekeeper {
            housekeeper.record(child.noted());
        }
        let key = self.next_key;
        self.next_key += 1;
        if let Some(event) = child.exit_event()
            && let Err(error) = self.exits.add(key, event)
        {
            say!(warn, %error, "the end of a worker is looked for from time to time");
            child.look_often(Instant::now());
        }
        self.children.insert(key, Watched { child, exit, unclaimed, on_swept });
        self.launching.push(key);
    }

    /// Takes back what children do not need any more that have executed their program.
    fn release(&mut self) {
        let children = &mut self.children;
        self.launching.retain(|key| children.get_mut(key).is_some_and(|watched| !watched.child.release()));
    }

    /// Brings the children that have ended, and those whose group still ends, one step further; all, if it is not known
    /// who has ended.
    fn advance(&mut self, ended: Option<&[u64]>) {
        let now = Instant::now();
        let mut gone: Vec<(u64, ChildExit)> = Vec::new();
        for (&key, watched) in &mut self.children {
            let due = watched.child.next_look().is_some_and(|at| at <= now);
            let has_ended = ended.is_some_and(|ended| ended.contains(&key));
            if !due && !has_ended && ended.is_some() {
                continue;
            }
            let was_watched = watched.child.exit_event().is_some();
            let exit = watched.child.advance(now, has_ended, &mut self.watch);
            if was_watched && watched.child.exit_event().is_none() {
                self.exits.remove(watched.child.pidfd());
            }
            gone.extend(exit.map(|exit| (key, exit)));
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
        let dead = child.dead();
        // Nothing of it is left here when that is told.
        drop(child);
        match &self.housekeeper {
            Some(housekeeper) => housekeeper.sweep(dead, on_swept),
            None => tell(|| on_swept(Swept::default())),
        }
    }
}

/// Whether the system lets nobody make a process that way, and not only now or of this user.
fn is_forbidden(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPERM | libc::ENOSYS | libc::EINVAL | libc::EACCES))
}

/// It leads to the host's code, and this thread serves all managers of the process.
fn tell(end: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(end)).is_err() {
        say!(error, "the end of a worker could not be told: the host panicked over it");
    }
}
