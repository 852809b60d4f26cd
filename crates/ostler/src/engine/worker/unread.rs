//! A deadline has passed, and is judged when all was fed in that the worker had said until then: how long that may take.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_lifecycle::{Input, WorkerKey};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::JobType;
use crate::engine::Core;
use crate::engine::cargo::Cargo;
use crate::process::Process;

/// A worker connects and says hello in two or three turns of the runtime's look at what has come; strangers may come
/// first. Each sleep takes at least one turn.
const TURNS: u32 = 10;
const A_TURN: Duration = Duration::from_millis(1);

/// A frame of which a part had come is waited for so long in all, and as long as more of it comes.
const REST_OF_A_FRAME: Duration = Duration::from_secs(2);
const MORE_OF_A_FRAME: Duration = Duration::from_millis(200);

/// The exit of a process that has ended is waited for so long. The rest of its group may take longer to end.
const EXIT: Duration = Duration::from_secs(2);

/// The question for what lies unread of one worker.
pub(super) struct Unread {
    process: Process,
    asked: Arc<Notify>,
}

impl Unread {
    pub(super) fn new(process: Process, asked: Arc<Notify>) -> Self {
        Self { process, asked }
    }

    /// Returns when somebody asks for what lies unread.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// For the rest of a frame.
    pub(super) fn patience(&self) -> Patience {
        Patience { ends: Instant::now() + REST_OF_A_FRAME }
    }

    /// Returns when a connection and a hello that are there have been taken.
    pub(super) async fn connection_is_seen(&self) {
        for _ in 0..TURNS {
            sleep(A_TURN).await;
        }
    }

    /// Does not return before the exit is told of a process that has ended, within bounds: its conversation is over then,
    /// and this is dropped.
    pub(super) async fn exit_is_told(&self) {
        if self.process.has_ended() {
            sleep(EXIT).await;
        }
    }
}

/// How much longer something is waited for.
pub(super) struct Patience {
    ends: Instant,
}

impl Patience {
    /// Whether more has come in time.
    pub(super) async fn waits_for(&mut self, more: impl Future<Output = ()>) -> bool {
        let left = self.ends.saturating_duration_since(Instant::now());
        !left.is_zero() && timeout(left.min(MORE_OF_A_FRAME), more).await.is_ok()
    }
}

/// A process that is being made has said nothing.
///
/// # Cancel safety
/// Cancel safe.
pub(super) async fn nothing_was_said<J: JobType>(
    core: &Arc<Core<J>>,
    worker: WorkerKey,
    asked: &Notify,
) -> Infallible {
    loop {
        asked.notified().await;
        core.feed(Input::CaughtUp { worker }, Cargo::None);
    }
}
