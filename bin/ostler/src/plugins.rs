use std::fmt::Write;

use ostler::RestartPolicy;
use ostler::WorkerConfig;
use ostler::worker::{Parameter, PluginManifest};
use serde_json::{Value, json};

use crate::args::PluginsArgs;
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::params::kind_name;
use crate::{pool, stdout};

/// `ostler plugins`: lists what a worker has.
pub(crate) async fn plugins(args: &PluginsArgs, interrupt: Interrupt) -> Result<Exit, Failure> {
    let config = WorkerConfig { restart_policy: RestartPolicy::Never, ..pool::config() };
    let manifests = pool::with_manager(config, interrupt, async |manager| Ok(manager.plugins())).await?;
    let text = if args.json {
        Value::from_iter(manifests.iter().map(as_json)).to_string()
    } else {
        table(&manifests)
    };
    stdout::print(&text)?;
    Ok(Exit::Completed)
}

fn as_json(manifest: &PluginManifest) -> Value {
    let PluginManifest { name, version, category, description, streaming, parameters } = manifest;
    let parameters = Value::from_iter(parameters.iter().map(|parameter| {
        let Parameter { name, kind, required, default, description } = parameter;
        let default = default.as_ref().map(|text| serde_json::from_str(text).unwrap_or(json!(text)));
        json!({"name": name, "kind": kind, "required": required, "default": default, "description": description})
    }));
    json!({"name": name, "version": version, "category": category, "description": description,
           "streaming": streaming, "parameters": parameters})
}

/// A line for each plugin, and below it one for each of its parameters.
fn table(manifests: &[PluginManifest]) -> String {
    let mut rows = vec![["PLUGIN", "VERSION", "CATEGORY", "STREAMS", "DESCRIPTION"].map(str::to_owned)];
    for manifest in manifests {
        let PluginManifest { name, version, category, description, streaming, parameters } = manifest;
        let streams = if *streaming { "yes" } else { "no" };
        rows.push([name, version, category, streams, description].map(str::to_owned));
        rows.extend(parameters.iter().map(|parameter| {
            let value = format!("  -p {}=…", parameter.name);
            let kind = kind_name(parameter.kind).to_owned();
            [value, kind, need(parameter), String::new(), parameter.description.clone()]
        }));
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        line.push_str(&row[4]);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn need(parameter: &Parameter) -> String {
    match &parameter.default {
        _ if parameter.required => "required".to_owned(),
        Some(default) => format!("default {default}"),
        None => "optional".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use ostler::worker::ParameterKind;

    use super::*;

    fn manifest() -> PluginManifest {
        PluginManifest::new("thumbnail")
            .version("1.0.0")
            .category("image")
            .description("Scales a picture")
            .parameter(Parameter::new("path", ParameterKind::Path).required().description("The picture"))
            .parameter(Parameter::new("width", ParameterKind::Integer).default_json("256"))
            .parameter(Parameter::new("note", ParameterKind::String).default_json("\"none\""))
    }

    #[test]
    fn the_table_is_aligned() {
        let expected = "\
PLUGIN        VERSION       CATEGORY        STREAMS  DESCRIPTION
thumbnail     1.0.0         image           no       Scales a picture
  -p path=…   path          required                 The picture
  -p width=…  whole number  default 256
  -p note=…   text          default \"none\"
";
        assert_eq!(table(&[manifest()]), expected);
    }

    #[test]
    fn defaults_are_values_in_json() {
        let json = as_json(&manifest());
        assert_eq!(json["parameters"][1]["default"], 256);
        assert_eq!(json["parameters"][2]["default"], "none");
        assert_eq!(json["parameters"][0]["default"], Value::Null);
        assert_eq!(json["parameters"][0]["kind"], "path");
    }
}
