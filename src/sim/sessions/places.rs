//! Where sessions are kept, and how they follow when the strategy changes.

use crate::model::Sessions;
use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::ids::NONE;
use crate::sim::keeping::durability::durability_of_sessions;
use crate::sim::keeping::filling_takes;
use crate::sim::keeping::ledger::{Place, Purpose};
use crate::sim::keeping::loss::LossCause;
use crate::sim::sessions::User;
use crate::sim::stations::node::Body;
use crate::sim::streams::{Purpose as Draw, below, draw, key_of, purpose_key};

/// Where sessions were before the strategy changed a moment ago, until they are gone from there.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Before {
    until: u64,
    /// In the order of users.
    pub users: Vec<PlacedBefore>,
}

impl Before {
    /// The log and the number of each place.
    pub(in crate::sim) fn places(&mut self) -> impl Iterator<Item = (&mut u32, &mut u64)> {
        self.users.iter_mut().map(|p| (&mut p.log, &mut p.sequence))
    }
}

/// A session's place before, and where it was put instead.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct PlacedBefore {
    user: u32,
    log: u32,
    sequence: u64,
    record: User,
}

/// Whoever is to keep a session is down, or hangs.
pub(in crate::sim) struct NotThere;

/// A change is a second old at least before what it leaves behind is cleared away.
const LEAST_MOVE_NS: u64 = 1_000_000_000;

fn same_strategy(a: &Sessions, b: &Sessions) -> bool {
    match (a, b) {
        (Sessions::ServerSide(a), Sessions::ServerSide(b)) => a.store == b.store,
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

impl Sim {
    /// Users that start with a session get it.
    pub(in crate::sim) fn start_sessions(&mut self) {
        if !self.has_sessions() || self.topology.sessions.are_ignored_by_browsers() {
            return;
        }
        let signed_in: Vec<(u32, u32)> = self
            .nodes
            .iter()
            .filter_map(|n| match &n.body {
                Body::Clients(c) if c.settings.signed_in => Some((c.first_user, c.settings.users)),
                _ => None,
            })
            .collect();
        let capacity = self.session_capacity().unwrap_or(u64::MAX);
        for (first, users) in signed_in {
            for user in first..first + users {
                if self.sessions.initial >= capacity {
                    return;
                }
                let place = self.place_session(user).unwrap_or(None);
                self.users[user as usize] = self.fresh_session(place, 0);
                self.sessions.initial += 1;
            }
        }
    }

    /// How many sessions their store keeps, if that is bounded.
    fn session_capacity(&self) -> Option<u64> {
        match &self.topology.sessions {
            Sessions::ServerSide(settings) => settings.capacity.map(u64::from),
            _ => None,
        }
    }

    /// What is too much for the store of sessions is evicted, but for that which has just come.
    pub(in crate::sim) fn evict_sessions(&mut self, newest: u32) {
        const SAMPLES: usize = 5;
        let Some(capacity) = self.session_capacity() else {
            return;
        };
        let key = purpose_key(key_of(self.seed, "sessions"), Draw::Evict);
        let mut bits = draw(key, self.sessions.created);
        let mut in_vain = 0;
        while self.sessions.in_store() > capacity && in_vain < self.users.len() {
            let mut oldest: Option<(u64, u32)> = None;
            let mut found = 0;
            while found < SAMPLES && in_vain < self.users.len() {
                bits = draw(key, bits);
                let user = below(bits, self.users.len() as u64) as u32;
                self.expire(user);
                let slot = &self.users[user as usize];
                if !slot.live || user == newest {
                    in_vain += 1;
                    continue;
                }
                found += 1;
                // A session that was used later lives longer.
                let candidate = (slot.expires, user);
                oldest = Some(oldest.map_or(candidate, |oldest| oldest.min(candidate)));
            }
            if let Some((_, user)) = oldest {
                self.book_lost_session_of(user);
                self.lose_session(user, LossCause::Eviction, None);
            }
        }
    }

    /// Puts a session where the strategy keeps it, without a request: at the start, or when the strategy changes. `None` if
    /// that is nowhere.
    pub(in crate::sim) fn place_session(&mut self, user: u32) -> Result<Option<Place>, NotThere> {
        let log = match &self.topology.sessions {
            Sessions::None | Sessions::Jwt(_) => None,
            Sessions::ServerSide(s) => {
                let store = self.slot_of(&s.store).and_then(|node| self.store(node));
                store.map(|store| store.log)
            }
            Sessions::InMemory(_) => match self.home_instance(user) {
                Some((_, None)) => return Err(NotThere),
                Some((node, Some(instance))) => Some(self.session_log(node, instance)),
                None => None,
            },
        };
        let Some(log) = log else {
            return Ok(None);
        };
        let from = self.users[user as usize].log;
        let parted = from != NONE && self.way_between(from, log).is_none();
        if parted || !self.logs[log as usize].online {
            return Err(NotThere);
        }
        let place = self.append(log, self.session_bytes());
        self.keep_up(log);
        Ok(Some(place))
    }

    /// The instance that a user belongs to: by its cookie, or else the one that the first request would be sent to. A
    /// service alone if none of its instances serves.
    fn home_instance(&mut self, user: u32) -> Option<(u16, Option<u16>)> {
        let mut at = self.nodes.iter().position(|n| match &n.body {
            Body::Clients(c) => !n.removed && c.has_user(user),
            _ => false,
        })? as u16;
        let bits = draw(
            purpose_key(key_of(self.seed, "sessions"), Draw::Start),
            u64::from(user),
        );
        for _ in 0..self.nodes.len() {
            let link = self.links.iter().position(|l| l.from == at && !l.removed)? as u16;
            at = self.links[link as usize].to;
            let (service, instance) = match self.nodes[at as usize].body {
                Body::Service(_) => (at, self.next_in_turn(link)),
                Body::Balancer(_) => match self.choose_target(at, bits, user, None) {
                    Some(target) => {
                        let target = &self.balancer(at)?.targets[target as usize];
                        (target.node, target.instance)
                    }
                    None => continue,
                },
                Body::Clients(_) | Body::Store(_) => return None,
            };
            if self.is_serving(service, instance) {
                return Some((service, Some(instance)));
            }
            // Nobody has noticed yet that it is dead: whoever serves takes the session instead.
            let serving: Vec<u16> = (0..self.nodes[service as usize].instances.len() as u16)
                .filter(|&i| self.is_serving(service, i))
                .collect();
            let chosen = serving.get(user as usize % serving.len().max(1));
            return Some((service, chosen.copied()));
        }
        None
    }

    /// The strategy has changed while sessions live: the new one takes over what it can. Gives (kept, moved, dropped).
    pub(in crate::sim) fn move_sessions(&mut self, before: &Sessions) -> (u64, u64, u64) {
        // Other settings of the same strategy leave sessions where they are.
        if same_strategy(before, &self.topology.sessions) {
            return (0, 0, 0);
        }
        let here_before = self.sessions_before.take();
        let here_before = here_before.map_or(Vec::new(), |earlier| earlier.users);
        let mut remembered = Vec::new();
        let (mut kept, mut moved, mut dropped) = (0, 0, 0);
        for user in 0..self.users.len() as u32 {
            self.expire(user);
            let now = self.users[user as usize];
            if !now.live {
                continue;
            }
            // It has not gone, since what it was to go to was not there.
            if self.is_kept_as_wanted(&now) {
                kept += 1;
                continue;
            }
            // Called off before it was gone from there: as if it had never been told to go.
            if let Ok(at) = here_before.binary_search_by_key(&user, |b| b.user)
                && (here_before[at].log, here_before[at].sequence) == (now.log, now.sequence)
                && self.still_has(&here_before[at].record)
                && self.is_kept_as_wanted(&here_before[at].record)
            {
                self.return_session(user, here_before[at].record);
                kept += 1;
                continue;
            }
            if self.take_along(user, &mut remembered) {
                moved += 1;
            } else {
                let slot = &mut self.users[user as usize];
                slot.live = false;
                slot.credential = false;
                self.book_lost_session_of(user);
                self.sessions.lost += 1;
                self.sessions.lost_by_cause[LossCause::Change as usize] += 1;
                dropped += 1;
            }
        }
        if let Some(fault) = self.edited {
            self.faults[fault as usize].lost_sessions += dropped;
        }
        self.copy_sessions(remembered);
        (kept, moved, dropped)
    }

    /// Has a live session follow to where the strategy keeps it, at once or as soon as that is there; false if nothing
    /// keeps it.
    pub(in crate::sim) fn take_along(
        &mut self,
        user: u32,
        remembered: &mut Vec<PlacedBefore>,
    ) -> bool {
        let Ok(place) = self.place_session(user) else {
            self.sessions_wait = true;
            return true;
        };
        match self.topology.sessions {
            Sessions::ServerSide(_) | Sessions::InMemory(_) if place.is_none() => return false,
            Sessions::None => return false,
            Sessions::ServerSide(_) | Sessions::InMemory(_) | Sessions::Jwt(_) => {}
        }
        let now = self.users[user as usize];
        self.users[user as usize] = User {
            login: now.login,
            ..self.fresh_session(place, now.session)
        };
        let placed = &self.users[user as usize];
        remembered.push(PlacedBefore {
            user,
            log: placed.log,
            sequence: placed.sequence,
            record: now,
        });
        true
    }

    /// A session is where it was before, from where it had not gone yet.
    pub(in crate::sim) fn return_session(&mut self, user: u32, before: User) {
        let slot = &mut self.users[user as usize];
        *slot = User {
            login: slot.login,
            expires: before.expires.max(slot.expires),
            renewable_until: before.renewable_until.max(slot.renewable_until),
            ..before
        };
    }

    /// Sessions are copied to where they are now, which takes its time: they are where they were as well until then.
    pub(in crate::sim) fn copy_sessions(&mut self, remembered: Vec<PlacedBefore>) {
        if remembered.is_empty() {
            return;
        }
        let bytes = remembered.len() as u64 * self.session_bytes();
        let mut ways: Vec<(u32, u32)> = remembered.iter().map(|b| (b.record.log, b.log)).collect();
        ways.sort_unstable();
        ways.dedup();
        let ways = ways.into_iter().filter(|&(a, b)| a != NONE && b != NONE);
        let slower = ways
            .filter_map(|(from, to)| self.way_between(from, to))
            .fold(1.0, f64::max);
        let took = (filling_takes(bytes) as f64 * slower) as u64;
        let took = took.max(LEAST_MOVE_NS);
        let mut before = self.sessions_before.take().unwrap_or_default();
        before.until = before.until.max(self.now.saturating_add(took));
        // The newest record of a user comes first among its own, and stays.
        before.users.splice(0..0, remembered);
        before.users.sort_by_key(|b| b.user);
        before.users.dedup_by_key(|b| b.user);
        self.sessions_before = Some(before);
        self.timer_after(took, Timer::SessionsMoved);
        if matches!(self.topology.sessions, Sessions::InMemory(_)) {
            // They come all at once: what copies them needs its time.
            let fresh = self
                .logs
                .iter()
                .zip(0..)
                .filter(|(l, _)| l.purpose == Purpose::Sessions && !l.retired && l.last() > 0);
            let fresh: Vec<u32> = fresh.map(|(_, log)| log).collect();
            for log in fresh {
                self.fill_copies(log);
            }
        }
    }

    /// Somebody is there again whom sessions may wait for: they go on to where the strategy keeps them.
    pub(in crate::sim) fn house_sessions(&mut self) {
        if !std::mem::take(&mut self.sessions_wait) {
            return;
        }
        let mut remembered = Vec::new();
        for user in 0..self.users.len() as u32 {
            self.expire(user);
            let slot = &self.users[user as usize];
            if slot.live && !self.is_kept_as_wanted(slot) {
                self.take_along(user, &mut remembered);
            }
        }
        self.copy_sessions(remembered);
    }

    /// Whether a session is where the strategy keeps sessions.
    pub(in crate::sim) fn is_kept_as_wanted(&self, record: &User) -> bool {
        let log = self.logs.get(record.log as usize);
        match &self.topology.sessions {
            Sessions::None => false,
            Sessions::Jwt(_) => log.is_none(),
            Sessions::ServerSide(s) => {
                log.is_some_and(|log| Some(log.node) == self.slot_of(&s.store))
            }
            Sessions::InMemory(_) => log.is_some_and(|log| log.purpose == Purpose::Sessions),
        }
    }

    /// Where a session was before it went to a place that it is lost with now, if it has not gone from there yet.
    pub(in crate::sim) fn kept_before(&self, user: u32) -> Option<User> {
        let before = self.sessions_before.as_ref()?;
        let at = before.users.binary_search_by_key(&user, |b| b.user);
        let (placed, now) = (&before.users[at.ok()?], &self.users[user as usize]);
        let same = (placed.log, placed.sequence) == (now.log, now.sequence);
        let held = match self.logs.get(placed.record.log as usize) {
            Some(log) => !log.retired && !log.is_lost(placed.record.sequence),
            None => true,
        };
        (self.now <= before.until && same && held).then_some(placed.record)
    }

    /// What those that are kept where they were as well have in a log.
    pub(in crate::sim) fn kept_before_in(&self, log: u32) -> impl Iterator<Item = u64> + '_ {
        let users = self.sessions_before.iter().flat_map(|b| &b.users);
        let records = users.map(|placed| placed.record);
        records.filter(move |r| r.log == log).map(|r| r.sequence)
    }

    /// Whether the place that a session had is still there, and has it.
    fn still_has(&self, record: &User) -> bool {
        match self.logs.get(record.log as usize) {
            Some(log) => !log.retired && log.online && !log.is_lost(record.sequence),
            None => record.log == NONE,
        }
    }

    /// Sessions that followed a change of strategy are gone from where they were.
    pub(in crate::sim) fn sessions_moved(&mut self) {
        let now = self.now;
        if self
            .sessions_before
            .as_ref()
            .is_some_and(|b| b.until <= now)
        {
            self.sessions_before = None;
        }
    }

    /// Sessions that live in a log.
    pub(in crate::sim) fn live_sessions_in(&self, log: u32) -> u64 {
        let lives = |u: &&User| u.live && u.log == log && self.now < u.renewable_until;
        self.users.iter().filter(lives).count() as u64
    }

    /// Sessions that live in each log, by log.
    pub(in crate::sim) fn live_sessions_by_log(&self) -> Vec<u64> {
        let mut counts = vec![0; self.logs.len()];
        for user in self
            .users
            .iter()
            .filter(|u| u.live && self.now < u.renewable_until)
        {
            if let Some(count) = counts.get_mut(user.log as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// Live sessions, and those whose time is over though nobody has noticed yet.
    pub(in crate::sim) fn live_and_overdue(&self) -> (u64, u64) {
        let live = self.users.iter().filter(|u| u.live).count() as u64;
        let overdue = self
            .users
            .iter()
            .filter(|u| u.live && self.now >= u.renewable_until)
            .count() as u64;
        (live - overdue, overdue)
    }

    pub(in crate::sim) fn session_log(&mut self, node: u16, instance: u16) -> u32 {
        let existing = self.nodes[node as usize].instances[instance as usize].session_log;
        if existing != NONE {
            return existing;
        }
        let Sessions::InMemory(settings) = &self.topology.sessions else {
            return NONE;
        };
        let durability = durability_of_sessions(settings);
        let log = self.new_log(node, instance, Purpose::Sessions, durability);
        self.nodes[node as usize].instances[instance as usize].session_log = log;
        log
    }

    /// Whether an instance can answer for a session: it holds it, or can fetch it from a copy.
    pub(in crate::sim) fn session_is_here(&self, user: u32, node: u16, instance: u16) -> bool {
        let slot = &self.users[user as usize];
        let Some(log) = self.logs.get(slot.log as usize) else {
            return false;
        };
        if log.node != node {
            return false;
        }
        if log.durability.replicas == 0 {
            return log.primary == instance && log.online;
        }
        if log.online {
            return true;
        }
        // What copies have is known since the primary is gone.
        log.replicas.iter().any(|r| {
            r.mark.is_some_and(|m| slot.sequence <= m.sequence) && self.is_serving(node, r.instance)
        })
    }
}
