//! What is left in the process: one test, since it looks at all of the process.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::fs;

use common::{MIB, pair, pattern};
use ostler_wire::Payload;

/// The segments that are mapped, and the descriptors that are open, in this process.
fn left() -> (usize, usize) {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    (maps.matches("memfd:ostler").count(), fs::read_dir("/proc/self/fd").unwrap().count())
}

#[test]
fn only_what_is_held_outlives_a_connection() {
    let before = left();
    let (mut host, mut worker) = pair();
    let sockets = left().1;
    host.send(Payload::raw(pattern(MIB, 1)));
    let request = worker.payload();
    worker.send(Payload::raw(pattern(2 * MIB, 2)));
    let result = host.payload();
    let buffer = host.arena.buffer(MIB);
    assert_eq!(left().0, before.0 + 5, "two on both sides, and the buffer");
    assert_eq!(left().1, sockets + 1, "descriptors are closed once they have arrived: one is to be sent");

    drop((host, worker));
    assert_eq!(left(), (before.0 + 3, before.1), "request, result and buffer are held");
    assert_eq!(request.body(), &pattern(MIB, 1));
    assert_eq!(result.body(), &pattern(2 * MIB, 2));
    drop((request, result));
    drop(buffer.freeze());
    assert_eq!(left(), before);
}
