//! A topology as an SVG drawing, from the positions of its canvas, in the window's light colours.

use std::collections::BTreeMap;

use super::is_disguise;
use crate::model::check::{first_services, implied_links};
use crate::model::node::{LoadBalancer, Node, Persistence, RedisLike, Service};
use crate::model::state::{Replication, Sessions, State};
use crate::model::workload::{Arrivals, Clients};
use crate::model::{Link, Topology};

const CANVAS: &str = "#F4F5F7";
const CARD: &str = "#FFFFFF";
const RAISED: &str = "#ECEEF2";
const HAIR: &str = "#DCE0E6";
const EDGE: &str = "#7B8694";
const INK: &str = "#14181E";
const TEXT2: &str = "#47505C";
const TEXT3: &str = "#5E6875";
const HEALTH: &str = "#008A63";

/// Room around everything, and between cards that the file does not place.
const MARGIN: f64 = 32.0;
const GAP: f64 = 72.0;
/// Height of the title above the drawing.
const HEAD: f64 = 64.0;
/// Instances drawn as pips; further ones are counted.
const PIPS: u32 = 8;

/// The drawing as an SVG document.
pub fn topology(topology: &Topology) -> String {
    let cards: Vec<Card> = topology
        .nodes
        .iter()
        .map(|(name, node)| Card::new(name, node, topology))
        .collect();
    let places = places(topology, &cards);
    let links = links(topology);
    let left = places.iter().map(|place| place.0).fold(f64::MAX, f64::min);
    let top = places.iter().map(|place| place.1).fold(f64::MAX, f64::min);
    let (left, top) = if cards.is_empty() {
        (0.0, 0.0)
    } else {
        (left, top)
    };
    let right = cards
        .iter()
        .zip(&places)
        .map(|(card, place)| place.0 + card.width)
        .fold(left, f64::max);
    let bottom = cards
        .iter()
        .zip(&places)
        .map(|(card, place)| place.1 + card.height)
        .fold(top, f64::max);
    let head = text_width(&topology.name, 18.0).max(text_width(&sessions(topology), 13.0));
    let width = (right - left).max(head) + 2.0 * MARGIN;
    let height = bottom - top + 2.0 * MARGIN + HEAD;

    let mut drawing = Drawing::default();
    drawing.text.push_str(&format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"'IBM Plex Sans', 'Helvetica Neue', Arial, sans-serif\">\n"
    ));
    drawing
        .text
        .push_str(&format!("<title>{}</title>\n", escaped(&topology.name)));
    drawing.text.push_str(&format!(
        "<rect width=\"100%\" height=\"100%\" fill=\"{CANVAS}\"/>\n"
    ));
    drawing.words((MARGIN, MARGIN + 12.0), (18.0, 600), INK, &topology.name);
    drawing.words(
        (MARGIN, MARGIN + 34.0),
        (13.0, 400),
        TEXT2,
        &sessions(topology),
    );
    let move_by = (MARGIN - left, MARGIN + HEAD - top);
    let at = |name: &str| {
        let index = topology.nodes.get_index_of(name)?;
        let (x, y) = places[index];
        Some((&cards[index], (x + move_by.0, y + move_by.1)))
    };
    for (from, to, written) in links {
        if let (Some(from), Some(to)) = (at(&from), at(&to)) {
            drawing.link(from, to, written);
        }
    }
    for (card, (x, y)) in topology.nodes.keys().filter_map(|name| at(name)) {
        drawing.card(card, x, y);
    }
    drawing.text.push_str("</svg>\n");
    drawing.text
}

/// A node as it is drawn.
struct Card<'a> {
    name: &'a str,
    width: f64,
    height: f64,
    /// Where state lives, and whether it lives in this node.
    badge: Option<(String, bool)>,
    lines: Vec<String>,
    /// Instances or members; the letters stand beside the pips.
    pips: u32,
    letters: bool,
}

impl<'a> Card<'a> {
    fn new(name: &'a str, node: &Node, topology: &Topology) -> Self {
        let mut card = Self {
            name,
            width: 190.0,
            height: 0.0,
            badge: None,
            lines: Vec::new(),
            pips: 0,
            letters: false,
        };
        match node {
            Node::Clients(clients) => {
                card.width = 148.0;
                card.lines = clients_lines(clients);
            }
            Node::LoadBalancer(balancer) => {
                card.width = 148.0;
                card.lines = balancer_lines(balancer);
            }
            Node::Service(service) => {
                card.badge = Some(state_badge(service));
                if service.state.is_local() {
                    card.width = 248.0;
                }
                if matches!(topology.sessions, Sessions::InMemory(_))
                    && first_services(topology).contains(&name)
                {
                    card.width = 248.0;
                    card.lines.push("keeps sessions in memory".to_owned());
                }
                card.pips = service.instances;
            }
            Node::RedisLike(store) => {
                card.badge = Some(("Redis-like".to_owned(), true));
                card.lines = redis_lines(store);
                card.pips = 1 + store.replication.replicas();
                card.letters = store.replication.replicas() > 0;
            }
            Node::SqlDatabase(store) => {
                card.badge = Some(("SQL".to_owned(), true));
                card.lines = replication_line(&store.replication);
                card.pips = 1 + store.replication.replicas();
                card.letters = store.replication.replicas() > 0;
            }
            Node::ObjectStore(_) => card.badge = Some(("Object store".to_owned(), true)),
        }
        card.height = card.pips_top() + if card.pips > 0 { 34.0 } else { 0.0 };
        card
    }

    fn lines_top(&self) -> f64 {
        38.0 + if self.badge.is_some() { 26.0 } else { 0.0 }
    }

    fn pips_top(&self) -> f64 {
        self.lines_top() + 18.0 * self.lines.len() as f64
    }
}

fn clients_lines(clients: &Clients) -> Vec<String> {
    let arrivals = match &clients.arrivals {
        Arrivals::Poisson(rate) => format!("{rate}, Poisson"),
        Arrivals::Steady(rate) => format!("{rate}, steady"),
        Arrivals::Closed(closed) => format!("{} users in turn", closed.users),
    };
    let mix = &clients.mix;
    let all = mix.read + mix.write + mix.login + mix.logout;
    let reads = if all > 0.0 {
        format!("{:.0} % reads", 100.0 * mix.read / all)
    } else {
        "no operations".to_owned()
    };
    vec![arrivals, reads]
}

fn balancer_lines(balancer: &LoadBalancer) -> Vec<String> {
    let checks = balancer.health_checks.as_ref().map_or_else(
        || "no checks".to_owned(),
        |checks| format!("check {}, fall {}", checks.interval, checks.fall),
    );
    vec![balancer.policy.words().to_owned(), checks]
}

fn state_badge(service: &Service) -> (String, bool) {
    match &service.state {
        State::Stateless => ("Stateless".to_owned(), false),
        State::InMemory(_) => ("In memory".to_owned(), true),
        State::LocalDisk(_) => ("On local disk".to_owned(), true),
        State::LocalDatabase(_) => ("In a local database".to_owned(), true),
        State::External(external) => (format!("In {}", external.store), false),
    }
}

fn redis_lines(store: &RedisLike) -> Vec<String> {
    let persistence = match &store.persistence {
        Persistence::None => "no persistence".to_owned(),
        Persistence::AppendOnly(fsync) => format!(
            "fsync {}",
            match fsync.name() {
                "Always" => "always",
                "EverySecond" => "every second",
                _ => "never",
            }
        ),
    };
    let mut lines = vec![persistence];
    lines.extend(replication_line(&store.replication));
    lines
}

fn replication_line(replication: &Replication) -> Vec<String> {
    if replication.replicas() == 0 {
        Vec::new()
    } else {
        vec![format!("asynchronous, {} behind", replication.lag())]
    }
}

/// How sessions are kept, in words.
fn sessions(topology: &Topology) -> String {
    match &topology.sessions {
        Sessions::None => "No sessions".to_owned(),
        Sessions::Jwt(jwt) => format!("Sessions in tokens, {}", jwt.algorithm.name()),
        Sessions::ServerSide(sessions) => format!("Sessions in {}", sessions.store),
        Sessions::InMemory(_) => "Sessions in the memory of an instance".to_owned(),
    }
}

/// Written links, then those that a setting implies.
fn links(topology: &Topology) -> Vec<(String, String, bool)> {
    let mut links: Vec<(String, String, bool)> = topology
        .links
        .0
        .iter()
        .map(|Link { from, to, .. }| (from.clone(), to.clone(), true))
        .collect();
    for implied in implied_links(topology) {
        let (from, to) = (implied.from, implied.to);
        if !links.iter().any(|link| link.0 == from && link.1 == to) {
            links.push((from.to_owned(), to.to_owned(), false));
        }
    }
    links
}

/// The top left corner of each card: from the file, or else in columns by distance from the clients.
fn places(topology: &Topology, cards: &[Card]) -> Vec<(f64, f64)> {
    let columns = columns(topology);
    let mut next_y: BTreeMap<usize, f64> = BTreeMap::new();
    let below = topology
        .canvas
        .iter()
        .filter(|(name, _)| topology.nodes.contains_key(*name))
        .map(|(_, place)| f64::from(place.1) + 220.0)
        .fold(0.0, f64::max);
    topology
        .nodes
        .keys()
        .enumerate()
        .map(|(index, name)| match topology.canvas.get(name) {
            Some(&(x, y)) if x.is_finite() && y.is_finite() => (f64::from(x), f64::from(y)),
            _ => {
                let y = next_y.entry(columns[index]).or_insert(below);
                let place = (columns[index] as f64 * (190.0 + GAP), *y);
                *y += cards[index].height + GAP / 2.0;
                place
            }
        })
        .collect()
}

/// How many links away from the beginning each node is, along the longest way; a cycle ends the search.
fn columns(topology: &Topology) -> Vec<usize> {
    let mut columns = vec![0; topology.nodes.len()];
    for _ in 0..topology.nodes.len() {
        for (from, to, _) in links(topology) {
            if let (Some(from), Some(to)) = (
                topology.nodes.get_index_of(&from),
                topology.nodes.get_index_of(&to),
            ) && from != to
            {
                columns[to] = columns[to].max((columns[from] + 1).min(topology.nodes.len()));
            }
        }
    }
    columns
}

/// The text of the drawing so far.
#[derive(Default)]
struct Drawing {
    text: String,
}

impl Drawing {
    fn words(&mut self, at: (f64, f64), (size, weight): (f64, u32), colour: &str, words: &str) {
        self.text.push_str(&format!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{size}\" font-weight=\"{weight}\" fill=\"{colour}\">{}</text>\n",
            at.0,
            at.1,
            escaped(words)
        ));
    }

    fn card(&mut self, card: &Card, x: f64, y: f64) {
        let (width, height) = (card.width, card.height);
        self.text.push_str(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{CARD}\" stroke=\"{HAIR}\"/>\n"
        ));
        let name = fitted(card.name, width - 24.0, 13.0);
        self.words((x + 12.0, y + 22.0), (13.0, 600), INK, &name);
        if let Some((badge, here)) = &card.badge {
            let badge = fitted(badge, width - 40.0, 11.0);
            let (fill, stroke) = if *here {
                (RAISED, RAISED)
            } else {
                (CARD, EDGE)
            };
            self.text.push_str(&format!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"20\" rx=\"4\" fill=\"{fill}\" stroke=\"{stroke}\"/>\n",
                x + 10.0,
                y + 34.0,
                text_width(&badge, 11.0) + 16.0
            ));
            self.words((x + 18.0, y + 48.0), (11.0, 500), TEXT2, &badge);
        }
        for (index, line) in card.lines.iter().enumerate() {
            let line = fitted(line, width - 24.0, 11.0);
            let at = (x + 12.0, y + card.lines_top() + 12.0 + 18.0 * index as f64);
            self.words(at, (11.0, 400), TEXT2, &line);
        }
        let pitch = if card.letters { 40.0 } else { 26.0 };
        let centre_y = y + card.pips_top() + 16.0;
        for pip in 0..card.pips.min(PIPS) {
            let centre_x = x + 22.0 + pitch * f64::from(pip);
            self.text.push_str(&format!(
                "<circle cx=\"{centre_x}\" cy=\"{centre_y}\" r=\"8\" fill=\"{CARD}\" stroke=\"{HEALTH}\" stroke-width=\"1.6\"/>\n"
            ));
            if card.letters {
                let letter = if pip == 0 { "P" } else { "R" };
                self.words(
                    (centre_x + 12.0, centre_y + 4.0),
                    (11.0, 400),
                    TEXT3,
                    letter,
                );
            }
        }
        if card.pips > PIPS {
            let at = (x + 14.0 + pitch * f64::from(PIPS), centre_y + 4.0);
            self.words(at, (11.0, 400), TEXT3, &format!("+{}", card.pips - PIPS));
        }
    }

    /// A curve from the caller's side to the called one's: between columns from right to left, else from below to above.
    fn link(&mut self, from: (&Card, (f64, f64)), to: (&Card, (f64, f64)), written: bool) {
        let (a, (ax, ay)) = from;
        let (b, (bx, by)) = to;
        let middle = |card: &Card, y: f64| y + card.height / 2.0;
        let centre = |card: &Card, x: f64| x + card.width / 2.0;
        let path = if bx >= ax + a.width {
            let (x1, y1, x2, y2) = (ax + a.width, middle(a, ay), bx, middle(b, by));
            let bend = (x2 - x1) / 2.0;
            format!("M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}", x1 + bend, x2 - bend)
        } else if ax >= bx + b.width {
            let (x1, y1, x2, y2) = (ax, middle(a, ay), bx + b.width, middle(b, by));
            let bend = (x1 - x2) / 2.0;
            format!("M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}", x1 - bend, x2 + bend)
        } else {
            let down = by >= ay;
            let y1 = if down { ay + a.height } else { ay };
            let y2 = if down { by } else { by + b.height };
            let (x1, x2, bend) = (centre(a, ax), centre(b, bx), (y2 - y1) / 2.0);
            format!("M{x1} {y1}C{x1} {} {x2} {} {x2} {y2}", y1 + bend, y2 - bend)
        };
        let dash = if written {
            ""
        } else {
            " stroke-dasharray=\"5 4\""
        };
        self.text.push_str(&format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{EDGE}\" stroke-width=\"1.5\"{dash}/>\n"
        ));
    }
}

/// About how wide a text is; the fonts of whoever looks at the drawing are not known.
fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.56
}

/// As much of a text as fits, with an ellipsis if that is not all.
fn fitted(text: &str, width: f64, size: f64) -> String {
    let most = (width / (size * 0.56)) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// A text as it stands in XML, without what it could disguise itself by.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => escaped.push(' '),
            c if is_disguise(c) => escaped.push_str(&format!("&#x{:x};", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::ron_options;

    #[test]
    fn every_node_and_link_is_drawn() {
        let text = r#"Topology(schema: 1, name: "A <b> & c", sessions: ServerSide(store: "store"), nodes: {
            "clients": Clients(), "lb": LoadBalancer(), "api": Service(instances: 12, state: External(store: "store")),
            "store": RedisLike(replication: Asynchronous(lag: "5ms")), "files": ObjectStore(), "db": SqlDatabase()},
            links: ["clients -> lb", "lb -> api", "api -> files", "files -> db"], canvas: {"clients": (80, 200), "lb": (280, 200)})"#;
        let drawn = topology(&ron_options().from_str(text).unwrap());
        for name in [
            "clients",
            "lb",
            "api",
            "store",
            "files",
            "db",
            "+4",
            "A &lt;b&gt; &amp; c",
        ] {
            assert!(drawn.contains(&format!(">{name}</text>")), "{name}");
        }
        // Four written links and one that both settings imply.
        assert_eq!(drawn.matches("<path").count(), 5);
        assert_eq!(drawn.matches("stroke-dasharray").count(), 1);
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"));
    }

    #[test]
    fn an_empty_topology_is_an_empty_drawing() {
        assert!(topology(&Topology::default()).ends_with("</svg>\n"));
    }

    #[test]
    fn a_cycle_ends() {
        let text = r#"Topology(schema: 1, nodes: {"a": Service(), "b": Service()}, links: ["a -> b", "b -> a"])"#;
        assert!(topology(&ron_options().from_str(text).unwrap()).contains("</svg>"));
    }
}
