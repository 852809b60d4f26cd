#![expect(clippy::unwrap_used, clippy::expect_used)]

use super::*;

/// The host's end, and the worker's.
fn pair() -> (Ring, Ring) {
    let (host, descriptor) = Ring::make().unwrap();
    let mut descriptors = Descriptors::new();
    descriptors.push(descriptor);
    (host, Ring::take_over(&mut descriptors).unwrap())
}

fn received(receiver: &mut RingReceiver) -> Option<Vec<u8>> {
    let mut buffer = BytesMut::new();
    receiver.receive(&mut buffer).unwrap().then(|| buffer.to_vec())
}

#[test]
fn frames_of_all_sizes_come_as_they_went_all_around_the_ring() {
    let (mut host, mut worker) = pair();
    for size in (0..RING_FRAME_BYTES).step_by(97).chain([RING_FRAME_BYTES]) {
        let frame: Vec<u8> = (0..size).map(|at| (at * 7 + size) as u8).collect();
        assert_eq!(host.sender.send(&frame), Taken::Yes);
        assert_eq!(received(&mut worker.receiver), Some(frame));
    }
    assert_eq!(received(&mut worker.receiver), None);
}

#[test]
fn what_is_too_large_or_finds_no_room_goes_the_other_way_and_keeps_its_place() {
    let (mut host, mut worker) = pair();
    assert_eq!(host.sender.send(&vec![1; RING_FRAME_BYTES + 1]), Taken::No);
    assert_eq!(host.sender.send(b"second"), Taken::Yes);
    assert_eq!(received(&mut worker.receiver), None, "the first is to come through the socket");
    assert!(!worker.receiver.has_next() && worker.receiver.rest());
    worker.receiver.wake();
    worker.receiver.skip();
    assert_eq!(received(&mut worker.receiver), Some(b"second".to_vec()));

    let mut sent = 0;
    while host.sender.send(&[2; RING_FRAME_BYTES]) == Taken::Yes {
        sent += 1;
    }
    assert_eq!(sent, 7);
    for _ in 0..sent {
        assert!(received(&mut worker.receiver).is_some());
    }
    assert_eq!(received(&mut worker.receiver), None);
    worker.receiver.skip();
    assert_eq!(host.sender.send(b"there is room again"), Taken::Yes);
    assert!(received(&mut worker.receiver).is_some());
}

#[test]
fn nothing_goes_to_who_sleeps() {
    let (mut host, mut worker) = pair();
    assert!(worker.receiver.rest());
    assert_eq!(host.sender.send(b"through the socket"), Taken::No);
    worker.receiver.skip();
    worker.receiver.wake();
    assert_eq!(host.sender.send(b"through the ring"), Taken::Yes);
    assert!(!worker.receiver.rest(), "something has come");
    assert_eq!(host.sender.send(b"through the socket"), Taken::No);
}

#[test]
fn the_host_sleeps_until_it_says_otherwise() {
    let (host, mut worker) = pair();
    assert_eq!(worker.sender.send(b"ready"), Taken::No);
    host.receiver.wake();
    assert_eq!(worker.sender.send(b"started"), Taken::Yes);
}

/// Of two who do it at the same time, one notices.
#[test]
fn a_frame_that_is_sent_while_its_receiver_falls_asleep_is_not_lost() {
    const ROUNDS: u64 = 200_000;
    let (mut host, mut worker) = pair();
    let expected = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let (wake, woken) = std::sync::mpsc::channel();
        let asked = &expected;
        scope.spawn(move || {
            for number in 0..ROUNDS {
                // Just when the receiver has nothing more to do, and falls asleep.
                while asked.load(Ordering::Relaxed) < number {
                    std::hint::spin_loop();
                }
                // The channel stands for the socket.
                match host.sender.send(&number.to_le_bytes()) {
                    Taken::Yes => {}
                    Taken::Wake => wake.send(None).unwrap(),
                    Taken::No => wake.send(Some(number)).unwrap(),
                }
            }
        });
        let mut through_socket = std::collections::VecDeque::new();
        let mut next = 0;
        while next < ROUNDS {
            through_socket.extend(woken.try_iter().flatten());
            if let Some(frame) = received(&mut worker.receiver) {
                assert_eq!(frame, next.to_le_bytes());
                next += 1;
            } else if let Some(number) = through_socket.pop_front() {
                assert_eq!(number, next);
                worker.receiver.skip();
                next += 1;
            } else {
                if worker.receiver.rest() {
                    let patience = std::time::Duration::from_secs(20);
                    let came = woken.recv_timeout(patience);
                    if came.is_err() {
                        // The other thread need not wait any more.
                        expected.store(ROUNDS, Ordering::Relaxed);
                    }
                    through_socket.extend(came.expect("a frame is lost, and nobody says so"));
                }
                worker.receiver.wake();
            }
            expected.store(next, Ordering::Relaxed);
        }
    });
}

#[test]
fn a_sender_that_lies_is_found_out() {
    for (word, value) in [(HEAD, DATA + 1), (HEAD, u64::MAX), (BEGIN + 1, u64::MAX), (BEGIN + 1, 4096)] {
        let (mut host, mut worker) = pair();
        host.receiver.wake();
        worker.sender.send(b"honest");
        worker.sender.word(word).store(value, Ordering::Relaxed);
        assert!(host.receiver.receive(&mut BytesMut::new()).is_err(), "word {word} with {value}");
    }
    let (mut host, worker) = pair();
    while host.sender.send(&[0; RING_FRAME_BYTES]) == Taken::Yes {}
    worker.receiver.word(TAIL).store(u64::MAX / 2, Ordering::Relaxed);
    assert_eq!(host.sender.send(&[0; RING_FRAME_BYTES]), Taken::No);
}
