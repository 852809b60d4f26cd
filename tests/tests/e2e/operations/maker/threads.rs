//! A maker that makes no process: its workers are threads of this one, and die when a test says so.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::Shutdown;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use ostler::ExitStatus;
use ostler::process::{
    ChildExit, ChildOutput, KillError, Maker, OnSwept, OnUnclaimedExit, Peer, SpawnError, SpawnSpec, Spawned,
    Swept, WorkerProcess,
};
use ostler::worker::{PluginSet, ServeOptions, serve};
use tokio::sync::oneshot;

/// No process has such a number.
const FIRST_PID: u32 = 5_000_000;

/// The maker. A clone is the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Threads(Arc<Mutex<Plan>>);

/// What becomes of workers.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Why the next ones cannot be made.
    pub(super) unmade: VecDeque<SpawnError>,
    /// They live on when they are killed.
    pub(super) refuses_to_die: bool,
    /// The system refuses to kill them.
    pub(super) refuses_kills: bool,
    /// Whoever connects is somebody else.
    pub(super) knows_nobody: bool,
    /// What each takes.
    pub(super) resident: u64,
    /// The call that panics.
    pub(super) panics_in: Option<&'static str>,
    /// Nobody is told of an exit, or of what was swept for.
    pub(super) is_silent: bool,
    made: Vec<Arc<Thread>>,
}

impl Threads {
    pub(super) fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap()
    }

    /// The one with this number dies of that.
    pub(super) fn dies(&self, pid: u32, status: ExitStatus) {
        let thread = self.plan().made.iter().find(|thread| thread.pid == pid).cloned().unwrap();
        thread.die(status);
    }

    fn enter(&self, call: &str) -> MutexGuard<'_, Plan> {
        let plan = self.plan();
        if plan.panics_in == Some(call) {
            drop(plan);
            panic!("{call} was to panic");
        }
        plan
    }

    /// All that live.
    pub(super) fn living(&self) -> Vec<u32> {
        let made = self.plan().made.clone();
        made.iter().filter(|thread| thread.life().is_some()).map(|thread| thread.pid).collect()
    }
}

impl Maker for Threads {
    fn check_host(&self) -> Result<(), ostler::HostError> {
        Ok(())
    }

    fn prepare(&self) -> Arc<dyn WorkerProcess> {
        let mut plan = self.enter("prepare");
        let pid = FIRST_PID + u32::try_from(plan.made.len()).unwrap();
        let thread =
            Thread { maker: self.clone(), pid, life: Mutex::new(None), was_killed: Mutex::new(false) };
        plan.made.push(Arc::new(thread));
        Arc::clone(plan.made.last().unwrap()) as _
    }

    fn resident(&self, workers: &[u32]) -> io::Result<HashMap<u32, u64>> {
        let each = self.enter("resident").resident;
        Ok(workers.iter().map(|pid| (*pid, each)).collect())
    }
}

#[derive(Debug)]
struct Thread {
    maker: Threads,
    pid: u32,
    life: Mutex<Option<Life>>,
    was_killed: Mutex<bool>,
}

struct Life {
    connection: UnixStream,
    /// Open as long as it lives.
    _output: [io::PipeWriter; 2],
    exit: oneshot::Sender<ChildExit>,
    unclaimed: OnUnclaimedExit,
    on_swept: OnSwept,
}

impl std::fmt::Debug for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Life")
    }
}

impl Thread {
    fn life(&self) -> MutexGuard<'_, Option<Life>> {
        self.life.lock().unwrap()
    }

    fn die(&self, status: ExitStatus) {
        let Some(life) = self.life().take() else { return };
        // It may have hung up.
        let _ = life.connection.shutdown(Shutdown::Both);
        if self.maker.plan().is_silent {
            return;
        }
        // A kill must not call what it was given.
        std::thread::spawn(move || {
            if let Err(exit) = life.exit.send(ChildExit { status, ..ChildExit::unknown() }) {
                (life.unclaimed)(exit);
            }
            (life.on_swept)(Swept::default());
        });
    }

    fn begin(
        &self,
        spec: &SpawnSpec,
        unclaimed: OnUnclaimedExit,
        on_swept: OnSwept,
    ) -> Result<Spawned, SpawnError> {
        // No kill comes in between: it would find nobody.
        let was_killed = self.was_killed.lock().unwrap();
        if *was_killed {
            return Err(SpawnError::Killed);
        }
        if let Some(why) = self.maker.enter("spawn").unmade.pop_front() {
            return Err(why);
        }
        let variable = |name: &str| {
            let mut set = spec.env.iter().rev();
            set.find(|(key, _)| key == name).and_then(|(_, value)| value.to_str()).unwrap().to_owned()
        };
        let address = SocketAddr::from_abstract_name(variable("OSTLER_SOCKET")).unwrap();
        let connection = UnixStream::connect_addr(&address).unwrap();
        let token = u128::from_str_radix(&variable("OSTLER_TOKEN"), 16).unwrap().to_be_bytes();
        let (reader, writer) = (connection.try_clone().unwrap(), connection.try_clone().unwrap());
        std::thread::spawn(move || {
            let mut plugins = PluginSet::new();
            ostler_tests::lab::register_all(&mut plugins);
            // A connection that the test ends is no end that it waits for.
            let _ = serve(reader, writer, &mut plugins, ServeOptions { token, ..ServeOptions::default() });
        });
        let (stdout, their_stdout) = io::pipe().unwrap();
        let (stderr, their_stderr) = io::pipe().unwrap();
        let (exit, told) = oneshot::channel();
        let _output = [their_stdout, their_stderr];
        *self.life() = Some(Life { connection, _output, exit, unclaimed, on_swept });
        let output = ChildOutput { stdout: stdout.into(), stderr: stderr.into() };
        Ok(Spawned { pid: self.pid, output, exit: told })
    }
}

impl WorkerProcess for Thread {
    fn spawn(
        &self,
        spec: SpawnSpec,
        unclaimed: OnUnclaimedExit,
        on_swept: OnSwept,
    ) -> Pin<Box<dyn Future<Output = Result<Spawned, SpawnError>> + Send + '_>> {
        Box::pin(async move { self.begin(&spec, unclaimed, on_swept) })
    }

    fn kill(&self) -> Result<(), KillError> {
        *self.was_killed.lock().unwrap() = true;
        let (refuses_to_die, refuses_kills) = {
            let plan = self.maker.enter("kill");
            (plan.refuses_to_die, plan.refuses_kills)
        };
        if refuses_kills {
            return Err(KillError::Other("the threads do not want it".to_owned()));
        }
        if !refuses_to_die {
            self.die(ExitStatus::Signal { number: libc::SIGKILL, core_dumped: false });
        }
        Ok(())
    }

    fn refusal(&self) -> Option<KillError> {
        let refuses = self.maker.plan().refuses_kills && *self.was_killed.lock().unwrap();
        refuses.then(|| KillError::Other("the threads do not want it".to_owned()))
    }

    fn has_ended(&self) -> bool {
        self.life().is_none()
    }

    fn is_peer(&self, peer: Peer) -> io::Result<bool> {
        let is_this = peer.pid.is_some_and(|pid| u32::try_from(pid) == Ok(std::process::id()));
        Ok(is_this && !self.maker.plan().knows_nobody)
    }

    fn own_memory(&self) -> Option<u64> {
        Some(self.maker.plan().resident)
    }
}
