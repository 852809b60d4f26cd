use std::thread::available_parallelism;
use std::{fmt, fs};

use serde::{Deserialize, Serialize};

/// Where and when figures were measured.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// What the processor calls itself.
    pub processor: String,
    /// How many of its threads this process may use.
    pub cores: usize,
    /// The kernel's release.
    pub kernel: String,
    /// Load of the last minute before the run: how many tasks wanted a core.
    pub load: f64,
    /// The day of the run.
    pub day: String,
}

impl Machine {
    /// As it is now.
    pub(crate) fn read() -> Self {
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = file("/proc/cpuinfo");
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let load = file("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok());
        Self {
            processor: model.map_or("unknown", |(_, name)| name.trim()).to_owned(),
            cores: available_parallelism().map_or(1, usize::from),
            kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: load.unwrap_or_default(),
            day: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        }
    }

    /// Whether others want to work too.
    pub(crate) fn is_busy(&self) -> bool {
        self.load > self.cores as f64 / 2.0
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, kernel, load, day } = self;
        write!(f, "{day}: {cores} cores ({processor}), Linux {kernel}; load of the minute before: {load:.2}")
    }
}
