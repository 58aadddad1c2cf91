//! Promises in words: what is promised, what came of it so far, and how near that is.

use crate::app::run::runner::Promise;
use crate::app::run::state::View;
use crate::app::words::format;
use crate::model::settings::to_ron;
use crate::model::{Command, Objectives};
use crate::units::{Duration, Share};

/// How a promise stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Kept so far.
    Kept,
    /// Broken.
    Broken,
    /// Nothing tells yet.
    Unknown,
}

/// What can be promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// How long answers take.
    P99,
    /// Which share of operations completes.
    Availability,
    /// Acknowledged writes that are lost.
    LostWrites,
    /// Sessions that are lost.
    LostSessions,
    /// How long the system takes to recover.
    Recovery,
}

impl Kind {
    /// All of them, in the order of the file.
    pub const ALL: [Self; 5] = [
        Self::P99,
        Self::Availability,
        Self::LostWrites,
        Self::LostSessions,
        Self::Recovery,
    ];

    /// As in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::P99 => "p99",
            Self::Availability => "availability",
            Self::LostWrites => "lost_writes",
            Self::LostSessions => "lost_sessions",
            Self::Recovery => "recovery_time",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::P99 => "p99",
            Self::Availability => "Availability",
            Self::LostWrites => "Lost writes",
            Self::LostSessions => "Lost sessions",
            Self::Recovery => "Recovery",
        }
    }

    /// In the middle of a sentence.
    pub fn in_sentence(self) -> &'static str {
        match self {
            Self::P99 => "p99",
            Self::Availability => "availability",
            Self::LostWrites => "lost writes",
            Self::LostSessions => "lost sessions",
            Self::Recovery => "recovery",
        }
    }

    /// Whether it is about what is lost for good.
    pub fn is_loss(self) -> bool {
        matches!(self, Self::LostWrites | Self::LostSessions)
    }

    /// What the field of its target asks for.
    pub fn asks(self) -> &'static str {
        match self {
            Self::Availability => "At least",
            _ => "At most",
        }
    }

    /// What is promised of it, as a person writes it; `None` if it is not.
    pub fn target(self, objectives: &Objectives) -> Option<String> {
        match self {
            Self::P99 => objectives.p99.map(|time| time.to_string()),
            Self::Availability => objectives.availability.map(|share| share.to_string()),
            Self::LostWrites => objectives.lost_writes.map(|count| count.to_string()),
            Self::LostSessions => objectives.lost_sessions.map(|count| count.to_string()),
            Self::Recovery => objectives.recovery_time.map(|time| time.to_string()),
        }
    }

    /// The command that promises it, from what a person wrote.
    ///
    /// # Errors
    /// Says what would be right.
    pub fn promised(self, text: &str) -> Result<Command, String> {
        let text = text.trim();
        let value = match self {
            Self::P99 | Self::Recovery => text
                .parse::<Duration>()
                .map(|time| to_ron(&Some(time)))
                .map_err(|error| error.to_string()),
            Self::Availability => text
                .parse::<Share>()
                .map(|share| to_ron(&Some(share)))
                .map_err(|error| error.to_string()),
            Self::LostWrites | Self::LostSessions => text
                .parse::<u64>()
                .map(|count| to_ron(&Some(count)))
                .map_err(|_| "Write a whole number, such as 0".to_owned()),
        }?;
        Ok(Command::Set(format!("objectives.{}", self.name()), value))
    }

    /// The command that takes the promise back.
    pub fn taken_back(self) -> Command {
        Command::Set(format!("objectives.{}", self.name()), "None".to_owned())
    }

    /// What may be promised, from what is measured now: what holds now and a little besides.
    pub fn suggested(self, view: &View) -> String {
        match self {
            Self::P99 => {
                let recent = view.recent();
                let now = recent
                    .and_then(|interval| interval.percentiles)
                    .map(|p| p[2]);
                Duration::from_secs(now.map_or(0.3, above).max(1e-6)).to_string()
            }
            Self::Availability => {
                let operations = &view.snapshot.operations;
                let ended = operations.completed + operations.failed;
                let now = operations.completed as f64 / ended.max(1) as f64;
                const STEPS: [f64; 8] = [0.9999, 0.9995, 0.999, 0.995, 0.99, 0.98, 0.95, 0.9];
                let step = STEPS.into_iter().find(|step| *step <= now).unwrap_or(0.5);
                // Nothing is measured yet: three nines.
                Share(if ended == 0 { 0.999 } else { step }).to_string()
            }
            Self::LostWrites | Self::LostSessions => "0".to_owned(),
            Self::Recovery => "30s".to_owned(),
        }
    }

    /// What a person wrote as its target, as figures are written: "800 ms", "99.9 %".
    pub fn written(self, target: &str) -> String {
        let value = match self {
            Self::P99 | Self::Recovery => target.parse().ok().map(Duration::secs),
            Self::Availability => target.parse().ok().map(|share: Share| share.0),
            Self::LostWrites | Self::LostSessions => target.parse().ok(),
        };
        value.map_or_else(|| target.to_owned(), |value| self.figure(value))
    }

    /// A figure of it, with its unit.
    fn figure(self, value: f64) -> String {
        match self {
            Self::P99 | Self::Recovery => format::joined(format::time(value)),
            Self::Availability => percent(value),
            Self::LostWrites | Self::LostSessions => format::grouped(value as u64),
        }
    }
}

const STEPS: [f64; 11] = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];

/// The next round number above: 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 in each decade, at least a tenth more; 0 above 0.
pub fn above(value: f64) -> f64 {
    round(value * 1.1, |decade, wanted| {
        STEPS.into_iter().find(|step| step * decade >= wanted)
    })
}

/// The next round number below, at least a tenth less.
pub fn below(value: f64) -> f64 {
    round(value * 0.9, |decade, wanted| {
        STEPS.into_iter().rev().find(|step| step * decade <= wanted)
    })
}

fn round(wanted: f64, step: impl Fn(f64, f64) -> Option<f64>) -> f64 {
    if !(wanted.is_finite() && wanted > 1e-9) {
        return 0.0;
    }
    let decade = libm::pow(10.0, libm::log10(wanted).floor());
    // Written with few digits, so that no rounding error is.
    let rounded = step(decade, wanted).unwrap_or(1.0) * decade;
    let digits = libm::pow(10.0, 2.0 - libm::log10(decade).round());
    (rounded * digits).round() / digits
}

/// A share that may be very near to 1: "98.7 %", "99.95 %"; never rounded up to what it is not.
fn percent(share: f64) -> String {
    let decimals = match 1.0 - share {
        gap if gap < 1e-9 => 0,
        gap if gap < 0.000_999 => 3,
        gap if gap < 0.009_99 => 2,
        gap if gap < 0.1 => 1,
        _ => 0,
    };
    let step = libm::pow(10.0, f64::from(decimals));
    let shown = (share * 100.0 * step + 1e-6).floor() / step;
    let text = format!("{shown:.decimals$}", decimals = decimals as usize);
    let text = match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.'),
        None => &text,
    };
    format!("{text} %")
}

/// A promise as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What is promised.
    pub kind: Kind,
    /// How it stands.
    pub standing: Standing,
    /// "at most 300 ms"
    pub target: String,
    /// "184 ms"
    pub value: String,
    /// "116 ms to spare", "broken at 61.3 s"
    pub remark: String,
    /// When it broke.
    pub broken_at: Option<Duration>,
    /// "lost sessions 514 > 0"
    pub short: String,
    /// How far beyond what was promised.
    excess: f64,
}

impl Told {
    /// All of it as a sentence, for assistive technology.
    pub fn sentence(&self) -> String {
        let standing = match self.standing {
            Standing::Kept => "kept so far",
            Standing::Broken => "broken",
            Standing::Unknown => "not known yet",
        };
        format!(
            "Promise {}: {}, {standing}: {}, {}",
            self.kind.in_sentence(),
            self.target,
            self.value,
            self.remark
        )
    }
}

/// What is promised in the document, each with what is said of it so far.
pub fn told(view: &View) -> Vec<Told> {
    let promised = |kind: &Kind| {
        let target = kind.target(&view.topology.objectives)?;
        let said = view.promises.iter().find(|p| p.verdict.name == kind.name());
        Some(tell(*kind, &target, said))
    };
    Kind::ALL.iter().filter_map(promised).collect()
}

fn tell(kind: Kind, target: &str, said: Option<&Promise>) -> Told {
    let measured = said.and_then(|said| said.verdict.measured);
    let target_value = said.map(|said| said.verdict.target);
    let met = said.and_then(|said| said.verdict.met);
    let standing = match met {
        Some(true) => Standing::Kept,
        Some(false) => Standing::Broken,
        None => Standing::Unknown,
    };
    let written = target_value.map_or_else(|| target.to_owned(), |value| kind.figure(value));
    let value = match (measured, standing) {
        (Some(value), _) => kind.figure(value),
        (None, Standing::Broken) => "not recovered".to_owned(),
        (None, _) => format::UNKNOWN.to_owned(),
    };
    let words = match (kind, target_value) {
        (Kind::LostWrites | Kind::LostSessions, Some(0.0)) => "none".to_owned(),
        (Kind::Availability, _) => format!("at least {written}"),
        _ => format!("at most {written}"),
    };
    let broken_at = said.and_then(|said| said.broken_at);
    let spare = measured
        .zip(target_value)
        .map(|(value, target)| target - value);
    let remark = match (standing, broken_at, spare) {
        (Standing::Broken, Some(at), _) => format!("broken at {}", format::instant(at)),
        (Standing::Kept, _, Some(spare)) => match kind {
            Kind::Availability => {
                let points = format::joined(format::percent(spare.abs()));
                format!("{points} to spare")
            }
            Kind::LostWrites | Kind::LostSessions if spare == 0.0 => "as promised".to_owned(),
            _ => format!("{} to spare", kind.figure(spare.max(0.0))),
        },
        (Standing::Unknown, _, Some(_)) => "so far".to_owned(),
        _ => "not known yet".to_owned(),
    };
    let sign = match kind {
        Kind::Availability => "<",
        _ => ">",
    };
    let short = match measured {
        Some(_) => format!("{} {value} {sign} {written}", kind.in_sentence()),
        None => format!("{} {value}", kind.in_sentence()),
    };
    let excess = match (kind, measured, target_value) {
        (_, None, _) => f64::INFINITY,
        (Kind::Availability, Some(value), Some(target)) => (1.0 - value) / (1.0 - target).max(1e-9),
        (_, Some(value), Some(target)) => value / target.max(1e-9),
        _ => 0.0,
    };
    Told {
        kind,
        standing,
        target: words,
        value,
        remark,
        broken_at,
        short,
        excess,
    }
}

/// The broken promise that weighs most: what is lost for good before all else, then what is farthest from its target.
pub fn worst(told: &[Told]) -> Option<&Told> {
    told.iter()
        .filter(|told| told.standing == Standing::Broken)
        .max_by(|a, b| {
            let weight = |told: &Told| (told.kind.is_loss(), told.excess);
            let ((a_loss, a), (b_loss, b)) = (weight(a), weight(b));
            a_loss.cmp(&b_loss).then(a.total_cmp(&b))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::objectives::Verdict;

    fn promise(kind: Kind, target: f64, measured: Option<f64>, met: Option<bool>) -> Told {
        let verdict = Verdict {
            name: kind.name(),
            target,
            measured,
            met,
        };
        let broken_at = (met == Some(false)).then(|| Duration::from_secs(61.3));
        tell(kind, "", Some(&Promise { verdict, broken_at }))
    }

    #[test]
    fn a_promise_is_told_with_how_near_it_is() {
        let p99 = promise(Kind::P99, 0.3, Some(0.184), Some(true));
        assert_eq!(
            (&*p99.target, &*p99.value, &*p99.remark),
            ("at most 300 ms", "184 ms", "116 ms to spare")
        );
        let available = promise(Kind::Availability, 0.98, Some(0.987), Some(true));
        assert_eq!(
            (&*available.target, &*available.value, &*available.remark),
            ("at least 98 %", "98.7 %", "0.70 % to spare")
        );
        let lost = promise(Kind::LostSessions, 0.0, Some(514.0), Some(false));
        assert_eq!(
            (&*lost.target, &*lost.value, &*lost.remark, &*lost.short),
            ("none", "514", "broken at 61.3 s", "lost sessions 514 > 0")
        );
        let slow = promise(Kind::P99, 0.3, Some(3.0), Some(false));
        let never = promise(Kind::Recovery, 30.0, None, Some(false));
        assert_eq!(never.short, "recovery not recovered");
        // What is lost for good comes before what is only slow.
        assert_eq!(worst(&[slow, lost.clone(), p99]), Some(&lost));
        assert_eq!(worst(&[available]), None);
    }

    #[test]
    fn what_is_suggested_holds_now() {
        for (value, next) in [(0.074, 0.1), (0.0091, 0.012), (0.25, 0.3), (1.9, 2.5)] {
            assert!(
                (above(value) - next).abs() < 1e-9,
                "{value}: {}",
                above(value)
            );
        }
        for (value, next) in [(0.074, 0.06), (456.0, 400.0), (0.0, 0.0), (1.0, 0.8)] {
            assert!(
                (below(value) - next).abs() < 1e-12,
                "{value}: {}",
                below(value)
            );
        }
        assert_eq!(above(0.0), 0.0);
        assert_eq!(above(0.31).to_string(), "0.4");
        // Never rounded up to what was not reached.
        assert_eq!(percent(0.999_49), "99.949 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.499_9), "49 %");
    }

    #[test]
    fn what_is_written_becomes_a_command_or_a_sentence() {
        let set = |path: &str, value: &str| Command::Set(path.into(), value.into());
        assert_eq!(
            Kind::P99.promised(" 200ms "),
            Ok(set("objectives.p99", "\"200ms\""))
        );
        assert_eq!(
            Kind::LostWrites.promised("0"),
            Ok(set("objectives.lost_writes", "0"))
        );
        assert_eq!(Kind::P99.written("800ms"), "800 ms");
        assert_eq!(Kind::Availability.written("99.9%"), "99.9 %");
        assert!(Kind::P99.promised("soon").is_err());
        assert!(
            Kind::LostSessions
                .promised("few")
                .unwrap_err()
                .contains("whole number")
        );
        let mut topology = crate::model::Topology::default();
        for kind in Kind::ALL {
            let text = match kind {
                Kind::Availability => "99.9%",
                Kind::LostWrites | Kind::LostSessions => "0",
                _ => "2s",
            };
            topology.apply(&kind.promised(text).unwrap()).unwrap();
            assert_eq!(kind.target(&topology.objectives).as_deref(), Some(text));
            topology.apply(&kind.taken_back()).unwrap();
        }
        assert_eq!(topology.objectives, Objectives::default());
    }
}
