use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use ostler_lifecycle::{Effect, Input};

/// How many of the last steps are shown.
const SHOWN: usize = 40;

/// What is kept of a history while it runs. Most runs keep nothing: a history that fails is run again,
/// from its seed, with its steps kept.
#[derive(Debug)]
pub(crate) enum Recorder {
    Nothing,
    /// A hash of everything that went in and came out.
    Digest(Digest),
    /// The last steps, to be read.
    Lines(VecDeque<String>),
}

/// FNV-1a over whatever is written to it.
#[derive(Debug)]
pub(crate) struct Digest(pub(crate) u64);

impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        Ok(())
    }
}

impl Recorder {
    pub(crate) fn digest() -> Self {
        Self::Digest(Digest(0xCBF2_9CE4_8422_2325))
    }

    pub(crate) fn step(&mut self, number: u64, since_start: Duration, input: &Shown<'_>, effects: &[Effect]) {
        match self {
            Self::Nothing => {}
            Self::Digest(digest) => {
                // Writing to a digest cannot fail.
                let _ = write!(digest, "{since_start:?} {input} {effects:?}");
            }
            Self::Lines(lines) => {
                if lines.len() == SHOWN {
                    lines.pop_front();
                }
                let mut line = format!("#{number} {since_start:?}  {input}");
                for effect in effects {
                    // Writing to a string cannot fail.
                    let _ = write!(line, "\n        {effect:?}");
                }
                lines.push_back(shorten(&line));
            }
        }
    }
}

/// Takes out what is the same in every line.
fn shorten(line: &str) -> String {
    // Ids are numbers here, padded to the length of a UUID.
    let line = line
        .replace("00000000-0000-0000-0000-0000000", "job-")
        .replace(", cpu_time: 0ns, peak_memory: 0, stderr_tail: \"\", uptime: 0ns", "")
        .replace(", out_of_memory: None, limit: None", "");
    let mut parts = line.split("WorkerKey { slot: SlotId(");
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let key = part.replacen("), generation: Generation(", ".", 1).replacen(") }", "", 1);
        short.push_str(&key);
    }
    short
}

/// An input as it is shown: moments as distances from now, so that they are the same in every run.
pub(crate) struct Shown<'a> {
    pub(crate) now: Instant,
    pub(crate) input: &'a Input,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.input {
            Input::Shutdown { deadline } => {
                write!(f, "Shutdown {{ in {:?} }}", deadline.saturating_duration_since(self.now))
            }
            input => write!(f, "{input:?}"),
        }
    }
}
