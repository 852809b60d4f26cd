use std::io::{self, ErrorKind, Write};

use crate::exit::Failure;

/// Whether anybody still reads what is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reader {
    There,
    /// The pipe is closed, as with `| head`: no reason to complain, and none to go on.
    Gone,
}

/// Prints text and a line's end, unless it has one.
pub(crate) fn print(text: &str) -> Result<Reader, Failure> {
    let mut stdout = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    judge(write!(stdout, "{text}{end}").and_then(|()| stdout.flush()))
}

/// What the outcome of a write to stdout means.
pub(crate) fn judge(outcome: io::Result<()>) -> Result<Reader, Failure> {
    match outcome {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Failure::failed(format!("cannot write to stdout: {error}"))),
    }
}
