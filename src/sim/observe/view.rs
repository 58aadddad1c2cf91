//! What the simulator shows of itself: snapshots and intervals.

use crate::model::Sessions;
use crate::model::node::Queue;
use crate::sim::Sim;
use crate::sim::keeping::ledger::{Log, Purpose};
use crate::sim::network::link::LinkSlot;
use crate::sim::observe::counts::Fault;
use crate::sim::observe::metrics::Areas;
use crate::sim::observe::snapshot::{
    CacheView, FaultView, InstanceView, LinkView, NodeKind, NodeView, OperationCounts, ReadCounts,
    Role, SessionCounts, Snapshot, Status, WriteCounts,
};
use crate::sim::stations::balancer::Target;
use crate::sim::stations::instance::Instance;
use crate::sim::stations::node::{Body, NodeSlot};
use crate::units::Duration;

impl Sim {
    /// The system as it is now.
    pub fn snapshot(&self) -> Snapshot {
        let sessions = self.live_sessions_by_log();
        Snapshot {
            now: Duration(self.now),
            nodes: self
                .nodes_in_order()
                .map(|(index, node)| self.node_view(index, node, &sessions))
                .collect(),
            links: self
                .links
                .iter()
                .filter(|l| !l.removed && l.from != l.to)
                .map(|l| self.link_view(l))
                .collect(),
            operations: self.operation_counts(),
            writes: self.write_counts(),
            sessions: self.session_counts(),
            reads: ReadCounts {
                total: self.observers.results.iter().map(|c| c.reads).sum(),
                stale: self.observers.results.iter().map(|c| c.stale).sum(),
            },
            faults: self.fault_views(),
            network: self.network.faults(),
            happenings: self.observers.log.kept.iter().cloned().collect(),
            events: self.events,
        }
    }

    /// What each fault and change did, in the order in which they came.
    pub fn fault_views(&self) -> Vec<FaultView> {
        self.faults.iter().map(fault_view).collect()
    }

    /// Worker time held and available at each node so far, in nanoseconds.
    pub fn worker_time(&self) -> impl Iterator<Item = (&str, u128, u128)> {
        let nodes = self.nodes_in_order().map(|(_, node)| node);
        nodes.map(|node| {
            let areas = self.areas_of(node);
            let available = match node.kind {
                NodeKind::LoadBalancer => 0,
                _ => areas.capacity,
            };
            (node.name.as_str(), areas.busy, available)
        })
    }

    /// Nodes that exist, in file order.
    pub(in crate::sim) fn nodes_in_order(&self) -> impl Iterator<Item = (usize, &NodeSlot)> {
        self.topology.nodes.keys().filter_map(|name| {
            let index = self.slot_of(name)? as usize;
            Some((index, &self.nodes[index]))
        })
    }

    pub(in crate::sim) fn operation_counts(&self) -> OperationCounts {
        let mut sum = OperationCounts::default();
        for counted in &self.observers.results {
            sum.offered += counted.offered;
            sum.completed += counted.completed;
            sum.completed_after_retry += counted.after_retry;
            sum.failed += counted.failed;
            sum.attempts += counted.attempts;
            for (mine, theirs) in sum.by_cause.iter_mut().zip(counted.by_cause) {
                *mine += theirs;
            }
        }
        sum.in_flight = sum.offered - sum.completed - sum.failed;
        sum
    }

    /// The ledger of writes.
    pub fn write_counts(&self) -> WriteCounts {
        WriteCounts {
            acknowledged: self.writes.acknowledged,
            held: self.held(),
            unavailable: self.unavailable(),
            lost: self.writes.lost,
            keys_lost: self.writes.keys_lost,
            applied_unacknowledged: self.writes.unacknowledged,
            applied_twice: self.writes.twice,
        }
    }

    /// The balance of sessions.
    pub fn session_counts(&self) -> SessionCounts {
        let (live, overdue) = self.live_and_overdue();
        SessionCounts {
            initial: self.sessions.initial,
            created: self.sessions.created,
            live,
            expired: self.sessions.expired + overdue,
            logged_out: self.sessions.logged_out,
            revoked: self.sessions.revoked,
            lost: self.sessions.lost,
            revoked_accepted: self.revoking.accepted,
            exposure: self
                .revoking
                .mean_exposure(self.now)
                .map(|s| Duration((s * 1e9) as u64)),
            token_bytes: match &self.topology.sessions {
                Sessions::Jwt(jwt) => Some(jwt.token_bytes()),
                _ => None,
            },
        }
    }

    fn node_view(&self, index: usize, node: &NodeSlot, sessions: &[u64]) -> NodeView {
        let at = index as u16;
        let areas = self.areas_of(node);
        let lists_instances = matches!(node.body, Body::Service(_) | Body::Store(_));
        let instances: Vec<InstanceView> = if lists_instances {
            let in_rotation = self.in_rotation(at);
            (0..node.instances.len())
                .filter(|&i| node.instances[i].status != Status::Removed)
                .map(|i| self.instance_view(at, i as u16, in_rotation[i], sessions))
                .collect()
        } else {
            Vec::new()
        };
        let working = |i: &&Instance| i.status.serves() || i.status == Status::Hung;
        let (busy, workers) = node
            .instances
            .iter()
            .filter(working)
            .fold((0u64, 0u64), |(busy, workers), i| {
                (busy + i.busy.n(), workers + u64::from(i.workers))
            });
        // One that has not heard of it still sends there.
        let is_gone = |t: &Target| {
            let instances = &self.nodes[t.node as usize].instances;
            instances[t.instance as usize].status == Status::Removed
        };
        let targets = match &node.body {
            Body::Balancer(balancer) => balancer
                .targets
                .iter()
                .filter(|t| !t.removed && !is_gone(t))
                .map(|t| {
                    (
                        self.nodes[t.node as usize].name.clone(),
                        u32::from(t.instance) + 1,
                        t.up,
                    )
                })
                .collect(),
            _ => Vec::new(),
        };
        let own = |(log, _): &(&Log, usize)| log.node == at && !log.retired;
        let logs = || self.logs.iter().zip(0..).filter(own);
        NodeView {
            name: node.name.clone(),
            kind: node.kind,
            targets,
            load: if workers > 0 && node.kind != NodeKind::LoadBalancer {
                busy as f64 / workers as f64
            } else {
                0.0
            },
            queue: node.instances.iter().map(|i| i.waiting.n()).sum(),
            backlog: node.instances.iter().map(|i| i.backlog.len() as u64).sum(),
            in_flight: match &node.body {
                Body::Clients(_) => node.arrived - node.completed - node.failed,
                _ => node.instances.iter().map(|i| i.present.n()).sum(),
            },
            arrived: node.arrived,
            completed: node.completed,
            failed: node.failed,
            busy_ns: areas.busy,
            capacity_ns: if node.kind == NodeKind::LoadBalancer {
                0
            } else {
                areas.capacity
            },
            login_ns: node.login_ns,
            state_bytes: instances.iter().map(|i| i.state_bytes).sum(),
            only_here_writes: logs()
                .filter(|(l, _)| l.purpose == Purpose::Data && l.online)
                .map(|(l, _)| l.exposed(self.now))
                .sum(),
            only_here_sessions: logs()
                .filter(|(l, _)| l.purpose == Purpose::Sessions && l.replicas.is_empty())
                .map(|(_, i)| sessions.get(i).copied().unwrap_or(0))
                .sum(),
            lost_writes: node.lost_writes,
            lost_sessions: node.lost_sessions,
            moving_bytes: (0..self.logs.len() as u32)
                .filter(|&l| {
                    // While its instance is dead, nothing is on its way.
                    let log = &self.logs[l as usize];
                    log.node == at && log.moving.is_some() && log.online
                })
                .map(|l| self.state_bytes(l))
                .sum::<u64>()
                .saturating_add(self.rebalancing_bytes(at)),
            cache: match &node.body {
                Body::Service(service) => service.cache.as_ref().map(|c| CacheView {
                    hits: c.counts.hits,
                    misses: c.counts.misses,
                    stale: c.counts.stale,
                }),
                _ => None,
            },
            instances,
        }
    }

    /// Whether every balancer in front of a node's instances sends them requests, by instance.
    fn in_rotation(&self, node: u16) -> Vec<bool> {
        let mut in_rotation = vec![true; self.nodes[node as usize].instances.len()];
        for other in self.nodes.iter().filter(|n| !n.removed) {
            if let Body::Balancer(balancer) = &other.body {
                let here = balancer.targets.iter();
                for target in here.filter(|t| t.node == node && !t.removed) {
                    if let Some(all) = in_rotation.get_mut(target.instance as usize) {
                        *all &= target.up;
                    }
                }
            }
        }
        in_rotation
    }

    fn instance_view(
        &self,
        node: u16,
        instance: u16,
        in_rotation: bool,
        sessions: &[u64],
    ) -> InstanceView {
        let slot = &self.nodes[node as usize];
        let here = &slot.instances[instance as usize];
        let mine = |purpose| {
            (0..self.logs.len() as u32).filter(move |&l| {
                let log = &self.logs[l as usize];
                log.node == node
                    && log.primary == instance
                    && !log.retired
                    && log.purpose == purpose
            })
        };
        let data = || mine(Purpose::Data).map(|l| (l, &self.logs[l as usize]));
        let live: u64 = mine(Purpose::Sessions)
            .map(|l| sessions.get(l as usize).copied().unwrap_or(0))
            .sum();
        let kept: u64 = mine(Purpose::Data)
            .map(|l| sessions.get(l as usize).copied().unwrap_or(0))
            .sum();
        let role = match &slot.body {
            Body::Store(store)
                if self
                    .logs
                    .get(store.log as usize)
                    .is_some_and(|l| l.durability.replicas > 0) =>
            {
                match store.deposed {
                    _ if store.primary == instance => Role::Primary,
                    Some((old, _)) if old == instance => Role::Deposed,
                    _ => Role::Replica,
                }
            }
            _ => Role::Alone,
        };
        InstanceView {
            number: u32::from(instance) + 1,
            status: here.status,
            since: Duration(here.since),
            in_rotation,
            role,
            zone: self.zone_of(node, instance),
            slowed: here.slowed,
            load: if here.workers == u32::MAX {
                0.0
            } else {
                here.busy.n() as f64 / f64::from(here.workers)
            },
            queue: here.waiting.n(),
            backlog: here.backlog.len() as u64,
            queue_limit: match &slot.body {
                Body::Service(service) => match service.queue {
                    Queue::Limit(limit) => Some(u64::from(limit)),
                    Queue::Unlimited => None,
                },
                _ => None,
            },
            sessions: live + kept,
            writes: data().map(|(_, l)| l.acknowledged()).sum(),
            unsaved: data()
                .filter(|(_, l)| l.online)
                .map(|(_, l)| l.exposed(self.now))
                .sum(),
            state_bytes: data().map(|(l, _)| self.state_bytes(l)).sum::<u64>()
                + (live + kept) * self.session_bytes(),
            lost_writes: here.lost_writes,
            lost_sessions: here.lost_sessions,
            last_snapshot: data()
                .filter_map(|(_, l)| l.snapshot_at)
                .max()
                .map(Duration),
        }
    }

    fn link_view(&self, link: &LinkSlot) -> LinkView {
        let (trouble, troubles) = self.troubles_between(link.from, link.to);
        LinkView {
            from: self.nodes[link.from as usize].name.clone(),
            to: self.nodes[link.to as usize].name.clone(),
            implied: link.implied,
            calls: link.calls.clone(),
            messages: link.messages,
            bytes: link.bytes,
            trouble,
            troubles,
        }
    }

    /// Areas of a node's instances, up to now.
    pub(in crate::sim) fn areas_of(&self, node: &NodeSlot) -> Areas {
        node.instances
            .iter()
            .map(|i| i.areas_at(self.now))
            .fold(Areas::default(), Areas::plus)
    }
}

fn fault_view(fault: &Fault) -> FaultView {
    FaultView {
        at: Duration(fault.at),
        command: fault.command.clone(),
        detected: fault.detected.map(Duration),
        recovery: None,
        caused: None,
        lost_writes: fault.lost_writes,
        lost_sessions: fault.lost_sessions,
        failed_met: fault.failed_met,
        failed_sent_after_detection: fault.failed_after_detection,
        saved_by_retry: fault.saved,
        called_off: fault.called_off,
    }
}
