//! Sentences in parts, of which some have a colour.

/// What a part of a sentence is about, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Said beside.
    Plain,
    /// The main thing.
    Strong,
    /// Operations that failed.
    Failed,
    /// Writes or sessions that were lost.
    Lost,
}

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The words.
    pub text: String,
    /// What they are about.
    pub kind: SpanKind,
}

impl Span {
    /// Words said beside.
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            kind: SpanKind::Plain,
        }
    }

    /// The main thing.
    pub fn strong(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            kind: SpanKind::Strong,
        }
    }

    /// Operations that failed.
    pub fn failed(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            kind: SpanKind::Failed,
        }
    }

    /// Writes or sessions that were lost.
    pub fn lost(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            kind: SpanKind::Lost,
        }
    }
}
