//! Pools: an instance keeps its connections to a store open, and lends them to its calls one after the other.
//!
//! A call that finds none free opens another, if the pool may have more, or waits. What is open takes one of the
//! store's connections whether it is used or not. A connection goes to the member it was opened to, until it breaks, is
//! too old, or a call over it fails: after a failover those to the old primary are found out one by one.

use std::collections::VecDeque;

use crate::model::node::Pool as Settings;
use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::ids::NONE;
use crate::sim::observe::snapshot::{Cause, NodeKind, Status};
use crate::sim::stations::node::Body;
use crate::sim::traffic::Leave;
use crate::sim::traffic::call::{Asked, Outcome};

/// A connection of a pool.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Connection {
    /// Whose it is.
    service: u16,
    instance: u16,
    link: u16,
    /// The member it goes to, and which of that one's lives.
    member: u16,
    life: u32,
    opened_at: u64,
    /// The member has taken it.
    established: bool,
    /// It takes one of the member's connections though no call over it is there.
    reserved: bool,
    /// A call over it is on its way or at the member.
    carries: bool,
    /// Its owner has done with it; its place is free once nothing is on its way any more.
    closed: bool,
}

/// An instance's connections over one link, and who waits for one.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Pool {
    link: u16,
    open: u32,
    idle: Vec<u32>,
    waiting: VecDeque<Waiting>,
}

/// A call that is to be made as soon as there is a connection.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    asked: Asked,
    token: u32,
}

/// All connections of all pools.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Connections {
    all: Vec<Connection>,
    free: Vec<u32>,
}

/// What a service's pools have done.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sim) struct PoolCounts {
    pub opened: u64,
    pub refused: u64,
    pub waited: u64,
    pub timed_out: u64,
}

impl PoolCounts {
    pub(in crate::sim) fn since(self, before: Self) -> Self {
        Self {
            opened: self.opened - before.opened,
            refused: self.refused - before.refused,
            waited: self.waited - before.waited,
            timed_out: self.timed_out - before.timed_out,
        }
    }
}

impl Connections {
    fn open(&mut self, connection: Connection) -> u32 {
        match self.free.pop() {
            Some(place) => {
                self.all[place as usize] = connection;
                place
            }
            None => {
                self.all.push(connection);
                self.all.len() as u32 - 1
            }
        }
    }

    /// Connections that are open, or on their way there.
    pub(in crate::sim) fn count(&self) -> usize {
        self.all.len() - self.free.len()
    }

    pub(in crate::sim) fn bytes(&self) -> usize {
        self.all.capacity() * size_of::<Connection>()
    }
}

impl Sim {
    fn pool_settings(&self, service: u16) -> Option<Settings> {
        self.service(service)?.settings.pool.clone()
    }

    fn pool(&mut self, service: u16, instance: u16, link: u16) -> &mut Pool {
        let pools = &mut self.nodes[service as usize].instances[instance as usize].pools;
        let at = pools.iter().position(|p| p.link == link);
        let at = at.unwrap_or_else(|| {
            pools.push(Pool {
                link,
                open: 0,
                idle: Vec::new(),
                waiting: VecDeque::new(),
            });
            pools.len() - 1
        });
        &mut pools[at]
    }

    /// Makes a call over a pooled connection, now or as soon as there is one.
    #[cold]
    pub(in crate::sim) fn call_pooled(&mut self, asked: Asked) {
        let (service, instance) = self.owner(asked.parent);
        let call = &self.calls[asked.parent as usize];
        let asynchronous = self.service(service).is_some_and(|s| s.asynchronous);
        let releases = asynchronous && call.holds_worker;
        // Whoever came first is served first.
        let is_first = self.pool(service, instance, asked.link).waiting.is_empty();
        let connection = if is_first {
            self.take_connection(service, instance, asked)
        } else {
            None
        };
        match connection {
            Some(connection) => {
                let child = self.open_over(asked, connection);
                if releases {
                    self.release_worker(asked.parent);
                }
                self.send(child);
            }
            None => {
                self.wait_for_connection(service, instance, asked);
                if releases {
                    self.release_worker(asked.parent);
                }
            }
        }
    }

    fn owner(&self, parent: u32) -> (u16, u16) {
        let call = &self.calls[parent as usize];
        (call.node, call.instance)
    }

    /// A connection for a call: an idle one that is not too old, or a new one if the pool may have more.
    fn take_connection(&mut self, service: u16, instance: u16, asked: Asked) -> Option<u32> {
        let settings = self.pool_settings(service)?;
        while let Some(idle) = self.pool(service, instance, asked.link).idle.pop() {
            if !self.is_too_old(idle, &settings) {
                return Some(idle);
            }
            self.close(idle);
        }
        if self.pool(service, instance, asked.link).open >= settings.size {
            return None;
        }
        self.pool(service, instance, asked.link).open += 1;
        self.pool_counts(service).opened += 1;
        let member = self.choose_instance(asked.link, asked.parent);
        let store = self.links[asked.link as usize].to;
        let connection = Connection {
            service,
            instance,
            link: asked.link,
            member,
            life: self.nodes[store as usize].instances[member as usize].life,
            opened_at: self.now,
            established: false,
            reserved: false,
            carries: false,
            closed: false,
        };
        Some(self.connections.open(connection))
    }

    fn is_too_old(&self, connection: u32, settings: &Settings) -> bool {
        let age = self.now - self.connections.all[connection as usize].opened_at;
        settings.lifetime.is_some_and(|lifetime| age >= lifetime.0)
    }

    fn pool_counts(&mut self, service: u16) -> &mut PoolCounts {
        &mut self.nodes[service as usize].pool
    }

    /// Opens a call over a connection; it is to be sent.
    fn open_over(&mut self, asked: Asked, connection: u32) -> u32 {
        let here = &mut self.connections.all[connection as usize];
        here.carries = true;
        let instance = here.member;
        let (service, _) = self.owner(asked.parent);
        let limit = self
            .service(service)
            .and_then(|s| Some((s.settings.call_timeout?, s.call_lane)));
        let (child, token) = self.open_call(Asked { instance, ..asked }, limit.is_some());
        if let Some((limit, lane)) = limit {
            self.queue
                .push_lane(lane, self.now + limit.0, asked.parent, token);
        }
        self.calls[child as usize].connection = connection;
        self.calls[asked.parent as usize].connection = connection;
        child
    }

    fn wait_for_connection(&mut self, service: u16, instance: u16, asked: Asked) {
        let token = self.new_token();
        let call = &mut self.calls[asked.parent as usize];
        call.wait = token;
        call.child = NONE;
        call.limited = true;
        self.pool_counts(service).waited += 1;
        let pool = self.pool(service, instance, asked.link);
        pool.waiting.push_back(Waiting { asked, token });
        let limit = self
            .pool_settings(service)
            .map_or(0, |s| s.acquire_timeout.0);
        let call = asked.parent;
        self.timer_after(limit, Timer::AcquireEnds { call, token });
    }

    /// A call has waited long enough for a connection.
    pub(in crate::sim) fn acquire_ends(&mut self, index: u32, token: u32) {
        let call = &mut self.calls[index as usize];
        if call.free || call.wait != token || call.child != NONE {
            return;
        }
        call.wait = 0;
        call.outcome = Outcome::Failed(Cause::StoreUnavailable);
        let service = call.node;
        self.pool_counts(service).timed_out += 1;
        self.proceed(index);
    }

    /// Those that wait for a connection get one as far as there are any, each in an event of its own.
    pub(in crate::sim) fn serve_pool(&mut self, service: u16, instance: u16, link: u16) {
        if self.nodes[service as usize].instances[instance as usize].status == Status::Hung {
            return;
        }
        loop {
            let calls = &self.calls;
            let waits = |w: &Waiting| {
                let call = &calls[w.asked.parent as usize];
                !call.free && call.wait == w.token && call.child == NONE
            };
            let pools = &mut self.nodes[service as usize].instances[instance as usize].pools;
            let Some(pool) = pools.iter_mut().find(|p| p.link == link) else {
                return;
            };
            while pool.waiting.front().is_some_and(|w| !waits(w)) {
                pool.waiting.pop_front();
            }
            let Some(&first) = pool.waiting.front() else {
                return;
            };
            let Some(connection) = self.take_connection(service, instance, first.asked) else {
                return;
            };
            self.pool(service, instance, link).waiting.pop_front();
            let Waiting { asked, token } = first;
            self.timer_after(
                0,
                Timer::Connected {
                    asked,
                    token,
                    connection,
                },
            );
        }
    }

    /// A call that waited for a connection has got one.
    pub(in crate::sim) fn connected(&mut self, asked: Asked, token: u32, connection: u32) {
        let here = &self.connections.all[connection as usize];
        if here.closed {
            // Its instance has died since.
            return self.let_go(connection);
        }
        let (service, instance, link) = (here.service, here.instance, here.link);
        let call = &self.calls[asked.parent as usize];
        if call.free || call.wait != token || call.child != NONE {
            return self.give_back(connection, true);
        }
        if self.nodes[service as usize].instances[instance as usize].status == Status::Hung {
            let pool = self.pool(service, instance, link);
            pool.waiting.push_front(Waiting { asked, token });
            pool.idle.push(connection);
            return;
        }
        self.calls[asked.parent as usize].wait = 0;
        let child = self.open_over(asked, connection);
        self.send(child);
    }

    /// A call over a connection is over: the next may use it, unless it broke.
    fn give_back(&mut self, connection: u32, sound: bool) {
        let here = &self.connections.all[connection as usize];
        let (service, instance, link) = (here.service, here.instance, here.link);
        let settings = self.pool_settings(service);
        let open = self.pool(service, instance, link).open;
        let keeps = |s: &Settings| sound && open <= s.size && !self.is_too_old(connection, s);
        if settings.as_ref().is_some_and(keeps) && !self.links[link as usize].removed {
            self.pool(service, instance, link).idle.push(connection);
        } else {
            self.close(connection);
        }
        self.serve_pool(service, instance, link);
    }

    /// A connection is closed by its owner; the member notices at once.
    fn close(&mut self, connection: u32) {
        self.unreserve(connection);
        let here = &mut self.connections.all[connection as usize];
        if here.closed {
            return;
        }
        here.closed = true;
        let (service, instance, link) = (here.service, here.instance, here.link);
        if !here.carries {
            self.let_go(connection);
        }
        let pool = self.pool(service, instance, link);
        pool.open = pool.open.saturating_sub(1);
    }

    fn let_go(&mut self, connection: u32) {
        self.connections.free.push(connection);
    }

    fn reserve(&mut self, connection: u32, reserved: bool) {
        let here = &mut self.connections.all[connection as usize];
        let store = self.links[here.link as usize].to;
        let slot = &mut self.nodes[store as usize];
        // Others serve any number of connections.
        if here.reserved == reserved || slot.kind != NodeKind::SqlDatabase {
            return;
        }
        here.reserved = reserved;
        let member = &mut slot.instances[here.member as usize];
        if reserved {
            member.reserved += 1;
        } else {
            member.reserved -= 1;
        }
    }

    fn unreserve(&mut self, connection: u32) {
        self.reserve(connection, false);
    }

    /// A call over a connection has come to its member. Whether that takes it: one that died since does not know it.
    #[cold]
    pub(in crate::sim) fn comes_over(&mut self, index: u32) -> bool {
        let call = &self.calls[index as usize];
        let (node, instance, connection) = (call.node, call.instance, call.connection);
        self.unreserve(connection);
        let here = &self.connections.all[connection as usize];
        let member = &self.nodes[node as usize].instances[instance as usize];
        if here.established {
            let knows = here.life == member.life;
            self.connections.all[connection as usize].established = knows;
            return knows;
        }
        let is_full = self.nodes[node as usize].kind == NodeKind::SqlDatabase && !member.has_room();
        let service = here.service;
        if is_full {
            self.pool_counts(service).refused += 1;
            return false;
        }
        self.connections.all[connection as usize].established = true;
        true
    }

    /// Whether a call goes over a connection that its member has taken before: it is not refused, but never answered, where
    /// nobody is there any more.
    pub(in crate::sim) fn is_established(&self, index: u32) -> bool {
        let connection = self.calls[index as usize].connection;
        let here = self.connections.all.get(connection as usize);
        here.is_some_and(|c| c.established)
    }

    /// A call over a connection leaves its member, which keeps that for the next.
    #[cold]
    pub(in crate::sim) fn leaves_open(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let (connection, node, instance) = (call.connection, call.node, call.instance);
        let here = &self.connections.all[connection as usize];
        let lives = self.nodes[node as usize].instances[instance as usize].runs();
        let at_member = self.links[here.link as usize].to == node && here.carries;
        if at_member && here.established && !here.closed && lives {
            self.reserve(connection, true);
        }
    }

    /// A call over a connection, or one that waits for such a call, ends.
    #[cold]
    pub(in crate::sim) fn ends_over(&mut self, index: u32, outcome: Outcome) {
        let call = &mut self.calls[index as usize];
        let link = call.link;
        let connection = std::mem::replace(&mut call.connection, NONE);
        let here = &mut self.connections.all[connection as usize];
        if here.link == link {
            // The call itself: whoever made it gives the connection back.
            here.carries = false;
            if here.closed {
                self.let_go(connection);
            }
        } else if !here.closed {
            self.give_back(connection, outcome == Outcome::Done);
        }
    }

    /// An instance dies, or a member of a store: its connections break. Reset, all find out at once; if nothing is heard of
    /// a member, its callers do so when they use them.
    pub(in crate::sim) fn break_connections(&mut self, node: u16, instance: u16, leave: Leave) {
        if self.connections.count() == 0 {
            return;
        }
        let of_store = matches!(self.nodes[node as usize].body, Body::Store(_));
        for place in 0..self.connections.all.len() as u32 {
            let here = &self.connections.all[place as usize];
            let to = (self.links[here.link as usize].to, here.member);
            let own = !of_store && (here.service, here.instance) == (node, instance);
            let idle = |sim: &mut Self| {
                let here = &sim.connections.all[place as usize];
                let (service, instance, link) = (here.service, here.instance, here.link);
                let idle = &mut sim.pool(service, instance, link).idle;
                let at = idle.iter().position(|&c| c == place);
                at.map(|at| idle.remove(at)).is_some()
            };
            if here.closed {
                continue;
            }
            if own {
                idle(self);
                self.close(place);
            } else if of_store && to == (node, instance) {
                self.unreserve(place);
                if leave == Leave::Reset && idle(self) {
                    self.close(place);
                }
            }
        }
        if !of_store {
            let here = &mut self.nodes[node as usize].instances[instance as usize];
            here.pools.clear();
        }
    }

    /// What does not hold of the pools.
    pub(in crate::sim) fn audit_pools(&self, faults: &mut Vec<String>) {
        let there = || self.connections.all.iter().filter(|c| !c.closed);
        for (at, node) in self.nodes.iter().enumerate() {
            for (place, here) in node.instances.iter().enumerate() {
                let name = format!("{} {}", node.name, place + 1);
                for pool in &here.pools {
                    let own = |c: &&Connection| {
                        let owner = (c.service as usize, c.instance as usize, c.link);
                        owner == (at, place, pool.link)
                    };
                    let open = there().filter(own).count();
                    if open != pool.open as usize || pool.idle.len() > open {
                        faults.push(format!(
                            "{name} counts {} connections open, {} of them idle, and has {open}",
                            pool.open,
                            pool.idle.len()
                        ));
                    }
                }
                let goes_here = |c: &&Connection| {
                    let store = self.links[c.link as usize].to as usize;
                    c.reserved && (store, c.member as usize) == (at, place)
                };
                let reserved = there().filter(goes_here).count() as u64;
                if reserved != here.reserved {
                    faults.push(format!(
                        "{name} counts {} connections without a call, and has {reserved}",
                        here.reserved
                    ));
                }
            }
        }
    }

    /// Closes what idles beyond what its pool may have, or over a link that is no more, and serves who waits where it may
    /// have more.
    pub(in crate::sim) fn trim_pools(&mut self) {
        if self.connections.count() == 0 {
            return;
        }
        for node in 0..self.nodes.len() as u16 {
            let size = self.pool_settings(node).map_or(0, |s| s.size);
            for instance in 0..self.nodes[node as usize].instances.len() as u16 {
                let pools = &self.nodes[node as usize].instances[instance as usize].pools;
                let links: Vec<u16> = pools.iter().map(|p| p.link).collect();
                for link in links {
                    let gone = self.links[link as usize].removed;
                    let most = if gone { 0 } else { size };
                    while self.pool(node, instance, link).open > most
                        && let Some(idle) = self.pool(node, instance, link).idle.pop()
                    {
                        self.close(idle);
                    }
                    self.serve_pool(node, instance, link);
                }
            }
        }
    }

    /// An instance goes on after a hang: its connections are used again.
    pub(in crate::sim) fn serve_pools(&mut self, node: u16, instance: u16) {
        let pools = &self.nodes[node as usize].instances[instance as usize].pools;
        let links: Vec<u16> = pools.iter().map(|p| p.link).collect();
        for link in links {
            self.serve_pool(node, instance, link);
        }
    }

    /// An instance goes on at another place, with its connections.
    pub(in crate::sim) fn move_connections(&mut self, node: u16, from: u16, to: u16) {
        for connection in &mut self.connections.all {
            if (connection.service, connection.instance) == (node, from) {
                connection.instance = to;
            }
        }
    }
}
