//! Whether a job's time was over when it was ended for that.

use std::time::Duration;

use super::Book;
use super::diary::Run;
use super::ordeals::EACH_STOP;
use crate::clock;

/// A run counts from when it was sent, and is written down when it begins.
const ITS_BEGIN: Duration = Duration::from_millis(300);
/// An answer is written down before it is sent, and whoever sends it may have to wait for the processor.
const ITS_ANSWER: Duration = Duration::from_millis(400);

/// What was to be over, in the words of whoever ended it.
pub(super) struct Limit {
    pub(super) name: &'static str,
    pub(super) time: Option<Duration>,
}

impl Limit {
    /// Whether the host had run for so long.
    ///
    /// # Errors
    /// It had not, and this is how long it had.
    pub(super) fn was_reached(&self, book: &Book, from: u64, to: u64) -> Result<(), String> {
        let Self { name, time } = self;
        let Some(limit) = *time else { return Err(format!("it has no {name}")) };
        let (lost, stops) = book.ordeals.lost(from, to);
        let ran = clock::between(from, to).saturating_sub(lost);
        if ran + ITS_BEGIN + stops * EACH_STOP >= limit {
            return Ok(());
        }
        Err(format!(
            "its {name} of {limit:?} was over after {ran:?}; beside them the host did not run for {lost:?}"
        ))
    }

    /// That a run did not answer in time: its worker runs on while the host does not.
    ///
    /// # Errors
    /// It answered in time.
    pub(super) fn was_missed(&self, run: &Run) -> Result<(), String> {
        let Self { name, time } = self;
        let took = run.answered.map(|at| clock::between(run.begun, at));
        match (took, time) {
            (Some(took), Some(limit)) if took + ITS_ANSWER < *limit => {
                Err(format!("it answered after {took:?}, and its {name} is {limit:?}"))
            }
            _ => Ok(()),
        }
    }
}
