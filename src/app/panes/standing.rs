//! What stands at the lower left of the canvas as long as it holds: why nothing runs, what is overloaded and why, what is
//! probably not meant. It is still, and costs nothing while it stands.

use std::collections::BTreeSet;

use egui::{Id, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::app::action::Selection;
use crate::app::icons::Icon;
use crate::app::run::notices::About;
use crate::app::run::state::View;
use crate::app::theme::{self, Weight, size, stroke};
use crate::app::words::{problems, spoken};

/// What is said, and which warnings were dismissed.
#[derive(Debug, Default)]
pub struct Standing {
    dismissed: BTreeSet<String>,
    rect: Option<Rect>,
}

/// What is said.
struct Said {
    text: String,
    /// What explains it.
    why: Option<String>,
    kind: Kind,
}

/// How it looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Failure,
    /// A warning, which can be dismissed.
    Warning,
    /// What can be done with what is selected.
    Hint,
}

impl Standing {
    /// Shows the worst that holds, if anything does.
    pub fn ui(&mut self, ui: &Ui, canvas: Rect, view: &View) {
        self.rect = None;
        let Some(said) = self.said(view) else { return };
        let (rect, dismissed) = paint(ui, canvas, &said);
        self.rect = Some(rect);
        if dismissed {
            self.dismissed.insert(said.text);
        }
    }

    /// Where it stands.
    pub fn rect(&self) -> Option<Rect> {
        self.rect
    }

    fn said(&self, view: &View) -> Option<Said> {
        if view.topology.nodes.is_empty() {
            return None;
        }
        if let Some(text) = view.cannot_run() {
            return Some(Said {
                text,
                why: None,
                kind: Kind::Failure,
            });
        }
        if let Some(notice) = view.notices.overload() {
            let why = match &notice.about {
                About::Saturated(saturated) => saturated.why.clone(),
                About::Misrouted(_) => None,
            };
            return Some(Said {
                text: notice.sentence(),
                why,
                kind: Kind::Failure,
            });
        }
        let warnings = view.warnings.iter();
        let warnings = warnings.map(|warning| problems::problem(warning, view.topology));
        let left: Vec<String> = warnings
            .filter(|text| !self.dismissed.contains(text))
            .collect();
        if let Some(first) = left.first() {
            return Some(Said {
                text: first.clone(),
                why: None,
                kind: Kind::Warning,
            });
        }
        match view.selection {
            Some(Selection::Nodes(names)) => Some(Said {
                text: format!("{} selected", names.len()),
                why: Some("Arrows nudge, Alt drag copies, Esc lets go".to_owned()),
                kind: Kind::Hint,
            }),
            Some(Selection::Link(key)) if view.topology.links.find(key).is_some() => Some(Said {
                text: spoken::link(key),
                why: Some("Pull its middle for latency, an end to another node".to_owned()),
                kind: Kind::Hint,
            }),
            _ => None,
        }
    }
}

/// Paints it; returns where, and whether it was dismissed.
fn paint(ui: &Ui, canvas: Rect, said: &Said) -> (Rect, bool) {
    let palette = theme::palette(ui);
    let painter = ui.painter();
    let cross = if said.kind == Kind::Warning {
        26.0
    } else {
        0.0
    };
    let is_hint = said.kind == Kind::Hint;
    let left = crate::app::panes::canvas::beside_tools(canvas);
    let most = (canvas.right() - 216.0 - left).max(200.0);
    let layout = |text: &str, weight, colour| {
        painter.layout(
            text.to_owned(),
            theme::font(size::BODY, weight),
            colour,
            most - cross,
        )
    };
    let main = layout(
        &said.text,
        if said.why.is_some() {
            Weight::Medium
        } else {
            Weight::Regular
        },
        palette.text,
    );
    let why = said
        .why
        .as_ref()
        .map(|why| layout(&format!("{why}."), Weight::Regular, palette.text2));
    let below = why.as_ref().map_or(egui::Vec2::ZERO, |why| why.size());
    let text = vec2(main.size().x.max(below.x), main.size().y + below.y);
    let size = text + vec2(46.0 + cross, 14.0);
    let corner = pos2(left, canvas.bottom() - 12.0 - size.y);
    let rect = Rect::from_min_size(corner, size);
    let outline = Stroke::new(stroke::HAIR, palette.hair);
    painter.extend(theme::surface(rect, palette.panel, outline, palette, 1.0));
    let first = rect.top() + 7.0 + main.rows.first().map_or(9.0, |row| row.height() / 2.0);
    let colour = match said.kind {
        Kind::Failure => palette.failed,
        Kind::Warning | Kind::Hint => palette.text2,
    };
    let mark = pos2(rect.left() + 20.0, first);
    if is_hint {
        Icon::Select.paint(painter, mark, 16.0, colour);
    } else {
        Icon::Warning.paint_stroked(painter, mark, 16.0, 1.8, colour);
    }
    let at = rect.min + vec2(34.0, 7.0);
    let second = at + vec2(0.0, main.size().y);
    painter.galley(at, main, palette.text);
    if let Some(why) = why {
        painter.galley(second, why, palette.text2);
    }
    let label = ui.interact(rect, Id::unique("standing"), Sense::hover());
    let words = match &said.why {
        Some(why) => format!("{}. {why}.", said.text),
        None => said.text.clone(),
    };
    label.widget_info(|| WidgetInfo::labeled(Role::Status, true, &words));
    if said.kind != Kind::Warning {
        return (rect, false);
    }
    let place = Rect::from_center_size(pos2(rect.right() - 18.0, first), vec2(24.0, 24.0));
    let dismiss = ui.interact(place, Id::unique("standing dismiss"), Sense::click());
    dismiss.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Dismiss warning"));
    let strong = dismiss.hovered() || dismiss.has_focus();
    let ink = if strong { palette.text } else { palette.text3 };
    Icon::Cross.paint(painter, place.center(), 14.0, ink);
    (rect, dismiss.clicked())
}
