//! Files with any name, and what is there already.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::host::{command, stderr, stdout};

const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/assets/landscape.jpg");

/// A name that is not UTF-8.
fn strange(directory: &Path) -> PathBuf {
    directory.join(OsStr::from_bytes(b"caf\xE9.jpg"))
}

fn argument(prefix: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(prefix);
    argument.push(path);
    argument
}

fn run(args: &[&str], more: &[&OsStr]) -> Output {
    command(args).args(more).output().unwrap()
}

#[track_caller]
fn report(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_path_that_is_not_utf_8_is_read_written_and_told_as_its_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let input = strange(directory.path());
    fs::copy(PHOTO, &input).unwrap();
    let output = directory.path().join(OsStr::from_bytes(b"\xFF.png"));
    let (path, output_argument) = (argument("path=", &input), argument("output=", &output));
    let told = report(&run(
        &["run", "thumbnail", "--json", "-p", "width=20"],
        &["-p".as_ref(), &path, "-p".as_ref(), &output_argument],
    ));
    assert_eq!(told["result"]["output"], json!(output.as_os_str().as_bytes()));
    assert!(output.is_file());

    let told = report(&run(&["run", "digest", "--json"], &["-p".as_ref(), &path]));
    assert_eq!(told["result"]["path"], json!(input.as_os_str().as_bytes()));
    assert_eq!(told["result"]["bytes"], fs::metadata(PHOTO).unwrap().len());
}

#[test]
fn an_attachment_and_a_directory_may_have_any_name() {
    let directory = tempfile::tempdir().unwrap();
    let input = strange(directory.path());
    fs::copy(PHOTO, &input).unwrap();
    let kept = directory.path().join(OsStr::from_bytes(b"kept\xFF"));
    let attach = argument("image=", &input);
    let told = report(&run(
        &["run", "thumbnail", "--json", "-p", "width=20"],
        &["--attach".as_ref(), &attach, "--save".as_ref(), kept.as_os_str()],
    ));
    let saved = kept.join("thumbnail.png");
    assert!(saved.is_file());
    assert_eq!(told["attachments"][0]["saved"], json!(saved.as_os_str().as_bytes()));

    let attach = argument("image=", &directory.path().join(OsStr::from_bytes(b"no\xFF")));
    let output = run(&["run", "thumbnail"], &["--attach".as_ref(), &attach]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("/no\u{fffd}: No such file"), "{}", stderr(&output));
}

#[test]
fn a_batch_takes_paths_of_any_name() {
    let directory = tempfile::tempdir().unwrap();
    let input = strange(directory.path());
    fs::copy(PHOTO, &input).unwrap();
    let lines = directory.path().join("lines");
    let mut text = json!({"path": input.as_os_str().as_bytes()}).to_string().into_bytes();
    text.extend_from_slice(b"\n{\"path\": \"caf\xE9.jpg\"}\n{}\n");
    fs::write(&lines, text).unwrap();
    let path = argument("path=", &input);
    let output = command(&["batch", "digest", "--workers", "1", "-p"])
        .arg(path)
        .stdin(fs::File::open(lines).unwrap())
        .output()
        .unwrap();
    let mut results: Vec<Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    results.sort_by_key(|result| result["line"].as_u64());
    assert_eq!(
        results.iter().map(|result| &result["status"]).collect::<Vec<_>>(),
        ["completed", "failed", "completed"]
    );
    let message = results[1]["error"]["message"].as_str().unwrap();
    assert!(message.contains("not UTF-8") && message.contains("array of its bytes"), "{message}");
}

#[test]
fn only_a_path_may_be_something_else_than_text() {
    let text = OsStr::from_bytes(b"text=caf\xE9");
    for args in [&["run", "uppercase", "-p"][..], &["batch", "uppercase", "-p"]] {
        let output = run(args, &[text]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(r#"parameter "text" is not UTF-8"#), "{}", stderr(&output));
    }
}

#[test]
fn what_is_saved_replaces_a_file_in_one_step_and_keeps_its_mode() {
    let directory = tempfile::tempdir().unwrap();
    let old = directory.path().join("thumbnail.png");
    fs::write(&old, "old").unwrap();
    fs::set_permissions(&old, Permissions::from_mode(0o600)).unwrap();
    let number = fs::metadata(&old).unwrap().ino();
    let path = argument("path=", Path::new(PHOTO));
    let told = run(
        &["run", "thumbnail", "-p", "width=20"],
        &["-p".as_ref(), &path, "--save".as_ref(), directory.path().as_os_str()],
    );
    assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
    let now = fs::metadata(&old).unwrap();
    assert_eq!(now.mode() & 0o7777, 0o600);
    assert_ne!(now.ino(), number, "it was written in place");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}
