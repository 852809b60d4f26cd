//! What a job asks of the kernel, in its host and in its worker. The test stops both at each system call and counts.

#![expect(unsafe_code, reason = "which call it is stands in a union")]

use std::collections::BTreeMap;
use std::fs;

use crate::host::Host;
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

const JOBS: usize = 300;

/// In the host: it sends the request, is woken up for `Started` and for the result, each time looks whether there is more,
/// and draws the job's id. In the worker: it receives the request, sends twice, and its threads tell each other who reads.
const AT_MOST: [f64; 2] = [12.0, 8.0];

/// Threads as well as processes, and none of other tests.
const OURS: WaitPidFlag = WaitPidFlag::__WALL.union(WaitPidFlag::__WNOTHREAD);

/// How often each system call was made, by its number.
type Calls = BTreeMap<i64, usize>;

#[test]
fn few_system_calls_go_into_a_job() {
    let mut host = Host::launch(1, "CurrentThread");
    let tasks = seize_all(&host.pids);
    host.begin(JOBS);
    let counts = count(&tasks);
    end(&host.pids);
    let each = counts.each_ref().map(|calls| calls.values().sum::<usize>() as f64 / JOBS as f64);
    println!("system calls of host and worker for a job: {each:?}, by number: {counts:?}");
    assert!(
        each.iter().zip(AT_MOST).all(|(each, most)| *each <= most),
        "{each:?}, and not {AT_MOST:?}: {counts:?}"
    );
}

/// Stops every task of these processes; each task with the index of its process.
fn seize_all(pids: &[u32]) -> BTreeMap<Pid, usize> {
    let mut tasks = BTreeMap::new();
    for (index, pid) in pids.iter().enumerate() {
        for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
            let task = Pid::from_raw(task.unwrap().file_name().to_str().unwrap().parse().unwrap());
            let seized = ptrace::seize(task, Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_EXITKILL);
            assert_ne!(
                seized,
                Err(Errno::EPERM),
                "this test must be allowed to trace its own children (ptrace)"
            );
            seized.unwrap();
            ptrace::interrupt(task).unwrap();
            tasks.insert(task, index);
        }
    }
    tasks
}

/// Lets them go on from call to call until the jobs are done. The host marks the beginning of each job, and the end.
fn count(tasks: &BTreeMap<Pid, usize>) -> [Calls; 2] {
    let mut counts = [Calls::new(), Calls::new()];
    let mut marks = 0;
    while marks <= JOBS {
        match waitpid(None, Some(OURS)).unwrap() {
            WaitStatus::PtraceSyscall(task) => {
                match entered(task) {
                    Some(libc::SYS_getppid) => marks += 1,
                    Some(call) if marks > 0 => *counts[tasks[&task]].entry(call).or_default() += 1,
                    _ => {}
                }
                ptrace::syscall(task, None).unwrap();
            }
            WaitStatus::PtraceEvent(task, ..) => ptrace::syscall(task, None).unwrap(),
            WaitStatus::Stopped(task, signal) => ptrace::syscall(task, signal).unwrap(),
            other => panic!("a task that is looked at has ended: {other:?}"),
        }
    }
    counts
}

/// Which call the task is about to make; none if it comes back from one.
fn entered(task: Pid) -> Option<i64> {
    let info = ptrace::syscall_info(task).unwrap();
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return None;
    }
    // SAFETY: this is the member that the kernel fills for an entry.
    Some(unsafe { info.u.entry.nr } as i64)
}

/// They stand still and would not end by themselves.
fn end(pids: &[u32]) {
    for pid in pids {
        kill(Pid::from_raw(*pid as i32), Signal::SIGKILL).unwrap();
    }
    while waitpid(None, Some(OURS)).is_ok() {}
}
