use std::fmt::Write;

use super::mark::{LineResult, Mark};
use crate::span::Span;

/// What became of the lines so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) completed: u64,
    pub(super) failed: u64,
    pub(super) interrupted: u64,
    /// Workers that crashed.
    pub(super) crashed: u64,
    over_memory: u64,
    again: u64,
    quarantined: u64,
    unavailable: u64,
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
    pub(super) fn and(mut self, line: u64, mark: Mark) -> Self {
        match mark.result {
            LineResult::Completed => self.completed += 1,
            LineResult::Failed => self.failed += 1,
            LineResult::Interrupted => self.interrupted += 1,
        }
        self.crashed += mark.crashed;
        self.over_memory += mark.over_memory;
        self.again += u64::from(mark.again);
        self.quarantined += u64::from(mark.quarantined);
        self.unavailable += u64::from(mark.unavailable);
        self.last_line = self.last_line.max(line);
        self
    }

    /// How many lines have their result.
    pub(super) const fn done(self) -> u64 {
        self.completed + self.failed + self.interrupted
    }

    /// All of it, for somebody who watches.
    pub(super) fn summary(self, took: std::time::Duration, end: End) -> String {
        let mut text = format!("{} in {}", self.results(), Span(took));
        if end == End::Stopped {
            text.push_str(&self.stop());
        }
        self.add_losses(&mut text);
        text
    }

    /// What somebody should hear who does not watch, if anything.
    pub(super) fn complaint(self, end: End) -> Option<String> {
        let mut text = match (end, self.failed, self.done()) {
            (End::Stopped, ..) => format!("{}{}", self.results(), self.stop()),
            (End::Input, 0, 0) => "no lines on stdin".to_owned(),
            (_, 0, _) => String::new(),
            (_, failed, done) => format!("{failed} of {} failed", counted(done, "line", "lines")),
        };
        self.add_losses(&mut text);
        Some(text).filter(|text| !text.is_empty())
    }

    fn results(self) -> String {
        let Self { completed, failed, interrupted, .. } = self;
        match interrupted {
            0 => format!("{completed} completed, {failed} failed"),
            _ => format!("{completed} completed, {failed} failed, {interrupted} interrupted"),
        }
    }

    fn stop(self) -> String {
        match self.last_line {
            0 => "; stopped before the first line".to_owned(),
            line => format!("; stopped after line {line}"),
        }
    }

    /// What it cost: a line below the others, if there is anything to tell.
    fn add_losses(self, text: &mut String) {
        let mut losses = Vec::new();
        let mut lose = |count: u64, one: &str, many: &str| {
            if count > 0 {
                losses.push(counted(count, one, many));
            }
        };
        match self.unavailable {
            0 => lose(self.crashed, "worker crashed and was replaced", "workers crashed and were replaced"),
            _ => lose(self.crashed, "worker crashed", "workers crashed"),
        }
        lose(
            self.over_memory,
            "worker took more than --max-memory and was replaced",
            "workers took more than --max-memory and were replaced",
        );
        lose(self.again, "job needed another attempt", "jobs needed another attempt");
        lose(self.quarantined, "job in quarantine was failed", "jobs in quarantine were failed");
        lose(self.unavailable, "line found no worker", "lines found no worker");
        if !losses.is_empty() {
            let break_ = if text.is_empty() { "" } else { "\n" };
            // Writing to a String cannot fail.
            let _ = write!(text, "{break_}{}", losses.join(", "));
        }
        if self.unavailable > 0 && self.crashed > 0 {
            text.push_str("; --max-restarts allows more");
        }
    }
}

/// So many of something.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const COMPLETED: Mark = mark(LineResult::Completed);
    const FAILED: Mark = mark(LineResult::Failed);
    const INTERRUPTED: Mark = mark(LineResult::Interrupted);

    const fn mark(result: LineResult) -> Mark {
        Mark { result, crashed: 0, over_memory: 0, again: false, quarantined: false, unavailable: false }
    }

    fn tally(marks: &[Mark]) -> Tally {
        (1..).zip(marks).fold(Tally::default(), |tally, (line, mark)| tally.and(line, *mark))
    }

    #[test]
    fn interrupted_lines_have_not_failed() {
        let took = Duration::from_secs(2);
        let stopped = tally(&[COMPLETED, FAILED, INTERRUPTED, INTERRUPTED]);
        let expected = "1 completed, 1 failed, 2 interrupted in 2.0 s; stopped after line 4";
        assert_eq!(stopped.summary(took, End::Stopped), expected);
        let expected = "0 completed, 0 failed in 2.0 s; stopped before the first line";
        assert_eq!(tally(&[]).summary(took, End::Stopped), expected);
        let whole = tally(&[COMPLETED, FAILED]);
        assert_eq!(whole.summary(took, End::Input), "1 completed, 1 failed in 2.0 s");
    }

    #[test]
    fn lines_that_finish_out_of_order_do_not_move_the_last_line_back() {
        let tally = Tally::default().and(7, COMPLETED).and(3, COMPLETED);
        assert!(tally.summary(Duration::ZERO, End::Stopped).ends_with("after line 7"));
    }

    #[test]
    fn only_failures_a_stop_and_an_empty_input_are_complained_of() {
        let complaint = |marks: &[Mark], end| tally(marks).complaint(end);
        assert_eq!(complaint(&[COMPLETED], End::Input), None);
        assert_eq!(complaint(&[], End::Fault), None);
        assert_eq!(complaint(&[], End::Input).as_deref(), Some("no lines on stdin"));
        assert_eq!(complaint(&[FAILED], End::Input).as_deref(), Some("1 of 1 line failed"));
        assert_eq!(
            complaint(&[COMPLETED, FAILED, FAILED], End::Input).as_deref(),
            Some("2 of 3 lines failed")
        );
        let expected = "1 completed, 0 failed, 1 interrupted; stopped after line 2";
        assert_eq!(complaint(&[COMPLETED, INTERRUPTED], End::Stopped).as_deref(), Some(expected));
    }

    #[test]
    fn what_it_cost_is_a_line_of_its_own() {
        let again = Mark { crashed: 1, again: true, ..COMPLETED };
        let expected = "1 worker crashed and was replaced, 1 job needed another attempt";
        assert_eq!(tally(&[COMPLETED, again]).complaint(End::Input).as_deref(), Some(expected));
        let poison = Mark { crashed: 2, again: true, quarantined: true, ..FAILED };
        let expected = "1 of 2 lines failed\n3 workers crashed and were replaced, 2 jobs needed another attempt, \
                        1 job in quarantine was failed";
        assert_eq!(tally(&[again, poison]).complaint(End::Input).as_deref(), Some(expected));
        let large = Mark { over_memory: 2, ..FAILED };
        let expected =
            "0 completed, 1 failed in 1.0 s\n2 workers took more than --max-memory and were replaced";
        assert_eq!(tally(&[large]).summary(Duration::from_secs(1), End::Input), expected);
    }

    #[test]
    fn without_workers_none_was_replaced_and_the_option_is_named() {
        let crash = Mark { crashed: 1, ..FAILED };
        let expected =
            "2 of 2 lines failed\n1 worker crashed, 1 line found no worker; --max-restarts allows more";
        assert_eq!(tally(&[crash, Mark::no_job(true)]).complaint(End::Input).as_deref(), Some(expected));
    }
}
