use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use ostler::worker::{JobContext, PluginError};

use super::page::Run;
use super::plugin::Config;
use super::rebel::allow_files;
use super::{Act, Task, answer, daemon, own, ruin};

/// How often a job that never ends shows that it is still there.
const TICK: Duration = Duration::from_millis(10);

/// Does what the job is to do in this run.
pub(super) fn perform(
    config: &Config,
    task: &Task,
    job: &JobContext,
    run: &Run,
) -> Result<String, PluginError> {
    match task.act_of(job.attempt()) {
        Act::Answer | Act::Echo(_) => {}
        Act::Model => return Ok(format!("model {}", config.number)),
        Act::Attachment | Act::Attachments(_) => send_back(task, job),
        Act::Pinch(limit) => {
            allow_files(*limit)?;
            send_back(task, job);
        }
        Act::Nap(millis) => std::thread::sleep(Duration::from_millis(*millis)),
        Act::Chunks(count) => talk(job, *count)?,
        Act::Print(lines) => print(&[b'x'; 80], *lines),
        Act::Flood => {
            print(&[b'x'; 1000], 2_000);
            (0..1_500).try_for_each(|number| job.emit(&format!("{number} {}", "x".repeat(2_000))))?;
        }
        Act::LeaveFiles => leave_files()?,
        Act::Grow(mib) => std::mem::forget(std::hint::black_box(vec![1_u8; mib << 20])),
        Act::Brood => brood()?,
        Act::Daemon => daemon::start(task.number, job.attempt())?,
        Act::Fail(category) => return Err(PluginError::new(*category, "it was told to fail")),
        Act::Panic => panic!("it was told to panic"),
        Act::Abort => std::process::abort(),
        Act::BroodAndAbort => {
            brood()?;
            daemon::start(task.number, job.attempt())?;
            std::process::abort();
        }
        Act::Segfault => ruin::segfault(),
        Act::Exit(code) => std::process::exit(*code),
        Act::Hog => ruin::take_memory(),
        Act::Spin => ruin::spin(|| run.tick()),
        Act::Stop => ruin::stop_self(),
        Act::Tidy => {
            while !job.is_cancelled() {
                run.tick();
                std::thread::sleep(TICK);
            }
        }
        Act::Deaf => go_on(run),
        Act::Rebel(rebel) => {
            if let Some(left) = rebel.act()? {
                run.leave(left);
            }
            go_on(run)
        }
    }
    Ok(answer(task, job.attempt()))
}

fn go_on(run: &Run) -> ! {
    loop {
        run.tick();
        std::thread::sleep(TICK);
    }
}

/// What it was sent, and then something of its own.
fn send_back(task: &Task, job: &JobContext) {
    for attachment in job.attachments() {
        job.attach(&attachment.name, &attachment.media_type, attachment.bytes.clone());
    }
    if let Some(own) = own(task) {
        job.attach("own", "application/octet-stream", own);
    }
}

fn talk(job: &JobContext, count: u64) -> Result<(), PluginError> {
    for number in 0..count {
        job.emit(&number.to_string())?;
        job.progress(number as f64 / count as f64, "talking");
        job.info(number.to_string());
    }
    Ok(())
}

fn print(line: &[u8], lines: u64) {
    let (mut stdout, mut stderr) = (std::io::stdout().lock(), std::io::stderr().lock());
    for _ in 0..lines {
        for stream in [&mut stdout as &mut dyn Write, &mut stderr] {
            // Whoever does not listen misses it.
            let _ = stream.write_all(line).and_then(|()| stream.write_all(b"\n"));
        }
    }
    let _ = stdout.flush();
}

fn leave_files() -> Result<(), PluginError> {
    for _ in 0..32 {
        std::mem::forget(File::open("/dev/null")?);
    }
    let in_memory = rustix::fs::memfd_create("torture", rustix::fs::MemfdFlags::CLOEXEC)?;
    std::mem::forget(in_memory);
    Ok(())
}

/// Children that stay in the group, and hold the worker's stdout and stderr.
fn brood() -> Result<(), PluginError> {
    for _ in 0..2 {
        Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn()?;
    }
    Ok(())
}
