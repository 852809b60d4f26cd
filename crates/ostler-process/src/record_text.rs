//! What stands in a record: a line that says where it is from, then one for each worker that came or went.

use std::collections::HashMap;
use std::fs;
use std::io;

use rustix::process::Pid;

use super::worker_id::WorkerId;

const TITLE: &str = "ostler-workers 1";

/// A worker as a later host can know it again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Noted {
    pub(super) pid: Pid,
    /// As in [`Stat::start`](super::procfs::Stat), unless that could not be seen: then its number names nobody later, and only
    /// its mark is left.
    pub(super) start: Option<u64>,
    pub(super) id: WorkerId,
}

/// What process numbers and times of start are relative to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Origin {
    pub(super) boot: String,
    /// Containers on one kernel may share a directory, but not their numbers.
    pub(super) pid_namespace: String,
}

impl Origin {
    pub(super) fn own() -> io::Result<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
        let pid_namespace = fs::read_link("/proc/self/ns/pid")?.to_string_lossy().into_owned();
        Ok(Self { boot, pid_namespace })
    }
}

pub(super) fn header(origin: &Origin) -> String {
    format!("{TITLE} {} {}\n", origin.boot, origin.pid_namespace)
}

/// The line by which a record's host is known: a lock outlives it, if a process that it has forked holds the file open.
pub(super) fn host(pid: Pid, start: u64) -> String {
    format!("= {} {start}\n", pid.as_raw_pid())
}

/// The number and the start of the host, if the record says so.
pub(super) fn host_in(text: &str) -> Option<(Pid, u64)> {
    let (pid, start) = text.lines().nth(1)?.strip_prefix("= ")?.split_once(' ')?;
    Some((Pid::from_raw(pid.parse().ok().filter(|&pid| pid > 0)?)?, start.parse().ok()?))
}

pub(super) fn addition(worker: &Noted) -> String {
    // Nobody has started at 0 but the first process of a system.
    format!("+ {} {} {}\n", worker.pid.as_raw_pid(), worker.start.unwrap_or(0), worker.id)
}

pub(super) fn removal(id: WorkerId) -> String {
    format!("- {id}\n")
}

/// Where it is from, and the workers that were alive at its end. `None` if it is no record.
pub(super) fn parse(text: &str) -> Option<(Origin, Vec<Noted>)> {
    // What is behind the last line's end was being written when its host died.
    let (whole, _) = text.rsplit_once('\n')?;
    let mut lines = whole.lines();
    let (boot, pid_namespace) = lines.next()?.strip_prefix(TITLE)?.strip_prefix(' ')?.split_once(' ')?;
    let mut living = HashMap::new();
    for line in lines {
        if let Some(worker) = line.strip_prefix("+ ").and_then(noted) {
            living.insert(worker.id, worker);
        } else if let Some(id) = line.strip_prefix("- ").and_then(|id| WorkerId::parse(id.as_bytes())) {
            living.remove(&id);
        }
    }
    let origin = Origin { boot: boot.to_owned(), pid_namespace: pid_namespace.to_owned() };
    Some((origin, living.into_values().collect()))
}

fn noted(line: &str) -> Option<Noted> {
    let mut words = line.split(' ');
    let pid = Pid::from_raw(words.next()?.parse().ok().filter(|&pid| pid > 1)?)?;
    let start = Some(words.next()?.parse().ok()?).filter(|&start| start > 0);
    let id = WorkerId::parse(words.next()?.as_bytes())?;
    words.next().is_none().then_some(Noted { pid, start, id })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use super::*;

    fn worker(pid: i32) -> Noted {
        Noted { pid: Pid::from_raw(pid).unwrap(), start: Some(77), id: WorkerId::fresh().unwrap() }
    }

    #[test]
    fn who_came_and_did_not_go_is_left() {
        let origin = Origin::own().unwrap();
        let (left, gone) = (worker(10), worker(11));
        let text = header(&origin) + &addition(&left) + &addition(&gone) + &removal(gone.id);
        assert_eq!(parse(&text), Some((origin.clone(), vec![left])));
        let torn = &text[..text.len() - 1];
        assert_eq!(parse(torn).unwrap().1.len(), 2, "the last line was not whole");
        assert_eq!(parse(&header(&origin)), Some((origin, vec![])));
    }

    #[test]
    fn who_could_not_be_seen_is_on_record_by_its_mark() {
        let unseen = Noted { start: None, ..worker(10) };
        let text = header(&Origin::own().unwrap()) + &addition(&unseen);
        assert_eq!(parse(&text).unwrap().1, [unseen]);
    }

    #[test]
    fn what_is_no_record_is_none() {
        for text in ["", "\n", "hello\n", "ostler-workers 1", "ostler-workers 12 a b\n", "+ 10 77 abc\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_spoiled_line_names_nobody() {
        let id = WorkerId::fresh().unwrap();
        let head = header(&Origin::own().unwrap());
        for line in [
            format!("+ 1 77 {id}"),
            format!("+ 0 77 {id}"),
            format!("+ -5 77 {id}"),
            format!("+ 10 x {id}"),
            format!("+ 10 77 {id} 3"),
            format!("+ 10 7+ 10 77 {id}"),
            "+ 10 77 ".into(),
            "+ 10 77".into(),
        ] {
            assert_eq!(parse(&format!("{head}{line}\n")).unwrap().1, [], "{line}");
        }
    }
}
