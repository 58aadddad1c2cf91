//! The lives of an instance: what goes on when it hangs, dies, and dies again.

use crate::support::cases::{figure, pause_after, run};
use statescope::model::file;
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

const SECOND: u64 = 1_000_000_000;

#[test]
fn a_hang_does_not_end_the_warm_up() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "40s", warmup: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("200/s"), mix: (read: 1)),
            "api": Service(workers: 50, boot_time: "1s", warm_up: "60s", cold_factor: 5, service_time: Constant("10ms")),
        },
        links: ["clients -> api"],
        scenario: [At("5s", Crash("api", 1)), At("6s", Restart("api", 1)), At("9s", Hang("api", 1)),
            At("9100ms", Resume("api", 1))])"#;
    let topology = file::read(text, "this test").unwrap();
    let mean = figure(&run(&topology, 1).results(), "response_time_s.mean");
    // It serves from 7 s on: half-way from 20 s to 40 s it has warmed up for 23 s of 60 s.
    let expected = 0.010 * (5.0 - 4.0 * 23.0 / 60.0);
    assert!((mean - expected).abs() < 0.000_05, "{mean}, {expected}");
}

#[test]
fn a_machine_that_goes_after_its_process_restarts_so_long_after_that() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "200s",
        nodes: {
            "clients": Clients(arrivals: Steady("50/s"), mix: (read: 1)),
            "api": Service(workers: 10, service_time: Constant("0s"), boot_time: "1s", restart_after: "30s"),
        },
        links: ["clients -> api"],
        scenario: [At("60s", Crash("api", 1)), At("89s", LoseMachine("api", 1))])"#;
    let topology = file::read(text, "this test").unwrap();
    let mut sim = Sim::new(&topology, 1, Watch { live: false });
    sim.run_until(Duration(89 * SECOND));
    assert!(!sim.is_at_work(1, 119 * SECOND - 1));
    assert!(sim.is_at_work(1, 119 * SECOND));
    let pause = pause_after(&mut sim, Duration(89 * SECOND)).0;
    assert!((31 * SECOND..31 * SECOND + SECOND / 20).contains(&pause));
}
