//! Operations: how they arrive, are tried, and end.

use std::sync::Arc;

use rand::{Rng as _, SeedableRng as _};

use crate::model::workload;
use crate::model::workload::{Arrivals, Popularity};
use crate::sim::Sim;
use crate::sim::clock::queue::{Kind, Queue};
use crate::sim::ids::NONE;
use crate::sim::keeping::keys::{self, Key};
use crate::sim::observe::snapshot::Cause;
use crate::sim::observe::told::Ended;
use crate::sim::sessions::RevocationDraws;
use crate::sim::stations::node::Body;
use crate::sim::streams::{
    Alias, Exponential, Purpose as Draw, Sampler, below, draw, purpose_key, unit,
};
use crate::sim::traffic::call::{Asked, KINDS, Verb};
use crate::sim::traffic::operation::{End, Op, Seat, Wanted};

#[derive(Clone, Debug)]
pub(in crate::sim) struct ClientsBody {
    pub settings: workload::Clients,
    pub rng: rand_xoshiro::Xoshiro256PlusPlus,
    pub gaps: Exponential,
    pub keys: ClientKeys,
    /// Mean time between two arrivals; infinite in a closed loop and at rate 0.
    pub mean_gap_ns: f64,
    /// What the last gap was longer than its whole nanoseconds.
    pub over_ns: f64,
    /// When the next operation arrives, and the mean gap by which that was planned: another rate goes on from there.
    pub arrives_at: u64,
    pub planned_gap_ns: f64,
    pub think: Option<Sampler>,
    /// Kinds of operation by cumulative weight, from 0 to 1.
    pub mix: [f64; 4],
    pub only: Option<Verb>,
    pub popularity: Option<Arc<Alias>>,
    pub next_op: u64,
    pub revocations: RevocationDraws,
    pub timeout_lane: u32,
    /// Longest time limit that entries of that lane may have.
    pub longest_timeout: Option<crate::units::Duration>,
    pub budget: f64,
    /// Its users in the table of all users: the first of them start here, so many in a row.
    pub first_user: u32,
    pub first_piece: u32,
    /// How many have a place.
    pub users: u32,
    /// Those that came later and found no room behind the ones before: (number of the first, its place). Nobody who is
    /// there already is given another place.
    pub further_users: Vec<(u32, u32)>,
    pub own_keys: bool,
    pub entry_link: u16,
    pub needs_user: bool,
    pub needs_key: bool,
    pub epoch: u32,
    /// Goodput counts what completes within this: the objective, or else the timeout.
    pub good_within: u64,
    /// Users of a closed loop at work.
    pub seats: Vec<u32>,
}

impl ClientsBody {
    /// Whose draws follow from this key, and whose timeouts stand in this lane.
    pub(in crate::sim) fn new(settings: &workload::Clients, key: u64, timeout_lane: u32) -> Self {
        let on = |purpose| purpose_key(key, purpose);
        Self {
            settings: settings.clone(),
            rng: rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(on(Draw::Arrivals)),
            gaps: Exponential::default(),
            keys: ClientKeys {
                operation: on(Draw::Operation),
                user: on(Draw::User),
                kind: on(Draw::Kind),
                key: on(Draw::Key),
                think: on(Draw::Think),
                backoff: on(Draw::Backoff),
            },
            mean_gap_ns: f64::INFINITY,
            over_ns: 0.0,
            arrives_at: 0,
            planned_gap_ns: f64::INFINITY,
            think: None,
            mix: [0.0; 4],
            only: None,
            popularity: None,
            next_op: 0,
            revocations: RevocationDraws::new(key),
            timeout_lane,
            longest_timeout: None,
            budget: 10.0,
            first_user: 0,
            first_piece: 0,
            users: 0,
            further_users: Vec::new(),
            own_keys: false,
            entry_link: u16::MAX,
            needs_user: false,
            needs_key: false,
            epoch: 0,
            good_within: u64::MAX,
            seats: Vec::new(),
        }
    }

    /// Has these settings from now on.
    pub(in crate::sim) fn set(&mut self, settings: &workload::Clients) {
        self.popularity = match settings.popularity {
            Popularity::Uniform => None,
            // Of ten million keys it takes a while: not for an edit of something else.
            Popularity::Zipf(_)
                if self.popularity.is_some()
                    && self.settings.popularity == settings.popularity
                    && self.settings.keys == settings.keys =>
            {
                self.popularity.take()
            }
            Popularity::Zipf(s) => {
                let weights = (1..=settings.keys).map(|k| libm::pow(f64::from(k), -s));
                Some(Arc::new(Alias::new(weights)))
            }
        };
        self.settings = settings.clone();
        (self.mean_gap_ns, self.think) = match &settings.arrivals {
            Arrivals::Poisson(rate) | Arrivals::Steady(rate) => (1e9 / rate.0, None),
            Arrivals::Closed(closed) => (f64::INFINITY, Some(Sampler::new(&closed.think))),
        };
        let mix = &settings.mix;
        let weights = [mix.read, mix.write, mix.login, mix.logout];
        let total: f64 = weights.iter().sum();
        let mut upto = 0.0;
        for (slot, weight) in self.mix.iter_mut().zip(weights) {
            upto += weight / total;
            *slot = upto;
        }
        let used: Vec<usize> = (0..4).filter(|&k| weights[k] > 0.0).collect();
        self.only = match used[..] {
            [one] => Some(KINDS[one].1),
            _ => None,
        };
        if let Some(&last) = used.last() {
            // Rounding must not leave a gap below 1.
            self.mix[last..].fill(1.0);
        }
    }
}

impl ClientsBody {
    #[inline(always)]
    fn next_arrival(&mut self, queue: &mut Queue, node: u16, now: u64) {
        let gap_ns = match self.settings.arrivals {
            Arrivals::Poisson(_) => self.gaps.sample(self.rng.next_u64()) * self.mean_gap_ns,
            _ => self.mean_gap_ns,
        };
        if gap_ns == f64::INFINITY {
            self.epoch = 0;
            return;
        }
        self.arrives_after(queue, node, now, gap_ns + self.over_ns);
    }

    /// Whole nanoseconds; what is over goes into the next gap. Time goes on whatever the rate.
    #[inline(always)]
    fn arrives_after(&mut self, queue: &mut Queue, node: u16, now: u64, gap_ns: f64) {
        let whole = (gap_ns as i64 as u64).max(u64::from(self.mean_gap_ns < 1.0));
        self.over_ns = (gap_ns - whole as i64 as f64).max(0.0);
        self.planned_gap_ns = self.mean_gap_ns;
        self.arrives_at = now.saturating_add(whole);
        self.epoch = queue.push(self.arrives_at, Kind::Arrival, u32::from(node));
    }

    /// What its `nth` operation is to do.
    #[inline(always)]
    fn want(&self, node: u16, nth: u64) -> Wanted {
        let bits = draw(self.keys.operation, nth);
        let (number, user) = if self.needs_user {
            let users = u64::from(self.settings.users);
            let number = below(draw(self.keys.user, bits), users) as u32;
            (number, self.place_of_user(number))
        } else {
            (0, 0)
        };
        let verb = match self.only {
            Some(verb) => verb,
            None => {
                let u = unit(draw(self.keys.kind, bits));
                let at = self.mix.iter().position(|&upto| u < upto).unwrap_or(0);
                KINDS[at].1
            }
        };
        let key = if self.needs_key {
            self.want_key(node, number, bits)
        } else {
            0
        };
        Wanted {
            draw: bits,
            user,
            key,
            client: node,
            verb,
        }
    }

    #[inline(always)]
    fn want_key(&self, node: u16, user: u32, bits: u64) -> Key {
        let bits = draw(self.keys.key, bits);
        if self.own_keys {
            let own = below(bits, u64::from(self.settings.keys_per_user));
            return keys::own(node, user, own as u32);
        }
        keys::shared(match &self.popularity {
            Some(alias) => alias.choose(bits),
            None => below(bits, u64::from(self.settings.keys)) as u32,
        })
    }

    /// Where the user of a number, from 0, stands in the table of all users.
    #[inline]
    pub(in crate::sim) fn place_of_user(&self, number: u32) -> u32 {
        if number < self.first_piece {
            return self.first_user + number;
        }
        let piece = self
            .further_users
            .partition_point(|&(first, _)| first <= number);
        match piece.checked_sub(1).map(|p| self.further_users[p]) {
            Some((first, place)) => place + (number - first),
            None => self.first_user + number,
        }
    }

    /// Whether the user at that place is one of its own.
    pub(in crate::sim) fn has_user(&self, place: u32) -> bool {
        let ends = self.further_users.iter().skip(1).map(|&(first, _)| first);
        let further = self.further_users.iter().zip(ends.chain([self.users]));
        let pieces = further.map(|(&(first, start), end)| (start, end - first));
        std::iter::once((self.first_user, self.first_piece))
            .chain(pieces)
            .any(|(start, len)| place.wrapping_sub(start) < len)
    }
}

/// Draw keys of a clients node, one for each purpose.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sim) struct ClientKeys {
    pub operation: u64,
    pub user: u64,
    pub kind: u64,
    pub key: u64,
    pub think: u64,
    pub backoff: u64,
}

/// Least time between two operations of a closed-loop user, so that time always goes on.
const LEAST_THINK_NS: u64 = 1_000;
const LEAST_THINK_AFTER_FAILURE_NS: u64 = 1_000_000;
/// Spreads a counter over 64 bits: the golden ratio, odd.
const DISTINCT: u64 = 0x9e37_79b9_7f4a_7c15;
/// Retries that can be saved up (see `retry_budget`).
const BUDGET_LIMIT: f64 = 10.0;

impl Sim {
    pub(in crate::sim) fn clients(&mut self, node: u16) -> Option<&mut ClientsBody> {
        match &mut self.nodes[node as usize].body {
            Body::Clients(clients) => Some(clients),
            _ => None,
        }
    }

    /// Starts a clients node's arrivals, or starts them anew after its workload has changed.
    pub(in crate::sim) fn start_arrivals(&mut self, node: u16) {
        let now = self.now;
        let Some(clients) = self.clients(node) else {
            return;
        };
        let (think, key) = (clients.think, clients.keys.think);
        let wanted = match &clients.settings.arrivals {
            Arrivals::Closed(closed) => {
                clients.epoch = 0;
                closed.users as usize
            }
            Arrivals::Poisson(_) | Arrivals::Steady(_) => 0,
        };
        let mut mine = std::mem::take(&mut clients.seats);
        let first = clients.next_op;
        clients.next_op += wanted.saturating_sub(mine.len()) as u64;
        for seat in mine.drain(wanted.min(mine.len())..) {
            // Its user leaves once its operation has ended and it has thought.
            self.seats[seat as usize].leaving = true;
        }
        for number in first..first + wanted.saturating_sub(mine.len()) as u64 {
            let taken = Seat {
                node,
                leaving: false,
                // Never used again, so that a seat taken anew draws anew.
                number: number as u32 + 1,
                begun: 0,
            };
            let seat = match self.free_seats.pop() {
                Some(seat) => {
                    self.seats[seat as usize] = taken;
                    seat
                }
                None => {
                    self.seats.push(taken);
                    self.seats.len() as u32 - 1
                }
            };
            let bits = draw(key, number | 1 << 40);
            let wait = think.map_or(0, |t| t.sample_ns(bits));
            self.queue.push(now + wait, Kind::UserReady, seat);
            mine.push(seat);
        }
        if let Some(clients) = self.clients(node) {
            clients.seats = mine;
        }
        if wanted == 0 {
            self.plan_arrivals(node);
        }
    }

    /// The next arrival at another rate: what was left until it passes as much faster or slower, so that changing the
    /// rate again and again neither holds arrivals back nor draws anew.
    fn plan_arrivals(&mut self, node: u16) {
        let (now, queue) = (self.now, &mut self.queue);
        let Body::Clients(clients) = &mut self.nodes[node as usize].body else {
            return;
        };
        let ratio = clients.mean_gap_ns / clients.planned_gap_ns;
        let goes_on = clients.epoch != 0 && ratio.is_finite();
        if !goes_on {
            clients.over_ns = 0.0;
            return clients.next_arrival(queue, node, now);
        }
        let left = clients.arrives_at.saturating_sub(now) as f64 + clients.over_ns;
        clients.arrives_after(queue, node, now, left * ratio);
    }

    #[inline(always)]
    pub(in crate::sim) fn arrival(&mut self, node: u32, number: u32) {
        let slot = &mut self.nodes[node as usize];
        let Body::Clients(clients) = &mut slot.body else {
            return;
        };
        // One of the workload before a change has another number: that has planned its own.
        if slot.removed || self.now >= self.end || clients.epoch != number {
            return;
        }
        clients.next_arrival(&mut self.queue, node as u16, self.now);
        clients.next_op += 1;
        let wanted = clients.want(node as u16, clients.next_op);
        self.begin(wanted, NONE);
    }

    pub(in crate::sim) fn user_ready(&mut self, index: u32) {
        let seat = &mut self.seats[index as usize];
        let slot = &self.nodes[seat.node as usize];
        if seat.leaving || slot.removed || self.now >= self.end {
            self.free_seats.push(index);
            return;
        }
        let Body::Clients(clients) = &slot.body else {
            return;
        };
        // By seat and its how manieth it is there, so that one operation that takes longer shifts no other seat's draws.
        seat.begun += 1;
        let nth = u64::from(seat.number) << 32 | u64::from(seat.begun);
        let wanted = clients.want(seat.node, nth);
        self.begin(wanted, index);
    }

    /// The user of a closed loop, in whose seat `slot` the operation was, thinks before the next.
    fn user_thinks(&mut self, slot: u32, bits: u64, node: u16, failed: bool) {
        let now = self.now;
        let Some(clients) = self.clients(node) else {
            return;
        };
        let wait = clients
            .think
            .map_or(0, |t| t.sample_ns(draw(clients.keys.think, bits)));
        let least = if failed {
            LEAST_THINK_AFTER_FAILURE_NS
        } else {
            LEAST_THINK_NS
        };
        self.queue
            .push(now + wait.max(least), Kind::UserReady, slot);
    }

    /// An operation begins, at a closed loop's `seat`.
    #[inline(always)]
    fn begin(&mut self, wanted: Wanted, seat: u32) {
        self.observers.started(wanted.client, self.now);
        let op = self.open_op(wanted, seat);
        if !self.has_sessions() || wanted.verb == Verb::Login {
            self.send_attempt(op, wanted, 0, self.now);
        } else {
            self.attempt_with_credential(op);
        }
    }

    #[inline(always)]
    pub(in crate::sim) fn open_op(&mut self, wanted: Wanted, seat: u32) -> u32 {
        let Wanted { client, key, .. } = wanted;
        let counts = self.now >= self.warmup;
        self.nodes[client as usize].arrived += 1;
        let counted = &mut self.observers.results[usize::from(counts)];
        counted.offered += 1;
        counted.offered_by_kind[wanted.verb as usize & 3] += 1;
        let expects_stamp = self.newest_of(client, key);
        if self.free_op == NONE {
            self.free_op = self.ops.len() as u32;
            self.ops.push(Op {
                next: NONE,
                ..Op::default()
            });
        }
        let index = self.free_op;
        // Field by field: a whole struct is built elsewhere first and then copied, which takes longer.
        let op = &mut self.ops[index as usize];
        self.free_op = op.next;
        op.intended = self.now;
        op.draw = wanted.draw;
        op.user = wanted.user;
        op.key = key;
        op.client = client;
        op.verb = wanted.verb;
        op.attempt = 0;
        op.references = 1;
        op.wait = 0;
        op.call = NONE;
        op.active = true;
        op.failed = false;
        op.forced = false;
        op.again = false;
        op.stolen = 0;
        op.applied = 0;
        op.place = None;
        op.expects_stamp = expects_stamp;
        op.waiting = NONE;
        op.next = NONE;
        op.slot = seat;
        op.met = None;
        op.met_now = false;
        op.sent_at = self.now;
        op.resume = 0;
        index
    }

    /// One reference less; with the last, the operation is over.
    #[inline(always)]
    pub(in crate::sim) fn release_op(&mut self, index: u32) {
        let op = &mut self.ops[index as usize];
        op.references -= 1;
        if op.references == 0 {
            self.writes.settle(op);
            op.next = std::mem::replace(&mut self.free_op, index);
        }
    }

    /// The operation is tried again, or for the first time after it had to wait.
    pub(in crate::sim) fn attempt_later(&mut self, index: u32) {
        self.attempt(index);
    }

    /// Sends an attempt of the operation.
    #[inline(always)]
    pub(in crate::sim) fn attempt(&mut self, index: u32) {
        let op = &mut self.ops[index as usize];
        op.resume = 0;
        op.met_now = false;
        op.sent_at = self.now;
        let (wanted, attempt, intended) = (op.wanted(), op.attempt, op.intended);
        self.send_attempt(index, wanted, attempt, intended);
    }

    /// The same for an operation, intended at that time, whose attempt has begun.
    #[inline(always)]
    fn send_attempt(&mut self, index: u32, wanted: Wanted, attempt: u16, intended: u64) {
        self.observers.results[usize::from(intended >= self.warmup)].attempts += 1;
        let has_sessions = self.has_sessions();
        let Body::Clients(clients) = &mut self.nodes[wanted.client as usize].body else {
            return;
        };
        // The budget grows by a share of a retry with each first attempt.
        if attempt == 0
            && let Some(share) = clients.settings.retry_budget
        {
            clients.budget = (clients.budget + share.0).min(BUDGET_LIMIT);
        }
        let (link, timeout, lane) = (
            clients.entry_link,
            clients.settings.timeout,
            clients.timeout_lane,
        );
        if link == u16::MAX || self.links[link as usize].removed {
            return self.attempt_failed(index, Cause::Refused);
        }
        let instance = self.choose_instance(link, NONE);
        let bits = wanted.draw ^ u64::from(attempt).wrapping_mul(DISTINCT);
        let credential = if has_sessions {
            let user = self.users.get(wanted.user as usize);
            user.map_or(0, |u| u.session)
        } else {
            0
        };
        let asked = Asked {
            op: index,
            parent: NONE,
            asker: wanted.client,
            link,
            instance,
            verb: wanted.verb,
            bits,
            entry: has_sessions,
            credential,
            target: 0,
        };
        self.call(asked, timeout.map(|timeout| (timeout, lane)));
    }

    pub(in crate::sim) fn client_timeout(&mut self, index: u32, token: u32) {
        let op = &mut self.ops[index as usize];
        if op.wait != token {
            return;
        }
        op.wait = 0;
        let (call, client) = (op.call, op.client);
        let cancel = match &self.nodes[client as usize].body {
            Body::Clients(clients) => clients.settings.cancel,
            _ => false,
        };
        // The call may have vanished with its machine, and its slot hold another.
        let slot = self.calls.get(call as usize);
        if slot.is_some_and(|slot| !slot.free && slot.parent_wait == token) {
            self.note_hung(call);
            self.abandon(call, cancel);
        }
        self.attempt_failed(index, Cause::Timeout);
    }

    /// If the attempt is stuck at an instance with a fault, the operation has met that fault.
    fn note_hung(&mut self, mut index: u32) {
        loop {
            let call = &self.calls[index as usize];
            if call.free {
                return;
            }
            if call.wait != 0 && call.child != NONE {
                let child = &self.calls[call.child as usize];
                if !child.free && child.parent_wait == call.wait && child.parent == index {
                    index = call.child;
                    continue;
                }
            }
            return self.meets_fault(index);
        }
    }

    pub(in crate::sim) fn attempt_failed(&mut self, index: u32, cause: Cause) {
        let op = &self.ops[index as usize];
        let (node, attempt, bits) = (op.client, op.attempt, op.draw);
        let now = self.now;
        let Body::Clients(clients) = &mut self.nodes[node as usize].body else {
            return;
        };
        let settings = &clients.settings;
        let may = u32::from(attempt) < settings.retries
            && !matches!(cause, Cause::Unauthorized | Cause::HeaderTooLarge)
            && (settings.retry_budget.is_none() || clients.budget >= 1.0);
        if !may {
            return self.fail(index, cause);
        }
        if settings.retry_budget.is_some() {
            clients.budget -= 1.0;
        }
        let longest = (settings.backoff.0 as f64 * libm::ldexp(1.0, i32::from(attempt.min(60))))
            .min(settings.backoff_limit.0 as f64);
        let wait = (unit(draw(clients.keys.backoff, bits ^ u64::from(attempt))) * longest) as u64;
        let op = &mut self.ops[index as usize];
        op.attempt += 1;
        op.resume = self.queue.push(now + wait, Kind::Retry, index);
    }

    /// The operation's client has the answer of this call, which is still there.
    #[inline(always)]
    pub(in crate::sim) fn complete(&mut self, index: u32, call: u32) {
        let op = &mut self.ops[index as usize];
        let ended = op.end(self.now);
        let (key, met, expects) = (op.key, op.met, op.expects_stamp);
        let counts = usize::from(op.intended >= self.warmup);
        let slot = &mut self.nodes[ended.client as usize];
        slot.completed += 1;
        let good = match &slot.body {
            Body::Clients(clients) => ended.took <= clients.good_within,
            _ => true,
        };
        let counted = &mut self.observers.results[counts];
        counted.completed += 1;
        counted.after_retry += u64::from(ended.retried);
        counted.good += u64::from(good);
        counted.response[ended.verb as usize & 3].record(ended.took);
        match ended.verb {
            Verb::Read => {
                counted.reads += 1;
                if expects > 0 {
                    // Against what is acknowledged and not lost by now, if that has become less.
                    let newest = self.newest_of(ended.client, key);
                    let found = self.calls[call as usize].found;
                    self.observers.results[counts].stale += u64::from(found < expects.min(newest));
                }
            }
            Verb::Write => self.acknowledge(key, self.calls[call as usize].place),
            Verb::Login => self.logged_in(ended.user, self.calls[call as usize].place),
            Verb::Logout => self.logged_out(ended.user),
            Verb::FindSession | Verb::StoreSession => {}
        }
        if let Some(fault) = met {
            self.faults[fault as usize].saved += 1;
        }
        self.note_end(&ended, good, false);
        self.go_on_after(&ended, None);
    }

    #[cold]
    pub(in crate::sim) fn fail(&mut self, index: u32, cause: Cause) {
        let op = &mut self.ops[index as usize];
        op.failed = true;
        let ended = op.end(self.now);
        let (met, met_now, sent_at) = (op.met, op.met_now, op.sent_at);
        let signed_out = cause == Cause::Unauthorized && op.stolen == 0;
        let counts = usize::from(op.intended >= self.warmup);
        if op.references == 0 {
            self.writes.settle(op);
            op.next = std::mem::replace(&mut self.free_op, index);
        }
        self.nodes[ended.client as usize].failed += 1;
        let counted = &mut self.observers.results[counts];
        counted.failed += 1;
        counted.by_cause[cause as usize] += 1;
        counted.failed_response.record(ended.took);
        if let Some(fault) = met {
            let fault = &mut self.faults[fault as usize];
            fault.failed_met += 1;
            if met_now
                && fault
                    .detected
                    .is_some_and(|detected| sent_at > fault.at + detected)
            {
                fault.failed_after_detection += 1;
            }
        }
        self.note_end(&ended, false, true);
        self.go_on_after(&ended, Some(cause));
        if signed_out {
            self.sign_in_again(&ended);
        }
    }

    /// Goes on with whoever waited for an operation that has ended.
    #[inline(always)]
    fn go_on_after(&mut self, ended: &End, failed: Option<Cause>) {
        if ended.seat != NONE {
            self.user_thinks(ended.seat, ended.draw, ended.client, failed.is_some());
        }
        if ended.waiting != NONE || ended.again {
            self.login_over(ended.user, ended.waiting, failed);
        }
    }

    #[inline(always)]
    fn note_end(&mut self, ended: &End, good: bool, failed: bool) {
        let how = Ended {
            intended: self.now - ended.took,
            took: ended.took,
            completed: !failed,
            good: good && !failed,
        };
        let observers = &mut self.observers;
        observers.ended(ended.client, how, ended.retried, ended.forced);
    }
}
