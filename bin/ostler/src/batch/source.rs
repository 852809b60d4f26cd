use std::io::{self, BufRead, IsTerminal};
use std::thread;

use tokio::sync::mpsc;

use crate::exit::Failure;
use crate::screen::Screen;

/// The longest line that can be a job, in bytes.
const LONGEST: usize = 8 * 1024 * 1024;
/// Lines that are read ahead.
const AHEAD: usize = 4;

/// A line that is not blank.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Line {
    /// Its number in the input, from 1; blank lines count.
    pub(super) number: u64,
    pub(super) text: Result<Vec<u8>, TooLong>,
}

/// The line did not fit, and was skipped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the line is longer than {limit} bytes")]
pub(super) struct TooLong {
    limit: usize,
}

/// The lines of stdin, read on a thread of its own: a read cannot be cancelled, and must not hold up the end.
pub(super) struct Source(mpsc::Receiver<io::Result<Line>>);

impl Source {
    pub(super) fn stdin(screen: &Screen) -> Result<Self, Failure> {
        if io::stdin().is_terminal() {
            screen.say("Reading JSON lines from the terminal; Ctrl-D ends the input.");
        }
        let (sender, lines) = mpsc::channel(AHEAD);
        let read = move || {
            for line in Lines::new(io::stdin().lock(), LONGEST) {
                let failed = line.is_err();
                if sender.blocking_send(line).is_err() || failed {
                    break;
                }
            }
        };
        thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(read)
            .map_err(|error| Failure::failed(format!("cannot start a thread: {error}")))?;
        Ok(Self(lines))
    }

    /// The next line; None after the last. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<io::Result<Line>> {
        self.0.recv().await
    }
}

/// The lines of an input that are not blank, each without the space around it.
struct Lines<R> {
    input: R,
    longest: usize,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    const fn new(input: R, longest: usize) -> Self {
        Self { input, longest, number: 0 }
    }

    /// The next line, whatever is in it; None at the end.
    fn line(&mut self) -> io::Result<Option<Result<Vec<u8>, TooLong>>> {
        let mut line = Vec::new();
        let mut fits = true;
        let mut anything = false;
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            anything |= !buffer.is_empty();
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            fits &= line.len() + part.len() <= self.longest;
            if fits {
                line.extend_from_slice(part);
            } else {
                line = Vec::new();
            }
            let at_end = buffer.is_empty() || end.is_some();
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if at_end {
                let line = if fits { Ok(line) } else { Err(TooLong { limit: self.longest }) };
                return Ok(anything.then_some(line));
            }
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = self.line().transpose()?;
            self.number += 1;
            let number = self.number;
            match line {
                Ok(Ok(text)) if text.trim_ascii().is_empty() => {}
                Ok(text) => return Some(Ok(Line { number, text })),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::io::BufReader;

    use super::*;

    /// Reads with a tiny buffer, so that lines are torn over many reads.
    fn lines(input: &[u8]) -> Vec<(u64, Result<String, TooLong>)> {
        let input = BufReader::with_capacity(3, input);
        let line = |line: io::Result<Line>| {
            let Line { number, text } = line.unwrap();
            (number, text.map(|text| String::from_utf8(text).unwrap()))
        };
        Lines::new(input, 10).map(line).collect()
    }

    #[test]
    fn blank_lines_count_and_are_skipped() {
        assert_eq!(lines(b"a\n\n \t\r\nb"), [(1, Ok("a".into())), (4, Ok("b".into()))]);
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"\n"), []);
    }

    #[test]
    fn a_line_that_is_too_long_does_not_spoil_the_next() {
        let input = b"0123456789\n0123456789a\nb\n0123456789abcdef";
        let too_long = Err(TooLong { limit: 10 });
        let expected =
            [(1, Ok("0123456789".into())), (2, too_long.clone()), (3, Ok("b".into())), (4, too_long)];
        assert_eq!(lines(input), expected);
    }
}
