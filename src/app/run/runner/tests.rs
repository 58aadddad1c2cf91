use super::machine::STEP;
use super::*;
use crate::analysis::ceiling::Ceiling;
use crate::analysis::{Keeps, Track};
use crate::units::SECOND;

fn topology() -> Topology {
    let mut topology = Topology::default();
    topology.set_path("nodes.clients", "Clients()").unwrap();
    topology
        .set_path("nodes.api", "Service(state: InMemory())")
        .unwrap();
    topology
        .set_path("links.clients->api", "\"clients -> api\"")
        .unwrap();
    topology
}

fn started() -> Runner {
    let mut runner = Runner::stepped();
    runner.order(Order::Start {
        run: 1,
        topology: Some(Box::new(topology())),
        seed: 1,
        keep: false,
    });
    runner
}

fn now(runner: &Runner) -> f64 {
    runner.latest().snapshot.now.secs()
}

#[test]
fn time_passes_as_asked_and_stands_when_paused() {
    let mut runner = started();
    runner.advance(0.1);
    assert_eq!(now(&runner), 0.0);
    runner.order(Order::Play);
    for _ in 0..10 {
        runner.advance(0.1);
    }
    assert!((now(&runner) - 1.0).abs() < 1e-6);
    let got = runner.latest().speed_got.unwrap();
    assert!((got - 1.0).abs() < 1e-6, "{got}");
    runner.order(Order::Speed(10.0));
    runner.advance(0.1);
    assert!((now(&runner) - 2.0).abs() < 1e-6);
    runner.order(Order::Speed(0.001));
    runner.advance(0.1);
    assert!((now(&runner) - 2.0001).abs() < 1e-8);
    runner.order(Order::Pause);
    runner.advance(0.1);
    assert!((now(&runner) - 2.0001).abs() < 1e-8);
    assert_eq!(runner.latest().speed_got, None);
}

#[test]
fn as_fast_as_the_machine_goes_still_comes_back() {
    let mut runner = started();
    runner.order(Order::Speed(f64::INFINITY));
    runner.order(Order::Play);
    runner.advance(0.016);
    assert!(now(&runner) > 0.5);
}

#[test]
fn a_step_goes_a_little_and_stands() {
    let mut runner = started();
    runner.order(Order::Step);
    let latest = runner.latest();
    assert!(latest.snapshot.now > Duration(0) && latest.snapshot.now <= STEP);
    assert!(!latest.playing);
}

#[test]
fn commands_are_stamped_with_simulated_time_and_replay() {
    let mut runner = started();
    runner.order(Order::Play);
    for _ in 0..40 {
        runner.advance(0.05);
    }
    runner.order(Order::Apply(vec![Command::Crash("api".into(), 2)]));
    for _ in 0..40 {
        runner.advance(0.05);
    }
    runner.order(Order::Pause);
    let latest = runner.latest();
    let crash = Timed::At(Duration::from_secs(2.0), Command::Crash("api".into(), 2));
    assert_eq!(*latest.recording, vec![crash.clone()]);

    // The same as a scenario, headless and in one go, gives the same system.
    let mut document = topology();
    document.scenario.push(crash);
    let mut track = Track::new(&document, 1, Keeps::SCENARIO);
    track.run_until(latest.snapshot.now);
    let headless = track.snapshot();
    assert_eq!(headless.faults, latest.snapshot.faults);
    assert_eq!(headless.operations, latest.snapshot.operations);
    assert_eq!(headless.writes, latest.snapshot.writes);
    assert_eq!(headless.sessions, latest.snapshot.sessions);
    assert_eq!(headless.nodes, latest.snapshot.nodes);
}

#[test]
fn what_cannot_be_carried_out_is_said() {
    let mut runner = started();
    let wrong = Command::Remove("apy".into());
    runner.order(Order::Apply(vec![wrong.clone()]));
    let refused = runner.take_refusals();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].command, wrong);
    assert!(refused[0].error.message.contains("api"), "{refused:?}");
    assert!(runner.take_refusals().is_empty());
}

#[test]
fn intervals_join_and_belong_to_their_run() {
    let mut runner = started();
    runner.order(Order::Play);
    for _ in 0..20 {
        runner.advance(0.1);
    }
    runner.order(Order::Pause);
    let intervals = runner.take_intervals(1);
    assert!(!intervals.is_empty());
    assert!(
        intervals
            .windows(2)
            .all(|w| w[0].to <= w[1].from.max(w[0].to))
    );
    runner.order(Order::Play);
    runner.advance(0.2);
    runner.order(Order::Pause);
    assert!(runner.take_intervals(7).is_empty());
}

#[test]
fn a_run_that_was_put_aside_goes_on_as_if_nothing_had_been() {
    let start = |runner: &mut Runner, run, keep| {
        let topology = Some(Box::new(topology()));
        runner.order(Order::Start {
            run,
            topology,
            seed: 1,
            keep,
        });
    };
    let play = |runner: &mut Runner, seconds: u32| {
        runner.order(Order::Play);
        for _ in 0..seconds * 10 {
            runner.advance(0.1);
        }
        runner.order(Order::Pause);
    };
    let mut straight = started();
    play(&mut straight, 4);
    let mut runner = started();
    play(&mut runner, 2);
    start(&mut runner, 2, true);
    play(&mut runner, 1);
    runner.order(Order::Restore { run: 3 });
    assert!((now(&runner) - 2.0).abs() < 1e-6 && runner.latest().run == 3);
    play(&mut runner, 2);
    assert_eq!(runner.latest().snapshot, straight.latest().snapshot);
    // And the other way round.
    runner.order(Order::Restore { run: 4 });
    assert!((now(&runner) - 1.0).abs() < 1e-6);
}

#[test]
fn a_panic_ends_the_run_and_not_the_machine() {
    let mut machine = Machine::new(Arc::default());
    machine.start(3, Some(&topology()), 42);
    machine.playing = true;
    machine.guarded(|_| -> () { panic!("an invariant does not hold") });
    machine.publish();
    let latest = machine.shared.latest.load_full();
    let failure = latest.failure.as_ref().unwrap();
    assert!(
        failure.contains("seed 42") && failure.contains("invariant"),
        "{failure}"
    );
    assert!(!latest.playing);
    // The next run is not touched by it.
    machine.start(4, Some(&topology()), 42);
    machine.publish();
    assert_eq!(machine.shared.latest.load().failure, None);
}

#[test]
fn a_run_that_fills_its_memory_stands_still_and_says_what_fills_it() {
    let mut machine = Machine::new(Arc::default());
    let mut topology = topology();
    topology
        .set_path("nodes.clients.arrivals", "Steady(\"1e6/s\")")
        .unwrap();
    topology.set_path("nodes.api.queue", "Unlimited").unwrap();
    machine.start(1, Some(&topology), 1);
    machine.ceiling = Ceiling::new(crate::units::Bytes(16 << 20));
    machine.obey(Order::Play);
    machine.advance(0.1, || false);
    machine.publish();
    let latest = machine.shared.latest.load_full();
    let full = latest.full.as_ref().unwrap();
    assert!(full.contains("`api`") && full.contains("16MiB"), "{full}");
    assert!(!latest.playing && latest.failure.is_none());
    let stood = latest.snapshot.now;
    assert!(stood > Duration(0) && stood < Duration(SECOND / 10));
    // It does not go on, and the next run does.
    machine.obey(Order::Play);
    machine.obey(Order::Step);
    machine.advance(0.1, || false);
    assert_eq!(machine.now(), stood);
    machine.start(2, Some(&topology), 1);
    machine.obey(Order::Play);
    assert!(machine.playing && machine.full.is_none());
}

#[test]
fn the_thread_answers_and_ends_with_the_window() {
    let (woken, wakes) = mpsc::channel();
    let mut runner = Runner::spawn(move || _ = woken.send(())).unwrap();
    runner.order(Order::Start {
        run: 1,
        topology: Some(Box::new(topology())),
        seed: 1,
        keep: false,
    });
    runner.order(Order::Speed(f64::INFINITY));
    runner.order(Order::Play);
    while runner.latest().snapshot.now == Duration(0) {
        wakes.recv().unwrap();
    }
    runner.order(Order::Apply(vec![Command::Crash("api".into(), 1)]));
    while runner.latest().recording.is_empty() {
        wakes.recv().unwrap();
    }
    drop(runner);
    // The thread owns the sender of wakes: when it ends, the channel closes.
    while wakes.recv().is_ok() {}
}
