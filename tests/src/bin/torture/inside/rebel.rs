//! What a plugin does to its own process, so that it is harder to end.
#![expect(unsafe_code, reason = "groups and closed descriptors are system calls")]

use std::fs;
use std::io;
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use super::page::{DIARY, LOCKS};

/// How it rebels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Rebel {
    /// It tries to get into the group of its host.
    JoinHost,
    /// It starts a child that leads a session of its own.
    Session,
    /// It closes all descriptors but its connection, and the diary.
    Close,
    /// It may open no more than so many files from now on.
    FewFiles(u64),
}

impl Rebel {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::JoinHost => "join its host's group",
            Self::Session => "have a child in a session of its own",
            Self::Close => "close all descriptors but the connection",
            Self::FewFiles(_) => "lower its limit of files",
        }
    }

    /// Does it. Gives the process that it leaves, if it leaves one.
    pub(super) fn act(self) -> io::Result<Option<u32>> {
        match self {
            Self::JoinHost => join_host().map(|()| None),
            Self::Session => leave_session().map(Some),
            Self::Close => close_all().map(|()| None),
            Self::FewFiles(limit) => allow_files(limit).map(|()| None),
        }
    }
}

/// It leads a session, so the kernel does not let it.
fn join_host() -> io::Result<()> {
    // SAFETY: the calls take numbers.
    let joined = unsafe { libc::setpgid(0, libc::getpgid(libc::getppid())) };
    if joined == 0 { Err(io::Error::other("it is in the group of its host")) } else { Ok(()) }
}

/// A child that stays in the worker's group leads none, so it need not fork to lead a session.
fn leave_session() -> io::Result<u32> {
    let mut sleep = Command::new("setsid");
    sleep.args(["sleep", "1000"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(sleep.spawn()?.id())
}

fn close_all() -> io::Result<()> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")?.flatten() {
        let Ok(target) = fs::read_link(entry.path()) else { continue };
        let target = target.to_string_lossy().into_owned();
        let is_kept = target.starts_with("socket:")
            || [DIARY, LOCKS].iter().any(|name| target.ends_with(&format!("/{name}")));
        if !is_kept && let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            numbers.push(number);
        }
    }
    for number in numbers {
        // SAFETY: there is none: whoever owned it finds it gone, as with any plugin that does so. The process is ended
        // before another job is run in it.
        unsafe { libc::close(number) };
    }
    Ok(())
}

/// The soft limit, so that it can be raised again.
pub(super) fn allow_files(limit: u64) -> io::Result<()> {
    let before = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(limit), ..before })?)
}
