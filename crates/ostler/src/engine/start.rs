use std::any::type_name;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ostler_lifecycle::{Admission, BlockReason, Input, PluginKey, Submit};
use ostler_wire::{Attachment, DecodeError, EncodeError, Encoding, Payload};
use tokio::task::coop::consume_budget;

use super::Core;
use super::active::Active;
use super::cargo::Cargo;
use super::errand::Errands;
use crate::caught::{OfHost, caught};
use crate::job::{JobCell, Waiting, new_id};
use crate::{HookPanicked, Job, JobType, NewJob, PluginId, StartError};

const VALIDATE: &str = "validate_resources";

/// More than a frame needs besides payload, plugin name and attachment names, in bytes.
const FRAME_OVERHEAD: usize = 256;
/// What helps a type that breaks in bincode.
const TRY_JSON: &str = "; serde_json::Value, untagged, flatten and skip_serializing_if do not work in bincode: for \
    types with one of them set `const ENCODING: Encoding = Encoding::Json` in the JobType";
/// More than a frame needs for an attachment besides its bytes, name and media type.
const ATTACHMENT_OVERHEAD: usize = 32;

impl<J: JobType> Core<J> {
    /// Accepts a job, or says why not; then nothing was queued. Nothing is awaited from acceptance on.
    pub(crate) async fn start_job(self: &Arc<Self>, new: NewJob<J>) -> Result<Arc<JobCell<J>>, StartError> {
        // Who tries again and again, as with a full queue, would else never let anybody else have a turn.
        consume_budget().await;
        let asked = new.plugin_id.clone();
        let mut name = self.known(&asked)?;
        self.lock().machine.can_accept()?;
        // What the whole request weighs is known when it is made; what is attached is known now.
        self.check_size(&asked, &name, 0, &new.attachments)?;
        let mut blocked = self.validate(&asked, &name).await?;

        let new = self.host.create_job(new)?.map_err(|error| StartError::create_job(&asked, error))?;
        if new.plugin_id != asked {
            name = self.known(&new.plugin_id)?;
            blocked = self.validate(&new.plugin_id, &name).await?;
        }
        let now = Timestamp::now();
        let (job, attachments) = new.into_job(new_id(now), now);
        let payload = self.prepare(&job, attachments)?;
        self.check_size(&job.plugin_id, &name, payload.body().len(), payload.attachments())?;
        self.accept(job, &name, payload, blocked)
    }

    fn known(&self, plugin: &PluginId) -> Result<Arc<str>, StartError> {
        let catalog = self.catalog();
        catalog.name_of(plugin)?.ok_or_else(|| catalog.unknown(plugin))
    }

    fn prepare(&self, job: &Job<J>, attachments: Vec<Attachment>) -> Result<Payload, StartError> {
        let plugin = &job.plugin_id;
        self.check_round_trip(job)?;
        let prepared = self.host.prepare(job)?;
        let mut payload = prepared.map_err(|error| match error.into_inner().downcast::<EncodeError>() {
            Ok(source) => StartError::NotEncodable { plugin: plugin.clone(), source: *source },
            Err(source) => StartError::PrepareRequest { plugin: plugin.clone(), source },
        })?;
        for attachment in attachments {
            payload.push(attachment);
        }
        Ok(payload)
    }

    /// Tries once whether the job's type survives its encoding: some types break in bincode silently. Lengths are
    /// compared and not bytes, because a map may come back in another order.
    fn check_round_trip(&self, job: &Job<J>) -> Result<(), StartError> {
        if J::ENCODING == Encoding::Bytes || self.round_trip_checked.load(Ordering::Relaxed) {
            return Ok(());
        }
        let broken = |why: String| {
            let (plugin, type_name) = (job.plugin_id.clone(), type_name::<J>());
            let why = if J::ENCODING == Encoding::Bincode { why + TRY_JSON } else { why };
            Err(StartError::DoesNotRoundTrip { plugin, type_name, why })
        };
        let there = match Payload::encode(J::ENCODING, &job.spec) {
            Ok(payload) => payload,
            Err(source) => return Err(StartError::NotEncodable { plugin: job.plugin_id.clone(), source }),
        };
        let back = match there.decode::<J>() {
            Ok(spec) => Payload::encode(J::ENCODING, &spec),
            // Of its text the reason is enough: the rest is about two sides.
            Err(DecodeError::Bincode { reason, .. }) => return broken(reason),
            Err(error) => return broken(error.to_string()),
        };
        match back {
            Ok(back) if back.len() == there.len() => {
                self.round_trip_checked.store(true, Ordering::Relaxed);
                Ok(())
            }
            Ok(back) => broken(format!("{} bytes came back as {}", there.len(), back.len())),
            Err(error) => broken(error.to_string()),
        }
    }

    fn check_size(
        &self,
        plugin: &PluginId,
        name: &str,
        body: usize,
        attachments: &[Attachment],
    ) -> Result<(), StartError> {
        let (mut size, mut overhead) = (body, FRAME_OVERHEAD + name.len());
        for attachment in attachments {
            size += attachment.bytes.len();
            overhead += attachment.name.len() + attachment.media_type.len() + ATTACHMENT_OVERHEAD;
        }
        let limit = self.settings.max_frame_bytes.saturating_sub(overhead);
        if size > limit {
            return Err(StartError::PayloadTooLarge { plugin: plugin.clone(), size, limit });
        }
        Ok(())
    }

    /// Asks the resource hook; what a job has to wait for is no error.
    async fn validate(&self, plugin: &PluginId, name: &str) -> Result<Option<BlockReason>, StartError> {
        if !self.settings.own_hooks.validates {
            return Ok(None);
        }
        let (config, workers) = (self.catalog().config(name), self.workers());
        let mut question = OfHost::new(Box::pin(caught(self.host.validate(plugin, &config, &workers))));
        let timeout = self.settings.hook_timeout;
        let answer = match question.get_mut() {
            Some(question) => tokio::select! {
                // Most hooks answer at once, and then nothing else is looked at.
                biased;
                answer = question => answer,
                () = self.shuts_down() => return Err(StartError::ShutDown),
                () = self.sleep_until(Instant::now() + timeout) => {
                    return Err(StartError::HookTimedOut { hook: VALIDATE, timeout });
                }
            },
            None => Ok(Admission::Proceed),
        };
        match answer {
            Ok(Admission::Proceed) => Ok(None),
            Ok(Admission::Wait { reason }) => Ok(Some(BlockReason::Resources { reason })),
            Ok(Admission::Refuse { reason }) => Err(StartError::ResourceValidation { reason }),
            Err(panic) => Err(HookPanicked::new(VALIDATE, &*panic).into()),
        }
    }

    fn accept(
        self: &Arc<Self>,
        job: Job<J>,
        plugin_name: &str,
        payload: Payload,
        blocked: Option<BlockReason>,
    ) -> Result<Arc<JobCell<J>>, StartError> {
        let mut submit = Submit {
            job: job.id,
            plugin: PluginKey(0),
            priority: job.priority,
            queue_timeout: job.queue_timeout.map(bounded),
            timeout: job.timeout.map(bounded),
            stall_timeout: job.stall_timeout.map(bounded),
            retry: job.retry.clone(),
            blocked,
        };
        let mut errands = Errands::default();
        let cell = {
            let mut state = self.lock();
            state.machine.can_accept()?;
            let (plugin, key) = state.plugin_keys.of_job(&job.plugin_id, plugin_name);
            submit.plugin = key;
            let cell = Arc::new(JobCell::new(job.id, plugin, job.created_at, job.priority));
            state.ledger.enqueue(Waiting::new(Arc::clone(&cell), job));
            let active = Active {
                cell: Arc::clone(&cell),
                payload,
                plugin: submit.plugin,
                worker: None,
                cancel: None,
            };
            // Its id is new.
            let _ = state.active.insert(active);
            self.step(&mut state, Input::Submit(submit), Cargo::None, &mut errands);
            cell
        };
        errands.run(self);
        Ok(cell)
    }
}

/// A sum with the clock must not overflow, whatever was meant by the largest value: a hundred years are for ever.
pub(crate) fn bounded(timeout: Duration) -> Duration {
    timeout.min(Duration::from_secs(100 * 365 * 24 * 3600))
}
