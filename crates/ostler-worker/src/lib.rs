//! What an Ostler worker process is made of: plugins, and the loop that serves a host's requests.
//!
//! Write a [`Plugin`], register it, and call [`run_if_worker`] first in `main`:
//!
//! ```no_run
//! # mod ostler { pub use ostler_worker as worker; }
//! use ostler::worker::{JobContext, Plugin, PluginError};
//!
//! struct Shouter;
//!
//! impl Plugin for Shouter {
//!     const NAME: &str = "shouter";
//!     type Config = ();
//!     type Request = String;
//!     type Response = String;
//!
//!     fn load((): ()) -> Result<Self, PluginError> {
//!         Ok(Shouter)
//!     }
//!
//!     fn execute(&mut self, request: String, job: &JobContext) -> Result<String, PluginError> {
//!         job.progress(0.5, "shouting");
//!         Ok(request.to_uppercase())
//!     }
//! }
//!
//! fn main() {
//!     ostler::worker::run_if_worker(|plugins| plugins.register::<Shouter>());
//!     // A worker never gets here; from here on this is the host.
//! }
//! ```
//!
//! A worker runs one job at a time, on its main thread. While a plugin computes or waits on a full socket a second
//! thread reads, so that the worker answers and notices a dead host.
//!
//! This crate refuses to queue, to retry and to decide anything about a job: that is the host's part. It
//! does not run plugins inside the host, and it does not stop a plugin that will not stop: the host kills.

mod context;
mod courier;
mod deputy;
mod entry;
mod fork;
mod guard;
mod inlet;
mod job_log;
mod outbox;
mod plugin;
mod plugin_error;
mod plugin_manager;
mod plugin_set;
mod process;
mod reader;
mod serve;
mod session;
mod shared;
mod sink;
mod slot;
mod source;
mod stdout;
mod words;

/// The types of bytes and of ids, as they stand in this crate's functions: the crates `bytes`' and `uuid`'s.
#[doc(no_inline)]
pub use bytes::Bytes;
pub use context::JobContext;
pub use entry::{run_if_worker, run_if_worker_with, run_worker_binary};
pub use ostler_shm::SharedBuffer;
pub use ostler_wire::{
    Attachment, Category, Encoding, JobId, LogLevel, Parameter, ParameterKind, Payload, PluginManifest,
};
pub use plugin::Plugin;
pub use plugin_error::PluginError;
pub use plugin_manager::{PluginConfig, PluginManager};
pub use plugin_set::PluginSet;
pub use serve::{ServeError, ServeOptions, serve};
