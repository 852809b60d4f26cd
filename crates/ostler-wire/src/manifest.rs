use serde::{Deserialize, Serialize};

/// What a plugin says about itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PluginManifest {
    /// The name that jobs ask for; unique in a worker.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// The kind of work, as in `text` or `image`; empty if it has none.
    pub category: String,
    /// One sentence for a list of plugins.
    pub description: String,
    /// Whether it can send chunks before its result.
    pub streaming: bool,
    /// The fields of its request, for command lines and forms.
    pub parameters: Vec<Parameter>,
}

impl PluginManifest {
    /// A manifest of which only the name is known. The builder methods fill in the rest.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: String::new(),
            category: String::new(),
            description: String::new(),
            streaming: false,
            parameters: Vec::new(),
        }
    }

    /// Sets the plugin's version.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Sets the kind of work.
    #[must_use]
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.category = category.into();
        self
    }

    /// Sets the sentence for a list of plugins.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Sets whether the plugin can send chunks before its result.
    #[must_use]
    pub fn streaming(mut self, streaming: bool) -> Self {
        self.streaming = streaming;
        self
    }

    /// Adds one field of the request.
    #[must_use]
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }
}

/// A manifest of which only the name is known.
impl From<&str> for PluginManifest {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

/// One field of a plugin's request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Parameter {
    /// The field's name.
    pub name: String,
    /// What goes into it.
    pub kind: ParameterKind,
    /// Whether a request without it is refused.
    pub required: bool,
    /// The value that is used when it is left out, as JSON text.
    pub default: Option<String>,
    /// One sentence for a help page.
    pub description: String,
}

impl Parameter {
    /// An optional field without a default.
    pub fn new(name: impl Into<String>, kind: ParameterKind) -> Self {
        Self { name: name.into(), kind, required: false, default: None, description: String::new() }
    }

    /// Makes it a field that every request must have.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Sets what is used when the field is left out, as JSON text.
    #[must_use]
    pub fn default_json(mut self, json: impl Into<String>) -> Self {
        self.default = Some(json.into());
        self
    }

    /// Sets the sentence for a help page.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }
}

/// What goes into a field of a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// The path of a file or a directory.
    Path,
    /// Any JSON value.
    Json,
}
