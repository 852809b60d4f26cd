use std::cell::Cell;
use std::time::Instant;

use indicatif::ProgressBar;

use super::tally::{End, Tally};
use crate::exit::Exit;
use crate::screen::Screen;

/// How far a batch is: counted always, shown on a terminal.
pub(super) struct Progress<'a> {
    screen: &'a Screen,
    bar: ProgressBar,
    tally: Cell<Tally>,
    end: Cell<End>,
    began: Instant,
}

impl<'a> Progress<'a> {
    pub(super) fn new(screen: &'a Screen) -> Self {
        let bar = if screen.is_terminal() {
            screen.bar(ProgressBar::no_length(), "{spinner} {pos} done, {msg}, {elapsed}")
        } else {
            ProgressBar::hidden()
        };
        let (tally, end) = (Cell::default(), Cell::new(End::Fault));
        let progress = Self { screen, bar, tally, end, began: Instant::now() };
        progress.show();
        progress
    }

    /// Counts a line that has its result.
    pub(super) fn count(&self, line: u64, exit: Exit) {
        self.tally.set(self.tally.get().and(line, exit));
        self.bar.inc(1);
        self.show();
    }

    fn show(&self) {
        if self.screen.is_terminal() {
            let tally = self.tally.get();
            let rate = tally.done() as f64 / self.began.elapsed().as_secs_f64().max(0.001);
            self.bar.set_message(format!("{} failed, {rate:.1}/s", tally.failed));
        }
    }

    /// Says why there is no more; without it, something went wrong.
    pub(super) fn end(&self, end: End) {
        self.end.set(end);
    }

    /// Whether no line came to nothing.
    pub(super) fn all_completed(&self) -> bool {
        let tally = self.tally.get();
        tally.completed == tally.done()
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        let (tally, end) = (self.tally.get(), self.end.get());
        if self.screen.is_terminal() {
            self.screen.say(&tally.summary(self.began.elapsed(), end));
        } else if let Some(complaint) = tally.complaint(end) {
            self.screen.say(&complaint);
        }
    }
}
