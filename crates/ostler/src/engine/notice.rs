use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::integration::{EventBroadcaster, ResourceManager, WorkerState};
use crate::job::panic_message;

/// Something that a hook of the host is told.
enum Notice {
    Broadcast(String, Value),
    Register(WorkerState),
    Update(WorkerState),
    Unregister(WorkerState),
    Barrier(oneshot::Sender<()>),
}

/// Tells the host's broadcaster and resource manager, in order, outside of every lock.
pub(crate) struct Notices {
    sender: mpsc::UnboundedSender<Notice>,
    has_broadcaster: bool,
    has_resource_manager: bool,
}

impl Notices {
    pub(crate) fn start(
        runtime: &Handle,
        broadcaster: Option<Arc<dyn EventBroadcaster>>,
        resources: Option<Arc<dyn ResourceManager>>,
    ) -> Self {
        let (sender, mut inbox) = mpsc::unbounded_channel();
        let (has_broadcaster, has_resource_manager) = (broadcaster.is_some(), resources.is_some());
        runtime.spawn(async move {
            while let Some(notice) = inbox.recv().await {
                let told = catch_unwind(AssertUnwindSafe(|| {
                    tell(broadcaster.as_deref(), resources.as_deref(), notice);
                }));
                if let Err(panic) = told {
                    tracing::error!(message = panic_message(&*panic), "an integration of the host panicked");
                }
            }
        });
        Self { sender, has_broadcaster, has_resource_manager }
    }

    pub(super) fn has_listener(&self) -> bool {
        self.has_broadcaster || self.has_resource_manager
    }

    pub(super) fn has_broadcaster(&self) -> bool {
        self.has_broadcaster
    }

    pub(crate) fn broadcast(&self, event_type: String, data: Value) {
        if self.has_broadcaster {
            self.send(Notice::Broadcast(event_type, data));
        }
    }

    pub(super) fn register(&self, state: &WorkerState) {
        self.resource(state, Notice::Register);
    }

    pub(super) fn update(&self, state: &WorkerState) {
        self.resource(state, Notice::Update);
    }

    pub(super) fn unregister(&self, state: &WorkerState) {
        self.resource(state, Notice::Unregister);
    }

    /// Waits until everything that was said before has been told.
    pub(crate) async fn settled(&self) {
        let (reached, wait) = oneshot::channel();
        self.send(Notice::Barrier(reached));
        // An error means that the runtime is gone: nobody is told any more.
        let _ = wait.await;
    }

    fn resource(&self, state: &WorkerState, notice: fn(WorkerState) -> Notice) {
        if self.has_resource_manager {
            self.send(notice(state.clone()));
        }
    }

    fn send(&self, notice: Notice) {
        // It fails only if the runtime is gone.
        let _ = self.sender.send(notice);
    }
}

fn tell(broadcaster: Option<&dyn EventBroadcaster>, resources: Option<&dyn ResourceManager>, notice: Notice) {
    match (notice, broadcaster, resources) {
        (Notice::Broadcast(event_type, data), Some(broadcaster), _) => {
            broadcaster.broadcast(&event_type, data)
        }
        (Notice::Register(worker), _, Some(resources)) => resources.register_worker(&worker),
        (Notice::Update(worker), _, Some(resources)) => resources.update_worker_state(&worker),
        (Notice::Unregister(worker), _, Some(resources)) => resources.unregister_worker(&worker),
        (Notice::Barrier(reached), ..) => {
            // Whoever waited may have given up.
            let _ = reached.send(());
        }
        _ => {}
    }
}
