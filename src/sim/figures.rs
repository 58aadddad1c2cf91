//! Results as a tree of figures, in the shape of `run --json`.

/// A figure, or a group of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Figures {
    /// Decided by the seed; `None` without samples. Replications give it a mean and a confidence interval.
    Figure(Option<f64>),
    /// The same in every replication: a text or number written as it is.
    Plain(Plain),
    /// Named parts, in order. A part that a replication lacks counts as 0 there.
    Group(Vec<(String, Figures)>),
    /// Numbered parts.
    List(Vec<Figures>),
}

/// A value that the seed does not decide.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain {
    /// Whole number.
    Integer(u64),
    /// Number.
    Number(f64),
    /// Text.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// Not known or not applicable.
    Null,
}

impl Figures {
    /// A count.
    pub fn count(n: u64) -> Self {
        Self::Figure(Some(n as f64))
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Plain(Plain::Text(text.into()))
    }

    /// A group from pairs.
    pub fn group<const N: usize>(parts: [(&str, Self); N]) -> Self {
        Self::Group(
            parts
                .map(|(name, part)| (name.to_owned(), part))
                .into_iter()
                .collect(),
        )
    }

    /// The part at a path such as `nodes.api.queue_length` or `recovery[0].lost_writes`.
    pub fn at(&self, path: &str) -> Option<&Self> {
        let mut here = self;
        for segment in path.split('.') {
            let (name, indices) = segment.split_once('[').unwrap_or((segment, ""));
            let Self::Group(parts) = here else {
                return None;
            };
            here = &parts.iter().find(|(n, _)| n == name)?.1;
            for index in indices.split('[').filter(|i| !i.is_empty()) {
                let Self::List(list) = here else { return None };
                here = list.get(index.trim_end_matches(']').parse::<usize>().ok()?)?;
            }
        }
        Some(here)
    }
}
