//! One task for each worker, from before its process is made until everything that it said has been fed in.

mod evidence;
mod inbound;
mod output;
mod session;
mod task;

pub(super) use task::spawn;
