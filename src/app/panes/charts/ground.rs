//! What lies under and over the data of all lanes: the future, the grid of time, the present, the pointer.

use egui::{Align2, Color32, Painter, Rangef, Rect, Shape, Stroke, Ui, pos2, vec2};

use super::lanes::{self, Decades, Losses};
use super::window::TimeWindow;
use super::{AXIS, Charts, Places};
use crate::app::run::state::View;
use crate::app::theme::{self, Palette, Weight, radius, size, stroke};
use crate::app::widgets::{Hatch, hatch, paint_text};
use crate::app::words::format;
use crate::model::Command;
use crate::sim::snapshot::Status;
use crate::units::Duration;

impl Charts {
    /// What lies under the data: the future, spans of failure, the grid of time, the borders of lanes.
    pub(super) fn paint_ground(
        &self,
        ui: &Ui,
        places: &Places,
        window: &TimeWindow,
        view: &View,
        palette: &Palette,
    ) {
        let painter = ui.painter();
        let data = places.data();
        let x = |seconds: f64| {
            window
                .x(seconds, places.across)
                .clamp(data.left(), data.right())
        };
        let future = data.with_min_x(x(view.snapshot.now.secs()));
        paint_future(painter, future, palette);
        for (from, to) in &self.told.bands {
            let band = Rect::from_x_y_ranges(x(*from)..=x(*to), data.y_range());
            if band.width() > 0.0 {
                painter.rect_filled(band, 0.0, palette.failed.gamma_multiply(0.10));
            }
        }
        let hair = Stroke::new(stroke::HAIR, palette.hair);
        let step = window.tick_step(places.across, 70.0);
        let first = (window.from / step).ceil() as i64;
        let last = (window.to / step).floor() as i64;
        for i in first..=last.min(first + 200) {
            let seconds = i as f64 * step;
            let x = window.x(seconds, places.across);
            let faint = Stroke::new(stroke::HAIR, palette.hair.gamma_multiply(0.6));
            painter.vline(x, data.y_range(), faint);
            paint_text(
                painter,
                pos2(x, places.bottom + AXIS / 2.0 + 1.0),
                Align2::CENTER_CENTER,
                &format::tick(seconds, step),
                size::SMALL,
                Weight::Regular,
                palette.text3,
            );
        }
        for lane in &places.lanes {
            painter.hline(lane.x_range(), lane.top(), hair);
        }
        painter.hline(places.whole.x_range(), places.bottom, hair);
    }

    /// Titles and marks of the lanes' scales.
    pub(super) fn paint_marks(&self, ui: &Ui, places: &Places, losses: Losses, palette: &Palette) {
        let painter = ui.painter();
        let [throughput, response_time, lost] = &places.lanes;
        lanes::paint_title(painter, *throughput, "Throughput", "operations/s", palette);
        lanes::paint_title(painter, *response_time, "Response time", "ms, log", palette);
        lanes::paint_title(painter, *lost, "Lost", "cumulative, log", palette);
        let y = |lane: Rect, share: f64| lane.bottom() - lane.height() * share as f32;
        let mark = self.throughput.mark();
        lanes::paint_mark(
            painter,
            places.across,
            y(*throughput, mark / self.throughput.top),
            &format::mark(mark),
            palette.text3.gamma_multiply(0.5),
            palette,
        );
        let Decades { low, high } = self.decades;
        let mut above = f32::MAX;
        for (at, text) in self.decades.marks() {
            let y = y(*response_time, (at - low) / (high - low));
            // Decades that lie closer than a line of text are not all named.
            let inside = y - 6.0 >= response_time.top() && y + 6.0 <= response_time.bottom();
            if inside && above - y >= 14.0 {
                above = y;
                lanes::paint_mark(painter, places.across, y, &text, palette.hair, palette);
            }
        }
        let mark = losses.mark();
        lanes::paint_mark(
            painter,
            places.across,
            y(*lost, (losses.y(mark) + 0.05) / 1.15),
            &format::mark(mark as f64),
            palette.hair,
            palette,
        );
    }

    pub(super) fn paint_cursor(
        &self,
        painter: &Painter,
        places: &Places,
        window: &TimeWindow,
        seconds: f64,
        palette: &Palette,
    ) {
        let x = window.x(seconds, places.across);
        if !places.across.contains(x) {
            return;
        }
        painter.vline(
            x,
            places.data().y_range(),
            Stroke::new(stroke::HAIR, palette.text2),
        );
        let text = format::instant(Duration::from_secs(seconds.max(0.0)));
        paint_instant(painter, x, places, &text, palette);
        if let Some(part) = self.reduced.at(seconds) {
            let dot = |lane: Rect, share: f64, colour: Color32| {
                let y = lane.bottom() - lane.height() * share as f32;
                painter.circle(
                    pos2(x, y),
                    3.0,
                    palette.panel,
                    Stroke::new(stroke::FOCUS, colour),
                );
            };
            dot(
                places.lanes[0],
                part.rates[0] / self.throughput.top,
                palette.completed,
            );
            if let Some(percentiles) = part.percentiles {
                let Decades { low, high } = self.decades;
                let share = (Decades::y(percentiles[2]) - low) / (high - low);
                dot(places.lanes[1], share, palette.text);
            }
        }
    }
}

/// From each fault until it was noticed; until now while one that kills or hangs has not been.
pub(super) fn bands(view: &View) -> Vec<(f64, f64)> {
    let faults = view.snapshot.faults.iter();
    faults
        .filter_map(|fault| {
            let from = fault.at.secs();
            let until = |after: Duration| (from, from + after.secs());
            let (node, number) = match &fault.command {
                Command::Crash(node, number)
                | Command::LoseMachine(node, number)
                | Command::Hang(node, number) => (node, number),
                Command::LoseZone(_)
                | Command::SlowInstance(..)
                | Command::Cut(_)
                | Command::CutOneWay(_)
                | Command::Slow(..)
                | Command::Lose(..) => return fault.detected.map(until),
                _ => return None,
            };
            if let Some(after) = fault.detected {
                return Some(until(after));
            }
            let instance = view
                .node(node)?
                .instances
                .iter()
                .find(|i| i.number == *number)?;
            let dead = instance.status.is_down() || instance.status == Status::Hung;
            // Where nobody watches, nothing is ever noticed: the span would only grow.
            (dead && instance.in_rotation).then(|| (from, view.snapshot.now.secs()))
        })
        .collect()
}

pub(super) fn paint_future(painter: &Painter, future: Rect, palette: &Palette) {
    if future.width() < 1.0 {
        return;
    }
    let outline = [
        future.left_top(),
        future.right_top(),
        future.right_bottom(),
        future.left_bottom(),
    ];
    let stripes = Hatch {
        pitch: 8.0,
        width: 1.0,
        colour: palette.hair,
    };
    // Anchored to the window's right side, the stripes stand while the present moves over them.
    painter.add(hatch(
        &outline,
        future.right_bottom(),
        stripes,
        painter.pixels_per_point(),
    ));
}

pub(super) fn paint_present(
    painter: &Painter,
    places: &Places,
    window: &TimeWindow,
    view: &View,
    palette: &Palette,
) {
    let x = window.x(view.snapshot.now.secs(), places.across);
    if !places.across.contains(x) {
        return;
    }
    let top = places.track.bottom();
    painter.vline(
        x,
        Rangef::new(top - 2.0, places.bottom),
        Stroke::new(2.0, palette.text),
    );
    let head = vec![
        pos2(x - 5.0, top - 4.0),
        pos2(x + 5.0, top - 4.0),
        pos2(x, top + 2.0),
    ];
    painter.add(Shape::convex_polygon(head, palette.text, Stroke::NONE));
}

/// A chip with an instant, on the axis.
pub(super) fn paint_instant(
    painter: &Painter,
    x: f32,
    places: &Places,
    text: &str,
    palette: &Palette,
) {
    let font = theme::font(size::SMALL, Weight::Medium);
    let galley = painter.layout_no_wrap(text.to_owned(), font, palette.on_ink);
    let half = galley.size().x / 2.0 + 5.0;
    let x = x.clamp(places.across.min + half, places.across.max - half);
    let centre = pos2(x, places.bottom + AXIS / 2.0);
    let chip = Rect::from_center_size(centre, vec2(half * 2.0, AXIS));
    painter.rect_filled(chip, radius::TAG, palette.text);
    painter.galley(centre - galley.size() / 2.0, galley, palette.on_ink);
}
