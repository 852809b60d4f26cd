use std::sync::Arc;
use std::time::Instant;

use ostler_lifecycle::{
    BlockReason, Category, FailureKind, Forensics, JobFailure, JobId, JobStatus, Outcome, WorkerKey,
};

use super::cargo::Cargo;
use super::errand::{Errand, Remains};
use super::perform::Step;
use crate::caught::say;
use crate::events::{EventLog, JobEventKind};
use crate::job::JobCell;
use crate::{JobError, JobType};

impl<J: JobType> Step<'_, J> {
    /// A job has ended: records it, and then tells everybody who waits.
    pub(super) fn settle(&mut self, id: JobId, mut outcome: Outcome) {
        let Some(mut active) = self.state.active.remove(&id) else { return };
        self.add_refusal(&mut outcome, active.worker);
        let is_cancelled = matches!(outcome, Outcome::Cancelled(_));
        self.note_death(id, active.worker, forensics_of(&outcome));
        let mut waiters = Vec::new();
        if let Some(cancel) = active.cancel.take() {
            self.note_cancellation(id, cancel.record, &outcome);
            waiters = cancel.waiters;
        }
        let kind = self.record(id, outcome);
        let evicted = self.state.ledger.take_evicted();
        // With no room for finished jobs it is this one that had to go.
        let record = self.state.ledger.get(id).or_else(|| evicted.clone());
        if self.state.ledger.status(id).is_some_and(JobStatus::is_terminal) {
            let known = self.state.ledger.finished();
            self.state.expiry.ended(Instant::now(), id, known);
        }
        let worker = active.worker.map(tracing::field::display);
        say!(debug, job = %id, plugin = %active.cell.plugin, worker, outcome = kind.name(), "ended");

        let cell = Arc::clone(&active.cell);
        let failure = match &kind {
            JobEventKind::Failed(failure) => Some(failure.clone()),
            _ => None,
        };
        let hooks = self.core.settings.own_hooks;
        let is_heard = match kind {
            JobEventKind::Completed => hooks.hears_of_completion,
            JobEventKind::Cancelled => hooks.hears_of_cancel,
            _ => hooks.hears_of_failure,
        };
        self.tell_dropped(&cell);
        self.tell(&cell, kind);
        cell.log().close();
        let logs = self.shelve(&cell, evicted.as_ref().map(|job| job.id));
        if let Some(record) = record {
            let mut instead = None;
            if !record.status.is_terminal() {
                // It could not be copied for a reader, and would stand there for ever as what it is no more.
                self.errands.push(Errand::Drop(self.state.ledger.forget(id)));
                instead = Some(Box::new(failure.map_or(JobError::Cancelled, JobError::Failed)));
            } else if is_heard {
                self.errands.push(Errand::Ended(Arc::clone(&record)));
            }
            cell.end(record, instead);
        }
        for waiter in waiters {
            // Whoever waited may have given up.
            let _ = waiter.send(Ok(is_cancelled));
        }
        self.errands.push(Errand::Forget(Remains { _active: active, _evicted: evicted, _logs: logs }));
    }

    /// If the job fails while its worker lives on, since the system refused to kill it, its failure says so.
    fn add_refusal(&self, outcome: &mut Outcome, worker: Option<WorkerKey>) {
        if let Outcome::Failed(failure) = outcome
            && let Some(refusal) = worker.and_then(|worker| self.state.kill_refusal(worker))
        {
            failure.message.push_str(&format!("; its worker lives on: {refusal}"));
        }
    }

    /// Keeps the log of a job as long as its record; those that go for it.
    fn shelve(&mut self, cell: &JobCell<J>, evicted: Option<JobId>) -> Vec<Arc<EventLog>> {
        let archive = &mut self.state.archive;
        let mut gone = archive.keep(cell.id, Arc::clone(cell.log()));
        gone.extend(evicted.and_then(|job| archive.forget(job)));
        gone
    }

    /// A run has failed, and the job goes on: for another attempt, or into quarantine.
    pub(super) fn run_failed(&mut self, id: JobId, reason: &BlockReason) {
        let (BlockReason::Retry { failure, .. } | BlockReason::Quarantined { failure, .. }) = reason else {
            return;
        };
        say!(warn, job = %id, %reason, "a run has failed");
        self.state.ledger.mark_waiting(id, reason.clone(), JobFailure::clone(failure));
        let worker = self.state.active.get(&id).and_then(|active| active.worker);
        self.note_death(id, worker, failure.forensics.as_deref());
    }

    /// A run is over: what was dropped of it is told before anything else, which would not be of this run any more.
    pub(super) fn tell_dropped(&mut self, cell: &JobCell<J>) {
        if let Some(dropped) = cell.log().take_dropped() {
            self.tell(cell, dropped.event_of(cell.id));
        }
    }

    /// If the job died with its worker, what had left the worker's group is counted on the job's record later.
    fn note_death(&mut self, id: JobId, worker: Option<WorkerKey>, forensics: Option<&Forensics>) {
        if let (Some(worker), Some(_)) = (worker, forensics) {
            self.state.unswept.insert(worker, id);
        }
    }

    fn record(&mut self, id: JobId, outcome: Outcome) -> JobEventKind {
        let ledger = &mut self.state.ledger;
        let failure = match outcome {
            Outcome::Completed => match self.cargo.take() {
                Cargo::Output(output, attachments) => {
                    if ledger.mark_completed(id, output, attachments, self.clock.now()) {
                        return JobEventKind::Completed;
                    }
                    let message = "the record of the job cannot be written: its type panicked when it was copied, which it \
                                   is when a reader holds an earlier record";
                    Box::new(JobFailure::new(FailureKind::Protocol, Category::Fatal, message))
                }
                // A result is fed in with its output: see `worker::inbound`.
                _ => {
                    let message = "the result was lost in the host; this is a fault of Ostler";
                    Box::new(JobFailure::new(FailureKind::Protocol, Category::Fatal, message))
                }
            },
            Outcome::Cancelled(_) => {
                self.state.ledger.mark_cancelled(id, self.clock.now());
                return JobEventKind::Cancelled;
            }
            Outcome::Failed(failure) => failure,
        };
        ledger.mark_failed(id, failure.clone(), self.clock.now());
        JobEventKind::Failed(failure)
    }
}

fn forensics_of(outcome: &Outcome) -> Option<&Forensics> {
    match outcome {
        Outcome::Completed => None,
        Outcome::Failed(failure) => failure.forensics.as_deref(),
        Outcome::Cancelled(forensics) => forensics.as_deref(),
    }
}
