//! What no reviewer should have to look for: sizes, crate edges, manifests, leftovers.
#![expect(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

const FILE_LINES: usize = 500;
const ARCHITECTURE_LINES: usize = 200;
/// An example has fewer.
const EXAMPLE_LINES: usize = 80;
/// Tests that may sleep, each with the reason. An entry that is not needed any more is a fault too.
const MAY_SLEEP: &[(&str, &str)] = &[
    ("tests/bench/tests/counts/idle.rs", "that nothing happens can only be seen in some time"),
    ("tests/bench/src/worker/pause.rs", "a plugin of the benchmarks that takes its time to load"),
    ("tests/src/lab/harm.rs", "as the plugin below"),
    ("tests/src/lab/plugin.rs", "plugins of the tests: a plugin can only look again for what it waits for"),
    ("tests/tests/e2e/support.rs", "`within` looks at foreign processes, whose end nobody announces"),
    ("tests/tests/e2e/supervision/unread.rs", "it blocks its runtime"),
];

#[test]
fn no_source_file_is_too_long() {
    let long = sources().filter(|(_, text)| text.lines().count() > FILE_LINES);
    let faults = long.map(|(path, text)| format!("{path} has {} lines", text.lines().count()));
    none(faults, "at most 500: split it by nouns");
}

#[test]
fn every_example_is_short() {
    let examples = sources().filter(|(path, _)| path.starts_with("examples/") && !path.contains("/tests/"));
    let long = examples.filter(|(_, text)| text.lines().count() >= EXAMPLE_LINES);
    none(long.map(|(path, _)| path), "an example has fewer than 80 lines");
}

#[test]
fn architecture_md_is_short() {
    let lines = architecture().lines().count();
    assert!(lines <= ARCHITECTURE_LINES, "ARCHITECTURE.md has {lines} lines, at most 200 are read");
}

/// The third kind of change, beside internals and a wider interface, is a new edge. It must be seen.
#[test]
fn crate_edges_are_those_of_architecture_md() {
    let built: BTreeMap<String, BTreeSet<String>> = edges_of_manifests();
    let drawn: BTreeMap<_, _> = edges_of_architecture().into_iter().collect();
    let missing = difference(&built, &drawn).map(|edge| format!("{edge} is not in ARCHITECTURE.md"));
    let stale = difference(&drawn, &built).map(|edge| format!("{edge} is in ARCHITECTURE.md only"));
    none(missing.chain(stale), "the block of edges and the manifests must agree");
    assert_eq!(built.keys().collect::<Vec<_>>(), drawn.keys().collect::<Vec<_>>(), "each package has a line");
}

#[test]
fn every_edge_points_downward() {
    let drawn = edges_of_architecture();
    let floor = |name: &str| drawn.iter().position(|(package, _)| package == name);
    let upward = drawn.iter().flat_map(|(from, below)| {
        let bad = below.iter().filter(|to| floor(to) <= floor(from));
        bad.map(move |to| format!("{from} -> {to}"))
    });
    none(upward, "in ARCHITECTURE.md a package stands above all that it uses");
}

#[test]
fn what_architecture_md_points_at_exists() {
    let text = architecture();
    let quoted = text.split('`').skip(1).step_by(2);
    let tops = ["crates/", "bin/", "tests/", "examples/", "docs/", ".ci/"];
    let paths = quoted.filter(|quoted| tops.iter().any(|top| quoted.starts_with(top)));
    none(paths.filter(|path| !root().join(path).exists()), "point at what is there");
}

#[test]
fn every_package_takes_the_lints_of_the_workspace() {
    let own = manifests().filter(|(_, manifest)| !is_inherited(manifest.get("lints")));
    none(own.map(|(path, _)| path), "write [lints] workspace = true");
}

#[test]
fn every_dependency_is_that_of_the_workspace() {
    let faults = manifests().flat_map(|(path, manifest)| {
        let own = dependencies(&manifest).into_iter().filter(|(_, _, value)| !is_inherited(Some(value)));
        own.map(move |(_, name, _)| format!("{name} in {path}")).collect::<Vec<_>>()
    });
    none(faults, "versions stand in the root manifest: write name.workspace = true");
}

#[test]
fn the_lowest_crates_know_no_tokio() {
    let lock: Table = read("Cargo.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let faults = ["ostler-wire", "ostler-lifecycle", "ostler-shm"].into_iter().filter(|&start| {
        let mut reached = BTreeSet::from([start]);
        let mut next = vec![start];
        while let Some(name) = next.pop() {
            let same = packages.iter().filter(|package| package["name"].as_str() == Some(name));
            let below = same.filter_map(|package| package.get("dependencies")?.as_array()).flatten();
            let names = below.filter_map(|entry| entry.as_str()?.split(' ').next());
            next.extend(names.filter(|&name| reached.insert(name)));
        }
        reached.len() == 1 || reached.contains("tokio")
    });
    none(faults, "frames, rules and shared memory wait for nothing");
}

#[test]
fn nothing_is_left_for_later() {
    // In two parts each, or this file would be the first to be found.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
        concat!("`", "``ignore"),
        concat!(",ig", "nore"),
    ];
    let texts = files(&["rs", "md", "toml", "sh"]);
    let faults = texts.flat_map(|(path, text)| {
        let lines = text.lines().zip(1..).filter(|(line, _)| marks.iter().any(|mark| line.contains(mark)));
        lines.map(|(line, number)| format!("{path}:{number}: {}", line.trim())).collect::<Vec<_>>()
    });
    none(faults, "do it now, or write it down where work is planned");
}

#[test]
fn no_test_sleeps() {
    let sleeping: Vec<(String, usize)> = sources()
        .flat_map(|(path, text)| {
            let lines = tests_in(&path, &text).filter(|(line, _)| calls_sleep(line));
            lines.map(|(_, number)| (path.clone(), number)).collect::<Vec<_>>()
        })
        .collect();
    let may = |path: &str| MAY_SLEEP.iter().any(|(known, _)| *known == path);
    let faults = sleeping.iter().filter(|(path, _)| !may(path));
    none(
        faults.map(|(path, line)| format!("{path}:{line}")),
        "wait for the condition itself, with a deadline",
    );
    let unused = MAY_SLEEP.iter().filter(|(known, _)| !sleeping.iter().any(|(path, _)| path == known));
    none(unused.map(|(path, _)| path), "has no need to be in MAY_SLEEP any more");
}

/// The lines of a file that belong to tests. Fixture programs are no tests: one that hangs may sleep.
fn tests_in<'a>(path: &str, text: &'a str) -> impl Iterator<Item = (&'a str, usize)> {
    let is_fixture = path.contains("/src/bin/");
    let is_test = path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs");
    let mut inside = is_test;
    text.lines().zip(1..).filter(move |(line, _)| {
        inside |= line.trim() == "#[cfg(test)]";
        inside && !is_fixture
    })
}

fn calls_sleep(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    ["sleep(", "sleep_until("].iter().any(|call| {
        let mut before = code.match_indices(call).map(|(at, _)| code[..at].chars().next_back());
        before.any(|before| {
            before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_' && letter != '"')
        })
    })
}

/// Fails if there is any, and shows them all.
#[track_caller]
fn none<T: ToString>(faults: impl IntoIterator<Item = T>, rule: &str) {
    let faults: Vec<_> = faults.into_iter().map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn architecture() -> String {
    read("ARCHITECTURE.md")
}

fn sources() -> impl Iterator<Item = (String, String)> {
    files(&["rs"])
}

/// All files of the repository with one of these endings, with their text.
fn files(endings: &'static [&'static str]) -> impl Iterator<Item = (String, String)> {
    let mut found = Vec::new();
    collect(root(), &mut found);
    assert!(found.len() > 50, "only {} files were found", found.len());
    let wanted =
        |path: &PathBuf| path.extension().is_some_and(|ending| endings.iter().any(|it| ending == *it));
    found.into_iter().filter(wanted).map(|path| {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(&path).unwrap())
    })
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        // Build output and what tools keep beside the sources.
        if name.as_encoded_bytes().starts_with(b".") || name == "target" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

/// The manifests of all packages of the workspace, with their paths.
fn manifests() -> impl Iterator<Item = (String, Table)> {
    let workspace: Table = read("Cargo.toml").parse().unwrap();
    let members = workspace["workspace"]["members"].as_array().unwrap();
    let directories: Vec<PathBuf> =
        members.iter().flat_map(|member| expand(member.as_str().unwrap())).collect();
    directories.into_iter().map(|directory| directory.join("Cargo.toml")).filter(|path| path.exists()).map(
        |path| {
            let table = fs::read_to_string(&path).unwrap().parse().unwrap();
            (path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned(), table)
        },
    )
}

/// The directories of a member: its own, or with `/*` all those in it.
fn expand(member: &str) -> Vec<PathBuf> {
    match member.strip_suffix("/*") {
        None => vec![root().join(member)],
        Some(parent) => {
            fs::read_dir(root().join(parent)).unwrap().map(|entry| entry.unwrap().path()).collect()
        }
    }
}

/// All dependencies of a manifest, with the kind of their table: also those of one target only.
fn dependencies(manifest: &Table) -> Vec<(&'static str, String, Value)> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = targets.into_iter().flat_map(|targets| targets.values()).filter_map(Value::as_table);
    let kinds = ["dependencies", "build-dependencies", "dev-dependencies"];
    let kinds = tables.chain([manifest]).flat_map(|table| kinds.map(|kind| (kind, table.get(kind))));
    let entries = kinds.filter_map(|(kind, table)| Some((kind, table?.as_table()?)));
    entries
        .flat_map(|(kind, table)| table.iter().map(move |(name, value)| (kind, name.clone(), value.clone())))
        .collect()
}

fn is_inherited(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")?.as_bool()).unwrap_or(false)
}

/// Which packages of the workspace use which, tests apart.
fn edges_of_manifests() -> BTreeMap<String, BTreeSet<String>> {
    let all: BTreeMap<_, _> = manifests()
        .map(|(_, table)| (table["package"]["name"].as_str().unwrap().to_owned(), table))
        .collect();
    let ours = |name: &str| all.contains_key(name);
    let below = |table| {
        dependencies(table).into_iter().filter(|(kind, name, _)| *kind != "dev-dependencies" && ours(name))
    };
    all.iter().map(|(name, table)| (name.clone(), below(table).map(|(_, name, _)| name).collect())).collect()
}

/// The block ```` ```edges ```` of ARCHITECTURE.md: lines of `package -> package, package`, from the top floor
/// down.
fn edges_of_architecture() -> Vec<(String, BTreeSet<String>)> {
    let text = architecture();
    let block = text.split("```edges\n").nth(1).and_then(|rest| rest.split("```").next());
    let lines = block.unwrap().lines().filter(|line| !line.is_empty());
    let edges = lines.map(|line| {
        let (from, below) = line.split_once("->").unwrap();
        let below = below.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "nothing");
        (from.trim().to_owned(), below.map(str::to_owned).collect())
    });
    edges.collect()
}

/// The edges of the first that the second lacks.
fn difference<'a>(
    these: &'a BTreeMap<String, BTreeSet<String>>,
    those: &'a BTreeMap<String, BTreeSet<String>>,
) -> impl Iterator<Item = String> + 'a {
    these.iter().flat_map(|(from, below)| {
        let known = those.get(from);
        let lacking = below.iter().filter(move |to| known.is_none_or(|known| !known.contains(*to)));
        lacking.map(move |to| format!("{from} -> {to}"))
    })
}
