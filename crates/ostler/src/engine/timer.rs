//! Feeds in the passing of time: that it has passed, and that some of it was lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_lifecycle::Input;

use super::Core;
use super::cargo::Cargo;
use super::errand::Errands;
use super::state::State;
use crate::JobType;
use crate::caught::say;

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
pub(super) fn start<J: JobType>(core: &Arc<Core<J>>) {
    // Made here and not in the task: a runtime that is gone drops a task before its first step.
    core.runtime.spawn(run(Custody(Arc::clone(core))));
}

/// Sees to it that the manager ends, if the task is dropped with its runtime: no deadline is judged any more.
struct Custody<J: JobType>(Arc<Core<J>>);

impl<J: JobType> Drop for Custody<J> {
    fn drop(&mut self) {
        let Self(core) = self;
        if core.lock().is_closed() {
            return;
        }
        core.shut_down_within(Duration::ZERO);
        // Many jobs are ended with several ticks, and nobody else feeds one in. None is accepted any more.
        let mut left = usize::MAX;
        loop {
            let unfinished = core.lock().machine.unfinished();
            if unfinished >= left {
                return;
            }
            left = unfinished;
            core.feed(Input::Tick, Cargo::None);
        }
    }
}

async fn run<J: JobType>(custody: Custody<J>) {
    let Custody(core) = &custody;
    loop {
        match look(core) {
            Next::Nothing => return,
            Next::Call => core.timer.notified().await,
            Next::Tick => {
                core.feed(Input::Tick, Cargo::None);
                // If there is more to do than is done in one step, whatever else wants to be done goes in between.
                tokio::task::yield_now().await;
            }
            Next::Sleep(until) => {
                tokio::select! {
                    () = tokio::time::sleep_until(until.into()) => {}
                    () = core.timer.notified() => {}
                }
            }
        }
    }
}

fn look<J: JobType>(core: &Arc<Core<J>>) -> Next {
    let mut errands = Errands::default();
    let next = look_under_lock(core, &mut core.lock(), &mut errands);
    errands.run(core);
    next
}

/// Under one lock, so that nobody feeds in anything between the loss of time and its being noted.
fn look_under_lock<J: JobType>(core: &Arc<Core<J>>, state: &mut State<J>, errands: &mut Errands<J>) -> Next {
    let now = Instant::now();
    if let Some(time) = state.alarm.lost(now) {
        core.step(state, Input::HostPaused { time }, Cargo::None, errands);
    }
    (state.alarm.due, state.alarm.called) = (None, None);
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
        Some(at) => {
            let until = if is_watched { at.min(now + SLICE) } else { at };
            state.alarm.due = Some(until);
            Next::Sleep(until)
        }
    }
}

/// What the timer is set for.
#[derive(Default)]
pub(super) struct Alarm {
    set_for: Option<Instant>,
    /// When it is to look again.
    due: Option<Instant>,
    /// Whether it goes off often enough to see whether time is lost.
    is_watched: bool,
    /// When it was called because it has to be set anew.
    called: Option<Instant>,
}

impl Alarm {
    /// How long the host did not run until now, each time once: the timer should have gone off before.
    ///
    /// Whoever feeds in something has to ask first, and not the timer alone: when the host runs again, others may be
    /// sooner, and the machine's clock would have gone on by all the time that was lost.
    pub(super) fn lost(&mut self, now: Instant) -> Option<Duration> {
        let since = [self.due, self.called].into_iter().flatten().min()?;
        let time = now.saturating_duration_since(since);
        if time <= BEHIND {
            return None;
        }
        self.due = Some(now);
        self.called = self.called.map(|_| now);
        say!(debug, ?time, "the host did not run: that counts for no deadline");
        Some(time)
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_first_notes_the_time_that_was_lost_and_nobody_notes_it_again() {
        let due = Instant::now() + Duration::from_secs(100);
        let after = |millis| due + Duration::from_millis(millis);
        let mut alarm = Alarm { due: Some(due), ..Alarm::default() };
        assert_eq!(alarm.lost(after(50)), None, "who is so much behind is only busy");
        assert_eq!(alarm.lost(after(2_300)), Some(Duration::from_millis(2_300)));
        assert_eq!(alarm.lost(after(2_320)), None, "it was noted");
        assert_eq!(alarm.lost(after(2_400)), Some(Duration::from_millis(100)), "it still does not run");

        let mut alarm = Alarm { due: Some(after(900)), called: Some(due), ..Alarm::default() };
        assert_eq!(alarm.lost(after(300)), Some(Duration::from_millis(300)), "it was called before");
        assert_eq!(alarm.lost(after(340)), None);
        assert_eq!(Alarm::default().lost(due), None, "nothing is waited for");
    }
}
