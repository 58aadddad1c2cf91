//! Links between nodes: which can be drawn and why not, and giving one other ends.

use std::collections::{BTreeMap, VecDeque};

use super::check::never_calls;
use super::naming::Renaming;
use super::scenario::Command;
use super::topology::{Link, Topology};

impl Topology {
    /// Whether a link may be drawn from one node to another; the error says why not.
    ///
    /// # Errors
    /// There is no such node, such nodes never call each other, they are linked already, or calls would go round for ever.
    pub fn may_be_linked(&self, from: &str, to: &str) -> Result<(), String> {
        self.may_lead(from, to, None)
    }

    /// Whether a link may get other ends; the error says why not.
    ///
    /// # Errors
    /// There is no such link, none may be drawn between those ends, or an event of the scenario draws that one.
    pub fn may_be_reconnected(&self, key: &str, from: &str, to: &str) -> Result<(), String> {
        let Some(at) = self.links.find(key) else {
            return Err(self.no_link(key).message);
        };
        let link = &self.links.0[at];
        if (link.from.as_str(), link.to.as_str()) == (from, to) {
            return Ok(());
        }
        self.may_lead(from, to, Some(at))?;
        let wanted = Link::new(from, to);
        let draws = |command: &Command| match command {
            Command::Link(path) => Link::parse(path).is_ok_and(|link| link.key() == wanted.key()),
            Command::Set(path, _) => {
                let whole = path.strip_prefix("links.").map(Link::parse);
                whole.is_some_and(|link| link.is_ok_and(|link| link.key() == wanted.key()))
            }
            _ => false,
        };
        // What that event and later ones say is about another link, and would be taken for this one.
        if self.scenario.iter().any(|timed| draws(timed.command())) {
            let path = wanted.settings.path;
            return Err(format!("an event of the scenario links `{path}`"));
        }
        Ok(())
    }

    /// The nodes that may be one end of a link, the present one included: its start, where the calling node is, or its end.
    pub fn possible_ends(&self, key: &str, start: bool) -> Vec<&str> {
        let Some(at) = self.links.find(key) else {
            return Vec::new();
        };
        let link = &self.links.0[at];
        let may = |name: &&str| {
            let ends = if start {
                (*name, link.to.as_str())
            } else {
                (link.from.as_str(), *name)
            };
            self.may_be_reconnected(key, ends.0, ends.1).is_ok()
        };
        self.nodes.keys().map(String::as_str).filter(may).collect()
    }

    /// Gives a link other ends. It keeps its place, its latency and its bandwidth, and all that refers to it follows.
    ///
    /// # Errors
    /// There is no such link, or it may not have those ends; then nothing has changed.
    pub fn reconnect(&mut self, key: &str, from: &str, to: &str) -> Result<(), String> {
        self.may_be_reconnected(key, from, to)?;
        if let Some(at) = self.links.find(key) {
            let link = &self.links.0[at];
            let old = (link.from.clone(), link.to.clone());
            Renaming::of_link(old, (from.to_owned(), to.to_owned())).topology(self);
        }
        Ok(())
    }

    /// Whether a link may lead from one node to another, in the stead of the one at `but`.
    fn may_lead(&self, from: &str, to: &str, but: Option<usize>) -> Result<(), String> {
        let node = |name: &str| self.nodes.get(name).ok_or_else(|| self.no_node(name));
        let known = |name: &str| node(name).map_err(|error| error.message);
        let (calling, called) = (known(from)?, known(to)?);
        if from == to {
            return Err("a node cannot call itself".to_owned());
        }
        if let Some((why, _)) = never_calls(calling, called) {
            return Err(why.to_owned());
        }
        let path = Link::new(from, to).settings.path;
        if self.links.find(&path).is_some() {
            return Err(format!("there is a link `{path}` already"));
        }
        match self.way(to, from, but) {
            Some(way) => Err(format!(
                "requests would go round for ever: `{from} -> {}`",
                way.join(" -> ")
            )),
            None => Ok(()),
        }
    }

    /// The nodes on a shortest way along the links, not over the one at `but`; both ends included.
    fn way<'t>(&'t self, from: &'t str, to: &str, but: Option<usize>) -> Option<Vec<&'t str>> {
        let mut calls: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (place, link) in self.links.0.iter().enumerate() {
            if Some(place) != but {
                calls.entry(&link.from).or_default().push(&link.to);
            }
        }
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut next = VecDeque::from([from]);
        while let Some(here) = next.pop_front() {
            if here == to {
                let mut way = vec![here];
                while let Some(&before) = way.last().filter(|name| **name != from) {
                    way.push(came_from.get(before)?);
                }
                way.reverse();
                return Some(way);
            }
            for &called in calls.get(here).into_iter().flatten() {
                if called != from && !came_from.contains_key(called) {
                    came_from.insert(called, here);
                    next.push_back(called);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{check, difference, file};

    fn topology(text: &str) -> Topology {
        file::read(text, "test.ron").unwrap()
    }

    const SHOP: &str = r#"Topology(
    schema: 1,
    nodes: {
        "clients": Clients(),
        "lb": LoadBalancer(),
        "edge": LoadBalancer(),
        "api": Service(state: External(store: "db")),
        "search": Service(),
        "db": SqlDatabase(),
    },
    links: [
        "clients -> lb",
        Link(path: "lb -> api", latency: "2ms", bandwidth: "1MiB/s"),
        "api -> search",
        "edge -> search",
    ],
    scenario: [
        At("1s", Set("links.lb->api.latency", "100ms")),
        At("2s", Set("links.lb -> api", "(path: \"lb -> api\", latency: \"3ms\")")),
        At("3s", Set("links[1].bandwidth", "2MiB/s")),
        Between("4s", "5s", Unlink("lb->api")),
        At("6s", Link("lb -> api")),
        At("7s", Set("links.lb->api.path", "\"lb -> api\"")),
        At("8s", Unlink("clients -> lb")),
        At("9s", Link("search -> db")),
        At("10s", Set("links.api->db.latency", "5ms")),
    ],
    expects: [
        "links.lb->api.messages_per_s / links.clients->lb.messages_per_s >= 1",
        "links.api->search.bytes_per_s   >   0",
    ],
)"#;

    #[test]
    fn all_that_refers_to_a_link_follows_its_ends() {
        let mut moved = topology(SHOP);
        moved.reconnect("lb->api", "lb", "search").unwrap();
        let expected = SHOP
            .replace("lb -> api", "lb -> search")
            .replace("lb->api", "lb->search");
        assert_eq!(moved, topology(&expected));
        // With all that was its own, at its place; there and back it leaves no trace.
        let link = &moved.links.0[1];
        assert_eq!(link.key(), "lb->search");
        assert_eq!(link.settings.latency.to_string(), "2ms");
        moved.reconnect("lb->search", "lb", "api").unwrap();
        assert_eq!(moved, topology(SHOP));
        moved.reconnect("lb->api", "lb", "api").unwrap();
        assert_eq!(moved, topology(SHOP));
    }

    #[test]
    fn links_that_cannot_be_drawn_say_why() {
        let shop = topology(SHOP);
        for (from, to, why) in [
            ("api", "api", "cannot call itself"),
            ("lb", "clients", "nothing calls clients"),
            ("db", "clients", "nothing calls clients"),
            ("db", "api", "calls nothing"),
            ("lb", "edge", "not between other load balancers"),
            ("lb", "db", "not alike"),
            ("lb", "api", "there is a link `lb -> api` already"),
            ("search", "lb", "`search -> lb -> api -> search`"),
            ("api", "apu", "did you mean `api`"),
        ] {
            let error = shop.may_be_linked(from, to).unwrap_err();
            assert!(error.contains(why), "{from} -> {to}: {error}");
        }
        for (from, to) in [
            ("clients", "edge"),
            ("clients", "db"),
            ("lb", "search"),
            ("api", "db"),
            ("search", "db"),
            ("api", "edge"),
        ] {
            shop.may_be_linked(from, to).unwrap();
        }
    }

    #[test]
    fn whatever_may_be_drawn_is_right_to_the_check_and_the_rest_is_not() {
        let shop = topology(SHOP);
        let wrong = |topology: &Topology| {
            let problems = check(topology);
            problems
                .into_iter()
                .filter(|problem| problem.path.starts_with("links"))
                .map(|problem| problem.message)
                .collect::<Vec<_>>()
        };
        assert_eq!(wrong(&shop), [""; 0]);
        for from in shop.nodes.keys() {
            for to in shop.nodes.keys() {
                let mut linked = shop.clone();
                linked.links.0.push(Link::new(from, to));
                let may = shop.may_be_linked(from, to);
                assert_eq!(may.is_ok(), wrong(&linked).is_empty(), "{from} -> {to}");
            }
        }
    }

    #[test]
    fn ends_that_cannot_be_are_refused_and_change_nothing() {
        let mut shop = topology(SHOP);
        for (key, from, to, why) in [
            ("lb->nobody", "lb", "search", "no link `lb->nobody`"),
            ("lb->api", "lb", "db", "not alike"),
            ("lb->api", "edge", "search", "already"),
            ("clients->lb", "search", "api", "for ever"),
            (
                "api->search",
                "search",
                "db",
                "an event of the scenario links",
            ),
        ] {
            let error = shop.reconnect(key, from, to).unwrap_err();
            assert!(error.contains(why), "{key}: {error}");
        }
        assert_eq!(shop, topology(SHOP));
        // Round and back again goes over the link itself, which then is no more.
        shop.may_be_reconnected("api->search", "search", "api")
            .unwrap();
    }

    #[test]
    fn a_running_system_follows_with_the_link_at_its_place() {
        let shop = topology(SHOP);
        let mut moved = shop.clone();
        moved.reconnect("clients->lb", "clients", "edge").unwrap();
        let wanted = Command::Set(
            "links.clients->lb.path".into(),
            "\"clients -> edge\"".into(),
        );
        assert_eq!(difference(&shop, &moved), [wanted]);
    }
}
