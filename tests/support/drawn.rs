//! The system of the drawn main view: sticky sessions in memory, 6.4 s after instance 2 of four crashed. Its figures are
//! made up; only the canvas is tested with them.

use std::collections::BTreeMap;

use statescope::app::action::Selection;
use statescope::app::run::history::History;
use statescope::app::run::measure::Measure;
use statescope::app::run::notices::Notices;
use statescope::app::run::readings::Readings;
use statescope::app::run::state::{Dismissed, View};
use statescope::model::settings::ron_options;
use statescope::model::toggles::Remembered;
use statescope::model::{Command, Topology};
use statescope::sim::snapshot::{
    CallCounts, Extent, FaultView, InstanceView, LinkView, NodeKind, NodeView, OperationCounts,
    Recovery, Role, Snapshot, Status, Trouble,
};
use statescope::units::Duration;

const NOW_S: f64 = 66.4;

/// What a window would hold.
pub struct Drawn {
    pub topology: Topology,
    pub snapshot: Snapshot,
    pub readings: Readings,
    pub history: History,
    pub selection: Option<Selection>,
    pub dismissed: Dismissed,
    pub preview: Vec<Command>,
    pub playing: bool,
    pub remembered: Remembered,
    pub measure: Measure,
    pub notices: Notices,
}

impl Drawn {
    pub fn new() -> Self {
        let (topology, snapshot) = (topology(), snapshot());
        Self::of(topology, snapshot)
    }

    /// Any system, as it is seen a while after its start.
    pub fn of(topology: Topology, snapshot: Snapshot) -> Self {
        let mut readings = Readings::default();
        // Counts since the start over the time since the start: the mean so far.
        readings.update(&Snapshot::default(), 0.0);
        readings.update(&snapshot, 1.0);
        Self {
            topology,
            snapshot,
            readings,
            history: History::default(),
            selection: None,
            dismissed: BTreeMap::new(),
            preview: Vec::new(),
            playing: false,
            remembered: Remembered::default(),
            measure: Measure::default(),
            notices: Notices::default(),
        }
    }

    /// Many services that keep state, in a square, each calling the next.
    pub fn many(nodes: u32, instances: u32) -> Self {
        let mut topology = Topology::default();
        let mut snapshot = Snapshot {
            now: at(NOW_S),
            ..Snapshot::default()
        };
        let across = (nodes as f32).sqrt().ceil() as u32;
        for number in 0..nodes {
            let name = format!("s{number}");
            let settings = format!("Service(instances: {instances}, state: InMemory())");
            topology
                .set_path(&format!("nodes.{name}"), &settings)
                .unwrap();
            let (column, row) = (number % across, number / across);
            let place = (column as f32 * 320.0, row as f32 * 300.0);
            topology.canvas.insert(name.clone(), place);
            let mut view = node(&name, NodeKind::Service, 100.0, 0.5);
            view.instances = (1..=instances)
                .map(|n| InstanceView {
                    sessions: 100 + u64::from(n * number),
                    unsaved: 10,
                    ..instance(n, 0.5, 8)
                })
                .collect();
            (view.only_here_sessions, view.only_here_writes) = (1000, 100);
            snapshot.nodes.push(view);
            if number > 0 {
                let from = format!("s{}", number - 1);
                topology
                    .apply(&Command::Link(format!("{from} -> {name}")))
                    .unwrap();
                snapshot
                    .links
                    .push(link(&from, &name, &[(100.0, 5.0, 5.0)]));
            }
        }
        Self {
            playing: true,
            ..Self::of(topology, snapshot)
        }
    }

    /// What the main view does not show.
    pub fn states() -> Self {
        let topology: Topology = ron_options()
            .from_str(
                r#"Topology(
    schema: 1,
    sessions: InMemory(),
    nodes: {
        "users": Clients(arrivals: Closed(users: 250)),
        "edge": LoadBalancer(policy: LeastConnections),
        "big": Service(instances: 20, state: LocalDisk()),
        "eight": Service(instances: 8, state: External(store: "store")),
        "all": Service(instances: 6, state: InMemory()),
        "store": RedisLike(persistence: None),
        "db": SqlDatabase(replication: Asynchronous()),
        "many": Service(instances: 30),
        "a-rather-long-name-of-a-service": Service(),
    },
    links: ["users -> edge", "edge -> big", "big -> eight", "big -> all", "eight -> db", "all -> many"],
    canvas: {
        "users": (80, 40), "edge": (80, 200), "big": (260, 40), "eight": (560, 30), "all": (560, 190),
        "store": (840, 30), "db": (840, 150), "many": (870, 300), "a-rather-long-name-of-a-service": (260, 330),
    },
)"#,
            )
            .unwrap();
        let of = |name: &str, kind, instances: Vec<InstanceView>| NodeView {
            instances,
            only_here_sessions: 12_345,
            only_here_writes: 678,
            state_bytes: 123_456_789,
            ..node(name, kind, 250.0, 0.42)
        };
        let plain = |count: u32| -> Vec<InstanceView> {
            (1..=count)
                .map(|n| InstanceView {
                    sessions: 100,
                    unsaved: u64::from(n),
                    ..instance(n, f64::from(n) / f64::from(count), 0)
                })
                .collect()
        };
        let mut big = plain(20);
        big[6].status = Status::MachineLost;
        big[6].lost_sessions = 1234;
        big[6].since = at(3.0);
        let mut all = plain(6);
        let statuses = [
            Status::Up,
            Status::Booting,
            Status::Warming,
            Status::Draining,
            Status::Hung,
            Status::Crashed,
        ];
        for (instance, status) in all.iter_mut().zip(statuses) {
            instance.status = status;
            instance.since = at(60.0);
        }
        all[0].in_rotation = false;
        let mut db = plain(2);
        (db[0].role, db[1].role) = (Role::Primary, Role::Replica);
        db[0].status = Status::Crashed;
        let snapshot = Snapshot {
            now: at(NOW_S),
            nodes: vec![
                node("users", NodeKind::Clients, 250.0, 0.0),
                node("edge", NodeKind::LoadBalancer, 250.0, 0.0),
                of("big", NodeKind::Service, big),
                of("eight", NodeKind::Service, plain(8)),
                of("all", NodeKind::Service, all),
                of("store", NodeKind::RedisLike, plain(1)),
                of("db", NodeKind::SqlDatabase, db),
                of("many", NodeKind::Service, plain(30)),
            ],
            links: vec![link("users", "edge", &[(200.0, 20.0, 30.0)])],
            operations: OperationCounts {
                completed: (250.0 * NOW_S) as u64,
                ..OperationCounts::default()
            },
            ..Snapshot::default()
        };
        let preview = "RedisLike()";
        let mut drawn = Self::of(topology, snapshot);
        let mut with_store = drawn.topology.clone();
        with_store.set_path("nodes.sessions", preview).unwrap();
        let node = with_store.nodes["sessions"].clone();
        drawn.preview = vec![
            Command::Add("sessions".into(), node),
            Command::Set("sessions".into(), r#"ServerSide(store: "sessions")"#.into()),
        ];
        drawn
    }

    /// Links on which something is wrong, and instances that are slow.
    pub fn troubled() -> Self {
        let topology: Topology = ron_options()
            .from_str(
                r#"Topology(
    schema: 1,
    sessions: InMemory(),
    nodes: {
        "clients": Clients(arrivals: Poisson("400/s")),
        "lb": LoadBalancer(policy: StickyCookie),
        "api": Service(instances: 4, state: InMemory()),
        "store": RedisLike(),
        "search": Service(instances: 16),
        "db": SqlDatabase(),
        "mail": Service(instances: 2),
        "files": ObjectStore(),
    },
    links: ["clients -> lb", "lb -> api", "api -> store", "api -> search", "api -> db", "api -> mail", "mail -> files"],
    canvas: {
        "clients": (20, 140), "lb": (260, 130), "api": (510, 90), "store": (900, 10), "search": (900, 130),
        "db": (900, 265), "mail": (900, 385), "files": (510, 400),
    },
)"#,
            )
            .unwrap();
        let none = Trouble::default();
        let cut = |cut| Trouble {
            cut,
            ..none.clone()
        };
        let slow = |slower| Trouble {
            slower,
            ..none.clone()
        };
        let (no, some, all) = (Extent::None, Extent::Some, Extent::All);
        let lossy = |loss| Trouble {
            loss,
            ..none.clone()
        };
        let wrong = |from: &str, to: &str, trouble: Trouble| LinkView {
            trouble: Some(trouble),
            ..link(from, to, &[(80.0, 0.0, 20.0)])
        };
        let lanes = vec![none.clone(), cut([all; 2]), slow(10.0), cut([no, all])];
        let mut api = wrong("lb", "api", cut([some; 2]));
        api.calls = link("lb", "api", &[(90.0, 5.0, 5.0); 4]).calls;
        api.troubles = lanes;
        let partly = Trouble {
            slower: 2.5,
            ..cut([some; 2])
        };
        let plain = |count: u32| -> Vec<InstanceView> {
            (1..=count).map(|n| instance(n, 0.6, 0)).collect()
        };
        let of = |name: &str, kind, instances: Vec<InstanceView>| NodeView {
            instances,
            ..node(name, kind, 100.0, 0.42)
        };
        let (mut slowed, mut many, mut two) = (plain(4), plain(16), plain(2));
        for (instances, places) in [
            (&mut slowed, [2, 2]),
            (&mut many, [3, 9]),
            (&mut two, [0, 0]),
        ] {
            for place in places {
                instances[place].slowed = 10.0;
                instances[place].load = 1.0;
            }
        }
        slowed[2].queue = 40;
        let snapshot = Snapshot {
            now: at(NOW_S),
            nodes: vec![
                node("clients", NodeKind::Clients, 400.0, 0.0),
                node("lb", NodeKind::LoadBalancer, 400.0, 0.0),
                of("api", NodeKind::Service, slowed),
                of("store", NodeKind::RedisLike, plain(1)),
                of("search", NodeKind::Service, many),
                of("db", NodeKind::SqlDatabase, plain(1)),
                of("mail", NodeKind::Service, two),
                of("files", NodeKind::ObjectStore, plain(1)),
            ],
            links: vec![
                wrong("clients", "lb", slow(10.0)),
                api,
                wrong("api", "store", cut([all; 2])),
                wrong("api", "search", partly),
                wrong("api", "db", cut([no, all])),
                wrong("api", "mail", lossy(0.01)),
                wrong("mail", "files", cut([all, no])),
            ],
            ..Snapshot::default()
        };
        Self {
            playing: true,
            ..Self::of(topology, snapshot)
        }
    }

    pub fn view(&self) -> View<'_> {
        View {
            topology: &self.topology,
            file: None,
            snapshot: &self.snapshot,
            readings: &self.readings,
            history: &self.history,
            selection: self.selection.as_ref(),
            playing: self.playing,
            speed: 10.0,
            speed_got: Some(10.0),
            seed: 7,
            cursor: None,
            dismissed: &self.dismissed,
            preview: &self.preview,
            problem: None,
            remembered: &self.remembered,
            measure: &self.measure,
            notices: &self.notices,
            warnings: &[],
            schedule: &[],
            recording: &[],
            promises: &[],
            results: None,
        }
    }
}

fn topology() -> Topology {
    ron_options()
        .from_str(
            r#"Topology(
    schema: 1,
    name: "Sticky sessions in memory",
    sessions: InMemory(),
    nodes: {
        "clients": Clients(arrivals: Poisson("400/s"), mix: (read: 80, write: 20)),
        "lb": LoadBalancer(policy: StickyCookie),
        "api": Service(instances: 4, state: InMemory(snapshot_every: "5s")),
        "catalog": Service(instances: 3),
        "products": SqlDatabase(replication: Asynchronous(lag: "5ms")),
        "receipts": ObjectStore(),
    },
    links: ["clients -> lb", "lb -> api", "api -> catalog", "catalog -> products", "api -> receipts"],
    canvas: {
        "clients": (70, 156), "lb": (246, 148), "api": (470, 82),
        "catalog": (778, 58), "products": (778, 202), "receipts": (778, 346),
    },
)"#,
        )
        .unwrap()
}

fn at(seconds: f64) -> Duration {
    Duration::from_secs(seconds)
}

fn instance(number: u32, load: f64, queue: u64) -> InstanceView {
    InstanceView {
        number,
        in_rotation: true,
        load,
        queue,
        queue_limit: Some(64),
        state_bytes: 10_905_190,
        ..InstanceView::default()
    }
}

fn node(name: &str, kind: NodeKind, per_second: f64, busy: f64) -> NodeView {
    let total = (per_second * NOW_S) as u64;
    NodeView {
        name: name.into(),
        kind,
        arrived: total,
        completed: total,
        load: busy,
        busy_ns: (busy * 1e9) as u128,
        capacity_ns: 1_000_000_000,
        ..NodeView::default()
    }
}

fn link(from: &str, to: &str, rates: &[(f64, f64, f64)]) -> LinkView {
    let count = |rate: f64| (rate * NOW_S) as u64;
    LinkView {
        from: from.into(),
        to: to.into(),
        calls: rates
            .iter()
            .map(|&(completed, retried, failed)| CallCounts {
                completed: count(completed),
                retried: count(retried),
                failed: count(failed),
            })
            .collect(),
        ..LinkView::default()
    }
}

fn snapshot() -> Snapshot {
    let sessions = |mut instance: InstanceView, sessions, unsaved| {
        instance.sessions = sessions;
        instance.unsaved = unsaved;
        instance.writes = 4000;
        instance
    };
    let api = NodeView {
        instances: vec![
            sessions(instance(1, 0.58, 10), 550, 39),
            InstanceView {
                status: Status::Crashed,
                since: at(60.0),
                in_rotation: false,
                lost_sessions: 512,
                lost_writes: 49,
                ..instance(2, 0.0, 0)
            },
            sessions(instance(3, 0.55, 0), 551, 40),
            sessions(instance(4, 0.6, 19), 550, 39),
        ],
        state_bytes: 43_620_761,
        only_here_sessions: 1651,
        only_here_writes: 118,
        lost_sessions: 512,
        lost_writes: 49,
        ..node("api", NodeKind::Service, 398.0, 0.56)
    };
    let products = NodeView {
        instances: vec![
            InstanceView {
                role: Role::Primary,
                ..instance(1, 0.18, 0)
            },
            InstanceView {
                role: Role::Replica,
                ..instance(2, 0.1, 0)
            },
        ],
        state_bytes: 8_804_682_957,
        ..node("products", NodeKind::SqlDatabase, 180.0, 0.18)
    };
    let crash = FaultView {
        at: at(60.0),
        command: Command::Crash("api".into(), 2),
        detected: Some(at(5.1)),
        recovery: Some(Recovery::Watching),
        caused: Some(381),
        lost_writes: 49,
        lost_sessions: 512,
        failed_met: 381,
        failed_sent_after_detection: 0,
        saved_by_retry: 129,
        called_off: None,
    };
    Snapshot {
        now: at(NOW_S),
        nodes: vec![
            NodeView {
                failed: 381,
                ..node("clients", NodeKind::Clients, 398.0, 0.0)
            },
            NodeView {
                targets: (1..=4).map(|n| ("api".to_owned(), n, n != 2)).collect(),
                ..node("lb", NodeKind::LoadBalancer, 398.0, 0.0)
            },
            api,
            NodeView {
                instances: vec![
                    instance(1, 0.3, 0),
                    instance(2, 0.34, 0),
                    instance(3, 0.29, 0),
                ],
                ..node("catalog", NodeKind::Service, 240.0, 0.31)
            },
            products,
            NodeView {
                instances: vec![instance(1, 0.1, 0)],
                ..node("receipts", NodeKind::ObjectStore, 12.0, 0.1)
            },
        ],
        links: vec![
            link("clients", "lb", &[(398.0, 0.0, 0.0)]),
            link(
                "lb",
                "api",
                &[
                    (133.0, 0.0, 0.0),
                    (0.0, 0.0, 0.0),
                    (133.0, 0.0, 0.0),
                    (105.0, 28.0, 0.0),
                ],
            ),
            link(
                "api",
                "catalog",
                &[(80.0, 0.0, 0.0), (80.0, 0.0, 0.0), (80.0, 0.0, 0.0)],
            ),
            link("catalog", "products", &[(180.0, 0.0, 0.0)]),
            link("api", "receipts", &[(12.0, 0.0, 0.0)]),
        ],
        faults: vec![crash],
        operations: OperationCounts {
            completed: (398.0 * NOW_S) as u64,
            failed: 381,
            ..OperationCounts::default()
        },
        ..Snapshot::default()
    }
}
