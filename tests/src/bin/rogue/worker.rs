//! The life of the worker, and where it goes astray.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::mode::Mode;
use crate::wire::{Connection, Envelope, Execute, JobId, Order};
use crate::{memory, process, say};

struct Worker {
    mode: Mode,
    file: Option<PathBuf>,
    host: Connection,
    started_at: Instant,
    running: Option<Execute>,
    jobs_done: u64,
}

pub(crate) fn work(mode: Mode, file: Option<PathBuf>, socket: &str, token: [u8; 16]) -> io::Result<()> {
    let mut host = Connection::open(socket)?;
    let versions: &[u32] = match mode {
        Mode::WrongVersion => &[99, 98],
        Mode::OldVersion => &[3],
        Mode::NewerVersion => &[9, 4],
        _ => &[4, 4],
    };
    let token = if mode == Mode::BadToken { token.map(|byte| !byte) } else { token };
    if mode == Mode::IgnoreSignals {
        process::ignore_signals();
    }
    host.send(
        &versions
            .iter()
            .fold(Envelope::new(0), |hello, version| hello.u32(*version))
            .u32(std::process::id())
            .raw(&token)
            .u32(u32::from(mode.shares()))
            .frame(&[]),
    )?;
    Worker { mode, file, host, started_at: Instant::now(), running: None, jobs_done: 0 }.serve()
}

impl Worker {
    fn serve(mut self) -> io::Result<()> {
        while let Some(order) = self.host.receive()? {
            match (self.mode, order) {
                (Mode::Mute | Mode::WrongVersion | Mode::OldVersion | Mode::BadToken, _) => {}
                (Mode::NewerVersion, Order::Init { protocol, .. }) if protocol != 4 => std::process::exit(6),
                (_, Order::Init { request, .. }) => self.ready(request)?,
                (_, Order::Execute(execute)) => self.execute(execute)?,
                (Mode::IgnoreSignals, Order::Cancel { .. } | Order::Stop { .. }) => {}
                (_, Order::Cancel { request }) => self.cancel(request)?,
                (_, Order::ReloadOrUnload { request }) => self.respond(request)?,
                (_, Order::GetState { request }) => self.state(request)?,
                (_, Order::Ping { request }) => self.host.send(&Envelope::new(9).u64(request).frame(&[]))?,
                (_, Order::Stop { request }) => return self.respond(request),
            }
        }
        process::end_group()
    }

    fn ready(&mut self, request: u64) -> io::Result<()> {
        let ready = Envelope::new(1).u64(request);
        let ready = if self.mode == Mode::LoadFailure {
            ready.u64(0).u64(1).string("echo").string("the echo was lost in the hills")
        } else {
            let manifest =
                ready.u64(1).string("echo").string("1.0").string("test").string("Returns what it got");
            // It does not stream, has no parameters, and nothing failed.
            manifest.bool(false).u64(0).u64(0)
        };
        self.host.send(&ready.frame(&[]))
    }

    fn execute(&mut self, execute: Execute) -> io::Result<()> {
        self.before_started(&execute)?;
        let Execute { request, job, attempt, .. } = execute;
        let started = Envelope::new(2).u64(request).raw(&job).u32(attempt).frame(&[]);
        match self.mode {
            Mode::StrayDescriptor => self.host.send_with(&started, &memory::segment(&[], true)?, 1)?,
            Mode::FloodDescriptors => {
                let memory = memory::segment(&[], true)?;
                started.iter().try_for_each(|byte| self.host.send_with(&[*byte], &memory, 200))?;
            }
            _ => self.host.send(&started)?,
        }
        match self.mode {
            Mode::HalfFrame => {
                let result = result(&execute, job);
                self.host.send(&result[..result.len() / 2])?;
                std::process::exit(0);
            }
            Mode::HugeFrame => self.host.send(&(2_u32 << 30).to_le_bytes()),
            Mode::UnknownTag => self.host.send(&Envelope::new(4096).u64(request).frame(&[])),
            Mode::WrongJob => self.host.send(&result(&execute, job.map(|byte| !byte))),
            Mode::FloodStderr => {
                flood_stderr()?;
                self.finish(&execute)
            }
            Mode::IgnoreSignals | Mode::AnswerAfterCancel => {
                self.running = Some(execute);
                Ok(())
            }
            Mode::CloseSocket => self.close_socket(),
            Mode::Segfault => process::segfault(),
            Mode::StderrLastWords => {
                say("rogue: the roof is on fire");
                say("rogue: the horses are out");
                say("rogue: tell my host that I tried");
                std::process::abort();
            }
            Mode::ForkAndLinger | Mode::HoldSocket => self.fork_and_exit(job),
            _ if self.mode.shares() => self.share(&execute),
            _ => self.finish(&execute),
        }
    }

    /// What some modes do instead of saying `Started`.
    fn before_started(&mut self, execute: &Execute) -> io::Result<()> {
        match (self.mode, &self.file) {
            (Mode::NotStarted, _) => self.host.send(&result(execute, execute.job))?,
            (Mode::ExitBeforeStarted, Some(file)) if !file.exists() => {
                std::fs::write(file, "")?;
                std::process::exit(5);
            }
            _ => return Ok(()),
        }
        // It waits to be ended.
        while self.host.receive()?.is_some() {}
        process::end_group()
    }

    fn finish(&mut self, execute: &Execute) -> io::Result<()> {
        self.jobs_done += 1;
        self.host.send(&result(execute, execute.job))
    }

    /// A result of which the body is in shared memory, or is said to be.
    fn share(&mut self, execute: &Execute) -> io::Result<()> {
        let first = self.jobs_done == 0;
        if !first && self.mode != Mode::ShareResult {
            return self.finish(execute);
        }
        if self.mode == Mode::ReleaseNothing {
            self.host.send(&Envelope::new(11).u64(1).u64(0).u64(0).u64(0).frame(&[]))?;
        }
        self.jobs_done += 1;
        let body = Envelope::new(6).u64(execute.request).raw(&execute.job).u32(execute.attempt).u32(0);
        let offset = if self.mode == Mode::OutOfRange { memory::SIZE } else { 0 };
        // The encoding, then the body's place: segment 0 of this worker.
        let body = body.raw(&execute.header[..4]).u32(1).u64(0).u64(offset as u64);
        let body = body.u64(execute.payload.len() as u64);
        let is_new = self.mode != Mode::UnknownSegment && first;
        let body = if is_new { body.bool(true).u64(memory::SIZE as u64) } else { body.bool(false) };
        let frame = body.u64(0).frame(&[]);
        if is_new && self.mode != Mode::MissingDescriptor {
            let segment = memory::segment(&execute.payload, self.mode != Mode::Unsealed)?;
            self.host.send_with(&frame, &segment, 1)
        } else {
            self.host.send(&frame)
        }
    }

    fn cancel(&mut self, request: u64) -> io::Result<()> {
        self.respond(request)?;
        if let (Mode::AnswerAfterCancel, Some(execute)) = (self.mode, self.running.take()) {
            self.finish(&execute)?;
            self.finish(&execute)?;
        }
        Ok(())
    }

    fn respond(&mut self, request: u64) -> io::Result<()> {
        self.host.send(&Envelope::new(7).u64(request).u32(0).frame(&[]))
    }

    fn state(&mut self, request: u64) -> io::Result<()> {
        let uptime = self.started_at.elapsed().as_millis() as u64;
        let state = Envelope::new(8).u64(request).u32(std::process::id()).u64(uptime).u64(1).string("echo");
        let state = match &self.running {
            Some(execute) => state.bool(true).raw(&execute.job),
            None => state.bool(false),
        };
        self.host.send(&state.u64(self.jobs_done).frame(&[]))
    }

    fn close_socket(&mut self) -> io::Result<()> {
        self.host.close()?;
        process::linger()
    }

    /// The child's pid is told by a log line of the job, and in the file if there is one.
    fn fork_and_exit(&mut self, job: JobId) -> io::Result<()> {
        let pid = process::fork_lingerer(self.mode == Mode::HoldSocket);
        if let Some(file) = &self.file {
            write_whole(file, &pid.to_string())?;
        }
        let line = Envelope::new(5).bool(true).raw(&job).u32(2).string(&format!("child {pid}"));
        self.host.send(&line.frame(&[]))?;
        std::process::exit(7)
    }
}

/// A success: the payload goes back as it came.
fn result(execute: &Execute, job: JobId) -> Vec<u8> {
    let Execute { request, attempt, header, payload, plugin, .. } = execute;
    let result = Envelope::new(6).u64(*request).raw(&job).u32(*attempt);
    if plugin == "echo" {
        result.u32(0).raw(header).frame(payload)
    } else {
        // Failed; kind 0 is the plugin's, category 0 is the input's.
        result.u32(1).u32(0).u32(0).string(&format!("there is no plugin `{plugin}`, only `echo`")).frame(&[])
    }
}

fn flood_stderr() -> io::Result<()> {
    const LINE: usize = 1024;
    let lines = [&[b'x'; LINE - 1][..], b"\n"].concat().repeat(64);
    let mut stderr = io::stderr().lock();
    (0..64 * 1024 / 64).try_for_each(|_| stderr.write_all(&lines))
}

/// Whoever sees the file sees all of it.
fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let draft = file.with_extension("draft");
    std::fs::write(&draft, text)?;
    std::fs::rename(draft, file)
}
