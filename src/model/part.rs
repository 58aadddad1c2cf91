//! Parts of a topology: copied as the text of one, pasted under names of their own, and joined to what is there.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::check::MAX_NODES;
use super::file::{self, MAX_BYTES};
use super::naming::{Renaming, free_name_but, identity};
use super::node::Node;
use super::settings::{Profile, shortened};
use super::topology::{Link, Links, SCHEMA, Topology};

/// Some nodes as a topology of their own, in the order of the whole, with their places and the links among themselves.
/// All nodes are the whole topology.
pub fn copy<'n>(topology: &Topology, names: impl IntoIterator<Item = &'n str>) -> Topology {
    let names: BTreeSet<&str> = names.into_iter().collect();
    if topology
        .nodes
        .keys()
        .all(|name| names.contains(name.as_str()))
    {
        return topology.clone();
    }
    let in_it = |name: &String| names.contains(name.as_str());
    let nodes = topology.nodes.iter().filter(|(name, _)| in_it(name));
    let links = topology.links.0.iter();
    let places = topology.canvas.iter().filter(|(name, _)| in_it(name));
    Topology {
        schema: SCHEMA,
        profile: topology.profile,
        nodes: nodes.map(|(n, node)| (n.clone(), node.clone())).collect(),
        links: Links(
            links
                .filter(|link| in_it(&link.from) && in_it(&link.to))
                .cloned()
                .collect(),
        ),
        canvas: places.map(|(n, place)| (n.clone(), *place)).collect(),
        ..Topology::default()
    }
}

/// Reads what was copied: the text of a topology, or of a part of one.
///
/// # Errors
/// It is none; why, in a sentence.
pub fn read(text: &str) -> Result<Topology, String> {
    if text.trim().is_empty() {
        return Err("there is no text".to_owned());
    }
    if text.len() > MAX_BYTES {
        let most = MAX_BYTES >> 20;
        return Err(format!(
            "it is larger than {most} MiB, which no topology is"
        ));
    }
    let part = file::read(text, "what was copied").map_err(|error| {
        if text.contains("Topology") {
            let (line, why) = (error.line, shortened(&error.message));
            format!("it is no whole topology: line {line}: {why}")
        } else {
            "it is no topology, which begins with `Topology(`".to_owned()
        }
    })?;
    if part.nodes.is_empty() {
        return Err("it has no nodes".to_owned());
    }
    Ok(part)
}

/// Puts a part into a topology: its nodes, with their places and the links among themselves, under names that are free.
/// One without nodes takes all that the part says. Nodes keep their `id` where no other has it, and get a fresh one where
/// their name is the identity of another. Returns the nodes' names, in order, by those they had in the part.
///
/// # Errors
/// There would be too many nodes; then nothing has changed.
pub fn insert(
    topology: &mut Topology,
    part: &Topology,
) -> Result<IndexMap<String, String>, String> {
    let all = topology.nodes.len() + part.nodes.len();
    if all > MAX_NODES {
        return Err(format!(
            "a topology has at most {MAX_NODES} nodes, and this would be {all}"
        ));
    }
    if topology.nodes.is_empty() {
        take_in(topology, part);
        let names = part.nodes.keys();
        return Ok(names.map(|name| (name.clone(), name.clone())).collect());
    }
    let mut names: IndexMap<String, String> = IndexMap::new();
    for name in part.nodes.keys() {
        // Neither a name that the next one of the part is to keep.
        let kept = |wanted: &str| {
            let has_it = part.nodes.contains_key(wanted);
            names.values().any(|given| given == wanted) || has_it && wanted != name
        };
        let free = free_name_but(topology, name, kept);
        names.insert(name.clone(), free);
    }
    let mut part = part.clone();
    let ids: Vec<String> = part
        .nodes
        .values()
        .map(|node| node.id().to_owned())
        .collect();
    let renaming: Renaming = names.iter().map(|(a, b)| (a.clone(), b.clone())).collect();
    renaming.topology(&mut part);
    for ((name, mut node), id) in part.nodes.into_iter().zip(ids) {
        let known = topology.nodes.iter();
        let mut known = known.map(|(name, node)| identity(name, node));
        // A copy is another one of its kind.
        let keeps = !id.is_empty() && known.all(|known| known != id);
        *node.id_mut() = if keeps { id } else { String::new() };
        topology.nodes.insert(name.clone(), node);
        topology.give_identity(&name);
    }
    let is_new = |name: &String| names.values().any(|new| new == name);
    let among = |link: &Link| is_new(&link.from) && is_new(&link.to);
    topology
        .links
        .0
        .extend(part.links.0.into_iter().filter(among));
    let places = part.canvas.into_iter().filter(|(name, _)| is_new(name));
    topology.canvas.extend(places);
    Ok(names)
}

/// An empty topology takes all that another says differently from the defaults.
fn take_in(topology: &mut Topology, part: &Topology) {
    fn take<T: Clone + PartialEq + Default>(here: &mut T, there: &T) {
        if *there != T::default() {
            here.clone_from(there);
        }
    }
    let standard = Topology::default();
    let whole = part.clone();
    if part.profile != Profile::Standard {
        topology.profile = part.profile;
    }
    for (here, there) in [
        (&mut topology.name, whole.name),
        (&mut topology.summary, whole.summary),
        (&mut topology.note, whole.note),
    ] {
        take(here, &there);
    }
    if part.duration != standard.duration {
        topology.duration = part.duration;
    }
    if part.warmup != standard.warmup {
        topology.warmup = part.warmup;
    }
    if part.seed != standard.seed {
        topology.seed = part.seed;
    }
    if part.sessions != standard.sessions {
        topology.sessions = whole.sessions;
    }
    take(&mut topology.scenario, &whole.scenario);
    take(&mut topology.expects, &whole.expects);
    if part.objectives != standard.objectives {
        topology.objectives = whole.objectives;
    }
    topology.nodes = whole.nodes;
    topology.links = whole.links;
    topology.canvas = whole.canvas;
}

/// Adds a copy of some nodes, so much further to the right and down, with the links among them and those that lead to
/// other nodes or come from them. Clients call one node only, so theirs stay with the original. Returns the copies' names
/// by those of the originals.
///
/// # Errors
/// There would be too many nodes; then nothing has changed.
pub fn duplicate(
    topology: &mut Topology,
    names: &[String],
    by: (f32, f32),
) -> Result<IndexMap<String, String>, String> {
    let mut part = copy(topology, names.iter().map(String::as_str));
    for place in part.canvas.values_mut() {
        *place = (place.0 + by.0, place.1 + by.1);
    }
    let copies = insert(topology, &part)?;
    let crossing: Vec<Link> = topology
        .links
        .0
        .iter()
        .filter_map(|link| {
            let (from, to) = (copies.get(&link.from), copies.get(&link.to));
            let called_once = matches!(topology.nodes.get(&link.from), Some(Node::Clients(_)));
            let mut copied = match (from, to) {
                (Some(from), None) => Link::new(from, &link.to),
                (None, Some(to)) if !called_once => Link::new(&link.from, to),
                _ => return None,
            };
            copied.settings.latency = link.settings.latency;
            copied.settings.bandwidth = link.settings.bandwidth;
            Some(copied)
        })
        .collect();
    topology.links.0.extend(crossing);
    Ok(copies)
}

/// The links that make a new node run, from and to, where only one way makes sense: to the one node that clients can
/// call, from the one that has nothing behind it yet.
pub fn natural_links(topology: &Topology, name: &str, node: &Node) -> Vec<(String, String)> {
    type Is = fn(&Node) -> bool;
    let others = topology.nodes.iter().filter(|(other, _)| *other != name);
    let only = |is: Is| {
        let mut found = others.clone().filter(|(_, node)| is(node));
        let first = found.next().map(|(name, _)| name.as_str());
        first.filter(|_| found.next().is_none())
    };
    let none = |is: Is| !others.clone().any(|(_, node)| is(node));
    let calls = |from: &str| topology.links.0.iter().any(|link| link.from == from);
    let called = |to: &str| topology.links.0.iter().any(|link| link.to == to);
    let clients: Is = |node| matches!(node, Node::Clients(_));
    let balancer: Is = |node| matches!(node, Node::LoadBalancer(_));
    let service: Is = |node| matches!(node, Node::Service(_));
    let to = |other: &str| (name.to_owned(), other.to_owned());
    let from = |other: &str| (other.to_owned(), name.to_owned());
    let idle = |is: Is| only(is).filter(|other| !calls(other));
    match node {
        Node::Clients(_) => only(balancer)
            .or_else(|| none(balancer).then(|| only(service))?)
            .or_else(|| (none(balancer) && none(service)).then(|| only(Node::is_store))?)
            .map(to)
            .into_iter()
            .collect(),
        Node::LoadBalancer(_) => {
            let behind = only(service).filter(|service| !called(service));
            let before = idle(clients).map(from);
            before.into_iter().chain(behind.map(to)).collect()
        }
        Node::Service(_) => idle(balancer)
            .or_else(|| none(balancer).then(|| idle(clients))?)
            .map(from)
            .into_iter()
            .collect(),
        Node::RedisLike(_) | Node::SqlDatabase(_) | Node::ObjectStore(_) => idle(service)
            .or_else(|| (none(service) && none(balancer)).then(|| idle(clients))?)
            .map(from)
            .into_iter()
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{State, check};

    const SHOP: &str = r#"Topology(
    schema: 1,
    name: "Shop",
    sessions: ServerSide(store: "store"),
    nodes: {
        "clients": Clients(),
        "lb": LoadBalancer(),
        "api": Service(state: External(store: "store")),
        "search": Service(),
        "store": RedisLike(),
    },
    links: ["clients -> lb", Link(path: "lb -> api", latency: "2ms"), "api -> search", "search -> store"],
    scenario: [At("10s", Crash("api", 1))],
    expects: ["sessions.lost == 0"],
    objectives: (p99: "300ms"),
    canvas: {"clients": (80, 200), "lb": (280, 200), "api": (480, 200), "store": (680, 200)},
)"#;

    fn shop() -> Topology {
        file::read(SHOP, "shop.ron").unwrap()
    }

    fn names(topology: &Topology) -> Vec<&str> {
        topology.nodes.keys().map(String::as_str).collect()
    }

    fn external(topology: &Topology, name: &str) -> String {
        match &topology.nodes[name] {
            Node::Service(service) => match &service.state {
                State::External(external) => external.store.clone(),
                _ => String::new(),
            },
            _ => String::new(),
        }
    }

    #[test]
    fn a_part_is_a_topology_and_its_text_is_read_again() {
        let part = copy(&shop(), ["search", "api"]);
        assert_eq!(names(&part), ["api", "search"]);
        assert_eq!(part.links.0.len(), 1);
        assert_eq!(part.canvas.len(), 1);
        assert!(part.scenario.is_empty());
        assert_eq!(read(&file::write(&part)).unwrap(), part);
        let all = shop();
        let whole = copy(&all, all.nodes.keys().map(String::as_str));
        assert_eq!(whole, all);
    }

    #[test]
    fn what_is_pasted_has_names_identities_and_links_of_its_own() {
        let mut shop = shop();
        let part = copy(&shop, ["api", "search", "store"]);
        let given = insert(&mut shop, &part).unwrap();
        assert_eq!(given["api"], "api2");
        assert_eq!(
            names(&shop)[5..],
            ["api2", "search2", "store2"],
            "after those that were there"
        );
        assert_eq!(external(&shop, "api2"), "store2");
        assert_eq!(external(&shop, "api"), "store");
        assert!(shop.links.find("api2->search2").is_some());
        assert!(shop.links.find("search2->store2").is_some());
        assert!(shop.links.find("lb->api2").is_none());
        assert!(shop.nodes.values().all(|node| node.id().is_empty()));
        let mut identities: Vec<&str> = shop.nodes.iter().map(|(n, x)| identity(n, x)).collect();
        identities.dedup();
        assert_eq!(identities.len(), 8);
    }

    #[test]
    fn a_copy_is_never_taken_for_the_original() {
        let mut shop = shop();
        let part = copy(&shop, ["api"]);
        shop.rename("api", "desk").unwrap();
        // The name is free, the identity is not.
        let given = insert(&mut shop, &part).unwrap();
        assert_eq!(given["api"], "api");
        assert_eq!(shop.nodes["api"].id(), "api-2");
        let again = copy(&shop, ["desk", "api"]);
        let given = insert(&mut shop, &again).unwrap();
        assert_eq!((&*given["desk"], &*given["api"]), ("desk2", "api2"));
        assert_eq!(shop.nodes["desk2"].id(), "");
        assert_eq!(shop.nodes["api2"].id(), "");
        let problems = check(&shop);
        assert!(
            !problems
                .iter()
                .any(|problem| problem.message.contains("same id")),
            "{problems:?}"
        );
        // Cut and pasted, it is the same again.
        let desk = copy(&shop, ["desk"]);
        shop.nodes.shift_remove("desk");
        insert(&mut shop, &desk).unwrap();
        assert_eq!(shop.nodes["desk"].id(), "api");
    }

    #[test]
    fn numbered_names_of_a_part_never_meet_each_other() {
        let mut shop = shop();
        shop.set_path("nodes.api2", "Service()").unwrap();
        let part = copy(&shop, ["api", "api2"]);
        let given = insert(&mut shop, &part).unwrap();
        assert_eq!((&*given["api"], &*given["api2"]), ("api3", "api4"));
    }

    #[test]
    fn an_empty_topology_takes_all_that_is_pasted() {
        let mut blank = Topology {
            schema: SCHEMA,
            ..Topology::default()
        };
        insert(&mut blank, &read(SHOP).unwrap()).unwrap();
        assert_eq!(blank, shop());
    }

    #[test]
    fn what_is_no_topology_is_told_in_a_sentence() {
        for (text, why) in [
            (String::new(), "no text"),
            (" \n".into(), "no text"),
            ("lorem ipsum".into(), "begins with"),
            ("Topology(schema: 1".into(), "line 1"),
            ("Topology(schema: 1)".into(), "no nodes"),
            ("x".repeat(4 << 20), "begins with"),
            ("x".repeat((4 << 20) + 1), "larger than 4 MiB"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(why), "{error}");
            assert!(error.lines().count() == 1 && error.len() < 200, "{error}");
        }
    }

    #[test]
    fn too_many_nodes_are_refused_whole() {
        let mut many = shop();
        let part = copy(&many, ["api", "search", "store"]);
        while insert(&mut many, &part).is_ok() {}
        assert!(many.nodes.len() <= MAX_NODES);
        let before = many.clone();
        assert!(insert(&mut many, &part).unwrap_err().contains("at most"));
        assert_eq!(many, before);
    }

    #[test]
    fn a_duplicate_is_linked_as_the_original() {
        let mut shop = shop();
        let copies = duplicate(&mut shop, &["api".into()], (24.0, 24.0)).unwrap();
        assert_eq!(copies["api"], "api2");
        let link = &shop.links.0[shop.links.find("lb->api2").unwrap()];
        assert_eq!(link.settings.path, "lb -> api2");
        assert_eq!(link.settings.latency.0, 2_000_000);
        assert!(shop.links.find("api2->search").is_some());
        assert_eq!(shop.canvas["api2"], (504.0, 224.0));
        assert_eq!(external(&shop, "api2"), "store", "it uses the same store");
        duplicate(&mut shop, &["lb".into()], (0.0, 0.0)).unwrap();
        assert!(shop.links.find("clients->lb2").is_none());
        assert!(shop.links.find("lb2->api").is_some());
    }

    #[test]
    fn a_new_node_brings_the_links_that_only_one_way_makes_sense_of() {
        let mut topology = Topology::default();
        let mut add = |name: &str, node: &str| {
            topology.set_path(&format!("nodes.{name}"), node).unwrap();
            let links = natural_links(&topology, name, &topology.nodes[name]);
            for (from, to) in &links {
                topology.links.0.push(Link::new(from, to));
            }
            links
        };
        let link = |from: &str, to: &str| vec![(from.to_owned(), to.to_owned())];
        assert_eq!(add("clients", "Clients()"), []);
        assert_eq!(add("lb", "LoadBalancer()"), link("clients", "lb"));
        assert_eq!(add("api", "Service()"), link("lb", "api"));
        assert_eq!(add("db", "SqlDatabase()"), link("api", "db"));
        // From here on there is more than one way.
        assert_eq!(add("store", "RedisLike()"), []);
        assert_eq!(add("search", "Service()"), []);
        assert_eq!(add("more", "Clients()"), link("more", "lb"));
    }
}
