//! The serde form of a job's outcome: its payload, like every payload, is not part of it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Failure, Payload};

pub(crate) fn serialize<S: Serializer>(
    outcome: &Result<Payload, Failure>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    outcome.as_ref().map(|_| ()).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Result<Payload, Failure>, D::Error> {
    let outcome = Result::<(), Failure>::deserialize(deserializer)?;
    Ok(outcome.map(|()| Payload::empty()))
}
