//! A worker's way in, and its ways out.

use std::time::Instant;

use super::Machine;
use super::core::Intake;
use crate::job::Fate;
use crate::life::Life;
use crate::read_mark::ReadMark;
use crate::restart::{EndKind, Fault};
use crate::slot::{Death, SlotState, Undead, Wanted};
use crate::{
    Category, Command, DeathCause, Effect, EndCause, EndReason, ExitStatus, FailureKind, Forensics,
    JobFailure, JobId, Outcome, SlotId, WorkerChange, WorkerExit, WorkerFrame, WorkerKey,
};

impl Machine {
    pub(super) fn start(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.intake != Intake::Open || self.down.is_some() {
            return;
        }
        // Nobody waits for its time any more.
        for slot in self.slots.iter_mut().filter(|slot| matches!(slot.state, SlotState::Waiting { .. })) {
            slot.enter(SlotState::VACANT, None);
            slot.held = false;
        }
        self.fit(now, out);
        // Whoever asks for a start waits for a worker that is ready.
        if self.floor() == 0 && self.taken() == 0 {
            let id = self.vacant_slot();
            match self.short_of_memory {
                true => self.want_later(id, Wanted::default()),
                false => self.fill(now, id, out),
            }
        }
    }

    /// Starts afresh. A slot whose worker is being killed is filled again when that is dead.
    pub(super) fn restart_workers(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.intake != Intake::Open {
            return;
        }
        self.crash_budget.reset();
        self.load_budget.reset();
        if self.down.take().is_some() {
            out.push(Effect::Up);
        }
        for slot in &mut self.slots {
            slot.faults = 0;
            slot.held = false;
            slot.charged = None;
            let needs = slot.wanted.unwrap_or_default().needs;
            slot.wanted = slot.is_leaving().then_some(Wanted { needs, idle_since: None });
            if slot.is_vacant() {
                slot.state = SlotState::VACANT;
            }
        }
        self.start(now, out);
    }

    pub(super) fn spawn(&mut self, id: SlotId, out: &mut Vec<Effect>) {
        let generation = self.next_generation();
        let slot = self.slot(id);
        slot.generation = generation;
        slot.pid = None;
        slot.asked_to_end = None;
        slot.charged = None;
        slot.life = Life::default();
        slot.wanted = None;
        slot.hung_up = None;
        slot.read = ReadMark::default();
        // The start's deadline begins with the process: making it is the host's own business.
        slot.enter(SlotState::Starting, None);
        out.push(Effect::Spawn { worker: slot.worker() });
    }

    pub(super) fn worker_spawned(
        &mut self,
        now: Instant,
        worker: WorkerKey,
        pid: u32,
        out: &mut Vec<Effect>,
    ) {
        let deadline = now + self.config.start_timeout;
        if let Some(undead) = self.undead.iter_mut().find(|undead| undead.worker == worker) {
            undead.pid = Some(pid);
        }
        let Some(slot) = self.living(worker) else { return };
        slot.pid = Some(pid);
        slot.life.spawned_at = Some(now);
        if matches!(slot.state, SlotState::Starting) {
            slot.deadline = Some(deadline);
        }
        out.push(Effect::Worker { worker, change: WorkerChange::Spawned { pid } });
    }

    pub(super) fn spawn_failed(
        &mut self,
        now: Instant,
        worker: WorkerKey,
        message: String,
        out: &mut Vec<Effect>,
    ) {
        let exit = WorkerExit::bare(ExitStatus::Unknown);
        self.worker_ended(now, worker, EndCause::SpawnFailed(message), exit, out);
    }

    pub(super) fn worker_exited(
        &mut self,
        now: Instant,
        worker: WorkerKey,
        exit: WorkerExit,
        out: &mut Vec<Effect>,
    ) {
        // What it said half may have been that it began with its job.
        if let (Some(message), Some(slot)) = (&exit.torn_frame, self.living(worker)) {
            match &mut slot.state {
                SlotState::Dying(death) => death.hear(&WorkerFrame::Fault { message: message.clone() }),
                state => state.presume_begun(),
            }
        }
        self.worker_ended(now, worker, EndCause::OnItsOwn, exit, out);
    }

    /// Ends a worker. Its job, if it has one, meets its fate once the death is proven.
    pub(super) fn kill(
        &mut self,
        now: Instant,
        id: SlotId,
        reason: EndReason,
        victim: Option<(JobId, Fate)>,
        out: &mut Vec<Effect>,
    ) {
        let deadline = now + self.config.kill_timeout;
        let slot = self.slot(id);
        let reserved_for = match slot.state {
            SlotState::Reserved { job, .. } => Some(job),
            _ => None,
        };
        let victim = victim.filter(|_| reserved_for.is_none());
        let was_ready = slot.is_ready() || matches!(slot.state, SlotState::Draining { .. });
        let printed_by = slot.state.job_that_began();
        let phase = slot.state.phase();
        slot.hung_up = None;
        slot.enter(SlotState::Dying(Death { reason, victim, printed_by, was_ready, phase }), Some(deadline));
        out.push(Effect::Kill { worker: slot.worker() });
        // It was not sent, so it need not wait for the death.
        if let Some(job) = reserved_for {
            self.requeue(now, job, out);
        }
    }

    /// Lets a worker that is idle tidy up and exit.
    pub(super) fn stop(&mut self, now: Instant, id: SlotId, reason: EndReason, out: &mut Vec<Effect>) {
        let deadline = now + self.config.kill_timeout;
        self.stop_until(id, reason, deadline, out);
    }

    pub(super) fn stop_until(
        &mut self,
        id: SlotId,
        reason: EndReason,
        deadline: Instant,
        out: &mut Vec<Effect>,
    ) {
        let slot = self.slot(id);
        let worker = slot.worker();
        // It goes for this reason, whatever else it was to go for.
        slot.life.over = None;
        out.push(Effect::Worker { worker, change: WorkerChange::Draining { reason: reason.clone() } });
        slot.enter(SlotState::Draining { reason }, Some(deadline));
        self.send(worker, Command::Stop, out);
        self.forget_in_controls(worker, out);
    }

    fn worker_ended(
        &mut self,
        now: Instant,
        worker: WorkerKey,
        evidence: EndCause,
        exit: WorkerExit,
        out: &mut Vec<Effect>,
    ) {
        if let Some(index) = self.undead.iter().position(|undead| undead.worker == worker) {
            let Undead { pid, jobs_done, death, .. } = self.undead.swap_remove(index);
            let cause = EndCause::Ended(death.reason);
            let forensics = Forensics::of(pid, &cause, death.phase, jobs_done, &exit);
            self.announce_end(worker, cause, &exit, death.was_ready, out);
            self.meet_fate(now, death.victim, forensics, out);
            self.freed();
            return;
        }
        let Some(slot) = self.living(worker) else { return };
        slot.hung_up = None;
        let (pid, was_ready, phase, jobs_done) =
            (slot.pid, slot.is_ready(), slot.state.phase(), slot.life.jobs_done);
        // A worker that exits when its job is asked to end does what was wanted.
        let obeys = matches!(&slot.state, SlotState::Busy(assignment) if assignment.is_to_end());
        let (victim, cause, was_ready) = match std::mem::replace(&mut slot.state, SlotState::VACANT) {
            SlotState::Dying(death) => (death.victim, EndCause::Ended(death.reason), death.was_ready),
            SlotState::Draining { reason } => (None, EndCause::Ended(reason), true),
            state => (state.victim(|| crashed(&evidence, pid, &exit)), evidence, was_ready),
        };
        self.forget_in_controls(worker, out);
        let kind = if obeys { EndKind::Asked } else { end_kind(&cause, was_ready) };
        let last_end = cause.describe(&exit);
        let forensics = Forensics::of(pid, &cause, phase, jobs_done, &exit);
        self.announce_end(worker, cause, &exit, was_ready, out);
        self.refill(now, worker.slot, kind, last_end, out);
        self.meet_fate(now, victim, forensics, out);
        self.freed();
    }

    fn announce_end(
        &mut self,
        worker: WorkerKey,
        cause: EndCause,
        exit: &WorkerExit,
        was_ready: bool,
        out: &mut Vec<Effect>,
    ) {
        let change = WorkerChange::Gone { cause, exit: exit.clone(), was_ready };
        out.push(Effect::Worker { worker, change });
    }

    fn meet_fate(
        &mut self,
        now: Instant,
        victim: Option<(JobId, Fate)>,
        forensics: Forensics,
        out: &mut Vec<Effect>,
    ) {
        match victim {
            None => {}
            Some((job, Fate::Cancelled)) => {
                self.settle(job, Outcome::Cancelled(Some(Box::new(forensics))), out);
            }
            Some((job, Fate::Requeued)) => self.requeue(now, job, out),
            Some((job, Fate::Failed(mut failure))) => {
                failure.forensics.get_or_insert_with(|| Box::new(forensics));
                self.run_failed(now, job, failure, out);
            }
        }
    }
}

/// The failure of a job whose worker ended without our doing.
fn crashed(cause: &EndCause, pid: Option<u32>, exit: &WorkerExit) -> JobFailure {
    let process = pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
    let death = DeathCause::of(cause, exit);
    let mut message = match exit.half_said() {
        None => format!("the worker{process} {death} while it ran this job"),
        Some(how) => {
            format!("the worker broke the protocol: it{process} {death} and left a frame half said: {how}")
        }
    };
    if let Some(words) = exit.last_words() {
        message.push_str("; the last line of its stderr: ");
        message.push_str(&words);
    }
    let category = match death {
        DeathCause::OutOfMemory { .. } | DeathCause::Limit { .. } => Category::Resource,
        _ => Category::Fatal,
    };
    let kind = if exit.half_said().is_some() { FailureKind::Protocol } else { FailureKind::Crashed };
    JobFailure::new(kind, category, message)
}

/// What the restart policy makes of an end. A job's timeout is the caller's wish, like a cancel.
pub(super) fn end_kind(cause: &EndCause, was_ready: bool) -> EndKind {
    match cause {
        EndCause::Ended(reason) => end_kind_of(reason, was_ready),
        EndCause::SpawnFailed(_) | EndCause::OnItsOwn => fault(was_ready),
    }
}

pub(super) fn end_kind_of(reason: &EndReason, was_ready: bool) -> EndKind {
    match reason {
        EndReason::Cancelled
        | EndReason::TimedOut
        | EndReason::Silent
        | EndReason::Retired
        | EndReason::Recycled(_)
        | EndReason::Surplus
        | EndReason::Idle
        | EndReason::MemoryLimit { .. }
        | EndReason::MemoryPressure
        | EndReason::Shutdown => EndKind::Asked,
        EndReason::Stalled
        | EndReason::Unresponsive
        | EndReason::SilentAtStart
        | EndReason::LoadTimedOut
        | EndReason::LoadFailed(_)
        | EndReason::ControlTimedOut
        | EndReason::Protocol(_) => fault(was_ready),
    }
}

fn fault(was_ready: bool) -> EndKind {
    EndKind::Fault(if was_ready { Fault::Crash } else { Fault::Load })
}
