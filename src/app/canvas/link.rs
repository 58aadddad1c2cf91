//! Links: where they run, how much flows over them with what outcome, and how they are drawn.

use std::collections::HashMap;

use egui::{Color32, Pos2, Rect, Shape, Stroke, Vec2, pos2, vec2};

use super::ink::Ink;
use super::scene::{Card, Scene, is_sticky};
use super::transform::Transform;
use crate::app::readings::{CallRates, LinkReading, Readings};
use crate::model::node::LinkSettings;
use crate::model::settings::with_profile;
use crate::model::state::SnapshotTo;
use crate::model::{Node, Sessions, State, Topology};
use crate::sim::snapshot::{LinkView, NodeKind, Role};
use crate::units::Duration;

/// From one lane to the next where they leave a balancer.
const LANE_PITCH: f32 = 14.0;
/// How far from other cards a line goes past them.
const PAST: f32 = 10.0;
/// How far aside it tries to: in steps of so many points, and so many at most; further would be no link between the two any more.
const ASIDE: (f32, u8) = (32.0, 8);
/// Among more cards than these, lines take no notice of them.
const MOST_AVOIDED: usize = 100;
/// At most so many dots a link.
const MOST_DOTS: usize = 40;
/// Dots never move faster, in points a second.
const MOST_SPEED: f32 = 240.0;

/// A link between two cards.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its key: "a->b".
    pub key: String,
    /// Index of the calling card.
    pub from: usize,
    /// Index of the called card.
    pub to: usize,
    /// Whether a setting implies it rather than a line of the file.
    pub implied: bool,
    /// One, or one for each row of a sticky target.
    pub lanes: Vec<Lane>,
    /// Calls a second over all lanes.
    pub rates: CallRates,
    /// Bytes a second, both ways.
    pub bytes: f64,
    /// Time of a message one way.
    pub latency: Duration,
}

impl Line {
    /// How long it is, in the world.
    pub fn length(&self) -> f32 {
        let main = self.lanes.get(self.lanes.len() / 2);
        main.map_or(0.0, |lane| {
            let points: Vec<Pos2> = lane.curve.closely().collect();
            points.windows(2).map(|p| (p[1] - p[0]).length()).sum()
        })
    }

    /// A point near its middle that no card covers, in the world; none where all of it is covered.
    pub fn middle(&self, scene: &Scene) -> Option<Pos2> {
        let lane = self.lanes.get(self.lanes.len() / 2)?;
        let covered = |at: &Pos2| scene.cards.iter().any(|card| card.rect.contains(*at));
        [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9]
            .map(|t| lane.curve.at(t))
            .into_iter()
            .find(|at| !covered(at))
    }
}

/// A way that calls take.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Where it runs, in the world.
    pub curve: Curve,
    /// Calls a second.
    pub rates: CallRates,
    /// Whether what it leads to is dead.
    pub refused: bool,
}

/// A cubic Bézier curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve(pub [Pos2; 4]);

impl Curve {
    /// A point of it, from 0 to 1.
    pub fn at(&self, t: f32) -> Pos2 {
        let u = 1.0 - t;
        let [a, b, c, d] = self.0.map(Pos2::to_vec2);
        (a * (u * u * u) + b * (3.0 * u * u * t) + c * (3.0 * u * t * t) + d * (t * t * t))
            .to_pos2()
    }

    /// The rectangle of its control points, which it stays in.
    pub fn bounds(&self) -> Rect {
        Rect::from_points(&self.0)
    }

    /// The points so far from both of its ends, on the screen; never beyond a quarter of it.
    pub fn near_ends(&self, transform: &Transform, off: f32) -> [Pos2; 2] {
        let points = self.on_screen(transform).points();
        let length: f32 = points.windows(2).map(|p| (p[1] - p[0]).length()).sum();
        let off = off.min(length / 4.0);
        let mut walk = Walk::new(&points);
        [walk.at(off), walk.at(length - off)]
    }

    fn on_screen(&self, transform: &Transform) -> Self {
        Self(self.0.map(|point| transform.at(point)))
    }

    /// As a line of points about 8 screen points apart.
    fn points(&self) -> Vec<Pos2> {
        let [a, b, c, d] = self.0;
        if (a.y - d.y).abs() < 0.5 && (b.y - a.y).abs() < 0.5 && (c.y - d.y).abs() < 0.5 {
            return vec![a, d];
        }
        if (a.x - d.x).abs() < 0.5 && (b.x - a.x).abs() < 0.5 && (c.x - d.x).abs() < 0.5 {
            return vec![a, d];
        }
        let length = (b - a).length() + (c - b).length() + (d - c).length();
        let steps = (length / 8.0).clamp(8.0, 48.0) as usize;
        (0..=steps)
            .map(|i| self.at(i as f32 / steps as f32))
            .collect()
    }

    /// Points of it that are so close that no card fits between two of them.
    pub fn closely(&self) -> impl Iterator<Item = Pos2> + '_ {
        let [a, b, c, d] = self.0;
        let length = (b - a).length() + (c - b).length() + (d - c).length();
        let steps = (length / 12.0).clamp(8.0, 200.0) as usize;
        (0..=steps).map(move |i| self.at(i as f32 / steps as f32))
    }

    /// The same from end to end, further to one side in between: `tension` of what it keeps of its directions there.
    fn aside(&self, by: f32, tension: f32) -> Self {
        let [a, b, c, d] = self.0;
        let side = (b - a).normalized().rot90() * by;
        Self([
            a,
            a + (b - a) * tension + side,
            d + (c - d) * tension + side,
            d,
        ])
    }

    /// How far a point is from it, about.
    pub fn distance(&self, to: Pos2) -> f32 {
        let points = self.points();
        points
            .windows(2)
            .map(|pair| {
                let along = pair[1] - pair[0];
                let t = ((to - pair[0]).dot(along) / along.length_sq().max(1e-6)).clamp(0.0, 1.0);
                (pair[0] + along * t - to).length()
            })
            .fold(f32::MAX, f32::min)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

impl Side {
    fn outward(self) -> Vec2 {
        match self {
            Self::Left => vec2(-1.0, 0.0),
            Self::Right => vec2(1.0, 0.0),
            Self::Top => vec2(0.0, -1.0),
            Self::Bottom => vec2(0.0, 1.0),
        }
    }

    /// The point of a card's edge, at a share from 0 to 1 along it.
    fn port(self, rect: Rect, share: f32) -> Pos2 {
        match self {
            Self::Left => pos2(rect.left(), rect.top() + rect.height() * share),
            Self::Right => pos2(rect.right(), rect.top() + rect.height() * share),
            Self::Top => pos2(rect.left() + rect.width() * share, rect.top()),
            Self::Bottom => pos2(rect.left() + rect.width() * share, rect.bottom()),
        }
    }
}

/// The sides at which a link leaves and arrives, by where the cards lie.
fn sides(from: Rect, to: Rect, upright: bool) -> (Side, Side) {
    let gap = 12.0;
    if to.left() >= from.right() - gap {
        (Side::Right, Side::Left)
    } else if to.right() <= from.left() + gap {
        (Side::Left, Side::Right)
    } else if !upright {
        // Lanes end at rows, whatever the place.
        if to.center().x >= from.center().x {
            (Side::Right, Side::Left)
        } else {
            (Side::Left, Side::Right)
        }
    } else if to.center().y >= from.center().y {
        (Side::Bottom, Side::Top)
    } else {
        (Side::Top, Side::Bottom)
    }
}

/// The curve from a port to another; it leaves and arrives at right angles.
fn curve(from: Pos2, leaves: Side, to: Pos2, arrives: Side) -> Curve {
    let across = (to - from).dot(leaves.outward()).abs();
    let bend = if leaves.outward().dot(arrives.outward()) < 0.0 && across > 0.0 {
        (across * 0.46).clamp(16.0, 160.0)
    } else {
        60.0
    };
    Curve([
        from,
        from + leaves.outward() * bend,
        to + arrives.outward() * bend,
        to,
    ])
}

/// The links that settings imply: to state stores, session stores and the homes of snapshots.
pub fn implied(topology: &Topology) -> Vec<(&str, &str)> {
    let mut links: Vec<(&str, &str)> = Vec::new();
    let mut add = |from: &str, to: &str| {
        let known = topology
            .nodes
            .get_key_value(from)
            .zip(topology.nodes.get_key_value(to));
        if let Some(((from, _), (to, _))) = known
            && !topology
                .links
                .0
                .iter()
                .any(|l| l.from == *from && l.to == *to)
            && !links.contains(&(from.as_str(), to.as_str()))
        {
            links.push((from, to));
        }
    };
    for (name, node) in &topology.nodes {
        let Node::Service(service) = node else {
            continue;
        };
        match &service.state {
            State::External(external) => add(name, &external.store),
            State::InMemory(memory) => {
                if let (Some(_), SnapshotTo::ObjectStore(store)) =
                    (memory.snapshot_every, &memory.snapshot_to)
                {
                    add(name, store);
                }
            }
            _ => {}
        }
    }
    if let Sessions::ServerSide(sessions) = &topology.sessions {
        for front in &super::scene::Facts::of(topology).front {
            add(front, &sessions.store);
        }
    }
    links
}

/// The lines between the cards of a scene. `links` is what is shown of the running system's links.
pub fn lines(
    topology: &Topology,
    scene: &Scene,
    links: &[LinkView],
    readings: &Readings,
) -> Vec<Line> {
    let index: HashMap<&str, usize> = scene
        .cards
        .iter()
        .enumerate()
        .map(|(index, card)| (card.name, index))
        .collect();
    let written = topology
        .links
        .0
        .iter()
        .map(|link| (&*link.from, &*link.to, Some(link.settings.latency)));
    let from_settings = implied(topology)
        .into_iter()
        .map(|(from, to)| (from, to, None));
    let plain = with_profile(topology.profile, LinkSettings::default).latency;
    // Of a written one the latency.
    let mut drawn: Vec<(&str, &str, Option<Duration>)> = written.chain(from_settings).collect();
    // The running system may know more that a setting implies.
    for link in links.iter().filter(|link| link.implied) {
        if !drawn
            .iter()
            .any(|(from, to, _)| *from == link.from && *to == link.to)
        {
            drawn.push((&link.from, &link.to, None));
        }
    }
    let ends: Vec<(usize, usize, Option<Duration>)> = drawn
        .iter()
        .filter_map(|(from, to, latency)| Some((*index.get(from)?, *index.get(to)?, *latency)))
        .filter(|(from, to, _)| from != to)
        .collect();
    let sides: Vec<(Side, Side)> = ends
        .iter()
        .map(|&(from, to, _)| {
            let (from, to) = (&scene.cards[from], &scene.cards[to]);
            sides(from.rect, to.rect, !is_sticky(from.node))
        })
        .collect();
    let ports = ports(scene, &ends, &sides);

    let mut lines: Vec<Line> = ends
        .iter()
        .enumerate()
        .map(|(at, &(from, to, latency))| {
            let (source, target) = (&scene.cards[from], &scene.cards[to]);
            let reading = readings
                .links()
                .get(at)
                .filter(|reading| reading.from == source.name && reading.to == target.name)
                .or_else(|| readings.link(source.name, target.name));
            let rate = |numbers: &mut dyn Iterator<Item = u32>| {
                let mut sum = CallRates::default();
                for number in numbers {
                    let one = reading
                        .and_then(|reading| reading.instances.get(number as usize - 1))
                        .copied()
                        .unwrap_or_default();
                    sum.completed += one.completed;
                    sum.retried += one.retried;
                    sum.failed += one.failed;
                }
                sum
            };
            let (leaves, arrives) = sides[at];
            let (leave_at, arrive_at) = ports[at];
            let total = reading.map_or_else(CallRates::default, LinkReading::total);
            let lanes = if is_sticky(source.node) && target.kind == NodeKind::Service {
                let goals = goals(target);
                let count = goals.len();
                let pitch = LANE_PITCH.min(source.rect.height() * 0.6 / (count.max(2) - 1) as f32);
                goals
                    .into_iter()
                    .enumerate()
                    .map(|(lane, goal)| {
                        let shift = (lane as f32 - (count as f32 - 1.0) / 2.0) * pitch;
                        let edge = if arrives == Side::Left {
                            target.rect.left()
                        } else {
                            target.rect.right()
                        };
                        let numbers = goal.instances.iter().map(|&i| &target.instances[i]);
                        let refused = goal
                            .instances
                            .iter()
                            .all(|&i| target.instances[i].status.is_down());
                        Lane {
                            curve: curve(
                                leave_at + vec2(0.0, shift),
                                leaves,
                                pos2(edge, goal.y),
                                arrives,
                            ),
                            rates: rate(&mut numbers.map(|instance| instance.number)),
                            refused,
                        }
                    })
                    .collect()
            } else {
                vec![Lane {
                    curve: curve(leave_at, leaves, arrive_at, arrives),
                    rates: total,
                    refused: is_dead(target),
                }]
            };
            Line {
                key: format!("{}->{}", source.name, target.name),
                from,
                to,
                implied: latency.is_none(),
                latency: latency.unwrap_or(plain),
                bytes: reading.map_or(0.0, |reading| reading.bytes),
                lanes,
                rates: total,
            }
        })
        .collect();
    if scene.cards.len() <= MOST_AVOIDED {
        for line in &mut lines {
            go_round(line, scene);
        }
    }
    lines
}

/// The cards that a line is not from or to.
fn strangers(line: &Line, scene: &Scene) -> Vec<Rect> {
    let cards = scene.cards.iter().enumerate();
    let others = cards.filter(|(index, _)| *index != line.from && *index != line.to);
    others.map(|(_, card)| card.rect).collect()
}

/// A line that would run behind a card that it does not belong to goes past it at one side, no further than it takes; it
/// stays where no way is free.
fn go_round(line: &mut Line, scene: &Scene) {
    let cards = strangers(line, scene);
    let is_free = |curve: &Curve, past: f32| {
        let bounds = curve.bounds();
        let mut near = cards.iter().map(|card| card.expand(past));
        !near.any(|card| card.intersects(bounds) && curve.closely().any(|at| card.contains(at)))
    };
    let lanes = &mut line.lanes;
    if lanes.iter().all(|lane| is_free(&lane.curve, 0.0)) {
        return;
    }
    for step in 1..=ASIDE.1 {
        let off = f32::from(step) * ASIDE.0;
        for tension in [1.0, 0.6, 0.3, 0.1] {
            for by in [-off, off] {
                let way = |lane: &Lane| lane.curve.aside(by, tension);
                if lanes.iter().all(|lane| is_free(&way(lane), PAST)) {
                    for lane in lanes {
                        lane.curve = way(lane);
                    }
                    return;
                }
            }
        }
    }
}

/// Whether nothing at a node can answer.
fn is_dead(target: &Card) -> bool {
    let instances = &target.instances;
    let primary = instances.iter().find(|i| i.role == Role::Primary);
    match primary {
        Some(primary) => primary.status.is_down(),
        None => !instances.is_empty() && instances.iter().all(|i| i.status.is_down()),
    }
}

/// Where lanes end: at the rows of a heavy card, and at the grid with the rest; side by side at a light one.
struct Goal {
    y: f32,
    instances: Vec<usize>,
}

fn goals(target: &Card) -> Vec<Goal> {
    let count = target.instances.len();
    if target.heavy {
        let mut goals: Vec<Goal> = target
            .rows
            .iter()
            .enumerate()
            .map(|(row, &instance)| Goal {
                y: target.row_middle(row),
                instances: vec![instance],
            })
            .collect();
        let rest: Vec<usize> = (0..count).filter(|i| !target.rows.contains(i)).collect();
        if !rest.is_empty() {
            let top = target.row_middle(target.rows.len()) - target.row_height() / 2.0;
            goals.push(Goal {
                y: (top + target.rect.bottom()) / 2.0,
                instances: rest,
            });
        }
        return goals;
    }
    let shown = count.clamp(1, 6);
    let inner = target.rect.shrink2(vec2(0.0, 16.0));
    (0..shown)
        .map(|lane| Goal {
            y: inner.top() + inner.height() * (lane as f32 + 0.5) / shown as f32,
            instances: (0..count).filter(|i| i % shown == lane).collect(),
        })
        .collect()
}

/// Where each link leaves and arrives: those at the same side of a card are spread evenly, in the order of where they lead.
fn ports(
    scene: &Scene,
    ends: &[(usize, usize, Option<Duration>)],
    sides: &[(Side, Side)],
) -> Vec<(Pos2, Pos2)> {
    // By card and side: which links meet there, and what to sort them by.
    type Meeting = Vec<(f32, usize, bool)>;
    let mut meeting: HashMap<(usize, u8), Meeting> = HashMap::new();
    for (at, &(from, to, _)) in ends.iter().enumerate() {
        let (leaves, arrives) = sides[at];
        for (card, side, other, leaving) in [(from, leaves, to, true), (to, arrives, from, false)] {
            let middle = scene.cards[other].rect.center();
            let order = match side {
                Side::Left | Side::Right => middle.y,
                Side::Top | Side::Bottom => middle.x,
            };
            meeting
                .entry((card, side as u8))
                .or_default()
                .push((order, at, leaving));
        }
    }
    let mut ports = vec![(Pos2::ZERO, Pos2::ZERO); ends.len()];
    for (at, &(from, to, _)) in ends.iter().enumerate() {
        let (leaves, arrives) = sides[at];
        for (card, side, leaving) in [(from, leaves, true), (to, arrives, false)] {
            let Some(there) = meeting.get_mut(&(card, side as u8)) else {
                continue;
            };
            there.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let place = there
                .iter()
                .position(|&(_, link, out)| link == at && out == leaving)
                .unwrap_or_default();
            let share = (place + 1) as f32 / (there.len() + 1) as f32;
            let port = side.port(scene.cards[card].rect, share);
            if leaving {
                ports[at].0 = port;
            } else {
                ports[at].1 = port;
            }
        }
    }
    ports
}

/// How links look while the pointer or the selection is on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emphasis {
    /// The pointer is on it.
    pub hovered: bool,
    /// It is selected.
    pub selected: bool,
    /// One of its ends is pulled away from where it is.
    pub lifted: bool,
}

/// The dots on every link: how far they have moved.
#[derive(Debug, Default)]
pub struct Flows(HashMap<u64, Flow>);

#[derive(Clone, Copy, Debug)]
struct Flow {
    /// From 0 to 1: how far the first dot is on its way to where the next one starts.
    phase: f32,
    /// Dots that have started so far.
    started: u64,
    /// From one dot to the next, as a share of the way.
    gap: f32,
    /// Passed without being drawn, to forget links that are gone.
    age: u32,
}

impl Flows {
    /// Call once a frame: forgets links that have not been drawn for a while.
    pub fn begin(&mut self) {
        self.0.retain(|_, flow| {
            flow.age += 1;
            flow.age < 600
        });
    }

    /// Paints a link; `seconds` is the reader's time since the last frame (0: dots stand), `speed` simulated seconds a
    /// second. Says whether something moves.
    pub fn paint(
        &mut self,
        ink: &Ink,
        line: &Line,
        emphasis: Emphasis,
        seconds: f32,
        speed: f64,
    ) -> bool {
        let mut moves = false;
        let most = (MOST_DOTS / line.lanes.len().max(1)).max(2);
        if emphasis.lifted {
            for lane in &line.lanes {
                let points = lane.curve.on_screen(&ink.transform).points();
                let stroke = Stroke::new(1.0, ink.palette.edge);
                ink.painter
                    .extend(Shape::dashed_line(&points, stroke, 3.0, 3.0));
            }
            return false;
        }
        if emphasis.selected {
            paint_selected(ink, line);
        }
        for lane in &line.lanes {
            paint_way(ink, lane, emphasis);
        }
        for (number, lane) in line.lanes.iter().enumerate() {
            if lane.refused {
                continue;
            }
            let key = egui::util::hash((&line.key, number));
            moves |= self.paint_dots(ink, key, lane, most, seconds, speed);
        }
        moves
    }

    fn paint_dots(
        &mut self,
        ink: &Ink,
        key: u64,
        lane: &Lane,
        most: usize,
        seconds: f32,
        speed: f64,
    ) -> bool {
        let total = lane.rates.total();
        // Operations a second of the reader; as fast as possible is taken for a lively flow.
        let flow = total * if speed.is_finite() { speed } else { 10.0 };
        if flow <= 0.0 {
            self.0.remove(&key);
            return false;
        }
        let curve = lane.curve.on_screen(&ink.transform);
        let points = curve.points();
        let length: f32 = points.windows(2).map(|p| (p[1] - p[0]).length()).sum();
        let world_length = length / ink.zoom();
        if world_length < 4.0 {
            return false;
        }
        // A slow flow shows each request; of a fast one the dots show how fast, not how many.
        let fast = (flow as f32).max(0.0).ln_1p() / std::f32::consts::LN_10;
        let pace = (40.0 + 36.0 * fast).min(MOST_SPEED);
        let closest = (40.0 - 7.0 * fast).max(14.0);
        let spacing = (pace / flow as f32).max(closest);
        let gap = (spacing / world_length).max(1.0 / most as f32);
        let entry = self.0.entry(key).or_insert(Flow {
            phase: (key % 97) as f32 / 97.0,
            started: 0,
            gap,
            age: 0,
        });
        entry.age = 0;
        // Small changes of the flow must not move dots that are under way.
        if !(0.8..1.25).contains(&(gap / entry.gap)) {
            entry.gap = gap;
        }
        entry.phase += pace * seconds / world_length / entry.gap;
        let whole = entry.phase.floor();
        entry.phase -= whole;
        entry.started = entry.started.wrapping_add(whole as u64);

        let failed = lane.rates.failed / total;
        let retried = lane.rates.retried / total;
        let palette = ink.palette;
        let radius = 2.2 * ink.zoom().max(0.6);
        let mut walk = Walk::new(&points);
        let mut dot = 0;
        loop {
            let t = (entry.phase + dot as f32) * entry.gap;
            if t > 1.0 || dot > MOST_DOTS as u64 {
                break;
            }
            let at = walk.at(t * length);
            // Spread outcomes evenly over the dots: multiples of the golden ratio.
            let serial = (entry.started % 1_000_000) as f64 - dot as f64;
            let draw = (serial * 0.618_033_988_75).rem_euclid(1.0);
            let colour = if draw < failed {
                palette.failed
            } else if draw < failed + retried {
                palette.slow
            } else {
                palette.completed
            };
            ink.painter.circle_filled(at, radius, colour);
            dot += 1;
        }
        seconds > 0.0
    }
}

/// Walks along a line of points.
struct Walk<'a> {
    points: &'a [Pos2],
    at: usize,
    passed: f32,
}

impl<'a> Walk<'a> {
    fn new(points: &'a [Pos2]) -> Self {
        Self {
            points,
            at: 0,
            passed: 0.0,
        }
    }

    /// The point at a distance from the beginning, not less than the last one asked for.
    fn at(&mut self, distance: f32) -> Pos2 {
        loop {
            let (from, to) = (self.points[self.at], self.points[self.at + 1]);
            let length = (to - from).length();
            if distance <= self.passed + length || self.at + 2 >= self.points.len() {
                let share = ((distance - self.passed) / length.max(1e-6)).clamp(0.0, 1.0);
                return from + (to - from) * share;
            }
            self.passed += length;
            self.at += 1;
        }
    }
}

/// How wide a link with so many calls a second is, in points at 100 %.
pub fn width(per_second: f64) -> f32 {
    1.2 + (per_second.max(1.0) as f32).log10()
}

/// Ink with the canvas in it, under all ways of a selected link.
fn paint_selected(ink: &Ink, line: &Line) {
    let zoom = ink.zoom().max(0.5);
    let (palette, rails) = (
        ink.palette,
        [(8.0, ink.palette.text), (4.0, ink.palette.canvas)],
    );
    for (width, colour) in std::iter::once((12.0, palette.canvas)).chain(rails) {
        for lane in &line.lanes {
            let points = lane.curve.on_screen(&ink.transform).points();
            let wider = (thickness(ink, lane) - 4.0 * zoom).max(0.0);
            let stroke = Stroke::new(width * zoom + wider, colour);
            ink.painter.line(points, stroke);
        }
    }
}

/// What of a line other cards cover, above them: seen, but below what is on them.
pub fn paint_covered(ink: &Ink, scene: &Scene, line: &Line) {
    let cards = strangers(line, scene);
    let zoom = ink.zoom();
    let stroke = Stroke::new(1.2 * zoom, ink.palette.edge.gamma_multiply(0.6));
    for lane in &line.lanes {
        let bounds = lane.curve.bounds();
        let near: Vec<&Rect> = cards.iter().filter(|c| c.intersects(bounds)).collect();
        let covered = |at: &Pos2| near.iter().any(|card| card.contains(*at));
        let points: Vec<Pos2> = lane.curve.closely().collect();
        for run in points.chunk_by(|a, b| covered(a) == covered(b)) {
            if run.len() > 1 && covered(&run[0]) {
                let run: Vec<Pos2> = run.iter().map(|at| ink.transform.at(*at)).collect();
                let dashes = Shape::dashed_line(&run, stroke, 3.0 * zoom, 5.0 * zoom);
                ink.painter.extend(dashes);
            }
        }
    }
}

fn thickness(ink: &Ink, lane: &Lane) -> f32 {
    width(lane.rates.total()) * ink.zoom().max(0.5)
}

fn paint_way(ink: &Ink, lane: &Lane, emphasis: Emphasis) {
    let palette = ink.palette;
    let zoom = ink.zoom();
    let points = lane.curve.on_screen(&ink.transform).points();
    let thickness = thickness(ink, lane);
    if !emphasis.selected {
        // A border in the ground's colour sets links apart where they cross.
        let stroke = Stroke::new(thickness + 4.0 * zoom, palette.canvas);
        ink.painter.line(points.clone(), stroke);
    }
    if lane.refused {
        let stroke = Stroke::new(1.5 * zoom.max(0.6), palette.down);
        ink.painter
            .extend(Shape::dashed_line(&points, stroke, 4.0 * zoom, 4.0 * zoom));
        let middle = ink.transform.at(lane.curve.at(0.72));
        cross(ink, middle, palette.canvas, palette.failed);
        return;
    }
    let colour = if emphasis.hovered {
        palette.edge
    } else {
        mix(palette.canvas, palette.edge, 0.55)
    };
    ink.painter.line(points, Stroke::new(thickness, colour));
}

/// An opaque mixture, so that the parts of a line do not show where they overlap.
fn mix(ground: Color32, colour: Color32, share: f32) -> Color32 {
    ground.lerp_to_gamma(colour, share)
}

/// A cross at a point of the screen.
pub fn cross(ink: &Ink, at: Pos2, ground: Color32, colour: Color32) {
    let zoom = ink.zoom().max(0.5);
    ink.painter.circle_filled(at, 6.5 * zoom, ground);
    let arm = 3.5 * zoom;
    for diagonal in [vec2(arm, arm), vec2(arm, -arm)] {
        let stroke = Stroke::new(2.0 * zoom, colour);
        ink.painter
            .line_segment([at - diagonal, at + diagonal], stroke);
        ink.painter.circle_filled(at - diagonal, zoom, colour);
        ink.painter.circle_filled(at + diagonal, zoom, colour);
    }
}

/// A dashed line to a card that would be added.
pub fn paint_ghost(ink: &Ink, from: Rect, to: Rect) {
    let (leaves, arrives) = sides(from, to, true);
    let way = curve(
        leaves.port(from, 0.5),
        leaves,
        arrives.port(to, 0.5),
        arrives,
    );
    let points = way.on_screen(&ink.transform).points();
    let stroke = Stroke::new(1.5, ink.palette.text2);
    ink.painter
        .extend(Shape::dashed_line(&points, stroke, 4.0, 4.0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::canvas::scene::Worst;
    use crate::app::sample::Sample;
    use crate::model::settings::ron_options;

    fn line(from: Rect, to: Rect) -> Line {
        let (leaves, arrives) = sides(from, to, true);
        let ends = (leaves.port(from, 0.5), arrives.port(to, 0.5));
        Line {
            key: "a->c".into(),
            from: 0,
            to: 2,
            implied: false,
            lanes: vec![Lane {
                curve: curve(ends.0, leaves, ends.1, arrives),
                rates: CallRates::default(),
                refused: false,
            }],
            rates: CallRates::default(),
            bytes: 0.0,
            latency: Duration(0),
        }
    }

    fn scene(sample: &Sample, places: [(f32, f32); 3]) -> Scene<'_> {
        let mut scene = Scene::measure(&sample.view(), &[], Duration(0), &mut Worst::default());
        scene.put(|name| {
            let at = ["a", "b", "c"].iter().position(|known| *known == name);
            places[at.unwrap_or(0)].into()
        });
        scene
    }

    #[test]
    fn a_line_goes_round_a_card_that_it_does_not_belong_to() {
        let text =
            r#"Topology(schema: 1, nodes: {"a": Service(), "b": Service(), "c": Service()})"#;
        let mut sample = Sample::new();
        sample.topology = ron_options().from_str(text).unwrap();
        for (places, free) in [
            ([(0.0, 0.0), (300.0, 0.0), (600.0, 0.0)], false),
            ([(0.0, 0.0), (210.0, 20.0), (460.0, -30.0)], false),
            ([(0.0, 0.0), (20.0, 200.0), (0.0, 400.0)], false),
            ([(0.0, 0.0), (300.0, 300.0), (600.0, 0.0)], true),
        ] {
            let scene = scene(&sample, places);
            let straight = line(scene.cards[0].rect, scene.cards[2].rect);
            let mut round = straight.clone();
            go_round(&mut round, &scene);
            let (before, after) = (straight.lanes[0].curve, round.lanes[0].curve);
            let stranger = scene.cards[1].rect;
            let hidden = |curve: Curve| curve.closely().any(|at| stranger.contains(at));
            assert_eq!(hidden(before), !free, "{places:?}");
            assert!(!hidden(after), "{places:?} {after:?}");
            assert_eq!(before == after, free, "{places:?}");
            assert_eq!((before.0[0], before.0[3]), (after.0[0], after.0[3]));
        }
    }
}
