//! The track over the lanes: what happened as solid marks, what is scheduled as hollow ones that can be moved.

use egui::{
    Align2, Color32, Painter, Pos2, Rangef, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind,
    Ui, WidgetInfo, pos2, vec2,
};

use super::lay::{Lay, RADIUS, paint_dashed_disc};
use super::plan::{Part, Plan, began};
use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::panes::schedule;
use crate::app::run::state::View;
use crate::app::theme::{self, Palette, Weight, radius, size, stroke};
use crate::app::widgets::{menu_item, paint_text};
use crate::app::words::events::{self, Event};
use crate::app::words::format;
use crate::model::Timed;
use crate::sim::snapshot::{Happening, What};
use crate::units::Duration;

/// Marks closer than this share one.
const NEAR: f32 = 14.0;
/// Something that happened, as it is marked.
#[derive(Clone, Debug)]
pub struct Past {
    /// In words.
    pub event: Event,
    /// It was done by hand and is not in the scenario: as it would stand there.
    pub by_hand: Option<Timed>,
    /// Its place in the document's scenario, if it stands there.
    pub place: Option<usize>,
}

/// A mark: one event, or several that are too close to be told apart.
#[derive(Debug)]
struct Mark {
    x: f32,
    /// From where to where it reaches, its span included.
    reach: Rangef,
    events: Vec<Event>,
    what: Of,
}

/// Where a mark reaches, with the span in which it could happen if it has one.
fn reach(x: f32, timed: Option<&Timed>, lay: Lay) -> Rangef {
    match timed {
        Some(Timed::Between(from, to, _)) => {
            let ends = Rangef::new(lay.x(*from), lay.x(*to));
            Rangef::new(ends.min.min(x), ends.max.max(x)).expand(3.0)
        }
        _ => Rangef::new(x - RADIUS, x + RADIUS),
    }
}

/// What a mark is of.
#[derive(Debug)]
enum Of {
    /// What happened: those of it that were done by hand, and places in the scenario.
    Past(Vec<Timed>, Vec<usize>),
    /// Places in the scenario.
    Future(Vec<usize>),
}

/// What happened and has a mark, in order of time.
pub fn past(view: &View) -> Vec<Past> {
    let recorded = schedule::recorded(view);
    let scenario = &view.topology.scenario;
    let past = |happening: &Happening| {
        let (at, event) = (happening.at, events::happened(happening, view.snapshot));
        let What::Command { command, .. } = &happening.what else {
            return Past {
                event,
                by_hand: None,
                place: None,
            };
        };
        let timed = Timed::At(at, command.clone());
        let stands = |place: &usize| {
            view.schedule.get(*place) == Some(&at) && scenario[*place].command() == command
        };
        Past {
            event,
            place: (0..scenario.len()).find(stands),
            by_hand: recorded.contains(&timed).then_some(timed),
        }
    };
    view.history
        .happenings()
        .map(past)
        .filter(|past| past.event.marked)
        .collect()
}

/// Shows marks on the track, with a line down to the lanes' bottom, and lets those that are still to come be edited.
pub fn show(
    ui: &mut Ui,
    lay: Lay,
    past: &[Past],
    view: &View,
    plan: &mut Plan,
    actions: &mut Vec<Action>,
) {
    let palette = theme::palette(ui);
    let track = lay.track;
    paint_text(
        ui.painter(),
        pos2(track.left() + 12.0, track.center().y),
        Align2::LEFT_CENTER,
        "Timeline",
        size::SMALL,
        Weight::Regular,
        palette.text3,
    );
    plan.begin(ui, lay, view);
    plan.ground_ui(ui, lay, view, actions);
    show_spans(ui, lay, view, plan, actions);

    let mut marks: Vec<Mark> = Vec::new();
    for Past {
        event,
        by_hand,
        place,
    } in past
    {
        let x = lay.x(event.at);
        if !lay.across.expand(0.5).contains(x) {
            continue;
        }
        paint_line(ui.painter(), x, lay, Line::Solid, palette);
        let timed = place.and_then(|place| view.topology.scenario.get(place));
        let reached = reach(x, timed, lay);
        match marks.last_mut() {
            Some(Mark {
                x: last,
                reach,
                events,
                what: Of::Past(recorded, places),
            }) if x - *last < NEAR => {
                reach.max = reach.max.max(reached.max);
                events.push(event.clone());
                recorded.extend(by_hand.clone());
                places.extend(place);
            }
            _ => marks.push(Mark {
                x,
                reach: reached,
                events: vec![event.clone()],
                what: Of::Past(
                    by_hand.iter().cloned().collect(),
                    place.iter().copied().collect(),
                ),
            }),
        }
    }
    marks.extend(future(ui, lay, view, plan, palette));
    paint_labels(ui, lay, &marks, palette);
    plan.paint_would(ui, lay);
    for (index, mark) in marks.iter().enumerate() {
        match &mark.what {
            Of::Past(recorded, places) => {
                let id = ui.scope_id().with(("happened", index));
                let response = show_past(ui, lay, id, mark, (recorded, places), view, actions);
                plan.over_gestures(
                    ui,
                    lay,
                    &response,
                    places,
                    recorded.is_empty(),
                    view,
                    actions,
                );
            }
            Of::Future(places) => show_future(ui, lay, mark, places, view, plan, actions),
        }
    }
    plan.end(ui, lay, view, actions);
}

/// The marks of what is still to come, as they are while one of them is dragged.
fn future(ui: &Ui, lay: Lay, view: &View, plan: &Plan, palette: &Palette) -> Vec<Mark> {
    let mut ahead: Vec<(Duration, usize)> = schedule::ahead(view)
        .map(|place| (plan.instant(view, place), place))
        .collect();
    ahead.sort_unstable();
    let mut marks: Vec<Mark> = Vec::new();
    for (at, place) in ahead {
        let x = lay.x(at);
        if !lay.across.expand(0.5).contains(x) {
            continue;
        }
        let line = if plan.drags(place) {
            Line::Dragged
        } else {
            Line::Dashed
        };
        paint_line(ui.painter(), x, lay, line, palette);
        let event = Event {
            at,
            ..events::scheduled(&plan.shown(view, place))
        };
        match marks.last_mut() {
            Some(Mark {
                x: last,
                events,
                what: Of::Future(places),
                ..
            }) if x - *last < NEAR
                && !plan.drags(place)
                && !places.iter().any(|p| plan.drags(*p)) =>
            {
                events.push(event);
                places.push(place);
            }
            _ => marks.push(Mark {
                x,
                reach: reach(x, Some(&plan.shown(view, place)), lay),
                events: vec![event],
                what: Of::Future(vec![place]),
            }),
        }
    }
    marks
}

/// Labels go to the right where the next mark leaves room, else to the left, else they wait for the pointer.
fn paint_labels(ui: &Ui, lay: Lay, marks: &[Mark], palette: &Palette) {
    let track = lay.track;
    let clip = ui.painter().with_clip_rect(track.intersect(ui.clip_rect()));
    let mut taken = lay.across.min - 4.0;
    for (i, mark) in marks.iter().enumerate() {
        let limit = marks
            .get(i + 1)
            .map_or(track.right() - 8.0, |next| next.reach.min - 6.0);
        let (colour, weight) = match mark.what {
            Of::Future(_) => (palette.text3, Weight::Regular),
            Of::Past(..) => (palette.text2, Weight::Medium),
        };
        let label = &mark.events[mark.events.len() - 1].label;
        let galley = clip.layout_no_wrap(label.clone(), theme::font(size::SMALL, weight), colour);
        let width = galley.size().x;
        let y = track.center().y - galley.size().y / 2.0 - 1.0;
        let (right, left) = (mark.reach.max + 5.0, mark.reach.min - 5.0 - width);
        // A pair leaves the room between it to the second one's label only if there is plenty.
        if left >= taken + 6.0 && (i == 0 || right + width > limit) {
            clip.galley(pos2(left, y), galley, colour);
            taken = mark.reach.max;
        } else if right + width <= limit {
            clip.galley(pos2(right, y), galley, colour);
            taken = right + width;
        } else {
            taken = mark.reach.max;
        }
    }
}

/// How a mark's line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Solid,
    Dashed,
    Dragged,
}

fn paint_line(painter: &Painter, x: f32, lay: Lay, line: Line, palette: &Palette) {
    let ends = [pos2(x, lay.track.top() + 17.0), pos2(x, lay.bottom)];
    let colour = match line {
        Line::Solid => {
            painter.line_segment(ends, Stroke::new(1.2, palette.text));
            return;
        }
        Line::Dashed => palette.text.gamma_multiply(0.6),
        Line::Dragged => palette.text,
    };
    let line = Stroke::new(stroke::HAIR, colour);
    painter.extend(Shape::dashed_line(&ends, line, 3.0, 3.0));
}

/// A line of text for each event of a mark.
fn told(mark: &Mark) -> String {
    let line = |event: &Event| {
        let when = format::instant(event.at);
        match mark.what {
            Of::Future(_) => format!("{when}  {} (scheduled)", event.title),
            Of::Past(..) => format!("{when}  {}", event.sentence()),
        }
    };
    mark.events.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn show_past(
    ui: &Ui,
    lay: Lay,
    id: egui::Id,
    mark: &Mark,
    (recorded, places): (&[Timed], &[usize]),
    view: &View,
    actions: &mut Vec<Action>,
) -> Response {
    let palette = theme::palette(ui);
    let centre = pos2(mark.x, lay.middle());
    let plain = recorded.is_empty() && places.is_empty();
    let sense = if plain {
        Sense::hover()
    } else {
        Sense::click()
    };
    let area = Rect::from_center_size(centre, vec2(22.0, 22.0));
    let response = ui.interact(area, id, sense);
    let mut text = told(mark);
    if !recorded.is_empty() {
        text.push_str("\nDone by hand; its menu keeps it in the scenario");
    }
    let role = if plain { Role::Label } else { Role::Button };
    response.widget_info(|| WidgetInfo::labeled(role, true, &text));
    let painter = ui.painter();
    let [ring, ink] = [palette.text, palette.on_ink];
    if recorded.is_empty() {
        painter.circle_filled(centre, RADIUS, ring);
    } else {
        // What was done by hand has corners.
        let square = Rect::from_center_size(centre, vec2(RADIUS, RADIUS) * 1.85);
        painter.rect_filled(square, radius::TAG, ring);
    }
    paint_focus(painter, centre, &response, palette);
    paint_sign(painter, centre, mark, ink);
    if recorded.is_empty() {
        return response.on_hover_text(text);
    }
    // A key opens what a right click opens.
    let by_key = response.clicked() && !response.clicked_by(egui::PointerButton::Primary);
    let menu = egui::Popup::context_menu(&response);
    let menu = if by_key {
        menu.open_memory(Some(egui::SetOpenCommand::Bool(true)))
    } else {
        menu
    };
    menu.show(|ui| {
        let all = schedule::recorded(view);
        let words = match recorded {
            [one] => format!(
                "Keep {} in the scenario",
                events::imperative(one.command()).1
            ),
            several => format!("Keep these {} in the scenario", several.len()),
        };
        if menu_item(ui, Some(Icon::Check), &words, "").clicked() {
            ui.close();
            actions.push(schedule::kept(view, recorded));
        }
        if all.len() > recorded.len() {
            let words = format!("Keep all {} done by hand", all.len());
            if menu_item(ui, Some(Icon::Check), &words, "").clicked() {
                ui.close();
                actions.push(schedule::kept(view, &all));
            }
        }
    });
    response.on_hover_text(text)
}

fn show_future(
    ui: &Ui,
    lay: Lay,
    mark: &Mark,
    places: &[usize],
    view: &View,
    plan: &mut Plan,
    actions: &mut Vec<Action>,
) {
    let palette = theme::palette(ui);
    let dragged = plan.drags(places[0]);
    let centre = pos2(mark.x, lay.middle());
    let area = Rect::from_center_size(centre, vec2(22.0, 22.0));
    let id = Plan::id_of(ui, places[0]);
    let response = ui
        .interact(area, id, Sense::click_and_drag())
        .on_hover_cursor(egui::CursorIcon::Grab);
    let text = told(mark);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &text));
    ui.ctx().accesskit_node_builder(id, |node| {
        node.set_description("Arrows move it, Enter opens it, Delete takes it out");
    });
    let painter = ui.painter();
    if dragged {
        let was = pos2(lay.x(began(view, places[0])), centre.y);
        paint_dashed_disc(painter, was, palette);
        let ring = Stroke::new(2.0, palette.text);
        painter.circle(centre, 11.0 - 1.0, palette.raised, ring);
    } else {
        let lit = response.hovered() || response.has_focus();
        let ring = if lit { palette.text } else { palette.text2 };
        painter.circle(centre, RADIUS - 0.6, palette.panel, Stroke::new(1.2, ring));
    }
    paint_focus(painter, centre, &response, palette);
    let ink = if dragged { palette.text } else { palette.text2 };
    paint_sign(painter, centre, mark, ink);
    plan.gestures(ui, lay, &response, places, Part::Whole, view, actions);
    if !dragged {
        response.on_hover_text(text);
    }
}

fn paint_focus(painter: &Painter, centre: Pos2, response: &Response, palette: &Palette) {
    if response.has_focus() {
        let ring = Stroke::new(stroke::FOCUS, palette.text);
        painter.circle_stroke(centre, RADIUS + 2.5, ring);
    }
}

/// Its picture, or how many it stands for.
fn paint_sign(painter: &Painter, centre: Pos2, mark: &Mark, ink: Color32) {
    match mark.events.as_slice() {
        [event] => {
            let icon = event.icon;
            let width = if icon == Icon::Eject { 1.0 } else { 1.2 };
            icon.paint_stroked(painter, centre, 11.0, width, ink);
        }
        several => {
            paint_text(
                painter,
                centre,
                Align2::CENTER_CENTER,
                &several.len().to_string(),
                size::SMALL,
                Weight::Semibold,
                ink,
            );
        }
    }
}

/// The spans of events whose instant is drawn, with a handle at each end while they are still to come.
fn show_spans(ui: &Ui, lay: Lay, view: &View, plan: &mut Plan, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    for (place, timed) in view.topology.scenario.iter().enumerate() {
        if !matches!(timed, Timed::Between(..)) {
            continue;
        }
        let Timed::Between(from, to, command) = plan.shown(view, place) else {
            continue;
        };
        let across = lay.across.expand(4.0);
        let (left, right) = (lay.x(from), lay.x(to));
        if right < across.min || left > across.max {
            continue;
        }
        let middle = lay.middle();
        let (l, r) = (left.max(across.min), right.min(across.max));
        let pill = Rect::from_x_y_ranges(l..=r, middle - 7.0..=middle + 7.0);
        let edge = Stroke::new(stroke::HAIR, palette.edge);
        ui.painter()
            .rect(pill, 7.0, palette.raised, edge, StrokeKind::Inside);
        if !schedule::is_ahead(view, place) {
            continue;
        }
        let what = events::imperative(&command).1;
        for (part, x, at, word) in [
            (Part::Begin, left, from, "earliest"),
            (Part::End, right, to, "latest"),
        ] {
            if !across.contains(x) {
                continue;
            }
            let centre = pos2(x, middle);
            let area = Rect::from_center_size(centre, vec2(12.0, 22.0));
            let id = Plan::id_of(ui, place).with(part);
            let response = ui
                .interact(area, id, Sense::click_and_drag())
                .on_hover_cursor(egui::CursorIcon::ResizeHorizontal);
            let name = format!("{what}: {word} {}", format::instant(at));
            response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, &name));
            let bar = Rect::from_center_size(centre, vec2(6.0, 20.0));
            let painter = ui.painter();
            painter.rect_filled(bar, 3.0, palette.text);
            painter.vline(
                x,
                middle - 4.0..=middle + 4.0,
                Stroke::new(1.2, palette.on_ink),
            );
            if response.has_focus() {
                let ring = Stroke::new(stroke::FOCUS, palette.text);
                painter.rect_stroke(bar.expand(2.0), 5.0, ring, StrokeKind::Outside);
            }
            plan.gestures(ui, lay, &response, &[place], part, view, actions);
            if !plan.is_dragging() {
                response.on_hover_text(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panes::charts::window::TimeWindow;
    use crate::model::Command;

    /// So that its words stand beside its span and not over it, before it happened and after.
    #[test]
    fn a_mark_reaches_as_far_as_its_span() {
        let mut window = TimeWindow::default();
        (window.from, window.to) = (0.0, 100.0);
        let lay = Lay {
            track: Rect::from_min_size(pos2(0.0, 0.0), vec2(1000.0, 24.0)),
            bottom: 200.0,
            across: Rangef::new(0.0, 1000.0),
            window: &window,
        };
        let second = |at: u64| Duration::from_secs(at as f64);
        let crash = Command::Crash("api".to_owned(), 1);
        let between = Timed::Between(second(20), second(40), crash.clone());
        assert_eq!(reach(300.0, Some(&between), lay), Rangef::new(197.0, 403.0));
        for timed in [None, Some(Timed::At(second(30), crash))] {
            let reach = reach(300.0, timed.as_ref(), lay);
            assert_eq!(reach, Rangef::new(300.0 - RADIUS, 300.0 + RADIUS));
        }
    }
}
