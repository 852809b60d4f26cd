use indicatif::ProgressBar;
use ostler::worker::LogLevel;
use ostler::{BlockReason, JobEventKind, JobEvents, Payload};
use serde_json::Value;

use crate::attempts::announcement;
use crate::screen::{Screen, harmless};

/// The bar counts in thousandths.
const WHOLE: f64 = 1000.0;

/// A terminal with fewer columns has no room for a bar beside the message.
const ROOM_FOR_BAR: u16 = 60;

/// Tells what happens to a job, until its end: on a terminal its progress and what it streams, elsewhere only what
/// the plugin warns of and what the job prints, and everywhere that another of its `attempts` comes.
pub(super) async fn show(events: JobEvents, attempts: u32, screen: Screen) {
    if screen.is_terminal() {
        watch(events, attempts, screen).await;
    } else {
        warn(events, attempts, &screen).await;
    }
}

async fn warn(mut events: JobEvents, attempts: u32, screen: &Screen) {
    while let Some(event) = events.next().await {
        // What was missed is not told: it is mostly what nobody wanted to see here.
        let Ok(event) = event else { continue };
        if let Some(line) = again(&event.kind, attempts).or_else(|| warning(&event.kind)) {
            screen.say(&line);
        }
    }
}

async fn watch(mut events: JobEvents, attempts: u32, screen: Screen) {
    let bar = Bar::new(&screen);
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => match again(&event.kind, attempts) {
                Some(line) => {
                    bar.0.set_position(0);
                    bar.0.set_message("waiting for the next attempt");
                    screen.say(&line);
                }
                None => bar.show(&event.kind, &screen),
            },
            Err(missed) => screen.say(&missed.to_string()),
        }
    }
}

/// A bar that is gone when the job is.
struct Bar(ProgressBar);

impl Bar {
    fn new(screen: &Screen) -> Self {
        let template = match screen.columns() {
            Some(..ROOM_FOR_BAR) => "{spinner} {percent:>3}% {wide_msg} {elapsed}",
            _ => "{spinner} [{bar:30}] {percent:>3}% {wide_msg} {elapsed}",
        };
        Self(screen.bar(ProgressBar::new(WHOLE as u64), template))
    }

    fn show(&self, event: &JobEventKind, screen: &Screen) {
        match event {
            JobEventKind::Queued => self.0.set_message("waiting for a worker"),
            JobEventKind::Blocked(BlockReason::Resources { reason }) => {
                self.0.set_message(format!("waiting for resources: {reason}"));
            }
            JobEventKind::Started { .. } => self.0.set_message("running"),
            JobEventKind::Progress { fraction, message, .. } => {
                self.0.set_position((fraction * WHOLE) as u64);
                self.0.set_message(harmless(message).replace('\n', " "));
            }
            JobEventKind::Chunk { is_final: false, payload, .. } => screen.say(&harmless(&readable(payload))),
            JobEventKind::Log { level, message } => {
                if let Some(line) = logged(*level, message) {
                    screen.say(&line);
                }
            }
            JobEventKind::Output { .. } | JobEventKind::OutputDropped { .. } => {
                if let Some(line) = printed(event) {
                    screen.say(&line);
                }
            }
            JobEventKind::Cancelling => self.0.set_message("cancelling"),
            _ => {}
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// That another attempt comes, and why.
fn again(event: &JobEventKind, attempts: u32) -> Option<String> {
    match event {
        JobEventKind::Blocked(reason) => announcement(reason, attempts).map(|line| harmless(&line)),
        _ => None,
    }
}

fn warning(event: &JobEventKind) -> Option<String> {
    match event {
        JobEventKind::Log { level: level @ (LogLevel::Warn | LogLevel::Error), message } => {
            logged(*level, message)
        }
        other => printed(other),
    }
}

/// What the job printed, a line at a time: it goes to stderr, since stdout is for the result.
fn printed(event: &JobEventKind) -> Option<String> {
    match event {
        JobEventKind::Output { text, .. } => Some(harmless(text)),
        JobEventKind::OutputDropped { lines, bytes } => {
            Some(format!("[{lines} lines with {bytes} bytes are left out: the job printed too fast]"))
        }
        _ => None,
    }
}

/// A line of a plugin's log; None if it is for developers only.
fn logged(level: LogLevel, message: &str) -> Option<String> {
    let level = match level {
        LogLevel::Error => "error: ",
        LogLevel::Warn => "warning: ",
        LogLevel::Info => "",
        LogLevel::Debug | LogLevel::Trace => return None,
    };
    Some(harmless(&format!("{level}{message}")))
}

fn readable(chunk: &Payload) -> String {
    match chunk.decode::<Value>() {
        Ok(Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(_) => format!("({} bytes)", chunk.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_prints_is_told_and_cannot_steer_the_terminal() {
        let line = JobEventKind::Output { stream: ostler::OutputStream::Stdout, text: "a\u{1b}[2J".into() };
        assert_eq!(warning(&line).as_deref(), Some("a\u{fffd}[2J"));
        let dropped = JobEventKind::OutputDropped { lines: 2, bytes: 10 };
        assert!(warning(&dropped).is_some_and(|line| line.starts_with("[2 lines with 10 bytes")));
    }

    #[test]
    fn without_a_terminal_only_warnings_and_errors_are_told() {
        let log = |level| warning(&JobEventKind::Log { level, message: "hot\u{1b}".into() });
        assert_eq!(log(LogLevel::Error).as_deref(), Some("error: hot\u{fffd}"));
        assert_eq!(log(LogLevel::Warn).as_deref(), Some("warning: hot\u{fffd}"));
        assert_eq!(log(LogLevel::Info), None);
        assert_eq!(log(LogLevel::Debug), None);
        assert_eq!(
            warning(&JobEventKind::Progress { fraction: 0.5, message: "half".into(), data: None }),
            None
        );
    }
}
