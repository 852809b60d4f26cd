//! What a worker says, and what it may say when.

use std::time::{Duration, Instant};

use super::Machine;
use crate::job::Fate;
use crate::slot::{Assignment, SlotState, Stage};
use crate::{
    Category, Command, Effect, EndReason, FailureKind, JobChange, JobFailure, JobId, Outcome, RequestId,
    SlotId, WorkerChange, WorkerFrame, WorkerKey,
};

/// From a worker's hang-up to its exit: an exit closes the connection a moment before it can be reaped.
const HANG_UP_GRACE: Duration = Duration::from_secs(1);

impl Machine {
    pub(super) fn frame(
        &mut self,
        now: Instant,
        worker: WorkerKey,
        frame: WorkerFrame,
        out: &mut Vec<Effect>,
    ) {
        let Some(slot) = self.living(worker) else { return };
        let id = slot.id;
        match (&mut slot.state, frame) {
            // What was handled first wins: nothing that it says can change that, but for one thing.
            (SlotState::Dying(death), frame) => death.hear(&frame),
            (SlotState::Draining, _) => {}
            // Not part of the protocol, so never a fault.
            (state, WorkerFrame::Output { job, attempt }) => {
                if runs(state, job, attempt) {
                    out.push(Effect::Publish { job, change: JobChange::Noted });
                }
            }
            (_, WorkerFrame::HungUp) => slot.hung_up = Some(now + HANG_UP_GRACE),
            (state, WorkerFrame::Fault { message }) => {
                state.presume_begun();
                self.fault(now, id, message, out);
            }
            (SlotState::Starting, WorkerFrame::Hello) => self.hello(now, id, out),
            (SlotState::Loading { request }, WorkerFrame::Ready { request: answers, failed })
                if *request == answers =>
            {
                self.ready(now, id, &failed, out);
            }
            (SlotState::Controlling { request }, WorkerFrame::Response { request: answers, result })
                if *request == answers =>
            {
                self.control_answered(now, id, answers, result, out);
            }
            (_, WorkerFrame::State { request }) => self.state_reported(id, request, out),
            (SlotState::Busy(assignment), frame) => match said_of_job(assignment, frame) {
                Said::Began => self.began(now, id, out),
                Said::Ended(job, result) => self.ended(now, id, job, result, out),
                Said::EndedAfterCancel(job) => {
                    self.kill(now, id, EndReason::Cancelled, Some((job, Fate::Cancelled)), out);
                }
                Said::Publish(job, change) => out.push(Effect::Publish { job, change }),
                Said::Nothing => {}
                Said::Unexpected(what) => self.fault(now, id, what, out),
            },
            (_, frame) => self.fault(now, id, format!("it sent {} when nobody had asked", name(&frame)), out),
        }
    }

    fn hello(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let deadline = now + self.config.load_timeout;
        let worker = self.slot(id).worker();
        out.push(Effect::Worker { worker, change: WorkerChange::Loading });
        let request = self.send(worker, Command::Init, out);
        self.slot(id).enter(SlotState::Loading { request }, Some(deadline));
        self.join_controls(worker);
    }

    fn ready(&mut self, now: Instant, id: SlotId, failed: &[(String, String)], out: &mut Vec<Effect>) {
        if failed.is_empty() {
            self.become_idle(now, id, out);
        } else {
            let list: Vec<String> = failed.iter().map(|(plugin, why)| named(plugin, why)).collect();
            self.kill(now, id, EndReason::LoadFailed(list.join("; ")), None, out);
        }
    }

    /// Frees the worker for what comes next: its retirement, a pool-wide operation, or a job.
    pub(super) fn become_idle(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let slot = self.slot(id);
        slot.enter(SlotState::Idle, None);
        if slot.retire {
            self.kill(now, id, EndReason::Retired, None, out);
            return;
        }
        out.push(Effect::Worker { worker: slot.worker(), change: WorkerChange::Idle });
        self.begin_control(id, out);
    }

    fn began(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let slot = self.slot(id);
        let (worker, pid) = (slot.worker(), slot.pid);
        let SlotState::Busy(Assignment { job, attempt, .. }) = slot.state else { return };
        let timeout = self.jobs.get(&job).and_then(|entry| entry.timeout);
        self.slot(id).deadline = timeout.map(|timeout| now + timeout);
        out.push(Effect::Publish { job, change: JobChange::Started { worker, pid, attempt } });
    }

    fn ended(
        &mut self,
        now: Instant,
        id: SlotId,
        job: JobId,
        result: Result<(), JobFailure>,
        out: &mut Vec<Effect>,
    ) {
        let outcome = match result {
            Ok(()) => Outcome::Completed,
            Err(failure) => Outcome::Failed(Box::new(failure)),
        };
        self.settle(job, outcome, out);
        self.become_idle(now, id, out);
        self.freed();
    }

    pub(super) fn fault(&mut self, now: Instant, id: SlotId, message: String, out: &mut Vec<Effect>) {
        let victim = self.slot(id).state.victim(|| {
            let message = format!("the worker broke the protocol: {message}");
            JobFailure::new(FailureKind::Protocol, Category::Fatal, message)
        });
        self.kill(now, id, EndReason::Protocol(message), victim, out);
    }
}

/// Whether a worker in this state has begun with the job and not ended it.
fn runs(state: &SlotState, mine: JobId, current: u32) -> bool {
    let SlotState::Busy(Assignment { job, attempt, stage, .. }) = state else { return false };
    *job == mine && *attempt == current && *stage != Stage::Sent
}

/// What a plugin said, with its name if it did not say that itself.
fn named(plugin: &str, why: &str) -> String {
    if why.contains(&format!("`{plugin}`")) { why.to_owned() } else { format!("{plugin}: {why}") }
}

/// What a frame means to the job that the worker has.
enum Said {
    Began,
    Ended(JobId, Result<(), JobFailure>),
    EndedAfterCancel(JobId),
    Publish(JobId, JobChange),
    Nothing,
    Unexpected(String),
}

fn said_of_job(assignment: &mut Assignment, frame: WorkerFrame) -> Said {
    let Assignment { job: mine, attempt: current, request: asked, stage } = assignment;
    let is_mine = |job: JobId, attempt: u32| job == *mine && attempt == *current;
    let answers = |request: RequestId, job, attempt| request == *asked && is_mine(job, attempt);
    match (frame, *stage) {
        (WorkerFrame::Started { request, job, attempt }, Stage::Sent) if answers(request, job, attempt) => {
            *stage = Stage::Running { next_chunk: 0 };
            Said::Began
        }
        (WorkerFrame::Note { job, attempt }, Stage::Running { .. } | Stage::Leaving)
            if is_mine(job, attempt) =>
        {
            Said::Publish(job, JobChange::Noted)
        }
        (WorkerFrame::Chunk { job, attempt, seq }, Stage::Running { next_chunk })
            if is_mine(job, attempt) =>
        {
            if seq != next_chunk {
                return Said::Unexpected(format!("it sent chunk {seq} instead of {next_chunk}"));
            }
            *stage = Stage::Running { next_chunk: next_chunk + 1 };
            Said::Publish(job, JobChange::Chunk)
        }
        (WorkerFrame::Result { request, job, attempt, result }, Stage::Running { .. })
            if answers(request, job, attempt) =>
        {
            Said::Ended(job, result)
        }
        (WorkerFrame::Result { request, job, attempt, .. }, Stage::Leaving)
            if answers(request, job, attempt) =>
        {
            Said::EndedAfterCancel(job)
        }
        // The cancel was handled first: a part of the result that crosses it is not wanted any more, and the
        // answer to the cancel is not awaited.
        (WorkerFrame::Chunk { .. } | WorkerFrame::Response { .. }, Stage::Leaving) => Said::Nothing,
        (frame, at) => {
            // It may have begun with a job that it names, so the job cannot go back to the queue.
            if at == Stage::Sent && frame.may_hide_begin_of(*mine) {
                *stage = Stage::Running { next_chunk: 0 };
            }
            let when = if at == Stage::Sent { "before the job began" } else { "that does not fit its job" };
            Said::Unexpected(format!("it sent {} {when}", name(&frame)))
        }
    }
}

fn name(frame: &WorkerFrame) -> &'static str {
    match frame {
        WorkerFrame::Hello => "a second hello",
        WorkerFrame::Ready { .. } => "a ready",
        WorkerFrame::Started { .. } => "a started",
        WorkerFrame::Note { .. } => "progress or a log line",
        WorkerFrame::Chunk { .. } => "a chunk",
        WorkerFrame::Output { .. } => "output",
        WorkerFrame::Result { .. } => "a result",
        WorkerFrame::Response { .. } => "a response",
        WorkerFrame::State { .. } => "its state",
        WorkerFrame::HungUp => "a hang-up",
        WorkerFrame::Fault { .. } => "nonsense",
    }
}
