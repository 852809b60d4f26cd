//! However the host goes, nobody of the worker's group stays. Each worker has a child that holds the worker's
//! stdout, so that the end of that pipe proves the end of both.

use std::net::Shutdown;
use std::os::unix::process::ExitStatusExt;

use ostler_wire::FromWorker;

use crate::host::{
    Connection, LISTENS_AND_FORKS, STARTS_A_WORKER, fresh_name, read_to_end, this_program, worker,
};
use crate::probe::Order;

pub(crate) const TESTS: &[(&str, fn())] = &[
    ("a_hang_up_ends_worker_and_children_while_a_plugin_sleeps", a_hang_up_ends_worker_and_children),
    ("a_write_that_fails_ends_worker_and_children", a_write_that_fails_ends_worker_and_children),
    ("the_hosts_death_ends_worker_and_children_while_the_socket_stays_open", the_hosts_death_is_enough),
    ("a_host_that_died_before_its_worker_looked_is_noticed", a_host_that_died_before_is_noticed),
];

fn with_child(host: &mut Connection, order: &Order) {
    host.order(order);
    assert!(matches!(host.receive(), FromWorker::Log { .. }));
}

fn a_hang_up_ends_worker_and_children() {
    let (mut child, mut host) = Connection::start(worker);
    with_child(&mut host, &Order::ChildAndSleep);
    drop(host);
    read_to_end(child.stdout.take().unwrap());
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
}

/// The host's sending half stays open: only the main thread can notice.
fn a_write_that_fails_ends_worker_and_children() {
    let (mut child, mut host) = Connection::start(worker);
    with_child(&mut host, &Order::ChildAndFlood);
    host.stream.shutdown(Shutdown::Read).unwrap();
    read_to_end(child.stdout.take().unwrap());
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
}

/// The socket belongs to this process, as to somebody whom the host has forked; the parent is another one.
fn the_hosts_death_is_enough() {
    let (mut parent, mut host) = Connection::start(|name| {
        let mut command = this_program();
        command.args([STARTS_A_WORKER, name]);
        command
    });
    with_child(&mut host, &Order::ChildAndSleep);
    parent.kill().unwrap();
    parent.wait().unwrap();
    read_to_end(parent.stdout.take().unwrap());
    drop(host);
}

fn a_host_that_died_before_is_noticed() {
    let name = fresh_name();
    let mut dead = this_program().args([LISTENS_AND_FORKS, &name]).spawn().unwrap();
    dead.wait().unwrap();
    // The socket is still there, and takes the connection.
    let mut child = worker(&name).spawn().unwrap();
    read_to_end(child.stdout.take().unwrap());
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
}
