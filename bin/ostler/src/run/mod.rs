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
use crate::report::Report;
use crate::screen::{Screen, harmless};
use crate::{attempts, explanation, pool, stdout};

use self::attach::Enclosed;

/// Runs the job and reports what became of it.
pub(crate) async fn run(
    args: RunArgs,
    verbose: bool,
    interrupt: Interrupt,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let base = pool::config();
    let config = WorkerConfig {
        // A worker that was killed with its job is not needed again, unless for another attempt.
        restart_policy: RestartPolicy::Never,
        max_restart_attempts: base.max_restart_attempts + args.retries,
        retry: attempts::policy(args.retries),
        limits: pool::limits(args.max_memory),
        finished_jobs_kept: 1,
        ..base
    };
    let ending = pool::with_manager(config, interrupt.clone(), async |manager| {
        let ending = perform(manager, &args, interrupt, screen).await?;
        Ok(ending.with_last_evidence(manager).await)
    })
    .await?;
    report(&ending, &args, verbose, screen)?;
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
        _ = interrupt.asked() => return Err(Failure::cancelled()),
    };
    let handle = start(manager, args, params, enclosed).await?;
    let display = tokio::spawn(display::show(handle.events(), args.retries + 1, screen.clone()));
    let ending = Ending::of(manager, handle, interrupt).await;
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
    if let Some(timeout) = args.stall_timeout {
        job = job.stall_timeout(timeout);
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

fn report(ending: &Ending, args: &RunArgs, verbose: bool, screen: &Screen) -> Result<(), Failure> {
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
        Ending::Finished(job) => tell(job, verbose, screen)?,
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

fn tell(job: &Job, verbose: bool, screen: &Screen) -> Result<(), Failure> {
    match (job.status, &job.result, &job.error) {
        (JobStatus::Completed, Some(result), _) => {
            stdout::print(&readable(result))?;
        }
        (JobStatus::Failed, _, Some(failure)) => {
            screen.say(&harmless(&explanation::of_failure(job, failure)));
        }
        (status, _, _) => match &job.cancellation {
            Some(cancellation) if verbose => {
                screen.say(&harmless(&explanation::of_cancellation(job, cancellation)));
            }
            _ => screen.say(status.as_str()),
        },
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
