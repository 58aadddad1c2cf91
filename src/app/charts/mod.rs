//! The time surface: schedule, throughput, response time, losses on one axis.
//!
//! The past is data, the future hatched. It follows the present until it is dragged or zoomed; the pointer reads all lanes
//! at one instant, which the inspector's charts share.

mod data;
mod lanes;
mod track;
mod twin;
mod window;

pub use window::TimeWindow;

use egui::{
    Align2, Color32, CursorIcon, Key, Painter, Rangef, Rect, Response, Role, Sense, Shape, Stroke,
    Ui, WidgetInfo, pos2, vec2,
};
use egui_plot::PlotPoint;

use super::action::Action;
use super::events::Event;
use super::format;
use super::state::View;
use super::theme::{self, Palette, Weight, radius, size, stroke};
use super::widgets::{Button, Hatch, hatch, loss_text, paint_text};
use crate::model::Command;
use crate::sim::snapshot::{Interval, NodeInterval, Status};
use crate::units::Duration;
use data::Reduced;
use lanes::{Decades, Losses, Scale};

/// Height of the track with events, and of the axis under the lanes.
pub const TRACK: f32 = 24.0;
/// See [`TRACK`].
pub const AXIS: f32 = 16.0;
/// Width of the gutter with titles at the left, and of the one with values at the right.
const TITLES: f32 = 124.0;
const VALUES: f32 = 112.0;
/// Values of the present and events are told afresh this often, in seconds of the reader's time.
const REFRESH_S: f64 = 0.2;

/// The charts: the span of time they show, and what they keep of what was drawn.
#[derive(Debug, Default)]
pub struct Charts {
    reduced: Reduced,
    throughput: Scale,
    decades: Decades,
    told: Told,
    /// Whether the pointer was over the charts at the last frame.
    pointed: bool,
}

/// Texts that are made a few times a second.
#[derive(Debug, Default)]
struct Told {
    at: Option<(f64, u64)>,
    past: Vec<Event>,
    future: Vec<Event>,
    cuts: Vec<f64>,
    /// From a fault until it was noticed, in seconds.
    bands: Vec<(f64, f64)>,
    readout: Readout,
    without: Option<twin::Words>,
}

/// Values at an instant, in the gutter at the right.
#[derive(Clone, Debug, Default, PartialEq)]
struct Readout {
    throughput: String,
    failing: String,
    fails: bool,
    percentiles: Option<[String; 3]>,
    lost_sessions: u64,
    lost_writes: u64,
}

impl Readout {
    fn rates(&mut self, [completed, failed]: [f64; 2]) {
        self.throughput = format::joined(format::rate(completed));
        self.failing = format!("{} failing", format::number(failed));
        self.fails = failed > 0.0;
    }
}

/// How the room is divided.
struct Places {
    whole: Rect,
    track: Rect,
    lanes: [Rect; 3],
    across: Rangef,
    bottom: f32,
}

impl Places {
    fn new(whole: Rect) -> Self {
        let track = whole.with_max_y(whole.top() + TRACK);
        let height = ((whole.height() - TRACK - AXIS) / 3.0).floor().max(24.0);
        let lane = |i: f32| {
            let top = track.bottom() + i * height;
            Rect::from_x_y_ranges(whole.x_range(), top..=top + height)
        };
        let lanes = [lane(0.0), lane(1.0), lane(2.0)];
        let right = (whole.right() - VALUES).max(whole.left() + TITLES + 1.0);
        Self {
            whole,
            track,
            lanes,
            across: Rangef::new(whole.left() + TITLES, right),
            bottom: lanes[2].bottom(),
        }
    }

    /// Where a lane's data is drawn.
    fn inner(&self, lane: usize) -> Rect {
        Rect::from_x_y_ranges(self.across, self.lanes[lane].y_range())
    }

    /// Where the data of all lanes is drawn.
    fn data(&self) -> Rect {
        Rect::from_x_y_ranges(self.across, self.track.bottom()..=self.bottom)
    }
}

impl Charts {
    /// Shows them in all the room there is; returns what was asked for.
    pub fn ui(&mut self, ui: &mut Ui, view: &View) -> Vec<Action> {
        let mut actions = Vec::new();
        let palette = theme::palette(ui);
        let (whole, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
        let places = Places::new(whole);
        let mut window = TimeWindow::shared(ui.ctx());
        let response = self.interact(ui, &places, &mut window, view, &mut actions);
        window.follow(view);
        window.share(ui.ctx());

        self.tell(ui, view, &window);
        self.reduced
            .update(view.history, &window, places.across.span(), &self.told.cuts);
        self.fit(&window);

        self.paint_ground(ui, &places, &window, view, palette);
        let losses = Losses::fit(view.snapshot.sessions.lost.max(view.snapshot.writes.lost));
        self.paint_marks(ui, &places, losses, palette);
        lanes::throughput(
            ui,
            places.inner(0),
            &window,
            self.throughput.top,
            &self.reduced,
            palette,
        );
        lanes::response_time(
            ui,
            places.inner(1),
            &window,
            self.decades,
            &self.reduced,
            palette,
        );
        lanes::lost(ui, places.inner(2), &window, losses, &self.reduced, palette);
        track::show(
            ui,
            places.track,
            places.bottom,
            places.across,
            &window,
            (&self.told.past, &self.told.future),
        );
        if let Some(words) = &self.told.without {
            words.paint(ui.painter(), &places, &window, palette);
        }
        paint_present(ui.painter(), &places, &window, view, palette);

        let readout = match view.cursor {
            Some(cursor) => {
                self.paint_cursor(ui.painter(), &places, &window, cursor.secs(), palette);
                self.readout_at(cursor.secs())
            }
            None => self.told.readout.clone(),
        };
        paint_readout(ui.painter(), &places, &readout, palette);
        name(&response, &readout, self.told.without.as_ref(), view);
        if !window.follows {
            show_follow(ui, &places, palette);
        }
        actions
    }

    /// Dragging, zooming, reading.
    fn interact(
        &mut self,
        ui: &Ui,
        places: &Places,
        window: &mut TimeWindow,
        view: &View,
        actions: &mut Vec<Action>,
    ) -> Response {
        let response = ui
            .interact(
                places.data().with_max_y(places.whole.bottom()),
                ui.scope_id().with("time surface"),
                Sense::click_and_drag(),
            )
            .on_hover_cursor(CursorIcon::Crosshair);
        if response.dragged() {
            let seconds = -f64::from(response.drag_delta().x / places.across.span().max(1.0));
            if seconds != 0.0 {
                window.pan(seconds * window.span());
            }
        }
        if response.double_clicked() {
            window.reset();
        }
        if response.has_focus() {
            ui.input(|input| {
                let step = window.span() / 10.0;
                if input.key_pressed(Key::ArrowLeft) {
                    window.pan(-step);
                }
                if input.key_pressed(Key::ArrowRight) {
                    window.pan(step);
                }
                if input.key_pressed(Key::End) {
                    window.reset();
                }
            });
        }
        let pointer = response.hover_pos();
        if let Some(pointer) = pointer {
            let (scroll, zoom) =
                ui.input(|input| (input.smooth_scroll_delta, f64::from(input.zoom_delta())));
            let factor = libm::exp(-f64::from(scroll.y) * 0.004) / zoom;
            if (factor - 1.0).abs() > 1e-6 {
                // While it follows, the present keeps its place.
                let around = if window.follows {
                    view.snapshot.now.secs()
                } else {
                    window.seconds(pointer.x, places.across)
                };
                window.zoom(factor, around);
            }
            if scroll.x != 0.0 {
                let share = -f64::from(scroll.x / places.across.span().max(1.0));
                window.pan(share * window.span());
            }
            let instant = window.seconds(pointer.x, places.across);
            let past = instant <= view.history.end().secs();
            let cursor = past.then(|| Duration::from_secs(instant.max(0.0)));
            if cursor != view.cursor {
                actions.push(Action::SetCursor(cursor));
            }
        } else if self.pointed && view.cursor.is_some() {
            actions.push(Action::SetCursor(None));
        }
        self.pointed = pointer.is_some();
        response
    }

    /// Makes texts and events afresh, a few times a second or when something happened.
    fn tell(&mut self, ui: &Ui, view: &View, window: &TimeWindow) {
        let now = ui.input(|input| input.time);
        let changes = view.history.happened();
        let reset = self.told.cuts.len() > view.snapshot.faults.len();
        if let Some((at, seen)) = self.told.at
            && (0.0..REFRESH_S).contains(&(now - at))
            && seen == changes
            && !reset
        {
            return;
        }
        let (past, future) = track::events(view);
        self.told = Told {
            at: Some((now, changes)),
            past,
            future,
            cuts: view.snapshot.faults.iter().map(|f| f.at.secs()).collect(),
            bands: bands(view),
            readout: readout_now(view, window),
            without: twin::Words::of(view),
        };
    }

    fn fit(&mut self, window: &TimeWindow) {
        let visible = self
            .reduced
            .parts
            .iter()
            .filter(|part| part.to >= window.from && part.from <= window.to);
        let most = visible
            .map(|part| {
                let without = part.without.map_or(0.0, |without| without.rate);
                part.rates.iter().sum::<f64>().max(without)
            })
            .fold(0.0, f64::max);
        if most > 0.0 {
            self.throughput.fit(most);
        } else if self.throughput.top == 0.0 {
            self.throughput.fit(1.0);
        }
        self.decades.fit(&self.reduced, window);
    }

    /// What lies under the data: the future, spans of failure, the grid of time, the borders of lanes.
    fn paint_ground(
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
    fn paint_marks(&self, ui: &Ui, places: &Places, losses: Losses, palette: &Palette) {
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
            &format::number(mark),
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
            &format::grouped(mark),
            palette.hair,
            palette,
        );
    }

    fn readout_at(&self, seconds: f64) -> Readout {
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

    fn paint_cursor(
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

/// The last second, or the last part of the charts where that is longer.
fn readout_now(view: &View, window: &TimeWindow) -> Readout {
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

/// The last moments as one interval: as long as the readings' memory.
pub fn recent(view: &View) -> Option<Interval> {
    let speed = view.speed_got.unwrap_or(view.speed).clamp(0.1, 1000.0);
    view.history.latest(Duration::from_secs(2.5 * speed))
}

fn texts(percentiles: [f64; 3]) -> [String; 3] {
    percentiles.map(|seconds| format::joined(format::time(seconds)))
}

/// From each fault that kills or hangs until it was noticed; until now while it has not been.
fn bands(view: &View) -> Vec<(f64, f64)> {
    let faults = view.snapshot.faults.iter();
    faults
        .filter_map(|fault| {
            let (Command::Crash(node, number)
            | Command::LoseMachine(node, number)
            | Command::Hang(node, number)) = &fault.command
            else {
                return None;
            };
            let from = fault.at.secs();
            if let Some(after) = fault.detected {
                return Some((from, from + after.secs()));
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

fn paint_future(painter: &Painter, future: Rect, palette: &Palette) {
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

fn paint_present(
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
fn paint_instant(painter: &Painter, x: f32, places: &Places, text: &str, palette: &Palette) {
    let font = theme::font(size::SMALL, Weight::Medium);
    let galley = painter.layout_no_wrap(text.to_owned(), font, palette.on_ink);
    let half = galley.size().x / 2.0 + 5.0;
    let x = x.clamp(places.across.min + half, places.across.max - half);
    let centre = pos2(x, places.bottom + AXIS / 2.0);
    let chip = Rect::from_center_size(centre, vec2(half * 2.0, AXIS));
    painter.rect_filled(chip, radius::TAG, palette.text);
    painter.galley(centre - galley.size() / 2.0, galley, palette.on_ink);
}

fn paint_readout(painter: &Painter, places: &Places, readout: &Readout, palette: &Palette) {
    let right = places.whole.right() - 12.0;
    let left = places.across.max + 8.0;
    let put = |x: f32, y: f32, anchor: Align2, text: &str, size: f32, weight, colour| {
        paint_text(painter, pos2(x, y), anchor, text, size, weight, colour);
    };
    let [throughput, response_time, lost] = &places.lanes;
    let (first, second, third) = (14.0, 30.0, 45.0);
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
        let ends = [pos2(left, y), pos2(left + 14.0, y)];
        let line = Stroke::new(2.0, palette.lost);
        if dashed {
            painter.extend(Shape::dashed_line(&ends, line, 4.0, 3.0));
        } else {
            painter.line_segment(ends, line);
        }
        label_at(painter, left + 18.0, y, what, palette.text3);
        strong(y, &loss_text(count), colour);
    }
}

fn label_at(painter: &Painter, x: f32, y: f32, text: &str, colour: Color32) {
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

/// What a screen reader says of the charts.
fn name(response: &Response, readout: &Readout, without: Option<&twin::Words>, view: &View) {
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

/// The way back to the present, while the charts do not follow it.
fn show_follow(ui: &mut Ui, places: &Places, palette: &Palette) {
    let place = Rect::from_min_size(
        pos2(places.across.max + 4.0, places.track.top() + 1.0),
        vec2(VALUES - 8.0, TRACK - 2.0),
    );
    ui.painter().rect_filled(place, 0.0, palette.panel);
    let button = Button::plain("Follow")
        .tooltip("Shows the present again and moves along with it")
        .height(TRACK - 2.0);
    let follow = ui.scope_builder(
        egui::UiBuilder::new()
            .max_rect(place)
            .layout(egui::Layout::right_to_left(egui::Align::Center)),
        |ui| ui.add(button).clicked(),
    );
    if follow.inner {
        let mut window = TimeWindow::shared(ui.ctx());
        window.reset();
        window.share(ui.ctx());
    }
}

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
    /// Shows it over the whole width, with `now` as the present value; returns the cursor that is asked for, if the
    /// pointer is over it.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        view: &View,
        node: &str,
        figure: NodeFigure,
        now: f64,
    ) -> Option<Duration> {
        let NodeFigure { title, top, .. } = figure;
        let palette = theme::palette(ui);
        let wanted = vec2(ui.available_width(), 60.0);
        let (rect, response) = ui.allocate_exact_size(wanted, Sense::hover());
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
        let pointer = response.hover_pos().filter(|pos| place.contains(*pos))?;
        let seconds = window.seconds(pointer.x, across);
        (seconds <= view.history.end().secs()).then(|| Duration::from_secs(seconds.max(0.0)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::{Sample, picture};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    #[test]
    fn pictures() {
        for dark in [true, false] {
            let sample = Sample::new();
            let mut charts = Charts::default();
            picture("charts", vec2(1000.0, 178.0), dark, |ui| {
                charts.ui(ui, &sample.view());
            });
            let mut sample = Sample::new();
            sample.cursor = Some(Duration::from_secs(62.5));
            let mut charts = Charts::default();
            picture("charts-cursor", vec2(1140.0, 238.0), dark, |ui| {
                charts.ui(ui, &sample.view());
            });
        }
    }

    struct State {
        sample: Sample,
        charts: Charts,
        actions: Vec<Action>,
    }

    fn harness<'a>() -> Harness<'a, State> {
        let state = State {
            sample: Sample::new(),
            charts: Charts::default(),
            actions: Vec::new(),
        };
        Harness::builder()
            .with_size(vec2(1000.0, 178.0))
            .with_context_setup(|ctx| theme::install(ctx, theme::Settings::default()))
            .build_ui_state(
                |ui, state: &mut State| {
                    let actions = state.charts.ui(ui, &state.sample.view());
                    state.actions.extend(actions);
                },
                state,
            )
    }

    #[test]
    fn the_pointer_reads_an_instant() {
        let mut harness = harness();
        harness.run();
        harness.get_by_label_contains("Now: throughput ");
        harness.hover_at(pos2(400.0, 60.0));
        harness.step();
        harness.step();
        let Some(Action::SetCursor(Some(cursor))) = harness.state().actions.last().cloned() else {
            panic!("no cursor: {:?}", harness.state().actions);
        };
        assert!((50.0..56.0).contains(&cursor.secs()), "{cursor}");
        harness.state_mut().sample.cursor = Some(cursor);
        harness.run();
        harness.get_by_label_contains("At 5");
        harness.remove_cursor();
        harness.run();
        let last = harness.state().actions.last().cloned();
        assert_eq!(last, Some(Action::SetCursor(None)));
    }

    #[test]
    fn a_drag_moves_the_past_into_view_and_follow_brings_the_present_back() {
        let mut harness = harness();
        harness.run();
        assert!(harness.query_by_label("Follow").is_none());
        harness.drag_at(pos2(400.0, 60.0));
        harness.step();
        harness.hover_at(pos2(700.0, 60.0));
        harness.step();
        harness.drop_at(pos2(700.0, 60.0));
        harness.run();
        let window = TimeWindow::shared(&harness.ctx);
        assert!(!window.follows && window.from < 25.0, "{window:?}");
        harness.get_by_label("Follow").click();
        harness.run();
        assert!(TimeWindow::shared(&harness.ctx).follows);
    }

    #[test]
    fn nothing_yet_is_drawn_without_harm() {
        let mut sample = Sample::new();
        sample.history.clear();
        sample.snapshot = crate::sim::snapshot::Snapshot::default();
        let mut charts = Charts::default();
        picture("charts-empty", vec2(300.0, 60.0), true, |ui| {
            charts.ui(ui, &sample.view());
        });
    }
}
