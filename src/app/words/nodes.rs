//! Figures and settings in words, as cards and links say them.

use crate::app::icons::Icon;
use crate::model::cache::Cache;
use crate::model::node::Persistence;
use crate::model::state::{Disk, FsyncPolicy};
use crate::model::workload::Arrivals;
use crate::model::{Node, State};
use crate::sim::snapshot::{CacheView, InstanceView, NodeKind, Role, Status};
use crate::units::Duration;

use crate::app::words::format::{self, counted, grouped, joined, span};
use crate::app::words::troubles;

/// How often a second: "240/s".
pub fn per_second(rate: f64) -> String {
    joined(format::rate(rate))
}

/// A share of one: "56 %".
pub fn percent(share: f64) -> String {
    joined(format::percent(share))
}

/// An amount of data: "41.6 MiB".
pub fn bytes(amount: u64) -> String {
    joined(format::bytes(amount as f64))
}

/// How many of something: "1 write", "49 writes".
pub fn count(number: u64, one: &str) -> String {
    counted(number, one, &format!("{one}s"))
}

/// How operations arrive, in a card's line.
pub fn arrivals(arrivals: &Arrivals) -> String {
    match arrivals {
        Arrivals::Poisson(rate) => format!("{} Poisson", per_second(rate.0)),
        Arrivals::Steady(rate) => format!("{} steady", per_second(rate.0)),
        Arrivals::Closed(closed) => count(u64::from(closed.users), "user"),
    }
}

/// Where a service keeps its state: icon, words, and whether it is here.
pub fn placement(state: &State) -> (Icon, String, bool) {
    match state {
        State::Stateless => (Icon::Stateless, "Stateless".into(), false),
        State::InMemory(_) => (Icon::Memory, "In memory".into(), true),
        State::LocalDisk(disk) => {
            let place = match disk.disk {
                Disk::Volume => "Disk",
                Disk::Instance => "Own disk",
            };
            (Icon::Disk, format!("{place}, {}", fsync(disk.fsync)), true)
        }
        State::LocalDatabase(_) => (Icon::LocalDatabase, "Local database".into(), true),
        State::External(external) if external.store.is_empty() => {
            (Icon::External, "External".into(), false)
        }
        State::External(external) => (
            Icon::External,
            format!("External: {}", external.store),
            false,
        ),
    }
}

/// What caches do and have done so far, in a sentence.
pub fn cached(cache: &Cache, counted: CacheView) -> String {
    let kind = cache.kind.words();
    format!(
        "{kind}: {} answered from caches, {} of them stale, {} not",
        grouped(counted.hits),
        grouped(counted.stale),
        grouped(counted.misses)
    )
}

/// When written data is forced to disk.
pub fn fsync(policy: FsyncPolicy) -> &'static str {
    match policy {
        FsyncPolicy::Always => "fsync always",
        FsyncPolicy::EverySecond => "fsync 1 s",
        FsyncPolicy::Never => "no fsync",
    }
}

/// What a Redis-like store writes to disk.
pub fn persistence(persistence: Persistence) -> &'static str {
    match persistence {
        Persistence::None => "not persisted",
        Persistence::AppendOnly(FsyncPolicy::Always) => "always",
        Persistence::AppendOnly(FsyncPolicy::EverySecond) => "everysec",
        Persistence::AppendOnly(FsyncPolicy::Never) => "no fsync",
    }
}

/// A node's kind: icon, word, and the node with its defaults.
pub fn kind(node: &Node) -> NodeKind {
    match node {
        Node::Clients(_) => NodeKind::Clients,
        Node::LoadBalancer(_) => NodeKind::LoadBalancer,
        Node::Service(_) => NodeKind::Service,
        Node::RedisLike(_) => NodeKind::RedisLike,
        Node::SqlDatabase(_) => NodeKind::SqlDatabase,
        Node::ObjectStore(_) => NodeKind::ObjectStore,
    }
}

/// A kind's icon.
pub fn kind_icon(kind: NodeKind) -> Icon {
    match kind {
        NodeKind::Clients => Icon::Clients,
        NodeKind::LoadBalancer => Icon::LoadBalancer,
        NodeKind::Service => Icon::Service,
        NodeKind::RedisLike => Icon::RedisLike,
        NodeKind::SqlDatabase => Icon::SqlDatabase,
        NodeKind::ObjectStore => Icon::ObjectStore,
    }
}

/// A kind in a word or two.
pub fn kind_name(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Clients => "Clients",
        NodeKind::LoadBalancer => "Load balancer",
        NodeKind::Service => "Service",
        NodeKind::RedisLike => "Redis-like store",
        NodeKind::SqlDatabase => "SQL database",
        NodeKind::ObjectStore => "Object store",
    }
}

/// Several of a kind, as they follow a number.
pub fn kinds_name(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Clients => "groups of clients",
        NodeKind::LoadBalancer => "load balancers",
        NodeKind::Service => "services",
        NodeKind::RedisLike => "Redis-like stores",
        NodeKind::SqlDatabase => "SQL databases",
        NodeKind::ObjectStore => "object stores",
    }
}

/// What an instance is doing, in words that follow its name.
pub fn status(instance: &InstanceView, now: Duration) -> String {
    let since = span(Duration(now.0.saturating_sub(instance.since.0)));
    let told = match instance.status {
        Status::Up if instance.in_rotation => "up".into(),
        Status::Up => "up, out of rotation".into(),
        Status::Booting => "booting".into(),
        Status::Warming => "warming up".into(),
        Status::Draining => "draining".into(),
        Status::Hung => format!("hung {since}"),
        Status::Crashed => format!("down {since}"),
        Status::MachineLost => format!("machine lost {since}"),
        Status::Removed => "removed".into(),
    };
    if instance.status.serves() && instance.slowed > 1.0 {
        format!("{told}, {}", troubles::slower(instance.slowed))
    } else {
        told
    }
}

/// All there is to say about an instance, for tooltips and screen readers.
pub fn instance(instance: &InstanceView, now: Duration) -> String {
    let mut parts = vec![status(instance, now)];
    match instance.role {
        Role::Primary => parts.push("primary".into()),
        Role::Replica => parts.push("replica".into()),
        Role::Deposed => parts.push("does not know that another leads".into()),
        Role::Alone => {}
    }
    if let Some(zone) = &instance.zone {
        parts.push(format!("zone {zone}"));
    }
    let (waiting, beyond) = (instance.queue, instance.backlog);
    if instance.status.serves() {
        parts.push(format!("{} busy", percent(instance.load)));
    }
    match instance.queue_limit {
        Some(limit) if instance.status.serves() || waiting > 0 => {
            parts.push(format!("queue {waiting} of {limit}"));
        }
        None if waiting > 0 => parts.push(format!("queue {waiting}")),
        _ => {}
    }
    if beyond > 0 {
        parts.push(format!("{} not accepted yet", grouped(beyond)));
    }
    if instance.sessions > 0 {
        parts.push(count(instance.sessions, "session"));
    }
    if instance.unsaved > 0 {
        parts.push(format!("{} unsaved", grouped(instance.unsaved)));
    }
    if instance.lost_sessions > 0 {
        parts.push(format!("{} lost", count(instance.lost_sessions, "session")));
    }
    if instance.lost_writes > 0 {
        parts.push(format!("{} lost", count(instance.lost_writes, "write")));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_holds_is_not_called_a_queue() {
        let hung = InstanceView {
            status: Status::Hung,
            queue: 64,
            backlog: 128,
            queue_limit: Some(64),
            ..InstanceView::default()
        };
        let told = instance(&hung, Duration(0));
        assert_eq!(told, "hung 0 s, queue 64 of 64, 128 not accepted yet");
    }
}
