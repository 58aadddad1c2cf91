//! What is done to random systems, and when: faults, changes, edits, and edits taken back.

use statescope::model::{Command, Stop};
use statescope::units::Duration;

use super::systems::{Dice, arrivals, checks, clients, replication, sessions, state, store};

const MS: u64 = 1_000_000;

/// Something done to a running system.
#[derive(Clone, Debug)]
pub enum Step {
    Do(Command),
    /// The newest edit that has not been taken back is.
    Undo,
}

/// What is done during a run of this length, with the times, in order.
pub fn scenario(dice: &mut Dice, length: u64) -> Vec<(u64, Step)> {
    let mut steps: Vec<(u64, Step)> = Vec::new();
    for _ in 0..dice.below(14) {
        let at = match dice.below(4) {
            // Some at the same instant, some just afterwards.
            0 if !steps.is_empty() => (steps[steps.len() - 1].0 + dice.below(2)).min(length - 1),
            _ => dice.below(length),
        };
        let command = command(dice);
        let changes = command.is_edit()
            || matches!(
                command,
                Command::AddInstances(..) | Command::RemoveInstances(..)
            );
        steps.push((at, Step::Do(command)));
        if changes && dice.often(4) {
            let later = [0, 1, MS, 30 * MS, 300 * MS][dice.below(5) as usize];
            steps.push(((at + later).min(length - 1), Step::Undo));
        }
    }
    steps.sort_by_key(|step| step.0);
    steps
}

/// What the network does meanwhile, with the times, in order.
pub fn weather(dice: &mut Dice, length: u64) -> Vec<(u64, Step)> {
    let mut steps: Vec<(u64, Step)> = Vec::new();
    for _ in 0..2 + dice.below(6) {
        let at = dice.below(length);
        let ends = [
            "front", "middle", "store", "back", "lb", "front.1", "store.1", "store.2", "@a", "@b",
            "*",
        ];
        let sides = format!("{} -> {}", dice.one(&ends), dice.one(&ends));
        let sides: statescope::model::Sides = sides.parse().unwrap();
        let node = dice.one(&["front", "store", "middle"]).to_owned();
        let begins = match dice.below(8) {
            0..=3 => Command::Cut(sides.clone()),
            4 => Command::CutOneWay(sides.clone()),
            5 => Command::Slow(sides.clone(), 20.0),
            6 => Command::Lose(sides.clone(), statescope::units::Share(0.3)),
            _ if dice.often(2) => Command::LoseZone(dice.one(&["a", "b"]).to_owned()),
            _ => Command::SlowInstance(node, 1, 10.0),
        };
        steps.push((at, Step::Do(begins)));
        if dice.often(3) {
            continue;
        }
        let healed = (at + 1 + dice.below(length)).min(length - 1);
        steps.push((healed, Step::Do(Command::Heal(sides))));
    }
    steps
}

/// One thing done to a running system; it may not be possible there.
pub fn command(dice: &mut Dice) -> Command {
    let node = dice
        .one(&[
            "front", "front", "middle", "back", "store", "store", "other", "lb",
        ])
        .to_owned();
    let number = 1 + dice.below(4) as u32;
    let set = |path: String, value: String| Command::Set(path, value);
    match dice.below(24) {
        0..=2 => Command::Crash(node, number),
        3 | 4 => Command::LoseMachine(node, number),
        5 | 6 => Command::Hang(node, number),
        7 | 8 => Command::Resume(node, number),
        9..=11 => Command::Restart(node, number),
        12 if number.is_multiple_of(2) => Command::ForceFailover(node),
        12 => Command::Failover(node),
        13 => Command::Deploy(node, Stop::Drained),
        14 => Command::Deploy(node, Stop::Abrupt),
        15 => Command::AddInstances(node, 1),
        16 => Command::RemoveInstances(node, 1),
        17 if dice.beside().often(4) => Command::RotateKeys(Duration(700_000_000)),
        17 => Command::ReplaceSigningKey,
        18 => set("nodes.front.state".to_owned(), state(dice, true)),
        19 => set("sessions".to_owned(), sessions(dice)),
        20 => match dice.below(4) {
            0 => set(
                "links.lb->front.latency".to_owned(),
                dice.one(&["0s", "1ms", "20ms"]).to_owned(),
            ),
            1 => set("nodes.lb.health_checks".to_owned(), checks(dice)),
            2 => set(
                "nodes.lb.policy".to_owned(),
                dice.one(&["RoundRobin", "StickyCookie"]).to_owned(),
            ),
            _ => set(
                "nodes.lb.response_timeout".to_owned(),
                dice.one(&["None", r#"Some("20ms")"#]).to_owned(),
            ),
        },
        21 => match dice.below(6) {
            0 => set(format!("nodes.{node}.instances"), number.to_string()),
            1 => set(format!("nodes.{node}.workers"), number.to_string()),
            2 => set(format!("nodes.{node}.replication"), replication(dice)),
            3 => set(
                format!("nodes.{node}.queue"),
                dice.one(&["Limit(1)", "Unlimited"]).to_owned(),
            ),
            4 => set(
                format!("nodes.{node}.persistence"),
                dice.one(&["None", "AppendOnly(EverySecond)"]).to_owned(),
            ),
            _ => set(format!("nodes.{node}"), store(dice)),
        },
        22 => match dice.below(4) {
            0 => set("nodes.clients.arrivals".to_owned(), arrivals(dice)),
            1 => set(
                "nodes.clients.timeout".to_owned(),
                dice.one(&["None", r#"Some("20ms")"#]).to_owned(),
            ),
            2 => set(
                "nodes.clients.users".to_owned(),
                (1 + dice.below(400)).to_string(),
            ),
            _ => set("nodes.more".to_owned(), clients(dice, false)),
        },
        _ => match dice.below(5) {
            0 => Command::Remove(node),
            1 => Command::Unlink(
                dice.one(&["lb -> front", "front -> middle", "front -> other"])
                    .to_owned(),
            ),
            2 | 3 => Command::Link(
                dice.one(&[
                    "lb -> front",
                    "front -> middle",
                    "front -> other",
                    "more -> front",
                ])
                .to_owned(),
            ),
            _ => Command::Remove("more".to_owned()),
        },
    }
}
