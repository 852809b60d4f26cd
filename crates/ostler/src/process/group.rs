//! A worker's process group: ending it, and telling when nobody of it is left.

use std::fs;
use std::io;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

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
        _ => !live_member(leader).unwrap_or(true),
    }
}

fn live_member(leader: Pid) -> io::Result<bool> {
    let group = leader.as_raw_nonzero().get();
    for entry in fs::read_dir("/proc")? {
        let Ok(entry) = entry else { continue };
        if !entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit) {
            continue;
        }
        // A process that ends while we look is no member any more.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        if state_and_group(&stat)
            .is_some_and(|(state, of)| of == group && (runs(state) || has_live_thread(&entry.path())))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn runs(state: char) -> bool {
    !matches!(state, 'Z' | 'X')
}

/// A process whose first thread has ended looks like a zombie while others of its threads run.
fn has_live_thread(process: &Path) -> bool {
    let Ok(threads) = fs::read_dir(process.join("task")) else { return false };
    threads.flatten().any(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        state_and_group(&stat).is_some_and(|(state, _)| runs(state))
    })
}

/// The state and the process group in a line of `/proc/PID/stat`, see proc_pid_stat(5). The name before
/// them may contain anything, parentheses too.
fn state_and_group(stat: &str) -> Option<(char, i32)> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let group = fields.nth(1)?.parse().ok()?;
    Some((state, group))
}

#[cfg(test)]
mod tests {
    use super::state_and_group;

    #[test]
    fn reads_state_and_group_behind_a_hostile_name() {
        assert_eq!(state_and_group("17 (a) Z 1 (b) S 1 4242 17 0"), Some(('S', 4242)));
        assert_eq!(state_and_group("17 (sleep"), None);
    }
}
