//! A worker's process group: ending it, and telling when nobody of it is left.

use std::io;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::procfs::{self, Stat};

/// Ends every process of the group. Call it only while its leader is not reaped: until then the
/// number cannot belong to anybody else.
pub(super) fn kill(leader: Pid) {
    // That nobody is left is as good as a kill.
    let _ = kill_process_group(leader, Signal::KILL);
}

/// Whether no process of the group runs any more. A zombie counts as dead: it is somebody else's to reap.
pub(super) fn is_empty(leader: Pid) -> bool {
    match test_kill_process_group(leader) {
        Err(error) if error == rustix::io::Errno::SRCH => true,
        // Somebody is there, but perhaps only zombies. Members keep the number from being used again.
        // What cannot be seen is not proven.
        _ => !has_live_member(leader).unwrap_or(true),
    }
}

fn has_live_member(leader: Pid) -> io::Result<bool> {
    let is_live = |pid: &Pid| {
        // A process that ends while we look is no member any more.
        let member = Stat::of(*pid).filter(|stat| stat.group == leader.as_raw_pid());
        member.is_some_and(|stat| stat.runs() || !procfs::live_threads(*pid).is_empty())
    };
    Ok(procfs::pids()?.iter().any(is_live))
}
