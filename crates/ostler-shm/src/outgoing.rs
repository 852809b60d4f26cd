use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use bytes::{Buf, BytesMut};

/// Bytes that wait to be sent, and the descriptors that go with some of them.
#[derive(Default, Debug)]
pub struct Outgoing {
    bytes: BytesMut,
    /// A part of what is in that memory has gone, and the memory of that part shows in no capacity.
    is_begun: bool,
    /// How many bytes have gone.
    gone: u64,
    /// By the byte with which they go, counted from the first that ever went.
    descriptors: VecDeque<(u64, Vec<OwnedFd>)>,
}

impl Outgoing {
    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether descriptors go with any of them.
    pub fn has_descriptors(&self) -> bool {
        !self.descriptors.is_empty()
    }

    /// For how many bytes there is memory.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Where bytes are appended.
    pub const fn bytes(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }

    /// Sends descriptors with one of the bytes that wait, behind all those with which descriptors go already.
    pub fn attach(&mut self, at: usize, descriptors: Vec<OwnedFd>) {
        if !descriptors.is_empty() {
            self.descriptors.push_back((self.gone + at as u64, descriptors));
        }
    }

    /// Does not send the bytes from there on. Nothing may be attached to them.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// What can be sent at once, as with [`socket::send`](crate::socket::send). What has gone is [taken away](Self::advance).
    pub fn piece(&mut self) -> (&[u8], Option<&mut Vec<OwnedFd>>) {
        let is_due = self.descriptors.front().is_some_and(|(at, _)| *at == self.gone);
        let next = self.descriptors.get(usize::from(is_due));
        let end = next.map_or(self.bytes.len(), |(at, _)| (at - self.gone) as usize);
        let due = if is_due { self.descriptors.front_mut() } else { None };
        (&self.bytes[..end], due.map(|(_, descriptors)| descriptors))
    }

    /// So many bytes have gone.
    pub fn advance(&mut self, sent: usize) {
        let is_due = self.descriptors.front().is_some_and(|(at, _)| *at == self.gone);
        if is_due && sent > 0 {
            self.descriptors.pop_front();
        }
        self.gone += sent as u64;
        if sent < self.bytes.len() {
            self.bytes.advance(sent);
            self.is_begun |= sent > 0;
        } else {
            self.empty();
        }
    }

    /// Nothing goes any more.
    pub fn clear(&mut self) {
        self.empty();
        self.descriptors.clear();
    }

    /// Keeps the memory only if all of it can be used again, and seen by whoever decides to give it back.
    fn empty(&mut self) {
        if std::mem::take(&mut self.is_begun) {
            self.bytes = BytesMut::new();
        } else {
            self.bytes.clear();
        }
    }

    /// Gives memory back that nothing needs.
    pub fn shrink(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = BytesMut::new();
            self.is_begun = false;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::fs::File;

    use super::*;

    fn descriptor() -> OwnedFd {
        File::open("/dev/null").unwrap().into()
    }

    #[test]
    fn descriptors_go_with_their_byte_and_never_sooner() {
        let mut outgoing = Outgoing::default();
        outgoing.bytes().extend_from_slice(b"onetwothree");
        outgoing.attach(3, vec![descriptor()]);
        outgoing.attach(6, vec![descriptor(), descriptor()]);
        outgoing.attach(0, vec![]);
        let mut pieces = Vec::new();
        while !outgoing.is_empty() {
            let (bytes, descriptors) = outgoing.piece();
            let sent = bytes.len().min(2);
            pieces.push((String::from_utf8(bytes.to_vec()).unwrap(), descriptors.map_or(0, |all| all.len())));
            outgoing.advance(sent);
        }
        let pieces: Vec<(&str, usize)> = pieces.iter().map(|(text, count)| (text.as_str(), *count)).collect();
        let expected = [("one", 0), ("e", 0), ("two", 1), ("o", 0), ("three", 2), ("ree", 0), ("e", 0)];
        assert_eq!(pieces, expected);
    }

    #[test]
    fn what_went_in_pieces_leaves_no_memory_that_nobody_sees() {
        const SIZE: usize = 16 << 20;
        let mut outgoing = Outgoing::default();
        outgoing.bytes().extend_from_slice(&vec![1; SIZE]);
        assert!(outgoing.capacity() >= SIZE);
        while !outgoing.is_empty() {
            let sent = outgoing.len().min(200_000);
            outgoing.advance(sent);
        }
        assert_eq!(outgoing.capacity(), 0, "of its memory, only the last piece's would be seen");

        outgoing.bytes().extend_from_slice(b"all at once");
        outgoing.advance(outgoing.len());
        assert!(outgoing.capacity() > 0, "what a small frame needs is kept for the next one");
    }

    #[test]
    fn what_could_not_be_sent_waits_with_its_descriptors() {
        let mut outgoing = Outgoing::default();
        outgoing.bytes().extend_from_slice(b"one");
        outgoing.attach(0, vec![descriptor()]);
        outgoing.advance(0);
        assert_eq!(outgoing.piece().1.unwrap().len(), 1);
        outgoing.advance(1);
        assert!(outgoing.piece().1.is_none());
        outgoing.clear();
        outgoing.bytes().extend_from_slice(b"two");
        outgoing.attach(0, vec![descriptor()]);
        assert_eq!(outgoing.piece().1.unwrap().len(), 1);
    }
}
