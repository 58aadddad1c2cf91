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

/// How often something happens. Unit: per second; 0, or from once in 30 years to 10^18.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate(pub f64);

/// An amount of data. Unit: bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// A flow of data. Unit: bytes per second, from 1 to 10^18; `Unlimited` is infinite.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Bandwidth(pub f64);

/// A part of a whole, from 0 to 1, written as a percentage.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Share(pub f64);

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;

/// The most that a quantity may be in its base unit: ten of them still add up in 64 bits.
const MOST: u64 = 1_000_000_000_000_000_000;
/// The least rate besides 0, a second: less than once in 30 years nobody sees.
const LEAST_RATE: f64 = 1e-9;

const DURATION_UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
    ("d", 86_400 * SECOND),
];
const BYTE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
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

/// A quantity's text cut into number and unit: "250us" into "250" and "us".
fn number_and_unit(text: &str) -> (String, &str) {
    let text = text.trim();
    let digit_or_sign = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+');
    let unit_at = text
        .char_indices()
        .find(|&(at, c)| {
            let exponent = matches!(c, 'e' | 'E') && text[at + 1..].starts_with(digit_or_sign);
            let sign = matches!(c, '-' | '+') && (at == 0 || text[..at].ends_with(['e', 'E']));
            !(c.is_ascii_digit() || matches!(c, '.' | '_') || exponent || sign)
        })
        .map_or(text.len(), |(at, _)| at);
    let (number, unit) = text.split_at(unit_at);
    (number.replace('_', ""), unit.trim())
}

/// A text as errors show it.
fn shown(text: &str) -> String {
    text.trim().chars().take(40).collect()
}

/// Number and unit's factor of a quantity's text. The number is finite and not negative.
fn parse_with_units<F: Copy>(
    text: &str,
    what: &str,
    example: &str,
    units: &[(&str, F)],
) -> Result<(String, f64, F), ParseError> {
    let (number, unit) = number_and_unit(text);
    let shown = shown(text);
    let value: f64 = number.parse().map_err(|_| {
        ParseError(format!(
            "\"{shown}\" is not {what}: write a number and a unit, such as \"{example}\""
        ))
    })?;
    let Some(&(_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        let problem = if unit.is_empty() {
            format!("\"{shown}\" has no unit")
        } else {
            let unit: String = unit.chars().take(40).collect();
            format!("\"{unit}\" is not a unit of {what}")
        };
        let names: Vec<&str> = units.iter().map(|&(name, _)| name).collect();
        return Err(ParseError(format!(
            "{problem}: write it like \"{example}\" (units: {})",
            names.join(", ")
        )));
    };
    if !value.is_finite() || value < 0.0 {
        return Err(ParseError(format!(
            "\"{shown}\" is not {what}: it must be finite and not negative"
        )));
    }
    Ok((number, value.abs(), factor)) // abs: -0 becomes 0
}

/// The quantity in base units, from a number and the unit's size in them.
fn scaled(text: &str, what: &str, value: f64, factor: f64) -> Result<f64, ParseError> {
    let product = value * factor;
    if product <= MOST as f64 {
        Ok(product)
    } else {
        Err(ParseError(format!(
            "\"{}\" is too much for {what}: at most 10^18 a second",
            shown(text)
        )))
    }
}

/// Number times unit, rounded to a whole, exactly: `f64` has too few digits for a year in nanoseconds. `None` above
/// 10^18.
fn scaled_to_whole(number: &str, unit: u64) -> Option<u64> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let mantissa = mantissa.trim_start_matches(['+', '-']);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    // An exponent beyond what fits makes it too large, or nothing.
    let exponent: i64 = exponent.parse().unwrap_or(if exponent.starts_with('-') {
        -9999
    } else {
        9999
    });
    let exponent = exponent.saturating_sub(i64::try_from(fraction.len()).unwrap_or(i64::MAX));
    // Digits from the 25th on change nothing that rounding to a whole could see, or the number is too large.
    let kept = digits.len().min(24);
    let exponent = exponent.saturating_add(i64::try_from(digits.len() - kept).unwrap_or(i64::MAX));
    let value: u128 = digits[..kept].parse().ok()?;
    let product = value.checked_mul(u128::from(unit))?;
    let result = if exponent >= 0 {
        let power = 10_u128.checked_pow(u32::try_from(exponent).ok()?)?;
        product.checked_mul(power)?
    } else {
        match 10_u128.checked_pow(u32::try_from(-exponent).ok()?) {
            Some(power) => product.checked_add(power / 2)? / power,
            None => 0,
        }
    };
    u64::try_from(result).ok().filter(|&result| result <= MOST)
}

/// Writes `value` in the unit in which the number is shortest; the text parses back to the same value. The first unit
/// is kept where its number is short enough.
fn write_with_units(f: &mut fmt::Formatter<'_>, value: f64, units: &[(&str, f64)]) -> fmt::Result {
    let mut best: Option<(usize, String)> = None;
    for (index, &(name, factor)) in units.iter().enumerate() {
        let number = value / factor;
        if number * factor == value && (value == 0.0 || (0.001..1e15).contains(&number)) {
            let number = number.to_string();
            if index == 0 && number.len() <= 5 {
                return write!(f, "{number}{name}");
            }
            if best
                .as_ref()
                .is_none_or(|(length, _)| number.len() < *length)
            {
                best = Some((number.len(), format!("{number}{name}")));
            }
        }
    }
    match best {
        Some((_, text)) => f.write_str(&text),
        None => {
            let base = units.iter().find(|unit| unit.1 == 1.0);
            write!(f, "{value}{}", base.map_or("", |unit| unit.0))
        }
    }
}

/// `value / unit` with at most three decimals, if it is that exactly.
fn in_unit(value: u64, unit: u64) -> Option<String> {
    let (whole, rest) = (value / unit, u128::from(value % unit));
    let thousandths = rest * 1000 / u128::from(unit);
    if thousandths * u128::from(unit) != rest * 1000 {
        return None;
    }
    let text = format!("{whole}.{thousandths:03}");
    Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

/// `value / unit` with all its decimals; the unit is a power of ten where it does not divide the value.
fn exactly(value: u64, unit: u64) -> String {
    let digits = unit.ilog10() as usize;
    let text = match value % unit {
        0 => return (value / unit).to_string(),
        rest => format!("{}.{rest:0digits$}", value / unit),
    };
    text.trim_end_matches('0').to_owned()
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
        let (number, _, unit) = parse_with_units(text, "a time", "250us", DURATION_UNITS)?;
        scaled_to_whole(&number, unit)
            .map(Self)
            .ok_or_else(|| ParseError(format!("\"{}\" is more than 30 years", shown(text))))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        // The largest unit of which it is a whole number, or with as many decimals as it takes from the second down: 90 s
        // stays "90s", 120 s becomes "2m", 1500 ms "1.5s".
        for &(name, unit) in DURATION_UNITS.iter().rev() {
            let whole = self.0.is_multiple_of(unit);
            if name != "µs" && (whole || (unit <= SECOND && self.0 >= unit)) {
                return write!(f, "{}{name}", exactly(self.0, unit));
            }
        }
        write!(f, "{}ns", self.0)
    }
}

impl FromStr for Rate {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (_, value, factor) = parse_with_units(text, "a rate", "500/s", RATE_UNITS)?;
        let rate = scaled(text, "a rate", value, factor)?;
        if rate > 0.0 && rate < LEAST_RATE {
            return Err(ParseError(format!(
                "\"{}\" is less than once in 30 years: write \"0/s\" for never",
                shown(text)
            )));
        }
        Ok(Self(rate))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_with_units(f, self.0, RATE_UNITS)
    }
}

impl FromStr for Bytes {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (number, _, unit) = parse_with_units(text, "a size", "16KiB", BYTE_UNITS)?;
        scaled_to_whole(&number, unit)
            .map(Self)
            .ok_or_else(|| ParseError(format!("\"{}\" is more than 10^18 bytes", shown(text))))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The unit in which the number is shortest, the smallest of those that are alike.
        let shortest = BYTE_UNITS
            .iter()
            .filter(|&&(_, unit)| self.0 >= unit || unit == 1)
            .filter_map(|&(name, unit)| Some((in_unit(self.0, unit)?, name)))
            .min_by_key(|(number, _)| number.len());
        match shortest {
            Some((number, name)) => write!(f, "{number}{name}"),
            None => write!(f, "{}B", self.0),
        }
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
        let (_, value, factor) = parse_with_units(text, "a bandwidth", "1GiB/s", BANDWIDTH_UNITS)?;
        let value = scaled(text, "a bandwidth", value, factor)?;
        if value < 1.0 {
            return Err(ParseError(format!(
                "\"{}\" is too little: at least 1B/s, or \"unlimited\"",
                shown(text)
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
        let (number, percent, ()) = parse_with_units(text, "a share", "99.9%", &[("%", ())])?;
        // Through decimal text: "99.9%" must be the same number as 0.999, which no division gives.
        let share = match number.contains(['e', 'E']) {
            true => format!("{percent}e-2"),
            false => format!("{number}e-2"),
        };
        let share: f64 = share.parse().unwrap_or(percent / 100.0);
        if share > 1.0 {
            return Err(ParseError(format!("\"{}\" is more than 100%", shown(text))));
        }
        Ok(Self(share.abs()))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The decimal point is moved in the text: 0.07 * 100 is not 7.
        let text = format!("{:e}", self.0);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = mantissa.replace('.', "");
        let point = 3 + exponent.parse::<i32>().unwrap_or(0); // digits before the point, as a percentage
        match usize::try_from(point) {
            Err(_) | Ok(0) => {
                let zeros = "0".repeat(usize::try_from(-point).unwrap_or(0));
                match digits.trim_end_matches('0') {
                    "" => f.write_str("0%"),
                    digits => write!(f, "0.{zeros}{digits}%"),
                }
            }
            Ok(point) if digits.len() > point => {
                write!(f, "{}.{}%", &digits[..point], &digits[point..])
            }
            Ok(point) => {
                let number = format!("{digits:0<point$}");
                match number.trim_start_matches('0') {
                    "" => f.write_str("0%"),
                    number => write!(f, "{number}%"),
                }
            }
        }
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
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    #[test]
    fn text_parses_and_prints_back() {
        for text in [
            "250us",
            "1.5s",
            "90s",
            "2m",
            "15ms",
            "12.5ms",
            "30d",
            "0s",
            "7ns",
            "1.234ms",
            "36h",
            "283.1371919s",
            "1.000000001s",
            "1.2345ms",
        ] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), text);
        }
        for text in ["16KiB", "1KiB", "0B", "200B", "41.5MiB", "10GiB", "1MB"] {
            assert_eq!(text.parse::<Bytes>().unwrap().to_string(), text);
        }
        for text in [
            "99.9%", "30%", "7%", "0%", "0.1%", "0.01%", "100%", "33.3333%",
        ] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
        for text in ["500/s", "0.5/s", "1/m", "400.5/s", "100000/s"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for text in ["1GiB/s", "unlimited", "10Gbit/s", "100MiB/s", "1B/s"] {
            assert_eq!(text.parse::<Bandwidth>().unwrap().to_string(), text);
        }
        assert_eq!("99.9%".parse::<Share>().unwrap().0, 0.999);
        for (text, ns) in [
            ("1e-3s", 1_000_000),
            ("1e+3ns", 1_000),
            (" 1_000 ms ", SECOND),
            ("+2s", 2 * SECOND),
            ("-0s", 0),
            ("0.4ns", 0),
            ("0.5ns", 1),
            ("1e-99999999999999999999s", 0),
            ("104d", 104 * 86_400 * SECOND),
        ] {
            assert_eq!(text.parse(), Ok(Duration(ns)), "{text}");
        }
        assert_eq!(Rate::default().to_string(), "0/s");
        assert_eq!("-0/s".parse::<Rate>().unwrap().to_string(), "0/s");
    }

    proptest! {
        // The same values each time: no test fails by chance.
        #![proptest_config(ProptestConfig {
            cases: 2000,
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::default()
        })]

        #[test]
        fn every_value_prints_text_that_parses_back(whole in 0_u64..=1_000_000_000_000_000_000, number in 0.0..1e18_f64, share in 0.0..=1.0_f64) {
            let duration = Duration(whole);
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
            let bytes = Bytes(whole);
            prop_assert_eq!(bytes.to_string().parse(), Ok(bytes));
            let rate = Rate(number);
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
            let bandwidth = Bandwidth(1.0 + number);
            prop_assert_eq!(bandwidth.to_string().parse(), Ok(bandwidth));
            let share = Share(share);
            prop_assert_eq!(share.to_string().parse(), Ok(share));
        }

        #[test]
        fn round_values_print_short_text_that_parses_back(number in 0_u64..100_000, unit in 0_usize..9, percent in 0_u32..=1000) {
            let (name, size) = BYTE_UNITS[unit];
            let bytes = Bytes(number * size);
            prop_assert_eq!(format!("{number}{name}").parse(), Ok(bytes));
            prop_assert_eq!(bytes.to_string().parse(), Ok(bytes));
            let (name, size) = DURATION_UNITS[unit.min(DURATION_UNITS.len() - 1)];
            let number = number.min(10_000); // below 30 years in days
            let duration = Duration(number * size);
            prop_assert_eq!(format!("{number}{name}").parse(), Ok(duration));
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
            let text = format!("{}%", f64::from(percent) / 10.0);
            prop_assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
            let text = format!("{number}/s");
            prop_assert_eq!(text.parse::<Rate>().unwrap().to_string().parse(), text.parse::<Rate>());
        }

        /// Whatever the number of digits: what is too much is refused, and nothing wraps around to something small.
        #[test]
        fn large_numbers_are_exact_or_refused(digits in "[1-9][0-9]{0,60}", point in 0_usize..60, exponent in -40_i32..40, unit in 0_usize..9) {
            let point = point.min(digits.len());
            let number = format!("{}.{}e{exponent}", &digits[..point], &digits[point..]);
            let (name, size) = BYTE_UNITS[unit];
            let exact: f64 = format!("0{number}").parse::<f64>().unwrap() * size as f64;
            let near = |found: u64| (found as f64 - exact).abs() <= 0.5 + 1e-12 * exact;
            match format!("{number}{name}").parse::<Bytes>() {
                Ok(bytes) => prop_assert!(near(bytes.0), "{} for {exact}", bytes.0),
                Err(_) => prop_assert!(point == 0 || exact > 0.999e18, "{number}{name} was refused"),
            }
            let (name, size) = DURATION_UNITS[unit.min(DURATION_UNITS.len() - 1)];
            let exact: f64 = format!("0{number}").parse::<f64>().unwrap() * size as f64;
            match format!("{number}{name}").parse::<Duration>() {
                Ok(time) => prop_assert!((time.0 as f64 - exact).abs() <= 0.5 + 1e-12 * exact, "{} for {exact}", time.0),
                Err(_) => prop_assert!(point == 0 || exact > 0.999e18, "{number}{name} was refused"),
            }
        }

        #[test]
        fn any_text_is_a_quantity_or_a_sentence(text in "\\PC*|[0-9eE+._-]{0,40}(ns|us|µs|s|/s|B|KiB|%|Gbit/s)?") {
            for error in [
                text.parse::<Duration>().err(),
                text.parse::<Rate>().err(),
                text.parse::<Bytes>().err(),
                text.parse::<Bandwidth>().err(),
                text.parse::<Share>().err(),
            ].into_iter().flatten() {
                prop_assert!(!error.to_string().is_empty());
            }
        }
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
        for text in [
            "1e400s",
            "1e18s",
            "9999999999999999999999s",
            "1e30s",
            "1e999999999999s",
            "1000000000000000000000000d",
            "3937000000000000000000000d",
            "9999999999999999999999999d",
        ] {
            let error = text.parse::<Duration>().unwrap_err().to_string();
            assert!(
                error.contains("30 years") || error.contains("finite"),
                "{error}"
            );
        }
        for text in ["1e400/s", "1e18001/s", "1e300/h", "1e-300/s", "1e-9/h"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        assert!("1e12Gbit/s".parse::<Bandwidth>().is_err());
        assert!("9999999999999999999999999TB".parse::<Bytes>().is_err());
        assert!("1e400%".parse::<Share>().is_err());
        assert!("é5s".parse::<Rate>().is_err());
    }
}
