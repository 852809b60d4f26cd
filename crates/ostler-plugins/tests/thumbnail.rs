//! `thumbnail`: formats, sizes, quality and output.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::os::unix::fs::{MetadataExt, symlink};

use common::pictures::{FORMATS, encoded, gradient, held};
use common::{Scratch, assert_says, input_error, json, run};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgba, RgbaImage};
use ostler_plugins::{Thumbnail, ThumbnailRequest, ThumbnailResponse};
use ostler_worker::{Encoding, Payload};
use serde_json::{Value, json};

/// Runs a request on attached bytes.
fn shrink(bytes: Vec<u8>, request: &Value) -> (ThumbnailResponse, DynamicImage) {
    let request = json(request).attach(Thumbnail::ATTACHMENT, "image/any", bytes);
    let response = run("thumbnail", request).unwrap();
    let png = response.attachment(Thumbnail::RESULT).unwrap();
    assert_eq!(png.media_type, "image/png");
    let image = image::load_from_memory_with_format(&png.bytes, ImageFormat::Png).unwrap();
    let answer: ThumbnailResponse = response.decode().unwrap();
    assert_eq!((answer.width, answer.height), (image.width(), image.height()));
    assert_eq!((answer.bytes, &answer.output), (png.bytes.len() as u64, &None));
    (answer, image)
}

fn shrink_png(image: &DynamicImage, request: &Value) -> DynamicImage {
    shrink(encoded(image, ImageFormat::Png), request).1
}

const BROWN: [u8; 4] = [200, 100, 50, 255];

/// Whether two colours are about the same.
fn assert_near(found: &[u8], expected: &[u8], tolerance: u8) {
    let near = found.iter().zip(expected).all(|(one, other)| one.abs_diff(*other) <= tolerance);
    assert!(near, "{found:?} is not about {expected:?}");
}

#[test]
fn all_four_formats_are_read_from_files_and_attachments() {
    let scratch = Scratch::new();
    for (format, name) in FORMATS {
        let bytes = encoded(&gradient(120, 80), format);
        let (answer, image) = shrink(bytes.clone(), &json!({"width": 30}));
        assert_eq!((answer.source_width, answer.source_height), (120, 80));
        assert_eq!((answer.width, answer.height, answer.format.as_str()), (30, 20, name));
        // GIF has few colours, JPEG is lossy.
        assert_near(&image.to_rgb8().get_pixel(15, 10).0, &[131, 133, 64], 12);

        // The name of the file says something else.
        let path = scratch.file("picture.bmp", &bytes);
        let response = run("thumbnail", json(&json!({"path": path, "width": 30}))).unwrap();
        assert_eq!(response.decode::<ThumbnailResponse>().unwrap(), answer);
    }
}

#[test]
fn numbers_and_truth_may_come_as_text() {
    let bytes = encoded(&gradient(12, 8), ImageFormat::Png);
    let request = json!({"width": "24", "height": " 4 ", "upscale": "true"});
    let (answer, _) = shrink(bytes.clone(), &request);
    assert_eq!((answer.width, answer.height), (6, 4));
    let (answer, _) = shrink(bytes, &json!({"width": 24, "height": null, "upscale": true}));
    assert_eq!((answer.width, answer.height), (24, 16));
}

#[test]
fn the_defaults_are_256_wide_and_never_larger_than_the_image() {
    let (answer, _) = shrink(encoded(&gradient(512, 300), ImageFormat::Png), &json!({}));
    assert_eq!((answer.width, answer.height), (256, 150));
    let (answer, image) = shrink(encoded(&gradient(40, 30), ImageFormat::Png), &json!({}));
    assert_eq!((answer.width, answer.height), (40, 30));
    assert_eq!(image.to_rgb8(), gradient(40, 30).to_rgb8());
}

#[test]
fn width_and_height_have_bounds() {
    for (field, value) in [("width", 0), ("width", 16_385), ("height", 0), ("height", 16_385)] {
        let message = input_error("thumbnail", json(&json!({ field: value })));
        assert_eq!(message, format!("`{field}` must be 1 to 16384, got {value}"));
    }
    for value in [json!(-1), json!(1.5), json!("wide"), json!(5_000_000_000_u64), json!(true), json!({})] {
        let message = input_error("thumbnail", json(&json!({ "width": value })));
        assert_says(&message, &["expected `width` as a whole number from 1 to 16384"]);
    }
    assert_says(&input_error("thumbnail", json(&json!({"upscale": 1}))), &["expected `upscale` as true or"]);
    let bytes = encoded(&gradient(4, 4), ImageFormat::Png);
    let request = json(&json!({"width": 16_384, "upscale": true})).attach("image", "", bytes);
    assert_says(&input_error("thumbnail", request), &["16384 x 16384", "a smaller `width`"]);
}

#[test]
fn an_unknown_field_and_a_missing_image_are_named() {
    let message = input_error("thumbnail", json(&json!({"widht": 5})));
    assert_says(&message, &["unknown field `widht`", "`width`"]);
    assert_says(&input_error("thumbnail", json(&json!({}))), &["`path`", "attachment `image`"]);
    let message = input_error("thumbnail", json(&json!({"path": "/no/image.png"})));
    assert_says(&message, &["cannot open `/no/image.png`"]);
}

#[test]
fn a_typed_request_writes_the_file_it_names() {
    let scratch = Scratch::new();
    let path = Some(scratch.file("in", encoded(&gradient(64, 64), ImageFormat::Jpeg)));
    let output = Some(scratch.path("out.png"));
    let request = ThumbnailRequest { path, width: 16, output: output.clone(), ..ThumbnailRequest::default() };
    let response = run("thumbnail", Payload::encode(Encoding::Bincode, &request).unwrap()).unwrap();
    assert_eq!(response.attachments(), []);
    let response: ThumbnailResponse = response.decode().unwrap();
    let written = std::fs::read(output.as_ref().unwrap()).unwrap();
    assert_eq!((response.bytes, response.output), (written.len() as u64, output));
    let image = image::load_from_memory_with_format(&written, ImageFormat::Png).unwrap();
    assert_eq!((image.width(), image.height()), (16, 16));
}

#[test]
fn an_output_is_replaced_in_one_step_and_nothing_is_left_beside_it() {
    let scratch = Scratch::new();
    let path = scratch.file("in", encoded(&gradient(64, 64), ImageFormat::Png));
    let output = scratch.file("out.png", "old");
    let number = std::fs::metadata(&output).unwrap().ino();
    let ordinary = std::fs::metadata(&output).unwrap().mode();
    run("thumbnail", json(&json!({"path": path, "width": 8, "output": output}))).unwrap();
    assert_eq!(scratch.names(), ["in", "out.png"]);
    let written = std::fs::metadata(&output).unwrap();
    assert_ne!(written.ino(), number, "it was written in place");
    assert_eq!(written.mode(), ordinary, "it has not the mode of an ordinary file");

    let input = json(&json!({"path": output, "width": 4, "output": output}));
    run("thumbnail", input).unwrap();
    assert_eq!(image::open(&output).unwrap().width(), 4);
}

#[test]
fn behind_a_link_the_file_is_replaced_and_not_the_link() {
    let scratch = Scratch::new();
    let path = scratch.file("in", encoded(&gradient(64, 64), ImageFormat::Png));
    let (output, link) = (scratch.file("out.png", "old"), scratch.path("link.png"));
    symlink(&output, &link).unwrap();
    run("thumbnail", json(&json!({"path": path, "width": 8, "output": link}))).unwrap();
    assert!(link.is_symlink());
    assert_eq!(image::open(&output).unwrap().width(), 8);
}

#[test]
fn an_output_that_cannot_be_written_is_an_input_error_and_leaves_nothing() {
    let scratch = Scratch::new();
    let path = scratch.file("in", encoded(&gradient(64, 64), ImageFormat::Png));
    let fails =
        |output: &std::path::Path| input_error("thumbnail", json(&json!({"path": path, "output": output})));
    let nowhere = scratch.path("no/where.png");
    assert_says(&fails(&nowhere), &["cannot write", nowhere.to_str().unwrap(), "No such file"]);
    assert!(!fails(&nowhere).contains(".thumbnail-"), "the temporary file is nobody's business");
    assert_says(&fails(scratch.directory()), &["cannot write", "not a file"]);
    assert_says(&fails("/dev/null".as_ref()), &["cannot write `/dev/null`", "not a file"]);
    assert_eq!(scratch.names(), ["in"]);
}

#[test]
fn an_image_is_turned_as_it_was_held() {
    // 6: the camera was turned so that the top of the scene is at the right of the file.
    let (answer, image) = shrink(held(&gradient(80, 40), 6), &json!({"width": 20}));
    assert_eq!((answer.source_width, answer.source_height), (40, 80));
    assert_eq!((answer.width, answer.height), (20, 40));
    // Red grew to the right, and grows downwards now; green grew downwards, and grows to the left.
    assert_near(&image.to_rgb8().get_pixel(1, 38).0, &[245, 240, 64], 16);
    assert_near(&image.to_rgb8().get_pixel(18, 1).0, &[10, 15, 64], 16);
}

#[test]
fn the_colour_of_what_cannot_be_seen_does_not_bleed() {
    // Brown on the left; nothing on the right, and that nothing is light blue.
    let image = RgbaImage::from_fn(90, 30, |x, _| Rgba(if x < 44 { BROWN } else { [0, 255, 255, 0] }));
    let small = shrink_png(&image.into(), &json!({"width": 9})).to_rgba8();
    // What is hardly to be seen has no exact colour, and the filter overshoots a little at the edge.
    let seen: Vec<_> = small.pixels().filter(|pixel| pixel[3] > 60).collect();
    assert!(seen.iter().any(|pixel| pixel[3] < 200), "there is no edge in {seen:?}");
    for pixel in seen {
        assert_near(&pixel.0[..3], &BROWN[..3], 16);
    }
}

#[test]
fn fine_detail_is_averaged_and_not_skipped() {
    // A chessboard of single pixels is grey from afar, at every scale.
    let board = GrayImage::from_fn(640, 640, |x, y| Luma([if (x + y) % 2 == 0 { 255 } else { 0 }]));
    for width in [1, 20, 64, 160, 200] {
        let small = shrink_png(&board.clone().into(), &json!({ "width": width })).to_luma8();
        for pixel in small.pixels() {
            assert_near(&pixel.0, &[128], 16);
        }
    }
}

#[test]
fn deep_and_grey_images_become_8_bits_a_channel() {
    let grey = DynamicImage::ImageLuma16(gradient(64, 64).to_luma16());
    assert!(matches!(shrink_png(&grey, &json!({"width": 8})), DynamicImage::ImageLuma8(_)));
    let colour = DynamicImage::ImageRgb16(gradient(64, 64).to_rgb16());
    let small = shrink_png(&colour, &json!({"width": 8}));
    assert!(matches!(small, DynamicImage::ImageRgb8(_)));
    assert_near(&small.to_rgb8().get_pixel(4, 4).0, &[141, 141, 64], 10);
    let clear = DynamicImage::ImageRgba16(gradient(64, 64).to_rgba16());
    assert!(matches!(shrink_png(&clear, &json!({"width": 64})), DynamicImage::ImageRgba8(_)));
}
