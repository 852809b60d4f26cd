//! All histories of small worlds: whatever goes before what, nobody's bytes change, nobody is told nonsense, and no
//! reference is lost.

mod setting;
mod way;
mod world;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use setting::Part::{Copied, Held};
use setting::{Planted, Setting, Step};
use world::World;

/// Looks at every world that can come of the first one, the near ones first. Says how many there are, or which shortest
/// history breaks a rule, and which.
fn explore(setting: &Setting) -> Result<usize, String> {
    let first = World::new(setting);
    // By which step each was first met, after which.
    let mut ways: Vec<Option<(usize, Step)>> = vec![None];
    let mut seen = HashMap::from([(first.clone(), 0)]);
    let mut worlds = VecDeque::from([(0, first)]);
    while let Some((at, world)) = worlds.pop_front() {
        for step in world.steps(setting) {
            let next = world
                .after(step, setting)
                .map_err(|reason| format!("{reason}, after {:?}", history(&ways, at, step)))?;
            if let Entry::Vacant(entry) = seen.entry(next) {
                worlds.push_back((ways.len(), entry.key().clone()));
                entry.insert(ways.len());
                ways.push(Some((at, step)));
            }
        }
    }
    Ok(ways.len())
}

fn history(ways: &[Option<(usize, Step)>], mut at: usize, last: Step) -> Vec<Step> {
    let mut steps = vec![last];
    while let Some((before, step)) = ways[at] {
        steps.push(step);
        at = before;
    }
    steps.reverse();
    steps
}

/// One job that is copied in, and sent back with a part that is copied, while the worker is asked for its state.
const ECHO: Setting = Setting {
    requests: &[&[Copied]],
    responses: &[&[Held, Copied]],
    words: [1, 1],
    host_copies: false,
    losses: false,
    refusals: false,
    death: false,
    buffers: [0, 0],
    at_once: 1,
    planted: Planted::Nothing,
};

#[track_caller]
fn holds(setting: &Setting) {
    match explore(setting) {
        Ok(count) => assert!(count > 300, "only {count} worlds"),
        Err(broken) => panic!("{broken}"),
    }
}

/// Red if the search does not see such a fault.
#[track_caller]
fn finds(planted: Planted, setting: &Setting, expected: &str) {
    assert!(explore(setting).is_ok(), "all is well without the fault");
    match explore(&Setting { planted, ..setting.clone() }) {
        Ok(count) => panic!("{planted:?} is not found in {count} worlds"),
        Err(broken) => assert!(broken.starts_with(expected), "{planted:?}: {broken}"),
    }
}

#[test]
fn an_echo_beside_a_copy_under_questions() {
    holds(&ECHO);
    holds(&Setting { host_copies: true, ..ECHO });
}

#[test]
fn two_jobs_that_find_each_other_s_segments() {
    let requests: &[&[_]] = &[&[Copied], &[Held]];
    let setting = Setting { requests, responses: &[&[Held], &[Copied]], words: [0, 1], ..ECHO };
    holds(&setting);
    holds(&Setting { host_copies: true, ..setting });
}

#[test]
fn results_that_do_not_fit_and_workers_that_die() {
    holds(&Setting { refusals: true, words: [0, 1], ..ECHO });
    holds(&Setting { death: true, words: [0, 1], ..ECHO });
}

#[test]
fn segments_that_are_lost() {
    let requests: &[&[_]] = &[&[Held], &[Held]];
    let lossy =
        Setting { requests, responses: &[&[], &[]], losses: true, buffers: [1, 0], words: [0, 1], ..ECHO };
    holds(&lossy);
    holds(&Setting { requests: &[&[], &[]], responses: &[&[Held], &[Held]], buffers: [0, 1], ..lossy });
}

#[test]
fn two_payloads_of_one_side_at_once() {
    let requests: &[&[_]] = &[&[Held], &[Held]];
    holds(&Setting { requests, responses: &[], at_once: 2, buffers: [1, 0], words: [0, 1], ..ECHO });
}

#[test]
fn planted_faults_are_found() {
    finds(Planted::EarlyRelease, &ECHO, "segment 0 is referred to and was not given");
    finds(Planted::OvertakingRelease, &ECHO, "segment 0 is referred to and was not given");
    finds(Planted::DoubleRelease, &ECHO, "segment 0 is given back and was not given");
    let again = Setting { requests: &[&[Copied], &[Copied]], responses: &[&[], &[]], words: [0, 0], ..ECHO };
    finds(Planted::EarlyReuse, &again, "side 1 has Spot");
    let answers = Setting { requests: &[&[], &[]], responses: &[&[Copied], &[Copied]], ..again.clone() };
    finds(Planted::EarlyCopyEnd, &Setting { host_copies: true, words: [1, 0], ..answers }, "side 0 has Spot");
    let both = Setting { requests: &[&[Copied], &[Copied]], responses: &[], at_once: 2, ..again };
    finds(Planted::EarlyUnlock, &both, "side 0 has Spot");
    let shared = Setting { requests: &[&[Held], &[Held]], buffers: [1, 0], ..both };
    finds(Planted::EarlyName, &shared, "segment 0 was never sent");
    finds(Planted::OvertakingRing, &shared, "segment 0 was never sent");
    let lossy = Setting { requests: &[&[Held], &[Held]], responses: &[&[], &[]], losses: true, ..ECHO };
    finds(Planted::ForgottenLoss, &Setting { buffers: [1, 0], ..lossy }, "a reference was lost");
    finds(Planted::LeakedReference, &Setting { refusals: true, ..ECHO }, "a reference was lost");
}
