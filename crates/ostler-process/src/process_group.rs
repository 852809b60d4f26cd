use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use rustix::io::Errno;
use rustix::process::{Pid, geteuid, getpgid};
use tokio::sync::oneshot;

use super::life::{KillError, Life};
use super::maker::{Maker, OnSwept, OnUnclaimedExit, Peer, Spawned, WorkerProcess};
use super::memory;
use super::spawn::{SpawnError, SpawnSpec};
use super::supervisor::{SpawnRequest, Supervisor, check_host, supervisor};
use crate::HostError;

/// Each worker is a child of this process, and leads a session and a process group of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessGroups;

impl Maker for ProcessGroups {
    fn check_host(&self) -> Result<(), HostError> {
        check_host()
    }

    fn prepare(&self) -> Arc<dyn WorkerProcess> {
        Arc::new(ProcessGroup::new())
    }

    fn resident(&self, workers: &[u32]) -> io::Result<HashMap<u32, u64>> {
        memory::resident(workers)
    }
}

#[derive(Debug)]
pub(super) struct ProcessGroup {
    life: Arc<Life>,
}

impl ProcessGroup {
    /// The name of a process that is still to be made.
    pub(super) fn new() -> Self {
        Self { life: Arc::default() }
    }

    /// Of a process that runs already.
    #[cfg(test)]
    pub(super) fn living(leader: super::group::Leader) -> Self {
        let life = Life::default();
        life.begin(leader, None);
        Self { life: Arc::new(life) }
    }

    pub(super) async fn spawn_by(
        &self,
        supervisor: &Supervisor,
        spec: SpawnSpec,
        unclaimed: OnUnclaimedExit,
        on_swept: OnSwept,
    ) -> Result<Spawned, SpawnError> {
        let (reply, answer) = oneshot::channel();
        supervisor.spawn(SpawnRequest { life: Arc::clone(&self.life), spec, unclaimed, on_swept, reply });
        answer.await.unwrap_or(Err(SpawnError::NoSupervisor))
    }
}

impl WorkerProcess for ProcessGroup {
    fn spawn(
        &self,
        spec: SpawnSpec,
        unclaimed: OnUnclaimedExit,
        on_swept: OnSwept,
    ) -> BoxFuture<'_, Result<Spawned, SpawnError>> {
        Box::pin(async move { self.spawn_by(supervisor()?, spec, unclaimed, on_swept).await })
    }

    fn kill(&self) -> Result<(), KillError> {
        self.life.kill()
    }

    fn refusal(&self) -> Option<KillError> {
        self.life.refusal()
    }

    fn has_ended(&self) -> bool {
        self.life.has_ended()
    }

    /// It is this child or one of its group, of this user.
    fn is_peer(&self, Peer { pid, user }: Peer) -> io::Result<bool> {
        let (Some(leader), Some(pid)) = (self.life.made(), pid.and_then(Pid::from_raw)) else {
            return Ok(false);
        };
        if user != Some(geteuid().as_raw()) {
            return Ok(false);
        }
        if pid == leader {
            return Ok(true);
        }
        match getpgid(Some(pid)) {
            Ok(group) => Ok(group == leader),
            // Who has ended already is of no group.
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn own_memory(&self) -> Option<u64> {
        memory::held_by(self.life.made()?)
    }
}
