//! What the operations mean, point by point.

mod admission;
mod cancel;
mod completed;
mod events;
mod hooked;
mod integrations;
mod launch;
mod logs;
mod registry;
mod reload;
mod request;
mod results;
mod shutdown;
mod start;
mod unload;
mod whole_trait;

pub(crate) use hooked::{Calls, Hooked, PATIENCE};
