use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use crate::MAX_DESCRIPTORS;

/// The descriptors that have come on a connection and are not taken over yet. Bounded: a peer cannot use up the limit of
/// open files.
#[derive(Default, Debug)]
pub struct Descriptors {
    waiting: VecDeque<OwnedFd>,
    /// More came than can belong to one message.
    is_flooded: bool,
}

impl Descriptors {
    /// None have come.
    pub const fn new() -> Self {
        Self { waiting: VecDeque::new(), is_flooded: false }
    }

    /// Whether nothing waits, and nothing was too much.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.is_flooded
    }

    pub(crate) fn push(&mut self, descriptor: OwnedFd) {
        if self.waiting.len() < MAX_DESCRIPTORS {
            self.waiting.push_back(descriptor);
        } else {
            self.is_flooded = true;
        }
    }

    pub(crate) fn pop(&mut self) -> Option<OwnedFd> {
        self.waiting.pop_front()
    }

    pub(crate) const fn is_flooded(&self) -> bool {
        self.is_flooded
    }
}
