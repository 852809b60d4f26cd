use std::cell::Cell;
use std::time::Instant;

use indicatif::ProgressBar;

use crate::exit::Exit;
use crate::screen::Screen;

/// How far a batch is: counted always, shown on a terminal.
pub(super) struct Progress<'a> {
    screen: &'a Screen,
    bar: ProgressBar,
    done: Cell<u64>,
    failed: Cell<u64>,
    began: Instant,
}

impl<'a> Progress<'a> {
    pub(super) fn new(screen: &'a Screen) -> Self {
        let bar = if screen.is_terminal() {
            screen.bar(ProgressBar::no_length(), "{spinner} {pos} done, {msg}, {elapsed}")
        } else {
            ProgressBar::hidden()
        };
        let progress = Self { screen, bar, done: Cell::new(0), failed: Cell::new(0), began: Instant::now() };
        progress.show();
        progress
    }

    /// Counts a line that has its result.
    pub(super) fn count(&self, exit: Exit) {
        self.done.set(self.done.get() + 1);
        if exit != Exit::Completed {
            self.failed.set(self.failed.get() + 1);
        }
        self.bar.inc(1);
        self.show();
    }

    fn show(&self) {
        if self.screen.is_terminal() {
            let rate = self.done.get() as f64 / self.began.elapsed().as_secs_f64().max(0.001);
            self.bar.set_message(format!("{} failed, {rate:.1}/s", self.failed.get()));
        }
    }

    /// Whether no line came to nothing.
    pub(super) fn all_completed(&self) -> bool {
        self.failed.get() == 0
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        if self.screen.is_terminal() {
            let (done, failed) = (self.done.get(), self.failed.get());
            let seconds = self.began.elapsed().as_secs_f64();
            self.screen.say(&format!("{done} done, {failed} failed, in {seconds:.1} s"));
        }
    }
}
