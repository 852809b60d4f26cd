use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

use ostler_lifecycle::ExitStatus;
use rustix::process::{Pid, getsid};
use rustix::thread::{CpuSet, sched_setaffinity};

use super::super::procfs::{self, Stat};
use super::super::supervisor::Supervisor;
use super::super::test_support::{Scratch, scratch, within};
use super::super::{SpawnError, SpawnSpec, Spawned, WorkerProcess, process_group::ProcessGroup};
use super::{is_this_program, shell, start};
use crate::WorkerLimits;

const KILLED: ExitStatus = ExitStatus::Signal { number: libc::SIGKILL, core_dumped: false };

/// A program whose execution blocks as on a dead network mount: until this is dropped, or the kernel has waited long enough.
struct Blocked {
    program: PathBuf,
    _lease: File,
    _scratch: Scratch,
}

impl Blocked {
    #[expect(unsafe_code, reason = "leases are set by fcntl alone")]
    fn new() -> Self {
        let scratch = scratch();
        let program = scratch.path().join("program");
        fs::copy("/bin/sh", &program).unwrap();
        let lease = OpenOptions::new().write(true).open(&program).unwrap();
        const F_SETSIG: libc::c_int = 10;
        // SAFETY: the call gets numbers. The signal tells that somebody waits for the lease, and does nothing.
        unsafe { assert_eq!(libc::fcntl(lease.as_raw_fd(), F_SETSIG, libc::SIGURG), 0) };
        // Whoever is forked beside this test has the file open until it is another program, and there is no lease so long.
        within("nobody else has the file open", || {
            // SAFETY: as above.
            unsafe { libc::fcntl(lease.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK) == 0 }
        });
        Self { program, _lease: lease, _scratch: scratch }
    }

    fn spec(&self) -> SpawnSpec {
        SpawnSpec { program: self.program.clone(), ..shell("exit 3") }
    }
}

async fn spawn(supervisor: &Supervisor, spec: SpawnSpec) -> Result<(ProcessGroup, Spawned), SpawnError> {
    let process = ProcessGroup::new();
    let spawned = process.spawn_by(supervisor, spec, Box::new(drop), Box::new(drop)).await?;
    Ok((process, spawned))
}

fn pid(spawned: &Spawned) -> Pid {
    Pid::from_raw(spawned.pid.cast_signed()).unwrap()
}

/// A supervisor to which the system refuses children that run beside it.
#[expect(unsafe_code, reason = "a filter of system calls is set by prctl")]
fn confined() -> Supervisor {
    let flags = (libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_THREAD) as u32;
    let load = |offset| libc::sock_filter { code: 0x20, jt: 0, jf: 0, k: offset };
    let if_equal = |value, yes, no| libc::sock_filter { code: 0x15, jt: yes, jf: no, k: value };
    let answer = |value| libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: value };
    let mut filter = [
        load(0),
        if_equal(libc::SYS_clone as u32, 0, 4),
        load(16),
        libc::sock_filter { code: 0x54, jt: 0, jf: 0, k: flags },
        if_equal(libc::CLONE_VM as u32, 0, 1),
        answer(libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let start = move || {
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
        // SAFETY: the filter is alive and as long as it says. It holds for this thread and for those that it starts.
        unsafe {
            assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
            assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
        }
        Supervisor::start().unwrap()
    };
    std::thread::spawn(start).join().unwrap()
}

/// Two of them, so that also where threads wait for children none waits for another.
async fn blocked_programs_hold_up_nobody(supervisor: &Supervisor) {
    let blocked = [Blocked::new(), Blocked::new()];
    let mut waiting = Vec::new();
    for program in &blocked {
        waiting.push(spawn(supervisor, program.spec()).await.unwrap());
    }
    let (other, spawned) = spawn(supervisor, shell("exec sleep 1000")).await.unwrap();
    other.kill().unwrap();
    assert_eq!(spawned.exit.await.unwrap().status, KILLED, "others are reaped");
    let (_, spawned) = spawn(supervisor, shell("exit 7")).await.unwrap();
    assert_eq!(spawned.exit.await.unwrap().status, ExitStatus::Code(7), "others are made");
    for (process, spawned) in waiting {
        let pid = pid(&spawned);
        within("it is about to be executed", || getsid(Some(pid)).is_ok_and(|session| session == pid));
        assert!(is_this_program(pid), "its execution did not block");
        process.kill().unwrap();
        let exit = spawned.exit.await.unwrap();
        assert_eq!((exit.status, exit.peak_memory), (KILLED, 0), "what it held was the host's");
        assert!(exit.killed_at.is_some());
    }
}

#[tokio::test]
async fn a_program_that_cannot_be_executed_for_long_holds_up_nobody() {
    blocked_programs_hold_up_nobody(&Supervisor::start().unwrap()).await;
}

#[tokio::test]
async fn nor_where_the_system_makes_the_maker_wait() {
    blocked_programs_hold_up_nobody(&confined()).await;
}

async fn failures_are_told(supervisor: &Supervisor) {
    let missing = SpawnSpec { program: "/nowhere/at/all".into(), ..shell("") };
    let lost = SpawnSpec { directory: Some("/nowhere".into()), ..shell("") };
    let zero = SpawnSpec { args: vec!["a\0b".into()], ..shell("") };
    let (_, spawned) = spawn(supervisor, missing).await.unwrap();
    let failure = spawned.exit.await.unwrap().failure.unwrap().to_string();
    assert_eq!(failure, "cannot execute /nowhere/at/all: No such file or directory (os error 2)");
    let (_, spawned) = spawn(supervisor, lost).await.unwrap();
    let failure = spawned.exit.await.unwrap().failure.unwrap().to_string();
    assert_eq!(failure, "cannot enter the directory /nowhere: No such file or directory (os error 2)");
    let failure = spawn(supervisor, zero).await.err().unwrap().to_string();
    assert!(failure.contains("zero byte"), "{failure}");
}

#[tokio::test]
async fn why_a_program_was_not_executed_is_told() {
    failures_are_told(&Supervisor::start().unwrap()).await;
    failures_are_told(&confined()).await;
}

#[tokio::test]
async fn a_child_has_its_own_session_and_nothing_of_the_hosts() {
    // Inheritable, as those of a C library are.
    let kept = File::open("/dev/zero").unwrap();
    rustix::io::fcntl_setfd(&kept, rustix::io::FdFlags::empty()).unwrap();
    for supervisor in [Supervisor::start().unwrap(), confined()] {
        let (process, spawned) = spawn(&supervisor, shell("exec sleep 1000")).await.unwrap();
        let pid = pid(&spawned);
        within("it runs its program", || !is_this_program(pid));
        assert_eq!(getsid(Some(pid)).unwrap(), pid);
        assert_eq!(Stat::of(pid).unwrap().unwrap().group, pid.as_raw_pid());
        let has_its_own_only = || {
            let descriptors = fs::read_dir(procfs::directory(pid).join("fd")).unwrap();
            let mut descriptors: Vec<_> =
                descriptors.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
            descriptors.sort();
            descriptors == ["0", "1", "2"]
        };
        // While it is linked it has its libraries open.
        within("it has the descriptors that it was given and no others", has_its_own_only);
        let status = fs::read_to_string(procfs::directory(pid).join("status")).unwrap();
        for signals in ["SigBlk", "SigIgn"] {
            let none = format!("{signals}:\t0000000000000000");
            assert!(status.lines().any(|line| line == none), "{status}");
        }
        process.kill().unwrap();
        spawned.exit.await.unwrap();
    }
}

#[tokio::test]
async fn a_limit_holds_from_the_first_instruction() {
    for _ in 0..20 {
        let mut spec = shell("ulimit -n");
        spec.limits = WorkerLimits { open_files: Some(61), ..WorkerLimits::default() };
        let child = start(spec).await;
        let mut said = String::new();
        File::from(child.spawned.output.stdout).read_to_string(&mut said).unwrap();
        assert_eq!(said, "61\n");
    }
}

/// What the scheduler calls the session of the process, if it shares the processor by sessions.
fn autogroup(pid: Pid) -> Option<String> {
    let is_enabled = fs::read("/proc/sys/kernel/sched_autogroup_enabled").is_ok_and(|text| text == b"1\n");
    is_enabled.then(|| fs::read_to_string(procfs::directory(pid).join("autogroup")).unwrap())
}

fn processor_time(pid: Pid) -> Duration {
    let text = fs::read_to_string(procfs::directory(pid).join("schedstat")).unwrap();
    Duration::from_nanos(text.split_ascii_whitespace().next().unwrap().parse().unwrap())
}

/// A session of its own would otherwise claim as much of the processor as any other, however nice its processes are.
#[tokio::test]
async fn who_is_nice_gets_a_smaller_share_of_the_processor() {
    let busy = |nice| {
        let mut spec = shell("while :; do :; done");
        spec.limits = WorkerLimits { nice: Some(nice), ..WorkerLimits::default() };
        spec
    };
    let (nice, other) = (start(busy(15)).await, start(busy(0)).await);
    let mut one_core = CpuSet::new();
    one_core.set(rustix::thread::sched_getcpu());
    for child in [&nice, &other] {
        child.runs_its_program();
        sched_setaffinity(Some(child.pid()), &one_core).unwrap();
    }
    if let Some(text) = autogroup(nice.pid()) {
        assert!(text.ends_with("nice 15\n"), "{text}");
    }
    let before = (processor_time(nice.pid()), processor_time(other.pid()));
    within("the other one has worked", || {
        processor_time(other.pid()) - before.1 > Duration::from_millis(400)
    });
    let share = processor_time(nice.pid()) - before.0;
    assert!(share < Duration::from_millis(200), "{share:?}");
    nice.killed().await;
    other.killed().await;
}

/// Whoever loses the race of two first launches must leave nothing behind.
#[test]
fn a_supervisor_that_nobody_needs_leaves_no_thread() {
    let named = |name: &str| {
        let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
        let names = threads.map(|thread| fs::read_to_string(thread.path().join("comm")).unwrap_or_default());
        names.filter(|found| found.trim_end() == name).count()
    };
    // Others of these tests start some as well, and drop them: in the end it is the one that all share at most.
    for _ in 0..10 {
        drop(Supervisor::start().unwrap());
    }
    within("their threads are gone", || named("ostler-supervis") <= 4 && named("ostler-housekee") <= 4);
}
