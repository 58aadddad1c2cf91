//! What clients do: arrivals, mix of operations, keys, patience.

use crate::model::settings::{choices, settings};
use crate::units::{Bytes, Duration, Rate, Share};

choices! {
    /// How operations arrive.
    pub enum Arrivals {
        /// Open loop: independent users, exponential gaps at this rate.
        Poisson(Rate),
        /// Open loop at exactly equal gaps.
        Steady(Rate),
        /// Closed loop: each user waits for an answer, thinks, and asks again.
        Closed(ClosedLoop),
    }

    /// How keys are chosen.
    pub enum Popularity {
        /// Every key alike.
        Uniform,
        /// The k-th most popular key has weight 1/k^s; this is s.
        Zipf(f64),
    }

    /// A distribution of times.
    pub enum Distribution {
        /// Always the same.
        Constant(Duration),
        /// Exponential with this mean.
        Exponential(Duration),
        /// Log-normal: most are short, a few are long.
        LogNormal(LogNormal),
        /// Uniform from 0 to twice this mean.
        Uniform(Duration),
    }
}

settings! {
    /// Users that wait for each answer before they think and ask again.
    pub struct ClosedLoop {
        /// Users at work at the same time.
        pub users: u32 = 100, in "1".."1000000", source "gk";
        /// Time a user thinks between an answer and the next operation.
        pub think: Distribution = Distribution::Exponential(Duration(1_000_000_000)), source "gk";
    }

    /// A log-normal distribution by its mean and spread.
    pub struct LogNormal {
        /// Mean time.
        pub mean: Duration = Duration(15_000_000), in "0s".."1h", source "gk";
        /// Coefficient of variation: standard deviation over mean.
        pub cv: f64 = 1.2, in "0".."20", source "gk";
    }

    /// Relative weights of the kinds of operation. Where some are named, the others are 0.
    pub struct Mix {
        /// Weight of reads.
        pub read: f64 = 80.0, bare 1.0, unnamed 0.0, in "0".."1000000", source "gk";
        /// Weight of writes.
        pub write: f64 = 20.0, bare 0.0, unnamed 0.0, in "0".."1000000", source "gk";
        /// Weight of logins (a user who signs in again).
        pub login: f64 = 0.0, in "0".."1000000", source "gk";
        /// Weight of logouts.
        pub logout: f64 = 0.0, in "0".."1000000", source "gk";
    }

    /// Users and their programs: where operations come from.
    pub struct Clients {
        /// Stable identity for random draws, kept when the node is renamed.
        pub id: String = String::new(), source "ours";
        /// A remark, kept with the file.
        pub note: String = String::new(), source "ours";
        /// How operations arrive.
        pub arrivals: Arrivals = Arrivals::Poisson(Rate(100.0)), source "gk";
        /// How many of the operations are reads, writes, logins, logouts; where some are named, the others are 0.
        pub mix: Mix = Mix::default(), source "gk";
        /// Users, chosen uniformly for each operation.
        pub users: u32 = 10_000, in "1".."10000000", source "gk";
        /// Whether every user has a session when the run starts.
        pub signed_in: bool = false, source "ours";
        /// Whether whoever is turned away because their session is gone signs in at once, and not with their next operation.
        pub sign_in_at_once: bool = false, source "ours";
        /// Sessions, chosen uniformly among those that live, that are revoked: their users sign in again.
        pub revocations: Rate = Rate(0.0), in "0/s".."100000/s", source "ours";
        /// Share of reads and writes that come with a revoked credential which has not expired, as a thief's do.
        pub stolen: Share = Share(0.0), in "0%".."100%", source "ours";
        /// Distinct keys that are read and written.
        pub keys: u32 = 10_000, in "1".."10000000", source "gk";
        /// Which keys are popular.
        pub popularity: Popularity = Popularity::Zipf(0.9), source "gk";
        /// Keys of each user, where users have keys of their own (under sticky routing).
        pub keys_per_user: u32 = 10, in "1".."1000", source "gk";
        /// Whether all users share the keys even under sticky routing.
        pub shared_keys: bool = false, source "ours";
        /// Size of a value.
        pub value_size: Bytes = Bytes(1024), in "1B".."1GiB", source "gk";
        /// Size of a request, without credential and value.
        pub request: Bytes = Bytes(1024), bare Bytes(0), in "0B".."1GiB", source "gk";
        /// Size of a response.
        pub response: Bytes = Bytes(4096), bare Bytes(0), in "0B".."1GiB", source "gk";
        /// How long a connection is waited for.
        pub connect_timeout: Duration = Duration(200_000_000), in "1ms".."1h", source "ours: below the timeout, or it never matters";
        /// How long an attempt is waited for.
        pub timeout: Option<Duration> = Some(Duration(1_000_000_000)), bare None, in "1us".."1d", source "gk";
        /// Further attempts after the first has failed.
        pub retries: u32 = 2, bare 0, in "0".."100", source "gk";
        /// Retries allowed for each first attempt, on average; at most 10 are saved up. None: no budget.
        pub retry_budget: Option<Share> = Some(Share(0.1)), bare None, in "0%".."100%", source "gk; Amazon Builders' Library, Timeouts, retries and backoff with jitter";
        /// Longest wait before the first retry; doubled for each further one, the wait drawn uniformly below it.
        pub backoff: Duration = Duration(50_000_000), bare Duration(0), in "0s".."1h", source "gk; Amazon Builders' Library, Timeouts, retries and backoff with jitter";
        /// Bound on the doubled wait.
        pub backoff_limit: Duration = Duration(1_000_000_000), in "0s".."1h", source "gk";
        /// Whether an attempt that timed out is taken out of queues and workers instead of being served in vain.
        pub cancel: bool = false, source "ours";
        /// Whether a write that arrives twice is applied once.
        pub idempotency_keys: bool = false, source "ours";
    }
}
