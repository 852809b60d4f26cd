//! Small images whose metadata, or whose inner frames, want a lot of memory. Each is decoded in a process of its own,
//! whose peak is measured.
#![allow(clippy::unwrap_used, reason = "a test")]
#![expect(clippy::print_stdout, reason = "what an image takes is told")]

mod common;

use std::io::Write;

use common::child::{part, peak_memory, run_again};
use common::pictures::{encoded, gradient};
use common::{Scratch, json, run};
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use image::ImageFormat;
use serde_json::json;

const MIB: usize = 1 << 20;
/// What an image of 10 x 10 pixels may take on top of its file, in KiB.
const MOST: u64 = 50 * 1024;

/// Zeros, compressed.
fn zeros(bytes: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let block = vec![0; MIB];
    for _ in 0..bytes / MIB {
        encoder.write_all(&block).unwrap();
    }
    encoder.finish().unwrap()
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A PNG of 10 x 10 pixels with that chunk behind its header.
fn png(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = u32::try_from(data.len()).unwrap().to_be_bytes().to_vec();
    let body = [kind, data].concat();
    chunk.extend_from_slice(&body);
    chunk.extend_from_slice(&checksum(&body).to_be_bytes());
    let mut bytes = encoded(&gradient(10, 10), ImageFormat::Png);
    bytes.splice(33..33, chunk);
    bytes
}

/// A JPEG with that many segments of 64 KiB before its picture, each of the kind with the prefix.
fn jpeg(marker: u8, prefix: &[u8], segments: usize) -> Vec<u8> {
    let picture = encoded(&gradient(10, 10), ImageFormat::Jpeg);
    let mut bytes = picture[..2].to_vec();
    for _ in 0..segments {
        bytes.extend_from_slice(&[0xFF, marker, 0xFF, 0xFF]);
        bytes.extend_from_slice(prefix);
        bytes.resize(bytes.len() + 0xFFFF - 2 - prefix.len(), 0);
    }
    bytes.extend_from_slice(&picture[2..]);
    bytes
}

fn webp_chunk(kind: &[u8; 4], length: usize, data: &[u8]) -> Vec<u8> {
    [kind, &u32::try_from(length).unwrap().to_le_bytes()[..], data].concat()
}

/// An extended WebP with a canvas of 10 x 10 pixels.
fn webp(flags: u8, chunks: &[Vec<u8>]) -> Vec<u8> {
    let header = webp_chunk(b"VP8X", 10, &[flags, 0, 0, 0, 9, 0, 0, 9, 0, 0]);
    let body = [b"WEBP".to_vec(), header, chunks.concat()].concat();
    webp_chunk(b"RIFF", body.len(), &body)
}

/// The chunk VP8L of a picture of 10 x 10 pixels.
fn lossless() -> Vec<u8> {
    encoded(&gradient(10, 10), ImageFormat::WebP)[12..].to_vec()
}

/// A lossy frame that says it has 16383 x 16383 pixels. Its data are so many zeros.
fn lossy(zeros: usize) -> Vec<u8> {
    // A key frame that is shown, with a first partition of 64 KiB.
    let tag = (1_u32 << 4 | 0xFFFF << 5).to_le_bytes();
    let mut data = vec![tag[0], tag[1], tag[2], 0x9D, 0x01, 0x2A, 0xFF, 0x3F, 0xFF, 0x3F];
    data.resize(data.len() + zeros, 0);
    webp_chunk(b"VP8 ", data.len(), &data)
}

fn animated(frame: &[u8]) -> Vec<u8> {
    let place = [0, 0, 0, 0, 0, 0, 9, 0, 0, 9, 0, 0, 100, 0, 0, 0];
    let body = [&place, frame].concat();
    let chunks = [webp_chunk(b"ANIM", 6, &[0; 6]), webp_chunk(b"ANMF", body.len(), &body)];
    webp(0b0000_0010, &chunks)
}

/// A GIF with a screen of 10 x 10 pixels, whose only frame says it has 10000 x 10000.
fn gif() -> Vec<u8> {
    let mut bytes = encoded(&gradient(10, 10), ImageFormat::Gif);
    let frame = bytes.iter().position(|byte| *byte == b',').unwrap();
    for at in [frame + 5, frame + 7] {
        bytes[at..at + 2].copy_from_slice(&10_000_u16.to_le_bytes());
    }
    bytes
}

/// A GIF with an application extension of that many bytes.
fn gif_extension(name: &[u8; 11], length: usize) -> Vec<u8> {
    let mut extension = [&[0x21, 0xFF, 11], &name[..]].concat();
    for _ in 0..length / 255 {
        extension.push(255);
        extension.resize(extension.len() + 255, 1);
    }
    extension.push(0);
    let mut bytes = encoded(&gradient(10, 10), ImageFormat::Gif);
    let palette = 3 * (2 << (bytes[10] & 7)) * usize::from(bytes[10] >> 7);
    bytes.splice(13 + palette..13 + palette, extension);
    bytes
}

fn image(name: &str) -> Vec<u8> {
    let keyed = |key: &[u8], data: Vec<u8>| [key, &data].concat();
    match name {
        "png iCCP" => png(b"iCCP", &keyed(b"p\0\0", zeros(128 * MIB))),
        "png zTXt" => png(b"zTXt", &keyed(b"k\0\0", zeros(128 * MIB))),
        "png iTXt" => png(b"iTXt", &keyed(b"XML:com.adobe.xmp\0\x01\0\0\0", zeros(128 * MIB))),
        "png tEXt" => png(b"tEXt", &keyed(b"k\0", vec![b'a'; 60 * MIB])),
        "png eXIf" => png(b"eXIf", &vec![b'M'; 60 * MIB]),
        "jpeg ICC" => jpeg(0xE2, b"ICC_PROFILE\0\x01\x01", 960),
        "jpeg XMP" => jpeg(0xE1, b"http://ns.adobe.com/xmp/extension/\0", 960),
        "webp EXIF" => webp(0b0000_1000, &[lossless(), webp_chunk(b"EXIF", 60 * MIB, &vec![1; 60 * MIB])]),
        "webp EXIF that is not there" => {
            webp(0b0000_1000, &[lossless(), webp_chunk(b"EXIF", 4000 * MIB, b"MM")])
        }
        "webp frame larger than its canvas" => webp(0, &[lossy(64 * MIB)]),
        "webp animation frame larger than its place" => animated(&lossy(64 * MIB)),
        "gif frame larger than its screen" => gif(),
        "gif ICC" => gif_extension(b"ICCRGBG1012", 60 * MIB),
        "gif XMP" => gif_extension(b"XMP DataXMP", 60 * MIB),
        other => panic!("no image {other}"),
    }
}

/// What became of the image: the answer or the error, and what decoding took beyond its file, in KiB.
#[track_caller]
fn decode(test: &str, name: &str, limits: &str) -> (String, u64) {
    let scratch = Scratch::new();
    let path = scratch.file("image", image(name));
    let output = run_again(test, path.to_str().unwrap(), limits);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = said.lines().find_map(|line| line.split_once("told: "));
    let Some((_, told)) = told else { panic!("{name}: {output:?}") };
    let (taken, outcome) = told.split_once(' ').unwrap();
    (outcome.to_owned(), taken.parse().unwrap())
}

/// In the child: decodes the image.
fn child(path: &str) {
    let length = std::fs::metadata(path).unwrap().len() / 1024;
    // What the test harness has of its own.
    let before = peak_memory();
    let outcome = match run("thumbnail", json(&json!({ "path": path, "width": 4 }))) {
        Ok(_) => "a thumbnail".to_owned(),
        Err(error) => format!("{:?} {error}", error.category()),
    };
    println!("\ntold: {} {outcome}", peak_memory().saturating_sub(before + length));
}

/// A file is read whole, and its reader may hold it once more while it grows.
#[test]
fn metadata_and_frames_of_a_small_image_take_little_memory() {
    if let Some(path) = part() {
        return child(&path);
    }
    let mut failed = Vec::new();
    for (name, expected) in [
        ("png iCCP", "a thumbnail"),
        ("png zTXt", "a thumbnail"),
        ("png iTXt", "a thumbnail"),
        ("png tEXt", "16 MiB of metadata"),
        ("png eXIf", "16 MiB of metadata"),
        ("jpeg ICC", "16 MiB of metadata"),
        ("jpeg XMP", "16 MiB of metadata"),
        ("webp EXIF", "16 MiB of metadata"),
        ("webp EXIF that is not there", "cut off"),
        ("webp frame larger than its canvas", "larger than its canvas"),
        ("webp animation frame larger than its place", "larger than its canvas"),
        ("gif frame larger than its screen", "larger than its canvas"),
        ("gif ICC", "Input"),
        ("gif XMP", "Input"),
    ] {
        let test = "metadata_and_frames_of_a_small_image_take_little_memory";
        let (outcome, taken) = decode(test, name, "");
        println!("{name}: {} MiB beyond the file, {outcome}", taken / 1024);
        if taken > MOST || !outcome.contains(expected) {
            failed.push(format!("{name}: {} MiB beyond the file, {outcome}", taken / 1024));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Memory that is only announced does not count, but with a limit of address space it kills all the same.
#[test]
fn metadata_that_are_only_announced_take_no_address_space() {
    if let Some(path) = part() {
        return child(&path);
    }
    let test = "metadata_that_are_only_announced_take_no_address_space";
    let (outcome, _) = decode(test, "webp EXIF that is not there", "-v 1000000");
    assert!(outcome.contains("cut off"), "{outcome}");
}

/// Profiles and texts of ordinary size are no reason to refuse an image.
#[test]
fn ordinary_metadata_are_left_out() {
    for bytes in [
        png(b"iCCP", &[b"p\0\0", &zeros(4 * MIB)[..]].concat()),
        png(b"tEXt", &[b"k\0", &vec![b'a'; 4 * MIB][..]].concat()),
        jpeg(0xE2, b"ICC_PROFILE\0\x01\x01", 64),
        webp(0b0000_1000, &[lossless(), webp_chunk(b"EXIF", 4 * MIB, &vec![1; 4 * MIB])]),
        animated(&lossless()),
        gif_extension(b"ICCRGBG1012", 4 * MIB),
    ] {
        let request = json(&json!({"width": 4})).attach("image", "image/any", bytes);
        run("thumbnail", request).unwrap();
    }
}
