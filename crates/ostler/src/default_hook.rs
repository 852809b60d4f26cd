//! What the hooks do that a host has left alone. Their type has no size, which no `async` block has: so it can be told, once
//! and for all, that there is nothing to ask or to run. For each job that saves a task and a list of all workers; the
//! task alone, which wakes another thread of the runtime, took a busy pool on two cores half of its throughput.

use std::pin::Pin;
use std::task::{Context, Poll};

use ostler_lifecycle::Admission;

use crate::integration::WorkerState;
use crate::{BaseJobManager, Job, JobManager, JobType, PluginConfig, PluginId};

/// Nothing is done.
pub(crate) struct Nothing;

impl Future for Nothing {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// There are resources for whatever comes.
pub(crate) struct Proceed;

impl Future for Proceed {
    type Output = Admission;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Admission> {
        Poll::Ready(Admission::Proceed)
    }
}

/// Which hooks a host has of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OwnHooks {
    pub(crate) validates: bool,
    pub(crate) hears_of_completion: bool,
}

impl OwnHooks {
    pub(crate) fn of<J: JobType, B: BaseJobManager<J>>() -> Self {
        #[expect(clippy::extra_unused_lifetimes, reason = "what is returned borrows for it")]
        fn validates<'a, J: JobType, B: BaseJobManager<J>>() -> bool {
            has_size(
                |(host, plugin, config, workers): (
                    &'a B,
                    &'a PluginId,
                    &'a PluginConfig,
                    &'a [WorkerState],
                )| { host.validate_resources(plugin, config, workers) },
            )
        }
        #[expect(clippy::extra_unused_lifetimes, reason = "what is returned borrows for it")]
        fn hears<'a, J: JobType, B: BaseJobManager<J>>() -> bool {
            has_size(|(host, manager, job): (&'a B, &'a JobManager<J>, &'a Job<J>)| {
                host.on_job_completed(manager, job)
            })
        }
        Self { validates: validates::<J, B>(), hears_of_completion: hears::<J, B>() }
    }
}

/// Whether what it would return has a size. It is not called.
fn has_size<A, R>(_: impl FnOnce(A) -> R) -> bool {
    size_of::<R>() > 0
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::WorkerCommand;

    #[derive(Clone, Serialize, Deserialize)]
    struct Task;

    impl JobType for Task {
        type Output = ();
    }

    struct Plain;

    impl BaseJobManager<Task> for Plain {
        fn worker_type(&self) -> &str {
            "plain"
        }

        fn get_worker_entry_point(&self) -> WorkerCommand {
            WorkerCommand::current_exe()
        }
    }

    struct Curious;

    impl BaseJobManager<Task> for Curious {
        fn worker_type(&self) -> &str {
            "curious"
        }

        fn get_worker_entry_point(&self) -> WorkerCommand {
            WorkerCommand::current_exe()
        }

        async fn validate_resources(&self, _: &PluginId, _: &PluginConfig, _: &[WorkerState]) -> Admission {
            Admission::Proceed
        }

        async fn on_job_completed(&self, _: &JobManager<Task>, _: &Job<Task>) {}
    }

    #[test]
    fn a_host_has_the_hooks_that_it_writes() {
        assert_eq!(OwnHooks::of::<Task, Plain>(), OwnHooks { validates: false, hears_of_completion: false });
        assert_eq!(OwnHooks::of::<Task, Curious>(), OwnHooks { validates: true, hears_of_completion: true });
    }
}
