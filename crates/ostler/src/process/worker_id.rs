use std::ffi::OsString;
use std::fmt;
use std::io;

use ostler_wire::env;
use rustix::process::Pid;

use super::procfs::{self, Stat};
use super::random::{hex, random};

/// The mark of one worker, in the environment of everything that it starts. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct WorkerId([u8; 16]);

impl WorkerId {
    pub(super) fn fresh() -> io::Result<Self> {
        random().map(Self)
    }

    /// Reads what `Display` writes, and nothing else.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let digit = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0; 16];
        if text.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// What the worker gets in [`env::WORKER_ID`]. A host that is itself within a worker puts its own mark
    /// before it: whoever sweeps that worker finds this one too.
    pub(super) fn variable(self) -> OsString {
        self.after(std::env::var_os(env::WORKER_ID))
    }

    fn after(self, inherited: Option<OsString>) -> OsString {
        let mut value = inherited.filter(|outer| !outer.is_empty()).unwrap_or_default();
        if !value.is_empty() {
            value.push(":");
        }
        value.push(self.to_string());
        value
    }

    /// The marks in a process's environment: as it was started with, or has written over it since. `None` while it
    /// becomes another program and has no environment for a moment: ask again.
    pub(super) fn carried_by(pid: Pid) -> Option<Vec<Self>> {
        let directory = procfs::directory(pid);
        let environment = match procfs::environment(&directory) {
            Ok(environment) => environment,
            // It has no memory: because it has ended, or for the same moment.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Vec::new(),
            // Who may not be read is nobody whom a worker of ours has started.
            Err(_) => return Some(Vec::new()),
        };
        if !environment.is_empty() {
            return Some(in_environment(&environment));
        }
        let Some(stat) = Stat::of(pid) else { return Some(Vec::new()) };
        if stat.runs() && !stat.has_no_environment() {
            return None;
        }
        // A first thread that has ended has none any more, its siblings do; and neither has a kernel thread.
        let thread = if stat.runs() { None } else { procfs::live_threads(pid).pop() };
        let environment = thread.and_then(|thread| procfs::environment(&thread).ok());
        Some(in_environment(&environment.unwrap_or_default()))
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

fn in_environment(environment: &[u8]) -> Vec<WorkerId> {
    let variables = environment.split(|&byte| byte == 0);
    let values =
        variables.filter_map(|variable| variable.strip_prefix(env::WORKER_ID.as_bytes())?.strip_prefix(b"="));
    values.flat_map(|value| value.split(|&byte| byte == b':').filter_map(WorkerId::parse)).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written_and_in_no_other_way() {
        let id = WorkerId::fresh().unwrap();
        let text = id.to_string();
        assert_eq!(WorkerId::parse(text.as_bytes()), Some(id));
        assert_ne!(WorkerId::fresh().unwrap(), id);
        let spoiled =
            [&text[1..], &format!("{text}0"), &"G".repeat(32), &"A".repeat(32), "", &"+1".repeat(16)];
        for text in spoiled {
            assert_eq!(WorkerId::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_worker_within_a_worker_carries_both_marks() {
        let (outer, inner) = (WorkerId::fresh().unwrap(), WorkerId::fresh().unwrap());
        let value = inner.after(Some(outer.after(None)));
        assert_eq!(value, OsString::from(format!("{outer}:{inner}")));
        let environment = format!("HOME=/\0OSTLER_WORKER_ID={}\0PATH=/bin\0", value.display());
        assert_eq!(in_environment(environment.as_bytes()), [outer, inner]);
        assert_eq!(inner.after(Some(OsString::new())), OsString::from(inner.to_string()));
    }

    #[test]
    fn only_the_variable_itself_is_a_mark() {
        let id = WorkerId::fresh().unwrap();
        for environment in [
            format!("MY_OSTLER_WORKER_ID={id}\0"),
            format!("OSTLER_WORKER_IDS={id}\0"),
            format!("OSTLER_WORKER_ID={id}{id}\0"),
            format!("A=1 OSTLER_WORKER_ID={id}\0"),
            "OSTLER_WORKER_ID=\0".into(),
        ] {
            assert_eq!(in_environment(environment.as_bytes()), [], "{environment}");
        }
    }
}
