//! What is large, long or crowded: thirty nodes from afar, a million operations a second, names of fifty letters, and
//! the bars of a narrow window.

use egui::{Rect, Theme, Ui, Vec2, pos2, vec2};
use egui_kittest::Harness;
use statescope::app::panes::canvas::Canvas;
use statescope::app::panes::charts::Charts;
use statescope::app::panes::transport;
use statescope::app::picture::raster::Image;
use statescope::app::theme;
use statescope::model::{Command, Topology, file};
use statescope::sim::snapshot::{Interval, Snapshot};
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

use crate::support::drawn::Drawn;
use crate::support::pictures::{Camera, assert_picture};

/// A system as it is after a few seconds of a run.
fn after(topology: Topology, seconds: f64) -> Drawn {
    let mut sim = Sim::new(&topology, 7, Watch { live: true });
    sim.run_until(Duration::from_secs(seconds));
    Drawn::of(topology, sim.snapshot())
}

fn draw(dark: bool, size: Vec2, mut show: impl FnMut(&mut Ui)) -> Image {
    let camera = Camera::default();
    let mut harness = Harness::builder()
        .with_size(size)
        .with_theme(if dark { Theme::Dark } else { Theme::Light })
        .renderer(camera.clone())
        .with_context_setup(|ctx| theme::install(ctx, theme::Settings::default()))
        .build_ui(move |ui| {
            let area = Rect::from_min_size(pos2(0.0, 0.0), size);
            ui.scope_builder(egui::UiBuilder::new().max_rect(area), |ui| show(ui));
        });
    harness.run_steps(20);
    camera.picture(&harness)
}

/// Clients, a balancer, four gateways, twelve services with a database each: thirty nodes with names of one kind.
fn thirty() -> Topology {
    let mut nodes = vec![
        r#""clients": Clients(arrivals: Poisson("600/s"))"#.to_owned(),
        r#""edge": LoadBalancer()"#.to_owned(),
    ];
    let mut links = vec![r#""clients -> edge""#.to_owned()];
    let mut places = vec![
        r#""clients": (0, 700)"#.to_owned(),
        r#""edge": (220, 700)"#.to_owned(),
    ];
    for gateway in 0..4 {
        nodes.push(format!(r#""gateway-{gateway}": Service(instances: 3)"#));
        links.push(format!(r#""edge -> gateway-{gateway}""#));
        places.push(format!(
            r#""gateway-{gateway}": (460, {})"#,
            gateway * 390 + 130
        ));
        for part in 0..3 {
            let (service, store) = (
                format!("service-of-domain-{gateway}-{part}"),
                format!("database-{gateway}-{part}"),
            );
            nodes.push(format!(
                r#""{service}": Service(instances: {}, state: External(store: "{store}"))"#,
                2 + part
            ));
            nodes.push(format!(r#""{store}": SqlDatabase()"#));
            links.push(format!(r#""gateway-{gateway} -> {service}""#));
            let y = gateway * 390 + part * 130;
            places.push(format!(
                r#""{service}": (800, {y}), "{store}": (1140, {y})"#
            ));
        }
    }
    let text = format!(
        "Topology(schema: 1, nodes: {{ {} }}, links: [{}], canvas: {{ {} }})",
        nodes.join(", "),
        links.join(", "),
        places.join(", ")
    );
    file::read(&text, "thirty").unwrap()
}

#[test]
fn thirty_nodes_from_afar() {
    let mut topology = thirty();
    topology.scenario.clear();
    let mut sim = Sim::new(&topology, 7, Watch { live: true });
    sim.run_until(Duration::from_secs(3.0));
    sim.apply(&Command::Crash("service-of-domain-1-1".into(), 2))
        .unwrap();
    sim.run_until(Duration::from_secs(4.0));
    let drawn = Drawn::of(topology, sim.snapshot());
    for (dark, size, name) in [
        (true, vec2(1000.0, 513.0), "thirty-dark"),
        (false, vec2(1580.0, 761.0), "thirty-light"),
    ] {
        let mut canvas = Canvas::default();
        let image = draw(dark, size, |ui| {
            canvas.ui(ui, &drawn.view());
        });
        assert_picture(name, &image);
    }
}

/// A million a second, millions of failures, and names of fifty letters.
fn large() -> Drawn {
    let long = "catalogue-and-availability-of-the-northern-region";
    let text = format!(
        r#"Topology(schema: 1, nodes: {{
            "{long}-clients": Clients(arrivals: Poisson("1000000/s")),
            "{long}-balancer": LoadBalancer(),
            "{long}": Service(instances: 4, state: InMemory()),
            "{long}-store": RedisLike(),
        }}, links: ["{long}-clients -> {long}-balancer", "{long}-balancer -> {long}"],
        sessions: ServerSide(store: "{long}-store"))"#
    );
    let mut drawn = after(file::read(&text, "large").unwrap(), 0.01);
    let snapshot: &mut Snapshot = &mut drawn.snapshot;
    snapshot.now = Duration::from_secs(80.0);
    snapshot.operations.completed = 72_954_300;
    snapshot.operations.failed = 7_045_700;
    for node in &mut snapshot.nodes {
        node.state_bytes = 987_654_321_000;
        node.only_here_sessions = 10_740_123;
        node.only_here_writes = 7_045_700;
        node.lost_sessions = 10_740_123;
        node.lost_writes = 7_045_700;
        for instance in &mut node.instances {
            instance.sessions = 2_685_030;
            instance.unsaved = 1_761_425;
        }
    }
    (snapshot.sessions.lost, snapshot.writes.lost) = (10_740_123, 7_045_700);
    Drawn::of(drawn.topology, drawn.snapshot)
}

#[test]
fn large_numbers_and_long_names() {
    let drawn = large();
    let mut canvas = Canvas::default();
    let image = draw(true, vec2(1000.0, 513.0), |ui| {
        canvas.ui(ui, &drawn.view());
    });
    assert_picture("large-canvas-dark", &image);

    let mut drawn = drawn;
    for second in 0..80_u64 {
        let lost = second.saturating_sub(40);
        drawn.history.push(Interval {
            from: Duration::from_secs(second as f64),
            to: Duration::from_secs(second as f64 + 1.0),
            completed: 912_000 + second * 100,
            failed: 88_071,
            percentiles: Some([0.9, 12.0, 1_234.0]),
            lost_sessions: lost * 268_503,
            lost_writes: lost * 176_142,
            ..Interval::default()
        });
    }
    let mut charts = Charts::default();
    let image = draw(false, vec2(1000.0, 178.0), |ui| {
        charts.ui(ui, &drawn.view());
    });
    assert_picture("large-charts-light", &image);
}

#[test]
fn a_narrow_window_folds_the_transport() {
    let drawn = Drawn::new();
    for (width, name) in [
        (719.0, "transport-folded-dark"),
        (360.0, "transport-narrow-dark"),
    ] {
        let image = draw(true, vec2(width, 36.0), |ui| {
            transport::ui(ui, &drawn.view(), true);
        });
        assert_picture(name, &image);
    }
}
