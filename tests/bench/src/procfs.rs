use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::Result;

/// Resident memory of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// All of its pages, in bytes.
    pub(crate) resident: u64,
    /// The same, but a page that several processes share counts in parts.
    pub(crate) proportional: u64,
}

impl Memory {
    /// Of a process that is ours.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        Ok(Self { resident: kibibytes(&text, "Rss:")?, proportional: kibibytes(&text, "Pss:")? })
    }
}

/// Resident memory of this process that is no file's, in bytes.
pub(crate) fn own_memory() -> Result<u64> {
    kibibytes(&fs::read_to_string("/proc/self/status")?, "RssAnon:")
}

fn kibibytes(text: &str, name: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    let missing = || io::Error::other(format!("no {name} in what /proc says of a process"));
    Ok(number.ok_or_else(missing)? * 1024)
}
