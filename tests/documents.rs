//! The documents keep up with what they describe: every dependency has its reason, every link leads somewhere.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

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
