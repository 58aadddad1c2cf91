//! Writes that depend on copies: those that wait for acknowledgements, and those that are refused while too few copies follow.

use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::keeping::ledger::Replica;

impl Sim {
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
        let mut due: Vec<u64> = self.logs[place.log as usize].hears().collect();
        due.sort_unstable();
        due.dedup();
        let token = self.new_token();
        self.calls[index as usize].resume = token;
        let waiting = &mut self.logs[place.log as usize].awaiting;
        waiting.push_back((index, token, place.sequence));
        for at in due {
            self.look_at_copies(place.log, at);
        }
        true
    }

    /// How many copies have a write, and say so.
    fn copies_with(&self, log: u32, sequence: u64) -> u32 {
        let here = &self.logs[log as usize];
        let has = |copy: &&Replica| {
            let mark = here.known_of(copy, self.now);
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
