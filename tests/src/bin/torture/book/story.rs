//! What happened to a job, for whoever has to find out why.

use ostler::Job;

use super::{Book, Note, Tale};
use crate::clock;
use crate::inside::Task;

/// All that is known of a job, with times since it was started.
pub(super) fn story(book: &Book, note: &Note, record: Option<&Job<Task>>, tale: Option<&Tale>) -> String {
    let number = note.task.number;
    let since = |at: u64| clock::between(note.born, at);
    let mut lines = vec![format!(
        "job {number} ({}): {}",
        note.id.map_or_else(String::new, |id| id.to_string()),
        note.describe()
    )];
    if let Some(record) = record {
        lines.push(format!("{record:?}"));
        lines.extend(record.cancellation.as_ref().map(|cancellation| format!("{cancellation:?}")));
        lines.extend(record.past_failures.iter().map(|failure| format!("before: {failure}")));
    }
    lines.extend(tale.into_iter().flat_map(|tale| tale.lines()).map(|line| format!("event: {line}")));
    for run in book.diary.runs(number) {
        let end =
            run.answered.map_or("did not answer".to_owned(), |at| format!("answered at {:?}", since(at)));
        lines.push(format!(
            "diary: attempt {} began in {} at {:?}, {end}",
            run.attempt,
            run.pid,
            since(run.begun)
        ));
        for blow in book.blows.of(run.pid) {
            lines.push(format!("{} to {} at {:?}", blow.name(), run.pid, since(blow.at)));
        }
    }
    if let Some(pid) = record.and_then(|record| record.worker_pid) {
        lines.push(format!("worker {pid} did {:?}", book.history(pid)));
    }
    let ordeals = book.ordeals.describe(note.born, clock::now());
    if !ordeals.is_empty() {
        lines.push(ordeals);
    }
    lines.push(format!("written down at {:?}", clock::since(note.born)));
    lines.join("\n      ")
}
