//! What balancers send to.

use crate::sim::Sim;
use crate::sim::ids::{NO_INSTANCE, NONE};
use crate::sim::observe::snapshot::Status;
use crate::sim::stations::balancer::Target;
use crate::sim::stations::node::Body;
use crate::sim::traffic::call::Call;

impl Sim {
    /// Every balancer that is linked to a service knows all its instances.
    pub(in crate::sim) fn add_targets(&mut self, service: u16) {
        if self.service(service).is_none() {
            return;
        }
        for node in 0..self.nodes.len() as u16 {
            if matches!(self.nodes[node as usize].body, Body::Balancer(_)) {
                self.know_instances(node, service);
            }
        }
        self.trust_all(service);
    }

    /// A balancer knows all instances of a service, if it is linked to that.
    fn know_instances(&mut self, node: u16, service: u16) {
        let ends = (node, service);
        let mut links = self.links.iter();
        let link = links.position(|l| !l.removed && (l.from, l.to) == ends);
        let link = link.map(|link| link as u16);
        let instances = self.nodes[service as usize].instances.iter();
        let gone: Vec<bool> = instances.map(|i| i.status == Status::Removed).collect();
        let Some(balancer) = self.balancer(node) else {
            return;
        };
        let mut known = vec![false; gone.len()];
        for target in balancer.targets.iter_mut().filter(|t| t.node == service) {
            known[target.instance as usize] = true;
            let gone = gone[target.instance as usize] && !target.is_left_unnoticed();
            target.removed = link.is_none() || gone;
            target.link = link.unwrap_or(target.link);
        }
        let Some(link) = link else {
            return balancer.list_usable();
        };
        let is_fresh = |&i: &u16| !known[i as usize] && !gone[i as usize];
        let fresh: Vec<u16> = (0..gone.len() as u16).filter(is_fresh).collect();
        if !fresh.is_empty() {
            self.place_targets(node, service, link, &fresh);
        }
        if let Some(balancer) = self.balancer(node) {
            balancer.list_usable();
        }
        for target in 0..self.targets_of(node).len() as u16 {
            self.start_checks(node, target);
        }
    }

    /// Instances are targets of a balancer from now on, at places that are free again or at new ones.
    fn place_targets(&mut self, node: u16, service: u16, link: u16, fresh: &[u16]) {
        let now = self.now;
        let mut free = self.free_targets(node).into_iter();
        let Some(balancer) = self.balancer(node) else {
            return;
        };
        let mut taken = vec![false; balancer.targets.len()];
        for &instance in fresh {
            // A new instance gets requests once it has passed its checks, or at once where there are none; and where the
            // balancer is told late, once it knows.
            let mut target = Target::new(service, instance, link);
            let told_late = now > 0 && balancer.settings.notice_delay.0 > 0;
            if told_late {
                target.is_awaited();
            } else if now == 0 {
                target.up = true;
            } else {
                target.stand(balancer.settings.health_checks.is_none(), now);
            }
            match free.next() {
                Some(place) => {
                    balancer.targets[place as usize] = target;
                    taken[place as usize] = true;
                }
                None => balancer.targets.push(target),
            }
        }
        for cookie in &mut balancer.cookies {
            // It named an instance that was there before.
            if taken.get(*cookie as usize) == Some(&true) {
                *cookie = NO_INSTANCE;
            }
        }
    }

    pub(in crate::sim) fn targets_of(&self, node: u16) -> &[Target] {
        match &self.nodes[node as usize].body {
            Body::Balancer(balancer) => &balancer.targets,
            _ => &[],
        }
    }

    /// Places of targets of a balancer that are free again: of nodes that were removed, and that nothing names any more,
    /// neither a request that was sent there or may be tried there again, nor a probe.
    pub(in crate::sim) fn free_targets(&self, node: u16) -> Vec<u16> {
        let gone =
            |t: &Target| self.nodes[t.node as usize].removed && t.in_flight == 0 && !t.probing;
        let mut free: Vec<bool> = self.targets_of(node).iter().map(gone).collect();
        if free.contains(&true) {
            let here = |c: &&Call| {
                let tried = c.present && c.node == node && c.tries > 0;
                // What is on its way back from an instance that had been replaced.
                let sent = self.links[c.link as usize].from == node && c.parent != NONE;
                !c.free && (tried || sent)
            };
            for call in self.calls.iter().filter(here) {
                free[call.target as usize] = false;
            }
        }
        (0..free.len() as u16)
            .filter(|&place| free[place as usize])
            .collect()
    }

    pub(in crate::sim) fn remove_targets(&mut self, service: u16, instance: u16) {
        for node in &mut self.nodes {
            if let Body::Balancer(balancer) = &mut node.body {
                for target in balancer.targets_at(service, instance) {
                    target.removed = !target.is_left_unnoticed();
                }
                balancer.list_usable();
            }
        }
    }
}
