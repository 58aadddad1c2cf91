//! What flows over the selected link and how long it takes, below its cards: the latency is typed there, or pulled at the
//! handle in its middle.

use egui::{
    Align2, CursorIcon, Id, Pos2, Rect, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo,
    pos2, vec2,
};

use super::handles::Pull;
use super::link::Line;
use super::scene::{Card, Scene};
use super::tools::float;
use super::{Canvas, lines};
use crate::app::action::Action;
use crate::app::panes::naming::{refused, select_all};
use crate::app::run::state::View;
use crate::app::theme::{self, Palette, Weight, radius, size, stroke};
use crate::app::widgets::{Cover, Field, paint_text};
use crate::app::words::spoken::capitalised;
use crate::app::words::{format, nodes, spoken};
use crate::model::settings::to_ron;
use crate::model::{Command, Topology};
use crate::units::Duration;

const HEIGHT: f32 = 28.0;
/// Room at both sides of each figure.
const PAD: f32 = 10.0;
/// How far it hangs below the lower card.
const BELOW: f32 = 20.0;
/// Figures of changing length keep their place: their widths go by so much.
const GRAIN: f32 = 8.0;

/// The latency that is being typed.
#[derive(Debug)]
pub(super) struct Typing {
    /// Of which link.
    key: String,
    fresh: bool,
}

/// The edit that gives a link a latency, from text.
///
/// # Errors
/// It is none; what would be right.
pub(super) fn set(topology: &Topology, key: &str, typed: &str) -> Result<Action, String> {
    let path = format!("links.{key}.latency");
    let mut changed = topology.clone();
    let text = to_ron(&typed.trim().trim_matches('"').to_owned());
    changed.set_path(&path, &text).map_err(|error| {
        let is_name = |name: &str| topology.nodes.contains_key(name);
        capitalised(&spoken::sentence(&error.message, is_name))
    })?;
    // As the file would have it.
    let text = changed.get_path(&path).unwrap_or(text);
    let label = format!("{} latency {}", spoken::link(key), text.trim_matches('"'));
    Ok(Action::Edit(vec![Command::Set(path, text)], label))
}

/// A latency so many steps on: ten to the tenfold, from 1 µs to 1 h; below is none at all.
pub(super) fn further(from: Duration, steps: i32) -> Duration {
    const MANTISSAS: [u64; 10] = [10, 12, 15, 20, 25, 30, 40, 50, 60, 80];
    const MOST: u64 = 3_600_000_000_000;
    if steps == 0 {
        return from;
    }
    let tens = (0..10).map(|power| 100 * 10_u64.pow(power));
    let rungs = tens.flat_map(|tens| MANTISSAS.map(|mantissa| mantissa * tens));
    let ladder: Vec<u64> = std::iter::once(0)
        .chain(rungs.take_while(|&rung| rung < MOST))
        .chain([MOST])
        .collect();
    // One between two rungs goes to the next one in the way it is pulled.
    let at = if steps > 0 {
        ladder.partition_point(|&rung| rung <= from.0) as i32 - 1
    } else {
        ladder.partition_point(|&rung| rung < from.0) as i32
    };
    let last = ladder.len() as i32 - 1;
    Duration(ladder[at.saturating_add(steps).clamp(0, last) as usize])
}

/// Where it hangs: below the lower of the two cards, or else above the upper one or beside its handle, where neither it nor
/// the line to it covers a card.
fn place(handle: Pos2, ends: [Rect; 2], cards: &[Rect], width: f32, room: Rect) -> Rect {
    let size = vec2(width, HEIGHT);
    let both = ends[0].union(ends[1]);
    let leftmost = |middle: f32| {
        let most = (room.right() - width).max(room.left());
        (middle - width / 2.0).clamp(room.left(), most)
    };
    // How much longer the line to it would have to be below: there it is looked for.
    let (below, above, beside) = (0.0, 100.0, 200.0);
    let rows = [
        (both.bottom() + BELOW, below),
        (both.top() - BELOW - HEIGHT, above),
        (handle.y + 24.0, beside),
        (handle.y - 24.0 - HEIGHT, beside),
        (handle.y - HEIGHT / 2.0, beside),
    ];
    let shifts = (0..12).flat_map(|step| [1.0, -1.0].map(|side| side * step as f32 * 24.0));
    let at = |x: f32, y: f32| Rect::from_min_size(pos2(leftmost(handle.x + x), y), size);
    let is_free = |rect: &Rect| {
        let end = leader(handle, *rect);
        let mut along = (0..=16).map(|i| handle + (end - handle) * (i as f32 / 16.0));
        let crosses = along.any(|at| cards.iter().any(|card| card.contains(at)));
        let covers = cards.iter().any(|card| card.expand(6.0).intersects(*rect));
        let hides = rect.expand(10.0).contains(handle);
        room.contains_rect(*rect) && !crosses && !covers && !hides
    };
    let places = rows.into_iter().flat_map(|(y, cost)| {
        let row = shifts.clone().map(move |x| at(x, y));
        row.map(move |rect| (rect, cost + leader(handle, rect).distance(handle)))
    });
    let nearest = places
        .filter(|(rect, _)| is_free(rect))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let otherwise = || {
        let lowest = (room.bottom() - HEIGHT).max(room.top());
        at(0.0, rows[0].0.clamp(room.top(), lowest))
    };
    let rect = nearest.map_or_else(otherwise, |(rect, _)| rect);
    Rect::from_min_size(rect.min.round(), size)
}

/// Where the line from the handle ends.
fn leader(handle: Pos2, rect: Rect) -> Pos2 {
    handle.clamp(
        rect.min + vec2(radius::CARD, 0.0),
        rect.max - vec2(radius::CARD, 0.0),
    )
}

fn words_width(ui: &Ui, text: &str, weight: Weight) -> f32 {
    let font = theme::font(size::SMALL, weight);
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), font, egui::Color32::PLACEHOLDER);
    galley.size().x
}

impl Canvas {
    /// Lets the latency of a link be typed where it is shown.
    pub fn type_latency(&mut self, key: &str) {
        self.typing = Some(Typing {
            key: key.to_owned(),
            fresh: true,
        });
    }

    /// Shows what flows over the selected link.
    pub(super) fn link_readout(
        &mut self,
        ui: &mut Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        lines: &[Line],
        actions: &mut Vec<Action>,
    ) {
        let typed = self.typing.take();
        let pulled = match &self.pull {
            Some(Pull::Latency { latency, .. }) => Some(*latency),
            Some(_) => return,
            None => None,
        };
        let busy = self.frame.is_some() || self.drag.as_ref().is_some_and(super::Drag::is_held);
        let Some(line) = lines
            .iter()
            .find(|line| lines::is_selected(view, line))
            .filter(|_| !busy)
        else {
            return;
        };
        let Some(handle) = line.middle(scene).map(|at| self.transform.at(at)) else {
            return;
        };
        let room = super::view::room(area);
        if !area.contains(handle) || !room.is_positive() {
            return;
        }
        let palette = theme::palette(ui);
        let latency = pulled.unwrap_or(line.latency);
        let told = [
            format::joined(format::time(latency.secs())),
            nodes::per_second(line.rates.total()),
            lines::bytes_per_second(line),
        ];
        let name_width = words_width(ui, "latency", Weight::Regular) + 6.0;
        let widths: Vec<f32> = told
            .iter()
            .enumerate()
            .map(|(number, text)| {
                let name = if number == 0 { name_width } else { 0.0 };
                let width = words_width(ui, text, Weight::Semibold) + name + 2.0 * PAD;
                // Room to type in.
                let least: f32 = if number == 0 { 12.0 * GRAIN } else { 0.0 };
                ((width / GRAIN).ceil() * GRAIN).max(least)
            })
            .collect();
        let outer = |card: &Card| self.transform.rect(card.whole());
        let cards: Vec<Rect> = scene.cards.iter().map(outer).collect();
        let ends = [cards[line.from], cards[line.to]];
        let rect = place(handle, ends, &cards, widths.iter().sum(), room);

        ui.painter().line_segment(
            [handle, leader(handle, rect)],
            Stroke::new(1.0, palette.text),
        );
        self.occupied.push(Cover::bar(rect));
        float(ui, rect, "link readout");
        let mut left = rect.left();
        for (number, (text, width)) in told.iter().zip(&widths).enumerate() {
            let part = Rect::from_min_size(pos2(left, rect.top()), vec2(*width, HEIGHT));
            left += width;
            if number > 0 {
                let hair = Stroke::new(stroke::HAIR, palette.hair);
                let y = part.shrink2(vec2(0.0, 5.0)).y_range();
                ui.painter().vline(part.left(), y, hair);
                paint_part(ui, part, text, palette);
                continue;
            }
            match &typed {
                Some(typing) if typing.key == line.key => {
                    let fresh = typing.fresh;
                    self.latency_field(ui, part, view, line, fresh, actions);
                }
                _ => self.latency_part(ui, part, line, (text, name_width), palette),
            }
        }
    }

    /// The latency as a part that can be clicked and reached by the keyboard.
    fn latency_part(
        &mut self,
        ui: &Ui,
        part: Rect,
        line: &Line,
        (text, name_width): (&str, f32),
        palette: &Palette,
    ) {
        let response = ui.interact(part.shrink(3.0), latency_id(ui, line), Sense::click());
        let words = spoken::link_words(&line.key);
        let label = format!("Latency of {words}: {text}");
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
        let painter = ui.painter();
        if response.hovered() || response.has_focus() {
            painter.rect_filled(part.shrink(3.0), radius::CONTROL - 1.0, palette.raised);
            ui.ctx().set_cursor_icon(CursorIcon::Text);
        }
        if response.has_focus() {
            painter.rect_stroke(
                part.shrink(3.0),
                radius::CONTROL - 1.0,
                Stroke::new(stroke::FOCUS, palette.text),
                StrokeKind::Inside,
            );
        }
        let at = part.left_center() + vec2(PAD, 0.0);
        let (anchor, small) = (Align2::LEFT_CENTER, size::SMALL);
        paint_text(
            painter,
            at,
            anchor,
            "latency",
            small,
            Weight::Regular,
            palette.text2,
        );
        let at = at + vec2(name_width, 0.0);
        paint_text(
            painter,
            at,
            anchor,
            text,
            small,
            Weight::Semibold,
            palette.text,
        );
        if response.clicked() {
            self.type_latency(&line.key);
            ui.ctx().request_repaint();
        }
    }

    /// The field in its stead.
    fn latency_field(
        &mut self,
        ui: &mut Ui,
        part: Rect,
        view: &View,
        line: &Line,
        fresh: bool,
        actions: &mut Vec<Action>,
    ) {
        let key = &line.key;
        let name = format!("Latency of {}", spoken::link_words(key));
        let value = line.latency.to_string();
        let inner = part.shrink2(vec2(3.0, 1.0));
        let builder = UiBuilder::new().id_salt(("typing", key)).max_rect(inner);
        let shown = ui.scope_builder(builder, |ui| {
            Field::new(&name, &value)
                .width(inner.width())
                .height(inner.height())
                .show_bare(ui, |text| set(view.topology, key, text))
        });
        let field = shown.inner;
        if fresh {
            field.response.request_focus();
            select_all(ui, field.response.id, &value);
            ui.ctx().request_repaint();
        }
        if let Some(error) = &field.error {
            refused(ui, part, error);
        }
        let by_key = ui.input(|input| {
            input.key_pressed(egui::Key::Enter) || input.key_pressed(egui::Key::Escape)
        });
        let left = !fresh && !field.response.has_focus() && field.error.is_none();
        if left || field.applied.is_some() {
            if by_key {
                self.named = true;
                let id = lines::link_id(ui, key);
                ui.memory_mut(|memory| memory.request_focus(id));
            }
        } else {
            self.typing = Some(Typing {
                key: key.clone(),
                fresh: false,
            });
        }
        actions.extend(field.applied);
    }
}

fn latency_id(ui: &Ui, line: &Line) -> Id {
    ui.scope_id().with(("latency of", &line.key))
}

fn paint_part(ui: &Ui, part: Rect, text: &str, palette: &Palette) {
    paint_text(
        ui.painter(),
        part.left_center() + vec2(PAD, 0.0),
        Align2::LEFT_CENTER,
        text,
        size::SMALL,
        Weight::Medium,
        palette.text,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_pulled_by_rungs_a_tenth_of_a_tenfold_apart() {
        let micros = |micros: u64| Duration(micros * 1000);
        assert_eq!(further(micros(125), 0), micros(125));
        assert_eq!(further(micros(125), 1), micros(150));
        assert_eq!(further(micros(125), -1), micros(120));
        assert_eq!(further(micros(150), 1), micros(200));
        assert_eq!(further(micros(150), -1), micros(120));
        assert_eq!(further(micros(150), 10), micros(1500));
        assert_eq!(further(micros(1), -1), Duration(0));
        assert_eq!(further(Duration(0), -3), Duration(0));
        assert_eq!(further(Duration(0), 1), micros(1));
        assert_eq!(further(micros(1), i32::MAX), Duration(3_600_000_000_000));
        // What the file's range does not have is never offered.
        assert_eq!(
            further(Duration(3_000_000_000_000), 1),
            Duration(3_600_000_000_000)
        );
    }

    #[test]
    fn figures_hang_where_they_cover_no_card() {
        let room = Rect::from_min_size(Pos2::ZERO, vec2(1000.0, 500.0));
        let card = |x: f32, y: f32| Rect::from_min_size(pos2(x, y), vec2(128.0, 104.0));
        let free = |handle: Pos2, cards: &[Rect]| {
            let rect = place(handle, [cards[0], cards[1]], cards, 210.0, room);
            assert!(room.contains_rect(rect), "{rect:?}");
            assert!(cards.iter().all(|card| !card.intersects(rect)), "{rect:?}");
            rect
        };
        // Below the lower one, in the middle under the handle.
        let side = [card(100.0, 100.0), card(400.0, 140.0)];
        let rect = free(pos2(314.0, 170.0), &side);
        assert_eq!(rect.center().x, 314.0);
        assert_eq!(rect.top(), 264.0);
        // Another card there: moved sideways; no room at all: above.
        let third = [side[0], side[1], card(300.0, 250.0)];
        free(pos2(314.0, 170.0), &third);
        let low = [card(100.0, 380.0), card(400.0, 380.0)];
        assert!(free(pos2(314.0, 430.0), &low).bottom() < 380.0);
        // One above the other: beside the line between them.
        let over = [card(100.0, 20.0), card(100.0, 300.0)];
        let rect = free(pos2(164.0, 212.0), &over);
        assert!((rect.center().y - 212.0).abs() < 60.0, "{rect:?}");
    }
}
