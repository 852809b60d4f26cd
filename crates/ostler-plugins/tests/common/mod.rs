//! Plugins driven as a worker drives them, and a host's end of a connection for what they say on the way.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "each test binary uses its part"
)]

pub mod child;
pub mod host;
pub mod pictures;

use std::path::{Path, PathBuf};

use ostler_worker::{Category, JobContext, Payload, PluginConfig, PluginError, PluginManager, PluginSet};
use serde::Serialize;

/// Runs one job on a fresh set of all plugins.
pub fn run(plugin: &str, request: Payload) -> Result<Payload, PluginError> {
    let mut plugins = PluginSet::new();
    ostler_plugins::register_all(&mut plugins);
    plugins.load_plugin(plugin, &PluginConfig::new()).unwrap();
    let context = JobContext::detached(request.attachments().to_vec());
    plugins.execute_plugin(plugin, request, &context)
}

pub fn json(request: &impl Serialize) -> Payload {
    Payload::json(request).unwrap()
}

/// The message of a job that failed because of its request.
pub fn input_error(plugin: &str, request: Payload) -> String {
    let error = run(plugin, request).expect_err("this request was accepted");
    assert_eq!(error.category(), Category::Input, "{error}");
    error.message().to_owned()
}

#[track_caller]
pub fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

/// A directory that is gone after the test.
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The names of all files in it.
    pub fn names(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub fn directory(&self) -> &Path {
        self.0.path()
    }
}
