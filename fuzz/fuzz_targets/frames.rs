//! Whatever bytes come, the decoders answer: no panic, and no more memory than the limit allows. What they
//! accept is encoded to the same bytes again.
//!
//! `cargo +nightly fuzz run frames` runs it; the golden files of `ostler-wire` make a good first corpus.
#![no_main]

mod meter;

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use meter::Meter;
use ostler_wire::{FromWorker, HELLO_MAX_BYTES, Message, ToWorker, decode_hello, decode_shared, encode, finish};

#[global_allocator]
static METER: Meter = Meter::new();

/// Small enough that a fuzzer gets over it.
const LIMIT: usize = 64 * 1024;

/// What a decoder may allocate. An empty attachment is 24 bytes in a frame and six times that in memory, and
/// serde reserves up to 1 MiB for the elements that a list announces, one list within another.
const MEMORY: usize = 8 * LIMIT + 4 * 1024 * 1024;

fuzz_target!(|bytes: &[u8]| {
    check::<ToWorker>(bytes);
    check::<FromWorker>(bytes);
    let mut buffer = BytesMut::from(bytes);
    let before = METER.restart();
    let _ = decode_hello(&mut buffer, HELLO_MAX_BYTES);
    assert!(METER.peak() - before <= MEMORY, "a hello took {} bytes", METER.peak() - before);
});

fn check<M: Message>(bytes: &[u8]) {
    let mut buffer = BytesMut::from(bytes);
    loop {
        let at = bytes.len() - buffer.len();
        let before = METER.restart();
        let mut shared = false;
        let outcome = decode_shared::<M>(&mut buffer, LIMIT, |_| {
            shared = true;
            Ok(Bytes::new())
        });
        let taken = METER.peak() - before;
        assert!(taken <= MEMORY, "{} bytes of input took {taken} bytes of memory", bytes.len());
        let Ok(Some(message)) = outcome else { break };
        if shared {
            // Which of its parts was elsewhere is not told.
            continue;
        }

        let mut again = BytesMut::new();
        let encoded = encode(&message, LIMIT, &mut again);
        assert_eq!(encoded, Ok(()), "a {} message that was decoded cannot be encoded", M::NAME);
        let frame = &bytes[at..bytes.len() - buffer.len()];
        assert_eq!(again, frame, "a {} message is encoded in another way than it came", M::NAME);
    }
    let _ = finish(&buffer);
}
