//! Events are moved: by the pointer or by arrows, whole or at one end of their span.

use egui::{Align2, EventFilter, Id, Key, LayerId, Order, Pos2, Rect, Response, Ui, pos2, vec2};

use super::{Part, Plan, escape_key, focus_key};
use crate::app::action::Action;
use crate::app::panes::charts::lay::Lay;
use crate::app::panes::schedule;
use crate::app::run::state::View;
use crate::app::theme::{self, Weight, radius, size};
use crate::app::widgets::paint_text;
use crate::app::words::format;
use crate::model::Timed;
use crate::units::Duration;

/// Events are placed on multiples of this, in seconds, unless Alt is down; on less where the axis shows less.
pub(super) const SNAP_S: f64 = 0.5;

/// Events that are being moved, by the pointer or by keys.
#[derive(Clone, Debug)]
pub(super) struct Drag {
    pub(super) places: Vec<usize>,
    pub(super) part: Part,
    /// The instant under the pointer when it began; `None`: by keys.
    pub(super) grabbed: Option<f64>,
    /// How far, in seconds.
    pub(super) by: f64,
    /// No earlier than this.
    pub(super) least: Duration,
}

impl Drag {
    /// The time of an event that is held.
    pub(super) fn held(&self, timed: &Timed) -> Duration {
        match (self.part, timed) {
            (Part::End, Timed::Between(_, to, _)) => *to,
            _ => timed.earliest(),
        }
    }

    /// An event as it would be.
    pub(super) fn moved(&self, timed: &Timed) -> Timed {
        let shift = |at: Duration| Duration::from_secs((at.secs() + self.by).max(0.0));
        match (self.part, timed) {
            (Part::Whole, _) | (_, Timed::At(..)) => schedule::shifted(timed, self.by, self.least),
            (Part::Begin, Timed::Between(from, to, command)) => {
                let begin = shift(*from).max(self.least).min(*to);
                Timed::Between(begin, *to, command.clone())
            }
            // What began before now could otherwise be drawn there.
            (Part::End, Timed::Between(from, to, command)) => {
                let begin = (*from).max(self.least);
                Timed::Between(begin, shift(*to).max(begin), command.clone())
            }
        }
    }
}

impl Plan {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn pointer(
        &mut self,
        ui: &Ui,
        lay: Lay,
        response: &Response,
        places: &[usize],
        part: Part,
        view: &View,
        actions: &mut Vec<Action>,
    ) {
        let seconds = |pos: Pos2| lay.window.seconds(pos.x, lay.across);
        if response.drag_started_by(egui::PointerButton::Primary) {
            let origin = ui.input(|input| input.pointer.press_origin());
            self.drag = origin.map(|origin| Drag {
                places: places.to_vec(),
                part,
                grabbed: Some(seconds(origin)),
                by: 0.0,
                least: least(lay, view, ui),
            });
        }
        let held = |drag: &&mut Drag| drag.places == places && drag.part == part;
        if let Some(drag) = self.drag.as_mut().filter(held)
            && let (Some(grabbed), Some(pos)) = (drag.grabbed, response.interact_pointer_pos())
        {
            let timed = &view.topology.scenario[places[0]];
            let begun = drag.held(timed).secs();
            let free_hand = ui.input(|input| input.modifiers.alt);
            drag.by = snapped(lay, begun + seconds(pos) - grabbed, free_hand) - begun;
            if response.drag_stopped() {
                self.let_go(view, actions);
            }
        }
    }

    /// What is held stays where it is now.
    pub(super) fn let_go(&mut self, view: &View, actions: &mut Vec<Action>) {
        let Some(drag) = self.drag.take() else { return };
        let scenario = &view.topology.scenario;
        let moved: Vec<(usize, Timed)> = (drag.places.iter())
            .filter_map(|&place| Some((place, drag.moved(scenario.get(place)?))))
            .collect();
        actions.extend(schedule::moved(view, &moved));
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn keys(
        &mut self,
        ui: &Ui,
        lay: Lay,
        response: &Response,
        places: &[usize],
        part: Part,
        view: &View,
        actions: &mut Vec<Action>,
    ) {
        let filter = EventFilter {
            horizontal_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let (left, right, held, delete, large) = ui.input(|input| {
            let pressed = |key| input.num_presses(key) as f64;
            (
                pressed(Key::ArrowLeft),
                pressed(Key::ArrowRight),
                input.key_down(Key::ArrowLeft) || input.key_down(Key::ArrowRight),
                input.key_pressed(Key::Delete) || input.key_pressed(Key::Backspace),
                input.modifiers.shift,
            )
        });
        if delete {
            self.focus = schedule::ahead(view).find(|place| !places.contains(place));
            actions.push(schedule::removed(view, places));
            return;
        }
        let step = snap_step(lay) * if large { 10.0 } else { 1.0 };
        let by = (right - left) * step;
        if by != 0.0 {
            let least = least(lay, view, ui);
            let drag = self.drag.get_or_insert_with(|| Drag {
                places: places.to_vec(),
                part,
                grabbed: None,
                by: 0.0,
                least,
            });
            drag.by += by;
        }
        // As long as the key is down it is one gesture.
        let by_keys = self
            .drag
            .as_ref()
            .is_some_and(|drag| drag.grabbed.is_none());
        if by_keys && !held {
            self.let_go(view, actions);
        }
    }

    /// What floats over the track: the time of what is held, and the form. Says which event has the keyboard.
    pub fn end(&mut self, ui: &Ui, lay: Lay, view: &View, actions: &mut Vec<Action>) {
        let focused = self.focused;
        ui.ctx().data_mut(|data| match focused {
            Some(id) => {
                data.insert_temp(focus_key(), id);
            }
            None => data.remove::<Id>(focus_key()),
        });
        // What is held is let go with the pointer, and with the keyboard's leaving.
        let left = self.drag.as_ref().is_some_and(|drag| match drag.grabbed {
            Some(_) => !ui.input(|input| input.pointer.any_down()),
            None => focused.is_none(),
        });
        if left {
            self.let_go(view, actions);
        }
        if let Some(drag) = &self.drag {
            let place = drag.places[0];
            let text = match self.shown(view, place) {
                Timed::At(at, _) => format::instant(at),
                Timed::Between(from, to, _) => {
                    format!("{} to {}", format::instant(from), format::instant(to))
                }
            };
            let x = match (drag.part, self.shown(view, place)) {
                (Part::Begin, Timed::Between(from, ..)) => lay.x(from),
                (Part::End, Timed::Between(_, to, _)) => lay.x(to),
                _ => lay.x(self.instant(view, place)),
            };
            paint_tip(ui, pos2(x, lay.track.top() - 3.0), &text);
        }
        if let Some(form) = &mut self.form
            && !form.show(ui, view, actions)
        {
            self.focus = Some(form.place());
            self.form = None;
        }
        let escape = self.form.is_some() || self.drag.is_some();
        ui.ctx()
            .data_mut(|data| data.insert_temp(escape_key(), escape));
        if let Some(place) = self.focus
            && place > view.topology.scenario.len()
        {
            self.focus = None;
        }
    }
}

/// The least step between two places for events, in seconds.
pub(super) fn snap_step(lay: Lay) -> f64 {
    lay.window.tick_step(lay.across, 4.0).min(SNAP_S)
}

pub(super) fn snapped(lay: Lay, seconds: f64, free_hand: bool) -> f64 {
    if free_hand {
        return (seconds * 1000.0).round() / 1000.0;
    }
    let step = snap_step(lay);
    (seconds / step).round() * step
}

/// The earliest an event can be: the first place after now.
pub(super) fn least(lay: Lay, view: &View, ui: &Ui) -> Duration {
    let now = view.snapshot.now;
    if now == Duration(0) {
        return now;
    }
    let step = if ui.input(|input| input.modifiers.alt) {
        0.001
    } else {
        snap_step(lay)
    };
    Duration::from_secs(((now.secs() / step).floor() + 1.0) * step)
}

/// An instant on an ink plate, its lower edge at a point.
pub(super) fn paint_tip(ui: &Ui, at: Pos2, text: &str) {
    let palette = theme::palette(ui);
    let layer = LayerId::new(Order::Tooltip, ui.scope_id().with("time tip"));
    let painter = ui.ctx().layer_painter(layer);
    let font = theme::font(size::SMALL, Weight::Semibold);
    let galley = painter.layout_no_wrap(text.to_owned(), font, palette.on_ink);
    let wanted = vec2(galley.size().x + 16.0, 20.0);
    let plate = Rect::from_min_size(at - vec2(wanted.x / 2.0, wanted.y), wanted);
    painter.rect_filled(plate, radius::CONTROL, palette.text);
    paint_text(
        &painter,
        plate.center(),
        Align2::CENTER_CENTER,
        text,
        size::SMALL,
        Weight::Semibold,
        palette.on_ink,
    );
}
