//! Operations on the whole pool: each worker does its part when it is idle.

use std::time::{Duration, Instant};

use super::Machine;
use super::core::Intake;
use crate::control::Control;
use crate::slot::{Slot, SlotState};
use crate::standing::Over;
use crate::{
    Command, ControlFailure, ControlId, ControlOperation, Effect, EndReason, RequestId, SlotId, WorkerKey,
};

impl Machine {
    pub(super) fn control(
        &mut self,
        now: Instant,
        id: ControlId,
        operation: ControlOperation,
        out: &mut Vec<Effect>,
    ) {
        if self.intake != Intake::Open {
            out.push(Effect::Answer { id, result: Err(ControlFailure::ShutDown) });
            return;
        }
        let timeout = self.time_for(operation);
        let mut control = Control::new(id, operation, now + timeout);
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            let worker = slot.worker();
            if operation == ControlOperation::GetState {
                if slot.is_ready() {
                    control.add(worker);
                    let request = self.send(worker, Command::GetState, out);
                    control.sent(worker, request, now);
                }
            } else if slot.is_ready() || matches!(slot.state, SlotState::Loading { .. }) {
                control.add(worker);
            }
        }
        self.controls.push(control);
        self.conclude_controls(out);
    }

    fn time_for(&self, operation: ControlOperation) -> Duration {
        match operation {
            ControlOperation::Reload(_) => self.config.reload_timeout,
            ControlOperation::Unload(_) | ControlOperation::GetState => self.config.unload_timeout,
        }
    }

    /// A worker that loads what an operation is about to change must do its part too.
    pub(super) fn join_controls(&mut self, worker: WorkerKey) {
        for control in &mut self.controls {
            if control.operation != ControlOperation::GetState {
                control.add(worker);
            }
        }
    }

    /// The next operation that waits for this worker.
    pub(super) fn next_control(&self, now: Instant, worker: WorkerKey) -> Option<usize> {
        // One whose time is up is only still there because answers may lie unread.
        let is_next = |control: &Control| control.waits_for(worker) && control.deadline > now;
        self.controls.iter().position(is_next)
    }

    /// Sends an idle worker the next operation that waits for it.
    pub(super) fn begin_control(&mut self, now: Instant, slot: SlotId, out: &mut Vec<Effect>) {
        let worker = self.slot(slot).worker();
        let Some(index) = self.next_control(now, worker) else { return };
        let id = self.controls[index].id;
        let command = match self.controls[index].operation {
            ControlOperation::Reload(_) => Command::Reload { id },
            ControlOperation::Unload(_) => Command::Unload { id },
            ControlOperation::GetState => Command::GetState,
        };
        let request = self.send(worker, command, out);
        self.controls[index].sent(worker, request, now);
        self.slot(slot).enter(SlotState::Controlling { request }, None);
        self.listen_to(slot, now);
    }

    pub(super) fn control_answered(
        &mut self,
        now: Instant,
        slot: SlotId,
        request: RequestId,
        result: Result<(), String>,
        out: &mut Vec<Effect>,
    ) {
        let worker = self.slot(slot).worker();
        for control in &mut self.controls {
            if control.answered(worker, request, result.clone()) && result.is_ok() {
                // As `Self::slot`, which would borrow the operations as well.
                self.slots[slot.0 as usize].life.carried_out(control.operation);
            }
        }
        self.conclude_controls(out);
        self.become_idle(now, slot, out);
    }

    pub(super) fn state_reported(&mut self, slot: SlotId, request: RequestId, out: &mut Vec<Effect>) {
        let worker = self.slot(slot).worker();
        // An answer that came too late is nobody's any more.
        let asked = self
            .controls
            .iter_mut()
            .filter(|control| control.operation == ControlOperation::GetState)
            .find_map(|control| control.answered(worker, request, Ok(())).then_some(control.id));
        if let Some(id) = asked {
            out.push(Effect::Report { id });
            self.conclude_controls(out);
        }
    }

    pub(super) fn forget_in_controls(&mut self, worker: WorkerKey, out: &mut Vec<Effect>) {
        for control in &mut self.controls {
            control.forget(worker);
        }
        self.conclude_controls(out);
    }

    /// Answers those for which nobody is awaited any more. Whether another worker comes is not known yet: see
    /// `refuse_what_nobody_will_do`.
    fn conclude_controls(&mut self, out: &mut Vec<Effect>) {
        let mut index = 0;
        while index < self.controls.len() {
            match self.controls[index].verdict() {
                None | Some(Err(ControlFailure::NoLiveWorker)) => index += 1,
                Some(result) => {
                    let control = self.controls.remove(index);
                    self.conclude(&control, result, out);
                }
            }
        }
    }

    /// Refuses operations that no worker is left to do. One that nobody was told of yet stays while another worker may come,
    /// which will do it.
    pub(super) fn refuse_what_nobody_will_do(&mut self, out: &mut Vec<Effect>) {
        let somebody_comes = self.somebody_comes();
        let refused = self.controls.extract_if(.., |control| {
            let waits = somebody_comes && control.may_wait();
            !waits && control.verdict() == Some(Err(ControlFailure::NoLiveWorker))
        });
        for control in refused {
            out.push(Effect::Answer { id: control.id, result: Err(ControlFailure::NoLiveWorker) });
        }
    }

    /// Whether a worker is being made, or may be in the place of one that goes: that is decided when that one is gone, and
    /// this is asked again then.
    fn somebody_comes(&self) -> bool {
        let comes = |slot: &Slot| match slot.state {
            SlotState::Starting => true,
            SlotState::Waiting { .. } => !slot.held,
            _ => slot.is_leaving(),
        };
        self.down.is_none() && self.slots.iter().any(comes)
    }

    fn conclude(&mut self, control: &Control, result: Result<(), ControlFailure>, out: &mut Vec<Effect>) {
        // One configuration in the whole pool: who took the one that failed elsewhere starts over with the old.
        if result.is_err() && matches!(control.operation, ControlOperation::Reload(_)) {
            for worker in control.succeeded() {
                // Who is on its way out goes for the reason that it has.
                if let Some(slot) = self.living(worker).filter(|slot| slot.is_ready()) {
                    slot.life.over = Some(Over::Obsolete);
                }
            }
        }
        out.push(Effect::Answer { id: control.id, result });
    }

    /// Answers what took too long, and ends the workers that hang in it. One that had a job for most of that time, and
    /// was told late, does not hang: but nobody knows what it has loaded now.
    pub(super) fn time_out_controls(&mut self, now: Instant, out: &mut Vec<Effect>) {
        while let Some(index) = self.control_that_is_over(now, out) {
            let control = self.controls.remove(index);
            if control.operation != ControlOperation::GetState {
                let time = self.time_for(control.operation);
                for (worker, told) in control.unanswered() {
                    let hangs = told + time <= now;
                    let reason = if hangs { EndReason::ControlTimedOut } else { EndReason::Retired };
                    // Another reason may have been first.
                    if matches!(self.slot(worker.slot).state, SlotState::Controlling { .. }) {
                        self.kill(now, worker.slot, reason, None, out);
                    }
                }
            }
            self.conclude(&control, Err(ControlFailure::TimedOut), out);
        }
    }

    /// One whose time is up, and of whose workers all was read that they had said until then; of the others that is asked
    /// for.
    fn control_that_is_over(&mut self, now: Instant, out: &mut Vec<Effect>) -> Option<usize> {
        for index in 0..self.controls.len() {
            let control = &self.controls[index];
            if control.deadline > now {
                continue;
            }
            let unread: Vec<SlotId> = self.unread(control).map(|slot| slot.id).collect();
            if unread.is_empty() {
                return Some(index);
            }
            for slot in unread {
                self.catch_up(now, slot, out);
            }
        }
        None
    }

    /// The workers that were told and whose answers may lie unread when the time is up.
    fn unread(&self, control: &Control) -> impl Iterator<Item = &Slot> {
        let told = control.unanswered().filter_map(|(worker, _)| {
            let slot = self.slots.get(worker.slot.0 as usize)?;
            // Who is being killed is not listened to.
            (slot.worker() == worker && !matches!(slot.state, SlotState::Dying(_))).then_some(slot)
        });
        let deadline = control.deadline;
        told.filter(move |slot| !slot.read.covers(deadline))
    }

    /// Whether the driver is reading what all those workers have said whose answers may lie unread.
    pub(super) fn is_being_read(&self, control: &Control) -> bool {
        let mut unread = self.unread(control).peekable();
        unread.peek().is_some() && unread.all(|slot| slot.read.is_awaited())
    }

    /// Answers all operations with no. A worker that is at one has the rest of its time for it, and is killed then.
    pub(super) fn refuse_controls(&mut self, out: &mut Vec<Effect>) {
        for control in std::mem::take(&mut self.controls) {
            let time = self.time_for(control.operation);
            for (worker, told) in control.unanswered() {
                // A question for its state keeps it from nothing.
                if control.operation != ControlOperation::GetState
                    && let Some(slot) = self.living(worker)
                    && matches!(slot.state, SlotState::Controlling { .. })
                {
                    slot.deadline = Some(told + time);
                }
            }
            out.push(Effect::Answer { id: control.id, result: Err(ControlFailure::ShutDown) });
        }
    }
}
