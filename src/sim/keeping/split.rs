//! Parted copies and split brain: what a cut in the network does to a group of copies, and what becomes of it afterwards.
//!
//! A copy that its primary cannot reach stands still. A primary that whoever watches it cannot reach is missed, as if it were
//! dead, and the most advanced copy that can be reached takes over; but the old one lives on, and goes on answering whoever
//! still believes in it:
//!
//! ```text
//! before    log ──────────────────── primary
//! parted    log ────────┬────────────── the copy's, which everybody is told of who can be
//!                 mark └── fork ─────── the old primary's, for those who have not been told
//! healed    log ─────────────────────── the fork is lost; the old primary follows
//! ```

use crate::model::Node;
use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::ids::{NO_INSTANCE, NONE};
use crate::sim::keeping::COPY_BYTES_PER_S;
use crate::sim::keeping::ledger::{Deposed, End, Log, Mark, Missed, Place, Purpose, Replica};
use crate::sim::keeping::loss::LossCause;
use crate::sim::network::troubles::Spot;
use crate::sim::observe::facts::{Fact, Holder, Source};
use crate::sim::observe::snapshot::{Cause, Status, What};
use crate::sim::stations::node::Body;
use crate::sim::traffic::Leave;

/// How soon it is looked again whether a copy can take over.
const LOOK_AGAIN_NS: u64 = 100_000_000;

impl Sim {
    /// Something has changed between who can reach whom: every group finds out.
    pub(in crate::sim) fn regroup(&mut self) {
        for log in 0..self.logs.len() as u32 {
            let here = &self.logs[log as usize];
            if here.retired || here.deposed.is_none() {
                continue;
            }
            self.tell_believers(log);
            self.heal_split(log);
        }
        for log in 0..self.logs.len() as u32 {
            let here = &self.logs[log as usize];
            if !here.retired && here.durability.replicas > 0 {
                self.part_copies(log);
                self.watch(log);
            }
        }
    }

    /// The fault that two spots cannot talk through: a stream needs both ways.
    fn parted_by(&self, a: Spot, b: Spot) -> Option<u32> {
        let there = self.network.meets(a, b).cut;
        there.or_else(|| self.network.meets(b, a).cut)
    }

    // Copies.

    /// Copies that their primary cannot reach stand still; those that it reaches again get what they lack.
    pub(in crate::sim) fn part_copies(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        if self.network.is_sound() && !here.replicas.iter().any(|copy| copy.cut) {
            return;
        }
        let (node, now) = (here.node, self.now);
        let primary = self.spot(node, here.primary);
        let orphaned = here.orphan.is_some();
        for at in 0..here.replicas.len() {
            let copy = self.logs[log as usize].replicas[at];
            let cut = self
                .parted_by(primary, self.spot(node, copy.instance))
                .is_some();
            if cut {
                let here = &mut self.logs[log as usize];
                let arrived = here.arrived(now);
                let has = here.held_by(&copy, now);
                let copy = &mut here.replicas[at];
                copy.cut = true;
                if orphaned {
                    // What was still under way does not arrive any more.
                    if copy.gets_stream()
                        && let Some(mark) = &mut copy.mark
                    {
                        *mark = (*mark).min(arrived.max(copy.filled));
                        let (copy, number) = (copy.instance, mark.sequence);
                        self.tell(Fact::Behind { log, copy, number });
                    }
                } else if copy.gets_stream() {
                    copy.has = has;
                    copy.synced_at = u64::MAX;
                }
            } else if copy.cut {
                self.logs[log as usize].replicas[at].cut = false;
                if copy.gets_stream() && !orphaned {
                    self.catch_up(log, at);
                }
            }
        }
        self.note_followers(log);
        self.look_at_copies(log, self.now);
    }

    /// A copy gets what it lacks from now on.
    fn catch_up(&mut self, log: u32, at: usize) {
        let copy = self.logs[log as usize].replicas[at];
        let Some(has) = copy.has else {
            self.logs[log as usize].replicas[at].synced_at = self.now;
            let whole = self.filled_at(log, copy.instance);
            let stamp = self.stamp;
            let here = &mut self.logs[log as usize];
            let filled = here.mark(stamp);
            (here.replicas[at].synced_at, here.replicas[at].filled) = (whole, filled);
            return self.look_at_copies(log, whole);
        };
        let (now, stamp) = (self.now, self.stamp);
        let here = &mut self.logs[log as usize];
        let lacks = here.bytes_beyond(has) as f64 / COPY_BYTES_PER_S * 1e9;
        let takes = here.durability.lag_ns.saturating_add(lacks as u64);
        let filled = here.mark(stamp);
        let copy = &mut here.replicas[at];
        copy.synced_at = now.saturating_add(takes);
        copy.filled = filled;
        let due = copy.synced_at;
        self.look_at_copies(log, due);
    }

    // Whoever watches.

    /// From where a group's primary is watched: a service's by its callers, a store's from the zone that is set, or from where
    /// most of its callers are.
    fn observer_of(&self, node: u16) -> Spot {
        let here = &self.nodes[node as usize];
        if self.store(node).is_none() {
            let mut links = self.links.iter().filter(|l| !l.removed && l.to == node);
            let caller = links.next().map_or(u16::MAX, |l| l.from);
            return Spot::outside(caller, 0);
        }
        let set = match self.topology.nodes.get(&here.name) {
            Some(Node::RedisLike(store)) => store.observer_zone.as_str(),
            Some(Node::SqlDatabase(store)) => store.observer_zone.as_str(),
            _ => "",
        };
        if let Ok(zone) = self.find_zone(set) {
            return Spot::outside(u16::MAX, zone);
        }
        let mut zones: Vec<(u16, usize)> = Vec::new();
        for (node, instance) in self.callers(node) {
            let zone = self.spot(node, instance).zone();
            match zones.iter_mut().find(|(known, _)| *known == zone) {
                Some((_, count)) => *count += 1,
                None => zones.push((zone, 1)),
            }
        }
        // Of several with as many the one that comes first.
        let most = zones.iter().rev().max_by_key(|(_, count)| *count);
        Spot::outside(u16::MAX, most.map_or(0, |(zone, _)| *zone))
    }

    /// Whether a log's primary serves where nobody who wants it can reach it.
    pub(super) fn is_out_of_reach(&self, log: &Log) -> bool {
        let primary = self.spot(log.node, log.primary);
        if let Some(deposed) = &log.deposed {
            let reaches = |&(node, instance): &(u16, u16)| {
                self.parted_by(self.spot(node, instance), primary).is_none()
            };
            let served = self.is_serving(log.node, log.primary);
            return self.store(log.node).is_some()
                && !(served && deposed.believers.iter().any(reaches));
        }
        if self.network.is_sound() {
            return false;
        }
        self.parted_by(self.observer_of(log.node), primary)
            .is_some()
    }

    /// Who sends from a node: its instances, or itself where it has none.
    fn endpoints(&self, node: u16) -> Vec<(u16, u16)> {
        let here = &self.nodes[node as usize];
        match here.body {
            Body::Clients(_) | Body::Balancer(_) => vec![(node, NO_INSTANCE)],
            Body::Service(_) | Body::Store(_) => {
                let there = |i: &u16| here.instances[*i as usize].status != Status::Removed;
                let all = (0..here.instances.len() as u16).filter(there);
                all.map(|instance| (node, instance)).collect()
            }
        }
    }

    /// A primary that cannot be seen is missed from now on; one that is seen is not any more.
    pub(super) fn watch(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        if here.deposed.is_some() || (self.network.is_sound() && here.missed.is_none()) {
            return;
        }
        let node = here.node;
        let primary = self.spot(node, here.primary);
        let unseen = self.parted_by(self.observer_of(node), primary);
        let down_after = here.durability.down_after_ns;
        let here = &mut self.logs[log as usize];
        match (unseen, here.missed) {
            (None, _) => here.missed = None,
            (Some(_), Some(_)) => {}
            (Some(fault), None) => {
                let since = self.now;
                here.missed = Some(Missed { since, fault });
                self.timer_after(down_after, Timer::Unseen { log, since });
            }
        }
    }

    /// The primary has not been seen for long enough.
    pub(in crate::sim) fn unseen(&mut self, log: u32, since: u64) {
        let here = &self.logs[log as usize];
        let Some(missed) = here.missed.filter(|missed| missed.since == since) else {
            return;
        };
        let promotion = here.durability.promotion_ns;
        let fault = &mut self.faults[missed.fault as usize];
        fault.detected.get_or_insert(self.now - fault.at);
        self.timer_after(promotion, Timer::Depose { log, since });
    }

    /// Another takes over from a primary that is still not seen, if one can.
    pub(in crate::sim) fn depose_unseen(&mut self, log: u32, since: u64) {
        let here = &self.logs[log as usize];
        let Some(missed) = here.missed.filter(|missed| missed.since == since) else {
            return;
        };
        // One that is dead or hangs has copies that see to it.
        if here.retired || here.orphan.is_some() || !here.online {
            return;
        }
        let node = here.node;
        let observer = self.observer_of(node);
        let is_seen = |copy: &Replica| {
            self.parted_by(observer, self.spot(node, copy.instance))
                .is_none()
        };
        let Some(best) = self.best_copy(log, is_seen) else {
            // One may come back.
            return self.timer_after(LOOK_AGAIN_NS, Timer::Depose { log, since });
        };
        let mut believers = self.callers(node);
        believers.retain(|&(node, instance)| {
            self.parted_by(observer, self.spot(node, instance))
                .is_some()
        });
        let deposed = Deposed {
            by: log,
            fault: missed.fault,
            cause: LossCause::Partition,
            believers,
            told_at: None,
        };
        self.depose(log, best, deposed);
    }

    /// A copy takes over at once because somebody wants it so; the old primary, and whoever is connected to it, are told only
    /// after a delay. Gives whether one could.
    pub(in crate::sim) fn depose_by_force(&mut self, log: u32, fault: u32) -> bool {
        let here = &self.logs[log as usize];
        let (node, delay) = (here.node, here.durability.demotion_ns);
        let Some(best) = self.best_copy(log, |_| true) else {
            return false;
        };
        let believers = self.callers(node);
        let deposed = Deposed {
            by: log,
            fault,
            cause: LossCause::Promotion,
            believers,
            told_at: Some(self.now.saturating_add(delay)),
        };
        self.depose(log, best, deposed);
        true
    }

    /// Whoever calls a node.
    fn callers(&self, node: u16) -> Vec<(u16, u16)> {
        let links = self.links.iter().filter(|l| !l.removed && l.to == node);
        links.flat_map(|l| self.endpoints(l.from)).collect()
    }

    /// The most advanced copy that serves and has something, of those.
    pub(in crate::sim) fn best_copy(
        &self,
        log: u32,
        of: impl Fn(&Replica) -> bool,
    ) -> Option<(u16, Mark)> {
        let here = &self.logs[log as usize];
        let able = here.replicas.iter().filter(|copy| {
            copy.gets_stream() && self.is_serving(here.node, copy.instance) && of(copy)
        });
        let marks = able.filter_map(|copy| Some((copy.instance, here.held_by(copy, self.now)?)));
        marks.max_by_key(|&(instance, mark)| (mark, std::cmp::Reverse(instance)))
    }

    // Two primaries.

    /// A copy takes over from a primary that lives on: what the copy lacks, and what comes to the old one from now on, is a
    /// log of its own.
    fn depose(&mut self, log: u32, (to, mark): (u16, Mark), deposed: Deposed) {
        let (now, stamp) = (self.now, self.stamp);
        let (node, old) = (
            self.logs[log as usize].node,
            self.logs[log as usize].primary,
        );
        if let Some(before) = self.fork_of(log) {
            let cause = self.logs[before as usize].deposed.as_ref().map(|d| d.cause);
            self.end_split(before, cause.unwrap_or(LossCause::Partition));
        }
        self.logs[log as usize].mark(stamp);
        let (new_spot, old_spot) = (self.spot(node, to), self.spot(node, old));
        let follow_new: Vec<u16> = self.logs[log as usize]
            .replicas
            .iter()
            .map(|copy| copy.instance)
            .filter(|&copy| {
                let here = self.spot(node, copy);
                copy == to
                    || self.parted_by(new_spot, here).is_none()
                    || self.parted_by(old_spot, here).is_some()
            })
            .collect();
        let fork = self.logs[log as usize].fork(mark, |copy| follow_new.contains(&copy.instance));
        self.logs.push(fork);
        let fork = self.logs.len() as u32 - 1;
        if let Some(at) = deposed.told_at {
            self.timer_at(at, Timer::Demote { log: fork });
        }
        self.logs[fork as usize].deposed = Some(deposed);
        self.lead_places_on(log, mark, fork);
        self.tell_of_log(fork);
        let number = mark.sequence;
        self.tell(Fact::Forked { log, number, fork });
        let waiting = self.stop_waiting(log);
        let copy = self.logs[log as usize]
            .replicas
            .iter()
            .find(|copy| copy.instance == to);
        let disk = match self.logs[log as usize].durability.file {
            // With an fsync for each write a copy syncs what it gets.
            Some(file) if file.period_ns().is_none() => mark,
            _ => copy.map_or(Mark::default(), |copy| copy.disk),
        };
        self.reached(log, Holder::Copy(to), number);
        self.reached(log, Holder::CopyDisk(to), disk.sequence);
        self.tell(Fact::Settled(log, Source::Copy(to)));
        let here = &mut self.logs[log as usize];
        here.missed = None;
        here.set_marks(now);
        here.led_by(to, mark, disk, now);
        if let Some(store) = self.store_mut(node) {
            store.primary = to;
            store.deposed = Some((old, fork));
        } else {
            let here = &mut self.nodes[node as usize].instances[old as usize];
            for kept in [&mut here.data_log, &mut here.session_log] {
                if *kept == log {
                    *kept = fork;
                }
            }
        }
        for call in waiting {
            self.wait_for_fsync(call, fork);
        }
        // Writes that wait for a planned failover are connected to nobody: they go to the copy.
        if let Some(planned) = self.end_failover(node, to) {
            self.called_off(node, planned, "a copy took over before it was done");
            self.take_next(node, to);
        }
        self.place_replicas(log);
        self.keep_up(log);
        self.part_copies(fork);
        if self.logs[log as usize].purpose == Purpose::Data {
            let node = self.nodes[node as usize].name.clone();
            self.happen(What::Promoted {
                node,
                instance: u32::from(to) + 1,
                lost_writes: 0,
            });
        }
    }

    /// The log under a primary that another has taken this one over from.
    fn fork_of(&self, log: u32) -> Option<u32> {
        let of = |l: &u32| {
            let other = &self.logs[*l as usize];
            !other.retired
                && other
                    .deposed
                    .as_ref()
                    .is_some_and(|deposed| deposed.by == log)
        };
        (0..self.logs.len() as u32).find(of)
    }

    /// What names writes beyond a mark names them in the fork.
    fn lead_places_on(&mut self, log: u32, mark: Mark, fork: u32) {
        let beyond = |place: &mut Place| {
            if place.log == log && place.sequence > mark.sequence {
                (place.log, place.sequence) = (fork, place.sequence - mark.sequence);
            }
        };
        let calls = self.calls.iter_mut().filter(|c| !c.free);
        calls.filter_map(|c| c.place.as_mut()).for_each(beyond);
        let ops = self.ops.iter_mut().filter_map(|op| op.place.as_mut());
        ops.for_each(beyond);
        let pairs = self.logs.iter_mut().flat_map(|l| l.forward.iter_mut());
        let users = self.users.iter_mut().map(|u| (&mut u.log, &mut u.sequence));
        let before = self
            .sessions_before
            .iter_mut()
            .flat_map(crate::sim::sessions::Before::places);
        let pairs = pairs.map(|(l, sequence)| (l, sequence));
        let pairs = pairs.chain(users).chain(before);
        for (of, sequence) in pairs {
            if *of == log && *sequence > mark.sequence {
                (*of, *sequence) = (fork, *sequence - mark.sequence);
            }
        }
        let space = self.logs[log as usize].space;
        let newest: Vec<_> = self.newest[space as usize].iter().collect();
        let its = newest
            .into_iter()
            .filter(|(_, n)| n.log == log && n.stamp > mark.stamp);
        for key in its.map(|(key, _)| key).collect::<Vec<_>>() {
            self.newest[space as usize].entry(key).log = fork;
        }
    }

    /// Calls that wait for an fsync of a log wait for none any more; gives those.
    fn stop_waiting(&mut self, log: u32) -> Vec<u32> {
        let here = &mut self.logs[log as usize];
        here.fsync_running = None;
        let mut waiting = std::mem::take(&mut here.waiting_now);
        waiting.append(&mut here.waiting_next);
        let still = waiting
            .into_iter()
            .filter(|&(call, token)| self.calls[call as usize].resume == token);
        still.map(|(call, _)| call).collect()
    }

    /// Callers that can be reached again learn who leads.
    fn tell_believers(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        let Some(deposed) = here.deposed.as_ref().filter(|d| d.told_at.is_none()) else {
            return;
        };
        let observer = self.observer_of(here.node);
        let believes = |&(node, instance): &(u16, u16)| {
            self.parted_by(observer, self.spot(node, instance))
                .is_some()
        };
        let left: Vec<(u16, u16)> = deposed.believers.iter().copied().filter(believes).collect();
        if let Some(deposed) = &mut self.logs[log as usize].deposed {
            deposed.believers = left;
        }
    }

    /// An old primary that can be seen again is told.
    pub(in crate::sim) fn heal_split(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        let Some(deposed) = here.deposed.as_ref() else {
            return;
        };
        let is_due = deposed.told_at.is_none_or(|at| at <= self.now);
        let observer = self.observer_of(here.node);
        let old = self.spot(here.node, here.primary);
        // A process that hangs hears nothing.
        let hears = self.is_serving(here.node, here.primary);
        if is_due && hears && self.parted_by(observer, old).is_none() {
            self.end_split(log, deposed.cause);
        }
    }

    /// The delay after a forced failover is over.
    pub(in crate::sim) fn demote(&mut self, log: u32) {
        if self.logs[log as usize].retired {
            return;
        }
        if let Some(deposed) = &mut self.logs[log as usize].deposed {
            // From now on it depends on who can be reached.
            deposed.told_at = None;
        }
        self.tell_believers(log);
        self.heal_split(log);
    }

    /// The fork is lost, and whoever led it follows from now on.
    fn end_split(&mut self, fork: u32, cause: LossCause) {
        let here = &self.logs[fork as usize];
        let (node, old) = (here.node, here.primary);
        let Some(deposed) = here.deposed.clone() else {
            return;
        };
        let lost = self.lose_beyond(
            fork,
            Mark::default(),
            Source::Nothing,
            cause,
            Some(deposed.fault),
        );
        let mut waiting = self.stop_waiting(fork);
        let here = &mut self.logs[fork as usize];
        (here.retired, here.online, here.deposed) = (true, false, None);
        here.replicas.clear();
        let awaiting = std::mem::take(&mut here.awaiting);
        let awaiting = awaiting
            .into_iter()
            .filter(|&(call, token, _)| self.calls[call as usize].resume == token);
        waiting.extend(awaiting.map(|(call, ..)| call));
        for &call in &waiting {
            self.calls[call as usize].resume = 0;
        }
        if let Some(store) = self.store_mut(node) {
            store.deposed = None;
            if self.is_serving(node, old) {
                // Whoever is connected to it is sent away.
                self.cut_off(node, old, Leave::Reset);
            }
        } else {
            let here = &mut self.nodes[node as usize].instances[old as usize];
            for kept in [&mut here.data_log, &mut here.session_log] {
                if *kept == fork {
                    *kept = NONE;
                }
            }
            // What waits has not been acknowledged, and is not any more.
            for &call in &waiting {
                self.reply_failed(call, Cause::Error);
            }
        }
        self.place_replicas(deposed.by);
        let node = self.nodes[node as usize].name.clone();
        self.happen(What::Demoted {
            node,
            instance: u32::from(old) + 1,
            lost_writes: lost,
        });
        self.house_sessions();
    }

    /// An instance that led a fork is gone, and the fork with it.
    pub(in crate::sim) fn forks_gone(&mut self, node: u16, instance: u16, end: End) {
        if end == End::Hang {
            return;
        }
        for log in self.logs_of(node, instance) {
            if let Some(cause) = self.logs[log as usize].deposed.as_ref().map(|d| d.cause) {
                self.end_split(log, cause);
            }
        }
    }

    /// The member of a store that a caller takes for its primary.
    #[cold]
    pub(in crate::sim) fn believed_primary(&self, node: u16, caller: (u16, u16)) -> u16 {
        let Some(store) = self.store(node) else {
            return 0;
        };
        let deposed = store.deposed.and_then(|(old, fork)| {
            let deposed = self.logs[fork as usize].deposed.as_ref()?;
            deposed.believers.contains(&caller).then_some(old)
        });
        deposed.unwrap_or(store.primary)
    }

    // Copies that writes depend on.

    /// Copies of a log that follow their primary.
    fn followers(&self, log: u32) -> u32 {
        let here = &self.logs[log as usize];
        let follows = |copy: &&Replica| {
            copy.gets_stream()
                && copy.synced_at <= self.now
                && self.is_serving(here.node, copy.instance)
        };
        here.replicas.iter().filter(follows).count() as u32
    }

    /// Notes since when fewer copies follow than must.
    pub(in crate::sim) fn note_followers(&mut self, log: u32) {
        let least = self.logs[log as usize].durability.least_copies;
        let short = least > 0 && self.followers(log) < least;
        let now = self.now;
        let here = &mut self.logs[log as usize];
        here.short_since = short.then(|| here.short_since.unwrap_or(now));
    }

    /// Whether a log takes no writes, because too few copies have followed for too long.
    pub(in crate::sim) fn refuses_writes(&mut self, log: u32) -> bool {
        if self.logs[log as usize].durability.least_copies == 0 {
            return false;
        }
        self.note_followers(log);
        let here = &self.logs[log as usize];
        here.short_since
            .is_some_and(|since| since.saturating_add(here.durability.without_ns) <= self.now)
    }

    /// Whether a call's write has to wait for copies; if so, it does.
    pub(in crate::sim) fn waits_for_copies(&mut self, index: u32) -> bool {
        let Some(place) = self.calls[index as usize].place else {
            return false;
        };
        let here = &self.logs[place.log as usize];
        let depends = here.durability.acknowledgements > 0 && !here.retired;
        if !depends || !self.lacks_copies(place.log, place.sequence) {
            return false;
        }
        let due = self.logs[place.log as usize].arrives();
        let token = self.new_token();
        self.calls[index as usize].resume = token;
        let waiting = &mut self.logs[place.log as usize].awaiting;
        waiting.push_back((index, token, place.sequence));
        self.look_at_copies(place.log, due);
        true
    }

    /// How many copies have a write, and say so.
    fn copies_with(&self, log: u32, sequence: u64) -> u32 {
        let here = &self.logs[log as usize];
        let has = |copy: &&Replica| {
            let mark = here.held_by(copy, self.now);
            copy.gets_stream()
                && !copy.cut
                && self.is_serving(here.node, copy.instance)
                && mark.is_some_and(|mark| mark.sequence >= sequence)
        };
        here.replicas.iter().filter(has).count() as u32
    }

    /// Whether too few copies have a write for it to be acknowledged.
    pub(in crate::sim) fn lacks_copies(&self, log: u32, sequence: u64) -> bool {
        self.copies_with(log, sequence) < self.logs[log as usize].durability.acknowledgements
    }

    /// Whoever asked has given up: a call that waits for copies waits no more. Gives whether it did.
    pub(in crate::sim) fn gives_up_on_copies(&mut self, index: u32) -> bool {
        let call = &self.calls[index as usize];
        let Some(place) = call.place.filter(|_| call.resume != 0) else {
            return false;
        };
        let mine = |&(of, token, _): &(u32, u32, u64)| of == index && token == call.resume;
        let waiting = &mut self.logs[place.log as usize].awaiting;
        let at = waiting.iter().position(mine);
        at.is_some_and(|at| waiting.remove(at).is_some())
    }

    /// Looks then whether enough copies have what calls wait for.
    pub(in crate::sim) fn look_at_copies(&mut self, log: u32, at: u64) {
        let here = &self.logs[log as usize];
        if here.durability.acknowledgements > 0 || !here.awaiting.is_empty() {
            self.timer_at(at, Timer::Copied { log });
        }
    }

    /// Copies may have more by now: calls whose writes enough of them have go on.
    pub(in crate::sim) fn copied(&mut self, log: u32) {
        while let Some(&(call, token, sequence)) = self.logs[log as usize].awaiting.front() {
            let waits = self.calls[call as usize].resume == token;
            if waits && self.lacks_copies(log, sequence) {
                return;
            }
            self.logs[log as usize].awaiting.pop_front();
            if waits {
                self.calls[call as usize].resume = 0;
                self.proceed(call);
            }
        }
    }
}
