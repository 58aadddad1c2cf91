//! Results and topologies as JSON, always in the same order and with the same digits.

use super::is_disguise;
use crate::analysis::Estimate;
use crate::model::Topology;
use crate::model::settings::with_profile;
use crate::sim::figures::{Figures, Plain};

/// The results as a JSON document with a final line end. A figure that the seed decides is written
/// `{"mean": 1.5, "ci95": 0.1}` on one line; everything else takes a line for each part.
pub fn results(results: &Figures<Estimate>) -> String {
    let mut out = String::new();
    write_figures(&mut out, results, 0);
    out.push('\n');
    out
}

fn write_figures(out: &mut String, figures: &Figures<Estimate>, depth: usize) {
    match figures {
        Figures::Figure(Estimate { mean, ci95 }) => {
            out.push_str("{\"mean\": ");
            write_optional(out, *mean);
            out.push_str(", \"ci95\": ");
            write_optional(out, *ci95);
            out.push('}');
        }
        Figures::Plain(value) => write_plain(out, value),
        Figures::Group(parts) => write_many(out, ('{', '}'), depth, parts, |out, (name, part)| {
            write_text(out, name);
            out.push_str(": ");
            write_figures(out, part, depth + 1);
        }),
        Figures::List(parts) => write_many(out, ('[', ']'), depth, parts, |out, part| {
            write_figures(out, part, depth + 1);
        }),
    }
}

fn write_many<T>(
    out: &mut String,
    brackets: (char, char),
    depth: usize,
    parts: &[T],
    mut write_part: impl FnMut(&mut String, &T),
) {
    out.push(brackets.0);
    for (index, part) in parts.iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        write_part(out, part);
    }
    if !parts.is_empty() {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
    out.push(brackets.1);
}

fn write_plain(out: &mut String, value: &Plain) {
    match value {
        Plain::Integer(number) => out.push_str(&number.to_string()),
        Plain::Number(number) => write_number(out, *number),
        Plain::Text(text) => write_text(out, text),
        Plain::Flag(flag) => out.push_str(&flag.to_string()),
        Plain::Null => out.push_str("null"),
    }
}

fn write_optional(out: &mut String, number: Option<f64>) {
    match number {
        Some(number) => write_number(out, number),
        None => out.push_str("null"),
    }
}

/// The shortest digits that read back to the same number; whole numbers without a point.
pub(super) fn write_number(out: &mut String, number: f64) {
    if !number.is_finite() {
        out.push_str("null");
    } else if number == 0.0 {
        out.push('0'); // never -0
    } else if (1e-6..1e17).contains(&number.abs()) {
        out.push_str(&number.to_string());
    } else {
        out.push_str(&format!("{number:e}"));
    }
}

fn write_text(out: &mut String, text: &str) {
    // A text has always its JSON.
    out.push_str(&ascii_controls(
        serde_json::to_string(text).unwrap_or_default(),
    ));
}

/// The same document with every control character, and those that are shown as nothing or turn a line round, written as
/// `\uXXXX`. JSON asks that only of the first 32, but some terminals obey others as well. They stand in texts only.
fn ascii_controls(json: String) -> String {
    let escaped = |c: char| c != '\n' && is_disguise(c);
    if !json.contains(escaped) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if escaped(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// The topology as a JSON document with a final line end: what its file says, defaults left out.
pub fn topology(topology: &Topology) -> String {
    let mut out = with_profile(topology.profile, || {
        // Only maps whose keys are not texts have no JSON, and a topology has none.
        ascii_controls(serde_json::to_string_pretty(topology).unwrap_or_default())
    });
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_json_in_their_order() {
        let tree = Figures::Group(vec![
            (
                "name".to_owned(),
                Figures::Plain(Plain::Text("a \"b\"\n\u{1}é".to_owned())),
            ),
            ("count".to_owned(), Figures::Plain(Plain::Integer(3))),
            (
                "b".to_owned(),
                Figures::Figure(Estimate {
                    mean: Some(0.1),
                    ci95: None,
                }),
            ),
            (
                "a".to_owned(),
                Figures::List(vec![
                    Figures::Plain(Plain::Null),
                    Figures::Group(Vec::new()),
                ]),
            ),
        ]);
        assert_eq!(
            results(&tree),
            "{\n  \"name\": \"a \\\"b\\\"\\n\\u0001é\",\n  \"count\": 3,\n  \"b\": {\"mean\": 0.1, \"ci95\": null},\n  \
             \"a\": [\n    null,\n    {}\n  ]\n}\n"
        );
        let mut out = String::new();
        write_text(&mut out, "\u{9b}2J\u{7f}\u{202e}");
        assert_eq!(out, "\"\\u009b2J\\u007f\\u202e\"");
        let read: String = serde_json::from_str(&out).unwrap();
        assert_eq!(read, "\u{9b}2J\u{7f}\u{202e}");
        let value: serde_json::Value = serde_json::from_str(&results(&tree)).unwrap();
        assert_eq!(value["name"], "a \"b\"\n\u{1}é");
    }

    #[test]
    fn numbers_read_back_the_same() {
        for number in [
            0.0,
            -0.0,
            1.0,
            40_000.0,
            0.1,
            1.0 / 3.0,
            1e-9,
            123_456_789_012_345_678.0,
            1e300,
            -2.5,
        ] {
            let mut out = String::new();
            write_number(&mut out, number);
            assert_eq!(serde_json::from_str::<f64>(&out).unwrap(), number, "{out}");
        }
        let mut out = String::new();
        write_number(&mut out, 40_000.0);
        assert_eq!(out, "40000");
    }
}
