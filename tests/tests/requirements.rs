//! `docs/supervision.md` names tests that exist, and leaves out no requirement that has one.
#![expect(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_tests_that_the_page_names_exist() {
    let tests = tests();
    let named: Vec<_> = rows().into_iter().flat_map(|(_, row)| names(&row)).collect();
    assert!(named.len() > 20, "{named:?}");
    let missing: Vec<_> =
        named.iter().filter(|name| !tests.iter().any(|test| test.starts_with(name.as_str()))).collect();
    assert!(missing.is_empty(), "there is no test whose path begins with {missing:?}");
}

/// `tests/tests/e2e/neighbours` has a table for each of them.
#[test]
fn the_tests_that_the_tables_of_the_neighbours_name_exist() {
    let top = root().join("tests/tests/e2e");
    let tests = tests();
    let modules: BTreeSet<_> =
        tests.iter().filter_map(|test| test.split_once("::")).map(|(top, _)| top).collect();
    for file in rust_files(&top.join("neighbours")).iter().filter(|file| !file.ends_with("mod.rs")) {
        let text = fs::read_to_string(file).unwrap();
        let tables: String = text.lines().filter(|line| line.starts_with("//!")).collect();
        let quoted = tables.split('`').skip(1).step_by(2);
        let is_test = |quoted: &&str| quoted.split_once("::").is_some_and(|(top, _)| modules.contains(top));
        let named: Vec<_> = quoted.filter(is_test).collect();
        assert!(named.len() > 10, "{file:?}: {named:?}");
        let missing: Vec<_> = named.iter().filter(|name| !tests.iter().any(|test| test == *name)).collect();
        assert!(missing.is_empty(), "{file:?}: there is no {missing:#?}");
    }
}

#[test]
fn each_requirement_of_the_page_has_a_test_with_its_number_in_its_row() {
    let without: Vec<_> = rows()
        .into_iter()
        .filter(|(number, row)| !names(row).iter().any(|name| requirement(name) == Some(number.as_str())))
        .map(|(number, _)| number)
        .collect();
    assert!(without.is_empty(), "{without:?} have none");
}

#[test]
fn each_requirement_that_has_a_test_stands_on_the_page() {
    let on_page: BTreeSet<_> = rows().into_iter().map(|(number, _)| number).collect();
    let tests = tests();
    let tested: BTreeSet<_> = tests.iter().filter_map(|test| requirement(test)).collect();
    let forgotten: Vec<_> = tested.iter().filter(|number| !on_page.contains(**number)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?} have tests and no row");
}

/// The requirements of the page, such as `r8`, each with its row.
fn rows() -> Vec<(String, String)> {
    let page = fs::read_to_string(root().join("docs/supervision.md")).unwrap();
    let number = |line: &str| {
        let cell = line.strip_prefix("| R")?.split_once(' ')?.0;
        cell.parse::<u32>().ok().map(|number| format!("r{number}"))
    };
    page.lines().filter_map(|line| Some((number(line)?, line.to_owned()))).collect()
}

/// The tests from end to end that a row names, each up to its ellipsis.
fn names(row: &str) -> Vec<String> {
    let groups = ["guarantees::", "operations::", "rogue::", "supervision::"];
    let quoted = row.split('`').skip(1).step_by(2);
    let named = quoted.filter(|quoted| groups.iter().any(|group| quoted.starts_with(group)));
    named.map(|name| name.trim_end_matches('…').to_owned()).collect()
}

/// Which requirement a test's path speaks of, as `r8` in `supervision::quarantine::r8_a_job`.
fn requirement(test: &str) -> Option<&str> {
    let number = test.rsplit("::").next()?.split_once('_')?.0;
    number.strip_prefix('r')?.parse::<u32>().ok().map(|_| number)
}

/// The paths of all tests from end to end, as their harness lists them.
fn tests() -> Vec<String> {
    let top = root().join("tests/tests/e2e");
    let mut tests = Vec::new();
    for file in rust_files(&top) {
        let module = file.strip_prefix(&top).unwrap().with_extension("");
        let steps = module.iter().map(|step| step.to_str().unwrap()).filter(|step| *step != "mod");
        let module = steps.collect::<Vec<_>>().join("::");
        let text = fs::read_to_string(&file).unwrap();
        let tested = text.split("#[test]\n").skip(1);
        let tested = tested.chain(text.split("#[tokio::test").skip(1));
        let named = tested.filter_map(|after| after.split_once("fn ")?.1.split_once('('));
        tests.extend(named.map(|(name, _)| format!("{module}::{name}")));
    }
    tests
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
