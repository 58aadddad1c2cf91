//! From a topology to dense arrays, at the start and after every edit: what is new gets a slot, what changed is
//! changed in its slot, what is gone leaves a tombstone. Slots are never renumbered.

use crate::model::settings::SettingError;
use crate::model::{Command, Node, Topology};
use crate::sim::Sim;
use crate::sim::compile::kind_of;
use crate::sim::ids::{NO_INSTANCE, NONE};
use crate::sim::observe::snapshot::{Status, What};
use crate::sim::sessions::User;
use crate::sim::stations::balancer::Target;
use crate::sim::stations::instance::Instance;
use crate::sim::stations::node::Body;

impl Sim {
    /// Carries out an edit on the running system, under the account of the command that asked for it.
    ///
    /// # Errors
    /// The edit is not possible, or leads to a topology that cannot run; then nothing has changed.
    pub(in crate::sim) fn edit(
        &mut self,
        edit: &Command,
        command: &Command,
    ) -> Result<(), SettingError> {
        let mut topology = self.topology.clone();
        topology.apply(edit)?;
        self.has_room_for(&topology)?;
        if command.has_row() && topology != self.topology {
            self.edited = Some(self.new_fault(command, None));
        } else {
            self.happen(What::Command {
                command: command.clone(),
                fault: None,
            });
        }
        self.reconfigure(topology);
        self.edited = None;
        Ok(())
    }

    /// Nodes, links and instances are numbered: there is room for so many of each, those included that are still ending.
    fn has_room_for(&self, topology: &Topology) -> Result<(), SettingError> {
        const MOST: usize = u16::MAX as usize - 1;
        let names = topology.nodes.keys();
        let fresh = names.filter(|name| self.slot_of(name).is_none()).count();
        if self.nodes.len() + fresh > MOST || self.links.len() + topology.links.0.len() > MOST {
            return Err(SettingError::here(
                "nodes or links have been added and removed too often in this run: start it anew from here",
            ));
        }
        for (name, node) in &topology.nodes {
            let (Node::Service(service), Some(slot)) = (node, self.slot_of(name)) else {
                continue;
            };
            let ending = ending(&self.nodes[slot as usize].instances);
            if service.instances as usize + ending > MOST {
                return Err(SettingError::here(format!(
                    "{ending} instances of `{name}` are still ending: wait for them, or give it a shorter `drain_time`"
                )));
            }
        }
        for (name, node) in &topology.nodes {
            if !matches!(node, Node::LoadBalancer(_)) {
                continue;
            }
            let behind: Vec<&str> = (topology.links.0.iter())
                .filter(|link| link.from == *name)
                .map(|link| link.to.as_str())
                .collect();
            let places = behind.iter().map(|to| self.places_of(topology, to));
            let places: usize = places.sum();
            let others = self.slot_of(name).map_or(0, |slot| {
                let all = self.targets_of(slot);
                if all.len() + places <= MOST {
                    return 0;
                }
                let of_others = |t: &&Target| {
                    let to = &self.nodes[t.node as usize];
                    to.removed || !behind.contains(&to.name.as_str())
                };
                all.iter().filter(of_others).count() - self.free_targets(slot).len()
            });
            if places + others > MOST {
                return Err(SettingError::here(format!(
                    "`{name}` would stand before {} instances, those included that are still ending or have requests on their way: wait for them, or start the run anew from here",
                    places + others
                )));
            }
        }
        Ok(())
    }

    /// Places that a service's instances take, those that are still ending included.
    fn places_of(&self, topology: &Topology, name: &str) -> usize {
        let Some(Node::Service(service)) = topology.nodes.get(name) else {
            return 0;
        };
        let here = self.slot_of(name);
        let here = here.map_or(&[][..], |slot| &self.nodes[slot as usize].instances);
        here.len().max(service.instances as usize + ending(here))
    }

    /// Makes the running system follow a topology: what is gone goes, what is new comes, and of what stays only that is
    /// brought up to date which has changed.
    pub(in crate::sim) fn reconfigure(&mut self, topology: Topology) {
        let before = std::mem::replace(&mut self.topology, topology);
        let topology = self.topology.clone();
        self.follow_nodes(&before, &topology);
        self.network.zone_ns = topology.zone_latency.0;
        self.connect(&topology);
        self.listen_to_stores();
        self.populate(&topology);
        for (name, node) in &topology.nodes {
            let (Some(slot), Node::Service(service)) = (self.slot_of(name), node) else {
                continue;
            };
            self.scale_to(slot, service.instances);
        }
        for index in 0..self.nodes.len() as u16 {
            if !self.nodes[index as usize].removed {
                self.add_targets(index);
            }
        }
        if before.nodes.is_empty() {
            self.follow_partitions();
        }
        self.regroup();
        self.trim_pools();
        self.measure_messages();
        self.measure_headers();
        if before.nodes.is_empty() {
            self.assign_spaces();
            for index in 0..self.nodes.len() as u16 {
                self.start_arrivals(index);
            }
        } else {
            self.follow_places(&before, &topology);
        }
        self.tend_revocations(&before);
    }

    fn follow_nodes(&mut self, before: &Topology, topology: &Topology) {
        for index in 0..self.nodes.len() as u16 {
            let slot = &self.nodes[index as usize];
            let now = topology.nodes.get(&slot.name);
            let stays = now.is_some_and(|node| kind_of(node) == slot.kind);
            if !slot.removed && !stays {
                self.remove_node(index);
            }
        }
        for (name, node) in &topology.nodes {
            match self.slot_of(name) {
                Some(_) if before.nodes.get(name) == Some(node) => {}
                Some(slot) => self.update_node(slot, node),
                None => self.add_node(name, node),
            }
        }
    }

    /// State and sessions go to where they are kept now.
    fn follow_places(&mut self, before: &Topology, topology: &Topology) {
        let mut leave = Vec::new();
        for (name, node) in &topology.nodes {
            let Some(slot) = self.slot_of(name) else {
                continue;
            };
            match (before.nodes.get(name), node) {
                (Some(Node::Service(old)), Node::Service(new)) => {
                    if self.leaves_to_others(&old.state, &new.state) {
                        leave.push((slot, self.nodes[slot as usize].space));
                    }
                    self.move_state(slot, &old.state, &new.state);
                }
                (Some(Node::Clients(old)), Node::Clients(new)) if old.arrivals == new.arrivals => {}
                (_, Node::Clients(_)) => self.start_arrivals(slot),
                _ => {}
            }
        }
        self.follow_partitions();
        self.assign_spaces();
        for (service, space) in leave {
            self.leave_behind(service, space);
        }
        // Only now is it clear what stays where it is, if by other rules.
        self.refresh_durability();
        let (kept, moved, dropped) = self.move_sessions(&before.sessions);
        self.house_sessions();
        if kept + moved + dropped > 0 {
            self.happen(What::Migrated {
                node: String::new(),
                kept,
                moved,
                dropped,
            });
        }
    }

    /// Services spread their keys as they are to, over the instances that they have.
    fn follow_partitions(&mut self) {
        for node in 0..self.nodes.len() as u16 {
            let slot = &self.nodes[node as usize];
            let wanted = !slot.removed && self.service(node).is_some_and(|s| s.partitioned);
            if !wanted {
                self.end_partition(node);
                continue;
            }
            self.begin_partition(node);
            let partition = self.partition_mut(node);
            if partition.is_some_and(|p| std::mem::take(&mut p.fresh)) {
                self.gather(node, false);
            } else {
                self.repartition(node);
            }
        }
    }

    fn populate(&mut self, topology: &Topology) {
        let sizes = topology.nodes.values().filter_map(|node| match node {
            Node::Clients(settings) => Some(settings.value_size.0),
            _ => None,
        });
        // Without clients what there is keeps its size.
        self.value_size = sizes.max().unwrap_or(self.value_size);
        let keeps = topology
            .nodes
            .values()
            .any(|n| n.is_store() || matches!(n, Node::Service(s) if s.state.is_local()));
        for (name, node) in &topology.nodes {
            let (Node::Clients(settings), Some(slot)) = (node, self.slot_of(name)) else {
                continue;
            };
            let sticky = sticks(topology, name);
            let own_keys = keeps && sticky && !settings.shared_keys;
            let needs_user = self.has_sessions() || sticky;
            let places = self.users.len() as u32;
            let Body::Clients(body) = &mut self.nodes[slot as usize].body else {
                continue;
            };
            body.own_keys = own_keys;
            body.needs_user = needs_user;
            body.needs_key = keeps;
            let room = body.users;
            if needs_user && settings.users > room {
                if room == 0 {
                    (body.first_user, body.first_piece) = (places, settings.users);
                } else if body.place_of_user(room - 1) + 1 < places {
                    body.further_users.push((room, places));
                } else if body.further_users.is_empty() {
                    body.first_piece = settings.users;
                }
                body.users = settings.users;
                let fresh = User {
                    log: NONE,
                    login: NONE,
                    ..User::default()
                };
                self.users
                    .resize(self.users.len() + (settings.users - room) as usize, fresh);
            }
        }
        let users = self.users.len();
        for node in &mut self.nodes {
            match &mut node.body {
                Body::Balancer(balancer) if balancer.policy.keeps_users() => {
                    balancer.cookies.resize(users, NO_INSTANCE);
                }
                Body::Clients(clients) => {
                    let limit = topology.objectives.p99.or(clients.settings.timeout);
                    clients.good_within = limit.map_or(u64::MAX, |limit| limit.0);
                }
                Body::Balancer(_) | Body::Service(_) | Body::Store(_) => {}
            }
        }
    }

    // Balancers' targets.
}

/// Whether a balancer on the way of the clients' requests, however far behind, keeps users at their instances: calls carry
/// the user with them.
fn sticks(topology: &Topology, clients: &str) -> bool {
    let mut seen: Vec<&str> = Vec::new();
    let mut next = vec![clients];
    while let Some(name) = next.pop() {
        let called = match topology.nodes.get(name) {
            Some(Node::LoadBalancer(b)) if b.policy.keeps_users() => return true,
            Some(Node::Clients(_)) => 1,
            _ => usize::MAX,
        };
        let links = topology.links.0.iter().filter(|l| l.from == *name);
        for to in links.take(called).map(|l| l.to.as_str()) {
            if !seen.contains(&to) {
                seen.push(to);
                next.push(to);
            }
        }
    }
    false
}

/// How many instances have been told to leave and are still there.
fn ending(instances: &[Instance]) -> usize {
    let ends = |i: &&Instance| i.leaving && i.status != Status::Removed;
    instances.iter().filter(ends).count()
}
