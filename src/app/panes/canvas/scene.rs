//! What is on the canvas in one frame: a card for each node of the document, measured and placed, with what the running
//! system says of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use crate::app::run::readings::NodeReading;
use crate::app::run::state::{Loss, Seen, View};
use crate::app::widgets::LOSS_TAG_HEIGHT;
use crate::app::words::format::grouped;
use crate::app::words::nodes;
use crate::model::{Node, Sessions, Topology};
use crate::sim::snapshot::{InstanceView, NodeKind, NodeView, OperationCounts, Role, Status};
use crate::units::Duration;

/// Width of a card that keeps state, and of one that does not.
pub const HEAVY_WIDTH: f32 = 248.0;
const LIGHT_WIDTH: f32 = 190.0;
const SMALL_WIDTH: f32 = 128.0;
/// Where a heavy card's rows begin, and what is below them.
pub const ROWS_TOP: f32 = 99.0;
const ROWS_BOTTOM: f32 = 10.0;
/// Up to so many instances have a row each; of more, only the worst few do.
const MOST_ROWS: usize = 6;
const WORST_ROWS: usize = 3;
/// More instances than this have small pips.
const DENSE_FROM: usize = 13;
const DENSE_PITCH: f32 = 13.0;
const GRID_PITCH: f32 = 28.0;
/// So many lines of pips at most; of those that have no place there, a line below tells how many.
const MOST_LINES: usize = 4;
const MORE_LINE: f32 = 16.0;

/// What follows from the topology as a whole.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Services whose instances keep sessions in their memory.
    pub session_homes: Vec<String>,
    /// The services that look up or check sessions: the first ones behind the clients.
    pub front: Vec<String>,
    /// Whether a session kept in memory has no copy elsewhere.
    pub sessions_alone: bool,
    /// Bytes of a session kept in memory, and of a written value.
    pub session_bytes: f64,
    /// See `session_bytes`.
    pub value_bytes: f64,
    /// How many nodes of clients there are.
    pub clients: usize,
}

impl Facts {
    /// Reads them off a topology.
    pub fn of(topology: &Topology) -> Self {
        let front = front_services(topology);
        let in_memory = match &topology.sessions {
            Sessions::InMemory(settings) => Some(settings.size.0 as f64),
            _ => None,
        };
        let clients = topology.nodes.values().filter_map(|node| match node {
            Node::Clients(clients) => Some(clients.value_size.0 as f64),
            _ => None,
        });
        let sizes: Vec<f64> = clients.collect();
        Self {
            session_homes: in_memory.map(|_| front.clone()).unwrap_or_default(),
            front,
            sessions_alone: match &topology.sessions {
                Sessions::InMemory(settings) => settings.replication.replicas() == 0,
                _ => false,
            },
            session_bytes: in_memory.unwrap_or_default(),
            value_bytes: sizes.first().copied().unwrap_or_default(),
            clients: sizes.len(),
        }
    }
}

/// The first services on the way from any clients, through load balancers.
fn front_services(topology: &Topology) -> Vec<String> {
    let mut seen: Vec<&str> = topology
        .nodes
        .iter()
        .filter(|(_, node)| matches!(node, Node::Clients(_)))
        .map(|(name, _)| name.as_str())
        .collect();
    let mut front: Vec<String> = Vec::new();
    let mut next = 0;
    while next < seen.len() {
        let from = seen[next];
        next += 1;
        for link in topology.links.0.iter().filter(|link| link.from == from) {
            match topology.nodes.get(&link.to) {
                Some(Node::Service(_)) if !front.contains(&link.to) => {
                    front.push(link.to.clone());
                }
                Some(Node::LoadBalancer(_)) if !seen.contains(&link.to.as_str()) => {
                    seen.push(&link.to);
                }
                _ => {}
            }
        }
    }
    front
}

/// A node of the document, as it is drawn.
#[derive(Clone, Debug)]
pub struct Card<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its settings.
    pub node: &'a Node,
    /// Its kind.
    pub kind: NodeKind,
    /// What the running system shows of it.
    pub view: Option<&'a NodeView>,
    /// The same, smoothed.
    pub reading: Option<&'a NodeReading>,
    /// Instances or members that were not removed for good; of the document where nothing runs yet.
    pub instances: Cow<'a, [InstanceView]>,
    /// Whether it is drawn heavy: a service whose instances keep state or sessions.
    pub heavy: bool,
    /// Whether its instances keep sessions in their memory.
    pub keeps_sessions: bool,
    /// What it has lost and was not dismissed.
    pub loss: Option<Loss>,
    /// Where it is, in the world, without the tag of what was lost.
    pub rect: Rect,
    /// For a heavy card: indices of the instances that have a row, in order.
    pub rows: Vec<usize>,
    /// Where pips are.
    pub pips: Vec<PipPlace>,
    /// Of how many instances there is no pip in the grid, and how many of those do not serve.
    pub more: (usize, usize),
}

/// A pip's place on its card.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PipPlace {
    /// Index into `Card::instances`.
    pub instance: usize,
    /// Its middle, in the world.
    pub at: Pos2,
    /// Whether it is a small one.
    pub dense: bool,
    /// Whether the same instance has another pip in a row above.
    pub again: bool,
}

impl<'a> Card<'a> {
    /// The card of a node, at the origin.
    fn new(
        name: &'a str,
        node: &'a Node,
        view: Option<&'a NodeView>,
        facts: &Facts,
        worst: &mut Worst,
    ) -> Self {
        let keeps_sessions = facts.session_homes.iter().any(|home| home == name);
        let heavy = match node {
            Node::Service(service) => service.state.is_local() || keeps_sessions,
            _ => false,
        };
        let mut card = Self {
            name,
            node,
            kind: nodes::kind(node),
            view,
            reading: None,
            instances: instances(node, view),
            heavy,
            keeps_sessions,
            loss: None,
            rect: Rect::NOTHING,
            rows: Vec::new(),
            pips: Vec::new(),
            more: (0, 0),
        };
        if heavy {
            card.rows = worst.rows(name, &card.instances);
        }
        card.rect = Rect::from_min_size(Pos2::ZERO, card.size());
        card
    }

    /// What was seen and dismissed is not shown in the rows either, so that they and the tag say the same.
    fn forget(&mut self, seen: Option<&Seen>) {
        let Some(seen) = seen else { return };
        for instance in self.instances.to_mut() {
            let (writes, sessions) = seen
                .instances
                .get(&instance.number)
                .copied()
                .unwrap_or_default();
            instance.lost_writes = instance.lost_writes.saturating_sub(writes);
            instance.lost_sessions = instance.lost_sessions.saturating_sub(sessions);
        }
    }

    /// How large it is, without the tag of what was lost.
    fn size(&self) -> Vec2 {
        let count = self.instances.len();
        match self.kind {
            NodeKind::Clients => vec2(SMALL_WIDTH, 104.0),
            NodeKind::LoadBalancer => vec2(SMALL_WIDTH, 120.0),
            NodeKind::ObjectStore => vec2(LIGHT_WIDTH, 64.0),
            _ if self.heavy => {
                let rows = self.rows.len() as f32 * self.row_height();
                let grid = if self.rows.len() < count {
                    self.grid(HEAVY_WIDTH).height(count)
                } else {
                    0.0
                };
                vec2(HEAVY_WIDTH, ROWS_TOP + rows + grid + ROWS_BOTTOM)
            }
            _ => {
                let grid = self.grid(LIGHT_WIDTH);
                let further = grid.height(count) - grid.pitch;
                vec2(LIGHT_WIDTH, 94.0 + further.max(0.0))
            }
        }
    }

    /// Height of a row of a heavy card.
    pub fn row_height(&self) -> f32 {
        if self.rows.len() <= 4 { 27.0 } else { 26.0 }
    }

    /// The middle of a row, in the world.
    pub fn row_middle(&self, row: usize) -> f32 {
        self.rect.top() + ROWS_TOP + (row as f32 + 0.5) * self.row_height()
    }

    fn grid(&self, width: f32) -> Grid {
        let count = self.instances.len();
        let has_letters = self.instances.iter().any(|i| i.role != Role::Alone);
        let pitch = if count >= DENSE_FROM {
            DENSE_PITCH
        } else if has_letters {
            44.0
        } else if self.heavy {
            GRID_PITCH
        } else if count <= 4 {
            30.0
        } else {
            GRID_PITCH
        };
        let room = width - 2.0 * 24.0;
        Grid {
            pitch,
            across: ((room / pitch).floor() as usize + 1).max(1),
        }
    }

    /// Puts it where it belongs and finds the places of its pips.
    fn put(&mut self, at: Pos2) {
        self.rect = Rect::from_min_size(at, self.rect.size());
        self.pips.clear();
        let count = self.instances.len();
        if matches!(self.kind, NodeKind::Clients | NodeKind::LoadBalancer) {
            return;
        }
        for (row, &instance) in self.rows.iter().enumerate() {
            self.pips.push(PipPlace {
                instance,
                at: pos2(at.x + 24.0, self.row_middle(row)),
                dense: false,
                again: false,
            });
        }
        if self.kind == NodeKind::ObjectStore || self.heavy && self.rows.len() == count {
            return;
        }
        let grid = self.grid(self.rect.width());
        let bottom = if self.heavy {
            self.rect.bottom() - ROWS_BOTTOM
        } else {
            self.rect.bottom() - 20.0 + grid.pitch / 2.0
        };
        let first = bottom - grid.height(count) + grid.pitch / 2.0;
        let shown = self.shown_in_grid(grid.most(count));
        let hidden = count - shown.len();
        let serve = |i: &InstanceView| i.status.serves();
        let serving = self.instances.iter().filter(|i| serve(i)).count();
        let seen = shown.iter().filter(|&&i| serve(&self.instances[i])).count();
        self.more = (hidden, hidden - (serving - seen));
        for (place, &instance) in shown.iter().enumerate() {
            let (column, line) = (place % grid.across, place / grid.across);
            self.pips.push(PipPlace {
                instance,
                at: pos2(
                    at.x + 24.0 + column as f32 * grid.pitch,
                    first + line as f32 * grid.pitch,
                ),
                dense: count >= DENSE_FROM,
                again: self.rows.contains(&instance),
            });
        }
    }

    /// Which instances have a pip in a grid of so many: those in trouble, else the first; in order, so that none moves
    /// that keeps its pip, unless another one comes before it.
    fn shown_in_grid(&self, most: usize) -> Vec<usize> {
        let all = 0..self.instances.len();
        if all.len() <= most {
            return all.collect();
        }
        let is_well = |index: &usize| {
            let instance = &self.instances[*index];
            instance.status == Status::Up && instance.in_rotation && instance.slowed <= 1.0
        };
        let mut shown: Vec<usize> = all.clone().filter(|index| !is_well(index)).collect();
        shown.truncate(most);
        shown.extend(all.filter(is_well).take(most - shown.len()));
        shown.sort_unstable();
        shown
    }

    /// What is said of the instances without a pip: "and 156 more, 3 not up".
    pub fn more_words(&self) -> String {
        match self.more {
            (hidden, 0) => format!("and {} more, all up", grouped(hidden as u64)),
            (hidden, down) => {
                let (hidden, down) = (grouped(hidden as u64), grouped(down as u64));
                format!("and {hidden} more, {down} not up")
            }
        }
    }

    /// Where it is, with the tag of what was lost.
    pub fn whole(&self) -> Rect {
        if self.loss.is_some() {
            self.with_tag()
        } else {
            self.rect
        }
    }

    /// Where it is once something was lost.
    fn with_tag(&self) -> Rect {
        self.rect.with_max_y(self.rect.bottom() + LOSS_TAG_HEIGHT)
    }

    /// The rectangle that its pixels stay in, loss tag and shadow included.
    pub fn outer(&self) -> Rect {
        self.whole().expand(14.0)
    }

    /// Share of its workers' time that is used, smoothed.
    pub fn busy(&self) -> f64 {
        match (self.reading, self.view) {
            (Some(reading), _) => reading.utilisation,
            (None, Some(view)) => view.load,
            _ => 0.0,
        }
    }

    /// Share of an instance's workers that are busy, and of its queue that is taken, smoothed.
    pub fn load(&self, instance: &InstanceView) -> (f32, f32) {
        let smoothed = self
            .reading
            .and_then(|reading| reading.instance(instance.number));
        let (load, queue) = smoothed.map_or((instance.load, instance.queue as f64), |smoothed| {
            (smoothed.load, smoothed.queue)
        });
        let share = match instance.queue_limit {
            Some(0) => 0.0,
            Some(limit) => queue / limit as f64,
            None => queue / (queue + 64.0),
        };
        // Less than one waiting request on average is not worth a ring.
        let share = if queue < 0.5 { 0.0 } else { share };
        (load as f32, share as f32)
    }

    /// How many instances serve, of how many.
    pub fn serving(&self) -> (usize, usize) {
        let up = self.instances.iter().filter(|i| i.status.serves()).count();
        (up, self.instances.len())
    }
}

/// A grid of pips.
struct Grid {
    pitch: f32,
    across: usize,
}

impl Grid {
    fn lines(&self, count: usize) -> usize {
        count.div_ceil(self.across).clamp(1, MOST_LINES)
    }

    /// How many of so many pips have a place.
    fn most(&self, count: usize) -> usize {
        count.min(self.lines(count) * self.across)
    }

    /// With the line that tells of those that have none.
    fn height(&self, count: usize) -> f32 {
        let more = if self.most(count) < count {
            MORE_LINE
        } else {
            0.0
        };
        self.lines(count) as f32 * self.pitch + more
    }
}

/// Instances of the running system that were not removed, or else those of the document.
fn instances<'a>(node: &Node, view: Option<&'a NodeView>) -> Cow<'a, [InstanceView]> {
    if let Some(view) = view.filter(|view| !view.instances.is_empty()) {
        return if view.instances.iter().any(|i| i.status == Status::Removed) {
            let left = view
                .instances
                .iter()
                .filter(|i| i.status != Status::Removed);
            Cow::Owned(left.cloned().collect())
        } else {
            Cow::Borrowed(&view.instances)
        };
    }
    if matches!(node, Node::Clients(_) | Node::LoadBalancer(_)) {
        return Cow::Borrowed(&[]);
    }
    let replicated = node.is_store() && node.members() > 1;
    let drawn = (1..=node.members()).map(|number| InstanceView {
        number,
        in_rotation: true,
        role: match (replicated, number) {
            (false, _) => Role::Alone,
            (true, 1) => Role::Primary,
            (true, _) => Role::Replica,
        },
        zone: node.zone(number).map(str::to_owned),
        ..InstanceView::default()
    });
    Cow::Owned(drawn.collect())
}

/// Which instances of large services have a row. Those that have one keep it until another is clearly worse, so that
/// rows do not dance.
#[derive(Debug, Default)]
pub struct Worst(BTreeMap<String, Vec<u32>>);

impl Worst {
    fn rows(&mut self, name: &str, instances: &[InstanceView]) -> Vec<usize> {
        if instances.len() <= MOST_ROWS {
            return (0..instances.len()).collect();
        }
        let before = self.0.get(name);
        let badness = |instance: &InstanceView| -> (f64, f64) {
            let status = match instance.status {
                Status::Crashed | Status::MachineLost => 3.0,
                Status::Hung => 2.0,
                Status::Booting | Status::Draining => 1.0,
                _ if instance.slowed > 1.0 => 1.0,
                _ => 0.0,
            };
            let lost = (instance.lost_sessions + instance.lost_writes) as f64;
            let here = (instance.sessions + instance.unsaved) as f64;
            let kept = before.is_some_and(|rows| rows.contains(&instance.number));
            let inertia = if kept { 1.2 } else { 1.0 };
            (status, (lost + here + 1.0) * inertia)
        };
        let mut order: Vec<usize> = (0..instances.len()).collect();
        order.sort_by(|&a, &b| {
            let (a_status, a_size) = badness(&instances[a]);
            let (b_status, b_size) = badness(&instances[b]);
            b_status
                .total_cmp(&a_status)
                .then(b_size.total_cmp(&a_size))
        });
        let mut rows = order[..WORST_ROWS].to_vec();
        rows.sort_unstable();
        let numbers = rows.iter().map(|&row| instances[row].number).collect();
        self.0.insert(name.to_owned(), numbers);
        rows
    }
}

/// Every card, in the order of the file, and the facts they follow from.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The cards.
    pub cards: Vec<Card<'a>>,
    /// What follows from the topology as a whole.
    pub facts: Facts,
    /// Operations, as clients see them.
    pub operations: OperationCounts,
    /// Simulated time of what is shown.
    pub now: Duration,
}

impl<'a> Scene<'a> {
    /// The cards of a view, measured, all of them at the origin. `nodes` is what is shown of the running system.
    pub fn measure(
        view: &View<'a>,
        nodes: &'a [NodeView],
        now: Duration,
        worst: &mut Worst,
    ) -> Self {
        let facts = Facts::of(view.topology);
        let cards = view
            .topology
            .nodes
            .iter()
            .enumerate()
            .map(|(index, (name, node))| {
                // The running system lists the nodes in the same order, unless they were just edited.
                let shown = nodes
                    .get(index)
                    .filter(|node| node.name == *name)
                    .or_else(|| nodes.iter().find(|node| node.name == *name));
                let mut card = Card::new(name, node, shown, &facts, worst);
                if let Some(shown) = shown {
                    card.reading = view
                        .readings
                        .nodes()
                        .get(index)
                        .filter(|reading| reading.name == *name)
                        .or_else(|| view.readings.node(name));
                    if shown.lost_writes + shown.lost_sessions > 0 {
                        card.loss = view.loss(shown);
                        card.forget(view.dismissed.get(name));
                    }
                }
                card
            })
            .collect();
        Self {
            cards,
            facts,
            operations: view.snapshot.operations,
            now,
        }
    }

    /// Puts every card where it belongs.
    pub fn put(&mut self, at: impl Fn(&str) -> Pos2) {
        for card in &mut self.cards {
            card.put(at(card.name));
        }
    }

    /// All that is drawn, in the world.
    pub fn bounds(&self) -> Rect {
        let cards = self.cards.iter().map(Card::whole);
        cards.fold(Rect::NOTHING, Rect::union)
    }

    /// The same, with room for what each could lose.
    pub fn bounds_with_losses(&self) -> Rect {
        let cards = self.cards.iter().map(|card| match card.kind {
            NodeKind::Clients | NodeKind::LoadBalancer => card.whole(),
            _ => card.with_tag(),
        });
        cards.fold(Rect::NOTHING, Rect::union)
    }

    /// The card of a node.
    pub fn card(&self, name: &str) -> Option<&Card<'a>> {
        self.cards.iter().find(|card| card.name == name)
    }
}

/// What a balancer believes of what is behind it: name, number, up. Of the document where nothing runs yet.
pub fn targets(card: &Card, topology: &Topology) -> Vec<(String, u32, bool)> {
    if let Some(view) = card.view.filter(|view| !view.targets.is_empty()) {
        return view.targets.clone();
    }
    let behind = topology
        .links
        .0
        .iter()
        .filter(|link| link.from == card.name);
    behind
        .filter_map(|link| topology.nodes.get(&link.to).map(|node| (link, node)))
        .flat_map(|(link, node)| (1..=node.members()).map(|number| (link.to.clone(), number, true)))
        .collect()
}

/// Whether a node sends each user to one instance.
pub fn is_sticky(node: &Node) -> bool {
    matches!(node, Node::LoadBalancer(balancer) if balancer.policy.keeps_users())
}
