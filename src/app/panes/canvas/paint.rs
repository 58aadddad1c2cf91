//! Painting of a frame: links first, then cards, then what is under the pointer.

use egui::{Rect, Ui, Vec2, vec2};

use super::handles::Pull;
use super::ink::Ink;
use super::interact::On;
use super::link::{self, Line};
use super::place::Places;
use super::scene::{Card, Scene, Worst};
use super::{Canvas, card, cards, ends, guides, handles, lines, selecting, troubled};
use crate::app::action::Selection;
use crate::app::document::place_new_nodes;
use crate::app::run::state::View;
use crate::app::theme;
use crate::app::widgets::tooltip;
use crate::model::{Command, Node};

impl Canvas {
    /// Returns why what is being pulled cannot be joined to what it is over.
    #[expect(clippy::too_many_arguments, reason = "all that a frame knows")]
    pub(super) fn paint(
        &mut self,
        ui: &Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        lines: &[Line],
        on: &On,
        seconds: f32,
    ) -> Option<String> {
        let palette = theme::palette(ui);
        let settings = theme::settings(ui);
        let painter = ui.painter();
        painter.rect_filled(area, 0.0, palette.canvas);
        self.texts.begin(ui.ctx(), painter);
        let mut ink = Ink {
            painter,
            transform: self.transform,
            palette,
            texts: &mut self.texts,
        };
        if !self.alone {
            paint_grid(&ink, area);
        }

        let visible = self.transform.world_rect(area);
        let moves = view.playing && !settings.reduced_motion;
        let (seconds, speed) = if moves {
            (seconds, view.speed_got.unwrap_or(view.speed))
        } else {
            (0.0, view.speed)
        };
        selecting::paint_wash(&ink, view, scene);
        self.flows.begin();
        let mut moving = false;
        for (index, line) in lines.iter().enumerate() {
            let bounds = line.lanes.iter().fold(Rect::NOTHING, |bounds, lane| {
                bounds.union(lane.curve.bounds())
            });
            if !bounds.expand(8.0).intersects(visible) {
                continue;
            }
            let emphasis = link::Emphasis {
                hovered: on.link == Some(index),
                selected: lines::is_selected(view, line),
                lifted: matches!(&self.pull, Some(Pull::End { key, .. }) if *key == line.key),
            };
            moving |= self.flows.paint(&ink, line, emphasis, seconds, speed);
            if line.trouble.is_some() && ink.readable() && !emphasis.lifted {
                troubled::paint_words(&mut ink, scene, line, emphasis.selected);
            }
        }

        paint_ghosts(&mut ink, view, scene, &mut self.ghosts);
        // What is dragged lies above all others.
        let dragged = |index: &usize| {
            let drag = self.drag.as_ref();
            drag.is_some_and(|drag| drag.has(scene.cards[*index].name))
        };
        let (above, below): (Vec<usize>, Vec<usize>) = (0..scene.cards.len()).partition(dragged);
        let order = below.into_iter().chain(above);
        let tiles = if ink.readable() {
            Vec::new()
        } else {
            card::far::tiles(&mut ink, scene)
        };
        for index in order {
            let card = &scene.cards[index];
            let id = ui.scope_id().with(("tag", card.name));
            let out = if settings.reduced_motion {
                f32::from(u8::from(card.loss.is_some()))
            } else {
                ui.ctx()
                    .animate_bool_with_time(id, card.loss.is_some(), 0.16)
            };
            if !card.outer().intersects(visible) {
                continue;
            }
            let emphasis = card::Emphasis {
                selected: view
                    .selection
                    .is_some_and(|selection| selection.has(card.name)),
                hovered: on.card == Some(index) && on.link.is_none(),
                focused: on.focused == Some(index)
                    && ui.input(|i| i.pointer.latest_pos().is_none())
                    || on.focused == Some(index)
                        && !view
                            .selection
                            .is_some_and(|selection| selection.has(card.name)),
                instance: match view.selection {
                    Some(Selection::Instance(name, number)) if name == card.name => Some(*number),
                    _ => None,
                },
                tag: out,
            };
            let whole = match tiles.get(index) {
                Some(&tile) => {
                    card::far::paint(&mut ink, card, tile, emphasis, scene.now);
                    false
                }
                None => card::paint(&mut ink, scene, card, view.topology, emphasis),
            };
            if !whole && emphasis.hovered {
                tip(ui, scene, card, ink.readable());
            }
            if on.handles == Some(index) {
                handles::paint(&ink, card);
            }
        }
        if ink.readable() {
            for line in lines {
                link::paint_covered(&ink, scene, line);
            }
        }
        ends::paint(&ink, scene, lines, &on.link_handles);
        let refused = match &self.pull {
            Some(Pull::Instances { name, count }) => {
                handles::paint_instances(&mut ink, scene, name, *count);
                None
            }
            Some(Pull::Link { from, to }) => {
                handles::paint_edge(&ink, scene, view.topology, from, *to)
            }
            Some(pull) => ends::paint_pulled(&ink, pull, scene, lines, view.topology),
            None => None,
        };
        if let Some((from, at)) = self.adding.as_ref().and_then(|adding| adding.end()) {
            handles::paint_edge(&ink, scene, view.topology, from, at);
        }
        if let Some(drag) = &self.drag {
            for (name, at) in drag.ghosts() {
                if let Some(node) = view.topology.nodes.get(name) {
                    card::paint_copy(&mut ink, at, node, name);
                }
            }
            for guide in &drag.guides {
                guides::paint(&ink, guide);
            }
        }
        if let Some(frame) = &self.frame {
            selecting::paint_frame(&ink, frame);
        }
        if moving {
            ui.ctx().request_repaint();
        }
        refused
    }
}

/// The name in full of a card that has no room for it; all there is to say about one that is too small for its words.
fn tip(ui: &Ui, scene: &Scene, card: &Card, readable: bool) {
    let Some(response) = ui.ctx().read_response(cards::card_id(ui, card.name)) else {
        return;
    };
    let words = if readable {
        String::new()
    } else {
        card::describe(scene, card)
    };
    let lines: Vec<&str> = words.split(", ").filter(|line| !line.is_empty()).collect();
    tooltip(&response, card.name, &lines);
}

/// Dots 24 points apart; further apart when zoomed out, so that they never become a grey.
fn paint_grid(ink: &Ink, area: Rect) {
    let mut step = 24.0 * ink.zoom();
    while step < 14.0 {
        step *= 2.0;
    }
    let radius = 0.9 * ink.zoom().clamp(0.7, 1.5);
    let half = Vec2::splat(step / 2.0);
    let first = ink.transform.origin + half - area.min.to_vec2();
    let (x0, y0) = (first.x.rem_euclid(step), first.y.rem_euclid(step));
    // One mesh: thousands of separate dots would be the dearest thing on the canvas.
    let mut mesh = egui::Mesh::default();
    let (columns, rows) = (
        (area.width() / step) as usize + 1,
        (area.height() / step) as usize + 1,
    );
    let white = egui::epaint::WHITE_UV;
    let size = radius * 1.8;
    for row in 0..rows {
        for column in 0..columns {
            let at = area.min + vec2(x0 + column as f32 * step, y0 + row as f32 * step);
            mesh.add_rect_with_uv(
                Rect::from_center_size(at, Vec2::splat(size)),
                Rect::from_min_max(white, white),
                ink.palette.hair,
            );
        }
    }
    ink.painter.add(mesh);
}

/// Nodes that the edit that is pointed at would add.
fn paint_ghosts(ink: &mut Ink, view: &View, scene: &Scene, ghosts: &mut Places) {
    let added: Vec<(&String, &Node)> = view
        .preview
        .iter()
        .filter_map(|command| match command {
            Command::Add(name, node) if !view.topology.nodes.contains_key(name) => {
                Some((name, node))
            }
            _ => None,
        })
        .collect();
    if added.is_empty() {
        return;
    }
    let mut preview = view.topology.clone();
    for command in view.preview {
        // What cannot be applied is simply not shown; choosing it says why.
        let _ = preview.apply(command);
    }
    for card in &scene.cards {
        let at = card.rect.min;
        preview.canvas.insert(card.name.to_owned(), (at.x, at.y));
    }
    place_new_nodes(&mut preview);
    let mut worst = Worst::default();
    let with_preview = View {
        topology: &preview,
        ..*view
    };
    let mut future = Scene::measure(&with_preview, &[], scene.now, &mut worst);
    ghosts.update(&preview, &future);
    future.put(|name| ghosts.get(&preview, name));
    for (name, node) in added {
        let Some(card) = future.card(name) else {
            continue;
        };
        for (from, to) in link::implied(&preview) {
            if to == name
                && let Some(user) = scene.card(from)
            {
                link::paint_ghost(ink, user.rect, card.rect);
            }
        }
        let size = vec2(card.rect.width(), 62.0);
        card::paint_ghost(ink, Rect::from_min_size(card.rect.min, size), node, name);
    }
}
