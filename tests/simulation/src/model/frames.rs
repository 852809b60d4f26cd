//! What a frame means: the protocol as a table, written a second time.

use ostler_lifecycle::{Category, ControlOperation, FailureKind, JobId, Machine, WorkerFrame, WorkerKey};

use super::job::{Due, Stage};
use super::step::Frame;
use super::worker::{Task, Worker};
use super::{Model, Verdict, ensure};

impl Model {
    pub(super) fn foresee_frame(&mut self, key: WorkerKey, frame: &WorkerFrame) {
        let now = self.now;
        let Some(worker) = self.workers.get_mut(&key) else {
            self.step.quiet = true;
            return;
        };
        // A job that its worker names may have begun, whatever becomes of the frame; so may one behind a frame that
        // cannot be read.
        let garbled = matches!(frame, WorkerFrame::Fault { .. });
        let held = worker.task.as_ref().map(|task| task.job).filter(|_| garbled);
        let named =
            held.or(named_job(frame)).filter(|job| worker.task.as_ref().is_some_and(|task| task.job == *job));
        if worker.listens() {
            self.step.frame = meaning(worker, frame);
            // What it prints comes through a pipe that others may hold, and a hang-up is no sign of life.
            if !matches!(frame, WorkerFrame::Output { .. } | WorkerFrame::HungUp) {
                worker.lives(now);
            }
        }
        if let WorkerFrame::Output { job, attempt } = *frame
            && worker.printed_by == Some((job, attempt))
            && !worker.given_up
        {
            self.step.frame = Frame::Noted;
        }
        self.step.quiet = matches!(self.step.frame, Frame::Nothing | Frame::ToldToEnd);
        if let (true, Some(task)) = (is_report(self.step.frame), &mut worker.task) {
            task.reported_at = now;
        }
        self.heed(key, frame);
        if let Some(job) = named.and_then(|job| self.jobs.get_mut(&job)) {
            job.begun = true;
            if let (Frame::Started, Stage::Sent(worker)) = (self.step.frame, job.stage) {
                job.stage = Stage::Running(worker);
                job.start_by = None;
            }
        }
    }

    fn heed(&mut self, key: WorkerKey, frame: &WorkerFrame) {
        let now = self.now;
        if let (Frame::Ready, WorkerFrame::Ready { loaded, resident, .. }) = (self.step.frame, frame) {
            if !self.becomes_ready(key, loaded, *resident) {
                self.step.frame = Frame::LoadFailed;
            }
            return;
        }
        let Some(worker) = self.workers.get_mut(&key) else { return };
        match self.step.frame {
            Frame::Hello => worker.hello_at = Some(now),
            Frame::Chunk => worker.task.iter_mut().for_each(|task| task.next_chunk += 1),
            Frame::Started => worker.task.iter_mut().for_each(|task| task.started_at = Some(now)),
            Frame::Chore => {
                let succeeded = matches!(frame, WorkerFrame::Response { result: Ok(()), .. });
                worker.chore_ends = None;
                if let Some((id, _)) = worker.chore.take() {
                    if succeeded {
                        worker.chores_done.push(id);
                        self.plugin_changed(key, id);
                    }
                    self.chore_answered(id, succeeded);
                }
            }
            Frame::State(id) => {
                worker.questions.retain(|(_, asked)| *asked != id);
                self.chore_answered(id, true);
            }
            Frame::Nothing if *frame == WorkerFrame::HungUp && worker.listens() => {
                worker.hung_up_at = Some(now);
                // The job that it was reserved for may go to another one.
                if worker.is_free() {
                    self.losses += 1;
                    self.step.quiet = false;
                }
            }
            Frame::Ended | Frame::EndedLate => self.foresee_result(key, frame),
            Frame::ToldToEnd => worker.asked_to_end = None,
            _ => {}
        }
    }

    fn foresee_result(&mut self, key: WorkerKey, frame: &WorkerFrame) {
        let WorkerFrame::Result { result, resident, .. } = frame else { return };
        let due = match result {
            _ if self.step.frame == Frame::EndedLate => {
                Due::RunFailed(FailureKind::TimedOut, Category::Transient)
            }
            Ok(()) => Due::Completed,
            Err(failure) => Due::RunFailed(failure.kind, failure.category),
        };
        let task = self.workers.get_mut(&key).and_then(|worker| worker.task.take());
        self.step.due.extend(task.map(|task| (task.job, due)));
        self.ran_a_job(key, *resident);
        self.everybody_gets_another_turn();
    }

    /// What the host does with a result before it is handled, it does for those that count and for no other.
    pub(super) fn a_result_is_awaited_if_it_counts(
        &self,
        key: WorkerKey,
        frame: &WorkerFrame,
        machine: &Machine,
    ) -> Verdict {
        let WorkerFrame::Result { request, job, attempt, .. } = frame else { return Ok(()) };
        let awaited = machine.awaits_result(key, *request, *job, *attempt);
        ensure(awaited == (self.step.frame == Frame::Ended), "a_result_is_awaited_if_it_counts", || {
            format!("{job} of {key}: {awaited}, and it means {:?}", self.step.frame)
        })
    }

    fn plugin_changed(&mut self, key: WorkerKey, id: ostler_lifecycle::ControlId) {
        let operation = self.controls.get(&id).map(|control| control.operation);
        let Some(worker) = self.workers.get_mut(&key) else { return };
        match operation {
            Some(ControlOperation::Reload(plugin)) => {
                worker.warm.insert(plugin);
            }
            Some(ControlOperation::Unload(plugin)) => {
                worker.warm.remove(&plugin);
            }
            _ => {}
        }
    }

    /// What a job that has begun dies of when its worker breaks the protocol.
    pub(super) fn doom_of_a_breach(&self, worker: &Worker) -> Option<(FailureKind, Category)> {
        let task = worker.task.as_ref()?;
        let begun = self.jobs.get(&task.job).is_some_and(|job| job.begun);
        begun.then_some((FailureKind::Protocol, Category::Fatal))
    }
}

/// Whether a frame shows that the job gets on.
fn is_report(frame: Frame) -> bool {
    matches!(frame, Frame::Started | Frame::Noted | Frame::Chunk)
}

fn named_job(frame: &WorkerFrame) -> Option<JobId> {
    match frame {
        WorkerFrame::Started { job, .. }
        | WorkerFrame::Note { job, .. }
        | WorkerFrame::Chunk { job, .. }
        | WorkerFrame::Result { job, .. } => Some(*job),
        _ => None,
    }
}

fn meaning(worker: &Worker, frame: &WorkerFrame) -> Frame {
    match (frame, &worker.task) {
        (WorkerFrame::HungUp | WorkerFrame::Pong | WorkerFrame::Unheard, _) => Frame::Nothing,
        (WorkerFrame::Hello, _) if worker.hello_at.is_none() => Frame::Hello,
        (WorkerFrame::Ready { request, failed, .. }, _) if worker.init == Some(*request) && !worker.ready => {
            if failed.is_empty() {
                Frame::Ready
            } else {
                Frame::LoadFailed
            }
        }
        (WorkerFrame::Response { request, .. }, _)
            if worker.chore.is_some_and(|(_, asked)| asked == *request) =>
        {
            Frame::Chore
        }
        (WorkerFrame::Response { request, .. }, _) if worker.asked_to_end == Some(*request) => {
            Frame::ToldToEnd
        }
        (WorkerFrame::State { request }, _) => worker
            .questions
            .iter()
            .find(|(asked, _)| asked == request)
            .map_or(Frame::Nothing, |(_, id)| Frame::State(*id)),
        (_, Some(task)) => meaning_for_job(task, frame),
        // It may be late, and no worker is to blame for it.
        (WorkerFrame::Output { .. }, None) => Frame::Nothing,
        _ => Frame::Wrong,
    }
}

fn meaning_for_job(task: &Task, frame: &WorkerFrame) -> Frame {
    let (started, leaving) = (task.started_at.is_some(), task.leave_by.is_some());
    let mine = |job: JobId, attempt: u32| job == task.job && attempt == task.attempt;
    match *frame {
        WorkerFrame::Started { request, job, attempt }
            if !started && mine(job, attempt) && request == task.request =>
        {
            Frame::Started
        }
        WorkerFrame::Note { job, attempt } if started && mine(job, attempt) => Frame::Noted,
        WorkerFrame::Output { job, attempt } if started && mine(job, attempt) => Frame::Noted,
        WorkerFrame::Output { .. } => Frame::Nothing,
        WorkerFrame::Chunk { .. } if leaving => Frame::Nothing,
        WorkerFrame::Response { .. } if leaving && !task.overtime => Frame::Nothing,
        WorkerFrame::Chunk { job, attempt, seq }
            if started && mine(job, attempt) && seq == task.next_chunk =>
        {
            Frame::Chunk
        }
        WorkerFrame::Result { request, job, attempt, .. }
            if started && mine(job, attempt) && request == task.request =>
        {
            if task.overtime {
                Frame::EndedLate
            } else if leaving {
                Frame::EndedAfterCancel
            } else {
                Frame::Ended
            }
        }
        _ => Frame::Wrong,
    }
}
