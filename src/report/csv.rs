//! What charts draw as a table, for spreadsheets and other programs: one row a sample.

use super::json::write_number;
use crate::sim::snapshot::{Interval, NodeInterval};
use crate::units::Duration;

/// The columns before those of the nodes. Counts are of the row's span of time, losses since the start of the run; what
/// begins with `without_fault` is of the run without its latest fault.
const COLUMNS: [&str; 16] = [
    "from_s",
    "to_s",
    "completed_at_once",
    "completed_after_retry",
    "failed",
    "completed_per_s",
    "failed_per_s",
    "response_p50_s",
    "response_p95_s",
    "response_p99_s",
    "lost_writes",
    "lost_sessions",
    "without_fault_completed_per_s",
    "without_fault_response_p50_s",
    "without_fault_response_p95_s",
    "without_fault_response_p99_s",
];

/// The columns of a node, behind `nodes.NAME.`.
const OF_NODE: [&str; 4] = [
    "utilisation",
    "queue_length",
    "in_flight",
    "throughput_per_s",
];

/// Samples as CSV (RFC 4180 but for its line ends): a header whose names end with their units, then a row each. Times are
/// seconds; numbers have as many digits as it takes to read back the same; a field is empty where there is no value.
pub fn samples(intervals: &[Interval]) -> String {
    let mut nodes: Vec<&str> = Vec::new();
    for node in intervals.iter().flat_map(|interval| &interval.nodes) {
        if !nodes.contains(&node.name.as_str()) {
            nodes.push(&node.name);
        }
    }
    let mut header: Vec<String> = COLUMNS.iter().map(|&name| name.to_owned()).collect();
    for node in &nodes {
        header.extend(OF_NODE.map(|figure| quoted(&format!("nodes.{node}.{figure}"))));
    }
    let mut out = header.join(",");
    out.push('\n');
    for interval in intervals {
        out.push_str(&row(interval, &nodes).join(","));
        out.push('\n');
    }
    out
}

fn row(interval: &Interval, nodes: &[&str]) -> Vec<String> {
    let length = Duration(interval.to.0.saturating_sub(interval.from.0)).secs();
    let rate = |count: u64| number(count as f64 / length);
    let percentiles = |values: Option<[f64; 3]>| match values {
        Some(values) => values.map(number),
        None => Default::default(),
    };
    let mut fields = vec![
        number(interval.from.secs()),
        number(interval.to.secs()),
        interval.completed.to_string(),
        interval.retried.to_string(),
        interval.failed.to_string(),
        rate(interval.completed + interval.retried),
        rate(interval.failed),
    ];
    fields.extend(percentiles(interval.percentiles));
    fields.push(interval.lost_writes.to_string());
    fields.push(interval.lost_sessions.to_string());
    fields.push(
        interval
            .without
            .map_or_else(String::new, |w| rate(w.completed)),
    );
    fields.extend(percentiles(interval.without.and_then(|w| w.percentiles)));
    for name in nodes {
        let node = interval.nodes.iter().find(|node| node.name == *name);
        fields.extend(match node {
            Some(NodeInterval {
                name: _,
                utilisation,
                queue_length,
                in_flight,
                throughput_per_s,
            }) => [utilisation, queue_length, in_flight, throughput_per_s].map(|v| number(*v)),
            None => Default::default(),
        });
    }
    fields
}

/// Empty where there is none.
fn number(value: f64) -> String {
    let mut text = String::new();
    if value.is_finite() {
        write_number(&mut text, value);
    }
    text
}

/// A field in quotes where it must be: names are free to hold anything.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::snapshot::Without;

    fn node(name: &str, utilisation: f64) -> NodeInterval {
        NodeInterval {
            name: name.into(),
            utilisation,
            ..NodeInterval::default()
        }
    }

    #[test]
    fn a_row_a_sample_without_rounding() {
        let ms = |ms: u64| Duration(ms * 1_000_000);
        let intervals = [
            Interval {
                from: ms(0),
                to: ms(100),
                completed: 30,
                retried: 1,
                failed: 2,
                percentiles: Some([0.012, 0.1 + 0.2, 1.0]),
                nodes: vec![node("api", 1.0 / 3.0)],
                ..Interval::default()
            },
            Interval {
                from: ms(100),
                to: ms(400),
                lost_writes: 7,
                lost_sessions: 512,
                nodes: vec![node("a,\"b\"", 1.0)],
                without: Some(Without {
                    since: ms(100),
                    completed: 3,
                    percentiles: None,
                }),
                ..Interval::default()
            },
        ];
        let text = samples(&intervals);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("from_s,to_s,completed_at_once,"));
        assert!(lines[0].contains(",nodes.api.utilisation,"));
        assert!(lines[0].ends_with(",\"nodes.a,\"\"b\"\".throughput_per_s\""));
        assert_eq!(
            lines[1],
            "0,0.1,30,1,2,310,20,0.012,0.30000000000000004,1,0,0,,,,,0.3333333333333333,0,0,0,,,,"
        );
        assert_eq!(lines[2], "0.1,0.4,0,0,0,0,0,,,,7,512,10,,,,,,,,1,0,0,0");
        assert_eq!(samples(&[]).lines().count(), 1);
    }
}
