//! Nodes and links of a topology.

use indexmap::IndexMap;

use super::cache::Cache;
use super::headers::HeaderLimits;
use super::state::{FsyncPolicy, Handover, Replication, State};
use super::workload::{Clients, Distribution, LogNormal};
use crate::model::settings::{choices, settings};
use crate::units::{Bandwidth, Bytes, Duration, Rate, Share};

/// Most instances of one service.
pub const MOST_INSTANCES: u32 = 10_000;
/// Bytes of protocol around a message to a store, beside what it carries.
pub const HEADER_BYTES: u64 = 200;

choices! {
    /// A box of the drawing.
    pub enum Node {
        /// Users and their programs.
        Clients(Clients),
        /// Spreads requests over the instances behind it.
        LoadBalancer(LoadBalancer),
        /// A program that answers requests, in one or more instances.
        Service(Service),
        /// An in-memory store with one thread, such as Redis.
        RedisLike(RedisLike),
        /// An SQL database.
        SqlDatabase(SqlDatabase),
        /// An object store, such as S3.
        ObjectStore(ObjectStore),
    }

    /// Which instance gets a request.
    #[derive(Copy)]
    pub enum Policy {
        /// Each in turn.
        RoundRobin,
        /// Any, drawn uniformly.
        Random,
        /// The one with the fewest requests in flight; ties at random.
        LeastConnections,
        /// The less busy of two drawn at random.
        TwoChoices,
        /// A user's requests always go to the same instance, by a cookie.
        StickyCookie,
    }

    /// Which failed attempts a balancer makes again, besides connections refused or timed out.
    #[derive(Copy)]
    pub enum RetryOn {
        /// The connection broke before the answer.
        Reset,
        /// No answer came in time.
        ResponseTimeout,
    }

    /// Room to wait before an instance's workers.
    #[derive(Copy)]
    pub enum Queue {
        /// As many requests may wait; a further one is answered 503 at once. 0 is legal.
        Limit(u32),
        /// Any number waits.
        Unlimited,
    }

    /// What a worker does while a store or another service is asked.
    #[derive(Copy)]
    pub enum Io {
        /// It waits: the worker is held until the reply has been sent.
        Blocking,
        /// It takes other work; the reply goes on without queueing.
        Asynchronous,
    }

    /// What a Redis-like store writes to disk.
    #[derive(Copy)]
    pub enum Persistence {
        /// Nothing.
        None,
        /// An append-only file, flushed to disk by this policy.
        AppendOnly(FsyncPolicy),
    }
}

settings! {
    /// Active checks of whether an instance is alive.
    pub struct HealthChecks {
        /// From the end of one probe to the start of the next.
        pub interval: Duration = Duration(2_000_000_000), in "1ms".."1h", source "HAProxy configuration manual, inter";
        /// How long a probe is waited for; None: as long as the interval.
        pub timeout: Option<Duration> = None, in "1ms".."1h", source "HAProxy configuration manual, timeout check";
        /// Failed probes in a row after which an instance gets no more requests.
        pub fall: u32 = 3, in "1".."100", source "HAProxy configuration manual, fall";
        /// Answered probes in a row after which it gets requests again.
        pub rise: u32 = 2, in "1".."100", source "HAProxy configuration manual, rise";
    }

    /// A load balancer.
    pub struct LoadBalancer {
        /// Stable identity for random draws, kept when the node is renamed.
        pub id: String = String::new(), source "ours";
        /// A remark, kept with the file.
        pub note: String = String::new(), source "ours";
        /// Which instance gets a request.
        pub policy: Policy = Policy::RoundRobin, source "HAProxy configuration manual, balance";
        /// Which instance a user without a usable cookie gets.
        pub fallback: Policy = Policy::RoundRobin, source "HAProxy configuration manual, cookie";
        /// Whether the two choices of `TwoChoices` are always different instances.
        pub distinct: bool = true, source "ours";
        /// Work on each request.
        pub work: Duration = Duration(50_000), bare Duration(0), in "0s".."1s", source "napkin-math (Envoy, nginx, HAProxy)";
        /// How large the header of a request may be, in which a token travels.
        pub header_limits: HeaderLimits = HeaderLimits::Unlimited, source "ours; each alternative as it is delivered";
        /// How it finds out that an instance is down; None: never.
        pub health_checks: Option<HealthChecks> = Some(HealthChecks::default()), bare None, source "HAProxy configuration manual, check";
        /// Further attempts after a connection was refused or timed out.
        pub retries: u32 = 3, bare 0, in "0".."100", source "HAProxy configuration manual, retries";
        /// What else is tried again.
        pub retry_on: Vec<RetryOn> = Vec::new(), source "HAProxy configuration manual, retry-on";
        /// How long a connection is waited for.
        pub connect_timeout: Duration = Duration(200_000_000), in "1ms".."1h", source "ours: below the client's timeout, or the client always gives up first";
        /// How long an answer is waited for; None: as long as the client does.
        pub response_timeout: Option<Duration> = None, in "1ms".."1d", source "ours";
        /// From the moment that an instance is told to stop, or is ready, until this balancer knows; 0: it is told first.
        pub notice_delay: Duration = Duration(0), in "0s".."1h", source "ours: 1 s to 3 s for Kubernetes endpoints, 0 for an agent that asks the balancer first";
        /// How long the share of an instance that is new in rotation grows, from a tenth to all of it.
        pub slow_start: Duration = Duration(0), in "0s".."1h", source "Envoy slow_start_config (min_weight_percent 10); HAProxy configuration manual, slowstart";
    }

    /// What makes one instance differ from the others.
    pub struct InstanceOverride {
        /// How fast it works; 2 is twice as fast as the others.
        pub speed: f64 = 1.0, in "0.001".."1000", source "ours";
    }

    /// Connections that each instance keeps open to each store it calls.
    pub struct Pool {
        /// Most connections of an instance to one store.
        pub size: u32 = 10, in "1".."100000", source "HikariCP maximumPoolSize";
        /// How long a request waits for a free one.
        pub acquire_timeout: Duration = Duration(30_000_000_000), in "0s".."1h", source "HikariCP connectionTimeout";
        /// A connection this old is not used again: its successor goes to whoever is the primary by then; None: it stays.
        pub lifetime: Option<Duration> = Some(Duration(1_800_000_000_000)), in "1ms".."30d", source "HikariCP maxLifetime";
    }

    /// How instances are replaced by a new version.
    pub struct Deployment {
        /// Instances started beyond the wished number, as a share of it, rounded up.
        pub max_surge: Share = Share(0.25), in "0%".."100%", source "Kubernetes apps/v1 DeploymentStrategy";
        /// Instances that may be missing beside that, as a share of the wished number, rounded down; one if both come to none.
        pub max_unavailable: Share = Share(0.25), in "0%".."100%", source "Kubernetes apps/v1 DeploymentStrategy";
    }

    /// A service: a program that answers requests.
    pub struct Service {
        /// Stable identity for random draws, kept when the node is renamed.
        pub id: String = String::new(), source "ours";
        /// A remark, kept with the file.
        pub note: String = String::new(), source "ours";
        /// Running copies.
        pub instances: u32 = 3, bare 1, in "1".."10000", source "gk";
        /// Requests an instance works on at the same time.
        pub workers: u32 = 8, bare 1, in "1".."100000", source "gk";
        /// Requests that may wait in an instance.
        pub queue: Queue = Queue::Limit(64), bare Queue::Unlimited, source "gk";
        /// Connections that the kernel takes for an instance that hangs; a further one is not made in time.
        pub backlog: u32 = 128, in "0".."65535", source "gk (listen backlog of many servers; Linux somaxconn is 4096)";
        /// Time a worker spends on a request, without the calls it makes.
        pub service_time: Distribution = Distribution::LogNormal(LogNormal::default()), source "gk";
        /// What a worker does during a call.
        pub io: Io = Io::Blocking, bare Io::Asynchronous, source "gk";
        /// Where the service keeps what clients write.
        pub state: State = State::Stateless, source "start stateless";
        /// A cache in each instance before the store that the service keeps its state in; None: each read asks the store.
        pub cache: Option<Cache> = None, source "ours: measure before you cache";
        /// What becomes of the keys of an instance that is drained, where keys have an instance that keeps them.
        pub handover: Handover = Handover::Drop, source "ours";
        /// How fast keys go from one instance to another, bytes a second; an instance sends to one at a time, and gets from one.
        pub rebalance_rate: Bandwidth = Bandwidth(104_857_600.0), source "gk: 100 MiB/s";
        /// How long a connection to a store or service is waited for.
        pub connect_timeout: Duration = Duration(200_000_000), in "1ms".."1h", source "ours: below the client's timeout, or the client always gives up first";
        /// How long a call to a store or service is waited for.
        pub call_timeout: Option<Duration> = Some(Duration(1_000_000_000)), bare None, in "1ms".."1d", source "gk";
        /// Connections to stores that are kept open; None: each call has one of its own, which costs nothing.
        pub pool: Option<Pool> = None, source "ours";
        /// Work of a login (a password hash).
        pub login_time: Duration = Duration(100_000_000), bare Duration(0), in "0s".."10s", source "gk; OWASP Password Storage Cheat Sheet advises below 1 s";
        /// How large the header of a request may be, in which a token travels; at the first service behind the clients.
        pub header_limits: HeaderLimits = HeaderLimits::Unlimited, source "ours; each alternative as it is delivered";
        /// Requests that fail at once, independently of each other.
        pub error_share: Share = Share(0.0), in "0%".."100%", source "ours";
        /// From a start to the first request that can be served.
        pub boot_time: Duration = Duration(5_000_000_000), bare Duration(0), in "0s".."1h", source "gk: 5 s for a container, 60 s for a virtual machine";
        /// Factor on the service time just after a start, falling to 1 over `warm_up`.
        pub cold_factor: f64 = 2.0, bare 1.0, in "1".."100", source "gk (cold caches, just-in-time compilation)";
        /// How long an instance is slower after a start.
        pub warm_up: Duration = Duration(30_000_000_000), bare Duration(0), in "0s".."1h", source "gk";
        /// A dead instance is started again after this; None: only by an event.
        pub restart_after: Option<Duration> = None, in "0s".."1d", source "ours";
        /// How long an instance that is told to stop serves on before it takes no more requests and drains.
        pub pre_stop: Duration = Duration(0), in "0s".."1h", source "Kubernetes container lifecycle hooks, preStop";
        /// How long draining waits for requests in flight before it kills.
        pub drain_time: Duration = Duration(30_000_000_000), in "0s".."1h", source "Kubernetes PodSpec terminationGracePeriodSeconds";
        /// How a new version is rolled out.
        pub deployment: Deployment = Deployment::default(), source "Kubernetes apps/v1 DeploymentStrategy";
        /// Failure domains: the first instance is in the first zone, the next in the next, and round again.
        pub zones: Vec<String> = Vec::new(), source "ours";
        /// What differs for single instances, by their number.
        pub instance_overrides: IndexMap<u32, InstanceOverride> = IndexMap::new(), source "ours";
    }

    /// An in-memory store with one thread.
    pub struct RedisLike {
        /// Stable identity for random draws, kept when the node is renamed.
        pub id: String = String::new(), source "ours";
        /// A remark, kept with the file.
        pub note: String = String::new(), source "ours";
        /// Time of a command on the one thread.
        pub command_time: Duration = Duration(10_000), in "0s".."1s", source "gk; redis-benchmark measures about 100,000/s";
        /// Connections that the kernel takes for a member that hangs; a further one is not made in time.
        pub backlog: u32 = 128, in "0".."65535", source "gk (listen backlog of many servers; Linux somaxconn is 4096)";
        /// What it writes to disk.
        pub persistence: Persistence = Persistence::AppendOnly(FsyncPolicy::EverySecond), source "ours; redis.conf has appendonly no, and everysec once it is on";
        /// Time of an fsync.
        pub fsync_time: Duration = Duration(300_000), in "0s".."1s", source "napkin-math (local SSD, 8 KiB)";
        /// Copies besides the primary.
        pub replication: Replication = Replication::None, source "ours";
        /// Failure domains: the first member is in the first zone, the next in the next, and round again.
        pub zones: Vec<String> = Vec::new(), source "ours";
        /// How long the primary is missed before a replica is promoted.
        pub down_after: Duration = Duration(30_000_000_000), in "1ms".."1h", source "sentinel.conf, down-after-milliseconds";
        /// The zone from which the primary is watched; empty: where most callers are.
        pub observer_zone: String = String::new(), source "ours";
        /// Time of the promotion itself.
        pub promotion_time: Duration = Duration(1_000_000_000), in "0s".."1h", source "gk";
        /// How long after a forced failover the old primary is told, and answers whoever believes in it until then.
        pub demotion_delay: Duration = Duration(10_000_000_000), in "0s".."1h", source "gk";
        /// From a restart to the first command, without loading data.
        pub boot_time: Duration = Duration(5_000_000_000), bare Duration(0), in "0s".."1h", source "gk";
        /// A dead member is started again after this; None: only by an event.
        pub restart_after: Option<Duration> = None, in "0s".."1d", source "ours";
    }

    /// An SQL database.
    pub struct SqlDatabase {
        /// Stable identity for random draws, kept when the node is renamed.
        pub id: String = String::new(), source "ours";
        /// A remark, kept with the file.
        pub note: String = String::new(), source "ours";
        /// Time of a point read.
        pub read_time: Duration = Duration(500_000), in "0s".."1h", source "napkin-math (query)";
        /// Time of a write, without its commit.
        pub write_time: Duration = Duration(500_000), in "0s".."1h", source "napkin-math (query)";
        /// Time of the commit's fsync.
        pub commit_time: Duration = Duration(1_000_000), in "0s".."1h", source "gk: 1 ms, 2 to 5 ms with a synchronous replica in another zone";
        /// When commits reach the disk.
        pub fsync: FsyncPolicy = FsyncPolicy::Always, source "PostgreSQL synchronous_commit";
        /// Calls served at the same time, each by a connection of its own; a further one is refused at once.
        pub connections: u32 = 100, in "1".."100000", source "PostgreSQL max_connections";
        /// Connections that the kernel takes for a member that hangs; a further one is not made in time.
        pub backlog: u32 = 128, in "0".."65535", source "gk (listen backlog of many servers; Linux somaxconn is 4096)";
        /// Copies besides the primary.
        pub replication: Replication = Replication::None, source "ours";
        /// Failure domains: the first member is in the first zone, the next in the next, and round again.
        pub zones: Vec<String> = Vec::new(), source "ours";
        /// How long the primary is missed before a replica is promoted.
        pub down_after: Duration = Duration(30_000_000_000), in "1ms".."1h", source "gk";
        /// The zone from which the primary is watched; empty: where most callers are.
        pub observer_zone: String = String::new(), source "ours";
        /// Time of the promotion itself.
        pub promotion_time: Duration = Duration(1_000_000_000), in "0s".."1h", source "gk";
        /// How long after a forced failover the old primary is told, and answers whoever believes in it until then.
        pub demotion_delay: Duration = Duration(10_000_000_000), in "0s".."1h", source "gk";
        /// From a restart to the first query.
        pub boot_time: Duration = Duration(5_000_000_000), bare Duration(0), in "0s".."1h", source "gk";
        /// A dead member is started again after this; None: only by an event.
        pub restart_after: Option<Duration> = None, in "0s".."1d", source "ours";
    }

    /// An object store.
    pub struct ObjectStore {
        /// Stable identity for random draws, kept when the node is renamed.
        pub id: String = String::new(), source "ours";
        /// A remark, kept with the file.
        pub note: String = String::new(), source "ours";
        /// Time to the first byte of a GET.
        pub get_time: Distribution = Distribution::LogNormal(LogNormal { mean: Duration(80_000_000), cv: 0.5 }), source "napkin-math (blob storage)";
        /// Time to the first byte of the answer to a PUT.
        pub put_time: Distribution = Distribution::LogNormal(LogNormal { mean: Duration(200_000_000), cv: 0.5 }), source "napkin-math (blob storage)";
        /// Connections that the kernel takes for a member that hangs; a further one is not made in time.
        pub backlog: u32 = 128, in "0".."65535", source "gk (listen backlog of many servers; Linux somaxconn is 4096)";
        /// GETs a second it takes; more are answered 503.
        pub get_rate: Rate = Rate(5500.0), in "1/s".."1000000000/s", source "Amazon S3 user guide, Optimizing performance";
        /// PUTs a second it takes; more are answered 503.
        pub put_rate: Rate = Rate(3500.0), in "1/s".."1000000000/s", source "Amazon S3 user guide, Optimizing performance";
    }

    /// The way from one node to another.
    pub struct LinkSettings {
        /// From and to, as "a -> b".
        pub path: String = String::new(), source "ours";
        /// Time of a message one way.
        pub latency: Duration = Duration(125_000), bare Duration(0), in "0s".."1h", source "napkin-math (network in the same region, 250 us there and back)";
        /// How fast bytes leave, each way.
        pub bandwidth: Bandwidth = Bandwidth(1.25e9), bare Bandwidth::UNLIMITED, source "gk: 10 Gbit/s; instances commonly have 5 to 25";
    }
}

impl Policy {
    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::RoundRobin => "round robin",
            Self::Random => "random",
            Self::LeastConnections => "least connections",
            Self::TwoChoices => "two choices",
            Self::StickyCookie => "sticky cookie",
        }
    }

    /// Whether it compares how busy instances are.
    pub fn weighs_load(self) -> bool {
        matches!(self, Self::LeastConnections | Self::TwoChoices)
    }

    /// Whether a user's requests go to the same instance as long as that is there.
    pub fn keeps_users(self) -> bool {
        self == Self::StickyCookie
    }
}

impl Deployment {
    /// How many instances of so many may be too many, and how many may be missing, at a time. If neither may, one may be
    /// missing (Kubernetes does so where both shares are rounded to none).
    pub fn at_once(&self, instances: u32) -> (u32, u32) {
        // A share is given in percent: what is whole up to rounding is whole.
        let of = |share: Share| share.0 * f64::from(instances);
        let surge = libm::ceil(of(self.max_surge) - 1e-6) as u32;
        let missing = libm::floor(of(self.max_unavailable) + 1e-6) as u32;
        (surge, if surge == 0 { missing.max(1) } else { missing })
    }
}

impl Service {
    /// The cache that its instances have: only before a store.
    pub fn caches(&self) -> Option<&Cache> {
        let external = matches!(self.state, State::External(_));
        self.cache.as_ref().filter(|_| external)
    }
}

impl Node {
    /// The identity that random draws are keyed by; empty: the node's name.
    pub fn id(&self) -> &str {
        match self {
            Self::Clients(n) => &n.id,
            Self::LoadBalancer(n) => &n.id,
            Self::Service(n) => &n.id,
            Self::RedisLike(n) => &n.id,
            Self::SqlDatabase(n) => &n.id,
            Self::ObjectStore(n) => &n.id,
        }
    }

    /// The same, to change it.
    pub fn id_mut(&mut self) -> &mut String {
        match self {
            Self::Clients(n) => &mut n.id,
            Self::LoadBalancer(n) => &mut n.id,
            Self::Service(n) => &mut n.id,
            Self::RedisLike(n) => &mut n.id,
            Self::SqlDatabase(n) => &mut n.id,
            Self::ObjectStore(n) => &mut n.id,
        }
    }

    /// Whether it is a store, which services keep state in.
    pub fn is_store(&self) -> bool {
        matches!(
            self,
            Self::RedisLike(_) | Self::SqlDatabase(_) | Self::ObjectStore(_)
        )
    }

    /// The zones that its instances or members are in.
    pub fn zones(&self) -> &[String] {
        match self {
            Self::Service(n) => &n.zones,
            Self::RedisLike(n) => &n.zones,
            Self::SqlDatabase(n) => &n.zones,
            Self::Clients(_) | Self::LoadBalancer(_) | Self::ObjectStore(_) => &[],
        }
    }

    /// The zone that an instance or member is in, by its number from 1.
    pub fn zone(&self, number: u32) -> Option<&str> {
        let zones = self.zones();
        let place = number.checked_sub(1)? as usize;
        let zone = place.checked_rem(zones.len()).map(|at| &zones[at]);
        zone.map(String::as_str)
    }

    /// Members of a store: the primary and its replicas; instances of a service; else 1.
    pub fn members(&self) -> u32 {
        match self {
            Self::Service(n) => n.instances,
            Self::RedisLike(n) => 1 + n.replication.replicas(),
            Self::SqlDatabase(n) => 1 + n.replication.replicas(),
            _ => 1,
        }
    }
}

/// Size of a session record or cached value where nothing else is said.
pub const DEFAULT_SESSION_SIZE: Bytes = Bytes(2048);
