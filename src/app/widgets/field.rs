//! A text field whose unit is part of the text: "15ms", "400/s". Enter applies, Esc reverts.

use egui::{
    Align, Align2, Area, Color32, Frame, Id, Key, Layout, Margin, Order, Response, Sense, Stroke,
    StrokeKind, TextEdit, Ui, pos2, vec2,
};

use crate::app::icons::Icon;
use crate::app::theme::{self, Weight, height, radius, size, stroke};

/// A field for one value that is written with its unit.
#[must_use = "show it"]
pub struct Field<'a> {
    name: &'a str,
    value: &'a str,
    hint: &'a str,
    width: f32,
    height: f32,
    trailing: f32,
    quiet: bool,
}

/// What came of a field in this frame.
#[derive(Debug)]
pub struct FieldResponse<T> {
    /// The value that was applied in this frame.
    pub applied: Option<T>,
    /// What is wrong with the text in the field, shown under it.
    pub error: Option<String>,
    /// The text field.
    pub response: Response,
}

/// What is being typed, kept between frames.
#[derive(Debug, Clone, Default)]
struct Draft {
    text: String,
    error: Option<String>,
}

impl<'a> Field<'a> {
    /// A field named `name` for screen readers ("Service time"), which shows `value` until it is edited.
    pub fn new(name: &'a str, value: &'a str) -> Self {
        Self {
            name,
            value,
            hint: "",
            width: 104.0,
            height: height::FIELD,
            trailing: 0.0,
            quiet: false,
        }
    }

    /// What stands in the empty field.
    pub fn hint(mut self, hint: &'a str) -> Self {
        self.hint = hint;
        self
    }

    /// Its width in points, 104 unless told.
    pub fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }

    /// Another height than 26 points.
    pub fn height(mut self, height: f32) -> Self {
        self.height = height;
        self
    }

    /// In a quieter ink: what it shows is not one value, but those of several things.
    pub fn quiet(mut self, quiet: bool) -> Self {
        self.quiet = quiet;
        self
    }

    /// Room kept free at the right, for buttons inside the field.
    pub(super) fn trailing(mut self, width: f32) -> Self {
        self.trailing = width;
        self
    }

    /// Shows the field; `parse` turns text into a value, or says what is wrong and what would be right.
    ///
    /// The text is tried on Enter and when the field is left. While it is wrong it stays as typed, outlined, with the
    /// message beneath; the value in use is untouched. In a pane that shows different things by turns, give each its own
    /// `ui.push_id`, so that what is typed for one never shows up in another.
    pub fn show<T>(
        self,
        ui: &mut Ui,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> FieldResponse<T> {
        let size = vec2(self.width, self.height);
        ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let field = self.show_bare(ui, parse);
            field.message(ui);
            field
        })
        .inner
    }

    /// The field without the message under it.
    pub fn show_bare<T>(
        self,
        ui: &mut Ui,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> FieldResponse<T> {
        let id = ui.make_persistent_id(("field", self.name));
        let palette = theme::palette(ui);
        let mut draft: Option<Draft> = ui.data(|data| data.get_temp(id));
        let mut text = draft
            .as_ref()
            .map_or_else(|| self.value.to_owned(), |draft| draft.text.clone());
        let failed = draft.as_ref().is_some_and(|draft| draft.error.is_some());

        let (rect, _) = ui.allocate_exact_size(vec2(self.width, self.height), Sense::hover());
        let ground = ui.painter().add(egui::Shape::Noop);
        let mark = if failed { 18.0 } else { 0.0 };
        let inner = rect.with_max_x(rect.right() - self.trailing - mark);
        let edit = TextEdit::singleline(&mut text)
            .id(id)
            .frame(Frame::NONE.inner_margin(Margin::symmetric(8, 0)))
            .hint_text(self.hint)
            .font(theme::font(size::BODY, Weight::Regular))
            .text_color(if self.quiet && draft.is_none() {
                palette.text2
            } else {
                palette.text
            })
            .align(Align2::LEFT_CENTER);
        let response = ui.put(inner, edit);
        name(ui, response.id, self.name);

        let outline = if failed {
            Stroke::new(stroke::FOCUS, palette.failed)
        } else if response.has_focus() {
            Stroke::new(stroke::FOCUS, palette.text)
        } else if response.hovered() {
            Stroke::new(stroke::HAIR, palette.edge)
        } else {
            Stroke::new(stroke::HAIR, palette.hair)
        };
        let shape = egui::epaint::RectShape::new(
            rect,
            egui::CornerRadius::same(radius::CONTROL as u8),
            palette.canvas,
            outline,
            StrokeKind::Inside,
        );
        ui.painter().set(ground, shape);
        if failed {
            let at = pos2(rect.right() - self.trailing - 13.0, rect.center().y);
            Icon::Warning.paint_stroked(ui.painter(), at, 14.0, 2.0, palette.failed);
        }

        let mut applied = None;
        if response.changed() {
            draft = Some(Draft {
                text: text.clone(),
                error: None,
            });
        }
        // A press elsewhere already counts as leaving: what it starts may take this field off the screen.
        let pressed_elsewhere = response.has_focus()
            && !response.contains_pointer()
            && ui.input(|input| input.pointer.any_pressed());
        if response.lost_focus() || pressed_elsewhere {
            let (escape, enter) = ui.input(|input| {
                (
                    input.key_pressed(Key::Escape),
                    input.key_pressed(Key::Enter),
                )
            });
            if escape || text == self.value {
                draft = None;
            } else if draft.is_some() {
                match parse(text.trim()) {
                    Ok(value) => {
                        applied = Some(value);
                        draft = None;
                    }
                    Err(message) => {
                        draft = Some(Draft {
                            text,
                            error: Some(message),
                        });
                        if enter {
                            response.request_focus();
                        }
                    }
                }
            }
        }
        let error = draft.as_ref().and_then(|draft| draft.error.clone());
        if let Some(message) = &error {
            ui.ctx().accesskit_node_builder(response.id, |node| {
                node.set_invalid(egui::accesskit::Invalid::True);
                node.set_description(message.as_str());
            });
        }
        ui.data_mut(|data| match draft {
            Some(draft) => {
                data.insert_temp(id, draft);
            }
            None => data.remove::<Draft>(id),
        });
        FieldResponse {
            applied,
            error,
            response,
        }
    }
}

impl<T> FieldResponse<T> {
    /// Says above the field what is wrong with its text, while it has the keyboard or the pointer: where there is no room
    /// under it.
    pub fn message_above(&self, ui: &Ui) {
        let at_hand = self.response.has_focus() || self.response.hovered();
        if self.error.is_none() || !at_hand {
            return;
        }
        let palette = theme::palette(ui);
        let rect = self.response.rect;
        Area::new(self.response.id.with("message"))
            .order(Order::Tooltip)
            .pivot(Align2::CENTER_BOTTOM)
            .fixed_pos(rect.center_top() - vec2(0.0, 8.0))
            .interactable(false)
            .show(ui.ctx(), |ui| {
                Frame::new()
                    .fill(palette.text)
                    .corner_radius(radius::CONTROL)
                    .inner_margin(Margin::symmetric(10, 6))
                    .show(ui, |ui| self.say(ui, palette.on_ink));
            });
    }

    /// Says under the field what is wrong with its text, if anything is.
    pub(super) fn message(&self, ui: &mut Ui) {
        self.say(ui, theme::palette(ui).failed);
    }

    fn say(&self, ui: &mut Ui, colour: Color32) {
        if let Some(message) = &self.error {
            let said = ui.label(theme::text(message, size::SMALL, Weight::Regular, colour));
            ui.ctx().accesskit_node_builder(said.id, |node| {
                node.set_live(egui::accesskit::Live::Assertive);
            });
        }
    }
}

/// Names a widget that has no words of its own.
fn name(ui: &Ui, id: Id, name: &str) {
    ui.ctx()
        .accesskit_node_builder(id, |node| node.set_label(name));
}
