//! A damaged file is a valid topology or a clear error, never a panic or a hang; and errors say what is wrong, where.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use statescope::model::{FileError, Topology, check, file, presets};

/// Reads and checks the text, and looks whether what comes of it is sound.
fn try_out(text: &str) -> Result<Topology, FileError> {
    let result = file::read(text, "damaged.ron");
    match &result {
        Ok(topology) => {
            for problem in check(topology) {
                assert!(!problem.message.trim().is_empty(), "{problem:?}\n{text}");
            }
            let written = file::write(topology);
            assert_eq!(
                file::read(&written, "written.ron")
                    .unwrap_or_else(|error| panic!("{error}\n{text}")),
                *topology
            );
        }
        Err(error) => {
            let shown = error.to_string();
            assert!(error.message.trim().len() > 5, "{shown}\n{text}");
            assert!(shown.len() < 2000, "{shown}");
            if text.len() <= file::MAX_BYTES {
                let lines: Vec<&str> = text.split('\n').collect();
                let line = lines.get(error.line as usize - 1);
                let columns = line.map_or(0, |line| line.chars().count() + 1);
                assert!(
                    (1..=columns).contains(&(error.column as usize)),
                    "line {} column {} is outside the file: {shown}\n{text}",
                    error.line,
                    error.column
                );
            }
        }
    }
    file::comments_lost(text);
    result
}

#[test]
fn presets_with_one_byte_changed_are_topologies_or_clear_errors() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(4);
    let (mut read, mut refused) = (0, 0);
    for round in 0..1000 {
        for preset in presets::all() {
            let mut bytes = preset.text.as_bytes().to_vec();
            let at = random.random_range(0..bytes.len());
            match round % 4 {
                0 => bytes[at] ^= 1 << random.random_range(0..8),
                1 => bytes[at] = random.random(),
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, bytes[at]),
            }
            match String::from_utf8(bytes) {
                Ok(text) => match try_out(&text) {
                    Ok(_) => read += 1,
                    Err(_) => refused += 1,
                },
                Err(_) => refused += 1, // what is no text is refused before it is parsed; see below
            }
        }
    }
    assert_eq!(read + refused, 1000 * presets::all().len());
    // Most of a file is prose and comments, where a changed letter does no harm.
    assert!(
        read > 1000 && refused > 1000,
        "{read} read, {refused} refused"
    );
}

#[test]
fn presets_cut_short_are_clear_errors() {
    for preset in presets::all() {
        let end = preset.text.trim_end().len();
        for cut in (0..end)
            .step_by(7)
            .filter(|&cut| preset.text.is_char_boundary(cut))
        {
            let error = try_out(&preset.text[..cut]).unwrap_err();
            assert!(error.line >= 1, "{error}");
        }
    }
}

#[test]
fn presets_with_pieces_swapped_are_topologies_or_clear_errors() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    for _ in 0..2000 {
        let preset = presets::all()[random.random_range(0..presets::all().len())];
        let mut pieces: Vec<&str> = preset.text.split_inclusive([' ', ',', '(', ')']).collect();
        let (a, b) = (
            random.random_range(0..pieces.len()),
            random.random_range(0..pieces.len()),
        );
        pieces.swap(a, b);
        let _ = try_out(&pieces.concat());
    }
}

#[test]
fn garbage_is_a_clear_error() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(6);
    let alphabet: Vec<char> = "Topology(schema: 1, nodes{}[]\"'\\/*#rb.,:;-+e019é\u{1F600}\t\n)"
        .chars()
        .collect();
    for _ in 0..3000 {
        let length = random.random_range(0..200);
        let text: String = (0..length)
            .map(|_| alphabet[random.random_range(0..alphabet.len())])
            .collect();
        try_out(&text).unwrap_err();
        let mut bytes = vec![0; length];
        random.fill_bytes(&mut bytes);
        let _ = try_out(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn any_value_at_any_place_is_taken_or_refused() {
    const PATHS: &[&str] = &[
        "duration",
        "seed",
        "name",
        "sessions",
        "sessions.size",
        "nodes",
        "nodes.api",
        "nodes.new",
        "nodes.api.state",
        "nodes.api.service_time",
        "nodes.api.service_time.mean",
        "nodes.api.instances",
        "nodes.api.instance_overrides",
        "nodes.api.instance_overrides.2.speed",
        "nodes.clients.arrivals",
        "nodes.clients.mix",
        "nodes.clients.mix.read",
        "nodes.clients.popularity",
        "nodes.clients.timeout",
        "nodes.lb.health_checks",
        "nodes.lb.retry_on",
        "links",
        "links[0]",
        "links[0].latency",
        "links.lb->api.bandwidth",
        "links.a->b",
        "scenario",
        "scenario[0]",
        "expects",
        "expects[0]",
        "canvas",
        "canvas.api",
        "objectives",
        "objectives.p99",
        "",
        ".",
        "..",
        "nodes..",
        "a[",
        "links[",
        "links[-1]",
        "links[99999999999999999999]",
        "scenario[0][1]",
        "nodes.api.state.snapshot_every",
    ];
    const PIECES: &[&str] = &[
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"",
        "\\",
        " ",
        "0",
        "1e999",
        "-1",
        "NaN",
        "inf",
        "1e308",
        "18446744073709551616",
        "\"1s\"",
        "5ms",
        "1B/s",
        "unlimited",
        "None",
        "Some(",
        "InMemory(",
        "Poisson(",
        "Closed(",
        "Constant(",
        "users",
        "true",
        "At(",
        "Crash(",
        "api",
        "a -> b",
        "Service()",
        "Clients()",
        "/*",
        "//",
        "#",
        "é",
        "\u{0}",
        "\u{1b}",
        "9999999999999999999999999d",
    ];
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let start = file::load("sticky-in-memory").unwrap().topology;
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..8000 {
        let mut topology = start.clone();
        let path = PATHS[random.random_range(0..PATHS.len())];
        let pieces = random.random_range(0..6);
        let value: String = (0..pieces)
            .map(|_| PIECES[random.random_range(0..PIECES.len())])
            .collect();
        match topology.set_path(path, &value) {
            Ok(()) => {
                taken += 1;
                for problem in check(&topology) {
                    assert!(!problem.message.trim().is_empty(), "{path}={value}");
                }
                let written = file::write(&topology);
                let again = file::read(&written, "written.ron");
                // A name that no file may have is told by the check; what is no number equals nothing.
                assert!(
                    again.is_err() || again == Ok(topology),
                    "{path}={value}\n{written}"
                );
            }
            Err(error) => {
                refused += 1;
                let shown = error.to_string();
                assert!(
                    shown.trim().len() > 5 && shown.len() < 2000,
                    "{path}={value}: {shown}"
                );
                assert_eq!(
                    topology, start,
                    "a value that was refused changes nothing: {path}={value}"
                );
            }
        }
    }
    assert!(
        taken > 100 && refused > 1000,
        "{taken} taken, {refused} refused"
    );
}

#[test]
fn hostile_texts_are_refused_quickly() {
    let long = "x".repeat(1_000_000);
    let many = |one: &str, n: usize| one.repeat(n);
    for text in [
        String::new(),
        many("(", 1_000_000),
        many("[", 1_000_000),
        many("{", 1_000_000),
        format!("Topology(schema: 1, note: {}", many("Some(", 500_000)),
        format!("Topology(schema: 1, scenario: {}", many("[", 500_000)),
        format!("Topology(schema: 1, nodes: {}", many("{\"a\":", 500_000)),
        many("/*", 1_000_000),
        many("\"", 1_000_001),
        many("\\", 1_000_000),
        format!("Topology(schema: 1, {long}: 1)"),
        format!("Topology(schema: 1, name: {long})"),
        format!("Topology(schema: 1, nodes: {{\"{long}\": Clients()}})"),
        format!("Topology(schema: 1, nodes: {{\"a\": {long}()}})"),
        format!(
            "Topology(schema: 1, duration: \"{}s\")",
            many("9", 1_000_000)
        ),
        format!("Topology(schema: 1, seed: {})", many("9", 1_000_000)),
        format!("Topology(schema: {}, seed: 1)", many("1", 1_000_000)),
        "Topology(schema: 1, seed: -1)".to_owned(),
        "Topology(schema: 1, seed: 1e9)".to_owned(),
        "Topology(schema: 1, nodes: {\"c\": Clients(users: 4294967296)})".to_owned(),
        "Topology(schema: 1, nodes: {\"c\": Clients(mix: (read: NaN))})".to_owned(),
        "Topology(schema: 1, nodes: {\"c\": Clients(mix: (read: inf))})".to_owned(),
        "Topology(schema: 1, nodes: {\"c\": Clients(mix: (read: -1))})".to_owned(),
        "x".repeat(file::MAX_BYTES + 1),
    ] {
        let start: String = text.chars().take(60).collect();
        let error = try_out(&text).expect_err(&start);
        assert!(!error.message.is_empty(), "{start}");
    }
    // These are long, but topologies.
    let nodes: String = (0..20_000)
        .map(|n| format!("\"n{n}\": Service(),"))
        .collect();
    let crowded = try_out(&format!(
        "Topology(schema: 1, name: \"{long}\", nodes: {{{nodes}}})"
    ))
    .unwrap();
    assert!(check(&crowded)[0].message.contains("at most 500"));
}

/// A file, and what its error must say: line, column, path, and parts of the text.
type Case = (
    &'static str,
    u32,
    u32,
    &'static str,
    &'static [&'static str],
);

#[test]
fn errors_say_what_is_wrong_and_where() {
    let cases: &[Case] = &[
        (
            "Topology(\n    name: \"x\",\n)",
            1,
            1,
            "schema",
            &["write `schema: 1,`"],
        ),
        (
            "Topology(schema: 2)",
            1,
            18,
            "schema",
            &["schema 2", "newer statescope"],
        ),
        ("Topology(schema: 0)", 1, 18, "schema", &["no schema 0"]),
        (
            "Topology(schema: 2, whatever: New[style])",
            1,
            18,
            "schema",
            &["newer statescope"],
        ),
        (
            "Topology(schema: one)",
            1,
            18,
            "schema",
            &["expected a whole number, found `one`"],
        ),
        (
            "Topolgy(schema: 1)",
            1,
            1,
            "",
            &["expected `Topology`, found `Topolgy`"],
        ),
        ("", 1, 1, "", &["the file ends here"]),
        (
            "Topology(schema: 1",
            1,
            19,
            "",
            &["the `(` of line 1 is still open"],
        ),
        (
            "Topology(schema: 1,\n  nodes: {\n    \"a\": Service(),\n",
            4,
            1,
            "nodes",
            &["the `{` of line 2 is still open"],
        ),
        (
            "Topology(schema: 1) x",
            1,
            21,
            "",
            &["`x` stands after the end"],
        ),
        (
            "Topology(schema: 1 name: \"x\")",
            1,
            20,
            "",
            &["a comma is missing before `name`"],
        ),
        (
            "Topology(schema 1)",
            1,
            17,
            "",
            &["a colon is missing", "`1`"],
        ),
        (
            "Topology(schema: 1, nods: {})",
            1,
            21,
            "",
            &["no field `nods`", "did you mean `nodes`"],
        ),
        (
            "Topology(schema: 1, schema: 1)",
            1,
            21,
            "",
            &["`schema` stands here twice"],
        ),
        (
            "Topology(schema: 1, name: x)",
            1,
            27,
            "name",
            &["expected a text in quotes, found `x`"],
        ),
        (
            "Topology(schema: 1, duration: \"5 minutes\")",
            1,
            31,
            "duration",
            &["\"minutes\" is not a unit of a time", "250us"],
        ),
        (
            "Topology(schema: 1, duration: 120)",
            1,
            31,
            "duration",
            &["expected a time in quotes, such as \"250us\", from 1ms to 3650d, found `120`"],
        ),
        (
            "Topology(schema: 1, duration: \"0s\")",
            1,
            31,
            "duration",
            &["out of range", "from 1ms to 3650d"],
        ),
        (
            "Topology(schema: 1, profile: Bar)",
            1,
            30,
            "profile",
            &["no choice `Bar`", "did you mean `Bare`"],
        ),
        (
            "Topology(schema: 1, sessions: InMemroy())",
            1,
            31,
            "sessions",
            &["no choice `InMemroy`", "did you mean `InMemory`"],
        ),
        (
            "Topology(schema: 1, sessions: InMemory)",
            1,
            39,
            "sessions",
            &["write `InMemory()`"],
        ),
        (
            "Topology(schema: 1, sessions: None())",
            1,
            35,
            "",
            &["`None` takes nothing in brackets"],
        ),
        (
            "Topology(schema: 1, nodes: {\n    \"api\": Service(instances: 0),\n})",
            2,
            31,
            "nodes.api.instances",
            &["0 is out of range: from 1 to 10000", "^"],
        ),
        (
            "Topology(schema: 1, nodes: {\n    \"api\": Service(instances: \"four\"),\n})",
            2,
            31,
            "nodes.api.instances",
            &["expected a whole number from 1 to 10000, found `\"four\"`"],
        ),
        (
            "Topology(schema: 1, nodes: {\n    \"api\": Service(instanses: 4),\n})",
            2,
            20,
            "nodes.api",
            &["no field `instanses`", "did you mean `instances`"],
        ),
        (
            "Topology(schema: 1, nodes: {\"api\": Servce()})",
            1,
            36,
            "nodes.api",
            &["did you mean `Service`"],
        ),
        (
            "Topology(schema: 1, nodes: {\"api\": Service(service_time: LogNormal(mean: \"15 mss\"))})",
            1,
            74,
            "nodes.api.service_time.mean",
            &["\"mss\" is not a unit of a time"],
        ),
        (
            "Topology(schema: 1, nodes: {\"api\": Service(service_time: LogNormal(mean: \"15ms\", cv: 99))})",
            1,
            86,
            "nodes.api.service_time.cv",
            &["99 is out of range: from 0 to 20"],
        ),
        (
            "Topology(schema: 1, nodes: {\"api\": Service(service_time: Constant(15))})",
            1,
            67,
            "nodes.api.service_time",
            &["expected a time in quotes", "found `15`"],
        ),
        (
            "Topology(schema: 1, nodes: {\"c\": Clients(arrivals: Poisson(\"400\"))})",
            1,
            60,
            "nodes.c.arrivals",
            &["\"400\" has no unit", "500/s"],
        ),
        (
            "Topology(schema: 1, nodes: {\"c\": Clients(signed_in: yes)})",
            1,
            53,
            "nodes.c.signed_in",
            &["expected true or false, found `yes`"],
        ),
        (
            "Topology(schema: 1, nodes: {\"c\": Clients(timeout: \"0s\")})",
            1,
            51,
            "nodes.c.timeout",
            &["out of range"],
        ),
        (
            "Topology(schema: 1, nodes: {\"c\": Clients(timeout: 5)})",
            1,
            51,
            "nodes.c.timeout",
            &["expected None or a time in quotes", "found `5`"],
        ),
        (
            "Topology(schema: 1, nodes: {\"a\": Service(), \"a\": Service()})",
            1,
            45,
            "",
            &["`a` stands here twice"],
        ),
        (
            "Topology(schema: 1, nodes: {\"a b\": Service()})",
            1,
            29,
            "nodes",
            &["cannot be a node's name", "letters, digits"],
        ),
        (
            "Topology(schema: 1, nodes: {\"\": Service()})",
            1,
            29,
            "nodes",
            &["needs a name"],
        ),
        (
            "Topology(schema: 1, nodes: [])",
            1,
            28,
            "nodes",
            &["expected named entries in braces", "found `[`"],
        ),
        (
            "Topology(schema: 1, links: [\"a b\"])",
            1,
            29,
            "links[0]",
            &["write \"from -> to\""],
        ),
        (
            "Topology(schema: 1, links: [\"a -> b\", Link(path: \"b -> c\", latency: \"5\")])",
            1,
            69,
            "links[1].latency",
            &["no unit"],
        ),
        (
            "Topology(schema: 1, links: [\"a -> b\", Link(path: \"bc\")])",
            1,
            50,
            "links[1]",
            &["write \"from -> to\""],
        ),
        (
            "Topology(schema: 1, links: \"a -> b\")",
            1,
            28,
            "links",
            &["expected a list of links", "found `\"a -> b\"`"],
        ),
        (
            "Topology(schema: 1, scenario: [At(\"60\", Crash(\"api\", 2))])",
            1,
            35,
            "scenario[0]",
            &["\"60\" has no unit"],
        ),
        (
            "Topology(schema: 1, scenario: [At(\"60s\", Krash(\"api\", 2))])",
            1,
            42,
            "scenario[0]",
            &["did you mean `Crash`"],
        ),
        (
            "Topology(schema: 1, scenario: [At(\"60s\", Crash(\"api\", two))])",
            1,
            55,
            "scenario[0]",
            &["expected a whole number, found `two`"],
        ),
        (
            "Topology(schema: 1, scenario: [At(\"60s\", Crash(\"api\"))])",
            1,
            53,
            "scenario[0]",
            &["expected Crash with 2 elements, found 1"],
        ),
        (
            "Topology(schema: 1, objectives: (availability: \"101%\"))",
            1,
            48,
            "objectives.availability",
            &["more than 100%"],
        ),
        (
            "Topology(schema: 1, seed: 1.5)",
            1,
            27,
            "",
            &["`1.5` is not a whole number"],
        ),
        (
            "Topology(schema: 1, canvas: {\"a\": (1, x)})",
            1,
            39,
            "canvas.a[1]",
            &["expected a number, found `x`"],
        ),
        (
            "Topology(schema: 1, /* never closed",
            1,
            21,
            "",
            &["a comment begins here and never ends"],
        ),
        (
            "Topology(schema: 1, name: \"never closed)",
            1,
            27,
            "name",
            &[],
        ),
    ];
    let mut wrong = Vec::new();
    for &(text, line, column, path, parts) in cases {
        let error = try_out(text).expect_err(text);
        let shown = error.to_string();
        let place = (error.line, error.column, &*error.path);
        if place != (line, column, path) {
            wrong.push(format!("{text}\n{shown}\n{place:?}"));
        }
        for part in parts.iter().filter(|part| !shown.contains(**part)) {
            wrong.push(format!("{text}\n{shown}\nlacks: {part}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_long_line_is_shown_around_the_place() {
    let text = format!(
        "Topology(schema: 1, name: \"{}\", nods: {{}})",
        "é".repeat(500)
    );
    let shown = try_out(&text).unwrap_err().to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(
        lines.iter().all(|line| line.chars().count() < 120),
        "{shown}"
    );
    let caret = lines[2].chars().position(|c| c == '^').unwrap();
    let marked: String = lines[1].chars().skip(caret).take(4).collect();
    assert_eq!(marked, "nods", "{shown}");
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.ron");
    let name = path.to_str().unwrap();
    std::fs::write(&path, b"Topology(\n  name: \"\xff\")").unwrap();
    let error = statescope::model::load(name).unwrap_err();
    assert_eq!((error.line, error.column), (2, 10), "{error}");
    assert!(error.message.contains("not UTF-8"), "{error}");
    let error = statescope::model::load(folder.path().to_str().unwrap()).unwrap_err();
    assert!(error.message.contains("folder"), "{error}");
    let error = statescope::model::load("sticky-in-memry").unwrap_err();
    assert!(
        error.message.contains("did you mean `sticky-in-memory`"),
        "{error}"
    );
    let error = statescope::model::load("there/is/none.ron").unwrap_err();
    assert_eq!(
        error.to_string(),
        "there/is/none.ron: there is no such file"
    );
}
