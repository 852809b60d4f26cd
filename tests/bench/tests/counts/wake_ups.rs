//! How often somebody sleeps in a job, and has to be woken up. That takes longer than all of the bookkeeping does.

use crate::host::Host;
use crate::tasks::of_tasks;

const JOBS: usize = 1000;

/// The host sleeps until `Started` comes, and again until the result; the worker until the request comes, and its other
/// thread until it is told who reads. On a busy machine some of it is there before anybody sleeps.
const AT_MOST: [f64; 2] = [3.0, 3.0];

#[test]
fn few_wake_ups_go_into_a_job() {
    let mut host = Host::launch(1, "CurrentThread");
    let sleeps = |pids: &[u32]| {
        let of = |pid: &u32| of_tasks(&[*pid]).values().map(|switch| switch.voluntary).sum::<u64>();
        pids.iter().map(of).collect::<Vec<_>>()
    };
    let before = sleeps(&host.pids);
    host.run(JOBS);
    let after = sleeps(&host.pids);
    let each: Vec<f64> =
        after.iter().zip(before).map(|(after, before)| (after - before) as f64 / JOBS as f64).collect();
    println!("wake-ups of host and worker for a job: {each:?}");
    assert!(each.iter().zip(AT_MOST).all(|(each, most)| *each <= most), "{each:?}, and not {AT_MOST:?}");
}
