//! Hosts that are not as one expects: what they guarantee all the same, or refuse.

use std::process::{Command, ExitStatus, Stdio};

use ostler_tests::lab::Task;

use crate::support::{launch, says, scratch, started};

/// What the host of this scenario says, see `odd-host`.
fn said_by(scenario: &str, more: &[&str]) -> Vec<String> {
    let (said, status, stderr) = outcome_of(&mut host(), scenario, more);
    assert!(status.success(), "{said:?}\n{stderr}");
    said
}

/// What is said by a host that ends by a SIGKILL, and by its children.
fn said_by_one_that_is_killed(scenario: &str) -> Vec<String> {
    // Other hosts end what a dead one has left, if they see its records.
    let records = scratch();
    let (said, status, stderr) = outcome_of(host().env("XDG_RUNTIME_DIR", records.path()), scenario, &[]);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{said:?}\n{stderr}");
    said
}

fn host() -> Command {
    Command::new(env!("CARGO_BIN_EXE_odd-host"))
}

fn outcome_of(host: &mut Command, scenario: &str, more: &[&str]) -> (Vec<String>, ExitStatus, String) {
    let output = host.arg(scenario).args(more).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (said.lines().map(str::to_owned).collect(), output.status, stderr)
}

/// The kernel reaps for such a host: how a worker ended is unknown, and its number may be a stranger's.
#[test]
fn r25_a_host_that_ignores_its_childrens_ends_is_refused_with_what_to_do() {
    for scenario in ["ignores-children", "has-no-zombies"] {
        let said = said_by(scenario, &[]);
        says(&said[0], &["no manager can work in this process", "SIGCHLD", "set SIGCHLD to its default"]);
    }
}

#[test]
fn r25_a_host_that_ignores_them_later_still_cancels() {
    assert_eq!(said_by("ignores-children-later", &[]), ["cancelled: true", "answered: yes"]);
}

#[test]
fn r25_a_host_that_waits_for_any_child_does_not_lose_its_workers_ends() {
    let said = said_by("reaps-any-child", &[]);
    says(&said[0], &["the worker (pid "]);
    assert_eq!(said[1], "shut down");
}

/// It used to hang without a word.
#[test]
fn a_launch_in_a_forked_host_is_refused_and_harms_nobody() {
    let said = said_by("forked", &[]);
    says(&said[0], &["it was forked from process", "fork before the first launch"]);
    assert_eq!(said[1], "the parent's worker answers: yes");
}

/// The descriptors of a connection are copied by a fork, also those that no other program gets.
#[test]
fn a_worker_that_is_deaf_dies_with_its_host_though_a_child_of_the_host_keeps_its_connection() {
    let said = said_by_one_that_is_killed("dies-before-its-child");
    assert_eq!(said, ["the worker has ended: true"]);
}

#[test]
fn r2_a_host_whose_files_are_limited_later_notices_deaths_and_does_not_spin() {
    let said = said_by("few-files", &[]);
    says(&said[0], &["SIGKILL"]);
    assert_eq!(said[1..], ["spins: false", "cancelled: true"]);
}

/// The reason used to be in the log alone.
#[test]
fn a_host_that_cannot_take_its_workers_connection_says_why() {
    let directory = scratch();
    std::fs::write(directory.path().join("waits"), "").unwrap();
    let said = said_by("takes-no-connection", &[directory.path().to_str().unwrap()]);
    let parts = ["did not say hello", "this host could not take its connection", "Too many open files"];
    says(&said[0], &parts);
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that cannot test says so")]
fn r3_a_host_that_gave_up_its_rights_is_told_that_it_cannot_kill() {
    if !is_root() {
        println!("NOT TESTED: only root can give up being root");
        return;
    }
    let said = said_by("gives-up-its-rights", &[]);
    assert_eq!(said.len(), 3, "a timeout, a cancel and a shutdown: {said:?}");
    says(&said[0], &["its worker lives on", "Operation not permitted", "give them up first"]);
    for said in &said[1..] {
        says(said, &["not die", "Operation not permitted", "give them up first"]);
    }
}

/// A worker that is given up becomes ready no more, and no policy brings another one.
#[test]
#[expect(clippy::print_stdout, reason = "a test that cannot test says so")]
fn a_launch_is_answered_though_its_worker_does_not_die() {
    if !is_root() {
        println!("NOT TESTED: only root can give up being root");
        return;
    }
    let directory = scratch();
    let said = said_by("cannot-kill-what-it-launches", &[directory.path().to_str().unwrap()]);
    says(&said[0], &["did not say hello within worker_start_timeout", "does not die"]);
}

/// What a thread or a task of Ostler's was about to do is done all the same.
#[test]
fn a_host_whose_listener_to_traces_panics_loses_nothing_but_those() {
    let said = said_by("cannot-trace", &[]);
    says(&said[0], &["SIGABRT", "this is said as well"]);
    assert_eq!(said[1..], ["cancelled: true", "answered: yes", "shut down"]);
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// It used to be stopped by SIGTTIN, and killed as frozen.
#[test]
fn a_worker_has_no_terminal_though_its_host_has() {
    let directory = scratch();
    let file = directory.path().join("said");
    let said = said_by("has-a-terminal", &[file.to_str().unwrap()]);
    says(&said[0], &["/dev/tty", "No such device or address"]);
}

/// Where only the group is signalled, it would be out of reach.
#[tokio::test]
async fn r4_a_plugin_cannot_join_the_group_of_its_host() {
    let manager = launch().await;
    let job = manager.start_job("lab", Task::JoinHost).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "Operation not permitted (os error 1)");
    let both = Task::Steps(vec![Task::JoinHost, Task::IgnoreCancel]);
    let job = manager.start_job("lab", both).await.unwrap();
    started(&job).await;
    assert!(manager.cancel_job(job.id()).await.unwrap());
    manager.shutdown().await.unwrap();
}
