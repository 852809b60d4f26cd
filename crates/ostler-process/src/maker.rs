use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::exit::ChildExit;
use super::life::KillError;
use super::spawn::{ChildOutput, SpawnError, SpawnSpec};
use super::sweep::Swept;
use crate::HostError;

/// How workers come to be, end, and are accounted for: [`ProcessGroups`](crate::ProcessGroups) unless a manager is given
/// another one.
///
/// A manager's guarantees rest on what its maker keeps to:
///
/// - An exit is the proof that nothing of the worker runs any more which could be a part of its job: cancels are answered, and
///   its place is filled, because of it. It comes after everything that the worker printed can be read, and it is never left
///   out while anything of the worker lives.
/// - Each of the [`WorkerLimits`](crate::WorkerLimits) but `memory` holds from the first instruction of the program. A manager
///   keeps to `memory` itself, by what [`resident`](Self::resident) says.
/// - No two workers that live have the same `pid`. A resource hook of the host may take it for the number of a process.
/// - The worker ends when this process dies. The stock worker sees to that, if it leads a process group of its own.
/// - The abstract socket that the worker is told of can be reached from where it is.
///
/// [`prepare`](Self::prepare), [`kill`](WorkerProcess::kill) and [`refusal`](WorkerProcess::refusal) are called under a lock of
/// the manager: they never block, and call neither the manager nor what `spawn` was given before they return. The others but
/// `resident` of the maker are called where jobs are waited for, and take no longer than a system call.
///
/// # Panics
/// A panic of `prepare`, `spawn` or the maker's `resident` is taken for the error of that call, and one of `kill` is logged. The
/// other calls must not panic: one that does ends the manager, or the launch.
pub trait Maker: fmt::Debug + Send + Sync + 'static {
    /// Whether workers can be made by this host, as it is now.
    ///
    /// # Errors
    /// They could not be looked after.
    fn check_host(&self) -> Result<(), HostError>;

    /// A worker that is still to be made. From now on it can be killed.
    fn prepare(&self) -> Arc<dyn WorkerProcess>;

    /// The resident bytes of all that belongs to each of these workers, which are named by the `pid` of
    /// [`Spawned`]. What its processes share may be counted for each of them. One of which nothing is left takes none.
    /// It may take long, and is called where that holds up nobody.
    ///
    /// # Errors
    /// It cannot be found out: then nobody knows what they take.
    fn resident(&self, workers: &[u32]) -> io::Result<HashMap<u32, u64>>;
}

/// One worker with all that belongs to it, from before it is made until after it is gone.
pub trait WorkerProcess: fmt::Debug + Send + Sync + 'static {
    /// Makes it; called once. Its exit goes to who waits for it, else to `unclaimed`, when nothing is left of it that could
    /// still run a part of a job, but for what has escaped. After that `on_swept` is called, once, when what has escaped was
    /// ended. If it was not made, neither is.
    ///
    /// Its program may be executed later, or never, and then the exit says why.
    ///
    /// # Errors
    /// It cannot be made, or was killed before.
    ///
    /// # Cancel safety
    /// If the future is dropped, the worker is killed as soon as it is made.
    fn spawn(
        &self,
        spec: SpawnSpec,
        unclaimed: OnUnclaimedExit,
        on_swept: OnSwept,
    ) -> BoxFuture<'_, Result<Spawned, SpawnError>>;

    /// Ends all that belongs to it, also if it is still to be made. Waits for nothing, and may be called again: of one that has
    /// ended it is no error.
    ///
    /// # Errors
    /// It goes on living.
    fn kill(&self) -> Result<(), KillError>;

    /// Why the last kill was refused, if it lives because of that.
    fn refusal(&self) -> Option<KillError>;

    /// Whether a worker that was made has ended: then its exit is told soon, if it was not yet.
    fn has_ended(&self) -> bool;

    /// Whether whoever is at the other end of a connection is this worker, which was made.
    ///
    /// # Errors
    /// It cannot be found out.
    fn is_peer(&self, peer: Peer) -> io::Result<bool>;

    /// The resident bytes of its own process, without what that has started; none if it is gone, or cannot be looked at.
    /// Asked when it is ready, and after each job where workers are recycled for their growth.
    fn own_memory(&self) -> Option<u64>;
}

/// Who is at the other end of a connection: the kernel vouches for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The process that connected.
    pub pid: Option<i32>,
    /// The user in whose name it did.
    pub user: Option<u32>,
}

/// A worker that was made.
#[derive(Debug)]
pub struct Spawned {
    /// The number of its process, by which it is known to users and to hooks of the host.
    pub pid: u32,
    /// What it prints.
    pub output: ChildOutput,
    /// How it ends. If the other end is dropped without a word, the worker is killed and taken for dead.
    pub exit: oneshot::Receiver<ChildExit>,
}

/// Called, on any thread, if nobody waits for the exit any more.
pub type OnUnclaimedExit = Box<dyn FnOnce(ChildExit) + Send>;

/// Called, on any thread, once for each worker that was made: its exit was handed out, and what it left behind that had
/// escaped was looked for.
pub type OnSwept = Box<dyn FnOnce(Swept) + Send>;
