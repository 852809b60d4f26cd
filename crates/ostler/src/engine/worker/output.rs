use std::future::ready;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use ostler_lifecycle::WorkerKey;
use ostler_process::ChildOutput;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::pipe::Pipe;
use super::tail::Tail;
use crate::OutputStream::{self, Stderr, Stdout};
use crate::events::EventLog;

const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// What a worker writes to stdout and stderr, by line; the end of stderr is kept. Whose a line is, others know.
pub(super) struct Output {
    stdout: Pipe,
    stderr: Pipe,
    tail: Tail,
    /// The log of a job that took a line, and has a reader that is waited for before the next one.
    pacing: Option<Arc<EventLog>>,
    /// Something was read since this was last asked.
    was_read: bool,
}

impl Output {
    pub(super) fn new(worker: WorkerKey, output: ChildOutput) -> Self {
        Self {
            stdout: Pipe::new(worker, output.stdout),
            stderr: Pipe::new(worker, output.stderr),
            tail: Tail::default(),
            pacing: None,
            was_read: false,
        }
    }

    /// Returns when there is something to be taken, and nobody who reads what was taken is far behind: meanwhile the
    /// pipes fill, and whoever prints waits.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn ready(&self) {
        if let Some(log) = &self.pacing {
            log.pace().await;
        }
        tokio::select! {
            () = ready(()), if self.has_news() => {}
            () = self.stdout.readable() => {}
            () = self.stderr.readable() => {}
        }
    }

    /// Whether the pipes are left unread because somebody who reads what was taken is far behind.
    pub(super) fn is_held(&self) -> bool {
        self.pacing.as_ref().is_some_and(|log| log.is_crowded())
    }

    /// Reads a little of both pipes, unless something of that is left from before.
    pub(super) fn read(&mut self) {
        if !self.has_news() {
            self.was_read |= !self.stdout.read().is_empty();
            let complaint = self.stderr.read();
            self.was_read |= !complaint.is_empty();
            self.tail.push(complaint);
        }
    }

    /// Whether something was read since this was last asked.
    pub(super) fn was_read(&mut self) -> bool {
        std::mem::take(&mut self.was_read)
    }

    /// Whether a line has begun, and all that was read before it was handed out.
    pub(super) fn has_begun_line(&self) -> bool {
        !self.has_news() && (self.stdout.has_begun_line() || self.stderr.has_begun_line())
    }

    /// Whether something was read that was not handed out.
    pub(super) fn has_news(&self) -> bool {
        self.stdout.has_news() || self.stderr.has_news()
    }

    /// Reads what is in the pipes now, without waiting. For the job that printed nothing this is one system call.
    pub(super) fn read_all(&mut self) {
        if self.is_there_more() {
            self.was_read |= !self.stdout.read_all().is_empty();
            let complaint = self.stderr.read_all();
            self.was_read |= !complaint.is_empty();
            self.tail.push(complaint);
        }
    }

    fn is_there_more(&self) -> bool {
        fn look(pipe: BorrowedFd<'_>) -> PollFd<'_> {
            PollFd::from_borrowed_fd(pipe, PollFlags::IN)
        }
        let found = match (self.stdout.descriptor(), self.stderr.descriptor()) {
            (Some(one), Some(other)) => poll(&mut [look(one), look(other)], Some(&AT_ONCE)),
            (Some(one), None) | (None, Some(one)) => poll(&mut [look(one)], Some(&AT_ONCE)),
            (None, None) => Ok(0),
        };
        // If it cannot be told, the look at each pipe tells.
        found.map_or(true, |count| count > 0)
    }

    /// Hands out what was read line by line, until a line adds to a job's log of which a reader is behind: then the rest
    /// waits for that reader.
    pub(super) fn tell(&mut self, mut tell: impl FnMut(OutputStream, &[u8]) -> Option<Arc<EventLog>>) {
        self.pacing = None;
        for (stream, pipe) in [(Stdout, &mut self.stdout), (Stderr, &mut self.stderr)] {
            while let Some(line) = pipe.line() {
                if let Some(log) = tell(stream, &line)
                    && log.is_crowded()
                {
                    self.pacing = Some(log);
                    return;
                }
            }
        }
    }

    /// Hands out all that was read, and waits for nobody. A last line needs no newline.
    pub(super) fn tell_all(&mut self, mut tell: impl FnMut(OutputStream, &[u8]) -> Option<Arc<EventLog>>) {
        self.pacing = None;
        for (stream, pipe) in [(Stdout, &mut self.stdout), (Stderr, &mut self.stderr)] {
            while let Some(line) = pipe.line().or_else(|| pipe.begun_line()) {
                tell(stream, &line);
            }
            pipe.shrink();
        }
    }

    /// Hands out the begins of lines that were there before the last read.
    pub(super) fn tell_begun(&mut self, mut tell: impl FnMut(OutputStream, &[u8]) -> Option<Arc<EventLog>>) {
        for (stream, pipe) in [(Stdout, &mut self.stdout), (Stderr, &mut self.stderr)] {
            if let Some(line) = pipe.begun_line() {
                tell(stream, &line);
            }
        }
    }

    /// The end of stderr.
    pub(super) fn tail(&self) -> &Tail {
        &self.tail
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::io::Write;
    use std::time::Duration;

    use jiff::Timestamp;
    use ostler_lifecycle::{Generation, SlotId};

    use super::*;
    use crate::{JobEventKind, JobEvents};

    /// Both pipes, and the ends to write to.
    fn output() -> (Output, [std::io::PipeWriter; 2]) {
        let [(stdout, one), (stderr, other)] = [std::io::pipe().unwrap(), std::io::pipe().unwrap()];
        let worker = WorkerKey { slot: SlotId(0), generation: Generation(1) };
        let pipes = ChildOutput { stdout: stdout.into(), stderr: stderr.into() };
        (Output::new(worker, pipes), [one, other])
    }

    fn told(output: &mut Output, log: Option<&Arc<EventLog>>) -> Vec<String> {
        let mut lines = Vec::new();
        output.tell(|stream, line| {
            lines.push(format!("{stream} {}", String::from_utf8_lossy(line)));
            log.cloned()
        });
        lines
    }

    #[tokio::test(start_paused = true)]
    async fn r27_whoever_prints_waits_for_a_reader_that_is_behind_and_not_for_one_that_sleeps() {
        let (mut output, [mut stdout, mut stderr]) = output();
        let log = Arc::new(EventLog::default());
        let _sleeper = JobEvents::new(Arc::clone(&log));
        while !log.is_crowded() {
            let text = "x".to_owned();
            log.push(Timestamp::UNIX_EPOCH, JobEventKind::Output { stream: Stdout, text });
        }
        stdout.write_all(b"one\ntwo\n").unwrap();
        stderr.write_all(b"three\n").unwrap();
        output.read_all();
        assert_eq!(told(&mut output, Some(&log)), ["stdout one"]);
        let begin = tokio::time::Instant::now();
        output.ready().await;
        assert_eq!(begin.elapsed(), Duration::from_secs(1));
        assert_eq!(told(&mut output, Some(&log)), ["stdout two", "stderr three"]);
    }

    #[tokio::test]
    async fn r31_all_that_is_in_the_pipes_is_told_at_once_whoever_else_holds_them() {
        let (mut output, [mut stdout, mut stderr]) = output();
        let _held = (stdout.try_clone().unwrap(), stderr.try_clone().unwrap());
        stdout.write_all(&[b'x'; 60_000]).unwrap();
        stderr.write_all(b"no newline").unwrap();
        let mut bytes = 0;
        let mut last = Vec::new();
        output.read_all();
        output.tell_all(|_, line| {
            bytes += line.len();
            last = line.to_vec();
            None
        });
        assert_eq!((bytes, last.as_slice()), (60_010, &b"no newline"[..]));
        output.read_all();
        output.tell_all(|_, _| unreachable!("nothing is left"));
        assert_eq!(output.tail().text(), "no newline");
    }
}
