//! A node gets its name on its card.

use egui::{Rect, Ui, pos2, vec2};

use super::Canvas;
use super::scene::Scene;
use super::transform::way_into;
use super::{cards, transform};
use crate::app::action::Action;
use crate::app::panes::naming::{Named, Naming, paint_was};
use crate::app::run::state::View;
use crate::app::theme;

impl Canvas {
    /// Lets a node's name be typed on its card.
    pub fn name(&mut self, name: &str) {
        self.naming = Some(Naming::new(name));
    }

    /// Whether a name or latency was typed to its end since the last call: its card or link has the keyboard then.
    pub fn take_named(&mut self) -> bool {
        std::mem::take(&mut self.named)
    }

    /// The field on the card whose name is being typed.
    pub(super) fn name_field(
        &mut self,
        ui: &mut Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        actions: &mut Vec<Action>,
    ) {
        let Some(mut naming) = self.naming.take() else {
            return;
        };
        let Some(card) = scene.card(naming.name()) else {
            return;
        };
        let zoom = self.transform.zoom;
        // Where the card is small, the field is as large as it must be to be read.
        let large = zoom.max(1.0);
        let corner = self.transform.at(card.rect.min + vec2(28.0, 5.0));
        let size = vec2(128.0, 24.0) * large;
        let mut field = Rect::from_min_size(corner.round(), size);
        if !area.contains_rect(field) {
            let way = way_into(field, area.shrink(8.0));
            self.transform.origin += way;
            field = field.translate(way);
        }
        if zoom >= transform::READABLE_ZOOM {
            let line = card.rect.min + vec2(9.0, 34.0);
            let room = Rect::from_min_size(line, vec2(card.rect.width() - 18.0, 24.0));
            let room = self.transform.rect(room);
            let palette = theme::palette(ui);
            ui.painter().rect_filled(room, 0.0, palette.card);
            let at = pos2(field.left() + 8.0, room.center().y);
            paint_was(ui.painter(), at, zoom, naming.name(), palette);
        }
        let was = naming.name().to_owned();
        let begun = actions.len();
        match naming.show(ui, field, large, view.topology, actions) {
            Named::Not => self.naming = Some(naming),
            Named::Done { by_key } => {
                let name = match actions.get(begun) {
                    Some(Action::Rename(_, new)) => new.clone(),
                    _ => was,
                };
                if by_key {
                    self.named = true;
                    let id = cards::card_id(ui, &name);
                    ui.memory_mut(|memory| memory.request_focus(id));
                }
            }
        }
    }
}
