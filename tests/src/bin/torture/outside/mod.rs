//! What the kernel shows: of processes, and of this process.

mod descriptors;
mod gauge;
mod process;
mod records;
mod sockets;

pub(crate) use gauge::Gauge;
pub(crate) use process::{Process, children, group, is_group_empty};
pub(crate) use records::{on_record, record_directory};
pub(crate) use sockets::{held, socket_of};
