//! Those whom no environment gives away, and those whom nothing may be done to.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::{DumpableBehavior, Pid, geteuid, set_dumpable_behavior, setsid};

use super::super::leftover::{End, end_group};
use super::super::procfs::{self, Stat};
use super::super::record_text::Noted;
use super::super::sweep::{Dead, Sweep, Swept, Verdict};
use super::super::test_support::{has_died, is_alone, unknown, within};
use super::super::worker_id::WorkerId;
use super::{carrying, shell, start};

fn sweep_for(dead: Dead) -> Swept {
    let mut sweep = Sweep::default();
    sweep.begin(dead);
    loop {
        let (told, blind) = sweep.walk();
        assert!(blind.is_none(), "{blind:?}");
        if let Some((_, verdict)) = told.into_iter().next() {
            let Verdict::Done(swept) = verdict else { panic!("{verdict:?}") };
            return swept;
        }
    }
}

fn ended(killed: u32) -> Swept {
    Swept { killed, ..Swept::default() }
}

fn stat(pid: Pid) -> Stat {
    Stat::of(pid).unwrap().unwrap()
}

/// Waits until that process leads a session, which it does before it becomes another program.
fn leads_its_session(pid: Pid) -> bool {
    Stat::of(pid).unwrap().is_some_and(|stat| stat.session == pid.as_raw_pid())
}

/// Those in that session that lead it not.
fn others_in_session(session: Pid) -> Vec<Pid> {
    let all = procfs::pids().unwrap().into_iter();
    let is_other = |pid: &Pid| {
        *pid != session
            && Stat::of(*pid).unwrap().is_some_and(|stat| stat.session == session.as_raw_pid() && stat.runs())
    };
    all.filter(is_other).collect()
}

#[tokio::test]
async fn who_has_thrown_its_environment_away_is_known_by_its_limit() {
    let child =
        start(shell("setsid env -i /bin/sh -c 'sleep 1000 & exec sleep 1000' & exec sleep 1000")).await;
    child.runs_its_program();
    let limit = procfs::locks_limit(child.pid()).unwrap();
    assert!(limit.is_some());
    let like_it = || {
        let all = procfs::pids().unwrap();
        all.into_iter().filter(|pid| procfs::locks_limit(*pid).unwrap() == limit).collect::<Vec<_>>()
    };
    within("worker and daemons run", || like_it().len() == 3 && carrying(&child.mark).len() == 1);
    let (_, swept) = child.killed().await;
    assert_eq!(swept, ended(2));
    let left: Vec<_> = like_it().into_iter().filter(|pid| stat(*pid).runs()).collect();
    assert_eq!(left, []);
}

/// The part of a program like ssh-agent: a session of its own, and nobody may read its environment.
#[test]
fn undumpable_daemon() {
    if std::env::var_os("OSTLER_TEST_UNDUMPABLE").is_none() {
        return;
    }
    setsid().unwrap();
    set_dumpable_behavior(DumpableBehavior::NotDumpable).unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn who_is_undumpable_is_found_by_a_normal_user() {
    let name = "tests::strangers::who_is_undumpable_is_found_by_a_normal_user";
    let as_nobody = |command: Command| {
        if !geteuid().is_root() {
            return command;
        }
        let mut nobody = Command::new("setpriv");
        nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(command.get_program());
        nobody.env_remove("XDG_RUNTIME_DIR");
        nobody
    };
    if !is_alone(name, as_nobody) {
        return;
    }
    assert!(!geteuid().is_root());
    let exe = std::env::current_exe().unwrap();
    let script = format!(
        "OSTLER_TEST_UNDUMPABLE=1 {} --exact tests::strangers::undumpable_daemon & exec sleep 1000",
        exe.display()
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let child = start(shell(&script)).await;
        child.runs_its_program();
        let limit = procfs::locks_limit(child.pid()).unwrap();
        let hidden = || {
            let all = procfs::pids().unwrap();
            let is_it = |pid: &Pid| {
                *pid != child.pid()
                    && procfs::locks_limit(*pid).unwrap() == limit
                    && leads_its_session(*pid)
                    && procfs::environment(&procfs::directory(*pid)).unwrap().is_none()
            };
            all.into_iter().find(is_it)
        };
        let mut daemon = None;
        within("the daemon hides", || {
            daemon = hidden();
            daemon.is_some()
        });
        let (_, swept) = child.killed().await;
        assert_eq!(swept, ended(1));
        assert!(Stat::of(daemon.unwrap()).unwrap().is_none_or(|stat| !stat.runs()));
    });
}

/// A session of a shell, of which a job is in a group of its own. Neither carries a mark.
fn session() -> (std::process::Child, Noted, Pid) {
    let mut command = Command::new("setsid");
    command.args(["bash", "-c", "set -m; sleep 1000 & wait"]).stdin(Stdio::null());
    let leader = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let pid = Pid::from_child(&leader);
    let in_another_group =
        || others_in_session(pid).into_iter().find(|other| stat(*other).group != pid.as_raw_pid());
    within("it has a job", || leads_its_session(pid) && in_another_group().is_some());
    let noted = Noted { pid, start: Some(stat(pid).start), id: WorkerId::fresh().unwrap() };
    (leader, noted, in_another_group().unwrap())
}

#[test]
fn who_is_still_in_the_session_is_ended_and_who_came_later_is_not() {
    let (mut leader, noted, job) = session();
    let came = stat(job).start;
    within("time goes on", || procfs::now() > came);
    leader.kill().unwrap();
    leader.wait().unwrap();
    // As if the number had been free when the job began: it could be a stranger's session.
    assert_eq!(sweep_for(Dead { noted, reaped: came }), Swept::default());
    // Or as if the worker had begun after it.
    let late = Noted { start: Some(came + 1), ..noted };
    assert_eq!(sweep_for(Dead { noted: late, reaped: came + 2 }), Swept::default());
    assert!(stat(job).runs(), "a stranger was hit");
    assert_eq!(sweep_for(Dead { noted, reaped: came + 1 }), ended(1));
    assert!(Stat::of(job).unwrap().is_none_or(|stat| !stat.runs()));
}

#[test]
fn what_a_dead_host_left_in_the_session_is_ended_too() {
    let (mut leader, noted, job) = session();
    assert_eq!(end_group(&noted).unwrap(), End::Killed);
    assert!(has_died(&mut leader));
    within("its job is dead", || Stat::of(job).unwrap().is_none_or(|stat| !stat.runs()));
}

/// It has no environment and is no kernel thread: as if it were becoming another program, for ever.
#[test]
#[expect(unsafe_code, reason = "a process that takes away its own memory")]
fn who_has_torn_out_its_environment_holds_up_nobody() {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = text.rsplit_once(')').unwrap().1.split_ascii_whitespace().collect();
    let [first, last]: [usize; 2] = [fields[47], fields[48]].map(|field| field.parse().unwrap());
    let (page, end) = (first & !4095, last.next_multiple_of(4096));
    // SAFETY: the child makes system calls only, and its stack is that of this thread and not the one that it unmaps.
    let pid = unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::munmap(page as *mut libc::c_void, end - page);
            loop {
                libc::pause();
            }
        }
        Pid::from_raw(child).unwrap()
    };
    let environment = || procfs::environment(&procfs::directory(pid)).unwrap();
    within("it has none", || environment().is_some_and(|environment| environment.is_empty()));
    let carries_nothing = WorkerId::carried_by(pid, &stat(pid)).unwrap();
    let mut sweep = Sweep::default();
    sweep.begin(unknown(WorkerId::fresh().unwrap()));
    // Where others make processes without end, one walk may not have seen all.
    let mut walks = (0..5).map(|_| sweep.walk());
    let (told, blind) = walks.find(|(told, _)| !told.is_empty()).unwrap_or_default();
    // SAFETY: it is a child of this process that nobody else reaps.
    unsafe {
        libc::kill(pid.as_raw_pid(), libc::SIGKILL);
        libc::waitpid(pid.as_raw_pid(), std::ptr::null_mut(), 0);
    }
    assert_eq!(carries_nothing, None, "it was to look like one that becomes another program");
    assert!(blind.is_none(), "{blind:?}");
    assert_eq!(told.len(), 1, "a few walks must be enough");
}

/// A child of the test that only looks like what is swept for is not reaped in its parent's stead.
#[test]
fn the_children_of_the_host_are_its_own_to_reap() {
    let mut own = Command::new("false").process_group(0).spawn().unwrap();
    let pid = Pid::from_child(&own);
    within("it has ended", || !stat(pid).runs());
    assert_eq!(sweep_for(unknown(WorkerId::fresh().unwrap())), Swept::default());
    super::super::reap_orphans().unwrap();
    assert_eq!(own.wait().unwrap().code(), Some(1));
}
