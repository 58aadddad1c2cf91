//! Adding: by a tool, a key, a double click on empty canvas or an edge pulled into the empty. What is added stands where
//! it is seen and nothing else is, and is selected then; zoom stays as it is.

use egui::{
    Id, Key, Popup, PopupAnchor, PopupCloseBehavior, Pos2, Rect, Response, Ui, Vec2, pos2, vec2,
};

use super::Canvas;
use super::link::Curve;
use super::place::Places;
use super::scene::{Card, Scene, Worst};
use super::tools::{KINDS, Tool, corner_for, new_node};
use crate::app::action::{Action, Arrange, Selection};
use crate::app::run::state::View;
use crate::app::widgets::menu_item;
use crate::app::words::nodes;
use crate::model::part::natural_links;
use crate::model::{Command, Topology};
use crate::sim::snapshot::NodeKind;

/// Between cards that are put beside each other.
const GAP: f32 = 20.0;
/// About as large as the menu of what can be added.
const MENU: Vec2 = vec2(214.0, 28.0);

/// What is to be added or put in line once the canvas is shown: only it knows what stands where.
#[derive(Debug)]
pub(super) enum Wanted {
    /// A node of a kind, by its number from 0.
    Kind(usize),
    /// A part of a topology.
    Part(Box<Topology>),
    /// Copies of nodes.
    Copies(Vec<String>),
    /// What is selected in line, or at equal distances.
    Arranged(Arrange),
}

/// The menu of what may stand at a place.
#[derive(Debug)]
pub(super) struct Adding {
    /// Where, in the world.
    at: Pos2,
    /// The node that calls it, if an edge was pulled here.
    pub(super) from: Option<String>,
    /// It was opened in this frame, or has not had the keyboard yet.
    fresh: bool,
}

impl Adding {
    pub(super) fn new(at: Pos2, from: Option<String>) -> Self {
        Self {
            at,
            from,
            fresh: true,
        }
    }

    /// Where the pulled edge ends, in the world.
    pub(super) fn end(&self) -> Option<(&str, Pos2)> {
        Some((self.from.as_deref()?, self.at))
    }
}

/// What a node of a kind may call, the likeliest first.
fn callable(from: NodeKind, topology: &Topology) -> Vec<NodeKind> {
    use NodeKind::{LoadBalancer, ObjectStore, RedisLike, Service, SqlDatabase};
    let has_balancer = topology
        .nodes
        .values()
        .any(|node| nodes::kind(node) == LoadBalancer);
    match from {
        NodeKind::Clients if has_balancer => {
            vec![Service, LoadBalancer, RedisLike, SqlDatabase, ObjectStore]
        }
        NodeKind::Clients => vec![LoadBalancer, Service, RedisLike, SqlDatabase, ObjectStore],
        LoadBalancer => vec![Service],
        Service => vec![RedisLike, SqlDatabase, ObjectStore, Service, LoadBalancer],
        RedisLike | SqlDatabase | ObjectStore => Vec::new(),
    }
}

/// What can stand at the end of an edge from a node, or anywhere.
fn choices(from: Option<&str>, topology: &Topology) -> Vec<NodeKind> {
    let from = from.and_then(|from| topology.nodes.get(from));
    from.map_or_else(
        || KINDS.to_vec(),
        |node| callable(nodes::kind(node), topology),
    )
}

/// The size of a new card of a kind, without anything running.
fn size_of(kind: NodeKind, view: &View) -> Vec2 {
    let (name, node) = new_node(kind, view.topology);
    let mut topology = Topology::default();
    topology.nodes.insert(name.clone(), node);
    let alone = View {
        topology: &topology,
        ..*view
    };
    let scene = Scene::measure(&alone, &[], view.snapshot.now, &mut Worst::default());
    scene
        .card(&name)
        .map_or(Vec2::ZERO, |card| card.rect.size())
}

/// How far a group of cards must go at least so that it overlaps no other and hides no link: nowhere, or in ever wider
/// circles; where there is room in view before where there is none, and beside other cards before beside links.
fn way_to_free(cards: &[Rect], others: &[Rect], links: &[Curve], room: Rect) -> Vec2 {
    let all = cards
        .iter()
        .fold(Rect::NOTHING, |all, card| all.union(*card));
    // Of very many, what is around them will do.
    let around = [all];
    let cards = if cards.len() * others.len() > 2000 {
        &around[..]
    } else {
        cards
    };
    let ways: Vec<Pos2> = links.iter().flat_map(Curve::closely).collect();
    let hides_none = |by: Vec2| {
        let moved = |card: &Rect| card.translate(by).expand(GAP / 2.0);
        let mut cards = cards.iter().map(moved);
        !cards.any(|card| ways.iter().any(|at| card.contains(*at)))
    };
    let is_free = |by: Vec2| {
        let moved = |card: &Rect| card.translate(by).expand(GAP / 2.0);
        !cards.iter().any(|card| {
            let card = moved(card);
            others.iter().any(|other| other.intersects(card))
        })
    };
    let is_seen = |by: Vec2| room.contains_rect(all.translate(by));
    let step = 16.0;
    // Where a link would be hidden, and where it would not be seen.
    let (mut crossing, mut hidden): (Option<Vec2>, Option<Vec2>) = (None, None);
    for ring in 0..160_i32 {
        // Those of a ring that are nearest come first.
        let mut ways: Vec<Vec2> = Vec::new();
        for along in -ring..=ring {
            for way in [(along, -ring), (along, ring), (-ring, along), (ring, along)] {
                ways.push(vec2(way.0 as f32, way.1 as f32) * step);
            }
        }
        // To the right and down rather than back.
        let cost = |way: &Vec2| way.length() + if way.x < 0.0 || way.y < 0.0 { 1.0 } else { 0.0 };
        ways.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
        for by in ways {
            if !is_free(by) {
                continue;
            }
            if !is_seen(by) {
                hidden.get_or_insert(by);
            } else if hides_none(by) {
                return by;
            } else {
                crossing.get_or_insert(by);
            }
        }
        // What is far away is not beside it any more.
        let some = crossing.or(hidden).is_some();
        if some && (ring > 60 || !room.is_positive()) {
            break;
        }
    }
    crossing.or(hidden).unwrap_or_default()
}

impl Canvas {
    /// Has a node of a kind added where it is seen and free, by its number from 0.
    pub fn add_kind(&mut self, kind: usize) {
        self.wanted.push(Wanted::Kind(kind));
    }

    /// Has a part of a topology added where it is seen and free, under the pointer if that is here.
    pub fn add_part(&mut self, part: Topology) {
        self.wanted.push(Wanted::Part(Box::new(part)));
    }

    /// Has copies of nodes added beside them.
    pub fn add_copies(&mut self, names: Vec<String>) {
        self.wanted.push(Wanted::Copies(names));
    }

    /// Has what is selected put in line, or at equal distances.
    pub fn arrange_selected(&mut self, way: Arrange) {
        self.wanted.push(Wanted::Arranged(way));
    }

    /// What can be seen of the world, beside the tool bar and above the zoom bar.
    fn room(&self, area: Rect) -> Rect {
        let room = super::view::room(area);
        if room.is_positive() {
            self.transform.world_rect(room)
        } else {
            self.transform.world_rect(area)
        }
    }

    /// Adds what was asked for since the last frame.
    pub(super) fn add_wanted(
        &mut self,
        ui: &Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        actions: &mut Vec<Action>,
    ) {
        for wanted in std::mem::take(&mut self.wanted) {
            match wanted {
                Wanted::Kind(kind) => {
                    let Some(&kind) = KINDS.get(kind) else {
                        continue;
                    };
                    let size = size_of(kind, view);
                    let room = self.room(area);
                    // Beside the one that is selected, or else in the middle.
                    let beside = view.selection.and_then(Selection::node);
                    let beside = beside.and_then(|name| scene.card(name));
                    let corner = match beside.filter(|card| room.intersects(card.rect)) {
                        Some(card) => pos2(card.rect.right() + 72.0, card.rect.top()),
                        // The first has room for what it calls at its right.
                        None if scene.cards.is_empty() => {
                            pos2(room.left() + 8.0, room.center().y - size.y / 2.0)
                        }
                        None => room.center() - size / 2.0,
                    };
                    self.add_at(
                        view,
                        scene,
                        kind,
                        Rect::from_min_size(corner, size),
                        room,
                        None,
                        actions,
                    );
                }
                Wanted::Part(part) => {
                    let action = self.place_part(ui, area, view, scene, *part);
                    actions.push(action);
                    self.reveal_selected = true;
                }
                Wanted::Arranged(way) => actions.extend(self.arrange(view, scene, way)),
                Wanted::Copies(names) => {
                    let cards: Vec<Rect> = names
                        .iter()
                        .filter_map(|name| Some(scene.card(name)?.rect))
                        .collect();
                    let all = cards
                        .iter()
                        .fold(Rect::NOTHING, |all, card| all.union(*card));
                    if cards.is_empty() {
                        continue;
                    }
                    // Below is where the copies of one row make the next.
                    let below = vec2(0.0, (all.height() + GAP).round());
                    let begin: Vec<Rect> = cards.iter().map(|card| card.translate(below)).collect();
                    let others: Vec<Rect> = scene.cards.iter().map(|card| card.rect).collect();
                    let by = below + way_to_free(&begin, &others, &self.curves, self.room(area));
                    let fixed = self.fixed(view, &[]);
                    actions.push(Action::Duplicate(names, (by.x, by.y), fixed));
                    self.reveal_selected = true;
                }
            }
        }
    }

    /// A part, with its cards where they are free: around the pointer, or in the middle of what is seen.
    fn place_part(
        &self,
        ui: &Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        mut part: Topology,
    ) -> Action {
        let alone = View {
            topology: &part,
            ..*view
        };
        let mut measured = Scene::measure(&alone, &[], view.snapshot.now, &mut Worst::default());
        let mut places = Places::default();
        places.update(&part, &measured);
        measured.put(|name| places.get(&part, name));
        let cards: Vec<(String, Rect)> = measured
            .cards
            .iter()
            .map(|card| (card.name.to_owned(), card.rect))
            .collect();
        drop(measured);
        let room = self.room(area);
        let pointer = ui
            .input(|input| input.pointer.hover_pos())
            .filter(|pointer| super::view::room(area).contains(*pointer))
            .map_or(room.center(), |pointer| self.transform.world(pointer));
        let all = cards
            .iter()
            .fold(Rect::NOTHING, |all, (_, card)| all.union(*card));
        // A whole topology keeps its places where nothing is yet.
        let to = if scene.cards.is_empty() && !part.canvas.is_empty() {
            Vec2::ZERO
        } else {
            (pointer - all.center()).round()
        };
        let begin: Vec<Rect> = cards.iter().map(|(_, card)| card.translate(to)).collect();
        let others: Vec<Rect> = scene.cards.iter().map(|card| card.rect).collect();
        let by = to + way_to_free(&begin, &others, &self.curves, room);
        // Where nothing was placed, nothing is, in an empty document.
        if !scene.cards.is_empty() || !part.canvas.is_empty() {
            let placed = cards.iter().map(|(name, card)| {
                let at = card.min + by;
                (name.clone(), (at.x, at.y))
            });
            if by != Vec2::ZERO || part.canvas.len() < part.nodes.len() {
                part.canvas = placed.collect();
            }
        }
        let fixed = self.fixed(view, &[]);
        Action::Insert(Box::new(part), "Pasted".to_owned(), fixed)
    }

    /// Adds a node of a kind at a place, or where it is free beside it, called by `from` if that is given.
    #[expect(clippy::too_many_arguments, reason = "where, what, and what is there")]
    fn add_at(
        &mut self,
        view: &View,
        scene: &Scene,
        kind: NodeKind,
        wanted: Rect,
        room: Rect,
        from: Option<&str>,
        actions: &mut Vec<Action>,
    ) {
        let (name, node) = new_node(kind, view.topology);
        let others: Vec<Rect> = scene.cards.iter().map(|card| card.rect).collect();
        let by = way_to_free(&[wanted], &others, &self.curves, room);
        let at = (wanted.min + by).round();
        self.places.reserve(&name, at);
        // The first one does not move the view.
        self.fit = super::Fit::Done;
        let links = match from {
            Some(from) => vec![(from.to_owned(), name.clone())],
            None => natural_links(view.topology, &name, &node),
        };
        let label = match &links[..] {
            [] => format!("Added {name}"),
            [(from, to)] if *to == name => format!("Added {name}, called by {from}"),
            [(_, to)] => format!("Added {name}, which calls {to}"),
            _ => format!("Added {name} with {} links", links.len()),
        };
        let mut commands = vec![Command::Add(name.clone(), node)];
        commands.extend(
            links
                .iter()
                .map(|(from, to)| Command::Link(format!("{from} -> {to}"))),
        );
        actions.push(Action::Edit(commands, label));
        let mut places = self.fixed(view, &[]);
        places.insert(0, (name.clone(), (at.x, at.y)));
        actions.push(Action::Move(places));
        actions.push(Action::Select(Some(Selection::Node(name))));
        self.tool = Tool::Select;
    }

    /// Clicks beside everything: with a tool they add a node, else they select nothing; two ask what is to be added.
    pub(super) fn clicks(
        &mut self,
        ui: &Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        background: &Response,
        actions: &mut Vec<Action>,
    ) {
        let Some(pointer) = ui.input(|input| input.pointer.interact_pos()) else {
            return;
        };
        if background.secondary_clicked() {
            self.open_menu(ui, None, pointer, background.id);
            return;
        }
        if background.double_clicked() && self.tool == Tool::Select {
            self.ask_what(ui, Adding::new(self.transform.world(pointer), None));
            return;
        }
        if !background.clicked() {
            return;
        }
        let Tool::Add(kind) = self.tool else {
            if view.selection.is_some() && !ui.input(|input| input.modifiers.shift) {
                actions.push(Action::Select(None));
            }
            return;
        };
        let corner = corner_for(self.transform.world(pointer));
        let wanted = Rect::from_min_size(corner, size_of(kind, view));
        self.add_at(view, scene, kind, wanted, self.room(area), None, actions);
    }

    /// Opens the menu of what can be added at a place.
    pub(super) fn ask_what(&mut self, ui: &Ui, adding: Adding) {
        self.adding = Some(adding);
        Popup::open_id(ui.ctx(), adding_id(ui));
    }

    /// Shows the menu of what can be added while it is open.
    pub(super) fn adding_menu(
        &mut self,
        ui: &Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        actions: &mut Vec<Action>,
    ) {
        let id = adding_id(ui);
        let Some(mut adding) = self.adding.take() else {
            return;
        };
        if !Popup::is_id_open(ui.ctx(), id) {
            return;
        }
        let kinds = choices(adding.from.as_deref(), view.topology);
        let size = vec2(MENU.x, MENU.y * kinds.len() as f32 + 12.0);
        let at = self.menu_place(area, scene, &adding, size);
        let fresh = std::mem::take(&mut adding.fresh);
        let mut chosen = ui.input(|input| {
            kinds.iter().copied().find(|kind| {
                let number = KINDS.iter().position(|known| known == kind);
                let key = number.and_then(|number| {
                    [
                        Key::Num1,
                        Key::Num2,
                        Key::Num3,
                        Key::Num4,
                        Key::Num5,
                        Key::Num6,
                    ]
                    .get(number)
                });
                key.is_some_and(|key| input.modifiers.is_none() && input.key_pressed(*key))
            })
        });
        Popup::new(
            id,
            ui.ctx().clone(),
            PopupAnchor::Position(at),
            ui.layer_id(),
        )
        .kind(egui::PopupKind::Menu)
        .open_memory(None)
        .close_behavior(PopupCloseBehavior::CloseOnClick)
        .accessible_name("What to add")
        .show(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (place, &kind) in kinds.iter().enumerate() {
                let number = KINDS.iter().position(|&known| known == kind).unwrap_or(0);
                let key = (number + 1).to_string();
                let icon = nodes::kind_icon(kind);
                let item = menu_item(ui, Some(icon), nodes::kind_name(kind), &key);
                if fresh && place == 0 {
                    item.request_focus();
                }
                if item.clicked() {
                    chosen = Some(kind);
                }
            }
        });
        if let Some(kind) = chosen {
            Popup::close_id(ui.ctx(), id);
            let size = size_of(kind, view);
            let corner = match adding.from {
                Some(_) => adding.at - vec2(0.0, size.y / 2.0),
                None => corner_for(adding.at),
            };
            let wanted = Rect::from_min_size(corner.round(), size);
            self.add_at(
                view,
                scene,
                kind,
                wanted,
                self.room(area),
                adding.from.as_deref(),
                actions,
            );
        } else if Popup::is_id_open(ui.ctx(), id) {
            if fresh {
                ui.ctx().request_repaint();
            }
            self.adding = Some(adding);
        }
    }

    /// Where the menu opens, on the screen: below the place, moved sideways where it would cover a card.
    fn menu_place(&self, area: Rect, scene: &Scene, adding: &Adding, size: Vec2) -> Pos2 {
        let end = self.transform.at(adding.at);
        let most = area.max - size - vec2(8.0, 8.0);
        let begin = pos2(end.x - size.x / 2.0, end.y + 12.0);
        let clamped = |at: Pos2| {
            pos2(
                at.x.clamp(area.left() + 8.0, most.x.max(area.left() + 8.0)),
                at.y.clamp(area.top() + 8.0, most.y.max(area.top() + 8.0)),
            )
        };
        let covers = |at: Pos2| {
            let menu = Rect::from_min_size(at, size);
            let mut cards = scene.cards.iter();
            cards.any(|card: &Card| self.transform.rect(card.rect).intersects(menu))
        };
        let ways = (0..40).flat_map(|step| [1.0, -1.0].map(|side| side * step as f32 * 16.0));
        let mut places = ways.map(|way| clamped(begin + vec2(way, 0.0)));
        places.find(|&at| !covers(at)).unwrap_or(clamped(begin))
    }
}

fn adding_id(ui: &Ui) -> Id {
    ui.scope_id().with("adding")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(x: f32, y: f32) -> Rect {
        Rect::from_min_size(pos2(x, y), vec2(190.0, 94.0))
    }

    #[test]
    fn a_free_place_is_the_nearest_that_is_seen() {
        let room = Rect::from_min_size(Pos2::ZERO, vec2(900.0, 400.0));
        let wanted = [card(100.0, 100.0)];
        assert_eq!(way_to_free(&wanted, &[], &[], room), Vec2::ZERO);
        let others = [card(100.0, 100.0)];
        let by = way_to_free(&wanted, &others, &[], room);
        let moved = wanted[0].translate(by);
        assert!(
            by != Vec2::ZERO && !moved.expand(GAP / 2.0).intersects(others[0]),
            "{by:?}"
        );
        assert!(room.contains_rect(moved));
        // A link is left free as well, where there is room for that.
        let link = Curve([140.0, 160.0, 180.0, 290.0].map(|x| pos2(x, 150.0)));
        let by = way_to_free(&wanted, &[], &[link], room);
        let moved = wanted[0].translate(by);
        assert!(moved.top() > 150.0 && by.x == 0.0, "{by:?}");
        let narrow = Rect::from_min_max(pos2(90.0, 90.0), pos2(300.0, 200.0));
        assert_eq!(way_to_free(&wanted, &[], &[link], narrow), Vec2::ZERO);
        // Where nothing that is seen is free, it stands as near as it can.
        let full: Vec<Rect> = (0..40)
            .map(|n| card((n % 5) as f32 * 180.0, (n / 5) as f32 * 60.0))
            .collect();
        let by = way_to_free(&wanted, &full, &[], room);
        let moved = wanted[0].translate(by).expand(GAP / 2.0);
        assert!(full.iter().all(|other| !other.intersects(moved)), "{by:?}");
    }
}
