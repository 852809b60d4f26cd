//! The environment of a worker process: how it learns where its host listens.
//!
//! A worker removes both variables before it runs any plugin, so that they do not reach its children.

/// Name of the abstract Unix socket on which the host listens, without the leading NUL byte.
pub const SOCKET: &str = "OSTLER_SOCKET";

/// The one-time token for [`crate::Hello`], as 32 hexadecimal digits.
pub const TOKEN: &str = "OSTLER_TOKEN";
