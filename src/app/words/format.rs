//! How numbers are written: three significant digits, a unit always, a space before it, a true minus sign.
//!
//! Where a value and its unit are drawn apart, they come as a pair.

use crate::units::Duration;

/// What stands where a figure is not known.
pub const UNKNOWN: &str = "–";

/// Three significant digits with separators: "398", "1.65", "12,300", "0.0123"; millions and more as "1.23M".
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    let size = value.abs();
    if size < 1e-9 {
        return "0".to_owned();
    }
    let sign = if value < 0.0 { "\u{2212}" } else { "" };
    // Rounded first, so that 999.6 is written as a thousand and not as "999.6" or "1000".
    let step = libm::pow(10.0, libm::log10(size).floor() - 2.0);
    let rounded = (size / step).round() * step;
    let text = match rounded {
        r if r >= 999.5e9 => format!("{}T", plain(r / 1e12)),
        r if r >= 999.5e6 => format!("{}G", plain(r / 1e9)),
        r if r >= 999.5e3 => format!("{}M", plain(r / 1e6)),
        r if r >= 1e3 => grouped(r.round() as u64),
        r => plain(r),
    };
    format!("{sign}{text}")
}

/// A round number on a scale, where there is little room: "400", "20k", "1M".
pub fn mark(value: f64) -> String {
    let (size, letter) = match value.abs() {
        size if size >= 1e9 => (1e9, "G"),
        size if size >= 1e6 => (1e6, "M"),
        size if size >= 1e3 => (1e3, "k"),
        _ => (1.0, ""),
    };
    format!("{}{letter}", number(value / size))
}

/// A mean of things that are counted: as [`number`], but to the hundredth at most.
pub fn mean(value: f64) -> String {
    let hundredths = (value * 100.0).round() / 100.0;
    if value.abs() < 1.0 && hundredths != 0.0 {
        format!("{hundredths:.2}")
    } else if value.abs() < 10.0 {
        number(hundredths)
    } else {
        number(value)
    }
}

/// Three significant digits without separators, trailing zeros kept so that a changing figure keeps its width.
fn plain(value: f64) -> String {
    let magnitude = libm::log10(value * (1.0 + 1e-12)).floor() as i32;
    let decimals = (2 - magnitude).clamp(0, 12) as usize;
    let text = format!("{value:.decimals$}");
    // A whole number stays one: "4", not "4.00".
    if value.fract().abs() < 1e-9 {
        format!("{value:.0}")
    } else {
        text
    }
}

/// A rate per second, and its unit.
pub fn rate(per_second: f64) -> (String, &'static str) {
    (number(per_second), "/s")
}

/// A time, and the unit that suits it: "184" and "ms".
pub fn time(seconds: f64) -> (String, &'static str) {
    let size = seconds.abs();
    if !seconds.is_finite() {
        (UNKNOWN.to_owned(), "")
    } else if size == 0.0 {
        ("0".to_owned(), "s")
    } else if size < 0.999_5e-6 {
        (number(seconds * 1e9), "ns")
    } else if size < 0.999_5e-3 {
        (number(seconds * 1e6), "µs")
    } else if size < 0.999_5 {
        (number(seconds * 1e3), "ms")
    } else if size < 119.95 {
        (number(seconds), "s")
    } else if size < 7_199.5 {
        (number(seconds / 60.0), "min")
    } else {
        (number(seconds / 3600.0), "h")
    }
}

/// A size, and its unit: "41.6" and "MiB".
pub fn bytes(count: f64) -> (String, &'static str) {
    let mut value = count;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if value < 999.5 || unit == "TiB" {
            return (number(value), unit);
        }
        value /= 1024.0;
    }
    (number(value), "PiB")
}

/// A share of 0 to 1 as a percentage, and its unit: whole from 10 %, else two digits ("56", "1.4", "0.05").
pub fn percent(share: f64) -> (String, &'static str) {
    let percent = share * 100.0;
    let text = if !percent.is_finite() {
        UNKNOWN.to_owned()
    } else if percent.abs() >= 9.95 || percent.abs() < 0.005 {
        format!("{percent:.0}")
    } else if percent.abs() >= 0.995 {
        format!("{percent:.1}")
    } else {
        format!("{percent:.2}")
    };
    (text, "%")
}

/// A share that somebody gave, not one that was measured, in as many digits as it takes: "1 %", "2.5 %".
pub fn given(share: f64) -> String {
    let percent = share * 100.0;
    let hundredths = (percent * 100.0).round() / 100.0;
    if hundredths > 0.0 {
        format!("{hundredths} %")
    } else {
        format!("{percent} %")
    }
}

/// How many times: "10", "2.5", "1,000".
pub fn times(factor: f64) -> String {
    if factor < 10.0 {
        format!("{}", (factor * 10.0).round() / 10.0)
    } else {
        grouped(factor.round() as u64)
    }
}

/// A value and its unit as one text: "184 ms", "398/s".
pub fn joined((value, unit): (String, &str)) -> String {
    if unit.is_empty() || unit.starts_with('/') {
        value + unit
    } else {
        format!("{value} {unit}")
    }
}

/// A length of time in a sentence: "5.1 s", "12 ms".
pub fn span(duration: Duration) -> String {
    let seconds = duration.secs();
    if (0.999_5..119.95).contains(&seconds) {
        let text = format!("{seconds:.1}");
        format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
    } else {
        joined(time(seconds))
    }
}

/// An instant of simulated time: "65.1 s", from ten minutes "12:05.1".
pub fn instant(at: Duration) -> String {
    let tenths = (at.secs() * 10.0).round() as u64;
    if tenths < 6000 {
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    let (minutes, rest) = (tenths / 600, tenths % 600);
    if minutes < 60 {
        format!("{minutes}:{:02}.{}", rest / 10, rest % 10)
    } else {
        format!(
            "{}:{:02}:{:02}.{}",
            minutes / 60,
            minutes % 60,
            rest / 10,
            rest % 10
        )
    }
}

/// The mark of an axis of time whose marks are `step` seconds apart: "36 s", "2:30", "1:05:00".
pub fn tick(seconds: f64, step: f64) -> String {
    if step < 1.0 {
        let decimals = (-libm::log10(step)).ceil().clamp(1.0, 6.0) as usize;
        return format!("{seconds:.decimals$} s");
    }
    let whole = seconds.round().max(0.0) as u64;
    if whole < 600 {
        format!("{whole} s")
    } else if whole < 3600 {
        format!("{}:{:02}", whole / 60, whole % 60)
    } else {
        format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
    }
}

/// "1 session", "512 sessions".
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// The beginning of a text, with an ellipsis where that is not all.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// A whole number with separators: "1,651"; with a true minus sign for losses.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What was lost, as it is always written: "−512", or "0".
pub fn loss_text(count: u64) -> String {
    if count == 0 {
        "0".into()
    } else {
        format!("\u{2212}{}", grouped(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_significant_digits() {
        for (value, text) in [
            (0.0, "0"),
            (398.4, "398"),
            (1.654, "1.65"),
            (4.0, "4"),
            (99.96, "100"),
            (999.6, "1,000"),
            (12_345.0, "12,300"),
            (999_600.0, "1M"),
            (1_234_567.0, "1.23M"),
            (0.012_34, "0.0123"),
            (-512.0, "\u{2212}512"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(mean(0.004), "0");
        assert_eq!(mean(0.09), "0.09");
        assert_eq!(mean(4.0), "4");
        assert_eq!(mean(14.26), "14.3");
    }

    #[test]
    fn units_suit_the_size() {
        assert_eq!(joined(time(0.184)), "184 ms");
        assert_eq!(joined(time(0.999_6)), "1 s");
        assert_eq!(joined(time(25e-6)), "25 µs");
        assert_eq!(joined(time(300.0)), "5 min");
        assert_eq!(joined(bytes(43_620_761.0)), "41.6 MiB");
        assert_eq!(joined(rate(397.6)), "398/s");
        assert_eq!(joined(percent(0.563)), "56 %");
        assert_eq!(joined(percent(0.0143)), "1.4 %");
    }

    #[test]
    fn times_are_read_easily() {
        assert_eq!(instant(Duration::from_secs(65.1)), "65.1 s");
        assert_eq!(instant(Duration::from_secs(725.12)), "12:05.1");
        assert_eq!(span(Duration::from_secs(5.08)), "5.1 s");
        assert_eq!(span(Duration::from_secs(5.0)), "5 s");
        assert_eq!(tick(36.0, 6.0), "36 s");
        assert_eq!(tick(0.25, 0.05), "0.25 s");
        assert_eq!(tick(3_930.0, 30.0), "1:05:30");
    }

    #[test]
    fn numbers_are_grouped_and_losses_have_a_minus() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1651), "1,651");
        assert_eq!(grouped(12_345_678), "12,345,678");
        assert_eq!(loss_text(0), "0");
        assert_eq!(loss_text(2048), "\u{2212}2,048");
    }
}
