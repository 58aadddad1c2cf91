//! Random systems: everything in one is drawn from its number.

use statescope::model::settings::ron_options;
use statescope::model::{Severity, Topology, check};

/// Draws for a case: the generator of Steele, Lea and Flood (2014).
pub struct Dice(u64);

impl Dice {
    pub fn new(case: u64) -> Self {
        Self(case.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    /// One of these.
    pub fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }

    /// Dice for what came later, so that whatever is drawn from these stays as it was.
    pub fn beside(&self) -> Self {
        Self(self.0 ^ 0x5851_f42d_4c95_7f2d)
    }

    /// True so many times in ten.
    pub fn often(&mut self, in_ten: u64) -> bool {
        self.below(10) < in_ten
    }
}

pub const STORES: [&str; 2] = ["store", "other"];
pub const SERVICES: [&str; 3] = ["front", "middle", "back"];

pub fn replication(dice: &mut Dice) -> String {
    if dice.often(5) {
        return "None".to_owned();
    }
    format!(
        r#"Asynchronous(replicas: {}, lag: "{}", send_buffer: "{}")"#,
        1 + dice.below(3),
        dice.one(&["0s", "1ms", "50ms", "1s"]),
        dice.one(&["0B", "4KiB", "4MiB"]),
    )
}

pub fn state(dice: &mut Dice, external: bool) -> String {
    let disk = dice.one(&["Volume", "Instance"]);
    let fsync = dice.one(&["Always", "EverySecond", "Never"]);
    let fsync_time = dice.one(&["0s", "1ms", "300ms"]);
    match dice.below(if external { 5 } else { 4 }) {
        0 | 1 => format!(
            r#"InMemory(snapshot_every: {}, snapshot_to: {}, snapshot_rate: "{}", replication: {}, down_after: "{}")"#,
            dice.one(&["None", r#"Some("200ms")"#, r#"Some("1s")"#]),
            dice.one(&["Volume", "Instance", r#"ObjectStore("objects")"#]),
            dice.one(&["unlimited", "100KiB/s"]),
            replication(dice),
            dice.one(&["1ms", "300ms", "1s"]),
        ),
        2 => format!(
            r#"LocalDisk(disk: {disk}, fsync: {fsync}, fsync_time: "{fsync_time}", write_time: "{}")"#,
            dice.one(&["0s", "1ms"])
        ),
        3 => format!(
            r#"LocalDatabase(disk: {disk}, fsync: {fsync}, fsync_time: "{fsync_time}", read_time: "{}")"#,
            dice.one(&["0s", "1ms"])
        ),
        _ => format!(r#"External(store: "{}")"#, dice.one(&STORES)),
    }
}

pub fn cache(dice: &mut Dice) -> String {
    let kind = match dice.below(7) {
        0 => "CacheAside".to_owned(),
        1 | 2 => "ReadThrough".to_owned(),
        3 => "WriteThrough".to_owned(),
        4 => "WriteAround".to_owned(),
        _ => format!(
            r#"WriteBack(flush_every: "{}")"#,
            dice.one(&["1ms", "200ms", "1s"])
        ),
    };
    let invalidation = match dice.below(2) {
        0 => "None".to_owned(),
        _ => format!(
            r#"Broadcast(delay: "{}", loss: "{}")"#,
            dice.one(&["0s", "5ms", "1s"]),
            dice.one(&["0%", "30%"])
        ),
    };
    format!(
        "(kind: {kind}, capacity: {}, ttl: {}, invalidation: {invalidation}, coalesce: {})",
        dice.one(&["None", "1", "3", "100"]),
        dice.one(&["None", r#"Some("20ms")"#, r#"Some("1s")"#]),
        dice.often(6),
    )
}

pub fn sessions(dice: &mut Dice) -> String {
    let mut later = dice.beside();
    match dice.below(4) {
        0 => "None".to_owned(),
        1 => format!(
            r#"Jwt(lifetime: "{}", refresh: {}, revocation: {}, claims: "{}", carried: {})"#,
            dice.one(&["1s", "15m"]),
            dice.one(&["None", r#"Some("2s")"#, r#"Some("30d")"#]),
            revocation(&mut later),
            later.one(&["200B", "200B", "200B", "4000B", "10KiB"]),
            later.one(&["Bearer", "Cookie", "Cookies"]),
        ),
        2 => format!(
            r#"ServerSide(store: "{}", lifetime: "{}", cache: {}, capacity: {})"#,
            dice.one(&STORES),
            dice.one(&["1s", "30m"]),
            later.one(&["None", "None", r#"Some("100ms")"#, r#"Some("2s")"#]),
            later.one(&["None", "None", "Some(1)", "Some(10)"]),
        ),
        _ => format!(
            r#"InMemory(lifetime: "{}", replication: {}, down_after: "{}")"#,
            dice.one(&["1s", "30m"]),
            replication(dice),
            dice.one(&["1ms", "500ms"])
        ),
    }
}

fn revocation(dice: &mut Dice) -> String {
    let store = dice.one(&STORES);
    match dice.below(4) {
        0 | 1 => "Nothing".to_owned(),
        2 => format!(
            r#"Denylist(store: "{store}", poll: "{}", delay: "{}")"#,
            dice.one(&["20ms", "1s"]),
            dice.one(&["0s", "300ms"])
        ),
        _ => format!(r#"Introspection(store: "{store}")"#),
    }
}

pub fn arrivals(dice: &mut Dice) -> String {
    match dice.below(4) {
        0 | 1 => format!(r#"Poisson("{}/s")"#, [5, 50, 150][dice.below(3) as usize]),
        2 => format!(r#"Steady("{}/s")"#, [10, 100][dice.below(2) as usize]),
        _ => format!(
            r#"Closed(users: {}, think: {})"#,
            1 + dice.below(12),
            dice.one(&[r#"Constant("0s")"#, r#"Exponential("100ms")"#])
        ),
    }
}

pub fn clients(dice: &mut Dice, with_sessions: bool) -> String {
    let mut later = dice.beside();
    let (login, logout) = if with_sessions && dice.often(5) {
        (dice.below(10), dice.below(10))
    } else {
        (0, 0)
    };
    format!(
        r#"Clients(arrivals: {}, mix: (read: {}, write: {}, login: {login}, logout: {logout}), users: {}, signed_in: {},
            sign_in_at_once: {}, revocations: "{}/s", stolen: "{}", keys: {}, popularity: {}, keys_per_user: 2, shared_keys: {}, timeout: {}, connect_timeout: "{}", retries: {},
            retry_budget: {}, backoff: "{}", cancel: {}, idempotency_keys: {})"#,
        arrivals(dice),
        dice.below(50),
        1 + dice.below(50),
        [1, 20, 200][dice.below(3) as usize],
        dice.often(5),
        later.often(3),
        later.one(&["0", "0", "0", "1", "50"]),
        later.one(&["0%", "30%"]),
        [1, 30, 300][dice.below(3) as usize],
        dice.one(&["Uniform", "Zipf(0.9)"]),
        dice.often(3),
        dice.one(&[
            "None",
            r#"Some("1ms")"#,
            r#"Some("80ms")"#,
            r#"Some("1s")"#,
            r#"Some("1h")"#
        ]),
        dice.one(&["1ms", "200ms"]),
        dice.below(4),
        dice.one(&["None", r#"Some("0%")"#, r#"Some("10%")"#]),
        dice.one(&["0s", "50ms"]),
        dice.often(3),
        dice.often(3),
    )
}

fn balancer(dice: &mut Dice) -> String {
    format!(
        r#"LoadBalancer(header_limits: {}, policy: {}, fallback: {}, distinct: {}, work: "{}", health_checks: {}, retries: {}, retry_on: [{}],
            connect_timeout: "{}", response_timeout: {})"#,
        dice.beside().one(&["Unlimited", "Nginx", "NodeJs"]),
        dice.one(&[
            "RoundRobin",
            "Random",
            "LeastConnections",
            "TwoChoices",
            "StickyCookie",
            "StickyCookie"
        ]),
        dice.one(&["RoundRobin", "LeastConnections", "StickyCookie"]),
        dice.often(5),
        dice.one(&["0s", "50us"]),
        checks(dice),
        dice.below(4),
        dice.one(&["", "Reset", "Reset, ResponseTimeout"]),
        dice.one(&["1ms", "200ms"]),
        dice.one(&["None", "None", r#"Some("1ms")"#, r#"Some("50ms")"#]),
    )
}

/// Settings of how instances come and go, and of their connections to stores, in any order.
pub fn fleet(dice: &mut Dice) -> Vec<(String, String)> {
    let quoted = |value: &str| format!("\"{value}\"");
    let mut settings = vec![
        (
            "nodes.lb.notice_delay".to_owned(),
            quoted(dice.one(&["0s", "1ms", "150ms", "2s"])),
        ),
        (
            "nodes.lb.slow_start".to_owned(),
            quoted(dice.one(&["0s", "300ms", "10s"])),
        ),
    ];
    for name in SERVICES {
        let pool = match dice.below(3) {
            0 => "None".to_owned(),
            _ => format!(
                r#"(size: {}, acquire_timeout: "{}", lifetime: {})"#,
                1 + dice.below(6),
                dice.one(&["0s", "5ms", "1s"]),
                dice.one(&["None", r#"Some("30ms")"#, r#"Some("1s")"#])
            ),
        };
        settings.push((format!("nodes.{name}.pool"), pool));
        let wait = quoted(dice.one(&["0s", "100ms", "700ms"]));
        settings.push((format!("nodes.{name}.pre_stop"), wait));
    }
    let first = dice.below(settings.len() as u64) as usize;
    settings.rotate_left(first);
    settings
}

pub fn checks(dice: &mut Dice) -> String {
    if dice.often(3) {
        return "None".to_owned();
    }
    format!(
        r#"HealthChecks(interval: "{}", timeout: {}, fall: {}, rise: {})"#,
        dice.one(&["50ms", "300ms"]),
        dice.one(&["None", r#"Some("10ms")"#]),
        1 + dice.below(3),
        1 + dice.below(2),
    )
}

fn service(dice: &mut Dice, state: &str) -> String {
    format!(
        r#"Service(instances: {}, workers: {}, queue: {}, service_time: {}, io: {}, state: {state}, connect_timeout: "{}",
            call_timeout: {}, login_time: "{}", error_share: "{}", boot_time: "{}", cold_factor: 2, warm_up: "{}",
            restart_after: {}, drain_time: "{}", deployment: (max_surge: "{}", max_unavailable: "{}"))"#,
        1 + dice.below(4),
        1 + dice.below(3),
        dice.one(&["Limit(0)", "Limit(3)", "Limit(64)", "Unlimited"]),
        // A closed loop without thinking needs some time to pass.
        dice.one(&[
            r#"Constant("1ms")"#,
            r#"Exponential("3ms")"#,
            r#"LogNormal(mean: "8ms", cv: 1.2)"#
        ]),
        dice.one(&["Blocking", "Asynchronous"]),
        dice.one(&["1ms", "200ms"]),
        dice.one(&["None", r#"Some("2ms")"#, r#"Some("1s")"#]),
        dice.one(&["0s", "10ms"]),
        dice.one(&["0%", "0%", "30%"]),
        dice.one(&["0s", "200ms"]),
        dice.one(&["0s", "500ms"]),
        dice.one(&["None", "None", r#"Some("0s")"#, r#"Some("400ms")"#]),
        dice.one(&["0s", "100ms", "30s"]),
        dice.one(&["0%", "25%", "100%"]),
        dice.one(&["0%", "50%"]),
    )
}

pub fn store(dice: &mut Dice) -> String {
    let (replication, down_after) = (replication(dice), dice.one(&["1ms", "200ms", "1s"]));
    let rest = format!(
        r#"replication: {replication}, down_after: "{down_after}", promotion_time: "{}", boot_time: "{}", restart_after: {}"#,
        dice.one(&["0s", "100ms"]),
        dice.one(&["0s", "200ms"]),
        dice.one(&["None", r#"Some("100ms")"#]),
    );
    match dice.below(3) {
        0 => format!(
            r#"RedisLike(command_time: "{}", persistence: {}, fsync_time: "{}", {rest})"#,
            dice.one(&["0s", "10us", "5ms"]),
            dice.one(&[
                "None",
                "AppendOnly(Always)",
                "AppendOnly(EverySecond)",
                "AppendOnly(Never)"
            ]),
            dice.one(&["0s", "1ms", "200ms"]),
        ),
        1 => format!(
            r#"SqlDatabase(commit_time: "{}", fsync: {}, connections: {}, {rest})"#,
            dice.one(&["0s", "1ms", "100ms"]),
            dice.one(&["Always", "EverySecond", "Never"]),
            1 + dice.below(20),
        ),
        _ => format!(
            r#"ObjectStore(get_time: Constant("{}"), put_time: Exponential("10ms"), put_rate: "{}/s")"#,
            dice.one(&["0s", "5ms"]),
            [1, 1000][dice.below(2) as usize],
        ),
    }
}

fn link(dice: &mut Dice, path: &str) -> String {
    match dice.below(3) {
        0 => format!("\"{path}\""),
        _ => format!(
            r#"Link(path: "{path}", latency: "{}", bandwidth: "{}")"#,
            dice.one(&["0s", "100us", "5ms"]),
            dice.one(&["unlimited", "1MiB/s"]),
        ),
    }
}

/// A topology that passes its check.
pub fn system(dice: &mut Dice) -> Topology {
    loop {
        let text = draw_topology(dice);
        let topology: Topology = ron_options()
            .from_str(&text)
            .unwrap_or_else(|e| panic!("{e}\n{text}"));
        if check(&topology)
            .iter()
            .all(|p| p.severity != Severity::Error)
        {
            return topology;
        }
    }
}

fn draw_topology(dice: &mut Dice) -> String {
    let length = 1 + dice.below(3) as usize;
    let (with_balancer, two) = (dice.often(7), dice.often(2));
    let sessions = sessions(dice);
    let with_sessions = sessions != "None";
    let mut nodes = vec![format!("\"clients\": {}", clients(dice, with_sessions))];
    let mut links = Vec::new();
    let first = if with_balancer {
        nodes.push(format!("\"lb\": {}", balancer(dice)));
        links.push(link(dice, "lb -> front"));
        "lb"
    } else {
        "front"
    };
    links.push(link(dice, &format!("clients -> {first}")));
    if two {
        nodes.push(format!("\"more\": {}", clients(dice, with_sessions)));
        links.push(link(dice, "more -> front"));
    }
    for (index, name) in SERVICES.iter().enumerate().take(length) {
        let last = index + 1 == length;
        let place = if last || dice.often(5) {
            state(dice, true)
        } else {
            "Stateless".to_owned()
        };
        nodes.push(format!("\"{name}\": {}", service(dice, &place)));
        if !last {
            links.push(link(dice, &format!("{name} -> {}", SERVICES[index + 1])));
        }
        if dice.often(2) {
            let to = dice.one(&STORES);
            links.push(link(dice, &format!("{name} -> {to}")));
        }
    }
    for name in STORES {
        nodes.push(format!("\"{name}\": {}", store(dice)));
    }
    nodes.push("\"objects\": ObjectStore()".to_owned());
    format!(
        "Topology(schema: 1, duration: \"4s\", warmup: \"{}\", sessions: {sessions},\n  nodes: {{\n    {}\n  }},\n  links: [{}],\n)",
        dice.one(&["0s", "500ms"]),
        nodes.join(",\n    "),
        links.join(", ")
    )
}
