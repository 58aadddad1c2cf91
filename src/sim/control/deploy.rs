//! Rolling deployments, and taking instances out of service.
//!
//! Instances are replaced in their places: with surge, the replacement boots beside the old instance and takes its
//! place when that has stopped; otherwise the old one stops first. As many are replaced in either way at a time as may be
//! too many, and as may be missing. A deployment goes on when the replacement serves and copies of state are complete
//! again. A drained one tells balancers, and stops nobody who has what no other has while that can be waited for; an abrupt
//! one tells nobody and waits for no copy.

use std::collections::VecDeque;

use crate::model::settings::SettingError;
use crate::model::{Command, Stop};
use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::ids::NONE;
use crate::sim::keeping::durability::{SnapshotPlace, SnapshotPolicy};
use crate::sim::keeping::ledger::{End, Log};
use crate::sim::keeping::loss::LossCause;
use crate::sim::network::link::Way;
use crate::sim::observe::facts::{Fact, Holder, Source};
use crate::sim::observe::snapshot::{Status, What};
use crate::sim::stations::instance::Instance;
use crate::sim::traffic::Leave;
use crate::sim::traffic::call::Call;

#[derive(Clone, Debug)]
pub(in crate::sim) struct Deploying {
    pub stop: crate::model::Stop,
    pub pending: VecDeque<u16>,
    pub active: u32,
    pub fault: u32,
}

/// How soon it is looked again whether copies have got what they wait for.
const LOOK_AGAIN_NS: u64 = 10_000_000;

impl Sim {
    pub(in crate::sim) fn start_deployment(
        &mut self,
        node: u16,
        stop: Stop,
        command: &Command,
    ) -> Result<(), SettingError> {
        let slot = &self.nodes[node as usize];
        let name = slot.name.clone();
        let Some(service) = self.service(node) else {
            return Err(SettingError::here(format!(
                "`{name}` is not a service, so nothing is deployed to it"
            )));
        };
        if service.deploying.is_some() {
            return Err(SettingError::here(format!(
                "`{name}` is being deployed already"
            )));
        }
        let pending: std::collections::VecDeque<u16> = (0..slot.instances.len() as u16)
            .filter(|&i| slot.instances[i as usize].runs())
            .collect();
        let wanted = service.settings.instances;
        let (surge, mut missing) = service.settings.deployment.at_once(wanted);
        // Those that are missing already count.
        missing = missing.saturating_sub(wanted.saturating_sub(pending.len() as u32));
        if surge == 0 {
            missing = missing.max(1);
        }
        let fault = self.new_fault(command, None);
        if let Some(service) = self.service_mut(node) {
            service.deploying = Some(Deploying {
                stop,
                pending,
                active: 0,
                fault,
            });
        }
        for _ in 0..missing {
            self.deploy_next(node, false);
        }
        for _ in 0..surge {
            self.deploy_next(node, true);
        }
        Ok(())
    }

    fn deploy_next(&mut self, node: u16, surge: bool) {
        let Some(deploying) = self.service_mut(node).and_then(|s| s.deploying.as_mut()) else {
            return;
        };
        let Some(instance) = deploying.pending.pop_front() else {
            if deploying.active == 0 {
                if let Some(service) = self.service_mut(node) {
                    service.deploying = None;
                }
                let name = self.nodes[node as usize].name.clone();
                self.happen(What::Deployed { node: name });
            }
            return;
        };
        deploying.active += 1;
        let fault = deploying.fault;
        let boot = self.service(node).map_or(0, |s| s.settings.boot_time.0);
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        here.deploying = true;
        here.replaced_by_surge = surge;
        if !here.runs() || here.leaving {
            // It died since the deployment began; there is nothing to replace.
            return self.deployed_one(node, instance);
        }
        here.fault = Some(fault);
        let life = here.life;
        if surge {
            self.timer_after(
                boot,
                Timer::DeployStops {
                    node,
                    instance,
                    life,
                },
            );
        } else {
            self.stop_for_deployment(node, instance);
        }
    }

    pub(in crate::sim) fn stop_for_deployment(&mut self, node: u16, instance: u16) {
        let Some(stop) = self
            .service(node)
            .and_then(|s| s.deploying.as_ref())
            .map(|d| d.stop)
        else {
            return;
        };
        let here = &self.nodes[node as usize].instances[instance as usize];
        if !here.runs() || here.leaving {
            return self.deployed_one(node, instance);
        }
        let waits =
            self.is_held_by_copies(node, instance) || self.shares_with_draining(node, instance);
        match stop {
            Stop::Drained if waits => {
                let life = self.nodes[node as usize].instances[instance as usize].life;
                let stops = Timer::DeployStops {
                    node,
                    instance,
                    life,
                };
                self.timer_after(LOOK_AGAIN_NS, stops);
            }
            Stop::Drained if self.may_end_beside(node, instance) => {
                self.replace_beside(node, instance);
            }
            Stop::Drained => self.tell_to_stop(node, instance),
            Stop::Abrupt => self.replace(node, instance, Stop::Abrupt),
        }
    }

    /// Whether an instance keeps nothing that its replacement would have to wait for, and there is room for both.
    fn may_end_beside(&self, node: u16, instance: u16) -> bool {
        let places = self.nodes[node as usize].instances.len();
        self.keeps_nothing(node, instance)
            && places < usize::from(u16::MAX) - 1
            && (self.pre_stop(node) > 0
                || self.calls.iter().any(|call| call.ends_with(node, instance)))
    }

    /// Whether an instance leads no log and has no copy: not one that it took over, and none that is on its way elsewhere.
    fn keeps_nothing(&self, node: u16, instance: u16) -> bool {
        let is_there = |log: &Log| {
            let mut copies = log.replicas.iter();
            log.primary == instance || copies.any(|copy| copy.instance == instance)
        };
        let mut logs = self.logs.iter().filter(|l| l.node == node && !l.retired);
        !logs.any(is_there)
    }

    /// Another instance of that number begins, at the place of one that was removed or at the next.
    fn begin_at(&mut self, node: u16, place: usize, number: u32) {
        let Some(service) = self.service(node) else {
            return;
        };
        let workers = service.settings.workers;
        let other = service.settings.instance_overrides.get(&number);
        let speed = other.map_or(1.0, |other| other.speed);
        let now = self.now;
        let instances = &mut self.nodes[node as usize].instances;
        match instances.get_mut(place) {
            Some(instance) => instance.begin_anew(now, number, workers, speed),
            None => instances.push(Instance::new(now, number, workers, speed)),
        }
    }

    /// The replacement takes the instance's place while that still ends, at a place of its own: as with pods, what is ending
    /// takes no place.
    fn replace_beside(&mut self, node: u16, instance: u16) {
        let instances = &self.nodes[node as usize].instances;
        // What was removed may have left something to whoever is there again.
        let free = |&place: &usize| {
            instances[place].status == Status::Removed && self.keeps_nothing(node, place as u16)
        };
        let place = (0..instances.len()).find(free);
        let place = place.unwrap_or(instances.len());
        self.begin_at(node, place, u32::from(instance) + 1);
        let instances = &mut self.nodes[node as usize].instances;
        instances.swap(place, instance as usize);
        let Ok([ended, fresh]) = instances.get_disjoint_mut([place, instance as usize]) else {
            return;
        };
        // Logs that either had are over, and no timer of one is taken for one of the other.
        for here in [&mut *ended, &mut *fresh] {
            (here.data_log, here.session_log) = (NONE, NONE);
        }
        let life = ended.life.max(fresh.life);
        (ended.life, fresh.life) = (life + 1, life + 2);
        (fresh.deploying, ended.deploying, ended.leaving) = (true, false, true);
        // Whoever calls without a balancer learns of it when it comes up.
        fresh.announced = false;
        fresh.replaced_by_surge = std::mem::take(&mut ended.replaced_by_surge);
        let surge = fresh.replaced_by_surge;
        self.part_targets(node, instance, place as u16);
        self.move_connections(node, instance, place as u16);
        for index in 0..self.calls.len() {
            let call = &mut self.calls[index];
            if call.ends_with(node, instance) {
                let (from, target) = (self.links[call.link as usize].from, call.target);
                self.target_done(from, target, instance);
                self.calls[index].instance = place as u16;
            }
        }
        self.tell_to_stop(node, place as u16);
        if surge {
            self.come_up(node, instance);
        } else {
            self.rotate(node, instance, false);
            self.boot(node, instance);
        }
    }

    fn pre_stop(&self, node: u16) -> u64 {
        self.service(node).map_or(0, |s| s.settings.pre_stop.0)
    }

    /// Balancers are told, each in its time; the instance serves on until those that are told late may know.
    fn tell_to_stop(&mut self, node: u16, instance: u16) {
        let wait = self.pre_stop(node);
        if wait == 0 || !self.is_serving(node, instance) {
            return self.drain(node, instance);
        }
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        here.in_pre_stop = true;
        here.announced = false;
        let life = here.life;
        self.rotate(node, instance, false);
        let ends = Timer::PreStopEnds {
            node,
            instance,
            life,
        };
        self.timer_after(wait, ends);
    }

    pub(in crate::sim) fn pre_stop_ends(&mut self, node: u16, instance: u16, life: u32) {
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        if here.life == life && std::mem::take(&mut here.in_pre_stop) {
            self.drain(node, instance);
        }
    }

    /// New requests go elsewhere; those in flight, and those on their way, have the drain time to end.
    pub(in crate::sim) fn drain(&mut self, node: u16, instance: u16) {
        if self.is_serving(node, instance) {
            self.set_status(node, instance, Status::Draining);
        }
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        here.draining = true;
        here.announced = false;
        let life = here.life;
        self.rotate(node, instance, false);
        self.repartition(node);
        if self.nodes[node as usize].instances[instance as usize].life != life
            || self.drained_if_done(node, instance)
        {
            return;
        }
        let limit = self.service(node).map_or(0, |s| s.settings.drain_time.0);
        self.timer_after(
            limit,
            Timer::DrainEnds {
                node,
                instance,
                life,
            },
        );
    }

    /// Stops a draining instance if it has done what it was told to: nothing is there any more, or on its way since
    /// before callers were told, and its copies have got everything.
    pub(in crate::sim) fn drained_if_done(&mut self, node: u16, instance: u16) -> bool {
        let here = &self.nodes[node as usize].instances[instance as usize];
        if here.status != Status::Draining || here.present.n() > 0 {
            return false;
        }
        let (told, life) = (here.since, here.life);
        let forwarded = |c: &Call| self.links[c.link as usize].way == Way::ToPeer;
        let comes = |c: &Call| {
            (c.node, c.instance) == (node, instance)
                && c.on_its_way()
                && (c.sent_at <= told || forwarded(c))
        };
        if self.hands_keys_over(node, instance) {
            return false;
        }
        if self.calls.iter().any(comes) {
            return false;
        }
        let logs = self.logs_of(node, instance);
        for &log in &logs {
            // Of those that had a copy some may have gone.
            self.place_replicas(log);
        }
        let replicated = logs
            .iter()
            .map(|&log| &self.logs[log as usize])
            .filter(|log| !log.replicas.is_empty());
        let copied = replicated.map(Log::reaches_all).max();
        let again = if self.is_held_by_copies(node, instance) {
            Some(self.now + LOOK_AGAIN_NS)
        } else {
            copied.filter(|&at| at > self.now)
        };
        if let Some(at) = again {
            let drained = Timer::Drained {
                node,
                instance,
                life,
            };
            self.timer_at(at, drained);
            return false;
        }
        self.drained(node, instance);
        true
    }

    pub(in crate::sim) fn drained(&mut self, node: u16, instance: u16) {
        self.nodes[node as usize].instances[instance as usize].draining = false;
        if self.nodes[node as usize].instances[instance as usize].leaving {
            self.take_out(node, instance);
        } else {
            self.replace(node, instance, Stop::Drained);
        }
    }

    /// How an instance stops that is told to: one that does not serve does nothing more.
    fn stops(&self, node: u16, instance: u16, told: Stop) -> Stop {
        if self.is_serving(node, instance) {
            told
        } else {
            Stop::Abrupt
        }
    }

    /// The old instance stops and its replacement takes its place.
    fn replace(&mut self, node: u16, instance: u16, told: Stop) {
        let surge = self.nodes[node as usize].instances[instance as usize].replaced_by_surge;
        let stop = self.stops(node, instance, told);
        self.set_status(node, instance, Status::Crashed);
        let now = self.now;
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        here.life += 1;
        here.in_pre_stop = false;
        here.died_at = now;
        let fault = here.fault;
        if told == Stop::Drained {
            here.announced = false;
            self.rotate(node, instance, false);
        }
        self.stop_logs(node, instance, stop, LossCause::Deployment);
        self.cut_off(node, instance, Leave::Reset);
        if !surge {
            return self.boot(node, instance);
        }
        self.come_up(node, instance);
        if told == Stop::Abrupt && self.leave_old_address(node, instance) {
            self.nodes[node as usize].instances[instance as usize].fault = fault;
        }
    }

    /// What a stop does to the logs of an instance: a graceful one makes a last fsync and snapshot, and hands over to a
    /// copy. The replacement gets the volume, or an empty disk; leaving for good, the volume is deleted.
    fn stop_logs(&mut self, node: u16, instance: u16, stop: Stop, cause: LossCause) {
        let leaving = self.nodes[node as usize].instances[instance as usize].leaving;
        for log in self.logs_of(node, instance) {
            if stop == Stop::Drained {
                self.flush(log);
            }
            if !self.is_followed(log) {
                self.stop_alone(log, stop, leaving, cause);
            } else if !self.logs[log as usize].durability.outlives(leaving) {
                for holder in [Holder::File, Holder::Disk, Holder::Snapshot] {
                    self.tell(Fact::Gone(log, holder));
                }
            }
        }
        // Where copies exist, one of them takes over: of an instance that was drained with all it had, at once; of one
        // that was killed when it is missed, or the replacement is there.
        let end = if leaving { End::Removed } else { End::Replaced };
        self.primary_gone(node, instance, end, cause);
        if stop == Stop::Abrupt {
            return;
        }
        for log in self.logs_of(node, instance) {
            if self.logs[log as usize].reaches_all() <= self.now {
                self.promote(log);
            } else {
                self.promote_after_stream(log);
            }
        }
    }

    /// Whether a copy can take a log over when its primary stops now.
    fn is_followed(&self, log: u32) -> bool {
        let here = &self.logs[log as usize];
        here.replicas.iter().any(|copy| match here.orphan {
            Some(_) => copy.mark.is_some(),
            None => here.held_by(copy, self.now).is_some(),
        })
    }

    /// A log stops that nobody else can take over: what its disk has is left, if that stays.
    fn stop_alone(&mut self, log: u32, stop: Stop, leaving: bool, cause: LossCause) {
        let stamp = self.stamp;
        let here = &mut self.logs[log as usize];
        let instance = &self.nodes[here.node as usize].instances[here.primary as usize];
        let fault = instance.fault;
        let stays = here.durability.outlives(leaving);
        here.orphan = None;
        if stays && here.durability.file.is_some() {
            here.synced = here.mark(stamp);
        } else if stays && stop == Stop::Drained {
            here.snapshot = here.mark(stamp);
        }
        let (kept, source) = if stays {
            (here.own_remains(End::Process), Source::Own)
        } else {
            (here.flushed(), Source::Nothing)
        };
        let (synced, snapshot) = (here.synced.sequence, here.snapshot.sequence);
        self.reached(log, Holder::Disk, synced);
        self.reached(log, Holder::Snapshot, snapshot);
        self.tell(Fact::Died {
            log,
            machine: false,
        });
        self.tell(Fact::Served(log, false));
        self.lose_beyond(log, kept, source, cause, fault);
        self.logs[log as usize].online = false;
    }

    /// An instance in the hands of a deployment, or told to leave, has died: the one goes on without it, the other is
    /// over.
    pub(in crate::sim) fn died_while_leaving(&mut self, node: u16, instance: u16) {
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        here.draining = false;
        here.in_pre_stop = false;
        if here.leaving {
            self.take_out(node, instance);
        } else if here.deploying {
            self.timer_at(self.now, Timer::DeployNext { node, instance });
        }
    }

    /// A replacement serves: the deployment goes on when copies are complete again.
    pub(in crate::sim) fn wait_for_next_deployment(&mut self, node: u16, instance: u16) {
        let abrupt = self
            .service(node)
            .and_then(|s| s.deploying.as_ref())
            .is_none_or(|d| d.stop == Stop::Abrupt);
        let at = if abrupt {
            self.now
        } else {
            self.synced_until(node).max(self.now)
        };
        self.timer_at(at, Timer::DeployNext { node, instance });
    }

    pub(in crate::sim) fn deployed_one(&mut self, node: u16, instance: u16) {
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        let surge = here.replaced_by_surge;
        if !std::mem::take(&mut here.deploying) {
            return;
        }
        here.replaced_by_surge = false;
        if let Some(deploying) = self.service_mut(node).and_then(|s| s.deploying.as_mut()) {
            deploying.active = deploying.active.saturating_sub(1);
            self.deploy_next(node, surge);
        }
    }

    // Scaling.

    /// Brings a service to as many instances: new ones boot, surplus ones drain and go, the last first.
    pub(in crate::sim) fn scale_to(&mut self, node: u16, wanted: u32) {
        let staying = |i: &Instance| i.status != Status::Removed && !i.leaving;
        let present = self.nodes[node as usize]
            .instances
            .iter()
            .filter(|i| staying(i))
            .count() as u32;
        // Places of removed instances are used again, the first of them first; only then come new ones.
        let here = &self.nodes[node as usize].instances;
        let free = |i: &u16| here[*i as usize].status == Status::Removed;
        let places: Vec<u16> = (0..here.len() as u16)
            .filter(free)
            .chain(here.len() as u16..)
            .take(wanted.saturating_sub(present) as usize)
            .collect();
        for &place in &places {
            let is_used_again = usize::from(place) < self.nodes[node as usize].instances.len();
            self.begin_at(node, usize::from(place), u32::from(place) + 1);
            let slot = &mut self.nodes[node as usize];
            slot.reach = slot.reach.max(place + 1);
            if is_used_again {
                let instance = &mut slot.instances[usize::from(place)];
                for log in [&mut instance.data_log, &mut instance.session_log] {
                    // Emptied, or with what an object store has for it, it goes on; handed over, it does not.
                    if self.logs.get(*log as usize).is_some_and(|l| l.retired) {
                        *log = NONE;
                    }
                }
                self.expect(node, place);
            }
        }
        if !places.is_empty() {
            self.add_targets(node);
        }
        if self.now > 0 {
            for place in places {
                self.nodes[node as usize].instances[place as usize].announced = false;
                self.boot(node, place);
            }
        }
        let surplus = present.saturating_sub(wanted);
        if surplus == 0 {
            return;
        }
        let fault = self.edited;
        let here = &self.nodes[node as usize].instances;
        let last: Vec<u16> = (0..here.len() as u16)
            .rev()
            .filter(|&i| staying(&here[i as usize]))
            .take(surplus as usize)
            .collect();
        for last in last {
            let here = &mut self.nodes[node as usize].instances[last as usize];
            here.leaving = true;
            // What it loses by leaving is lost through that, whatever struck it before.
            here.fault = fault.or(here.fault);
            if self.nodes[node as usize].instances[last as usize]
                .status
                .serves()
            {
                self.tell_to_stop(node, last);
            } else {
                self.take_out(node, last);
            }
        }
    }

    /// What an instance that was taken out of service has in an object store goes to one that serves, as soon as there is
    /// one, unless a copy may take over.
    pub(in crate::sim) fn leave_to_heir(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        let node = here.node;
        let in_object_store = |s: &SnapshotPolicy| s.place == SnapshotPlace::ObjectStore;
        if here.orphan.is_some()
            || !here
                .durability
                .snapshots
                .as_ref()
                .is_some_and(in_object_store)
        {
            return;
        }
        if self.partition(node).is_some() {
            let to = self.begin_partition(node);
            if !to.contains(&log) && !self.homes(node).is_empty() {
                self.hand_log_over(log, &to);
            }
        } else if let Some(&heir) = self.homes(node).first() {
            let to = self.data_log(node, heir);
            self.hand_log_over(log, &[to]);
        }
    }

    /// The instance is gone for good, and its volume with it. What is in an object store is loaded by the others.
    fn take_out(&mut self, node: u16, instance: u16) {
        let before = self.nodes[node as usize].instances[instance as usize].status;
        let stop = self.stops(node, instance, Stop::Drained);
        self.stop_logs(node, instance, stop, LossCause::ScaleIn);
        self.set_status(node, instance, Status::Removed);
        self.break_connections(node, instance, Leave::Reset);
        self.nodes[node as usize].instances[instance as usize].life += 1;
        self.rotate(node, instance, false);
        if self.nodes[node as usize].instances[instance as usize]
            .present
            .n()
            > 0
        {
            let leave = match before {
                Status::MachineLost => Leave::Silent,
                _ => Leave::Reset,
            };
            self.cut_off(node, instance, leave);
        }
        self.repartition(node);
        for log in self.logs_of(node, instance) {
            self.leave_to_heir(log);
        }
        self.fill_up(node);
        self.gather(node, false);
        self.remove_targets(node, instance);
        let slot = &mut self.nodes[node as usize];
        let gone = |place: u16| slot.instances[place as usize - 1].status == Status::Removed;
        while slot.reach > 0 && gone(slot.reach) {
            slot.reach -= 1;
        }
        if self.nodes[node as usize].instances[instance as usize].deploying {
            self.timer_at(self.now, Timer::DeployNext { node, instance });
        }
        // As people know it: what its replacement has taken the place of keeps its number.
        let slot = &self.nodes[node as usize];
        let (node, instance) = (slot.name.clone(), slot.instances[instance as usize].number);
        self.happen(What::Stopped { node, instance });
    }
}
