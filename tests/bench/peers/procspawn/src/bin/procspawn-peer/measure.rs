//! Times and what is said of them.

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};

pub(crate) type Figures = Map<String, Value>;

/// Up to `count` samples, fewer if they take longer than the budget, at least one.
pub(crate) fn repeat<E>(
    count: usize,
    budget: Duration,
    mut sample: impl FnMut() -> Result<Duration, E>,
) -> Result<Vec<Duration>, E> {
    let end = Instant::now() + budget;
    let mut samples = vec![sample()?];
    while samples.len() < count && Instant::now() < end {
        samples.push(sample()?);
    }
    Ok(samples)
}

/// Of fewer than 100 samples the p99 is the slowest.
pub(crate) fn spread(samples: &[Duration]) -> Figures {
    let mut ordered = samples.to_vec();
    ordered.sort_unstable();
    let mean = ordered.iter().sum::<Duration>().div_f64(ordered.len() as f64);
    figures(json!({
        "p50_us": micros(rank(&ordered, 0.50)),
        "p99_us": micros(rank(&ordered, 0.99)),
        "mean_us": micros(mean),
        "n": ordered.len(),
    }))
}

pub(crate) fn median(samples: &[Duration]) -> Duration {
    let mut ordered = samples.to_vec();
    ordered.sort_unstable();
    rank(&ordered, 0.50)
}

fn rank(ordered: &[Duration], share: f64) -> Duration {
    ordered[(share * ordered.len() as f64).ceil() as usize - 1]
}

fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e3
}

/// The fields of an object. Anything else has none.
pub(crate) fn figures(value: Value) -> Figures {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

pub(crate) fn emit(row: &str, figures: Figures) {
    println!("{}", json!({ row: figures }));
}

/// The clock that all processes of the machine share.
pub(crate) fn monotonic_ns() -> i64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// The resident memory of this process, in bytes.
pub(crate) fn resident() -> Result<usize, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim_end_matches("kB").trim().parse::<usize>()? * 1024)
}
