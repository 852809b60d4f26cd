use std::future::ready;
use std::io;
use std::sync::Arc;

use ostler_process::{
    KillError, OnSwept, OnUnclaimedExit, Peer, SpawnError, SpawnSpec, Spawned, WorkerProcess,
};
use tokio::sync::Notify;

use super::host::BoxFuture;
use super::wire::Wire;
use crate::PluginId;

/// The driver's hold on one worker.
pub(super) struct Link {
    pub(super) process: Arc<dyn WorkerProcess>,
    pub(super) pid: Option<u32>,
    /// Tells its task to feed in all that it has said until now.
    pub(super) catch_up: Arc<Notify>,
    /// It has not become ready, is not gone, and was not given up: who waits for a worker waits for it.
    pub(super) is_coming: bool,
    /// From its hello on.
    pub(super) wire: Option<Arc<Wire>>,
    /// The plugin of its job, or of its latest one: its id, and what the worker calls it.
    pub(super) plugin: Option<(PluginId, Arc<str>)>,
}

impl Link {
    pub(super) fn new(process: Arc<dyn WorkerProcess>) -> Self {
        Self { process, catch_up: Arc::default(), pid: None, is_coming: true, wire: None, plugin: None }
    }
}

/// A worker that its maker failed to name.
#[derive(Debug)]
pub(super) struct Unmade(pub(super) String);

impl WorkerProcess for Unmade {
    fn spawn(
        &self,
        _: SpawnSpec,
        _: OnUnclaimedExit,
        _: OnSwept,
    ) -> BoxFuture<'_, Result<Spawned, SpawnError>> {
        Box::pin(ready(Err(SpawnError::Other(self.0.clone()))))
    }

    fn kill(&self) -> Result<(), KillError> {
        Ok(())
    }

    fn refusal(&self) -> Option<KillError> {
        None
    }

    fn has_ended(&self) -> bool {
        true
    }

    fn is_peer(&self, _: Peer) -> io::Result<bool> {
        Ok(false)
    }

    fn own_memory(&self) -> Option<u64> {
        None
    }
}
