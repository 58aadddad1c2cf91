//! Cards are moved, and copied by moving: dragged with the pointer or nudged by arrows, one or all that are selected.

use egui::{
    CursorIcon, Event, EventFilter, Id, Key, PointerButton, Pos2, Rect, Response, Ui, Vec2, vec2,
};

use super::Canvas;
use super::guides::{self, Guide};
use super::scene::{Card, Scene};
use crate::app::action::{Action, Placed, Selection};
use crate::app::run::state::View;

/// How far an arrow key moves a card, in points at 100 %.
const NUDGE: f32 = 8.0;
/// How near to another card's edge what is dragged must come to snap to it, in points on the screen.
const SNAP: f32 = 5.0;

/// Cards that are being moved.
#[derive(Debug)]
pub(super) struct Drag {
    /// The one that was taken hold of.
    taken: String,
    /// All that move, and where they were.
    cards: Vec<(String, Rect)>,
    /// Where the pointer went down, in the world.
    pressed: Pos2,
    /// How far they are from there now.
    pub(super) by: Vec2,
    /// They stay, and copies of them move.
    pub(super) copies: bool,
    pub(super) guides: Vec<Guide>,
    /// After the drop: frames until the document must have moved them.
    dropped: Option<u32>,
}

impl Drag {
    /// Where a card is while it is dragged; none if it stays.
    pub(super) fn place(&self, name: &str) -> Option<Pos2> {
        let moved = self.cards.iter().find(|(moved, _)| moved == name);
        moved
            .filter(|_| !self.copies)
            .map(|(_, was)| was.min + self.by)
    }

    /// Whether a card is dragged along.
    pub(super) fn has(&self, name: &str) -> bool {
        self.cards.iter().any(|(moved, _)| moved == name)
    }

    /// Where copies would be, and of what.
    pub(super) fn ghosts(&self) -> impl Iterator<Item = (&str, Rect)> {
        let copied = self.cards.iter().filter(|_| self.copies);
        copied.map(|(name, was)| (name.as_str(), was.translate(self.by)))
    }

    /// Whether it still waits for the pointer.
    pub(super) fn is_held(&self) -> bool {
        self.dropped.is_none()
    }

    pub(super) fn rename(&mut self, names: &crate::model::Renaming) {
        names.name(&mut self.taken);
        for (name, _) in &mut self.cards {
            names.name(name);
        }
    }
}

/// How far the arrow keys that went down in this frame lead, and whether all of it is a key that is held on.
fn arrows(ui: &Ui) -> (Vec2, bool) {
    ui.input(|input| {
        let mut by = Vec2::ZERO;
        let mut held = true;
        for event in &input.events {
            let Event::Key {
                key,
                pressed: true,
                repeat,
                modifiers,
                ..
            } = event
            else {
                continue;
            };
            let way = match key {
                Key::ArrowLeft => vec2(-1.0, 0.0),
                Key::ArrowRight => vec2(1.0, 0.0),
                Key::ArrowUp => vec2(0.0, -1.0),
                Key::ArrowDown => vec2(0.0, 1.0),
                _ => continue,
            };
            by += way * NUDGE * if modifiers.shift { 4.0 } else { 1.0 };
            held &= repeat;
        }
        (by, held)
    })
}

/// A move, or more of the one before while a key is held.
fn nudged(places: Placed, held: bool) -> Action {
    if held {
        Action::MoveOn(places)
    } else {
        Action::Move(places)
    }
}

impl Canvas {
    /// Arrows move the card that has the keyboard, and what is selected with it.
    pub(super) fn nudge(
        &self,
        ui: &Ui,
        view: &View,
        scene: &Scene,
        card: &Card,
        id: Id,
        actions: &mut Vec<Action>,
    ) {
        // In a menu arrows go from entry to entry.
        let is_free = !self.has_menu();
        let filter = EventFilter {
            horizontal_arrows: is_free,
            vertical_arrows: is_free,
            ..EventFilter::default()
        };
        ui.ctx()
            .memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        let (by, held) = arrows(ui);
        if by != Vec2::ZERO && is_free {
            let names = with(view, card.name);
            actions.push(nudged(self.moved(view, scene, &names, by), held));
        }
    }

    /// Arrows move what is selected where nothing has the keyboard.
    pub(super) fn nudge_selected(
        &self,
        ui: &Ui,
        view: &View,
        scene: &Scene,
        actions: &mut Vec<Action>,
    ) {
        let nothing_focused = ui.memory(egui::Memory::focused).is_none();
        let Some(Selection::Node(_) | Selection::Nodes(_)) = view.selection else {
            return;
        };
        let (by, held) = arrows(ui);
        if by != Vec2::ZERO && nothing_focused && !self.has_menu() {
            let names = view.selection.map(Selection::names).unwrap_or_default();
            actions.push(nudged(self.moved(view, scene, names, by), held));
        }
    }

    /// Where nodes are after a move; those that the file does not place yet are fixed where they are, so that they stay.
    fn moved(&self, view: &View, scene: &Scene, names: &[String], by: Vec2) -> Placed {
        let moved = names.iter().filter_map(|name| {
            let to = scene.card(name)?.rect.min + by;
            Some((name.clone(), (to.x, to.y)))
        });
        let mut places: Placed = moved.collect();
        places.extend(self.fixed(view, names));
        places
    }

    /// The places of nodes that the file does not know yet, but for some.
    pub(super) fn fixed(&self, view: &View, but: &[String]) -> Placed {
        self.places
            .unsaved()
            .filter(|(name, _)| !but.contains(name) && view.topology.nodes.contains_key(*name))
            .map(|(name, place)| (name.clone(), place))
            .collect()
    }

    /// The same for cards that go to places of their own.
    pub(super) fn arranged(&self, view: &View, to: Vec<(String, Pos2)>) -> Placed {
        let names: Vec<String> = to.iter().map(|(name, _)| name.clone()).collect();
        let moved = to.into_iter().map(|(name, at)| (name, (at.x, at.y)));
        moved.chain(self.fixed(view, &names)).collect()
    }

    /// After a drop cards wait where they were dropped until the document has them there.
    pub(super) fn settle_drop(&mut self, view: &View) {
        let Some(drag) = &mut self.drag else {
            return;
        };
        let gone = !view.topology.nodes.contains_key(&drag.taken);
        let settled = match &mut drag.dropped {
            Some(frames) => {
                *frames = frames.saturating_sub(1);
                let there = drag.cards.iter().all(|(name, was)| {
                    let at = was.min + drag.by;
                    view.topology.canvas.get(name) == Some(&(at.x, at.y))
                });
                *frames == 0 || there
            }
            None => false,
        };
        if gone || settled {
            self.drag = None;
        }
    }

    /// A card is dragged, with all that are selected if it is one of them: Alt drags copies, Ctrl lets it go anywhere.
    #[expect(clippy::too_many_arguments, reason = "all that a frame knows")]
    pub(super) fn drag_card(
        &mut self,
        ui: &Ui,
        response: &Response,
        view: &View,
        scene: &Scene,
        card: &Card,
        panning: bool,
        actions: &mut Vec<Action>,
    ) {
        let is_mine = |drag: &Drag| drag.taken == card.name && drag.is_held();
        if response.dragged() && panning && !self.drag.as_ref().is_some_and(is_mine) {
            self.transform.origin += ui.input(|input| input.pointer.delta());
            return;
        }
        if response.drag_started_by(PointerButton::Primary)
            && let Some(pressed) = ui.input(|input| input.pointer.press_origin())
        {
            let names = with(view, card.name);
            if view
                .selection
                .is_none_or(|selection| !selection.has(card.name))
            {
                actions.push(Action::Select(Selection::of(names.clone())));
            }
            let cards = names.iter().filter_map(|name| {
                let card = scene.card(name)?;
                Some((name.clone(), card.rect))
            });
            self.drag = Some(Drag {
                taken: card.name.to_owned(),
                cards: cards.collect(),
                pressed: self.transform.world(pressed),
                by: Vec2::ZERO,
                copies: false,
                guides: Vec::new(),
                dropped: None,
            });
        }
        if !self.drag.as_ref().is_some_and(is_mine) {
            return;
        }
        if ui.input(|input| input.key_pressed(Key::Escape)) {
            self.drag = None;
            return;
        }
        let (alt, free) = ui.input(|input| (input.modifiers.alt, input.modifiers.command));
        if let (Some(pointer), Some(drag)) = (response.interact_pointer_pos(), &mut self.drag) {
            drag.copies = alt;
            let was = drag.cards.iter().find(|(name, _)| *name == drag.taken);
            let was = was.map_or(Pos2::ZERO, |(_, was)| was.min);
            let at = was + (self.transform.world(pointer) - drag.pressed);
            drag.by = at.round() - was;
            drag.guides.clear();
            if !free {
                let moving = drag.cards.iter().fold(Rect::NOTHING, |all, (_, was)| {
                    all.union(was.translate(drag.by))
                });
                let stay = scene
                    .cards
                    .iter()
                    .filter(|card| alt || !drag.has(card.name));
                let others: Vec<Rect> = stay.map(|card| card.rect).collect();
                let snap = guides::snap(moving, &others, SNAP / self.transform.zoom);
                drag.by = (was + drag.by + snap.by).round() - was;
                drag.guides = snap.guides;
            }
            ui.ctx().set_cursor_icon(if alt {
                CursorIcon::Copy
            } else {
                CursorIcon::Grabbing
            });
        }
        if response.drag_stopped() {
            self.drop_cards(view, actions);
        }
    }

    fn drop_cards(&mut self, view: &View, actions: &mut Vec<Action>) {
        let Some(drag) = &mut self.drag else { return };
        let names: Vec<String> = drag.cards.iter().map(|(name, _)| name.clone()).collect();
        let by = drag.by;
        if drag.copies {
            self.drag = None;
            let fixed = self.fixed(view, &[]);
            actions.push(Action::Duplicate(names, (by.x, by.y), fixed));
            return;
        }
        drag.guides.clear();
        drag.dropped = Some(4);
        let places: Vec<(String, Pos2)> = drag
            .cards
            .iter()
            .map(|(name, was)| (name.clone(), was.min + by))
            .collect();
        if by != Vec2::ZERO {
            actions.push(Action::Move(self.arranged(view, places)));
        }
    }
}

/// A card with all that are selected, if it is one of them; else it alone.
fn with(view: &View, name: &str) -> Vec<String> {
    match view.selection {
        Some(Selection::Nodes(names)) if names.iter().any(|other| other == name) => names.clone(),
        _ => vec![name.to_owned()],
    }
}
