//! A small picture of a topology, for cards of the start screen: its boxes, where state lives, and what its scenario
//! kills.

use std::collections::BTreeMap;

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2, pos2, vec2};

use super::place;
use super::scene::{Facts, is_sticky};
use crate::app::icons::Icon;
use crate::app::theme::Palette;
use crate::app::widgets::hatched_bar;
use crate::app::words::nodes;
use crate::model::{Command, Node, Sessions, Timed, Topology};

/// Between columns and between boxes of a column.
const GAP: Vec2 = vec2(26.0, 18.0);
/// More instances than this are not drawn one by one.
const MOST_INSTANCES: u32 = 5;
const CORNER: f32 = 6.0;

/// A box of the picture.
struct Part<'a> {
    name: &'a str,
    column: usize,
    content: Content,
    rect: Rect,
}

enum Content {
    Icon(Icon),
    /// A service that keeps nothing: pips.
    Pips {
        count: u32,
        dead: Option<u32>,
    },
    /// A service that keeps state or sessions: rows.
    Rows {
        count: u32,
        dead: Option<u32>,
    },
}

impl Content {
    fn size(&self) -> Vec2 {
        match self {
            Self::Icon(Icon::Clients | Icon::LoadBalancer) => vec2(22.0, 22.0),
            Self::Icon(_) => vec2(30.0, 26.0),
            Self::Pips { count, .. } => vec2(14.0 + *count as f32 * 14.0, 26.0),
            Self::Rows { count, .. } => vec2(52.0, 14.0 + *count as f32 * 11.0),
        }
    }
}

/// Paints the topology into the middle of `rect`, as large as it fits, but not larger than it can be drawn well.
pub fn paint_mini(painter: &Painter, rect: Rect, topology: &Topology, palette: &Palette) {
    let mut parts = parts(topology);
    if parts.is_empty() {
        return;
    }
    arrange(&mut parts);
    let bounds = parts
        .iter()
        .fold(Rect::NOTHING, |bounds, part| bounds.union(part.rect));
    let room = rect.shrink2(vec2(12.0, 8.0)).size();
    let zoom = (room.x / bounds.width())
        .min(room.y / bounds.height())
        .min((rect.height() / 88.0).clamp(1.0, 2.0))
        .max(0.1);
    for part in &mut parts {
        part.rect = Rect::from_min_size(
            rect.center() + (part.rect.min - bounds.center()) * zoom,
            part.rect.size() * zoom,
        );
    }
    let brush = Brush {
        painter,
        zoom,
        palette,
    };
    let part = |name: &str| parts.iter().find(|part| part.name == name);
    for (from, to) in place::links(topology) {
        if let (Some(from), Some(to)) = (part(from), part(to)) {
            let lanes = topology.nodes.get(from.name).is_some_and(is_sticky);
            brush.link(from, to, lanes);
        }
    }
    if let (Some(clients), Some(token)) = (
        parts
            .iter()
            .find(|p| matches!(p.content, Content::Icon(Icon::Clients))),
        part(TOKEN),
    ) {
        brush.upright(clients, token);
    }
    for part in &parts {
        brush.part(part);
    }
}

/// The box for the token that clients hold, which is no node.
const TOKEN: &str = "";

fn parts(topology: &Topology) -> Vec<Part<'_>> {
    let facts = Facts::of(topology);
    let layers: BTreeMap<&str, usize> = place::layers(topology);
    let mut parts: Vec<Part> = topology
        .nodes
        .iter()
        .map(|(name, node)| {
            let content = match node {
                Node::Service(service) => {
                    let count = service.instances.min(MOST_INSTANCES);
                    let dead = victim(topology, name).filter(|number| *number <= count);
                    if service.state.is_local() || facts.session_homes.contains(name) {
                        Content::Rows { count, dead }
                    } else {
                        Content::Pips { count, dead }
                    }
                }
                _ => Content::Icon(nodes::kind_icon(nodes::kind(node))),
            };
            Part {
                name,
                column: layers.get(name.as_str()).copied().unwrap_or_default(),
                content,
                rect: Rect::NOTHING,
            }
        })
        .collect();
    if matches!(topology.sessions, Sessions::Jwt(_)) {
        parts.push(Part {
            name: TOKEN,
            column: 0,
            content: Content::Icon(Icon::Jwt),
            rect: Rect::NOTHING,
        });
    }
    parts
}

/// The first instance of a node that the scenario kills.
fn victim(topology: &Topology, name: &str) -> Option<u32> {
    topology
        .scenario
        .iter()
        .map(Timed::command)
        .find_map(|command| match command {
            Command::Crash(node, number) | Command::LoseMachine(node, number) if node == name => {
                Some(*number)
            }
            _ => None,
        })
}

/// Columns from left to right, each around the same height; the token stands below the clients.
fn arrange(parts: &mut [Part]) {
    let columns = parts.iter().map(|part| part.column).max().unwrap_or(0) + 1;
    let mut x = 0.0;
    for column in 0..columns {
        let members: Vec<usize> = (0..parts.len())
            .filter(|&i| parts[i].column == column && parts[i].name != TOKEN)
            .collect();
        if members.is_empty() {
            continue;
        }
        let sizes: Vec<Vec2> = members.iter().map(|&i| parts[i].content.size()).collect();
        let width = sizes.iter().map(|size| size.x).fold(0.0, f32::max);
        let height =
            sizes.iter().map(|size| size.y).sum::<f32>() + GAP.y * (members.len() - 1) as f32;
        let mut y = -height / 2.0;
        for (&member, &size) in members.iter().zip(&sizes) {
            let left = x + (width - size.x) / 2.0;
            parts[member].rect = Rect::from_min_size(pos2(left, y), size);
            y += size.y + GAP.y;
        }
        x += width + GAP.x;
    }
    let lowest = |part: &Part| part.column == 0 && part.name != TOKEN;
    let clients = parts
        .iter()
        .rfind(|part| lowest(part))
        .map(|part| part.rect);
    if let Some(clients) = clients
        && let Some(token) = parts.iter_mut().find(|part| part.name == TOKEN)
    {
        let size = token.content.size();
        let left = clients.center().x - size.x / 2.0;
        token.rect = Rect::from_min_size(pos2(left, clients.bottom() + GAP.y), size);
    }
}

struct Brush<'a> {
    painter: &'a Painter,
    zoom: f32,
    palette: &'a Palette,
}

impl Brush<'_> {
    fn part(&self, part: &Part) {
        let (palette, zoom, rect) = (self.palette, self.zoom, part.rect);
        let heavy = matches!(part.content, Content::Rows { .. });
        let outline = if heavy {
            Stroke::new(1.5 * zoom, palette.text)
        } else {
            Stroke::new(1.2 * zoom, palette.edge)
        };
        self.painter.rect(
            rect,
            CORNER * zoom,
            palette.card,
            outline,
            StrokeKind::Middle,
        );
        match &part.content {
            Content::Icon(icon) => {
                let side = if rect.width() > 25.0 * zoom {
                    14.0
                } else {
                    13.0
                };
                icon.paint_stroked(
                    self.painter,
                    rect.center(),
                    side * zoom,
                    1.3 * zoom,
                    palette.text,
                );
            }
            Content::Pips { count, dead } => {
                for number in 1..=*count {
                    let x = rect.left() + number as f32 * 14.0 * zoom;
                    let at = pos2(x, rect.center().y);
                    if *dead == Some(number) {
                        let stroke = Stroke::new(1.2 * zoom, palette.down);
                        self.painter.circle(at, 4.5 * zoom, palette.raised, stroke);
                        self.cross(at, 2.0, 1.2, palette.text);
                    } else {
                        let stroke = Stroke::new(1.4 * zoom, palette.health);
                        self.painter.circle(at, 4.5 * zoom, palette.card, stroke);
                    }
                }
            }
            Content::Rows { count, dead } => {
                for number in 1..=*count {
                    let y = row(rect, number, zoom);
                    let at = pos2(rect.left() + 10.5 * zoom, y);
                    let bar = Rect::from_min_size(
                        pos2(rect.left() + 19.0 * zoom, y - 3.0 * zoom),
                        vec2(26.0, 6.0) * zoom,
                    );
                    if *dead == Some(number) {
                        self.cross(at, 2.5, 1.4, palette.text);
                        self.painter.rect_filled(bar, 2.0 * zoom, palette.lost);
                    } else {
                        let stroke = Stroke::new(1.4 * zoom, palette.health);
                        self.painter.circle(at, 3.5 * zoom, palette.card, stroke);
                        hatched_bar(self.painter, bar, zoom * 0.8, palette);
                    }
                }
            }
        }
    }

    fn cross(&self, at: Pos2, arm: f32, width: f32, colour: Color32) {
        let arm = arm * self.zoom;
        for diagonal in [vec2(arm, arm), vec2(arm, -arm)] {
            let stroke = Stroke::new(width * self.zoom, colour);
            self.painter
                .line_segment([at - diagonal, at + diagonal], stroke);
        }
    }

    fn link(&self, from: &Part, to: &Part, lanes: bool) {
        let (start, end) = (from.rect.right_center(), to.rect.left_center());
        if to.column <= from.column {
            if (from.rect.center().x - to.rect.center().x).abs() < 20.0 * self.zoom {
                self.upright(from, to);
            } else {
                self.curve(start, end, false, 0.5);
            }
            return;
        }
        match to.content {
            Content::Rows { count, dead } if lanes => {
                for number in 1..=count {
                    let goal = pos2(to.rect.left(), row(to.rect, number, self.zoom));
                    let dot = 0.35 + 0.2 * (number * 7 % 3) as f32;
                    self.curve(start, goal, dead == Some(number), dot);
                }
            }
            _ => self.curve(start, end, false, 0.5),
        }
    }

    fn curve(&self, from: Pos2, to: Pos2, dead: bool, dot: f32) {
        let (palette, zoom) = (self.palette, self.zoom);
        let bend = vec2(((to.x - from.x) / 2.0).abs().max(10.0 * zoom), 0.0);
        let curve = super::link::Curve([from, from + bend, to - bend, to]);
        let points: Vec<Pos2> = (0..=16).map(|i| curve.at(i as f32 / 16.0)).collect();
        if dead {
            let stroke = Stroke::new(1.4 * zoom, palette.down);
            self.painter
                .extend(Shape::dashed_line(&points, stroke, 3.0 * zoom, 3.0 * zoom));
            return;
        }
        self.painter
            .line(points, Stroke::new(1.5 * zoom, palette.edge));
        self.painter
            .circle_filled(curve.at(dot), 2.0 * zoom, palette.completed);
    }

    /// Between boxes above one another.
    fn upright(&self, from: &Part, to: &Part) {
        let x = from.rect.center().x;
        let (from, to) = if from.rect.center().y < to.rect.center().y {
            (from.rect.bottom(), to.rect.top())
        } else {
            (from.rect.top(), to.rect.bottom())
        };
        let stroke = Stroke::new(1.6 * self.zoom, self.palette.edge);
        self.painter
            .line_segment([pos2(x, from), pos2(x, to)], stroke);
        let middle = pos2(x, (from + to) / 2.0);
        self.painter
            .circle_filled(middle, 2.0 * self.zoom, self.palette.completed);
    }
}

/// The middle of a row.
fn row(rect: Rect, number: u32, zoom: f32) -> f32 {
    rect.top() + (12.5 + (number - 1) as f32 * 11.0) * zoom
}
