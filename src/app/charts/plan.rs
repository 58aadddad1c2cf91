//! The gestures on the schedule: a click adds, a drag or an arrow moves, Enter or a double click opens, Delete takes out.
//!
//! Each is one change of the document. What has happened stays; nothing is moved to before now.

use egui::{
    Align2, Context, EventFilter, Id, Key, LayerId, Order, Popup, PopupAnchor, PopupCloseBehavior,
    Pos2, Rect, RectAlign, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::form::Form;
use super::track::{Lay, paint_dashed_disc};
use crate::app::action::Action;
use crate::app::format;
use crate::app::icons::Icon;
use crate::app::schedule;
use crate::app::state::View;
use crate::app::theme::{self, Weight, radius, size, stroke};
use crate::app::widgets::{menu_header, menu_item, menu_separator, paint_text};
use crate::model::Timed;
use crate::units::Duration;

/// Events are placed on multiples of this, in seconds, unless Alt is down; on less where the axis shows less.
const SNAP_S: f64 = 0.5;

/// What of an event is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// All of it.
    Whole,
    /// Its earliest time.
    Begin,
    /// Its latest time.
    End,
}

/// Events that are being moved, by the pointer or by keys.
#[derive(Clone, Debug)]
struct Drag {
    places: Vec<usize>,
    part: Part,
    /// The instant under the pointer when it began; `None`: by keys.
    grabbed: Option<f64>,
    /// How far, in seconds.
    by: f64,
    /// No earlier than this.
    least: Duration,
}

/// The menu of what can be added, while it is open.
#[derive(Clone, Copy, Debug)]
struct Adding {
    at: Duration,
    place: Pos2,
}

/// What is going on with the schedule.
#[derive(Debug, Default)]
pub struct Plan {
    drag: Option<Drag>,
    adding: Option<Adding>,
    form: Option<Form>,
    /// This event takes the keyboard once it is there.
    focus: Option<usize>,
    /// An event has the keyboard.
    focused: Option<Id>,
    /// An event could come here, or is about to.
    would: Option<Duration>,
}

/// Where it is kept which event has the keyboard.
fn focus_key() -> Id {
    Id::unique("event of the schedule")
}

/// Whether an event of the schedule has the keyboard: then Delete is its.
pub fn holds_focus(ctx: &Context) -> bool {
    let event: Option<Id> = ctx.data(|data| data.get_temp(focus_key()));
    event.is_some() && ctx.memory(egui::Memory::focused) == event
}

/// Whether Esc is the schedule's: it closes the form, or lets go of what is held.
pub fn takes_escape(ctx: &Context) -> bool {
    ctx.data(|data| data.get_temp(escape_key())) == Some(true)
}

/// Opens the form of the event at this place of the scenario, from elsewhere in the window.
pub fn open_event(ctx: &Context, place: usize) {
    ctx.data_mut(|data| data.insert_temp(open_key(), place));
}

fn open_key() -> Id {
    Id::unique("event of the schedule to open")
}

fn escape_key() -> Id {
    Id::unique("esc of the schedule")
}

/// When an event happens as it is.
pub fn began(view: &View, place: usize) -> Duration {
    view.schedule.get(place).copied().unwrap_or_default()
}

impl Plan {
    /// The identity of an event's mark.
    pub fn id_of(ui: &Ui, place: usize) -> Id {
        ui.scope_id().with(("event", place))
    }

    /// Whether something is being moved: then the axis stands.
    pub fn is_dragging(&self) -> bool {
        self.drag.is_some()
    }

    /// Whether this event is being moved.
    pub fn drags(&self, place: usize) -> bool {
        self.drag
            .as_ref()
            .is_some_and(|drag| drag.places.contains(&place))
    }

    /// An event as it is shown: as it would be if what is held were let go.
    pub fn shown(&self, view: &View, place: usize) -> Timed {
        let timed = &view.topology.scenario[place];
        match &self.drag {
            Some(drag) if drag.places.contains(&place) => drag.moved(timed),
            _ => timed.clone(),
        }
    }

    /// When it would happen.
    pub fn instant(&self, view: &View, place: usize) -> Duration {
        let at = began(view, place);
        if !self.drags(place) {
            return at;
        }
        match (&view.topology.scenario[place], self.shown(view, place)) {
            (Timed::Between(from, to, _), Timed::Between(begin, end, _)) => {
                // The seed draws the same share of another span.
                let share = (at.0.saturating_sub(from.0)) as f64 / (to.0 - from.0).max(1) as f64;
                let length = end.0.saturating_sub(begin.0) as f64;
                Duration(begin.0 + (share * length) as u64)
            }
            (_, shown) => shown.earliest(),
        }
    }

    /// Lets go of what is no longer there, before the marks of a frame.
    pub fn begin(&mut self, ui: &Ui, lay: Lay, view: &View) {
        self.would = None;
        let there = |place: &usize| {
            *place < view.topology.scenario.len() && schedule::is_ahead(view, *place)
        };
        let cancelled = ui.input(|input| input.key_pressed(Key::Escape));
        if let Some(drag) = &self.drag
            && (cancelled || !drag.places.iter().all(there))
        {
            self.drag = None;
        }
        if let Some(drag) = &mut self.drag {
            drag.least = least(lay, view, ui);
        }
        self.focused = None;
        let asked = ui
            .ctx()
            .data_mut(|data| data.remove_temp::<usize>(open_key()));
        if let Some(place) = asked.filter(|place| *place < view.topology.scenario.len()) {
            let across = lay.across;
            let x = lay.x(began(view, place)).clamp(across.min, across.max);
            self.open(place, pos2(x, lay.track.top()));
        }
    }

    /// The empty track: a click where nothing is yet adds an event there.
    pub fn ground_ui(&mut self, ui: &mut Ui, lay: Lay, view: &View, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        let now = lay.x(view.snapshot.now).max(lay.across.min);
        let area = Rect::from_x_y_ranges(lay.across, lay.track.y_range());
        let id = ui.scope_id().with("schedule");
        let response = ui.interact(area, id, Sense::click());
        let count = view.topology.scenario.len() as u64;
        let next = schedule::next(view).map_or_else(String::new, |(place, at)| {
            let name = crate::app::events::imperative(view.topology.scenario[place].command()).1;
            format!(", next {name} at {}", format::instant(at))
        });
        let text = format!(
            "Schedule: {}{next}",
            format::counted(count, "event", "events")
        );
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &text));
        ui.ctx().accesskit_node_builder(id, |node| {
            node.set_description("Enter adds an event");
        });
        if response.has_focus() {
            let ring = Stroke::new(stroke::FOCUS, palette.text);
            ui.painter().rect_stroke(
                area.shrink(1.0),
                radius::TAG,
                ring,
                egui::StrokeKind::Inside,
            );
        }
        let by_key = response.clicked() && !response.clicked_by(egui::PointerButton::Primary);
        if by_key {
            let at = snapped(
                lay,
                view.snapshot.now.secs() + lay.window.span() / 12.0,
                false,
            );
            self.adding = Some(Adding {
                at: Duration::from_secs(at).max(least(lay, view, ui)),
                place: pos2(lay.window.x(at, lay.across), lay.track.top()),
            });
        }
        let free = response.hover_pos().filter(|pos| {
            let near = |place: usize| {
                let at = lay.x(view.schedule[place]);
                let reach = match &view.topology.scenario[place] {
                    Timed::At(..) => egui::Rangef::point(at),
                    Timed::Between(from, to, _) => egui::Rangef::new(lay.x(*from), lay.x(*to)),
                };
                reach.expand(18.0).contains(pos.x)
            };
            pos.x > now && !schedule::ahead(view).any(near)
        });
        if let Some(pos) = free.filter(|_| self.drag.is_none() && self.adding.is_none()) {
            let free_hand = ui.input(|input| input.modifiers.alt);
            let seconds = snapped(lay, lay.window.seconds(pos.x, lay.across), free_hand);
            let at = Duration::from_secs(seconds.max(0.0)).max(least(lay, view, ui));
            self.would = Some(at);
            paint_tip(
                ui,
                pos2(lay.x(at), lay.track.top() - 3.0),
                &format::instant(at),
            );
            if response.clicked() {
                self.adding = Some(Adding {
                    at,
                    place: pos2(lay.x(at), lay.track.top()),
                });
            }
        }
        if response.clicked() && self.adding.is_some() {
            Popup::open_id(ui.ctx(), id.with("menu"));
        }
        self.menu_ui(ui, id, view, actions);
    }

    /// Paints where an event would come, over the words of others.
    pub fn paint_would(&self, ui: &Ui, lay: Lay) {
        if let Some(at) = self.would {
            paint_place(ui, lay, at);
        }
    }

    fn menu_ui(&mut self, ui: &Ui, of: Id, view: &View, actions: &mut Vec<Action>) {
        let Some(Adding { at, place }) = self.adding else {
            return;
        };
        let id = of.with("menu");
        if !Popup::is_id_open(ui.ctx(), id) {
            self.adding = None;
            return;
        }
        self.would = Some(at);
        let when = format::instant(at);
        Popup::new(
            id,
            ui.ctx().clone(),
            PopupAnchor::Position(place),
            ui.layer_id(),
        )
        .kind(egui::PopupKind::Menu)
        .open_memory(None)
        .align(RectAlign::TOP_START)
        .close_behavior(PopupCloseBehavior::CloseOnClick)
        .anchor_widget(of)
        .accessible_name(format!("What happens at {when}"))
        .show(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            menu_header(ui, &format!("At {when}"), "");
            let offers = schedule::offers(view, at);
            if offers.is_empty() {
                let text = "Nothing can be planned for this: select a service or a store";
                ui.label(text);
            }
            for offer in offers {
                if menu_item(ui, Some(offer.icon), &offer.text, "").clicked() {
                    ui.close();
                    self.focus = Some(view.topology.scenario.len());
                    actions.push(schedule::added(view, at, offer.command));
                }
            }
        });
    }

    /// What pointer and keys do with an event or one end of its span.
    #[allow(clippy::too_many_arguments)]
    pub fn gestures(
        &mut self,
        ui: &Ui,
        lay: Lay,
        response: &Response,
        places: &[usize],
        part: Part,
        view: &View,
        actions: &mut Vec<Action>,
    ) {
        if self.focus.is_some_and(|place| places.contains(&place)) && part == Part::Whole {
            self.focus = None;
            response.request_focus();
        }
        self.pointer(ui, lay, response, places, part, view, actions);
        if response.clicked_by(egui::PointerButton::Primary) {
            response.request_focus();
        }
        let by_key = response.clicked() && !response.clicked_by(egui::PointerButton::Primary);
        if response.double_clicked() || by_key {
            self.open(
                places[0],
                pos2(lay.x(began(view, places[0])), lay.track.top()),
            );
        }
        if response.has_focus() {
            self.focused = Some(response.id);
            self.keys(ui, lay, response, places, part, view, actions);
        }
        if part == Part::Whole {
            response.context_menu(|ui| self.context_ui(ui, lay, places, view, actions));
        }
    }

    /// What is done with events that have happened: they are opened and taken out, for the next run, and not moved.
    /// `has_menu`: whether they have no other one.
    #[allow(clippy::too_many_arguments)]
    pub fn over_gestures(
        &mut self,
        ui: &Ui,
        lay: Lay,
        response: &Response,
        places: &[usize],
        has_menu: bool,
        view: &View,
        actions: &mut Vec<Action>,
    ) {
        let Some(&first) = places.first() else { return };
        let by_key = response.clicked() && !response.clicked_by(egui::PointerButton::Primary);
        if response.clicked_by(egui::PointerButton::Primary) {
            response.request_focus();
        }
        if has_menu {
            if response.double_clicked() || by_key {
                self.open(first, pos2(lay.x(began(view, first)), lay.track.top()));
            }
            response.context_menu(|ui| self.context_ui(ui, lay, places, view, actions));
        }
        if response.has_focus() {
            self.focused = Some(response.id);
            if ui.input(|i| i.key_pressed(Key::Delete) || i.key_pressed(Key::Backspace)) {
                actions.push(schedule::removed(view, places));
            }
        }
    }

    fn open(&mut self, place: usize, at: Pos2) {
        self.form = Some(Form::new(place, at));
    }

    #[allow(clippy::too_many_arguments)]
    fn pointer(
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
    fn let_go(&mut self, view: &View, actions: &mut Vec<Action>) {
        let Some(drag) = self.drag.take() else { return };
        let scenario = &view.topology.scenario;
        let moved: Vec<(usize, Timed)> = (drag.places.iter())
            .filter_map(|&place| Some((place, drag.moved(scenario.get(place)?))))
            .collect();
        actions.extend(schedule::moved(view, &moved));
    }

    #[allow(clippy::too_many_arguments)]
    fn keys(
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

    fn context_ui(
        &mut self,
        ui: &mut Ui,
        lay: Lay,
        places: &[usize],
        view: &View,
        actions: &mut Vec<Action>,
    ) {
        ui.spacing_mut().item_spacing.y = 0.0;
        for &place in places {
            let ahead = schedule::is_ahead(view, place);
            let Some(timed) = view.topology.scenario.get(place) else {
                continue;
            };
            let (icon, name) = crate::app::events::imperative(timed.command());
            let at = view.schedule.get(place).copied().unwrap_or_default();
            menu_header(
                ui,
                &crate::app::events::capitalised(&name),
                &format::instant(at),
            );
            if menu_item(ui, Some(icon), "Open", "Enter").clicked() {
                ui.close();
                self.open(place, pos2(lay.x(at), lay.track.top()));
            }
            let (words, other) = match timed {
                Timed::At(at, command) => {
                    let span = Duration::from_secs(at.secs() + 10.0);
                    (
                        "At a random instant",
                        Timed::Between(*at, span, command.clone()),
                    )
                }
                Timed::Between(_, _, command) => {
                    ("At a fixed instant", Timed::At(at, command.clone()))
                }
            };
            if ahead && menu_item(ui, Some(Icon::Clock), words, "").clicked() {
                ui.close();
                actions.extend(schedule::changed(view, place, other, &words.to_lowercase()));
            }
            if menu_item(ui, Some(Icon::Minus), "Take out", "Del").clicked() {
                ui.close();
                actions.push(schedule::removed(view, &[place]));
            }
            if places.len() > 1 {
                menu_separator(ui);
            }
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

impl Drag {
    /// The time of an event that is held.
    fn held(&self, timed: &Timed) -> Duration {
        match (self.part, timed) {
            (Part::End, Timed::Between(_, to, _)) => *to,
            _ => timed.earliest(),
        }
    }

    /// An event as it would be.
    fn moved(&self, timed: &Timed) -> Timed {
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

/// The least step between two places for events, in seconds.
fn snap_step(lay: Lay) -> f64 {
    lay.window.tick_step(lay.across, 4.0).min(SNAP_S)
}

fn snapped(lay: Lay, seconds: f64, free_hand: bool) -> f64 {
    if free_hand {
        return (seconds * 1000.0).round() / 1000.0;
    }
    let step = snap_step(lay);
    (seconds / step).round() * step
}

/// The earliest an event can be: the first place after now.
fn least(lay: Lay, view: &View, ui: &Ui) -> Duration {
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

/// Where an event would come: a dashed disc with a plus, and a dotted line.
fn paint_place(ui: &Ui, lay: Lay, at: Duration) {
    let palette = theme::palette(ui);
    let x = lay.x(at);
    let centre = pos2(x, lay.track.top() + 11.0);
    let painter = ui.painter();
    paint_dashed_disc(painter, centre, palette);
    Icon::Plus.paint_stroked(painter, centre, 11.0, 1.2, palette.text);
    let ends = [pos2(x, lay.track.top() + 20.0), pos2(x, lay.bottom)];
    painter.extend(Shape::dotted_line(&ends, palette.text2, 4.0, 0.7));
}

/// An instant on an ink plate, its lower edge at a point.
fn paint_tip(ui: &Ui, at: Pos2, text: &str) {
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
