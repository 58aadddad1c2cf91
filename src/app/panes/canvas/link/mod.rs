//! Links: where they run, how much flows over them with what outcome, and how they are drawn.

mod curve;
mod flow;
mod implied;
mod paint;

pub use curve::{Curve, along};
pub use flow::Flows;
pub use implied::implied;
pub use paint::{Emphasis, cross, paint_covered, paint_ghost};

use std::collections::HashMap;

use egui::{Pos2, Rect, pos2, vec2};

use super::scene::{Card, Scene, is_sticky};
use super::transform::Transform;
use crate::app::run::readings::{CallRates, LinkReading, Readings};
use crate::model::Topology;
use crate::model::node::LinkSettings;
use crate::model::settings::with_profile;
use crate::sim::snapshot::{Extent, LinkView, NodeKind, Role, Trouble};
use crate::units::Duration;
use curve::{Side, curve, sides};

/// From one lane to the next where they leave a balancer.
const LANE_PITCH: f32 = 14.0;
/// How far from other cards a line goes past them.
const PAST: f32 = 10.0;
/// How far aside it tries to: in steps of so many points, and so many at most; further would be no link between the two any more.
const ASIDE: (f32, u8) = (32.0, 8);
/// Among more cards than these, lines take no notice of them.
const MOST_AVOIDED: usize = 100;
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
    /// What is wrong on it.
    pub trouble: Option<Trouble>,
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
    /// What is wrong on it.
    pub trouble: Trouble,
}

impl Lane {
    /// Where it runs on the screen, as a line of points.
    pub fn points(&self, transform: &Transform) -> Vec<Pos2> {
        self.curve.on_screen(transform).points()
    }

    fn is_sound(&self) -> bool {
        self.trouble == Trouble::default()
    }
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
            let shown = shown_at(links, at, source.name, target.name);
            let trouble = shown.and_then(|link| link.trouble.clone());
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
                            trouble: shown.map_or_else(Trouble::default, |link| {
                                trouble_at(link, numbers.clone().map(|i| i.number))
                            }),
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
                    trouble: trouble.clone().unwrap_or_default(),
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
                trouble,
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

/// What is shown of the running system's link between two nodes, most likely at this place.
fn shown_at<'l>(links: &'l [LinkView], at: usize, from: &str, to: &str) -> Option<&'l LinkView> {
    let is = |link: &&LinkView| link.from == from && link.to == to;
    let here = links.get(at).filter(is);
    here.or_else(|| links.iter().find(is))
}

/// What is wrong on the way to some instances of the called node, by number.
fn trouble_at(link: &LinkView, numbers: impl Iterator<Item = u32>) -> Trouble {
    let at = |number: u32| link.troubles.get((number as usize).checked_sub(1)?);
    let mut each = numbers.filter_map(at);
    let Some(first) = each.next() else {
        return Trouble::default();
    };
    each.fold(first.clone(), |all, one| Trouble {
        cut: [0, 1].map(|way| {
            if all.cut[way] == one.cut[way] {
                all.cut[way]
            } else {
                Extent::Some
            }
        }),
        slower: all.slower.max(one.slower),
        loss: all.loss.max(one.loss),
        faults: all.faults,
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panes::canvas::scene::Worst;
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
                trouble: Trouble::default(),
            }],
            rates: CallRates::default(),
            bytes: 0.0,
            latency: Duration(0),
            trouble: None,
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
