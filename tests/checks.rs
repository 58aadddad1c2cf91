//! What is wrong with a topology that parses is found, at its path, with what to do; and what is legal is not blamed.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

use statescope::model::check::{Why, first_services, implied_links};
use statescope::model::file::read;
use statescope::model::{Command, Severity, Topology, check};

/// A topology that is fine, with parts replaced.
fn topology(changes: &[(&str, &str)]) -> Topology {
    let mut topology = read(
        r#"Topology(
    schema: 1,
    nodes: {
        "clients": Clients(),
        "lb": LoadBalancer(),
        "api": Service(state: External(store: "store")),
        "store": RedisLike(),
    },
    links: ["clients -> lb", "lb -> api"],
    canvas: {"clients": (0, 0)},
)"#,
        "test.ron",
    )
    .unwrap();
    for (path, value) in changes {
        match *path {
            "remove" => topology
                .apply(&Command::Remove((*value).to_owned()))
                .unwrap(),
            _ => topology
                .set_path(path, value)
                .unwrap_or_else(|e| panic!("{path}: {e}")),
        }
    }
    topology
}

/// Changes of the topology, and a problem that they lead to: severity, path, part of the sentence.
type Case<'a> = (&'a [(&'a str, &'a str)], Severity, &'a str, &'a str);

#[test]
fn each_problem_is_found_at_its_path_with_what_to_do() {
    use Severity::{Error, Warning};
    let all = r#"["clients -> lb", "lb -> api"]"#;
    assert_eq!(check(&topology(&[("links", all)])), []);
    #[rustfmt::skip]
        let cases: &[Case] = &[
            (&[("remove", "clients")], Error, "nodes", "no clients"),
            (&[("links", r#"["lb -> api"]"#)], Error, "nodes.clients", "reach nothing"),
            (&[("links", r#"["clients -> lb"]"#)], Error, "nodes.lb", "nothing to balance"),
            (&[("nodes.idle", "Service()")], Warning, "nodes.idle", "no request reaches it"),
            (&[("nodes.b", "Service()"), ("links", r#"["clients -> lb", "lb -> api", "api -> b", "b -> api"]"#)], Error, "links", "api -> b -> api"),
            (&[("links.api->api", "\"api -> api\"")], Error, "links.api->api", "cannot call itself"),
            (&[("links", r#"["clients -> lb", "lb -> api", "lb -> api"]"#)], Error, "links.lb->api", "twice"),
            (&[("links", r#"["clients -> lb", "lb -> ap"]"#)], Error, "links.lb->ap", "did you mean `api`"),
            (&[("links.api->clients", "\"api -> clients\"")], Error, "links.api->clients", "turn it round"),
            (&[("links.store->lb", "\"store -> lb\"")], Error, "links.store->lb", "only answers"),
            (&[("links.lb->store", "\"lb -> store\"")], Error, "links.lb->store", "not alike"),
            (&[("nodes.api.state", "External(store: \"stor\")")], Error, "nodes.api.state.store", "did you mean `store`"),
            (&[("nodes.api.state", "External()")], Error, "nodes.api.state.store", "store: \"NAME\""),
            (&[("nodes.api.state", "External(store: \"lb\")")], Error, "nodes.api.state.store", "a load balancer"),
            (&[("sessions", "ServerSide(store: \"api\")")], Error, "sessions.store", "a service"),
            (&[("nodes.s3", "ObjectStore()"), ("sessions", "ServerSide(store: \"s3\")")], Warning, "sessions.store", "hundred times"),
            (&[("nodes.api.state", "Stateless")], Error, "nodes.api.state", "nowhere to keep"),
            (&[("nodes.api.state", "Stateless"), ("sessions", "ServerSide(store: \"store\")"), ("links.api->store", "\"api -> store\"")], Error, "nodes.api.state", "only keeps its sessions"),
            (&[("nodes.clients.mix", "(read: 1, write: 0, login: 1)")], Error, "nodes.clients.mix", "sessions"),
            (&[("nodes.clients.mix", "(read: 0, write: 0)")], Error, "nodes.clients.mix", "every weight is 0"),
            (&[("nodes.clients.popularity", "Zipf(-1)")], Error, "nodes.clients.popularity", "out of range"),
            (&[("nodes.clients.popularity", "Zipf(NaN)")], Error, "nodes.clients.popularity", "out of range"),
            (&[("nodes.clients.arrivals", "Poisson(\"0/s\")")], Warning, "nodes.clients.arrivals", "do nothing"),
            (&[("nodes.clients.arrivals", "Poisson(\"99999999/s\")")], Error, "nodes", "at most 10000000"),
            (&[("nodes.clients.arrivals", "Closed(users: 10, think: Constant(\"2h\"))")], Error, "nodes.clients.arrivals.think", "out of range"),
            (&[("sessions", "InMemory()")], Warning, "sessions", "StickyCookie"),
            (&[("nodes.api.state", "InMemory()")], Warning, "nodes.api.state", "StickyCookie"),
            (&[("nodes.api.state", "InMemory(replication: Asynchronous(replicas: 5))")], Warning, "nodes.api.state.replication", "need 6 instances"),
            (&[("nodes.api.state", "InMemory(snapshot_to: ObjectStore(\"store\"))")], Error, "nodes.api.state.snapshot_to", "a Redis-like store"),
            (&[("nodes.api.state", "InMemory(snapshot_to: ObjectStore(\"s\"))")], Error, "nodes.api.state.snapshot_to", "no node `s`"),
            (&[("nodes.api.instance_overrides", "{9: (speed: 2)}")], Warning, "nodes.api.instance_overrides.9", "only 3 instances"),
            (&[("nodes.api.instance_overrides", "{0: (speed: 2)}")], Error, "nodes.api.instance_overrides.0", "count from 1"),
            (&[("nodes.api.deployment", "(max_surge: \"0%\", max_unavailable: \"0%\")")], Error, "nodes.api.deployment", "cannot move"),
            (&[("nodes.api.id", "x"), ("nodes.lb.id", "x")], Error, "nodes.api.id", "same id"),
            (&[("nodes.clients.arrivals", "Poisson(\"2000/s\")")], Warning, "nodes.api", "overloaded"),
            (&[("nodes.clients.arrivals", "Poisson(\"1000000/s\")"), ("nodes.api.queue", "Unlimited")], Error, "nodes.api.queue", "would pile up"),
            (&[("warmup", "2m")], Error, "warmup", "shorter than the duration"),
            (&[("scenario", r#"[At("1s", Crash("ap", 1))]"#)], Error, "scenario[0]", "did you mean `api`"),
            (&[("scenario", r#"[At("1s", Crash("api", 4))]"#)], Error, "scenario[0]", "from 1 to 3"),
            (&[("scenario", r#"[At("1s", Crash("api", 0))]"#)], Error, "scenario[0]", "from 1 to 3"),
            (&[("scenario", r#"[At("1s", Hang("lb", 1))]"#)], Error, "scenario[0]", "faults happen to"),
            (&[("scenario", r#"[At("1s", Failover("store"))]"#)], Error, "scenario[0]", "no replica"),
            (&[("scenario", r#"[At("1s", Failover("api"))]"#)], Error, "scenario[0]", "only a store"),
            (&[("scenario", r#"[At("1s", Deploy("store", Drained))]"#)], Error, "scenario[0]", "only services"),
            (&[("scenario", r#"[At("1s", RemoveInstances("api", 3))]"#)], Error, "scenario[0]", "one has to stay"),
            (&[("scenario", r#"[At("1s", AddInstances("api", 9998))]"#)], Error, "scenario[0]", "at most 10000"),
            (&[("scenario", r#"[At("1s", ReplaceSigningKey)]"#)], Error, "scenario[0]", "no signing key"),
            (&[("scenario", r#"[At("1s", RotateKeys("15m"))]"#)], Error, "scenario[0]", "no signing key"),
            (&[("nodes.clients.revocations", "\"1/s\"")], Warning, "nodes.clients.revocations", "nothing to revoke"),
            (&[("sessions", "Jwt()"), ("nodes.clients.stolen", "\"1%\"")], Warning, "nodes.clients.stolen", "no credential is ever revoked"),
            (&[("sessions", "Jwt(revocation: Denylist(store: \"api\"))")], Error, "sessions.revocation.store", "a service"),
            (&[("sessions", "Jwt(revocation: Introspection())")], Error, "sessions.revocation.store", ""),
            (&[("scenario", r#"[At("3m", Crash("api", 1))]"#)], Warning, "scenario[0]", "never happens"),
            (&[("scenario", r#"[Between("9s", "8s", Crash("api", 1))]"#)], Error, "scenario[0]", "swap"),
            (&[("scenario", r#"[At("1s", Set("nodes.api.worker", "1"))]"#)], Error, "scenario[0]", "did you mean `workers`"),
            (&[("scenario", r#"[At("1s", Add("a b", Service()))]"#)], Error, "scenario[0]", "cannot be a node's name"),
            (&[("expects", r#"["sessions.lost"]"#)], Error, "expects[0]", "compares nothing"),
            (&[("expects", r#"["session.lost > 0"]"#)], Error, "expects[0]", "did you mean `sessions`"),
            (&[("expects", r#"["nodes.apo.utilisation > 0"]"#)], Error, "expects[0]", "did you mean `api`"),
            (&[("canvas", r#"{"clients": (NaN, 0)}"#)], Error, "canvas.clients", "position"),
            (&[("canvas", r#"{"nobody": (0, 0)}"#)], Warning, "canvas.nobody", "no node"),
            (&[("nodes.api.instances", "1000"), ("nodes.api.workers", "100000")], Error, "nodes", "workers in all"),
            (&[("nodes.b", "LoadBalancer()"), ("links.lb->b", "\"lb -> b\"")], Error, "links.lb->b", "not between other load balancers"),
            (&[("links.clients->store", "\"clients -> store\"")], Warning, "nodes.clients", "`store` is not used"),
            (&[("nodes.b", "Service(state: External(store: \"store\"))"), ("links.lb->b", "\"lb -> b\""), ("sessions", "ServerSide(store: \"store\")")], Error, "sessions", "`api` and `b`"),
            (&[("scenario", r#"[At("1s", Set("nodes.api.state", "External(store: \"sore\")"))]"#)], Error, "scenario[0]", "after it nodes.api.state.store"),
            (&[("scenario", r#"[At("1s", Remove("store"))]"#)], Error, "scenario[0]", "no node `store`"),
            (&[("scenario", r#"[At("1s", Set("nodes.clients.users", "10000000")), At("1s", Set("nodes.clients.keys", "10000000")), At("2s", Set("nodes.c", "Clients()"))]"#)], Error, "scenario[2]", "users in all"),
            (&[("nodes.clients.users", "10000000"), ("nodes.c2", "Clients()")], Error, "nodes", "users in all"),
        ];
    for (changes, severity, path, part) in cases {
        let problems = check(&topology(changes));
        assert!(
            problems.iter().any(|problem| problem.severity == *severity
                && problem.path == *path
                && problem.message.contains(part)),
            "{changes:?} lacks {path}: {part}; there are {problems:#?}"
        );
    }
}

#[test]
fn what_is_legal_is_not_blamed() {
    #[rustfmt::skip]
        let cases: &[&[(&str, &str)]] = &[
            // The writes' home is further on.
            &[("nodes.api.state", "Stateless"), ("links.api->store", "\"api -> store\"")],
            &[("nodes.api.state", "Stateless"), ("nodes.b", "Service(state: External(store: \"store\"))"), ("links.api->b", "\"api -> b\"")],
            // Clients may call a store directly, and a service without a balancer.
            &[("remove", "lb"), ("remove", "api"), ("links.clients->store", "\"clients -> store\"")],
            &[("scenario", r#"[At("1s", Set("nodes.api.state", "External(store: \"s\")")), At("1s", Set("nodes.s", "RedisLike()"))]"#)],
            &[("links", r#"["clients -> api"]"#), ("remove", "lb")],
            // Without writes nothing needs a home.
            &[("nodes.clients.mix", "(read: 1, write: 0)"), ("nodes.api.state", "Stateless"), ("remove", "store")],
            // What an event adds is known to later ones, whatever their order in the file.
            &[("scenario", r#"[At("9s", Crash("api", 4)), At("2s", AddInstances("api", 1))]"#)],
            &[("scenario", r#"[At("1s", Set("nodes.b", "RedisLike()")), At("2s", Crash("b", 1)), At("3s", Remove("b"))]"#)],
            &[("scenario", r#"[At("1s", Set("nodes.store.replication", "Asynchronous()")), At("2s", Failover("store"))]"#)],
            // One instance is always the same one.
            &[("sessions", "InMemory()"), ("nodes.api.instances", "1")],
            &[("sessions", "InMemory()"), ("nodes.lb.policy", "StickyCookie"), ("nodes.api.state", "InMemory()"), ("remove", "store")],
        ];
    for changes in cases {
        assert_eq!(check(&topology(changes)), [], "{changes:?}");
    }
}

#[test]
fn settings_imply_links() {
    let topology = topology(&[
        ("nodes.s", "RedisLike()"),
        ("nodes.files", "ObjectStore()"),
        ("sessions", "ServerSide(store: \"s\")"),
        (
            "nodes.b",
            "Service(state: InMemory(snapshot_to: ObjectStore(\"files\")))",
        ),
    ]);
    let implied = implied_links(&topology);
    let found: Vec<(&str, &str, Why)> = implied.iter().map(|l| (l.from, l.to, l.why)).collect();
    let expected = [
        ("api", "store", Why::State),
        ("b", "files", Why::Snapshots),
        ("api", "s", Why::Sessions),
    ];
    assert_eq!(found, expected);
    assert_eq!(first_services(&topology), ["api"]);
}
