//! The documents keep up with what they describe: every dependency has its reason, every link leads somewhere.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names in the sections of `Cargo.toml` that list dependencies.
fn dependencies_in_manifest() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut in_dependencies = false;
    for line in read("Cargo.toml").lines() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
        } else if let Some((name, _)) = line
            .split_once('=')
            .filter(|_| in_dependencies && !line.starts_with([' ', '#']))
        {
            names.insert(name.trim().to_owned());
        }
    }
    names
}

#[test]
fn each_dependency_has_its_reason() {
    let explained: BTreeSet<String> = read("docs/dependencies.md")
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .collect();
    assert_eq!(
        explained,
        dependencies_in_manifest(),
        "left: docs/dependencies.md, right: Cargo.toml"
    );
}

/// Every crate that the program is built from, on any system, as `Cargo.lock` knows it: "name version".
fn crates() -> BTreeSet<String> {
    let lock = read("Cargo.lock");
    let packages: Vec<(&str, &str, Vec<&str>)> = lock
        .split("[[package]]")
        .skip(1)
        .map(|package| {
            let field = |name: &str| {
                let start = format!("{name} = \"");
                let line = package.lines().find_map(|line| line.strip_prefix(&*start));
                line.map_or("", |line| line.trim_end_matches('"'))
            };
            let lines = package.lines();
            let dependencies =
                lines.filter_map(|line| line.strip_prefix(" \"")?.strip_suffix("\","));
            (field("name"), field("version"), dependencies.collect())
        })
        .collect();
    let chosen = dependencies_in_manifest();
    let manifest = read("Cargo.toml");
    let for_tests = manifest.split("[dev-dependencies]").nth(1).unwrap();
    let for_tests = for_tests.split("\n[").next().unwrap();
    let mut next: Vec<String> = chosen
        .into_iter()
        .filter(|name| !for_tests.contains(&format!("\n{name} = ")))
        .collect();
    let mut crates = BTreeSet::new();
    while let Some(wanted) = next.pop() {
        // A version stands behind the name only where there are several.
        let (name, version) = wanted.split_once(' ').unwrap_or((&wanted, ""));
        for (found, is, dependencies) in &packages {
            if *found == name
                && (version.is_empty() || version == *is)
                && crates.insert(format!("{found} {is}"))
            {
                next.extend(dependencies.iter().map(|name| (*name).to_owned()));
            }
        }
    }
    crates
}

/// The licence of each crate, as it says itself; asks cargo, which may have to fetch those of other systems.
fn licences() -> BTreeMap<String, String> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let text = |name: &str| package[name].as_str().unwrap_or("see its source");
            let name = format!("{} {}", text("name"), text("version"));
            (name, text("license").to_owned())
        })
        .collect()
}

#[test]
fn the_licences_are_those_of_the_crates() {
    let crates = crates();
    assert!(crates.len() > 50 && crates.iter().any(|name| name.starts_with("serde 1.")));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let licences = licences();
        let lines = crates
            .iter()
            .map(|name| format!("{name}: {}\n", licences[name]));
        fs::write(root().join("assets/crates.txt"), lines.collect::<String>()).unwrap();
    }
    let text = read("assets/crates.txt");
    let listed: BTreeSet<String> = text
        .lines()
        .map(|line| line.split_once(": ").unwrap().0.to_owned())
        .collect();
    assert_eq!(
        listed, crates,
        "left: assets/crates.txt, right: Cargo.lock; write it anew with\n    \
         UPDATE_DOCS=1 cargo test --test documents"
    );
}

fn documents() -> Vec<PathBuf> {
    let mut documents = Vec::new();
    let mut folders = vec![PathBuf::new(), PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if path.starts_with("docs") && root().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                documents.push(path);
            }
        }
    }
    documents.sort();
    documents
}

#[test]
fn each_link_in_a_document_leads_somewhere() {
    let mut dead = Vec::new();
    for document in documents() {
        for link in read(&document)
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', ' ']).next())
        {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || link.contains("://") {
                continue;
            }
            if !root().join(&document).parent().unwrap().join(file).exists() {
                dead.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(
        dead.is_empty(),
        "links to files that are not there:\n{}",
        dead.join("\n")
    );
}
