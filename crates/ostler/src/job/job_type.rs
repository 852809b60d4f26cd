use bytes::Bytes;
use ostler_wire::Encoding;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a job asks for, and what it answers.
///
/// A clone should be cheap: if somebody still holds a job's record when it changes, the spec is cloned. Keep what is
/// large in an `Arc`, or send it as an attachment.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// #[derive(Clone, Serialize, Deserialize)]
/// struct CountWords {
///     text: String,
/// }
///
/// impl ostler::JobType for CountWords {
///     type Output = usize;
/// }
/// ```
pub trait JobType: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// What the job answers when it completes.
    type Output: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;

    /// How the job travels to its worker; the answer comes back in the same encoding.
    ///
    /// bincode is compact, but it is not self-describing: for types that hold a `serde_json::Value`, or use
    /// serde's `untagged`, `flatten` or `skip_serializing_if`, choose [`Encoding::Json`].
    const ENCODING: Encoding = Encoding::Bincode;
}

/// Jobs that are plain bytes, and answer with plain bytes.
impl JobType for Bytes {
    type Output = Self;

    const ENCODING: Encoding = Encoding::Bytes;
}
