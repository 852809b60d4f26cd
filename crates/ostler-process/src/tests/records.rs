use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

use super::super::leftover::{End, Leftover, end_group};
use super::super::procfs::{self, Stat};
use super::super::record::Record;
use super::super::record_directory::RecordDirectory;
use super::super::record_text::{Noted, Origin, addition, header, host, parse};
use super::super::test_support::{Scratch, has_died, is_alone, scratch, within};
use super::super::worker_id::WorkerId;
use super::{carrying, shell, start};

fn directory(scratch: &Scratch) -> RecordDirectory {
    RecordDirectory::at(scratch.path().join("records"))
}

/// A worker that is left over: a shell that leads a group, and a child of it.
fn leftover() -> (Child, Noted) {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "sleep 1000 & wait"]).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let pid = Pid::from_child(&child);
    within("the shell has a child", || members(pid) == 2);
    let noted = Noted { pid, start: Some(start_of(pid)), id: WorkerId::fresh().unwrap() };
    (child, noted)
}

/// How many of the group live.
fn members(group: Pid) -> usize {
    let stats = procfs::pids().unwrap().into_iter().filter_map(|pid| Stat::of(pid).unwrap());
    stats.filter(|stat| stat.group == group.as_raw_pid() && stat.runs()).count()
}

fn dead_host(directory: &RecordDirectory, origin: &Origin, workers: &[Noted]) -> PathBuf {
    let text = workers.iter().fold(header(origin), |text, worker| text + &addition(worker));
    let path = directory.ensure().unwrap().join(format!("77-{}", WorkerId::fresh().unwrap()));
    fs::write(&path, text).unwrap();
    path
}

fn found(directory: &RecordDirectory) -> Vec<Noted> {
    let leftovers = Leftover::find(directory).unwrap();
    leftovers.iter().flat_map(|leftover| leftover.workers().to_vec()).collect()
}

fn end(mut child: Child, noted: &Noted) {
    assert_eq!(end_group(noted).unwrap(), End::Killed);
    assert!(has_died(&mut child));
}

fn start_of(pid: Pid) -> u64 {
    Stat::of(pid).unwrap().unwrap().start
}

#[test]
fn a_full_match_is_killed_with_its_group() {
    let (mut child, noted) = leftover();
    assert_eq!(end_group(&noted).unwrap(), End::Killed);
    assert!(has_died(&mut child));
    within("its group is dead", || members(noted.pid) == 0);
    assert_eq!(end_group(&noted).unwrap(), End::Gone, "there is nobody any more");
}

#[test]
fn a_stopped_one_is_killed_too() {
    let (mut child, noted) = leftover();
    kill_process(noted.pid, Signal::STOP).unwrap();
    within("it is stopped", || Stat::of(noted.pid).unwrap().is_some_and(|stat| stat.state == 'T'));
    assert_eq!(end_group(&noted).unwrap(), End::Killed);
    assert!(has_died(&mut child));
}

/// Nobody who looks at the log should look for what was never there.
#[test]
fn one_that_had_ended_is_not_said_to_have_been_ended() {
    let mut child = Command::new("true").process_group(0).spawn().unwrap();
    let pid = Pid::from_child(&child);
    let noted = Noted { pid, start: Some(start_of(pid)), id: WorkerId::fresh().unwrap() };
    within("it is a zombie", || Stat::of(pid).unwrap().is_some_and(|stat| !stat.runs()));
    assert_eq!(end_group(&noted).unwrap(), End::WasDead);
    child.wait().unwrap();

    // Its child goes on, and that one is ended.
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "sleep 1000 & exit"]).process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let pid = Pid::from_child(&child);
    let noted = Noted { pid, start: Some(start_of(pid)), id: WorkerId::fresh().unwrap() };
    within("only its child runs", || {
        Stat::of(pid).unwrap().is_some_and(|stat| !stat.runs()) && members(pid) == 1
    });
    assert_eq!(end_group(&noted).unwrap(), End::Killed);
    within("its child is dead", || members(pid) == 0);
    child.wait().unwrap();
}

#[test]
fn another_start_is_another_process() {
    let (mut child, noted) = leftover();
    let own = noted.start.unwrap();
    for start in [Some(own - 1), Some(own + 1), None] {
        assert_eq!(end_group(&Noted { start, ..noted }).unwrap(), End::Gone);
    }
    assert_eq!((child.try_wait().unwrap(), members(noted.pid)), (None, 2));
    end(child, &noted);
}

#[test]
fn a_record_of_another_boot_names_nobody_and_goes() {
    let scratch = scratch();
    let directory = directory(&scratch);
    let (child, noted) = leftover();
    let own = Origin::own().unwrap();
    let other = Origin { boot: "00000000-0000-0000-0000-000000000000".into(), ..own.clone() };
    let path = dead_host(&directory, &other, &[noted]);
    assert_eq!(found(&directory), []);
    assert!(!path.exists());
    // The same from this boot does name it.
    dead_host(&directory, &own, &[noted]);
    within("it is found, once nobody holds its lock", || found(&directory) == [noted]);
    assert_eq!(members(noted.pid), 2);
    end(child, &noted);
}

#[test]
fn a_record_of_another_container_is_none_of_ours() {
    let scratch = scratch();
    let directory = directory(&scratch);
    let worker = Noted { pid: Pid::from_raw(77).unwrap(), start: Some(1), id: WorkerId::fresh().unwrap() };
    let other = Origin { pid_namespace: "pid:[1]".into(), ..Origin::own().unwrap() };
    let path = dead_host(&directory, &other, &[worker]);
    assert_eq!(found(&directory), []);
    assert!(path.exists());
}

/// Locks are of the open file, which a process that the host has forked has too.
#[test]
fn a_lock_that_a_forked_process_keeps_does_not_make_its_host_live() {
    let scratch = scratch();
    let directory = directory(&scratch);
    let worker = Noted { pid: Pid::from_raw(77).unwrap(), start: Some(1), id: WorkerId::fresh().unwrap() };
    let mut host_process = Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = Pid::from_child(&host_process);
    let text = header(&Origin::own().unwrap()) + &host(pid, start_of(pid)) + &addition(&worker);
    let path = directory.ensure().unwrap().join("77-of-a-host");
    fs::write(&path, &text).unwrap();
    let kept = fs::File::open(&path).unwrap();
    kept.lock().unwrap();
    assert_eq!(found(&directory), [], "its host lives");
    host_process.kill().unwrap();
    within("it is a zombie", || Stat::of(pid).unwrap().is_some_and(|stat| !stat.runs()));
    assert_eq!(found(&directory), [worker]);
    host_process.wait().unwrap();
    assert_eq!(found(&directory), [worker]);
    // Its number may be another's by now.
    let mut other = Command::new("sleep").arg("1000").spawn().unwrap();
    let number = Pid::from_child(&other);
    let reused = host(number, start_of(number) - 1);
    fs::write(&path, header(&Origin::own().unwrap()) + &reused + &addition(&worker)).unwrap();
    assert_eq!(found(&directory), [worker]);
    // And who does not say whose it is, is known by its lock alone.
    fs::write(&path, header(&Origin::own().unwrap()) + &addition(&worker)).unwrap();
    assert_eq!(found(&directory), []);
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_host_that_lives_is_left_alone() {
    let scratch = scratch();
    let directory = directory(&scratch);
    let worker =
        |pid| Noted { pid: Pid::from_raw(pid).unwrap(), start: Some(1), id: WorkerId::fresh().unwrap() };
    let (first, second) = (worker(77), worker(78));
    let mut record = Record::new(directory.clone());
    record.add(first);
    record.add(second);
    record.remove(first.id);
    assert_eq!(found(&directory), []);
    assert_eq!(directory.entries().unwrap().len(), 1);
    drop(record);
    within("it is found, once nobody holds its lock", || found(&directory) == [second]);
}

#[test]
fn nothing_is_left_when_no_worker_is() {
    let scratch = scratch();
    let directory = directory(&scratch);
    let mut record = Record::new(directory.clone());
    // Over and over, and with others in between.
    for pid in 2..50 {
        let worker =
            Noted { pid: Pid::from_raw(pid).unwrap(), start: Some(1), id: WorkerId::fresh().unwrap() };
        record.add(worker);
        assert!(directory.path().exists());
        record.remove(worker.id);
        assert!(!directory.path().exists());
    }
}

#[test]
fn a_long_record_is_written_anew_and_says_the_same() {
    let scratch = scratch();
    let directory = directory(&scratch);
    let worker =
        |pid| Noted { pid: Pid::from_raw(pid).unwrap(), start: Some(1), id: WorkerId::fresh().unwrap() };
    let mut record = Record::new(directory.clone());
    let stays = worker(2);
    record.add(stays);
    for pid in 3..2000 {
        let goes = worker(pid);
        record.add(goes);
        record.remove(goes.id);
    }
    let pages = directory.entries().unwrap();
    assert_eq!(pages.len(), 1);
    let text = fs::read_to_string(&pages[0]).unwrap();
    assert!(text.lines().count() < 1100, "{} lines", text.lines().count());
    assert_eq!(parse(&text).unwrap().1, [stays]);
}

#[test]
fn what_is_no_record_is_removed_or_left_and_harms_nobody() {
    let scratch = scratch();
    let directory = directory(&scratch);
    let path = directory.ensure().unwrap();
    fs::write(path.join("garbage"), [0xff, 0, b'\n', b'+']).unwrap();
    fs::write(path.join("empty"), "").unwrap();
    fs::create_dir(path.join("directory")).unwrap();
    let target = scratch.path().join("target");
    fs::write(&target, "of somebody").unwrap();
    symlink(&target, path.join("link")).unwrap();
    assert!(Command::new("mkfifo").arg(path.join("pipe")).status().unwrap().success());
    assert_eq!(found(&directory), []);
    let mut left: Vec<_> =
        directory.entries().unwrap().iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    left.sort();
    assert_eq!(left, ["directory", "link", "pipe"]);
    assert_eq!(fs::read_to_string(target).unwrap(), "of somebody");
}

#[test]
fn without_a_place_for_records_the_rest_works() {
    let scratch = scratch();
    // A file is where the directory should be.
    let place = scratch.path().join("records");
    fs::write(&place, "").unwrap();
    let mut record = Record::new(RecordDirectory::at(place.clone()));
    let worker = Noted { pid: Pid::from_raw(77).unwrap(), start: Some(1), id: WorkerId::fresh().unwrap() };
    record.add(worker);
    record.remove(worker.id);
    record.add(worker);
    // And once there is a place, it is used.
    fs::remove_file(&place).unwrap();
    let second = Noted { id: WorkerId::fresh().unwrap(), ..worker };
    record.add(second);
    drop(record);
    // A child that another test is just making may hold the lock for a moment.
    let directory = RecordDirectory::at(place);
    within("both are found", || found(&directory).len() == 2);
}

/// The supervisor's own children, in the directory of this process.
#[tokio::test]
async fn a_child_is_on_record_while_it_lives() {
    let child = start(shell("exec sleep 1000")).await;
    let pid = child.pid();
    let start = Some(start_of(pid));
    let is_on_record = || {
        let entries = RecordDirectory::usual().entries().unwrap();
        let texts = entries.iter().filter_map(|path| fs::read_to_string(path).ok());
        texts
            .filter_map(|text| Some(parse(&text)?.1))
            .flatten()
            .any(|noted| (noted.pid, noted.start) == (pid, start))
    };
    within("it is on record", is_on_record);
    let mark = child.mark.clone();
    child.killed().await;
    assert!(!is_on_record());
    assert_eq!(carrying(&mark), []);
}

/// A new record takes two descriptors, though not at once: it used to be left empty if there was only one.
#[test]
fn a_record_that_cannot_be_begun_for_want_of_descriptors_leaves_no_file() {
    let name = "tests::records::a_record_that_cannot_be_begun_for_want_of_descriptors_leaves_no_file";
    if !is_alone(name, |command| command) {
        return;
    }
    let scratch = scratch();
    let directory = directory(&scratch);
    let mut record = Record::new(directory.clone());
    let noted = Noted { pid: Pid::from_raw(77).unwrap(), start: Some(1), id: WorkerId::fresh().unwrap() };
    let before = getrlimit(Resource::Nofile);
    let mut refused = 0;
    // From none that is free on to as many as are needed.
    for limit in 0..256 {
        setrlimit(Resource::Nofile, Rlimit { current: Some(limit), ..before }).unwrap();
        if limit == 0 {
            record.add(noted);
        } else {
            record.catch_up();
        }
        setrlimit(Resource::Nofile, before).unwrap();
        if !record.is_behind() {
            break;
        }
        refused += 1;
        assert_eq!(directory.entries().unwrap(), [] as [PathBuf; 0], "with a limit of {limit}");
    }
    assert!(refused > 0 && !record.is_behind(), "it was refused {refused} times");
    assert_eq!(directory.entries().unwrap().len(), 1);
    record.remove(noted.id);
}
