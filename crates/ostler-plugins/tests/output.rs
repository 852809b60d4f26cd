//! Files that a plugin writes: what is left of a writer that was killed, and what a file keeps that is replaced.
#![allow(clippy::unwrap_used, reason = "a test")]
#![expect(clippy::print_stdout, reason = "a test that cannot test says so")]

mod common;

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use common::child::{part, run_again};
use common::pictures::{encoded, gradient};
use common::{Scratch, json, run};
use image::{ImageFormat, Rgb, RgbImage};
use ostler_plugins::{ThumbnailRequest, ThumbnailResponse};
use ostler_worker::{Encoding, Payload};
use rustix::fs::{FlockOperation, XattrFlags, fgetxattr, flock, fsetxattr};
use serde_json::json;

const SIGXFSZ: i32 = 25;

fn shrink(input: &Path, output: &Path) {
    run("thumbnail", json(&json!({"path": input, "width": 128, "output": output}))).unwrap();
}

/// A picture whose thumbnail has tens of KiB.
fn noise(scratch: &Scratch) -> std::path::PathBuf {
    let mut state = 1_u32;
    let image = RgbImage::from_fn(128, 128, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [a, b, c, _] = state.to_be_bytes();
        Rgb([a, b, c])
    });
    scratch.file("in", encoded(&image.into(), ImageFormat::Png))
}

#[test]
fn a_writer_that_is_killed_in_mid_write_leaves_nothing() {
    if let Some(directory) = part() {
        let directory = Path::new(&directory);
        return shrink(&directory.join("in"), &directory.join("out.png"));
    }
    for old in [None, Some("old")] {
        let scratch = Scratch::new();
        noise(&scratch);
        if let Some(old) = old {
            scratch.file("out.png", old);
        }
        let before = scratch.names();
        // The kernel kills whoever writes more than 4 KiB into a file: always in the middle of it.
        let test = "a_writer_that_is_killed_in_mid_write_leaves_nothing";
        let output = run_again(test, scratch.directory().to_str().unwrap(), "-f 8");
        assert_eq!(output.status.signal(), Some(SIGXFSZ), "{output:?}");
        assert_eq!(scratch.names(), before);
        if let Some(old) = old {
            assert_eq!(fs::read_to_string(scratch.path("out.png")).unwrap(), old);
        }
    }
}

#[test]
fn a_file_that_is_replaced_keeps_its_mode_and_a_new_one_has_that_of_an_ordinary_file() {
    let scratch = Scratch::new();
    let (input, output) = (noise(&scratch), scratch.path("out.png"));
    shrink(&input, &output);
    let ordinary = fs::metadata(scratch.file("ordinary", "")).unwrap().mode();
    assert_eq!(fs::metadata(&output).unwrap().mode(), ordinary);
    for mode in [0o600, 0o640, 0o664, 0o444, 0o755] {
        fs::set_permissions(&output, Permissions::from_mode(mode)).unwrap();
        let number = fs::metadata(&output).unwrap().ino();
        shrink(&input, &output);
        let now = fs::metadata(&output).unwrap();
        assert_eq!(now.mode() & 0o7777, mode);
        assert_ne!(now.ino(), number, "it was written in place");
    }
}

#[test]
fn a_file_that_is_replaced_keeps_its_owner_where_that_is_permitted() {
    let scratch = Scratch::new();
    let (input, output) = (noise(&scratch), scratch.file("out.png", "old"));
    if chown(&output, Some(12_345), Some(23_456)).is_err() {
        println!("SKIPPED: only root can give a file away");
        return;
    }
    fs::set_permissions(&output, Permissions::from_mode(0o640)).unwrap();
    shrink(&input, &output);
    let now = fs::metadata(&output).unwrap();
    assert_eq!((now.uid(), now.gid(), now.mode() & 0o7777), (12_345, 23_456, 0o640));
}

#[test]
fn the_access_list_of_a_file_is_kept_and_that_of_its_directory_not_added() {
    const NAME: &str = "system.posix_acl_access";
    // Owner rw, user 12345 r, group nothing, mask r, others nothing: its mode reads 0640.
    let entries: [(u16, u16, u32); 5] =
        [(1, 6, u32::MAX), (2, 4, 12_345), (4, 0, u32::MAX), (0x10, 4, u32::MAX), (0x20, 0, u32::MAX)];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, mode, id) in entries {
        list.extend([tag.to_le_bytes(), mode.to_le_bytes()].concat());
        list.extend(id.to_le_bytes());
    }
    let scratch = Scratch::new();
    let (input, output) = (noise(&scratch), scratch.file("out.png", "old"));
    if fsetxattr(File::open(&output).unwrap(), NAME, &list, XattrFlags::empty()).is_err() {
        println!("SKIPPED: this file system has no access lists");
        return;
    }
    let list_of = |path: &Path| {
        let mut list = vec![0; 1000];
        let length = fgetxattr(File::open(path).unwrap(), NAME, list.as_mut_slice()).ok()?;
        list.truncate(length);
        Some(list)
    };
    shrink(&input, &output);
    assert_eq!(list_of(&output).as_ref(), Some(&list));
    assert_eq!(fs::metadata(&output).unwrap().mode() & 0o7777, 0o640);

    // A file without a list, in a directory that would give one to whatever is made there.
    let plain = scratch.file("plain.png", "old");
    fs::set_permissions(&plain, Permissions::from_mode(0o640)).unwrap();
    let directory = File::open(scratch.directory()).unwrap();
    fsetxattr(directory, "system.posix_acl_default", &list, XattrFlags::empty()).unwrap();
    shrink(&input, &plain);
    assert_eq!((list_of(&plain), fs::metadata(&plain).unwrap().mode() & 0o7777), (None, 0o640));
}

#[test]
fn temporaries_of_the_dead_are_removed_and_those_of_the_living_are_not() {
    let scratch = Scratch::new();
    let input = noise(&scratch);
    scratch.file(".ostler-0123456789abcdef.tmp", "its writer is dead");
    let living = File::open(scratch.file(".ostler-0123456789abcdee.tmp", "its writer lives")).unwrap();
    flock(&living, FlockOperation::LockExclusive).unwrap();
    for name in [".ostler-0123.tmp", ".ostler-0123456789abcdeg.tmp", "ostler-0123456789abcdef.tmp"] {
        scratch.file(name, "of somebody else");
    }
    symlink("in", scratch.path(".ostler-0123456789abcded.tmp")).unwrap();
    let before = scratch.names();
    shrink(&input, &scratch.path("out.png"));
    let mut expected: Vec<_> =
        before.into_iter().filter(|name| name != ".ostler-0123456789abcdef.tmp").collect();
    expected.push("out.png".to_owned());
    expected.sort();
    assert_eq!(scratch.names(), expected);
}

#[test]
fn an_output_behind_a_link_to_nothing_is_made_there() {
    let scratch = Scratch::new();
    let (input, link) =
        (scratch.file("in", encoded(&gradient(64, 64), ImageFormat::Png)), scratch.path("link"));
    symlink("out.png", &link).unwrap();
    shrink(&input, &link);
    assert!(link.is_symlink() && !scratch.path("out.png").is_symlink());
    assert_eq!(image::open(scratch.path("out.png")).unwrap().width(), 64);

    symlink("circle", scratch.path("circle")).unwrap();
    let request = json(&json!({"path": input, "output": scratch.path("circle")}));
    assert!(run("thumbnail", request).unwrap_err().message().contains("cannot write"));
    assert!(scratch.path("circle").is_symlink());
}

#[test]
fn an_output_in_a_directory_that_may_not_be_listed_is_written() {
    let scratch = Scratch::new();
    let input = noise(&scratch);
    let directory = scratch.path("blind");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, Permissions::from_mode(0o300)).unwrap();
    shrink(&input, &directory.join("out.png"));
    assert!(directory.join("out.png").is_file());
}

#[test]
fn a_path_that_is_not_utf_8_goes_both_ways_in_both_encodings() {
    let scratch = Scratch::new();
    let strange = |name: &[u8]| scratch.directory().join(OsStr::from_bytes(name));
    let (input, output) = (strange(b"in\xFF"), strange(b"out\xFF"));
    fs::rename(noise(&scratch), &input).unwrap();
    let request = ThumbnailRequest { path: Some(input), output: Some(output.clone()), ..Default::default() };
    for encoding in [Encoding::Json, Encoding::Bincode] {
        let answer = run("thumbnail", Payload::encode(encoding, &request).unwrap()).unwrap();
        assert_eq!(answer.decode::<ThumbnailResponse>().unwrap().output.as_ref(), Some(&output));
        fs::remove_file(&output).unwrap();
    }
    let value = serde_json::to_value(&request).unwrap();
    assert_eq!(value["output"], json!(output.as_os_str().as_bytes()));
    for wrong in [json!(5), json!([300]), json!({})] {
        let error = serde_json::from_value::<ThumbnailRequest>(json!({ "path": wrong })).unwrap_err();
        assert!(error.to_string().contains("a path") || error.to_string().contains("u8"), "{error}");
    }
}

/// Hosts and workers of other versions understand each other.
#[test]
fn a_path_that_is_utf_8_is_encoded_as_text_is() {
    let path = Some(std::path::PathBuf::from("/tmp/é.png"));
    let request = ostler_plugins::DigestRequest { path: path.clone() };
    for encoding in [Encoding::Json, Encoding::Bincode] {
        #[derive(serde::Serialize)]
        struct Plain {
            path: Option<std::path::PathBuf>,
        }
        let plain = Payload::encode(encoding, &Plain { path: path.clone() }).unwrap();
        assert_eq!(Payload::encode(encoding, &request).unwrap(), plain);
    }
}
