//! The layers of the source point one way: units <- model <- sim <- analysis <- report <- {cli, app}. So do the rooms of the
//! window inside `app`.
//!
//! This reads every file under `src/` and fails on a path into a higher layer, whether in a `use`, a group of them, or in
//! the middle of the code, written with `crate::` or with enough `super::`. Comments and texts do not count. `lib.rs` and
//! `main.rs`, which put the program together, may use everything.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

use std::fs;
use std::path::{Path, PathBuf};

/// Each layer and its height. A layer may use itself and what is lower; `cli` and `app` stand side by side.
const LAYERS: [(&str, u32); 7] = [
    ("units", 0),
    ("model", 1),
    ("sim", 2),
    ("analysis", 3),
    ("report", 4),
    ("cli", 5),
    ("app", 5),
];

/// The rooms of `src/app/`, from the lowest to the highest: each may use itself and those before it.
const ROOMS: [&str; 11] = [
    "theme", "icons", "picture", "action", "words", "widgets", "document", "run", "panes", "take",
    "shell",
];

fn height(layer: &str) -> Option<u32> {
    LAYERS
        .iter()
        .find(|(name, _)| *name == layer)
        .map(|&(_, height)| height)
}

fn may_use(from: &str, to: &str) -> bool {
    match (height(from), height(to)) {
        (Some(from_height), Some(to_height)) => from == to || to_height < from_height,
        _ => false, // what is no layer has no place yet
    }
}

/// A word, `::`, or a single character of a source text, with its line.
#[derive(Debug, PartialEq)]
struct Token {
    text: String,
    line: usize,
}

/// Cuts Rust source into tokens, leaving out comments, texts and character literals.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut tokens, mut line, mut i) = (Vec::new(), 1, 0);
    while i < chars.len() {
        let start = i;
        let mut text = None;
        if at(i) == '/' && at(i + 1) == '/' {
            while i < chars.len() && at(i) != '\n' {
                i += 1;
            }
        } else if at(i) == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(i), at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 || i >= chars.len() {
                    break;
                }
            }
        } else if let Some(hashes) = raw_text_hashes(&chars, i) {
            while at(i) != '"' {
                i += 1;
            }
            i += 1;
            while i < chars.len() && !(at(i) == '"' && (1..=hashes).all(|n| at(i + n) == '#')) {
                i += 1;
            }
            i += 1 + hashes;
        } else if at(i) == '"' {
            i += 1;
            while i < chars.len() && at(i) != '"' {
                i += if at(i) == '\\' { 2 } else { 1 };
            }
            i += 1;
        } else if at(i) == '\'' && (at(i + 1) == '\\' || at(i + 2) == '\'') {
            i += if at(i + 1) == '\\' { 3 } else { 2 };
            while i < chars.len() && at(i) != '\'' {
                i += 1;
            }
            i += 1;
        } else if is_word(at(i)) {
            while is_word(at(i)) {
                i += 1;
            }
            text = Some(chars[start..i].iter().collect());
        } else if at(i) == ':' && at(i + 1) == ':' {
            i += 2;
            text = Some("::".to_owned());
        } else {
            i += 1;
            text = (!at(start).is_whitespace()).then(|| at(start).to_string());
        }
        tokens.extend(text.map(|text| Token { text, line }));
        line += chars[start..i.min(chars.len())]
            .iter()
            .filter(|&&c| c == '\n')
            .count();
    }
    tokens
}

/// The number of `#` when a raw text (`r"`, `r#"`, `br#"`, ...) begins at `i`.
fn raw_text_hashes(chars: &[char], i: usize) -> Option<usize> {
    let in_word = i > 0 && (chars[i - 1].is_alphanumeric() || chars[i - 1] == '_');
    let rest = &chars[i..];
    let prefix = match rest {
        ['r', ..] => 1,
        ['b' | 'c', 'r', ..] => 2,
        _ => return None,
    };
    let hashes = rest[prefix..].iter().take_while(|&&c| c == '#').count();
    (!in_word && rest.get(prefix + hashes) == Some(&'"')).then_some(hashes)
}

/// What a source text names directly under the crate's root, with the line, by `crate::` or `super::`.
/// `module` is the text's own place: `["sim", "engine"]` for `src/sim/engine.rs`.
fn names_under_root(source: &str, module: &[&str]) -> Vec<(String, usize)> {
    let tokens = tokens(source);
    let text = |i: usize| tokens.get(i).map_or("", |token| token.text.as_str());
    let mut found = Vec::new();
    let mut inline_modules: Vec<usize> = Vec::new(); // the depth of braces at which each began
    let mut braces = 0;
    let mut i = 0;
    while i < tokens.len() {
        match text(i) {
            "{" => {
                if i >= 2 && text(i - 2) == "mod" {
                    inline_modules.push(braces);
                }
                braces += 1;
            }
            "}" => {
                braces -= 1;
                if inline_modules.last() == Some(&braces) {
                    inline_modules.pop();
                }
            }
            "crate" | "super" if text(i + 1) == "::" => {
                i = path(&tokens, i, module.len() + inline_modules.len(), &mut found);
                continue;
            }
            _ => {}
        }
        i += 1;
    }
    found
}

/// Follows one path or tree of paths from token `i`, `depth` modules below the root; returns the first token after it.
fn path(
    tokens: &[Token],
    mut i: usize,
    mut depth: usize,
    found: &mut Vec<(String, usize)>,
) -> usize {
    let text = |i: usize| tokens.get(i).map_or("", |token| token.text.as_str());
    loop {
        match text(i) {
            "crate" => depth = 0,
            "super" => depth = depth.saturating_sub(1),
            "self" => {}
            "{" => {
                i += 1;
                while i < tokens.len() && text(i) != "}" {
                    i = path(tokens, i, depth, found);
                    // Whatever is left of this branch: deeper segments, `as name`, the comma.
                    let mut nested = 0;
                    while i < tokens.len() {
                        match text(i) {
                            "{" => nested += 1,
                            "}" if nested == 0 => break,
                            "}" => nested -= 1,
                            "," if nested == 0 => {
                                i += 1;
                                break;
                            }
                            _ => {}
                        }
                        i += 1;
                    }
                }
                return i + 1;
            }
            name => {
                if depth == 0
                    && (name == "*" || name.starts_with(|c: char| c.is_alphabetic() || c == '_'))
                {
                    found.push((name.to_owned(), tokens[i].line));
                }
                return i + 1;
            }
        }
        if text(i + 1) != "::" {
            return i + 1;
        }
        i += 2;
    }
}

/// One line for each path in `source`, a file of the layer `module[0]`, that points the wrong way.
fn violations(source: &str, module: &[&str]) -> Vec<String> {
    let from = module[0];
    names_under_root(source, module)
        .into_iter()
        .filter(|(to, _)| !may_use(from, to))
        .map(|(to, line)| match height(&to) {
            Some(_) => format!("line {line}: `{from}` uses `{to}`, which is not below it"),
            None => {
                format!("line {line}: `crate::{to}` names no layer; name it where it is defined")
            }
        })
        .collect()
}

fn source_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The same for a file of the window: `module` is its place below `app`.
fn room_violations(source: &str, module: &[&str]) -> Vec<String> {
    let place = |room: &str| ROOMS.iter().position(|name| *name == room);
    // What stands under the root of the window is named as the layers are under that of the crate.
    let source = source.replace("crate::app::", "crate::");
    names_under_root(&source, module)
        .into_iter()
        .filter(|(to, _)| place(to) > place(module[0]))
        .map(|(to, line)| format!("line {line}: `{}` uses `{to}`, a higher room", module[0]))
        .collect()
}

#[test]
fn no_file_uses_a_higher_layer() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&src, &mut files);
    files.sort();

    let mut problems = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).unwrap().with_extension("");
        let mut module: Vec<&str> = relative.iter().map(|part| part.to_str().unwrap()).collect();
        if module == ["lib"] || module == ["main"] {
            continue;
        }
        if module.last() == Some(&"mod") {
            module.pop();
        }
        if height(module[0]).is_none() {
            problems.push(format!("src/{}.rs belongs to no layer", relative.display()));
            continue;
        }
        let found = violations(&fs::read_to_string(&file).unwrap(), &module);
        problems.extend(
            found
                .into_iter()
                .map(|problem| format!("src/{}.rs, {problem}", relative.display())),
        );
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn no_file_of_the_window_uses_a_higher_room() {
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app");
    let mut files = Vec::new();
    source_files(&app, &mut files);
    files.sort();
    let mut problems = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&app).unwrap().with_extension("");
        let mut module: Vec<&str> = relative.iter().map(|part| part.to_str().unwrap()).collect();
        if module.last() == Some(&"mod") {
            module.pop();
        }
        // The window as a whole uses every room, and so does the made-up data of tests.
        let Some(room) = module.first().filter(|room| **room != "sample") else {
            continue;
        };
        if !ROOMS.contains(room) {
            problems.push(format!(
                "src/app/{}.rs belongs to no room",
                relative.display()
            ));
            continue;
        }
        let found = room_violations(&fs::read_to_string(&file).unwrap(), &module);
        let file = relative.display();
        problems.extend(
            found
                .iter()
                .map(|problem| format!("src/app/{file}.rs, {problem}")),
        );
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_way_to_name_a_higher_room_is_found() {
    for (source, module, wrong) in [
        ("use crate::app::shell::Kept;", ["panes", "log"], 1),
        (
            "use crate::app::{words, panes::log};",
            ["words", "events"],
            1,
        ),
        ("use super::super::panes::log;", ["run", "live"], 1),
        ("use crate::app::words::format;", ["panes", "log"], 0),
        ("use super::canvas::Canvas;", ["panes", "log"], 0),
        ("use crate::model::Topology;", ["words", "events"], 0),
    ] {
        let found = room_violations(source, &module);
        assert_eq!(found.len(), wrong, "{source}: {found:?}");
    }
}

#[test]
fn a_path_into_a_higher_layer_is_found_however_it_is_written() {
    for (source, module, lines) in [
        ("use crate::app::Theme;", ["sim", "engine"], vec![1]),
        (
            "use crate::{units::Span, app::{self, Theme}};",
            ["sim", "engine"],
            vec![1],
        ),
        (
            "use crate::{\n    model::Node,\n    cli,\n};",
            ["sim", "engine"],
            vec![3],
        ),
        (
            "fn f() {\n    crate::report::json()\n}",
            ["sim", "engine"],
            vec![2],
        ),
        ("use super::super::app;", ["sim", "engine"], vec![1]),
        (
            "use super::super::{model, app as window};",
            ["sim", "engine"],
            vec![1],
        ),
        (
            "mod tests {\n    use super::super::super::app::x;\n}",
            ["sim", "engine"],
            vec![2],
        ),
        (
            "mod tests {}\nuse super::super::app::x;",
            ["sim", "engine"],
            vec![2],
        ),
        (
            "pub use self::super::super::cli::run;",
            ["app", "canvas"],
            vec![1],
        ),
        ("use crate::app;", ["cli", "run"], vec![1]),
        ("use crate::*;", ["model", "node"], vec![1]),
        ("use crate::Unplaced;", ["model", "node"], vec![1]),
        (
            "/* a\nb */ let x = \"a\nb\"; let c = '\\''; use crate::app;",
            ["sim", "engine"],
            vec![3],
        ),
        (
            "let r = r#\"a \" b\"#; use crate::app;",
            ["sim", "engine"],
            vec![1],
        ),
        (
            "fn f<'a>(x: &'a str) { crate::app::x() } fn g() { crate::cli::y() }",
            ["sim", "engine"],
            vec![1, 1],
        ),
    ] {
        let found = violations(source, &module);
        let starts: Vec<String> = lines.iter().map(|line| format!("line {line}: ")).collect();
        assert_eq!(found.len(), starts.len(), "{source}\n{found:?}");
        for (problem, start) in found.iter().zip(&starts) {
            assert!(problem.starts_with(start), "{source}\n{problem}");
        }
    }
}

#[test]
fn what_points_down_or_only_looks_like_a_path_is_not_a_violation() {
    for (source, module) in [
        (
            "use crate::{units::{Rate, Span}, model, sim::events};",
            ["sim", "engine"],
        ),
        ("use super::app;", ["sim", "engine"]), // sim::app
        (
            "mod tests {\n    use super::super::app;\n}",
            ["sim", "engine"],
        ),
        (
            "pub(crate) fn f() {} use self::app::x; use other::crate_::app;",
            ["sim", "engine"],
        ),
        (
            "// crate::app::x\n/// [`crate::app`]\n/* crate::app */",
            ["sim", "engine"],
        ),
        (
            "let x = \"crate::app \\\" crate::app\"; let y = r#\"crate::app\"#;",
            ["sim", "engine"],
        ),
        (
            "use crate::report::json; use crate::sim::Simulator;",
            ["app", "canvas"],
        ),
    ] {
        assert_eq!(
            violations(source, &module),
            Vec::<String>::new(),
            "{source}"
        );
    }
}
