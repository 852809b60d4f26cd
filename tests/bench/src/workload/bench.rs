use crate::effort::Effort;
use crate::progress::Progress;
use crate::{Error, Figure, Workload};

/// What a workload is given: how often to measure, and where to tell how far it is.
pub(crate) struct Bench {
    pub(crate) workload: Workload,
    pub(crate) effort: Effort,
    pub(crate) progress: Progress,
}

impl Bench {
    pub(crate) fn new(effort: Effort, workload: Workload) -> Self {
        let progress = Progress::begin(&format!("{workload}: {}", workload.title()));
        Self { workload, effort, progress }
    }
}

/// What came of times or bytes.
pub(super) fn figure(samples: Vec<f64>) -> Result<Figure, Error> {
    Figure::of(samples).ok_or_else(|| "nothing was measured".into())
}

/// What came of jobs per second.
pub(super) fn figure_of_rates(samples: Vec<f64>) -> Result<Figure, Error> {
    Figure::of_rates(samples).ok_or_else(|| "nothing was measured".into())
}
