//! What a frame means: the protocol as a table, written a second time.

use ostler_lifecycle::{JobId, WorkerFrame, WorkerKey};

use super::Model;
use super::job::{Due, Stage};
use super::step::Frame;
use super::worker::{Task, Worker};

impl Model {
    pub(super) fn foresee_frame(&mut self, key: WorkerKey, frame: &WorkerFrame) {
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
        if !worker.listens() {
            self.step.quiet = true;
        } else {
            self.step.frame = meaning(worker, frame);
            self.step.quiet = matches!(self.step.frame, Frame::Nothing);
        }
        match self.step.frame {
            Frame::Hello => worker.hello_at = Some(self.now),
            Frame::Ready => worker.ready = true,
            Frame::Chunk => worker.task.iter_mut().for_each(|task| task.next_chunk += 1),
            Frame::Started => worker.task.iter_mut().for_each(|task| task.started_at = Some(self.now)),
            Frame::Chore => {
                let done = worker.chore.take();
                let succeeded = matches!(frame, WorkerFrame::Response { result: Ok(()), .. });
                if let Some((id, _)) = done {
                    if succeeded {
                        worker.chores_done.push(id);
                    }
                    self.chore_answered(id, succeeded);
                }
            }
            Frame::State(id) => {
                worker.questions.retain(|(_, asked)| *asked != id);
                self.chore_answered(id, true);
            }
            Frame::Nothing if *frame == WorkerFrame::HungUp && worker.listens() => {
                worker.hung_up_at = Some(self.now);
            }
            Frame::Ended => {
                let task = worker.task.take();
                let due = match frame {
                    WorkerFrame::Result { result: Ok(()), .. } => Due::Completed,
                    _ => Due::FailedByPlugin,
                };
                self.step.due.extend(task.map(|task| (task.job, due)));
                self.everybody_gets_another_turn();
            }
            _ => {}
        }
        if let Some(job) = named.and_then(|job| self.jobs.get_mut(&job)) {
            job.begun = true;
            if let (Frame::Started, Stage::Sent(worker)) = (self.step.frame, job.stage) {
                job.stage = Stage::Running(worker);
            }
        }
    }
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
        (WorkerFrame::HungUp, _) => Frame::Nothing,
        (WorkerFrame::Output { job, attempt }, Some(task))
            if task.started_at.is_some() && (*job, *attempt) == (task.job, task.attempt) =>
        {
            Frame::Noted
        }
        (WorkerFrame::Output { .. }, _) => Frame::Nothing,
        (WorkerFrame::Hello, _) if worker.hello_at.is_none() => Frame::Hello,
        (WorkerFrame::Ready { request, failed }, _) if worker.init == Some(*request) && !worker.ready => {
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
        (WorkerFrame::State { request }, _) => worker
            .questions
            .iter()
            .find(|(asked, _)| asked == request)
            .map_or(Frame::Nothing, |(_, id)| Frame::State(*id)),
        (_, Some(task)) => meaning_for_job(task, frame),
        _ => Frame::Wrong,
    }
}

fn meaning_for_job(task: &Task, frame: &WorkerFrame) -> Frame {
    let (started, leaving) = (task.started_at.is_some(), task.leaving_since.is_some());
    let mine = |job: JobId, attempt: u32| job == task.job && attempt == task.attempt;
    match *frame {
        WorkerFrame::Started { request, job, attempt }
            if !started && mine(job, attempt) && request == task.request =>
        {
            Frame::Started
        }
        WorkerFrame::Note { job, attempt } if started && mine(job, attempt) => Frame::Noted,
        WorkerFrame::Chunk { .. } | WorkerFrame::Response { .. } if leaving => Frame::Nothing,
        WorkerFrame::Chunk { job, attempt, seq }
            if started && mine(job, attempt) && seq == task.next_chunk =>
        {
            Frame::Chunk
        }
        WorkerFrame::Result { request, job, attempt, .. }
            if started && mine(job, attempt) && request == task.request =>
        {
            if leaving {
                Frame::EndedAfterCancel
            } else {
                Frame::Ended
            }
        }
        _ => Frame::Wrong,
    }
}
