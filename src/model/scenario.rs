//! What happens during a run: faults, changes and edits, all as commands with a time.

use serde::{Deserialize, Serialize};

use super::node::Node;
use super::settings::{Setting, Shape, Variant, choices};
use super::sides::Sides;
use crate::units::{Duration, SECOND, Share};

/// A command as the reference of scenarios describes it.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// As written in a file.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Written out.
    pub example: &'static str,
    /// See [`Command::has_row`].
    pub has_row: bool,
}

/// Declares the commands: what each holds, what it does, and how it is written.
macro_rules! commands {
    (@row) => { true };
    (@row ends_one) => { false };
    (@shape $only:ty) => { <$only as Setting>::shape() };
    (@shape $($each:ty),+) => { Shape::Tuple(vec![$(<$each as Setting>::shape()),+]) };
    ($(
        $(#[doc = $doc:literal])+
        $name:ident $( ( $($holds:ty),+ ) )? , as $example:literal $(, $without_row:ident)?;
    )*) => {
        /// Something done to the running system: by a scenario, a click or an edit alike. Instances count from 1; in a
        /// store member 1 is the first primary.
        #[allow(clippy::large_enum_variant)] // a scenario has few of them, and adding a node is rare
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum Command { $( $(#[doc = $doc])+ $name $( ( $($holds),+ ) )?, )* }

        /// Every command, in order.
        pub const COMMANDS: &[Described] = &[
            $( Described {
                name: stringify!($name),
                doc: concat!($($doc),+).trim_ascii(),
                example: $example,
                has_row: commands!(@row $($without_row)?),
            }, )*
        ];

        impl Command {
            /// Whether it has a row of its own in what a run tells of recovery: faults and changes have one, what only
            /// ends them has none.
            ///
            /// A promise that is changed does nothing to the system, so it has none either.
            pub fn has_row(&self) -> bool {
                !self.is_promise() && match self { $( Self::$name { .. } => commands!(@row $($without_row)?), )* }
            }

            /// As written in a file, without what it holds.
            pub fn name(&self) -> &'static str {
                match self { $( Self::$name { .. } => stringify!($name), )* }
            }
        }

        impl Setting for Command {
            fn shape() -> Shape {
                Shape::Choice(vec![ $( Variant {
                    name: stringify!($name),
                    doc: concat!($($doc),+).trim_ascii(),
                    payload: {
                        #[allow(unused_mut, unused_assignments)]
                        let mut payload = None;
                        $( payload = Some(commands!(@shape $($holds),+)); )?
                        payload
                    },
                }, )* ])
            }
        }
    };
}

commands! {
    /// The process dies: memory is gone, connections are reset, new ones refused; the page cache survives.
    Crash(String, u32), as r#"Crash("api", 2)"#;
    /// The machine dies: what was not synced is gone, connections time out.
    LoseMachine(String, u32), as r#"LoseMachine("api", 2)"#;
    /// The process stops answering; the kernel still accepts connections.
    Hang(String, u32), as r#"Hang("api", 2)"#;
    /// A hung process goes on; a slow one is as fast as before.
    Resume(String, u32), as r#"Resume("api", 2)"#, ends_one;
    /// A dead or hung instance is started again.
    Restart(String, u32), as r#"Restart("api", 2)"#, ends_one;
    /// The store's primary hands over to a replica, planned: writes wait until that has everything and has been promoted;
    /// nothing is lost.
    Failover(String), as r#"Failover("db")"#;
    /// The store's most advanced replica is promoted at once; what it has not yet got is lost.
    ForceFailover(String), as r#"ForceFailover("db")"#;
    /// A new version is rolled out, instance by instance; each is stopped `Drained` or `Abrupt`.
    Deploy(String, Stop), as r#"Deploy("api", Drained)"#;
    /// The service gets so many further instances.
    AddInstances(String, u32), as r#"AddInstances("api", 1)"#;
    /// So many instances are drained and removed, the last first.
    RemoveInstances(String, u32), as r#"RemoveInstances("api", 1)"#;
    /// The machines of everything in a zone die.
    LoseZone(String), as r#"LoseZone("a")"#;
    /// An instance works so many times slower, until it is started anew or `Resume`d.
    SlowInstance(String, u32, f64), as r#"SlowInstance("api", 2, 10)"#;
    /// Nothing gets through between two sides, either way: nodes, instances (`"db.1"`), zones (`"@a"`), or all the rest
    /// (`"*"`). Connections time out; replies that are due never come.
    Cut(Sides), as r#"Cut("api -> db")"#;
    /// Nothing gets from the first side to the second: what the second sends arrives.
    CutOneWay(Sides), as r#"CutOneWay("db -> api")"#;
    /// Messages between two sides take so many times as long, both ways, and leave so much slower.
    Slow(Sides, f64), as r#"Slow("api -> db", 20)"#;
    /// Such a share of the messages between two sides is lost and sent again, each time after twice as long.
    Lose(Sides, Share), as r#"Lose("api -> db", "5%")"#;
    /// All that is wrong between two sides is over.
    Heal(Sides), as r#"Heal("api -> db")"#, ends_one;
    /// The key that signs tokens is replaced: every token becomes invalid.
    ReplaceSigningKey, as "ReplaceSigningKey";
    /// Tokens are signed with a new key; those that were signed with the old one are accepted for so long beside them. Whoever
    /// still holds one then that has not expired must sign in again.
    RotateKeys(Duration), as r#"RotateKeys("15m")"#;
    /// A setting is changed: its path and its new value, as in a file.
    Set(String, String), as r#"Set("nodes.api.workers", "16")"#;
    /// A node is added.
    Add(String, Node), as r#"Add("db", SqlDatabase())"#;
    /// A node is removed, with its links.
    Remove(String), as r#"Remove("db")"#;
    /// Two nodes are linked.
    Link(String), as r#"Link("api -> db")"#, ends_one;
    /// A link is removed.
    Unlink(String), as r#"Unlink("api -> db")"#;
}

choices! {
    /// How an instance is stopped.
    #[derive(Copy, Eq)]
    pub enum Stop {
        /// New requests go elsewhere, those in flight are finished, then a last fsync and snapshot.
        Drained,
        /// It is killed.
        Abrupt,
    }
}

/// A form that the path of `Set` and of `--set` may have.
#[derive(Clone, Copy, Debug)]
pub struct PathForm {
    /// An example.
    pub path: &'static str,
    /// A value for it.
    pub value: &'static str,
    /// What it names.
    pub meaning: &'static str,
}

/// The forms of paths, each with an example that the topology of `docs/scenario.md` takes.
pub const PATH_FORMS: &[PathForm] = &[
    PathForm {
        path: "duration",
        value: "\"5m\"",
        meaning: "A setting of the file as a whole. `schema` is none.",
    },
    PathForm {
        path: "sessions",
        value: "Jwt(lifetime: \"30m\")",
        meaning: "How sessions are kept.",
    },
    PathForm {
        path: "sessions.lifetime",
        value: "\"1h\"",
        meaning: "A setting of what is chosen there: the alternative's name does not stand in the path.",
    },
    PathForm {
        path: "nodes.api.workers",
        value: "16",
        meaning: "A setting of a node.",
    },
    PathForm {
        path: "nodes.api.state",
        value: "External(store: \"db\")",
        meaning: "A choice as a whole, here of where state lives.",
    },
    PathForm {
        path: "nodes.api.service_time.mean",
        value: "\"20ms\"",
        meaning: "A setting inside a choice.",
    },
    PathForm {
        path: "nodes.api.instance_overrides.2.speed",
        value: "0.5",
        meaning: "What differs for one instance, by its number; added if it was not there.",
    },
    PathForm {
        path: "nodes.lb.health_checks",
        value: "None",
        meaning: "What may be `None`.",
    },
    PathForm {
        path: "nodes.lb.retry_on",
        value: "[Reset]",
        meaning: "A list as a whole.",
    },
    PathForm {
        path: "nodes.db",
        value: "SqlDatabase()",
        meaning: "A whole node; added if there is none of that name.",
    },
    PathForm {
        path: "links.lb->api.latency",
        value: "\"2ms\"",
        meaning: "A setting of a link, by its two ends; a link that a setting implies is written for it.",
    },
    PathForm {
        path: "links[0].latency",
        value: "\"2ms\"",
        meaning: "The same by its place in the file, counted from 0.",
    },
    PathForm {
        path: "links[0].path",
        value: "\"clients -> api\"",
        meaning: "Other ends for a link, which keeps its place, latency and bandwidth.",
    },
    PathForm {
        path: "links.api->db",
        value: "\"api -> db\"",
        meaning: "A whole link; added if there is none.",
    },
    PathForm {
        path: "objectives.p99",
        value: "\"200ms\"",
        meaning: "A promise.",
    },
    PathForm {
        path: "scenario[0]",
        value: "At(\"30s\", Hang(\"api\", 1))",
        meaning: "An entry of a list; the place after the last one adds an entry.",
    },
    PathForm {
        path: "canvas.api[0]",
        value: "480",
        meaning: "A node's place: [0] across, [1] down.",
    },
];

/// A command and when it happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Timed {
    /// At this time of the run.
    At(Duration, Command),
    /// At an instant drawn uniformly between the two times.
    Between(Duration, Duration, Command),
}

impl Setting for Timed {
    fn shape() -> Shape {
        let variant = |name, doc, times| Variant {
            name,
            doc,
            payload: Some(Shape::Tuple(
                std::iter::repeat_n(Shape::Duration, times)
                    .chain([Command::shape()])
                    .collect(),
            )),
        };
        Shape::Choice(vec![
            variant("At", "At this time of the run.", 1),
            variant(
                "Between",
                "At an instant drawn uniformly between the two times.",
                2,
            ),
        ])
    }
}

impl Timed {
    /// The command.
    pub fn command(&self) -> &Command {
        match self {
            Self::At(_, command) | Self::Between(_, _, command) => command,
        }
    }

    /// The earliest time it can happen.
    pub fn earliest(&self) -> Duration {
        match self {
            Self::At(at, _) | Self::Between(at, _, _) => *at,
        }
    }
}

/// The first word of a path.
fn first_of(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or_default()
}

impl Command {
    /// Whether it changes the document (an edit), not only the running system (a fault).
    pub fn is_edit(&self) -> bool {
        matches!(
            self,
            Self::Set(..) | Self::Add(..) | Self::Remove(..) | Self::Link(..) | Self::Unlink(..)
        )
    }

    /// Whether it changes the drawing or its settings, scaling included: several within a second are one change.
    pub fn is_change(&self) -> bool {
        self.is_edit() || matches!(self, Self::AddInstances(..) | Self::RemoveInstances(..))
    }

    /// Whether it changes what is promised.
    pub fn is_promise(&self) -> bool {
        matches!(self, Self::Set(path, _) if first_of(path) == "objectives")
    }

    /// Whether a running system takes part in it: what only the file has, such as its title, its schedule and what it
    /// expects of results, changes nothing that runs.
    pub fn is_of_system(&self) -> bool {
        const OF_FILE: [&str; 9] = [
            "name", "summary", "note", "duration", "warmup", "seed", "scenario", "expects",
            "canvas",
        ];
        !matches!(self, Self::Set(path, _) if OF_FILE.contains(&first_of(path)))
    }

    /// The node that it adds, if it does: by `Add`, or by `Set` of one that is not there.
    pub fn adds(&self) -> Option<&str> {
        match self {
            Self::Add(name, _) => Some(name),
            Self::Set(path, _) => {
                let name = path.strip_prefix("nodes.")?;
                (!name.contains('.')).then_some(name)
            }
            _ => None,
        }
    }

    /// The two sides of the network fault that it begins or ends.
    pub fn sides(&self) -> Option<&Sides> {
        match self {
            Self::Cut(sides)
            | Self::CutOneWay(sides)
            | Self::Slow(sides, _)
            | Self::Lose(sides, _)
            | Self::Heal(sides) => Some(sides),
            _ => None,
        }
    }

    /// The one instance that it strikes, or whose trouble it ends.
    pub fn instance(&self) -> Option<(&str, u32)> {
        match self {
            Self::Crash(n, number)
            | Self::LoseMachine(n, number)
            | Self::Hang(n, number)
            | Self::SlowInstance(n, number, _)
            | Self::Resume(n, number)
            | Self::Restart(n, number) => Some((n, *number)),
            Self::Failover(_)
            | Self::ForceFailover(_)
            | Self::Deploy(..)
            | Self::AddInstances(..)
            | Self::RemoveInstances(..)
            | Self::LoseZone(_)
            | Self::Cut(_)
            | Self::CutOneWay(_)
            | Self::Slow(..)
            | Self::Lose(..)
            | Self::Heal(_)
            | Self::ReplaceSigningKey
            | Self::RotateKeys(_)
            | Self::Set(..)
            | Self::Add(..)
            | Self::Remove(_)
            | Self::Link(_)
            | Self::Unlink(_) => None,
        }
    }

    /// The node it is about, if any.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Crash(n, _)
            | Self::LoseMachine(n, _)
            | Self::Hang(n, _)
            | Self::Resume(n, _)
            | Self::Restart(n, _)
            | Self::Failover(n)
            | Self::ForceFailover(n)
            | Self::Deploy(n, _)
            | Self::AddInstances(n, _)
            | Self::RemoveInstances(n, _)
            | Self::SlowInstance(n, _, _)
            | Self::Add(n, _)
            | Self::Remove(n) => Some(n),
            Self::ReplaceSigningKey
            | Self::RotateKeys(_)
            | Self::LoseZone(_)
            | Self::Cut(_)
            | Self::CutOneWay(_)
            | Self::Slow(..)
            | Self::Lose(..)
            | Self::Heal(_)
            | Self::Set(..)
            | Self::Link(_)
            | Self::Unlink(_) => None,
        }
    }
}

/// Places in a scenario whose effects are told together, as rows of results: each watched command, or several that share
/// one, which are those at one instant, and changes within a second of the one before. `Between` stands alone.
pub fn watched_rows(scenario: &[Timed]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..scenario.len())
        .filter(|&place| scenario[place].command().has_row())
        .collect();
    order.sort_by_key(|&place| scenario[place].earliest());
    let mut rows: Vec<Vec<usize>> = Vec::new();
    // The row of the latest instant, and the latest row of nothing but changes, each with its last instant. No other can be
    // joined: what could have joined an earlier one of changes has joined this.
    let mut latest: Option<(u64, usize)> = None;
    let mut changes: Option<(u64, usize)> = None;
    for place in order {
        let Timed::At(Duration(at), command) = &scenario[place] else {
            rows.push(vec![place]);
            continue;
        };
        let is_change = command.is_change();
        let of_instant = latest.filter(|(last, _)| last == at);
        let of_changes = changes.filter(|(last, _)| is_change && at - last <= SECOND);
        let row = match of_instant.or(of_changes) {
            Some((_, row)) => {
                rows[row].push(place);
                // A row of changes goes on as one, or is none any more.
                if let Some((last, _)) = changes.as_mut().filter(|(_, known)| *known == row) {
                    *last = *at;
                    changes = changes.filter(|_| is_change);
                }
                row
            }
            None => {
                rows.push(vec![place]);
                let row = rows.len() - 1;
                if is_change {
                    changes = Some((*at, row));
                }
                row
            }
        };
        latest = Some((*at, row));
    }
    for row in &mut rows {
        row.sort_unstable();
    }
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same by its definition: each command looks through all rows before it.
    fn rows_by_definition(scenario: &[Timed]) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..scenario.len()).collect();
        order.retain(|&place| scenario[place].command().has_row());
        order.sort_by_key(|&place| scenario[place].earliest());
        let change = |&place: &usize| scenario[place].command().is_change();
        let mut rows: Vec<Vec<usize>> = Vec::new();
        for place in order {
            let joins = rows.iter().rposition(|row| {
                let last = *row.last().expect("a row has something");
                match (&scenario[last], &scenario[place]) {
                    (Timed::At(last, _), Timed::At(at, _)) => {
                        let changes = change(&place) && row.iter().all(change);
                        last == at || (changes && at.0 - last.0 <= SECOND)
                    }
                    _ => false,
                }
            });
            match joins {
                Some(row) => rows[row].push(place),
                None => rows.push(vec![place]),
            }
        }
        rows.iter_mut().for_each(|row| row.sort_unstable());
        rows.sort_unstable();
        rows
    }

    proptest! {
        #[test]
        fn rows_are_what_their_definition_says(
            events in proptest::collection::vec((0u64..40, 0u8..6), 0..60),
        ) {
            let timed = |&(at, kind): &(u64, u8)| {
                // In fifths of a second, so that instants meet and changes are just near enough.
                let at = Duration(at * SECOND / 5);
                let set = |value: &str| Command::Set("nodes.a.workers".to_owned(), value.to_owned());
                match kind {
                    0 => Timed::At(at, Command::Crash("a".to_owned(), 1)),
                    1 => Timed::At(at, Command::Restart("a".to_owned(), 1)),
                    2 => Timed::Between(at, at, Command::Crash("a".to_owned(), 1)),
                    3 => Timed::Between(at, at, set("1")),
                    4 => Timed::At(at, Command::AddInstances("a".to_owned(), 1)),
                    _ => Timed::At(at, set("2")),
                }
            };
            let scenario: Vec<Timed> = events.iter().map(timed).collect();
            prop_assert_eq!(watched_rows(&scenario), rows_by_definition(&scenario));
        }
    }
}
