//! A command that is left with the children of others, and one that may write no file.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::host::{Host, PATIENCE, stderr, stdout, until};

/// The shell becomes the command, and keeps its children.
fn after(script: &str, args: &[&str]) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{script}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_ostler")]).args(args);
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("OSTLER_LOG");
    shell
}

#[test]
#[expect(unsafe_code, reason = "a process that asks for the orphans of those below it")]
fn orphans_are_reaped_while_the_command_runs() {
    let directory = tempfile::tempdir().unwrap();
    let (file, gate) = (directory.path().join("pid"), directory.path().join("gate"));
    // It ends when the file is there, and its parent long before.
    let orphan = format!(
        "env -u OSTLER_TEST_MARK sh -c 'sh -c \"echo \\$\\$ > {0}.part; mv {0}.part {0}; until test -e {1}; do sleep 0.01; done\" &'",
        file.display(),
        gate.display()
    );
    let mut shell = after(&orphan, &["run", "slow_processor", "-p", "text=one", "-p", "seconds=600"]);
    // SAFETY: the call is a system call.
    unsafe { shell.pre_exec(|| nix::sys::prctl::set_child_subreaper(true).map_err(Into::into)) };
    let mut host = Host::start(shell);
    until(Instant::now() + PATIENCE, "the job runs", || file.exists() && host.workers().len() == 1);
    let pid = fs::read_to_string(&file).unwrap();
    let orphan = Path::new("/proc").join(pid.trim());
    let is_ours = || {
        let stat = fs::read_to_string(orphan.join("stat")).unwrap_or_default();
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| rest.split_whitespace().nth(1) == Some(&host.pid.to_string()))
    };
    until(Instant::now() + PATIENCE, "it is left to the command", is_ours);
    fs::write(gate, "").unwrap();
    until(Instant::now() + PATIENCE, "it is reaped", || !orphan.exists());
    // One that is becoming its program has no environment for a moment.
    until(Instant::now() + PATIENCE, "the command goes on", || host.workers().len() == 1);
    host.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(host.exit_code(PATIENCE), Some(130), "and knows of the end of its worker");
}

#[test]
fn a_limit_of_the_size_of_files_is_an_error_and_no_signal() {
    // Nothing that it writes by itself is needed.
    let output = after("ulimit -f 0", &["run", "uppercase", "-p", "text=hi"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{:?}: {}", output.status, stderr(&output));
    assert!(stdout(&output).contains("HI"));

    // What it is to write cannot be written.
    let directory = tempfile::tempdir().unwrap();
    let full = File::create(directory.path().join("out")).unwrap();
    let mut limited = after("ulimit -f 0", &["run", "uppercase", "-p", "text=hi"]);
    let output = limited.stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{:?}: {}", output.status, stderr(&output));
    assert!(stderr(&output).contains("File too large"), "{}", stderr(&output));
}
