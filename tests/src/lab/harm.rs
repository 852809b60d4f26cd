//! What a bad plugin does to its process, to its memory and to others.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

#[expect(unsafe_code, reason = "the standard library has no way to ignore a signal")]
pub(super) fn deafen() {
    for signal in 1..=64 {
        // SAFETY: ignoring a signal touches no memory. What cannot be ignored stays as it is.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

#[expect(unsafe_code, reason = "the standard library has no groups")]
pub(super) fn join_host() -> String {
    // SAFETY: the calls take numbers.
    let joined = unsafe { libc::setpgid(0, libc::getpgid(libc::getppid())) };
    if joined == 0 { "joined".to_owned() } else { std::io::Error::last_os_error().to_string() }
}

/// The shell in the middle ends, so nobody here is the daemon's parent.
pub(super) fn daemon(file: &Path) -> std::io::Result<()> {
    // No other process is made, which would be counted beside it.
    let daemon = "trap '' HUP INT QUIT TERM USR1 USR2 PIPE ALRM; echo $$ > \"$FILE\"; \
                  exec sleep 1000 > /dev/null 2>&1";
    Command::new("sh")
        .args(["-c", "setsid sh -c \"$DAEMON\" &"])
        .env("DAEMON", daemon)
        .env("FILE", file)
        .stdin(Stdio::null())
        .spawn()?
        .wait()?;
    while !std::fs::read_to_string(file).is_ok_and(|text| text.ends_with('\n')) {
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Memory that is really taken: each page is written to.
pub(super) fn touched(bytes: usize) -> Vec<u8> {
    let mut memory = vec![0_u8; bytes];
    memory.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
    std::hint::black_box(memory)
}

/// Starts a long sleep that holds this process's stdout and stderr.
pub(super) fn leave_behind(leaves_group: bool) -> std::io::Result<u32> {
    let mut sleep = Command::new(if leaves_group { "setsid" } else { "sleep" });
    if leaves_group {
        sleep.arg("sleep");
    }
    sleep.arg("1000").stdin(Stdio::null());
    if leaves_group {
        // So that setsid need not fork, and its id is the sleep's.
        sleep.process_group(unchanged_group());
    }
    Ok(sleep.spawn()?.id())
}

/// The shell ends as soon as its successor runs in the background.
pub(super) fn leave_comet() -> std::io::Result<()> {
    let script = "sh -c \"$COMET\" &";
    Command::new("sh").args(["-c", script]).env("COMET", script).stdin(Stdio::null()).spawn()?.wait()?;
    Ok(())
}

pub(super) fn signal_oneself(signal: &str) -> std::io::Result<()> {
    Command::new("kill").args([signal, &std::process::id().to_string()]).status().map(drop)
}

fn unchanged_group() -> i32 {
    // A process that leads no group may call setsid itself; a child that stays in ours leads none.
    i32::try_from(std::process::id()).unwrap_or(0)
}

pub(super) fn say_on_stderr(text: &str) {
    // With stderr closed there is nobody to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

pub(super) fn panic_elsewhere(message: String) {
    // Its end is of no interest: the plugin goes on.
    let _ = std::thread::spawn(move || panic!("{message}")).join();
}

#[expect(unsafe_code, reason = "the standard library cannot put one descriptor in the place of another")]
pub(super) fn close_output() -> std::io::Result<()> {
    let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    for stream in [libc::STDOUT_FILENO, libc::STDERR_FILENO] {
        // SAFETY: the call takes numbers, and what was there is nobody's to close but this process's.
        if unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&nowhere), stream) } < 0 {
            return Err(std::io::Error::last_os_error());
        }
    }
    Ok(())
}

#[expect(unsafe_code, reason = "the standard library closes only what it has opened")]
pub(super) fn close_all() -> std::io::Result<()> {
    for descriptor in 3..256 {
        // Another thread may be reading from it, and holds what it reads from until that returns.
        // SAFETY: the call takes numbers; most are no sockets, and refuse.
        unsafe { libc::shutdown(descriptor, libc::SHUT_RDWR) };
    }
    // SAFETY: there is none for whoever owns these descriptors; that is the harm.
    match unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

pub(super) fn for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

#[expect(unsafe_code, reason = "a segmentation fault is what is asked for")]
pub(super) fn segfault() -> ! {
    // Not 0 itself, which a debug build would notice before the processor does.
    let nowhere = std::ptr::without_provenance_mut::<u8>(8);
    // SAFETY: there is none; the process dies here.
    unsafe { nowhere.write_volatile(1) };
    for_ever()
}
