//! What this machine allows at best: the bare exchange, without queues, records or rules. No part of Ostler is here.

mod channel;
mod child;
mod echo;
mod pipeline;

pub(crate) use channel::push;
pub(crate) use child::{Child, run_if_child};
pub(crate) use echo::Echo;
pub(crate) use pipeline::jobs_per_second;
