//! Load balancers: policies, retries, health checks.

use std::collections::BTreeMap;

use crate::model::node;
use crate::model::node::{Policy, RetryOn};
use crate::sim::Sim;
use crate::sim::clock::queue::Kind;
use crate::sim::clock::timers::Timer;
use crate::sim::ids::NO_INSTANCE;
use crate::sim::observe::snapshot::{Cause, NodeKind, Status, What};
use crate::sim::stations::node::Body;
use crate::sim::streams::{below, draw, unit};
use crate::sim::traffic::call::Outcome;
use crate::units::Duration;

/// Requests in flight, sent by a balancer to an instance, and what its checks say.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Target {
    pub node: u16,
    pub instance: u16,
    pub link: u16,
    pub in_flight: u32,
    pub up: bool,
    pub failed_probes: u32,
    pub good_probes: u32,
    pub removed: bool,
    pub probing: bool,
    /// What it sends to is an address where nobody is any more, until its checks find that out.
    pub old_address: bool,
}

#[derive(Clone, Debug)]
pub(in crate::sim) struct BalancerBody {
    pub settings: node::LoadBalancer,
    pub targets: Vec<Target>,
    /// Those that get requests now, in order.
    pub usable: Vec<u16>,
    pub work_lane: u32,
    pub response_lane: u32,
    /// Longest time limit that entries of that lane may have.
    pub longest_timeout: Option<crate::units::Duration>,
    /// Where the next turn begins: behind the last target that was chosen in turn, by the policy or by the fallback.
    pub turn: u32,
    /// Each user's cookie: target, or `NO_INSTANCE`.
    pub cookies: Vec<u16>,
    /// Users whose cookie was changed by a fault: what it struck did not answer, or is out of rotation.
    pub led_away: BTreeMap<u32, u32>,
    pub balance_key: u64,
    pub phase_key: u64,
    pub policy: Policy,
    pub fallback: Policy,
}

/// With affinity, a connection is tried again at the same instance after the connect timeout, at most this long.
const AFFINITY_PAUSE_NS: u64 = 1_000_000_000;

impl Sim {
    pub(in crate::sim) fn balancer(&mut self, node: u16) -> Option<&mut BalancerBody> {
        match &mut self.nodes[node as usize].body {
            Body::Balancer(balancer) => Some(balancer),
            _ => None,
        }
    }

    pub(in crate::sim) fn balancer_arrive(&mut self, index: u32) {
        self.enter(index);
        let node = self.calls[index as usize].node;
        let Some(balancer) = self.balancer(node) else {
            return;
        };
        let (work, lane) = (balancer.settings.work.0, balancer.work_lane);
        if work == 0 {
            return self.balance(index);
        }
        let token = self.new_token();
        self.calls[index as usize].resume = token;
        self.queue.push_lane(lane, self.now + work, index, token);
    }

    /// Chooses an instance and sends the request on.
    pub(in crate::sim) fn balance(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let (node, op, tries, before) = (call.node, call.op, call.tries, call.target);
        let same = call.step == 1;
        let verb = call.verb;
        let user = self.ops[op as usize].user;
        let target = if same {
            Some(before)
        } else {
            let bits = self.calls[index as usize].draw;
            self.choose_target(node, bits, user, (tries > 0).then_some(before))
        };
        let Some(target) = target else {
            return self.reply(index, Outcome::Failed(Cause::NoInstance));
        };
        self.calls[index as usize].target = target;
        let slot = &self.calls[index as usize];
        let (entry, credential, asker) = (slot.entry, slot.credential, slot.asker);
        let Some(balancer) = self.balancer(node) else {
            return;
        };
        let chosen = &mut balancer.targets[target as usize];
        chosen.in_flight += 1;
        let (link, instance) = (chosen.link, chosen.instance);
        let (lane, timeout) = (balancer.response_lane, balancer.settings.response_timeout);
        let above = self.calls[index as usize].draw;
        // The first try passes on what it was called with, as if nothing stood in between.
        let bits = match tries {
            0 => above,
            _ => draw(self.nodes[node as usize].key ^ u64::from(tries), above),
        };
        let child = self.new_call(op, index, link, verb, bits);
        let child_call = &mut self.calls[child as usize];
        child_call.instance = instance;
        child_call.target = target;
        child_call.entry = entry;
        child_call.credential = credential;
        child_call.asker = asker;
        if let Some(timeout) = timeout {
            let token = self.calls[index as usize].wait;
            self.queue
                .push_lane(lane, self.now + timeout.0, index, token);
        }
        self.send(child);
    }

    pub(in crate::sim) fn target_done(&mut self, node: u16, target: u16) {
        if let Some(balancer) = self.balancer(node) {
            let target = &mut balancer.targets[target as usize];
            debug_assert!(target.in_flight > 0, "a request in flight ends once");
            target.in_flight = target.in_flight.saturating_sub(1);
        }
    }

    /// The target for a request; `not` is avoided if there is another.
    pub(in crate::sim) fn choose_target(
        &mut self,
        node: u16,
        bits: u64,
        user: u32,
        not: Option<u16>,
    ) -> Option<u16> {
        let balancer = self.balancer(node)?;
        if balancer.policy != Policy::StickyCookie {
            return balancer.choose(balancer.policy, bits, not);
        }
        let cookie = balancer
            .cookies
            .get(user as usize)
            .copied()
            .unwrap_or(NO_INSTANCE);
        if let Some(target) = balancer.targets.get(cookie as usize)
            && target.up
            && !target.removed
            && not.is_none()
        {
            return Some(cookie);
        }
        let chosen = balancer.choose(balancer.fallback, bits, not)?;
        let left = not.unwrap_or(cookie);
        let left = balancer.targets.get(left as usize);
        let left = left.map(|target| (target.node, target.instance));
        if let Some(cookie) = balancer.cookies.get_mut(user as usize) {
            *cookie = chosen;
        }
        let fault = left.and_then(|(service, instance)| {
            let instances = &self.nodes[service as usize].instances;
            instances.get(instance as usize)?.fault
        });
        if let (Some(fault), Some(balancer)) = (fault, self.balancer(node)) {
            balancer.led_away.insert(user, fault);
        }
        Some(chosen)
    }

    /// A request that the balancer sent has been answered, or has failed.
    pub(in crate::sim) fn balancer_returned(&mut self, index: u32, outcome: Outcome) {
        let Outcome::Failed(cause) = outcome else {
            return self.reply(index, outcome);
        };
        let node = self.calls[index as usize].node;
        let now = self.now;
        let call = &mut self.calls[index as usize];
        let Body::Balancer(balancer) = &self.nodes[node as usize].body else {
            return;
        };
        let again = match cause {
            Cause::Refused | Cause::ConnectTimeout => true,
            Cause::Reset => balancer.settings.retry_on.contains(&RetryOn::Reset),
            Cause::Timeout => balancer
                .settings
                .retry_on
                .contains(&RetryOn::ResponseTimeout),
            _ => false,
        };
        let retries = balancer.settings.retries.min(u32::from(u8::MAX - 1)) as u8;
        if !again || call.tries >= retries {
            return self.reply(index, outcome);
        }
        call.tries += 1;
        let affine = balancer.policy == Policy::StickyCookie;
        if affine && call.tries < retries {
            // To the same instance, after a pause; the last retry goes elsewhere.
            let token_pause = balancer.settings.connect_timeout.0.min(AFFINITY_PAUSE_NS);
            call.step = 1;
            call.resume = self.queue.push(now + token_pause, Kind::Resume, index);
            return;
        }
        call.step = 0;
        self.balance(index);
    }

    /// Whoever calls a service without a balancer in front takes its instances in turn.
    #[inline(always)]
    pub(in crate::sim) fn choose_instance(&mut self, index: u32, link: u16) {
        let slot = &self.nodes[self.links[link as usize].to as usize];
        let instance = match slot.kind {
            NodeKind::Clients | NodeKind::LoadBalancer | NodeKind::ObjectStore => 0,
            NodeKind::RedisLike | NodeKind::SqlDatabase => match &slot.body {
                Body::Store(store) => store.primary,
                _ => 0,
            },
            NodeKind::Service if slot.reach <= 1 => return,
            NodeKind::Service => self.next_in_turn(link),
        };
        self.calls[index as usize].instance = instance;
    }

    /// The instance whose turn it is where a service is called without a balancer.
    pub(in crate::sim) fn next_in_turn(&mut self, link: u16) -> u16 {
        let slot = &self.nodes[self.links[link as usize].to as usize];
        let n = u32::from(slot.reach.max(1));
        let turn = self.links[link as usize].turn;
        let usable = |i: &u32| {
            let here = &slot.instances[(i % n) as usize];
            here.announced && here.status != Status::Removed
        };
        let chosen = (turn..turn + n).find(usable).unwrap_or(turn) % n;
        self.links[link as usize].turn = (chosen + 1) % n;
        chosen as u16
    }

    // Health checks.

    /// Starts a target's checks at a random phase.
    pub(in crate::sim) fn start_checks(&mut self, node: u16, target: u16) {
        let Body::Balancer(balancer) = &self.nodes[node as usize].body else {
            return;
        };
        let slot = &balancer.targets[target as usize];
        let (false, Some(checks)) = (
            slot.probing || slot.removed,
            &balancer.settings.health_checks,
        ) else {
            return;
        };
        // By what is checked, not by its place among the nodes: others that come or go leave the phase as it was.
        let checked = draw(self.nodes[slot.node as usize].key, u64::from(slot.instance));
        let phase = unit(draw(balancer.phase_key, checked)) * checks.interval.0 as f64;
        if let Some(balancer) = self.balancer(node) {
            balancer.targets[target as usize].probing = true;
        }
        self.timer_after(
            phase as u64,
            Timer::Probe {
                balancer: node,
                target,
            },
        );
    }

    /// A probe is sent. An instance that serves answers at once, as does the kernel of one whose process is gone.
    pub(in crate::sim) fn probe(&mut self, node: u16, target: u16) {
        let Some(balancer) = self.balancer(node) else {
            return;
        };
        let slot = &balancer.targets[target as usize];
        let (removed, at) = (slot.removed, (slot.node, slot.instance));
        let old_address = slot.old_address;
        let checks = balancer.settings.health_checks.clone();
        let (false, Some(checks)) = (removed || self.nodes[node as usize].removed, checks) else {
            if let Some(balancer) = self.balancer(node) {
                balancer.targets[target as usize].probing = false;
            }
            return;
        };
        match self.nodes[at.0 as usize].instances[at.1 as usize].status {
            Status::Up | Status::Warming | Status::Draining if !old_address => {
                self.probe_ends(node, target, true);
            }
            Status::Up | Status::Warming | Status::Draining => self.probe_ends(node, target, false),
            Status::Crashed | Status::Booting | Status::Removed => {
                self.probe_ends(node, target, false);
            }
            Status::Hung | Status::MachineLost => {
                let timeout = checks.timeout.unwrap_or(checks.interval);
                self.timer_after(
                    timeout.0,
                    Timer::ProbeEnds {
                        balancer: node,
                        target,
                    },
                );
            }
        }
    }

    pub(in crate::sim) fn probe_ends(&mut self, node: u16, target: u16, good: bool) {
        let Some(balancer) = self.balancer(node) else {
            return;
        };
        let checks = balancer.settings.health_checks.clone();
        let slot = &mut balancer.targets[target as usize];
        let Some(checks) = checks else {
            slot.probing = false;
            return;
        };
        if good {
            slot.good_probes += 1;
            slot.failed_probes = 0;
        } else {
            slot.failed_probes += 1;
            slot.good_probes = 0;
        }
        let falls = slot.up && slot.failed_probes >= checks.fall;
        slot.old_address &= !falls;
        let rises = !slot.up && slot.good_probes >= checks.rise;
        let (service, instance) = (slot.node, slot.instance);
        self.timer_after(
            checks.interval.0.max(1),
            Timer::Probe {
                balancer: node,
                target,
            },
        );
        let draining = self.nodes[service as usize].instances[instance as usize].draining;
        if falls {
            self.set_rotation(node, target, false);
            self.note_addresses(service, instance);
            self.found_dead(service, instance);
        } else if rises && !draining {
            self.set_rotation(node, target, true);
            let name = self.nodes[service as usize].name.clone();
            self.happen(What::BackInRotation {
                node: name,
                instance: u32::from(instance) + 1,
            });
        }
    }

    fn set_rotation(&mut self, node: u16, target: u16, up: bool) {
        if let Some(balancer) = self.balancer(node) {
            balancer.targets[target as usize].up = up;
            balancer.list_usable();
        }
    }

    /// Tells every balancer at once that an instance is, or is not, to get requests: by whoever deploys and scales.
    pub(in crate::sim) fn rotate(&mut self, service: u16, instance: u16, up: bool) {
        for node in &mut self.nodes {
            if let Body::Balancer(balancer) = &mut node.body {
                for target in balancer
                    .targets
                    .iter_mut()
                    .filter(|t| t.node == service && t.instance == instance)
                {
                    target.up = up;
                    target.old_address = false;
                    target.failed_probes = 0;
                    target.good_probes = 0;
                }
                balancer.list_usable();
            }
        }
        self.note_addresses(service, instance);
    }

    /// A replacement took the place of an instance that was killed, at an address of its own: balancers with checks send
    /// to the old one until they find out. Gives whether there are any.
    pub(in crate::sim) fn leave_old_address(&mut self, service: u16, instance: u16) -> bool {
        for node in &mut self.nodes {
            if let Body::Balancer(balancer) = &mut node.body
                && balancer.settings.health_checks.is_some()
            {
                let mine = |t: &&mut Target| t.node == service && t.instance == instance && t.up;
                for target in balancer.targets.iter_mut().filter(mine) {
                    target.old_address = true;
                }
            }
        }
        self.note_addresses(service, instance);
        self.nodes[service as usize].instances[instance as usize].moved
    }

    /// Notes whether some balancer still has an old address of an instance.
    fn note_addresses(&mut self, service: u16, instance: u16) {
        let old = |t: &Target| t.node == service && t.instance == instance && t.old_address;
        let moved = self.nodes.iter().any(|node| match &node.body {
            Body::Balancer(balancer) => balancer.targets.iter().any(old),
            _ => false,
        });
        self.nodes[service as usize].instances[instance as usize].moved = moved;
    }

    /// Whether a call was sent to an address where nobody is any more.
    pub(in crate::sim) fn sent_to_old_address(&self, index: u32) -> bool {
        let call = &self.calls[index as usize];
        let from = self.links[call.link as usize].from;
        match &self.nodes[from as usize].body {
            Body::Balancer(balancer) => balancer.targets[call.target as usize].old_address,
            _ => false,
        }
    }

    /// A new instance comes to a place that balancers know: it gets requests once it has passed its checks, or at once
    /// where there are none.
    pub(in crate::sim) fn expect(&mut self, service: u16, instance: u16) {
        for node in &mut self.nodes {
            if let Body::Balancer(balancer) = &mut node.body {
                let up = balancer.settings.health_checks.is_none();
                for target in balancer
                    .targets
                    .iter_mut()
                    .filter(|t| t.node == service && t.instance == instance)
                {
                    target.up = up;
                    target.failed_probes = 0;
                    target.good_probes = 0;
                    target.old_address = false;
                }
            }
        }
        self.note_addresses(service, instance);
    }

    /// A balancer without checks does not know of deaths: it sends requests to all but those taken out on purpose.
    pub(in crate::sim) fn trust(&mut self, service: u16, instance: u16) {
        if self.can_be_trusted(service, instance) {
            self.trust_those(|t| t.node == service && t.instance == instance);
        }
    }

    /// The same for all instances of a service at once: there may be many, behind many balancers.
    pub(in crate::sim) fn trust_all(&mut self, service: u16) {
        let trusted: Vec<bool> = (0..self.nodes[service as usize].instances.len() as u16)
            .map(|instance| self.can_be_trusted(service, instance))
            .collect();
        self.trust_those(|t| t.node == service && trusted[usize::from(t.instance)]);
    }

    fn can_be_trusted(&self, service: u16, instance: u16) -> bool {
        let here = &self.nodes[service as usize].instances[instance as usize];
        !here.draining && !here.leaving && here.status.serves()
    }

    fn trust_those(&mut self, trusted: impl Fn(&Target) -> bool) {
        for node in &mut self.nodes {
            if let Body::Balancer(balancer) = &mut node.body
                && balancer.settings.health_checks.is_none()
            {
                for target in balancer.targets.iter_mut().filter(|t| trusted(t)) {
                    target.up = true;
                    target.old_address = false;
                    target.failed_probes = 0;
                    target.good_probes = 0;
                }
                balancer.list_usable();
            }
        }
    }

    fn found_dead(&mut self, node: u16, instance: u16) {
        let slot = &self.nodes[node as usize];
        let here = &slot.instances[instance as usize];
        let (name, fault) = (slot.name.clone(), here.fault);
        // A deployment stops its instances one after the other.
        let since = fault.map_or(here.since, |f| self.faults[f as usize].at);
        let after = self.now - since.max(here.died_at);
        if let Some(fault) = fault {
            let since = self.faults[fault as usize].at;
            let after = self.now - since;
            self.faults[fault as usize].detected.get_or_insert(after);
        }
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        if here.status.serves() {
            here.fault = None;
        }
        let fault = fault.map(|f| f as usize);
        self.happen(What::FoundDead {
            node: name,
            instance: u32::from(instance) + 1,
            after: Duration(after),
            fault,
        });
    }
}

impl BalancerBody {
    /// To be called whenever a target has come, gone, or changed its standing.
    pub(in crate::sim) fn list_usable(&mut self) {
        let usable = |t: &Target| t.up && !t.removed;
        let targets = self.targets.iter().zip(0u16..);
        self.usable.clear();
        self.usable
            .extend(targets.filter(|(t, _)| usable(t)).map(|(_, i)| i));
    }

    /// A target by a policy; `not` only if there is no other.
    fn choose(&mut self, policy: Policy, bits: u64, not: Option<u16>) -> Option<u16> {
        let not = not.and_then(|target| self.usable.binary_search(&target).ok());
        let n = self.usable.len() - usize::from(not.is_some());
        if n == 0 {
            return not.map(|only| self.usable[only]);
        }
        // Without the one that is to be avoided.
        let nth = |k: usize| {
            let passed = not.is_some_and(|not| not <= k);
            self.usable[k + usize::from(passed)]
        };
        let load = |target: u16| self.targets[target as usize].in_flight;
        let bits = draw(self.balance_key, bits);
        Some(match policy {
            Policy::RoundRobin | Policy::StickyCookie => {
                let (all, turn) = (self.usable.len(), self.turn);
                let mut next = self.usable.partition_point(|&t| u32::from(t) < turn) % all;
                if not == Some(next) {
                    next = (next + 1) % all;
                }
                let chosen = self.usable[next];
                self.turn = u32::from(chosen) + 1;
                chosen
            }
            Policy::Random => nth(below(bits, n as u64) as usize),
            Policy::LeastConnections => {
                let least = (0..n).map(|k| load(nth(k))).min()?;
                let ties = || (0..n).map(nth).filter(|&t| load(t) == least);
                ties().nth(below(bits, ties().count() as u64) as usize)?
            }
            Policy::TwoChoices => {
                let n = n as u64;
                let first = below(bits, n);
                let more = draw(self.balance_key, bits ^ 1);
                let second = if self.settings.distinct && n > 1 {
                    (first + 1 + below(more, n - 1)) % n
                } else {
                    below(more, n)
                };
                let (a, b) = (nth(first as usize), nth(second as usize));
                let tie_to_b = draw(self.balance_key, bits ^ 2) & 1 == 1;
                if load(b) < load(a) || (load(a) == load(b) && tie_to_b) {
                    b
                } else {
                    a
                }
            }
        })
    }
}
