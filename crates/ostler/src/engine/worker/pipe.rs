use std::future::pending;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::caught::say;
use bytes::{Buf, BytesMut};
use ostler_lifecycle::WorkerKey;
use tokio::net::unix::pipe::Receiver;

/// A line comes in pieces of at most this many bytes.
const LINE_BYTES: usize = 4 * 1024;
/// What is read at once while the worker lives, in bytes.
const READ_BYTES: usize = 16 * 1024;

/// What a worker writes to stdout or to stderr, cut into lines.
pub(super) struct Pipe {
    /// None once it is closed.
    pipe: Option<Receiver>,
    /// What was read and is no whole line yet.
    unread: BytesMut,
    /// How many bytes of that were searched for a line before: the begin of one.
    begun: usize,
    /// The last line was ended by a carriage return: a newline that follows belongs to that.
    after_return: bool,
}

impl Pipe {
    pub(super) fn new(worker: WorkerKey, pipe: OwnedFd) -> Self {
        let pipe = Receiver::from_owned_fd(pipe)
            .inspect_err(|error| say!(error, %worker, %error, "the worker's output cannot be read"))
            .ok();
        Self { pipe, unread: BytesMut::new(), begun: 0, after_return: false }
    }

    /// Returns when something may be there to be read, or its end.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn readable(&self) {
        match &self.pipe {
            // What is wrong with it shows at the next read.
            Some(pipe) => drop(pipe.readable().await),
            None => pending().await,
        }
    }

    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Whether something was read that was not searched for lines.
    pub(super) fn has_news(&self) -> bool {
        self.unread.len() > self.begun
    }

    /// Reads a little, if it is there. Returns what came.
    pub(super) fn read(&mut self) -> &[u8] {
        let before = self.unread.len();
        if let Some(pipe) = &self.pipe {
            self.unread.reserve(READ_BYTES);
            match pipe.try_read_buf(&mut self.unread) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => self.pipe = None,
            }
        }
        &self.unread[before..]
    }

    /// Reads what is in the pipe now, past tokio, whose idea of that may be old. Somebody else who holds the pipe may go
    /// on writing: that is not waited for. Returns what came.
    pub(super) fn read_all(&mut self) -> &[u8] {
        let before = self.unread.len();
        if let Some(descriptor) = self.pipe.as_ref().map(AsFd::as_fd) {
            let mut left = rustix::io::ioctl_fionread(descriptor).unwrap_or(0) as usize;
            while left > 0 {
                let end = self.unread.len();
                self.unread.resize(end + left, 0);
                let count = rustix::io::read(descriptor, &mut self.unread[end..]).unwrap_or(0);
                self.unread.truncate(end + count);
                left = if count == 0 { 0 } else { left - count };
            }
        }
        &self.unread[before..]
    }

    /// The next line, without its end; or a piece of a long one. A carriage return ends a line, as those do by which a
    /// progress bar is written anew, and none ends an empty one.
    pub(super) fn line(&mut self) -> Option<BytesMut> {
        self.skip_rest_of_an_end();
        let reach = self.unread.len().min(LINE_BYTES + 1);
        let search = self.begun.min(reach);
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let line = if let Some(at) = self.unread[search..reach].iter().position(is_end) {
            let mut line = self.unread.split_to(search + at + 1);
            self.after_return = line.last() == Some(&b'\r');
            line.truncate(search + at);
            line
        } else if reach > LINE_BYTES {
            let end = whole_letters(&self.unread[..LINE_BYTES]);
            self.unread.split_to(end)
        } else {
            self.begun = self.unread.len();
            return None;
        };
        self.begun = 0;
        Some(line)
    }

    fn skip_rest_of_an_end(&mut self) {
        while let Some(&first) = self.unread.first().filter(|_| self.begun == 0) {
            match first {
                b'\r' => {}
                b'\n' if self.after_return => self.after_return = false,
                _ => {
                    self.after_return = false;
                    return;
                }
            }
            self.unread.advance(1);
        }
    }

    /// Whether a line has begun, and nothing more of it is there.
    pub(super) fn has_begun_line(&self) -> bool {
        self.begun > 0
    }

    /// The begin of a line that was there before the last read, as if it ended there.
    pub(super) fn begun_line(&mut self) -> Option<BytesMut> {
        let begun = std::mem::take(&mut self.begun);
        (begun > 0).then(|| self.unread.split_to(begun))
    }

    /// Gives back the memory of a flood.
    pub(super) fn shrink(&mut self) {
        if self.unread.is_empty() && self.unread.capacity() > 4 * READ_BYTES {
            self.unread = BytesMut::new();
        }
    }
}

/// How many of these bytes can be a piece of text without tearing a letter apart.
fn whole_letters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipe(text: &str) -> Pipe {
        Pipe { pipe: None, unread: BytesMut::from(text), begun: 0, after_return: false }
    }

    fn lines(pipe: &mut Pipe) -> Vec<String> {
        std::iter::from_fn(|| pipe.line()).map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
    }

    #[test]
    fn r31_lines_are_cut_at_newlines_and_empty_ones_are_lines() {
        let mut pipe = pipe("one\n\ntwo\nthr");
        assert_eq!(lines(&mut pipe), ["one", "", "two"]);
        assert!(!pipe.has_news());
        pipe.unread.extend_from_slice(b"ee\n");
        assert!(pipe.has_news());
        assert_eq!(lines(&mut pipe), ["three"]);
        assert!(pipe.begun_line().is_none());
    }

    #[test]
    fn r31_a_carriage_return_ends_a_line_and_with_a_newline_it_is_one_end() {
        let mut pipe = pipe("\r10 %\r20 %\r\nnext\r\n\r\nlast\r");
        assert_eq!(lines(&mut pipe), ["10 %", "20 %", "next", "", "last"]);
        pipe.unread.extend_from_slice(b"\n\nafter an empty one\r");
        assert_eq!(lines(&mut pipe), ["", "after an empty one"]);
        pipe.unread.extend_from_slice(b"\r\nno empty one before\n");
        assert_eq!(lines(&mut pipe), ["no empty one before"]);
        pipe.unread.extend_from_slice(b"30 %");
        assert_eq!(lines(&mut pipe), [""; 0]);
        assert!(pipe.has_begun_line());
        pipe.unread.extend_from_slice(b"\r");
        assert_eq!(lines(&mut pipe), ["30 %"]);
    }

    #[test]
    fn r31_a_long_line_comes_in_pieces_that_tear_no_letter() {
        let line = format!("{}ä{}\nnext\n", "x".repeat(LINE_BYTES - 1), "y".repeat(LINE_BYTES));
        let lines = lines(&mut pipe(&line));
        let lengths: Vec<usize> = lines.iter().map(String::len).collect();
        assert_eq!(lengths, [LINE_BYTES - 1, LINE_BYTES, 2, 4]);
        assert_eq!(lines.concat(), line.replace('\n', ""));
    }

    #[test]
    fn r31_a_line_that_fills_a_piece_exactly_is_one_line() {
        let line = "x".repeat(LINE_BYTES);
        assert_eq!(lines(&mut pipe(&format!("{line}\n{line}\n"))), [line.clone(), line]);
    }

    #[test]
    fn r31_what_is_no_text_is_cut_all_the_same() {
        let mut pipe = pipe("");
        pipe.unread.extend_from_slice(&vec![0xff; 3 * LINE_BYTES]);
        assert_eq!(std::iter::from_fn(|| pipe.line()).count(), 2);
        assert_eq!(pipe.begun, LINE_BYTES);
    }

    #[test]
    fn r31_a_line_that_began_before_can_be_ended_without_what_came_since() {
        let mut pipe = pipe("of nobo");
        assert!(pipe.line().is_none());
        pipe.unread.extend_from_slice(b"of the job\n");
        assert_eq!(pipe.begun_line().as_deref(), Some(&b"of nobo"[..]));
        assert_eq!(lines(&mut pipe), ["of the job"]);
    }
}
