//! What the program says: what it refuses and why, what it prints, and that its pages describe what there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use statescope::model::{Severity, Topology, check, figures, file};

fn statescope(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_statescope"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Standard output of a command that must succeed.
fn done(arguments: &[&str]) -> String {
    let output = statescope(arguments);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Standard error of a command that must end with status 1.
fn refused(arguments: &[&str]) -> String {
    let output = statescope(arguments);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {errors}");
    assert!(!errors.contains("panicked"), "{errors}");
    errors
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn read(text: &str) -> Topology {
    file::read(text, "test.ron").unwrap_or_else(|error| panic!("{error}"))
}

// Figures that a file expects.

/// What is said of an expectation, if anything is wrong with it.
fn expecting(expectation: &str) -> Option<String> {
    let mut topology = read(
        r#"Topology(
    schema: 1,
    sessions: Jwt(),
    nodes: {
        "clients": Clients(mix: (read: 8, write: 2)),
        "lb": LoadBalancer(),
        "api": Service(instances: 3, state: External(store: "db")),
        "db": SqlDatabase(replication: Asynchronous()),
        "files": ObjectStore(),
    },
    links: ["clients -> lb", "lb -> api", "api -> files"],
    scenario: [
        At("10s", Crash("api", 1)), At("20s", Restart("api", 1)), At("30s", AddInstances("api", 1)),
        At("40s", Set("nodes.cache", "RedisLike()")), At("40s", Link("api -> cache")),
    ],
    objectives: (p99: "200ms", lost_writes: 0),
)"#,
    );
    topology.expects = vec![expectation.to_owned()];
    let problems = check(&topology);
    let mut errors = problems
        .into_iter()
        .filter(|problem| problem.severity == Severity::Error);
    let first = errors.next()?;
    assert_eq!(first.path, "expects[0]", "{first}");
    Some(first.message)
}

#[test]
fn figures_that_no_run_can_have_are_refused() {
    for (expectation, said) in [
        ("sessions.losses > 0", "did you mean `lost`"),
        ("nodes.api.p99 < 1", "did you mean `response_time_s.p99`"),
        ("recovery[3].lost_writes == 0", "at most 3, counted from 0"),
        ("recovery.lost_writes == 0", "write recovery[0]"),
        ("recovery[x].lost_writes == 0", "a number in the brackets"),
        ("recovery[0].lost_write == 0", "did you mean `lost_writes`"),
        ("recovery[0] == 0", "add one of: fault, at_s"),
        ("recovery == 0", "write recovery[0] for the first"),
        ("recovery[0].fault == 0", "is a text"),
        ("operations.by_cause.refuse == 0", "did you mean `refused`"),
        (
            "operations.by_cause.crash == 0",
            "expected one of: refused, reset",
        ),
        ("operations.by_cause == 0", "add one of: refused"),
        ("writes.lost_by_cause.crsh == 0", "did you mean `crash`"),
        (
            "sessions.lost_by_cause.timeout == 0",
            "expected one of: crash",
        ),
        (
            "by_kind.logout.p99 < 1",
            "no kind of operation `logout`; expected one of: login, read, write",
        ),
        (
            "by_kind.purchase.p99 < 1",
            "expected one of: login, read, write",
        ),
        ("by_kind.read < 1", "add one of: mean"),
        ("response_time_s.p98 < 1", "did you mean `p99`"),
        ("nodes.apo.utilisation > 0", "did you mean `api`"),
        (
            "nodes.lb.utilisation > 0",
            "expected one of: kind, in_flight",
        ),
        (
            "nodes.files.utilisation > 0",
            "there is no figure `utilisation`",
        ),
        (
            "nodes.clients.throughput_per_s > 0",
            "there is no figure `throughput_per_s`",
        ),
        (
            "nodes.api.instances[4].utilisation > 0",
            "at most 4, counted from 0",
        ),
        ("nodes.api.instances[0].p99 > 0", "there is no figure `p99`"),
        ("links.lb->apo.messages_per_s > 0", "did you mean `lb->api`"),
        ("links.api->lb.messages_per_s > 0", "there is no link"),
        (
            "links.lb->api.messages > 0",
            "did you mean `messages_per_s`",
        ),
        (
            "objectives[2].measured > 0",
            "the topology sets 2, counted from 0",
        ),
        ("objectives[0].measure > 0", "did you mean `measured`"),
        ("rebalances[0].moved > 0", "there is no figure"),
        (
            "cost.per_hour > 0",
            "expected one of: operations, throughput_per_s",
        ),
        (
            "operations.failed / operations.ofered < 1",
            "did you mean `offered`",
        ),
        ("operations[0].failed < 1", "is no list"),
        ("throughput_per_s.mean < 1", "no parts"),
        ("seed == 1", "the same in every run"),
        ("simulation.events > 1", "the same in every run"),
    ] {
        let message = expecting(expectation).unwrap_or_else(|| panic!("{expectation} passes"));
        assert!(message.contains(said), "{expectation}: {message}");
    }
}

#[test]
fn figures_that_a_run_can_have_are_not_refused() {
    for expectation in [
        "sessions.lost > 0",
        "sessions.token_bytes > 0",
        "sessions.lost_by_cause.signing_key == 0",
        "nodes.api.response_time_s.p99 < 1",
        "nodes.api.instances[3].utilisation >= 0",
        "nodes.db.instances[1].writes_held > 0",
        "nodes.cache.in_flight >= 0",
        "nodes.lb.throughput_per_s > 0",
        "links.api->db.bytes_per_s > 0",
        "links.api->cache.bytes_per_s > 0",
        "recovery[2].failed_operations == 0",
        "recovery[0].at_s == 10",
        "operations.by_cause.no_instance == 0",
        "by_kind.login.mean > 0",
        "objectives[1].met == 1",
        "operations.failed / operations.offered < 0.01",
    ] {
        assert_eq!(expecting(expectation), None, "{expectation}");
    }
}

#[test]
fn a_file_that_expects_figures_there_are_not_is_refused_without_a_run() {
    let error = refused(&["check", "tests/cases/check-accepts-unknown-figures.ron"]);
    for said in [
        "expects[0]: sessions: there is no figure `losses`; did you mean `lost`?",
        "expects[1]: nodes.api: there is no figure `p99`; did you mean `response_time_s.p99`?",
        "expects[2]: there is no recovery[3]: the scenario leads to at most 0",
        "expects[3]: operations.by_cause: there is no cause `refuse`; did you mean `refused`?",
    ] {
        assert!(error.contains(said), "{said}\n{error}");
    }
}

/// The paths of all values of a document of results; a figure's mean and interval are one value.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(parts) if parts.contains_key("ci95") => {
            found.insert(path.to_owned());
        }
        Value::Object(parts) => {
            for (name, part) in parts {
                let below = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                paths(part, &below, found);
            }
        }
        Value::Array(parts) => {
            for (index, part) in parts.iter().enumerate() {
                paths(part, &format!("{path}[{index}]"), found);
            }
        }
        _ => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn the_list_of_figures_is_what_runs_print() {
    let mut printed = BTreeSet::new();
    let presets = statescope::model::presets::all();
    // A command without effect, and runs that are cut, are told as well.
    let idle = "scenario[0]=At(\"1s\", Restart(\"api\", 1))";
    for arguments in [
        &["run", "sticky-in-memory", "--json", "--set", idle][..],
        &[
            "run",
            "sticky-in-memory",
            "--json",
            "--memory",
            "16MiB",
            "--set",
            "nodes.api.queue=Unlimited",
            "--set",
            "nodes.clients.arrivals=Poisson(\"20000/s\")",
            "--set",
            "nodes.clients.timeout=None",
        ],
    ] {
        let output = statescope(arguments);
        let results = serde_json::from_slice(&output.stdout).unwrap();
        paths(&results, "", &mut printed);
    }
    for preset in presets {
        let text = done(&["run", preset.name, "--json"]);
        let mut here = BTreeSet::new();
        paths(&serde_json::from_str(&text).unwrap(), "", &mut here);
        // What a run prints can also be expected, and the other way round nothing is missing.
        let mut topology = file::load(preset.name).unwrap().topology;
        topology.expects = here
            .iter()
            .filter(|path| figures::find(path).is_some_and(figures::Figure::can_be_expected))
            .map(|path| format!("{path} >= 0"))
            .collect();
        let wrong: Vec<_> = check(&topology)
            .into_iter()
            .filter(|problem| problem.severity == Severity::Error)
            .map(|problem| problem.to_string())
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", preset.name);
        printed.extend(here);
    }
    let unknown: Vec<&String> = printed
        .iter()
        .filter(|path| figures::find(path).is_none())
        .collect();
    assert!(unknown.is_empty(), "not in the list: {unknown:#?}");
    let seen: BTreeSet<&str> = printed
        .iter()
        .filter_map(|path| figures::find(path))
        .map(|figure| figure.path)
        .collect();
    let never: Vec<&str> = figures::all()
        .iter()
        .map(|figure| figure.path)
        .filter(|path| !seen.contains(path))
        .collect();
    assert!(never.is_empty(), "no preset prints: {never:#?}");
    let different: BTreeSet<&str> = figures::all().iter().map(|figure| figure.path).collect();
    assert_eq!(
        different.len(),
        figures::all().len(),
        "one stands there twice"
    );
}

// What files may say.

#[test]
fn in_a_mix_what_is_not_named_is_nothing() {
    let mix = |text: &str| {
        let topology = read(&format!(
            "Topology(schema: 1, nodes: {{\"c\": Clients({text}), \"s\": RedisLike()}}, links: [\"c -> s\"])"
        ));
        let written = file::write(&topology);
        assert_eq!(read(&written), topology, "{written}");
        topology.get_path("nodes.c.mix").unwrap()
    };
    assert_eq!(mix("mix: (read: 1)"), "(read: 1)");
    assert_eq!(mix("mix: (write: 5)"), "(write: 5)");
    assert_eq!(mix("mix: (read: 80)"), "(read: 80)");
    assert_eq!(mix("mix: (read: 80, write: 20)"), "()");
    assert_eq!(mix("mix: (write: 20, logout: 1)"), "(write: 20, logout: 1)");
    assert_eq!(mix("mix: ()"), "()");
    assert_eq!(mix(""), "()");
    // A single weight that is set leaves the others.
    let mut topology = read(
        "Topology(schema: 1, nodes: {\"c\": Clients(), \"s\": RedisLike()}, links: [\"c -> s\"])",
    );
    topology.set_path("nodes.c.mix.write", "0").unwrap();
    assert_eq!(topology.get_path("nodes.c.mix").unwrap(), "(read: 80)");
    assert_eq!(read(&file::write(&topology)), topology);
    // Reads alone need no home for writes.
    let reads = "Topology(schema: 1, nodes: {\"c\": Clients(mix: (read: 1)), \"s\": Service()}, links: [\"c -> s\"])";
    assert_eq!(check(&read(reads)), []);
}

#[test]
fn a_value_of_another_kind_is_answered_with_the_choices_and_an_example() {
    for (field, found, said) in [
        (
            "Clients(arrivals: \"100/s\")",
            "\"100/s\"",
            "expected one of: Poisson, Steady, Closed; such as Poisson(\"100/s\")",
        ),
        (
            "Service(service_time: \"20ms\")",
            "\"20ms\"",
            "expected one of: Constant, Exponential, LogNormal, Uniform; such as Constant(\"20ms\")",
        ),
        (
            "LoadBalancer(policy: \"StickyCookie\")",
            "\"StickyCookie\"",
            "such as StickyCookie",
        ),
        (
            "Service(queue: 5)",
            "5",
            "expected one of: Limit, Unlimited; such as Limit(",
        ),
        ("Service(state: 5)", "5", "one of: Stateless, InMemory"),
        (
            "LoadBalancer(retry_on: Reset)",
            "Reset",
            "a list in square brackets, such as [Reset]",
        ),
    ] {
        let text = format!("Topology(schema: 1,\n    nodes: {{\"x\": {field}}})");
        let error = file::read(&text, "x.ron").unwrap_err().to_string();
        assert!(
            error.starts_with("x.ron:2:") && error.contains(said),
            "{field}: {error}"
        );
        assert!(
            error.contains(&format!("found `{found}`")),
            "{field}: {error}"
        );
    }
    for (event, said) in [
        (
            "At(10, Crash(\"api\", 1))",
            "expected a time in quotes, such as \"250us\", found `10`",
        ),
        (
            "At(\"10s\", Crash(\"api\"))",
            "all that `Crash` holds, such as Crash(\"api\", 2)",
        ),
        (
            "At(\"10s\", Crash(2, \"api\"))",
            "expected a text in quotes, found `2`",
        ),
        (
            "At(\"10s\", Crash(\"api\", \"2\"))",
            "expected a whole number, found `\"2\"`",
        ),
        (
            "At(\"10s\", \"Crash\")",
            "expected one of: Crash, LoseMachine",
        ),
        ("At(\"10s\", Crsh(\"api\", 1))", "did you mean `Crash`"),
        ("Crash(\"api\", 1)", "expected one of: At, Between"),
        (
            "At(\"10s\", Deploy(\"api\", Slowly))",
            "expected one of: Drained, Abrupt",
        ),
    ] {
        let text = format!("Topology(schema: 1,\n    scenario: [{event}])");
        let error = file::read(&text, "x.ron").unwrap_err().to_string();
        assert!(
            error.starts_with("x.ron:2:") && error.contains("scenario[0]") && error.contains(said),
            "{event}: {error}"
        );
    }
    let set = |set: &str| refused(&["run", "stateless-web", "--set", set]);
    assert!(set("nodes.clients.arrivals=100/s").contains("such as Poisson(\"100/s\")"));
    assert!(set("nodes.api.service_time=20ms").contains("such as Constant(\"20ms\")"));
    assert!(set("nodes.lb.policy=\"Random\"").contains("such as Random"));
    assert!(set("nodes.api.workers=many").contains("expected a whole number, found `many`"));
}

#[test]
fn every_path_of_a_file_can_be_set() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(
        folder.path(),
        "a.ron",
        r#"Topology(
    schema: 1, duration: "20s",
    nodes: {"clients": Clients(), "lb": LoadBalancer(), "api": Service(state: External(store: "db")), "db": SqlDatabase()},
    links: ["clients -> lb", Link(path: "lb -> api", latency: "1ms")],
    scenario: [At("5s", Crash("api", 1))],
    canvas: {"api": (1, 2)},
)"#,
    );
    let set = |sets: &[&str]| -> Value {
        let mut arguments = vec!["export", &file, "--to", "json"];
        for set in sets {
            arguments.extend(["--set", set]);
        }
        serde_json::from_str(&done(&arguments)).unwrap()
    };
    let links = &set(&["links[0].latency=2ms", "links.lb->api.latency=3ms"])["links"];
    assert_eq!(links[0]["latency"], "2ms");
    assert_eq!(links[1]["latency"], "3ms");
    // The link to the store is implied by the setting; with a latency of its own it is written.
    let links = &set(&["links.api->db.latency=4ms", "links[2].bandwidth=1MiB/s"])["links"];
    assert_eq!(links[2]["path"], "api -> db");
    assert_eq!(links[2]["latency"], "4ms");
    assert_eq!(links[2]["bandwidth"], "1MiB/s");
    let scenario = &set(&[
        "scenario[0]=At(\"6s\", Hang(\"api\", 2))",
        "scenario[1]=At(\"7s\", Resume(\"api\", 2))",
    ])["scenario"];
    assert_eq!(scenario[0]["At"][0], "6s");
    assert_eq!(scenario[1]["At"][1]["Resume"][1], 2);
    let api = &set(&["nodes.api.instance_overrides.2.speed=0.5"])["nodes"]["api"]["Service"];
    assert_eq!(api["instance_overrides"]["2"]["speed"], 0.5);
    let lb = &set(&[
        "nodes.lb.retry_on=[Reset]",
        "nodes.lb.retry_on[1]=ResponseTimeout",
    ]);
    assert_eq!(
        lb["nodes"]["lb"]["LoadBalancer"]["retry_on"][1],
        "ResponseTimeout"
    );
    assert_eq!(set(&["canvas.api[1]=7"])["canvas"]["api"][1], 7.0);
    assert_eq!(
        set(&["expects[0]=writes.lost == 0"])["expects"][0],
        "writes.lost == 0"
    );
    assert_eq!(set(&["schema=1"])["schema"], 1);

    let refuse = |set: &str| refused(&["export", &file, "--to", "json", "--set", set]);
    assert!(refuse("schema=2").contains("schema: the version of the file format is not a setting"));
    assert!(
        refuse("links[7].latency=2ms").contains("ends with [1]"),
        "{}",
        refuse("links[7].latency=2ms")
    );
    assert!(refuse("links.lb->apo.latency=2ms").contains("did you mean `lb->api`"));
    assert!(
        refuse("scenario[4]=At(\"6s\", Crash(\"api\", 2))")
            .contains("the list ends with [0]; [1] adds")
    );
    assert!(refuse("nodes.api.instance_overrides.2.sped=1").contains("did you mean `speed`"));
    assert!(refuse("nodes.apo.workers=1").contains("did you mean `api`"));
}

// What is printed.

#[test]
fn the_same_file_seed_and_version_print_the_same_bytes() {
    let run = || statescope(&["run", "sticky-in-memory", "--json", "--duration", "30s"]);
    let (one, two) = (run(), run());
    assert!(one.status.success());
    assert_eq!(one.stdout, two.stdout);
    let results: Value = serde_json::from_slice(&one.stdout).unwrap();
    let simulation: Vec<&String> = results["simulation"].as_object().unwrap().keys().collect();
    assert_eq!(simulation, ["events"]);
    // How long it took is told beside the results.
    let said = String::from_utf8(one.stderr).unwrap();
    assert!(
        said.contains("events in") && said.contains("million a second"),
        "{said}"
    );
    // So does the summary.
    let summary = || done(&["run", "sticky-in-memory", "--duration", "30s"]);
    assert_eq!(summary(), summary());
}

#[test]
fn no_character_of_a_file_steers_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = "\\u{1b}[2J\\u{1b}]0;owned\\u{7}\\u{9b}31m\\u{202e}\\r\\u{8}";
    let raw = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{8}";
    let good = write(
        folder.path(),
        "good.ron",
        &format!(
            "Topology(schema: 1, name: \"a {hostile}\", summary: \"{hostile}\", note: \"{hostile}\", duration: \"1s\",
            nodes: {{\"c\": Clients(mix: (read: 1), note: \"{hostile}\"), \"s\": Service()}}, links: [\"c -> s\"])"
        ),
    );
    let bad = [
        format!(
            "Topology(schema: 1, nodes: {{\"c\": Clients(mix:(read:1)), \"s\": Service()}}, links: [\"c -> s\"], expects: [\"{hostile}x.y > 0\"])"
        ),
        format!("Topology(schema: 1, nodes: {{\"{hostile}\": Service()}})"),
        format!(
            "Topology(schema: 1, nodes: {{\"s\": Service(state: External(store: \"{hostile}\"))}})"
        ),
        format!("Topology(schema: 1, links: [\"{hostile} -> s\"])"),
        format!("Topology(schema: 1, links: [\"{hostile}\"])"),
        format!("Topology(schema: 1, duration: \"{hostile}\")"),
        format!("Topology(schema: 1, scenario: [At(\"1s\", Crash(\"{hostile}\", 1))])"),
        format!("Topology(schema: 1, scenario: [At(\"1s\", Set(\"{hostile}\", \"1\"))])"),
        format!("Topology(schema: 1, canvas: {{\"{hostile}\": (0, 0)}})"),
        format!("Topology(schema: 1, {raw}: 1)"),
        format!("Topology(schema: 1, name: {raw})"),
        format!("Topology(schema: 1, name: \"{raw}\" {raw})"),
        raw.to_owned(),
        format!("Topology(schema: 1, sessions: Some{raw}())"),
    ];
    let mut outputs = vec![
        statescope(&["run", &good]),
        statescope(&["run", &good, "--json"]),
        statescope(&["check", "--run", &good]),
        statescope(&["export", &good, "--to", "json"]),
        statescope(&["export", &good, "--to", "svg"]),
    ];
    for (index, text) in bad.iter().enumerate() {
        let file = write(folder.path(), &format!("bad{index}.ron"), text);
        let output = statescope(&["check", &file]);
        assert_eq!(output.status.code(), Some(1), "{text}");
        outputs.push(output);
        let cases = format!(
            "[{{\"id\": \"\\u001b[2J\", \"file\": \"bad{index}.ron\", \"metric\": \"\\u001b]0;x\\u0007\", \"expected\": 1}}]"
        );
        outputs.push(statescope(&[
            "validate",
            &write(folder.path(), "cases.json", &cases),
        ]));
    }
    outputs.push(statescope(&["check", "tests/cases/escape-in-a-name.ron"]));
    outputs.push(statescope(&["run", "tests/cases/escape-in-a-name.ron"]));
    for output in outputs {
        for stream in [output.stdout, output.stderr] {
            let text = String::from_utf8(stream).unwrap();
            let steering =
                |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!text.contains(steering), "{text:?}");
        }
    }
    // A title of several lines is one line.
    let lines = write(
        folder.path(),
        "lines.ron",
        "Topology(schema: 1, name: \"one\\ntwo\", duration: \"1s\", nodes: {\"c\": Clients(mix: (read: 1)), \"s\": Service()}, links: [\"c -> s\"])",
    );
    assert!(done(&["run", &lines]).starts_with("one two\n"));
}

#[test]
fn predictions_that_try_nothing_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::copy(
        root.join("tests/validation/token.ron"),
        folder.path().join("token.ron"),
    )
    .unwrap();
    let cases = |text: &str| refused(&["validate", &write(folder.path(), "cases.json", text)]);
    let case = |tolerance: &str, expected: &str, metric: &str| {
        cases(&format!(
            r#"[{{"id": "bytes", "file": "token.ron", "metric": "{metric}", "expected": {expected}, "tolerance": {tolerance}, "seeds": 1}}]"#
        ))
    };
    assert!(cases("[]").contains("the list is empty"));
    for (tolerance, expected) in [
        ("1e300", "348"),
        ("348", "348"),
        ("-1", "348"),
        ("5", "0"),
        ("400", "-348"),
    ] {
        let error = case(tolerance, expected, "sessions.token_bytes");
        assert!(error.contains("bytes: tolerance:"), "{tolerance}: {error}");
    }
    assert!(case("null", "348", "sessions.token_byte").contains("did you mean `token_bytes`"));
    let long = format!("[{}]", " ".repeat(5 << 20));
    assert!(cases(&long).contains("larger than 4 MiB"));
    assert!(refused(&["validate", "tests"]).contains("folder"));
}

// What is probably not meant.

/// The warnings at a path of a topology with these settings changed.
fn warned(changes: &[(&str, &str)], path: &str) -> Vec<String> {
    let mut topology = read(
        r#"Topology(
    schema: 1,
    nodes: {
        "clients": Clients(),
        "lb": LoadBalancer(),
        "api": Service(state: External(store: "db")),
        "db": SqlDatabase(),
    },
    links: ["clients -> lb", "lb -> api"],
)"#,
    );
    for (path, value) in changes {
        topology
            .set_path(path, value)
            .unwrap_or_else(|error| panic!("{error}"));
    }
    check(&topology)
        .into_iter()
        .inspect(|problem| assert_eq!(problem.severity, Severity::Warning, "{problem}"))
        .filter(|problem| problem.path == path)
        .map(|problem| problem.message)
        .collect()
}

#[test]
fn whoever_gives_up_before_a_connection_can_fail_is_warned() {
    let timeout = "nodes.clients.timeout";
    assert!(warned(&[], timeout).is_empty());
    let both = warned(&[(timeout, "150ms")], timeout);
    assert!(
        both[0].contains("above connect_timeout (200ms)"),
        "{both:?}"
    );
    assert!(
        both[1].contains("connect_timeout of `lb` (200ms)"),
        "{both:?}"
    );
    let own = [
        (timeout, "150ms"),
        ("nodes.clients.connect_timeout", "50ms"),
    ];
    assert_eq!(warned(&own, timeout).len(), 1);
    let none = [
        (timeout, "150ms"),
        ("nodes.clients.connect_timeout", "50ms"),
        ("nodes.lb.retries", "0"),
    ];
    assert!(warned(&none, timeout).is_empty());
    assert!(warned(&[(timeout, "None")], timeout).is_empty());
    let call = "nodes.api.call_timeout";
    assert_eq!(warned(&[(call, "100ms")], call).len(), 1);
    // In the bare profile nobody gives up.
    let bare = read(
        "Topology(schema: 1, profile: Bare, nodes: {\"c\": Clients(arrivals: Poisson(\"10/s\")), \"s\": Service()}, links: [\"c -> s\"])",
    );
    assert_eq!(check(&bare), []);
}

#[test]
fn a_token_that_nobody_takes_is_warned_of() {
    let claims = "sessions.claims";
    let with = |bytes: &str, carried: &str| {
        let jwt = format!("Jwt(claims: \"{bytes}\", carried: {carried})");
        warned(&[("sessions", &jwt)], claims)
    };
    // A header of 36 characters, a signature of 43 and two dots; claims grow by 4 characters in 3 bytes.
    let cookie = |bytes| with(bytes, "Cookie");
    assert!(
        cookie("3006B").is_empty(),
        "36 + 1 + 4008 + 1 + 43 + 7 = 4096"
    );
    assert!(cookie("3007B")[0].contains("cookie above 4096"), "4098");
    assert!(with("3007B", "Cookies").is_empty() && with("3007B", "Bearer").is_empty());
    assert!(with("6065B", "Bearer").is_empty(), "8168 + 22 + 2 = 8192");
    assert!(
        with("6066B", "Bearer")[0].contains("header line above 8192"),
        "8169 + 22 + 2"
    );
    // Where a server is named it is that one that is spoken of.
    let server = "nodes.lb.header_limits";
    let large = ("sessions", "Jwt(claims: \"12KiB\")");
    let said = |limits| warned(&[large, (server, limits)], server);
    assert!(said("Nginx")[0].contains("nginx takes 8192 and answers 400"));
    assert!(said("NodeJs")[0].contains("answers 431"));
    assert!(warned(&[large, (server, "NodeJs")], claims).is_empty());
}

#[test]
fn a_proxy_drawn_as_a_service_is_warned_of() {
    let edge = |name: &str, service: &str, more: &[(&str, &str)]| {
        let node = format!("nodes.{name}");
        let links = format!("[\"clients -> lb\", \"lb -> {name}\", \"{name} -> api\"]");
        let mut changes = vec![(node.as_str(), service), ("links", &links)];
        changes.extend(more);
        warned(&changes, &node)
    };
    let jwt = ("sessions", "Jwt()");
    let proxy = edge("nginx", "Service()", &[jwt]);
    assert!(
        proxy[0].contains("checks sessions, and `api` does not"),
        "{proxy:?}"
    );
    let quick = "Service(service_time: Constant(\"100us\"))";
    assert_eq!(edge("front", quick, &[jwt]).len(), 1);
    let memory = edge(
        "front",
        quick,
        &[
            ("sessions", "InMemory()"),
            ("nodes.lb.policy", "StickyCookie"),
        ],
    );
    assert!(
        memory[0].contains("keeps sessions in its memory"),
        "{memory:?}"
    );
    // A service that does something, one that keeps state, and one without sessions to check, are none.
    assert!(edge("web", "Service()", &[jwt]).is_empty());
    assert!(edge("front", quick, &[]).is_empty());
    assert!(
        edge(
            "nginx",
            "Service(state: LocalDisk())",
            &[jwt, ("nodes.lb.policy", "StickyCookie")]
        )
        .is_empty()
    );
}

// Saving.

#[test]
fn saving_keeps_what_was_written_explicitly() {
    let text = r#"// A remark.
Topology(
    schema: 1,
    name: "explicit",
    duration: "2m",
    warmup: "10s",
    sessions: Jwt(lifetime: "15m", algorithm: ES256),
    nodes: {
        "clients": Clients(arrivals: Poisson("100/s"), mix: (read: 80, write: 0), retries: 2, users: 50),
        "lb": LoadBalancer(health_checks: (fall: 3), retry_on: []),
        "api": Service(
            instances: 3, workers: 9, service_time: LogNormal(mean: "15ms", cv: 1.2),
            state: InMemory(snapshot_every: None, replication: Asynchronous(replicas: 1, lag: "1ms")),
            instance_overrides: {2: (speed: 1)},
        ),
        "db": SqlDatabase(replication: None),
    },
    links: ["clients -> lb", Link(path: "lb -> api", latency: "125us"), "api -> db"],
    scenario: [At("5s", Crash("api", 1)), At("9s", Add("x", RedisLike(command_time: "10us")))],
    objectives: (),
)"#;
    let loaded = statescope::model::Loaded {
        path: None,
        name: "explicit.ron".to_owned(),
        text: text.to_owned(),
        topology: read(text),
    };
    assert_eq!(
        loaded.text_for(&loaded.topology),
        text,
        "unedited: the very bytes"
    );
    let mut edited = loaded.topology.clone();
    edited.set_path("nodes.api.workers", "10").unwrap();
    edited.set_path("nodes.clients.users", "10000").unwrap();
    edited.scenario.insert(0, edited.scenario[0].clone());
    edited.links.0.remove(0);
    edited
        .set_path("links.clients->lb", "\"clients -> lb\"")
        .unwrap();
    // A renamed node keeps its old name as its id.
    let db = edited.nodes.shift_remove("db").unwrap();
    edited.nodes.insert("base".to_owned(), db);
    edited.set_path("nodes.base.id", "\"db\"").unwrap();
    edited.set_path("links.api->db", "\"api -> base\"").unwrap();
    let saved = loaded.text_for(&edited);
    assert_eq!(read(&saved), edited, "{saved}");
    for kept in [
        "duration: \"2m\"",
        "lifetime: \"15m\"",
        "arrivals: Poisson(\"100/s\")",
        "mix: (read: 80, write: 0)",
        "users: 10000",
        "retries: 2",
        "health_checks: (fall: 3)",
        "retry_on: []",
        "instances: 3",
        "workers: 10",
        "LogNormal(mean: \"15ms\", cv: 1.2)",
        "snapshot_every: None",
        "Asynchronous(replicas: 1, lag: \"1ms\")",
        "{2: (speed: 1)}",
        "replication: None",
        "(path: \"lb -> api\", latency: \"125us\")",
        "RedisLike(command_time: \"10us\")",
        "objectives: ()",
    ] {
        assert!(
            saved.replace("r#None", "None").contains(kept),
            "{kept} is gone:\n{saved}"
        );
    }
    // What was not written is not there now.
    for absent in ["seed", "keys", "boot_time", "bandwidth", "rise", "bare"] {
        assert!(!saved.contains(absent), "{absent}:\n{saved}");
    }
    // The same holds after another save.
    let again = statescope::model::Loaded {
        text: saved.clone(),
        topology: edited.clone(),
        ..loaded
    };
    let mut edited = edited.clone();
    edited.set_path("nodes.api.workers", "8").unwrap();
    let saved = again.text_for(&edited);
    assert!(
        saved.contains("workers: 8") && saved.contains("retries: 2"),
        "{saved}"
    );
}

#[test]
fn what_is_saved_like_a_preset_means_what_was_edited() {
    for preset in statescope::model::presets::all() {
        let loaded = file::load(preset.name).unwrap();
        for (path, value) in [
            ("seed", "7"),
            ("duration", "2m"),
            ("warmup", "0s"),
            ("sessions", "None"),
            ("scenario", "[]"),
            ("expects", "[]"),
        ] {
            let mut edited = loaded.topology.clone();
            edited.set_path(path, value).unwrap();
            let saved = loaded.text_for(&edited);
            assert_eq!(read(&saved), edited, "{}, {path}:\n{saved}", preset.name);
        }
    }
}

// Commands that change nothing.

#[test]
fn a_command_without_effect_is_told() {
    use statescope::sim::snapshot::What;
    use statescope::sim::{Sim, Watch};
    let topology = read(
        r#"Topology(
    schema: 1, duration: "60s",
    nodes: {
        "clients": Clients(arrivals: Poisson("20/s")),
        "lb": LoadBalancer(),
        "api": Service(state: External(store: "db"), boot_time: "2s", drain_time: "5s"),
        "db": RedisLike(replication: Asynchronous()),
    },
    links: ["clients -> lb", "lb -> api"],
    scenario: [
        At("1s", Restart("api", 1)),
        At("2s", Crash("api", 2)),
        At("3s", Crash("api", 2)),
        At("4s", Hang("api", 2)),
        At("5s", Resume("api", 1)),
        At("6s", Restart("api", 2)),
        At("7s", Restart("api", 2)),
        At("9s", Set("nodes.api.workers", "8")),
        At("10s", Crash("db", 2)),
        At("11s", Failover("db")),
        At("12s", Deploy("api", Drained)),
        At("13s", Deploy("api", Drained)),
        At("30s", Hang("api", 1)),
        At("31s", Hang("api", 1)),
        At("32s", Resume("api", 1)),
        At("40s", Crash("api", 1)),
        At("41s", LoseMachine("api", 1)),
        At("42s", LoseMachine("api", 1)),
    ],
)"#,
    );
    assert!(
        check(&topology)
            .iter()
            .all(|problem| problem.severity == Severity::Warning)
    );
    let mut sim = Sim::new(&topology, 1, Watch { live: false });
    sim.run_until(topology.duration);
    let told: Vec<(f64, &str)> = sim
        .without_effect()
        .iter()
        .map(|idle| (idle.at.secs(), idle.why.as_str()))
        .collect();
    let expected = [
        (1.0, "it runs already"),
        (3.0, "it is down already"),
        (4.0, "it is down already"),
        (5.0, "it runs already"),
        (7.0, "it is starting"),
        (9.0, "it is so already"),
        (
            11.0,
            "no replica of `db` could take over now: none is up and complete",
        ),
        (13.0, "`api` is being deployed already"),
        (31.0, "it hangs already"),
        (42.0, "its machine is gone already"),
    ];
    assert_eq!(told, expected);
    // The log tells the same, and those commands stand there only so.
    let mut logged = 0;
    for happening in &sim.snapshot().happenings {
        match &happening.what {
            What::NoEffect { command, why } => {
                let idle = &sim.without_effect()[logged];
                assert_eq!(
                    (command, why, happening.at),
                    (&idle.command, &idle.why, idle.at)
                );
                logged += 1;
            }
            What::Command { .. } => {
                assert!(
                    sim.without_effect()
                        .iter()
                        .all(|idle| idle.at != happening.at),
                    "{happening:?}"
                );
            }
            _ => {}
        }
    }
    assert_eq!(logged, expected.len());
}

#[test]
fn what_an_edit_made_impossible_is_told_when_its_time_comes() {
    use statescope::sim::{Sim, Watch};
    let mut topology = file::load("sticky-in-memory").unwrap().topology;
    topology.scenario = vec![statescope::model::Timed::At(
        "20s".parse().unwrap(),
        statescope::model::Command::Crash("api".to_owned(), 4),
    )];
    let mut sim = Sim::new(&topology, 1, Watch { live: true });
    sim.run_until("5s".parse().unwrap());
    sim.apply(&statescope::model::Command::Set(
        "nodes.api.instances".to_owned(),
        "2".to_owned(),
    ))
    .unwrap();
    sim.run_until("40s".parse().unwrap());
    let [idle] = sim.without_effect() else {
        panic!("{:?}", sim.without_effect())
    };
    assert!(
        idle.why.contains("there is no instance 4 of `api`"),
        "{idle:?}"
    );
}

// The summary.

/// The summary of a run of clients with so many operations a second at four sticky instances of one worker and 20 ms.
fn summary(rate: &str, changes: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = write(
        folder.path(),
        "a.ron",
        &format!(
            r#"Topology(
    schema: 1, duration: "60s",
    nodes: {{
        "clients": Clients(arrivals: Poisson("{rate}"), mix: (read: 1), timeout: None, retries: 0, users: 5),
        "lb": LoadBalancer(policy: StickyCookie, retries: 0),
        "api": Service(instances: 4, workers: 1, queue: Unlimited, service_time: Exponential("20ms")),
        "db": SqlDatabase(),
    }},
    links: ["clients -> lb", "lb -> api", "api -> db"],
)"#
        ),
    );
    let mut arguments = vec!["run", &file];
    for change in changes {
        arguments.extend(["--set", change]);
    }
    done(&arguments)
}

fn line<'a>(text: &'a str, label: &str) -> &'a str {
    text.lines()
        .find(|line| line.trim_start().starts_with(label))
        .unwrap_or_else(|| panic!("no line {label}:\n{text}"))
}

#[test]
fn a_summary_says_what_was_in_time_and_how_busy_the_busiest_was() {
    // Five users over four instances: one has two of them, and works twice as much as the mean of the others.
    let text = summary("50/s", &["objectives.p99=30ms"]);
    let operations = line(&text, "Operations");
    assert!(
        operations.contains("completed a second") && operations.contains("in time (goodput)"),
        "{text}"
    );
    assert!(line(&text, "api").contains(" %, busiest "), "{text}");
    assert!(!text.contains("Bottleneck"), "{text}");
    // 3,000 operations have 30 beyond p99 and 3 beyond p99.9.
    let times = text
        .lines()
        .skip_while(|line| !line.starts_with("Response time"))
        .nth(2)
        .unwrap();
    assert_eq!(times.matches('~').count(), 1, "{text}");
    assert!(
        text.contains("~ rough: fewer than 20 samples lie beyond it"),
        "{text}"
    );
    // One instance has no busiest one.
    let one = summary("20/s", &["nodes.api.instances=1", "nodes.lb.policy=Random"]);
    assert!(!one.contains("busiest"), "{one}");
}

#[test]
fn a_summary_names_the_bottleneck_and_what_response_times_leave_out() {
    // Twice what the workers can do: half of what comes waits at the end.
    let text = summary("400/s", &["nodes.lb.policy=Random"]);
    assert!(
        line(&text, "in flight")
            .contains("still in flight at the end: response times leave them out"),
        "{text}"
    );
    assert!(
        line(&text, "Bottleneck").contains("api: 100 % busy"),
        "{text}"
    );
    // A store that is asked too much, behind workers that wait for it: the store is named.
    let store = summary(
        "50/s",
        &[
            "nodes.lb.policy=Random",
            "nodes.db=RedisLike(command_time: \"30ms\")",
            "nodes.api.call_timeout=None",
        ],
    );
    assert!(line(&store, "Bottleneck").contains("db: "), "{store}");
    let failing = summary("50/s", &["nodes.api.error_share=50%"]);
    let api = line(&failing, "api");
    let failed: f64 = api
        .split("  ")
        .map(|cell| cell.trim().replace(',', ""))
        .filter_map(|cell| cell.parse::<f64>().ok())
        .fold(0.0, f64::max);
    assert!(
        (1350.0..1650.0).contains(&failed),
        "half of 3,000 fail: {failing}"
    );
    // Nothing is left out where what is in flight at the end is what is under way at any time.
    let calm = summary("50/s", &["nodes.lb.policy=Random"]);
    assert!(!calm.contains("leave them out"), "{calm}");
}

#[test]
fn a_summary_tells_commands_without_effect() {
    let text = summary(
        "50/s",
        &["scenario=[At(\"5s\", Restart(\"api\", 2)), At(\"9s\", Resume(\"api\", 1))]"],
    );
    let told: Vec<&str> = text
        .lines()
        .skip_while(|line| *line != "Without effect")
        .skip(1)
        .take(4)
        .map(str::trim)
        .collect();
    assert_eq!(
        told,
        [
            "5 s  Restart(\"api\", 2)",
            "it runs already",
            "9 s  Resume(\"api\", 1)",
            "it runs already"
        ],
        "{text}"
    );
}

#[test]
fn verdicts_on_objectives_can_be_expected() {
    let folder = tempfile::tempdir().unwrap();
    let check = |expects: &str| {
        let text = format!(
            r#"Topology(schema: 1, duration: "5s", nodes: {{"clients": Clients(mix: (read: 1)), "api": Service()}}, links: ["clients -> api"],
            objectives: (p99: "1ms", availability: "50%"), expects: [{expects}])"#
        );
        statescope(&["check", "--run", &write(folder.path(), "a.ron", &text)])
    };
    // Log-normal times of mean 15 ms have a p99 far above 1 ms; nothing fails.
    let kept = check(
        r#""objectives[0].met == 0", "objectives[0].measured > 0.015", "objectives[0].target == 0.001", "objectives[1].met == 1""#,
    );
    assert!(
        kept.status.success(),
        "{}",
        String::from_utf8_lossy(&kept.stderr)
    );
    let broken = check(r#""objectives[1].met == 0""#);
    let said = String::from_utf8(broken.stderr).unwrap();
    assert!(
        said.contains("expected objectives[1].met == 0, but objectives[1].met is 1"),
        "{said}"
    );
}
