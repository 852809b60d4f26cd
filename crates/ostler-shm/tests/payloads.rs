//! Payloads that go there and back.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{BOUND, MIB, is_shared, pair, pattern};
use ostler_shm::{MAX_DESCRIPTORS, SHARED_FROM};
use ostler_wire::{Payload, Place};

#[test]
fn parts_of_every_size_arrive_and_large_ones_are_not_in_the_frame() {
    let (host, mut worker) = pair();
    let page = 4096;
    for len in [0, 1, page, SHARED_FROM - 1, SHARED_FROM, SHARED_FROM + 1, SHARED_FROM + page, MIB, 3 * MIB] {
        let large = pattern(len.max(SHARED_FROM), 1);
        let sent = Payload::raw(large).attach("a", "b/c", pattern(len, 2)).attach("s", "", &b"small"[..]);
        let places = host.send(sent.clone());
        let shared: Vec<bool> = places.iter().map(|place| is_shared(*place)).collect();
        assert_eq!(shared, [true, len >= SHARED_FROM, false], "{len} bytes");
        assert_eq!(worker.payload(), sent, "{len} bytes");
    }
}

/// Red if a segment is used again while somebody has bytes in it.
#[test]
fn what_is_held_is_not_overwritten_and_what_is_let_go_is_used_again() {
    let (mut host, mut worker) = pair();
    let mut held = Vec::new();
    for round in 0..10 {
        host.send(Payload::raw(pattern(MIB, round)));
        let payload = worker.payload();
        if round % 2 == 0 {
            held.push((round, payload.body().slice(1000..2000)));
        }
        drop(payload);
        worker.send(Payload::empty());
        host.payload();
    }
    for (round, bytes) in &held {
        assert_eq!(bytes, &pattern(MIB, *round).slice(1000..2000), "round {round}");
    }
    assert_eq!(host.arena.made(), 6, "five are held, and one goes there and back");
}

#[test]
fn what_is_sent_again_is_held_until_it_is_let_go_as_often() {
    let (mut host, mut worker) = pair();
    let mut buffer = host.arena.buffer(MIB);
    buffer.copy_from_slice(&pattern(MIB, 1));
    let bytes = buffer.freeze();
    host.send(Payload::raw(bytes.clone()));
    let first = worker.payload();
    host.send(Payload::raw(bytes.slice(MIB / 2..)));
    let second = worker.payload();
    drop((bytes, first));
    worker.send(Payload::empty());
    host.payload();
    host.send(Payload::raw(pattern(MIB, 2)));
    assert_eq!(second.body(), &pattern(MIB, 1).slice(MIB / 2..), "one of two references was given back");
    assert_eq!(host.arena.made(), 2);
}

#[test]
fn an_echo_goes_back_where_it_came_from_and_makes_no_segment() {
    let (mut host, mut worker) = pair();
    for round in 0..100 {
        host.send(Payload::raw(pattern(MIB, round)).attach("a", "", pattern(2 * MIB, round)));
        let payload = worker.payload();
        let places = worker.send(payload);
        assert!(places.iter().all(|place| matches!(place, Place::Returned { .. })), "{places:?}");
        let back = host.payload();
        assert_eq!(back.body(), &pattern(MIB, round));
        assert_eq!(back.attachments()[0].bytes, pattern(2 * MIB, round));
    }
    assert_eq!((host.arena.made(), worker.arena.made()), (2, 0));
}

#[test]
fn a_thousand_payloads_of_all_sizes_stay_within_the_bound() {
    let (mut host, mut worker) = pair();
    let mut held = std::collections::VecDeque::new();
    let mut inline = 0;
    for round in 0..1000 {
        let len = SHARED_FROM + (round as usize * 7919 * 641) % (3 * MIB);
        let places = host.send(Payload::raw(pattern(4096, round)).attach("a", "", pattern(len, round)));
        inline += places.iter().filter(|place| place.len() > 4096 && place.is_inline()).count();
        held.push_back((round, len, worker.payload()));
        if held.len() > 4 {
            let (round, len, payload) = held.pop_front().unwrap();
            assert_eq!(payload.attachments()[0].bytes, pattern(len, round), "round {round}");
        }
        worker.send(Payload::empty());
        host.payload();
        assert!(host.arena.owned_bytes() <= BOUND, "{} bytes in round {round}", host.arena.owned_bytes());
    }
    assert!(inline < 100, "{inline} parts found no room");
}

#[test]
fn beyond_the_bound_parts_are_in_the_frame_until_others_are_let_go() {
    let (host, mut worker) = pair();
    let send = |host: &common::Side| host.send(Payload::raw(pattern(BOUND / 2, 1)));
    let held = [(); 2].map(|()| {
        assert!(is_shared(send(&host)[0]));
        worker.payload()
    });
    let mut payload = Payload::raw(pattern(BOUND / 2, 1));
    assert!(host.arena.place(&mut payload).places()[0].is_inline());
    assert_eq!(payload.len(), BOUND / 2, "what is in the frame is in the payload");
    drop(held);
    worker.send(Payload::empty());
    let mut host = host;
    host.payload();
    assert!(is_shared(send(&host)[0]));
}

#[test]
fn what_was_not_sent_is_free_again() {
    let (host, mut worker) = pair();
    for _ in 0..10 {
        let mut payload = Payload::raw(pattern(BOUND, 1));
        drop(host.arena.place(&mut payload));
    }
    let sent = Payload::raw(pattern(BOUND, 2));
    assert!(is_shared(host.send(sent.clone())[0]));
    assert_eq!(worker.payload(), sent);
}

#[test]
fn what_is_out_of_use_for_long_is_given_back() {
    let (mut host, mut worker) = pair();
    let mut round = |len| {
        host.send(Payload::raw(pattern(len, 1)));
        drop(worker.payload());
        worker.send(Payload::empty());
        host.payload();
        host.arena.owned_bytes()
    };
    assert_eq!(round(8 * MIB), 8 * MIB);
    let after: Vec<usize> = (0..100).map(|_| round(SHARED_FROM)).collect();
    assert_eq!(after[0], 8 * MIB + SHARED_FROM);
    assert_eq!(after[99], SHARED_FROM);
}

#[test]
fn a_buffer_is_sent_without_a_copy() {
    let (host, mut worker) = pair();
    let mut buffer = host.arena.buffer(MIB);
    assert!(buffer.is_shared());
    buffer.copy_from_slice(&pattern(MIB, 3));
    buffer.truncate(MIB - 1);
    let bytes = buffer.freeze();
    assert!(is_shared(host.send(Payload::raw(bytes.clone()))[0]));
    assert_eq!(worker.payload().body(), &bytes);
    assert_eq!(host.arena.made(), 1);
    assert!(!host.arena.buffer(SHARED_FROM - 1).is_shared());
}

/// Nothing is shared between workers.
#[test]
fn bytes_of_one_connection_are_copied_for_another() {
    let (host, mut worker) = pair();
    let (other_host, mut other_worker) = pair();
    let mut buffer = host.arena.buffer(MIB);
    buffer.copy_from_slice(&pattern(MIB, 1));
    let bytes = buffer.freeze();
    other_host.send(Payload::raw(bytes.clone()));
    assert_eq!(other_worker.payload().body(), &bytes);
    assert_eq!(other_host.arena.made(), 1, "it was copied");
    host.send(Payload::raw(bytes.clone()));
    let came = worker.payload();
    other_host.send(came.clone());
    assert_eq!(other_worker.payload().body(), &bytes);
    assert_eq!(other_host.arena.made() + host.arena.made(), 3);
}

#[test]
fn more_parts_than_descriptors_can_travel_arrive_as_well() {
    let (host, mut worker) = pair();
    let mut sent = Payload::empty();
    for seed in 0..MAX_DESCRIPTORS as u64 + 1 {
        sent = sent.attach("a", "", pattern(SHARED_FROM, seed));
    }
    let mut payload = sent.clone();
    let placement = host.arena.place(&mut payload);
    assert_eq!(placement.places().iter().filter(|place| is_shared(**place)).count(), MAX_DESCRIPTORS);
    drop((placement, payload));
    let mut fewer = sent;
    fewer.take_attachments().truncate(MAX_DESCRIPTORS);
    host.send(fewer.clone());
    assert_eq!(worker.payload(), fewer);
}

#[test]
fn a_closed_arena_shares_nothing() {
    let (host, _) = pair();
    for bound in [0, SHARED_FROM - 1] {
        host.arena.open(bound);
        assert!(host.arena.place(&mut Payload::raw(pattern(MIB, 1))).places().is_empty());
        assert!(!host.arena.buffer(MIB).is_shared());
    }
}

#[test]
fn buffers_that_are_held_count_to_the_bound() {
    let (host, _) = pair();
    let held = [(); 2].map(|()| host.arena.buffer(BOUND / 2));
    assert!(held.iter().all(ostler_shm::SharedBuffer::is_shared));
    let frozen = held.map(ostler_shm::SharedBuffer::freeze);
    assert!(!host.arena.buffer(BOUND / 2).is_shared());
    drop(frozen);
    assert!(host.arena.buffer(BOUND / 2).is_shared());
    assert_eq!(host.arena.made(), 2);
}

/// Red if an answer about the worker's state, which goes out while the rest of a result is copied, tells that the host's
/// memory is let go to which the result refers.
#[test]
fn what_a_payload_refers_to_is_given_back_behind_it() {
    let (host, mut worker) = pair();
    host.send(Payload::raw(pattern(MIB, 1)));
    let mut payload = worker.payload();
    let placement = worker.arena.place(&mut payload);
    assert!(matches!(placement.places()[0], Place::Returned { segment: 0, .. }));
    drop(payload);
    assert_eq!(worker.arena.news(), None, "it would overtake");
    assert!(placement.sent().is_empty());
    assert_eq!(worker.arena.news().unwrap().released, [0]);
}

/// And if the payload is not sent in the end, it is given back all the same.
#[test]
fn what_is_not_sent_is_given_back_as_well() {
    let (host, mut worker) = pair();
    host.send(Payload::raw(pattern(MIB, 1)));
    let mut payload = worker.payload();
    drop(worker.arena.place(&mut payload));
    assert_eq!(worker.arena.news().unwrap().released, [0]);
}

#[test]
fn a_segment_whose_first_payload_was_not_sent_goes_with_the_next() {
    let (host, mut worker) = pair();
    let mut buffer = host.arena.buffer(MIB);
    buffer.copy_from_slice(&pattern(MIB, 1));
    let bytes = buffer.freeze();
    drop(host.arena.place(&mut Payload::raw(bytes.clone())));
    assert!(matches!(host.send(Payload::raw(bytes.clone()))[0], Place::Shared { new: Some(_), .. }));
    assert_eq!(worker.payload().body(), &bytes);
    assert_eq!(host.arena.made(), 1, "it is the same memory");
}

/// Red if two threads can send one buffer, and the descriptor goes with the later frame.
#[test]
fn a_segment_is_named_by_one_payload_until_that_is_sent() {
    let (host, mut worker) = pair();
    let mut buffer = host.arena.buffer(MIB);
    buffer.copy_from_slice(&pattern(MIB, 1));
    let bytes = buffer.freeze();
    let mut first = Payload::raw(bytes.clone());
    let placement = host.arena.place(&mut first);
    host.send(Payload::raw(bytes.clone()));
    assert_eq!(worker.payload().body(), &bytes);
    let places = placement.places().to_vec();
    host.send_raw(first, &places, placement.sent());
    assert_eq!(worker.payload().body(), &bytes);
}

#[test]
fn news_of_many_segments_fit_into_small_frames() {
    let (host, mut worker) = pair();
    let bytes = host.arena.buffer(SHARED_FROM).freeze();
    let held: Vec<_> = (0..1000)
        .map(|_| {
            host.send(Payload::raw(bytes.clone()));
            worker.payload()
        })
        .collect();
    drop(held);
    let mut told = 0;
    while let Some(news) = worker.arena.news() {
        let mut frame = bytes::BytesMut::new();
        let message = ostler_wire::FromWorker::Segments(news.clone());
        ostler_wire::frame::encode(&message, 4096, &mut frame).unwrap();
        told += news.released.len();
    }
    assert_eq!(told, 1000);
}
