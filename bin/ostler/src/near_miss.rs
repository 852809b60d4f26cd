use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error, Parser};

use crate::args::Cli;

/// The command line, or an error that also says what was probably meant.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Cli, Error> {
    let args: Vec<_> = args.collect();
    Cli::try_parse_from(&args).map_err(|mut error| {
        if let Some(tip) = tip(&error, &args) {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
        }
        error
    })
}

fn tip(error: &Error, args: &[OsString]) -> Option<String> {
    let Some(ContextValue::String(surplus)) = error.get(ContextKind::InvalidArg) else { return None };
    if error.kind() != ErrorKind::UnknownArgument || surplus.starts_with('-') {
        return None;
    }
    // Parsed again, without minding what is wrong: the error does not know the command.
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(args).ok()?;
    let (command, matches) = matches.subcommand()?;
    match command {
        "run" | "batch" if surplus.contains('=') => {
            Some(format!("parameters are given with -p, as in -p {surplus}"))
        }
        "batch" => {
            let plugin = matches.get_one::<String>("plugin")?;
            Some(format!("the lines come from stdin: ostler batch {plugin} < {surplus}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use super::*;

    fn said(args: &str) -> String {
        parse(args.split(' ').map(OsString::from)).unwrap_err().to_string()
    }

    #[test]
    fn a_parameter_without_its_option_is_recognised() {
        let tip = "parameters are given with -p, as in -p path=Cargo.toml";
        for args in ["ostler run digest path=Cargo.toml", "ostler batch digest --workers 2 path=Cargo.toml"] {
            assert!(said(args).contains(tip), "{}", said(args));
        }
    }

    #[test]
    fn a_file_of_lines_is_recognised() {
        let tip = "the lines come from stdin: ostler batch digest < nofile.jsonl";
        let said = said("ostler batch --workers 2 digest nofile.jsonl");
        assert!(said.contains(tip), "{said}");
    }

    #[test]
    fn other_mistakes_get_the_usual_words() {
        assert!(said("ostler run digest --jsn").contains("--json"));
        for args in ["ostler run digest surplus", "ostler plugins a=b", "ostler run digest --a=b"] {
            assert!(!said(args).contains("as in -p"), "{}", said(args));
        }
    }
}
