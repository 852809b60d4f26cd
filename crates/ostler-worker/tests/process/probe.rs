use std::io::Write;
use std::process::Command;

use ostler_wire::Payload;
use ostler_worker::{JobContext, Plugin, PluginError};
use serde::{Deserialize, Serialize};

/// Tells what it sees, and gets stuck in several ways.
pub(crate) struct Probe;

#[derive(Serialize, Deserialize)]
pub(crate) enum Order {
    /// What the environment and `/proc/self/status` say, here and in a child.
    Look,
    /// Print that many bytes to stdout.
    Print(usize),
    /// Start a child that sleeps for ever, and never return.
    ChildAndSleep,
    /// Start a child that sleeps for ever, and emit until that fails.
    ChildAndFlood,
}

#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct View {
    pub(crate) variables: Vec<String>,
    pub(crate) blocked: u64,
    pub(crate) ignored: u64,
}

impl Plugin for Probe {
    const NAME: &str = "probe";
    type Config = ();
    type Request = Order;
    type Response = Vec<View>;

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn execute(&mut self, order: Order, job: &JobContext) -> Result<Vec<View>, PluginError> {
        match order {
            Order::Look => return look(),
            Order::Print(count) => std::io::stdout().write_all(&vec![b'.'; count])?,
            Order::ChildAndSleep => {
                Command::new("sleep").arg("1000").spawn()?;
                job.info("the child is there");
                loop {
                    std::thread::park();
                }
            }
            Order::ChildAndFlood => {
                Command::new("sleep").arg("1000").spawn()?;
                job.info("the child is there");
                loop {
                    job.emit_payload(Payload::raw(vec![0; 10_000]))?;
                }
            }
        }
        Ok(Vec::new())
    }
}

/// This process, and a child of it.
fn look() -> Result<Vec<View>, PluginError> {
    let variables: String = std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect();
    let own = std::fs::read_to_string("/proc/self/status")? + &variables;
    let child = Command::new("sh").args(["-c", "cat /proc/self/status; env"]).output()?;
    Ok(vec![view(&own)?, view(&String::from_utf8(child.stdout)?)?])
}

fn view(text: &str) -> Result<View, PluginError> {
    let mask = |name: &str| {
        let hex = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("missing");
        u64::from_str_radix(hex.trim(), 16)
    };
    let variables = text.lines().filter(|line| line.starts_with("OSTLER_")).map(str::to_owned).collect();
    // Signals 32 and 33 are the C library's own: nobody else can set them, for good or bad.
    let ours = !(0b11 << 31);
    Ok(View { variables, blocked: mask("SigBlk:")? & ours, ignored: mask("SigIgn:")? & ours })
}
