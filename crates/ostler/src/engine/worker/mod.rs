//! One task for each worker, from before its process is made until everything that it said has been fed in.

mod evidence;
mod handshake;
mod inbound;
mod outcome;
mod output;
mod pipe;
mod session;
mod socket;
mod tail;
mod task;
mod unread;
mod valve;

pub(super) use task::spawn;
