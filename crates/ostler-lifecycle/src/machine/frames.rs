//! What a worker says, and what it may say when.

use std::time::{Duration, Instant};

use super::Machine;
use crate::assignment::{Assignment, Stage};
use crate::heartbeat::Heartbeat;
use crate::job::Fate;
use crate::slot::SlotState;
use crate::standing::Over;
use crate::{
    Category, Command, Effect, EndReason, FailureKind, JobChange, JobFailure, JobId, Outcome, PluginKey,
    RequestId, SlotId, WorkerChange, WorkerFrame, WorkerKey,
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
        // What comes through a pipe may be somebody else's, and a hang-up is no sign of life.
        if let Some(heartbeat) = &mut slot.heartbeat
            && !matches!(frame, WorkerFrame::Output { .. } | WorkerFrame::HungUp)
        {
            heartbeat.heard(now);
        }
        if let WorkerFrame::Response { request, .. } = frame
            && slot.asked_to_end == Some(request)
        {
            slot.asked_to_end = None;
            return;
        }
        match (&mut slot.state, frame) {
            // What was handled first wins: nothing that it says can change that, but for one thing.
            (SlotState::Dying(death), WorkerFrame::Output { job, attempt }) => {
                if death.printed_by == Some((job, attempt)) {
                    out.push(Effect::Publish { job, change: JobChange::Noted });
                }
            }
            (SlotState::Dying(death), frame) => death.hear(&frame),
            (SlotState::Draining { .. }, _) | (_, WorkerFrame::Pong) => {}
            (SlotState::Busy(assignment), WorkerFrame::Unheard) => assignment.reported(now),
            (_, WorkerFrame::Unheard) => {}
            (_, WorkerFrame::HungUp) => self.hung_up(now, id, out),
            (state, WorkerFrame::Fault { message }) => {
                state.presume_begun();
                self.fault(now, id, message, out);
            }
            (SlotState::Starting, WorkerFrame::Hello) => self.hello(now, id, out),
            (
                SlotState::Loading { request },
                WorkerFrame::Ready { request: answers, loaded, failed, resident },
            ) if *request == answers => {
                self.ready(now, id, Ready { loaded, failed, resident }, out);
            }
            (SlotState::Controlling { request }, WorkerFrame::Response { request: answers, result })
                if *request == answers =>
            {
                self.control_answered(now, id, answers, result, out);
            }
            (_, WorkerFrame::State { request }) => self.state_reported(id, request, out),
            (SlotState::Busy(assignment), frame) => match said_of_job(assignment, now, frame) {
                Said::Began => self.began(now, id, out),
                Said::Ended(job, result, resident) => self.ended(now, id, job, result, resident, out),
                Said::EndedLate(job, timeout, resident) => {
                    let failure = JobFailure::ran_too_long(timeout);
                    self.ended(now, id, job, Err(failure), resident, out);
                }
                Said::EndedAfterCancel(job) => {
                    self.kill(now, id, EndReason::Cancelled, Some((job, Fate::Cancelled)), out);
                }
                Said::Publish(job, change) => out.push(Effect::Publish { job, change }),
                Said::Nothing => {}
                Said::Unexpected(what) => self.fault(now, id, what, out),
            },
            // It may be late, and is not said by the worker itself.
            (_, WorkerFrame::Output { .. }) => {}
            (_, frame) => self.fault(now, id, format!("it sent {} when nobody had asked", name(&frame)), out),
        }
    }

    fn hello(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let deadline = now + self.config.load_timeout;
        let worker = self.slot(id).worker();
        out.push(Effect::Worker { worker, change: WorkerChange::Loading });
        let request = self.send(worker, Command::Init, out);
        self.slot(id).enter(SlotState::Loading { request }, Some(deadline));
        self.listen_to(id, now);
        self.join_controls(worker);
    }

    /// From now on, until the slot's next state, its worker must show that it lives.
    pub(super) fn listen_to(&mut self, id: SlotId, now: Instant) {
        let (interval, timeout) = (self.config.heartbeat_interval, self.config.heartbeat_timeout);
        self.slot(id).heartbeat = Heartbeat::new(interval, timeout, now);
    }

    fn ready(&mut self, now: Instant, id: SlotId, ready: Ready, out: &mut Vec<Effect>) {
        if !ready.failed.is_empty() {
            let list: Vec<String> = ready.failed.iter().map(|(plugin, why)| named(plugin, why)).collect();
            return self.kill(now, id, EndReason::LoadFailed(list.join("; ")), None, out);
        }
        let life = &mut self.slot(id).life;
        life.ready_at = Some(now);
        life.warm = ready.loaded;
        life.baseline = ready.resident;
        match self.hopeless_limit(id, now) {
            None => {
                self.start_has_helped(now, id);
                let idle_since = self.slot(id).life.idle_since;
                self.become_idle(now, id, out);
                // It has taken the place of one that had nothing to do.
                self.slot(id).life.idle_since = idle_since.or(Some(now));
            }
            Some(figures) => self.refuse_limit(now, id, figures, out),
        }
    }

    /// Its worker has nothing to do. What comes next the plan decides, and `dispatch`.
    pub(super) fn become_idle(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let slot = self.slot(id);
        slot.enter(SlotState::Idle, None);
        slot.life.idle_since = Some(now);
        // One that is ended at once is at nobody's service.
        if !matches!(slot.life.over, Some(Over::Used | Over::Obsolete)) {
            out.push(Effect::Worker { worker: slot.worker(), change: WorkerChange::Idle });
        }
    }

    /// It closed its connection, and will take no job any more.
    fn hung_up(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let slot = self.slot(id);
        slot.hung_up = Some(now + HANG_UP_GRACE);
        if let SlotState::Reserved { job, .. } = slot.state {
            slot.enter(SlotState::Idle, None);
            self.requeue(now, job, out);
        }
    }

    fn began(&mut self, now: Instant, id: SlotId, out: &mut Vec<Effect>) {
        let slot = self.slot(id);
        let (worker, pid) = (slot.worker(), slot.pid);
        let SlotState::Busy(Assignment { job, attempt, .. }) = slot.state else { return };
        let Some(entry) = self.jobs.get(&job) else { return };
        let timeout = entry.timeout();
        self.need_not_begin_by_a_time(job);
        self.slot(id).deadline = timeout.map(|timeout| now + timeout);
        out.push(Effect::Publish { job, change: JobChange::Started { worker, pid, attempt } });
    }

    fn ended(
        &mut self,
        now: Instant,
        id: SlotId,
        job: JobId,
        result: Result<(), JobFailure>,
        resident: u64,
        out: &mut Vec<Effect>,
    ) {
        match result {
            Ok(()) => self.settle(job, Outcome::Completed, out),
            Err(failure) => self.run_failed(now, job, Box::new(failure), out),
        }
        // Whatever came of the job, its worker did its work.
        self.slot(id).faults = 0;
        self.ran_a_job(now, id, resident, out);
        if self.config.recycling.fresh_process {
            let over = &mut self.slot(id).life.over;
            // Nobody takes the place of one that has taken a configuration which the pool has not.
            *over = over.filter(|over| *over == Over::Obsolete).or(Some(Over::Used));
        }
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

/// What a plugin said, with its name if it did not say that itself.
fn named(plugin: &str, why: &str) -> String {
    if why.contains(&format!("`{plugin}`")) { why.to_owned() } else { format!("{plugin}: {why}") }
}

/// What a frame means to the job that the worker has.
enum Said {
    Began,
    Ended(JobId, Result<(), JobFailure>, u64),
    /// It has ended after its time was up. What it has said then does not count.
    EndedLate(JobId, Duration, u64),
    EndedAfterCancel(JobId),
    Publish(JobId, JobChange),
    Nothing,
    Unexpected(String),
}

/// What a worker says once it has loaded its plugins.
struct Ready {
    loaded: Vec<PluginKey>,
    failed: Vec<(String, String)>,
    resident: u64,
}

fn said_of_job(assignment: &mut Assignment, now: Instant, frame: WorkerFrame) -> Said {
    // What another job has left in a pipe is no report of this one.
    if !matches!(frame, WorkerFrame::Output { job, attempt } if (job, attempt) != (assignment.job, assignment.attempt))
    {
        assignment.reported(now);
    }
    let is_awaited = matches!(frame, WorkerFrame::Result { request, job, attempt, .. } if assignment.awaits_result(request, job, attempt));
    let Assignment { job: mine, attempt: current, request: asked, stage, .. } = assignment;
    let is_mine = |job: JobId, attempt: u32| job == *mine && attempt == *current;
    let answers = |request: RequestId, job, attempt| request == *asked && is_mine(job, attempt);
    match (frame, *stage) {
        (WorkerFrame::Started { request, job, attempt }, Stage::Sent) if answers(request, job, attempt) => {
            *stage = Stage::Running { next_chunk: 0 };
            Said::Began
        }
        (
            WorkerFrame::Note { job, attempt },
            Stage::Running { .. } | Stage::Overtime { .. } | Stage::Leaving,
        ) if is_mine(job, attempt) => Said::Publish(job, JobChange::Noted),
        (WorkerFrame::Output { job, attempt }, at) => match at {
            Stage::Running { .. } | Stage::Overtime { .. } | Stage::Leaving if is_mine(job, attempt) => {
                Said::Publish(job, JobChange::Noted)
            }
            _ => Said::Nothing,
        },
        (WorkerFrame::Chunk { job, attempt, seq }, Stage::Running { next_chunk })
            if is_mine(job, attempt) =>
        {
            if seq != next_chunk {
                return Said::Unexpected(format!("it sent chunk {seq} instead of {next_chunk}"));
            }
            *stage = Stage::Running { next_chunk: next_chunk + 1 };
            Said::Publish(job, JobChange::Chunk)
        }
        (WorkerFrame::Result { job, result, resident, .. }, _) if is_awaited => {
            Said::Ended(job, result, resident)
        }
        (WorkerFrame::Result { request, job, attempt, resident, .. }, Stage::Overtime { timeout })
            if answers(request, job, attempt) =>
        {
            Said::EndedLate(job, timeout, resident)
        }
        (WorkerFrame::Result { request, job, attempt, .. }, Stage::Leaving)
            if answers(request, job, attempt) =>
        {
            Said::EndedAfterCancel(job)
        }
        // A part of a result that is not wanted any more. Nor is the answer to a cancel awaited.
        (WorkerFrame::Chunk { .. }, Stage::Overtime { .. } | Stage::Leaving)
        | (WorkerFrame::Response { .. }, Stage::Leaving) => Said::Nothing,
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
        WorkerFrame::Pong => "a pong",
        WorkerFrame::Unheard => "nothing that was heard",
        WorkerFrame::HungUp => "a hang-up",
        WorkerFrame::Fault { .. } => "nonsense",
    }
}
