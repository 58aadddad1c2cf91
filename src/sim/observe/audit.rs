//! Whether the engine's own books agree: for tests, and for whoever looks for a defect.

use crate::sim::Sim;
use crate::sim::clock::queue::Kind;
use crate::sim::clock::timers::Timer;
use crate::sim::ids::NONE;
use crate::sim::keeping::ledger::Log;
use crate::sim::observe::snapshot::{NodeKind, Status};
use crate::sim::stations::node::Body;
use crate::sim::traffic::call::{Call, Verb};

/// What an audit of a simulation finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Contradictions, in words; empty unless the engine has a defect.
    pub faults: Vec<String>,
    /// Places for requests, operations, timers and stretches of logs: what memory has grown to.
    pub places: usize,
}

/// Who is woken by what is due.
struct Wakes {
    /// Calls whose token is in a queue, a lane, or the list of an fsync that will be over.
    resumed: Vec<bool>,
    /// Calls whose wait has a time limit.
    limited: Vec<bool>,
    /// How often a call is on a link.
    travels: Vec<u32>,
    /// Operations that will be retried, and those whose attempt has a time limit.
    op_resumed: Vec<bool>,
    op_limited: Vec<bool>,
    /// How many thoughts of each seat's user will end.
    seats: Vec<u32>,
    /// Nodes at which something arrives some time.
    arrivals: Vec<bool>,
}

impl Sim {
    /// Compares the engine's books with each other: who is where, who waits for whom and will be woken by what, who holds
    /// a worker, and the balances of writes, sessions and operations. May be called after any event; takes time in
    /// proportion to all that is in flight.
    pub fn audit(&self) -> Audit {
        let mut faults = Vec::new();
        let wakes = self.wakes(&mut faults);
        self.audit_calls(&wakes, &mut faults);
        self.audit_operations(&wakes, &mut faults);
        self.audit_logs(&mut faults);
        self.audit_instances(&mut faults);
        self.audit_pools(&mut faults);
        self.audit_balances(&mut faults);
        let segments: usize = self.logs.iter().map(Log::segments).sum();
        Audit {
            faults,
            places: self.calls.len() + self.ops.len() + self.timers.len() + segments,
        }
    }

    fn live_calls(&self) -> impl Iterator<Item = (usize, &Call)> {
        self.calls.iter().enumerate().filter(|(_, c)| !c.free)
    }

    /// Who will be woken by what is due, on its way, or waited for at a disk.
    fn wakes(&self, faults: &mut Vec<String>) -> Wakes {
        let mut wakes = Wakes {
            resumed: vec![false; self.calls.len()],
            limited: vec![false; self.calls.len()],
            travels: vec![0; self.calls.len()],
            op_resumed: vec![false; self.ops.len()],
            op_limited: vec![false; self.ops.len()],
            seats: vec![0; self.seats.len()],
            arrivals: vec![false; self.nodes.len()],
        };
        self.wakes_by_queue(&mut wakes, faults);
        for log in 0..self.logs.len() as u32 {
            self.wakes_by_copies(log, &mut wakes);
            self.wakes_by_disk(log, &mut wakes);
        }
        for node in 0..self.nodes.len() as u16 {
            self.wakes_by_instances(node, &mut wakes);
            self.wakes_by_failover(node, &mut wakes);
        }
        for (by, call, token) in self.waiting_for_fetches() {
            if by.is_some() {
                self.wake(&mut wakes, call, token);
            }
        }
        wakes
    }

    /// What is due, and that everything that is due stands in the queue once.
    fn wakes_by_queue(&self, wakes: &mut Wakes, faults: &mut Vec<String>) {
        let (mut timers, mut heads) = (vec![0; self.timers.len()], vec![0; self.queue.lanes()]);
        for due in self.queue.pending() {
            let index = due.index as usize;
            match due.kind {
                Kind::Arrival => {
                    if let Body::Clients(clients) = &self.nodes[index].body {
                        wakes.arrivals[index] |= clients.epoch == due.number;
                    }
                }
                Kind::Resume => wakes.resumed[index] |= self.calls[index].resume == due.number,
                Kind::Retry => wakes.op_resumed[index] |= self.ops[index].resume == due.number,
                Kind::UserReady => wakes.seats[index] += 1,
                Kind::Timer => timers[index] += 1,
                Kind::Request | Kind::Reply => wakes.travels[index] += 1,
                Kind::ClientLimits | Kind::CallLimits => heads[index] += 1,
            }
        }
        for timer in &self.timers {
            let waits = match timer {
                Timer::AcquireEnds { call, token } => (*call, *token),
                Timer::Connected { asked, token, .. } => (asked.parent, *token),
                _ => continue,
            };
            let (call, token) = (waits.0 as usize, waits.1);
            wakes.limited[call] |= self.calls[call].wait == token;
        }
        let mut waiting = vec![false; self.queue.lanes()];
        for (lane, kind, entry) in self.queue.entries() {
            let (at, token) = (entry.index as usize, entry.token);
            waiting[lane as usize] = true;
            match kind {
                Kind::ClientLimits => wakes.op_limited[at] |= self.ops[at].wait == token,
                _ => wakes.limited[at] |= self.calls[at].wait == token,
            }
        }
        for (lane, (waiting, heads)) in waiting.into_iter().zip(heads).enumerate() {
            if heads != u32::from(waiting) {
                faults.push(format!("lane {lane} stands in the queue {heads} times"));
            }
        }
        for (timer, times) in self.timers.iter().zip(timers) {
            if times != u32::from(!matches!(timer, Timer::Free)) {
                faults.push(format!("{timer:?} stands in the queue {times} times"));
            }
        }
    }

    /// Whether a call still waits with this token, and will be woken.
    fn wake(&self, wakes: &mut Wakes, call: u32, token: u32) {
        wakes.resumed[call as usize] |= self.calls[call as usize].resume == token;
    }

    /// Calls that wait for a running fsync go on when that is over.
    fn wakes_by_disk(&self, log: u32, wakes: &mut Wakes) {
        let here = &self.logs[log as usize];
        let is_running = |timer: &Timer| {
            matches!(timer, Timer::FsyncDone { log: of, mark, .. }
                if *of == log && Some(*mark) == here.fsync_running)
        };
        let mut waiting = here.waiting_now.iter().chain(&here.waiting_next).peekable();
        if waiting.peek().is_none() || !self.timers.iter().any(is_running) {
            return;
        }
        for &(call, token) in waiting {
            self.wake(wakes, call, token);
        }
    }

    /// Calls whose instance hangs go on with it, and those of an event loop's round when that is over.
    fn wakes_by_instances(&self, node: u16, wakes: &mut Wakes) {
        for (number, here) in self.nodes[node as usize].instances.iter().enumerate() {
            let hangs = here.status == Status::Hung;
            for &(call, token, _) in here.frozen.iter().filter(|_| hangs) {
                self.wake(wakes, call, token);
            }
            let round = &here.round;
            let is_synced = |timer: &Timer| {
                matches!(timer, Timer::RoundSynced { node: at, instance, number: of, .. }
                    if (*at, *instance as usize) == (node, number) && *of == round.number)
            };
            let ends = if round.syncing && !round.synced {
                self.timers.iter().any(is_synced)
            } else {
                here.busy.n() > 0 || hangs
            };
            for &(call, token) in round.done.iter().filter(|_| round.open && ends) {
                self.wake(wakes, call, token);
            }
        }
    }

    /// Writes that wait for a planned failover go on with that.
    fn wakes_by_failover(&self, node: u16, wakes: &mut Wakes) {
        let store = self.store(node);
        let Some(failover) = store.and_then(|store| store.failover.as_ref()) else {
            return;
        };
        let goes_on = |timer: &Timer| failover.goes_on_by(timer, node);
        if self.timers.iter().any(goes_on) {
            for &(call, token) in &failover.held {
                self.wake(wakes, call, token);
            }
        }
    }

    /// Writes that wait for copies go on when enough of those have them, which is looked at in time.
    fn wakes_by_copies(&self, log: u32, wakes: &mut Wakes) {
        let waiting = &self.logs[log as usize].awaiting;
        let is_look = |timer: &Timer| matches!(timer, Timer::Copied { log: of } if *of == log);
        let Some(&(.., first)) = waiting.front() else {
            return;
        };
        if self.lacks_copies(log, first) || self.timers.iter().any(is_look) {
            for &(call, token, _) in waiting {
                wakes.resumed[call as usize] |= self.calls[call as usize].resume == token;
            }
        }
    }

    fn audit_calls(&self, wakes: &Wakes, faults: &mut Vec<String>) {
        let mut references: Vec<u32> = self.ops.iter().map(|op| u32::from(op.active)).collect();
        let mut queued = vec![0; self.calls.len()];
        for instance in self.nodes.iter().flat_map(|n| &n.instances) {
            let waiting = instance.queue.iter().filter(|&&call| call != NONE);
            for &call in waiting.chain(&instance.backlog) {
                queued[call as usize] += 1;
            }
        }
        for (index, call) in self.calls.iter().enumerate() {
            let name = &self.nodes[call.node as usize].name;
            if queued[index] != u32::from(!call.free && call.queued) {
                faults.push(format!(
                    "call {index} at {name} stands {} times in a queue",
                    queued[index]
                ));
            }
            if call.free {
                continue;
            }
            references[call.op as usize] += 1;
            let resumed = call.resume != 0 && wakes.resumed[index];
            if !call.present {
                // It is on its way, or finds out that nobody takes it.
                if wakes.travels[index] + u32::from(resumed) != 1 || call.holds_worker {
                    faults.push(format!("call {index} to {name} is nowhere"));
                }
                continue;
            }
            let hung = self.nodes[call.node as usize]
                .instances
                .get(call.instance as usize)
                .is_some_and(|i| i.status == Status::Hung);
            if call.resume != 0 && !resumed {
                faults.push(format!(
                    "call {index} at {name} holds a token that no queue has, at step {}",
                    call.step
                ));
            } else if !call.queued && call.wait == 0 && call.resume == 0 && !hung {
                faults.push(format!(
                    "call {index} at {name} waits for nothing, at step {}",
                    call.step
                ));
            }
            if call.wait != 0 && !self.will_hear(index, wakes) {
                faults.push(format!("call {index} at {name} waits for ever"));
            }
        }
        for (index, (op, counted)) in self.ops.iter().zip(references).enumerate() {
            if op.references != counted {
                faults.push(format!(
                    "operation {index} counts {} references and has {counted}",
                    op.references
                ));
            }
        }
    }

    /// Whether a call that waits has something to wait for: an answer, a time limit, or whoever asks in the end and has
    /// not given up.
    fn will_hear(&self, index: usize, wakes: &Wakes) -> bool {
        if self.is_answered(self.calls[index].child, self.calls[index].wait) {
            return true;
        }
        let mut at = index;
        loop {
            let call = &self.calls[at];
            if wakes.limited[at] {
                return true;
            }
            if call.parent == NONE {
                return self.ops[call.op as usize].wait == call.parent_wait;
            }
            at = call.parent as usize;
            let parent = &self.calls[at];
            if parent.free || parent.wait != call.parent_wait {
                return false;
            }
        }
    }

    /// Whether the call that was made under a token is still there.
    fn is_answered(&self, call: u32, token: u32) -> bool {
        self.calls
            .get(call as usize)
            .is_some_and(|c| !c.free && c.parent_wait == token)
    }

    /// Whether every operation, and every user of a closed loop, will be woken by something, and arrivals go on.
    fn audit_operations(&self, wakes: &Wakes, faults: &mut Vec<String>) {
        let mut waits_for_login = vec![0; self.ops.len()];
        for user in self.users.iter().filter(|u| u.login != NONE) {
            let login = &self.ops[user.login as usize];
            if !login.active || login.verb != Verb::Login {
                faults.push("a user waits for a login that is none".to_owned());
                continue;
            }
            let mut at = login.waiting;
            while at != NONE {
                waits_for_login[at as usize] += 1;
                at = self.ops[at as usize].next;
            }
        }
        let mut seats = wakes.seats.clone();
        for (index, op) in self.ops.iter().enumerate().filter(|(_, op)| op.active) {
            if op.slot != NONE {
                seats[op.slot as usize] += 1;
            }
            let answered = self.is_answered(op.call, op.wait);
            // Without a time limit a client waits for ever for a machine that is gone, and knows of it here.
            let forlorn = op.call == NONE;
            let ways = [
                op.resume != 0 && wakes.op_resumed[index],
                op.wait != 0 && (wakes.op_limited[index] || answered || forlorn),
                waits_for_login[index] == 1,
            ];
            if ways.into_iter().filter(|way| *way).count() != 1 {
                faults.push(format!(
                    "operation {index}, a {:?}, will be woken by nothing, or twice: {ways:?}",
                    op.verb
                ));
            }
        }
        for free in &self.free_seats {
            seats[*free as usize] += 1;
        }
        if let Some(seat) = seats.iter().position(|times| *times != 1) {
            faults.push(format!("seat {seat} is taken {} times", seats[seat]));
        }
        for (index, node) in self.nodes.iter().enumerate() {
            if let Body::Clients(clients) = &node.body
                && !node.removed
                && clients.mean_gap_ns.is_finite()
                && !wakes.arrivals[index]
            {
                faults.push(format!("nothing arrives at {} any more", node.name));
            }
        }
    }

    /// Whether logs are served by whoever has authority, and what they have planned will happen.
    fn audit_logs(&self, faults: &mut Vec<String>) {
        self.audit_keys(faults);
        for node in 0..self.nodes.len() as u16 {
            self.audit_partition(node, faults);
        }
        for (index, log) in self.logs.iter().enumerate() {
            if !log.counts_agree() {
                faults.push(format!("log {index} counts otherwise by key"));
            }
        }
        for (index, log) in self.logs.iter().enumerate().filter(|(_, l)| !l.retired) {
            let name = &self.nodes[log.node as usize].name;
            let planned = |wanted: &dyn Fn(&Timer) -> bool| self.timers.iter().any(wanted);
            let of = |log: &u32| *log as usize == index;
            if log.fsync_due.is_some()
                && !planned(&|t| matches!(t, Timer::Fsync { log } if of(log)))
            {
                faults.push(format!("an fsync of {name} is never done"));
            }
            let flushes = |t: &Timer| matches!(t, Timer::Flush { log } if of(log));
            let kept_back = log.versions.len() > 0 && self.is_kept_back(index as u32);
            if (kept_back || log.flush_due.is_some())
                && !(log.flush_due.is_some() && planned(&flushes))
            {
                faults.push(format!("what {name} keeps back is never flushed"));
            }
            let due = |t: &Timer| matches!(t, Timer::Snapshot { log } if of(log));
            let done = |t: &Timer| matches!(t, Timer::SnapshotDone { log, .. } if of(log));
            if (log.snapshot_due.is_some() && !planned(&due))
                || (log.online && log.snapshot_overdue && !planned(&done))
            {
                faults.push(format!("a snapshot of {name} is never made"));
            }
            let arrives = |number| {
                planned(
                    &|t| matches!(t, Timer::Moved { log, number: n } if of(log) && *n == number),
                )
            };
            if log.moving.is_some_and(|m| !arrives(m.number)) {
                faults.push(format!("what moves from {name} never arrives"));
            }
            // Whoever dies takes its copies along, but for their files; one that hangs keeps them.
            let here = &self.nodes[log.node as usize].instances;
            let keeps = |status: Status| status.serves() || status == Status::Hung;
            let dead = |at: u16| !keeps(here[at as usize].status);
            if let Some(copy) = log.replicas.iter().find(|r| !r.gone && dead(r.instance)) {
                faults.push(format!("{name} has a copy on dead {}", copy.instance));
            }
            let serving = self.is_serving(log.node, log.primary);
            if log.online && !serving || (!log.online && serving && log.orphan.is_none()) {
                faults.push(format!(
                    "log {index} of {name} is served: {}, its primary serves: {serving}",
                    log.online
                ));
            }
        }
    }

    /// Whether what counts as the newest version of a key is held, and nothing newer that clients have been told of.
    fn audit_keys(&self, faults: &mut Vec<String>) {
        for (space, table) in self.newest.iter().enumerate() {
            for (key, newest) in table.iter().filter(|(_, newest)| newest.stamp > 0) {
                let log = &self.logs[newest.log as usize];
                let held = log.versions.get(key).map_or(0, |v| v.stamp());
                if log.retired || log.space as usize != space || held < newest.stamp {
                    faults.push(format!(
                        "key {key} of space {space} has {held} in log {} of space {}, retired: {}, and {newest:?} is the newest",
                        newest.log, log.space, log.retired
                    ));
                }
            }
        }
        for (index, log) in self.logs.iter().enumerate().filter(|(_, l)| !l.retired) {
            let newest = &self.newest[log.space as usize];
            for (key, version) in log.versions.iter().filter(|(_, v)| v.is_told()) {
                if newest.get(key).is_none_or(|n| n.stamp < version.stamp()) {
                    faults.push(format!("key {key} has a newer version in log {index}"));
                }
            }
        }
    }

    fn audit_instances(&self, faults: &mut Vec<String>) {
        // Present, busy and queued at each instance of each node, and sent to each target of each balancer.
        let mut counts: Vec<Vec<[u64; 3]>> = self
            .nodes
            .iter()
            .map(|n| vec![[0; 3]; n.instances.len()])
            .collect();
        let mut sent: Vec<Vec<u32>> = self
            .nodes
            .iter()
            .map(|n| match &n.body {
                Body::Balancer(balancer) => vec![0; balancer.targets.len()],
                _ => Vec::new(),
            })
            .collect();
        for (_, call) in self.live_calls() {
            let from = self.links[call.link as usize].from as usize;
            if call.parent != NONE
                && let Body::Balancer(balancer) = &self.nodes[from].body
                && balancer.targets[call.target as usize].instance == call.instance
            {
                sent[from][call.target as usize] += 1;
            }
            let here = counts[call.node as usize].get_mut(call.instance as usize);
            if let (true, Some(here)) = (call.present, here) {
                here[0] += 1;
                here[1] += u64::from(call.holds_worker);
                here[2] += u64::from(call.queued);
            }
        }
        for (at, node) in self.nodes.iter().enumerate() {
            for (number, here) in node.instances.iter().enumerate() {
                let mut found = counts[at][number];
                // During a round's fsync the thread is held by no call.
                found[1] += u64::from(here.round.syncing);
                let waiting = here.waiting.n() + here.backlog.len() as u64;
                let counted = [here.present.n(), here.busy.n(), waiting];
                let name = format!("{} {}", node.name, number + 1);
                if counted != found {
                    faults.push(format!(
                        "{name} counts {counted:?} present, busy and queued, and has {found:?}"
                    ));
                }
                let has_workers = node.kind != NodeKind::LoadBalancer;
                if has_workers
                    && here.status.serves()
                    && here.busy.n() < u64::from(here.workers)
                    && here.waiting.n() > 0
                {
                    faults.push(format!("{name} lets requests wait beside a free worker"));
                }
                let capacity = match &node.body {
                    Body::Service(service) => service.cache.as_ref().map(|c| c.settings.capacity),
                    _ => None,
                };
                let most = capacity.map_or(0, |c| c.map_or(usize::MAX, |c| c as usize));
                if here.cache.len() > most || !here.cache.is_sound() {
                    faults.push(format!(
                        "the cache of {name} has {} entries",
                        here.cache.len()
                    ));
                }
                if here.taking {
                    faults.push(format!("{name} is still taking what waited"));
                }
            }
            let Body::Balancer(balancer) = &node.body else {
                continue;
            };
            for (target, sent) in balancer.targets.iter().zip(&sent[at]) {
                if target.in_flight != *sent {
                    faults.push(format!(
                        "{} counts {} requests sent to instance {} behind it, and has {sent}",
                        node.name,
                        target.in_flight,
                        target.instance + 1
                    ));
                }
            }
        }
    }

    fn audit_balances(&self, faults: &mut Vec<String>) {
        let writes = self.write_counts();
        if writes.acknowledged != writes.held + writes.lost || writes.unavailable > writes.held {
            faults.push(format!("writes do not balance: {writes:?}"));
        }
        let by_cause: u64 = self.writes.lost_by_cause.iter().sum();
        if by_cause != writes.lost {
            faults.push(format!("{by_cause} losses have a cause: {writes:?}"));
        }
        if self.writes.keys_lost > writes.lost {
            faults.push(format!(
                "{} keys are lost: {writes:?}",
                self.writes.keys_lost
            ));
        }
        faults.extend(self.revoking.contradiction(self.now).map(str::to_owned));
        let sessions = self.session_counts();
        let ended = sessions.expired + sessions.logged_out + sessions.revoked + sessions.lost;
        if sessions.initial + sessions.created != sessions.live + ended {
            faults.push(format!("sessions do not balance: {sessions:?}"));
        }
        for counted in &self.observers.results {
            let failed: u64 = counted.by_cause.iter().sum();
            if failed != counted.failed || counted.completed + counted.failed > counted.offered {
                faults.push("operations do not balance".to_owned());
            }
        }
        let in_flight = self.ops.iter().filter(|op| op.active).count() as u64;
        if self.operation_counts().in_flight != in_flight {
            faults.push(format!(
                "{in_flight} operations are in flight: {:?}",
                self.operation_counts()
            ));
        }
        for (node, area, spent) in self.littles_law() {
            if area != spent {
                faults.push(format!("Little's law at {node}: {area} and {spent}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Watch;
    use crate::units::{Duration, SECOND};

    /// A system in which everything that can wait waits: at workers, disks, links, for retries and for logins.
    fn busy() -> Sim {
        let text = r#"Topology(
            schema: 1, sessions: InMemory(),
            nodes: {
                "clients": Clients(arrivals: Poisson("120/s"), mix: (read: 2, write: 5, logout: 1), users: 400,
                    timeout: Some("100ms"), retries: 3, retry_budget: None),
                "seats": Clients(arrivals: Closed(users: 20, think: Exponential("50ms")), timeout: None, users: 30),
                "lb": LoadBalancer(policy: StickyCookie),
                "api": Service(instances: 2, workers: 8, queue: Unlimited, service_time: Exponential("20ms"),
                    login_time: "20ms",
                    state: LocalDisk(fsync: Always, fsync_time: "20ms")),
            },
            links: ["clients -> lb", "seats -> lb", "lb -> api"],
        )"#;
        let topology = crate::model::settings::ron_options()
            .from_str(text)
            .expect("a topology");
        let mut sim = Sim::new(&topology, 3, Watch { live: false });
        sim.run_until(Duration(2 * SECOND));
        let faults = sim.audit().faults;
        assert!(faults.is_empty(), "{faults:?}");
        sim
    }

    /// Breaks a system, when it is in a state that can be broken like that; what the audit finds then.
    fn found(break_it: impl Fn(&mut Sim) -> bool) -> String {
        let mut sim = busy();
        for _ in 0..20_000 {
            sim.run_some(Duration(u64::MAX), 1);
            if break_it(&mut sim) {
                return sim.audit().faults.join("; ");
            }
        }
        panic!("it never came to that");
    }

    #[test]
    fn an_operation_that_nothing_will_wake_is_found() {
        let faults = found(|sim| {
            let mut waiting = sim.ops.iter_mut().filter(|op| op.active && op.resume != 0);
            waiting.next().map(|op| op.resume = 0).is_some()
        });
        assert!(faults.contains("will be woken by nothing"), "{faults}");
        let faults = found(|sim| {
            let logging_in = sim.users.iter_mut().find(|u| u.login != NONE);
            logging_in.map(|u| u.login = NONE).is_some()
        });
        assert!(faults.contains("will be woken by nothing"), "{faults}");
    }

    #[test]
    fn a_token_that_no_list_holds_is_found() {
        let faults = found(|sim| {
            let mut logs = sim.logs.iter_mut().filter(|l| !l.waiting_next.is_empty());
            logs.next().map(|l| l.waiting_next.pop()).is_some()
        });
        assert!(faults.contains("token that no queue has"), "{faults}");
        // Their fsync will never be over.
        let faults = found(|sim| {
            let mut logs = sim.logs.iter_mut().filter(|l| !l.waiting_now.is_empty());
            logs.next().map(|l| l.fsync_running = None).is_some()
        });
        assert!(faults.contains("token that no queue has"), "{faults}");
    }

    /// The last copy ends while it waits for the stream of a primary that is back already: that one goes on.
    #[test]
    fn a_log_whose_last_copy_goes_is_served_by_a_primary_that_is_back() {
        use crate::model::Command;
        let text = r#"Topology(
            schema: 1, sessions: InMemory(replication: Asynchronous(replicas: 1, lag: "1s"), down_after: "5s"),
            nodes: {
                "clients": Clients(arrivals: Poisson("100/s"), signed_in: true, users: 20),
                "lb": LoadBalancer(),
                "api": Service(instances: 2, boot_time: "0s", warm_up: "0s"),
            },
            links: ["clients -> lb", "lb -> api"],
        )"#;
        let topology = crate::model::settings::ron_options()
            .from_str(text)
            .expect("a topology");
        let mut sim = Sim::new(&topology, 3, Watch { live: false });
        sim.run_until(Duration(2 * SECOND));
        let api = || "api".to_owned();
        for command in [
            Command::Crash(api(), 1),
            Command::Restart(api(), 1),
            Command::Crash(api(), 2),
        ] {
            sim.apply(&command).expect("it can be done");
            let faults = sim.audit().faults;
            assert!(faults.is_empty(), "{command:?}: {faults:?}");
        }
        let of_first = |l: &&crate::sim::keeping::ledger::Log| l.primary == 0;
        assert!(sim.logs.iter().filter(of_first).all(|l| l.online));
        while !sim.run_some(Duration(5 * SECOND), 1) {
            let faults = sim.audit().faults;
            assert!(faults.is_empty(), "{faults:?}");
        }
    }

    #[test]
    fn a_worker_that_nobody_holds_is_found() {
        let faults = found(|sim| {
            let mut working = sim.calls.iter_mut().filter(|c| !c.free && c.holds_worker);
            working.next().map(|c| c.holds_worker = false).is_some()
        });
        assert!(faults.contains("present, busy and queued"), "{faults}");
    }

    #[test]
    fn a_call_that_is_nowhere_is_found() {
        let faults = found(|sim| {
            let mut queued = sim.calls.iter_mut().filter(|c| !c.free && c.queued);
            queued.next().map(|c| c.queued = false).is_some()
        });
        assert!(faults.contains("in a queue"), "{faults}");
        let faults = found(|sim| {
            let mut at_work = sim.calls.iter_mut().filter(|c| c.present && c.resume != 0);
            at_work.next().map(|c| c.present = false).is_some()
        });
        assert!(faults.contains("counts"), "{faults}");
    }

    #[test]
    fn a_seat_that_nobody_takes_and_a_log_that_nobody_serves_are_found() {
        let faults = found(|sim| {
            let mut seated = sim.ops.iter_mut().filter(|op| op.active && op.slot != NONE);
            seated.next().map(|op| op.slot = NONE).is_some()
        });
        assert!(faults.contains("is taken 0 times"), "{faults}");
        let faults = found(|sim| sim.logs.first_mut().map(|l| l.online = false).is_some());
        assert!(faults.contains("its primary serves"), "{faults}");
        let faults = found(|sim| {
            let clients = sim.nodes.iter_mut().find_map(|n| match &mut n.body {
                Body::Clients(c) if c.epoch != 0 => Some(c),
                _ => None,
            });
            clients.map(|c| c.epoch = 0).is_some()
        });
        assert!(faults.contains("nothing arrives"), "{faults}");
    }
}
