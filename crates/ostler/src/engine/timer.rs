use std::sync::Arc;
use std::time::Instant;

use ostler_lifecycle::Input;

use super::Core;
use super::cargo::Cargo;
use crate::JobType;

/// Feeds in the passing of time, whenever the machine asked for it, until the manager is closed.
pub(super) async fn run<J: JobType>(core: Arc<Core<J>>) {
    loop {
        let (armed, closed) = {
            let state = core.lock();
            (state.armed, state.is_closed())
        };
        if closed {
            return;
        }
        let Some(at) = armed else {
            core.timer.notified().await;
            continue;
        };
        if at <= Instant::now() {
            // There is more to do than is done in one step; whatever else wants to be done goes in between.
            wake(&core);
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            () = tokio::time::sleep_until(at.into()) => wake(&core),
            () = core.timer.notified() => {}
        }
    }
}

/// The time that was asked for has come; meanwhile it may have become meaningless.
fn wake<J: JobType>(core: &Arc<Core<J>>) {
    let is_due = {
        let mut state = core.lock();
        state.armed = None;
        let next = state.machine.next_deadline();
        let is_due = next.is_some_and(|at| at <= Instant::now());
        if !is_due {
            state.armed = next;
        }
        is_due
    };
    if is_due {
        core.feed(Input::Tick, Cargo::None);
    }
}
