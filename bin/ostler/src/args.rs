use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use serde_json::{Map, Value};

use crate::help::{BATCH_EXAMPLES, EXAMPLES, PLUGINS_EXAMPLES, RUN_EXAMPLES};
use ostler::ByteSize;

/// Runs jobs in worker processes: one that crashes, hangs or is cancelled takes nothing else with it.
#[derive(Parser, Debug)]
#[command(name = "ostler", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Log more to stderr; may be repeated. The variable OSTLER_LOG takes a filter instead, as in `ostler=debug`
    #[arg(short, long, global = true, action = clap::ArgAction::Count, display_order = 500)]
    pub(crate) verbose: u8,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run one job and print its result
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Run one job for each line of stdin, a JSON object of parameters
    #[command(after_help = BATCH_EXAMPLES)]
    Batch(BatchArgs),
    /// List the plugins and their parameters
    #[command(after_help = PLUGINS_EXAMPLES)]
    Plugins(PluginsArgs),
}

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// The plugin that does the job; `ostler plugins` lists them
    pub(crate) plugin: String,

    /// A parameter of the plugin; may be repeated, and wins over --params
    #[arg(short, long = "param", value_name = "KEY=VALUE", value_parser = os(parse_pair))]
    pub(crate) param: Vec<Pair>,

    /// Parameters as a JSON object
    #[arg(long, value_name = "JSON", value_parser = parse_object)]
    pub(crate) params: Option<Map<String, Value>>,

    /// Send a file along with the job, for plugins that take an attachment; `-` is stdin
    #[arg(long, value_name = "NAME=FILE", value_parser = os(parse_attachment))]
    pub(crate) attach: Vec<Pair>,

    /// End the job if it runs longer than this, as in `30s` or `1h 20m`
    #[arg(long, value_name = "TIME", value_parser = parse_timeout)]
    pub(crate) timeout: Option<Duration>,

    /// End the job if it says nothing for so long: no progress, chunk or line
    #[arg(long, value_name = "TIME", value_parser = parse_timeout)]
    pub(crate) stall_timeout: Option<Duration>,

    /// Further attempts if the job crashes, takes too long, or fails with an error that may pass
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count(1000), allow_negative_numbers = true)]
    pub(crate) retries: u32,

    /// End the job if the processes of its worker have more in memory than this together, as in `512M` or `2G`
    #[arg(long, value_name = "SIZE", value_parser = parse_memory, allow_hyphen_values = true)]
    pub(crate) max_memory: Option<ByteSize>,

    /// Keep the files that come with the result in this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,

    /// Print one line of JSON with the result or error, the times and the worker's pid
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct BatchArgs {
    /// The plugin that does the jobs; `ostler plugins` lists them
    pub(crate) plugin: String,

    /// Worker processes; the default is the number of processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) workers: Option<u32>,

    /// A parameter for all lines that do not set it themselves; may be repeated
    #[arg(short, long = "param", value_name = "KEY=VALUE", value_parser = os(parse_pair))]
    pub(crate) param: Vec<Pair>,

    /// End a job if it runs longer than this, as in `30s`
    #[arg(long, value_name = "TIME", value_parser = parse_timeout)]
    pub(crate) timeout: Option<Duration>,

    /// End a job if it says nothing for so long: no progress, chunk or line
    #[arg(long, value_name = "TIME", value_parser = parse_timeout)]
    pub(crate) stall_timeout: Option<Duration>,

    /// Further attempts for a job that crashes, takes too long, or fails with an error that may pass
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count(1000), allow_negative_numbers = true)]
    pub(crate) retries: u32,

    /// End a job if the processes of its worker have more in memory than this together, as in `512M`
    #[arg(long, value_name = "SIZE", value_parser = parse_memory, allow_hyphen_values = true)]
    pub(crate) max_memory: Option<ByteSize>,

    /// Workers that are kept loaded beside the others, to take the place of one that died at once
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count(4096), allow_negative_numbers = true)]
    pub(crate) standby: u32,

    /// How long Ctrl-C or SIGTERM lets what was read finish; a second one ends it now
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_time)]
    pub(crate) grace: Duration,

    /// Crashed workers that are replaced within a minute; one more, and the remaining lines fail
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) max_restarts: u32,
}

#[derive(Args, Debug)]
pub(crate) struct PluginsArgs {
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `-p` or `--attach` was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pair {
    pub(crate) name: String,
    /// Names of files may be anything.
    pub(crate) value: OsString,
}

/// A parser of what need not be UTF-8.
fn os(parse: fn(&OsStr) -> Result<Pair, String>) -> impl TypedValueParser<Value = Pair> {
    OsStringValueParser::new().try_map(move |text| parse(&text))
}

fn parse_pair(text: &OsStr) -> Result<Pair, String> {
    pair(text).ok_or_else(|| "a parameter is given as KEY=VALUE, as in -p path=photo.jpg".to_owned())
}

fn parse_attachment(text: &OsStr) -> Result<Pair, String> {
    pair(text).ok_or_else(|| "a file is given as NAME=FILE, as in --attach image=photo.jpg".to_owned())
}

/// A name, which is UTF-8 and not empty, and a value.
fn pair(text: &OsStr) -> Option<Pair> {
    let text = text.as_bytes();
    let end = text.iter().position(|byte| *byte == b'=').filter(|end| *end > 0)?;
    let name = std::str::from_utf8(&text[..end]).ok()?;
    Some(Pair { name: name.into(), value: OsStr::from_bytes(&text[end + 1..]).into() })
}

fn parse_object(text: &str) -> Result<Map<String, Value>, String> {
    const EXAMPLE: &str = r#"as in --params '{"path": "photo.jpg"}'"#;
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(format!("it must be a JSON object, {EXAMPLE}")),
        Err(error) => Err(format!("it is not JSON ({error}); write an object, {EXAMPLE}")),
    }
}

/// A parser of numbers up to the largest.
fn count(most: u32) -> impl Fn(&str) -> Result<u32, String> + Clone {
    move |text| {
        let count = text.parse().ok().filter(|count| *count <= most);
        count.ok_or_else(|| format!("it must be a whole number from 0 to {most}"))
    }
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let timeout = parse_time(text)?;
    if timeout.is_zero() { Err("it must be more than zero".to_owned()) } else { Ok(timeout) }
}

fn parse_memory(text: &str) -> Result<ByteSize, String> {
    let least = ByteSize(1 << 20);
    let size: ByteSize = text.parse().map_err(|error: ostler::ByteSizeError| error.to_string())?;
    if size < least { Err(format!("it must be at least {least}")) } else { Ok(size) }
}

fn parse_time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| format!("{error}; write it as in 30s"))?;
    let year = Duration::from_secs(365 * 24 * 3600);
    if time > year { Err("it must be at most a year".to_owned()) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_value_may_hold_an_equals_sign_or_nothing() {
        let parse = |text: &[u8]| parse_pair(OsStr::from_bytes(text));
        let pair =
            |name: &str, value: &[u8]| Pair { name: name.into(), value: OsStr::from_bytes(value).into() };
        assert_eq!(parse(b"text=a=b").unwrap(), pair("text", b"a=b"));
        assert_eq!(parse(b"text=").unwrap(), pair("text", b""));
        assert_eq!(parse(b"path=a\xFF=").unwrap(), pair("path", b"a\xFF="));
        assert!(parse(b"text").is_err());
        assert!(parse(b"=text").is_err());
        assert!(parse(b"\xFF=text").is_err());
    }

    #[test]
    fn params_are_an_object() {
        assert_eq!(parse_object(r#"{"a": 1}"#).unwrap().len(), 1);
        assert!(parse_object("[1]").unwrap_err().contains("must be a JSON object"));
        assert!(parse_object("{a: 1}").unwrap_err().contains("not JSON"));
    }

    #[test]
    fn a_timeout_has_a_unit_and_bounds() {
        assert_eq!(parse_timeout("1m 30s").unwrap(), Duration::from_secs(90));
        assert!(parse_timeout("30").unwrap_err().contains("30s"));
        assert!(parse_timeout("0s").is_err());
        assert!(parse_timeout("2years").is_err());
        assert_eq!(parse_time("0s").unwrap(), Duration::ZERO);
        assert!(parse_time("2years").is_err());
    }
}
