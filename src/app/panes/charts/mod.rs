//! The time surface: schedule, throughput, response time, losses on one axis.
//!
//! The past is data, the future hatched. It follows the present until it is dragged or zoomed; the pointer reads all lanes
//! at one instant, which the inspector's charts share.

mod broken;
mod data;
mod form;
mod ground;
mod lanes;
mod lay;
mod node;
mod picture;
mod places;
mod plan;
mod readout;
mod track;
mod twin;
mod window;

pub use node::{NodeChart, NodeFigure};
pub use picture::picture;
pub use plan::{holds_focus, open_event, takes_escape};
pub use window::TimeWindow;

use egui::{CursorIcon, Key, Rect, Response, Sense, Ui, pos2, vec2};

use crate::app::action::Action;
use crate::app::run::state::View;
use crate::app::theme::{self, Palette};
use crate::app::widgets::Button;
use crate::units::Duration;
use data::Reduced;
use ground::{bands, paint_present};
use lanes::{Decades, Losses, Scale};
use lay::Lay;
use places::{Places, VALUES};
use plan::Plan;
use readout::{Readout, name, paint_readout, readout_now};
use track::Past;

/// Height of the track with events, and of the axis under the lanes.
pub const TRACK: f32 = 24.0;
/// See [`TRACK`].
pub const AXIS: f32 = 16.0;
/// Values of the present and events are told afresh this often, in seconds of the reader's time.
const REFRESH_S: f64 = 0.2;

/// The charts: the span of time they show, and what they keep of what was drawn.
#[derive(Debug, Default)]
pub struct Charts {
    reduced: Reduced,
    throughput: Scale,
    decades: Decades,
    told: Told,
    plan: Plan,
    /// Whether the pointer was over the charts at the last frame.
    pointed: bool,
    /// They are drawn for a picture: there is nothing to click.
    alone: bool,
}

/// Texts that are made a few times a second.
#[derive(Debug, Default)]
struct Told {
    at: Option<(f64, u64)>,
    past: Vec<Past>,
    cuts: Vec<f64>,
    /// From a fault until it was noticed, in seconds.
    bands: Vec<(f64, f64)>,
    readout: Readout,
    without: Option<twin::Words>,
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
        // While something is held, the axis stands.
        if !self.plan.is_dragging() {
            window.follow(view);
        }
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
        let lay = Lay {
            track: places.track,
            bottom: places.bottom,
            across: places.across,
            window: &window,
        };
        track::show(ui, lay, &self.told.past, view, &mut self.plan, &mut actions);
        if let Some(words) = &self.told.without {
            words.paint(ui.painter(), &places, &window, palette);
        }
        paint_present(ui.painter(), &places, &window, view, palette);
        broken::show(ui, &places, &window, view);

        let readout = match view.cursor {
            Some(cursor) => {
                self.paint_cursor(ui.painter(), &places, &window, cursor.secs(), palette);
                self.readout_at(cursor.secs())
            }
            None => self.told.readout.clone(),
        };
        paint_readout(ui.painter(), &places, &readout, palette);
        actions.extend(readout::promise_ui(ui, &places, &readout, view));
        name(&response, &readout, self.told.without.as_ref(), view);
        if !window.follows && !self.alone {
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
        let changes = view.history.happened() + view.topology.scenario.len() as u64;
        let reset = self.told.cuts.len() > view.snapshot.faults.len();
        if let Some((at, seen)) = self.told.at
            && (0.0..REFRESH_S).contains(&(now - at))
            && seen == changes
            && !reset
        {
            return;
        }
        let past = track::past(view);
        self.told = Told {
            at: Some((now, changes)),
            past,
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
        // The axis shows from 0 s to a little behind the restart at 82 s.
        assert!((30.0..36.0).contains(&cursor.secs()), "{cursor}");
        harness.state_mut().sample.cursor = Some(cursor);
        harness.run();
        harness.get_by_label_contains("At 3");
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
