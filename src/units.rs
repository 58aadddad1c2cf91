//! Quantities as people write them: `"250us"`, `"500/s"`, `"16KiB"`, `"99.9%"`.
//!
//! Each quantity is a type of its own, parses from text with its unit, prints the shortest text that parses back to
//! the same value, and reads and writes that text in files.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A span of time, or an instant counted from the start of the run. Unit: nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub u64);

/// How often something happens. Unit: per second; finite and not negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate(pub f64);

/// An amount of data. Unit: bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// A flow of data. Unit: bytes per second, more than zero; `Unlimited` is infinite.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Bandwidth(pub f64);

/// A part of a whole, from 0 to 1, written as a percentage.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Share(pub f64);

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;

const DURATION_UNITS: &[(&str, f64)] = &[
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
    ("d", 86_400e9),
];
const BYTE_UNITS: &[(&str, f64)] = &[
    ("B", 1.0),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
];
const BANDWIDTH_UNITS: &[(&str, f64)] = &[
    ("B/s", 1.0),
    ("KiB/s", 1024.0),
    ("MiB/s", 1_048_576.0),
    ("GiB/s", 1_073_741_824.0),
    ("KB/s", 1e3),
    ("MB/s", 1e6),
    ("GB/s", 1e9),
    ("kbit/s", 125.0),
    ("Mbit/s", 125e3),
    ("Gbit/s", 125e6),
];
const RATE_UNITS: &[(&str, f64)] = &[
    ("/s", 1.0),
    ("/m", 1.0 / 60.0),
    ("/min", 1.0 / 60.0),
    ("/h", 1.0 / 3600.0),
    ("/d", 1.0 / 86_400.0),
];

/// What is wrong with a quantity's text, as a sentence that says what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError(String);

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseError {}

/// Splits "250us" into 250.0 and "us", and multiplies by the unit's factor.
fn parse_with_units(
    text: &str,
    what: &str,
    example: &str,
    units: &[(&str, f64)],
) -> Result<f64, ParseError> {
    let trimmed = text.trim();
    let unit_at = trimmed
        .char_indices()
        .find(|&(at, c)| {
            !(c.is_ascii_digit()
                || c == '.'
                || c == '_'
                || ((c == 'e' || c == 'E')
                    && trimmed[at + 1..].starts_with(|d: char| d.is_ascii_digit() || d == '-'))
                || (matches!(c, '-' | '+') && (at == 0 || trimmed[..at].ends_with(['e', 'E']))))
        })
        .map_or(trimmed.len(), |(at, _)| at);
    let (number, unit) = trimmed.split_at(unit_at);
    let unit = unit.trim();
    let names = || {
        let names: Vec<&str> = units.iter().map(|&(name, _)| name).collect();
        names.join(", ")
    };
    let value: f64 = number.replace('_', "").parse().map_err(|_| {
        ParseError(format!(
            "\"{text}\" is not {what}: write a number and a unit, such as \"{example}\""
        ))
    })?;
    let Some(&(_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        let problem = if unit.is_empty() {
            format!("\"{text}\" has no unit")
        } else {
            format!("\"{unit}\" is not a unit of {what}")
        };
        return Err(ParseError(format!(
            "{problem}: write it like \"{example}\" (units: {})",
            names()
        )));
    };
    let scaled = value * factor;
    if !scaled.is_finite() || scaled < 0.0 {
        return Err(ParseError(format!(
            "\"{text}\" is not {what}: it must be finite and not negative"
        )));
    }
    Ok(scaled)
}

/// Writes `value` in the largest of `units` in which it is a short number; the text parses back to the same value.
fn write_with_units(f: &mut fmt::Formatter<'_>, value: f64, units: &[(&str, f64)]) -> fmt::Result {
    if value == 0.0 {
        return write!(f, "0{}", units[units.len() - 1].0);
    }
    let mut best: Option<String> = None;
    for &(name, factor) in units {
        let scaled = value / factor;
        if scaled * factor == value && (0.001..1e15).contains(&scaled) {
            let text = format!("{scaled}{name}");
            if best.as_ref().is_none_or(|b| text.len() < b.len()) {
                best = Some(text);
            }
        }
    }
    match best {
        Some(text) => f.write_str(&text),
        None => write!(
            f,
            "{value}{}",
            units.iter().find(|u| u.1 == 1.0).map_or("", |u| u.0)
        ),
    }
}

impl Duration {
    /// From seconds, rounded to the nanosecond; negative and not-a-number become 0.
    pub fn from_secs(seconds: f64) -> Self {
        Self((seconds * 1e9).round() as u64)
    }

    /// In seconds.
    pub fn secs(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl FromStr for Duration {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let ns = parse_with_units(text, "a time", "250us", DURATION_UNITS)?;
        if ns > 1e18 {
            return Err(ParseError(format!("\"{text}\" is more than 30 years")));
        }
        Ok(Self(ns.round() as u64))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        // Integers of the largest unit that gives at most three decimals; 90 s stays "90s", 120 s becomes "2m".
        let written: [(&str, u64); 7] = [
            ("d", 86_400 * SECOND),
            ("h", 3600 * SECOND),
            ("m", 60 * SECOND),
            ("s", SECOND),
            ("ms", 1_000_000),
            ("us", 1_000),
            ("ns", 1),
        ];
        for (index, (name, unit)) in written.into_iter().enumerate() {
            if self.0.is_multiple_of(unit) {
                return write!(f, "{}{name}", self.0 / unit);
            }
            if index >= 3 && self.0 >= unit && (self.0 % unit).is_multiple_of((unit / 1000).max(1))
            {
                return write!(f, "{}{name}", self.0 as f64 / unit as f64);
            }
        }
        write!(f, "{}ns", self.0)
    }
}

impl FromStr for Rate {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse_with_units(text, "a rate", "500/s", RATE_UNITS).map(Self)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl FromStr for Bytes {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bytes = parse_with_units(text, "a size", "16KiB", BYTE_UNITS)?;
        if bytes > 1e18 {
            return Err(ParseError(format!("\"{text}\" is more than an exbibyte")));
        }
        Ok(Self(bytes.round() as u64))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_with_units(f, self.0 as f64, &BYTE_UNITS[..5])
    }
}

impl Bandwidth {
    /// No limit.
    pub const UNLIMITED: Self = Self(f64::INFINITY);
}

impl FromStr for Bandwidth {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.trim().eq_ignore_ascii_case("unlimited") {
            return Ok(Self::UNLIMITED);
        }
        let value = parse_with_units(text, "a bandwidth", "1GiB/s", BANDWIDTH_UNITS)?;
        if value < 1.0 {
            return Err(ParseError(format!(
                "\"{text}\" is too little: at least 1B/s, or \"unlimited\""
            )));
        }
        Ok(Self(value))
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_infinite() {
            f.write_str("unlimited")
        } else {
            write_with_units(f, self.0, BANDWIDTH_UNITS)
        }
    }
}

impl FromStr for Share {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let percent = parse_with_units(text, "a share", "99.9%", &[("%", 1.0)])?;
        // Through decimal text: "99.9%" must be the same number as 0.999, which no division gives.
        let share = format!("{percent}e-2").parse().unwrap_or(percent / 100.0);
        if share > 1.0 {
            return Err(ParseError(format!("\"{text}\" is more than 100%")));
        }
        Ok(Self(share))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Twelve digits hide the rounding of the multiplication.
        let percent = (self.0 * 1e14).round() / 1e12;
        write!(f, "{percent}%")
    }
}

macro_rules! text_in_files {
    ($($quantity:ty, $expecting:literal;)*) => { $(
        impl Serialize for $quantity {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $quantity {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $quantity;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    )* };
}

text_in_files! {
    Duration, "a time in quotes, such as \"250us\"";
    Rate, "a rate in quotes, such as \"500/s\"";
    Bytes, "a size in quotes, such as \"16KiB\"";
    Bandwidth, "a bandwidth in quotes, such as \"1GiB/s\" or \"unlimited\"";
    Share, "a share in quotes, such as \"99.9%\"";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_parses_and_prints_back() {
        for text in [
            "250us", "1.5s", "90s", "2m", "15ms", "12.5ms", "30d", "0s", "7ns", "1.234ms", "36h",
        ] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), text);
        }
        for text in ["16KiB", "1KiB", "0B", "200B", "41.5MiB", "10GiB"] {
            let bytes: Bytes = text.parse().unwrap();
            assert_eq!(bytes.to_string().parse::<Bytes>().unwrap(), bytes, "{text}");
        }
        for text in ["99.9%", "30%", "0%", "0.1%", "100%"] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
        for text in ["500/s", "0.5/s"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for text in ["1GiB/s", "unlimited", "10Gbit/s"] {
            let bandwidth: Bandwidth = text.parse().unwrap();
            assert_eq!(
                bandwidth.to_string().parse::<Bandwidth>().unwrap(),
                bandwidth
            );
        }
        assert_eq!("99.9%".parse::<Share>().unwrap().0, 0.999);
        assert_eq!("1e-3s".parse::<Duration>().unwrap(), Duration(1_000_000));
    }

    #[test]
    fn wrong_text_says_what_would_be_right() {
        let error = "1 sec".parse::<Duration>().unwrap_err().to_string();
        assert!(
            error.contains("\"sec\" is not a unit") && error.contains("ms"),
            "{error}"
        );
        assert!(
            "5".parse::<Duration>()
                .unwrap_err()
                .to_string()
                .contains("no unit")
        );
        assert!("-5s".parse::<Duration>().is_err());
        assert!("101%".parse::<Share>().is_err());
        assert!("".parse::<Bytes>().is_err());
        assert!("1e400s".parse::<Duration>().is_err());
        assert!("é5s".parse::<Rate>().is_err());
    }
}
