//! Feeds in the passing of time: that it has passed, and that some of it was lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_lifecycle::Input;

use super::Core;
use super::cargo::Cargo;
use crate::JobType;

/// While a deadline runs, the timer goes off so often, to see whether it goes off late: so exactly it is known how long the
/// host did not run. `docs/supervision.md` promises it.
const SLICE: Duration = Duration::from_millis(250);

/// Who is so much behind is only busy, and has not lost any time.
const BEHIND: Duration = Duration::from_millis(50);

enum Next {
    /// The manager is closed.
    Nothing,
    /// Nothing, until somebody calls.
    Call,
    /// The time has come that was asked for.
    Tick,
    Sleep(Instant),
}

/// Feeds in the passing of time, whenever the machine asked for it, until the manager is closed.
pub(super) async fn run<J: JobType>(core: Arc<Core<J>>) {
    // When this task was to run again.
    let mut due = None;
    loop {
        match look(&core, due.take()) {
            Next::Nothing => return,
            Next::Call => core.timer.notified().await,
            Next::Tick => {
                core.feed(Input::Tick, Cargo::None);
                // If there is more to do than is done in one step, whatever else wants to be done goes in between.
                tokio::task::yield_now().await;
            }
            Next::Sleep(until) => {
                due = Some(until);
                tokio::select! {
                    () = tokio::time::sleep_until(until.into()) => {}
                    () = core.timer.notified() => {}
                }
            }
        }
    }
}

fn look<J: JobType>(core: &Arc<Core<J>>, due: Option<Instant>) -> Next {
    let called = core.lock().alarm.called.take();
    let now = Instant::now();
    let late = [due, called].into_iter().flatten().min().map(|due| now.saturating_duration_since(due));
    if let Some(time) = late.filter(|late| *late > BEHIND) {
        tracing::debug!(?time, "the host did not run: that counts for no deadline");
        core.feed(Input::HostPaused { time }, Cargo::None);
    }
    let mut state = core.lock();
    if state.is_closed() {
        return Next::Nothing;
    }
    // What was asked for may have become meaningless since.
    let next = state.next_deadline();
    let is_watched = state.machine.counts_time();
    state.alarm.set_for = next;
    state.alarm.is_watched = is_watched;
    match next {
        None => Next::Call,
        Some(at) if at <= now => {
            state.alarm.set_for = None;
            Next::Tick
        }
        Some(at) if is_watched => Next::Sleep(at.min(now + SLICE)),
        Some(at) => Next::Sleep(at),
    }
}

/// What the timer is set for.
#[derive(Default)]
pub(super) struct Alarm {
    set_for: Option<Instant>,
    /// Whether it goes off often enough to see whether time is lost.
    is_watched: bool,
    /// When it was called because it has to be set anew.
    called: Option<Instant>,
}

impl Alarm {
    /// Whether the timer has to be set anew, and is to be called for that. One that goes off too early costs one look; it
    /// is not set again for each job.
    pub(super) fn must_be_set(
        &mut self,
        now: Instant,
        next: Option<Instant>,
        counts_time: impl FnOnce() -> bool,
    ) -> bool {
        let Some(next) = next else { return false };
        let is_sooner = self.set_for.is_none_or(|set_for| next < set_for);
        if is_sooner {
            self.set_for = Some(next);
        } else if self.is_watched || !counts_time() {
            return false;
        }
        self.is_watched |= !is_sooner;
        self.called.get_or_insert(now);
        true
    }
}
