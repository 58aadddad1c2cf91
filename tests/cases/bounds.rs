//! No input aborts the program, freezes it or overflows: what is too large is refused, and what grows too large is stopped,
//! with a sentence that says what and why.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use statescope::model::settings::{Field, Shape, ron_options};
use statescope::model::{Severity, Topology, check};
use statescope::sim::{Sim, Watch};

fn statescope(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_statescope"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Status and standard error of a command that must not panic.
fn ended(arguments: &[&str]) -> (i32, String) {
    let output = statescope(arguments);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!errors.contains("panicked"), "{arguments:?}: {errors}");
    let status = output.status.code();
    (
        status.unwrap_or_else(|| panic!("{arguments:?} was killed: {errors}")),
        errors,
    )
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A topology in profile Bare, of 60 s.
fn bare(nodes: &str, links: &str, more: &str) -> String {
    format!(
        "Topology(schema: 1, profile: Bare, duration: \"60s\", nodes: {{{nodes}}}, links: [{links}], {more})"
    )
}

fn read(text: &str) -> Topology {
    statescope::model::file::read(text, "test.ron").unwrap_or_else(|error| panic!("{error}"))
}

/// The errors of a topology, with their paths.
fn errors(text: &str) -> Vec<(String, String)> {
    let problems = check(&read(text)).into_iter();
    problems
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| (problem.path, problem.message))
        .collect()
}

#[test]
fn what_must_pile_up_is_refused_with_how_much_and_the_way_out() {
    let offered = r#""c": Clients(arrivals: Steady("1e6/s")),"#;
    let cases = [
        // 1e6/s for 60 s, of which nothing is served.
        (
            "tests/cases/backlog-behind-a-service.ron",
            "nodes.b.queue",
            "60000000",
            "Limit the queue",
        ),
        // 1e6/s less 1e5/s for 60 s.
        (
            "tests/cases/backlog-at-a-store.ron",
            "nodes.r",
            "54000000",
            "offer less",
        ),
        (
            "tests/cases/backlog-on-a-link.ron",
            "links.c->a.latency",
            "60000000",
            "less latency",
        ),
    ];
    for (file, path, figure, way_out) in cases {
        let (status, said) = ended(&["check", file]);
        assert_eq!(status, 1, "{said}");
        assert!(
            said.contains(path) && said.contains(figure) && said.contains(way_out),
            "{said}"
        );
    }
    let other = [
        // The same kinds, elsewhere.
        (
            bare(
                &format!(
                    r#"{offered} "a": Service(service_time: Constant("1us"), workers: 100), "r": RedisLike()"#
                ),
                r#""c -> a", "a -> r""#,
                "",
            ),
            "nodes.r",
            "54000000",
        ),
        (
            bare(
                &format!(
                    r#"{offered} "lb": LoadBalancer(), "a": Service(service_time: Constant("1us"), workers: 100), "b": Service(service_time: Constant("1us"), workers: 100)"#
                ),
                r#""c -> lb", "lb -> a", Link(path: "a -> b", latency: "30s")"#,
                "",
            ),
            "links.a->b.latency",
            "30000000",
        ),
        (
            bare(
                r#""c": Clients(arrivals: Steady("1e6/s"), request: "1KiB"), "a": Service(service_time: Constant("1us"), workers: 100)"#,
                r#"Link(path: "c -> a", bandwidth: "1MiB/s")"#,
                "",
            ),
            "links.c->a.bandwidth",
            "59938560",
        ),
        (
            bare(
                &format!(
                    r#"{offered} "s": ObjectStore(get_time: Constant("1h"), get_rate: "1e9/s")"#
                ),
                r#""c -> s""#,
                "",
            ),
            "nodes.s",
            "3600000000",
        ),
        // Nothing but the sum is too much.
        (
            bare(
                r#""c": Clients(arrivals: Steady("110000/s")), "d": Clients(arrivals: Steady("110000/s")),
                "a": Service(service_time: Constant("1h")), "b": Service(service_time: Constant("1h"))"#,
                r#""c -> a", "d -> b""#,
                "",
            ),
            "queue",
            "13200000 in the whole system",
        ),
        // Whoever waits for one that lets everybody wait does no more than that does: 1e6/s less 10/s for 60 s.
        (
            bare(
                &format!(
                    r#"{offered} "a": Service(service_time: Constant("1us"), workers: 100, io: Blocking), "lb": LoadBalancer(), "b": Service(service_time: Constant("100ms"))"#
                ),
                r#""c -> a", "a -> lb", "lb -> b""#,
                "",
            ),
            "nodes.a.queue",
            "59999400",
        ),
        // Edits of the scenario.
        (
            bare(
                r#""c": Clients(arrivals: Steady("10/s")), "a": Service(service_time: Constant("1ms"))"#,
                r#""c -> a""#,
                r#"scenario: [At("30s", Set("nodes.c.arrivals", "Steady(\"1e6/s\")"))]"#,
            ),
            "scenario[0]",
            "29970000",
        ),
        (
            bare(
                &format!(r#"{offered} "a": Service(service_time: Constant("1us"), workers: 100)"#),
                r#""c -> a""#,
                r#"scenario: [At("10s", Set("nodes.b", "Service(service_time: Constant(\"1h\"))")), At("10s", Link("a -> b"))]"#,
            ),
            "scenario[1]",
            "50000000",
        ),
    ];
    for (text, path, figure) in other {
        let found = errors(&text);
        assert!(
            found
                .iter()
                .any(|(at, said)| at.contains(path) && said.contains(figure)),
            "{path}, {figure}: {found:?}"
        );
    }
}

#[test]
fn what_can_be_borne_is_not_refused() {
    for text in [
        // The first service lets no more than 1000 through at a time.
        bare(
            r#""c": Clients(arrivals: Steady("1e6/s")), "a": Service(service_time: Constant("1us"), workers: 1000, io: Blocking, queue: Limit(10)),
            "b": Service(service_time: Constant("1h"))"#,
            r#""c -> a", "a -> b""#,
            "",
        ),
        // Who gives up is taken out.
        bare(
            r#""c": Clients(arrivals: Steady("1e6/s"), timeout: "1s", cancel: true), "a": Service(service_time: Constant("1h"))"#,
            r#""c -> a""#,
            "",
        ),
        bare(
            r#""c": Clients(arrivals: Closed(users: 1000000), users: 1), "a": Service(service_time: Constant("1h"))"#,
            r#""c -> a""#,
            "",
        ),
        // A database turns away what it has no connection for, and so does an object store: nobody waits for them.
        bare(
            r#""c": Clients(arrivals: Steady("1e6/s")), "a": Service(service_time: Constant("1us"), workers: 100, io: Blocking, state: External(store: "d")),
            "d": SqlDatabase(read_time: "100ms", connections: 1)"#,
            r#""c -> a""#,
            "",
        ),
        bare(
            r#""c": Clients(arrivals: Steady("1e6/s")), "a": Service(service_time: Constant("1us"), workers: 100, io: Blocking, state: External(store: "s")),
            "s": ObjectStore(get_rate: "10/s", put_rate: "10/s")"#,
            r#""c -> a""#,
            "",
        ),
        // Neither for a service whose queue is full, behind a balancer or not.
        bare(
            r#""c": Clients(arrivals: Steady("1e6/s")), "a": Service(service_time: Constant("1us"), workers: 100, io: Blocking), "lb": LoadBalancer(),
            "b": Service(service_time: Constant("100ms"), queue: Limit(1)), "d": Service(service_time: Constant("100ms"), queue: Limit(1))"#,
            r#""c -> a", "a -> b", "a -> lb", "lb -> d""#,
            "",
        ),
        // Nor for longer than it is willing to: 100 workers that wait for a millisecond each serve 99,900 a second.
        bare(
            r#""c": Clients(arrivals: Steady("99000/s"), timeout: "1s", cancel: true), "a": Service(service_time: Constant("1us"), workers: 100, io: Blocking, call_timeout: Some("1ms"), state: External(store: "r")),
            "r": RedisLike(command_time: "100ms")"#,
            r#""c -> a""#,
            "",
        ),
        // Just before the end.
        bare(
            r#""c": Clients(arrivals: Steady("10/s")), "a": Service(service_time: Constant("1ms"))"#,
            r#""c -> a""#,
            r#"scenario: [At("59s", Set("nodes.c.arrivals", "Steady(\"1e6/s\")"))]"#,
        ),
    ] {
        assert_eq!(errors(&text), [], "{text}");
    }
}

#[test]
fn instances_are_counted_as_they_come_and_go() {
    let service =
        r#""c": Clients(arrivals: Steady("10/s")), "a": Service(service_time: Constant("1ms"))"#;
    let scenario = |events: &str| bare(service, r#""c -> a""#, &format!("scenario: [{events}]"));
    let cycle = |at: usize| {
        format!(
            r#"At("{at}s", AddInstances("a", 900)), At("{at}.5s", RemoveInstances("a", 900)), "#
        )
    };
    let cycles: String = (1..20).map(cycle).collect();
    assert_eq!(errors(&scenario(&cycles)), []);
    let found = errors(&scenario(
        r#"At("1s", AddInstances("a", 9900)), At("2s", AddInstances("a", 100))"#,
    ));
    assert!(found[0].1.contains("10001 instances"), "{found:?}");
    // Each service may have ten thousand, and all of them twice as many.
    let (mut nodes, mut events) = (r#""c": Clients(),"#.to_owned(), String::new());
    let mut links = String::new();
    for number in 0..3 {
        nodes += &format!(r#""a{number}": Service(),"#);
        events += &format!(r#"At("1s", AddInstances("a{number}", 9999)),"#);
        links += &match number {
            0 => r#""c -> a0","#.to_owned(),
            n => format!(r#""a0 -> a{n}","#),
        };
    }
    let found = errors(&bare(&nodes, &links, &format!("scenario: [{events}]")));
    assert!(
        found[0].0 == "scenario[1]" && found[0].1.contains("at most 20000"),
        "{found:?}"
    );
    // More capacity in time is no backlog.
    let relieved = bare(
        r#""c": Clients(arrivals: Steady("1e6/s")), "a": Service(service_time: Constant("1ms"), workers: 100)"#,
        r#""c -> a""#,
        r#"scenario: [At("1s", AddInstances("a", 10))]"#,
    );
    assert_eq!(errors(&relieved), []);
}

#[test]
fn many_problems_are_told_quickly() {
    let folder = tempfile::tempdir().unwrap();
    let expects = r#""nodes.none.utilisation > 0", "#.repeat(60_000);
    let text = format!(
        r#"Topology(schema: 1, nodes: {{"c": Clients(mix: (read: 1)), "s": Service()}}, links: ["c -> s"], expects: [{expects}])"#
    );
    let file = write(folder.path(), "many.ron", &text);
    let (status, said) = ended(&["check", &file]);
    assert_eq!(status, 1);
    assert!(
        said.lines().count() < 50 && said.contains("and 59980 more"),
        "{said}"
    );
}

#[test]
fn calls_that_multiply_without_end_are_refused() {
    // Two services a layer, each calling both of the next: 2^30 calls for each operation.
    let names = |layer: usize| [format!("a{layer}"), format!("b{layer}")];
    let (mut nodes, mut links) = (r#""c": Clients(),"#.to_owned(), r#""c -> a0","#.to_owned());
    for layer in 0..30 {
        for name in names(layer) {
            nodes += &format!(r#""{name}": Service(service_time: Constant("0s")),"#);
            if layer > 0 {
                for before in names(layer - 1) {
                    links += &format!(r#""{before} -> {name}","#);
                }
            }
        }
    }
    let found = errors(&bare(&nodes, &links, ""));
    assert!(
        found[0].0 == "links" && found[0].1.contains("at most 10000"),
        "{found:?}"
    );
}

#[test]
fn a_long_chain_of_services_nests_no_deeper_than_a_thread_bears() {
    let (mut nodes, mut links) = (
        r#""c": Clients(arrivals: Steady("100/s")),"#.to_owned(),
        r#""c -> s0","#.to_owned(),
    );
    for number in 0..498 {
        nodes += &format!(r#""s{number}": Service(service_time: Constant("0s"), workers: 10),"#);
        if number > 0 {
            links += &format!(r#""s{} -> s{number}","#, number - 1);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "chain.ron", &bare(&nodes, &links, ""));
    let (status, said) = ended(&["run", &file, "--duration", "1s"]);
    assert_eq!(status, 0, "{said}");
}

/// One of two instances dies, and the other cannot do the work of both: whether that is so nobody can tell before.
const ONE_LEFT: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    nodes: {"c": Clients(arrivals: Steady("60000/s")), "lb": LoadBalancer(health_checks: (interval: "100ms", fall: 1)),
        "s": Service(instances: 2, service_time: Constant("30us"))},
    links: ["c -> lb", "lb -> s"], scenario: [At("2s", Crash("s", 1))])"#;

#[test]
fn what_grows_too_large_is_stopped_with_what_is_known_so_far() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "one_left.ron", ONE_LEFT);
    let output = statescope(&["run", &file, "--memory", "64MiB", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    for part in [
        "64MiB",
        "requests wait for `s`",
        "since about 2",
        "nodes.s.queue",
        "--memory",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    let at = results["cut"]["at_s"].as_f64().unwrap();
    assert!((2.5..20.0).contains(&at), "{at}");
    assert!(results["cut"]["why"].as_str().unwrap().contains("64MiB"));
    // All that was asked before the crash, and what one instance has done since.
    let completed = results["operations"]["completed"]["mean"].as_f64().unwrap();
    assert!((120_000.0..900_000.0).contains(&completed), "{completed}");

    // The same event on any number of threads, whatever else runs.
    for threads in ["1", "3"] {
        let again = statescope(&[
            "run",
            &file,
            "--memory",
            "64MiB",
            "--json",
            "--replications",
            "3",
            "--threads",
            threads,
        ]);
        let again: Value = serde_json::from_slice(&again.stdout).unwrap();
        assert_eq!(again["cut"]["at_s"], at);
        assert_eq!(
            (&again["cut"]["asked"], &again["replications"]),
            (&Value::from(3), &Value::from(1))
        );
    }
    let text = statescope(&["run", &file, "--memory", "64MiB"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("CUT SHORT after"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 120),
        "{text}"
    );

    let (status, said) = ended(&["check", "--run", &file, "--memory", "64MiB"]);
    assert!(status == 1 && said.contains("wait for `s`"), "{said}");
    let cases = r#"[{"id": "a", "file": "one_left.ron", "metric": "operations.completed", "expected": 1, "seeds": 2}]"#;
    let cases = write(folder.path(), "cases.json", cases);
    let (status, said) = ended(&["validate", &cases, "--memory", "64MiB"]);
    assert!(status == 1 && said.contains("wait for `s`"), "{said}");
    assert_eq!(ended(&["run", &file, "--memory", "1KiB"]).0, 2);
    assert_eq!(ended(&["run", &file, "--memory", "much"]).0, 2);
}

#[test]
fn what_fills_memory_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        (
            "retries",
            bare(
                r#""c": Clients(arrivals: Steady("1e5/s"), retries: 100, backoff: "1h", backoff_limit: "1h"), "s": Service(queue: Limit(0), service_time: Constant("1s"))"#,
                r#""c -> s""#,
                "",
            ),
            ["operations of `c` wait for a retry", "fewer retries"],
        ),
        (
            "logins",
            bare(
                r#""c": Clients(arrivals: Steady("1e5/s"), users: 1000), "s": Service(workers: 100000, service_time: Constant("0s")), "r": RedisLike()"#,
                r#""c -> s""#,
                r#"sessions: ServerSide(store: "r"), scenario: [At("1ms", Hang("r", 1))]"#,
            ),
            [
                "operations of `c` wait for a retry or a login",
                "since about 0",
            ],
        ),
        (
            "copies",
            bare(
                r#""c": Clients(arrivals: Steady("1e5/s"), mix: (write: 1)), "r": RedisLike(command_time: "0s", replication: Asynchronous(lag: "1h"))"#,
                r#""c -> r""#,
                "",
            ),
            ["copies of `r`", "follow sooner"],
        ),
        (
            "alone",
            bare(
                r#""c": Clients(arrivals: Steady("1e6/s"), mix: (write: 1), keys: 20000, popularity: Uniform), "s": Service(instances: 100, workers: 1000, service_time: Constant("0s"), state: InMemory())"#,
                r#""c -> s""#,
                "",
            ),
            ["that `s` keeps", "fewer keys"],
        ),
        (
            "objects",
            bare(
                r#""c": Clients(arrivals: Steady("1e5/s")), "o": ObjectStore(get_time: Constant("1m"), get_rate: "1e9/s")"#,
                r#""c -> o""#,
                "",
            ),
            ["`o` works on", "since about 0"],
        ),
        (
            "link",
            bare(
                r#""c": Clients(arrivals: Steady("1e5/s")), "s": Service(service_time: Constant("0s"))"#,
                r#"Link(path: "c -> s", latency: "1h")"#,
                "",
            ),
            ["between `c` and `s`", "links.c->s"],
        ),
        (
            "behind",
            bare(
                r#""c": Clients(arrivals: Steady("1e5/s")), "a": Service(service_time: Constant("0s")), "b": Service(service_time: Constant("1h"))"#,
                r#""c -> a", "a -> b""#,
                "",
            ),
            ["requests wait for `b`", "nodes.b.queue"],
        ),
    ];
    for (name, text, parts) in cases {
        let file = write(folder.path(), &format!("{name}.ron"), &text);
        let (status, said) = ended(&["run", &file, "--memory", "16MiB"]);
        assert_eq!(status, 1, "{said}");
        for part in parts {
            assert!(said.contains(part), "{name}: {part}: {said}");
        }
    }
}

#[test]
fn times_that_overflow_are_refused_where_they_are_read() {
    for time in [
        "1e24d",
        "1000000000000000000000000d",
        "4000000000000000000000000d",
        "9999999999999999999999999d",
    ] {
        let (status, said) = ended(&["run", "sticky-in-memory", "--duration", time]);
        assert!(status == 2 && said.contains("30 years"), "{time}: {said}");
    }
    let (status, said) = ended(&["run", "tests/cases/slow-link.ron"]);
    assert_eq!(status, 0, "{said}");
}

/// A process that listens for Ctrl+C.
#[cfg(target_os = "linux")]
fn listening(arguments: &[&str], stdout: Stdio) -> Child {
    let child = Command::new(env!("CARGO_BIN_EXE_statescope"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let listens = || {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let caught = text.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        caught.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 0b10 != 0)
    };
    while !listens() {
        std::thread::yield_now();
    }
    child
}

#[cfg(target_os = "linux")]
fn interrupt(child: &Child) {
    let process = child.id().to_string();
    let status = Command::new("kill").args(["-INT", &process]).status();
    assert!(status.unwrap().success());
}

/// A process that somebody interrupts once it listens: what it has said by its end.
#[cfg(target_os = "linux")]
fn interrupted(arguments: &[&str]) -> Output {
    let child = listening(arguments, Stdio::piped());
    interrupt(&child);
    child.wait_with_output().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_second_ctrl_c_ends_the_program_at_once() {
    // Nobody reads what it prints after the first, and the pipe is full: it would wait for ever.
    let (_reader, mut pipe) = std::io::pipe().unwrap();
    pipe.write_all(&[b' '; 1 << 16]).unwrap();
    let run = ["run", "sticky-in-memory", "--duration", "3650d"];
    let mut child = listening(&run, pipe.into());
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed().as_secs() < 60, "it does not end");
        interrupt(&child);
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(status.code(), Some(130));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_and_costs_no_file() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_statescope"))
        .args(["run", "sticky-in-memory", "--json"])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("standard output cannot be written"), "{said}");

    // The system lets no file grow, as if no room were left: what was there before stays, and nothing else is left.
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "drawing.svg", "mine");
    let export =
        "trap '' XFSZ; ulimit -f 0; exec \"$0\" export sticky-in-memory --to svg -o \"$1\"";
    let output = Command::new("sh")
        .args(["-c", export, env!("CARGO_BIN_EXE_statescope"), &file])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("drawing.svg"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_ends_a_run_with_what_is_known_so_far() {
    let long = ["run", "sticky-in-memory", "--duration", "3650d"];
    let output = interrupted(&[&long[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(130));
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(results["cut"]["why"], "interrupted");
    assert!(results["cut"]["at_s"].as_f64().unwrap() >= 0.0);

    let output = interrupted(&long);
    assert_eq!(output.status.code(), Some(130));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("CUT SHORT after") && text.contains("interrupted"),
        "{text}"
    );

    let folder = tempfile::tempdir().unwrap();
    let text = r#"Topology(schema: 1, duration: "3650d", nodes: {"c": Clients(mix: (read: 1, write: 0)), "s": Service()}, links: ["c -> s"], expects: ["operations.failed == 0"])"#;
    let file = write(folder.path(), "long.ron", text);
    let output = interrupted(&["check", "--run", &file]);
    assert_eq!(output.status.code(), Some(130));
    let cases = r#"[{"id": "a", "file": "long.ron", "metric": "operations.completed", "expected": 1, "seeds": 2}]"#;
    let cases = write(folder.path(), "cases.json", cases);
    let output = interrupted(&["validate", &cases]);
    assert_eq!(output.status.code(), Some(130));
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("interrupted")
    );
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.ron");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let pipe = pipe.to_str().unwrap();
    for path in [pipe, "/dev/null", "/dev/zero", "/dev/tty"] {
        if !Path::new(path).exists() {
            continue;
        }
        for command in ["run", "check", "validate"] {
            let (status, said) = ended(&[command, path]);
            assert!(
                status == 1 && said.contains("not a file"),
                "{command} {path}: {said}"
            );
        }
    }
    let (status, said) = ended(&["validate", folder.path().to_str().unwrap()]);
    assert!(status == 1 && said.contains("folder"), "{said}");
}

#[test]
fn the_program_brings_its_licences() {
    let output = statescope(&["--version", "--licences"]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let version = format!("statescope {}\n", env!("CARGO_PKG_VERSION"));
    assert!(text.starts_with(&version), "{text}");
    for part in [
        "Reserved Font Name \"Plex\"",
        "SIL OPEN FONT LICENSE Version 1.1",
        "serde 1.",
        "egui ",
    ] {
        assert!(text.contains(part), "{part}");
    }
    for short in ["--version", "-V"] {
        let output = statescope(&[short]);
        assert_eq!(String::from_utf8(output.stdout).unwrap(), version);
    }
}

fn case_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ron"))
        .collect();
    files.sort();
    files
}

/// Debug builds panic where a sum overflows, so this finds such a sum.
#[test]
fn every_case_ends_with_results_or_a_sentence() {
    for file in case_files() {
        let file = file.to_str().unwrap();
        let (valid, said) = ended(&["check", file]);
        assert!(
            valid == 0 || (valid == 1 && said.len() > 20),
            "{file}: {said}"
        );
        if valid == 0 {
            let (status, said) = ended(&["run", file, "--memory", "512MiB"]);
            assert!(
                status == 0 || (status == 1 && said.len() > 20),
                "{file}: {said}"
            );
        }
    }
}

/// Draws for a case: the generator of Steele, Lea and Flood (2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

/// An extreme value of a shape, as in a file; `None`: it is left as it is.
fn extreme(shape: &Shape, range: Option<(&str, &str)>, dice: &mut Dice) -> Option<String> {
    let pick = |dice: &mut Dice, without: [&str; 2]| {
        let (low, high) = range.unwrap_or((without[0], without[1]));
        dice.one(&[low, high]).to_owned()
    };
    Some(match shape {
        Shape::Integer => pick(dice, ["0", "4294967295"]),
        Shape::Number => pick(dice, ["0", "10"]),
        Shape::Duration => format!("\"{}\"", pick(dice, ["0s", "1h"])),
        Shape::Rate => format!("\"{}\"", pick(dice, ["1e-9/s", "1e6/s"])),
        Shape::Bytes => format!("\"{}\"", pick(dice, ["0B", "1GiB"])),
        Shape::Bandwidth => format!("\"{}\"", pick(dice, ["1B/s", "unlimited"])),
        Shape::Share => format!("\"{}\"", pick(dice, ["0%", "100%"])),
        Shape::Flag => dice.one(&["true", "false"]).to_owned(),
        Shape::Optional(inner) => match dice.below(3) {
            0 => "None".to_owned(),
            _ => extreme(inner, range, dice)?,
        },
        Shape::Choice(variants) => {
            let variant = &variants[dice.below(variants.len() as u64) as usize];
            match &variant.payload {
                None => variant.name.to_owned(),
                // The only texts in choices name stores.
                Some(Shape::Text) => format!("{}(\"objects\")", variant.name),
                Some(payload) => format!("{}({})", variant.name, inside(payload, dice)?),
            }
        }
        Shape::Group(_) => format!("({})", inside(shape, dice)?),
        _ => return None,
    })
}

/// What stands in the brackets of a variant.
fn inside(shape: &Shape, dice: &mut Dice) -> Option<String> {
    let Shape::Group(fields) = shape else {
        return extreme(shape, None, dice);
    };
    let mut text = String::new();
    for field in fields {
        if let Some(value) = value_of(field, dice) {
            text += &format!("{}: {value}, ", field.name);
        }
    }
    Some(text)
}

fn value_of(field: &Field, dice: &mut Dice) -> Option<String> {
    // Tables of millions take their time to fill: not each case needs them.
    let large = matches!(
        field.name,
        "users" | "keys" | "keys_per_user" | "workers" | "instances" | "connections"
    );
    if dice.below(2) == 0 || (large && dice.below(8) > 0) {
        return None;
    }
    match field.name {
        "store" => Some("\"store\"".to_owned()),
        _ => extreme(&field.shape, field.range, dice),
    }
}

/// A system of every kind of node, each setting at an end of its range or left as it is.
fn extremes(dice: &mut Dice) -> String {
    use statescope::model::settings::Setting;
    let Shape::Group(topology) = Topology::shape() else {
        unreachable!("a topology is a group")
    };
    let Some(Shape::Map(node)) = topology
        .iter()
        .find(|f| f.name == "nodes")
        .map(|f| &f.shape)
    else {
        unreachable!("nodes have names")
    };
    let Shape::Choice(kinds) = &**node else {
        unreachable!("there are several kinds of node")
    };
    let mut made = |kind: &str| {
        let kind = kinds.iter().find(|k| k.name == kind).unwrap();
        let group = inside(kind.payload.as_ref().unwrap(), dice).unwrap();
        format!("{}({group})", kind.name)
    };
    let nodes = [
        ("c", "Clients"),
        ("d", "Clients"),
        ("lb", "LoadBalancer"),
        ("a", "Service"),
        ("b", "Service"),
        ("store", "RedisLike"),
        ("db", "SqlDatabase"),
        ("objects", "ObjectStore"),
    ]
    .map(|(name, kind)| format!("\"{name}\": {}", made(kind)));
    let links = [
        "c -> lb",
        "lb -> a",
        "a -> b",
        "b -> db",
        "b -> store",
        "d -> objects",
    ]
    .map(|path| {
        let (latency, bandwidth) = (
            dice.one(&["0s", "1us", "1h"]),
            dice.one(&["1B/s", "1GiB/s", "unlimited"]),
        );
        format!("Link(path: \"{path}\", latency: \"{latency}\", bandwidth: \"{bandwidth}\")")
    });
    let sessions = topology.iter().find(|f| f.name == "sessions").unwrap();
    let sessions = extreme(&sessions.shape, None, dice).unwrap();
    let scenario = [
        r#"At("1ms", Crash("a", 1))"#,
        r#"At("2ms", LoseMachine("store", 1))"#,
        r#"At("3ms", Hang("b", 1))"#,
        r#"At("4ms", Deploy("b", Drained))"#,
        r#"At("5ms", Restart("a", 1))"#,
        r#"At("6ms", Resume("b", 1))"#,
        r#"At("7ms", Deploy("a", Abrupt))"#,
        r#"At("8ms", AddInstances("a", 1))"#,
        r#"At("9ms", RemoveInstances("a", 1))"#,
    ];
    format!(
        "Topology(schema: 1, profile: {}, duration: \"{}\", sessions: {sessions}, nodes: {{{}}}, links: [{}], scenario: [{}])",
        dice.one(&["Bare", "Standard"]),
        dice.one(&["1ms", "1s", "3650d"]),
        nodes.join(", "),
        links.join(", "),
        scenario.join(", "),
    )
}

#[test]
fn extreme_settings_never_overflow_and_time_goes_on() {
    let mut ran = 0;
    for case in 0..1000 {
        let text = extremes(&mut Dice(case));
        let topology: Topology = match ron_options().from_str(&text) {
            Ok(topology) => topology,
            Err(error) => panic!("case {case}: {error}\n{text}"),
        };
        if check(&topology)
            .iter()
            .any(|problem| problem.severity == Severity::Error)
        {
            continue;
        }
        ran += 1;
        let one_run = || {
            let mut sim = Sim::new(&topology, case, Watch { live: true });
            // Some of the time is long and some systems are fast: not all of it.
            for _ in 0..20 {
                if sim.run_some(topology.duration, 500) {
                    break;
                }
            }
            sim.snapshot();
            sim.take_interval();
            sim.results();
        };
        if std::panic::catch_unwind(one_run).is_err() {
            panic!("case {case}:\n{text}");
        }
    }
    assert!(ran > 50, "{ran} of them can run");
}
