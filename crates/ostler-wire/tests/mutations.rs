//! Hundreds of thousands of damaged frames, always the same ones: whatever comes, the decoder answers.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use bytes::BytesMut;
use common::{decoded_placed, encoded, encoded_placed};
use ostler_wire::{FromWorker, HELLO_MAX_BYTES, Message, Place, ToWorker, decode_hello, finish};

const ROUNDS: usize = 300_000;

/// xorshift64*: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound.max(1)
    }
}

fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.next() as u8),
            2 => bytes.extend_from_within(at..),
            3 if at + 8 <= bytes.len() => {
                let interesting = [0, 1, 255, 1 << 31, u64::from(u32::MAX), 1 << 40, u64::MAX];
                bytes[at..at + 8]
                    .copy_from_slice(&interesting[random.below(interesting.len())].to_le_bytes());
            }
            _ if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            _ => bytes.push(random.next() as u8),
        }
    }
}

/// Makes the outer lengths right again, so that the damage gets past them.
fn repair_lengths(bytes: &mut [u8], envelope_len: usize) {
    if bytes.len() >= 8 {
        let size = bytes.len() - 4;
        bytes[..4].copy_from_slice(&(size as u32).to_le_bytes());
        bytes[4..8].copy_from_slice(&(envelope_len.min(size - 4) as u32).to_le_bytes());
    }
}

/// Decodes until an error or until more is needed; what was accepted must be encodable again.
fn exhaust<M: Message + PartialEq + std::fmt::Debug>(bytes: &[u8], accepted: &mut usize) {
    let mut buffer = BytesMut::from(bytes);
    while let Ok(Some((message, places))) = decoded_placed::<M>(&mut buffer, 1 << 20) {
        if places.iter().any(|place: &Place| !place.is_inline()) {
            // Which part is where is not told: that it is read is all.
            *accepted += 1;
            continue;
        }
        let (again, _) = decoded_placed::<M>(&mut encoded(&message), 1 << 20).unwrap().unwrap();
        // Compared as text, since NaN is not equal to itself.
        assert_eq!(format!("{again:?}"), format!("{message:?}"));
        *accepted += 1;
    }
    let _ = finish(&buffer);
}

#[test]
fn no_damage_makes_the_decoder_panic() {
    let mut seeds: Vec<BytesMut> = common::to_worker().iter().map(|(_, message)| encoded(message)).collect();
    seeds.extend(common::from_worker().iter().map(|(_, message)| encoded(message)));
    seeds.push(encoded_placed(&common::shared_execute()));
    seeds.push(encoded_placed(&common::shared_result()));
    let mut random = Random(0x05_71_e4);
    let mut accepted = 0;
    for _ in 0..ROUNDS {
        let mut bytes = seeds[random.below(seeds.len())].to_vec();
        let envelope_len = u32::from_le_bytes(*bytes[4..].first_chunk().unwrap()) as usize;
        damage(&mut bytes, &mut random);
        if random.below(2) == 0 {
            repair_lengths(&mut bytes, envelope_len);
        }
        exhaust::<ToWorker>(&bytes, &mut accepted);
        exhaust::<FromWorker>(&bytes, &mut accepted);
        let _ = decode_hello(&mut BytesMut::from(&bytes[..]), HELLO_MAX_BYTES);
    }
    // If nearly nothing were accepted, the damage would never get past the outer lengths.
    assert!(accepted > ROUNDS / 20, "only {accepted} of {ROUNDS} were accepted");
}
