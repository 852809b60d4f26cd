//! The environment of a worker process: how it learns where its host listens, and how its host knows it again.
//!
//! A worker removes socket and token before it runs any plugin, so that they do not reach its children. The
//! mark stays.

/// Name of the abstract Unix socket on which the host listens, without the leading NUL byte.
pub const SOCKET: &str = "OSTLER_SOCKET";

/// The one-time token for [`crate::Hello`], as 32 hexadecimal digits.
pub const TOKEN: &str = "OSTLER_TOKEN";

/// The worker's mark: 32 hexadecimal digits of its own, behind those of the worker within which its host runs, if
/// it does, and a colon. It stays in the environment of the worker and of everything that it starts: after the
/// worker's death, its host kills whatever still carries it.
pub const WORKER_ID: &str = "OSTLER_WORKER_ID";
