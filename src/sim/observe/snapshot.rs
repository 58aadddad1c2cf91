//! What the simulator shows of itself: plain structs, taken at one instant.
//!
//! Counts are cumulative since the start of the run, so that whoever reads two snapshots can form rates over any span.

use crate::model::Command;
use crate::model::headers::Limit;
use crate::units::Duration;

/// The whole system at one instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Simulated time.
    pub now: Duration,
    /// The nodes that exist, in file order.
    pub nodes: Vec<NodeView>,
    /// The links that exist, in file order; then those that a setting implies.
    pub links: Vec<LinkView>,
    /// Operations, as clients see them.
    pub operations: OperationCounts,
    /// The ledger of writes.
    pub writes: WriteCounts,
    /// The balance of sessions.
    pub sessions: SessionCounts,
    /// Completed reads, and how many of them were stale.
    pub reads: ReadCounts,
    /// The faults so far, oldest first, with what each has cost.
    pub faults: Vec<FaultView>,
    /// What the network suffers from now, oldest first: indices of `faults`.
    pub network: Vec<usize>,
    /// What happened lately, oldest first; `Happening::id` never repeats.
    pub happenings: Vec<Happening>,
    /// Events handled so far.
    pub events: u64,
}

/// Kind of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NodeKind {
    /// Source of operations.
    Clients,
    /// Load balancer.
    LoadBalancer,
    /// Service.
    #[default]
    Service,
    /// Redis-like store.
    RedisLike,
    /// SQL database.
    SqlDatabase,
    /// Object store.
    ObjectStore,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: NodeKind,
    /// Instances, or members of a store. Empty for clients and balancers.
    pub instances: Vec<InstanceView>,
    /// For a balancer: what it believes of each instance behind it (node, instance number, up).
    pub targets: Vec<(String, u32, bool)>,
    /// Share of the workers of instances that are up that is held now, 0 to 1.
    pub load: f64,
    /// Requests that wait for a worker now.
    pub queue: u64,
    /// Connections that kernels have taken for instances that hang.
    pub backlog: u64,
    /// Requests at the node now, waiting or served.
    pub in_flight: u64,
    /// Requests that arrived since the start; at clients, operations offered.
    pub arrived: u64,
    /// Answered with success since the start; at clients, operations completed.
    pub completed: u64,
    /// Answered with an error, or cut off, since the start; at clients, operations failed.
    pub failed: u64,
    /// Sum of worker time held and of worker time available since the start; their ratio is the utilisation.
    pub busy_ns: u128,
    /// See `busy_ns`.
    pub capacity_ns: u128,
    /// Worker time that requests to log in took of a service since the start, the password's hash included.
    pub login_ns: u128,
    /// Bytes of state it keeps.
    pub state_bytes: u64,
    /// Acknowledged writes, and live sessions, that would be lost if the instances' machines died now.
    pub only_here_writes: u64,
    /// See `only_here_writes`.
    pub only_here_sessions: u64,
    /// Acknowledged writes and sessions lost here since the start. A session that lives at no other node is lost at its
    /// user's clients.
    pub lost_writes: u64,
    /// See `lost_writes`.
    pub lost_sessions: u64,
    /// State that is being moved here or away after a change: bytes still to go.
    pub moving_bytes: u64,
    /// What its instances' caches have done since the start, if they have any.
    pub cache: Option<CacheView>,
}

/// Reads that came to the caches of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheView {
    /// Answered from a cache.
    pub hits: u64,
    /// Not answered from a cache.
    pub misses: u64,
    /// Of the hits, those with an older version than the newest that clients had been told of.
    pub stale: u64,
}

/// What an instance is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Serving.
    #[default]
    Up,
    /// Starting; serves nothing yet.
    Booting,
    /// Serving, still slower than usual.
    Warming,
    /// Takes no new requests and finishes those in flight.
    Draining,
    /// Accepts connections and never answers.
    Hung,
    /// The process is gone.
    Crashed,
    /// The machine is gone.
    MachineLost,
    /// Taken out of service for good.
    Removed,
}

impl Status {
    /// Whether it serves requests.
    pub fn serves(self) -> bool {
        matches!(self, Self::Up | Self::Warming | Self::Draining)
    }

    /// Whether it is dead.
    pub fn is_down(self) -> bool {
        matches!(self, Self::Crashed | Self::MachineLost)
    }
}

/// Part of a store's member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Not replicated.
    #[default]
    Alone,
    /// Has authority.
    Primary,
    /// Follows the primary.
    Replica,
    /// Another has taken over from it, and it does not know: it answers whoever does not know either.
    Deposed,
}

/// An instance of a service or a member of a store.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceView {
    /// Its number, from 1.
    pub number: u32,
    /// What it is doing.
    pub status: Status,
    /// Since when.
    pub since: Duration,
    /// Whether the balancer sends it requests; true where none watches it.
    pub in_rotation: bool,
    /// Its part in replication.
    pub role: Role,
    /// The zone it is in.
    pub zone: Option<String>,
    /// So many times slower a fault makes it; 1: not.
    pub slowed: f64,
    /// Share of its workers that is held, 0 to 1.
    pub load: f64,
    /// Requests waiting.
    pub queue: u64,
    /// Connections that the kernel has taken for it while it hangs.
    pub backlog: u64,
    /// Room in the queue; `None`: unlimited.
    pub queue_limit: Option<u64>,
    /// Live sessions kept in its memory.
    pub sessions: u64,
    /// Acknowledged writes it holds.
    pub writes: u64,
    /// Acknowledged writes that only its memory or an unsynced buffer holds: lost with its machine.
    pub unsaved: u64,
    /// Bytes of state it keeps.
    pub state_bytes: u64,
    /// Acknowledged writes and sessions lost here since the start.
    pub lost_writes: u64,
    /// See `lost_writes`.
    pub lost_sessions: u64,
    /// Its last complete snapshot started then.
    pub last_snapshot: Option<Duration>,
}

impl Default for InstanceView {
    fn default() -> Self {
        Self {
            number: 0,
            status: Status::default(),
            since: Duration(0),
            in_rotation: false,
            role: Role::default(),
            zone: None,
            slowed: 1.0,
            load: 0.0,
            queue: 0,
            backlog: 0,
            queue_limit: None,
            sessions: 0,
            writes: 0,
            unsaved: 0,
            state_bytes: 0,
            lost_writes: 0,
            lost_sessions: 0,
            last_snapshot: None,
        }
    }
}

/// A link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkView {
    /// The calling node's name.
    pub from: String,
    /// The called node's name.
    pub to: String,
    /// Whether a setting implies it rather than a line of the file.
    pub implied: bool,
    /// Calls that went over it since the start, by instance of the called node (index 0: instance 1; one entry for a
    /// node without instances).
    pub calls: Vec<CallCounts>,
    /// Messages and bytes since the start, both ways.
    pub messages: u64,
    /// See `messages`.
    pub bytes: u64,
    /// What is wrong on it now.
    pub trouble: Option<Trouble>,
    /// The same by instance of the called node (index 0: instance 1); empty where nothing is wrong.
    pub troubles: Vec<Trouble>,
}

/// What is wrong on the way from one node to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// How much of it is cut: requests, and replies.
    pub cut: [Extent; 2],
    /// How many times as long messages take, where that is longest.
    pub slower: f64,
    /// The share of messages lost on the way, where that is highest.
    pub loss: f64,
    /// What it is through, oldest first: indices of `Snapshot::faults`.
    pub faults: Vec<usize>,
}

impl Default for Trouble {
    fn default() -> Self {
        Self {
            cut: [Extent::None; 2],
            slower: 1.0,
            loss: 0.0,
            faults: Vec::new(),
        }
    }
}

/// How much of the way between two nodes, from instance to instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Nothing.
    None,
    /// A part: some instances, or some zones.
    Some,
    /// Everything.
    All,
}

/// Calls by outcome, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// Answered with success at the first attempt.
    pub completed: u64,
    /// Answered with success, as a retry.
    pub retried: u64,
    /// Answered with an error, or not at all.
    pub failed: u64,
}

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The connection was refused.
    Refused,
    /// The connection broke before the answer.
    Reset,
    /// The connection was not made in time.
    ConnectTimeout,
    /// No answer in time.
    Timeout,
    /// The queue was full (503).
    QueueFull,
    /// The balancer had no instance in rotation (503).
    NoInstance,
    /// A store that was needed did not answer.
    StoreUnavailable,
    /// The credential was not accepted (401).
    Unauthorized,
    /// The service failed (500).
    Error,
    /// The header, with the token in it, was larger than the server takes (400 or 431).
    HeaderTooLarge,
}

impl Cause {
    /// Every cause, in order.
    pub const ALL: [Self; 10] = [
        Self::Refused,
        Self::Reset,
        Self::ConnectTimeout,
        Self::Timeout,
        Self::QueueFull,
        Self::NoInstance,
        Self::StoreUnavailable,
        Self::Unauthorized,
        Self::Error,
        Self::HeaderTooLarge,
    ];

    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::ConnectTimeout => "connect_timeout",
            Self::Timeout => "timeout",
            Self::QueueFull => "queue_full",
            Self::NoInstance => "no_instance",
            Self::StoreUnavailable => "store_unavailable",
            Self::Unauthorized => "unauthorized",
            Self::HeaderTooLarge => "header_too_large",
            Self::Error => "error",
        }
    }
}

/// Operations since the start. offered = completed + failed + in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationCounts {
    /// Operations that users wanted done.
    pub offered: u64,
    /// Completed: the client got a success in time.
    pub completed: u64,
    /// Of the completed ones, those that took a retry.
    pub completed_after_retry: u64,
    /// Operations that were given up: their last attempt failed.
    pub failed: u64,
    /// Failed ones by their last attempt's cause, in the order of [`Cause::ALL`].
    pub by_cause: [u64; 10],
    /// Attempts of clients.
    pub attempts: u64,
    /// Neither done nor given up.
    pub in_flight: u64,
}

/// The ledger of writes. acknowledged = held + lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteCounts {
    /// Writes whose success reached the client.
    pub acknowledged: u64,
    /// Of these, held by a copy that has or can still gain authority.
    pub held: u64,
    /// Of the held ones, those that cannot be reached now.
    pub unavailable: u64,
    /// Acknowledged and lost.
    pub lost: u64,
    /// Distinct keys whose newest acknowledged version was lost.
    pub keys_lost: u64,
    /// Applied somewhere although their operation failed.
    pub applied_unacknowledged: u64,
    /// Applied twice or more, through retries.
    pub applied_twice: u64,
}

/// The balance of sessions. initial + created = live + expired + logged_out + revoked + lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionCounts {
    /// Live at the start.
    pub initial: u64,
    /// Created by logins.
    pub created: u64,
    /// Live now.
    pub live: u64,
    /// Ended by age.
    pub expired: u64,
    /// Ended by their user.
    pub logged_out: u64,
    /// Ended by others: their credential was revoked.
    pub revoked: u64,
    /// Ended against everybody's will.
    pub lost: u64,
    /// Requests with a stolen credential that were let in after it was revoked.
    pub revoked_accepted: u64,
    /// Mean time for which an instance accepts a credential after it was revoked, or its user logged out.
    pub exposure: Option<Duration>,
    /// Bytes of a token, where sessions live in tokens.
    pub token_bytes: Option<u64>,
}

/// Completed reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadCounts {
    /// Completed reads since the start.
    pub total: u64,
    /// Those of them that returned a version older than the newest acknowledged one.
    pub stale: u64,
}

/// A fault and what it has cost so far.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultView {
    /// When it struck.
    pub at: Duration,
    /// What was done to the system.
    pub command: Command,
    /// From the fault until the balancer or the store's observer took the instance for dead.
    pub detected: Option<Duration>,
    /// How long the system did worse than without it; `None` where that is not asked: a change that only takes another
    /// back, or a simulator that runs without twins.
    pub recovery: Option<Recovery>,
    /// Operations that failed because of it: those that failed here less those that failed without it. Negative: spared.
    /// `None` where there is no twin.
    pub caused: Option<i64>,
    /// Acknowledged writes lost through it.
    pub lost_writes: u64,
    /// Sessions lost through it.
    pub lost_sessions: u64,
    /// Operations that met it and failed.
    pub failed_met: u64,
    /// Of these, those whose last attempt was sent after the detection.
    pub failed_sent_after_detection: u64,
    /// Operations that met it and completed through a retry.
    pub saved_by_retry: u64,
    /// It was a failover that did not come about; why, as half a sentence.
    pub called_off: Option<&'static str>,
}

/// How far a recovery is known: from when on the system does as well as its twin, the same run without the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Still watching.
    Watching,
    /// Over after this time; 0: it never did worse.
    After(Duration),
    /// Still worse than the twin when the run ended.
    NotByTheEnd,
    /// The run ended before 10 s could be compared.
    TooNearTheEnd,
    /// Its twin had to make room for that of a later fault.
    NotWatchedToTheEnd,
    /// It has no twin: the system is too large for a second one, or none was wanted.
    NoTwin,
}

/// Something worth a line in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// Counts up; never repeats in a run.
    pub id: u64,
    /// When it happened.
    pub at: Duration,
    /// What it was.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A fault or change was carried out; `fault` is its index in `Snapshot::faults`, if it is one.
    Command {
        /// The command.
        command: Command,
        /// Index of the fault.
        fault: Option<usize>,
    },
    /// A command changed nothing.
    NoEffect {
        /// The command.
        command: Command,
        /// Why, as half a sentence: "it runs already".
        why: String,
    },
    /// An instance was found dead.
    FoundDead {
        /// Node's name.
        node: String,
        /// Instance.
        instance: u32,
        /// Time since its death.
        after: Duration,
        /// Index of the fault that killed it.
        fault: Option<usize>,
    },
    /// An instance was put back into rotation.
    BackInRotation {
        /// Node's name.
        node: String,
        /// Instance.
        instance: u32,
    },
    /// An instance came up.
    Started {
        /// Node's name.
        node: String,
        /// Instance.
        instance: u32,
    },
    /// An instance was taken out of service.
    Stopped {
        /// Node's name.
        node: String,
        /// Instance.
        instance: u32,
    },
    /// A replica took over.
    Promoted {
        /// Node's name.
        node: String,
        /// Member that has authority now.
        instance: u32,
        /// Acknowledged writes that were beyond it, and are lost.
        lost_writes: u64,
    },
    /// A primary that another had taken over from has been told.
    Demoted {
        /// Node's name.
        node: String,
        /// Member that follows from now on.
        instance: u32,
        /// Acknowledged writes that it alone had, and that are lost.
        lost_writes: u64,
    },
    /// A failover that somebody asked for does not come about.
    CalledOff {
        /// Node's name.
        node: String,
        /// Why, as half a sentence: "its primary is back".
        why: String,
    },
    /// Keys of a service go to other instances, since some came or went.
    Rebalancing {
        /// Node's name.
        node: String,
        /// Keys it has.
        keys: u64,
        /// Of these, those that go to another instance.
        moves: u64,
    },
    /// They are there.
    Rebalanced {
        /// Node's name.
        node: String,
        /// Keys that went to another instance.
        moved: u64,
        /// Their bytes.
        bytes: u64,
        /// How long it took.
        took: Duration,
    },
    /// A deployment has replaced every instance.
    Deployed {
        /// Node's name.
        node: String,
    },
    /// Tokens have become larger than a node takes in a header, or it takes them again.
    Headers {
        /// Node's name.
        node: String,
        /// What it answers to each request with a token; `None`: it takes them again.
        refused: Option<Limit>,
    },
    /// A change of where state lives or how sessions are kept took effect on what was there already.
    Migrated {
        /// Node's name, or empty for sessions.
        node: String,
        /// Writes or sessions kept where they are.
        kept: u64,
        /// Moved to the new place.
        moved: u64,
        /// Dropped.
        dropped: u64,
    },
}

/// What happened between two instants, for charts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// Simulated time at which it begins.
    pub from: Duration,
    /// Simulated time at which it ends.
    pub to: Duration,
    /// Operations completed at the first attempt.
    pub completed: u64,
    /// Operations completed after a retry.
    pub retried: u64,
    /// Operations failed.
    pub failed: u64,
    /// Response times of completed operations in seconds: 50th, 95th, 99th percentile; `None` without samples.
    pub percentiles: Option<[f64; 3]>,
    /// Acknowledged writes lost since the start of the run.
    pub lost_writes: u64,
    /// Sessions lost since the start of the run.
    pub lost_sessions: u64,
    /// Each node, in the order of `Snapshot::nodes`.
    pub nodes: Vec<NodeInterval>,
    /// What would have happened without the latest fault, while that is watched.
    pub without: Option<Without>,
}

/// What happened between the same two instants in the twin of a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Without {
    /// When the fault was, by which it is known.
    pub since: Duration,
    /// Operations completed.
    pub completed: u64,
    /// Their response times in seconds: 50th, 95th, 99th percentile; `None` without samples.
    pub percentiles: Option<[f64; 3]>,
}

/// A node between two instants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeInterval {
    /// The node's name.
    pub name: String,
    /// Mean share of workers held.
    pub utilisation: f64,
    /// Mean number waiting.
    pub queue_length: f64,
    /// Mean number at the node.
    pub in_flight: f64,
    /// Answered with success, per second.
    pub throughput_per_s: f64,
}
