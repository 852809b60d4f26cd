use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, exit};

use rustix::process::{Signal, set_parent_process_death_signal};

use super::{arena, echo, handover, pipeline, socket_copy};
use crate::process::{spin_for_ever, stamp_and_die};
use crate::{Result, worker};

/// The first argument of a process that is such a child.
const MARK: &str = "limit-child";

/// A child process with a socket to it, made with nothing but the standard library. It is killed when dropped.
pub(crate) struct Child {
    process: std::process::Child,
    pub(crate) socket: UnixStream,
}

impl Child {
    /// Starts the workers' program as a child of that kind.
    pub(crate) fn spawn(kind: &str, args: &[&str]) -> Result<Self> {
        Self::spawn_of(&worker::program()?, kind, args)
    }

    /// Starts another program as such a child, whose `main` begins with [`run_if_child`].
    pub(crate) fn spawn_of(program: &Path, kind: &str, args: &[&str]) -> Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        let process =
            Command::new(program).args([MARK, kind]).args(args).stdin(OwnedFd::from(theirs)).spawn()?;
        Ok(Self { process, socket })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits for the byte by which a child says that it is there.
    pub(crate) fn first_byte(&mut self) -> Result<()> {
        Ok(self.socket.read_exact(&mut [0])?)
    }

    /// One byte there and one back.
    pub(crate) fn echo_byte(&mut self) -> Result<()> {
        self.socket.write_all(&[1])?;
        self.first_byte()
    }

    /// Waits until the child hangs up.
    pub(crate) fn end_of_file(&mut self) -> Result<()> {
        match self.socket.read(&mut [0])? {
            0 => Ok(()),
            _ => Err("a child said something instead of hanging up".into()),
        }
    }

    /// Closes this end of the socket, which ends most kinds of children.
    pub(crate) fn hang_up(&self) -> Result<()> {
        Ok(self.socket.shutdown(Shutdown::Both)?)
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(mut self) -> Result<()> {
        self.process.wait()?;
        Ok(())
    }

    /// SIGKILL, and no waiting.
    pub(crate) fn kill(&mut self) -> Result<()> {
        Ok(self.process.kill()?)
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
    let args: Vec<String> = args.collect();
    match live(&kind, &args) {
        Ok(()) => exit(0),
        Err(error) => {
            let _ = writeln!(io::stderr(), "{MARK} {kind}: {error}");
            exit(1)
        }
    }
}

fn live(kind: &str, args: &[String]) -> Result<()> {
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let number =
        |index: usize| -> Result<usize> { Ok(args.get(index).ok_or("a number is missing")?.parse()?) };
    match kind {
        "echo" => echo::answer(&mut socket, number(0)?, number(1)?)?,
        "pipeline" => pipeline::answer(&mut socket)?,
        "socket-copy" => socket_copy::answer(&mut socket, number(0)?)?,
        "arena" => arena::answer(&mut socket, number(0)?)?,
        "handover" => handover::answer(&socket)?,
        "hello" => {
            socket.write_all(&[1])?;
            wait_for_end(&mut socket);
        }
        "spin" => {
            // It would go on for ever if the harness was killed.
            set_parent_process_death_signal(Some(Signal::KILL))?;
            spin_for_ever(number(0)?, || {
                // A host that is gone does not wait for it.
                let _ = socket.write_all(&[1]);
            })
        }
        "die" => {
            socket.read_exact(&mut [0])?;
            return Err(stamp_and_die(args.first().ok_or("a path is missing")?.as_ref()).into());
        }
        _ => return Err("there is no such child".into()),
    }
    Ok(())
}

/// Sleeps until the host hangs up.
fn wait_for_end(socket: &mut UnixStream) {
    let _ = socket.read(&mut [0]);
}
