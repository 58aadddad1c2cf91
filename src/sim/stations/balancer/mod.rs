//! Load balancers: policies, retries, health checks.

mod health;
mod policy;
mod rotation;

use std::collections::BTreeMap;

use crate::model::node;
use crate::model::node::{Policy, RetryOn};
use crate::sim::Sim;
use crate::sim::clock::queue::Kind;
use crate::sim::ids::NO_INSTANCE;
use crate::sim::observe::snapshot::{Cause, NodeKind, Status};
use crate::sim::stations::balancer::rotation::Notice;
use crate::sim::stations::node::Body;
use crate::sim::streams::{Purpose as Draw, draw, purpose_key};
use crate::sim::traffic::call::{Asked, Outcome};

/// Requests in flight, sent by a balancer to an instance, and what its checks say.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Target {
    pub node: u16,
    pub instance: u16,
    pub link: u16,
    pub in_flight: u32,
    pub up: bool,
    /// When it came into rotation; `u64::MAX`: it was from the start.
    pub since: u64,
    pub failed_probes: u32,
    pub good_probes: u32,
    pub removed: bool,
    pub probing: bool,
    /// What it sends to is an address where nobody is any more, until its checks find that out.
    pub old_address: bool,
    pub notice: Notice,
    /// What it is out of rotation through, as far as that was a fault.
    pub out_through: Option<u32>,
    /// The fault of the network that its last probe was not answered through.
    pub unheard_through: Option<u32>,
}

#[derive(Clone, Debug)]
pub(in crate::sim) struct BalancerBody {
    pub settings: node::LoadBalancer,
    pub targets: Vec<Target>,
    /// Those that get requests now, in order.
    pub usable: Vec<u16>,
    /// Until when some of them may be in their slow start.
    pub slow_until: u64,
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
    /// Requests with a credential are beyond what it takes of a header.
    pub refuses_tokens: bool,
}

/// With affinity, a connection is tried again at the same instance after the connect timeout, at most this long.
const AFFINITY_PAUSE_NS: u64 = 1_000_000_000;

impl BalancerBody {
    /// Whose draws follow from this key, and whose timeouts stand in this lane.
    pub(in crate::sim) fn new(settings: &node::LoadBalancer, key: u64, response_lane: u32) -> Self {
        Self {
            settings: settings.clone(),
            targets: Vec::new(),
            usable: Vec::new(),
            slow_until: 0,
            response_lane,
            longest_timeout: None,
            turn: 0,
            cookies: Vec::new(),
            led_away: BTreeMap::new(),
            balance_key: purpose_key(key, Draw::Balance),
            phase_key: purpose_key(key, Draw::Phase),
            policy: settings.policy,
            fallback: settings.fallback,
            refuses_tokens: false,
        }
    }

    /// Has these settings from now on.
    pub(in crate::sim) fn set(&mut self, settings: &node::LoadBalancer) {
        self.settings = settings.clone();
        self.policy = settings.policy;
        self.fallback = match settings.fallback {
            Policy::StickyCookie => Policy::RoundRobin,
            other => other,
        };
    }
}

impl Sim {
    pub(in crate::sim) fn balancer(&mut self, node: u16) -> Option<&mut BalancerBody> {
        match &mut self.nodes[node as usize].body {
            Body::Balancer(balancer) => Some(balancer),
            _ => None,
        }
    }

    pub(in crate::sim) fn balancer_arrive(&mut self, index: u32) {
        let call = &mut self.calls[index as usize];
        let slot = &mut self.nodes[call.node as usize];
        let Body::Balancer(balancer) = &slot.body else {
            return;
        };
        slot.arrived += 1;
        slot.instances[call.instance as usize].enter(call, self.now);
        if balancer.refuses_tokens && call.shows_token() {
            return self.reply_failed(index, Cause::HeaderTooLarge);
        }
        let at = self.now + balancer.settings.work.0;
        if at == self.now {
            return self.balance(index);
        }
        call.resume = self.queue.push(at, Kind::Resume, index);
    }

    /// Chooses an instance and sends the request on.
    pub(in crate::sim) fn balance(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let (node, op, tries, before) = (call.node, call.op, call.tries, call.target);
        let (verb, above) = (call.verb, call.draw);
        let (entry, credential, asker) = (call.entry, call.credential, call.asker);
        // A try after a pause goes to the same instance.
        let target = if call.step == 1 {
            Some(before)
        } else {
            let user = self.ops[op as usize].user;
            self.choose_target(node, above, user, (tries > 0).then_some(before))
        };
        let Some(target) = target else {
            return self.reply_failed(index, Cause::NoInstance);
        };
        let slot = &mut self.nodes[node as usize];
        let Body::Balancer(balancer) = &mut slot.body else {
            return;
        };
        let chosen = &mut balancer.targets[target as usize];
        chosen.in_flight += 1;
        let (link, instance) = (chosen.link, chosen.instance);
        let (lane, timeout) = (balancer.response_lane, balancer.settings.response_timeout);
        // The first try passes on what it was called with, as if nothing stood in between.
        let bits = match tries {
            0 => above,
            _ => draw(slot.key ^ u64::from(tries), above),
        };
        self.calls[index as usize].target = target;
        let asked = Asked {
            op,
            parent: index,
            asker,
            link,
            instance,
            verb,
            bits,
            entry,
            credential,
            target,
        };
        self.call(asked, timeout.map(|timeout| (timeout, lane)));
    }

    #[inline(always)]
    pub(in crate::sim) fn target_done(&mut self, node: u16, target: u16, instance: u16) {
        if let Body::Balancer(balancer) = &mut self.nodes[node as usize].body {
            let target = &mut balancer.targets[target as usize];
            // What ends with an instance that has been replaced is not with its replacement.
            if target.instance != instance {
                return;
            }
            debug_assert!(target.in_flight > 0, "a request in flight ends once");
            target.in_flight = target.in_flight.saturating_sub(1);
        }
    }

    /// The target for a request; `not` is avoided if there is another.
    #[inline(always)]
    pub(in crate::sim) fn choose_target(
        &mut self,
        node: u16,
        bits: u64,
        user: u32,
        not: Option<u16>,
    ) -> Option<u16> {
        let now = self.now;
        let balancer = self.balancer(node)?;
        if !balancer.policy.keeps_users() {
            return balancer.choose(balancer.policy, bits, not, now);
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
        let chosen = balancer.choose(balancer.fallback, bits, not, now)?;
        let left = not.unwrap_or(cookie);
        let left = balancer.targets.get(left as usize);
        let left = left.map(|target| (target.node, target.instance, target.out_through));
        if let Some(cookie) = balancer.cookies.get_mut(user as usize) {
            *cookie = chosen;
        }
        let fault = left.and_then(|(service, instance, out_through)| {
            let instances = &self.nodes[service as usize].instances;
            instances.get(instance as usize)?.fault.or(out_through)
        });
        if let Some(balancer) = self.balancer(node) {
            if let Some(fault) = fault {
                balancer.led_away.insert(user, fault);
            } else if not.is_none() {
                balancer.led_away.remove(&user);
            }
        }
        Some(chosen)
    }

    /// A request that the balancer sent has been answered, or has failed.
    #[inline(always)]
    pub(in crate::sim) fn balancer_returned(&mut self, index: u32, outcome: Outcome) {
        match outcome {
            Outcome::Done => self.reply(index, outcome),
            Outcome::Failed(cause) => self.balancer_failed(index, cause),
        }
    }

    /// A request that the balancer sent has failed: it is tried again, or has failed for whoever asked, too.
    #[cold]
    fn balancer_failed(&mut self, index: u32, cause: Cause) {
        let outcome = Outcome::Failed(cause);
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
        let affine = balancer.policy.keeps_users();
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

    /// The instance that a call over a link goes to: whoever calls a service without a balancer in front takes its
    /// instances in turn. `caller`: the call that makes it, or `NONE` for a client.
    #[inline(always)]
    pub(in crate::sim) fn choose_instance(&mut self, link: u16, caller: u32) -> u16 {
        let slot = &self.nodes[self.links[link as usize].to as usize];
        match &slot.body {
            Body::Service(_) if slot.reach > 1 => self.next_in_turn(link),
            Body::Store(store) if slot.kind != NodeKind::ObjectStore => {
                if store.deposed.is_none() {
                    return store.primary;
                }
                self.believed_primary(self.links[link as usize].to, self.caller(link, caller))
            }
            _ => 0,
        }
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
}

impl BalancerBody {
    /// What it sends to an instance by.
    pub(in crate::sim) fn targets_at(
        &mut self,
        service: u16,
        instance: u16,
    ) -> impl Iterator<Item = &mut Target> {
        let there = move |t: &&mut Target| (t.node, t.instance) == (service, instance);
        self.targets.iter_mut().filter(there)
    }
}
