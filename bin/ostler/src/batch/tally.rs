use std::fmt::Write;
use std::time::Duration;

use crate::exit::Exit;

/// What became of the lines so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) completed: u64,
    pub(super) failed: u64,
    pub(super) cancelled: u64,
    /// The largest number of a line that was counted.
    last_line: u64,
}

/// Why a batch has no more lines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The input has no more.
    Input,
    /// The user wanted no more.
    Stopped,
    /// The input or the output broke off.
    Fault,
}

impl Tally {
    /// With one more line.
    pub(super) fn and(mut self, line: u64, exit: Exit) -> Self {
        match exit {
            Exit::Completed => self.completed += 1,
            Exit::Cancelled => self.cancelled += 1,
            Exit::Failed | Exit::TimedOut | Exit::Usage => self.failed += 1,
        }
        self.last_line = self.last_line.max(line);
        self
    }

    /// How many lines have their result.
    pub(super) const fn done(self) -> u64 {
        self.completed + self.failed + self.cancelled
    }

    /// All of it, for somebody who watches.
    pub(super) fn summary(self, took: Duration, end: End) -> String {
        let Self { completed, failed, cancelled, last_line } = self;
        let mut text = format!("{completed} completed, {failed} failed");
        // Writing to a String cannot fail.
        if cancelled > 0 {
            let _ = write!(text, ", {cancelled} cancelled");
        }
        let _ = write!(text, ", in {:.1} s", took.as_secs_f64());
        match (end, last_line) {
            (End::Stopped, 0) => text.push_str("; stopped before the first line"),
            (End::Stopped, line) => {
                let _ = write!(text, "; stopped after line {line}");
            }
            (End::Input | End::Fault, _) => {}
        }
        text
    }

    /// What somebody should hear who does not watch, if anything.
    pub(super) fn complaint(self, end: End) -> Option<String> {
        match (self.failed, self.done()) {
            (0, 0) if end == End::Input => Some("no lines on stdin".to_owned()),
            (0, _) => None,
            (failed, 1) => Some(format!("{failed} of 1 line failed")),
            (failed, done) => Some(format!("{failed} of {done} lines failed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(exits: &[Exit]) -> Tally {
        (1..).zip(exits).fold(Tally::default(), |tally, (line, exit)| tally.and(line, *exit))
    }

    #[test]
    fn cancelled_lines_have_not_failed() {
        let took = Duration::from_secs(2);
        let stopped = tally(&[Exit::Completed, Exit::TimedOut, Exit::Cancelled, Exit::Cancelled]);
        let expected = "1 completed, 1 failed, 2 cancelled, in 2.0 s; stopped after line 4";
        assert_eq!(stopped.summary(took, End::Stopped), expected);
        let expected = "0 completed, 0 failed, in 2.0 s; stopped before the first line";
        assert_eq!(tally(&[]).summary(took, End::Stopped), expected);
        let whole = tally(&[Exit::Completed, Exit::Failed]);
        assert_eq!(whole.summary(took, End::Input), "1 completed, 1 failed, in 2.0 s");
    }

    #[test]
    fn lines_that_finish_out_of_order_do_not_move_the_last_line_back() {
        let tally = Tally::default().and(7, Exit::Completed).and(3, Exit::Completed);
        assert!(tally.summary(Duration::ZERO, End::Stopped).ends_with("after line 7"));
    }

    #[test]
    fn only_failures_and_an_empty_input_are_complained_of() {
        let complaint = |exits: &[Exit], end| tally(exits).complaint(end);
        assert_eq!(complaint(&[Exit::Completed], End::Input), None);
        assert_eq!(complaint(&[Exit::Completed, Exit::Cancelled], End::Stopped), None);
        assert_eq!(complaint(&[], End::Stopped), None);
        assert_eq!(complaint(&[], End::Fault), None);
        assert_eq!(complaint(&[], End::Input).as_deref(), Some("no lines on stdin"));
        assert_eq!(complaint(&[Exit::Failed], End::Input).as_deref(), Some("1 of 1 line failed"));
        let some = [Exit::Completed, Exit::Failed, Exit::TimedOut];
        assert_eq!(complaint(&some, End::Input).as_deref(), Some("2 of 3 lines failed"));
    }
}
