use std::collections::BinaryHeap;

use ostler_lifecycle::JobId;
use ostler_wire::{Encoding, Payload};
use serde_json::Value;

use super::{Answer, AnyManager, Control, EventStream, JobCursor, JobPage, JobQuery, Overview, Started};
use crate::{
    CancelOutcome, CancelRequest, EncodeError, Error, Job, JobEvent, JobHandle, JobManager, JobType,
    ManagerEvent, NewJob, PluginId,
};

impl<J: JobType> AnyManager for JobManager<J> {
    fn worker_type(&self) -> &str {
        self.worker_type()
    }

    fn start(&self, mut job: NewJob<Payload>) -> Answer<'_, Started> {
        Box::pin(async move {
            let encoding = job.spec.encoding();
            job.attachments.extend(job.spec.take_attachments());
            let handle = self.start(job.try_map(|payload| payload.decode::<J>())?).await?;
            let id = handle.id();
            Ok(Started { id, output: Box::pin(async move { output(&handle, encoding).await }) })
        })
    }

    fn output(&self, id: JobId, encoding: Encoding) -> Answer<'_, Option<Payload>> {
        Box::pin(async move {
            match self.handle(id) {
                Some(job) => output(&job, encoding).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn job(&self, id: JobId) -> Answer<'_, Option<Value>> {
        Box::pin(async move { Ok(self.get_job(id).map(|job| to_json(&*job)).transpose()?) })
    }

    fn jobs(&self, query: JobQuery) -> Answer<'_, JobPage> {
        Box::pin(async move { self.page(&query) })
    }

    fn job_events(&self, id: JobId, from: u64) -> Answer<'_, Option<EventStream<JobEvent>>> {
        Box::pin(async move {
            let events = JobManager::job_events(self, id);
            Ok(events.map(|events| -> EventStream<JobEvent> { Box::pin(events.unpaced().starting_at(from)) }))
        })
    }

    fn events(&self, from: Option<u64>) -> Answer<'_, EventStream<ManagerEvent>> {
        Box::pin(async move {
            let events = JobManager::events(self);
            let events = match from {
                Some(seq) => events.starting_at(seq),
                None => events,
            };
            Ok(Box::pin(events) as EventStream<ManagerEvent>)
        })
    }

    fn cancel(&self, id: JobId, request: CancelRequest) -> Answer<'_, CancelOutcome> {
        Box::pin(async move { Ok(self.core().cancel(id, request).await?) })
    }

    fn overview(&self) -> Answer<'_, Overview> {
        Box::pin(async move {
            Ok(Overview {
                health: self.health(),
                is_paused: self.is_paused(),
                jobs: self.counts(),
                pool: self.pool_size(),
                workers: self.workers(),
                plugins: self.plugins(),
            })
        })
    }

    fn control(&self, control: Control) -> Answer<'_, ()> {
        Box::pin(async move {
            match control {
                Control::Pause => self.pause(),
                Control::Resume => self.resume(),
                Control::RestartWorkers => self.restart_worker().await?,
                Control::Resize(size) => self.resize(size.max_workers, size.standby)?,
                Control::ReloadPlugin { plugin, config } => self.reload_plugin(plugin, config).await?,
                Control::UnloadPlugin { plugin } => self.unload_plugin(plugin).await?,
                Control::ReleaseJob(id) => self.release_job(id)?,
                Control::FailJob(id) => self.fail_job(id)?,
                Control::ClearCompletedJobs => {
                    self.clear_completed_jobs();
                }
                Control::Shutdown { within: Some(patience) } => self.shutdown_within(patience).await?,
                Control::Shutdown { within: None } => self.shutdown().await?,
            }
            Ok(())
        })
    }
}

async fn output<J: JobType>(job: &JobHandle<J>, encoding: Encoding) -> Result<Payload, Error> {
    let mut payload = Payload::encode(encoding, &job.output().await?)?;
    for attachment in &job.finished().await.attachments {
        payload.push(attachment.clone());
    }
    Ok(payload)
}

impl<J: JobType> JobManager<J> {
    fn page(&self, query: &JobQuery) -> Result<JobPage, Error> {
        let limit = query.limit.clamp(1, JobQuery::MOST);
        // The records of jobs that wait are made when they are read: only those of the page are.
        let mut places = First { most: limit + 1, query, found: BinaryHeap::new() };
        let wanted = |status, plugin: &PluginId| {
            query.status.is_none_or(|wanted| wanted == status)
                && query.plugin.as_ref().is_none_or(|wanted| wanted == plugin)
        };
        for number in 0.. {
            let Some(some) = self.core().read(|ledger| ledger.places(number, wanted)) else { break };
            some.into_iter().for_each(|(place, id)| places.add(place, id));
        }
        let mut places = places.in_order();
        let has_more = places.len() > limit;
        places.truncate(limit);
        let next = places.last().filter(|_| has_more).map(|(place, _)| JobCursor(*place));
        // One may be gone meanwhile.
        let jobs = places.iter().filter_map(|(_, id)| self.get_job(*id)).map(|job| to_json(&*job));
        Ok(JobPage { jobs: jobs.collect::<Result<_, EncodeError>>()?, next })
    }
}

/// The first ones of a page's direction, of all that are shown to it.
struct First<'a> {
    most: usize,
    query: &'a JobQuery,
    /// The last one on top, and its sort key: the place, or for the newest first how far it is from the highest.
    found: BinaryHeap<(u64, JobId)>,
}

impl First<'_> {
    fn key(&self, place: u64) -> u64 {
        if self.query.newest_first { u64::MAX - place } else { place }
    }

    fn add(&mut self, place: u64, id: JobId) {
        let key = self.key(place);
        if self.query.after.is_some_and(|after| key <= self.key(after.0)) {
            return;
        }
        self.found.push((key, id));
        if self.found.len() > self.most {
            self.found.pop();
        }
    }

    /// With their places.
    fn in_order(self) -> Vec<(u64, JobId)> {
        let newest_first = self.query.newest_first;
        let found = self.found.into_sorted_vec().into_iter();
        found.map(|(key, id)| (if newest_first { u64::MAX - key } else { key }, id)).collect()
    }
}

fn to_json<J: JobType>(job: &Job<J>) -> Result<Value, EncodeError> {
    serde_json::to_value(job)
        .map_err(|reason| EncodeError::Json { type_name: std::any::type_name::<J>(), reason })
}
