//! A deadline has passed, and is judged when all was fed in that the worker had said until then: how long that may take.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_lifecycle::{Input, WorkerKey};
use ostler_process::WorkerProcess;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::inbound::Inbound;
use crate::JobType;
use crate::engine::Core;
use crate::engine::cargo::Cargo;

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
    process: Arc<dyn WorkerProcess>,
    asked: Arc<Notify>,
}

impl Unread {
    pub(super) fn new(process: Arc<dyn WorkerProcess>, asked: Arc<Notify>) -> Self {
        Self { process, asked }
    }

    pub(super) fn process(&self) -> &dyn WorkerProcess {
        &*self.process
    }

    /// Returns when somebody asks for what lies unread.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn asked(&self) -> Question {
        self.asked.notified().await;
        Question { asked: Arc::clone(&self.asked), is_answered: false }
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

/// Somebody has asked, and nothing of this worker is judged before that is answered. Who drops it without an answer leaves
/// it to whoever listens next.
pub(super) struct Question {
    asked: Arc<Notify>,
    is_answered: bool,
}

impl Question {
    /// All was fed in.
    pub(super) fn answer<J: JobType>(mut self, inbound: &Inbound<J>) {
        self.is_answered = true;
        inbound.caught_up();
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if !self.is_answered {
            self.asked.notify_one();
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

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use ostler_process::{Maker, ProcessGroups};

    use super::*;

    fn question(unread: &Unread) -> Option<Question> {
        match pin!(unread.asked()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(question) => Some(question),
            Poll::Pending => None,
        }
    }

    /// A worker said hello while the answer was on its way, and no deadline of it was ever judged again.
    #[test]
    fn a_question_whose_answer_was_given_up_is_asked_again() {
        let asked = Arc::new(Notify::new());
        let unread = Unread::new(ProcessGroups.prepare(), Arc::clone(&asked));
        assert!(question(&unread).is_none());
        asked.notify_one();
        drop(question(&unread));
        assert!(question(&unread).is_some());
    }
}
