use std::collections::VecDeque;

/// What stands on a shelf.
pub(super) trait Event {
    /// Its number. It grows from event to event.
    fn seq(&self) -> u64;

    /// What it weighs beside its own size, in bytes.
    fn weight(&self) -> usize;
}

/// Events of one class, the newest ones, bounded in number and in bytes.
#[derive(Debug)]
pub(super) struct Shelf<E> {
    events: VecDeque<E>,
    bytes: usize,
    most_events: usize,
    most_bytes: usize,
}

impl<E: Event> Shelf<E> {
    pub(super) fn new(most_events: usize, most_bytes: usize) -> Self {
        Self { events: VecDeque::new(), bytes: 0, most_events, most_bytes }
    }

    /// Adds the newest event; the oldest go for it. It is kept itself whatever it weighs.
    pub(super) fn push(&mut self, event: E) {
        self.bytes += event.weight();
        self.events.push_back(event);
        let is_over = |shelf: &Self| shelf.events.len() > shelf.most_events || shelf.bytes > shelf.most_bytes;
        while is_over(self) && self.events.len() > 1 {
            let weight = self.events.pop_front().map_or(0, |oldest| oldest.weight());
            self.bytes -= weight;
        }
    }

    /// The oldest event that is held from this number on.
    pub(super) fn from(&self, seq: u64) -> Option<&E> {
        self.events.get(self.index_of(seq))
    }

    /// Whether whoever reads on from this number would soon miss something.
    pub(super) fn is_behind(&self, next: u64) -> bool {
        let is_full = self.events.len() > self.most_events / 2 || self.bytes > self.most_bytes / 2;
        let unread = self.events.len() - self.index_of(next);
        // More than half of what is held is news.
        is_full && unread * 2 > self.events.len()
    }

    /// What it takes of the host's memory, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.bytes + self.events.capacity() * size_of::<E>()
    }

    /// Nothing more will come.
    pub(super) fn close(&mut self) {
        self.events.shrink_to_fit();
    }

    fn index_of(&self, seq: u64) -> usize {
        self.events.partition_point(|event| event.seq() < seq)
    }
}
