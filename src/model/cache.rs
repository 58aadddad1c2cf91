//! The cache that an instance of a service has before the store in which the service keeps its state.

use crate::model::settings::{choices, settings};
use crate::units::{Duration, Share};

choices! {
    /// What a cache does, above all with writes. All answer a read with what they hold, and fetch what they lack.
    pub enum CacheKind {
        /// The service asks the store for what the cache lacks; after a write to the store it deletes the entry. A fetch that
        /// began before the write can put the old version back.
        CacheAside,
        /// The cache fetches what it lacks itself, and knows of it: after a write to the store the entry is deleted, and a
        /// fetch that began before is not kept.
        ReadThrough,
        /// A write goes to the store and then into the cache.
        WriteThrough,
        /// A write goes to the store past the cache, which keeps what it has.
        WriteAround,
        /// A write goes into the cache and is answered; the store gets it later. What it has not got dies with the instance.
        WriteBack(WriteBack),
    }

    /// How caches learn that an entry is old.
    pub enum Invalidation {
        /// Not at all: an entry is kept until its time is over.
        None,
        /// The store tells every instance of each write, once.
        Broadcast(Broadcast),
    }
}

settings! {
    /// Writes that the cache keeps back.
    pub struct WriteBack {
        /// From one flush to the next; dirty entries beyond the capacity bring it forward.
        pub flush_every: Duration = Duration(1_000_000_000), in "1ms".."1d", source "ours; Linux dirty_writeback_centisecs is 5 s";
    }

    /// Messages of a store to caches, each about one write.
    pub struct Broadcast {
        /// From the write until it is sent; the way comes on top.
        pub delay: Duration = Duration(1_000_000), in "0s".."1h", source "ours";
        /// Messages that never arrive.
        pub loss: Share = Share(0.0), in "0%".."100%", source "ours; Redis Pub/Sub is at most once";
    }

    /// A cache in each instance's memory, cold at every start.
    pub struct Cache {
        /// What it does with reads and writes.
        pub kind: CacheKind = CacheKind::CacheAside, source "AWS whitepaper, Database Caching Strategies Using Redis";
        /// Entries an instance holds; the one that was not used for longest makes room. None: any number.
        pub capacity: Option<u32> = Some(10_000), in "1".."10000000", source "ours";
        /// How long an entry is used, from when it was fetched or written; None: for ever.
        pub ttl: Option<Duration> = Some(Duration(60_000_000_000)), in "1ms".."365d", source "ours";
        /// How an instance learns of writes of others.
        pub invalidation: Invalidation = Invalidation::None, source "ours";
        /// Whether an instance fetches an entry once for all that wait for it.
        pub coalesce: bool = false, source "ours; Go singleflight and nginx proxy_cache_lock do so";
    }
}

impl CacheKind {
    /// As people read it.
    pub fn words(&self) -> &'static str {
        match self {
            Self::CacheAside => "cache-aside",
            Self::ReadThrough => "read-through",
            Self::WriteThrough => "write-through",
            Self::WriteAround => "write-around",
            Self::WriteBack(_) => "write-back",
        }
    }
}
