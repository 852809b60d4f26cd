//! What this machine allows at best: the bare exchange, without queues, records or rules. No part of Ostler is here.

mod arena;
mod channel;
mod child;
mod descriptor;
mod echo;
mod handover;
mod pipeline;
mod shared_map;
mod socket_copy;

pub(crate) use arena::Arena;
pub(crate) use channel::push;
pub(crate) use child::{Child, run_if_child};
pub(crate) use echo::Echo;
pub(crate) use handover::Handover;
pub(crate) use pipeline::jobs_per_second;
pub(crate) use socket_copy::SocketCopy;
