use std::fmt;

use serde::{Deserialize, Serialize};

/// The place of a worker in the pool. It outlives the workers that fill it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SlotId(pub u32);

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The name of a plugin, as a number that the host gave it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PluginKey(pub u32);

/// Tells the workers of one manager apart, across all slots; it only grows. What an earlier worker
/// still says carries its own generation, and is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

/// One run of one worker: the slot that it fills, and which of the workers that filled it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct WorkerKey {
    /// The slot.
    pub slot: SlotId,
    /// Which of the slot's workers.
    pub generation: Generation,
}

impl fmt::Display for WorkerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot.0, self.generation.0)
    }
}
