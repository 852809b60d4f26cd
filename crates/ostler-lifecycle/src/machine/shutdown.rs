//! The end: stop the intake, finish until the deadline, end the rest.

use std::time::Instant;

use super::Machine;
use super::core::Intake;
use super::jobs::interrupted;
use crate::assignment::Stage;
use crate::job::Fate;
use crate::slot::SlotState;
use crate::{Effect, EndReason, JobFailure, SlotId};

impl Machine {
    pub(super) fn shutdown(&mut self, now: Instant, deadline: Instant, out: &mut Vec<Effect>) {
        let gives_no_time = deadline <= now;
        let deadline = match self.intake {
            Intake::Open => deadline,
            Intake::Draining { deadline: earlier } => earlier.min(deadline),
            // Who is still being listened to need not be, any more.
            Intake::Ending if gives_no_time => return self.end_everything(now, None, out),
            Intake::Ending | Intake::Closed => return,
        };
        self.intake = Intake::Draining { deadline };
        self.refuse_controls(out);
        self.give_up_all_quarantined(out);
        if gives_no_time {
            self.end_everything(now, None, out);
        } else if deadline <= now {
            // An earlier shutdown gave time, and its deadline was not noticed yet.
            self.end_everything(now, Some(deadline), out);
        }
    }

    /// Ends all that is left. If a deadline has passed, a job is ended only when all was read that its worker had said
    /// until then.
    pub(super) fn end_everything(&mut self, now: Instant, deadline: Option<Instant>, out: &mut Vec<Effect>) {
        self.intake = Intake::Ending;
        self.end_pending(now, out);
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            let id = slot.id;
            match (&mut slot.state, deadline) {
                (SlotState::Vacant { .. } | SlotState::Dying(_), _) => {}
                (SlotState::Waiting { .. }, _) => slot.enter(SlotState::VACANT, None),
                (SlotState::Busy(assignment), Some(_)) => {
                    assignment.interrupted_at = deadline;
                    self.judge_all(now, id, out);
                }
                (SlotState::Busy(_), None) => self.interrupt(now, id, out),
                _ => self.kill(now, id, EndReason::Shutdown, None, out),
            }
        }
    }

    /// Ends a job with the pool.
    pub(super) fn interrupt(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let SlotState::Busy(assignment) = &self.slot(id).state else { return };
        let fate = match assignment.stage {
            Stage::Sent | Stage::Running { .. } => Fate::Failed(Box::new(interrupted())),
            Stage::Overtime { timeout } => Fate::Failed(Box::new(JobFailure::ran_too_long(timeout))),
            Stage::Leaving => Fate::Cancelled,
        };
        let victim = Some((assignment.job, fate));
        self.kill(now, id, EndReason::Shutdown, victim, out);
    }

    /// Takes the next step of a shutdown, if one is due.
    pub(super) fn advance_shutdown(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if !matches!(self.intake, Intake::Draining { .. } | Intake::Ending) {
            return;
        }
        if self.intake == Intake::Ending {
            // Its job's result was read when the deadline had passed.
            self.end_idle(now, out);
        }
        // A job whose process does not die must not hold up the rest.
        let held = self.undead.iter().filter(|undead| undead.death.victim.is_some()).count();
        if self.jobs.len() > held {
            return;
        }
        if let Intake::Draining { deadline } = self.intake {
            self.stop_workers(now, deadline, out);
        }
        if self.slots.iter().all(|slot| matches!(slot.state, SlotState::Vacant { .. })) {
            self.intake = Intake::Closed;
            let still_dying = self.undead.iter().filter_map(|undead| undead.pid).collect();
            out.push(Effect::Closed { still_dying });
        }
    }

    fn end_idle(&mut self, now: Instant, out: &mut Vec<Effect>) {
        for index in 0..self.slots.len() {
            if matches!(self.slots[index].state, SlotState::Idle) {
                self.kill(now, self.slots[index].id, EndReason::Shutdown, None, out);
            }
        }
    }

    fn stop_workers(&mut self, now: Instant, deadline: Instant, out: &mut Vec<Effect>) {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            let id = slot.id;
            match slot.state {
                SlotState::Idle => self.stop_until(id, EndReason::Shutdown, deadline, out),
                SlotState::Waiting { .. } => slot.enter(SlotState::VACANT, None),
                SlotState::Starting | SlotState::Loading { .. } | SlotState::Controlling { .. } => {
                    self.kill(now, id, EndReason::Shutdown, None, out);
                }
                _ => {}
            }
        }
    }
}
