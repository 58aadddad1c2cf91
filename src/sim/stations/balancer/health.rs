//! Health checks: what a balancer finds out of its targets by itself.

use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::ids::NO_INSTANCE;
use crate::sim::observe::snapshot::{Status, What};
use crate::sim::stations::node::Body;
use crate::sim::streams::{draw, unit};
use crate::units::Duration;

impl Sim {
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
        let timeout = checks.timeout.unwrap_or(checks.interval).0;
        let unanswered = Timer::ProbeEnds {
            balancer: node,
            target,
        };
        if !self.network.is_plain()
            && let Err(through) = self.probe_gets_through(node, target, timeout)
        {
            if let Some(balancer) = self.balancer(node) {
                balancer.targets[target as usize].unheard_through = through;
            }
            return self.timer_after(timeout, unanswered);
        }
        match self.nodes[at.0 as usize].instances[at.1 as usize].status {
            Status::Up | Status::Warming | Status::Draining if !old_address => {
                self.probe_ends(node, target, true);
            }
            Status::Up | Status::Warming | Status::Draining => self.probe_ends(node, target, false),
            Status::Crashed | Status::Booting | Status::Removed => {
                self.probe_ends(node, target, false);
            }
            Status::Hung | Status::MachineLost => self.timer_after(timeout, unanswered),
        }
    }

    /// Whether a probe that is answered at once comes back before it is given up; else the fault that hinders it, if it
    /// is one.
    #[cold]
    fn probe_gets_through(&self, node: u16, target: u16, timeout: u64) -> Result<(), Option<u32>> {
        let Body::Balancer(balancer) = &self.nodes[node as usize].body else {
            return Ok(());
        };
        let slot = &balancer.targets[target as usize];
        let (from, to) = (
            self.spot(node, NO_INSTANCE),
            self.spot(slot.node, slot.instance),
        );
        let latency = self.links[slot.link as usize].latency;
        let bits = draw(balancer.phase_key, self.now);
        match self.round_trip(from, to, latency, bits) {
            Ok(takes) if takes <= timeout => Ok(()),
            Ok(_) => Err(self.network.meets(from, to).fault),
            Err(fault) => Err(Some(fault)),
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
        let unheard = slot.unheard_through.take();
        if good {
            slot.good_probes += 1;
            slot.failed_probes = 0;
        } else {
            slot.failed_probes += 1;
            slot.good_probes = 0;
        }
        let falls = slot.up && slot.failed_probes >= checks.fall;
        slot.old_address &= !falls;
        let rises = !slot.up && slot.good_probes >= checks.rise && slot.is_known();
        let (service, instance) = (slot.node, slot.instance);
        self.timer_after(
            checks.interval.0.max(1),
            Timer::Probe {
                balancer: node,
                target,
            },
        );
        let here = &self.nodes[service as usize].instances[instance as usize];
        let leaves = here.draining || here.in_pre_stop;
        if falls {
            self.set_rotation(node, target, false);
            let own = self.nodes[service as usize].instances[instance as usize].fault;
            let through = own.or(unheard);
            if let Some(balancer) = self.balancer(node) {
                balancer.targets[target as usize].out_through = through;
            }
            self.note_addresses(service, instance);
            self.found_dead(service, instance, through);
        } else if rises && !leaves {
            self.set_rotation(node, target, true);
            let name = self.nodes[service as usize].name.clone();
            self.happen(What::BackInRotation {
                node: name,
                instance: u32::from(instance) + 1,
            });
        }
    }

    fn found_dead(&mut self, node: u16, instance: u16, fault: Option<u32>) {
        let slot = &self.nodes[node as usize];
        let here = &slot.instances[instance as usize];
        let name = slot.name.clone();
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
