//! Made-up data like that of the drawn main view, for tests of panels: four instances of `api`, of which number 2
//! crashed at 60 s and was found dead at 65.1 s.

use crate::app::action::Selection;
use crate::app::run::history::History;
use crate::app::run::measure::Measure;
use crate::app::run::notices::Notices;
use crate::app::run::readings::Readings;
use crate::app::run::runner::Promise;
use crate::app::run::state::{Dismissed, View};
use crate::app::widgets::LossFigure::{Lost, Unknown};
use crate::model::settings::ron_options;
use crate::model::toggles::Remembered;
use crate::model::{Command, Topology};
use crate::sim::schedule::instants;
use crate::sim::snapshot::*;
use crate::units::Duration;

/// What a view borrows from.
pub struct Sample {
    pub topology: Topology,
    pub snapshot: Snapshot,
    pub readings: Readings,
    pub history: History,
    pub dismissed: Dismissed,
    pub selection: Option<Selection>,
    pub cursor: Option<Duration>,
    pub remembered: Remembered,
    pub measure: Measure,
    pub notices: Notices,
    pub schedule: Vec<Duration>,
    pub promises: Vec<Promise>,
}

const NOW: f64 = 66.4;

fn at(seconds: f64) -> Duration {
    Duration::from_secs(seconds)
}

/// Repeatable noise from -1 to 1.
fn noise(seed: u64) -> f64 {
    let mut x = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^= x >> 32;
    (x % 2001) as f64 / 1000.0 - 1.0
}

impl Sample {
    /// The system of the drawn main view, with `api` selected.
    pub fn new() -> Self {
        let topology = topology();
        let mut history = History::default();
        for i in 0..664 {
            history.push(interval(i));
        }
        let snapshot = snapshot();
        history.remember(&snapshot);
        let mut readings = Readings::default();
        let mut before = snapshot.clone();
        before.now = at(NOW - 5.0);
        for node in &mut before.nodes {
            let rate = throughput(&node.name);
            node.completed -= (rate * 5.0) as u64;
            node.busy_ns = node.busy_ns * 614 / 664;
            node.capacity_ns = node.capacity_ns * 614 / 664;
        }
        before.operations.completed -= 398 * 5;
        readings.update(&before, 0.0);
        readings.update(&snapshot, 60.0);
        let mut measure = Measure::default();
        measure.pretend(
            [Unknown, Lost(49), Lost(0), Lost(0), Lost(0)],
            [Unknown, Lost(0), Lost(0), Lost(551)],
        );
        let schedule = instants(&topology.nodes, &topology.scenario, 7);
        Self {
            topology,
            schedule,
            promises: Vec::new(),
            snapshot,
            readings,
            history,
            dismissed: Dismissed::default(),
            selection: Some(Selection::Node("api".into())),
            cursor: None,
            remembered: Remembered::default(),
            measure,
            notices: Notices::default(),
        }
    }

    /// What panels are given.
    pub fn view(&self) -> View<'_> {
        View {
            topology: &self.topology,
            file: None,
            snapshot: &self.snapshot,
            readings: &self.readings,
            history: &self.history,
            selection: self.selection.as_ref(),
            playing: true,
            speed: 10.0,
            speed_got: Some(10.0),
            seed: 7,
            cursor: self.cursor,
            dismissed: &self.dismissed,
            preview: &[],
            problem: None,
            remembered: &self.remembered,
            measure: &self.measure,
            notices: &self.notices,
            warnings: &[],
            schedule: &self.schedule,
            recording: &[],
            promises: &self.promises,
            results: None,
        }
    }
}

fn topology() -> Topology {
    let text = r#"Topology(
    schema: 1,
    name: "Sticky sessions in memory",
    summary: "Each user is tied to one instance. When it dies, so do their sessions.",
    sessions: InMemory(),
    nodes: {
        "clients": Clients(arrivals: Poisson("400/s"), mix: (read: 80, write: 20)),
        "lb": LoadBalancer(policy: StickyCookie),
        "api": Service(instances: 4, service_time: LogNormal(mean: "15ms", cv: 1.2), state: InMemory(snapshot_every: "5s")),
        "catalog": Service(),
        "products": SqlDatabase(),
        "receipts": ObjectStore(),
    },
    links: ["clients -> lb", Link(path: "lb -> api", latency: "500us"), "api -> catalog", "api -> receipts", "catalog -> products"],
    scenario: [At("60s", Crash("api", 2)), At("75s", Restart("api", 2)), At("82s", Deploy("api", Drained))],
    objectives: (p99: "200ms", lost_sessions: 0),
)"#;
    ron_options().from_str(text).unwrap()
}

fn interval(i: u64) -> Interval {
    let (from, to) = (i as f64 / 10.0, (i + 1) as f64 / 10.0);
    let out = (60.0..65.1).contains(&from);
    let ramp = |since: f64, over: f64| ((from - since) / over).clamp(0.0, 1.0);
    let k = if out { ramp(60.0, 0.4) } else { 0.0 };
    let offered = 400.0 + 14.0 * noise(i);
    let failed = (75.0 + 9.0 * noise(i + 5000)) * k;
    let retried = (25.0 + 5.0 * noise(i + 9000)) * k;
    let mut p99 = 71.0 + 5.0 * noise(i + 100);
    let mut p95 = 46.0 + 3.0 * noise(i + 200);
    let p50 = 10.6 + 0.5 * noise(i + 300);
    if from >= 60.0 {
        let k = ramp(60.0, 1.5);
        p99 += 245.0 * k - 132.0 * ramp(65.1, 1.2);
        p95 += 62.0 * k - 14.0 * ramp(65.1, 1.2);
    }
    let lost = from >= 60.0;
    let node = |name: &str, utilisation: f64, queue: f64, rate: f64| NodeInterval {
        name: name.into(),
        utilisation,
        queue_length: queue,
        in_flight: queue + utilisation * 32.0,
        throughput_per_s: rate,
    };
    let busy = 0.25 + 0.02 * noise(i + 400) + 0.31 * ramp(60.0, 2.0);
    Interval {
        from: at(from),
        to: at(to),
        completed: ((offered - failed - retried) / 10.0).round() as u64,
        retried: (retried / 10.0).round() as u64,
        failed: (failed / 10.0).round() as u64,
        percentiles: Some([p50 / 1e3, p95 / 1e3, p99 / 1e3]),
        lost_writes: if lost { 49 } else { 0 },
        lost_sessions: if lost { 512 } else { 0 },
        without: lost.then(|| Without {
            since: at(60.0),
            completed: (offered / 10.0).round() as u64,
            percentiles: Some([p50 / 1e3, 46e-3, (71.0 + 5.0 * noise(i + 100)) / 1e3]),
        }),
        nodes: vec![
            node("clients", 0.0, 0.0, offered),
            node("lb", 0.02, 0.0, offered),
            node(
                "api",
                busy,
                (busy * 6.0 + noise(i + 600)).max(0.0),
                offered - failed,
            ),
            node("catalog", 0.31, 0.1, 240.0),
            node("products", 0.18, 0.0, 240.0),
            node("receipts", 0.0, 0.0, 12.0),
        ],
    }
}

fn throughput(name: &str) -> f64 {
    match name {
        "catalog" | "products" => 240.0,
        "receipts" => 12.0,
        _ => 398.0,
    }
}

fn snapshot() -> Snapshot {
    let now = at(NOW);
    let up = |number: u32, sessions: u64, unsaved: u64, queue: u64| InstanceView {
        number,
        load: 0.55,
        in_rotation: true,
        queue,
        queue_limit: Some(64),
        sessions,
        unsaved,
        writes: 1300,
        state_bytes: 10_900_000,
        last_snapshot: Some(at(62.6)),
        ..InstanceView::default()
    };
    let node = |name: &str, kind: NodeKind, utilisation: f64, instances: Vec<InstanceView>| {
        let capacity = now.0 as u128 * 8 * instances.len().max(1) as u128;
        NodeView {
            name: name.into(),
            kind,
            load: utilisation,
            completed: (throughput(name) * NOW) as u64,
            busy_ns: (capacity as f64 * utilisation) as u128,
            capacity_ns: capacity,
            instances,
            ..NodeView::default()
        }
    };
    let mut api = node(
        "api",
        NodeKind::Service,
        0.56,
        vec![
            up(1, 550, 39, 9),
            InstanceView {
                status: Status::Crashed,
                since: at(60.0),
                in_rotation: false,
                load: 0.0,
                sessions: 0,
                unsaved: 0,
                lost_sessions: 512,
                lost_writes: 49,
                ..up(2, 0, 0, 0)
            },
            up(3, 551, 40, 0),
            up(4, 550, 39, 18),
        ],
    );
    api.queue = 4;
    api.in_flight = 14;
    api.state_bytes = 43_600_000;
    api.only_here_sessions = 1651;
    api.only_here_writes = 118;
    api.lost_sessions = 512;
    api.lost_writes = 49;
    let mut lb = node("lb", NodeKind::LoadBalancer, 0.02, Vec::new());
    lb.targets = (1..=4).map(|i| ("api".into(), i, i != 2)).collect();
    let crash = Command::Crash("api".into(), 2);
    let fault = FaultView {
        at: at(60.0),
        command: crash.clone(),
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
    let happening = |id, when: f64, what| Happening {
        id,
        at: at(when),
        what,
    };
    Snapshot {
        now,
        nodes: vec![
            node("clients", NodeKind::Clients, 0.0, Vec::new()),
            lb,
            api,
            node(
                "catalog",
                NodeKind::Service,
                0.31,
                vec![up(1, 0, 0, 0), up(2, 0, 0, 0), up(3, 0, 0, 0)],
            ),
            node(
                "products",
                NodeKind::SqlDatabase,
                0.18,
                vec![up(1, 0, 0, 0)],
            ),
            node("receipts", NodeKind::ObjectStore, 0.0, vec![up(1, 0, 0, 0)]),
        ],
        links: Vec::new(),
        operations: OperationCounts {
            offered: 26_560,
            completed: 26_165,
            completed_after_retry: 129,
            failed: 381,
            attempts: 27_070,
            in_flight: 14,
            ..OperationCounts::default()
        },
        writes: WriteCounts {
            acknowledged: 5_280,
            held: 5_231,
            lost: 49,
            ..WriteCounts::default()
        },
        sessions: SessionCounts {
            created: 2_163,
            live: 1_651,
            lost: 512,
            ..SessionCounts::default()
        },
        reads: ReadCounts::default(),
        faults: vec![fault],
        network: Vec::new(),
        happenings: vec![
            happening(
                1,
                31.0,
                What::Command {
                    command: Command::Set("nodes.api.instances".into(), "4".into()),
                    fault: None,
                },
            ),
            happening(
                2,
                33.5,
                What::Started {
                    node: "api".into(),
                    instance: 4,
                },
            ),
            happening(
                3,
                60.0,
                What::Command {
                    command: crash,
                    fault: Some(0),
                },
            ),
            happening(
                4,
                65.1,
                What::FoundDead {
                    node: "api".into(),
                    instance: 2,
                    after: at(5.1),
                    fault: Some(0),
                },
            ),
        ],
        events: 1_234_567,
    }
}

/// Draws a panel and keeps the picture where `STATESCOPE_PICTURES` says, to be looked at.
pub fn picture(name: &str, size: egui::Vec2, dark: bool, run: impl FnMut(&mut egui::Ui)) {
    let image = crate::app::picture::raster::render_ui(size, 1.0, dark, run);
    if let Some(folder) = std::env::var_os("STATESCOPE_PICTURES") {
        let file = format!("{name}-{}.png", if dark { "dark" } else { "light" });
        std::fs::write(std::path::Path::new(&folder).join(file), image.to_png()).unwrap();
    }
}
