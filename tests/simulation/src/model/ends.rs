//! What the end of a worker means, and what time does.

use std::time::Instant;

use ostler_lifecycle::{
    Category, ExitStatus, FailureKind, JobId, RecycleReason, SlotId, WorkerExit, WorkerKey,
};

use super::job::{Due, Stage};
use super::worker::{End, Worker};
use super::{Model, Verdict, ensure};

impl Model {
    pub(super) fn foresee_exit(&mut self, key: WorkerKey, exit: Option<&WorkerExit>) {
        let Some(worker) = self.workers.remove(&key) else {
            self.step.quiet = true;
            return;
        };
        if worker.is_free() {
            self.losses += 1;
        }
        let half_said = exit.filter(|exit| exit.torn_frame.is_some());
        if half_said.is_some() && worker.stopped.is_none() {
            self.may_have_begun(&worker);
        }
        if let Some(task) = &worker.task {
            // Who exits by itself has no reason to leave a frame half said.
            let breach = half_said.is_some_and(|exit| matches!(exit.status, ExitStatus::Code(_)));
            let kind = if breach { FailureKind::Protocol } else { FailureKind::Crashed };
            let failure = match worker.killed {
                Some(killed) => killed.doom,
                None => task
                    .doom_of_overtime()
                    .or_else(|| self.begun(task.job).then_some((kind, Category::Fatal))),
            };
            self.foresee_end_of_job(task.job, failure);
        }
        if !worker.given_up {
            let stop = worker.has_a_successor();
            let replaced = worker.killed.map_or(stop, |killed| killed.replaced);
            self.is_replaced(key.slot, replaced);
            let end = match worker.killed {
                Some(killed) => killed.end,
                None if worker.stopped.is_some() => End::Asked,
                // It exits because its job was asked to end.
                None if worker.task.as_ref().is_some_and(|task| task.leave_by.is_some()) => End::Asked,
                None => worker.fault(),
            };
            self.step.returning.extend(worker.may_return.then_some(key.slot));
            let recycled = worker.is_recycled();
            self.step.leaves = Some((end, replaced || recycled));
        }
        self.step.gone = Some((key, worker));
        self.everybody_gets_another_turn();
    }

    /// What the frame said that its worker left half said is not known.
    fn may_have_begun(&mut self, worker: &Worker) {
        let job = worker.task.as_ref().map(|task| task.job);
        if let Some(job) = job.and_then(|id| self.jobs.get_mut(&id)) {
            job.begun = true;
        }
    }

    fn begun(&self, id: JobId) -> bool {
        self.jobs.get(&id).is_some_and(|job| job.begun)
    }

    /// A slot has become empty; a restart that was asked for before its end comes now, unless all has ended.
    fn is_replaced(&mut self, slot: SlotId, asked: bool) {
        let goes_on = self.shutdown.is_none() && !self.down && !self.pressure;
        self.step.replaced.extend((asked && goes_on).then_some(slot));
    }

    /// A job's worker is dead. Without a failure the job goes back to the queue, if it is certain that it never began.
    fn foresee_end_of_job(&mut self, id: JobId, failure: Option<(FailureKind, Category)>) {
        let (now, ending) = (self.now, self.ending.is_some());
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let late = job.begun.then_some((FailureKind::Stalled, Category::Transient));
        match (job.stage, failure.or(late)) {
            (Stage::Cancelling(_), _) => self.step.due.push((id, Due::Cancelled)),
            (_, Some((kind, category))) => self.step.due.push((id, Due::RunFailed(kind, category))),
            (_, None) => {
                job.waits_again(Stage::Pending { blocked: false });
                if !ending && job.start_by.is_some_and(|deadline| deadline <= now) {
                    self.step.due.push((id, Due::Overdue));
                }
            }
        }
    }

    pub(super) fn foresee_tick(&mut self, deadline: Option<Instant>) -> Verdict {
        let early = deadline.is_none_or(|deadline| self.now < deadline);
        self.step.quiet = early;
        if early {
            return Ok(());
        }
        if self.ask_again_at.is_some_and(|at| at <= self.now) {
            self.everybody_gets_another_turn();
        }
        let now = self.now;
        for job in self.jobs.values_mut() {
            if matches!(job.stage, Stage::Delayed { until } if until <= now) {
                job.waits_again(Stage::Pending { blocked: false });
            }
        }
        self.notice_ending();
        self.give_up_the_hopeless()?;
        self.some_have_come_of_age();
        Ok(())
    }

    fn some_have_come_of_age(&mut self) {
        let Some(limit) = self.config.recycling.after_age else { return };
        let now = self.now;
        for worker in self.workers.values_mut().filter(|worker| worker.ready && worker.listens()) {
            if worker.old.is_none() && worker.ready_at.is_some_and(|at| at + limit <= now) {
                worker.old = Some((RecycleReason::Age, now));
            }
        }
    }

    pub(super) fn give_up(&mut self, key: WorkerKey) -> Verdict {
        let Some(worker) = self.workers.get_mut(&key) else { return Ok(()) };
        worker.given_up = true;
        self.step.returning.extend(worker.may_return.then_some(key.slot));
        let Some(killed) = worker.killed else { return Ok(()) };
        let job = worker.task.as_ref().map(|task| task.job);
        self.is_replaced(key.slot, killed.replaced);
        self.slot_is_empty(key.slot, killed.end, killed.replaced);
        if let Some(id) = job {
            match self.jobs.get(&id).map(|job| job.stage) {
                Some(Stage::Cancelling(_)) => self.step.still_dying.push(id),
                // Nobody can say that it runs no more, so it cannot run again.
                Some(_) => {
                    let kind = killed.doom.map_or(FailureKind::Stalled, |(kind, _)| kind);
                    self.step.due.push((id, Due::Failed(kind)));
                }
                None => {}
            }
        }
        self.everybody_gets_another_turn();
        ensure(killed.at <= self.now, "time_runs_forward", || format!("{key} was killed in the future"))
    }
}
