//! Where nodes stand that nobody has placed.

use crate::model::{Node, State, Topology};

/// As far from the origin as a node may be: beyond it, `f32` has no room for the distance between two cards.
const FARTHEST: f32 = 1e6;

/// The nearest place that a node may have.
pub fn within_canvas((x, y): (f32, f32)) -> (f32, f32) {
    let within = |at: f32| {
        if at.is_nan() {
            0.0
        } else {
            at.clamp(-FARTHEST, FARTHEST)
        }
    };
    (within(x), within(y))
}

/// Gives nodes a place on the canvas that have none, where others have one: beside the node that uses them.
pub fn place_new_nodes(topology: &mut Topology) {
    const BESIDE: f32 = 310.0;
    const ROOM: (f32, f32) = (250.0, 130.0);
    if topology.canvas.is_empty() {
        return;
    }
    let missing: Vec<String> = topology
        .nodes
        .keys()
        .filter(|name| !topology.canvas.contains_key(*name))
        .cloned()
        .collect();
    for name in missing {
        let beside = user_of(topology, &name)
            .and_then(|user| topology.canvas.get(&user).copied())
            .or_else(|| {
                let by_x = |a: &&(f32, f32), b: &&(f32, f32)| a.0.total_cmp(&b.0);
                topology.canvas.values().max_by(by_x).copied()
            })
            .unwrap_or_default();
        // At the border of what may be there is only one way to go.
        let inwards = |at: f32, way: f32| if at + way.abs() > FARTHEST { -way } else { way };
        let beside = within_canvas(beside);
        let first = (beside.0 + inwards(beside.0, BESIDE), beside.1);
        // Each node that is there can take two places at most, so this many steps lead to a free one.
        let step = ROOM.1 + 20.0;
        let most = 2 * topology.canvas.len();
        let step = inwards(first.1, step * most as f32) / most as f32;
        let places = (0..=most).map(|steps| (first.0, first.1 + step * steps as f32));
        let mut free = places.filter(|place| {
            !topology.canvas.values().any(|other| {
                (other.0 - place.0).abs() < ROOM.0 && (other.1 - place.1).abs() < ROOM.1
            })
        });
        let nearest = free.clone().next();
        let place = free.find(|place| !on_a_link(topology, &name, *place));
        let place = place.or(nearest).unwrap_or(first);
        topology.canvas.insert(name, place);
    }
}

/// Whether a node that stands at a place would hide a link between two others, as far as can be told without their cards.
fn on_a_link(topology: &Topology, name: &str, place: (f32, f32)) -> bool {
    const MIDDLE: (f32, f32) = (95.0, 60.0);
    const CARD: (f32, f32) = (210.0, 120.0);
    let others = topology.links.0.iter();
    let mut others = others.filter(|link| link.from != name && link.to != name);
    others.any(|link| {
        let ends = [&link.from, &link.to].map(|end| topology.canvas.get(end));
        let [Some(from), Some(to)] = ends else {
            return false;
        };
        (0..=40).any(|part| {
            let share = part as f32 / 40.0;
            let x = from.0 + (to.0 - from.0) * share + MIDDLE.0 - place.0;
            let y = from.1 + (to.1 - from.1) * share + MIDDLE.1 - place.1;
            (0.0..CARD.0).contains(&x) && (0.0..CARD.1).contains(&y)
        })
    })
}

/// A node that calls or names this one.
fn user_of(topology: &Topology, name: &str) -> Option<String> {
    let named = topology.nodes.iter().find_map(|(user, node)| match node {
        Node::Service(service) => match &service.state {
            State::External(external) if external.store == name => Some(user.clone()),
            _ => None,
        },
        _ => None,
    });
    let linked = || {
        let link = topology.links.0.iter().find(|link| link.to == name)?;
        Some(link.from.clone())
    };
    // A store named only by the sessions belongs to the services.
    let any_service = || {
        let service = |(_, node): &(&String, &Node)| matches!(node, Node::Service(_));
        topology
            .nodes
            .iter()
            .find(service)
            .map(|(name, _)| name.clone())
    };
    named.or_else(linked).or_else(any_service)
}
