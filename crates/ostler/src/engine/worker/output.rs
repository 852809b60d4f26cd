use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use ostler_lifecycle::WorkerKey;
use tokio::net::unix::pipe::Receiver;

use crate::process::ChildOutput;

/// What is kept of a worker's stderr for its obituary, in bytes: about a screenful.
const TAIL_BYTES: usize = 8 * 1024;
const TAIL_LINES: usize = 20;
/// A line is logged in pieces of at most this many bytes.
const LINE_BYTES: usize = 4 * 1024;
/// What is read from a dead worker's pipes at most, in bytes: what a full pipe holds, see pipe(7). Somebody who
/// inherited a pipe may go on writing.
const DRAIN_BYTES: usize = 1024 * 1024;

/// What a worker writes to stdout and stderr: logged by line, its end kept.
pub(super) struct Output {
    stdout: Pipe,
    stderr: Pipe,
}

impl Output {
    pub(super) fn new(worker: WorkerKey, output: ChildOutput) -> Self {
        Self {
            stdout: Pipe::new(worker, Source::Stdout, output.stdout),
            stderr: Pipe::new(worker, Source::Stderr, output.stderr),
        }
    }

    /// Reads for ever, as fast as the worker is allowed to write: as fast as this host logs.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn read(&mut self) -> Infallible {
        tokio::select! {
            never = self.stdout.read() => never,
            never = self.stderr.read() => never,
        }
    }

    /// Takes what is in the pipes of a dead worker.
    pub(super) fn drain(&mut self) {
        self.stdout.drain();
        self.stderr.drain();
    }

    /// The last lines of stderr.
    pub(super) fn tail(&self) -> String {
        self.stderr.tail.text()
    }
}

#[derive(Clone, Copy)]
enum Source {
    Stdout,
    Stderr,
}

struct Pipe {
    worker: WorkerKey,
    source: Source,
    /// None once it is closed.
    pipe: Option<Receiver>,
    line: Vec<u8>,
    tail: Tail,
}

impl Pipe {
    fn new(worker: WorkerKey, source: Source, pipe: OwnedFd) -> Self {
        let pipe = Receiver::from_owned_fd(pipe)
            .inspect_err(|error| tracing::error!(%worker, %error, "the worker's output cannot be read"))
            .ok();
        Self { worker, source, pipe, line: Vec::new(), tail: Tail::default() }
    }

    async fn read(&mut self) -> Infallible {
        let mut chunk = vec![0; 16 * 1024];
        while let Some(pipe) = &self.pipe {
            let read = match pipe.readable().await {
                Ok(()) => pipe.try_read(&mut chunk),
                Err(error) => Err(error),
            };
            match read {
                Ok(0) => self.pipe = None,
                Ok(count) => {
                    self.take(&chunk[..count]);
                    // A flood must not starve the other workers of this runtime's thread.
                    tokio::task::yield_now().await;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => self.pipe = None,
            }
        }
        pending().await
    }

    fn drain(&mut self) {
        let Some(pipe) = self.pipe.take() else { return self.end_line() };
        let mut chunk = vec![0; 64 * 1024];
        let mut taken = 0;
        // Past tokio, whose idea of what can be read may be old.
        while taken < DRAIN_BYTES
            && let Ok(count @ 1..) = rustix::io::read(pipe.as_fd(), &mut chunk)
        {
            taken += count;
            self.take(&chunk[..count]);
        }
        self.end_line();
    }

    fn take(&mut self, bytes: &[u8]) {
        if matches!(self.source, Source::Stderr) {
            self.tail.push(bytes);
        }
        for &byte in bytes {
            if byte == b'\n' {
                self.end_line();
            } else {
                self.line.push(byte);
                if self.line.len() >= LINE_BYTES {
                    self.end_line();
                }
            }
        }
    }

    fn end_line(&mut self) {
        if !self.line.is_empty() {
            let (worker, line) = (self.worker, String::from_utf8_lossy(&self.line));
            match self.source {
                Source::Stdout => tracing::debug!(target: "ostler::worker::stdout", %worker, "{line}"),
                Source::Stderr => tracing::info!(target: "ostler::worker::stderr", %worker, "{line}"),
            }
            drop(line);
            self.line.clear();
        }
    }
}

/// The end of a stream of bytes.
#[derive(Default)]
struct Tail {
    bytes: VecDeque<u8>,
    dropped: u64,
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        let kept = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
        let excess = (self.bytes.len() + kept.len()).saturating_sub(TAIL_BYTES);
        self.bytes.drain(..excess);
        self.bytes.extend(kept);
        self.dropped += (excess + bytes.len() - kept.len()) as u64;
    }

    /// The last lines, with a note if there were more.
    fn text(&self) -> String {
        let bytes: Vec<u8> = self.bytes.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end();
        let start = text.rmatch_indices('\n').nth(TAIL_LINES - 1).map_or(0, |(at, _)| at + 1);
        let left_out = self.dropped + start as u64;
        if left_out == 0 {
            return text.to_owned();
        }
        format!("[{left_out} bytes before this are left out]\n{}", &text[start..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_stderr_is_kept_whole() {
        let mut tail = Tail::default();
        tail.push(b"one\n");
        tail.push(b"two\n");
        assert_eq!(tail.text(), "one\ntwo");
    }

    #[test]
    fn of_a_long_stderr_the_last_lines_are_kept_and_the_rest_is_counted() {
        let mut tail = Tail::default();
        for line in 0..30 {
            tail.push(format!("line {line:02}\n").as_bytes());
        }
        let text = tail.text();
        assert!(text.starts_with("[80 bytes before this are left out]\nline 10\n"), "{text}");
        assert!(text.ends_with("line 29"), "{text}");
    }

    #[test]
    fn a_flood_takes_no_more_memory_than_the_tail() {
        let mut tail = Tail::default();
        tail.push(&vec![b'x'; 3 * TAIL_BYTES]);
        tail.push(&[b'y'; 100]);
        assert_eq!(tail.bytes.len(), TAIL_BYTES);
        assert_eq!(tail.dropped, 2 * TAIL_BYTES as u64 + 100);
        assert!(tail.text().ends_with('y'));
    }
}
