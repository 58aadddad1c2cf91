//! What a node or link does now: figures smoothed for reading, with their recent course.

use egui::Ui;

use super::promises::NodeFigure as Expected;
use super::{Pane, promises};
use crate::app::panes::charts::{NodeFigure, TimeWindow};
use crate::app::panes::promising;
use crate::app::panes::verdicts::Kind;
use crate::app::run::readings::{LinkReading, NodeReading};
use crate::app::run::state::View;
use crate::app::theme;
use crate::app::widgets::{figure_row, section, tooltip};
use crate::app::words::{format, nodes};
use crate::model::{Node, Sessions};
use crate::sim::snapshot::{Interval, NodeInterval};
use crate::units::Duration;

/// Points of a sparkline.
const POINTS: usize = 40;

/// A figure that is charted: its chart, and where its smoothed value is found.
#[derive(Clone, Copy, Debug)]
pub struct Charted {
    /// How it is drawn.
    pub chart: NodeFigure,
    /// Its value now.
    pub reading: fn(&NodeReading) -> f64,
    /// Where the results have it, behind the node.
    pub path: &'static str,
}

/// The charts of a node with instances.
pub const CHARTS: [Charted; 2] = [
    Charted {
        chart: NodeFigure {
            title: "Utilisation",
            top: Some(1.0),
            value: |node| node.utilisation,
            tell: |value| format::joined(format::percent(value)),
        },
        reading: |node| node.utilisation,
        path: "utilisation",
    },
    Charted {
        chart: NodeFigure {
            title: "Queue length",
            top: None,
            value: |node| node.queue_length,
            tell: |value| format!("{} ops", format::mean(value)),
        },
        reading: |node| node.queue,
        path: "queue_length",
    },
];

/// Shows what comes before the charts.
pub fn show_first(ui: &mut Ui, name: &str, node: &Node, pane: &mut Pane) {
    let view = pane.view;
    section(ui, "Now", "smoothed");
    if let Node::Clients(_) = node {
        show_clients(ui, pane);
        return;
    }
    let reading = view.readings.node(name).cloned().unwrap_or_default();
    let course = course(ui, view, name, |node| node.throughput_per_s);
    let (value, unit) = format::rate(reading.throughput);
    let row = figure_row(ui, "Throughput", &course, &value, unit, None);
    let figure = expected(
        name,
        "Throughput",
        "throughput_per_s",
        ">=",
        reading.throughput,
    );
    promise_node(&row, &figure, pane);
    let p99 = series(ui, view, |interval| interval.percentiles.map(|p| p[2]));
    let (value, unit) = percentile(pane, 2);
    let row = figure_row(ui, "p99 of all", &p99, &value, unit, None);
    promise(&row, Kind::P99, pane);
}

/// Shows what comes after the charts.
pub fn show_rest(ui: &mut Ui, name: &str, node: &Node, pane: &mut Pane) {
    let view = pane.view;
    if let Node::Clients(_) = node {
        return;
    }
    let reading = view.readings.node(name).cloned().unwrap_or_default();
    if let Node::Service(service) = node
        && let Some(cache) = service.caches()
    {
        let (value, unit) = format::percent(reading.hit_ratio);
        let row = figure_row(ui, "Cache hits", &[], &value, unit, None);
        let figure = expected(
            name,
            "Cache hits",
            "cache.hit_ratio",
            ">=",
            reading.hit_ratio,
        );
        promise_node(&row, &figure, pane);
        let counted = view.node(name).and_then(|node| node.cache);
        let told = nodes::cached(cache, counted.unwrap_or_default());
        tooltip(&row, "Cache hits", &[&told]);
    }
    let in_flight = course(ui, view, name, |node| node.in_flight);
    let value = format::mean(reading.in_flight);
    let row = figure_row(ui, "In flight", &in_flight, &value, "ops", None);
    let figure = expected(name, "In flight", "in_flight", "<=", reading.in_flight);
    promise_node(&row, &figure, pane);
    // Rows that came and went would move the settings away from under the pointer.
    let colour = (reading.failed > 0.0).then_some(theme::palette(ui).failed);
    let (value, unit) = format::rate(reading.failed);
    let row = figure_row(ui, "Failing here", &[], &value, unit, colour);
    let failed = view.node(name).map_or(0, |node| node.failed);
    let figure = expected(name, "Failures", "failed", "<=", failed as f64);
    promise_node(&row, &figure, pane);
    if matches!(node, Node::Service(_)) && view.topology.sessions != Sessions::None {
        let row = sessions(ui, view);
        promise(&row, Kind::LostSessions, pane);
    }
}

/// The figures that several nodes have in common: their sum where they are alike, since then no request is counted twice;
/// else each of them.
pub fn show_several(ui: &mut Ui, names: &[String], pane: &mut Pane) {
    let view = pane.view;
    let nodes = || {
        names
            .iter()
            .filter_map(|n| Some((n, view.topology.nodes.get(n)?)))
    };
    let counted: Vec<(&String, &Node)> = nodes()
        .filter(|(_, node)| !matches!(node, Node::Clients(_)))
        .collect();
    let Some((_, first)) = counted.first() else {
        section(ui, "Now", "all clients together");
        show_clients(ui, pane);
        return;
    };
    let alike = counted.iter().all(|(_, node)| node.name() == first.name());
    let all = if counted.len() < names.len() {
        "without the clients".to_owned()
    } else if alike {
        format!("all {}", names.len())
    } else if names.len() <= 3 {
        "each, in this order".to_owned()
    } else {
        "the least and the most".to_owned()
    };
    section(ui, "Now", &all);
    let readings: Vec<NodeReading> = counted
        .iter()
        .map(|(name, _)| view.readings.node(name).cloned().unwrap_or_default())
        .collect();
    let has_instances = |(_, node): &(&String, &Node)| !matches!(node, Node::LoadBalancer(_));
    let figures: [Several; 5] = [
        (
            "Throughput",
            |r| r.throughput,
            |n| n.throughput_per_s,
            |v| format::rate(v),
        ),
        (
            "Utilisation",
            |r| r.utilisation,
            |n| n.utilisation,
            |v| format::percent(v),
        ),
        (
            "Queue length",
            |r| r.queue,
            |n| n.queue_length,
            |v| (format::mean(v), "ops"),
        ),
        (
            "In flight",
            |r| r.in_flight,
            |n| n.in_flight,
            |v| (format::mean(v), "ops"),
        ),
        ("Failing here", |r| r.failed, |_| 0.0, |v| format::rate(v)),
    ];
    for (title, reading, past, tell) in figures {
        let is_share = title == "Utilisation";
        if (is_share || title == "Queue length") && !counted.iter().all(has_instances) {
            continue;
        }
        let each: Vec<f64> = readings.iter().map(reading).collect();
        let fails = title == "Failing here";
        let colour = (fails && each.iter().any(|&v| v > 0.0)).then_some(theme::palette(ui).failed);
        // Of a share the mean, in which every instance counts the same.
        let weights: Vec<f64> = counted
            .iter()
            .map(|(_, node)| {
                if is_share {
                    f64::from(node.members())
                } else {
                    1.0
                }
            })
            .collect();
        let over = if is_share { weights.iter().sum() } else { 1.0 };
        let row = if alike {
            let sum: f64 = each.iter().zip(&weights).map(|(v, w)| v * w).sum();
            let course = series(ui, view, |interval| {
                let at = |name: &str| interval.nodes.iter().find(|node| node.name == name);
                let values = counted.iter().zip(&weights);
                let sum: f64 = values.map(|((n, _), w)| at(n).map_or(0.0, past) * w).sum();
                (!fails).then_some(sum / over)
            });
            let (value, unit) = tell(sum / over);
            figure_row(ui, title, &course, &value, unit, colour)
        } else {
            let (_, unit) = tell(0.0);
            figure_row(ui, title, &[], &listed(&each, tell), unit, colour)
        };
        let lines: Vec<String> = counted
            .iter()
            .zip(&each)
            .map(|((name, _), value)| format!("{name}: {}", format::joined(tell(*value))))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        tooltip(&row, title, &lines);
    }
}

/// A figure of several nodes: its title, its value now and in the past, and how it is told.
type Several = (
    &'static str,
    fn(&NodeReading) -> f64,
    fn(&NodeInterval) -> f64,
    fn(f64) -> (String, &'static str),
);

/// A few values one by one, of more the least and the greatest; what is all the same once.
fn listed(values: &[f64], tell: fn(f64) -> (String, &'static str)) -> String {
    let texts: Vec<String> = values.iter().map(|value| tell(*value).0).collect();
    match &texts[..] {
        [first, others @ ..] if others.iter().all(|other| other == first) => first.clone(),
        [] | [_] | [_, _] | [_, _, _] => texts.join(" · "),
        _ => {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            format!("{} to {}", tell(least).0, tell(most).0)
        }
    }
}

/// The course of a figure of a node.
fn course(ui: &Ui, view: &View, name: &str, figure: fn(&NodeInterval) -> f64) -> Vec<f32> {
    series(ui, view, |interval| {
        let node = interval.nodes.iter().find(|node| node.name == name);
        node.map(figure)
    })
}

/// The figures of the topology as its users see it.
pub fn show_clients(ui: &mut Ui, pane: &mut Pane) {
    let view = pane.view;
    let totals = view.readings.totals();
    let palette = theme::palette(ui);
    let rate = |interval: &Interval, count: u64| {
        let length = Duration(interval.to.0 - interval.from.0).secs();
        Some(count as f64 / length)
    };
    let completed = series(ui, view, |i| rate(i, i.completed + i.retried));
    let (value, unit) = format::rate(totals.completed);
    figure_row(ui, "Completed", &completed, &value, unit, None);
    let failed = series(ui, view, |i| rate(i, i.failed));
    let (value, unit) = format::rate(totals.failed);
    let colour = (totals.failed > 0.0).then_some(palette.failed);
    let row = figure_row(ui, "Failed", &failed, &value, unit, colour);
    promise(&row, Kind::Availability, pane);
    for (which, title) in ["p50", "p95", "p99"].into_iter().enumerate() {
        let course = series(ui, view, |i| i.percentiles.map(|p| p[which]));
        let (value, unit) = percentile(pane, which);
        let row = figure_row(ui, title, &course, &value, unit, None);
        if which == 2 {
            promise(&row, Kind::P99, pane);
        }
    }
    if view.topology.sessions != Sessions::None {
        let row = sessions(ui, view);
        promise(&row, Kind::LostSessions, pane);
    }
}

/// Gives a figure the menu that promises it.
fn promise(row: &egui::Response, kind: Kind, pane: &mut Pane) {
    let row = row.interact(egui::Sense::click());
    pane.actions
        .extend(promising::menu_of(&row, kind, pane.view));
}

/// A figure of a node as it could be expected of the results.
pub fn expected<'a>(
    node: &'a str,
    title: &'static str,
    path: &'static str,
    comparison: &'static str,
    now: f64,
) -> Expected<'a> {
    let tell = match path {
        "utilisation" | "cache.hit_ratio" => |value: f64| format::joined(format::percent(value)),
        "throughput_per_s" => |value: f64| format::joined(format::rate(value)),
        _ => format::number,
    };
    Expected {
        title,
        node,
        path,
        comparison,
        now,
        tell,
    }
}

fn promise_node(row: &egui::Response, figure: &Expected, pane: &mut Pane) {
    let row = row.interact(egui::Sense::click());
    promises::menu_of_node(&row, figure, pane);
}

/// Shows the figures of a link.
pub fn show_link(ui: &mut Ui, from: &str, to: &str, pane: &Pane) {
    let view = pane.view;
    let palette = theme::palette(ui);
    section(ui, "Now", "smoothed");
    let total = view.readings.link(from, to).map(LinkReading::total);
    let total = total.unwrap_or_default();
    let row = |ui: &mut Ui, title: &str, rate: f64, colour| {
        let (value, unit) = format::rate(rate);
        figure_row(ui, title, &[], &value, unit, colour);
    };
    row(ui, "Calls", total.total(), None);
    row(ui, "Saved by a retry", total.retried, None);
    let failed = (total.failed > 0.0).then_some(palette.failed);
    row(ui, "Failed", total.failed, failed);
    let link = view
        .snapshot
        .links
        .iter()
        .find(|link| link.from == from && link.to == to);
    if let Some(link) = link {
        let (value, unit) = format::bytes(link.bytes as f64);
        figure_row(ui, "Sent so far", &[], &value, unit, None);
    }
}

/// Returns the row of what is lost.
fn sessions(ui: &mut Ui, view: &View) -> egui::Response {
    let sessions = &view.snapshot.sessions;
    let live = format::grouped(sessions.live);
    figure_row(ui, "Sessions live", &[], &live, "", None);
    if revokes(view) {
        let (time, unit) = sessions.exposure.map_or_else(
            || (format::UNKNOWN.to_owned(), ""),
            |exposure| format::time(exposure.secs()),
        );
        figure_row(ui, "Revoked, good for", &[], &time, unit, None);
        let let_in = format::grouped(sessions.revoked_accepted);
        figure_row(ui, "Let in with one", &[], &let_in, "ops", None);
    }
    let lost = format::loss_text(sessions.lost);
    let colour = (sessions.lost > 0).then_some(theme::palette(ui).lost);
    figure_row(ui, "Sessions lost", &[], &lost, "", colour)
}

/// Whether credentials are revoked at all.
fn revokes(view: &View) -> bool {
    let revokes = |node: &Node| match node {
        Node::Clients(clients) => clients.revocations.0 > 0.0 || clients.stolen.0 > 0.0,
        _ => false,
    };
    view.topology.nodes.values().any(revokes)
}

fn percentile(pane: &Pane, which: usize) -> (String, &'static str) {
    pane.percentiles.map_or_else(
        || (format::UNKNOWN.to_owned(), ""),
        |p| format::time(p[which]),
    )
}

/// The course of a figure over the past that the charts show.
fn series(ui: &Ui, view: &View, figure: impl Fn(&Interval) -> Option<f64>) -> Vec<f32> {
    let window = TimeWindow::shared(ui.ctx());
    let past = (view.history.end().secs() - window.from).clamp(0.1, window.span());
    view.history
        .series(Duration::from_secs(past), POINTS, figure)
}
