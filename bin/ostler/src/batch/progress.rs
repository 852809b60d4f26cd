use std::cell::Cell;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use ostler::Health;

use super::mark::Mark;
use super::tally::{End, Tally, counted};
use crate::screen::{Screen, harmless};

/// How far a batch is: counted always, shown on a terminal.
pub(super) struct Progress<'a> {
    screen: &'a Screen,
    bar: ProgressBar,
    tally: Cell<Tally>,
    end: Cell<End>,
    /// How many lines have yet to end, once no more are read.
    left: Cell<Option<u64>>,
    /// Whether it was said that no worker is left.
    told_why: Cell<bool>,
    /// Whether it was said that workers are missing.
    told_missing: Cell<bool>,
    began: Instant,
}

impl<'a> Progress<'a> {
    pub(super) fn new(screen: &'a Screen) -> Self {
        let bar = if screen.is_terminal() {
            screen.bar(ProgressBar::no_length(), "{spinner} {pos} done, {wide_msg} {elapsed}")
        } else {
            ProgressBar::hidden()
        };
        let (tally, end, left) = (Cell::default(), Cell::new(End::Fault), Cell::default());
        let progress = Self {
            screen,
            bar,
            tally,
            end,
            left,
            told_why: Cell::default(),
            told_missing: Cell::default(),
            began: Instant::now(),
        };
        progress.show();
        progress
    }

    /// Counts a line that has its result.
    pub(super) fn count(&self, line: u64, mark: Mark) {
        self.tally.set(self.tally.get().and(line, mark));
        self.left.set(self.left.get().map(|left| left.saturating_sub(1)));
        self.bar.inc(1);
        self.show();
    }

    /// A line found no worker, and the others will not either.
    pub(super) fn no_workers(&self, why: &str) {
        if !self.told_why.replace(true) {
            self.screen.say(&harmless(&format!("error: {why}; the lines that are left fail")));
        }
    }

    /// Says it when workers are missing, and when they are there again.
    pub(super) fn health(&self, health: &Health) {
        match health {
            Health::Degraded { missing, reason } if !self.told_missing.replace(true) => {
                let workers = counted(u64::from(*missing), "worker is", "workers are");
                self.screen
                    .say(&harmless(&format!("warning: {workers} missing: {reason}; the others go on")));
            }
            Health::Healthy if self.told_missing.replace(false) => {
                self.screen.say("all workers are there again")
            }
            Health::Healthy | Health::Degraded { .. } | Health::Down { .. } => {}
        }
    }

    /// No more lines are read; those that were have so long to end.
    pub(super) fn drain(&self, left: u64, grace: Duration) {
        let (jobs, them) = (counted(left, "job", "jobs"), if left == 1 { "it" } else { "them" });
        self.screen.say(&match (left, self.left.get()) {
            (0, _) => "stopping: no more lines are read".to_owned(),
            (_, None) if !grace.is_zero() => format!(
                "stopping: no more lines are read, and {jobs} may take {} to finish; another signal ends {them} now",
                humantime::format_duration(grace)
            ),
            _ => format!("stopping: {jobs} must end now"),
        });
        self.left.set(Some(left));
        self.show();
    }

    fn show(&self) {
        if self.screen.is_terminal() {
            let tally = self.tally.get();
            let rate = tally.done() as f64 / self.began.elapsed().as_secs_f64().max(0.001);
            // A narrow terminal has room for the beginning only.
            let mut message = match self.left.get() {
                Some(left) => format!("stopping: {left} left, {} failed", tally.failed),
                None => format!("{} failed", tally.failed),
            };
            if tally.crashed > 0 {
                message = format!("{message}, {}", counted(tally.crashed, "crash", "crashes"));
            }
            self.bar.set_message(format!("{message}, {rate:.1}/s"));
        }
    }

    /// Says why there is no more; without it, something went wrong.
    pub(super) fn end(&self, end: End) {
        self.end.set(end);
    }

    /// Whether the stop cut any line short.
    pub(super) fn any_interrupted(&self) -> bool {
        self.tally.get().interrupted > 0
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
