//! Values at an instant, in the gutter at the right, and what a screen reader says of the charts.

use egui::{
    Align2, Color32, Painter, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2,
};

use super::twin;
use super::window::TimeWindow;
use super::{Charts, Places};
use crate::app::action::Action;
use crate::app::panes::promising;
use crate::app::panes::verdicts::Kind;
use crate::app::run::state::View;
use crate::app::theme::{self, Palette, Weight, radius, size, stroke};
use crate::app::widgets::paint_text;
use crate::app::words::format;
use crate::app::words::format::loss_text;
use crate::units::Duration;

/// Values at an instant, in the gutter at the right.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Readout {
    throughput: String,
    failing: String,
    fails: bool,
    percentiles: Option<[String; 3]>,
    lost_sessions: u64,
    lost_writes: u64,
}

impl Readout {
    pub(super) fn rates(&mut self, [completed, failed]: [f64; 2]) {
        self.throughput = format::joined(format::rate(completed));
        self.failing = format!("{} failing", format::number(failed));
        self.fails = failed > 0.0;
    }
}

impl Charts {
    pub(super) fn readout_at(&self, seconds: f64) -> Readout {
        let (lost_writes, lost_sessions) = self.reduced.lost_by(seconds);
        let mut readout = Readout {
            throughput: format::UNKNOWN.to_owned(),
            lost_writes,
            lost_sessions,
            ..Readout::default()
        };
        if let Some(part) = self.reduced.at(seconds) {
            let [completed, retried, failed] = part.rates;
            readout.rates([completed + retried, failed]);
            readout.percentiles = part.percentiles.map(texts);
        }
        readout
    }
}

/// The last second, or the last part of the charts where that is longer.
pub(super) fn readout_now(view: &View, window: &TimeWindow) -> Readout {
    let mut readout = Readout {
        throughput: format::UNKNOWN.to_owned(),
        lost_sessions: view.snapshot.sessions.lost,
        lost_writes: view.snapshot.writes.lost,
        ..Readout::default()
    };
    let span = Duration::from_secs((window.span() / 200.0).max(1.0));
    if let Some(last) = view.history.latest(span) {
        let length = Duration(last.to.0 - last.from.0).secs();
        let rates = [last.completed + last.retried, last.failed].map(|n| n as f64 / length);
        readout.rates(rates);
        readout.percentiles = last.percentiles.map(texts);
    }
    readout
}

pub(super) fn texts(percentiles: [f64; 3]) -> [String; 3] {
    percentiles.map(|seconds| format::joined(format::time(seconds)))
}

pub(super) fn paint_readout(
    painter: &Painter,
    places: &Places,
    readout: &Readout,
    palette: &Palette,
) {
    let right = places.whole.right() - 12.0;
    let left = places.across.max + 8.0;
    let put = |x: f32, y: f32, anchor: Align2, text: &str, size: f32, weight, colour| {
        paint_text(painter, pos2(x, y), anchor, text, size, weight, colour);
    };
    let [throughput, response_time, lost] = &places.lanes;
    let (first, second) = rows(throughput);
    let third = 45.0;
    let small = |y: f32, text: &str, colour: Color32| {
        put(
            right,
            y,
            Align2::RIGHT_CENTER,
            text,
            size::SMALL,
            Weight::Regular,
            colour,
        );
    };
    let strong = |y: f32, text: &str, colour: Color32| {
        put(
            right,
            y,
            Align2::RIGHT_CENTER,
            text,
            size::BODY,
            Weight::Semibold,
            colour,
        );
    };
    let label = |y: f32, text: &str, colour: Color32| {
        put(
            left,
            y,
            Align2::LEFT_CENTER,
            text,
            size::SMALL,
            Weight::Regular,
            colour,
        );
    };

    strong(throughput.top() + first, &readout.throughput, palette.text);
    let failing = if readout.fails {
        palette.failed
    } else {
        palette.text3
    };
    small(throughput.top() + second, &readout.failing, failing);

    let top = response_time.top();
    let unknown = [(); 3].map(|()| format::UNKNOWN.to_owned());
    let [p50, p95, p99] = readout.percentiles.as_ref().unwrap_or(&unknown);
    label(top + first, "p99", palette.text);
    strong(top + first, p99, palette.text);
    label(top + second, "p95", palette.text2);
    small(top + second, p95, palette.text2);
    if response_time.height() >= 56.0 {
        label(top + third, "p50", palette.text3);
        small(top + third, p50, palette.text3);
    }

    for (y, what, count, dashed) in [
        (lost.top() + first, "sess.", readout.lost_sessions, false),
        (
            lost.top() + second + 1.0,
            "writes",
            readout.lost_writes,
            true,
        ),
    ] {
        let colour = if count > 0 {
            palette.lost
        } else {
            palette.text3
        };
        let (text, points, sampled) = lost_text(painter, count, what, right - left);
        if sampled {
            let ends = [pos2(left, y), pos2(left + SAMPLE, y)];
            let line = Stroke::new(2.0, palette.lost);
            if dashed {
                painter.extend(Shape::dashed_line(&ends, line, 4.0, 3.0));
            } else {
                painter.line_segment(ends, line);
            }
        }
        let word = if sampled { left + SAMPLE + 4.0 } else { left };
        label_at(painter, word, y, what, palette.text3);
        put(
            right,
            y,
            Align2::RIGHT_CENTER,
            &text,
            points,
            Weight::Semibold,
            colour,
        );
    }
}

/// How far below the top of a lane its two values are, closer where it is low.
fn rows(lane: &Rect) -> (f32, f32) {
    let height = lane.height();
    ((height * 0.305).min(14.0), (height * 0.74).min(30.0))
}

/// A sample of a line, before the word for what it shows.
const SAMPLE: f32 = 14.0;

/// How a loss is written beside its word in so much room: the figure in full as long as it can be, smaller or without
/// the sample of its line before it is rounded.
fn lost_text(painter: &Painter, count: u64, what: &str, room: f32) -> (String, f32, bool) {
    let width = |text: &str, points: f32, weight| {
        let font = theme::font(points, weight);
        let text = text.to_owned();
        painter
            .layout_no_wrap(text, font, Color32::PLACEHOLDER)
            .size()
            .x
    };
    let free = room - width(what, size::SMALL, Weight::Regular) - 4.0;
    let sampled = free - SAMPLE - 4.0;
    let full = loss_text(count);
    for (points, free, has_sample) in [
        (size::BODY, sampled, true),
        (size::SMALL, sampled, true),
        (size::SMALL, free, false),
    ] {
        if width(&full, points, Weight::Semibold) <= free {
            return (full, points, has_sample);
        }
    }
    let rounded = format!("\u{2212}{}", format::number(count as f64));
    (rounded, size::SMALL, true)
}

pub(super) fn label_at(painter: &Painter, x: f32, y: f32, text: &str, colour: Color32) {
    paint_text(
        painter,
        pos2(x, y),
        Align2::LEFT_CENTER,
        text,
        size::SMALL,
        Weight::Regular,
        colour,
    );
}

/// Figures that can be promised have a menu that does it.
pub(super) fn promise_ui(
    ui: &Ui,
    places: &Places,
    readout: &Readout,
    view: &View,
) -> Option<Action> {
    let left = places.across.max + 4.0;
    let right = places.whole.right() - 4.0;
    let [throughput, response_time, lost] = &places.lanes;
    let (first, second) = rows(throughput);
    let unknown = format::UNKNOWN.to_owned();
    let p99 = readout.percentiles.as_ref().map_or(&unknown, |p| &p[2]);
    let row = |lane: &Rect, y: f32| {
        let half = 8.0_f32.min((second - first) / 2.0);
        Rect::from_x_y_ranges(left..=right, lane.top() + y - half..=lane.top() + y + half)
    };
    let figures = [
        (
            Kind::Availability,
            row(throughput, second),
            readout.failing.clone(),
        ),
        (Kind::P99, row(response_time, first), format!("p99 {p99}")),
        (
            Kind::LostSessions,
            row(lost, first),
            format!("sessions {}", loss_text(readout.lost_sessions)),
        ),
        (
            Kind::LostWrites,
            row(lost, second + 1.0),
            format!("writes {}", loss_text(readout.lost_writes)),
        ),
    ];
    let mut asked = None;
    for (kind, place, text) in figures {
        let id = ui.scope_id().with(("figure", kind.name()));
        let response = ui.interact(place, id, Sense::click());
        let text = format!("Figure: {text}");
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &text));
        if response.hovered() || response.has_focus() {
            let ring = Stroke::new(stroke::HAIR, theme::palette(ui).edge);
            let inside = egui::StrokeKind::Inside;
            ui.painter().rect_stroke(place, radius::TAG, ring, inside);
        }
        asked = promising::menu_of(&response, kind, view).or(asked);
    }
    asked
}

/// What a screen reader says of the charts.
pub(super) fn name(
    response: &Response,
    readout: &Readout,
    without: Option<&twin::Words>,
    view: &View,
) {
    response.widget_info(|| {
        let when = match view.cursor {
            Some(cursor) => format!("At {}", format::instant(cursor)),
            None => "Now".to_owned(),
        };
        let percentiles = readout.percentiles.as_ref().map_or_else(String::new, |p| {
            format!("response time p50 {}, p95 {}, p99 {}, ", p[0], p[1], p[2])
        });
        let lost = format!(
            "{} and {} lost",
            format::counted(readout.lost_sessions, "session", "sessions"),
            format::counted(readout.lost_writes, "write", "writes")
        );
        let without = without.map_or_else(String::new, |words| {
            format!(". Latest: {}", words.sentence())
        });
        let text = format!(
            "Charts. {when}: throughput {}, {}, {percentiles}{lost}{without}",
            readout.throughput, readout.failing
        );
        WidgetInfo::labeled(Role::Canvas, true, text)
    });
}
