use std::io;
use std::sync::Arc;
use std::time::Duration;

use ostler::worker::PluginManifest;
use ostler::{Category, StartError};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::line::{BadLine, parse};
use super::progress::Progress;
use super::results::Results;
use super::source::{Line, Source};
use super::tally::End;
use crate::ending::Ending;
use crate::exit::{Exit, Failure, chain};
use crate::interrupt::Interrupt;
use crate::job::{JobHandle, Manager, Params};
use crate::report::Report;
use crate::stdout::Reader;

/// What is done with each line.
pub(super) struct Plan<'a> {
    pub(super) manager: &'a Manager,
    pub(super) manifest: &'a PluginManifest,
    pub(super) defaults: Map<String, Value>,
    pub(super) timeout: Option<Duration>,
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
    permit: OwnedSemaphorePermit,
}

/// Why a line has no job.
#[derive(Debug, thiserror::Error)]
enum NoJob {
    #[error(transparent)]
    BadLine(#[from] BadLine),
    #[error("{}", chain(.0))]
    Start(#[from] StartError),
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
    pub(super) async fn run(mut self, mut source: Source) -> Result<Exit, Failure> {
        let mut interrupt = self.interrupt.clone();
        let mut unreadable = None;
        let mut last = false;
        let mut cancelled = false;
        while !(last && self.running.is_empty()) {
            let next = tokio::select! {
                biased;
                () = interrupt.asked(), if !cancelled => {
                    cancelled = true;
                    Next::Last
                }
                outcome = self.results.ended() => Next::Stop(outcome),
                Some(done) = self.running.join_next() => {
                    self.finish(done.map_err(|error| Failure::failed(format!("a job's task failed: {error}")))?)?;
                    continue;
                }
                next = next(&self.permits, &mut source), if !last => next,
            };
            match next {
                Next::Line(Ok(line), permit) => self.start(line, permit).await?,
                Next::Line(Err(error), _) => {
                    unreadable = Some(Failure::failed(format!("cannot read stdin: {error}")));
                    last = true;
                }
                Next::Last => last = true,
                Next::Stop(outcome) => return outcome.map(|_| Exit::Failed),
            }
        }
        if unreadable.is_none() {
            self.progress.end(if cancelled { End::Stopped } else { End::Input });
        }
        match unreadable {
            Some(failure) => Err(failure),
            None if cancelled => Ok(Exit::Cancelled),
            None if self.progress.all_completed() => Ok(Exit::Completed),
            None => Ok(Exit::Failed),
        }
    }

    async fn start(&mut self, line: Line, permit: OwnedSemaphorePermit) -> Result<(), Failure> {
        let Line { number, text } = line;
        let started = match parse(text, self.plan.manifest, &self.plan.defaults) {
            Ok(params) => self.plan.start(params).await.map_err(NoJob::Start),
            Err(bad) => Err(NoJob::BadLine(bad)),
        };
        match started {
            Ok(handle) => {
                let interrupt = self.interrupt.clone();
                let follow =
                    async move { Done { line: number, ending: Ending::of(handle, interrupt).await, permit } };
                self.running.spawn(follow);
                Ok(())
            }
            Err(no_job) => {
                let (kind, category) = no_job.kind();
                let report = Report::rejected(&self.plan.manifest.name, kind, category, no_job.to_string());
                self.write(number, report, Exit::Failed, permit)
            }
        }
    }

    fn finish(&self, done: Done) -> Result<(), Failure> {
        let report = Report::of(&done.ending, &self.plan.manifest.name);
        self.write(done.line, report, done.ending.exit(), done.permit)
    }

    fn write(
        &self,
        line: u64,
        report: Report<'_>,
        exit: Exit,
        permit: OwnedSemaphorePermit,
    ) -> Result<(), Failure> {
        let output = serde_json::to_vec(&Numbered { line, report })
            .map_err(|error| Failure::failed(format!("cannot express a result as JSON: {error}")))?;
        self.results.put(output, permit);
        self.progress.count(line, exit);
        Ok(())
    }
}

impl Plan<'_> {
    async fn start(&self, params: Params) -> Result<JobHandle, StartError> {
        let mut job = self.manager.job(self.manifest.name.as_str(), params);
        if let Some(timeout) = self.timeout {
            job = job.timeout(timeout);
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
