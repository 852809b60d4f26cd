//! What a worker inherits, and what it does not pass on.

use std::os::unix::process::CommandExt;
use std::ptr;

use ostler_wire::{FromWorker, ToWorker, env};

use crate::host::{Connection, WITH_THREADS, fresh_name, read_to_end, this_program, worker};
use crate::probe::{Order, View};

pub(crate) const TESTS: &[(&str, fn())] = &[
    ("neither_variables_nor_signal_settings_reach_plugins_and_their_children", plugins_see_a_clean_process),
    ("a_plugin_may_print_to_stdout", a_plugin_may_print_to_stdout),
    ("a_worker_without_a_token_says_so_and_fails", a_worker_without_a_token_says_so_and_fails),
    ("a_worker_whose_host_does_not_listen_says_so_and_fails", a_worker_without_a_listener_says_so_and_fails),
    ("a_process_with_threads_does_not_become_a_worker", a_process_with_threads_does_not_become_a_worker),
];

fn plugins_see_a_clean_process() {
    let (mut child, mut host) = Connection::start(|name| {
        let mut command = worker(name);
        // SAFETY: both calls are allowed between fork and exec.
        unsafe {
            command.pre_exec(|| {
                let mut blocked: libc::sigset_t = std::mem::zeroed();
                libc::sigfillset(&raw mut blocked);
                libc::sigprocmask(libc::SIG_SETMASK, &raw const blocked, ptr::null_mut());
                libc::signal(libc::SIGTERM, libc::SIG_IGN);
                libc::signal(libc::SIGHUP, libc::SIG_IGN);
                Ok(())
            });
        }
        command
    });
    host.order(&Order::Look);
    let FromWorker::Result { outcome, .. } = host.receive() else { panic!("no Result") };
    let views: Vec<View> = outcome.unwrap().decode().unwrap();
    let [worker, child_of_it] = &views[..] else { panic!("{views:?}") };
    // Rust's own programs ignore SIGPIPE; their children do not.
    let sigpipe = 1 << (libc::SIGPIPE - 1);
    assert_eq!((worker.blocked, worker.ignored), (0, sigpipe));
    assert_eq!((child_of_it.blocked, child_of_it.ignored), (0, 0));
    assert_eq!((&worker.variables[..], &child_of_it.variables[..]), (&[][..], &[][..]));

    host.send(&ToWorker::Stop { request: 3 });
    assert_eq!(host.receive(), FromWorker::Response { request: 3, result: Ok(()) });
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn a_plugin_may_print_to_stdout() {
    let (mut child, mut host) = Connection::start(worker);
    host.order(&Order::Print(10_000));
    assert!(matches!(host.receive(), FromWorker::Result { outcome: Ok(_), .. }));
    host.send(&ToWorker::Stop { request: 3 });
    assert_eq!(host.receive(), FromWorker::Response { request: 3, result: Ok(()) });
    // What had no line end yet comes out at the exit.
    assert_eq!(read_to_end(child.stdout.take().unwrap()), ".".repeat(10_000));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn a_worker_without_a_token_says_so_and_fails() {
    for token in ["", "00", "zz0102030405060708090a0b0c0d0e0f"] {
        let output = worker(&fresh_name()).env(env::TOKEN, token).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("OSTLER_TOKEN must be set to 32 hexadecimal digits"), "{stderr}");
    }
}

fn a_worker_without_a_listener_says_so_and_fails() {
    let name = fresh_name();
    let output = worker(&name).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot connect to the host") && stderr.contains(&name), "{stderr}");
}

fn a_process_with_threads_does_not_become_a_worker() {
    let mut command = this_program();
    let output = command.arg(WITH_THREADS).env(env::SOCKET, fresh_name()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("must come before any runtime"), "{stderr}");
}
