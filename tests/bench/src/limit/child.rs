use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, exit};

use super::{echo, pipeline};
use crate::Result;

/// The first argument of a process that is such a child.
const MARK: &str = "limit-child";

/// A child process with a socket to it, made with nothing but the standard library. It is killed when dropped.
pub(crate) struct Child {
    process: std::process::Child,
    pub(crate) socket: UnixStream,
}

impl Child {
    /// Starts this program again as a child of that kind.
    pub(crate) fn spawn(kind: &str, args: &[usize]) -> Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        let args = args.iter().map(usize::to_string);
        let process = Command::new("/proc/self/exe")
            .args([MARK, kind])
            .args(args)
            .stdin(OwnedFd::from(theirs))
            .spawn()?;
        Ok(Self { process, socket })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits for the byte by which a child says that it is there.
    pub(crate) fn first_byte(&mut self) -> Result<()> {
        Ok(self.socket.read_exact(&mut [0])?)
    }

    /// SIGKILL, and `waitpid` until it is dead.
    pub(crate) fn kill_and_wait(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.kill_and_wait();
    }
}

/// Makes this process a child, if it was started as one; then it does not return.
pub(crate) fn run_if_child() {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() != Some(MARK) {
        return;
    }
    let kind = args.next().unwrap_or_default();
    let numbers: Vec<usize> = args.filter_map(|arg| arg.parse().ok()).collect();
    match live(&kind, &numbers) {
        Ok(()) => exit(0),
        Err(error) => {
            let _ = writeln!(io::stderr(), "{MARK} {kind}: {error}");
            exit(1)
        }
    }
}

fn live(kind: &str, numbers: &[usize]) -> io::Result<()> {
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    match (kind, numbers) {
        ("echo", [request, response]) => echo::answer(&mut socket, *request, *response),
        ("pipeline", []) => pipeline::answer(&mut socket),
        ("hello", []) => {
            socket.write_all(&[1])?;
            wait_for_end(&mut socket)
        }
        _ => Err(io::Error::other("there is no such child")),
    }
}

/// Sleeps until the host hangs up.
fn wait_for_end(socket: &mut UnixStream) -> io::Result<()> {
    socket.read(&mut [0]).map(drop)
}
