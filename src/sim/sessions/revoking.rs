//! Revocation: whose credential ends before its time, when each instance learns of it, and who is let in until then.
//!
//! Exposure is from a revocation until an instance refuses the credential, or until that expires; its mean is over the
//! instances that serve when it is revoked. Where no instance will ever learn of it, and where all do at once, it is known
//! then and there. A denylist is fetched by each instance at times of its own: what has been revoked since the last time is
//! booked with the next.

use std::collections::VecDeque;

use crate::model::{Node, Sessions, Topology, check};
use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::streams::{Exponential, Purpose as Draw, below, draw, purpose_key, unit};
use crate::sim::traffic::call::Verb;

/// So many of the credentials that were revoked last are in the hands of thieves.
const STOLEN_MAX: usize = 1024;
/// A session that lives is looked for so often at random before all are counted.
const TRIES: u64 = 32;

/// A credential that has been revoked.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Revoked {
    at: u64,
    expires: u64,
    user: u32,
    session: u32,
}

impl Revoked {
    /// How long it is accepted by an instance that refuses it from `until` on.
    fn exposed_until(&self, until: u64) -> u64 {
        until.min(self.expires).saturating_sub(self.at)
    }
}

/// An instance's copy of the denylist.
#[derive(Clone, Copy, Debug)]
struct ListCopy {
    node: u16,
    instance: u16,
    /// The life of the instance that has it.
    life: u32,
    /// Of the timer that is due; another means nothing any more.
    token: u32,
    since: u64,
    /// Everything that was revoked up to then is in it.
    upto: u64,
}

impl ListCopy {
    /// What was revoked up to then needs no booking for it: it has it, or did not serve yet.
    fn known(&self) -> u64 {
        self.upto.max(self.since)
    }
}

/// What an instance has looked up in the store of sessions, by user: which session it was, and until when it is believed.
#[derive(Clone, Debug)]
struct LookedUp {
    node: u16,
    instance: u16,
    life: u32,
    sessions: Vec<(u32, u64)>,
}

#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Revoking {
    /// Revoked, and not in every copy of the denylist yet; in order of time.
    open: VecDeque<Revoked>,
    copies: Vec<ListCopy>,
    looked_up: Vec<LookedUp>,
    /// What thieves have, numbered from 1, and how many before these have been thrown away.
    stolen: VecDeque<Revoked>,
    dropped: u32,
    thieves: bool,
    exposed_ns: u128,
    exposures: u64,
    /// Requests of thieves that were let in.
    pub accepted: u64,
}

impl Revoking {
    fn book(&mut self, exposed_ns: u64) {
        self.exposed_ns += u128::from(exposed_ns);
        self.exposures += 1;
    }

    /// Books what a copy has not had so far, of what was revoked up to `upto` while its instance served.
    fn learn(&mut self, at: usize, upto: u64, now: u64) {
        let copy = self.copies[at];
        self.copies[at].upto = copy.upto.max(upto);
        let from = self.open.partition_point(|r| r.at <= copy.known());
        let to = self.open.partition_point(|r| r.at <= upto);
        for index in from..to {
            self.book(self.open[index].exposed_until(now));
        }
        self.forget_known();
    }

    /// What every copy has needs no booking any more.
    fn forget_known(&mut self) {
        let known = self.copies.iter().map(ListCopy::known);
        let known = known.min().unwrap_or(u64::MAX);
        while self.open.front().is_some_and(|r| r.at <= known) {
            self.open.pop_front();
        }
    }

    /// What has expired before every copy had it is accepted by nobody any more.
    fn expire(&mut self, now: u64) {
        while let Some(&first) = self.open.front().filter(|r| r.expires <= now) {
            self.open.pop_front();
            let lacks = |copy: &&ListCopy| copy.known() < first.at;
            let lacking = self.copies.iter().filter(lacks).count();
            for _ in 0..lacking {
                self.book(first.exposed_until(now));
            }
        }
    }

    fn keep_stolen(&mut self, revoked: Revoked) {
        self.stolen.push_back(revoked);
        if self.stolen.len() > STOLEN_MAX {
            self.drop_oldest_stolen();
        }
    }

    fn drop_oldest_stolen(&mut self) {
        self.stolen.pop_front();
        self.dropped = self.dropped.wrapping_add(1);
    }

    fn theft(&self, number: u32) -> Option<&Revoked> {
        let place = number.wrapping_sub(self.dropped).checked_sub(1)?;
        self.stolen.get(place as usize)
    }

    /// No credential of before is good any more, or none is refused before it expires (`until`: the end of time).
    pub fn end_all(&mut self, until: u64) {
        for at in 0..self.copies.len() {
            let from = self
                .open
                .partition_point(|r| r.at <= self.copies[at].known());
            for index in from..self.open.len() {
                self.book(self.open[index].exposed_until(until));
            }
        }
        self.open.clear();
    }

    /// Credentials that expire at `last` or before are accepted by nobody from now on.
    pub fn expire_until(&mut self, last: u64, now: u64) {
        let all = self.open.iter_mut().chain(&mut self.stolen);
        for revoked in all.filter(|revoked| revoked.expires <= last) {
            revoked.expires = revoked.expires.min(now);
        }
    }

    /// What thieves have is of no use any more.
    pub fn forget_stolen(&mut self) {
        while !self.stolen.is_empty() {
            self.drop_oldest_stolen();
        }
    }

    /// What cannot be so, if anything is.
    pub fn contradiction(&self, now: u64) -> Option<&'static str> {
        if !self.open.iter().is_sorted_by_key(|revoked| revoked.at) {
            Some("revocations are not in the order of time")
        } else if self.copies.iter().any(|copy| copy.known() > now) {
            Some("a copy of the denylist has what has not been revoked yet")
        } else if self.stolen.len() > STOLEN_MAX {
            Some("thieves have more than they can have")
        } else {
            None
        }
    }

    /// Mean exposure in seconds, what still lasts counted up to now; `None` without any.
    pub fn mean_exposure(&self, now: u64) -> Option<f64> {
        let lasting = self.copies.iter().flat_map(|copy| {
            let from = self.open.partition_point(|r| r.at <= copy.known());
            self.open.iter().skip(from)
        });
        let (sum, n) = lasting.fold((self.exposed_ns, self.exposures), |(sum, n), revoked| {
            (sum + u128::from(revoked.exposed_until(now)), n + 1)
        });
        (n > 0).then(|| sum as f64 / 1e9 / n as f64)
    }

    pub fn bytes(&self) -> usize {
        use crate::sim::room::room;
        let looked_up = self.looked_up.iter();
        room::<Revoked>(self.open.len() + self.stolen.len())
            + room::<ListCopy>(self.copies.len())
            + room::<LookedUp>(self.looked_up.len())
            + looked_up
                .map(|l| room::<(u32, u64)>(l.sessions.len()))
                .sum::<usize>()
    }
}

/// When the sessions of a clients node are revoked.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct RevocationDraws {
    key: u64,
    stolen_key: u64,
    drawn: u64,
    /// Of the timer that is due; another means nothing any more.
    token: u32,
}

impl RevocationDraws {
    /// Whose draws follow from this key.
    pub fn new(key: u64) -> Self {
        Self {
            key: purpose_key(key, Draw::Revocation),
            stolen_key: purpose_key(key, Draw::Stolen),
            drawn: 0,
            token: 0,
        }
    }
}

impl Sim {
    /// Has revocations and denylists follow an edit, or begin.
    pub(in crate::sim) fn tend_revocations(&mut self, before: &Topology) {
        let topology = &self.topology;
        let of = |topology: &Topology, name: &str| match topology.nodes.get(name) {
            Some(Node::Clients(clients)) => Some((clients.revocations, clients.stolen)),
            _ => None,
        };
        let names = topology.nodes.keys();
        let changed: Vec<String> = names
            .filter(|name| {
                let rate = |topology| of(topology, name).map_or(0.0, |(rate, _)| rate.0);
                rate(topology) != rate(before)
            })
            .cloned()
            .collect();
        let settings = topology.nodes.keys().filter_map(|name| of(topology, name));
        self.revoking.thieves = settings.into_iter().any(|(_, stolen)| stolen.0 > 0.0);
        for name in changed {
            if let Some(node) = self.slot_of(&name) {
                self.plan_revocation(node);
            }
        }
        let kind = std::mem::discriminant::<Sessions>;
        if kind(&before.sessions) != kind(&self.topology.sessions) {
            self.revoking.forget_stolen();
        }
        self.tend_denylists();
        let poll = |topology: &Topology| topology.sessions.denylist().map(|list| list.poll);
        if poll(before) != poll(&self.topology) {
            (0..self.revoking.copies.len()).for_each(|at| self.plan_poll(at));
        }
        let caches =
            matches!(&self.topology.sessions, Sessions::ServerSide(s) if s.cache.is_some());
        if !caches {
            self.revoking.looked_up.clear();
        }
    }

    /// The next session of some clients is revoked after an exponential time.
    fn plan_revocation(&mut self, node: u16) {
        let token = self.new_token();
        let Some(clients) = self.clients(node) else {
            return;
        };
        let rate = clients.settings.revocations.0;
        clients.revocations.token = token;
        if rate <= 0.0 {
            return;
        }
        clients.revocations.drawn += 1;
        let bits = draw(clients.revocations.key, clients.revocations.drawn);
        let gap = Exponential::default().sample(bits) * 1e9 / rate;
        self.timer_after(gap.min(1e18) as u64, Timer::Revocation { node, token });
    }

    pub(in crate::sim) fn revocation_due(&mut self, node: u16, token: u32) {
        let removed = self.nodes[node as usize].removed;
        let Some(clients) = self.clients(node) else {
            return;
        };
        if removed || clients.revocations.token != token {
            return;
        }
        let bits = draw(clients.revocations.key, !clients.revocations.drawn);
        if self.has_sessions()
            && let Some(user) = self.some_live_user(node, bits)
        {
            self.revoke(user);
        }
        self.plan_revocation(node);
    }

    /// A user whose session lives, each as likely.
    fn some_live_user(&mut self, node: u16, bits: u64) -> Option<u32> {
        let users = self.clients(node)?.settings.users;
        for nth in 0..TRIES {
            let number = below(draw(bits, nth), u64::from(users)) as u32;
            let user = self.clients(node)?.place_of_user(number);
            self.expire(user);
            if self.users.get(user as usize)?.live {
                return Some(user);
            }
        }
        let all: Vec<u32> = (0..users)
            .filter_map(|number| Some(self.clients(node)?.place_of_user(number)))
            .collect();
        all.iter().for_each(|&user| self.expire(user));
        let live = |user: &&u32| self.users[**user as usize].live;
        let n = all.iter().filter(live).count() as u64;
        let nth = below(draw(bits, TRIES), n.max(1)) as usize;
        all.iter().filter(live).nth(nth).copied()
    }

    /// A live session ends, and its user knows.
    fn revoke(&mut self, user: u32) {
        self.credential_revoked(user);
        let slot = &mut self.users[user as usize];
        slot.live = false;
        slot.credential = false;
        self.sessions.revoked += 1;
    }

    /// From now on nobody should accept the credential of a session that still lives: books how long instances will.
    pub(super) fn credential_revoked(&mut self, user: u32) {
        let (now, slot) = (self.now, &self.users[user as usize]);
        let revoked = Revoked {
            at: now,
            expires: slot.expires,
            user,
            session: slot.session,
        };
        if self.revoking.thieves {
            self.revoking.keep_stolen(revoked);
        }
        if self.topology.sessions.denylist().is_some() {
            self.revoking.expire(now);
            self.revoking.open.push_back(revoked);
            return;
        }
        for (node, instance) in self.checking_instances() {
            let accepts = match &self.topology.sessions {
                Sessions::Jwt(_) if !self.topology.sessions.asks_store() => revoked.expires,
                _ => {
                    let believed = self.believed_until(user, revoked.session, node, instance);
                    believed.unwrap_or(now)
                }
            };
            self.revoking.book(accepts.saturating_sub(now));
        }
    }

    /// The instances that check credentials and serve.
    fn checking_instances(&self) -> Vec<(u16, u16)> {
        let first = check::first_services(&self.topology);
        let slots = first.into_iter().filter_map(|name| self.slot_of(name));
        slots
            .flat_map(|node| {
                let instances = self.nodes[node as usize].instances.iter();
                (0..)
                    .zip(instances)
                    .filter(|(_, here)| here.status.serves())
                    .map(move |(instance, _)| (node, instance))
            })
            .collect()
    }

    /// Whether a request is one of a thief's; then it has its credential.
    pub(super) fn is_stolen(&mut self, op: u32) -> bool {
        if !self.revoking.thieves || self.revoking.stolen.is_empty() {
            return false;
        }
        let (client, verb, bits) = {
            let op = &self.ops[op as usize];
            (op.client, op.verb, op.draw)
        };
        let Some(clients) = self.clients(client) else {
            return false;
        };
        let (share, bits) = (
            clients.settings.stolen.0,
            draw(clients.revocations.stolen_key, bits),
        );
        if !matches!(verb, Verb::Read | Verb::Write) || unit(bits) >= share {
            return false;
        }
        let (now, revoking) = (self.now, &mut self.revoking);
        while revoking.stolen.front().is_some_and(|r| r.expires <= now) {
            revoking.drop_oldest_stolen();
        }
        let n = revoking.stolen.len();
        let at = below(draw(bits, 1), n.max(1) as u64) as usize;
        // Instead of one that has expired, the next that has not.
        let good = |place: &usize| revoking.stolen[*place].expires > now;
        let Some(place) = (0..n).map(|k| (at + k) % n).find(good) else {
            return false;
        };
        let number = revoking.dropped.wrapping_add(place as u32 + 1);
        self.ops[op as usize].stolen = number;
        true
    }

    /// Whether an instance lets a thief's request in, as far as it can tell without asking anybody.
    pub(super) fn accepts_stolen(&mut self, number: u32, node: u16, instance: u16) -> bool {
        let Some(&stolen) = self.revoking.theft(number) else {
            return false;
        };
        let accepts = match &self.topology.sessions {
            Sessions::Jwt(_) => {
                let listed = self.topology.sessions.denylist().is_some()
                    && self.copy_of(node, instance).is_some_and(|at| {
                        let copy = self.revoking.copies[at];
                        stolen.at <= copy.upto
                    });
                self.now < stolen.expires && !listed
            }
            // It is looked up.
            Sessions::ServerSide(_) => true,
            Sessions::None | Sessions::InMemory(_) => false,
        };
        // Whoever is asked knows.
        self.revoking.accepted += u64::from(accepts && !self.topology.sessions.asks_store());
        accepts
    }

    fn copy_of(&self, node: u16, instance: u16) -> Option<usize> {
        let copies = &self.revoking.copies;
        copies
            .iter()
            .position(|copy| (copy.node, copy.instance) == (node, instance))
    }

    /// Every instance that checks credentials has a copy of the denylist, if there is one: whoever has none fetches it.
    pub(in crate::sim) fn tend_denylists(&mut self) {
        if self.topology.sessions.denylist().is_none() {
            let refused = match &self.topology.sessions {
                Sessions::Jwt(_) if !self.topology.sessions.asks_store() => u64::MAX,
                _ => self.now,
            };
            self.revoking.end_all(refused);
            self.revoking.copies.clear();
            return;
        }
        for (node, instance) in self.checking_instances() {
            let life = self.nodes[node as usize].instances[instance as usize].life;
            let old = self.copy_of(node, instance);
            if old.is_some_and(|at| self.revoking.copies[at].life == life) {
                continue;
            }
            let fresh = ListCopy {
                node,
                instance,
                life,
                token: 0,
                since: self.now,
                upto: 0,
            };
            let at = old.unwrap_or_else(|| {
                self.revoking.copies.push(fresh);
                self.revoking.copies.len() - 1
            });
            self.revoking.copies[at] = fresh;
            self.fetch_denylist(at);
            self.plan_poll(at);
        }
    }

    /// Polls begin, at a phase of the instance's own.
    fn plan_poll(&mut self, at: usize) {
        let ListCopy {
            node,
            instance,
            life,
            ..
        } = self.revoking.copies[at];
        let key = purpose_key(self.nodes[node as usize].key, Draw::Poll);
        let phase = unit(draw(key, u64::from(instance) << 32 | u64::from(life)));
        let poll = self
            .topology
            .sessions
            .denylist()
            .map_or(0, |list| list.poll.0);
        self.poll_after(at, (phase * poll as f64) as u64);
    }

    fn poll_after(&mut self, at: usize, ns: u64) {
        let token = self.new_token();
        let copy = &mut self.revoking.copies[at];
        copy.token = token;
        let (node, instance) = (copy.node, copy.instance);
        self.timer_after(
            ns,
            Timer::Poll {
                node,
                instance,
                token,
            },
        );
    }

    /// An instance fetches the denylist, and will again.
    pub(in crate::sim) fn poll_denylist(&mut self, node: u16, instance: u16, token: u32) {
        let Some(at) = self.copy_of(node, instance) else {
            return;
        };
        let copy = self.revoking.copies[at];
        if copy.token != token {
            return;
        }
        let here = &self.nodes[node as usize].instances[instance as usize];
        let poll = self.topology.sessions.denylist().map(|list| list.poll.0);
        let (Some(poll), true) = (poll, here.life == copy.life) else {
            // What it had not learnt when it died is nobody's exposure any more.
            self.revoking.copies.swap_remove(at);
            return self.revoking.forget_known();
        };
        if here.status.serves() {
            self.fetch_denylist(at);
        }
        self.poll_after(at, poll);
    }

    fn fetch_denylist(&mut self, at: usize) {
        let Some(list) = self.topology.sessions.denylist() else {
            return;
        };
        let upto = self.now.saturating_sub(list.delay.0);
        let ListCopy { node, instance, .. } = self.revoking.copies[at];
        if let Some(store) = self.slot_of(&list.store)
            && self.reaches_store(node, instance, store)
        {
            self.revoking.learn(at, upto, self.now);
        }
    }

    /// Whether an instance gets an answer from a store now.
    fn reaches_store(&self, node: u16, instance: u16, store: u16) -> bool {
        let Some(body) = self.store(store) else {
            return false;
        };
        let (here, there) = (self.spot(node, instance), self.spot(store, body.primary));
        self.is_serving(store, body.primary)
            && (self.network.is_plain() || self.parted_by(here, there).is_none())
    }

    /// Whether the instance a request is at has looked its session up a moment ago and believes it still; a thief's counts as
    /// accepted then.
    pub(in crate::sim) fn is_believed(&mut self, index: u32) -> bool {
        if !matches!(&self.topology.sessions, Sessions::ServerSide(s) if s.cache.is_some()) {
            return false;
        }
        let call = &self.calls[index as usize];
        if call.verb == Verb::Login {
            return false;
        }
        let (node, instance, op) = (call.node, call.instance, &self.ops[call.op as usize]);
        let (user, session) = match self.revoking.theft(op.stolen) {
            Some(stolen) => (stolen.user, stolen.session),
            None => (op.user, call.credential),
        };
        let (stolen, believed) = (
            op.stolen != 0,
            self.believed_until(user, session, node, instance).is_some(),
        );
        self.revoking.accepted += u64::from(stolen && believed);
        believed
    }

    /// What an instance has just looked up it believes for a while.
    pub(super) fn believe(&mut self, user: u32, session: u32, node: u16, instance: u16) {
        let Sessions::ServerSide(settings) = &self.topology.sessions else {
            return;
        };
        let Some(cache) = settings.cache else {
            return;
        };
        let until = self.now.saturating_add(cache.0);
        let life = self.nodes[node as usize].instances[instance as usize].life;
        let users = self.users.len();
        let caches = &mut self.revoking.looked_up;
        let mine = |l: &LookedUp| (l.node, l.instance) == (node, instance);
        let at = caches.iter().position(mine).unwrap_or_else(|| {
            caches.push(LookedUp {
                node,
                instance,
                life,
                sessions: Vec::new(),
            });
            caches.len() - 1
        });
        let cache = &mut caches[at];
        if cache.life != life {
            cache.life = life;
            cache.sessions.clear();
        }
        cache.sessions.resize(users, (0, 0));
        cache.sessions[user as usize] = (session, until);
    }

    /// Until when an instance believes that a session lives, if it has looked it up lately.
    fn believed_until(&self, user: u32, session: u32, node: u16, instance: u16) -> Option<u64> {
        let mine = |l: &&LookedUp| (l.node, l.instance) == (node, instance);
        let cache = self.revoking.looked_up.iter().find(mine)?;
        let life = self.nodes[node as usize].instances[instance as usize].life;
        let &(known, until) = cache.sessions.get(user as usize)?;
        let good = cache.life == life && known == session && until > self.now;
        good.then_some(until)
    }
}
