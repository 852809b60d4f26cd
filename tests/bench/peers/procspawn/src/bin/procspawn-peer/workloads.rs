//! The workloads W1 to W8 for the pool of procspawn.

use std::collections::VecDeque;
use std::error::Error;
use std::time::{Duration, Instant};

use procspawn::{JoinHandle, Pool};
use rustix::process::{Resource, getrlimit};
use serde_bytes::ByteBuf;
use serde_json::json;

use crate::departure::Departure;
use crate::jobs;
use crate::measure::{emit, figures, median, monotonic_ns, repeat, resident, spread};
use crate::plan::Plan;
use crate::postbox::Postbox;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What procspawn opens for a job that waits: three, and the host needs some for itself.
const DESCRIPTORS_PER_JOB: usize = 3;
const DESCRIPTORS_OF_HOST: usize = 200;

pub(crate) fn run(workload: &str, plan: &Plan) -> Outcome {
    match workload {
        "w1" => w1(plan),
        "w2_1" => w2(plan, 1),
        "w2_2" => w2(plan, 2),
        "w3" => w3(plan),
        "w4" => cancels(&Pool::new(1)?, plan, plan.cancels, (Some("w4a"), "w4b")),
        "w4c" => w4c(plan),
        "w4_sigterm" => w4_sigterm(),
        "w5" => w5(),
        "w6" => w6(plan),
        "w7" => w7(plan),
        "w8" => w8(plan),
        other => Err(format!("no workload {other}").into()),
    }
}

/// Echo of 64 bytes, one at a time.
fn w1(plan: &Plan) -> Outcome {
    let pool = warm(Pool::new(1)?, plan)?;
    let times = repeat(plan.echoes, plan.budget(), || round_trip(&pool, payload(64)))?;
    emit("w1", spread(&times));
    Ok(())
}

/// Many echoes of 64 bytes, as many at once as there are descriptors for.
fn w2(plan: &Plan, workers: usize) -> Outcome {
    let pool = warm(Pool::new(workers)?, plan)?;
    let at_once = plan.many.min(queue_limit());
    let together = || -> Outcome<Duration> {
        let start = Instant::now();
        let mut waiting = VecDeque::with_capacity(at_once);
        for _ in 0..plan.many {
            if waiting.len() == at_once {
                join_first(&mut waiting)?;
            }
            waiting.push_back(pool.spawn(payload(64), jobs::echo));
        }
        while !waiting.is_empty() {
            join_first(&mut waiting)?;
        }
        Ok(start.elapsed())
    };
    let rounds = repeat(plan.rounds, plan.budget(), together)?;
    let rate = plan.many as f64 / median(&rounds).as_secs_f64();
    let row = json!({ "jobs_per_s": rate, "jobs": plan.many, "n": rounds.len(), "at_once": at_once });
    emit(&format!("w2_{workers}"), figures(row));
    Ok(())
}

fn join_first(waiting: &mut VecDeque<JoinHandle<ByteBuf>>) -> Outcome {
    if let Some(first) = waiting.pop_front() {
        first.join()?;
    }
    Ok(())
}

/// Echo of large payloads.
fn w3(plan: &Plan) -> Outcome {
    let pool = warm(Pool::new(1)?, plan)?;
    for &(mib, count) in &plan.payloads {
        let sent = payload(mib << 20);
        if pool.spawn(sent.clone(), jobs::echo).join()? != sent {
            return Err("the echo differs from what was sent".into());
        }
        let times = repeat(count, plan.budget(), || {
            let argument = sent.clone(); // spawn takes it, so it is copied before the clock runs
            round_trip(&pool, argument)
        })?;
        let mut row = spread(&times);
        let rate = sent.len() as f64 / 1e6 / median(&times).as_secs_f64();
        row.insert("mb_per_s".into(), rate.into());
        emit(&format!("w3_{mib}mib"), row);
    }
    Ok(())
}

/// As w4b, the worker has to load 500 ms.
fn w4c(plan: &Plan) -> Outcome {
    let (key, value) = jobs::load_variable();
    let pool = Pool::builder(1).env(key, value).build()?;
    cancels(&pool, plan, plan.loads, (None, "w4c"))
}

fn w4_sigterm() -> Outcome {
    for row in ["w4a_sigterm", "w4b_sigterm"] {
        emit(row, figures(json!({ "cannot": "its kill is SIGKILL already" })));
    }
    Ok(())
}

/// Cancels of a busy loop that ignores SIGTERM: until its process is gone and the caller told; until the next echo.
fn cancels(pool: &Pool, plan: &Plan, count: usize, rows: (Option<&str>, &str)) -> Outcome {
    let mut postbox = Postbox::new()?;
    let mut over = Vec::new();
    let until_next_echo = || -> Outcome<Duration> {
        let mut running = pool.spawn(postbox.path(), jobs::spin);
        let departure = Departure::of(postbox.read()?.parse()?)?;
        let start = Instant::now();
        running.kill()?;
        // A result that nobody collects would hold up the worker, so the killed job is joined first.
        if running.join_timeout(plan.patience()).is_ok() {
            return Err("a job that was killed has a result".into());
        }
        let told = Instant::now();
        pool.spawn(payload(64), jobs::echo).join_timeout(plan.patience())?;
        let answered = start.elapsed();
        let gone = departure.wait(plan.patience()).ok_or("the process is not gone")?;
        over.push(gone.max(told) - start);
        Ok(answered)
    };
    let to_echo = repeat(count, plan.budget(), until_next_echo)?;
    if let Some(row) = rows.0 {
        emit(row, spread(&over));
    }
    emit(rows.1, spread(&to_echo));
    Ok(())
}

/// From the making of the pool until its first result.
fn w5() -> Outcome {
    let start = Instant::now();
    let pool = Pool::new(1)?;
    pool.spawn(payload(64), jobs::echo).join()?;
    emit("w5", spread(&[start.elapsed()]));
    Ok(())
}

/// A job kills its own process while others wait: when the caller is told, and what becomes of the others.
fn w6(plan: &Plan) -> Outcome {
    let pool = warm(Pool::new(1)?, plan)?;
    let mut postbox = Postbox::new()?;
    let (mut alive, mut usable) = (plan.behind, true);
    let until_told = || -> Outcome<Duration> {
        let mut crash = pool.spawn(postbox.path(), jobs::crash);
        let waiting: Vec<_> = (0..plan.behind).map(|_| pool.spawn(payload(64), jobs::echo)).collect();
        match crash.join_timeout(plan.patience()) {
            Ok(()) => return Err("a job that was killed has a result".into()),
            Err(error) if error.is_timeout() => return Err("the caller is not told".into()),
            Err(_) => (),
        }
        let told = monotonic_ns();
        let killed: i64 = postbox.read()?.parse()?;
        let answers = |mut job: JoinHandle<ByteBuf>| job.join_timeout(plan.patience()).is_ok();
        alive = alive.min(waiting.into_iter().map(answers).filter(|&is| is).count());
        usable &= answers(pool.spawn(payload(64), jobs::echo));
        Ok(Duration::from_nanos(u64::try_from(told - killed)?))
    };
    let mut row = spread(&repeat(plan.crashes, plan.budget(), until_told)?);
    row.extend(figures(json!({ "usable": usable, "queued": plan.behind, "queued_alive": alive })));
    emit("w6", row);
    Ok(())
}

/// Memory with one idle worker. The harness looks, and ends this process.
fn w7(plan: &Plan) -> Outcome {
    let pool = warm(Pool::new(1)?, plan)?;
    let mut postbox = Postbox::new()?; // nobody writes to it
    let worker = pool.spawn((), jobs::pid).join()?;
    emit("idle", figures(json!({ "worker": worker })));
    postbox.read()?;
    Ok(())
}

/// Many submits while the worker is busy: the time of each, and what the host holds for it.
fn w8(plan: &Plan) -> Outcome {
    let pool = warm(Pool::new(1)?, plan)?;
    let mut postbox = Postbox::new()?;
    let _holding = pool.spawn(postbox.path(), jobs::hold);
    postbox.read()?;
    let count = plan.deep.min(queue_limit());
    let mut times = vec![Duration::MAX; count];
    let mut handles = Vec::with_capacity(count);
    let before = resident()?;
    for time in &mut times {
        let start = Instant::now();
        handles.push(pool.spawn(payload(64), jobs::echo));
        *time = start.elapsed();
    }
    let mut row = spread(&times);
    row.insert("bytes_per_job".into(), ((resident()? - before) as f64 / count as f64).into());
    if count < plan.deep {
        row.insert("note".into(), format!("stopped at {count}: there are no more descriptors").into());
    }
    emit("w8", row);
    Ok(())
}

/// All workers are there, and everything has run some times.
fn warm(pool: Pool, plan: &Plan) -> Outcome<Pool> {
    let jobs: Vec<_> = (0..plan.warm_up).map(|_| pool.spawn(payload(64), jobs::echo)).collect();
    for job in jobs {
        job.join()?;
    }
    Ok(pool)
}

fn round_trip(pool: &Pool, payload: ByteBuf) -> Outcome<Duration> {
    let start = Instant::now();
    let answer = pool.spawn(payload, jobs::echo).join()?;
    let time = start.elapsed();
    drop(answer);
    Ok(time)
}

fn payload(bytes: usize) -> ByteBuf {
    ByteBuf::from(vec![0x5a; bytes])
}

/// How many jobs can wait before the process has no descriptor left, upon which procspawn panics.
fn queue_limit() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(DESCRIPTORS_OF_HOST) / DESCRIPTORS_PER_JOB
}
