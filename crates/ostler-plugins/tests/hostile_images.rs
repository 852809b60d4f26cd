//! Images that mean no good: each costs its own job, and an error that says what is wrong.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::fs::File;

use common::pictures::{FORMATS, bomb, encoded, gradient};
use common::{Scratch, assert_says, input_error, json, run};
use image::ImageFormat;
use ostler_worker::{Category, Payload};
use serde_json::json;

fn attached(bytes: &[u8]) -> Payload {
    json(&json!({"width": 4})).attach("image", "image/any", bytes.to_vec())
}

#[test]
fn an_image_cut_off_anywhere_is_an_input_error() {
    for (format, name) in FORMATS {
        let whole = encoded(&gradient(64, 48), format);
        for share in [3, 10, 25, 50, 75, 90, 97] {
            let message = input_error("thumbnail", attached(&whole[..whole.len() * share / 100]));
            assert_says(&message, &["attachment `image`: "]);
            // A few bytes may not be enough to tell the format.
            assert!(message.contains(name) || share == 3, "{name} cut to {share} %: {message}");
        }
    }
}

#[test]
fn a_small_file_that_announces_a_huge_image_is_an_input_error() {
    for (format, name) in FORMATS {
        // The last two would not need much memory.
        for (width, height) in [(60_000, 60_000), (60_000, 8), (8, 60_000)] {
            let bytes = bomb(format, width, height);
            assert!(bytes.len() < 2000);
            let message = input_error("thumbnail", attached(&bytes));
            assert_says(&message, &[name, &format!("{width} x {height}"), "at most 32768 a side"]);
        }
    }
}

#[test]
fn an_image_within_the_sides_that_needs_too_much_memory_is_an_input_error() {
    for (format, name) in FORMATS {
        let message = input_error("thumbnail", attached(&bomb(format, 16_000, 16_000)));
        assert_says(&message, &[name, "16000 x 16000", "512 MiB"]);
    }
}

#[test]
fn a_gif_frame_larger_than_its_screen_is_an_input_error() {
    let mut bytes = encoded(&gradient(8, 8), ImageFormat::Gif);
    // The frame's descriptor: a comma, then left, top, width and height.
    let frame = bytes.iter().position(|byte| *byte == b',').unwrap();
    for at in [frame + 5, frame + 7] {
        bytes[at..at + 2].copy_from_slice(&60_000_u16.to_le_bytes());
    }
    assert_says(&input_error("thumbnail", attached(&bytes)), &["gif"]);
}

#[test]
fn what_is_not_an_image_is_an_input_error_that_names_the_formats_and_the_file() {
    let scratch = Scratch::new();
    for (name, bytes) in
        [("text.png", &b"hello, I am a picture"[..]), ("empty.jpg", b""), ("bitmap.gif", b"BM6\0\0\0")]
    {
        let path = scratch.file(name, bytes);
        let message = input_error("thumbnail", json(&json!({"path": path})));
        assert_says(&message, &[path.to_str().unwrap(), "not a PNG, JPEG, GIF or WebP image"]);
    }
}

#[test]
fn an_endless_file_is_read_up_to_a_limit_only() {
    let message = input_error("thumbnail", json(&json!({"path": "/dev/zero"})));
    assert_says(&message, &["`/dev/zero`: ", "larger than 256 MiB"]);
    let scratch = Scratch::new();
    let path = scratch.file("sparse", "");
    File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    let message = input_error("thumbnail", json(&json!({"path": path})));
    assert_says(&message, &[path.to_str().unwrap(), "larger than 256 MiB"]);
}

#[test]
fn nothing_is_written_for_an_image_that_is_broken() {
    let scratch = Scratch::new();
    let path = scratch.file("in", &encoded(&gradient(64, 48), ImageFormat::Png)[..200]);
    input_error("thumbnail", json(&json!({"path": path, "output": scratch.path("out.png")})));
    assert_eq!(scratch.names(), ["in"]);
}

#[test]
fn flipped_bytes_give_an_image_or_an_input_error() {
    // A fixed walk through a few thousand mutants; a panic would end it.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for (format, name) in FORMATS {
        let whole = encoded(&gradient(9, 7), format);
        for _ in 0..500 {
            let mut mutant = whole.clone();
            for _ in 0..=random(3) {
                let at = random(mutant.len());
                mutant[at] = u8::try_from(random(256)).unwrap();
            }
            if let Err(error) = run("thumbnail", attached(&mutant)) {
                assert_eq!(error.category(), Category::Input, "{name} {mutant:?}: {error}");
            }
        }
    }
}
