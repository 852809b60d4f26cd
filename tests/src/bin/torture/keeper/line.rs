use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

/// The host's line to its keeper. It was given as stdin.
pub(crate) struct Line(BufReader<UnixStream>);

impl Line {
    pub(crate) fn open() -> io::Result<Self> {
        let line = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(Self(BufReader::new(line.into())))
    }

    /// Has this process stopped for so many milliseconds. Returns when it goes on, with the times between which it stood.
    pub(crate) fn have_oneself_stopped(&mut self, millis: u64) -> io::Result<(u64, u64)> {
        writeln!(self.0.get_mut(), "{millis}")?;
        let mut answer = String::new();
        self.0.read_line(&mut answer)?;
        let times = answer.trim_end().split_once(' ');
        let times = times.and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
        times.ok_or_else(|| io::Error::other(format!("the keeper answered {answer:?}")))
    }
}
