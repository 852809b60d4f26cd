use ostler_lifecycle::{Category, FailureKind, Forensics, JobFailure};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How a job ended.
///
/// In JSON it is one of
/// ```json
/// {"status": "success", "data": …}
/// {"status": "error", "error": "message", "kind": "crashed", "category": "fatal", "forensics": {…}}
/// {"status": "cancelled"}
/// ```
/// where `forensics` is there only if the job died with its worker.
#[derive(Clone, PartialEq, Debug)]
pub enum JobResult<T> {
    /// It completed.
    Success {
        /// What it answered.
        data: T,
    },
    /// It failed.
    Error(Box<JobFailure>),
    /// It was cancelled.
    Cancelled,
}

impl<T> JobResult<T> {
    /// Whether it completed.
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Success { .. })
    }

    /// What it answered, if it completed.
    pub fn data(self) -> Option<T> {
        match self {
            Self::Success { data } => Some(data),
            Self::Error(_) | Self::Cancelled => None,
        }
    }

    /// Why it failed, if it did.
    pub fn error(&self) -> Option<&JobFailure> {
        match self {
            Self::Error(failure) => Some(failure),
            Self::Success { .. } | Self::Cancelled => None,
        }
    }
}

// By hand, because serde's internal tags read the data through a buffer, which loses maps with number keys.
impl<T: Serialize> Serialize for JobResult<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Success { data } => {
                map.serialize_entry("status", "success")?;
                map.serialize_entry("data", data)?;
            }
            Self::Error(failure) => {
                map.serialize_entry("status", "error")?;
                map.serialize_entry("error", &failure.message)?;
                map.serialize_entry("kind", &failure.kind)?;
                map.serialize_entry("category", &failure.category)?;
                if let Some(forensics) = &failure.forensics {
                    map.serialize_entry("forensics", forensics)?;
                }
            }
            Self::Cancelled => map.serialize_entry("status", "cancelled")?,
        }
        map.end()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Success,
    Error,
    Cancelled,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Flat<T> {
    status: Status,
    // Tells `"data": null`, which is the answer `()`, from no data.
    #[serde(default = "none", deserialize_with = "some")]
    data: Option<T>,
    error: Option<String>,
    kind: Option<FailureKind>,
    category: Option<Category>,
    forensics: Option<Box<Forensics>>,
}

fn none<T>() -> Option<T> {
    None
}

fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for JobResult<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let flat = Flat::<T>::deserialize(deserializer)?;
        match flat.status {
            Status::Success => {
                let data = flat.data.ok_or_else(|| de::Error::missing_field("data"))?;
                Ok(Self::Success { data })
            }
            Status::Error => {
                let message = flat.error.ok_or_else(|| de::Error::missing_field("error"))?;
                Ok(Self::Error(Box::new(JobFailure {
                    kind: flat.kind.unwrap_or(FailureKind::Plugin),
                    category: flat.category.unwrap_or(Category::Fatal),
                    message,
                    forensics: flat.forensics,
                })))
            }
            Status::Cancelled => Ok(Self::Cancelled),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::collections::BTreeMap;
    use std::fmt::Debug;

    use std::time::Duration;

    use ostler_lifecycle::{DeathCause, DeathPhase, ExitStatus};
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check<T>(result: &JobResult<T>, expected: &Value)
    where
        T: Serialize + de::DeserializeOwned + PartialEq + Debug,
    {
        assert_eq!(&serde_json::to_value(result).unwrap(), expected);
        assert_eq!(&serde_json::from_str::<JobResult<T>>(&expected.to_string()).unwrap(), result);
    }

    #[test]
    fn success_carries_the_data() {
        let data = json!({"text": "Hello world", "metadata": {}});
        check(&JobResult::Success { data: data.clone() }, &json!({"status": "success", "data": data}));
        check(&JobResult::Success { data: () }, &json!({"status": "success", "data": null}));
        let numbered = BTreeMap::from([(1_u32, 'a')]);
        check(&JobResult::Success { data: numbered }, &json!({"status": "success", "data": {"1": "a"}}));
    }

    #[test]
    fn error_carries_the_message_and_the_structure() {
        let mut failure = JobFailure::new(FailureKind::TimedOut, Category::Transient, "took too long");
        check(
            &JobResult::<u8>::Error(Box::new(failure.clone())),
            &json!({"status": "error", "error": "took too long", "kind": "timed_out",
                    "category": "transient"}),
        );
        failure.forensics = Some(Box::new(Forensics {
            pid: Some(42),
            cause: DeathCause::Exited { code: 3 },
            phase: DeathPhase::Run,
            status: ExitStatus::Code(3),
            signal: None,
            stderr_tail: "no model".to_owned(),
            cpu_time: Duration::from_millis(20),
            peak_memory: 4096,
            uptime: Duration::from_secs(3),
            jobs_done: 0,
        }));
        let forensics = serde_json::to_value(&failure.forensics).unwrap();
        check(
            &JobResult::<u8>::Error(Box::new(failure)),
            &json!({"status": "error", "error": "took too long", "kind": "timed_out",
                    "category": "transient", "forensics": forensics}),
        );
    }

    #[test]
    fn an_error_needs_only_its_message_to_be_read() {
        let text = r#"{"status": "error", "error": "no"}"#;
        let result: JobResult<u8> = serde_json::from_str(text).unwrap();
        assert_eq!(result, JobResult::Error(Box::new("no".into())));
    }

    #[test]
    fn cancelled_carries_nothing() {
        check(&JobResult::<u8>::Cancelled, &json!({"status": "cancelled"}));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = serde_json::from_str::<JobResult<()>>(r#"{"status": "success"}"#).unwrap_err();
        assert!(error.to_string().contains("`data`"), "{error}");
    }
}
