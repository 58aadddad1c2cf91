//! The reference of all settings, written from their own description.

use std::fmt::Write;

use super::node::RetryOn;
use super::scenario::{COMMANDS, Command, PATH_FORMS};
use super::settings::{Field, Profile, Setting, Shape, Variant, with_profile};
use super::topology::Topology;

/// The page `docs/settings.md`: every setting with what it may be, its range, default, meaning and source.
pub fn settings_page() -> String {
    let (standard, bare) = (
        with_profile(Profile::Standard, Topology::shape),
        with_profile(Profile::Bare, Topology::shape),
    );
    let mut page = Page {
        text: INTRODUCTION.to_owned(),
        written: Vec::new(),
        waiting: Vec::new(),
    };
    page.waiting.push(Section {
        title: "Topology".to_owned(),
        doc: "The file as a whole: `Topology(schema: 1, ...)`.".to_owned(),
        standard,
        bare,
    });
    while !page.waiting.is_empty() {
        let section = page.waiting.remove(0);
        page.section(&section);
    }
    page.text
}

const INTRODUCTION: &str = "\
# Settings

Everything a topology file may say, and what holds where it says nothing. Any of it is set by its path on the command
line (`--set nodes.api.workers=4`) and in the inspector. This page is written by the program's tests from the same
description that reads the files; do not edit it.

Quantities carry their unit and stand in quotes: times `\"250us\"` (ns, us, ms, s, m, h, d), rates `\"500/s\"` (also /m, /h,
/d), sizes `\"16KiB\"` (B, KiB, MiB, GiB, TiB, and KB, MB, GB, TB), bandwidths `\"1GiB/s\"` or `\"10Gbit/s\"` or
`\"unlimited\"`, shares `\"99.9%\"`.

Where two defaults are given, the second holds under `profile: Bare`, in which nothing is left but the stations, so that
queueing theory applies. In the sources *gk* is general knowledge, an order of magnitude; *ours* is a choice of this
program; *napkin-math* is the README of github.com/sirupsen/napkin-math.
";

/// The page `docs/scenario.md`: every command, the forms of paths, and what a balancer may try again.
pub fn scenario_page() -> String {
    let mut page = SCENARIO.to_owned();
    page += "\n## Commands\n\n| command | what it does | for example |\n|---|---|---|\n";
    let shape = Command::shape();
    let Shape::Choice(commands) = &shape else {
        return page;
    };
    for (command, described) in commands.iter().zip(COMMANDS) {
        let holds = match &command.payload {
            None => String::new(),
            Some(Shape::Tuple(parts)) => {
                let parts: Vec<&str> = parts.iter().map(short_kind).collect();
                format!("({})", parts.join(", "))
            }
            Some(one) => format!("({})", short_kind(one)),
        };
        let row = if described.has_row {
            ""
        } else {
            " It has no row of its own in the results."
        };
        let _ = writeln!(
            page,
            "| `{}{holds}` | {}{row} | `{}` |",
            command.name,
            cell(command.doc),
            described.example
        );
    }
    page += PATHS;
    for form in PATH_FORMS {
        let _ = writeln!(
            page,
            "| `{}` | `{}` | {} |",
            form.path,
            cell(form.value),
            cell(form.meaning)
        );
    }
    page += RETRY_ON;
    if let Shape::Choice(variants) = RetryOn::shape() {
        for variant in variants {
            let _ = writeln!(page, "| `{}` | {} |", variant.name, cell(variant.doc));
        }
    }
    page
}

/// What a command holds, in a word.
fn short_kind(shape: &Shape) -> &'static str {
    match shape {
        Shape::Integer => "number",
        Shape::Choice(variants) if variants.iter().all(|v| v.payload.is_none()) => "how",
        Shape::Choice(_) => "node",
        _ => "text",
    }
}

const SCENARIO: &str = "\
# Scenarios

A scenario says what happens to the system while it runs: faults, deployments, scaling and edits. In a file it is a list of
commands with their times; a click in the window is the same command, and *Save session as scenario* writes them down. This
page is written by the program's tests from the same description that reads the files; do not edit it.

```ron
Topology(
    schema: 1,
    sessions: Jwt(),
    nodes: {
        \"clients\": Clients(),
        \"lb\": LoadBalancer(),
        \"api\": Service(state: External(store: \"db\"), zones: [\"a\", \"b\"]),
        \"db\": SqlDatabase(replication: Asynchronous(), zones: [\"a\", \"b\"]),
    },
    links: [\"clients -> lb\", \"lb -> api\"],
    scenario: [
        At(\"60s\", Crash(\"api\", 2)),
        Between(\"70s\", \"75s\", Restart(\"api\", 2)),
        At(\"90s\", Set(\"nodes.api.workers\", \"16\")),
    ],
    canvas: {\"clients\": (80, 200), \"lb\": (280, 200), \"api\": (480, 200), \"db\": (680, 200)},
)
```

`At(time, command)` happens at that time of the run, after everything else that is due then; `Between(from, to, command)` at an
instant drawn uniformly between the two, by the seed, what is done and to which node: another event in the list leaves it where it
is. Instances count from 1; in a store, member 1 is the first primary. A command that
changes nothing when its time comes (a restart of what runs, a second deployment while one is under way, a failover with no
copy up) is told in the log and in the summary of `statescope run`.

A fault of the network lies between two sides, written as a link: a node (`\"api -> db\"`, all its instances), one instance or
member (`\"api.2 -> db.1\"`), a zone (`\"@a -> @b\"`), or all that is not on the other side (`\"@a -> *\"`). It strikes
whatever goes from one to the other: requests, replies, probes of health checks and what copies get. A request that is cut off
ends with its caller's connect timeout, a reply that is cut off is never heard of; a probe that is not answered in time has
failed. A lost message is sent again after 200 ms, then after twice as long each time.

Each fault or change has a row in the results' `recovery` ([results.md](results.md)), in the order of the file. Commands at one
instant share a row, and edits within a second are one. A promise (`objectives`) that is set during a run is none.
";

const PATHS: &str = "\n## Paths of `Set` and `--set`

`Set(path, value)` changes a setting of the running system, and `--set PATH=VALUE` on the command line that of the file
before it runs. Both take any path of the file ([settings.md](settings.md)) and a value as in the file; quotes around a quantity
may be left out. Names and numbers are separated by dots, places in lists stand in square brackets. Paths with `>` or brackets
want quotes in a shell. With the file above:

| path | value | what it is |
|---|---|---|
";

const RETRY_ON: &str = "\n## What a balancer tries again: `retry_on`

A balancer tries a request again, up to `retries` times, when the connection was refused or not made in time. `retry_on` adds
to that, as a list such as `[Reset, ResponseTimeout]`. Both may make a write happen twice, unless clients send
`idempotency_keys`.

| name | when |
|---|---|
";

/// A group or choice that gets a heading of its own.
struct Section {
    title: String,
    doc: String,
    standard: Shape,
    bare: Shape,
}

struct Page {
    text: String,
    /// Titles and shapes of the sections so far, so that what is used in several places is described once.
    written: Vec<(String, Shape)>,
    waiting: Vec<Section>,
}

impl Page {
    fn section(&mut self, section: &Section) {
        let _ = writeln!(self.text, "\n## {}\n\n{}", section.title, section.doc);
        match (&section.standard, &section.bare) {
            (Shape::Group(standard), Shape::Group(bare)) => {
                self.group(&section.title, standard, bare);
            }
            (Shape::Choice(standard), Shape::Choice(bare)) => {
                self.choice(&section.title, standard, bare);
            }
            _ => {}
        }
    }

    fn group(&mut self, title: &str, standard: &[Field], bare: &[Field]) {
        self.text += "\n| setting | what it may be | default | meaning | source of the default |\n|---|---|---|---|---|\n";
        for (field, bare) in standard.iter().zip(bare) {
            let what = self.what(title, field, &bare.shape);
            let default = if title == "Topology" && field.name == "schema" {
                "none: it must be given".to_owned()
            } else if field.default == bare.default {
                code(&field.default)
            } else {
                format!("{}; bare: {}", code(&field.default), code(&bare.default))
            };
            let _ = writeln!(
                self.text,
                "| `{}` | {what} | {default} | {} | {} |",
                field.name,
                cell(field.doc),
                cell(field.source)
            );
        }
    }

    fn choice(&mut self, title: &str, standard: &[Variant], bare: &[Variant]) {
        self.text += "\n| choice | meaning | it holds |\n|---|---|---|\n";
        for (variant, bare) in standard.iter().zip(bare) {
            let (name, holds) = match (&variant.payload, &bare.payload) {
                (Some(payload), Some(bare)) => {
                    let group = matches!(payload, Shape::Group(_));
                    let heading = if title == "nodes" {
                        variant.name.to_owned()
                    } else {
                        format!("{title}: {}", variant.name)
                    };
                    let holds = if group {
                        self.refer(&heading, variant.doc, payload, bare)
                    } else {
                        self.kind(&heading, variant.doc, payload, bare)
                    };
                    (format!("{}(..)", variant.name), holds)
                }
                _ => (variant.name.to_owned(), String::new()),
            };
            let _ = writeln!(self.text, "| `{name}` | {} | {holds} |", cell(variant.doc));
        }
    }

    /// What a field may be, with its range.
    fn what(&mut self, title: &str, field: &Field, bare: &Shape) -> String {
        // By its own name, unless something else has that.
        let taken =
            |(title, shape): &(String, Shape)| *title == field.name && *shape != field.shape;
        let heading = if self.written.iter().any(taken) {
            format!("{title}: {}", field.name)
        } else {
            field.name.to_owned()
        };
        let kind = match (&field.shape, field.name) {
            (Shape::List(_), "scenario") => {
                "list of `At(time, command)` or `Between(time, time, command)`, see [scenario.md](scenario.md)"
                    .to_owned()
            }
            (Shape::Map(link), "links") => format!(
                "list of `\"a -> b\"` or `Link(path: \"a -> b\", ..)`, see {}",
                self.kind(
                    "Link",
                    "From one node to another.",
                    link,
                    match bare {
                        Shape::Map(bare) => bare,
                        other => other,
                    }
                )
            ),
            _ => self.kind(&heading, field.doc, &field.shape, bare),
        };
        match field.range {
            Some((low, high)) => format!("{kind}, {low} to {high}"),
            None => kind,
        }
    }

    fn kind(&mut self, heading: &str, doc: &str, shape: &Shape, bare: &Shape) -> String {
        match (shape, bare) {
            (Shape::Integer, _) => "whole number".to_owned(),
            (Shape::Number, _) => "number".to_owned(),
            (Shape::Duration, _) => "time".to_owned(),
            (Shape::Rate, _) => "rate".to_owned(),
            (Shape::Bytes, _) => "size".to_owned(),
            (Shape::Bandwidth, _) => "bandwidth".to_owned(),
            (Shape::Share, _) => "share".to_owned(),
            (Shape::Text, _) => "text".to_owned(),
            (Shape::Flag, _) => "true or false".to_owned(),
            (Shape::Ron, _) => "anything".to_owned(),
            (Shape::List(inner), Shape::List(bare)) => {
                format!("list of {}", self.kind(heading, doc, inner, bare))
            }
            (Shape::Tuple(parts), Shape::Tuple(bare)) => {
                let parts: Vec<String> = parts
                    .iter()
                    .zip(bare)
                    .map(|(part, bare)| self.kind(heading, doc, part, bare))
                    .collect();
                format!("({})", parts.join(", "))
            }
            (Shape::Optional(inner), Shape::Optional(bare)) => {
                format!("None or {}", self.kind(heading, doc, inner, bare))
            }
            (Shape::Map(inner), Shape::Map(bare)) => {
                format!(
                    "named entries, each {}",
                    self.kind(heading, doc, inner, bare)
                )
            }
            // A choice between bare names fits the table.
            (Shape::Choice(variants), _) if variants.iter().all(|v| v.payload.is_none()) => {
                let names: Vec<String> = variants.iter().map(|v| code(v.name)).collect();
                names.join(", ")
            }
            _ => self.refer(heading, doc, shape, bare),
        }
    }

    /// A link to the section about `shape`, which is written later unless it is already.
    fn refer(&mut self, heading: &str, doc: &str, shape: &Shape, bare: &Shape) -> String {
        if let Shape::Group(fields) = shape
            && fields.is_empty()
        {
            return String::new();
        }
        let known = self.written.iter().find(|(_, known)| known == shape);
        let title = match known {
            Some((title, _)) => title.clone(),
            None => {
                self.written.push((heading.to_owned(), shape.clone()));
                self.waiting.push(Section {
                    title: heading.to_owned(),
                    doc: doc.to_owned(),
                    standard: shape.clone(),
                    bare: bare.clone(),
                });
                heading.to_owned()
            }
        };
        format!("[{title}](#{})", anchor(&title))
    }
}

/// A heading's anchor, as GitHub forms it.
fn anchor(title: &str) -> String {
    title
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Text of a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn code(text: &str) -> String {
    format!("`{}`", cell(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_are_up_to_date() {
        for (name, page) in [
            ("docs/settings.md", settings_page()),
            ("docs/scenario.md", scenario_page()),
            ("docs/results.md", super::super::figures::page()),
        ] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
            if std::env::var_os("UPDATE_DOCS").is_some() {
                std::fs::write(&path, &page).unwrap();
            }
            let written = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                written == page,
                "{name} is not what the program says now; write it anew with\n    \
                 UPDATE_DOCS=1 cargo test --lib reference"
            );
        }
    }

    /// The topology that the page of scenarios shows.
    fn shown() -> Topology {
        let page = scenario_page();
        let text = page.split("```").nth(1).unwrap();
        super::super::file::read(text.strip_prefix("ron").unwrap(), "scenario.md").unwrap()
    }

    #[test]
    fn every_command_is_described_with_an_example_that_can_happen() {
        for (command, described) in COMMANDS
            .iter()
            .map(|d| (super::super::settings::from_ron::<Command>(d.example), d))
        {
            let command = command.unwrap();
            assert!(described.example.starts_with(described.name));
            assert!(described.doc.ends_with('.'), "{}", described.doc);
            let mut topology = shown();
            if let Command::Add(name, _) = &command {
                // What is there already cannot be added: it is added again.
                topology.apply(&Command::Remove(name.clone())).unwrap();
                topology.set_path("nodes.api.state", "InMemory()").unwrap();
            }
            if let Command::Unlink(path) = &command {
                topology.apply(&Command::Link(path.clone())).unwrap();
            }
            if let Command::Remove(_) = &command {
                topology.set_path("nodes.api.state", "InMemory()").unwrap();
            }
            topology.scenario = vec![super::super::Timed::At(
                crate::units::Duration(crate::units::SECOND),
                command,
            )];
            let errors: Vec<_> = super::super::check(&topology)
                .into_iter()
                .filter(|problem| problem.severity == super::super::Severity::Error)
                .collect();
            assert!(errors.is_empty(), "{}: {errors:?}", described.example);
        }
    }

    #[test]
    fn every_form_of_a_path_is_taken() {
        for form in PATH_FORMS {
            let mut topology = shown();
            topology
                .set_path(form.path, form.value)
                .unwrap_or_else(|error| panic!("{}: {error}", form.path));
            assert_eq!(
                topology.get_path(form.path).unwrap(),
                form.value,
                "{}",
                form.path
            );
        }
    }

    #[test]
    fn every_setting_has_its_meaning_and_source() {
        fn look(shape: &Shape, path: &str) {
            match shape {
                Shape::Group(fields) => {
                    for field in fields {
                        let path = format!("{path}.{}", field.name);
                        assert!(field.doc.ends_with('.'), "{path}: {}", field.doc);
                        assert!(!field.source.is_empty(), "{path}");
                        look(&field.shape, &path);
                    }
                }
                Shape::Choice(variants) => {
                    for variant in variants {
                        let path = format!("{path}.{}", variant.name);
                        assert!(variant.doc.ends_with('.'), "{path}: {}", variant.doc);
                        if let Some(payload) = &variant.payload {
                            look(payload, &path);
                        }
                    }
                }
                Shape::Optional(inner) | Shape::Map(inner) | Shape::List(inner) => {
                    look(inner, path);
                }
                _ => {}
            }
        }
        look(&Topology::shape(), "");
    }

    #[test]
    fn every_default_is_inside_its_range_under_both_profiles() {
        for profile in [Profile::Standard, Profile::Bare] {
            with_profile(profile, || {
                // Reading checks the range, and a default that is left out is not read: so each is written out.
                for kind in [
                    "Clients",
                    "LoadBalancer",
                    "Service",
                    "RedisLike",
                    "SqlDatabase",
                    "ObjectStore",
                ] {
                    let mut topology = Topology {
                        profile,
                        ..Topology::default()
                    };
                    topology.set_path("nodes.x", &format!("{kind}()")).unwrap();
                    let Shape::Map(node) =
                        <indexmap::IndexMap<String, super::super::Node>>::shape()
                    else {
                        panic!()
                    };
                    let Shape::Choice(kinds) = *node else {
                        panic!()
                    };
                    let payload = kinds.into_iter().find(|k| k.name == kind).unwrap().payload;
                    let Some(Shape::Group(fields)) = payload else {
                        panic!()
                    };
                    for field in fields {
                        topology
                            .set_path(&format!("nodes.x.{}", field.name), &field.default)
                            .unwrap_or_else(|error| panic!("{error}"));
                    }
                }
            });
        }
    }
}
