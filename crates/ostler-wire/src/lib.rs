//! The frames between an Ostler host and its workers, their codec and their limits.
//!
//! A frame is a message ([`ToWorker`] or [`FromWorker`]) and, for three of the messages, a [`Payload`]
//! whose bytes travel untouched behind it, or lie in memory that both sides share: a [`Place`] says where. [`frame::encode`] and [`frame::decode`] are pure functions
//! over a buffer; the limit is checked on the announced length, before anything is allocated.
//! The byte layout is written down in `docs/wire.md`, and golden files hold it still.
//!
//! This crate refuses to do I/O, to share memory by itself, to know about processes or job states, and to look into payloads on
//! its own: a body is decoded only when somebody asks for a type.
//!
//! ```
//! use bytes::BytesMut;
//! use ostler_wire::{DEFAULT_MAX_FRAME_BYTES, ToWorker, frame};
//!
//! let mut buffer = BytesMut::new();
//! frame::encode(&ToWorker::Ping { request: 7 }, DEFAULT_MAX_FRAME_BYTES, &mut buffer)?;
//! let message = frame::decode::<ToWorker>(&mut buffer, DEFAULT_MAX_FRAME_BYTES)?;
//! assert_eq!(message, Some(ToWorker::Ping { request: 7 }));
//! # Ok::<(), ostler_wire::FrameError>(())
//! ```

mod attachment;
mod bin_codec;
mod codec_error;
mod encoding;
pub mod env;
mod failure;
pub mod frame;
mod frame_error;
mod from_worker;
mod header;
mod hello;
mod job_id;
mod log_level;
mod manifest;
mod message;
mod outcome;
mod payload;
mod place;
mod plain_codec;
mod protocol;
mod to_worker;

pub use attachment::Attachment;
pub use codec_error::{DecodeError, EncodeError};
pub use encoding::Encoding;
pub use failure::{Category, Failure, FailureKind};
pub use frame::{decode, decode_shared, encode, encode_placed, finish};
pub use frame_error::FrameError;
pub use from_worker::{FromWorker, LoadFailure, WorkerReport};
pub use hello::{FEATURE_RING, FEATURE_SHARED_MEMORY, HELLO_MAX_BYTES, Hello, HelloError, decode_hello};
pub use job_id::JobId;
pub use log_level::LogLevel;
pub use manifest::{Parameter, ParameterKind, PluginManifest};
pub use message::Message;
pub use payload::Payload;
pub use place::{Place, SegmentNews};
pub use protocol::{PROTOCOL, ProtocolRange};
pub use to_worker::{Execute, Init, PluginSetup, ToWorker};

/// The frame limit, in bytes, where nothing else was configured: 128 MiB.
pub const DEFAULT_MAX_FRAME_BYTES: usize = 128 * 1024 * 1024;
