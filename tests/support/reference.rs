//! Books kept beside the simulator's: a plain map of each write on each copy. Slow, and meant to be obviously right.
//!
//! It is told facts (what was written, what reached which holder, which holder is gone, who has authority now) and says
//! by itself what is held, lost and unavailable.

use std::collections::{BTreeMap, BTreeSet};

use statescope::sim::Sim;
use statescope::sim::facts::{Fact, Holder, Rules, Source, Write};
use statescope::units::Duration;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stopped {
    #[default]
    Hangs,
    Died,
    Deposed,
}

#[derive(Clone, Debug, Default)]
struct Log {
    data: bool,
    space: u16,
    rules: Rules,
    served: bool,
    retired: bool,
    /// When each write comes to the copies that follow, by number, and its bytes.
    written: BTreeMap<u64, (Duration, u64)>,
    /// Who holds which.
    holders: BTreeMap<Holder, BTreeSet<u64>>,
    /// What its dead primary's own disk has, until its authority is settled.
    remains: Option<BTreeSet<u64>>,
    /// What arrives at copies that follow, once its primary sends nothing more, and since when it does not.
    stream: Option<(BTreeSet<u64>, Duration)>,
    /// When the stream ended last, and whether it was cut off.
    ended: Option<(Duration, bool)>,
    /// Why its stream will begin anew: the process that hung went on unless it died, or a copy took over.
    stopped: Stopped,
    /// Where its content has gone, and where what is acknowledged late belongs.
    moved_to: Vec<Write>,
    /// The same of what a cache has flushed, write by write.
    flushed: BTreeMap<u64, Write>,
    /// Keys that have gone elsewhere, what of the log was held then, and where to.
    parted_with: Vec<(BTreeSet<u64>, BTreeSet<u64>, Write)>,
}

impl Log {
    fn on(&mut self, holder: Holder) -> &mut BTreeSet<u64> {
        self.holders.entry(holder).or_default()
    }

    fn has(&self, number: u64) -> bool {
        let memory = self.holders.get(&Holder::Memory);
        memory.is_some_and(|held| held.contains(&number))
    }

    fn what(&self, holder: Holder) -> BTreeSet<u64> {
        self.holders.get(&holder).cloned().unwrap_or_default()
    }

    fn write(&mut self, number: u64, at: Duration, bytes: u64) {
        let before = self.holders.get(&Holder::Memory).and_then(BTreeSet::last);
        let before = before
            .and_then(|before| self.written.get(before))
            .map(|w| w.0);
        let arrives = at.0.saturating_add(self.rules.lag.0);
        let arrives = Duration(before.map_or(arrives, |before| arrives.max(before.0)));
        self.written.insert(number, (arrives, bytes));
        self.on(Holder::Memory).insert(number);
        if self.rules.file.is_some() {
            self.on(Holder::File).insert(number);
        }
    }

    /// What the dead process, or machine, leaves behind.
    fn left_by_death(&self, machine: bool) -> BTreeSet<u64> {
        match (self.rules.file, self.rules.snapshots) {
            (Some(_), _) if !machine => self.what(Holder::File),
            (Some(true), _) => self.what(Holder::Disk),
            (Some(false), _) => BTreeSet::new(),
            (None, Some(survives)) if survives || !machine => self.what(Holder::Snapshot),
            (None, _) => BTreeSet::new(),
        }
    }

    /// Its stream goes on: from where a process stood still, or what it had not sent before it died, or what had not come
    /// from the one before, is sent anew.
    fn stream_again(&mut self, now: Duration) {
        let stopped = std::mem::take(&mut self.stopped);
        let lag = self.rules.lag.0;
        let Some((sent, ended)) = self.stream.take() else {
            return;
        };
        let is_copy = |holder: &Holder| matches!(holder, Holder::Copy(_));
        let copied = self.holders.keys().any(is_copy);
        self.holders.retain(|holder, _| !is_copy(holder));
        if stopped != Stopped::Deposed && !copied {
            return;
        }
        let memory = self.what(Holder::Memory);
        let under_way = sent
            .intersection(&memory)
            .filter_map(|n| self.written.get(n));
        let behind = under_way.map(|w| w.0.0).max().unwrap_or(0);
        let anew = now.0.saturating_add(lag).max(behind);
        for (number, (arrives, _)) in &mut self.written {
            match stopped {
                Stopped::Hangs if !sent.contains(number) => {
                    arrives.0 = arrives.0.saturating_add(now.0 - ended.0);
                }
                Stopped::Died if !sent.contains(number) => arrives.0 = anew,
                Stopped::Deposed if arrives.0 > now.0 => arrives.0 = now.0.saturating_add(lag),
                _ => {}
            }
        }
    }

    /// What a copy gets that follows: what it was filled with, and what comes over a way that is so much longer.
    fn follows(&self, filled: u64, way: Duration) -> BTreeSet<u64> {
        let ended = self.ended;
        let sent = ended.map_or(BTreeSet::new(), |(at, cut)| self.sent(at, cut, way));
        let both = |n: &u64| self.stream.as_ref().is_some_and(|s| s.0.contains(n));
        let comes = |n: &u64| sent.contains(n) && both(n);
        let all = self.what(Holder::Memory).into_iter();
        all.filter(|n| *n <= filled || comes(n)).collect()
    }

    /// What has come to a copy so far.
    fn come(&self, copy: u16, followed: bool, filled: u64, by: u64) -> BTreeSet<u64> {
        let all = match self.stream {
            Some(_) => self.what(Holder::Copy(copy)),
            None => self.what(Holder::Memory),
        };
        let here = |n: &u64| *n <= filled || (followed && self.written[n].0.0 <= by);
        all.into_iter().filter(here).collect()
    }

    /// What somebody has that could get authority.
    fn survivors(&self) -> BTreeSet<u64> {
        let own = self.remains.clone();
        let mut has = own.unwrap_or_else(|| self.what(Holder::Memory));
        for (holder, held) in &self.holders {
            if let Holder::Copy(_) | Holder::CopyFile(_) = holder {
                has.extend(held);
            }
        }
        has
    }

    /// What arrives at its copies if its primary sends nothing more: what has had the time to, and unless it is `cut` off
    /// what the send buffer holds of the rest, in order.
    fn sent(&self, now: Duration, cut: bool, way: Duration) -> BTreeSet<u64> {
        let mut room = if cut { 0 } else { self.rules.send_buffer };
        let mut sent = BTreeSet::new();
        for number in self.what(Holder::Memory) {
            let (arrives, bytes) = self.written[&number];
            if arrives.0.saturating_add(way.0) > now.0 {
                if cut || bytes > room {
                    break;
                }
                room -= bytes;
            }
            sent.insert(number);
        }
        sent
    }

    /// Its content is this from now on, and nothing else.
    fn settle(&mut self, content: &BTreeSet<u64>) {
        for held in self.holders.values_mut() {
            held.retain(|number| content.contains(number));
        }
        self.remains = None;
        *self.on(Holder::Memory) = content.clone();
        if self.rules.file.is_some() {
            *self.on(Holder::File) = content.clone();
        }
    }
}

/// A key of a space.
type Key = (u16, u64);

/// An acknowledged write: where it is, or that it is lost.
#[derive(Clone, Copy, Debug)]
struct Acknowledged {
    place: Option<Write>,
    lost: bool,
    key: Key,
    /// The how manieth write it was, of all.
    order: u64,
}

/// Books of every write.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    logs: BTreeMap<u32, Log>,
    acknowledged: Vec<Acknowledged>,
    written: u64,
    order: BTreeMap<Write, u64>,
    /// Newest acknowledged version of each key.
    newest: BTreeMap<Key, u64>,
    /// Keys of which the newest acknowledged version was lost at some time.
    keys_lost: BTreeSet<Key>,
    /// Content has gone to another log, or keys to another space. Which of several a key went to is not known here.
    has_moved: bool,
    /// Who can be reached by whom is not known here.
    pub is_blind: bool,
}

/// What the books say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    pub acknowledged: u64,
    pub held: u64,
    pub lost: u64,
    pub unavailable: u64,
    pub keys_lost: u64,
}

impl Reference {
    /// Books what has happened since the last time, and compares.
    pub fn follow(&mut self, sim: &mut Sim) -> Result<(), String> {
        for (at, fact) in sim.take_facts() {
            self.book(at, &fact);
        }
        let writes = sim.write_counts();
        let theirs = Balance {
            acknowledged: writes.acknowledged,
            held: writes.held,
            lost: writes.lost,
            unavailable: if self.is_blind {
                self.balance().unavailable
            } else {
                writes.unavailable
            },
            keys_lost: if self.has_moved { 0 } else { writes.keys_lost },
        };
        let ours = self.balance();
        if ours == theirs {
            Ok(())
        } else {
            Err(format!(
                "the books say {theirs:?}, each write by itself {ours:?}"
            ))
        }
    }

    fn log(&mut self, log: u32) -> &mut Log {
        self.logs.entry(log).or_default()
    }

    fn book(&mut self, at: Duration, fact: &Fact) {
        match *fact {
            Fact::Began { log, data } => self.log(log).data = data,
            Fact::Belongs(log, space) => {
                let log = self.log(log);
                let changes = log.space != space && !log.written.is_empty();
                log.space = space;
                self.has_moved |= changes;
            }
            Fact::Ruled(log, rules) => {
                let log = self.log(log);
                log.rules = rules;
                if rules.file.is_some() {
                    let all = log.what(Holder::Memory);
                    *log.on(Holder::File) = all;
                } else {
                    // What is on disk, or in a snapshot, stays there.
                    log.holders.remove(&Holder::File);
                }
            }
            Fact::Served(log, served) => {
                let log = self.log(log);
                log.served = served;
                if served {
                    log.stream_again(at);
                }
            }
            Fact::Written((log, number), bytes) => {
                self.written += 1;
                self.order.insert((log, number), self.written);
                self.log(log).write(number, at, bytes);
            }
            Fact::StreamEnded { log, cut } => {
                let log = self.log(log);
                let sent = log.sent(at, cut, Duration(0));
                log.ended = Some((at, cut));
                log.stream = Some(match log.stream.take() {
                    Some((before, ended)) => (before.intersection(&sent).copied().collect(), ended),
                    None => {
                        if log.stopped == Stopped::Deposed {
                            log.stopped = Stopped::Hangs;
                        }
                        (sent, at)
                    }
                });
            }
            Fact::Follows {
                log,
                copy,
                filled,
                way,
            } => {
                let log = self.log(log);
                let has = log.follows(filled, way);
                *log.on(Holder::Copy(copy)) = has;
            }
            Fact::Behind { log, copy, number } => {
                let log = self.log(log);
                let all = log.what(Holder::Memory).into_iter();
                *log.on(Holder::Copy(copy)) = all.filter(|n| *n <= number).collect();
            }
            Fact::Acknowledged { place, now, key } => self.acknowledge(place, now, key),
            Fact::Reached {
                log,
                holder,
                number,
                by,
            } => {
                let log = self.log(log);
                let all = log.what(Holder::Memory);
                let reached = all.into_iter().filter(|n| {
                    *n <= number
                        && by.is_none_or(|by| log.written.get(n).is_some_and(|w| w.0 <= by))
                });
                let reached: Vec<u64> = reached.collect();
                log.on(holder).extend(reached);
            }
            Fact::CopyStopped {
                log,
                copy,
                followed,
                filled,
                way,
                gone,
            } => {
                let log = self.log(log);
                let file = Holder::CopyFile(copy);
                if !log.holders.contains_key(&file) {
                    let has = log.come(copy, followed, filled, at.0.saturating_sub(way.0));
                    log.holders.insert(file, has);
                }
                if gone {
                    log.holders.remove(&Holder::Copy(copy));
                }
            }
            Fact::CopyCut { log, copy } => {
                let log = self.log(log);
                let synced = log.what(Holder::CopyDisk(copy));
                log.on(Holder::CopyFile(copy))
                    .retain(|n| synced.contains(n));
            }
            Fact::CopyBack { log, copy } => {
                let log = self.log(log);
                let has = log.holders.remove(&Holder::CopyFile(copy));
                *log.on(Holder::Copy(copy)) = has.unwrap_or_default();
            }
            Fact::Gone(log, holder) => {
                let log = self.log(log);
                log.holders.remove(&holder);
                if let Holder::Copy(instance) = holder {
                    log.holders.remove(&Holder::CopyDisk(instance));
                    log.holders.remove(&Holder::CopyFile(instance));
                }
            }
            Fact::Died { log, machine } => {
                let log = self.log(log);
                log.stopped = Stopped::Died;
                let left = log.left_by_death(machine);
                log.remains = Some(match log.remains.take() {
                    Some(before) => before.intersection(&left).copied().collect(),
                    None => left,
                });
            }
            Fact::Settled(log, source) => self.settle(log, source),
            Fact::Forked { log, number, fork } => self.fork(log, number, fork),
            Fact::Flushed {
                log,
                number,
                to,
                bytes,
            } => self.flush(log, number, to, at, bytes),
            Fact::KeysMoved {
                log,
                to,
                ref keys,
                bytes,
            } => self.move_keys(log, to, keys, at, bytes),
            Fact::HandedOver {
                log,
                ref to,
                value_size,
            } => self.hand_over(log, to, at, value_size),
        }
    }

    /// Whether what was written at a place can be at another by now, having moved on.
    fn leads_to(&self, place: Write, now: Write, key: u64) -> bool {
        let leads = |next: Write| self.leads_to(next, now, key);
        if let Some(next) = self.went_with(place, key) {
            return leads(next);
        }
        place == now
            || self
                .logs
                .get(&place.0)
                .is_some_and(|log| log.has(place.1) && log.moved_to.iter().any(|&next| leads(next)))
    }

    fn acknowledge(&mut self, place: Option<Write>, now: Option<Write>, key: u64) {
        let order = place.and_then(|place| self.order.get(&place).copied());
        let mut at = place;
        while let Some((log, number)) = at
            && let Some(&to) = self.logs.get(&log).and_then(|l| l.flushed.get(&number))
        {
            at = Some(to);
        }
        // It may have moved on since it was written.
        while let Some((index, number)) = at
            && let Some(log) = self.logs.get(&index)
        {
            let with_key = self.went_with((index, number), key);
            if with_key.is_none() && (!log.has(number) || log.moved_to.is_empty()) {
                break;
            }
            let mut further = log.moved_to.iter().copied();
            at = with_key.or_else(|| {
                let now = now.expect("it has moved on");
                further.find(|&next| self.leads_to(next, now, key))
            });
            assert!(at.is_some(), "it is on its way");
        }
        let held =
            at.is_some_and(|(log, number)| self.logs.get(&log).is_some_and(|log| log.has(number)));
        let order = order.unwrap_or(0);
        let key = (at.map_or(0, |(log, _)| self.log(log).space), key);
        let newest = self.newest.entry(key).or_default();
        if order > *newest {
            *newest = order;
            if !held {
                self.keys_lost.insert(key);
            }
        }
        self.acknowledged.push(Acknowledged {
            place: at,
            lost: !held,
            key,
            order,
        });
    }

    /// Where a write went with its key, if that went elsewhere after it was written.
    fn went_with(&self, (log, number): Write, key: u64) -> Option<Write> {
        let log = self.logs.get(&log)?;
        let with = |(keys, held, _): &&(BTreeSet<u64>, BTreeSet<u64>, Write)| {
            keys.contains(&key) && held.contains(&number)
        };
        log.parted_with.iter().find(with).map(|(.., to)| *to)
    }

    fn move_keys(&mut self, from: u32, to: Write, keys: &[u64], at: Duration, bytes: u64) {
        self.log(to.0).write(to.1, at, bytes);
        let keys: BTreeSet<u64> = keys.iter().copied().collect();
        for write in &mut self.acknowledged {
            let is_there = write.place.is_some_and(|(log, _)| log == from);
            if is_there && !write.lost && keys.contains(&write.key.1) {
                write.place = Some(to);
            }
        }
        let held = self.log(from).what(Holder::Memory);
        self.log(from).parted_with.push((keys, held, to));
    }

    fn settle(&mut self, index: u32, source: Source) {
        let log = self.log(index);
        let content = match source {
            Source::Survivors => log.survivors(),
            Source::Own => match log.remains.take() {
                Some(left) => left,
                None => log.what(Holder::Memory),
            },
            Source::Copy(instance) => log.what(Holder::Copy(instance)),
            Source::Nothing => BTreeSet::new(),
        };
        let remains = log.remains.clone();
        log.settle(&content);
        if source == Source::Survivors {
            log.remains = remains;
        }
        if let Source::Copy(instance) = source {
            log.stopped = Stopped::Deposed;
            // Its own disk counts from now on, and its own snapshots.
            let disk = log.what(Holder::CopyDisk(instance));
            *log.on(Holder::Disk) = disk;
            if !log.rules.shared_snapshots {
                log.holders.remove(&Holder::Snapshot);
            }
            log.holders.remove(&Holder::Copy(instance));
            log.holders.remove(&Holder::CopyDisk(instance));
        }
        for write in &mut self.acknowledged {
            if let Some((log, number)) = write.place
                && log == index
                && !content.contains(&number)
                && !write.lost
            {
                write.lost = true;
                if self.newest.get(&write.key) == Some(&write.order) {
                    self.keys_lost.insert(write.key);
                }
            }
        }
    }

    fn fork(&mut self, index: u32, number: u64, fork: u32) {
        let log = self.log(index);
        let written = log.written.split_off(&(number + 1));
        let taken = [Holder::Memory, Holder::File, Holder::Disk].map(|holder| {
            let held = log.holders.get_mut(&holder);
            (holder, held.map(|held| held.split_off(&(number + 1))))
        });
        for held in log.holders.values_mut() {
            held.split_off(&(number + 1));
        }
        for &n in written.keys() {
            // What came from another log has none.
            if let Some(&order) = self.order.get(&(index, n)) {
                self.order.insert((fork, n - number), order);
            }
        }
        let other = self.log(fork);
        other.written = written.into_iter().map(|(n, w)| (n - number, w)).collect();
        for (holder, held) in taken {
            let held = held.unwrap_or_default().into_iter().map(|n| n - number);
            other.on(holder).extend(held);
        }
        for write in &mut self.acknowledged {
            if let Some((log, n)) = &mut write.place
                && *log == index
                && *n > number
            {
                (*log, *n) = (fork, *n - number);
            }
        }
    }

    fn hand_over(&mut self, from: u32, to: &[(Write, u64)], at: Duration, value_size: u64) {
        for &((log, number), n) in to {
            self.log(log)
                .write(number, at, n.saturating_mul(value_size));
        }
        let mut shares = to
            .iter()
            .flat_map(|&(write, n)| std::iter::repeat_n(write, n as usize));
        for write in &mut self.acknowledged {
            if !write.lost && write.place.is_some_and(|(log, _)| log == from) {
                write.place = shares.next();
            }
        }
        assert!(shares.next().is_none(), "more is handed over than there is");
        self.has_moved = true;
        let log = self.log(from);
        log.retired = true;
        log.moved_to = to.iter().map(|(write, _)| *write).collect();
    }

    fn flush(&mut self, from: u32, upto: u64, to: Write, at: Duration, bytes: u64) {
        self.log(to.0).write(to.1, at, bytes);
        let log = self.log(from);
        let goes: Vec<u64> = log.what(Holder::Memory).range(..=upto).copied().collect();
        for held in log.holders.values_mut() {
            held.retain(|number| *number > upto);
        }
        log.flushed.extend(goes.iter().map(|number| (*number, to)));
        for write in &mut self.acknowledged {
            if let Some((log, number)) = write.place
                && log == from
                && number <= upto
                && !write.lost
            {
                write.place = Some(to);
            }
        }
    }

    fn balance(&self) -> Balance {
        let mut balance = Balance {
            acknowledged: self.acknowledged.len() as u64,
            keys_lost: if self.has_moved {
                0
            } else {
                self.keys_lost.len() as u64
            },
            ..Balance::default()
        };
        for write in &self.acknowledged {
            if write.lost {
                balance.lost += 1;
                continue;
            }
            balance.held += 1;
            let log = write.place.and_then(|(log, _)| self.logs.get(&log));
            balance.unavailable += u64::from(log.is_some_and(|l| !l.served && !l.retired));
        }
        balance
    }
}
