//! The stock worker started by hand.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

fn start(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ostler-worker"));
    let Output { status, stdout, stderr } = command.args(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn it_says_what_it_is_and_exits_with_2() {
    for arguments in [&[][..], &["run"], &["--nonsense"]] {
        let (code, stdout, stderr) = start(arguments);
        assert_eq!((code, stdout.as_str()), (Some(2), ""));
        let plugins = "digest, thumbnail, word_counter, text_reverser, uppercase, slow_processor";
        assert!(stderr.contains("is an Ostler worker") && stderr.contains(plugins), "{stderr}");
    }
}

#[test]
fn its_name_need_not_be_text() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ostler-worker"));
    let Output { status, stderr, .. } = command.arg0(OsStr::from_bytes(b"w\xff")).output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("w\u{fffd} is an Ostler worker"), "{stderr}");
}

#[test]
fn it_knows_its_version_and_has_a_help_text() {
    let version = concat!("ostler-worker ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(start(&["--version"]), (Some(0), version.to_owned(), String::new()));
    let (code, stdout, stderr) = start(&["--help"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("OSTLER_WORKER") && stdout.contains("Usage"), "{stdout}");
}
