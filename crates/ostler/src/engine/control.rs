use std::sync::Arc;

use ostler_lifecycle::{ControlFailure, ControlId, ControlOperation, Health, Input};
use ostler_wire::WorkerReport;
use tokio::sync::oneshot;

use super::cargo::Cargo;
use super::errand::Errands;
use super::{Catalog, Core};
use crate::{ControlError, JobType, LaunchError, PluginConfig};

/// An operation on the whole pool, as the driver needs it.
pub(super) struct ControlCall {
    pub(super) work: ControlWork,
    pub(super) reports: Vec<WorkerReport>,
    pub(super) reply: oneshot::Sender<Result<Vec<WorkerReport>, ControlFailure>>,
}

pub(super) enum ControlWork {
    Reload { name: String, config: PluginConfig, resource: String },
    Unload { name: String },
    GetState,
}

impl<J: JobType> Core<J> {
    pub(crate) async fn reload(
        self: &Arc<Self>,
        name: String,
        config: PluginConfig,
    ) -> Result<(), ControlError> {
        let resource = self.host.resource(&config)?;
        let mut then = Catalog::clone(&self.catalog());
        then.configure(name.clone(), config.clone(), resource.clone());
        if let Err(LaunchError::PluginConfigTooLarge { size, limit, .. }) =
            then.check_size(self.settings.max_frame_bytes)
        {
            return Err(ControlError::ConfigTooLarge { plugin: name, size, limit });
        }
        let plugin = self.lock().plugin_keys.of(&name);
        let work = ControlWork::Reload { name, config, resource };
        self.control(ControlOperation::Reload(plugin), work).await.map(drop)
    }

    pub(crate) async fn unload(self: &Arc<Self>, name: String) -> Result<(), ControlError> {
        let plugin = self.lock().plugin_keys.of(&name);
        self.control(ControlOperation::Unload(plugin), ControlWork::Unload { name }).await.map(drop)
    }

    pub(crate) async fn get_state(self: &Arc<Self>) -> Result<Vec<WorkerReport>, ControlError> {
        self.control(ControlOperation::GetState, ControlWork::GetState).await
    }

    pub(crate) fn health(&self) -> Health {
        self.lock().machine.health()
    }

    pub(crate) fn pool_size(&self) -> (u32, u32) {
        self.lock().machine.size()
    }

    async fn control(
        self: &Arc<Self>,
        operation: ControlOperation,
        work: ControlWork,
    ) -> Result<Vec<WorkerReport>, ControlError> {
        let (reply, answer) = oneshot::channel();
        let mut errands = Errands::default();
        {
            let mut state = self.lock();
            state.controls_made += 1;
            let id = ControlId(state.controls_made);
            state.controls.insert(id, ControlCall { work, reports: Vec::new(), reply });
            self.step(&mut state, Input::Control { id, operation }, Cargo::None, &mut errands);
        }
        errands.run(self);
        answer.await.map_err(|_| ControlError::ShutDown)?.map_err(ControlError::from)
    }
}
