use ostler::JobType;
use serde::{Deserialize, Serialize};

/// What jobs are given, and give back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Line(pub(crate) String);

/// How many bytes of its own a small job carries.
pub(crate) const PAYLOAD: usize = 64;

impl Line {
    /// A small job's.
    pub(crate) fn small() -> Self {
        Self("o".repeat(PAYLOAD))
    }

    pub(crate) fn empty() -> Self {
        Self(String::new())
    }
}

impl JobType for Line {
    type Output = Line;
}
