//! Numbers as people read them.

use crate::analysis::Estimate;

/// The mean, and the half-width of its interval where there is one.
pub(super) fn with_spread(estimate: Estimate, print: fn(f64) -> String) -> String {
    match (estimate.mean, estimate.ci95) {
        (None, _) => "-".to_owned(),
        (Some(mean), Some(half)) if half > 0.0 => format!("{} ± {}", print(mean), print(half)),
        (Some(mean), _) => print(mean),
    }
}

/// A count with groups of three digits; one decimal where it is a mean of counts below 100.
pub fn count(n: f64) -> String {
    if n.fract() != 0.0 && n.abs() < 100.0 {
        return decimal(n);
    }
    let digits = format!("{:.0}", n.abs());
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if n < 0.0 {
        grouped.insert(0, '-');
    }
    grouped
}

/// A number with three digits that count.
pub fn decimal(n: f64) -> String {
    let size = n.abs();
    match size {
        0.0 => "0".to_owned(),
        100.0.. => count(n.round()),
        10.0.. => format!("{n:.1}"),
        0.1.. => format!("{n:.2}"),
        0.001.. => format!("{n:.4}"),
        _ => format!("{n:.1e}"),
    }
}

/// A share as a percentage; the last steps before 100 % keep their nines.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if share == 0.0 || share == 1.0 {
        format!("{percent:.0} %")
    } else if !(0.01..=99.99).contains(&percent) {
        format!("{percent:.4} %")
    } else {
        format!("{percent:.2} %")
    }
}

/// A time in the unit that suits it, with three digits that count.
pub fn time(seconds: f64) -> String {
    let size = seconds.abs();
    let (value, unit) = match size {
        0.0 => return "0 s".to_owned(),
        7200.0.. => (seconds / 3600.0, "h"),
        120.0.. => (seconds / 60.0, "min"),
        1.0.. => (seconds, "s"),
        1e-3.. => (seconds * 1e3, "ms"),
        1e-6.. => (seconds * 1e6, "us"),
        _ => (seconds * 1e9, "ns"),
    };
    let text = match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    // "2.00 min" reads better as "2 min".
    let text = text
        .strip_suffix(".00")
        .or(text.strip_suffix(".0"))
        .unwrap_or(&text);
    format!("{text} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(count(0.0), "0");
        assert_eq!(count(999.0), "999");
        assert_eq!(count(1_234_567.0), "1,234,567");
        assert_eq!(count(1.5), "1.50");
        assert_eq!(time(0.0123), "12.3 ms");
        assert_eq!(time(120.0), "2 min");
        assert_eq!(time(60.0), "60 s");
        assert_eq!(time(5.1), "5.10 s");
        assert_eq!(time(0.000_05), "50 us");
        assert_eq!(percent(0.63), "63.00 %");
        assert_eq!(percent(0.99999), "99.9990 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(decimal(0.05), "0.0500");
        assert_eq!(decimal(1234.4), "1,234");
    }
}
