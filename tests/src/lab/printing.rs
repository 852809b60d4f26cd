//! The ways in which code in a worker prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "plugins do")]

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

pub(super) fn print(text: &str) {
    print!("{text}");
}

pub(super) fn complain(text: &str) {
    eprint!("{text}");
}

pub(super) fn write(text: &str) -> io::Result<()> {
    raw()?.write_all(text.as_bytes())
}

pub(super) fn pour(lines: usize, bytes: usize) -> io::Result<()> {
    let line = format!("{}\n", "x".repeat(bytes));
    let mut stdout = io::BufWriter::with_capacity(64 * 1024, raw()?);
    for _ in 0..lines {
        stdout.write_all(line.as_bytes())?;
    }
    stdout.flush()
}

#[expect(unsafe_code, reason = "Rust has no way to C's own stdout")]
pub(super) fn print_in_c(text: &str) -> io::Result<()> {
    let text = CString::new(text)?;
    // SAFETY: both are strings that end with a zero, and the format takes one.
    unsafe { libc::printf(c"%s".as_ptr(), text.as_ptr()) };
    Ok(())
}

/// The same pipe as stdout, without its buffer.
fn raw() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}
