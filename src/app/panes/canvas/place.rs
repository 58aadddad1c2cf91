//! Where nodes are that the file does not place: from left to right along the links, where there is room.
//!
//! A place once given is kept, whatever happens to the other nodes; only a node that is moved, moves.

use std::collections::BTreeMap;

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use super::scene::Scene;
use crate::app::document::within_canvas;
use crate::model::{Renaming, Topology};

/// Where the first node goes.
const START: Pos2 = pos2(72.0, 168.0);
/// Between columns, and between cards of a column.
const GAP: Vec2 = vec2(72.0, 40.0);

/// Places given so far, by node.
#[derive(Clone, Debug, Default)]
pub struct Places {
    given: BTreeMap<String, (f32, f32)>,
    /// Where a node is to appear that is about to be added.
    reserved: Option<(String, Pos2)>,
}

impl Places {
    /// Gives every node without a place one; forgets nodes that are gone.
    pub fn update(&mut self, topology: &Topology, scene: &Scene) {
        self.given.retain(|name, _| {
            topology.nodes.contains_key(name) && !topology.canvas.contains_key(name)
        });
        let missing =
            |name: &str| !topology.canvas.contains_key(name) && !self.given.contains_key(name);
        let lost: Vec<&str> = topology
            .nodes
            .keys()
            .map(String::as_str)
            .filter(|name| missing(name))
            .collect();
        if lost.is_empty() {
            return;
        }
        let layers = layers(topology);
        let mut placed: BTreeMap<&str, Rect> = scene
            .cards
            .iter()
            .filter(|card| !missing(card.name))
            .map(|card| {
                let at = self.get(topology, card.name);
                (card.name, Rect::from_min_size(at, card.rect.size()))
            })
            .collect();
        let mut order = lost;
        order.sort_by_key(|name| layers.get(name).copied().unwrap_or_default());
        for name in order {
            let Some(card) = scene.card(name) else {
                continue;
            };
            let reserved = self.reserved.take_if(|(reserved, _)| reserved == name);
            let rect = match reserved {
                Some((_, at)) => Rect::from_min_size(at, card.rect.size()),
                None => find_room(topology, name, card.rect.size(), &placed, &layers),
            };
            placed.insert(card.name, rect);
            self.given.insert(name.to_owned(), (rect.min.x, rect.min.y));
        }
    }

    /// A node's place: the file's, or else the one given here.
    pub fn get(&self, topology: &Topology, name: &str) -> Pos2 {
        let place = topology.canvas.get(name).or_else(|| self.given.get(name));
        place.map_or(START, |&place| within_canvas(place).into())
    }

    /// Remembers where a node is to appear that is about to be added.
    pub fn reserve(&mut self, name: &str, at: Pos2) {
        self.reserved = Some((name.to_owned(), at));
    }

    /// Nodes have other names from now on.
    pub fn rename(&mut self, names: &Renaming) {
        names.keys(&mut self.given);
    }

    /// The places that the file does not know yet.
    pub fn unsaved(&self) -> impl Iterator<Item = (&String, (f32, f32))> {
        self.given.iter().map(|(name, &place)| (name, place))
    }
}

/// How many links away from the beginning each node is, along the longest way that repeats no node.
pub fn layers(topology: &Topology) -> BTreeMap<&str, usize> {
    let names: Vec<&str> = topology.nodes.keys().map(String::as_str).collect();
    let mut layers: BTreeMap<&str, usize> = names.iter().map(|&name| (name, 0)).collect();
    let links = links(topology);
    // A longest way has at most n nodes; a cycle stops growing there.
    for _ in 0..names.len().min(64) {
        let mut changed = false;
        for &(from, to) in &links {
            let next = layers.get(from).copied().unwrap_or_default() + 1;
            if next < names.len() && layers.get(to).is_some_and(|&layer| layer < next) {
                layers.insert(to, next);
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    layers
}

/// Links between nodes that exist, those that settings imply included.
pub fn links(topology: &Topology) -> Vec<(&str, &str)> {
    let mut links: Vec<(&str, &str)> = topology
        .links
        .0
        .iter()
        .map(|link| (link.from.as_str(), link.to.as_str()))
        .collect();
    links.extend(super::link::implied(topology));
    links.retain(|(from, to)| {
        from != to && topology.nodes.contains_key(*from) && topology.nodes.contains_key(*to)
    });
    links
}

fn find_room(
    topology: &Topology,
    name: &str,
    size: Vec2,
    placed: &BTreeMap<&str, Rect>,
    layers: &BTreeMap<&str, usize>,
) -> Rect {
    let links = links(topology);
    let before: Vec<Rect> = links
        .iter()
        .filter(|(_, to)| *to == name)
        .filter_map(|(from, _)| placed.get(from).copied())
        .collect();
    let after: Vec<Rect> = links
        .iter()
        .filter(|(from, _)| *from == name)
        .filter_map(|(_, to)| placed.get(to).copied())
        .collect();
    let middle =
        |rects: &[Rect]| rects.iter().map(|rect| rect.center().y).sum::<f32>() / rects.len() as f32;
    let layer = layers.get(name).copied().unwrap_or_default();
    let mut at = if !before.is_empty() {
        let right = before.iter().map(Rect::right).fold(f32::MIN, f32::max);
        pos2(right + GAP.x, middle(&before) - size.y / 2.0)
    } else if !after.is_empty() {
        let left = after.iter().map(Rect::left).fold(f32::MAX, f32::min);
        pos2(left - GAP.x - size.x, middle(&after) - size.y / 2.0)
    } else {
        // Nothing it belongs to has a place: beside the others of its layer, or at the start.
        let mut peers = placed
            .iter()
            .filter(|(peer, _)| layers.get(*peer) == Some(&layer))
            .map(|(_, rect)| *rect);
        peers
            .next_back()
            .map_or(START, |rect| pos2(rect.left(), rect.bottom() + GAP.y))
    };
    at = pos2(at.x.round(), at.y.round());
    // Down and up in turn, ever further, until it overlaps nothing.
    let step = 16.0;
    for distance in 0..400 {
        for sign in [1.0, -1.0] {
            let rect = Rect::from_min_size(at + vec2(0.0, sign * distance as f32 * step), size);
            let roomy = rect.expand2(GAP / 2.0 - Vec2::splat(0.5));
            if !placed.values().any(|other| other.intersects(roomy)) {
                return rect;
            }
        }
    }
    Rect::from_min_size(at, size)
}
