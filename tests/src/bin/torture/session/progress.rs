use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::Args;
use crate::book::Book;

/// Tells on stderr how it goes: on a terminal all the time, otherwise now and then.
pub(super) struct Progress {
    bar: ProgressBar,
    seconds: u64,
    began: Instant,
    is_quiet: bool,
}

impl Progress {
    pub(super) fn new(args: &Args, seed: u64) -> Self {
        let target = if args.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(args.seconds), target);
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} s  {msg}") {
            bar.set_style(style);
        }
        let progress = Self { bar, seconds: args.seconds, began: Instant::now(), is_quiet: args.quiet };
        progress.say(&format!("seed {seed}"));
        progress
    }

    pub(super) fn show(&self, book: &Book) {
        self.bar.set_position(self.began.elapsed().as_secs().min(self.seconds));
        self.bar.set_message(describe(book));
    }

    /// Told where there is no terminal, too.
    pub(super) fn round_ends(&self, book: &Book) {
        self.show(book);
        if self.bar.is_hidden() {
            let elapsed = Duration::from_secs(self.began.elapsed().as_secs());
            self.say(&format!("{elapsed:?}: {}", describe(book)));
        }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, line: &str) {
        if !self.is_quiet {
            // With stderr closed there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

fn describe(book: &Book) -> String {
    let faults = match book.faults.count() {
        0 => String::new(),
        count => format!(", {count} FAULTS"),
    };
    format!("{} jobs, {} workers died{faults}", book.figures.jobs, book.figures.deaths())
}
