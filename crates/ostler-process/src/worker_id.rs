use std::ffi::OsString;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, OnceLock};

use ostler_wire::env;
use rustix::process::{Pid, Resource, getrlimit};

use super::procfs::{self, Stat};
use super::random::{hex, random};

/// The mark of one worker, in the environment of everything that it starts. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct WorkerId([u8; 16]);

impl WorkerId {
    pub(super) fn fresh() -> io::Result<Self> {
        // In one process none comes twice, and those of others are as random as all of it.
        static NEXT: OnceLock<AtomicU32> = OnceLock::new();
        let mut bytes = random::<16>()?;
        let [_, _, _, _, a, b, c, d, ..] = bytes;
        let next = NEXT.get_or_init(|| AtomicU32::new(u32::from_be_bytes([a, b, c, d])));
        // The last bit is not part of the limit.
        let number = next.fetch_add(2, Ordering::Relaxed);
        bytes[..4].copy_from_slice(&OF_THIS_HOST.to_be_bytes());
        bytes[4..8].copy_from_slice(&number.to_be_bytes());
        Ok(Self(bytes))
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

    /// A second mark: the limit of file locks that the worker is given. The kernel has not used it for twenty years, hands it
    /// on to all that a process starts, and shows it to everybody, also of zombies and of those who keep their environment
    /// to themselves, as ssh-agent does. A number of 63 random bits is nobody else's.
    /// `None` if this host may not give such a limit to anybody.
    pub(super) fn locks_limit(self) -> Option<u64> {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        Some(u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 1).filter(|limit| limit >> 31 >= LEAST.into())
    }

    /// Whether a process with that limit comes from a worker that this process has made.
    pub(super) fn is_limit_of_ours(limit: u64) -> bool {
        limit >> 31 == u64::from(*OF_THIS_HOST) && *OF_THIS_HOST >= LEAST
    }

    /// The marks in a process's environment: as it was started with, or has written over it since. `None` while it
    /// becomes another program and has no environment for a moment: ask again. Somebody who has torn it out for good
    /// looks the same.
    pub(super) fn carried_by(pid: Pid, stat: &Stat) -> io::Result<Option<Vec<Self>>> {
        let nobody = Some(Vec::new());
        // Who may not be read is found by the other mark, or is nobody whom a worker of ours has started.
        let Some(environment) = procfs::environment(&procfs::directory(pid))? else { return Ok(nobody) };
        if !environment.is_empty() {
            return Ok(Some(in_environment(&environment)));
        }
        if !stat.runs() {
            // A first thread that has ended has none any more, its siblings do.
            let thread = procfs::live_threads(pid)?.pop();
            let environment = thread.map(|thread| procfs::environment(&thread)).transpose()?.flatten();
            return Ok(Some(in_environment(&environment.unwrap_or_default())));
        }
        // Neither has a kernel thread.
        let now = Stat::of(pid)?;
        Ok(nobody.filter(|_| now.is_none_or(|stat| !stat.runs() || stat.has_no_environment())))
    }
}

/// What is smaller than this in the first four bytes is no limit that could only be a mark.
const LEAST: u32 = 1 << 20;

/// The first four bytes of all ids that this process makes. Less than [`LEAST`] if it may not give away such a limit.
static OF_THIS_HOST: LazyLock<u32> = LazyLock::new(|| {
    // Within a worker of another host, what that one has may only be lowered.
    let maximum = getrlimit(Resource::Locks).maximum.and_then(|maximum| u32::try_from(maximum >> 31).ok());
    let room = maximum.unwrap_or(u32::MAX).saturating_sub(LEAST);
    match random().map(u32::from_be_bytes) {
        Ok(drawn) => drawn.checked_rem(room).map_or(0, |drawn| LEAST + drawn),
        // Without random bytes no worker is made.
        Err(_) => 0,
    }
});

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
    fn the_limit_is_the_ids_alone_and_known_for_ours() {
        let ids: Vec<_> = (0..1000).map(|_| WorkerId::fresh().unwrap()).collect();
        let limits: std::collections::HashSet<_> = ids.iter().map(|id| id.locks_limit().unwrap()).collect();
        assert_eq!(limits.len(), ids.len());
        assert!(limits.iter().all(|&limit| WorkerId::is_limit_of_ours(limit) && limit < 1 << 63));
        let limit = ids[0].locks_limit().unwrap();
        assert!(
            !WorkerId::is_limit_of_ours(limit ^ 1 << 40)
                && !WorkerId::is_limit_of_ours(limit & ((1 << 31) - 1))
        );
        let again = WorkerId::parse(ids[7].to_string().as_bytes()).unwrap();
        assert_eq!(again.locks_limit(), ids[7].locks_limit(), "the next host knows it from the record");
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
