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
    (0_u64..).flat_map(|at| (number.wrapping_mul(0x9E37_79B9) ^ at).to_le_bytes()).take(bytes).collect()
}
