//! The end of a manager, and what it waits for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_lifecycle::{Input, WorkerKey};
use tokio::sync::watch;

use super::Core;
use super::cargo::Cargo;
use crate::JobType;
use crate::process::Swept;

impl<J: JobType> Core<J> {
    pub(crate) fn begin_shutdown(self: &Arc<Self>) {
        self.shut_down_within(self.settings.shutdown_timeout);
    }

    pub(crate) fn shut_down_within(self: &Arc<Self>, patience: Duration) {
        self.feed(Input::Shutdown { deadline: Instant::now() + patience }, Cargo::None);
    }

    /// What a worker has left outside of its group is being looked for, until this is dropped.
    pub(super) fn sweeping(&self) -> Running {
        Running::begin(&self.sweeps)
    }

    /// What a dead worker had left outside of its group was looked for, and ended.
    pub(super) fn swept(&self, worker: WorkerKey, pid: u32, swept: Swept) {
        let Swept { killed, survivors } = swept;
        if killed > 0 || survivors > 0 {
            tracing::info!(%worker, pid, killed, survivors, "ended what had left the worker's group");
        }
        let mut state = self.lock();
        if let Some(job) = state.unswept.remove(&worker) {
            state.ledger.add_swept(job, killed);
        }
    }

    /// Runs a hook of the host on a task of its own, and remembers that it does.
    pub(super) fn spawn_hook(self: &Arc<Self>, hook: impl Future<Output = ()> + Send + 'static) {
        let done = Running::begin(&self.hooks);
        self.runtime.spawn(async move {
            hook.await;
            drop(done);
        });
    }

    /// Waits for the end of a shutdown, and for what the host is still told, though not longer than for jobs; the
    /// processes that do not die.
    pub(crate) async fn closed(&self) -> Vec<u32> {
        let mut closed = self.closed.subscribe();
        // The sender is ours, so it is there.
        let still_dying = closed.wait_for(Option::is_some).await.ok().and_then(|pids| pids.clone());
        // It takes no longer than a second. The sender is ours, so it is there.
        let _ = self.sweeps.subscribe().wait_for(|running| *running == 0).await;
        let told = async {
            let mut hooks = self.hooks.subscribe();
            // The sender is ours, so it is there.
            let _ = hooks.wait_for(|running| *running == 0).await;
            self.notices.settled().await;
        };
        if tokio::time::timeout(self.settings.shutdown_timeout, told).await.is_err() {
            tracing::warn!("the shutdown is complete, but a hook or an integration of the host still runs");
        }
        still_dying.unwrap_or_default()
    }
}

/// A hook or a sweep that goes on; also one that is dropped with its runtime has ended.
pub(super) struct Running(watch::Sender<usize>);

impl Running {
    fn begin(counter: &watch::Sender<usize>) -> Self {
        counter.send_modify(|running| *running += 1);
        Self(counter.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}
