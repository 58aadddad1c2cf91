//! A small chart of one figure of a node, for the inspector.

use egui::{Align2, Rect, Response, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use egui_plot::PlotPoint;

use super::ground::paint_future;
use super::lanes::{self, Scale};
use super::window::TimeWindow;
use crate::app::run::state::View;
use crate::app::theme::{self, Weight, radius, size, stroke};
use crate::app::widgets::paint_text;
use crate::app::words::format;
use crate::sim::snapshot::{Interval, NodeInterval};
use crate::units::Duration;

/// A figure of a node that [`NodeChart`] draws.
#[derive(Clone, Copy, Debug)]
pub struct NodeFigure {
    /// Its name, for people.
    pub title: &'static str,
    /// The top of the scale, if that is fixed.
    pub top: Option<f64>,
    /// Where it is found.
    pub value: fn(&NodeInterval) -> f64,
    /// How a value is written.
    pub tell: fn(f64) -> String,
}

/// A small chart of one figure of a node, over the same axis of time and with the same cursor, for the inspector.
#[derive(Debug, Default)]
pub struct NodeChart {
    scale: Scale,
    points: Vec<PlotPoint>,
    key: Option<(u64, String, [u64; 2])>,
}

impl NodeChart {
    /// Shows it over the whole width, with `now` as the present value; returns what can be clicked, and the cursor that is
    /// asked for, if the pointer is over it.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        view: &View,
        node: &str,
        figure: NodeFigure,
        now: f64,
    ) -> (Response, Option<Duration>) {
        let NodeFigure { title, top, .. } = figure;
        let palette = theme::palette(ui);
        let wanted = vec2(ui.available_width(), 60.0);
        let (rect, response) = ui.allocate_exact_size(wanted, Sense::click());
        let place = Rect::from_x_y_ranges(rect.x_range(), rect.top() + 26.0..=rect.bottom() - 2.0);
        let window = TimeWindow::shared(ui.ctx());
        self.update(view, node, &window, place.width(), figure.value);
        let most = self.points.iter().map(|p| p.y).fold(0.0, f64::max);
        self.scale.fit(top.map_or(most.max(1.0), |top| top / 1.15));
        let across = place.x_range();

        let painter = ui.painter();
        painter.rect(
            place,
            radius::TAG,
            palette.canvas,
            Stroke::new(stroke::HAIR, palette.hair),
            egui::StrokeKind::Inside,
        );
        let present = window.x(view.snapshot.now.secs(), across);
        if across.contains(present) {
            paint_future(painter, place.shrink(1.0).with_min_x(present), palette);
        }
        let points = self.points.clone();
        let line = lanes::line(points, palette.text2, stroke::FOCUS).fill(0.0);
        let top = self.scale.top;
        lanes::plot(ui, title, place.shrink(1.0), &window, (0.0, top), |plot| {
            plot.line(line.fill_alpha(0.12));
        });

        let value_at = |seconds: f64| {
            let at = self.points.partition_point(|p| p.x < seconds);
            self.points.get(at).map(|p| p.y)
        };
        let value = view
            .cursor
            .map_or(Some(now), |cursor| value_at(cursor.secs()));
        let text = value.map_or_else(|| format::UNKNOWN.to_owned(), figure.tell);
        if let Some(cursor) = view.cursor {
            let x = window.x(cursor.secs(), across);
            if across.contains(x) {
                let line = Stroke::new(stroke::HAIR, palette.text2);
                ui.painter().vline(x, place.y_range(), line);
            }
        }
        for (x, anchor, text, weight, colour) in [
            (
                rect.left(),
                Align2::LEFT_CENTER,
                title,
                Weight::Regular,
                palette.text2,
            ),
            (
                rect.right(),
                Align2::RIGHT_CENTER,
                &*text,
                Weight::Semibold,
                palette.text,
            ),
        ] {
            let at = pos2(x, rect.top() + 15.0);
            paint_text(ui.painter(), at, anchor, text, size::BODY, weight, colour);
        }
        response.widget_info(|| {
            WidgetInfo::labeled(Role::Canvas, true, format!("{title} of {node}: {text}"))
        });
        let pointer = response.hover_pos().filter(|pos| place.contains(*pos));
        let seconds = pointer.map(|pointer| window.seconds(pointer.x, across));
        let past = seconds.filter(|seconds| *seconds <= view.history.end().secs());
        let cursor = past.map(|seconds| Duration::from_secs(seconds.max(0.0)));
        (response, cursor)
    }

    fn update(
        &mut self,
        view: &View,
        node: &str,
        window: &TimeWindow,
        pixels: f32,
        value: fn(&NodeInterval) -> f64,
    ) {
        let ns = |seconds: f64| Duration::from_secs(seconds.max(0.0)).0;
        let key = [ns(window.from), ns(window.to)];
        let changes = view.history.changes();
        if let Some((seen, name, span)) = &self.key
            && *seen == changes
            && name == node
            && *span == key
        {
            return;
        }
        self.key = Some((changes, node.to_owned(), key));
        // Two points a pixel column at most, each the mean of its intervals.
        let width = (window.span() / f64::from(pixels.max(1.0)) * 2.0).max(1e-9);
        let place = |interval: &Interval| (interval.to.secs() / width) as u64;
        let intervals = view.history.between(Duration(key[0]), Duration(key[1]));
        self.points.clear();
        for group in intervals.chunk_by(|a, b| place(a) == place(b)) {
            let (mut sum, mut length) = (0.0, 0.0);
            for interval in group {
                if let Some(node) = interval.nodes.iter().find(|n| n.name == node) {
                    let weight = (interval.to.0 - interval.from.0) as f64;
                    sum += value(node) * weight;
                    length += weight;
                }
            }
            if let (true, Some(last)) = (length > 0.0, group.last()) {
                self.points
                    .push(PlotPoint::new(last.to.secs(), sum / length));
            }
        }
    }
}
