//! What a plugin says by `tracing` goes to the log of the job that runs.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, RwLock};

use ostler_wire::{FromWorker, JobId, LogLevel};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::outbox::{Outbox, Until};

/// Chooses what is told, as in `debug` or `off`.
const VARIABLE: &str = "OSTLER_WORKER_LOG";
/// What is told unless the variable says otherwise.
const USUAL: LevelFilter = LevelFilter::INFO;

/// Where the job's log goes, while one runs.
struct Current {
    outbox: Arc<Outbox>,
    job: JobId,
}

static CURRENT: OnceLock<RwLock<Option<Current>>> = OnceLock::new();

fn current() -> &'static RwLock<Option<Current>> {
    CURRENT.get_or_init(RwLock::default)
}

/// Listens to `tracing` from now on, unless somebody does already.
pub(crate) fn listen() {
    let most = std::env::var(VARIABLE).ok().and_then(|level| level.parse().ok()).unwrap_or(USUAL);
    // A program that has a subscriber of its own keeps it.
    let _ = tracing::subscriber::set_global_default(JobLog { most, spans: AtomicU64::new(1) });
}

/// From now on what is told belongs to this job.
pub(crate) fn begin(outbox: &Arc<Outbox>, job: JobId) {
    if let Ok(mut current) = current().write() {
        *current = Some(Current { outbox: Arc::clone(outbox), job });
    }
}

/// What is told while no job runs is nobody's.
pub(crate) fn end() {
    if let Ok(mut current) = current().write() {
        *current = None;
    }
}

struct JobLog {
    most: LevelFilter,
    spans: AtomicU64,
}

impl Subscriber for JobLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.most
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.most)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        // Spans are not told: all that is needed is that each has a number.
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed).max(1))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let Ok(current) = current().read() else { return };
        if let Some(Current { outbox, job }) = &*current {
            let level = level(*event.metadata().level());
            let message = FromWorker::Log { job: Some(*job), level, message: line.text() };
            // Without a host, whoever reads ends the worker anyway.
            let _ = outbox.send(&[&message], Until::Room);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

/// The message, and behind it the fields.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn text(self) -> String {
        self.message + &self.fields
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A `String` does not refuse what is written to it.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            _ => self.record_debug(field, &value),
        }
    }
}
