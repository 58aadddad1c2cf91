//! Where state lives, and how sessions are kept.

use super::headers::Carried;
use super::node::DEFAULT_SESSION_SIZE;
use crate::model::settings::{choices, settings};
use crate::units::{Bytes, Duration};

choices! {
    /// Where a service keeps what clients write.
    pub enum State {
        /// Nowhere: writes live further on, in a store or service it calls.
        Stateless,
        /// In the memory of the instance.
        InMemory(InMemory),
        /// In files on a disk of the instance.
        LocalDisk(LocalDisk),
        /// In a database on the instance's machine.
        LocalDatabase(LocalDatabase),
        /// In a store of its own.
        External(External),
    }

    /// When written data is forced to disk. Every policy hands it to the operating system before it acknowledges.
    #[derive(Copy)]
    pub enum FsyncPolicy {
        /// Before each write is acknowledged.
        Always,
        /// Once a second.
        EverySecond,
        /// When the operating system likes, about every 30 s.
        Never,
    }

    /// Which disk an instance writes to.
    #[derive(Copy)]
    pub enum Disk {
        /// A network volume that outlives the machine and is attached again at a restart.
        Volume,
        /// The machine's own disk, gone with it.
        Instance,
    }

    /// Where snapshots of memory go.
    pub enum SnapshotTo {
        /// A network volume that outlives the machine.
        Volume,
        /// The machine's own disk, gone with it.
        Instance,
        /// An object store, by name.
        ObjectStore(String),
    }

    /// Further copies on other machines.
    pub enum Replication {
        /// None.
        None,
        /// Copies that follow with a delay; writes do not wait for them.
        Asynchronous(AsynchronousReplication),
        /// Copies that some of which must have a write before it is acknowledged.
        Synchronous(SynchronousReplication),
    }

    /// Which instance keeps a key.
    pub enum Partitioning {
        /// None in particular: an instance knows what was written through it.
        None,
        /// That of the key's hash modulo their number: nearly every key moves when that changes.
        Modulo,
        /// The next one on a ring, on which each has many points: few keys move.
        ConsistentHash(Ring),
        /// The one whose hash together with the key is the greatest: as few keys move, and all have equal shares.
        Rendezvous,
    }

    /// What becomes of the keys of an instance that is told to stop.
    #[derive(Copy)]
    pub enum Handover {
        /// They go to others while it drains; what has not gone when that is over is dropped.
        Move,
        /// They stay where they are, and what does not outlive the instance is lost.
        Drop,
    }

    /// How sessions are kept.
    pub enum Sessions {
        /// There are none: nobody logs in.
        None,
        /// In a signed token that the client holds.
        Jwt(Jwt),
        /// In a store, looked up for each request.
        ServerSide(ServerSide),
        /// In the memory of the instance that created it.
        InMemory(SessionsInMemory),
    }

    /// How a service learns that a token was revoked before its time.
    pub enum Revocation {
        /// It does not: a token is good until it expires.
        Nothing,
        /// From a list of revoked tokens, of which each instance keeps a copy.
        Denylist(Denylist),
        /// By asking a store with each request.
        Introspection(Introspection),
    }

    /// How a token is signed.
    #[derive(Copy)]
    pub enum Algorithm {
        /// HMAC with SHA-256.
        HS256,
        /// HMAC with SHA-384.
        HS384,
        /// HMAC with SHA-512.
        HS512,
        /// RSA, 2048 bit, with SHA-256.
        RS256,
        /// ECDSA on P-256.
        ES256,
        /// Ed25519.
        EdDSA,
    }
}

settings! {
    /// State in the instances' memory.
    pub struct InMemory {
        /// A copy of memory is written this often; None: never.
        pub snapshot_every: Option<Duration> = None, in "10ms".."1d", source "gk: 5 s where snapshots are on";
        /// Where snapshots go.
        pub snapshot_to: SnapshotTo = SnapshotTo::Volume, source "ours";
        /// How fast a snapshot is written, bytes per second; "unlimited" makes it instantaneous.
        pub snapshot_rate: crate::units::Bandwidth = crate::units::Bandwidth(104_857_600.0), source "gk: 100 MiB/s";
        /// Copies in other instances.
        pub replication: Replication = Replication::None, source "ours";
        /// How long a dead instance is missed before a copy takes over.
        pub down_after: Duration = Duration(5_000_000_000), in "1ms".."1h", source "gk";
        /// Which instance keeps a key; others forward requests for it.
        pub partitioning: Partitioning = Partitioning::None, source "ours";
    }

    /// A ring on which each instance has points.
    pub struct Ring {
        /// Points of each instance; the more, the more equal their shares.
        pub virtual_nodes: u32 = 100, in "1".."1000", source "gk (ketama: 160)";
    }

    /// State in files on a disk.
    pub struct LocalDisk {
        /// Which disk.
        pub disk: Disk = Disk::Volume, source "ours";
        /// When writes are forced to disk.
        pub fsync: FsyncPolicy = FsyncPolicy::EverySecond, source "ours";
        /// Time of a read.
        pub read_time: Duration = Duration(100_000), in "0s".."1s", source "napkin-math (local SSD random read, 8 KiB)";
        /// Time of a write, without an fsync.
        pub write_time: Duration = Duration(10_000), in "0s".."1s", source "gk (hand-over to the operating system)";
        /// Time of an fsync.
        pub fsync_time: Duration = Duration(300_000), in "0s".."1s", source "napkin-math (local SSD write with fsync, 8 KiB); consumer and network disks 1 to 10 ms (gk)";
        /// Which instance keeps a key; others forward requests for it.
        pub partitioning: Partitioning = Partitioning::None, source "ours";
    }

    /// State in a database on the instance's machine.
    pub struct LocalDatabase {
        /// Which disk.
        pub disk: Disk = Disk::Volume, source "ours";
        /// When commits are forced to disk.
        pub fsync: FsyncPolicy = FsyncPolicy::Always, source "SQLite PRAGMA synchronous FULL";
        /// Time of a point read.
        pub read_time: Duration = Duration(200_000), in "0s".."1s", source "gk (no network; napkin-math gives 500 us for a query over it)";
        /// Time of a write, without its commit.
        pub write_time: Duration = Duration(100_000), in "0s".."1s", source "gk";
        /// Time of a commit's fsync.
        pub fsync_time: Duration = Duration(1_000_000), in "0s".."1s", source "gk";
        /// Which instance keeps a key; others forward requests for it.
        pub partitioning: Partitioning = Partitioning::None, source "ours";
    }

    /// State in a store of its own.
    pub struct External {
        /// The store's name.
        pub store: String = String::new(), source "ours";
    }

    /// Copies that follow with a delay.
    pub struct AsynchronousReplication {
        /// How many.
        pub replicas: u32 = 1, in "1".."10", source "gk";
        /// How far a copy is behind.
        pub lag: Duration = Duration(1_000_000), in "0s".."1h", source "gk: 1 ms in a zone, 5 ms in another, 200 ms far away";
        /// How much of what is on its way is in the primary's kernel, and reaches the copy though the process dies.
        pub send_buffer: Bytes = Bytes(4_194_304), in "0B".."1GiB", source "Linux tcp_wmem, largest of the three";
        /// Copies that must follow, or writes are refused once fewer have done so for `max_lag`; 0: none.
        pub min_replicas: u32 = 0, in "0".."10", source "redis.conf, min-replicas-to-write";
        /// How long writes go on while fewer copies follow than `min_replicas`.
        pub max_lag: Duration = Duration(10_000_000_000), in "0s".."1h", source "redis.conf, min-replicas-max-lag";
    }

    /// Copies that writes wait for.
    pub struct SynchronousReplication {
        /// How many.
        pub replicas: u32 = 1, in "1".."10", source "gk";
        /// How many of them must have a write before it is acknowledged; it waits for them and never for fewer.
        pub acknowledgements: u32 = 1, in "1".."10", source "PostgreSQL synchronous_standby_names, ANY k";
        /// From a write until a copy has it and the primary knows.
        pub lag: Duration = Duration(1_000_000), in "0s".."1h", source "gk: 1 ms in a zone, 2 to 5 ms in another";
    }

    /// A list of revoked tokens that each instance of the first service fetches: at its start, and then again and again.
    pub struct Denylist {
        /// The store that it is fetched from. While an instance cannot reach it, its last copy is used.
        pub store: String = String::new(), source "ours";
        /// Each instance fetches the list this often, at a phase of its own.
        pub poll: Duration = Duration(10_000_000_000), in "10ms".."1d", source "gk: seconds to a minute";
        /// From a revocation until it is on the list that can be fetched.
        pub delay: Duration = Duration(0), in "0s".."1h", source "ours; seconds where the list is spread by a queue (gk)";
    }

    /// A store that is asked about the token of each request, as by RFC 7662. While it does not answer, requests fail.
    pub struct Introspection {
        /// The store's name.
        pub store: String = String::new(), source "ours";
    }

    /// Sessions in signed tokens.
    pub struct Jwt {
        /// Size of the claims.
        pub claims: Bytes = Bytes(200), in "2B".."64KiB", source "gk";
        /// How it is signed.
        pub algorithm: Algorithm = Algorithm::HS256, source "gk";
        /// Time to sign a token; None: what the algorithm takes (HS 2 us, RS256 700 us, ES256 30 us, EdDSA 20 us).
        pub sign_time: Option<Duration> = None, in "0s".."1s", source "gk; openssl speed measures it";
        /// Time to verify a token; None: what the algorithm takes (HS 2 us, RS256 30 us, ES256 80 us, EdDSA 50 us).
        pub verify_time: Option<Duration> = None, in "0s".."1s", source "gk; openssl speed measures it";
        /// How clients send it.
        pub carried: Carried = Carried::Bearer, source "RFC 6750";
        /// Other cookies that go with each request, in the line of the token if that is in cookies, too.
        pub other_cookies: Bytes = Bytes(0), in "0B".."64KiB", source "ours";
        /// Other lines of a request's header, with the request line.
        pub other_headers: Bytes = Bytes(500), in "0B".."64KiB", source "gk: 400 to 800 bytes of a browser";
        /// How long a token is valid.
        pub lifetime: Duration = Duration(900_000_000_000), in "1s".."365d", source "gk: 15 min";
        /// How long it can be exchanged for a new one; None: not.
        pub refresh: Option<Duration> = Some(Duration(2_592_000_000_000_000)), in "1s".."3650d", source "gk: 30 days";
        /// How a service learns that a token was revoked, or its user logged out, before it expires.
        pub revocation: Revocation = Revocation::Nothing, source "RFC 7519 has no revocation; RFC 7009, RFC 7662";
    }

    /// Sessions in a store.
    pub struct ServerSide {
        /// The store's name.
        pub store: String = String::new(), source "ours";
        /// Size of a session.
        pub size: Bytes = DEFAULT_SESSION_SIZE, in "1B".."64MiB", source "gk";
        /// A session ends when it was not used for so long.
        pub lifetime: Duration = Duration(1_800_000_000_000), in "1s".."365d", source "gk: 30 min, sliding";
        /// Most sessions that the store keeps. For one more, of five drawn at random that which was used longest ago is evicted, and
        /// lost; None: no bound.
        pub capacity: Option<u32> = None, in "1".."100000000", source "redis.conf, maxmemory-policy volatile-lru and maxmemory-samples";
        /// How long an instance believes what it has looked up, without asking again; None: it asks for each request.
        pub cache: Option<Duration> = None, in "1ms".."1h", source "ours; a few seconds where it is done (gk)";
    }

    /// Sessions in the memory of the instances.
    pub struct SessionsInMemory {
        /// Size of a session.
        pub size: Bytes = DEFAULT_SESSION_SIZE, in "1B".."64MiB", source "gk";
        /// A session ends when it was not used for so long.
        pub lifetime: Duration = Duration(1_800_000_000_000), in "1s".."365d", source "gk: 30 min, sliding";
        /// Copies in other instances.
        pub replication: Replication = Replication::None, source "ours";
        /// How long a dead instance is missed before a copy takes over.
        pub down_after: Duration = Duration(5_000_000_000), in "1ms".."1h", source "gk";
    }
}

impl Sessions {
    /// The store that is needed for them, if one is: where they are kept, or what knows which tokens were revoked.
    pub fn store(&self) -> Option<&String> {
        match self {
            Self::ServerSide(server) => Some(&server.store),
            Self::Jwt(jwt) => jwt.revocation.store(),
            Self::None | Self::InMemory(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn store_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::ServerSide(server) => Some(&mut server.store),
            Self::Jwt(jwt) => match &mut jwt.revocation {
                Revocation::Nothing => None,
                Revocation::Denylist(list) => Some(&mut list.store),
                Revocation::Introspection(asked) => Some(&mut asked.store),
            },
            Self::None | Self::InMemory(_) => None,
        }
    }

    /// Where in the file that store stands.
    pub fn store_path(&self) -> &'static str {
        match self {
            Self::Jwt(_) => "sessions.revocation.store",
            _ => "sessions.store",
        }
    }

    /// The denylist, where there is one.
    pub fn denylist(&self) -> Option<&Denylist> {
        match self {
            Self::Jwt(Jwt {
                revocation: Revocation::Denylist(list),
                ..
            }) => Some(list),
            _ => None,
        }
    }

    /// Whether a store is asked about each request.
    pub fn asks_store(&self) -> bool {
        self.store().is_some() && self.denylist().is_none()
    }
}

impl Revocation {
    fn store(&self) -> Option<&String> {
        match self {
            Self::Nothing => None,
            Self::Denylist(list) => Some(&list.store),
            Self::Introspection(asked) => Some(&asked.store),
        }
    }
}

impl Replication {
    /// How many copies there are besides the primary.
    pub fn replicas(&self) -> u32 {
        match self {
            Self::None => 0,
            Self::Asynchronous(a) => a.replicas,
            Self::Synchronous(s) => s.replicas,
        }
    }

    /// How much of what is on its way to a copy outlives the primary's process.
    pub fn send_buffer(&self) -> Bytes {
        match self {
            Self::None => Bytes(0),
            Self::Asynchronous(a) => a.send_buffer,
            // As the default of the other: no acknowledged write depends on it.
            Self::Synchronous(_) => AsynchronousReplication::default().send_buffer,
        }
    }

    /// How far copies are behind.
    pub fn lag(&self) -> Duration {
        match self {
            Self::None => Duration(0),
            Self::Asynchronous(a) => a.lag,
            Self::Synchronous(s) => s.lag,
        }
    }

    /// How many copies must have a write before it is acknowledged.
    pub fn acknowledgements(&self) -> u32 {
        match self {
            Self::None | Self::Asynchronous(_) => 0,
            Self::Synchronous(s) => s.acknowledgements,
        }
    }

    /// How many copies must follow for writes to be taken, and how long they are taken without.
    pub fn least_copies(&self) -> (u32, Duration) {
        match self {
            Self::Asynchronous(a) => (a.min_replicas, a.max_lag),
            Self::None | Self::Synchronous(_) => (0, Duration(0)),
        }
    }
}

impl State {
    /// Whether instances keep what clients write.
    pub fn is_local(&self) -> bool {
        matches!(
            self,
            Self::InMemory(_) | Self::LocalDisk(_) | Self::LocalDatabase(_)
        )
    }
}

impl State {
    /// How its keys are spread over instances; `None` where they are not.
    pub fn partitioning(&self) -> Option<&Partitioning> {
        let partitioning = match self {
            Self::InMemory(memory) => &memory.partitioning,
            Self::LocalDisk(disk) => &disk.partitioning,
            Self::LocalDatabase(database) => &database.partitioning,
            Self::Stateless | Self::External(_) => return None,
        };
        (*partitioning != Partitioning::None).then_some(partitioning)
    }
}

impl Algorithm {
    /// Bytes of the signature (RFC 7518, RFC 8037).
    pub fn signature_bytes(self) -> u64 {
        match self {
            Self::HS256 => 32,
            Self::HS384 => 48,
            Self::HS512 | Self::ES256 | Self::EdDSA => 64,
            Self::RS256 => 256,
        }
    }

    /// Time to sign a token, and to verify one, on one core (gk; `openssl speed` measures them).
    pub fn sign_and_verify_time(self) -> (Duration, Duration) {
        let us = |sign: u64, verify: u64| (Duration(sign * 1000), Duration(verify * 1000));
        match self {
            Self::HS256 | Self::HS384 | Self::HS512 => us(2, 2),
            Self::RS256 => us(700, 30),
            Self::ES256 => us(30, 80),
            Self::EdDSA => us(20, 50),
        }
    }
}

/// Length of unpadded base64url text of `n` bytes (RFC 4648 section 5).
pub fn base64url_length(n: u64) -> u64 {
    4 * (n / 3) + [0, 2, 3][(n % 3) as usize]
}

impl Jwt {
    /// Time to sign a token, and to verify one: as set, or else what the algorithm takes.
    pub fn sign_and_verify_time(&self) -> (Duration, Duration) {
        let (sign, verify) = self.algorithm.sign_and_verify_time();
        (
            self.sign_time.unwrap_or(sign),
            self.verify_time.unwrap_or(verify),
        )
    }

    /// Bytes of the compact token: header, claims and signature in base64url, with dots (RFC 7515 section 7.1).
    pub fn token_bytes(&self) -> u64 {
        let header = format!(r#"{{"alg":"{}","typ":"JWT"}}"#, self.algorithm.name()).len() as u64;
        base64url_length(header)
            + 1
            + base64url_length(self.claims.0)
            + 1
            + base64url_length(self.algorithm.signature_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_length_follows_rfc_7515() {
        assert_eq!(Jwt::default().token_bytes(), 348);
        let fits = |claims| {
            Jwt {
                claims: Bytes(claims),
                ..Jwt::default()
            }
            .token_bytes()
                <= 8192
        };
        assert!(
            fits(6083) && !fits(6084),
            "the largest claims that fit a header value of 8 KiB"
        );
    }
}
