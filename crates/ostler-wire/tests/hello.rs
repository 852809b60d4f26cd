//! The first frame of a connection: what is not ours is told apart before anything else.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use bytes::BytesMut;
use common::encoded;
use ostler_wire::{
    FrameError, FromWorker, HELLO_MAX_BYTES, Hello, HelloError, PROTOCOL_VERSION, decode_hello,
};

fn hello(protocol: u32) -> Hello {
    Hello { protocol, pid: 1, token: [9; 16], features: 0 }
}

#[test]
fn a_hello_is_read_once_it_is_whole() {
    let whole = encoded(&FromWorker::Hello(hello(PROTOCOL_VERSION)));
    let mut buffer = BytesMut::new();
    for byte in &whole[..whole.len() - 1] {
        buffer.extend_from_slice(&[*byte]);
        assert_eq!(decode_hello(&mut buffer, HELLO_MAX_BYTES), Ok(None));
    }
    buffer.extend_from_slice(&whole[whole.len() - 1..]);
    assert_eq!(decode_hello(&mut buffer, HELLO_MAX_BYTES), Ok(Some(hello(PROTOCOL_VERSION))));
    assert!(buffer.is_empty());
}

#[test]
fn a_foreign_version_is_named_whatever_comes_behind_it() {
    let error = HelloError::WrongVersion { ours: PROTOCOL_VERSION, theirs: 4 };
    let message = error.to_string();
    assert!(message.contains("version 4") && message.contains("speaks 3"), "{message}");

    let expected = Err(error);
    let whole = encoded(&FromWorker::Hello(hello(4)));
    assert_eq!(decode_hello(&mut BytesMut::from(&whole[..16]), HELLO_MAX_BYTES), expected);

    // Even if that version has a Hello that is over our limit and has another layout.
    let mut longer = whole.clone();
    longer[..4].copy_from_slice(&1_000_000_u32.to_le_bytes());
    longer[4..8].copy_from_slice(&3_u32.to_le_bytes());
    assert_eq!(decode_hello(&mut longer, HELLO_MAX_BYTES), expected);
}

#[test]
fn something_else_is_not_a_hello() {
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"SSH-2.0-OpenSSH_9.9\r\n", &[0; 40], &[3, 0, 0, 0]] {
        let outcome = decode_hello(&mut BytesMut::from(bytes), HELLO_MAX_BYTES);
        assert_eq!(outcome, Err(HelloError::NotHello), "{bytes:?}");
    }
    let pong = encoded(&FromWorker::Pong { request: 1 });
    assert_eq!(decode_hello(&mut pong.clone(), HELLO_MAX_BYTES), Err(HelloError::NotHello));
}

#[test]
fn a_hello_of_our_version_over_the_limit_is_refused() {
    let mut whole = encoded(&FromWorker::Hello(hello(PROTOCOL_VERSION)));
    whole[..4].copy_from_slice(&5000_u32.to_le_bytes());
    let expected = HelloError::Frame(FrameError::TooLarge { size: 5000, limit: HELLO_MAX_BYTES });
    assert_eq!(decode_hello(&mut whole, HELLO_MAX_BYTES), Err(expected));
}
