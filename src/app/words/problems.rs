//! What checks and refusals say, with the place that each is about.

use super::events::imperative;
use super::format;
use super::spoken::{capitalised, link_words, sentence, words};
use crate::model::check::{Problem, Severity};
use crate::model::settings::SettingError;
use crate::model::{Timed, Topology};

/// What a path of the file is of: "api, boot time", "crash api 2 at 60.0 s".
pub fn place(path: &str, topology: &Topology) -> String {
    let list = |name: &str| -> Option<usize> {
        let rest = path.strip_prefix(name)?.strip_prefix('[')?;
        rest.split(']').next()?.parse().ok()
    };
    if let Some(timed) = list("scenario").and_then(|i| topology.scenario.get(i)) {
        let name = imperative(timed.command()).1;
        return match timed {
            Timed::At(at, _) => format!("{name} at {}", format::instant(*at)),
            Timed::Between(from, ..) => format!("{name} after {}", format::instant(*from)),
        };
    }
    if let Some(i) = list("expects") {
        return format!("Check {}", i + 1);
    }
    if let Some(link) = list("links").and_then(|i| topology.links.0.get(i)) {
        return format!("Link {} to {}", link.from, link.to);
    }
    let (head, rest) = match path.strip_prefix("nodes.") {
        Some(rest) => {
            let own = |name: &&String| {
                let after = rest.strip_prefix(name.as_str());
                after.is_some_and(|after| after.is_empty() || after.starts_with('.'))
            };
            let name = topology
                .nodes
                .keys()
                .filter(own)
                .max_by_key(|name| name.len());
            match name {
                Some(name) => (name.clone(), rest[name.len()..].trim_start_matches('.')),
                None => (rest.to_owned(), ""),
            }
        }
        None => match path.strip_prefix("links.") {
            Some(rest) => (format!("Link {}", link_words(rest)), ""),
            None => {
                let (head, rest) = path.split_once('.').unwrap_or((path, ""));
                (capitalised(&words(head)), rest)
            }
        },
    };
    let parts = rest.split('.').filter(|part| !part.is_empty()).map(words);
    std::iter::once(head)
        .chain(parts)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A problem with the place that it is about, unless it names that itself or is about everything.
pub fn problem(problem: &Problem, topology: &Topology) -> String {
    let message = sentence(&problem.message, |name| topology.nodes.contains_key(name));
    if problem.path.is_empty() || problem.path == "nodes" {
        return capitalised(&message);
    }
    let place = place(&problem.path, topology);
    let subject = problem.message.split('`').nth(1);
    if problem.message.starts_with('`') && place.split(", ").next() == subject {
        return message;
    }
    format!("{place}: {message}")
}

/// Why something could not be done.
pub fn refusal(error: &SettingError, topology: &Topology) -> String {
    problem(
        &Problem {
            severity: Severity::Error,
            path: error.path.clone(),
            message: error.message.clone(),
        },
        topology,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::Sample;

    #[test]
    fn places_are_named_as_they_are_seen() {
        let topology = Sample::new().topology;
        assert_eq!(place("nodes.api.boot_time", &topology), "api, boot time");
        assert_eq!(place("nodes.api", &topology), "api");
        assert_eq!(place("sessions.lifetime", &topology), "Sessions, lifetime");
        assert_eq!(place("links[0]", &topology), "Link clients to lb");
        assert_eq!(place("expects[1]", &topology), "Check 2");
        let event = place("scenario[0]", &topology);
        assert!(event.contains(" at "), "{event}");
    }
}
