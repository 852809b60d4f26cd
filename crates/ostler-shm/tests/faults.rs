//! Peers that mean no good, and systems that do not help.
#![allow(clippy::unwrap_used, reason = "a test")]
#![allow(unsafe_code, reason = "a worker that means no good maps memory")]

mod common;

use std::fs::File;
use std::os::fd::OwnedFd;

use common::{BOUND, MIB, Side, pair, pattern};
use ostler_shm::{Arena, MAX_DESCRIPTORS};
use ostler_wire::{Payload, Place, SegmentNews};
use rustix::fs::{
    FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, ftruncate, memfd_create,
};

const GOOD: SealFlags = SealFlags::SHRINK.union(SealFlags::FUTURE_WRITE);

fn memory(size: usize, seals: SealFlags) -> OwnedFd {
    let memory = memfd_create("rogue", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    fallocate(&memory, FallocateFlags::empty(), 0, size as u64).unwrap();
    fcntl_add_seals(&memory, seals).unwrap();
    memory
}

fn shared(segment: u64, offset: u64, len: usize, new: Option<usize>) -> Place {
    Place::Shared { segment, offset, len: len as u64, new: new.map(|size| size as u64) }
}

/// The worker sends a payload that is said to lie there, with this descriptor.
#[track_caller]
fn is_a_fault(place: Place, descriptors: Vec<OwnedFd>, expected: &str) {
    let (mut host, worker) = pair();
    worker.send_raw(Payload::empty(), &[place], descriptors);
    let fault = host.fault();
    assert!(fault.contains(expected), "{fault}");
}

#[test]
fn a_segment_that_keeps_to_the_rules_is_taken() {
    let (mut host, worker) = pair();
    worker.send_raw(Payload::empty(), &[shared(7, 5, 10, Some(MIB))], vec![memory(MIB, GOOD)]);
    assert_eq!(host.payload().body(), &[0; 10][..]);
}

#[test]
fn segments_that_break_a_rule_are_faults() {
    let new = || shared(7, 0, MIB, Some(MIB));
    is_a_fault(shared(7, 0, MIB, None), vec![], "segment 7 was never sent");
    is_a_fault(shared(7, 1, MIB, Some(MIB)), vec![memory(MIB, GOOD)], "are not in segment 7");
    is_a_fault(shared(7, u64::MAX, 2, Some(MIB)), vec![memory(MIB, GOOD)], "are not in segment 7");
    is_a_fault(new(), vec![memory(MIB, SealFlags::FUTURE_WRITE)], "not sealed");
    is_a_fault(new(), vec![memory(MIB, SealFlags::SHRINK)], "not sealed");
    is_a_fault(new(), vec![memory(MIB - 4096, GOOD)], "was announced with");
    is_a_fault(new(), vec![memory(2 * MIB, GOOD)], "was announced with");
    is_a_fault(new(), vec![File::open("/dev/zero").unwrap().into()], "no memory that can be sealed");
    let too_much = 2 * BOUND + 4096;
    is_a_fault(shared(7, 0, MIB, Some(too_much)), vec![memory(too_much, GOOD)], "agreed on");
    is_a_fault(Place::Returned { segment: 0, offset: 0, len: 1 }, vec![], "segment 0 is referred to");
}

#[test]
fn memory_that_is_not_there_is_a_fault() {
    let sparse = memfd_create("rogue", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    ftruncate(&sparse, MIB as u64).unwrap();
    fcntl_add_seals(&sparse, GOOD).unwrap();
    is_a_fault(shared(7, 0, MIB, Some(MIB)), vec![sparse], "blocks are there");
}

#[test]
fn descriptors_that_nobody_asked_for_are_faults() {
    is_a_fault(Place::Inline { len: 0 }, vec![memory(4096, GOOD)], "belong to no message");
    let two = vec![memory(MIB, GOOD), memory(MIB, GOOD)];
    is_a_fault(shared(7, 0, MIB, Some(MIB)), two, "belong to no message");
    let flood = (0..=MAX_DESCRIPTORS).map(|_| memory(4096, GOOD)).collect();
    is_a_fault(shared(7, 0, 4096, Some(4096)), flood, "descriptors came");
}

#[test]
fn a_segment_that_comes_twice_is_a_fault() {
    let (mut host, worker) = pair();
    let mut send = || {
        worker.send_raw(Payload::empty(), &[shared(7, 0, 10, Some(MIB))], vec![memory(MIB, GOOD)]);
        host.receive()
    };
    assert!(send().is_ok());
    let fault = send().unwrap_err().to_string();
    assert!(fault.contains("segment 7 comes twice"), "{fault}");
}

#[test]
fn references_are_given_back_as_often_as_they_were_given() {
    let (host, mut worker) = pair();
    host.send(Payload::raw(pattern(MIB, 1)));
    let _held = worker.payload();
    let news = |released: &[u64]| SegmentNews { released: released.to_vec(), ..SegmentNews::default() };
    assert_eq!(host.arena.hear(news(&[0])), Ok(()));
    assert!(host.arena.hear(news(&[0])).unwrap_err().contains("was not given"));
    assert!(host.arena.hear(news(&[9])).unwrap_err().contains("segment 9"));
    let retired = SegmentNews { retired: vec![3], ..SegmentNews::default() };
    assert!(host.arena.hear(retired).unwrap_err().contains("segment 3"));
}

#[test]
fn without_an_agreement_nothing_is_taken() {
    let (mut host, worker) = pair();
    host.arena.open(0);
    worker.send(Payload::raw(pattern(MIB, 1)));
    assert!(host.fault().contains("not agreed"));
}

/// What the kernel does when the receiver may open nothing more: the bytes come, and no descriptor.
fn lose(sender: &Side, payload: Payload) {
    let mut payload = payload;
    let placement = sender.arena.place(&mut payload);
    let places = placement.places().to_vec();
    drop(placement.sent());
    sender.send_raw(payload, &places, vec![]);
}

#[test]
fn a_lost_descriptor_is_told_and_all_that_follows_is_in_the_frame() {
    let (mut host, mut worker) = pair();
    host.send(Payload::raw(pattern(2 * MIB, 1)));
    let held = worker.payload();
    lose(&host, Payload::raw(pattern(MIB, 2)));
    let (_, loss) = worker.receive().unwrap();
    assert!(loss.unwrap().contains("too many open files"));

    worker.send(Payload::raw(pattern(MIB, 3)));
    assert_eq!(host.payload().body(), &pattern(MIB, 3), "the other way is not affected");
    let mut payload = Payload::raw(pattern(MIB, 4));
    assert!(host.arena.place(&mut payload).places().is_empty());
    assert_eq!(held.body(), &pattern(2 * MIB, 1));
    drop(held);
    worker.send(Payload::empty());
    host.payload();
}

/// A part of the same bytes twice, and again in the next payload, before the sender hears that they were lost.
#[test]
fn what_was_lost_may_be_named_until_its_owner_hears_of_it() {
    let (mut host, mut worker) = pair();
    let mut buffer = host.arena.buffer(MIB);
    buffer.copy_from_slice(&pattern(MIB, 1));
    let bytes = buffer.freeze();
    lose(&host, Payload::raw(bytes.clone()).attach("again", "", bytes.clone()));
    assert!(worker.receive().unwrap().1.unwrap().contains("too many open files"));
    assert!(matches!(host.send(Payload::raw(bytes.clone()))[0], Place::Shared { new: None, .. }));
    assert!(worker.receive().unwrap().1.unwrap().contains("was lost"));
    worker.send(Payload::empty());
    host.payload();
    assert!(host.arena.place(&mut Payload::raw(bytes)).places().is_empty(), "now it goes in the frame");
}

#[test]
fn a_segment_that_is_given_up_while_it_is_read_is_a_fault() {
    let (mut host, worker) = pair();
    worker.send(Payload::raw(pattern(MIB, 1)));
    let held = host.payload();
    let retired = SegmentNews { retired: vec![0], ..SegmentNews::default() };
    assert!(host.arena.hear(retired.clone()).unwrap_err().contains("was not given back"));
    drop(held);
    assert_eq!(host.arena.hear(retired), Ok(()));
}

#[test]
fn a_host_that_does_not_trust_has_a_copy_that_its_worker_cannot_reach() {
    use rustix::mm::{MapFlags, ProtFlags, mmap};
    for (offset, len) in [(0, 3 * 4096), (1, 4097), (7, 1), (4095, 70), (8, 16), (3, 0)] {
        let (mut host, worker) = pair();
        host.arena = Arena::of_host(None);
        host.arena.open(BOUND);
        let memory = memfd_create("rogue", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        fallocate(&memory, FallocateFlags::empty(), 0, MIB as u64).unwrap();
        // SAFETY: the system chooses a place where nothing is.
        let begin = unsafe {
            let access = ProtFlags::READ | ProtFlags::WRITE;
            mmap(std::ptr::null_mut(), MIB, access, MapFlags::SHARED, &memory, 0).unwrap().cast::<u8>()
        };
        let text = pattern(4 * 4096, 5);
        // SAFETY: so much is mapped there, for as long as this process lives.
        unsafe { begin.copy_from_nonoverlapping(text.as_ptr(), text.len()) };
        fcntl_add_seals(&memory, GOOD).unwrap();
        worker.send_raw(Payload::empty(), &[shared(7, offset, len, Some(MIB))], vec![memory]);
        let came = host.payload();
        let begun = offset as usize;
        assert_eq!(came.body(), &text.slice(begun..begun + len));
        // SAFETY: as above.
        unsafe { begin.write_bytes(9, MIB) };
        assert_eq!(
            came.body(),
            &text.slice(begun..begun + len),
            "{len} bytes at {offset} are still the worker's"
        );
        assert_eq!(host.arena.news().unwrap().released, [7], "the worker may write there again");
    }
}
