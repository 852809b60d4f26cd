//! `ostler run`: one job.

mod attach;
mod display;
mod save;

use ostler::worker::PluginManifest;
use ostler::{JobStatus, RestartPolicy, WorkerConfig};
use serde_json::Value;

use crate::args::RunArgs;
use crate::ending::Ending;
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::job::{Job, JobHandle, Manager, Params};
use crate::params::{ParamError, check_complete, check_names, typed};
use crate::report::{Report, explain};
use crate::screen::{Screen, harmless};
use crate::{pool, stdout};

use self::attach::Enclosed;

/// Runs the job and reports what became of it.
pub(crate) async fn run(args: RunArgs, interrupt: Interrupt, screen: &Screen) -> Result<Exit, Failure> {
    // A worker that was killed with its job is not needed again.
    let config =
        WorkerConfig { restart_policy: RestartPolicy::Never, finished_jobs_kept: 1, ..pool::config() };
    let ending = pool::with_manager(config, interrupt.clone(), async |manager| {
        perform(manager, &args, interrupt, screen).await
    })
    .await?;
    report(&ending, &args, screen)?;
    Ok(ending.exit())
}

async fn perform(
    manager: &Manager,
    args: &RunArgs,
    mut interrupt: Interrupt,
    screen: &Screen,
) -> Result<Ending, Failure> {
    let manifest = pool::find_plugin(manager, &args.plugin, "run")?;
    let params = params(&manifest, args).map_err(|error| Failure::usage("run", &error))?;
    let enclosed = tokio::select! {
        enclosed = enclosed(args) => enclosed?,
        () = interrupt.asked() => return Err(Failure::cancelled()),
    };
    let handle = start(manager, args, params, enclosed).await?;
    let display = tokio::spawn(display::show(handle.events(), screen.clone()));
    let ending = Ending::of(handle, interrupt).await;
    match &ending {
        // It has only to catch up, and all that the job said belongs before its result.
        Ending::Finished(_) => drop(display.await),
        Ending::StillDying { .. } => display.abort(),
    }
    Ok(ending)
}

/// Reads what goes with the job. Stdin may take its time.
async fn enclosed(args: &RunArgs) -> Result<Vec<Enclosed>, Failure> {
    let (files, limit) = (args.attach.clone(), pool::config().max_frame_bytes);
    let read = tokio::task::spawn_blocking(move || attach::read(&files, limit));
    read.await.unwrap_or_else(|error| Err(Failure::failed(format!("cannot read the attachments: {error}"))))
}

async fn start(
    manager: &Manager,
    args: &RunArgs,
    params: Params,
    enclosed: Vec<Enclosed>,
) -> Result<JobHandle, Failure> {
    let mut job = manager.job(args.plugin.as_str(), params);
    if let Some(timeout) = args.timeout {
        job = job.timeout(timeout);
    }
    for Enclosed { name, bytes } in enclosed {
        job = job.attach(name, "application/octet-stream", bytes);
    }
    Ok(job.start().await?)
}

fn params(manifest: &PluginManifest, args: &RunArgs) -> Result<Params, ParamError> {
    let mut params = args.params.clone().unwrap_or_default();
    check_names(manifest, &params)?;
    params.extend(typed(manifest, &args.param)?);
    check_complete(manifest, &params)?;
    Ok(Params(params))
}

fn report(ending: &Ending, args: &RunArgs, screen: &Screen) -> Result<(), Failure> {
    let saved = match (ending, &args.save) {
        (Ending::Finished(job), Some(directory)) => save::save(directory, &job.attachments)?,
        _ => Vec::new(),
    };
    if args.json {
        let report = Report::of(ending, &args.plugin).saved(&saved);
        let line = serde_json::to_string(&report)
            .map_err(|error| Failure::failed(format!("cannot express the result as JSON: {error}")))?;
        stdout::print(&line)?;
        return Ok(());
    }
    match ending {
        Ending::Finished(job) => tell(job, screen)?,
        Ending::StillDying { error, .. } => screen.say(&format!("error: {error}")),
    }
    for path in &saved {
        screen.say(&format!("saved {}", path.display()));
    }
    if let (Ending::Finished(job), None) = (ending, &args.save) {
        tell_of_attachments(job, screen);
    }
    Ok(())
}

fn tell(job: &Job, screen: &Screen) -> Result<(), Failure> {
    match (job.status, &job.result, &job.error) {
        (JobStatus::Completed, Some(result), _) => {
            stdout::print(&readable(result))?;
        }
        (JobStatus::Failed, _, Some(failure)) => screen.say(&harmless(&explain(failure))),
        (status, _, _) => screen.say(status.as_str()),
    }
    Ok(())
}

fn readable(result: &Value) -> String {
    match result {
        Value::String(text) => text.clone(),
        // The alternate form of a JSON value is the indented one.
        other => format!("{other:#}"),
    }
}

fn tell_of_attachments(job: &Job, screen: &Screen) {
    for attachment in &job.attachments {
        let (name, size) = (harmless(&attachment.name), attachment.bytes.len());
        let media_type = harmless(&attachment.media_type);
        screen.say(&format!("note: {name:?} ({media_type}, {size} bytes) came with the result and was not kept; --save DIR keeps it"));
    }
}
