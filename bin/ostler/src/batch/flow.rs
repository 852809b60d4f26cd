use std::io;
use std::sync::Arc;
use std::time::Duration;

use ostler::worker::PluginManifest;
use ostler::{Category, StartError};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::line::{BadLine, parse};
use super::mark::Mark;
use super::progress::Progress;
use super::results::Results;
use super::source::{Line, Source};
use super::tally::End;
use crate::ending::Ending;
use crate::exit::{Exit, Failure, chain};
use crate::interrupt::Interrupt;
use crate::job::{JobHandle, Manager, Params};
use crate::quarantine;
use crate::report::Report;
use crate::stdout::Reader;

/// What a batch has an answer to: the first stop lets jobs finish, the second ends them.
pub(crate) const STOPS: u32 = 2;

/// How often it is looked at whether workers are missing.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is done with each line.
pub(super) struct Plan<'a> {
    pub(super) manager: &'a Manager,
    pub(super) manifest: &'a PluginManifest,
    pub(super) defaults: Map<String, Value>,
    pub(super) timeout: Option<Duration>,
    pub(super) stall_timeout: Option<Duration>,
    /// Whether a job may end in quarantine.
    pub(super) retries: bool,
    /// How long a stop lets jobs finish.
    pub(super) grace: Duration,
}

/// Lines on their way from the source through the workers to the results.
pub(super) struct Flow<'a> {
    plan: Plan<'a>,
    interrupt: Interrupt,
    permits: Arc<Semaphore>,
    running: JoinSet<Done>,
    results: &'a mut Results,
    progress: &'a Progress<'a>,
}

struct Done {
    line: u64,
    ending: Ending,
    mark: Mark,
    permit: OwnedSemaphorePermit,
}

/// How a batch ended.
pub(super) struct Flowed {
    pub(super) exit: Exit,
    /// Until when it may take, if it was stopped.
    pub(super) until: Option<Instant>,
}

/// Whether more lines are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Intake {
    Open,
    /// The input has no more.
    AtEnd,
    /// It was stopped before its end.
    Stopped,
}

/// Why a line has no job.
#[derive(Debug, thiserror::Error)]
enum NoJob {
    #[error(transparent)]
    BadLine(#[from] BadLine),
    #[error("{}", why_not_started(.0))]
    Start(#[from] StartError),
}

/// Without what a program could do about it.
fn why_not_started(error: &StartError) -> String {
    match error {
        StartError::WorkerUnavailable(reason) => format!("no worker is available: {reason}"),
        other => chain(other),
    }
}

enum Next {
    Line(io::Result<Line>, OwnedSemaphorePermit),
    /// There is no more, or no more is wanted.
    Last,
    /// Nothing more can be written.
    Stop(Result<Reader, Failure>),
}

impl<'a> Flow<'a> {
    pub(super) fn new(
        plan: Plan<'a>,
        interrupt: Interrupt,
        limit: usize,
        results: &'a mut Results,
        progress: &'a Progress<'a>,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(limit));
        Self { plan, interrupt, permits, running: JoinSet::new(), results, progress }
    }

    /// Runs everything that the source gives.
    pub(super) async fn run(mut self, mut source: Source) -> Result<Flowed, Failure> {
        let mut interrupt = self.interrupt.clone();
        let mut intake = Intake::Open;
        let mut unreadable = None;
        let mut until = None;
        let mut stops = 0;
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while intake == Intake::Open || !self.running.is_empty() {
            let next = tokio::select! {
                biased;
                _ = interrupt.asked_times(stops + 1), if stops < STOPS => {
                    let grace = if stops == 0 { self.plan.grace } else { Duration::ZERO };
                    stops += 1;
                    until = Some(Instant::now() + grace);
                    if intake == Intake::Open {
                        intake = Intake::Stopped;
                    }
                    self.drain(grace);
                    continue;
                }
                outcome = self.results.ended() => Next::Stop(outcome),
                Some(done) = self.running.join_next() => {
                    self.finish(done.map_err(|error| Failure::failed(format!("a job's task failed: {error}")))?)?;
                    continue;
                }
                _ = look.tick() => {
                    self.progress.health(&self.plan.manager.health());
                    continue;
                }
                next = next(&self.permits, &mut source), if intake == Intake::Open => next,
            };
            match next {
                Next::Line(Ok(line), permit) => self.start(line, permit).await?,
                Next::Line(Err(error), _) => {
                    unreadable = Some(Failure::failed(format!("cannot read stdin: {error}")));
                    intake = Intake::AtEnd;
                }
                Next::Last => intake = Intake::AtEnd,
                Next::Stop(outcome) => return outcome.map(|_| Flowed { exit: Exit::Failed, until }),
            }
        }
        if let Some(failure) = unreadable {
            return Err(failure);
        }
        Ok(Flowed { exit: self.end(intake), until })
    }

    fn end(&self, intake: Intake) -> Exit {
        // Who is stopped after the last line, and finishes them all, has lost nothing.
        let stopped = intake == Intake::Stopped || self.progress.any_interrupted();
        self.progress.end(if stopped { End::Stopped } else { End::Input });
        match (stopped, self.progress.all_completed()) {
            (true, _) => Exit::Cancelled,
            (false, true) => Exit::Completed,
            (false, false) => Exit::Failed,
        }
    }

    /// Lets what was read end within the grace.
    fn drain(&self, grace: Duration) {
        self.progress.drain(self.running.len() as u64, grace);
        let manager = self.plan.manager.clone();
        // What it says of processes that do not die, it also logs.
        tokio::spawn(async move { drop(manager.shutdown_within(grace).await) });
    }

    async fn start(&mut self, line: Line, permit: OwnedSemaphorePermit) -> Result<(), Failure> {
        let Line { number, text } = line;
        let started = match parse(text, self.plan.manifest, &self.plan.defaults) {
            Ok(params) => self.plan.start(params).await.map_err(NoJob::Start),
            Err(bad) => Err(NoJob::BadLine(bad)),
        };
        match started {
            Ok(handle) => {
                let (manager, retries) = (self.plan.manager.clone(), self.plan.retries);
                self.running.spawn(async move {
                    let quarantined = retries && quarantine::refuse(&manager, &handle).await;
                    let job = handle.finished().await;
                    let mark = Mark::of(&job, quarantined);
                    Done { line: number, ending: Ending::Finished(job), mark, permit }
                });
                Ok(())
            }
            Err(no_job) => {
                let (kind, category) = no_job.kind();
                let report = Report::rejected(&self.plan.manifest.name, kind, category, no_job.to_string());
                let unavailable = matches!(no_job, NoJob::Start(StartError::WorkerUnavailable(_)));
                if unavailable {
                    self.progress.no_workers(&no_job.to_string());
                }
                self.write(number, report, Mark::no_job(unavailable), permit)
            }
        }
    }

    fn finish(&self, done: Done) -> Result<(), Failure> {
        if let Ending::Finished(job) = &done.ending
            && let Some(failure) = job.error.as_ref().filter(|_| done.mark.unavailable)
        {
            self.progress.no_workers(&failure.message);
        }
        let report = Report::of(&done.ending, &self.plan.manifest.name);
        self.write(done.line, report, done.mark, done.permit)
    }

    fn write(
        &self,
        line: u64,
        report: Report<'_>,
        mark: Mark,
        permit: OwnedSemaphorePermit,
    ) -> Result<(), Failure> {
        let output = serde_json::to_vec(&Numbered { line, report })
            .map_err(|error| Failure::failed(format!("cannot express a result as JSON: {error}")))?;
        self.results.put(output, permit);
        self.progress.count(line, mark);
        Ok(())
    }
}

impl Plan<'_> {
    async fn start(&self, params: Params) -> Result<JobHandle, StartError> {
        let mut job = self.manager.job(self.manifest.name.as_str(), params);
        if let Some(timeout) = self.timeout {
            job = job.timeout(timeout);
        }
        if let Some(timeout) = self.stall_timeout {
            job = job.stall_timeout(timeout);
        }
        job.start().await
    }
}

impl NoJob {
    fn kind(&self) -> (&'static str, Category) {
        match self {
            Self::BadLine(_) => ("bad_line", Category::Input),
            Self::Start(StartError::WorkerUnavailable(_)) => ("worker_unavailable", Category::Fatal),
            Self::Start(_) => ("not_started", Category::Input),
        }
    }
}

#[derive(Serialize)]
struct Numbered<'a> {
    line: u64,
    #[serde(flatten)]
    report: Report<'a>,
}

/// The next line, once there is room for it. Cancel safe.
async fn next(permits: &Arc<Semaphore>, source: &mut Source) -> Next {
    // The semaphore is never closed.
    let Ok(permit) = permits.clone().acquire_owned().await else { return Next::Last };
    match source.next().await {
        Some(line) => Next::Line(line, permit),
        None => Next::Last,
    }
}
