//! State that goes to another place.

use super::{COPY_BYTES_PER_S, Newest, filling_takes};
use crate::model::{Node, State};
use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::ids::NONE;
use crate::sim::keeping::keys::{self, Key, KeyTable};
use crate::sim::keeping::ledger::counted::NOBODYS;
use crate::sim::keeping::ledger::{Copying, Moving, Placement, Purpose};
use crate::sim::network::link::LinkSlot;
use crate::sim::observe::facts::Fact;
use crate::sim::observe::snapshot::{Status, What};
use crate::sim::stations::instance::Instance;
use crate::sim::stations::node::Body;
use crate::sim::stations::store::Left;
use crate::units::SECOND;

impl Sim {
    /// A log's content goes to other logs, which hold it from now on; it is retired.
    pub(in crate::sim) fn hand_log_over(&mut self, log: u32, to: &[u32]) -> u64 {
        if to.is_empty() {
            return 0;
        }
        self.stamp += 1;
        let counted = self.logs[log as usize].counted.take();
        let held = self.logs[log as usize].hand_over();
        let versions = std::mem::take(&mut self.logs[log as usize].versions);
        self.logs[log as usize].retired = true;
        self.logs[log as usize].moving = None;
        self.logs[log as usize].online = false;
        let (now, stamp, value_size) = (self.now, self.stamp, self.value_size);
        let space = self.logs[log as usize].space;
        let newest = &self.newest[space as usize];
        // Each key goes to one of them, and with it its newest write; of the earlier ones an even share goes to each, if it is
        // not known whose they are.
        let mut keys = vec![Vec::new(); to.len()];
        let mut shares = vec![0; to.len()];
        for (key, &version) in versions.iter() {
            let home = self.home_of(key, to);
            // Of a key that counts as held here, an acknowledged write is, though it may have been overwritten.
            let counts = |n: &Newest| n.log == log && n.stamp > 0;
            let share = match &counted {
                Some(counted) => counted.of(key),
                None => u64::from(version.is_told() || newest.get(key).is_some_and(counts)),
            };
            keys[home].push((key, version, share));
            shares[home] += share;
        }
        let n = to.len() as u64;
        let earlier = held.saturating_sub(shares.iter().sum());
        for (share, index) in shares.iter_mut().zip(0..) {
            *share += earlier / n + u64::from(index < earlier % n);
        }
        let mut places = Vec::new();
        for ((&target, share), mut keys) in to.iter().zip(shares).zip(keys) {
            keys.sort_unstable();
            let here = &mut self.logs[target as usize];
            let number = here.take_over(now, stamp, share, share.saturating_mul(value_size));
            places.push(((target, number), share));
            let there = here.space as usize;
            let known: u64 = keys.iter().map(|(.., share)| share).sum();
            here.count(NOBODYS, number, share - known);
            for (key, theirs, share) in keys {
                here.count(key, number, share);
                if here.versions.get(key).is_none_or(|&mine| mine < theirs) {
                    let newest = self.newest[there].get(key);
                    here.put_version(key, theirs, |stamp| {
                        newest.is_some_and(|n| n.log == target && n.stamp == stamp)
                    });
                }
                let newest = self.newest[space as usize].entry(key);
                if newest.log == log && newest.stamp > 0 {
                    newest.log = target;
                }
            }
        }
        self.logs[log as usize].forward = places.iter().map(|place| place.0).collect();
        self.logs[log as usize].homes = self.homes_under_way(to);
        self.tell(Fact::HandedOver {
            log,
            to: places,
            value_size,
        });
        for &target in to {
            self.keep_up(target);
        }
        // It goes on in the space of those that have it now.
        self.logs[log as usize].space = self.logs[to[0] as usize].space;
        if self.logs[log as usize].space != space {
            self.sort_by_space();
        }
        held
    }

    /// Which of several logs the keys of requests under way go to.
    fn homes_under_way(&self, to: &[u32]) -> KeyTable<u32> {
        let mut homes = KeyTable::default();
        if to.len() > 1 {
            for op in self.ops.iter().filter(|op| op.references > 0) {
                *homes.entry(op.key) = self.home_of(op.key, to) as u32;
            }
        }
        homes
    }

    /// Which of several logs a key goes to: that of the instance its user is sent to, or one by its number.
    fn home_of(&self, key: Key, to: &[u32]) -> usize {
        let by_number = (key % to.len() as u64) as usize;
        if to.len() == 1 {
            return 0;
        }
        let node = self.logs[to[0] as usize].node;
        if let Some(kept) = self.log_of_key(node, key) {
            return to.iter().position(|&log| log == kept).unwrap_or(by_number);
        }
        let user = keys::owner(key).and_then(|(clients, user)| {
            match &self.nodes.get(clients as usize)?.body {
                Body::Clients(clients) => Some(clients.place_of_user(user)),
                _ => None,
            }
        });
        let sent_to = user.and_then(|user| {
            self.nodes.iter().find_map(|n| match &n.body {
                Body::Balancer(b) if b.policy.keeps_users() => {
                    let cookie = *b.cookies.get(user as usize)?;
                    let target = b.targets.get(cookie as usize)?;
                    (target.node == node).then_some(target.instance)
                }
                _ => None,
            })
        });
        let is_there = |&log: &u32| Some(self.logs[log as usize].primary) == sent_to;
        to.iter().position(is_there).unwrap_or(by_number)
    }

    /// A service's placement has changed: what it kept follows to the new place, or stays if it is there again.
    pub(in crate::sim) fn move_state(&mut self, slot: u16, old: &State, new: &State) {
        let same_place = match (old, new) {
            (State::External(a), State::External(b)) => a == b,
            _ => Placement::of(old) == Placement::of(new),
        };
        if same_place {
            return;
        }
        let from = self.logs_of_placement(slot, old);
        let held = |sim: &Self, logs: &[u32]| -> u64 {
            let acknowledged = logs.iter().map(|&l| sim.logs[l as usize].acknowledged());
            acknowledged.sum()
        };
        let homes: Vec<u32> = self.nodes[slot as usize]
            .instances
            .iter_mut()
            .map(|instance| std::mem::replace(&mut instance.data_log, NONE))
            .collect();
        let stayed = self.call_off_moves(slot, new);
        self.come_back_to(slot, new);
        let (kept, all) = (held(self, &stayed), held(self, &from));
        let mut dropped = 0;
        let place = self.place_of_state(slot, new);
        let lost = place.is_empty();
        for log in from {
            if lost {
                dropped += self.drop_content(log, slot);
                continue;
            }
            let number = self.new_token();
            self.logs[log as usize].moving = Some(Moving {
                service: slot,
                number,
                copying: Copying::default(),
                from: Placement::of(old),
                home: homes.contains(&log),
            });
            self.copy_since(log, number, &place, Some(self.now));
        }
        if kept + all > 0 {
            let node = self.nodes[slot as usize].name.clone();
            self.happen(What::Migrated {
                node,
                kept,
                moved: all - dropped,
                dropped,
            });
        }
    }

    /// A service that left a store and keeps its state there again has not left it.
    fn come_back_to(&mut self, service: u16, new: &State) {
        if let State::External(external) = new
            && let Some(slot) = self.slot_of(&external.store)
            && let Some(store) = self.store_mut(slot)
            && store.left_by.is_some_and(|left| left.service == service)
        {
            store.left_by = None;
        }
    }

    /// The logs in which a service keeps its state, by its placement, and which are not on their way already.
    fn logs_of_placement(&self, slot: u16, state: &State) -> Vec<u32> {
        let still = |&l: &u32| {
            let log = &self.logs[l as usize];
            !log.retired && log.moving.is_none()
        };
        let here = || {
            let mine = |&l: &u32| {
                let log = &self.logs[l as usize];
                log.node == slot && log.purpose == Purpose::Data
            };
            (0..self.logs.len() as u32).filter(mine).filter(still)
        };
        match state {
            State::Stateless => Vec::new(),
            // A store that others use as well keeps what it has.
            State::External(external) => {
                let store = self.slot_of(&external.store).and_then(|s| self.store(s));
                let stays = self.store_is_used(&external.store);
                let log = store.map(|s| s.log).filter(|_| !stays);
                // With what its caches keep back.
                let kept_back = here().filter(|&l| self.logs[l as usize].versions.len() > 0);
                log.into_iter().filter(still).chain(kept_back).collect()
            }
            _ => here().collect(),
        }
    }

    /// What is still being moved away from where it belongs again stays there, as if it had never been told to go.
    fn call_off_moves(&mut self, slot: u16, new: &State) -> Vec<u32> {
        let store = match new {
            State::External(external) => self.slot_of(&external.store),
            _ => None,
        };
        let mut stayed = Vec::new();
        for index in 0..self.logs.len() as u32 {
            let log = &mut self.logs[index as usize];
            let Some(moving) = log.moving else { continue };
            let local = log.node == slot && new.is_local() && moving.from == Placement::of(new);
            if !local && store != Some(log.node) {
                continue;
            }
            log.moving = None;
            stayed.push(index);
            let (node, primary) = (log.node as usize, log.primary as usize);
            if local && moving.home {
                self.nodes[node].instances[primary].data_log = index;
            }
        }
        stayed
    }

    /// The logs in which a service keeps its state now; none if nowhere.
    fn place_of_state(&mut self, slot: u16, state: &State) -> Vec<u32> {
        match state {
            State::External(external) => {
                let store = self.slot_of(&external.store).and_then(|s| self.store(s));
                store.map(|s| s.log).into_iter().collect()
            }
            State::Stateless => {
                // Whatever keeps the writes further on takes over what there was.
                let further = self.service(slot).map(|s| s.calls.clone());
                self.kept_further(&further.unwrap_or_default())
            }
            _ => {
                if state.partitioning().is_some() {
                    return self.begin_partition(slot);
                }
                let mut homes = self.homes(slot);
                if homes.is_empty() {
                    let here = &self.nodes[slot as usize].instances;
                    let stays = |i: &u16| {
                        let here = &here[*i as usize];
                        here.status != Status::Removed && !here.leaving
                    };
                    homes = (0..here.len() as u16).filter(stays).collect();
                }
                homes.into_iter().map(|i| self.data_log(slot, i)).collect()
            }
        }
    }

    /// The logs in which the first keeper behind these links keeps state; none if nobody does.
    fn kept_further(&mut self, links: &[u16]) -> Vec<u32> {
        let mut ways: Vec<u16> = links.to_vec();
        let mut seen = ways.clone();
        let mut at = 0;
        while let Some(&way) = ways.get(at) {
            at += 1;
            let to = self.links[way as usize].to;
            if let Some(store) = self.store(to) {
                return vec![store.log];
            }
            let name = &self.nodes[to as usize].name;
            let further: Vec<u16> = match self.topology.nodes.get(name) {
                Some(Node::Service(service)) if service.state != State::Stateless => {
                    let state = service.state.clone();
                    return self.place_of_state(to, &state);
                }
                Some(Node::Service(_)) => self.service(to).map_or(Vec::new(), |s| s.calls.clone()),
                _ => {
                    let all = 0..self.links.len() as u16;
                    let from = |l: &u16| {
                        let link = &self.links[*l as usize];
                        link.from == to && !link.removed
                    };
                    all.filter(from).collect()
                }
            };
            for link in further {
                if !seen.contains(&link) {
                    seen.push(link);
                    ways.push(link);
                }
            }
        }
        Vec::new()
    }

    /// Where a service can put what it keeps: on instances that serve and stay, if there are any on those that are not
    /// about to be replaced either.
    pub(in crate::sim) fn homes(&self, slot: u16) -> Vec<u16> {
        let here = &self.nodes[slot as usize].instances;
        let mut homes: Vec<u16> = (0..here.len() as u16)
            .filter(|&i| here[i as usize].status.serves() && !here[i as usize].leaving)
            .collect();
        let drains = |i: &u16| here[*i as usize].status == Status::Draining;
        if !homes.iter().all(drains) {
            homes.retain(|i| !drains(i));
        }
        homes
    }

    /// Whether a service goes away from a store in which others keep their state: what that has stays in it.
    pub(in crate::sim) fn leaves_to_others(&self, old: &State, new: &State) -> bool {
        matches!(old, State::External(e) if old != new && self.store_is_used(&e.store))
    }

    fn store_is_used(&self, name: &str) -> bool {
        self.topology.nodes.values().any(|n| {
            matches!(n, Node::Service(s)
                if matches!(&s.state, State::External(e) if e.store == name))
        })
    }

    /// A log is copied to where it moves since an instant, from the start; not yet if an end of that is not there.
    fn copy_since(&mut self, log: u32, number: u32, to: &[u32], since: Option<u64>) {
        let took = filling_takes(self.state_bytes(log));
        let slower = self.way_to(log, to);
        let since = since.filter(|_| slower.is_some());
        let slower = slower.unwrap_or(1.0);
        if let Some(moving) = &mut self.logs[log as usize].moving {
            moving.copying = Copying {
                began: since,
                since,
                left: took,
                slower,
            };
        }
        let at = match since {
            Some(since) => since.saturating_add((took as f64 * slower) as u64),
            None => self.now.saturating_add(SECOND),
        };
        self.timer_at(at, Timer::Moved { log, number });
    }

    /// An instance hangs or goes on, or the network has changed: what is copied stands still meanwhile, or goes on at
    /// another speed.
    pub(in crate::sim) fn tend_moves(&mut self) {
        for node in 0..self.nodes.len() as u16 {
            self.tend_rebalance(node);
        }
        let now = self.now;
        for log in 0..self.logs.len() as u32 {
            let Some(mut moving) = self.logs[log as usize].moving else {
                continue;
            };
            let to = self.place_it_moves_to(log, &moving);
            let way = self.way_to(log, &to);
            let Some(began) = moving.copying.began else {
                if way.is_some() {
                    self.copy_since(log, moving.number, &to, Some(now));
                }
                continue;
            };
            let copying = &mut moving.copying;
            if copying.since.is_some() && way == Some(copying.slower) {
                continue;
            }
            if copying.since.is_none() && (way.is_none() || self.any_died(log, &to, began)) {
                continue;
            }
            copying.stand_still(now);
            if let Some(slower) = way {
                (copying.since, copying.slower) = (Some(now), slower);
                let (number, at) = (moving.number, copying.ends(now));
                self.timer_at(at, Timer::Moved { log, number });
            }
            self.logs[log as usize].moving = Some(moving);
        }
    }

    /// So many times as long as at full speed it takes to copy a log to these; `None` while that stands still, since one of
    /// them is not there, or there is no way.
    fn way_to(&self, log: u32, to: &[u32]) -> Option<f64> {
        let mut ends = to.iter().chain([&log]);
        let there = !to.is_empty() && ends.all(|&end| self.logs[end as usize].online);
        let ways = to.iter().map(|&to| self.way_between(log, to));
        let slowest = |ways: f64, way: Option<f64>| Some(ways.max(way?));
        ways.take_while(|_| there)
            .try_fold(1.0, slowest)
            .filter(|_| there)
    }

    /// So many times as long as at full speed it takes to copy something from one log to another; `None` if there is no way.
    pub(in crate::sim) fn way_between(&self, from: u32, to: u32) -> Option<f64> {
        let (from, to) = (&self.logs[from as usize], &self.logs[to as usize]);
        let path = self.path(
            self.spot(from.node, from.primary),
            self.spot(to.node, to.primary),
        );
        let nodes = (from.node, to.node);
        let joins = |l: &&LinkSlot| !l.removed && [(l.from, l.to), (l.to, l.from)].contains(&nodes);
        // As fast as the link between the two is, if there is one.
        let link = self.links.iter().filter(joins).map(|l| l.ns_per_byte);
        let link = link.fold(0.0, f64::max) * COPY_BYTES_PER_S / 1e9;
        path.cut.is_none().then_some(path.slower * link.max(1.0))
    }

    fn any_died(&self, log: u32, to: &[u32], since: u64) -> bool {
        let mut ends = to.iter().chain([&log]);
        ends.any(|&end| self.server_of(end).died_at > since)
    }

    /// The logs that a log which moves goes to, by where its service keeps its state now.
    fn place_it_moves_to(&mut self, log: u32, moving: &Moving) -> Vec<u32> {
        let name = &self.nodes[moving.service as usize].name;
        let state = match self.topology.nodes.get(name) {
            Some(Node::Service(service)) if self.slot_of(name) == Some(moving.service) => {
                service.state.clone()
            }
            _ => return Vec::new(),
        };
        if state.partitioning().is_some() && self.partition(moving.service).is_none() {
            // An edit is being carried out that has not come to that yet.
            return Vec::new();
        }
        let mut to = self.place_of_state(moving.service, &state);
        to.retain(|&target| target != log && !self.logs[target as usize].retired);
        to
    }

    /// The instance that serves a log.
    fn server_of(&self, log: u32) -> &Instance {
        let log = &self.logs[log as usize];
        &self.nodes[log.node as usize].instances[log.primary as usize]
    }

    /// A log's content may be copied to where its service keeps state now, or has been by now.
    pub(in crate::sim) fn moved(&mut self, log: u32, number: u32) {
        let Some(moving) = self.logs[log as usize].moving else {
            return;
        };
        if moving.number != number || self.logs[log as usize].retired {
            return;
        }
        let node = self.logs[log as usize].node;
        let is_store = self.store(node).is_some();
        // Others keep what they have there by now: what a store has stays in it.
        let to = if is_store && self.store_is_used(&self.nodes[node as usize].name) {
            Vec::new()
        } else {
            self.place_it_moves_to(log, &moving)
        };
        if to.is_empty() {
            // Nobody takes it: it stays where it is, and the move is over.
            self.logs[log as usize].moving = None;
            return self.assign_spaces();
        }
        // While either end is gone, or hangs, nothing can be copied; if one died, it begins anew: that one has forgotten what
        // it had got. Until it is over, all of it is where it was, or what is left there.
        let now = self.now;
        if self.way_to(log, &to).is_none() {
            return self.timer_after(SECOND, Timer::Moved { log, number });
        }
        if moving
            .copying
            .began
            .is_none_or(|began| self.any_died(log, &to, began))
        {
            let ends = to.iter().chain([&log]);
            let back = ends.map(|&end| self.server_of(end).since).max();
            return self.copy_since(log, number, &to, back);
        }
        let over = moving.copying.ends(now);
        if over > now {
            return self.timer_at(over, Timer::Moved { log, number });
        }
        if is_store {
            self.empty_store(log, moving.service);
        }
        self.hand_log_over(log, &to);
    }

    /// A log's content has nowhere to go when its service changes.
    fn drop_content(&mut self, log: u32, service: u16) -> u64 {
        if self.store(self.logs[log as usize].node).is_some() {
            self.empty_store(log, service);
        }
        self.lose_all(log)
    }

    /// What a service kept in a store is about to leave it: the store stays in the drawing, and goes on with what else it
    /// keeps, and with what had been sent to it before.
    fn empty_store(&mut self, log: u32, service: u16) {
        let here = &self.logs[log as usize];
        let (node, primary, durability) = (here.node, here.primary, here.durability);
        let fresh = self.new_log(node, primary, Purpose::Data, durability);
        let (now, through) = (self.now, self.edited);
        if let Some(store) = self.store_mut(node) {
            store.log = fresh;
            // What follows later does not make it leave again.
            let before = store.left_by.filter(|left| left.service == service);
            let left = Left {
                service,
                at: now,
                through,
            };
            store.left_by = Some(before.unwrap_or(left));
        }
        // Sessions that the store keeps stay in it.
        for user in 0..self.users.len() {
            if self.users[user].live && self.users[user].log == log {
                let place = self.append(fresh, self.session_bytes());
                self.users[user].log = fresh;
                self.users[user].sequence = place.sequence;
            }
        }
        self.keep_up(fresh);
    }

    /// That the service whose call this is kept its state in the store it asks, if it asked before that was moved out. What it asks
    /// later it asks for the store's own sake.
    pub(super) fn asked_before_leaving(&self, call: u32, store: u16) -> Option<Left> {
        let left = self.store(store)?.left_by?;
        let call = &self.calls[call as usize];
        let caller = self.links[call.link as usize].from;
        (caller == left.service && call.sent_at <= left.at).then_some(left)
    }

    /// A call has written to a store that what its service keeps has moved out of: it had been sent before, and follows.
    pub(super) fn follow(&mut self, call: u32, log: u32) {
        let node = self.logs[log as usize].node;
        let Some(left) = self.asked_before_leaving(call, node) else {
            return;
        };
        if self.logs[log as usize].moving.is_some() {
            return;
        }
        let service = left.service;
        let name = &self.nodes[service as usize].name;
        let Some(Node::Service(settings)) = self.topology.nodes.get(name) else {
            return;
        };
        let state = settings.state.clone();
        let place = self.place_of_state(service, &state);
        if place.contains(&log) {
            return;
        }
        if place.is_empty() {
            self.edited = left.through;
            self.drop_content(log, service);
            self.edited = None;
            return;
        }
        let number = self.new_token();
        self.logs[log as usize].moving = Some(Moving {
            service,
            number,
            copying: Copying::default(),
            from: Placement::of(&state),
            home: false,
        });
        self.copy_since(log, number, &place, Some(self.now));
    }
}
