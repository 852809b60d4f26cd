//! The first frame of a connection: what is not ours is told apart before anything else.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use bytes::BytesMut;
use common::encoded;
use ostler_wire::{
    FrameError, FromWorker, HELLO_MAX_BYTES, Hello, HelloError, PROTOCOL, ProtocolRange, decode_hello,
};

fn hello(protocol: ProtocolRange) -> Hello {
    Hello { protocol, pid: 1, token: [9; 16], features: 0 }
}

#[test]
fn a_hello_is_read_once_it_is_whole() {
    let whole = encoded(&FromWorker::Hello(hello(PROTOCOL)));
    let mut buffer = BytesMut::new();
    for byte in &whole[..whole.len() - 1] {
        buffer.extend_from_slice(&[*byte]);
        assert_eq!(decode_hello(&mut buffer, HELLO_MAX_BYTES), Ok(None));
    }
    buffer.extend_from_slice(&whole[whole.len() - 1..]);
    assert_eq!(decode_hello(&mut buffer, HELLO_MAX_BYTES), Ok(Some((hello(PROTOCOL), PROTOCOL.highest))));
    assert!(buffer.is_empty());
}

#[test]
fn foreign_versions_are_named_whatever_comes_behind_them() {
    let theirs = ProtocolRange { lowest: 7, highest: 9 };
    let error = HelloError::NoCommonVersion { ours: PROTOCOL, theirs };
    let message = error.to_string();
    assert!(message.contains("versions 7 to 9 of the protocol, this host version 4:"), "{message}");

    let expected = Err(error);
    let whole = encoded(&FromWorker::Hello(hello(theirs)));
    assert_eq!(decode_hello(&mut BytesMut::from(&whole[..19]), HELLO_MAX_BYTES), Ok(None));
    assert_eq!(decode_hello(&mut BytesMut::from(&whole[..20]), HELLO_MAX_BYTES), expected);

    // Even if those versions have a Hello that is over our limit and has another layout.
    let mut longer = whole.clone();
    longer[..4].copy_from_slice(&1_000_000_u32.to_le_bytes());
    longer[4..8].copy_from_slice(&3_u32.to_le_bytes());
    assert_eq!(decode_hello(&mut longer, HELLO_MAX_BYTES), expected);

    let upside_down = ProtocolRange { lowest: 9, highest: 4 };
    let mut whole = encoded(&FromWorker::Hello(hello(upside_down)));
    assert!(matches!(decode_hello(&mut whole, HELLO_MAX_BYTES), Err(HelloError::NoCommonVersion { .. })));
}

#[test]
fn a_worker_from_before_there_were_ranges_speaks_one_version() {
    // Lengths, tag, version; what stands behind them is its process id.
    let numbers = [36_u32, 32, 0, 3, 4711];
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let theirs = ProtocolRange { lowest: 3, highest: 3 };
    let expected = Err(HelloError::NoCommonVersion { ours: PROTOCOL, theirs });
    for count in [16, 20] {
        assert_eq!(decode_hello(&mut BytesMut::from(&bytes[..count]), HELLO_MAX_BYTES), expected);
    }
}

#[test]
fn the_highest_version_that_both_speak_is_used() {
    let later = ProtocolRange { lowest: PROTOCOL.lowest, highest: PROTOCOL.highest + 5 };
    let mut whole = encoded(&FromWorker::Hello(hello(later)));
    assert_eq!(decode_hello(&mut whole, HELLO_MAX_BYTES), Ok(Some((hello(later), PROTOCOL.highest))));
}

#[test]
fn something_else_is_not_a_hello() {
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"SSH-2.0-OpenSSH_9.9\r\n", &[0; 40], &[3, 0, 0, 0]] {
        let outcome = decode_hello(&mut BytesMut::from(bytes), HELLO_MAX_BYTES);
        assert_eq!(outcome, Err(HelloError::NotHello), "{bytes:?}");
    }
    // It ends behind its first version, and more comes.
    let short: Vec<u8> = [12_u32, 8, 0, 4, 4711].iter().flat_map(|number| number.to_le_bytes()).collect();
    assert_eq!(decode_hello(&mut BytesMut::from(&short[..]), HELLO_MAX_BYTES), Err(HelloError::NotHello));
    let pong = encoded(&FromWorker::Pong { request: 1 });
    assert_eq!(decode_hello(&mut pong.clone(), HELLO_MAX_BYTES), Err(HelloError::NotHello));
}

#[test]
fn a_hello_of_our_version_over_the_limit_is_refused() {
    let mut whole = encoded(&FromWorker::Hello(hello(PROTOCOL)));
    whole[..4].copy_from_slice(&5000_u32.to_le_bytes());
    let expected = HelloError::Frame(FrameError::TooLarge { size: 5000, limit: HELLO_MAX_BYTES });
    assert_eq!(decode_hello(&mut whole, HELLO_MAX_BYTES), Err(expected));
}
