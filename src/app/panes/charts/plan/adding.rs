//! An event is added where the empty track is clicked, from a menu of what can be.

use egui::{
    Id, Popup, PopupAnchor, PopupCloseBehavior, Pos2, Rect, RectAlign, Role, Sense, Shape, Stroke,
    Ui, WidgetInfo, pos2,
};

use super::Plan;
use super::moving::{least, paint_tip, snapped};
use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::panes::charts::lay::{Lay, paint_dashed_disc};
use crate::app::panes::schedule;
use crate::app::run::state::View;
use crate::app::theme::{self, radius, stroke};
use crate::app::widgets::{menu_header, menu_item};
use crate::app::words::format;
use crate::model::Timed;
use crate::units::Duration;

/// The menu of what can be added, while it is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adding {
    pub(super) at: Duration,
    pub(super) place: Pos2,
}

impl Plan {
    /// The empty track: a click where nothing is yet adds an event there.
    pub fn ground_ui(&mut self, ui: &mut Ui, lay: Lay, view: &View, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        let now = lay.x(view.snapshot.now).max(lay.across.min);
        let area = Rect::from_x_y_ranges(lay.across, lay.track.y_range());
        let id = ui.scope_id().with("schedule");
        let response = ui.interact(area, id, Sense::click());
        let count = view.topology.scenario.len() as u64;
        let next = schedule::next(view).map_or_else(String::new, |(place, at)| {
            let name =
                crate::app::words::events::imperative(view.topology.scenario[place].command()).1;
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

    pub(super) fn menu_ui(&mut self, ui: &Ui, of: Id, view: &View, actions: &mut Vec<Action>) {
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
}

/// Where an event would come: a dashed disc with a plus, and a dotted line.
pub(super) fn paint_place(ui: &Ui, lay: Lay, at: Duration) {
    let palette = theme::palette(ui);
    let x = lay.x(at);
    let centre = pos2(x, lay.track.top() + 11.0);
    let painter = ui.painter();
    paint_dashed_disc(painter, centre, palette);
    Icon::Plus.paint_stroked(painter, centre, 11.0, 1.2, palette.text);
    let ends = [pos2(x, lay.track.top() + 20.0), pos2(x, lay.bottom)];
    painter.extend(Shape::dotted_line(&ends, palette.text2, 4.0, 0.7));
}
