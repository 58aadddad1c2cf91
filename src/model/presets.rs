//! The topologies that ship with the program.

/// A topology that ships with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name, as commands take it: the file's, without its ending.
    pub name: &'static str,
    /// The heading under which the gallery shows it.
    pub group: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What it shows, in one line.
    pub line: &'static str,
    /// The file's text.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal, $group:expr, $title:literal, $line:literal;)*) => {
        &[$( Preset {
            name: $name,
            group: $group,
            title: $title,
            line: $line,
            text: include_str!(concat!("../../presets/", $name, ".ron")),
        }, )*]
    };
}

const SESSIONS: &str = "Sessions and state";
const PLACEMENT: &str = "State placement";
const CACHES: &str = "Caches";
const FAILOVER: &str = "Failover";
const SCALING: &str = "Scaling and deploys";

/// In the gallery's order, group by group.
const PRESETS: &[Preset] = presets! {
    "sticky-in-memory", SESSIONS, "Sticky, in memory", "Fast and fragile: an instance takes its sessions with it";
    "server-side-sessions", SESSIONS, "Sessions in Redis", "Any instance serves anyone; Redis must stay up";
    "jwt-sessions", SESSIONS, "JWT, stateless", "Nothing to lose, hard to revoke in a hurry";
    "stolen-token", SESSIONS, "A stolen token", "How long is a revoked token good?";
    "large-token", SESSIONS, "A token over its limit", "One cookie too many, and nginx answers 400";
    "stateless-web", SESSIONS, "Stateless, state outside", "The default worth starting from";
    "local-disk", PLACEMENT, "State on local disk", "Survives a crash; the last second dies with the machine";
    "local-database", PLACEMENT, "A database beside each instance", "Every commit is on disk, and away until the machine is back";
    "object-storage", PLACEMENT, "State in an object store", "Nothing is lost, and every write takes 200 ms";
    "cache-aside", CACHES, "A cache before a database", "A small database is enough, until a deployment makes every cache cold";
    "write-back-crash", CACHES, "A write-back cache that crashes", "Fast writes, and what was not flushed dies with the process";
    "external-redis", FAILOVER, "Redis primary lost mid-write", "Asynchronous replica: what it had not yet heard of is gone";
    "replicated-in-memory", FAILOVER, "Memory, copied to a peer", "A crash loses nothing; a lost machine what was on its way";
    "late-routers", SCALING, "A rollout that routers learn of late", "5xx at each instance, until it serves on for a moment";
    "too-many-connections", SCALING, "Twenty pools, one database", "The blip that five instances survived";
    "rolling-deployment", SCALING, "A new version at noon", "Instance by instance, and each takes its memory with it";
    "add-an-instance", SCALING, "Add an instance: modulo or a ring", "A fifth of the keys moves, or four fifths";
};

/// Every preset, in the gallery's order.
pub fn all() -> &'static [Preset] {
    PRESETS
}

/// The preset of that name.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// The groups, in the gallery's order.
pub fn groups() -> Vec<&'static str> {
    let mut groups: Vec<&str> = PRESETS.iter().map(|preset| preset.group).collect();
    groups.dedup();
    groups
}
