//! Cards and their pips as things that can be clicked and reached by the keyboard.

use egui::{
    CursorIcon, EventFilter, Id, Key, Modifiers, PointerButton, Pos2, Rect, Response, Role, Sense,
    Ui, Vec2, WidgetInfo, vec2,
};

use super::Canvas;
use super::card;
use super::scene::{Card, PipPlace, Scene};
use super::transform::READABLE_ZOOM;
use crate::app::action::{Action, Selection};
use crate::app::run::state::View;
use crate::app::theme;
use crate::app::widgets::{LOSS_TAG_HEIGHT, tooltip};
use crate::app::words::nodes;

/// How much of a card is its header, where its name stands.
const HEADER: f32 = 34.0;

impl Canvas {
    #[expect(clippy::too_many_arguments, reason = "all that a frame knows")]
    pub(super) fn card(
        &mut self,
        ui: &Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        card: &Card,
        panning: bool,
        actions: &mut Vec<Action>,
    ) -> Response {
        let rect = self.transform.rect(card.rect);
        let id = card_id(ui, card.name);
        let response = ui.interact(rect, id, Sense::click_and_drag());
        let label = || format!("{} {}", nodes::kind_name(card.kind), card.name);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label()));
        ui.ctx().accesskit_node_builder(id, |node| {
            node.set_description(card::describe(scene, card));
        });

        let select = Action::Select(Some(Selection::Node(card.name.to_owned())));
        let is_selected = match view.selection {
            Some(Selection::Node(name)) => name == card.name,
            Some(Selection::Nodes(names)) => names.iter().any(|name| name == card.name),
            _ => false,
        };
        let (more, add) = ui.input(|input| (input.modifiers.shift, input.modifiers.command));
        let by_pointer = response.clicked_by(PointerButton::Primary);
        if by_pointer && (more || add) {
            // One more, or one less; the keyboard stays where it is, so that nothing else is selected instead.
            actions.push(Action::Select(toggled(view, card.name)));
            if is_selected && response.has_focus() {
                response.surrender_focus();
            }
        } else if response.clicked() {
            actions.push(select.clone());
        } else if response.gained_focus() {
            let along = self.going_to.take_if(|name| name == card.name).is_some();
            if !is_selected && !along {
                actions.push(select.clone());
            }
        }
        if by_pointer && !(more || add) {
            response.request_focus();
        } else if let Some(Selection::Node(other)) = view.selection
            && response.has_focus()
            && !response.gained_focus()
            && !response.clicked()
            && !is_selected
        {
            // What was added is selected: the keyboard goes there, too.
            let other = card_id(ui, other);
            ui.memory_mut(|memory| memory.request_focus(other));
        }
        if response.has_focus()
            // Taken, so that the next card does not go on with it.
            && ui.input_mut(|input| input.consume_key(egui::Modifiers::COMMAND, Key::Tab))
        {
            self.going_to = select_next(ui, view, scene, card.name, actions);
        }
        let on_name = ui
            .input(|input| input.pointer.interact_pos())
            .is_some_and(|at| self.transform.world(at).y < card.rect.top() + HEADER);
        if response.double_clicked() && on_name {
            self.name(card.name);
        }
        if response.gained_focus() && !area.intersects(rect) {
            self.transform.origin += area.center() - rect.center();
        }
        if response.secondary_clicked() || response.has_focus() && menu_key(ui) {
            if !is_selected {
                actions.push(select);
            }
            let at = response
                .interact_pointer_pos()
                .filter(|_| response.secondary_clicked())
                .unwrap_or(rect.left_bottom());
            let about = match view.selection {
                Some(several @ Selection::Nodes(_)) if is_selected => several.clone(),
                _ => Selection::Node(card.name.to_owned()),
            };
            self.open_menu(ui, Some(about), at, id);
        }
        if response.has_focus() {
            self.nudge(ui, view, scene, card, id, actions);
            let enter = ui.input(|input| input.key_pressed(Key::Enter));
            if enter
                && !self.has_menu()
                && let Some(first) = card.pips.iter().find(|place| !place.again)
            {
                if self.transform.zoom < READABLE_ZOOM {
                    self.transform.zoom_around(rect.center(), 1.0);
                    self.transform.origin += area.center() - rect.center();
                }
                ui.memory_mut(|memory| memory.request_focus(pip_id(ui, card, first)));
            }
        }
        self.drag_card(ui, &response, view, scene, card, panning, actions);
        response
    }

    /// Pips that can be clicked: each opens the menu of its instance. Enter on a card goes to its pips, arrows from pip
    /// to pip, Escape back to the card.
    ///
    /// `focus` is what had the keyboard when the frame began: one key does one thing.
    pub(super) fn pips(
        &mut self,
        ui: &Ui,
        scene: &Scene,
        index: usize,
        focus: Option<Id>,
        actions: &mut Vec<Action>,
    ) {
        let card = &scene.cards[index];
        let zoom = self.transform.zoom;
        let enter = ui.input(|input| input.key_pressed(Key::Enter));
        let mut has_focus = ui.memory(egui::Memory::focused);
        for place in &card.pips {
            let instance = &card.instances[place.instance];
            let least: f32 = if place.dense {
                13.0
            } else {
                theme::height::HIT
            };
            let rect =
                Rect::from_center_size(self.transform.at(place.at), Vec2::splat(least * zoom));
            let id = pip_id(ui, card, place);
            let focused = focus == Some(id);
            let response = if has_focus == Some(id) {
                ui.interact(rect, id, Sense::click())
            } else {
                // Tab goes from card to card, not through a hundred pips.
                ui.interact(rect, id, Sense::CLICK)
            };
            if !place.again {
                let label = || format!("{} {}", card.name, instance.number);
                response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label()));
                ui.ctx().accesskit_node_builder(id, |node| {
                    node.set_description(nodes::instance(instance, scene.now));
                    node.set_has_popup(egui::accesskit::HasPopup::Menu);
                });
            }
            if focused && self.menu.is_none() {
                walk(ui, scene, index, id);
                has_focus = ui.memory(egui::Memory::focused);
            } else if focused {
                ui.memory_mut(|memory| memory.set_focus_lock_filter(id, EventFilter::default()));
            }
            let about = Selection::Instance(card.name.to_owned(), instance.number);
            let clicked = response.clicked() && (focused || !enter);
            if clicked || response.secondary_clicked() {
                actions.push(Action::Select(Some(about.clone())));
                let at = rect.right_center() + vec2(6.0, -12.0);
                self.open_menu(ui, Some(about), at, id);
                continue;
            }
            if response.gained_focus() {
                actions.push(Action::Select(Some(about)));
            }
            if response.hovered() && self.menu.is_none() {
                ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
                let words = nodes::instance(instance, scene.now);
                let lines: Vec<&str> = words.split(", ").collect();
                let name = format!("{} {}", card.name, instance.number);
                tooltip(&response, &name, &lines);
            }
        }
    }

    /// The cross of the tag with what was lost.
    pub(super) fn loss_cross(&self, ui: &Ui, card: &Card, actions: &mut Vec<Action>) {
        if card.loss.is_none() {
            return;
        }
        let below = LOSS_TAG_HEIGHT / 2.0;
        let middle = Pos2::new(card.rect.right() - 17.0, card.rect.bottom() + below);
        let rect = Rect::from_center_size(
            self.transform.at(middle),
            Vec2::splat(24.0 * self.transform.zoom),
        );
        let response = ui.interact(
            rect,
            ui.scope_id().with(("loss", card.name)),
            Sense::click(),
        );
        let label = || format!("Dismiss what {} lost", card.name);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label()));
        if response.hovered() {
            ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
        }
        if response.clicked() {
            actions.push(Action::DismissLoss(card.name.to_owned()));
        }
    }
}

pub(super) fn card_id(ui: &Ui, name: &str) -> Id {
    ui.scope_id().with(("card", name))
}

fn pip_id(ui: &Ui, card: &Card, place: &PipPlace) -> Id {
    let kind = if place.again { "pip again" } else { "pip" };
    let number = card.instances[place.instance].number;
    ui.scope_id().with((kind, card.name, number))
}

/// The keyboard goes on to the next card, which is selected besides; which that is.
fn select_next(
    ui: &Ui,
    view: &View,
    scene: &Scene,
    from: &str,
    actions: &mut Vec<Action>,
) -> Option<String> {
    let names = scene.cards.iter().map(|card| card.name);
    let mut after = names.skip_while(|name| *name != from).skip(1);
    let next = after.next()?;
    let id = card_id(ui, next);
    ui.memory_mut(|memory| memory.request_focus(id));
    let names = view.selection.map(Selection::names);
    let mut selected = names.unwrap_or_default().to_vec();
    if !selected.iter().any(|name| name == next) {
        selected.push(next.to_owned());
    }
    actions.push(Action::Select(Selection::of(selected)));
    Some(next.to_owned())
}

/// What is selected once a node has been added to it, or taken out.
fn toggled(view: &View, name: &str) -> Option<Selection> {
    let mut names = view
        .selection
        .map(Selection::names)
        .unwrap_or_default()
        .to_vec();
    match names.iter().position(|selected| selected == name) {
        Some(at) => drop(names.remove(at)),
        None => names.push(name.to_owned()),
    }
    Selection::of(names)
}

/// The key that opens the menu of what has the keyboard.
pub(super) fn menu_key(ui: &Ui) -> bool {
    // As it was when the key went down: within a frame Shift may have gone up again.
    ui.input_mut(|input| input.consume_key(Modifiers::SHIFT, Key::F10))
}

/// From the pip that has the keyboard to another, back to its card, or on to the next card.
fn walk(ui: &Ui, scene: &Scene, index: usize, focused: Id) {
    let all = EventFilter {
        tab: true,
        horizontal_arrows: true,
        vertical_arrows: true,
        escape: true,
    };
    let card = &scene.cards[index];
    let pips: Vec<Id> = card
        .pips
        .iter()
        .filter(|place| !place.again)
        .map(|place| pip_id(ui, card, place))
        .collect();
    let here = pips.iter().position(|id| *id == focused).unwrap_or(0);
    let pressed = |key| ui.input(|input| input.key_pressed(key));
    let back = ui.input(|input| input.modifiers.shift);
    let next = if pressed(Key::Escape) {
        Some(card_id(ui, card.name))
    } else if pressed(Key::Tab) {
        let neighbour = if back {
            index.checked_sub(1)
        } else {
            Some(index + 1)
        };
        // Beyond the last card, egui goes on from the card itself.
        let card = neighbour.and_then(|at| scene.cards.get(at)).unwrap_or(card);
        Some(card_id(ui, card.name))
    } else if pressed(Key::ArrowRight) || pressed(Key::ArrowDown) {
        pips.get(here + 1).copied()
    } else if pressed(Key::ArrowLeft) || pressed(Key::ArrowUp) {
        here.checked_sub(1).map(|at| pips[at])
    } else {
        None
    };
    ui.memory_mut(|memory| {
        memory.set_focus_lock_filter(focused, all);
        if let Some(next) = next {
            memory.request_focus(next);
        }
    });
}
