//! Sessions: created by logins, checked at the first service behind the clients, lost with what keeps them.

use super::keeping::durability_of_sessions;
use super::keeping::ledger::{Mark, Place, Purpose};
use super::observe::snapshot::Cause;
use super::streams::{Purpose as Draw, draw, key_of, purpose_key};
use crate::model::Sessions;
use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::ids::NONE;
use crate::sim::keeping::loss::LossCause;
use crate::sim::stations::node::Body;
use crate::sim::traffic::call::Verb;

/// A user of a clients node.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sim) struct User {
    /// The client holds a credential it believes in.
    pub credential: bool,
    /// The session lives.
    pub live: bool,
    /// Counts the user's sessions, so that a credential of an earlier one is known by it.
    pub session: u32,
    /// Where the session is kept: log and number in it; log `NONE`: in the token.
    pub log: u32,
    pub sequence: u64,
    pub expires: u64,
    /// End of the time in which a token can be renewed.
    pub renewable_until: u64,
    /// The login under way, or `NONE`.
    pub login: u32,
    /// The fault that its session was lost through.
    pub lost_through: Option<u32>,
}

/// Where sessions were before the strategy changed a moment ago, until they are gone from there.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    until: u64,
    /// In the order of users.
    pub users: Vec<PlacedBefore>,
}

/// A session's place before, and where it was put instead.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlacedBefore {
    user: u32,
    log: u32,
    sequence: u64,
    record: User,
}

/// Whoever is to keep a session is down, or hangs.
struct NotThere;

/// A change is a second old at least before what it leaves behind is cleared away.
const LEAST_MOVE_NS: u64 = 1_000_000_000;

fn same_strategy(a: &Sessions, b: &Sessions) -> bool {
    match (a, b) {
        (Sessions::ServerSide(a), Sessions::ServerSide(b)) => a.store == b.store,
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

impl Sim {
    pub(super) fn has_sessions(&self) -> bool {
        !matches!(self.topology.sessions, Sessions::None)
    }

    /// Bytes of a session record.
    pub(super) fn session_bytes(&self) -> u64 {
        match &self.topology.sessions {
            Sessions::None | Sessions::Jwt(_) => 0,
            Sessions::ServerSide(s) => s.size.0,
            Sessions::InMemory(s) => s.size.0,
        }
    }

    /// Bytes of the credential that goes with each request: a token, or a cookie with a random number.
    pub(super) fn credential_bytes(&self) -> u64 {
        match &self.topology.sessions {
            Sessions::None => 0,
            Sessions::Jwt(jwt) => jwt.token_bytes(),
            Sessions::ServerSide(_) | Sessions::InMemory(_) => 32,
        }
    }

    /// Work on credentials for a request, in nanoseconds.
    pub(super) fn credential_ns(&self, verb: Verb) -> f64 {
        let Sessions::Jwt(jwt) = &self.topology.sessions else {
            return 0.0;
        };
        let (sign, verify) = jwt.algorithm.sign_and_verify_time();
        (if verb == Verb::Login {
            sign.0
        } else {
            verify.0
        }) as f64
    }

    /// Until when a session that is used now lives, and can be renewed.
    fn lifetimes(&self) -> (u64, u64) {
        let end = |d: crate::units::Duration| self.now.saturating_add(d.0);
        match &self.topology.sessions {
            Sessions::None => (u64::MAX, u64::MAX),
            Sessions::Jwt(jwt) => (
                end(jwt.lifetime),
                jwt.refresh.map_or(end(jwt.lifetime), end),
            ),
            Sessions::ServerSide(s) => (end(s.lifetime), end(s.lifetime)),
            Sessions::InMemory(s) => (end(s.lifetime), end(s.lifetime)),
        }
    }

    /// Users that start with a session get it.
    pub(super) fn start_sessions(&mut self) {
        if !self.has_sessions() {
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
        for (first, users) in signed_in {
            for user in first..first + users {
                let place = self.place_session(user).unwrap_or(None);
                self.users[user as usize] = self.fresh_session(place, 0);
                self.sessions.initial += 1;
            }
        }
    }

    fn fresh_session(&self, place: Option<Place>, session: u32) -> User {
        let (expires, renewable_until) = self.lifetimes();
        User {
            credential: true,
            live: true,
            session,
            log: place.map_or(NONE, |p| p.log),
            sequence: place.map_or(0, |p| p.sequence),
            expires,
            renewable_until,
            login: NONE,
            lost_through: None,
        }
    }

    /// Puts a session where the strategy keeps it, without a request: at the start, or when the strategy changes. `None` if
    /// that is nowhere.
    fn place_session(&mut self, user: u32) -> Result<Option<Place>, NotThere> {
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
        if !self.logs[log as usize].online {
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

    /// Sends an operation's first attempt, after a login if its user has no credential.
    pub(super) fn attempt_with_credential(&mut self, op: u32) {
        let user = self.ops[op as usize].user;
        self.expire(user);
        let slot = &self.users[user as usize];
        if slot.credential {
            return self.attempt(op);
        }
        if slot.login == NONE {
            let (client, bits) = (self.ops[op as usize].client, self.ops[op as usize].draw);
            let login = self.open_op(client, draw(bits, 0x6c6f_6769), user, Verb::Login, 0, NONE);
            self.ops[login as usize].forced = true;
            self.users[user as usize].login = login;
            self.ops[login as usize].waiting = op;
            self.attempt(login);
        } else {
            let login = slot.login;
            self.ops[op as usize].next = self.ops[login as usize].waiting;
            self.ops[login as usize].waiting = op;
        }
    }

    /// A login has ended: what waited for it goes on, or fails for the same cause.
    pub(super) fn login_over(&mut self, user: u32, waiting: u32, failed: Option<Cause>) {
        if let Some(slot) = self.users.get_mut(user as usize) {
            slot.login = NONE;
        }
        let mut at = waiting;
        while at != NONE {
            let next = std::mem::replace(&mut self.ops[at as usize].next, NONE);
            match failed {
                None => self.attempt(at),
                Some(cause) => self.fail(at, cause),
            }
            at = next;
        }
    }

    /// Ends the session if its time is over. To be called before anything else is made of it: nobody looks at a session
    /// just because its time is over, and what has expired cannot be lost, used or taken along any more.
    fn expire(&mut self, user: u32) {
        let now = self.now;
        let Some(slot) = self.users.get_mut(user as usize) else {
            return;
        };
        if slot.live && now >= slot.renewable_until {
            slot.live = false;
            slot.credential = false;
            self.sessions.expired += 1;
        }
    }

    /// At the first service: whether the credential is accepted as far as the instance itself can tell. Sessions in a
    /// store are looked up later.
    pub(super) fn credential_accepted_here(&mut self, index: u32) -> bool {
        let call = &self.calls[index as usize];
        if !self.has_sessions() || call.verb == Verb::Login {
            return true;
        }
        let (user, op, node, instance) = (
            self.ops[call.op as usize].user,
            call.op,
            call.node,
            call.instance,
        );
        let credential = call.credential;
        self.expire(user);
        let lives = self.is_live(user, credential);
        match self.topology.sessions {
            Sessions::None | Sessions::ServerSide(_) => return true,
            Sessions::Jwt(_) if lives => {
                self.renew(user);
                return true;
            }
            Sessions::InMemory(_) if lives && self.session_is_here(user, node, instance) => {
                self.renew(user);
                return true;
            }
            Sessions::Jwt(_) | Sessions::InMemory(_) => {}
        }
        self.unauthorized(user, credential, op);
        false
    }

    /// After a lookup in the store: whether the session was found.
    pub(super) fn session_found(&mut self, index: u32) -> bool {
        let call = &self.calls[index as usize];
        if call.verb == Verb::Login || !matches!(self.topology.sessions, Sessions::ServerSide(_)) {
            return true;
        }
        let (user, op, credential) = (self.ops[call.op as usize].user, call.op, call.credential);
        self.expire(user);
        if self.is_live(user, credential) {
            self.renew(user);
            return true;
        }
        self.unauthorized(user, credential, op);
        false
    }

    /// Whether a credential is of a session that lives.
    fn is_live(&self, user: u32, credential: u32) -> bool {
        let slot = &self.users[user as usize];
        slot.live && slot.session == credential
    }

    fn renew(&mut self, user: u32) {
        let (expires, renewable_until) = self.lifetimes();
        let is_token = matches!(self.topology.sessions, Sessions::Jwt(_));
        let slot = &mut self.users[user as usize];
        // A token is exchanged only when it is over; a session lives on with each use.
        if !is_token {
            slot.expires = expires;
            slot.renewable_until = renewable_until;
        } else if self.now >= slot.expires {
            slot.expires = expires;
        }
    }

    /// Whether an instance can answer for a session: it holds it, or can fetch it from a copy.
    fn session_is_here(&self, user: u32, node: u16, instance: u16) -> bool {
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

    /// A credential was answered 401: whoever believed in it must log in again.
    fn unauthorized(&mut self, user: u32, credential: u32, op: u32) {
        let slot = &mut self.users[user as usize];
        if slot.session != credential {
            // Of a session that has ended: its user has another by now, which that is nothing to.
            return;
        }
        slot.credential = false;
        let was_live = std::mem::replace(&mut slot.live, false);
        let through = slot.lost_through;
        if was_live {
            let log = slot.log;
            self.sessions.lost += 1;
            self.sessions.lost_by_cause[LossCause::Misrouted as usize] += 1;
            if let Some(log) = self.logs.get(log as usize) {
                let (node, instance) = (log.node as usize, log.primary as usize);
                self.nodes[node].lost_sessions += 1;
                let led_away = self.nodes.iter().find_map(|n| match &n.body {
                    Body::Balancer(balancer) => balancer.led_away.get(&user).copied(),
                    _ => None,
                });
                let met = self.ops[op as usize].met.or(led_away);
                let instances = &mut self.nodes[node].instances;
                let fault = instances[instance].fault.or(met);
                // What a fault cost is told beside the instance that it struck.
                let struck = instances
                    .iter()
                    .position(|i| fault.is_some() && i.fault == fault);
                instances[struck.unwrap_or(instance)].lost_sessions += 1;
                if let Some(fault) = fault {
                    self.faults[fault as usize].lost_sessions += 1;
                    self.op_meets(op, fault);
                }
            }
        }
        if let Some(fault) = through {
            self.op_meets(op, fault);
        }
    }

    /// A login creates a session in the instance's memory.
    pub(super) fn create_session_here(&mut self, index: u32) -> Option<Place> {
        let call = &self.calls[index as usize];
        let (node, instance) = (call.node, call.instance);
        let log = self.session_log(node, instance);
        Some(self.append(log, self.session_bytes()))
    }

    /// The login's answer has reached the client.
    pub(super) fn logged_in(&mut self, user: u32, place: Option<Place>) {
        if !self.has_sessions() {
            return;
        }
        self.expire(user);
        let kept_elsewhere = !matches!(self.topology.sessions, Sessions::Jwt(_));
        // The strategy may have changed since the login was worked on.
        let place = place.filter(|p| !self.logs[p.log as usize].retired);
        let mut waits = false;
        let place = if kept_elsewhere && place.is_none() {
            let placed = self.place_session(user);
            waits = placed.is_err();
            placed.unwrap_or(None)
        } else {
            place
        };
        let before = self.users[user as usize];
        // A token that is valid stays so beside a newer one; a session that is kept somewhere ends with the next.
        let both = before.live && !kept_elsewhere;
        let session = before.session.wrapping_add(u32::from(!both));
        let mut fresh = self.fresh_session(place, session);
        fresh.login = before.login;
        if before.live {
            // Signing in again ends the session before.
            self.sessions.logged_out += 1;
        }
        self.sessions.created += 1;
        self.users[user as usize] = fresh;
        let Some(place) = place else {
            if waits {
                self.sessions_wait = true;
            } else if kept_elsewhere {
                self.lose_session(user, LossCause::Change, None);
            }
            return;
        };
        let log = &self.logs[place.log as usize];
        if let Some(lost) = log.lost(place.sequence) {
            // It died with its instance before the answer arrived.
            let (node, instance) = (log.node as usize, log.primary as usize);
            self.lose_session(user, lost.cause, lost.fault);
            self.nodes[node].lost_sessions += 1;
            self.nodes[node].instances[instance].lost_sessions += 1;
        } else if !self.is_kept_as_wanted(&self.users[user as usize]) {
            // The strategy has changed since the login was worked on: the session follows those there were.
            let mut remembered = Vec::new();
            if self.take_along(user, &mut remembered) {
                self.copy_sessions(remembered);
            } else {
                self.lose_session(user, LossCause::Change, None);
            }
        }
    }

    /// One user's session is lost.
    fn lose_session(&mut self, user: u32, cause: LossCause, fault: Option<u32>) {
        let slot = &mut self.users[user as usize];
        slot.live = false;
        slot.lost_through = fault;
        self.sessions.lost += 1;
        self.sessions.lost_by_cause[cause as usize] += 1;
        if let Some(fault) = fault {
            self.faults[fault as usize].lost_sessions += 1;
        }
    }

    pub(super) fn logged_out(&mut self, user: u32) {
        self.expire(user);
        if let Some(slot) = self.users.get_mut(user as usize)
            && slot.live
        {
            slot.live = false;
            slot.credential = false;
            self.sessions.logged_out += 1;
        } else if let Some(slot) = self.users.get_mut(user as usize) {
            slot.credential = false;
        }
    }

    /// Sessions beyond a mark of a log are gone; gives how many.
    pub(super) fn lose_sessions(
        &mut self,
        log: u32,
        mark: Mark,
        cause: LossCause,
        fault: Option<u32>,
    ) -> u64 {
        let mut lost = 0;
        for user in 0..self.users.len() as u32 {
            let slot = &self.users[user as usize];
            if slot.log != log || slot.sequence <= mark.sequence {
                continue;
            }
            self.expire(user);
            if !self.users[user as usize].live {
                continue;
            }
            if let Some(before) = self.kept_before(user) {
                self.return_session(user, before);
                self.sessions_wait = true;
                continue;
            }
            let slot = &mut self.users[user as usize];
            slot.live = false;
            slot.lost_through = fault;
            lost += 1;
        }
        self.sessions.lost += lost;
        self.sessions.lost_by_cause[cause as usize] += lost;
        lost
    }

    /// Books a session at the node that kept it; what the client alone held is lost at the clients.
    fn book_lost_session_of(&mut self, user: u32) {
        let log = self.users[user as usize].log;
        let node = match self.logs.get(log as usize) {
            Some(log) => Some(log.node as usize),
            None => self.nodes.iter().position(|n| match &n.body {
                Body::Clients(c) => c.has_user(user),
                _ => false,
            }),
        };
        if let Some(node) = node {
            self.nodes[node].lost_sessions += 1;
        }
    }

    /// Every token becomes invalid.
    pub(super) fn replace_signing_key(&mut self, fault: Option<u32>) {
        if !matches!(self.topology.sessions, Sessions::Jwt(_)) {
            return;
        }
        let mut lost = 0;
        for user in 0..self.users.len() as u32 {
            self.expire(user);
            let slot = &mut self.users[user as usize];
            if slot.live {
                slot.live = false;
                slot.lost_through = fault;
                self.book_lost_session_of(user);
                lost += 1;
            }
        }
        self.sessions.lost += lost;
        self.sessions.lost_by_cause[LossCause::SigningKey as usize] += lost;
        if let Some(fault) = fault {
            self.faults[fault as usize].lost_sessions += lost;
        }
    }

    /// The strategy has changed while sessions live: the new one takes over what it can. Gives (kept, moved, dropped).
    pub(super) fn move_sessions(&mut self, before: &Sessions) -> (u64, u64, u64) {
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
    fn take_along(&mut self, user: u32, remembered: &mut Vec<PlacedBefore>) -> bool {
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
    fn return_session(&mut self, user: u32, before: User) {
        let slot = &mut self.users[user as usize];
        *slot = User {
            login: slot.login,
            expires: before.expires.max(slot.expires),
            renewable_until: before.renewable_until.max(slot.renewable_until),
            ..before
        };
    }

    /// Sessions are copied to where they are now, which takes its time: they are where they were as well until then.
    fn copy_sessions(&mut self, remembered: Vec<PlacedBefore>) {
        if remembered.is_empty() {
            return;
        }
        let bytes = remembered.len() as u64 * self.session_bytes();
        let took = (bytes as f64 / super::keeping::COPY_BYTES_PER_S * 1e9) as u64;
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
    pub(super) fn house_sessions(&mut self) {
        if !std::mem::take(&mut self.sessions_wait) {
            return;
        }
        let mut remembered = Vec::new();
        for user in 0..self.users.len() as u32 {
            let slot = &self.users[user as usize];
            if slot.live && !self.is_kept_as_wanted(slot) {
                self.take_along(user, &mut remembered);
            }
        }
        self.copy_sessions(remembered);
    }

    /// Whether a session is where the strategy keeps sessions.
    fn is_kept_as_wanted(&self, record: &User) -> bool {
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
    fn kept_before(&self, user: u32) -> Option<User> {
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
    pub(super) fn kept_before_in(&self, log: u32) -> impl Iterator<Item = u64> + '_ {
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
    pub(super) fn sessions_moved(&mut self) {
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
    pub(super) fn live_sessions_in(&self, log: u32) -> u64 {
        let lives = |u: &&User| u.live && u.log == log && self.now < u.renewable_until;
        self.users.iter().filter(lives).count() as u64
    }

    /// Sessions that live in each log, by log.
    pub(super) fn live_sessions_by_log(&self) -> Vec<u64> {
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
    pub(super) fn live_and_overdue(&self) -> (u64, u64) {
        let live = self.users.iter().filter(|u| u.live).count() as u64;
        let overdue = self
            .users
            .iter()
            .filter(|u| u.live && self.now >= u.renewable_until)
            .count() as u64;
        (live - overdue, overdue)
    }

    pub(super) fn session_log(&mut self, node: u16, instance: u16) -> u32 {
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
}
