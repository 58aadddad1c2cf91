//! A node's name is typed where it stands: on its card, or in the inspector's title.

use egui::{
    Align, Align2, Key, Margin, Rect, Role, Stroke, StrokeKind, TextEdit, Ui, WidgetInfo, pos2,
    vec2,
};

use crate::app::action::Action;
use crate::app::theme::{self, Weight, radius, size, stroke};
use crate::app::widgets::paint_text;
use crate::app::words::spoken::capitalised;
use crate::model::Topology;

/// A name that is being typed.
#[derive(Debug)]
pub struct Naming {
    name: String,
    typed: String,
    error: Option<String>,
    fresh: bool,
}

/// What became of it in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// It is still being typed.
    Not,
    /// It was taken, or given up; the keyboard is free if it was a key that did it.
    Done {
        /// Enter or Escape.
        by_key: bool,
    },
}

impl Naming {
    /// Begins with the name that the node has.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            typed: name.to_owned(),
            error: None,
            fresh: true,
        }
    }

    /// The node, by the name that it has.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Shows the field, its text in a size for the zoom. Enter keeps the name, Escape the one before; one that cannot be is refused here.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        zoom: f32,
        topology: &Topology,
        actions: &mut Vec<Action>,
    ) -> Named {
        let palette = theme::palette(ui);
        let id = ui.scope_id().with(("name", &self.name));
        let ground = ui.painter().add(egui::Shape::Noop);
        let edit = TextEdit::singleline(&mut self.typed)
            .id(id)
            .frame(egui::Frame::NONE.inner_margin(Margin::symmetric(6, 0)))
            .font(theme::font(
                (size::BODY * zoom * 2.0).round() / 2.0,
                Weight::Semibold,
            ))
            .text_color(palette.text)
            .align(Align2::LEFT_CENTER)
            .char_limit(200);
        // A little higher than the outline, so that its line stands in the middle.
        let response = ui.put(rect.expand2(vec2(0.0, 2.0)), edit);
        let label = format!("Name of {}", self.name);
        ui.ctx().accesskit_node_builder(id, |node| {
            node.set_label(label.as_str());
            if let Some(error) = &self.error {
                node.set_invalid(egui::accesskit::Invalid::True);
                node.set_description(error.as_str());
            }
        });
        if self.fresh {
            self.fresh = false;
            response.request_focus();
            select_all(ui, id, &self.typed);
            ui.ctx().request_repaint();
        }
        let outline = if self.error.is_some() {
            palette.failed
        } else {
            palette.text
        };
        let shape = egui::epaint::RectShape::new(
            rect,
            egui::CornerRadius::same(radius::CONTROL as u8),
            palette.canvas,
            Stroke::new(stroke::FOCUS, outline),
            StrokeKind::Inside,
        );
        ui.painter().set(ground, shape);
        if response.changed() {
            self.error = None;
        }
        let mut done = Named::Not;
        let pressed_elsewhere = response.has_focus()
            && !response.contains_pointer()
            && ui.input(|input| input.pointer.any_pressed());
        if response.lost_focus() || pressed_elsewhere {
            let (enter, escape) = ui.input(|input| {
                (
                    input.key_pressed(Key::Enter),
                    input.key_pressed(Key::Escape),
                )
            });
            let new = self.typed.trim().to_owned();
            let refused = topology.may_be_renamed(&self.name, &new).err();
            match refused {
                None if !escape => {
                    if new != self.name {
                        actions.push(Action::Rename(self.name.clone(), new));
                    }
                    done = Named::Done { by_key: enter };
                }
                Some(error) if enter => {
                    // What stands in quotes in a message about a file is the name itself here.
                    self.error = Some(capitalised(&error.replace('`', "")));
                    response.request_focus();
                }
                // Left with a name that cannot be: the one before stays.
                _ => done = Named::Done { by_key: escape },
            }
        }
        if let Some(error) = &self.error {
            refused(ui, rect, error);
        }
        done
    }
}

/// What is typed next into a field takes the place of what is there.
pub fn select_all(ui: &Ui, id: egui::Id, text: &str) {
    let mut state = TextEdit::load_state(ui.ctx(), id).unwrap_or_default();
    let ends = [0, text.chars().count()].map(egui::text::CCursor::new);
    let all = egui::text::CCursorRange::two(ends[0], ends[1]);
    state.cursor.set_char_range(Some(all));
    state.store(ui.ctx(), id);
}

/// What is wrong with what is typed on the canvas, on a plate under its field.
pub fn refused(ui: &Ui, field: Rect, error: &str) {
    let palette = theme::palette(ui);
    let font = theme::font(size::SMALL, Weight::Medium);
    let galley = ui
        .painter()
        .layout(error.to_owned(), font, palette.failed, 240.0);
    let plate = Rect::from_min_size(
        field.left_bottom() + vec2(0.0, 4.0),
        galley.size() + vec2(16.0, 10.0),
    );
    let painter = ui.ctx().layer_painter(egui::LayerId::new(
        egui::Order::Foreground,
        ui.scope_id().with("name refused"),
    ));
    let outline = Stroke::new(stroke::HAIR, palette.failed);
    painter.extend(theme::surface(plate, palette.panel, outline, palette, 1.0));
    painter.galley(plate.min + vec2(8.0, 5.0), galley, palette.failed);
    let id = ui.scope_id().with("name refused");
    let said = ui.interact(plate, id, egui::Sense::hover());
    said.widget_info(|| WidgetInfo::labeled(Role::Alert, true, error));
}

/// What the node was called until now, in small letters.
pub fn paint_was(
    painter: &egui::Painter,
    at: egui::Pos2,
    zoom: f32,
    name: &str,
    palette: &theme::Palette,
) {
    let text = format!("was {name}");
    paint_text(
        painter,
        pos2(at.x, at.y),
        Align2([Align::Min, Align::Center]),
        &text,
        size::SMALL * zoom,
        Weight::Regular,
        palette.text3,
    );
}
