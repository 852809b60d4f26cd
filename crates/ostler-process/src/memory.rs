//! What memory workers take, and what the system has left.

use std::collections::HashMap;
use std::fs;
use std::io;

use rustix::param::page_size;
use rustix::process::Pid;

use super::procfs::{self, Stat};

/// The resident bytes of each of these process groups, by one walk through all processes. Memory that
/// processes of a group share is counted for each. A group of which nobody is left takes none.
///
/// # Errors
/// The processes cannot be looked at: then nobody knows what they take.
pub(super) fn resident(groups: &[u32]) -> io::Result<HashMap<u32, u64>> {
    let mut bytes: HashMap<u32, u64> = groups.iter().map(|&group| (group, 0)).collect();
    if bytes.is_empty() {
        return Ok(bytes);
    }
    let page = page_size() as u64;
    for pid in procfs::pids()? {
        let Some(stat) = Stat::of(pid)? else { continue };
        if let Some(sum) = u32::try_from(stat.group).ok().and_then(|group| bytes.get_mut(&group)) {
            *sum = sum.saturating_add(stat.resident_pages.saturating_mul(page));
        }
    }
    Ok(bytes)
}

/// The resident bytes of one process; none if it is gone, or cannot be looked at.
pub(super) fn held_by(pid: Pid) -> Option<u64> {
    Some(Stat::of(pid).ok()??.resident_pages.saturating_mul(page_size() as u64))
}

/// What could still be taken without swapping, in bytes, if the system tells.
#[must_use]
pub fn available() -> Option<u64> {
    available_in(&fs::read_to_string("/proc/meminfo").ok()?)
}

fn available_in(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::super::test_support::{leader, within};
    use super::*;

    #[test]
    fn a_group_is_the_sum_of_its_processes() {
        // A shell and its child: either alone takes less than both.
        let mut shell = Command::new("/bin/sh")
            .args(["-c", "sleep 1000 & wait"])
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let group = shell.id();
        let alone =
            || Stat::of(Pid::from_child(&shell)).unwrap().unwrap().resident_pages * page_size() as u64;
        within("the group takes more than its leader", || resident(&[group]).unwrap()[&group] > alone());
        let of_shell = resident(&[group]).unwrap()[&group];
        assert!(of_shell < 1 << 30, "{of_shell}");
        leader(Pid::from_child(&shell)).kill().unwrap();
        shell.wait().unwrap();
        within("a dead group takes nothing", || resident(&[group]).unwrap()[&group] == 0);
    }

    #[test]
    fn it_is_what_the_kernel_calls_resident() {
        let mut child = Command::new("sleep").arg("1000").process_group(0).spawn().unwrap();
        let status = procfs::directory(Pid::from_child(&child)).join("status");
        let expected = || {
            let text = fs::read_to_string(&status).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
            line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
        };
        // It may still grow, and the kernel counts in batches: the two files need not agree to the page.
        within("both files say about the same", || {
            let (resident, expected) = (resident(&[child.id()]).unwrap()[&child.id()], expected());
            expected > 512 << 10 && resident.abs_diff(expected) < expected / 2
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(resident(&[]).unwrap().is_empty());
    }

    #[test]
    fn what_is_left_is_read_in_bytes() {
        let text = "MemTotal:       16384 kB\nMemFree:            1 kB\nMemAvailable:    8192 kB\n";
        assert_eq!(available_in(text), Some(8 << 20));
        assert_eq!(available_in("MemAvailable: many kB\n"), None);
        assert_eq!(available_in(""), None);
        assert!(available().unwrap() > 0);
    }
}
