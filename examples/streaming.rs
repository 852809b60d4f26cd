//! Shows a job's progress and the parts of its result while it runs. Run it:
//! `cargo run -p ostler-examples --bin streaming`.
#![expect(clippy::print_stdout, reason = "it shows its results")]

use ostler::worker::{JobContext, Plugin, PluginError, PluginManifest, run_if_worker};
use ostler::{BaseJobManager, JobEventKind, JobType, WorkerCommand, WorkerConfig};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Spell(String);

impl JobType for Spell {
    type Output = usize;
}

struct Speller;

impl Plugin for Speller {
    const NAME: &str = "speller";
    type Config = ();
    type Request = Spell;
    type Response = usize;

    fn manifest() -> PluginManifest {
        PluginManifest::new(Self::NAME).streaming(true)
    }

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Speller)
    }

    fn execute(&mut self, Spell(word): Spell, job: &JobContext) -> Result<usize, PluginError> {
        let letters = word.chars().count();
        for (number, letter) in word.chars().enumerate() {
            job.emit(&letter)?;
            job.progress((number + 1) as f64 / letters as f64, format!("said {letter}"));
        }
        Ok(letters)
    }
}

struct SpellJobs;

impl BaseJobManager<Spell> for SpellJobs {
    fn worker_type(&self) -> &str {
        "spell"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe()
    }

    fn supports_streaming(&self) -> bool {
        true
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    run_if_worker(|plugins| plugins.register::<Speller>());
    host()
}

#[tokio::main]
async fn host() -> Result<(), Box<dyn std::error::Error>> {
    let manager = SpellJobs.launch(WorkerConfig::default()).await?;
    let job = manager.start_job("speller", Spell("horse".into())).await?;
    let mut events = job.events();
    while let Some(event) = events.next().await {
        let event = event?;
        match (event.chunk::<char>(), &event.kind) {
            (Some(letter), _) => println!("{:2} {}", event.seq, letter?),
            (_, JobEventKind::Progress { fraction, .. }) => {
                println!("{:2} {:.0} %", event.seq, fraction * 100.0)
            }
            (_, kind) => println!("{:2} {}", event.seq, kind.name()),
        }
    }
    Ok(manager.shutdown().await?)
}
