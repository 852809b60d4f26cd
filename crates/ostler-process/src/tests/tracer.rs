use std::sync::Arc;
use std::time::Instant;

use ostler_lifecycle::ExitStatus;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;

use super::super::child::{Child, Made};
use super::super::clone_child::{self, Way};
use super::super::life::Life;
use super::super::oom::OomWatch;
use super::super::spawn::Launch;
use super::super::test_support::within;
use super::super::worker_id::WorkerId;
use super::shell;

/// A process that traces another one's first thread, and never asks what becomes of it.
struct Tracer(libc::pid_t);

impl Tracer {
    /// None if it may not trace.
    #[expect(unsafe_code, reason = "a tracer that must be no thread of this process")]
    fn of(traced: Pid) -> Option<Self> {
        let traced = traced.as_raw_pid();
        let mut ends = [0; 2];
        // SAFETY: the child only makes system calls, which need no lock that another thread may hold.
        unsafe {
            assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
            let child = libc::fork();
            if child == 0 {
                let refused = libc::ptrace(libc::PTRACE_SEIZE, traced, 0, 0) != 0;
                let word = [u8::from(refused)];
                libc::write(ends[1], word.as_ptr().cast(), 1);
                loop {
                    libc::pause();
                }
            }
            assert!(child > 0);
            let tracer = Self(child);
            let mut word = [2_u8];
            assert_eq!(libc::read(ends[0], word.as_mut_ptr().cast(), 1), 1);
            ends.into_iter().for_each(|end| assert_eq!(libc::close(end), 0));
            (word == [0]).then_some(tracer)
        }
    }
}

impl Drop for Tracer {
    #[expect(unsafe_code, reason = "the end of a forked process")]
    fn drop(&mut self) {
        // SAFETY: the number is of a child that is reaped here.
        unsafe {
            libc::kill(self.0, libc::SIGKILL);
            libc::waitpid(self.0, std::ptr::null_mut(), 0);
        }
    }
}

fn is_readable(child: &Child) -> bool {
    let Some(event) = child.exit_event() else { return false };
    let mut fds = [PollFd::from_borrowed_fd(event, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) == Ok(1)
}

/// Its end can be seen, but only the tracer may reap it: who waits for the end would look without a pause.
#[test]
#[expect(clippy::print_stdout, reason = "a test that cannot test says so")]
fn a_child_that_another_process_traces_is_looked_at_after_pauses() {
    let mut watch = OomWatch::start();
    let (id, before) = (WorkerId::fresh().unwrap(), watch.baseline());
    let mut launch = Launch::new(shell("exec sleep 1000"), id, None).unwrap();
    clone_child::make(launch.nascent(), Way::Beside).unwrap();
    let (pid, pidfd, _output) = launch.made().unwrap().unwrap();
    let made = Made { pid, pidfd, at: Instant::now() };
    let mut child = Child::new(id, made, Arc::new(Life::default()), before, launch);
    let Some(tracer) = Tracer::of(pid) else {
        child.kill();
        within("it is reaped", || child.advance(Instant::now(), false, &mut watch).is_some());
        println!("NOT TESTED: this user may not trace a process that is not its descendant");
        return;
    };
    child.kill();
    within("its end is seen", || is_readable(&child));
    let mut pauses = Vec::new();
    let mut now = Instant::now();
    for _ in 0..20 {
        assert!(child.advance(now, true, &mut watch).is_none(), "it was reaped in spite of its tracer");
        assert!(child.exit_event().is_none(), "its end is waited for, and is always there");
        let next = child.next_look().unwrap();
        pauses.push(next - now);
        assert!(child.advance(now, true, &mut watch).is_none(), "before its time");
        assert_eq!(child.next_look(), Some(next), "a look before its time changed something");
        now = next;
    }
    assert!(pauses[0] >= std::time::Duration::from_millis(1) && pauses.is_sorted(), "{pauses:?}");
    assert_eq!(pauses[19], std::time::Duration::from_secs(1));
    drop(tracer);
    let mut exit = None;
    within("it is reaped once nobody traces it", || {
        now += std::time::Duration::from_secs(1);
        exit = child.advance(now, true, &mut watch);
        exit.is_some()
    });
    assert_eq!(exit.unwrap().status, ExitStatus::Signal { number: libc::SIGKILL, core_dumped: false });
}
