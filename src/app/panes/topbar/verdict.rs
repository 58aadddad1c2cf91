//! The chip that says how the promises stand.

use egui::text::LayoutJob;
use egui::{Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::app::action::Action;
use crate::app::panes::inspector::promises::mark;
use crate::app::panes::verdicts::{self, Standing, Told};
use crate::app::run::state::View;
use crate::app::theme::{self, Weight, height, radius, size, space, stroke};

/// Shows it in the middle of what is free; nothing while nothing is promised. A click shows the promises.
pub fn show(ui: &mut Ui, view: &View, actions: &mut Vec<Action>) {
    let told = verdicts::told(view);
    if told.is_empty() {
        return;
    }
    let palette = theme::palette(ui);
    let worst = verdicts::worst(&told);
    let free = ui.available_rect_before_wrap().shrink2(vec2(space::S, 0.0));
    let (standing, loss) = match worst {
        Some(worst) => (Standing::Broken, worst.kind.is_loss()),
        None if told.iter().any(|t| t.standing == Standing::Unknown) => (Standing::Unknown, false),
        None => (Standing::Kept, false),
    };
    let (icon, colour) = mark(standing, loss, palette);
    // The longest of these that there is room for.
    let begun = view.snapshot.now.0 > 0;
    let texts = texts(&told, worst, begun);
    let lay = |(first, second): &(String, String)| {
        let mut job = LayoutJob::default();
        let quiet = if worst.is_some() {
            palette.text
        } else {
            palette.text2
        };
        let format = |weight, colour| egui::TextFormat {
            font_id: theme::font(size::BODY, weight),
            color: colour,
            ..Default::default()
        };
        job.append(first, 0.0, format(Weight::Medium, quiet));
        if !second.is_empty() {
            job.append(second, 5.0, format(Weight::Semibold, colour));
        }
        ui.painter().layout_job(job)
    };
    let around = 30.0 + 10.0;
    let mut galleys = texts.iter().map(lay);
    let fits = |galley: &std::sync::Arc<egui::Galley>| galley.size().x + around <= free.width();
    let Some(galley) = galleys.find(fits) else {
        return;
    };
    let wanted = vec2(galley.size().x + around, height::BUTTON);
    let rect = Rect::from_center_size(free.center(), wanted);
    let id = ui.scope_id().with("promises");
    let response = ui.interact(rect, id, Sense::click());
    let whole = whole(&told, worst, begun);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &whole));

    let painter = ui.painter();
    let (ground, outline) = match (standing, loss) {
        (Standing::Broken, true) => (palette.lost_tint, palette.lost),
        (Standing::Broken, false) => (palette.panel, palette.failed),
        _ => (palette.panel, palette.hair),
    };
    let ground = if response.hovered() && !loss {
        palette.raised
    } else {
        ground
    };
    painter.rect(
        rect,
        radius::CONTROL,
        ground,
        Stroke::new(stroke::HAIR, outline),
        StrokeKind::Inside,
    );
    if response.has_focus() {
        let ring = Stroke::new(stroke::SELECTED, palette.text);
        painter.rect_stroke(
            rect.expand(2.0),
            radius::CONTROL + 2.0,
            ring,
            StrokeKind::Outside,
        );
    }
    let middle = rect.center().y;
    icon.paint_stroked(painter, pos2(rect.left() + 16.0, middle), 14.0, 1.8, colour);
    let at = pos2(rect.left() + 30.0, middle - galley.size().y / 2.0);
    painter.galley(at, galley, palette.text);
    if response.clicked() {
        actions.push(Action::Select(None));
    }
    let lines: Vec<String> = told.iter().map(Told::sentence).collect();
    response.on_hover_text(lines.join("\n"));
}

/// What the chip says, the longest first: what stands plain, and what stands out.
fn texts(told: &[Told], worst: Option<&Told>, begun: bool) -> Vec<(String, String)> {
    let count = told.len();
    let Some(worst) = worst else {
        let unknown = told
            .iter()
            .filter(|t| t.standing == Standing::Unknown)
            .count();
        let text = match (count, unknown) {
            (_, unknown) if unknown == count || !begun => promises(count),
            (_, 0) => format!("{} kept so far", promises(count)),
            _ => format!("{} of {} kept so far", count - unknown, promises(count)),
        };
        return vec![(text, String::new()), (promises(count), String::new())];
    };
    let broken = told
        .iter()
        .filter(|t| t.standing == Standing::Broken)
        .count();
    let of = format!("{broken} of {} broken", promises(count));
    vec![
        (format!("{of}:"), worst.short.clone()),
        (of, String::new()),
        (format!("{broken} of {count} broken"), String::new()),
        (format!("{broken}/{count}"), String::new()),
    ]
}

fn promises(count: usize) -> String {
    if count == 1 {
        "1 promise".to_owned()
    } else {
        format!("{count} promises")
    }
}

/// For assistive technology.
fn whole(told: &[Told], worst: Option<&Told>, begun: bool) -> String {
    let texts = texts(told, worst, begun);
    texts.first().map_or_else(String::new, |(first, second)| {
        format!("{first} {second}").trim_end().to_owned()
    })
}
