//! Results as a tree of figures, in the shape of `run --json`.

/// A figure, or a group of them. `F` is what is known of a figure that the seed decides: in one run its value (`None`
/// without samples), over replications a mean and a confidence interval.
#[derive(Clone, Debug, PartialEq)]
pub enum Figures<F = Option<f64>> {
    /// Decided by the seed.
    Figure(F),
    /// The same in every replication: a text or number written as it is.
    Plain(Plain),
    /// Named parts, in order. A figure that a replication's group lacks counts as 0 there.
    Group(Vec<(String, Figures<F>)>),
    /// Numbered parts.
    List(Vec<Figures<F>>),
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
}

impl<F> Figures<F> {
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
