use std::time::{Duration, Instant};

use ostler_worker::{JobContext, Parameter, ParameterKind, Plugin, PluginError, PluginManifest};
use serde::{Deserialize, Deserializer, Serialize};

use super::TextResponse;
use super::text_request::text_manifest;
use crate::loose;
use crate::source::check_cancelled;

/// A day.
const MAX_SECONDS: f64 = 86_400.0;
/// How soon a cancel is noticed.
const LOOK: Duration = Duration::from_millis(20);

/// The plugin `slow_processor`: puts a text into capitals and takes its time over every word, so that there
/// is something to watch and to cancel.
///
/// Each finished word is a chunk (a `String`), and moves the progress on.
pub struct SlowProcessor;

/// A text, and how long to take over it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlowRequest {
    /// The text.
    pub text: String,
    /// How long the whole takes, in seconds: 0 to 86400. Left out of JSON it is 5.
    #[serde(default = "default_seconds", deserialize_with = "seconds")]
    pub seconds: f64,
}

fn default_seconds() -> f64 {
    5.0
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    loose::number(deserializer, "`seconds` as a number from 0 to 86400")
}

impl Plugin for SlowProcessor {
    const NAME: &str = "slow_processor";
    type Config = ();
    type Request = SlowRequest;
    type Response = TextResponse;

    fn manifest() -> PluginManifest {
        let seconds = Parameter::new("seconds", ParameterKind::Number)
            .default_json("5")
            .description("How long the whole takes, 0 to 86400");
        text_manifest(Self::NAME, "Puts a text into capitals, slowly: a chunk for every word")
            .streaming(true)
            .parameter(seconds)
    }

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn execute(&mut self, request: SlowRequest, job: &JobContext) -> Result<TextResponse, PluginError> {
        let SlowRequest { text, seconds } = request;
        if !(0.0..=MAX_SECONDS).contains(&seconds) {
            return Err(PluginError::input(format!("`seconds` must be 0 to 86400, got {seconds}")));
        }
        let words: Vec<String> = text.split_whitespace().map(str::to_uppercase).collect();
        let (begin, whole) = (Instant::now(), Duration::from_secs_f64(seconds));
        for (index, word) in words.iter().enumerate() {
            let part = (index + 1) as f64 / words.len() as f64;
            wait_until(begin + whole.mul_f64(part), job)?;
            job.emit(word)?;
            job.progress(part, format!("{} of {} words", index + 1, words.len()));
        }
        // A text without words takes its time as well.
        wait_until(begin + whole, job)?;
        Ok(TextResponse { text: words.join(" ") })
    }
}

/// Waiting is what this plugin is for.
fn wait_until(end: Instant, job: &JobContext) -> Result<(), PluginError> {
    loop {
        check_cancelled(job)?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(LOOK));
    }
}
