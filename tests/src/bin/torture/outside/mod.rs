//! What the kernel shows: of processes, and of this process.

mod descriptors;
mod gauge;
mod process;
mod sockets;

pub(crate) use gauge::Gauge;
pub(crate) use process::{Process, children, group, is_group_empty};
pub(crate) use sockets::{held, socket_of};
