//! What is done to all jobs of a ledger while its lock is let go in between.

use std::sync::Arc;

use super::ledger::{Cleared, Page};
use super::{Job, JobType};

/// All jobs of a ledger, oldest first. `page` reads one of its pages, and may let others change it in between: a job that
/// is there all the time is in the list once, as it stood when its page was read.
pub(crate) fn all<J: JobType>(mut page: impl FnMut(usize) -> Option<Page<J>>) -> Vec<Arc<Job<J>>> {
    let mut found: Page<J> = Vec::new();
    let mut number = 0;
    while let Some(some) = page(number) {
        found.extend(some);
        number += 1;
    }
    found.sort_unstable_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, job)| job).collect()
}

/// How many finished jobs are taken out of a ledger at once.
const CLEARED_AT_ONCE: usize = 128;

/// Forgets the jobs of a ledger that have ended; how many they were. `clear` takes out so many at most and lets others
/// change the ledger in between: those that end meanwhile may stay.
pub(crate) fn clear<J: JobType>(finished: usize, mut clear: impl FnMut(usize) -> Cleared<J>) -> usize {
    let mut count = 0;
    loop {
        let cleared = clear(CLEARED_AT_ONCE.min(finished - count)).jobs.len();
        count += cleared;
        if cleared == 0 || count == finished {
            return count;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use jiff::Timestamp;
    use ostler_lifecycle::JobId;
    use serde::{Deserialize, Serialize};
    use uuid::Uuid;

    use super::*;
    use crate::NewJob;
    use crate::job::Ledger;

    #[derive(Clone, Serialize, Deserialize)]
    struct Spec(u32);
    impl JobType for Spec {
        type Output = ();
    }

    fn id(number: u32) -> JobId {
        JobId::from_uuid(Uuid::from_u128(u128::from(number)))
    }

    fn create(ledger: &mut Ledger<Spec>, number: u32) {
        let (job, _) = NewJob::new("p", Spec(number)).into_job(id(number), Timestamp::UNIX_EPOCH);
        assert!(ledger.create(Arc::new(job)));
    }

    fn finish(ledger: &mut Ledger<Spec>, number: u32) {
        assert!(ledger.mark_cancelled(id(number), Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn a_job_that_is_there_all_the_time_is_listed_once_and_in_its_order() {
        // None that has ended is kept, so that new ones come into their places.
        let mut ledger = Ledger::new(0);
        (0..1_000).for_each(|number| create(&mut ledger, number));
        let mut pages = 0;
        let jobs = all(|page| {
            let found = ledger.page(page);
            // The first of the pages that are read go, and others of those that are not.
            for number in [pages, 900 + pages] {
                finish(&mut ledger, number);
                create(&mut ledger, 10_000 + number);
            }
            pages += 1;
            found
        });
        assert!(pages > 5, "{pages} pages: all were read at once");
        let numbers: Vec<u32> = jobs.iter().map(|job| job.spec.0).collect();
        assert!(numbers.is_sorted());
        let stayed: Vec<u32> = numbers.into_iter().filter(|number| (100..900).contains(number)).collect();
        assert_eq!(stayed, (100..900).collect::<Vec<_>>());
    }

    #[test]
    fn clearing_takes_a_few_at_a_time_and_no_more_than_had_ended() {
        let mut ledger = Ledger::new(usize::MAX);
        (0..2_000).for_each(|number| create(&mut ledger, number));
        (0..1_000).for_each(|number| finish(&mut ledger, number));
        let mut steps = 0;
        let count = clear(ledger.finished(), |most| {
            finish(&mut ledger, 1_000 + steps);
            steps += 1;
            ledger.clear_completed(false, most)
        });
        assert_eq!(count, 1_000);
        assert_eq!(steps, 1_000_usize.div_ceil(CLEARED_AT_ONCE) as u32);
        assert!(ledger.get(id(999)).is_none() && ledger.get(id(1_000)).is_some());
        assert_eq!(all(|page| ledger.page(page)).len(), 1_000);
        assert_eq!(ledger.get(id(1_999)).unwrap().spec.0, 1_999);
    }
}
