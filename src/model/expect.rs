//! Assertions on results, as in a file's `expects`: `sessions.lost > 0`, `operations.failed / operations.offered < 0.01`.

use std::fmt;
use std::str::FromStr;

/// A figure of the results by its path, or one figure divided by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The figure's path, such as `nodes.api.queue_length`.
    pub path: String,
    /// The figure it is divided by.
    pub over: Option<String>,
}

impl Metric {
    /// Whether it is about what faults did.
    pub fn is_of_faults(&self) -> bool {
        let mut paths = std::iter::once(&self.path).chain(&self.over);
        paths.any(|path| {
            path.starts_with("recovery[")
                || (path.starts_with("objectives[") && !path.ends_with("target"))
        })
    }
}

/// What an assertion compares by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    Different,
}

/// An assertion: a metric compared with a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// What is measured.
    pub metric: Metric,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub number: f64,
}

const COMPARISONS: [(&str, Comparison); 6] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("!=", Comparison::Different),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

impl Comparison {
    /// As written.
    pub fn symbol(self) -> &'static str {
        COMPARISONS
            .iter()
            .find(|&&(_, comparison)| comparison == self)
            .map_or("", |&(symbol, _)| symbol)
    }

    /// Whether it holds between the two.
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Greater => left > right,
            Self::AtLeast => left >= right,
            Self::Equal => left == right,
            Self::Different => left != right,
        }
    }
}

impl FromStr for Metric {
    type Err = String;

    /// Reads `PATH` or `PATH / PATH`.
    fn from_str(text: &str) -> Result<Self, String> {
        let path = |text: &str| {
            let text = text.trim();
            if text.is_empty() || text.contains(char::is_whitespace) {
                Err(format!(
                    "\"{text}\" is not the path of a figure, such as sessions.lost or nodes.api.utilisation"
                ))
            } else {
                Ok(text.to_owned())
            }
        };
        Ok(match text.split_once('/') {
            Some((left, right)) => Self {
                path: path(left)?,
                over: Some(path(right)?),
            },
            None => Self {
                path: path(text)?,
                over: None,
            },
        })
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        match &self.over {
            Some(over) => write!(f, " / {over}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Expectation {
    type Err = String;

    /// Reads `PATH OP NUMBER` or `PATH / PATH OP NUMBER`.
    fn from_str(text: &str) -> Result<Self, String> {
        // The arrow of a link's name is no comparison.
        let shown = text.replace("->", "  ");
        let (at, symbol, comparison) = COMPARISONS
            .iter()
            .filter_map(|&(symbol, comparison)| {
                shown.find(symbol).map(|at| (at, symbol, comparison))
            })
            .min_by_key(|&(at, symbol, _)| (at, usize::MAX - symbol.len()))
            .ok_or_else(|| {
                format!("\"{text}\" compares nothing: write it like \"sessions.lost > 0\" (with <, <=, >, >=, == or !=)")
            })?;
        let (metric, number) = (&text[..at], text[at + symbol.len()..].trim());
        Ok(Self {
            metric: metric.parse()?,
            comparison,
            number: number
                .replace('_', "")
                .parse()
                .ok()
                .filter(|n: &f64| n.is_finite())
                .ok_or_else(|| format!("\"{number}\" in \"{text}\" is not a number"))?,
        })
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {}",
            self.metric,
            self.comparison.symbol(),
            self.number
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assertions_read_and_write_back() {
        for text in [
            "sessions.lost > 0",
            "writes.lost == 0",
            "operations.failed / operations.offered <= 0.01",
            "recovery[0].failed_sent_after_detection != 1",
            "links.lb->api.messages_per_s >= 100",
            "nodes.api.utilisation < 0.9",
        ] {
            assert_eq!(text.parse::<Expectation>().unwrap().to_string(), text);
        }
        let tight: Expectation = "a/b>=1_000".parse().unwrap();
        assert_eq!(tight.to_string(), "a / b >= 1000");
    }

    #[test]
    fn wrong_assertions_say_what_is_wrong() {
        let error = |text: &str| text.parse::<Expectation>().unwrap_err();
        assert!(error("sessions.lost").contains("compares nothing"));
        assert!(error("sessions.lost > many").contains("\"many\""));
        assert!(error("> 0").contains("not the path"));
        assert!(error("sessions lost > 0").contains("not the path"));
        assert!(error("a / > 0").contains("not the path"));
        assert!(error("a > nan").contains("not a number"));
        assert!(error("é").contains("compares nothing"));
    }
}
