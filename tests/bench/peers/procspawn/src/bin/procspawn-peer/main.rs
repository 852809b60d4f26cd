//! One workload for the pool of procspawn, in a process of its own: `procspawn-peer WORKLOAD PLAN`.

mod departure;
mod jobs;
mod measure;
mod plan;
mod postbox;
mod workloads;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    // procspawn has no hook for what a worker loads: it is done where each worker begins.
    jobs::load_if_asked();
    procspawn::init();

    let [workload, plan]: [String; 2] = std::env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "usage: procspawn-peer WORKLOAD PLAN")?;
    workloads::run(&workload, &serde_json::from_str(&plan)?)?;
    // The harness ends what is left.
    std::process::exit(0)
}
