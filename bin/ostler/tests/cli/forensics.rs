//! What is said of a worker's death.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;

use crate::host::{Fifo, Host, PATIENCE, command, next_line, ostler, stderr, strike};

/// Runs a job whose worker dies by a signal after it wrote to its stderr. The worker's pid, and the host.
fn crash(args: &[&str], signal: Signal) -> (u32, Host) {
    let directory = tempfile::tempdir().unwrap();
    let fifo = Fifo::new(directory.path());
    let path = format!("path={}", fifo.path());
    let host = Host::start(command(&[&["run", "digest", "-p", &path], args].concat()));
    let _writer = fifo.wait_for_reader();
    let worker = host.worker();
    let mut its_stderr = File::options().write(true).open(format!("/proc/{worker}/fd/2")).unwrap();
    its_stderr.write_all(b"first words\nlast \x1bwords\n").unwrap();
    strike(worker, signal);
    (worker, host)
}

fn told(mut host: Host) -> String {
    let mut told = String::new();
    host.stderr().read_to_string(&mut told).unwrap();
    assert_eq!(host.exit_code(PATIENCE), Some(1), "{told}");
    told
}

#[track_caller]
fn check_parts(told: &str, parts: &[&str]) {
    let mut rest = told;
    for part in parts {
        let Some(at) = rest.find(part) else { panic!("no {part:?} in its place in {told}") };
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn a_crash_is_told_with_its_evidence_and_what_to_do() {
    let (worker, host) = crash(&[], Signal::SIGSEGV);
    let told = told(host);
    let process = format!("  worker     pid {worker}, lived ");
    let parts = [
        "error: the worker was ended by SIGSEGV (it used memory that is not its own) while it ran a job\n",
        &process,
        ", this was its first job\n",
        "  used       ",
        " of processor time, at most ",
        " MiB of memory by itself\n",
        "  core       ",
        "dumped\n",
        "The end of the worker's stderr:\n",
        "  first words\n  last \u{fffd}words\n",
        "tip: digest is at fault, or what it uses; ",
    ];
    check_parts(&told, &parts);
    assert!(!told.contains("attempt"), "there was one: {told}");
}

#[test]
fn a_crash_is_data_in_json() {
    let (worker, mut host) = crash(&["--json"], Signal::SIGSEGV);
    let report = next_line(&mut host.stdout());
    assert_eq!(host.exit_code(PATIENCE), Some(1));
    let forensics = &report["error"]["forensics"];
    assert_eq!(report["error"]["kind"], "crashed");
    assert_eq!(forensics["pid"], worker);
    assert_eq!(forensics["cause"]["kind"], "fault");
    assert_eq!(forensics["phase"], "run");
    assert_eq!(forensics["signal"], "SIGSEGV");
    assert!(forensics["status"]["signal"]["core_dumped"].is_boolean(), "{report}");
    assert!(forensics["peak_memory"].as_u64().is_some_and(|bytes| bytes > 1 << 20), "{report}");
    assert!(forensics["stderr_tail"].as_str().unwrap().contains("first words"), "{report}");
    assert!(report.get("attempt").is_none() && report.get("past_failures").is_none(), "{report}");
}

#[test]
fn a_kill_from_outside_is_no_fault_of_the_plugin() {
    let (_, host) = crash(&[], Signal::SIGKILL);
    let told = told(host);
    check_parts(
        &told,
        &[
            "error: the worker was ended by SIGKILL from outside while it ran a job\n",
            "tip: somebody killed it",
        ],
    );
    assert!(!told.contains("core "), "SIGKILL leaves none: {told}");
}

#[test]
fn a_job_over_a_time_limit_is_told_which_option_allows_more() {
    for (option, sentence) in [
        ("--timeout", "error: the job ran longer than its timeout"),
        ("--stall-timeout", "error: the job reported nothing"),
    ] {
        let output = ostler(&["run", "slow_processor", "-p", "text=a", "-p", "seconds=60", option, "100ms"]);
        assert_eq!(output.status.code(), Some(124), "{}", stderr(&output));
        check_parts(stderr(&output), &[sentence, "\n  worker     pid ", &format!("tip: raise {option} ")]);
    }
}

#[test]
fn a_cancel_is_told_briefly_and_with_its_proof_to_who_asks_for_more() {
    for (args, parts) in [
        (&[][..], &["cancelled\n"][..]),
        (
            &["-v"][..],
            &[
                "cancelled in ",
                ", proven: no process of it is left\n",
                "  asked      by SIGTERM, 2",
                "  killed     ",
                "  proven     ",
                "  worker     pid ",
                "  used       ",
            ],
        ),
    ] {
        let told = cancelled(args, |host| {
            let mut told = String::new();
            host.stderr().read_to_string(&mut told).unwrap();
            told
        });
        check_parts(&told, parts);
        assert_eq!(told.contains("proven"), args == ["-v"], "{told}");
    }
    let report = cancelled(&["--json"], |host| next_line(&mut host.stdout()));
    assert_eq!(report["cancellation"]["by"], "SIGTERM");
    assert_eq!(report["cancellation"]["forensics"]["cause"]["reason"]["kind"], "cancelled", "{report}");
}

/// What is said of a job that is cancelled while it runs.
fn cancelled<T>(args: &[&str], read: impl FnOnce(&mut Host) -> T) -> T {
    let directory = tempfile::tempdir().unwrap();
    let fifo = Fifo::new(directory.path());
    let mut host =
        Host::start(command(&[&["run", "digest", "-p", &format!("path={}", fifo.path())], args].concat()));
    let _writer = fifo.wait_for_reader();
    host.signal(Signal::SIGTERM);
    let told = read(&mut host);
    assert_eq!(host.exit_code(PATIENCE), Some(130));
    told
}

#[test]
fn a_worker_over_its_memory_is_told_with_the_figures_and_the_option() {
    for json in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let fifo = Fifo::new(directory.path());
        let path = format!("path={}", fifo.path());
        let mut args = vec!["run", "thumbnail", "-p", &path, "--max-memory", "64M", "--timeout", "60s"];
        args.extend(json.then_some("--json"));
        let mut host = Host::start(command(&args));
        let mut writer = fifo.wait_for_reader();
        // The plugin keeps what it reads until its input ends. Its end is this one's, in the middle of a write or after it.
        let written = writer.write_all(&vec![0; 200 << 20]);
        assert!(written.is_ok() || written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe));
        if json {
            let report = next_line(&mut host.stdout());
            assert_eq!(host.exit_code(PATIENCE), Some(1));
            assert_eq!(report["error"]["category"], "resource");
            let cause = &report["error"]["forensics"]["cause"];
            assert_eq!(*cause, serde_json::json!({"kind": "limit", "limit": "memory"}));
        } else {
            let told = told(host);
            let sentence = "error: the job was killed because its worker took ";
            check_parts(
                &told,
                &[sentence, " and may take 64", "MiB\n  worker  ", "tip: raise --max-memory "],
            );
        }
        drop(writer);
    }
}

#[test]
fn a_limit_that_no_worker_can_keep_is_told_once() {
    let output = ostler(&["run", "uppercase", "-p", "text=a", "--max-memory", "1M"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("error: "), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("a limit is too low: a worker may take 1.0 MiB of memory"),
        "{}",
        stderr(&output)
    );
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
}

#[test]
fn what_left_the_workers_group_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = Fifo::new(directory.path());
    for json in [false, true] {
        let path = format!("path={}", fifo.path());
        let mut args = vec!["run", "digest", "-p", &path];
        args.extend(json.then_some("--json"));
        let mut host = Host::start(command(&args));
        let _writer = fifo.wait_for_reader();
        let worker = host.worker();
        let mut stray = stray(worker);
        strike(worker, Signal::SIGKILL);
        if json {
            assert_eq!(next_line(&mut host.stdout())["swept"], 1);
            assert_eq!(host.exit_code(PATIENCE), Some(1));
        } else {
            check_parts(&told(host), &["\n  swept      1 process that had left its group\n"]);
        }
        assert_eq!(stray.wait().unwrap().signal(), Some(Signal::SIGKILL as i32));
    }
}

/// A process that looks as if the worker had made it, in a group of its own.
fn stray(worker: u32) -> Child {
    let environ = std::fs::read(format!("/proc/{worker}/environ")).unwrap();
    let environ = String::from_utf8(environ).unwrap();
    let variables = environ.split_terminator('\0').filter_map(|entry| entry.split_once('='));
    let mut stray = Command::new("cat");
    stray.env_clear().envs(variables).process_group(0).stdin(Stdio::piped()).spawn().unwrap()
}
