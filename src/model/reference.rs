//! The reference of all settings, written from their own description.

use std::fmt::Write;

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
            (Shape::Ron, _) => "list".to_owned(),
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
    fn the_page_of_settings_is_up_to_date() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
        let page = settings_page();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == page,
            "docs/settings.md is not what the settings say now; write it anew with\n    \
             UPDATE_DOCS=1 cargo test --lib reference"
        );
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
                Shape::Optional(inner) | Shape::Map(inner) => look(inner, path),
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
