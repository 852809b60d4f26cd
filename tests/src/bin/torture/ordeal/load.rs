use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// The threads of Ostler's own, as the kernel cuts their names off.
const NAMES: [&str; 2] = ["ostler-supervis", "ostler-housekee"];

/// What the processor does for Ostler's own threads.
///
/// Their files are opened beforehand: later there may be no descriptor for it.
pub(super) struct Load(Vec<(&'static str, File, Duration)>);

impl Load {
    pub(super) fn begin() -> Self {
        let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let watched = threads.filter_map(|thread| {
            let name = fs::read_to_string(thread.path().join("comm")).ok()?;
            let name = NAMES.into_iter().find(|known| *known == name.trim_end())?;
            let file = File::open(thread.path().join("schedstat")).ok()?;
            let before = taken(&file)?;
            Some((name, file, before))
        });
        Self(watched.collect())
    }

    /// How long each of them ran since.
    pub(super) fn since(&self) -> Vec<(&'static str, Duration)> {
        let of = |(name, file, before): &(&'static str, File, Duration)| {
            Some((*name, taken(file)?.saturating_sub(*before)))
        };
        self.0.iter().filter_map(of).collect()
    }
}

/// See Documentation/scheduler/sched-stats.rst: nanoseconds on a processor come first.
fn taken(file: &File) -> Option<Duration> {
    let mut text = [0; 128];
    let length = file.read_at(&mut text, 0).ok()?;
    let text = std::str::from_utf8(&text[..length]).ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}
