//! What may be said of operations on the whole pool.

use std::time::{Duration, Instant};

use ostler_lifecycle::{ControlFailure, ControlId, ControlOperation, PoolConfig};

use super::step::Frame;
use super::worker::Worker;
use super::{Model, Verdict, ensure};

/// A reload, an unload or a question for state that was not answered yet.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) operation: ControlOperation,
    pub(crate) time: Duration,
    pub(crate) deadline: Instant,
    /// A worker was told.
    pub(super) told: bool,
    succeeded: u32,
    failed: u32,
}

impl Control {
    pub(super) fn new(operation: ControlOperation, now: Instant, config: &PoolConfig) -> Self {
        let time = match operation {
            ControlOperation::Reload(_) => config.reload_timeout,
            ControlOperation::Unload(_) | ControlOperation::GetState => config.unload_timeout,
        };
        Self { operation, time, deadline: now + time, told: false, succeeded: 0, failed: 0 }
    }
}

impl Model {
    pub(super) fn chore_answered(&mut self, id: ControlId, succeeded: bool) {
        if let Some(control) = self.controls.get_mut(&id) {
            if succeeded { control.succeeded += 1 } else { control.failed += 1 }
        }
    }

    pub(super) fn report(&mut self, id: ControlId) -> Verdict {
        let frame = self.step.frame;
        let first = !std::mem::replace(&mut self.step.published, true);
        ensure(frame == Frame::State(id) && first, "a_report_is_an_answer", || {
            format!("a report for {id:?}, and the frame means {frame:?}")
        })
    }

    pub(super) fn answer(&mut self, id: ControlId, result: &Result<(), ControlFailure>) -> Verdict {
        let control = self.controls.remove(&id);
        ensure(control.is_some(), "an_operation_is_answered_once", || format!("{id:?}: {result:?}"))?;
        let Some(control) = control else { return Ok(()) };
        let has_reason = match result {
            Ok(()) => control.failed == 0 && control.succeeded > 0,
            Err(ControlFailure::NoLiveWorker) => {
                control.failed == 0 && control.succeeded == 0 && !self.somebody_will_do(&control)
            }
            Err(ControlFailure::TimedOut) => {
                control.deadline <= self.now && self.all_was_read_of(id, control.deadline)
            }
            Err(ControlFailure::Plugin(_)) => control.failed > 0,
            Err(ControlFailure::ShutDown) => self.shutdown.is_some(),
        };
        ensure(has_reason, "an_answer_has_a_reason", || format!("{id:?}: {result:?} of {control:?}"))?;
        if result.is_ok() {
            self.everybody_did_it(id, control.operation)?;
        }
        // A pool that shuts down drains with what it has.
        let reload_failed = matches!(control.operation, ControlOperation::Reload(_))
            && !matches!(result, Ok(()) | Err(ControlFailure::ShutDown));
        for worker in self.workers.values_mut() {
            worker.questions.retain(|(_, asked)| *asked != id);
            // Nobody waits for it any more, but for this worker.
            if *result == Err(ControlFailure::ShutDown) && worker.chore.is_some_and(|(chore, _)| chore == id)
            {
                worker.chore_ends = worker.chore_since.map(|since| since + control.time);
            }
            if reload_failed && worker.listens() && worker.chores_done.contains(&id) {
                worker.obsolete = true;
                worker.old = None;
            }
        }
        Ok(())
    }

    /// Whether a worker is there, or is being made, that would do its part. Only who is ready is asked for its state, and
    /// nobody does what another one may have died of.
    fn somebody_will_do(&self, control: &Control) -> bool {
        let does = |worker: &Worker| worker.listens() && !worker.given_up;
        let waits = !control.told && control.operation != ControlOperation::GetState && !self.down;
        waits && self.workers.values().any(does)
    }

    /// The workers that were told and have not answered.
    fn open_workers(&self, id: ControlId) -> impl Iterator<Item = &Worker> {
        let has_it = move |worker: &&Worker| {
            worker.chore.is_some_and(|(chore, _)| chore == id)
                || worker.questions.iter().any(|(_, asked)| *asked == id)
        };
        self.workers.values().filter(has_it)
    }

    /// Nobody has given an answer in time that lies unread.
    fn all_was_read_of(&self, id: ControlId, deadline: Instant) -> bool {
        let mut open = self.open_workers(id).filter(|worker| worker.listens());
        open.all(|worker| worker.was_read_until(deadline))
    }

    /// Whether a worker that was awaited was killed in this step, or told to stop: the next look at the time, which comes at once, judges it.
    pub(super) fn lost_one_in_this_step(&self, id: ControlId) -> bool {
        let has_it = |worker: &Worker| worker.questions.iter().any(|(_, asked)| *asked == id);
        let lost = self.step.killed.iter().chain(&self.step.stopped);
        lost.filter_map(|key| self.workers.get(key)).any(has_it)
    }

    /// Whether all is being read that its workers have said.
    pub(super) fn is_read_for(&self, id: ControlId, deadline: Instant) -> bool {
        let unread = |worker: &&Worker| worker.listens() && !worker.was_read_until(deadline);
        let mut unread = self.open_workers(id).filter(unread).peekable();
        unread.peek().is_some() && unread.all(|worker| worker.read_asked_at.is_some())
    }

    fn everybody_did_it(&self, id: ControlId, operation: ControlOperation) -> Verdict {
        if operation == ControlOperation::GetState {
            let open =
                |worker: &Worker| worker.listens() && worker.questions.iter().any(|(_, asked)| *asked == id);
            let silent = self.workers.iter().find(|(_, worker)| open(worker));
            return ensure(silent.is_none(), "an_answer_waits_for_all", || format!("{id:?}: {silent:?}"));
        }
        let lags = |worker: &Worker| {
            worker.hello_at.is_some() && worker.listens() && !worker.chores_done.contains(&id)
        };
        let laggard = self.workers.iter().find(|(_, worker)| lags(worker));
        ensure(laggard.is_none(), "an_answer_waits_for_all", || format!("{id:?}: {laggard:?}"))
    }
}
