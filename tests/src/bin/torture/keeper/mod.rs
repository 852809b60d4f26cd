//! The process outside: it starts the host, stops it and lets it go on when asked to, and keeps the machine busy.
//!
//! Who is stopped cannot let itself go on. And a host that is ended by a signal, such as that of a full disk, cannot say
//! so: its keeper does.

mod busy;
mod line;

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};

use crate::args::Args;
use crate::dice::Dice;
use crate::ordeal::{Children, set_children};
use crate::{clock, outside};

pub(crate) use busy::run_if_busy;
pub(crate) use line::Line;

/// Tells a host that it is kept, and its seed.
const VARIABLE: &str = "OSTLER_TORTURE_SEED";

/// The seed that a kept host was given; nothing in the keeper itself.
pub(crate) fn seed_of_host() -> Option<u64> {
    std::env::var(VARIABLE).ok()?.parse().ok()
}

/// Whether the host of this seed is started with SIGCHLD ignored.
pub(crate) fn ignores_children(seed: u64) -> bool {
    Dice::new(seed, "keeper").percent(50)
}

/// A host does not outlive its keeper: nobody would let it go on.
pub(crate) fn die_with_keeper() -> io::Result<()> {
    let keeper = getppid();
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid() == keeper { Ok(()) } else { Err(io::Error::other("the keeper is gone")) }
}

/// Starts the host, serves it until its end, and says how that was.
pub(crate) fn keep(args: &Args) -> io::Result<ExitCode> {
    let seed = args.seed();
    // Of its own, so that only this host's records are in it. Ostler's name in it tells what is open there.
    let records = tempfile::Builder::new().prefix("ostler-torture-").tempdir()?;
    let _busy = busy::start(args.busy)?;
    let (ours, theirs) = UnixStream::pair()?;
    // Whoever ignores it hands that on to what it starts.
    set_children(if ignores_children(seed) { Children::Ignored } else { Children::Told });
    let started = start(seed, records.path().into(), theirs.into());
    set_children(Children::Told);
    let mut host = started?;
    // It ends when the host's end of the line is closed.
    let served = serve(&host, ours);
    if let Err(error) = &served {
        say(&format!("the keeper cannot go on: {error}"));
        host.kill()?;
    }
    let status = host.wait()?;
    if let Some(signal) = status.signal() {
        say(&format!("FAILED: the host was ended by signal {signal}, with seed {seed}"));
        return Ok(ExitCode::FAILURE);
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(if served.is_err() { 2 } else { code }))
}

fn start(seed: u64, records: OsString, line: OwnedFd) -> io::Result<Child> {
    Command::new("/proc/self/exe")
        .args(std::env::args_os().skip(1))
        .env(VARIABLE, seed.to_string())
        .env("XDG_RUNTIME_DIR", records)
        // What is large and free goes back to the kernel, so that it is not taken for lost.
        .env("MALLOC_MMAP_THRESHOLD_", "262144")
        .stdin(line)
        .spawn()
}

/// Does what the host asks for, a line for each.
fn serve(host: &Child, line: UnixStream) -> io::Result<()> {
    let mut answers = line.try_clone()?;
    for order in BufReader::new(line).lines() {
        let millis = order?.parse().map_err(io::Error::other)?;
        let (from, to) = stop(host, Duration::from_millis(millis))?;
        writeln!(answers, "{from} {to}")?;
    }
    Ok(())
}

/// Stops the host for so long, and says from when to when it may have been stopped.
fn stop(host: &Child, time: Duration) -> io::Result<(u64, u64)> {
    let pid = Pid::from_child(host);
    let from = clock::now();
    kill_process(pid, Signal::STOP)?;
    while outside::Process::read(host.id()).is_some_and(|host| host.state != 'T' && !host.is_zombie()) {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(time);
    kill_process(pid, Signal::CONT)?;
    Ok((from, clock::now()))
}

fn say(text: &str) {
    // With stderr closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "torture: {text}");
}
