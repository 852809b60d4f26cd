use std::fmt;

use serde::{Deserialize, Serialize};

/// A job's place in the queue: a higher one starts first, and equal ones start in the order of their arrival.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Priority(pub i8);

impl Priority {
    /// After everything of normal priority.
    pub const LOW: Self = Self(-10);
    /// What a job has that asks for nothing.
    pub const NORMAL: Self = Self(0);
    /// Before everything of normal priority.
    pub const HIGH: Self = Self(10);
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
