//! Worker binary missing, not executable, not a worker, silent at start; plugins that do not load.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ostler::{
    CommandError, ExitStatus, FailureKind, LaunchError, StartError, WorkerCommand, WorkerConfig,
    WorkerStartError,
};
use ostler_tests::lab::Task;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{LAB_WORKER, any, at_once, config, echo, failed, group, lab, runs, says, scratch};

const SOON: Duration = Duration::from_millis(300);

async fn refused(command: WorkerCommand) -> LaunchError {
    any::<Task>(command).launch().await.unwrap_err()
}

/// How a program did not become a worker. Nothing of it is left.
async fn not_a_worker(command: WorkerCommand, config: WorkerConfig) -> Box<WorkerStartError> {
    let error = any::<Task>(command).config(config).launch().await.unwrap_err();
    let LaunchError::WorkerStart(start) = error else { panic!("{error}") };
    if let Some(pid) = start.pid {
        assert_eq!(group(pid), [0; 0]);
    }
    start
}

fn script(text: &str) -> (TempDir, PathBuf) {
    let directory = scratch();
    let path = directory.path().join("worker");
    // Another process writes it: a program that anybody has open for writing cannot be executed, and a worker that is made
    // at this moment has what this process has open.
    let mut writer = Command::new("/bin/sh")
        .args(["-c", r#"cat > "$0" && chmod 755 "$0""#])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(writer.wait().unwrap().success());
    (directory, path)
}

#[tokio::test]
async fn a_worker_binary_that_is_missing_is_named() {
    let error = refused(WorkerCommand::program("/nowhere/worker")).await;
    assert!(matches!(error, LaunchError::Command(CommandError::Missing { .. })), "{error}");
    assert_eq!(
        error.to_string(),
        "the worker cannot be started: cannot find the worker program /nowhere/worker"
    );
    let error = refused(WorkerCommand::program("no-such-worker")).await;
    says(error, &["cannot find the worker program no-such-worker in PATH"]);
}

#[tokio::test]
async fn a_worker_binary_that_is_not_executable_is_named() {
    let (directory, path) = script("#!/bin/sh\n");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    for path in [path.as_path(), directory.path()] {
        let error = refused(WorkerCommand::program(path)).await;
        assert!(matches!(error, LaunchError::Command(CommandError::NotExecutable { .. })), "{error}");
        says(error, &[&path.display().to_string(), "x permission"]);
    }
}

#[tokio::test]
async fn a_directory_that_is_missing_is_not_taken_for_a_missing_program() {
    let error = refused(WorkerCommand::program(LAB_WORKER).current_dir("/nowhere")).await;
    assert_eq!(
        error.to_string(),
        "the worker cannot be started: cannot start the worker in /nowhere: there is no such directory"
    );
}

/// A relative path means the same where it is checked and where it is run.
#[tokio::test]
async fn a_relative_program_starts_at_the_directory_of_the_host_and_not_of_the_worker() {
    // So deep that the way up from the host's directory does not reach the root from here.
    let scratch = scratch();
    let deep = (0..40).fold(scratch.path().to_owned(), |path, _| path.join("d"));
    fs::create_dir_all(&deep).unwrap();
    let from_here = |path: &Path| {
        let up = std::env::current_dir().unwrap().components().skip(1).map(|_| "..").collect::<PathBuf>();
        up.join(path.strip_prefix("/").unwrap())
    };
    let program = from_here(Path::new(LAB_WORKER));
    for directory in [deep.clone(), from_here(&deep)] {
        let command = WorkerCommand::program(&program).current_dir(directory);
        let manager = any::<Task>(command).launch().await.unwrap();
        let worker = manager.workers()[0].pid.unwrap();
        assert_eq!(fs::read_link(format!("/proc/{worker}/cwd")).unwrap(), deep.canonicalize().unwrap());
        manager.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn a_file_that_the_system_cannot_execute_is_named_with_the_reason() {
    let (_directory, path) = script("neither a program nor a script\n");
    let start = not_a_worker(WorkerCommand::program(&path), at_once()).await;
    assert_eq!(start.status, ExitStatus::Unknown);
    let path = path.display();
    assert_eq!(
        start.to_string(),
        format!(
            "the worker `{path}` did not become ready: it could not be started: cannot execute {path}: Exec format error \
             (os error 8)"
        )
    );
}

#[tokio::test]
async fn a_program_that_is_not_a_worker_and_exits_is_named_with_its_status() {
    let start = not_a_worker(WorkerCommand::program("/bin/true"), at_once()).await;
    assert_eq!(start.status, ExitStatus::Code(0));
    assert_eq!(
        start.to_string(),
        "the worker `/bin/true` did not become ready: it exited with code 0; perhaps it is not an Ostler \
         worker, or its main does not begin with run_if_worker; it wrote nothing to stderr"
    );
}

#[tokio::test]
async fn a_program_that_is_not_a_worker_and_does_not_end_is_killed() {
    let config = WorkerConfig { worker_start_timeout: SOON, ..at_once() };
    let start = not_a_worker(WorkerCommand::program("/bin/sleep").arg("1000"), config).await;
    assert_eq!(
        start.to_string(),
        "the worker `/bin/sleep 1000` did not become ready: it was killed because it did not say hello within \
         worker_start_timeout"
    );
}

#[tokio::test]
async fn a_script_that_fails_is_named_with_its_code_and_the_last_lines_of_its_stderr() {
    let (_directory, path) = script("#!/bin/sh\nseq 1 500 >&2\necho 'no licence for model x' >&2\nexit 3\n");
    let start = not_a_worker(WorkerCommand::program(&path).arg("--fast"), at_once()).await;
    assert_eq!(start.command, format!("{} --fast", path.display()));
    assert_eq!(start.status, ExitStatus::Code(3));
    says(&start, &["it exited with code 3; the end of its stderr:\n"]);
    assert!(start.stderr_tail.ends_with("\n499\n500\nno licence for model x"), "{}", start.stderr_tail);
    assert!(!start.stderr_tail.contains("\n400\n"), "only the last lines are kept: {}", start.stderr_tail);
}

#[tokio::test]
async fn a_script_with_children_leaves_none_of_them() {
    let (directory, path) = script("#!/bin/sh\nsleep 1000 &\necho $! > \"$1\"\nexit 1\n");
    let file = directory.path().join("child");
    not_a_worker(WorkerCommand::program(&path).arg(&file), at_once()).await;
    assert!(!runs(pid_in(&file)));
}

fn pid_in(file: &Path) -> u32 {
    fs::read_to_string(file).unwrap().trim().parse().unwrap()
}

/// How a worker ends whose plugin loads in this way.
async fn badly_loaded(how: &str, pool: WorkerConfig) -> Box<WorkerStartError> {
    let lab = lab().config(pool).plugin_config("lab", config(json!({ "load": how })));
    let LaunchError::WorkerStart(start) = lab.launch().await.unwrap_err() else { panic!("{how}") };
    assert!(!runs(start.pid.unwrap()));
    assert_eq!(start.command, LAB_WORKER);
    start
}

#[tokio::test]
async fn a_plugin_that_fails_to_load_is_named_with_its_reason() {
    let start = badly_loaded("fail", at_once()).await;
    says(start, &["it could not load its plugins: cannot load plugin `lab`: the model does not fit"]);
}

#[tokio::test]
async fn a_plugin_that_panics_while_loading_is_named_with_the_panic() {
    let start = badly_loaded("panic", at_once()).await;
    says(
        start,
        &["it could not load its plugins: cannot load plugin `lab`: panicked at ", "the model is cursed"],
    );
}

#[tokio::test]
async fn a_plugin_that_exits_while_loading_is_told_by_code_and_stderr() {
    let start = badly_loaded("exit", at_once()).await;
    assert_eq!(start.status, ExitStatus::Code(3));
    says(start, &["it exited with code 3; the end of its stderr:\ncannot find the driver"]);
}

#[tokio::test]
async fn a_plugin_that_hangs_while_loading_is_killed_after_its_timeout() {
    let impatient = WorkerConfig { load_timeout: SOON, ..at_once() };
    let start = badly_loaded("hang", impatient).await;
    says(start, &["it was killed because it did not load its plugins within load_timeout"]);
}

#[tokio::test]
async fn a_lazy_manager_tells_its_first_job_what_is_wrong_with_the_worker() {
    let (_directory, path) = script("#!/bin/sh\nexit 4\n");
    let manager = any::<Task>(WorkerCommand::program(&path)).lazy().launch().await.unwrap();
    let job = manager.start_job("lab", echo("")).await.unwrap();
    let failure = failed(&job).await;
    assert_eq!(failure.kind, FailureKind::WorkerUnavailable);
    let why = "gave up after 3 restarts within 60s of workers that did not become ready; the last worker exited with code 4";
    says(failure, &["no worker is available: ", why]);

    let error = manager.start_job("lab", echo("")).await.unwrap_err();
    assert!(matches!(error, StartError::WorkerUnavailable(_)), "{error}");
    says(error, &[why, "restart_worker()"]);
    let error = manager.restart_worker().await.unwrap_err();
    says(error, &["did not become ready: it exited with code 4"]);
    manager.shutdown().await.unwrap();
}
