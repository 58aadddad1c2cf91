//! The program as a user runs it: every command, every exit status, what errors say, and what results must always hold.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn statescope(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_statescope"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Standard output of a command that must succeed, with nothing on standard error.
fn done(arguments: &[&str]) -> String {
    let output = statescope(arguments);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
    assert!(
        !errors.contains("simulating") && !errors.contains("panicked"),
        "no progress where nobody sits: {errors}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Standard error of a command that must end with this status and print nothing.
fn refused(status: i32, arguments: &[&str]) -> String {
    let output = statescope(arguments);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments:?}: {errors}"
    );
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert!(!errors.contains("panicked"), "{errors}");
    errors
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&done(arguments)).unwrap()
}

/// The mean of the figure at a path such as `writes.lost`.
fn mean(results: &Value, path: &str) -> f64 {
    let pointer = format!("/{}/mean", path.replace('.', "/"));
    results
        .pointer(&pointer)
        .and_then(Value::as_f64)
        .unwrap_or_else(|| panic!("{path} is no figure"))
}

fn presets() -> Vec<String> {
    done(&["presets"])
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn presets_are_listed_with_what_they_show() {
    let text = done(&["presets"]);
    for name in [
        "stateless-web",
        "sticky-in-memory",
        "external-redis",
        "local-disk",
        "local-database",
        "object-storage",
        "cache-aside",
        "write-back-crash",
        "jwt-sessions",
        "server-side-sessions",
        "replicated-in-memory",
        "rolling-deployment",
    ] {
        assert!(text.contains(&format!("  {name}  ")), "{name}:\n{text}");
    }
    assert!(presets().len() >= 10);
}

#[test]
fn a_run_prints_a_summary() {
    for replications in ["1", "3"] {
        summary(&done(&[
            "run",
            "sticky-in-memory",
            "--replications",
            replications,
        ]));
    }
}

fn summary(text: &str) {
    for word in [
        "Operations",
        "Response time",
        "Writes",
        "Sessions",
        "Faults",
        "Nodes",
        "Objectives",
        "api",
    ] {
        assert!(text.contains(word), "{word}:\n{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 120),
        "{text}"
    );
}

#[test]
fn results_have_their_shape_and_order() {
    let text = done(&[
        "run",
        "sticky-in-memory",
        "--json",
        "--duration",
        "80s",
        "--warmup",
        "5s",
        "--seed",
        "7",
    ]);
    let results: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(results["schema"], 1);
    assert_eq!(results["seed"], 7);
    assert_eq!(results["replications"], 1);
    assert_eq!(results["warmup_s"], 5);
    assert_eq!(results["duration_s"], 80);
    assert_eq!(results["operations"]["offered"]["ci95"], Value::Null);
    // Keys of the first level, in the text's own order.
    let keys: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  \"")?.split_once('"'))
        .map(|(key, _)| key)
        .collect();
    let order = [
        "schema",
        "name",
        "seed",
        "replications",
        "warmup_s",
        "duration_s",
        "operations",
        "throughput_per_s",
        "goodput_per_s",
        "error_rate",
        "response_time_s",
        "failed_response_time_s",
        "by_kind",
        "writes",
        "sessions",
        "reads",
        "recovery",
        "nodes",
        "links",
        "rebalances",
        "objectives",
        "cost",
        "simulation",
    ];
    let places: Vec<usize> = keys
        .iter()
        .map(|key| {
            order
                .iter()
                .position(|known| known == key)
                .unwrap_or_else(|| panic!("{key} is not in the contract"))
        })
        .collect();
    assert!(places.is_sorted(), "{keys:?}");
    for key in [
        "operations",
        "response_time_s",
        "writes",
        "sessions",
        "reads",
        "recovery",
        "nodes",
        "links",
        "objectives",
        "simulation",
    ] {
        assert!(keys.contains(&key), "{key} is missing: {keys:?}");
    }
    for percentile in ["mean", "p50", "p90", "p95", "p99", "p999", "max"] {
        assert!(mean(&results, &format!("response_time_s.{percentile}")) > 0.0);
    }
}

#[test]
fn the_same_command_gives_the_same_bytes_on_any_number_of_threads() {
    let command = |threads| {
        done(&[
            "run",
            "sticky-in-memory",
            "--json",
            "--duration",
            "70s",
            "--replications",
            "3",
            "--threads",
            threads,
        ])
    };
    let once = command("1");
    assert_eq!(once, command("1"));
    assert_eq!(once, command("2"));
    assert_eq!(once, command("3"));
    let other = done(&[
        "run",
        "sticky-in-memory",
        "--json",
        "--duration",
        "70s",
        "--replications",
        "3",
        "--seed",
        "2",
    ]);
    assert_ne!(once, other, "another seed gives other results");
}

#[test]
fn replications_give_means_and_intervals() {
    let run = |seed: &str, replications: &str| {
        json(&[
            "run",
            "sticky-in-memory",
            "--json",
            "--duration",
            "70s",
            "--seed",
            seed,
            "--replications",
            replications,
        ])
    };
    let (one, two, both) = (run("4", "1"), run("5", "1"), run("4", "2"));
    for path in [
        "operations.offered",
        "writes.acknowledged",
        "sessions.live",
        "response_time_s.mean",
    ] {
        let expected = (mean(&one, path) + mean(&two, path)) / 2.0;
        assert!(
            (mean(&both, path) - expected).abs() < 1e-9 * expected,
            "{path}"
        );
    }
    assert!(both["operations"]["offered"]["ci95"].as_f64().unwrap() > 0.0);
    assert_eq!(both["replications"], 2);
}

#[test]
fn state_in_memory_is_lost_and_external_state_is_not() {
    let lossy = json(&[
        "run",
        "presets/sticky-in-memory.ron",
        "--json",
        "--seed",
        "1",
    ]);
    assert!(mean(&lossy, "sessions.lost") > 0.0);
    assert!(mean(&lossy, "writes.lost") > 0.0);
    let safe = json(&[
        "run",
        "presets/sticky-in-memory.ron",
        "--json",
        "--seed",
        "1",
        "--set",
        "nodes.store=RedisLike()",
        "--set",
        "nodes.api.state=External(store: \"store\")",
        "--set",
        "sessions=ServerSide(store: \"store\")",
    ]);
    assert_eq!(mean(&safe, "sessions.lost"), 0.0);
    assert_eq!(mean(&safe, "writes.lost"), 0.0);
    assert!(mean(&safe, "writes.acknowledged") > 0.0);
}

#[test]
fn a_stateless_service_loses_nothing_and_no_request_fails_once_the_crash_is_found() {
    let results = json(&["run", "stateless-web", "--json"]);
    assert_eq!(mean(&results, "writes.lost"), 0.0);
    assert_eq!(mean(&results, "sessions.lost"), 0.0);
    let faults = results["recovery"].as_array().unwrap();
    assert!(!faults.is_empty());
    for fault in faults {
        assert_eq!(mean(fault, "failed_sent_after_detection"), 0.0, "{fault}");
    }
}

#[test]
fn the_books_balance_in_every_preset() {
    for preset in presets() {
        let results = json(&["run", &preset, "--json"]);
        let m = |path: &str| mean(&results, path);
        let optional = |path: &str| {
            results
                .pointer(&format!("/{}/mean", path.replace('.', "/")))
                .and_then(Value::as_f64)
                .unwrap_or(0.0)
        };
        assert!(m("operations.offered") > 0.0, "{preset}");
        assert_eq!(
            m("operations.offered"),
            m("operations.completed") + m("operations.failed") + m("operations.in_flight"),
            "{preset}: operations"
        );
        let causes: f64 = results["operations"]["by_cause"]
            .as_object()
            .unwrap()
            .values()
            .map(|cause| cause["mean"].as_f64().unwrap())
            .sum();
        assert_eq!(
            m("operations.failed"),
            causes,
            "{preset}: each failure has one cause"
        );
        assert_eq!(
            m("writes.acknowledged"),
            m("writes.held") + m("writes.lost"),
            "{preset}: writes"
        );
        assert_eq!(
            optional("sessions.initial") + optional("sessions.created"),
            optional("sessions.live")
                + optional("sessions.expired")
                + optional("sessions.logged_out")
                + optional("sessions.revoked")
                + optional("sessions.lost"),
            "{preset}: sessions"
        );
    }
}

#[test]
fn settings_are_changed_by_path() {
    let results = json(&[
        "run",
        "stateless-web",
        "--json",
        "--duration",
        "40s",
        "--set",
        "nodes.api.instances=5",
        "--set",
        "name=\"other\"",
    ]);
    assert_eq!(results["name"], "other");
    assert_eq!(
        results["nodes"]["api"]["instances"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    let error = refused(
        1,
        &["run", "stateless-web", "--set", "nodes.api.instanses=5"],
    );
    assert!(
        error.contains("nodes.api.instanses=5") && error.contains("did you mean `instances`"),
        "{error}"
    );
    let error = refused(
        1,
        &["run", "stateless-web", "--set", "nodes.apo.instances=5"],
    );
    assert!(error.contains("did you mean `api`"), "{error}");
    let error = refused(
        1,
        &["run", "stateless-web", "--set", "nodes.api.instances=0"],
    );
    assert!(error.contains("out of range"), "{error}");
    let error = refused(
        1,
        &["run", "stateless-web", "--set", "nodes.api.state=InMemry()"],
    );
    assert!(error.contains("did you mean `InMemory`"), "{error}");
    let error = refused(2, &["run", "stateless-web", "--set", "nodes.api.instances"]);
    assert!(error.contains("equals sign"), "{error}");
}

#[test]
fn wrong_command_lines_end_with_status_2() {
    for arguments in [
        &["run"][..],
        &["run", "stateless-web", "--duration", "10 parsecs"],
        &["run", "stateless-web", "--replications", "0"],
        &["run", "stateless-web", "--threads", "0"],
        &["run", "stateless-web", "--seed", "one"],
        &["run", "stateless-web", "--jsn"],
        &["check"],
        &["validate"],
        &["export", "stateless-web"],
        &["export", "stateless-web", "--to", "docx"],
        &["stateless-web", "and", "more"],
    ] {
        let error = refused(2, arguments);
        assert!(!error.is_empty(), "{arguments:?}");
    }
    let error = refused(2, &["run", "stateless-web", "--duration", "10 parsecs"]);
    assert!(
        error.contains("--duration") && error.contains("parsecs"),
        "{error}"
    );
}

#[test]
fn wrong_input_ends_with_status_1_and_says_where() {
    let error = refused(1, &["run", "stateles-web"]);
    assert!(error.contains("did you mean `stateless-web`"), "{error}");
    let error = refused(1, &["run", "nowhere/file.ron"]);
    assert!(
        error.contains("nowhere/file.ron") && error.contains("no such file"),
        "{error}"
    );
    refused(1, &["run", "src"]);
    let folder = tempfile::tempdir().unwrap();
    let file = write(
        folder.path(),
        "wrong.ron",
        "Topology(\n    schema: 1,\n    nodes: {\"api\": Service(instances: 3, wrkers: 2)},\n)",
    );
    let error = refused(1, &["run", &file]);
    assert!(
        error.contains("wrong.ron:3:") && error.contains("did you mean `workers`"),
        "{error}"
    );
    refused(1, &["check", &file]);
    refused(1, &["export", &file, "--to", "json"]);
    let warm = refused(
        1,
        &[
            "run",
            "stateless-web",
            "--duration",
            "10s",
            "--warmup",
            "20s",
        ],
    );
    assert!(warm.contains("warm"), "{warm}");
}

#[test]
fn a_preset_is_found_by_its_files_name_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_statescope"))
        .args(["export", "presets/stateless-web.ron", "--to", "json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn check_names_every_wrong_file() {
    let text = done(&["check", "stateless-web", "presets/local-disk.ron"]);
    assert!(
        text.contains("stateless-web: valid") && text.contains("presets/local-disk.ron: valid"),
        "{text}"
    );
    let folder = tempfile::tempdir().unwrap();
    let homeless = write(
        folder.path(),
        "homeless.ron",
        "Topology(schema: 1, nodes: {\"clients\": Clients(), \"api\": Service()}, links: [\"clients -> api\"])",
    );
    let output = statescope(&["check", "stateless-web", &homeless, "nowhere.ron"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        errors.contains("homeless.ron") && errors.contains("nowhere.ron"),
        "{errors}"
    );
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("stateless-web: valid")
    );
}

#[test]
fn check_tries_what_a_file_expects() {
    let folder = tempfile::tempdir().unwrap();
    let file = |expects: &str| {
        let text = format!(
            "Topology(schema: 1, duration: \"5s\", nodes: {{\"clients\": Clients(mix: (read: 1, write: 0)), \"api\": Service()}},
            links: [\"clients -> api\"], expects: [\"{expects}\"])"
        );
        write(folder.path(), "expects.ron", &text)
    };
    let kept = done(&["check", "--run", &file("operations.completed > 0")]);
    assert!(kept.contains("20 seeds"), "{kept}");
    let broken = refused(1, &["check", "--run", &file("operations.completed == 0")]);
    assert!(
        broken.contains("seed 1") && broken.contains("operations.completed is"),
        "{broken}"
    );
    let unknown = refused(1, &["check", "--run", &file("operations.complted > 0")]);
    assert!(unknown.contains("did you mean `completed`"), "{unknown}");
}

#[test]
fn predictions_hold_or_fail() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validation/token.ron"),
        folder.path().join("token.ron"),
    )
    .unwrap();
    let cases = |set: &str, expected: &str| {
        let text = format!(
            r#"[{{"id": "bytes", "file": "token.ron", "set": {set}, "metric": "sessions.token_bytes", "expected": {expected},
                "tolerance": null, "seeds": 2, "kind": "exact", "source": "RFC 7515"}}]"#
        );
        write(folder.path(), "cases.json", &text)
    };
    let file = cases(
        r#"{"sessions.claims": "200B", "nodes.api.instances": 2, "nodes.clients.signed_in": true}"#,
        "348",
    );
    let table = done(&["validate", &file]);
    assert!(
        table.contains("bytes") && table.contains("348") && table.contains("holds"),
        "{table}"
    );
    let file = cases("{}", "350");
    let output = statescope(&["validate", &file]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("FAILS"));
    let error = refused(1, &["validate", &cases(r#"{"sessions.clams": 3}"#, "348")]);
    assert!(error.contains("did you mean `claims`"), "{error}");
    let error = refused(1, &["validate", &cases("{}", "\"much\"")]);
    assert!(error.contains("expected"), "{error}");
    refused(1, &["validate", "nowhere.json"]);
}

#[test]
fn topologies_are_exported() {
    let topology = json(&["export", "sticky-in-memory", "--to", "json"]);
    assert_eq!(
        topology["nodes"]["lb"]["LoadBalancer"]["policy"],
        "StickyCookie"
    );
    let changed = json(&[
        "export",
        "sticky-in-memory",
        "--to",
        "json",
        "--set",
        "nodes.lb.policy=Random",
    ]);
    assert_eq!(changed["nodes"]["lb"]["LoadBalancer"]["policy"], "Random");

    let svg = done(&["export", "sticky-in-memory", "--to", "svg"]);
    assert!(
        svg.starts_with("<svg ") && svg.contains(">api</text>"),
        "{svg}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drawing.svg");
    let said = done(&[
        "export",
        "sticky-in-memory",
        "--to",
        "svg",
        "-o",
        path.to_str().unwrap(),
    ]);
    assert_eq!(said, "");
    assert_eq!(fs::read_to_string(&path).unwrap(), svg);
    let error = refused(
        1,
        &[
            "export",
            "sticky-in-memory",
            "--to",
            "svg",
            "-o",
            "nowhere/drawing.svg",
        ],
    );
    assert!(error.contains("nowhere/drawing.svg"), "{error}");
}

#[test]
#[cfg(feature = "gui")]
fn a_picture_is_drawn_without_a_display() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.png");
    done(&[
        "export",
        "sticky-in-memory",
        "--to",
        "png",
        "-o",
        path.to_str().unwrap(),
    ]);
    assert!(fs::read(&path).unwrap().starts_with(b"\x89PNG"));
}

#[test]
#[cfg(not(feature = "gui"))]
fn without_the_window_it_says_so() {
    for arguments in [
        &[][..],
        &["stateless-web"],
        &[
            "export",
            "stateless-web",
            "--to",
            "png",
            "-o",
            "nowhere/a.png",
        ],
    ] {
        assert!(refused(2, arguments).contains("no window"), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_statescope"))
        .args(["run", "stateless-web", "--json", "--duration", "20s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
}
