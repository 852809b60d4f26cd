//! The end of a manager, and what it waits for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_lifecycle::{Input, WorkerKey};
use ostler_process::Swept;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::Core;
use super::cargo::Cargo;
use crate::JobType;
use crate::caught::say;

/// What the host's hooks have after the last job's end at least: those of the jobs that the deadline ended are called
/// only then. And what its integrations have at a launch.
const LAST_HOOKS: Duration = Duration::from_secs(1);

/// A shutdown is complete, but for what the host is still told.
#[derive(Clone)]
pub(super) struct Closed {
    /// Processes that do not die.
    pub(super) still_dying: Vec<u32>,
    pub(super) at: Instant,
}

/// How long a shutdown waits for what workers left outside of their groups. Such a search is over in a second, or stuck.
const LONGEST_SWEEP: Duration = Duration::from_secs(5);

impl<J: JobType> Core<J> {
    pub(crate) fn begin_shutdown(self: &Arc<Self>) {
        self.shut_down_within(self.settings.shutdown_timeout);
    }

    pub(crate) fn shut_down_within(self: &Arc<Self>, patience: Duration) {
        let deadline = Instant::now() + patience;
        self.closing.send_if_modified(|known| {
            let is_sooner = known.is_none_or(|known| deadline < known);
            if is_sooner {
                *known = Some(deadline);
            }
            is_sooner
        });
        self.feed(Input::Shutdown { deadline }, Cargo::None);
    }

    /// Returns when a shutdown was asked for.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn shuts_down(&self) {
        // The sender is ours, so it is there.
        let _ = self.closing.subscribe().wait_for(Option::is_some).await;
    }

    /// Returns then, or when the runtime of the manager is gone. It may be awaited outside of every runtime.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn sleep_until(&self, at: Instant) {
        let timer = self.runtime.spawn(async move { tokio::time::sleep_until(at.into()).await });
        let _stopped = AbortOnDrop(timer.abort_handle());
        // It fails only with the runtime.
        let _ = timer.await;
    }

    /// Why the system refused to kill one of these processes, if it did and the process lives because of that.
    pub(crate) fn kill_refusal(&self, pids: &[u32]) -> Option<String> {
        let state = self.lock();
        let mut meant = state.links.values().filter(|link| link.pid.is_some_and(|pid| pids.contains(&pid)));
        meant.find_map(|link| link.process.refusal()).map(|refusal| refusal.to_string())
    }

    /// What a worker has left outside of its group is being looked for, until this is dropped.
    pub(super) fn sweeping(&self) -> Running {
        Running::begin(&self.sweeps)
    }

    /// What a dead worker had left outside of its group was looked for, and ended.
    pub(super) fn swept(&self, worker: WorkerKey, pid: u32, swept: Swept) {
        let Swept { killed, survivors, unknown } = swept;
        if killed > 0 || survivors > 0 {
            say!(info, %worker, pid, killed, survivors, "ended what had left the worker's group");
        }
        let mut state = self.lock();
        if let Some(job) = state.unswept.remove(&worker) {
            state.ledger.add_swept(job, killed, unknown);
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

    /// Waits for the end of a shutdown, and for what the host is still told, as long as the deadline allows; the
    /// processes that do not die.
    pub(crate) async fn closed(&self) -> Vec<u32> {
        let mut closed = self.closed.subscribe();
        // The sender is ours, so it is there.
        let closed = closed.wait_for(Option::is_some).await.ok().and_then(|closed| closed.clone());
        let Some(Closed { still_dying, at }) = closed else { return Vec::new() };
        // It takes a second, unless a process is there at which nobody can look without waiting for something else, a dead
        // mount perhaps. The sender is ours, so it is there.
        let mut sweeps = self.sweeps.subscribe();
        tokio::select! {
            biased;
            _ = sweeps.wait_for(|running| *running == 0) => {}
            () = self.sleep_until(Instant::now() + LONGEST_SWEEP) => say!(
                warn,
                "the shutdown is complete, but what workers left outside of their groups is still looked for"
            ),
        }
        let told = async {
            let mut hooks = self.hooks.subscribe();
            // The sender is ours, so it is there.
            let _ = hooks.wait_for(|running| *running == 0).await;
            self.notices.settled().await;
        };
        tokio::select! {
            biased;
            () = told => {}
            () = self.patience_is_over(at) => {
                say!(warn, "the shutdown is complete, but a hook or an integration of the host still runs");
            }
        }
        still_dying
    }

    /// Waits until the host's integrations were told of the launch: whoever subscribes after it shall see what comes after
    /// it. One that is slow is not waited for.
    pub(crate) async fn told_of_launch(&self) {
        if self.notices.has_listener() {
            tokio::select! {
                biased;
                () = self.notices.settled() => {}
                () = self.sleep_until(Instant::now() + LAST_HOOKS) => {}
            }
        }
    }

    /// Returns at the deadline of the shutdown, which another call may make sooner; or a moment after its completion.
    async fn patience_is_over(&self, closed_at: Instant) {
        let mut closing = self.closing.subscribe();
        loop {
            let deadline = closing.borrow_and_update().unwrap_or(closed_at).max(closed_at + LAST_HOOKS);
            if deadline <= Instant::now() {
                return;
            }
            tokio::select! {
                () = self.sleep_until(deadline) => return,
                // The sender is ours, so it is there.
                _ = closing.changed() => {}
            }
        }
    }
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
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
