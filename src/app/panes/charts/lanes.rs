//! The lanes: each one plot over the shared axis of time, without decorations of its own.

use egui::{Align2, Color32, Painter, Rangef, Rect, Stroke, Ui, UiBuilder, pos2, vec2};
use egui_plot::{FilledArea, Line, LineStyle, Plot, PlotPoint, PlotUi};

use super::data::{Part, Reduced};
use super::window::TimeWindow;
use crate::app::theme::{Palette, Weight, size, stroke};
use crate::app::widgets::paint_text;
use crate::app::words::format;

/// Shows what `draw` adds over the shared axis of time, from `bottom` to `top`, in exactly `rect`.
pub fn plot<'a>(
    ui: &mut Ui,
    name: &'static str,
    rect: Rect,
    window: &TimeWindow,
    (bottom, top): (f64, f64),
    draw: impl FnOnce(&mut PlotUi<'a>) + 'a,
) {
    let (from, to) = (window.from, window.to);
    ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt(name), |ui| {
        Plot::new(name)
            .width(rect.width())
            .height(rect.height())
            .show_axes(false)
            .show_grid(false)
            .show_background(false)
            .show_x(false)
            .show_y(false)
            .show_crosshair(false)
            .allow_drag(false)
            .allow_zoom(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .allow_axis_zoom_drag(false)
            .allow_double_click_reset(false)
            .label_formatter(|_| None)
            .sense(egui::Sense::hover())
            .show(ui, move |plot| {
                plot.set_plot_bounds_x(from..=to);
                plot.set_plot_bounds_y(bottom..=top);
                draw(plot);
            });
    });
}

/// A line without a name or a hover of its own.
pub fn line<'a>(points: Vec<PlotPoint>, colour: Color32, width: f32) -> Line<'a> {
    Line::new("", egui_plot::PlotPoints::Owned(points))
        .stroke(Stroke::new(width, colour))
        .allow_band(false)
        .allow_hover(false)
}

/// What would have been, as dots of that radius.
fn dots<'a>(points: Vec<PlotPoint>, colour: Color32, radius: f32) -> Line<'a> {
    line(points, colour, radius).style(LineStyle::Dotted { spacing: 3.6 })
}

/// The scale of a lane: moves only when what it shows no longer fits or fills too little of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scale {
    /// The greatest value shown.
    pub top: f64,
}

impl Scale {
    /// Fits `most` into the scale.
    pub fn fit(&mut self, most: f64) {
        if most > self.top * 0.97 || most < self.top * 0.55 {
            self.top = most * 1.15;
        }
        if !(self.top.is_finite() && self.top > 0.0) {
            self.top = 1.0;
        }
    }

    /// A round number in the upper part of the scale, to be marked.
    pub fn mark(&self) -> f64 {
        let power = libm::pow(10.0, libm::log10(self.top).floor());
        let marks = [8.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0].map(|step| step * power);
        marks
            .into_iter()
            .find(|mark| *mark <= self.top * 0.92)
            .unwrap_or(power)
    }
}

/// The logarithmic scale of response times, in decades of seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decades {
    /// Logarithm of the least and of the greatest time shown.
    pub low: f64,
    /// See `low`.
    pub high: f64,
}

impl Default for Decades {
    fn default() -> Self {
        Self {
            low: -2.3,
            high: -0.3,
        }
    }
}

impl Decades {
    /// Fits what is drawn: the least of the medians and the greatest of the tails.
    pub fn fit(&mut self, reduced: &Reduced, window: &TimeWindow) {
        let visible = reduced
            .parts
            .iter()
            .filter(|part| part.to >= window.from && part.from <= window.to)
            .filter_map(|part| part.percentiles);
        let bounds = visible.fold(None, |bounds: Option<(f64, f64)>, p| {
            let (low, high) = bounds.unwrap_or((f64::MAX, 0.0));
            Some((low.min(p[0]), high.max(p[2])))
        });
        let Some((low, high)) = bounds else { return };
        let (low, high) = (Self::y(low), Self::y(high));
        let fits = low >= self.low && high <= self.high;
        let fills = high - low > (self.high - self.low) * 0.4;
        if !(fits && fills) {
            // At least one and a half decades, so that noise does not look like news.
            let spare = (1.5 - (high - low)).max(0.0) / 2.0;
            self.low = low - 0.2 - spare;
            self.high = high + 0.2 + spare;
        }
    }

    /// Where a time in seconds lies.
    pub fn y(seconds: f64) -> f64 {
        libm::log10(seconds.max(1e-9))
    }

    /// The powers of ten in view: where they lie, and their text, in milliseconds up to the second.
    pub fn marks(&self) -> Vec<(f64, String)> {
        let (first, last) = (self.low.ceil() as i32, self.high.floor() as i32);
        (first..=last)
            .map(|power| {
                let text = if power < 0 {
                    format::number(libm::pow(10.0, f64::from(power + 3)))
                } else {
                    format!("{} s", format::mark(libm::pow(10.0, f64::from(power))))
                };
                (f64::from(power), text)
            })
            .collect()
    }
}

/// The logarithmic scale of losses, with 0 at the bottom.
#[derive(Clone, Copy, Debug)]
pub struct Losses {
    /// Decades above 1.
    decades: f64,
}

impl Losses {
    /// Fits the greatest loss.
    pub fn fit(most: u64) -> Self {
        let decades = libm::log10(most.max(1) as f64).ceil().max(3.0);
        Self { decades }
    }

    /// Where a count lies, from 0 to 1.
    pub fn y(self, count: u64) -> f64 {
        if count == 0 {
            0.0
        } else {
            (libm::log10(count as f64) + 0.25) / (self.decades + 0.25)
        }
    }

    /// A power of ten to be marked.
    pub fn mark(self) -> u64 {
        libm::pow(10.0, (self.decades - 1.0).floor()) as u64
    }
}

/// Operations a second by outcome, stacked: completed pale with a line, what needed a retry and what failed solid.
pub fn throughput(
    ui: &mut Ui,
    rect: Rect,
    window: &TimeWindow,
    top: f64,
    reduced: &Reduced,
    palette: &Palette,
) {
    let points: Vec<(f64, [f64; 3])> = reduced
        .points()
        .map(|(x, part)| {
            let [completed, retried, failed] = part.rates;
            (
                x,
                [completed, completed + retried, completed + retried + failed],
            )
        })
        .collect();
    let xs: Vec<f64> = points.iter().map(|(x, _)| *x).collect();
    let ys = |i: usize| -> Vec<f64> { points.iter().map(|(_, y)| y[i]).collect() };
    let zero = vec![0.0; xs.len()];
    let (completed, retried, failed) = (ys(0), ys(1), ys(2));
    let area = move |xs: &[f64], low: &[f64], high: &[f64], colour: Color32| {
        FilledArea::new("", xs, low, high)
            .fill_color(colour)
            .allow_hover(false)
    };
    let edges = reduced.lines(|part| Some(part.rates[0]));
    let without = reduced.lines_without(|without| Some(without.rate));
    plot(ui, "throughput", rect, window, (0.0, top), |plot| {
        let pale = palette.completed.gamma_multiply(0.26);
        plot.add(area(&xs, &zero, &completed, pale));
        plot.add(area(
            &xs,
            &completed,
            &retried,
            palette.slow.gamma_multiply(0.92),
        ));
        plot.add(area(
            &xs,
            &retried,
            &failed,
            palette.failed.gamma_multiply(0.92),
        ));
        for edge in edges {
            plot.line(line(edge, palette.completed, stroke::FOCUS));
        }
        for points in without {
            // A halo keeps the dots apart from what failed.
            plot.line(dots(points.clone(), palette.panel, 1.8));
            plot.line(dots(points, palette.text, 0.85));
        }
    });
}

/// Percentiles of response times: the more of the tail, the more ink.
pub fn response_time(
    ui: &mut Ui,
    rect: Rect,
    window: &TimeWindow,
    decades: Decades,
    reduced: &Reduced,
    palette: &Palette,
) {
    let inks = [
        (palette.text3, stroke::FOCUS),
        (palette.text2, stroke::FOCUS),
        (palette.text, 2.0),
    ];
    plot(
        ui,
        "response time",
        rect,
        window,
        (decades.low, decades.high),
        |plot| {
            for (which, (colour, width)) in inks.into_iter().enumerate() {
                let figure = |part: &Part| part.percentiles.map(|p| Decades::y(p[which]));
                for points in reduced.lines(figure) {
                    plot.line(line(points, colour, width));
                }
            }
            for points in reduced.lines_without(|without| without.p99.map(Decades::y)) {
                plot.line(dots(points, palette.text, 0.85));
            }
        },
    );
}

/// Losses since the start, as steps: sessions solid over a tint, writes dashed.
pub fn lost(
    ui: &mut Ui,
    rect: Rect,
    window: &TimeWindow,
    scale: Losses,
    reduced: &Reduced,
    palette: &Palette,
) {
    let steps = |count: fn(&(f64, u64, u64)) -> u64| -> Vec<PlotPoint> {
        let mut points: Vec<PlotPoint> = Vec::new();
        for loss in &reduced.losses {
            let y = scale.y(count(loss));
            let before = points.last().map(|last| last.y);
            points.extend(before.map(|before| PlotPoint::new(loss.0, before)));
            // A point twice would have no direction.
            if before != Some(y) {
                points.push(PlotPoint::new(loss.0, y));
            }
        }
        points
    };
    let (writes, sessions) = (steps(|loss| loss.1), steps(|loss| loss.2));
    let any_writes = reduced.losses.iter().any(|loss| loss.1 > 0);
    // The tint lies under whichever is higher.
    let higher = steps(|loss| loss.1.max(loss.2));
    let (xs, high): (Vec<f64>, Vec<f64>) = higher.iter().map(|point| (point.x, point.y)).unzip();
    let zero = vec![0.0; xs.len()];
    plot(ui, "lost", rect, window, (-0.05, 1.1), |plot| {
        plot.add(
            FilledArea::new("", &xs, &zero, &high)
                .fill_color(palette.lost_tint)
                .allow_hover(false),
        );
        plot.line(line(sessions, palette.lost, 2.0));
        if any_writes {
            plot.line(line(writes, palette.lost, 2.0).style(LineStyle::Dashed { length: 4.0 }));
        }
    });
}

/// A mark on the value axis: its text in the gutter, and a faint dotted line.
pub fn paint_mark(
    painter: &Painter,
    across: Rangef,
    y: f32,
    text: &str,
    colour: Color32,
    palette: &Palette,
) {
    let dots = [pos2(across.min, y), pos2(across.max, y)];
    painter.extend(egui::Shape::dashed_line(
        &dots,
        Stroke::new(stroke::HAIR, colour),
        2.0,
        3.0,
    ));
    paint_text(
        painter,
        pos2(across.min - 6.0, y),
        Align2::RIGHT_CENTER,
        text,
        size::SMALL,
        Weight::Regular,
        palette.text3,
    );
}

/// Title and unit of a lane, in the gutter at its left.
pub fn paint_title(painter: &Painter, lane: Rect, title: &str, unit: &str, palette: &Palette) {
    let at = lane.left_top() + vec2(12.0, 6.0_f32.min((lane.height() - 16.0) / 2.0));
    paint_text(
        painter,
        at,
        Align2::LEFT_TOP,
        title,
        12.0,
        Weight::Medium,
        palette.text,
    );
    if lane.height() < 36.0 {
        return;
    }
    paint_text(
        painter,
        at + vec2(0.0, 16.0),
        Align2::LEFT_TOP,
        unit,
        size::SMALL,
        Weight::Regular,
        palette.text3,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_hold_still_while_what_they_show_fits() {
        let mut scale = Scale::default();
        scale.fit(400.0);
        let top = scale.top;
        scale.fit(430.0);
        scale.fit(350.0);
        assert_eq!(scale.top, top);
        assert_eq!(scale.mark(), 400.0);
        scale.fit(4000.0);
        assert!(scale.top > 4000.0);
        scale.fit(0.0);
        assert_eq!(scale.top, 1.0);
    }

    #[test]
    fn losses_have_their_zero_at_the_bottom() {
        let losses = Losses::fit(512);
        assert_eq!(losses.y(0), 0.0);
        assert!(losses.y(1) > 0.0 && losses.y(512) < 1.0);
        assert_eq!(losses.mark(), 100);
        assert!(Losses::fit(u64::MAX).y(u64::MAX) <= 1.0);
    }
}
