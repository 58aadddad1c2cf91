//! Buttons: primary, secondary, plain and icon only, with a shortcut chip where a key does the same.

use egui::{
    Align2, Color32, Painter, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2,
    Widget, WidgetInfo, pos2, vec2,
};

use super::{focus_ring, paint_text};
use crate::app::icons::Icon;
use crate::app::theme::{self, Palette, Weight, height, radius, size, stroke};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Primary,
    Secondary,
    Plain,
}

/// A button. Disable it with `ui.add_enabled(false, button)`.
#[must_use = "add it to a Ui"]
pub struct Button<'a> {
    kind: Kind,
    label: &'a str,
    icon: Option<Icon>,
    icon_only: bool,
    shortcut: Option<&'a str>,
    tooltip: Option<&'a str>,
    pressed: Option<bool>,
    menu: bool,
    height: f32,
}

impl<'a> Button<'a> {
    fn new(kind: Kind, label: &'a str) -> Self {
        Self {
            kind,
            label,
            icon: None,
            icon_only: false,
            shortcut: None,
            tooltip: None,
            pressed: None,
            menu: false,
            height: height::BUTTON,
        }
    }

    /// The one thing to do here: filled with ink.
    pub fn primary(label: &'a str) -> Self {
        Self::new(Kind::Primary, label)
    }

    /// Outlined.
    pub fn secondary(label: &'a str) -> Self {
        Self::new(Kind::Secondary, label)
    }

    /// Without outline until it is hovered.
    pub fn plain(label: &'a str) -> Self {
        Self::new(Kind::Plain, label)
    }

    /// An icon without words; `label` is its name and its tooltip.
    pub fn icon_only(icon: Icon, label: &'a str) -> Self {
        Self {
            icon: Some(icon),
            icon_only: true,
            tooltip: Some(label),
            ..Self::new(Kind::Plain, label)
        }
    }

    /// An icon without words, filled with ink.
    pub fn primary_icon(icon: Icon, label: &'a str) -> Self {
        Self {
            kind: Kind::Primary,
            ..Self::icon_only(icon, label)
        }
    }

    /// Puts an icon before the words.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// Shows the key that does the same; icon buttons name it in their tooltip.
    pub fn shortcut(mut self, keys: &'a str) -> Self {
        self.shortcut = Some(keys);
        self
    }

    /// Says more on hover.
    pub fn tooltip(mut self, text: &'a str) -> Self {
        self.tooltip = Some(text);
        self
    }

    /// Makes it a button that stays down, such as one that shows a pane.
    pub fn pressed(mut self, pressed: bool) -> Self {
        self.pressed = Some(pressed);
        self
    }

    /// Marks it with a small arrow as one that opens a menu.
    pub fn menu(mut self) -> Self {
        self.menu = true;
        self
    }

    /// Another height than 28 points.
    pub fn height(mut self, height: f32) -> Self {
        self.height = height;
        self
    }
}

const GAP: f32 = 6.0;
const ICON: f32 = 16.0;

impl Widget for Button<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        let palette = theme::palette(ui);
        let font = theme::font(size::BODY, Weight::Medium);
        let galley = (!self.icon_only).then(|| {
            ui.painter()
                .layout_no_wrap(self.label.to_owned(), font, Color32::PLACEHOLDER)
        });
        let chip = self.shortcut.filter(|_| !self.icon_only);

        let padding = if self.icon_only {
            (self.height - ICON) / 2.0
        } else {
            10.0
        };
        let mut parts = Vec::with_capacity(4);
        parts.extend(self.icon.map(|_| ICON));
        parts.extend(galley.as_ref().map(|galley| galley.size().x));
        parts.extend(chip.map(|keys| chip_width(ui.painter(), keys)));
        parts.extend(self.menu.then_some(12.0));
        let width =
            parts.iter().sum::<f32>() + GAP * (parts.len().max(1) - 1) as f32 + 2.0 * padding;

        let (rect, response) = ui.allocate_exact_size(vec2(width, self.height), Sense::click());
        response.widget_info(|| match self.pressed {
            Some(pressed) => {
                WidgetInfo::selected(Role::Button, ui.is_enabled(), pressed, self.label)
            }
            None => WidgetInfo::labeled(Role::Button, ui.is_enabled(), self.label),
        });
        if ui.is_rect_visible(rect) {
            let held = response.is_pointer_button_down_on() || self.pressed == Some(true);
            let (fill, outline, ink) = colours(self.kind, response.hovered(), held, palette);
            let painter = ui.painter();
            painter.rect(
                rect,
                radius::CONTROL,
                fill,
                Stroke::new(stroke::HAIR, outline),
                StrokeKind::Inside,
            );
            focus_ring(painter, &response, radius::CONTROL, palette);

            let middle = rect.center().y;
            let mut x = rect.left() + padding;
            if let Some(icon) = self.icon {
                let width = if self.kind == Kind::Primary {
                    2.0
                } else {
                    stroke::ICON
                };
                icon.paint_stroked(painter, pos2(x + ICON / 2.0, middle), ICON, width, ink);
                x += ICON + GAP;
            }
            if let Some(galley) = galley {
                let width = galley.size().x;
                painter.galley(pos2(x, middle - galley.size().y / 2.0), galley, ink);
                x += width + GAP;
            }
            if let Some(keys) = chip {
                x = paint_chip(
                    painter,
                    pos2(x, middle),
                    keys,
                    self.kind == Kind::Primary,
                    palette,
                )
                .right()
                    + GAP;
            }
            if self.menu {
                Icon::ChevronDown.paint(painter, pos2(x + 6.0, middle), 14.0, palette.text3);
            }
        }
        match (self.tooltip, self.shortcut.filter(|_| self.icon_only)) {
            (Some(text), Some(keys)) => super::tooltip(&response, &format!("{text} ({keys})"), &[]),
            (Some(text), None) => super::tooltip(&response, text, &[]),
            (None, _) => {}
        }
        response
    }
}

fn colours(
    kind: Kind,
    hovered: bool,
    held: bool,
    palette: &Palette,
) -> (Color32, Color32, Color32) {
    let clear = Color32::TRANSPARENT;
    match (kind, hovered, held) {
        (Kind::Primary, false, false) => (palette.text, clear, palette.on_ink),
        (Kind::Primary, _, true) => (palette.text3, clear, palette.on_ink),
        (Kind::Primary, true, false) => (palette.text2, clear, palette.on_ink),
        (Kind::Secondary, false, false) => (clear, palette.hair, palette.text),
        (Kind::Secondary, true, false) => (palette.raised, palette.edge, palette.text),
        (Kind::Secondary, _, true) => (palette.raised, palette.text, palette.text),
        (Kind::Plain, false, false) => (clear, clear, palette.text2),
        (Kind::Plain, true, false) => (palette.raised, clear, palette.text),
        (Kind::Plain, _, true) => (palette.raised, clear, palette.text),
    }
}

fn chip_width(painter: &Painter, keys: &str) -> f32 {
    let font = theme::font(size::SMALL, Weight::Regular);
    painter
        .layout_no_wrap(keys.to_owned(), font, Color32::PLACEHOLDER)
        .size()
        .x
        .max(8.0)
        + 8.0
}

/// `at` is the middle of the left side.
fn paint_chip(painter: &Painter, at: Pos2, keys: &str, on_ink: bool, palette: &Palette) -> Rect {
    let wanted = vec2(chip_width(painter, keys), 17.0);
    let rect = Rect::from_min_size(at - vec2(0.0, wanted.y / 2.0), wanted);
    // The chip on ink keeps its distance from it as the chip on the panel does.
    let (outline, ink) = if on_ink {
        (
            palette.on_ink.gamma_multiply(0.45),
            palette.on_ink.gamma_multiply(0.85),
        )
    } else {
        (palette.hair, palette.text3)
    };
    painter.rect_stroke(
        rect,
        radius::TAG,
        Stroke::new(stroke::HAIR, outline),
        StrokeKind::Inside,
    );
    paint_text(
        painter,
        rect.center(),
        Align2::CENTER_CENTER,
        keys,
        size::SMALL,
        Weight::Regular,
        ink,
    );
    rect
}

/// A shortcut on its own, as in a menu or a search field.
pub fn key_chip(ui: &mut Ui, keys: &str) -> Response {
    let palette = theme::palette(ui);
    let wanted = vec2(chip_width(ui.painter(), keys), 17.0);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::hover());
    paint_chip(ui.painter(), rect.left_center(), keys, false, palette);
    response
}

/// The short upright line between groups of buttons in a bar.
pub fn separator(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(Vec2::new(9.0, 20.0), Sense::hover());
    let hair = Stroke::new(stroke::HAIR, theme::palette(ui).hair);
    ui.painter().vline(rect.center().x, rect.y_range(), hair);
}
