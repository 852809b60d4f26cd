use ostler::worker::PluginManifest;
use serde_json::{Map, Value};

use super::source::TooLong;
use crate::job::Params;
use crate::params::{ParamError, check_complete, check_names};

/// Why a line is no job.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadLine {
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error(
        "the line is not UTF-8; a path that is not is given as an array of its bytes, as in [47, 97, 255]"
    )]
    NotUtf8,
    #[error("the line is not JSON: {}", in_one_line(.0))]
    NotJson(serde_json::Error),
    #[error("the line must be a JSON object of parameters, not {what}")]
    NotAnObject { what: &'static str },
    #[error(transparent)]
    Params(#[from] ParamError),
}

/// The parameters in a line; what it leaves out is taken from `defaults`.
pub(super) fn parse(
    text: Result<Vec<u8>, TooLong>,
    manifest: &PluginManifest,
    defaults: &Map<String, Value>,
) -> Result<Params, BadLine> {
    let text = text?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let what = match serde_json::from_slice(text).map_err(|error| not_json(text, error))? {
        Value::Object(own) => {
            check_names(manifest, &own)?;
            let mut params = defaults.clone();
            params.extend(own);
            check_complete(manifest, &params)?;
            return Ok(Params(params));
        }
        Value::Array(_) => "an array",
        Value::String(_) => "a text",
        Value::Number(_) => "a number",
        Value::Bool(_) => "true or false",
        Value::Null => "null",
    };
    Err(BadLine::NotAnObject { what })
}

fn not_json(text: &[u8], error: serde_json::Error) -> BadLine {
    if std::str::from_utf8(text).is_err() { BadLine::NotUtf8 } else { BadLine::NotJson(error) }
}

/// The error without the number of a line in the text: the text is one line, and its number in the input is another.
fn in_one_line(error: &serde_json::Error) -> String {
    let place = format!("line {} column", error.line());
    error.to_string().replace(&place, "column")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use ostler::worker::{Parameter, ParameterKind};
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        let manifest = PluginManifest::new("thumbnail")
            .parameter(Parameter::new("path", ParameterKind::Path).required())
            .parameter(Parameter::new("width", ParameterKind::Integer));
        let defaults = json!({"width": 256});
        let params = parse(Ok(text.as_bytes().to_vec()), &manifest, defaults.as_object().unwrap());
        params.map(|params| Value::Object(params.0)).map_err(|bad| bad.to_string())
    }

    #[test]
    fn a_line_wins_over_the_defaults() {
        assert_eq!(read(r#"{"path": "a"}"#).unwrap(), json!({"path": "a", "width": 256}));
        assert_eq!(read("\t{\"path\": \"a\", \"width\": 3}\r").unwrap(), json!({"path": "a", "width": 3}));
    }

    #[test]
    fn a_byte_order_mark_is_no_mistake() {
        assert!(read("\u{feff}{\"path\": \"a\"}").is_ok());
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        assert_eq!(read("not JSON").unwrap_err(), "the line is not JSON: expected ident at column 2");
        assert!(read("{} {}").unwrap_err().starts_with("the line is not JSON: "));
        assert_eq!(read("[]").unwrap_err(), "the line must be a JSON object of parameters, not an array");
        assert!(read("{}").unwrap_err().contains(r#"needs the parameter "path""#));
        assert!(read(r#"{"paht": "a"}"#).unwrap_err().contains(r#"did you mean "path"?"#));
    }
}
