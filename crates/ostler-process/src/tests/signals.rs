//! What the library writes sends its host no signal.

use std::fs;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit};

use super::super::record::Record;
use super::super::record_directory::RecordDirectory;
use super::super::record_text::{Noted, parse};
use super::super::test_support::{is_alone, scratch};
use super::super::worker_id::WorkerId;

fn allow_files_of(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).unwrap();
}

#[test]
fn a_record_that_would_be_too_large_ends_nobody_and_is_caught_up_with() {
    if !is_alone(
        "tests::signals::a_record_that_would_be_too_large_ends_nobody_and_is_caught_up_with",
        |command| command,
    ) {
        return;
    }
    let scratch = scratch();
    let directory = RecordDirectory::at(scratch.path().join("records"));
    let worker =
        |pid| Noted { pid: Pid::from_raw(pid).unwrap(), start: Some(1), id: WorkerId::fresh().unwrap() };
    let on_record = || {
        let pages = directory.entries().unwrap();
        assert_eq!(pages.len(), 1);
        let mut workers = parse(&fs::read_to_string(&pages[0]).unwrap()).unwrap().1;
        workers.sort_by_key(|worker| worker.pid.as_raw_pid());
        workers
    };
    let (first, second, third) = (worker(77), worker(78), worker(79));

    allow_files_of(Some(0));
    let mut record = Record::new(directory.clone());
    record.add(first);
    assert!(record.is_behind() && !record.catch_up());
    allow_files_of(None);
    assert!(record.catch_up() && !record.is_behind());
    assert_eq!(on_record(), [first]);

    // In the middle of a line: half of it is written.
    let written = fs::metadata(&directory.entries().unwrap()[0]).unwrap().len();
    allow_files_of(Some(written + 10));
    record.add(second);
    assert!(record.is_behind() && !record.catch_up());
    assert_eq!(on_record(), [first], "what is there stays there");
    allow_files_of(None);
    record.add(third);
    assert!(!record.is_behind(), "the half line has not spoiled the next");
    assert_eq!(on_record(), [first, second, third]);
    record.remove(second.id);
    assert_eq!(on_record(), [first, third]);
}

#[test]
fn shared_memory_that_would_be_too_large_ends_nobody() {
    if !is_alone("tests::signals::shared_memory_that_would_be_too_large_ends_nobody", |command| command) {
        return;
    }
    allow_files_of(Some(4096));
    let refused = ostler_shm::Ring::make().err();
    assert!(refused.is_some(), "a ring takes more than that");
}
