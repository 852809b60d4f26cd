use std::io::{BufRead, Write};

use ostler::{JobManager, WorkerConfig};

use crate::Result;
use crate::flavour::Flavour;
use crate::line::Line;
use crate::pool::{self, Spin};

/// So many jobs are behind it before anybody looks.
const WARM_UP: usize = 300;

/// Prints the process ids of its workers as JSON. Then, for each line with a number, runs so many jobs one by one, and
/// prints the number when they are done; until there are no more lines.
pub(super) fn obey(workers: u32, flavour: Flavour) -> Result<String> {
    let runtime = flavour.runtime()?;
    let config = WorkerConfig { max_workers: workers, ..pool::config(Spin::Without) };
    let manager = flavour.run(&runtime, async move {
        let manager = pool::launch(config).await?;
        pool::all_idle(&manager, workers as usize).await?;
        run(&manager, WARM_UP).await?;
        Ok(manager)
    })?;
    let pids: Vec<u32> = manager.workers().iter().filter_map(|worker| worker.pid).collect();
    say(&serde_json::to_string(&pids)?)?;
    for line in std::io::stdin().lock().lines() {
        let (line, manager) = (line?, manager.clone());
        let count = line.trim().parse()?;
        flavour.run(&runtime, async move { run(&manager, count).await })?;
        say(&line)?;
    }
    Ok(String::new())
}

async fn run(manager: &JobManager<Line>, count: usize) -> Result<()> {
    for _ in 0..count {
        mark();
        manager.start_job("echo", Line::small()).await?.output().await?;
    }
    mark();
    Ok(())
}

/// A system call that nobody else makes: it tells those who count them where a job begins.
fn mark() {
    let _ = rustix::process::getppid();
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
