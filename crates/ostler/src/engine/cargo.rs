use ostler_wire::{Attachment, PluginManifest, WorkerReport};

use crate::JobType;
use crate::events::JobEventKind;

/// What an input carries that the machine decides over without seeing it.
pub(crate) enum Cargo<J: JobType> {
    None,
    /// What a job said or printed.
    Event(JobEventKind),
    /// What a job answered.
    Output(J::Output, Vec<Attachment>),
    /// What a worker has loaded.
    Manifests(Vec<PluginManifest>),
    /// How a worker is.
    Report(WorkerReport),
}

impl<J: JobType> Cargo<J> {
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::None)
    }
}
