//! Which targets get requests, as far as balancers are told: at once, or after their `notice_delay`.
//!
//! Told late, a balancer goes on sending to an instance that takes no more connections, and leaves out a new one that is
//! ready. What it finds out by itself is in `health.rs`.

use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::observe::snapshot::Status;
use crate::sim::stations::balancer::{BalancerBody, Target};
use crate::sim::stations::node::{Body, NodeSlot};

/// Of something that does not happen.
const NEVER: u64 = u64::MAX;
/// Least weight of a target at the begin of its slow start (Envoy's `min_weight_percent`).
const LEAST_WEIGHT: f64 = 0.1;

/// What a balancer is yet to be told of a target.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Notice {
    /// When it learns that the instance there has been told to stop.
    leaves_at: u64,
    /// It does not know of whoever comes there next.
    unknown: bool,
    /// When it learns that this one is ready, and whether it then takes that for granted, whatever its checks say.
    comes_at: u64,
    is_ready: bool,
}

impl Default for Notice {
    fn default() -> Self {
        Self {
            leaves_at: NEVER,
            unknown: false,
            comes_at: NEVER,
            is_ready: false,
        }
    }
}

impl Target {
    /// Not in rotation yet.
    pub(in crate::sim) fn new(node: u16, instance: u16, link: u16) -> Self {
        Self {
            node,
            instance,
            link,
            in_flight: 0,
            up: false,
            since: NEVER,
            failed_probes: 0,
            good_probes: 0,
            removed: false,
            probing: false,
            old_address: false,
            notice: Notice::default(),
            out_through: None,
            unheard_through: None,
        }
    }

    /// Gets requests from now on, or none.
    pub(in crate::sim) fn stand(&mut self, up: bool, now: u64) {
        if up && !self.up {
            self.since = now;
        }
        self.up = up;
        self.old_address = false;
        self.failed_probes = 0;
        self.good_probes = 0;
    }

    /// Whoever comes there is not known until the balancer is told.
    pub(in crate::sim) fn is_awaited(&mut self) {
        self.notice.unknown = true;
    }

    /// Whether the balancer knows that somebody is, or will be, there.
    pub(super) fn is_known(&self) -> bool {
        !self.notice.unknown
    }

    /// Whether it is sent requests though its instance has been told to stop.
    pub(in crate::sim) fn is_left_unnoticed(&self) -> bool {
        self.up && self.notice.leaves_at != NEVER
    }

    /// Whoever is there has been told to stop, and may take no more connections; gives when to tell the balancer.
    fn stops(&mut self, closed: bool, now: u64, delay: u64) -> Option<u64> {
        let at = now.saturating_add(delay);
        self.notice.comes_at = NEVER;
        self.is_awaited();
        if !self.up {
            self.stand(false, now);
            return None;
        }
        self.old_address |= closed;
        let is_first = self.notice.leaves_at == NEVER;
        if is_first {
            self.notice.leaves_at = at;
        }
        is_first.then_some(at)
    }

    /// Whoever is there now is ready; gives when to tell the balancer.
    fn starts(&mut self, is_ready: bool, now: u64, delay: u64) -> Option<u64> {
        let is_first = self.notice.comes_at == NEVER;
        self.notice.is_ready = is_ready;
        if is_first {
            self.notice.comes_at = now.saturating_add(delay);
        }
        is_first.then_some(self.notice.comes_at)
    }
}

impl BalancerBody {
    /// Share of its part that a target gets: all of it, but for those in their slow start.
    pub(super) fn weight(&self, target: u16, now: u64) -> f64 {
        let (since, takes) = (
            self.targets[target as usize].since,
            self.settings.slow_start.0,
        );
        if since == NEVER || now.saturating_sub(since) >= takes {
            return 1.0;
        }
        ((now - since) as f64 / takes as f64).max(LEAST_WEIGHT)
    }

    /// Whether any target may be in its slow start.
    fn note_slow_starts(&mut self) {
        let entered = self.targets.iter().filter(|t| t.up && t.since != NEVER);
        let last = entered.map(|t| t.since).max();
        let takes = self.settings.slow_start.0;
        self.slow_until = match last {
            Some(last) if takes > 0 => last.saturating_add(takes),
            _ => 0,
        };
    }

    /// To be called whenever a target has come, gone, or changed its standing.
    pub(in crate::sim) fn list_usable(&mut self) {
        let usable = |t: &Target| t.up && !t.removed;
        let targets = self.targets.iter().zip(0u16..);
        self.usable.clear();
        self.usable
            .extend(targets.filter(|(t, _)| usable(t)).map(|(_, i)| i));
        self.note_slow_starts();
    }
}

impl Sim {
    pub(super) fn set_rotation(&mut self, node: u16, target: u16, up: bool) {
        let now = self.now;
        if let Some(balancer) = self.balancer(node) {
            let target = &mut balancer.targets[target as usize];
            if up && !target.up {
                target.since = now;
            }
            target.up = up;
            target.out_through = None;
            balancer.list_usable();
        }
    }

    /// Tells every balancer that an instance is, or is not, to get requests: by whoever deploys and scales.
    pub(in crate::sim) fn rotate(&mut self, service: u16, instance: u16, up: bool) {
        let now = self.now;
        let status = self.nodes[service as usize].instances[instance as usize].status;
        let closed = !matches!(status, Status::Up | Status::Warming | Status::Hung);
        let change = |target: &mut Target, delay: u64, _: bool| match (delay, up) {
            (1.., false) => target.stops(closed, now, delay),
            (1.., true) if !target.is_known() => target.starts(true, now, delay),
            _ => {
                target.notice = Notice::default();
                target.out_through = None;
                target.stand(up, now);
                None
            }
        };
        self.tell_balancers(service, instance, change);
    }

    /// Changes what every balancer knows of an instance, by its `notice_delay` and whether it checks; where the change
    /// gives a time, it is told then.
    fn tell_balancers(
        &mut self,
        service: u16,
        instance: u16,
        change: impl Fn(&mut Target, u64, bool) -> Option<u64>,
    ) {
        let mut notices = Vec::new();
        for (node, at) in self.nodes.iter_mut().zip(0u16..) {
            let Body::Balancer(balancer) = &mut node.body else {
                continue;
            };
            let delay = balancer.settings.notice_delay.0;
            let checks = balancer.settings.health_checks.is_some();
            for (target, place) in balancer.targets.iter_mut().zip(0u16..) {
                if (target.node, target.instance) == (service, instance)
                    && let Some(due) = change(target, delay, checks)
                {
                    notices.push((due, at, place));
                }
            }
            balancer.list_usable();
        }
        for (due, balancer, target) in notices {
            self.timer_at(due, Timer::Noticed { balancer, target });
        }
        self.note_addresses(service, instance);
    }

    /// A balancer learns what has become of a target.
    pub(in crate::sim) fn noticed(&mut self, node: u16, target: u16) {
        let now = self.now;
        let (service, instance) = match self.targets_of(node).get(target as usize) {
            Some(target) => (target.node, target.instance),
            None => return,
        };
        let serves = self.can_be_trusted(service, instance);
        let here = &self.nodes[service as usize].instances[instance as usize];
        let gone = here.status == Status::Removed;
        let Some(balancer) = self.balancer(node) else {
            return;
        };
        let checks = balancer.settings.health_checks.is_some();
        let slot = &mut balancer.targets[target as usize];
        if slot.notice.leaves_at == now {
            slot.notice.leaves_at = NEVER;
            slot.out_through = None;
            slot.stand(false, now);
            slot.removed |= gone;
        }
        if slot.notice.comes_at == now {
            let is_ready = slot.notice.is_ready || !checks;
            slot.notice = Notice::default();
            slot.stand(serves && is_ready, now);
        }
        balancer.list_usable();
        self.note_addresses(service, instance);
    }

    /// An instance that has been told to stop goes on at another place, where balancers that have not heard of it still
    /// send to; they do not know of its replacement yet.
    pub(in crate::sim) fn part_targets(&mut self, service: u16, instance: u16, place: u16) {
        for node in 0..self.nodes.len() as u16 {
            let Some(balancer) = self.balancer(node) else {
                continue;
            };
            let at = |i: u16| move |t: &Target| (t.node, t.instance) == (service, i);
            let old = balancer.targets.iter().position(at(instance));
            let Some(old) = old.filter(|&old| balancer.targets[old].up) else {
                continue;
            };
            if balancer.settings.notice_delay.0 == 0 {
                continue;
            }
            let fresh = balancer.targets.iter().position(at(place));
            let fresh = fresh.unwrap_or_else(|| {
                let link = balancer.targets[old].link;
                let target = Target::new(service, place, link);
                balancer.targets.push(target);
                balancer.targets.len() - 1
            });
            balancer.targets[old].instance = place;
            let target = &mut balancer.targets[fresh];
            target.instance = instance;
            target.removed = false;
            target.is_awaited();
            self.start_checks(node, fresh as u16);
        }
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
    pub(super) fn note_addresses(&mut self, service: u16, instance: u16) {
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
    /// where there are none; and where they are told late, once they know.
    pub(in crate::sim) fn expect(&mut self, service: u16, instance: u16) {
        let now = self.now;
        let change = |target: &mut Target, delay: u64, checks: bool| {
            if delay > 0 {
                return target.stops(true, now, delay);
            }
            target.notice = Notice::default();
            target.stand(!checks, now);
            None
        };
        self.tell_balancers(service, instance, change);
    }

    /// An instance serves: balancers that do not know of it learn of it.
    pub(in crate::sim) fn announce(&mut self, service: u16, instance: u16) {
        let unknown = |t: &Target| (t.node, t.instance) == (service, instance) && !t.is_known();
        let awaits = |node: &NodeSlot| match &node.body {
            Body::Balancer(balancer) => balancer.targets.iter().any(unknown),
            _ => false,
        };
        if !self.nodes.iter().any(awaits) {
            return;
        }
        let now = self.now;
        let change = |target: &mut Target, delay: u64, _: bool| match target.is_known() {
            true => None,
            false => target.starts(false, now, delay),
        };
        self.tell_balancers(service, instance, change);
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
        !here.draining && !here.in_pre_stop && !here.leaving && here.status.serves()
    }

    fn trust_those(&mut self, trusted: impl Fn(&Target) -> bool) {
        let now = self.now;
        for node in &mut self.nodes {
            if let Body::Balancer(balancer) = &mut node.body
                && balancer.settings.health_checks.is_none()
            {
                let known = |t: &&mut Target| t.is_known() && trusted(t);
                for target in balancer.targets.iter_mut().filter(known) {
                    target.stand(true, now);
                }
                balancer.list_usable();
            }
        }
    }
}
