//! Frames that come in pieces, and frames that break a rule.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use bytes::{Bytes, BytesMut};
use common::{JOB, LIMIT, decoded_placed, encoded, encoded_placed, frame};
use ostler_wire::{
    Execute, FrameError, FromWorker, Message, Payload, Place, ToWorker, decode, decode_shared, encode,
    encode_placed, finish,
};

fn execute(payload: Payload) -> ToWorker {
    let (deadline_ms, stream) = (None, false);
    ToWorker::Execute(Execute {
        request: 1,
        job: JOB,
        attempt: 1,
        plugin: "p".into(),
        deadline_ms,
        stream,
        payload,
    })
}

fn error<M: Message + std::fmt::Debug>(bytes: &[u8]) -> FrameError {
    decode::<M>(&mut BytesMut::from(bytes), LIMIT).unwrap_err()
}

#[test]
fn every_message_survives_arriving_byte_by_byte() {
    let samples = common::from_worker();
    let stream: Vec<u8> = samples.iter().flat_map(|(_, message)| encoded(message)).collect();
    let mut buffer = BytesMut::new();
    let mut decoded = Vec::new();
    for byte in stream {
        buffer.extend_from_slice(&[byte]);
        decoded.extend(decode::<FromWorker>(&mut buffer, LIMIT).unwrap());
    }
    assert_eq!(finish(&buffer), Ok(()));
    assert_eq!(decoded, samples.into_iter().map(|(_, message)| message).collect::<Vec<_>>());
}

#[test]
fn frames_that_arrive_together_come_out_one_by_one() {
    let mut buffer = BytesMut::new();
    for (_, message) in common::to_worker() {
        encode(&message, LIMIT, &mut buffer).unwrap();
    }
    for (name, message) in common::to_worker() {
        assert_eq!(decode::<ToWorker>(&mut buffer, LIMIT).unwrap(), Some(message), "{name}");
    }
    assert_eq!(decode::<ToWorker>(&mut buffer, LIMIT).unwrap(), None);
}

#[test]
fn every_cut_of_a_frame_is_torn() {
    let whole = encoded(&execute(Payload::raw(&b"body"[..])));
    for have in 1..whole.len() {
        let mut buffer = BytesMut::from(&whole[..have]);
        assert_eq!(decode::<ToWorker>(&mut buffer, LIMIT).unwrap(), None);
        let need = if have < 4 { 4 } else { whole.len() };
        assert_eq!(finish(&buffer), Err(FrameError::Torn { have, need }));
    }
}

#[test]
fn the_rest_of_a_frame_is_reserved_once_its_length_is_known() {
    let whole = encoded(&execute(Payload::raw(vec![7; 100_000])));
    let mut buffer = BytesMut::from(&whole[..4]);
    assert!(decode::<ToWorker>(&mut buffer, LIMIT).unwrap().is_none());
    assert!(buffer.capacity() >= whole.len());
}

#[test]
fn an_oversized_length_is_refused_before_anything_is_allocated() {
    let mut buffer = BytesMut::from(&u32::MAX.to_le_bytes()[..]);
    let before = buffer.capacity();
    let error = decode::<FromWorker>(&mut buffer, 1000).unwrap_err();
    assert_eq!(error, FrameError::TooLarge { size: u64::from(u32::MAX), limit: 1000 });
    assert_eq!(buffer.capacity(), before);
}

#[test]
fn the_limit_holds_to_the_byte_in_both_directions() {
    let message = execute(Payload::raw(vec![7; 5000]));
    let whole = encoded(&message);
    let size = whole.len() - 4;

    let mut buffer = BytesMut::from(&b"before"[..]);
    encode(&message, size, &mut buffer).unwrap();
    assert_eq!(decode::<ToWorker>(&mut whole.clone(), size).unwrap(), Some(message.clone()));

    let too_large = FrameError::TooLarge { size: size as u64, limit: size - 1 };
    let mut buffer = BytesMut::from(&b"before"[..]);
    assert_eq!(encode(&message, size - 1, &mut buffer), Err(too_large.clone()));
    assert_eq!(buffer, "before");
    assert_eq!(decode::<ToWorker>(&mut whole.clone(), size - 1), Err(too_large));
}

#[test]
fn unknown_tags_are_told() {
    let tag = ToWorker::TAGS;
    let bytes = frame(&tag.to_le_bytes(), &[]);
    assert_eq!(error::<ToWorker>(&bytes), FrameError::UnknownTag { tag, direction: "host-to-worker" });
    let bytes = frame(&u32::MAX.to_le_bytes(), &[]);
    let expected = FrameError::UnknownTag { tag: u32::MAX, direction: "worker-to-host" };
    assert_eq!(error::<FromWorker>(&bytes), expected);
}

#[test]
fn trailing_bytes_in_the_envelope_are_refused() {
    let ping = encoded(&ToWorker::Ping { request: 7 });
    let longer = [&ping[8..], &[0, 0]].concat();
    let bytes = frame(&longer, &[]);
    assert_eq!(error::<ToWorker>(&bytes), FrameError::Trailing { direction: "host-to-worker", extra: 2 });
}

#[test]
fn payload_bytes_that_nothing_announces_are_refused() {
    let ping = encoded(&ToWorker::Ping { request: 7 });
    let bytes = frame(&ping[8..], b"abc");
    let expected = FrameError::PayloadMismatch { direction: "host-to-worker", announced: 0, actual: 3 };
    assert_eq!(error::<ToWorker>(&bytes), expected);
}

#[test]
fn a_payload_shorter_or_longer_than_announced_is_refused() {
    let whole = encoded(&execute(Payload::raw(&b"body"[..]).attach("a", "", &b"attached"[..])));
    let (envelope, payload) = whole[8..].split_at(whole.len() - 8 - 12);
    for actual in [0, 11, 13] {
        let mut other = payload.to_vec();
        other.resize(actual, 0);
        let expected =
            FrameError::PayloadMismatch { direction: "host-to-worker", announced: 12, actual: actual as u64 };
        assert_eq!(error::<ToWorker>(&frame(envelope, &other)), expected);
    }
}

#[test]
fn announced_lengths_that_overflow_are_refused() {
    let whole = encoded(&execute(Payload::raw(&b"body"[..]).attach("a", "", &b""[..])));
    let mut envelope = whole[8..whole.len() - 4].to_vec();
    // Its last field is the length of the attachment.
    let last = envelope.len() - 8;
    envelope[last..].copy_from_slice(&(u64::MAX - 1).to_le_bytes());
    let expected =
        FrameError::PayloadMismatch { direction: "host-to-worker", announced: u64::MAX, actual: 4 };
    assert_eq!(error::<ToWorker>(&frame(&envelope, b"body")), expected);
}

#[test]
fn an_envelope_that_is_no_message_is_malformed() {
    let ends_early = frame(&[6, 0, 0, 0, 1], &[]);
    assert!(matches!(error::<ToWorker>(&ends_early), FrameError::Malformed { .. }));
    let no_tag = frame(&[6, 0, 0], &[]);
    assert!(matches!(error::<ToWorker>(&no_tag), FrameError::Malformed { .. }));
    let envelope_longer_than_frame = [4, 0, 0, 0, 9, 0, 0, 0];
    assert!(matches!(error::<ToWorker>(&envelope_longer_than_frame), FrameError::Malformed { .. }));
    let no_room_for_its_length = [2, 0, 0, 0, 9, 0];
    assert!(matches!(error::<ToWorker>(&no_room_for_its_length), FrameError::Malformed { .. }));
}

/// bincode would allocate what a string announces before it looks at what is there.
#[test]
fn a_string_that_announces_exabytes_is_malformed() {
    for length in [1_u64 << 40, 1 << 62, u64::MAX] {
        let mut envelope = 10_u32.to_le_bytes().to_vec();
        envelope.extend_from_slice(&length.to_le_bytes());
        let reason = error::<FromWorker>(&frame(&envelope, &[])).to_string();
        assert!(reason.contains("larger than the whole"), "{reason}");
    }
}

#[test]
fn large_parts_share_the_received_memory_and_small_ones_do_not() {
    let sent = execute(Payload::raw(vec![1; 50_000]).attach("small", "", vec![2; 100]));
    let mut buffer = encoded(&sent);
    let memory = buffer.as_ptr_range();
    let Some(ToWorker::Execute(received)) = decode(&mut buffer, LIMIT).unwrap() else { panic!("no Execute") };
    let is_inside = |part: &Bytes| memory.contains(&part.as_ptr());
    assert!(is_inside(received.payload.body()));
    assert!(!is_inside(&received.payload.attachments()[0].bytes));
    assert_eq!(ToWorker::Execute(received), sent);
}

#[test]
fn what_is_shared_counts_to_the_limit() {
    let (message, places) = common::shared_execute();
    let whole = encoded_placed(&(message.clone(), places.clone()));
    let size = whole.len() - 4 + 1_000_000;
    encode_placed(&message, &places, size, &mut BytesMut::new()).unwrap();
    assert!(decoded_placed::<ToWorker>(&mut whole.clone(), size).unwrap().is_some());

    let too_large = FrameError::TooLarge { size: size as u64, limit: size - 1 };
    let mut buffer = BytesMut::from(&b"before"[..]);
    assert_eq!(encode_placed(&message, &places, size - 1, &mut buffer), Err(too_large.clone()));
    assert_eq!(buffer, "before");
    assert_eq!(decoded_placed::<ToWorker>(&mut whole.clone(), size - 1).unwrap_err(), too_large);

    let endless = vec![Place::Returned { segment: 0, offset: 0, len: u64::MAX }; 2];
    let (message, _) = common::shared_result();
    let refused = encode_placed(&message, &endless, LIMIT, &mut BytesMut::new());
    assert!(matches!(refused, Err(FrameError::TooLarge { .. })), "{refused:?}");
}

#[test]
fn shared_memory_is_refused_where_it_was_not_agreed_on_or_makes_no_sense() {
    let whole = encoded_placed(&common::shared_result());
    let refused = error::<FromWorker>(&whole).to_string();
    assert!(refused.contains("not agreed"), "{refused}");
    let refused = decode_shared::<FromWorker>(&mut whole.clone(), LIMIT, |_| Err("no such segment".into()));
    assert!(refused.unwrap_err().to_string().contains("no such segment"));
}

#[test]
fn a_chunk_is_never_shared() {
    let payload = Payload::empty();
    let chunk = FromWorker::StreamChunk { job: JOB, attempt: 1, seq: 0, is_final: false, payload };
    let places = vec![Place::Shared { segment: 0, offset: 0, len: 0, new: None }];
    let mut whole = encoded_placed(&(chunk, places));
    let refused = decoded_placed::<FromWorker>(&mut whole, LIMIT).unwrap_err().to_string();
    assert!(refused.contains("a chunk must be in its frame"), "{refused}");
}
