//! Sessions: created by logins, checked at the first service behind the clients, lost with what keeps them.

mod places;
mod revoking;

use crate::model::Sessions;
use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::ids::NONE;
use crate::sim::keeping::ledger::{Mark, Place};
use crate::sim::keeping::loss::LossCause;
use crate::sim::observe::snapshot::Cause;
use crate::sim::stations::node::Body;
use crate::sim::streams::draw;
use crate::sim::traffic::call::{NO_SESSION, Verb};
use crate::sim::traffic::operation::{End, Wanted};
pub(in crate::sim) use places::{Before, PlacedBefore};
pub(in crate::sim) use revoking::{RevocationDraws, Revoking};

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

impl Sim {
    pub(in crate::sim) fn has_sessions(&self) -> bool {
        !matches!(self.topology.sessions, Sessions::None)
    }

    /// Bytes of a session record.
    pub(in crate::sim) fn session_bytes(&self) -> u64 {
        match &self.topology.sessions {
            Sessions::None | Sessions::Jwt(_) => 0,
            Sessions::ServerSide(s) => s.size.0,
            Sessions::InMemory(s) => s.size.0,
        }
    }

    /// Bytes of the credential that goes with each request: a token, or a cookie with a random number.
    pub(in crate::sim) fn credential_bytes(&self) -> u64 {
        match &self.topology.sessions {
            Sessions::None => 0,
            Sessions::Jwt(jwt) => jwt.token_bytes(),
            Sessions::ServerSide(_) | Sessions::InMemory(_) => 32,
        }
    }

    /// Work on credentials for a request, in nanoseconds.
    pub(in crate::sim) fn credential_ns(&self, verb: Verb) -> f64 {
        let Sessions::Jwt(jwt) = &self.topology.sessions else {
            return 0.0;
        };
        let (sign, verify) = jwt.sign_and_verify_time();
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

    /// Sends an operation's first attempt, after a login if its user has no credential.
    pub(in crate::sim) fn attempt_with_credential(&mut self, op: u32) {
        let user = self.ops[op as usize].user;
        self.expire(user);
        if self.is_stolen(op) {
            return self.attempt(op);
        }
        let slot = &self.users[user as usize];
        if slot.credential {
            return self.attempt(op);
        }
        if slot.login == NONE {
            let wanted = Wanted {
                draw: draw(self.ops[op as usize].draw, 0x6c6f_6769),
                verb: Verb::Login,
                key: 0,
                ..self.ops[op as usize].wanted()
            };
            let login = self.open_op(wanted, NONE);
            self.ops[login as usize].forced = true;
            self.users[user as usize].login = login;
            self.ops[login as usize].waiting = op;
            self.attempt_later(login);
        } else {
            let login = slot.login;
            self.ops[op as usize].next = self.ops[login as usize].waiting;
            self.ops[login as usize].waiting = op;
        }
    }

    /// A login has ended: what waited for it goes on, or fails for the same cause.
    pub(in crate::sim) fn login_over(&mut self, user: u32, waiting: u32, failed: Option<Cause>) {
        if let Some(slot) = self.users.get_mut(user as usize) {
            slot.login = NONE;
        }
        let mut at = waiting;
        while at != NONE {
            let next = std::mem::replace(&mut self.ops[at as usize].next, NONE);
            match failed {
                None => self.attempt_later(at),
                Some(cause) => self.fail(at, cause),
            }
            at = next;
        }
    }

    /// Ends the session if its time is over. To be called before anything else is made of it: nobody looks at a session
    /// just because its time is over, and what has expired cannot be lost, used or taken along any more.
    pub(super) fn expire(&mut self, user: u32) {
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
    pub(in crate::sim) fn credential_accepted_here(&mut self, index: u32) -> bool {
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
        let stolen = self.ops[op as usize].stolen;
        if stolen != 0 {
            return self.accepts_stolen(stolen, node, instance);
        }
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

    /// After a store was asked: whether it knows the session, or holds the token good.
    pub(in crate::sim) fn session_found(&mut self, index: u32) -> bool {
        let call = &self.calls[index as usize];
        if call.verb == Verb::Login || !self.topology.sessions.asks_store() {
            return true;
        }
        let (user, op, credential) = (self.ops[call.op as usize].user, call.op, call.credential);
        let (node, instance) = (call.node, call.instance);
        if self.ops[op as usize].stolen != 0 {
            return false;
        }
        let is_there = call.found != NO_SESSION;
        self.expire(user);
        if is_there && self.is_live(user, credential) {
            self.renew(user);
            self.believe(user, credential, node, instance);
            return true;
        }
        self.unauthorized(user, credential, op);
        false
    }

    /// Whether a lookup in a store with two primaries asks the one that does not have the session, since it was created
    /// after the two had parted.
    pub(in crate::sim) fn is_session_on_other_side(&mut self, index: u32, asked: u32) -> bool {
        let call = &self.calls[index as usize];
        let (op, node) = (call.op, call.node);
        let fork = self.store(node).and_then(|store| store.deposed);
        let Some((_, fork)) = fork.filter(|_| call.verb == Verb::FindSession) else {
            return false;
        };
        let Some(deposed) = &self.logs[fork as usize].deposed else {
            return false;
        };
        let user = &self.users[self.ops[op as usize].user as usize];
        let elsewhere = if asked == fork {
            user.log == deposed.by && user.sequence > deposed.at.sequence
        } else {
            user.log == fork
        };
        if elsewhere {
            let fault = deposed.fault;
            self.op_meets(op, fault);
        }
        elsewhere
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
    pub(in crate::sim) fn create_session_here(&mut self, index: u32) -> Option<Place> {
        let call = &self.calls[index as usize];
        let (node, instance) = (call.node, call.instance);
        let log = self.session_log(node, instance);
        Some(self.append(log, self.session_bytes()))
    }

    /// The login's answer has reached the client.
    pub(in crate::sim) fn logged_in(&mut self, user: u32, place: Option<Place>) {
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
        if self.topology.sessions.are_ignored_by_browsers() {
            self.book_lost_session_of(user);
            self.users[user as usize].credential = false;
            return self.lose_session(user, LossCause::CookieIgnored, None);
        }
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
        self.evict_sessions(user);
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

    pub(in crate::sim) fn logged_out(&mut self, user: u32) {
        self.expire(user);
        if let Some(slot) = self.users.get_mut(user as usize)
            && slot.live
        {
            slot.live = false;
            slot.credential = false;
            self.sessions.logged_out += 1;
            self.credential_revoked(user);
        } else if let Some(slot) = self.users.get_mut(user as usize) {
            slot.credential = false;
        }
    }

    /// Sessions beyond a mark of a log are gone; gives how many.
    pub(in crate::sim) fn lose_sessions(
        &mut self,
        log: u32,
        mark: Mark,
        cause: LossCause,
        fault: Option<u32>,
    ) -> u64 {
        let mut lost = 0;
        if self.logs[log as usize].last() <= mark.sequence {
            return 0;
        }
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
    pub(in crate::sim) fn replace_signing_key(&mut self, fault: Option<u32>) {
        if !matches!(self.topology.sessions, Sessions::Jwt(_)) {
            return;
        }
        self.revoking.end_all(self.now);
        self.revoking.forget_stolen();
        self.lose_tokens(fault, |_| true);
    }

    /// Tokens are signed with another key from now on; the old one is good for a while.
    pub(in crate::sim) fn rotate_keys(&mut self, overlap: u64, fault: u32) {
        let Sessions::Jwt(jwt) = &self.topology.sessions else {
            return;
        };
        // What has been signed so far expires by then.
        let last = self.now.saturating_add(jwt.lifetime.0);
        self.timer_after(overlap, Timer::KeyRetires { last, fault });
    }

    /// The old key is gone: whoever has a token of it that has not expired is turned away. One that has expired is exchanged
    /// as ever, which does not look at it.
    pub(in crate::sim) fn retire_key(&mut self, last: u64, fault: u32) {
        if !matches!(self.topology.sessions, Sessions::Jwt(_)) {
            return;
        }
        let now = self.now;
        self.revoking.expire_until(last, now);
        self.lose_tokens(Some(fault), |user| {
            now < user.expires && user.expires <= last
        });
    }

    /// The sessions whose tokens are no longer accepted are lost.
    fn lose_tokens(&mut self, fault: Option<u32>, is_refused: impl Fn(&User) -> bool) {
        let mut lost = 0;
        for user in 0..self.users.len() as u32 {
            self.expire(user);
            let slot = &mut self.users[user as usize];
            if slot.live && is_refused(slot) {
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

    /// Whoever was turned away for a session that is gone may sign in at once.
    pub(in crate::sim) fn sign_in_again(&mut self, ended: &End) {
        let Some(&slot) = self.users.get(ended.user as usize) else {
            return;
        };
        let over = self.now >= self.end || self.nodes[ended.client as usize].removed;
        let at_once = self.clients(ended.client);
        let at_once = at_once.is_some_and(|clients| clients.settings.sign_in_at_once) && !over;
        if !at_once || slot.credential || slot.login != NONE || ended.verb == Verb::Login {
            return;
        }
        let wanted = Wanted {
            draw: draw(ended.draw, 0x7369_676e),
            user: ended.user,
            key: 0,
            client: ended.client,
            verb: Verb::Login,
        };
        self.observers.started(ended.client, self.now);
        let login = self.open_op(wanted, NONE);
        self.ops[login as usize].again = true;
        self.users[ended.user as usize].login = login;
        self.attempt_later(login);
    }
}
