use std::borrow::Cow;
use std::io::Write;

use indicatif::{ProgressBar, ProgressStyle};

/// Tells on stderr how far a workload is: each begins with a line, and rounds show on a terminal.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Begins a workload.
    pub(crate) fn begin(title: &str) -> Self {
        // With stderr closed there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "{title}");
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("  {wide_bar} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Numbers so many rounds, and shows each as it begins.
    pub(crate) fn rounds(
        &self,
        what: impl Into<Cow<'static, str>>,
        count: usize,
    ) -> impl Iterator<Item = usize> {
        self.0.set_length(count as u64);
        self.0.set_message(what);
        (0..count).inspect(|round| self.0.set_position(*round as u64))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
