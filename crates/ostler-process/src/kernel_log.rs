use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;

/// Lines that are read at one time. Whoever writes more has us at its mercy.
const MOST_AT_ONCE: u32 = 10_000;
/// Kills that are kept: most are of processes that are not ours.
const KEPT: usize = 256;
/// `/proc/self/ns/pid` of processes that are in no container.
const INITIAL_PID_NAMESPACE: &str = "pid:[4026531836]";

/// The kernel's log, from when it was opened on: whom it killed because memory ran out.
pub(super) struct KernelLog {
    file: File,
    /// With the line that says it, oldest first.
    kills: VecDeque<(i32, String)>,
    gaps: u64,
}

impl KernelLog {
    /// `None` if we may not read it, or if the process numbers in it are not those that we see.
    pub(super) fn open() -> Option<Self> {
        let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
        if namespace.as_os_str() != INITIAL_PID_NAMESPACE {
            return None;
        }
        let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg").ok()?;
        file.seek(SeekFrom::End(0)).ok()?;
        Some(Self { file, kills: VecDeque::new(), gaps: 0 })
    }

    /// How many times something was lost, for it was not read in time.
    pub(super) fn gaps(&self) -> u64 {
        self.gaps
    }

    /// Reads what is new; does not wait.
    pub(super) fn catch_up(&mut self) {
        // A record is at most as long as this, and each read gives one.
        let mut record = [0; 8192];
        for _ in 0..MOST_AT_ONCE {
            match self.file.read(&mut record) {
                Ok(length) => self.take(&record[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It was written over; the next read gives the oldest that there is.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.gaps += 1,
                Err(_) => {
                    self.gaps += 1;
                    return;
                }
            }
        }
        self.gaps += 1;
        let _ = self.file.seek(SeekFrom::End(0));
    }

    fn take(&mut self, record: &[u8]) {
        if let Some((pid, line)) = kill(record) {
            if self.kills.len() == KEPT {
                self.kills.pop_front();
                self.gaps += 1;
            }
            self.kills.push_back((pid, line.to_owned()));
        }
    }

    pub(super) fn take_kill_of(&mut self, pid: i32) -> Option<String> {
        let at = self.kills.iter().position(|(killed, _)| *killed == pid)?;
        self.kills.remove(at).map(|(_, line)| line)
    }

    pub(super) fn forget(&mut self, pid: i32) {
        self.kills.retain(|(killed, _)| *killed != pid);
    }
}

/// Whom the kernel killed, if this record of `/dev/kmsg` says so, and its line. The layout is
/// `priority,sequence,time,flags;line`, and behind the line there may be more that we have no need of.
fn kill(record: &[u8]) -> Option<(i32, &str)> {
    let text = std::str::from_utf8(record).ok()?;
    let (head, rest) = text.split_once(';')?;
    let priority: u32 = head.split(',').next()?.parse().ok()?;
    // Others than the kernel may write here, but not in its name.
    if priority >> 3 != 0 {
        return None;
    }
    let line = rest.lines().next()?;
    // It begins so, and the name that a process chose comes behind the number.
    let cause = line.strip_prefix("Out of memory").or(line.strip_prefix("Memory cgroup out of memory"))?;
    let cause = cause.strip_prefix(" (oom_kill_allocating_task)").unwrap_or(cause);
    let (pid, _) = cause.strip_prefix(": Killed process ")?.split_once(" (")?;
    Some((pid.parse().ok().filter(|&pid| pid > 0)?, line))
}

#[cfg(test)]
mod tests {
    use super::kill;

    const GLOBAL: &str = "3,1242,98342342,-;Out of memory: Killed process 4242 (python3) total-vm:9437184kB, \
                          anon-rss:8123456kB, file-rss:128kB, shmem-rss:0kB, UID:1000 pgtables:16000kB oom_score_adj:0\n";
    const CGROUP: &str = "3,877,5283951,-,caller=T77;Memory cgroup out of memory: Killed process 77 (tail) total-vm:20480kB, \
         anon-rss:16000kB, file-rss:4kB, shmem-rss:0kB, UID:0 pgtables:80kB oom_score_adj:0\n SUBSYSTEM=memory\n";

    #[test]
    fn both_forms_name_the_process() {
        let (pid, line) = kill(GLOBAL.as_bytes()).unzip();
        assert_eq!(pid, Some(4242));
        assert!(line.is_some_and(|line| line.starts_with("Out of memory: K") && line.ends_with("adj:0")));
        let (pid, line) = kill(CGROUP.as_bytes()).unzip();
        assert_eq!(pid, Some(77));
        assert!(line.is_some_and(|line| line.ends_with("oom_score_adj:0")), "{line:?}");
        let allocating =
            "3,1,2,-;Out of memory (oom_kill_allocating_task): Killed process 5 (a) total-vm:1kB";
        assert_eq!(kill(allocating.as_bytes()).map(|(pid, _)| pid), Some(5));
    }

    #[test]
    fn what_only_looks_like_it_names_nobody() {
        for record in [
            // Written by a process.
            "11,1,2,-;Out of memory: Killed process 42 (x) total-vm:1kB",
            // In a process's name.
            "3,1,2,-;traps: Out of memory: Killed process 42 (x) total-vm:1kB",
            "3,1,2,-;oom_reaper: reaped process 42 (Out of memory: Killed process 42 (), now anon-rss:0kB",
            // In what is behind the line.
            "3,1,2,-;hello\n Out of memory: Killed process 42 (x)\nOut of memory: Killed process 42 (x)",
            "3,1,2,-;Out of memory: Killed process 42",
            "3,1,2,-;Out of memory: Killed process -42 (x)",
            "3,1,2,-;Out of memory: Killed process 42x (x)",
            "3,1,2,-;Out of memory: Killed process 99999999999 (x)",
            "3,1,2,-;Out of memory and no killable processes...",
            "x,1,2,-;Out of memory: Killed process 42 (x)",
            "Out of memory: Killed process 42 (x)",
            "",
        ] {
            assert_eq!(kill(record.as_bytes()), None, "{record}");
        }
        assert_eq!(kill(b"3,1,2,-;Out of memory: Killed process 42 (\xff)"), None);
    }

    #[test]
    fn a_name_that_plays_tricks_does_not_change_the_number() {
        let record = "3,1,2,-;Out of memory: Killed process 7 () Killed process 42 () total-vm:1kB";
        assert_eq!(kill(record.as_bytes()).map(|(pid, _)| pid), Some(7));
    }
}
