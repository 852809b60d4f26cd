//! Where plugin ids, names and configurations come from.

use ostler::{
    ControlError, LaunchError, PluginConfig, PluginId, PluginInfo, PluginRegistry, RegistryError, StartError,
    StaticRegistry,
};
use ostler_tests::lab::Task;
use serde_json::json;

use super::Calls;
use crate::support::{config, echo, lab, launch, says};

#[tokio::test]
async fn without_a_registry_the_id_is_the_name() {
    let manager = launch().await;
    assert_eq!(manager.get_plugin_name("lab").as_deref(), Some("lab"));
    assert_eq!(manager.get_plugin_name("acme-lab"), None);
    let names: Vec<_> = manager.plugins().iter().map(|plugin| plugin.name.clone()).collect();
    assert_eq!(names, ["lab", "other"]);
}

#[tokio::test]
async fn with_a_registry_jobs_name_its_ids_and_get_its_configs() {
    let registry = StaticRegistry::new()
        .plugin("acme-lab", "lab", "lab", config(json!({ "model": "base" })))
        .plugin("acme-image", "other", "image", config(json!({ "model": "none" })));
    let manager = lab().registry(registry).launch().await.unwrap();
    assert_eq!(manager.get_plugin_name("acme-lab").as_deref(), Some("lab"));
    assert_eq!(manager.get_plugin_name("lab"), None, "a name is no id");
    let job = manager.start_job("acme-lab", Task::Config).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "base 1");
    assert_eq!(job.finished().await.plugin_id, "acme-lab");

    // Workers load just what the registry has in the manager's category.
    let names: Vec<_> = manager.plugins().iter().map(|plugin| plugin.name.clone()).collect();
    assert_eq!(names, ["lab"]);
    for foreign in ["lab", "acme-image"] {
        let error = manager.start_job(foreign, echo("")).await.unwrap_err();
        assert!(matches!(error, StartError::UnknownPlugin { .. }));
        assert_eq!(error.to_string(), format!("there is no plugin {foreign:?}; there are: acme-lab"));
    }

    manager.reload_plugin("acme-lab", config(json!({ "model": "large" }))).await.unwrap();
    let job = manager.start_job("acme-lab", Task::Config).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "large 2");
    let unknown = Err(ControlError::UnknownPlugin { plugin: "lab".to_owned() });
    assert_eq!(manager.unload_plugin("lab").await, unknown);
}

#[tokio::test]
async fn two_ids_of_one_plugin_need_one_configuration() {
    let registry = |second: &str| {
        StaticRegistry::new().plugin("lab-base", "lab", "lab", config(json!({ "model": "base" }))).plugin(
            "lab-large",
            "lab",
            "lab",
            config(json!({ "model": second })),
        )
    };
    let error = lab().registry(registry("large")).launch().await.unwrap_err();
    assert!(matches!(error, LaunchError::TwoConfigs { .. }), "{error}");
    says(error, &["lab-base", "lab-large", "`lab`", "different configurations"]);
    let manager = lab().registry(registry("base")).launch().await.unwrap();
    for id in ["lab-base", "lab-large"] {
        assert_eq!(manager.start_job(id, Task::Config).await.unwrap().await.unwrap(), "base 1");
    }
}

#[tokio::test]
async fn plugin_config_of_the_builder_goes_before_the_registrys() {
    let registry = StaticRegistry::new().plugin("acme", "lab", "lab", config(json!({ "model": "base" })));
    let builder = lab().registry(registry).plugin_config("lab", config(json!({ "model": "own" })));
    let manager = builder.launch().await.unwrap();
    let job = manager.start_job("acme", Task::Config).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "own 1");
}

/// A registry whose configurations are on a disk that cannot be read.
struct Broken(Calls);

impl PluginRegistry for Broken {
    fn get_plugins_by_category(&self, category: &str) -> Vec<PluginInfo> {
        self.0.note(format!("get_plugins_by_category {category}"));
        vec![PluginInfo { id: "acme".into(), name: "lab".into(), category: category.into() }]
    }

    fn get_plugin(&self, id: &PluginId) -> Option<PluginInfo> {
        self.0.note(format!("get_plugin {id}"));
        None
    }

    fn load_plugin_config(&self, id: &PluginId) -> Result<PluginConfig, RegistryError> {
        self.0.note(format!("load_plugin_config {id}"));
        let source = std::io::Error::other("the disk is gone").into();
        Err(RegistryError::Config { plugin: id.clone(), source })
    }
}

#[tokio::test]
async fn a_registry_without_the_config_fails_the_launch_before_a_worker_is_made() {
    let calls = Calls::default();
    let error = lab().registry(Broken(calls.clone())).launch().await.unwrap_err();
    let LaunchError::Registry(error) = error else { panic!("{error}") };
    assert_eq!(error.to_string(), "the plugin registry cannot load the configuration of acme");
    assert_eq!(calls.all(), ["get_plugins_by_category lab", "load_plugin_config acme"]);
}

#[tokio::test]
async fn a_plugin_of_the_registry_that_no_worker_has_fails_the_launch() {
    let registry = StaticRegistry::new().plugin("acme", "whisper", "lab", PluginConfig::new());
    let error = lab().registry(registry).launch().await.unwrap_err();
    assert!(matches!(error, LaunchError::WorkerStart(_)), "{error}");
    assert!(error.to_string().contains("whisper"), "{error}");
}
