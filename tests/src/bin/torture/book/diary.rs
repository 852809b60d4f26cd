use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::inside::{DIARY, LOCKS};

/// The diary of all jobs, as far as it was read; see the page that they write.
#[derive(Debug)]
pub(crate) struct Diary {
    file: File,
    /// A line that is not yet whole.
    rest: Vec<u8>,
    /// Of jobs that were not forgotten.
    runs: HashMap<u64, Vec<Run>>,
    /// When each job ended for its caller, 0 for one that has not.
    ends: Vec<u64>,
}

/// A run of a job, as its worker wrote it down.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) attempt: u32,
    pub(crate) pid: u32,
    pub(crate) begun: u64,
    /// When it was about to answer.
    pub(crate) answered: Option<u64>,
}

/// What a line says that somebody must heed.
#[derive(Debug)]
pub(crate) enum Finding {
    Begun { number: u64, attempt: u32, pid: u32 },
    Doubled { number: u64, pid: u32 },
    Daemon { number: u64, attempt: u32, pid: u32, at: u64 },
    Late { number: u64, what: String, pid: u32, by: u64 },
}

impl Diary {
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        File::create(directory.join(LOCKS))?;
        File::create(directory.join(DIARY))?;
        let file = File::open(directory.join(DIARY))?;
        Ok(Self { file, rest: Vec::new(), runs: HashMap::new(), ends: Vec::new() })
    }

    /// Reads what was written since.
    pub(crate) fn catch_up(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        // What cannot be read now is read the next time.
        let _ = self.file.read_to_end(&mut self.rest);
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        for line in String::from_utf8_lossy(&lines).lines() {
            findings.extend(self.take(line));
        }
        findings
    }

    fn take(&mut self, line: &str) -> Vec<Finding> {
        let Some((what, number, attempt, pid, at)) = parse(line) else { return Vec::new() };
        let mut findings = Vec::new();
        let runs = self.runs.entry(number).or_default();
        match what {
            "begin" | "doubled" => {
                runs.push(Run { attempt, pid, begun: at, answered: None });
                findings.push(Finding::Begun { number, attempt, pid });
                if what == "doubled" {
                    findings.push(Finding::Doubled { number, pid });
                }
            }
            "end" => {
                if let Some(run) = runs.iter_mut().rfind(|run| run.pid == pid) {
                    run.answered = Some(at);
                }
            }
            "daemon" => findings.push(Finding::Daemon { number, attempt, pid, at }),
            _ => {}
        }
        let end = self.end_of(number);
        // A daemon that was on its way is seen to by others.
        if end != 0 && at > end && what != "daemon" {
            findings.push(Finding::Late { number, what: what.to_owned(), pid, by: at - end });
        }
        findings
    }

    pub(crate) fn runs(&self, number: u64) -> &[Run] {
        self.runs.get(&number).map_or(&[], Vec::as_slice)
    }

    /// From now on nothing of the job may run.
    pub(crate) fn end(&mut self, number: u64, at: u64) {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        if self.ends.len() <= index {
            self.ends.resize(index + 1, 0);
        }
        self.ends[index] = at;
    }

    fn end_of(&self, number: u64) -> u64 {
        usize::try_from(number).ok().and_then(|index| self.ends.get(index).copied()).unwrap_or(0)
    }

    /// Forgets the runs of jobs that have ended.
    pub(crate) fn forget_ended(&mut self) {
        let mut runs = std::mem::take(&mut self.runs);
        runs.retain(|number, _| self.end_of(*number) == 0);
        self.runs = runs;
    }
}

fn parse(line: &str) -> Option<(&str, u64, u32, u32, u64)> {
    let mut words = line.split(' ');
    let what = words.next()?;
    let number = words.next()?.parse().ok()?;
    let attempt = words.next()?.parse().ok()?;
    let pid = words.next()?.parse().ok()?;
    Some((what, number, attempt, pid, words.next()?.parse().ok()?))
}
