use std::sync::Mutex;

use jiff::Timestamp;
use ostler_lifecycle::JobId;
use uuid::{ContextV7, Timestamp as UuidTime, Uuid};

/// Keeps ids in order that are made in one millisecond, or while the clock is set back.
static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// A new id for a job that is created now, so that the clock is read once for both.
pub(crate) fn new_id(created_at: Timestamp) -> JobId {
    let since_epoch = created_at.as_duration();
    // Before 1970 it is 1970.
    let (seconds, nanos) = (since_epoch.as_secs().max(0), since_epoch.subsec_nanos().max(0));
    let time = UuidTime::from_unix(&CONTEXT, seconds.unsigned_abs(), nanos.unsigned_abs());
    JobId::from_uuid(Uuid::new_v7(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_time_of_their_job_and_are_in_order() {
        let now = Timestamp::now();
        let ids = [(); 1_000].map(|()| new_id(now));
        assert!(ids.is_sorted() && ids.first() < ids.last());
        let time = ids[0].as_uuid().get_timestamp().map(|time| time.to_unix().0);
        assert_eq!(time, u64::try_from(now.as_second()).ok());
        assert!(new_id(Timestamp::MIN) > ids[0], "the clock was set back");
    }
}
