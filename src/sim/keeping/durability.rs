//! What state survives: files and their fsyncs, snapshots, copies.

use crate::model::Node;
use crate::model::state::{Disk, FsyncPolicy, Replication, SessionsInMemory, SnapshotTo, State};
use crate::units::{Duration, SECOND};

/// The file that a log's primary writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::sim) struct FilePolicy {
    pub fsync: FsyncPolicy,
    pub fsync_ns: u64,
    /// The disk outlives the machine.
    pub volume: bool,
}

/// How often the operating system writes back what nobody synced.
pub(in crate::sim) const WRITE_BACK_NS: u64 = 30 * SECOND;

impl FilePolicy {
    /// Time between two fsyncs; `None` where writes wait for theirs.
    pub(in crate::sim) fn period_ns(&self) -> Option<u64> {
        match self.fsync {
            FsyncPolicy::Always => None,
            FsyncPolicy::EverySecond => Some(SECOND),
            FsyncPolicy::Never => Some(WRITE_BACK_NS),
        }
    }
}

/// Where snapshots of memory go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum SnapshotPlace {
    Volume,
    Instance,
    ObjectStore,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::sim) struct SnapshotPolicy {
    pub every_ns: u64,
    pub place: SnapshotPlace,
    pub bytes_per_s: f64,
}

/// What a log's content survives.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::sim) struct Durability {
    pub file: Option<FilePolicy>,
    pub snapshots: Option<SnapshotPolicy>,
    pub replicas: u32,
    pub lag_ns: u64,
    /// So many copies must have a write before it is acknowledged.
    pub acknowledgements: u32,
    /// So many copies must follow, or have followed so long ago, for writes to be taken.
    pub least_copies: u32,
    pub without_ns: u64,
    /// Bytes on their way to a copy that are in the primary's kernel and outlive its process.
    pub send_buffer: u64,
    pub down_after_ns: u64,
    pub promotion_ns: u64,
    /// How long after a forced failover the old primary is told.
    pub demotion_ns: u64,
}

impl Durability {
    /// Whether what is on disk, or in snapshots, is there after the machine is lost.
    pub(in crate::sim) fn outlives_machine(&self) -> bool {
        match (self.file, self.snapshots) {
            (Some(file), _) => file.volume,
            (None, snapshots) => snapshots.is_some_and(|s| s.place != SnapshotPlace::Instance),
        }
    }

    /// Whether what an instance has on disk, or in snapshots, is there for whoever comes after it when it is stopped on
    /// purpose; `leaving`: for good, and its volume is deleted.
    pub(in crate::sim) fn outlives(&self, leaving: bool) -> bool {
        let place = self.snapshots.map(|s| s.place);
        match (self.file, place) {
            (Some(file), _) => file.volume && !leaving,
            (None, Some(SnapshotPlace::Volume)) => !leaving,
            (None, place) => place == Some(SnapshotPlace::ObjectStore),
        }
    }
}

/// What a service's state placement survives.
pub(in crate::sim) fn durability_of(state: &State) -> Durability {
    match state {
        State::Stateless | State::External(_) => Durability::default(),
        State::InMemory(m) => Durability {
            file: None,
            snapshots: m.snapshot_every.map(|every| SnapshotPolicy {
                every_ns: every.0,
                place: match m.snapshot_to {
                    SnapshotTo::Volume => SnapshotPlace::Volume,
                    SnapshotTo::Instance => SnapshotPlace::Instance,
                    SnapshotTo::ObjectStore(_) => SnapshotPlace::ObjectStore,
                },
                bytes_per_s: m.snapshot_rate.0,
            }),
            ..copied(&m.replication, m.down_after)
        },
        State::LocalDisk(d) => on_file(d.fsync, d.fsync_time.0, d.disk == Disk::Volume),
        State::LocalDatabase(d) => on_file(d.fsync, d.fsync_time.0, d.disk == Disk::Volume),
    }
}

/// What sessions in memory survive.
pub(in crate::sim) fn durability_of_sessions(settings: &SessionsInMemory) -> Durability {
    copied(&settings.replication, settings.down_after)
}

fn copied(replication: &Replication, down_after: Duration) -> Durability {
    let (least_copies, without) = replication.least_copies();
    Durability {
        acknowledgements: replication.acknowledgements(),
        least_copies,
        without_ns: without.0,
        replicas: replication.replicas(),
        lag_ns: replication.lag().0,
        send_buffer: replication.send_buffer().0,
        down_after_ns: down_after.0,
        ..Durability::default()
    }
}

fn on_file(fsync: FsyncPolicy, fsync_ns: u64, volume: bool) -> Durability {
    Durability {
        file: Some(FilePolicy {
            fsync,
            fsync_ns,
            volume,
        }),
        ..Durability::default()
    }
}

/// What a store's data survives.
pub(in crate::sim) fn durability_of_store(node: &Node) -> Durability {
    use crate::model::node::Persistence;
    let (file, replication, down_after, promotion, demotion) = match node {
        Node::RedisLike(r) => {
            let file = match r.persistence {
                Persistence::None => None,
                Persistence::AppendOnly(fsync) => on_file(fsync, r.fsync_time.0, true).file,
            };
            (
                file,
                &r.replication,
                r.down_after,
                r.promotion_time,
                r.demotion_delay,
            )
        }
        Node::SqlDatabase(d) => (
            on_file(d.fsync, d.commit_time.0, true).file,
            &d.replication,
            d.down_after,
            d.promotion_time,
            d.demotion_delay,
        ),
        _ => return on_file(FsyncPolicy::Always, 0, true),
    };
    Durability {
        file,
        promotion_ns: promotion.0,
        demotion_ns: demotion.0,
        ..copied(replication, down_after)
    }
}
