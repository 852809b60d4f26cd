//! The driver: feeds what happens to the machine, and carries out what the machine decides.
//!
//! Nothing here decides over a job's or a worker's life. Data goes round in one direction: something happens
//! ([`Core::feed`]), the machine answers with effects ([`perform`]), effects touch the ledger, the event logs and the
//! workers' sockets at once, under one short lock; what takes longer is an [`errand`] that runs after the
//! lock, and what it leads to is fed in again.

mod active;
mod buffer;
mod cancel;
mod cargo;
mod catalog;
mod clock;
mod closing;
mod control;
mod core;
mod errand;
mod expiry;
mod host;
mod link;
mod metadata;
mod meter;
mod notice;
mod perform;
mod plugin_keys;
mod quarantine;
mod records;
mod settle;
mod start;
mod state;
mod timer;
mod wire;
mod worker;
mod worker_change;

pub(crate) use cancel::ended_before;
pub(crate) use cargo::Cargo;
pub(crate) use catalog::{Catalog, plugin_config};
pub(crate) use core::{Core, Parts};
pub(crate) use host::{Erased, Face, Host};
pub(crate) use notice::Notices;
pub(crate) use start::bounded;
