use std::path::PathBuf;
use std::time::Duration;

use ostler::{Category, JobType};
use serde::{Deserialize, Serialize};

/// What a job in the lab is to do.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Task {
    /// Answer with this text.
    Echo(String),
    /// Answer with so many bytes.
    Answer(usize),
    /// Answer with the names of the attachments, and send them back.
    Attachments,
    /// Attach so many bytes of this value, written in place.
    Fill(usize, u8),
    /// Attach so many bytes of this value, which lie in the worker's own memory and are copied to be sent.
    FillOwn(usize, u8),
    /// Attach so many bytes of this value, written in place, and write other bytes there from then on.
    Scribble(usize, u8),
    /// Open files until no more can be opened, and keep them.
    HoardFiles,
    /// Answer with the process id.
    Pid,
    /// Answer with the configuration that the plugin was loaded with, and how often this process has loaded it.
    Config,
    /// Wait until the file is there, and answer with its text.
    AwaitFile(PathBuf),
    /// Do these, one after the other, and answer as the last one does.
    Steps(Vec<Task>),
    /// Add a line to a file, and answer with the process id.
    Sign(PathBuf, String),
    /// Answer after so long.
    Linger(Duration),
    /// Write the process id to a file, and then never end.
    Hang(PathBuf),
    /// Never end, and use the processor for it.
    Spin,
    /// Wait for the request to stop, and answer "tidied up".
    TidyUp,
    /// Be asked to stop, and do not.
    IgnoreCancel,
    /// Answer with an error.
    Fail(String, Category),
    /// Answer with an error that goes on for so many bytes after these words.
    FailAtLength(String, usize, Category),
    /// Panic with a message that goes on for so many bytes after these words.
    PanicAtLength(String, usize),
    /// Panic with this message.
    Panic(String),
    /// Panic with this message in a thread of its own, and go on.
    PanicElsewhere(String),
    /// Let go of the pipes of stdout and stderr, so that nobody writes there any more.
    CloseOutput,
    /// Close all descriptors of the process but its three standard ones.
    CloseAll,
    /// Write these lines to stderr and abort.
    Abort(String),
    /// Touch memory that is not there.
    Segfault,
    /// Take so many bytes of memory, and never give them back.
    Leak(usize),
    /// Take so many bytes of memory, and never end.
    Grow(usize),
    /// Join the group of the host, and answer with what the system says.
    JoinHost,
    /// Ignore every signal that can be.
    Deafen,
    /// Leave a process behind in a session of its own that ignores every signal, and whose id is in the file.
    Daemon(PathBuf),
    /// Die by SIGSEGV unless the file is there.
    DieUnless(PathBuf),
    /// Make the file and hang, unless it is there.
    HangOnce(PathBuf),
    /// Stop the own process.
    Stop,
    /// End the process with this code.
    Exit(i32),
    /// Emit so many chunks of so many bytes.
    Emit(usize, usize),
    /// Tell progress so often.
    Progress(usize),
    /// Emit, tell progress and log, in this order, so often.
    Mixed(usize),
    /// Write so many bytes to stdout and to stderr.
    Flood(usize),
    /// Write so many lines of so many bytes to stdout.
    Pour(usize, usize),
    /// Print this on stdout as it is, as `print!` does.
    Print(String),
    /// Print this on stderr as it is, as `eprint!` does.
    Complain(String),
    /// Write this to the descriptor of stdout, past every buffer, as native code does.
    Write(String),
    /// Print this on stdout as code in C does.
    PrintInC(String),
    /// Run this in a shell, which has this process's stdout and stderr, and wait for it.
    Shell(String),
    /// Leave a process behind in the group, which holds stdout and stderr, and answer with its id.
    LeaveChild,
    /// Leave a process behind in the group that starts its successor and ends, and so on for ever.
    LeaveComet,
    /// Leave a process behind that has left the group, and answer with its id.
    LeaveDaemon,
    /// Leave a process behind in the group, say its id in the log, and die of SIGKILL.
    DieAndLeaveChild,
}

impl JobType for Task {
    type Output = String;
}
