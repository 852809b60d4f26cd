use bytes::BytesMut;
use ostler_wire::{FrameError, Message, frame};

use crate::{Arena, Descriptors, RingReceiver};

/// A frame of this size, in bytes, takes the buffer with it: nobody who keeps a small part of a frame, and nobody idle,
/// shall hold on to its memory.
const LARGE_FRAME: usize = 1024 * 1024;

/// What comes from the peer, by socket and by ring, message by message and in the order in which it was sent.
#[derive(Default)]
pub struct Inflow {
    /// What came by the socket.
    buffer: BytesMut,
    descriptors: Descriptors,
    ring: Option<RingReceiver>,
    /// The frame that came by the ring.
    ringed: BytesMut,
}

/// A message as it came.
#[derive(Debug)]
pub struct Received<M> {
    /// What was said.
    pub message: M,
    /// Why a part of its payload could not be had, if so: that part is empty.
    pub loss: Option<String>,
    /// Whether it came by the ring.
    pub by_ring: bool,
}

impl Inflow {
    /// What came by the socket and is no message yet; what comes is appended here.
    pub const fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Those that came by the socket and belong to no message yet.
    pub const fn descriptors(&mut self) -> &mut Descriptors {
        &mut self.descriptors
    }

    /// What comes next may come by this ring.
    pub fn use_ring(&mut self, ring: RingReceiver) {
        self.ring = Some(ring);
    }

    /// The ring, if there is one.
    pub const fn ring(&self) -> Option<&RingReceiver> {
        self.ring.as_ref()
    }

    /// Whether the next message has come by the ring.
    pub fn is_in_ring(&self) -> bool {
        self.ring.as_ref().is_some_and(RingReceiver::has_next)
    }

    /// The next message, if it is there.
    ///
    /// What of its payload came in shared memory is copied, unless the peer is trusted.
    ///
    /// # Errors
    /// The peer does not keep to the rules; nothing that follows can be read.
    pub fn next<M: Message>(
        &mut self,
        limit: usize,
        arena: &Arena,
    ) -> Result<Option<Received<M>>, FrameError> {
        let wrong = |reason| FrameError::Shared { direction: M::NAME, reason };
        let by_ring = match &mut self.ring {
            Some(ring) => ring.receive(&mut self.ringed).map_err(wrong)?,
            None => false,
        };
        let buffer = if by_ring { &mut self.ringed } else { &mut self.buffer };
        let before = buffer.len();
        let mut intake = arena.intake(&mut self.descriptors);
        let message = frame::decode_shared::<M>(buffer, limit, |place| intake.take(place))?;
        let awaits_one = message.as_ref().is_some_and(M::brings_descriptor);
        let loss = intake.finish(!by_ring && !awaits_one && buffer.is_empty()).map_err(wrong)?;
        if by_ring && (message.is_none() || !buffer.is_empty()) {
            return Err(wrong("what came by the ring is not one frame".to_owned()));
        }
        if before - buffer.len() >= LARGE_FRAME {
            *buffer = BytesMut::from(&buffer[..]);
        }
        let Some(message) = message else { return Ok(None) };
        if let Some(ring) = &mut self.ring
            && !by_ring
            && message.is_in_order()
        {
            ring.skip();
        }
        Ok(Some(Received { message, loss, by_ring }))
    }

    /// Whether the connection may end here: only between two frames.
    ///
    /// # Errors
    /// How the last frame is torn.
    pub fn finish(&self) -> Result<(), FrameError> {
        frame::finish(&self.buffer)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::os::fd::OwnedFd;

    use ostler_wire::{FromWorker, Init, ToWorker};

    use super::*;
    use crate::{Ring, RingSender, Taken};

    const LIMIT: usize = 1024;

    /// What comes, and the end by which the peer sends.
    fn inflow() -> (Inflow, RingSender) {
        let (ours, descriptor) = Ring::make().unwrap();
        let mut descriptors = Descriptors::new();
        descriptors.push(descriptor);
        let theirs = Ring::take_over(&mut descriptors).unwrap();
        ours.receiver.wake();
        let mut inflow = Inflow::default();
        inflow.use_ring(ours.receiver);
        (inflow, theirs.sender)
    }

    fn frame_of(message: &ToWorker) -> BytesMut {
        let mut frame = BytesMut::new();
        frame::encode(message, LIMIT, &mut frame).unwrap();
        frame
    }

    fn ping(request: u64) -> BytesMut {
        frame_of(&ToWorker::Ping { request })
    }

    fn by_socket(inflow: &mut Inflow, sender: &mut RingSender, frame: &[u8]) {
        sender.skip();
        inflow.buffer().extend_from_slice(frame);
    }

    fn next(inflow: &mut Inflow) -> Option<ToWorker> {
        inflow.next(LIMIT, &Arena::of_worker()).unwrap().map(|received| received.message)
    }

    fn fault(inflow: &mut Inflow) -> String {
        inflow.next::<ToWorker>(LIMIT, &Arena::of_worker()).unwrap_err().to_string()
    }

    #[test]
    fn messages_come_in_the_order_in_which_they_were_sent() {
        let (mut inflow, mut sender) = inflow();
        by_socket(&mut inflow, &mut sender, &ping(1));
        assert_eq!(sender.send(&ping(2)), Taken::Yes);
        by_socket(&mut inflow, &mut sender, &ping(3));
        by_socket(&mut inflow, &mut sender, &ping(4));
        assert_eq!(sender.send(&ping(5)), Taken::Yes);
        for request in 1..=5 {
            assert_eq!(next(&mut inflow), Some(ToWorker::Ping { request }));
        }
        assert_eq!(next(&mut inflow), None);
    }

    #[test]
    fn a_nudge_has_no_place_in_the_order() {
        let (mut inflow, mut sender) = inflow();
        inflow.buffer().extend_from_slice(&frame_of(&ToWorker::Nudge));
        assert_eq!(next(&mut inflow), Some(ToWorker::Nudge));
        assert_eq!(sender.send(&ping(1)), Taken::Yes);
        assert_eq!(next(&mut inflow), Some(ToWorker::Ping { request: 1 }));
    }

    #[test]
    fn neither_has_that_of_a_worker() {
        let (mut inflow, mut sender) = inflow();
        let mut frame = BytesMut::new();
        frame::encode(&FromWorker::Nudge, LIMIT, &mut frame).unwrap();
        inflow.buffer().extend_from_slice(&frame);
        let received = inflow.next::<FromWorker>(LIMIT, &Arena::of_worker()).unwrap().unwrap();
        assert_eq!((received.message, received.by_ring), (FromWorker::Nudge, false));
        frame.clear();
        frame::encode(&FromWorker::Pong { request: 1 }, LIMIT, &mut frame).unwrap();
        assert_eq!(sender.send(&frame), Taken::Yes);
        let received = inflow.next::<FromWorker>(LIMIT, &Arena::of_worker()).unwrap().unwrap();
        assert_eq!((received.message, received.by_ring), (FromWorker::Pong { request: 1 }, true));
    }

    #[test]
    fn what_the_ring_has_waits_for_what_was_sent_before_it() {
        let (mut inflow, mut sender) = inflow();
        let torn = ping(1);
        assert_eq!(sender.send(&ping(0)), Taken::Yes);
        by_socket(&mut inflow, &mut sender, &torn[..5]);
        inflow.descriptors().push(OwnedFd::from(std::io::pipe().unwrap().0));
        assert_eq!(sender.send(&ping(2)), Taken::Yes);
        assert_eq!(
            next(&mut inflow),
            Some(ToWorker::Ping { request: 0 }),
            "the descriptor is of the next one"
        );
        assert_eq!(next(&mut inflow), None);
        inflow.buffer().extend_from_slice(&torn[5..]);
        inflow.descriptors().pop();
        assert_eq!(next(&mut inflow), Some(ToWorker::Ping { request: 1 }));
        assert_eq!(next(&mut inflow), Some(ToWorker::Ping { request: 2 }));
    }

    #[test]
    fn the_descriptor_of_a_ring_is_left_to_who_hears_of_it() {
        let mut inflow = Inflow::default();
        let (_ours, descriptor) = Ring::make().unwrap();
        inflow.descriptors().push(descriptor);
        let init = Init {
            request: 1,
            protocol: ostler_wire::PROTOCOL.highest,
            plugins: Vec::new(),
            only_these: false,
            max_frame_bytes: 0,
            spin_ns: 0,
            shared_memory_bytes: 0,
            ring: true,
        };
        inflow.buffer().extend_from_slice(&frame_of(&ToWorker::Init(init)));
        assert!(matches!(next(&mut inflow), Some(ToWorker::Init(_))));
        assert!(Ring::take_over(inflow.descriptors()).is_ok());
    }

    #[test]
    fn what_comes_by_the_ring_is_one_frame() {
        let two = [ping(1), ping(2)].concat();
        for frame in [&two[..], &two[..two.len() / 2 - 1]] {
            let (mut inflow, mut sender) = inflow();
            assert_eq!(sender.send(frame), Taken::Yes);
            assert!(fault(&mut inflow).contains("not one frame"));
        }
    }

    #[test]
    fn a_descriptor_belongs_to_a_message() {
        let (mut inflow, _) = inflow();
        inflow.descriptors().push(OwnedFd::from(std::io::pipe().unwrap().0));
        inflow.buffer().extend_from_slice(&ping(1));
        assert!(fault(&mut inflow).contains("belong to no message"));
    }
}
