//! What the hooks do that a host has left alone, and how to tell that it has: once and for all, without a call.
//!
//! The default of a hook returns a type that is made for one host and that nobody else can name. So a host has left a
//! hook alone if and only if this type is what its method returns; a host that wraps another one returns another type,
//! whatever it calls. For each job that saves a task and a list of all workers; the task alone, which wakes another thread
//! of the runtime, took a busy pool on two cores half of its throughput.

use std::any::TypeId;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use ostler_lifecycle::Admission;

use crate::integration::WorkerState;
use crate::{BaseJobManager, Job, JobManager, JobType, PluginConfig, PluginId};

/// Nothing is done, for the host `H`.
pub(crate) struct Nothing<H: ?Sized>(PhantomData<fn(*const H)>);

/// There are resources for whatever comes, for the host `H`.
pub(crate) struct Proceed<H: ?Sized>(PhantomData<fn(*const H)>);

impl<H: ?Sized> Nothing<H> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<H: ?Sized> Proceed<H> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<H: ?Sized> Future for Nothing<H> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

impl<H: ?Sized> Future for Proceed<H> {
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
    pub(crate) hears_of_failure: bool,
    pub(crate) hears_of_cancel: bool,
}

impl OwnHooks {
    pub(crate) fn of<J: JobType, B: BaseJobManager<J>>() -> Self {
        type Asked<B> = (&'static B, &'static PluginId, &'static PluginConfig, &'static [WorkerState]);
        type Told<B, J> = (&'static B, &'static JobManager<J>, &'static Job<J>);
        let nothing = TypeId::of::<Nothing<B>>();
        let validates = returned(|(host, plugin, config, workers): Asked<B>| {
            host.validate_resources(plugin, config, workers)
        });
        let completed = returned(|(host, manager, job): Told<B, J>| host.on_job_completed(manager, job));
        let failed = returned(|(host, manager, job): Told<B, J>| host.on_job_failed(manager, job));
        let cancelled = returned(|(host, manager, job): Told<B, J>| host.on_job_cancelled(manager, job));
        Self {
            validates: validates != TypeId::of::<Proceed<B>>(),
            hears_of_completion: completed != nothing,
            hears_of_failure: failed != nothing,
            hears_of_cancel: cancelled != nothing,
        }
    }
}

/// The type of what it would return. It is not called.
fn returned<A, R: 'static>(_: impl FnOnce(A) -> R) -> TypeId {
    TypeId::of::<R>()
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::WorkerCommand;

    #[derive(Clone, Serialize, Deserialize)]
    struct Task;

    impl JobType for Task {
        type Output = ();
    }

    macro_rules! host {
        ($name:ident { $($hook:item)* }) => {
            struct $name;

            impl BaseJobManager<Task> for $name {
                fn worker_type(&self) -> &str {
                    "some"
                }

                fn get_worker_entry_point(&self) -> WorkerCommand {
                    WorkerCommand::current_exe()
                }

                $($hook)*
            }
        };
    }

    /// As futures written by hand often are.
    struct Sizeless;

    impl Future for Sizeless {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }

    host!(Plain {});

    host!(Curious {
        async fn validate_resources(&self, _: &PluginId, _: &PluginConfig, _: &[WorkerState]) -> Admission {
            Admission::Proceed
        }
        async fn on_job_completed(&self, _: &JobManager<Task>, _: &Job<Task>) {}
        async fn on_job_failed(&self, _: &JobManager<Task>, _: &Job<Task>) {}
        async fn on_job_cancelled(&self, _: &JobManager<Task>, _: &Job<Task>) {}
    });

    host!(ByHand {
        fn validate_resources(
            &self,
            _: &PluginId,
            _: &PluginConfig,
            _: &[WorkerState],
        ) -> impl Future<Output = Admission> + Send {
            ready(Admission::Proceed)
        }
        fn on_job_completed(&self, _: &JobManager<Task>, _: &Job<Task>) -> impl Future<Output = ()> + Send {
            Sizeless
        }
        fn on_job_failed(&self, _: &JobManager<Task>, _: &Job<Task>) -> impl Future<Output = ()> + Send {
            Sizeless
        }
    });

    static PLAIN: Plain = Plain;

    // It could do something of its own before.
    host!(Wrapper {
        fn validate_resources(
            &self,
            plugin: &PluginId,
            config: &PluginConfig,
            workers: &[WorkerState],
        ) -> impl Future<Output = Admission> + Send {
            PLAIN.validate_resources(plugin, config, workers)
        }
        fn on_job_completed(
            &self,
            manager: &JobManager<Task>,
            job: &Job<Task>,
        ) -> impl Future<Output = ()> + Send {
            PLAIN.on_job_completed(manager, job)
        }
    });

    const ALL: OwnHooks = OwnHooks {
        validates: true,
        hears_of_completion: true,
        hears_of_failure: true,
        hears_of_cancel: true,
    };
    const NONE: OwnHooks = OwnHooks {
        validates: false,
        hears_of_completion: false,
        hears_of_failure: false,
        hears_of_cancel: false,
    };

    #[test]
    fn a_host_has_the_hooks_that_it_writes() {
        assert_eq!(OwnHooks::of::<Task, Plain>(), NONE);
        assert_eq!(OwnHooks::of::<Task, Curious>(), ALL);
    }

    #[test]
    fn a_hook_whose_future_has_no_size_is_one() {
        assert_eq!(size_of::<Sizeless>(), 0);
        assert_eq!(OwnHooks::of::<Task, ByHand>(), OwnHooks { hears_of_cancel: false, ..ALL });
    }

    #[test]
    fn a_hook_that_hands_on_to_another_host_is_one() {
        let expected = OwnHooks { validates: true, hears_of_completion: true, ..NONE };
        assert_eq!(OwnHooks::of::<Task, Wrapper>(), expected);
    }
}
