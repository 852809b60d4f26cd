use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a job printed a line.
///
/// A newline ends a line, and so does a carriage return: each state of a progress bar is a line. The begin of a line, such
/// as a question without a newline, is told as a line of its own when nothing has followed it for a second, and when the
/// job's run ends, however that ends. All bytes count as reports for a `stall_timeout`. What a thread prints that a job has
/// left behind is told as the next job's: both write to the same pipe, and nothing tells them apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputStream {
    /// To its standard output.
    Stdout,
    /// To its standard error.
    Stderr,
}

impl OutputStream {
    /// Its name, as in `stdout`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

impl fmt::Display for OutputStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
