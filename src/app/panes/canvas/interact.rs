//! What can be clicked, dragged and reached by the keyboard in a frame, and what the pointer is on.

use egui::{Rect, Ui};

use super::Canvas;
use super::adding::Adding;
use super::handles::Pull;
use super::link::Line;
use super::scene::{Card, Scene};
use super::tools::Tool;
use super::{ends, handles, transform};
use crate::app::action::Action;
use crate::app::run::state::View;

/// What the pointer or keyboard is on.
#[derive(Debug, Default)]
pub(super) struct On {
    pub(super) card: Option<usize>,
    pub(super) link: Option<usize>,
    pub(super) link_handles: ends::Shown,
    pub(super) focused: Option<usize>,
    /// The card whose handles are shown.
    pub(super) handles: Option<usize>,
}

impl Canvas {
    /// Tells egui what can be clicked, dragged and reached by the keyboard, and turns what happened into actions.
    #[expect(clippy::too_many_arguments, reason = "all that a frame knows")]
    pub(super) fn interact(
        &mut self,
        ui: &Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        lines: &[Line],
        panning: bool,
        actions: &mut Vec<Action>,
    ) -> On {
        let mut on = On::default();
        let focus = ui.memory(egui::Memory::focused);
        for (index, card) in scene.cards.iter().enumerate() {
            let response = self.card(ui, area, view, scene, card, panning, actions);
            if response.contains_pointer() {
                on.card = Some(index);
            }
            if response.has_focus() {
                on.focused = Some(index);
            }
        }
        // Pips come after all cards, so that Tab goes from card to card.
        let visible = self.transform.world_rect(area);
        for (index, card) in scene.cards.iter().enumerate() {
            if !card.rect.intersects(visible) || self.transform.zoom < transform::READABLE_ZOOM {
                continue;
            }
            self.pips(ui, scene, index, focus, actions);
            self.loss_cross(ui, card, actions);
        }
        on.handles = self.handles(ui, view, scene, &on, panning, actions);
        let covered = on.card.is_some() || self.pull.is_some() || self.adding.is_some();
        let lit = self.links(ui, area, view, scene, lines, covered, actions);
        on.link = lit.hovered;
        on.link_handles = self.link_handles(ui, view, scene, lines, (lit.near, panning), actions);
        on
    }

    /// The handles of the card that is pointed at, or pulled at; returns which card that is.
    pub(super) fn handles(
        &mut self,
        ui: &Ui,
        view: &View,
        scene: &Scene,
        on: &On,
        panning: bool,
        actions: &mut Vec<Action>,
    ) -> Option<usize> {
        if panning
            || self.drag.is_some()
            || self.frame.is_some()
            || self.has_menu()
            || self.tool != Tool::Select
        {
            return None;
        }
        let pulled = match &self.pull {
            None => None,
            Some(Pull::Instances { name, .. } | Pull::Link { from: name, .. }) => Some(&**name),
            Some(Pull::End { .. } | Pull::Latency { .. }) => return None,
        };
        // A handle reaches over the edge, so the pointer may be on it and no longer on the card.
        let pointer = ui.input(|input| input.pointer.hover_pos());
        let near = |card: &Card| {
            pointer.is_some_and(|pointer| {
                self.transform
                    .rect(card.rect)
                    .expand(10.0)
                    .contains(pointer)
            })
        };
        let index = match pulled {
            Some(name) => scene.cards.iter().position(|card| card.name == name),
            None => on.card.or_else(|| scene.cards.iter().rposition(near)),
        }?;
        if self.transform.zoom < transform::READABLE_ZOOM {
            return None;
        }
        let mut pull = self.pull.take();
        let empty_end = handles::interact(
            ui,
            &self.transform,
            scene,
            view.topology,
            &scene.cards[index],
            &mut pull,
            actions,
        );
        if let Some(end) = empty_end {
            self.ask_what(
                ui,
                Adding::new(end, Some(scene.cards[index].name.to_owned())),
            );
            pull = None;
        }
        self.pull = pull.filter(|_| ui.input(|input| input.pointer.any_down()));
        Some(index)
    }
}
