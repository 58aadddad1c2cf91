//! Results as a person wants to read them in a terminal.

use super::numbers::{count, decimal, percent, time, with_spread};
use crate::analysis::Estimate;
use crate::model::settings::from_ron;
use crate::model::{Command, Stop};
use crate::sim::figures::{Figures, Plain};

/// Commands of one row that are named.
const COMMANDS: usize = 4;

/// The summary that `run` prints.
pub fn results(results: &Figures<Estimate>) -> String {
    let results = Results(results);
    let mut page = Page::default();
    results.title(&mut page);
    results.operations(&mut page);
    results.response_time(&mut page);
    results.writes(&mut page);
    results.sessions(&mut page);
    results.recovery(&mut page);
    results.without_effect(&mut page);
    results.nodes(&mut page);
    results.objectives(&mut page);
    results.simulation(&mut page);
    page.text
}

/// Width of the first column.
const LABEL: usize = 15;

/// Lines of a label and what is to be said about it.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, label: &str, said: &str) {
        let pad = " ".repeat(LABEL.saturating_sub(width(label)).max(1));
        self.text.push_str(format!("{label}{pad}{said}").trim_end());
        self.text.push('\n');
    }

    fn gap(&mut self) {
        self.text.push('\n');
    }

    /// A table under a label: the first columns and the last one to the left, those of figures between them to the right.
    fn table(&mut self, left: usize, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|c| {
                rows.iter()
                    .filter_map(|row| row.get(c))
                    .map(|cell| width(cell))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        for row in rows {
            let mut line = String::from(" ");
            for (column, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[column] - width(cell));
                if column < left || column + 1 == columns {
                    line.push_str(&format!(" {cell}{pad} "));
                } else {
                    line.push_str(&format!(" {pad}{cell} "));
                }
            }
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

struct Results<'a>(&'a Figures<Estimate>);

impl Results<'_> {
    fn plain(&self, path: &str) -> Option<&Plain> {
        match self.0.at(path)? {
            Figures::Plain(value) => Some(value),
            _ => None,
        }
    }

    fn plain_number(&self, path: &str) -> Option<f64> {
        number(self.plain(path)?)
    }

    fn estimate(&self, path: &str) -> Option<Estimate> {
        match self.0.at(path)? {
            Figures::Figure(estimate) => Some(*estimate),
            _ => None,
        }
    }

    fn mean(&self, path: &str) -> Option<f64> {
        self.estimate(path)?.mean
    }

    fn count(&self, path: &str) -> Option<String> {
        self.estimate(path).map(|e| with_spread(e, count))
    }

    fn parts(&self, path: &str) -> &[(String, Figures<Estimate>)] {
        match self.0.at(path) {
            Some(Figures::Group(parts)) => parts,
            _ => &[],
        }
    }

    fn list(&self, path: &str) -> &[Figures<Estimate>] {
        match self.0.at(path) {
            Some(Figures::List(list)) => list,
            _ => &[],
        }
    }

    fn title(&self, page: &mut Page) {
        if let Some(Plain::Text(name)) = self.plain("name") {
            // A title of several lines would look like more than it is.
            let words: Vec<&str> = name.split_whitespace().collect();
            page.text.push_str(&words.join(" "));
            page.gap();
        }
        let mut said = Vec::new();
        if let Some(duration) = self.plain_number("duration_s") {
            said.push(format!("{} simulated", time(duration)));
        }
        if let Some(warmup) = self.plain_number("warmup_s").filter(|w| *w > 0.0) {
            said.push(format!("the first {} not counted", time(warmup)));
        }
        let seed = self.plain_number("seed").unwrap_or(0.0);
        match self.plain_number("replications") {
            Some(replications) if replications > 1.0 => said.push(format!(
                "mean of seeds {seed} to {} ± half of the 95 % interval",
                seed + replications - 1.0
            )),
            _ => said.push(format!("seed {seed}")),
        }
        page.text.push_str(&said.join(", "));
        page.gap();
        self.cut(page);
        page.gap();
    }

    /// Whatever else is said holds only for what was simulated.
    fn cut(&self, page: &mut Page) {
        let Some(Plain::Text(why)) = self.plain("cut.why") else {
            return;
        };
        let number = |path| self.plain_number(path).unwrap_or(0.0);
        let (asked, whole) = (number("cut.asked"), number("replications"));
        let how_far = match self.plain_number("cut.at_s") {
            Some(at) => format!("after {} of {}", time(at), time(number("duration_s"))),
            None => format!("after {whole} of {asked} runs"),
        };
        let mut line = String::new();
        for word in format!("CUT SHORT {how_far}: {why}").split(' ') {
            if width(&line) + width(word) > 100 {
                page.text.push_str(line.trim_end());
                page.gap();
                line = "  ".to_owned();
            }
            line += word;
            line.push(' ');
        }
        page.text.push_str(line.trim_end());
        page.gap();
    }

    fn operations(&self, page: &mut Page) {
        let Some(offered) = self.count("operations.offered") else {
            return;
        };
        let mut said = format!("{offered} offered");
        if let Some(rate) = self.estimate("throughput_per_s") {
            said += &format!(", {} completed a second", with_spread(rate, decimal));
        }
        if let Some(rate) = self.estimate("goodput_per_s") {
            said += &format!(", {} of them in time (goodput)", with_spread(rate, decimal));
        }
        page.line("Operations", &said);
        let share = |path: &str| {
            let ended = self.mean("operations.completed")? + self.mean("operations.failed")?;
            (ended > 0.0).then(|| self.mean(path).map(|n| n / ended))?
        };
        let mut rows = Vec::new();
        for name in ["completed", "failed", "in_flight"] {
            let path = format!("operations.{name}");
            let Some(n) = self.count(&path) else { continue };
            if name == "in_flight" && self.mean(&path) == Some(0.0) {
                continue;
            }
            let percent = match name {
                "in_flight" => String::new(),
                _ => share(&path).map(percent).unwrap_or_default(),
            };
            let note = match name {
                "failed" => self.by_cause("operations.by_cause"),
                "completed" => String::new(),
                _ if self.left_out() => {
                    "still in flight at the end: response times leave them out".to_owned()
                }
                _ => "when the run ended".to_owned(),
            };
            rows.push(vec![name.replace('_', " "), n, percent, note]);
        }
        page.table(1, &rows);
    }

    /// Whether so many operations had not ended that the response times would be others with them: 1 in 100 moves p99.
    fn left_out(&self) -> bool {
        let in_flight = self.mean("operations.in_flight").unwrap_or(0.0);
        in_flight > 0.01 * self.mean("operations.completed").unwrap_or(0.0)
    }

    fn by_cause(&self, path: &str) -> String {
        let mut causes: Vec<(&str, f64)> = self
            .parts(path)
            .iter()
            .filter_map(|(cause, part)| match part {
                Figures::Figure(e) => Some((cause.as_str(), e.mean.filter(|n| *n > 0.0)?)),
                _ => None,
            })
            .collect();
        causes.sort_by(|a, b| b.1.total_cmp(&a.1));
        let texts: Vec<String> = causes
            .iter()
            .map(|(cause, n)| format!("{} {}", count(*n), cause.replace('_', " ")))
            .collect();
        texts.join(", ")
    }

    fn response_time(&self, page: &mut Page) {
        let parts = self.parts("response_time_s");
        if parts.is_empty() {
            return;
        }
        let (mut names, mut means, mut spreads) = (
            vec![String::new()],
            vec![String::new()],
            vec!["±".to_owned()],
        );
        let completed = self.mean("operations.completed").unwrap_or(0.0);
        let mut any_rough = false;
        for (name, part) in parts {
            if let Figures::Figure(Estimate { mean, ci95 }) = part {
                names.push(match name.as_str() {
                    "p999" => "p99.9".to_owned(),
                    other => other.to_owned(),
                });
                let rough = mean.is_some() && is_rough(name, completed);
                any_rough |= rough;
                means.push(mean.map_or_else(
                    || "-".to_owned(),
                    |mean| format!("{}{}", if rough { "~" } else { "" }, time(mean)),
                ));
                spreads.push(ci95.map(time).unwrap_or_default());
            }
        }
        let mut rows = vec![names, means];
        if spreads.iter().skip(1).any(|spread| !spread.is_empty()) {
            rows.push(spreads);
        }
        for row in &mut rows {
            row.push(String::new());
        }
        page.line("Response time", "");
        page.table(1, &rows);
        if any_rough {
            page.text.push_str(ROUGH);
        }
    }

    fn writes(&self, page: &mut Page) {
        let Some(acknowledged) = self.count("writes.acknowledged") else {
            return;
        };
        if self.mean("writes.acknowledged") == Some(0.0) {
            return;
        }
        let mut said = vec![format!("{acknowledged} acknowledged")];
        for (path, text) in [
            ("writes.lost", "LOST"),
            ("writes.unavailable", "held but out of reach"),
            ("writes.applied_twice", "applied twice"),
        ] {
            if self.mean(path).is_some_and(|n| n > 0.0) || path == "writes.lost" {
                let text = if self.mean(path) == Some(0.0) {
                    "lost"
                } else {
                    text
                };
                said.extend(self.count(path).map(|n| format!("{n} {text}")));
            }
        }
        let causes = self.by_cause("writes.lost_by_cause");
        page.line("Writes", &said.join(", "));
        if !causes.is_empty() {
            page.line("", &format!("lost: {causes}"));
        }
    }

    fn sessions(&self, page: &mut Page) {
        let total = self.mean("sessions.initial").unwrap_or(0.0)
            + self.mean("sessions.created").unwrap_or(0.0);
        if total == 0.0 {
            return;
        }
        let mut said = Vec::new();
        for (path, text) in [
            ("sessions.live", "live"),
            ("sessions.expired", "expired"),
            ("sessions.logged_out", "logged out"),
            ("sessions.revoked", "revoked"),
            ("sessions.lost", "LOST"),
        ] {
            let mean = self.mean(path);
            let always = matches!(text, "live" | "LOST");
            if always || mean.is_some_and(|n| n > 0.0) {
                let text = if text == "LOST" && mean == Some(0.0) {
                    "lost"
                } else {
                    text
                };
                said.extend(self.count(path).map(|n| format!("{n} {text}")));
            }
        }
        if let Some(bytes) = self.mean("sessions.token_bytes") {
            said.push(format!("a token has {} bytes", count(bytes)));
        }
        page.line("Sessions", &said.join(", "));
        let revoked = self.mean("sessions.revoked").unwrap_or(0.0) > 0.0;
        if let (true, Some(exposure)) = (revoked, self.mean("sessions.exposure_s")) {
            let let_in = self.count("sessions.revoked_accepted");
            let text = format!(
                "a revoked credential is accepted for {} on average; {} requests came in with one",
                time(exposure),
                let_in.unwrap_or_else(|| "0".to_owned())
            );
            page.line("", &text);
        }
    }

    fn recovery(&self, page: &mut Page) {
        let faults = self.list("recovery");
        if faults.is_empty() {
            return;
        }
        page.gap();
        page.line("Faults and changes", "");
        let cut_at = self.plain_number("cut.at_s");
        let end_s = cut_at.or(self.plain_number("duration_s")).unwrap_or(0.0);
        let runs = self.plain_number("replications").unwrap_or(1.0);
        for fault in faults {
            let said = super::faults::said(fault, end_s, runs);
            let fault = Results(fault);
            let what = match fault.plain("fault") {
                Some(Plain::Text(text)) => {
                    let mut commands: Vec<String> = text.split("; ").map(in_words).collect();
                    if commands.len() > COMMANDS {
                        let more = commands.split_off(COMMANDS - 1).len();
                        commands.push(format!("and {more} more"));
                    }
                    commands.join(", ")
                }
                _ => "fault".to_owned(),
            };
            let at = fault.plain_number("at_s").map(time).unwrap_or_default();
            page.text.push_str(&format!("  {at:>7}  {what}\n"));
            for line in wrapped(&said, 90) {
                page.text.push_str(&format!("           {line}\n"));
            }
        }
    }

    /// Commands that changed nothing, as the scenario writes them.
    fn without_effect(&self, page: &mut Page) {
        let commands = self.list("without_effect");
        if commands.is_empty() {
            return;
        }
        page.gap();
        page.line("Without effect", "");
        let runs = self.plain_number("replications").unwrap_or(1.0);
        for command in commands {
            let command = Results(command);
            let text = |path| match command.plain(path) {
                Some(Plain::Text(text)) => text.as_str(),
                _ => "",
            };
            let at = command.plain_number("at_s").map(time).unwrap_or_default();
            let of = match command.plain_number("runs") {
                Some(n) if n < runs => format!(" (in {n} of {runs} runs)"),
                _ => String::new(),
            };
            let (what, why) = (text("command"), text("why"));
            page.text
                .push_str(&format!("  {at:>7}  {what}\n           {why}{of}\n"));
        }
    }

    fn nodes(&self, page: &mut Page) {
        let nodes = self.parts("nodes");
        if nodes.is_empty() {
            return;
        }
        let heads = [
            "",
            "",
            "busy",
            "waiting",
            "in flight",
            "a second",
            "failed",
            "mean",
            "p99",
            "",
        ];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        let counted_s = self.plain_number("duration_s").unwrap_or(0.0)
            - self.plain_number("warmup_s").unwrap_or(0.0);
        let mut any_rough = false;
        for (name, node) in nodes {
            let node = Results(node);
            let kind = match node.plain("kind") {
                Some(Plain::Text(kind)) => kind.clone(),
                _ => String::new(),
            };
            if node.estimate("throughput_per_s").is_none() {
                continue; // clients: what they see stands above
            }
            let figure = |path: &str, print: fn(f64) -> String| {
                node.mean(path).map_or_else(|| "-".to_owned(), print)
            };
            let answered = node.mean("throughput_per_s").unwrap_or(0.0) * counted_s;
            let p99 = node.mean("response_time_s.p99");
            let rough = p99.is_some() && is_rough("p99", answered);
            any_rough |= rough;
            rows.push(vec![
                name.clone(),
                kind,
                node.busy(),
                figure("queue_length", decimal),
                figure("in_flight", decimal),
                figure("throughput_per_s", decimal),
                figure("failed", count),
                figure("response_time_s.mean", time),
                format!(
                    "{}{}",
                    if rough { "~" } else { "" },
                    figure("response_time_s.p99", time)
                ),
                String::new(),
            ]);
        }
        page.gap();
        page.line("Nodes", "");
        page.table(2, &rows);
        if any_rough {
            page.text.push_str(ROUGH);
        }
        self.bottleneck(page);
    }

    /// How busy a node is, and its busiest instance where that is busier: "28 %, busiest 50 %".
    fn busy(&self) -> String {
        let Some(mean) = self.mean("utilisation") else {
            return "-".to_owned();
        };
        let busiest = self.busiest();
        if busiest > 1.1 * mean && busiest > mean + 0.01 {
            format!("{}, busiest {}", rounded(mean), rounded(busiest))
        } else {
            rounded(mean)
        }
    }

    /// The share of its worker time that a node's busiest instance was busy.
    fn busiest(&self) -> f64 {
        self.list("instances")
            .iter()
            .filter_map(|instance| Results(instance).mean("utilisation"))
            .chain(self.mean("utilisation"))
            .fold(0.0, f64::max)
    }

    /// Names the node that everything waits for, where one is: it is busy nearly all the time, and nothing behind it is. A
    /// node before it may be as busy only because it waits for this one.
    fn bottleneck(&self, page: &mut Page) {
        let nodes = self.parts("nodes");
        let saturated = |name: &str| {
            nodes
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, node)| Results(node).busiest())
                .filter(|busiest| *busiest >= SATURATED)
        };
        let behind = |name: &str| -> Vec<String> {
            let calls = self.parts("links").iter();
            calls
                .filter_map(|(link, _)| link.strip_prefix(name)?.strip_prefix("->"))
                .map(str::to_owned)
                .collect()
        };
        let leads_to_another = |name: &str| {
            let (mut seen, mut next) = (vec![name.to_owned()], behind(name));
            while let Some(here) = next.pop() {
                if seen.contains(&here) {
                    continue;
                }
                if saturated(&here).is_some() {
                    return true;
                }
                next.extend(behind(&here));
                seen.push(here);
            }
            false
        };
        let found = nodes
            .iter()
            .filter_map(|(name, node)| Some((name, Results(node), saturated(name)?)))
            .filter(|(name, _, _)| !leads_to_another(name))
            .max_by(|a, b| a.2.total_cmp(&b.2));
        if let Some((name, node, busiest)) = found {
            let mut said = format!("{name}: {} busy", rounded(busiest));
            if let Some(waiting) = node.mean("queue_length").filter(|n| *n > 0.0) {
                said += &format!(", {} waiting", decimal(waiting));
            }
            if let Some(failed) = node.mean("failed").filter(|n| *n > 0.0) {
                said += &format!(", {} failed", count(failed));
            }
            page.line("Bottleneck", &said);
        }
    }

    fn objectives(&self, page: &mut Page) {
        let objectives = self.list("objectives");
        if objectives.is_empty() {
            return;
        }
        let mut rows = Vec::new();
        for objective in objectives {
            let objective = Results(objective);
            let name = match objective.plain("objective") {
                Some(Plain::Text(name)) => name.as_str(),
                _ => continue,
            };
            let (print, least): (fn(f64) -> String, bool) = match name {
                "availability" => (percent, true),
                "p99" | "recovery_time" => (time, false),
                _ => (count, false),
            };
            let target = objective
                .plain_number("target")
                .map(print)
                .unwrap_or_default();
            let measured = objective
                .estimate("measured")
                .map(|e| with_spread(e, print))
                .unwrap_or_default();
            let verdict = match objective.plain("met") {
                Some(Plain::Flag(true)) => "met",
                Some(Plain::Flag(false)) => "NOT MET",
                _ => "not known",
            };
            rows.push(vec![
                name.replace('_', " "),
                format!("{} {target}", if least { "≥" } else { "≤" }),
                measured,
                verdict.to_owned(),
            ]);
        }
        page.gap();
        page.line("Objectives", "");
        page.table(1, &rows);
    }

    fn simulation(&self, page: &mut Page) {
        let Some(events) = self.plain_number("simulation.events") else {
            return;
        };
        page.gap();
        page.line("Simulation", &format!("{} events", count(events)));
    }
}

/// From here on a node is so busy that what is before it waits for it.
const SATURATED: f64 = 0.9;

/// Said below a table with percentiles that few samples decide.
const ROUGH: &str = "  ~ rough: fewer than 20 samples lie beyond it\n";

/// Whether fewer than 20 of so many samples lie beyond a percentile.
fn is_rough(percentile: &str, samples: f64) -> bool {
    let beyond = match percentile {
        "p50" => 0.5,
        "p90" => 0.1,
        "p95" => 0.05,
        "p99" => 0.01,
        "p999" => 0.001,
        _ => return false,
    };
    samples * beyond < 20.0
}

/// A share in whole percent, with a decimal below 10 %.
fn rounded(share: f64) -> String {
    let percent = 100.0 * share;
    if (0.0..9.95).contains(&percent) && percent > 0.0 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    }
}

/// A command as results name it, `Crash("api",2)`, as a person would say it.
fn in_words(command: &str) -> String {
    match from_ron(command) {
        Ok(Command::Crash(node, n)) => format!("{node} {n} crashed"),
        Ok(Command::LoseMachine(node, n)) => format!("{node} {n} lost its machine"),
        Ok(Command::Hang(node, n)) => format!("{node} {n} hangs"),
        Ok(Command::Resume(node, n)) => format!("{node} {n} goes on"),
        Ok(Command::Restart(node, n)) => format!("{node} {n} is started again"),
        Ok(Command::Failover(node)) => format!("{node} fails over"),
        Ok(Command::ForceFailover(node)) => format!("{node} is forced to fail over"),
        Ok(Command::Deploy(node, Stop::Drained)) => format!("{node} is deployed, drained"),
        Ok(Command::Deploy(node, Stop::Abrupt)) => format!("{node} is deployed, abruptly"),
        Ok(Command::AddInstances(node, n)) => format!("{node} gets {n} more"),
        Ok(Command::RemoveInstances(node, n)) => format!("{node} gets {n} fewer"),
        Ok(Command::SlowInstance(node, n, factor)) => {
            format!("{node} {n} works {factor} times slower")
        }
        Ok(Command::LoseZone(zone)) => format!("zone {zone} lost its machines"),
        Ok(Command::Cut(sides)) => format!("cut {}", sides.between()),
        Ok(Command::CutOneWay(sides)) => format!("cut {}", sides.one_way()),
        Ok(Command::Slow(sides, factor)) => format!("{factor} times slower {}", sides.between()),
        Ok(Command::Lose(sides, share)) => format!("{share} of messages lost {}", sides.between()),
        Ok(Command::Heal(sides)) => format!("healed {}", sides.between()),
        Ok(Command::ReplaceSigningKey) => "the signing key is replaced".to_owned(),
        Ok(Command::RotateKeys(overlap)) => {
            format!("the signing keys are rotated, the old one good for {overlap}")
        }
        // Edits are told as they are written.
        Ok(
            Command::Set(..)
            | Command::Add(..)
            | Command::Remove(_)
            | Command::Link(_)
            | Command::Unlink(_),
        )
        | Err(_) => command.to_owned(),
    }
}

fn number(value: &Plain) -> Option<f64> {
    match value {
        Plain::Integer(number) => Some(*number as f64),
        Plain::Number(number) => Some(*number),
        _ => None,
    }
}

/// Pieces joined by commas, in lines of at most so many characters.
fn wrapped(pieces: &[String], columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let comma = if index + 1 < pieces.len() { "," } else { "" };
        match lines.last_mut() {
            Some(line) if width(line) + width(piece) + 2 <= columns => {
                line.push_str(&format!(" {piece}{comma}"));
            }
            _ => lines.push(format!("{piece}{comma}")),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_read_well() {
        assert_eq!(in_words("Crash(\"api\",2)"), "api 2 crashed");
        assert_eq!(
            in_words("Deploy(\"api\",Drained)"),
            "api is deployed, drained"
        );
        assert_eq!(in_words("something else"), "something else");
    }
}
