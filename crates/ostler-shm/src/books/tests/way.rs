//! What is on its way between two sides, by the socket and by the ring.

use std::collections::VecDeque;

use ostler_wire::SegmentNews;

use super::setting::{Planted, Route};

/// Where bytes are, seen from one side, and what they must be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Spot {
    pub(super) is_own: bool,
    pub(super) segment: u64,
    pub(super) content: u8,
}

/// A part in a frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Named {
    /// As the sender sees it.
    pub(super) spot: Spot,
    pub(super) is_new: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Frame {
    Payload(Vec<Named>),
    Word,
    News(SegmentNews),
}

/// What is on its way from one side, by the socket and by the ring.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct Way {
    socket: VecDeque<Frame>,
    ring: VecDeque<(u64, Frame)>,
    sent: u64,
    received: u64,
}

impl Way {
    /// Appends a frame, and the news behind it, which are the last to go.
    pub(super) fn post(&mut self, frame: Frame, news: Vec<SegmentNews>, route: Route) {
        let brings = matches!(&frame, Frame::Payload(named) if named.iter().any(|named| named.is_new));
        // Two frames, or one with descriptors, go by the socket.
        let by_ring = route == Route::Ring && news.is_empty() && !brings;
        for frame in std::iter::once(frame).chain(news.into_iter().map(Frame::News)) {
            match by_ring {
                true => self.ring.push_back((self.sent, frame)),
                false => self.socket.push_back(frame),
            }
            self.sent += 1;
        }
    }

    /// All that is on its way.
    pub(super) fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.socket.iter().chain(self.ring.iter().map(|(_, frame)| frame))
    }

    pub(super) fn next(&mut self, planted: Planted) -> Option<Frame> {
        let is_next = |number: u64| number == self.received || planted == Planted::OvertakingRing;
        let frame = match self.ring.front() {
            Some((number, _)) if is_next(*number) => self.ring.pop_front().map(|(_, frame)| frame),
            _ => self.socket.pop_front(),
        };
        self.received += u64::from(frame.is_some());
        frame
    }
}
