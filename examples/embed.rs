//! Embeds a manager: the smallest host. Run it: `cargo run -p ostler-examples --bin embed`.
#![expect(clippy::print_stdout, reason = "it shows its results")]

use ostler::worker::{JobContext, Plugin, PluginError, run_if_worker};
use ostler::{BaseJobManager, JobType, WorkerCommand, WorkerConfig};
use serde::{Deserialize, Serialize};

/// What a job asks for.
#[derive(Clone, Serialize, Deserialize)]
struct CountWords {
    text: String,
}

/// What it answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct WordCount {
    words: usize,
    letters: usize,
}

impl JobType for CountWords {
    type Output = WordCount;
}

/// What runs in the worker.
struct WordCounter;

impl Plugin for WordCounter {
    const NAME: &str = "word_counter";
    type Config = ();
    type Request = CountWords;
    type Response = WordCount;

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(WordCounter)
    }

    fn execute(&mut self, request: CountWords, job: &JobContext) -> Result<WordCount, PluginError> {
        job.progress(0.5, "counting");
        let words = request.text.split_whitespace().count();
        let letters = request.text.chars().filter(|char| char.is_alphabetic()).count();
        Ok(WordCount { words, letters })
    }
}

/// What the host has to say about these jobs.
struct TextJobs;

impl BaseJobManager<CountWords> for TextJobs {
    fn worker_type(&self) -> &str {
        "text"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe()
    }
}

fn main() -> ostler::Result<()> {
    // A worker never gets past this line, and no thread exists before it.
    run_if_worker(|plugins| plugins.register::<WordCounter>());
    host()
}

#[tokio::main]
async fn host() -> ostler::Result<()> {
    let manager = TextJobs.launch(WorkerConfig::default()).await?;
    let text = "an ostler looks after the horses".to_owned();
    let job = manager.start_job("word_counter", CountWords { text }).await?;
    println!("{:?}", job.output().await?);
    manager.shutdown().await
}
