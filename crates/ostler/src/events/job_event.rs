use jiff::Timestamp;
use ostler_lifecycle::{BlockReason, JobFailure};
use ostler_wire::{DecodeError, LogLevel, Payload};
use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::OutputStream;
use super::shelf::Event;
use crate::job::payload_json;

/// One thing that happened to a job.
///
/// In JSON it is one object, where `event` is the [name](JobEventKind::name) and what is special to it follows, as in
/// ```json
/// {"seq": 3, "at": "2026-01-02T03:04:05Z", "event": "progress", "fraction": 0.5, "message": "reading"}
/// {"seq": 4, "at": "2026-01-02T03:04:06Z", "event": "chunk", "index": 0, "is_final": false,
///  "payload": {"encoding": "json", "body": "a part", "attachments": []}}
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct JobEvent {
    /// Its number, from 1 without a gap.
    pub seq: u64,
    /// When the host learned of it.
    pub at: Timestamp,
    /// What happened.
    pub kind: JobEventKind,
}

/// What can happen to a job.
#[derive(Clone, PartialEq, Debug)]
pub enum JobEventKind {
    /// It was accepted and waits.
    Queued,
    /// It cannot start yet. If it ran, its attempt failed, and the reason says how.
    Blocked(BlockReason),
    /// It was let out of quarantine, and waits for a worker.
    Released,
    /// A worker began with it.
    Started {
        /// The worker's process.
        pid: Option<u32>,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// The plugin said how far it is.
    Progress {
        /// From 0 to 1.
        fraction: f64,
        /// What it is doing.
        message: String,
        /// More of it, for programs, if the plugin said more.
        data: Option<Value>,
    },
    /// The plugin gave a part of its result.
    Chunk {
        /// Its number, from 0.
        seq: u64,
        /// Whether it closes the stream; it is empty then.
        is_final: bool,
        /// The part.
        payload: Payload,
    },
    /// The plugin logged a line.
    Log {
        /// How much it matters.
        level: LogLevel,
        /// The line.
        message: String,
    },
    /// The job printed a line: the plugin, a library in it, or a process that it started.
    Output {
        /// Where to.
        stream: OutputStream,
        /// The line, without its newline. A line of more than 4 KiB comes in pieces; what is no UTF-8 is replaced.
        text: String,
    },
    /// The job printed or logged faster than is kept: this much of it is lost, since the last such event. Pieces of a
    /// long line count as lines. Whatever is lost is counted before the job's end.
    OutputDropped {
        /// Lines.
        lines: u64,
        /// What they weighed, in bytes, without their newlines.
        bytes: u64,
    },
    /// The host remembers something else of it: the only thing that can follow its end.
    Metadata {
        /// The name.
        name: String,
        /// The value that it has now.
        value: Value,
    },
    /// It is being ended on request.
    Cancelling,
    /// It ended with a result.
    Completed,
    /// It ended with an error.
    Failed(Box<JobFailure>),
    /// It ended on request.
    Cancelled,
}

impl Serialize for JobEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Json<'a>(&'a Payload);
        impl Serialize for Json<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                payload_json::serialize(self.0, serializer)
            }
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("seq", &self.seq)?;
        map.serialize_entry("at", &self.at)?;
        map.serialize_entry("event", self.kind.name())?;
        match &self.kind {
            JobEventKind::Queued
            | JobEventKind::Released
            | JobEventKind::Cancelling
            | JobEventKind::Completed
            | JobEventKind::Cancelled => {}
            JobEventKind::Blocked(reason) => map.serialize_entry("reason", reason)?,
            JobEventKind::Started { pid, attempt } => {
                map.serialize_entry("pid", pid)?;
                map.serialize_entry("attempt", attempt)?;
            }
            JobEventKind::Progress { fraction, message, data } => {
                map.serialize_entry("fraction", fraction)?;
                map.serialize_entry("message", message)?;
                if let Some(data) = data {
                    map.serialize_entry("data", data)?;
                }
            }
            JobEventKind::Chunk { seq, is_final, payload } => {
                map.serialize_entry("index", seq)?;
                map.serialize_entry("is_final", is_final)?;
                map.serialize_entry("payload", &Json(payload))?;
            }
            JobEventKind::Log { level, message } => {
                map.serialize_entry("level", level)?;
                map.serialize_entry("message", message)?;
            }
            JobEventKind::Output { stream, text } => {
                map.serialize_entry("stream", stream)?;
                map.serialize_entry("text", text)?;
            }
            JobEventKind::OutputDropped { lines, bytes } => {
                map.serialize_entry("lines", lines)?;
                map.serialize_entry("bytes", bytes)?;
            }
            JobEventKind::Metadata { name, value } => {
                map.serialize_entry("name", name)?;
                map.serialize_entry("value", value)?;
            }
            JobEventKind::Failed(failure) => map.serialize_entry("error", failure)?,
        }
        map.end()
    }
}

impl JobEvent {
    /// The part of the result in this event, decoded; `None` if this is something else, or the empty chunk that
    /// closes a stream.
    ///
    /// # Errors
    /// The part is not a `T`.
    pub fn chunk<T: DeserializeOwned>(&self) -> Option<Result<T, DecodeError>> {
        match &self.kind {
            JobEventKind::Chunk { is_final: false, payload, .. } => Some(payload.decode()),
            _ => None,
        }
    }

    /// What it weighs in a log, in bytes, besides its own size.
    pub(super) fn weight(&self) -> usize {
        match &self.kind {
            JobEventKind::Chunk { payload, .. } => payload.len(),
            JobEventKind::Progress { message, data, .. } => {
                message.len() + data.as_ref().map_or(0, weight_of)
            }
            JobEventKind::Log { message, .. } => message.len(),
            JobEventKind::Output { text, .. } => text.len(),
            JobEventKind::Metadata { name, value } => name.len() + weight_of(value),
            _ => 0,
        }
    }
}

impl Event for JobEvent {
    fn seq(&self) -> u64 {
        self.seq
    }

    fn weight(&self) -> usize {
        self.weight()
    }
}

/// About what a JSON value takes of memory, in bytes.
fn weight_of(value: &Value) -> usize {
    let inner = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(weight_of).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + weight_of(value)).sum(),
    };
    size_of::<Value>() + inner
}

impl JobEventKind {
    /// Whether it is told on the way only: a log that is full of it shall still hold what became of the job, and the
    /// parts of its result.
    pub(crate) const fn is_chatter(&self) -> bool {
        matches!(
            self,
            Self::Progress { .. } | Self::Log { .. } | Self::Output { .. } | Self::OutputDropped { .. }
        )
    }

    /// The event's name, as in `queued`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Blocked(
                BlockReason::Resources { .. } | BlockReason::Paused | BlockReason::PluginLimit { .. },
            ) => "blocked",
            Self::Blocked(BlockReason::Retry { .. }) => "retrying",
            Self::Blocked(BlockReason::Quarantined { .. }) => "quarantined",
            Self::Released => "released",
            Self::Started { .. } => "started",
            Self::Progress { .. } => "progress",
            Self::Chunk { .. } => "chunk",
            Self::Log { .. } => "log",
            Self::Output { .. } => "output",
            Self::OutputDropped { .. } => "output_dropped",
            Self::Metadata { .. } => "metadata",
            Self::Cancelling => "cancelling",
            Self::Completed => "completed",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::time::Duration;

    use ostler_lifecycle::Category;
    use serde_json::json;

    use super::*;

    fn json_of(kind: JobEventKind) -> Value {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        serde_json::to_value(JobEvent { seq: 7, at, kind }).unwrap()
    }

    fn expected(event: &str, rest: Value) -> Value {
        let mut whole = json!({"seq": 7, "at": "2026-01-02T03:04:05Z", "event": event});
        whole.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        whole
    }

    #[test]
    fn an_event_is_one_flat_object() {
        let progress = JobEventKind::Progress { fraction: 0.5, message: "reading".into(), data: None };
        assert_eq!(json_of(progress), expected("progress", json!({"fraction": 0.5, "message": "reading"})));
        let more = JobEventKind::Progress { fraction: 1.0, message: String::new(), data: Some(json!([3])) };
        assert_eq!(json_of(more), expected("progress", json!({"fraction": 1.0, "message": "", "data": [3]})));
        assert_eq!(json_of(JobEventKind::Cancelled), expected("cancelled", json!({})));
        let printed = JobEventKind::Output { stream: OutputStream::Stderr, text: "hm".into() };
        assert_eq!(json_of(printed), expected("output", json!({"stream": "stderr", "text": "hm"})));
    }

    #[test]
    fn a_chunk_is_readable_if_it_is_json_and_base64_if_not() {
        let chunk = |payload| JobEventKind::Chunk { seq: 2, is_final: false, payload };
        let body =
            |payload: Value| expected("chunk", json!({"index": 2, "is_final": false, "payload": payload}));
        let readable = Payload::json(&json!({"words": 3})).unwrap();
        let plain = json!({"encoding": "json", "body": {"words": 3}, "attachments": []});
        assert_eq!(json_of(chunk(readable)), body(plain));
        let raw = Payload::raw(&b"\xff\x00"[..]).attach("picture", "image/png", &b"1234"[..]);
        let attachments = json!([{"name": "picture", "media_type": "image/png", "size": 4}]);
        let base64 = json!({"encoding": "bytes", "body": "/wA=", "attachments": attachments});
        assert_eq!(json_of(chunk(raw)), body(base64));
    }

    #[test]
    fn what_went_wrong_is_structured() {
        let failure = Box::new(JobFailure::plugin(Category::Input, "no such file"));
        let error = json!({"kind": "plugin", "category": "input", "message": "no such file"});
        assert_eq!(
            json_of(JobEventKind::Failed(failure.clone())),
            expected("failed", json!({"error": error}))
        );
        let retry = BlockReason::Retry { attempt: 2, delay: Duration::from_millis(1500), failure };
        let reason = json!({"kind": "retry", "attempt": 2, "delay": "1.5s", "failure": error});
        assert_eq!(json_of(JobEventKind::Blocked(retry)), expected("retrying", json!({"reason": reason})));
    }
}
