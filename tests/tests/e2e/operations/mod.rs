//! What the operations mean, point by point.

mod admission;
mod any_manager;
mod cancel;
mod completed;
mod deep_queue;
mod ended;
mod events;
mod flood;
mod functions;
mod handle;
mod hooked;
mod host_code;
mod integrations;
mod job_events;
mod launch;
mod logs;
mod maker;
mod output;
mod outside;
mod queue;
mod registry;
mod reload;
mod request;
mod results;
mod shutdown;
mod start;
mod story;
mod unload;
mod whole_trait;

pub(crate) use hooked::{Calls, Hooked, PATIENCE};
pub(crate) use story::{lines_come_before_their_chunks, told};
