use super::{Act, Task};

/// What the job is to answer if it does.
pub(crate) fn answer(task: &Task, attempt: u32) -> String {
    match task.act_of(attempt) {
        Act::Echo(text) => text.clone(),
        _ => format!("job {} is done", task.number),
    }
}

/// So many bytes that are not easily mistaken for those of another job.
pub(crate) fn pattern(number: u64, bytes: usize) -> Vec<u8> {
    let mut pattern = vec![0; bytes];
    for (word, at) in pattern.chunks_exact_mut(8).zip(0_u64..) {
        word.copy_from_slice(&(number.wrapping_mul(0x9E37_79B9) ^ at).to_le_bytes());
    }
    pattern
}

/// What a job is sent beside its task.
pub(crate) fn sent(task: &Task) -> Option<Vec<u8>> {
    match task.act {
        Act::Attachment => Some(pattern(task.number, MIB)),
        Act::Attachments(mib) => Some(pattern(task.number, mib as usize * MIB)),
        _ => None,
    }
}

/// What its answer brings beside what it was sent.
pub(crate) fn own(task: &Task) -> Option<Vec<u8>> {
    match task.act {
        Act::Attachments(mib) => Some(pattern(!task.number, mib as usize * MIB / 2)),
        Act::Pinch(_) => Some(pattern(!task.number, MIB)),
        _ => None,
    }
}

const MIB: usize = 1 << 20;
