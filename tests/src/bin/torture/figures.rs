//! What is counted and timed, for a person to read.

use std::collections::BTreeMap;
use std::time::Duration;

use ostler::{Job, JobStatus};
use rustix::process::Signal;

use crate::book::{Blows, Note, Tale, is_of_memory};
use crate::clock;
use crate::inside::Task;

/// How often each of these happened.
pub(crate) type Counts = BTreeMap<String, u64>;

/// Figures of a whole torture.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) jobs: u64,
    pub(crate) runs: u64,
    pub(crate) retries: u64,
    /// Jobs by their end.
    pub(crate) outcomes: Counts,
    /// What became of jobs, by what they were to do.
    pub(crate) acts: Counts,
    /// Causes of death on the records of jobs.
    pub(crate) forensics: Counts,
    pub(crate) workers: u64,
    /// Workers by the cause of their death.
    pub(crate) deaths: Counts,
    /// Workers by what they were doing when they died.
    pub(crate) phases: Counts,
    /// Signals that were sent, by what the worker was doing.
    pub(crate) blows: Counts,
    /// Conditions of the host that were met.
    pub(crate) met: Counts,
    /// Starts that failed for want of a descriptor.
    pub(crate) failed_starts: u64,
    /// How much of the time Ostler's own threads ran while something could not be done, in percent at most.
    pub(crate) busiest: u64,
    /// Orphans that the host collected by itself.
    pub(crate) orphans: u64,
    /// What else was done to the manager.
    pub(crate) deeds: Counts,
    /// Busy workers that died, and how many of them while another one was idle.
    pub(crate) busy_deaths: u64,
    pub(crate) takeovers: u64,
    /// Cancels that killed at once, until they returned true.
    pub(crate) cancels: Spread,
    /// Those that asked first.
    pub(crate) graces: Spread,
    /// From a SIGKILL of ours to the error of the job that it hit.
    pub(crate) kills: Spread,

    pub(crate) missed: u64,
}

impl Figures {
    pub(crate) fn count(counts: &mut Counts, what: impl Into<String>) {
        *counts.entry(what.into()).or_default() += 1;
    }

    pub(crate) fn deed(&mut self, what: impl Into<String>) {
        Self::count(&mut self.deeds, what);
    }

    /// A condition that somebody wants to know to be met.
    pub(crate) fn met(&mut self, what: &str) {
        Self::count(&mut self.met, what);
    }

    pub(crate) fn job_ended(
        &mut self,
        note: &Note,
        record: &Job<Task>,
        tale: &Tale,
        runs: usize,
        ended: u64,
        blows: &Blows,
    ) {
        self.jobs += 1;
        self.runs += runs as u64;
        self.retries += record.past_failures.len() as u64;
        self.missed += tale.missed;
        let outcome = match (&record.error, record.status) {
            (Some(failure), _) => format!("failed: {:?}", failure.kind).to_lowercase(),
            (None, status) => status.to_string(),
        };
        Self::count(&mut self.outcomes, outcome);
        Self::count(&mut self.acts, note.task.act.name());
        if let Some(condition) = note.task.act.condition() {
            self.met(condition);
        }
        let evidence = record.past_failures.iter().chain(record.error.as_deref());
        for forensics in evidence.filter_map(|failure| failure.forensics.as_ref()) {
            Self::count(&mut self.forensics, forensics.cause.to_string());
        }
        let Some(forensics) = record.error.as_ref().and_then(|failure| failure.forensics.as_ref()) else {
            return;
        };
        let of_worker = forensics.pid.map_or(&[][..], |pid| blows.of(pid));
        let kill = of_worker.iter().find(|blow| blow.signal == Signal::KILL);
        // What was given up after quarantine took as long as somebody thought about it.
        if let Some(kill) = kill.filter(|_| record.status == JobStatus::Failed && note.retry.is_none()) {
            self.kills.add(clock::between(kill.at, ended));
        }
    }

    pub(crate) fn worker_ended(&mut self, cause: &str, phase: &str) {
        let cause =
            if is_of_memory(cause) { "was killed because it took more memory than it may" } else { cause };
        Self::count(&mut self.deaths, cause);
        Self::count(&mut self.phases, phase);
    }

    pub(crate) fn deaths(&self) -> u64 {
        self.deaths.values().sum()
    }
}

/// Times, for their percentiles.
#[derive(Debug, Default)]
pub(crate) struct Spread(Vec<u32>);

impl Spread {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    /// The middle, the ninety-ninth percentile, and the largest.
    pub(crate) fn describe(&self) -> String {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = |part: f64| {
            let index = ((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1));
            sorted.get(index).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
        };
        let (count, middle, most, last) = (sorted.len(), at(0.5), at(0.99), at(1.0));
        format!("{count} times, p50 {middle:.1} ms, p99 {most:.1} ms, max {last:.1} ms")
    }

    /// How many took longer than this.
    pub(crate) fn longer_than(&self, time: Duration) -> usize {
        self.0.iter().filter(|micros| u128::from(**micros) > time.as_micros()).count()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
