//! The gestures on the schedule: a click adds, a drag or an arrow moves, Enter or a double click opens, Delete takes out.
//!
//! Each is one change of the document. What has happened stays; nothing is moved to before now.

mod adding;
mod moving;

use egui::{Context, Id, Key, Pos2, Response, Ui, pos2};

use super::form::Form;
use super::lay::Lay;
use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::panes::schedule;
use crate::app::run::state::View;
use crate::app::widgets::{menu_header, menu_item, menu_separator};
use crate::app::words::format;
use crate::model::Timed;
use crate::units::Duration;
use adding::Adding;
use moving::{Drag, least};

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
            let (icon, name) = crate::app::words::events::imperative(timed.command());
            let at = view.schedule.get(place).copied().unwrap_or_default();
            menu_header(
                ui,
                &crate::app::words::spoken::capitalised(&name),
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
}
