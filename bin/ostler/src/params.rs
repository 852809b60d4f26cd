use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use ostler::worker::{Parameter, ParameterKind, PluginManifest};
use serde_json::{Map, Number, Value};

use crate::args::Pair;
use crate::suggest::{did_you_mean, nearest};

/// Why parameters do not fit a plugin.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum ParamError {
    #[error("plugin {plugin} has no parameter {name:?}{}; it has: {known}", did_you_mean(near.as_deref()))]
    Unknown { plugin: String, name: String, near: Option<String>, known: String },
    #[error("plugin {plugin} needs the parameter {name:?} ({kind}); give it with -p {name}=…")]
    Missing { plugin: String, name: String, kind: &'static str },
    #[error("parameter {name:?} is not UTF-8, which only a path may be: give it as text")]
    NotText { name: String },
    #[error("parameter {name:?} must be {expected}, not {value:?}")]
    Kind { name: String, expected: String, value: String },
}

/// Values from the command line, each in the kind that the plugin's parameter has; the last of a name wins.
pub(crate) fn typed(manifest: &PluginManifest, pairs: &[Pair]) -> Result<Map<String, Value>, ParamError> {
    let mut params = Map::new();
    for Pair { name, value } in pairs {
        let text = || value.to_str().ok_or_else(|| ParamError::NotText { name: name.clone() });
        let value = match declared(manifest, name)? {
            Some(parameter) if parameter.kind == ParameterKind::Path => path_as_json(value),
            Some(parameter) => parse(parameter, text()?)?,
            None => Value::String(text()?.to_owned()),
        };
        params.insert(name.clone(), value);
    }
    Ok(params)
}

/// A path as plugins take it and give it: a text, or an array of its bytes if it is not UTF-8.
pub(crate) fn path_as_json(path: &OsStr) -> Value {
    path.to_str().map_or_else(|| path.as_bytes().into(), Value::from)
}

/// Checks that the plugin knows every name.
pub(crate) fn check_names(manifest: &PluginManifest, params: &Map<String, Value>) -> Result<(), ParamError> {
    params.keys().try_for_each(|name| declared(manifest, name).map(drop))
}

/// Checks that nothing is left out that the plugin needs.
pub(crate) fn check_complete(
    manifest: &PluginManifest,
    params: &Map<String, Value>,
) -> Result<(), ParamError> {
    let missing = |parameter: &&Parameter| parameter.required && !params.contains_key(&parameter.name);
    match manifest.parameters.iter().find(missing) {
        None => Ok(()),
        Some(parameter) => Err(ParamError::Missing {
            plugin: manifest.name.clone(),
            name: parameter.name.clone(),
            kind: kind_name(parameter.kind),
        }),
    }
}

/// The name of a kind, for people.
pub(crate) const fn kind_name(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::String => "text",
        ParameterKind::Integer => "whole number",
        ParameterKind::Number => "number",
        ParameterKind::Boolean => "true or false",
        ParameterKind::Path => "path",
        ParameterKind::Json => "JSON",
    }
}

/// The parameter of that name. A plugin that declares none takes any; what it makes of them, it says itself.
fn declared<'a>(manifest: &'a PluginManifest, name: &str) -> Result<Option<&'a Parameter>, ParamError> {
    let found = manifest.parameters.iter().find(|parameter| parameter.name == name);
    if found.is_some() || manifest.parameters.is_empty() {
        return Ok(found);
    }
    let names = || manifest.parameters.iter().map(|parameter| parameter.name.as_str());
    let described = manifest.parameters.iter().map(|parameter| {
        let required = if parameter.required { ", required" } else { "" };
        format!("{} ({}{required})", parameter.name, kind_name(parameter.kind))
    });
    Err(ParamError::Unknown {
        plugin: manifest.name.clone(),
        name: name.to_owned(),
        near: nearest(name, names()).map(str::to_owned),
        known: described.collect::<Vec<_>>().join(", "),
    })
}

fn parse(parameter: &Parameter, text: &str) -> Result<Value, ParamError> {
    let refused = |expected: String| ParamError::Kind {
        name: parameter.name.clone(),
        expected,
        value: text.to_owned(),
    };
    match parameter.kind {
        ParameterKind::String | ParameterKind::Path => Ok(Value::String(text.to_owned())),
        ParameterKind::Integer => {
            integer(text).map(Value::Number).ok_or_else(|| refused("a whole number".to_owned()))
        }
        ParameterKind::Number => {
            number(text).map(Value::Number).ok_or_else(|| refused("a number".to_owned()))
        }
        ParameterKind::Boolean => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(refused("true or false".to_owned())),
        },
        ParameterKind::Json => serde_json::from_str(text).map_err(|error| refused(format!("JSON ({error})"))),
    }
}

fn integer(text: &str) -> Option<Number> {
    text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from)).ok()
}

fn number(text: &str) -> Option<Number> {
    integer(text).or_else(|| text.parse().ok().and_then(Number::from_f64))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn thumbnail() -> PluginManifest {
        PluginManifest::new("thumbnail")
            .parameter(Parameter::new("path", ParameterKind::Path).required())
            .parameter(Parameter::new("width", ParameterKind::Integer))
            .parameter(Parameter::new("gamma", ParameterKind::Number))
            .parameter(Parameter::new("crop", ParameterKind::Boolean))
            .parameter(Parameter::new("tags", ParameterKind::Json))
    }

    fn pair(name: &str, value: &str) -> Pair {
        Pair { name: name.into(), value: value.into() }
    }

    #[track_caller]
    fn check(name: &str, text: &str, expected: &Value) {
        let params = typed(&thumbnail(), &[pair(name, text)]).unwrap();
        assert_eq!(&params[name], expected);
    }

    #[track_caller]
    fn refuse(name: &str, text: &str) -> String {
        let message = typed(&thumbnail(), &[pair(name, text)]).unwrap_err().to_string();
        assert!(
            message.contains(&format!("{name:?}")) && message.contains(&format!("{text:?}")),
            "{message}"
        );
        message
    }

    #[test]
    fn values_take_the_kind_of_their_parameter() {
        check("path", "007", &json!("007"));
        check("path", "true", &json!("true"));
        check("width", "256", &json!(256));
        check("width", "-1", &json!(-1));
        check("width", "18446744073709551615", &json!(u64::MAX));
        check("gamma", "2", &json!(2));
        check("gamma", "2.2", &json!(2.2));
        check("crop", "true", &json!(true));
        check("crop", "false", &json!(false));
        check("tags", r#"["a"]"#, &json!(["a"]));
    }

    #[test]
    fn only_a_path_need_not_be_text() {
        let pair = |name: &str| [Pair { name: name.into(), value: OsStr::from_bytes(b"a\xFF").into() }];
        assert_eq!(typed(&thumbnail(), &pair("path")).unwrap()["path"], json!([97, 255]));
        for (plugin, name) in [(thumbnail(), "width"), (PluginManifest::new("free"), "n")] {
            let error = typed(&plugin, &pair(name)).unwrap_err().to_string();
            assert!(error.contains(&format!("parameter {name:?} is not UTF-8")), "{error}");
        }
    }

    #[test]
    fn a_value_of_another_kind_is_refused_by_name() {
        assert!(refuse("width", "wide").contains("a whole number"));
        refuse("width", "2.5");
        refuse("gamma", "nan");
        refuse("gamma", "inf");
        refuse("gamma", "");
        assert!(refuse("crop", "yes").contains("true or false"));
        refuse("tags", "[a]");
    }

    #[test]
    fn the_last_value_of_a_name_wins() {
        let params = typed(&thumbnail(), &[pair("width", "1"), pair("width", "2")]).unwrap();
        assert_eq!(params["width"], 2);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let error = typed(&thumbnail(), &[pair("witdh", "1")]).unwrap_err().to_string();
        assert!(error.contains(r#"no parameter "witdh" (did you mean "width"?)"#), "{error}");
        assert!(error.contains("path (path, required), width (whole number)"), "{error}");
        let object = json!({"path": "a", "colour": 1});
        assert!(check_names(&thumbnail(), object.as_object().unwrap()).is_err());
    }

    #[test]
    fn a_plugin_that_declares_nothing_takes_any_name_as_text() {
        let params = typed(&PluginManifest::new("free"), &[pair("n", "1")]).unwrap();
        assert_eq!(params["n"], "1");
        assert_eq!(check_names(&PluginManifest::new("free"), &params), Ok(()));
    }

    #[test]
    fn what_is_required_must_be_there() {
        let error = check_complete(&thumbnail(), &Map::new()).unwrap_err().to_string();
        assert!(error.contains(r#"needs the parameter "path""#), "{error}");
        let object = json!({"path": "a"});
        assert_eq!(check_complete(&thumbnail(), object.as_object().unwrap()), Ok(()));
    }
}
