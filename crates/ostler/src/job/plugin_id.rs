use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Which plugin a job is for. A clone is cheap.
///
/// Without a [`PluginRegistry`](crate::PluginRegistry) it is the plugin's name; with one, the registry says
/// which name belongs to it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PluginId(Arc<str>);

impl PluginId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as text that can be kept.
    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl Deref for PluginId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for PluginId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for PluginId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for PluginId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl From<String> for PluginId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl From<&String> for PluginId {
    fn from(id: &String) -> Self {
        Self(id.as_str().into())
    }
}

impl From<&PluginId> for PluginId {
    fn from(id: &PluginId) -> Self {
        id.clone()
    }
}

impl PartialEq<str> for PluginId {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for PluginId {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}
