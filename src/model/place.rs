//! Where things stand in a file's text: a tolerant scan for names, values, brackets and comments, so that an error can
//! point at what it is about. It never fails; on a text that is no RON it finds nothing.

use std::collections::BTreeSet;
use std::ops::Range;

/// What a piece of the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// A comma.
    Comma,
    /// A colon.
    Colon,
    /// A name or a number.
    Word,
    /// A text in quotes, or a character in single ones.
    Text,
    /// A comment.
    Comment,
    /// Any other character.
    Other,
}

/// A piece of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it stands, in bytes.
    pub at: Range<usize>,
}

/// The pieces of `text` without white space.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let start = at;
        let rest = &bytes[at..];
        let kind = match byte {
            b'(' | b'[' | b'{' => Kind::Open,
            b')' | b']' | b'}' => Kind::Close,
            b',' => Kind::Comma,
            b':' => Kind::Colon,
            b'"' | b'\'' => Kind::Text,
            _ if rest.starts_with(b"//") || rest.starts_with(b"/*") => Kind::Comment,
            _ if raw_text(rest).is_some() => Kind::Text,
            _ if is_word(byte) => Kind::Word,
            _ => Kind::Other,
        };
        at += match kind {
            Kind::Comment => comment(rest),
            Kind::Text => raw_text(rest).unwrap_or_else(|| quoted(rest)),
            Kind::Word => rest.iter().take_while(|&&b| is_word(b)).count(),
            _ => 1,
        };
        tokens.push(Token {
            kind,
            at: start..at,
        });
    }
    tokens
}

/// Whether the byte belongs to a name or number; every byte of a non-ASCII character does.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'+' | b'-') || !byte.is_ascii()
}

/// Length of the comment that `rest` begins with. Block comments nest.
fn comment(rest: &[u8]) -> usize {
    if rest.starts_with(b"//") {
        return rest.iter().take_while(|&&b| b != b'\n').count();
    }
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// Length of the text in quotes that `rest` begins with, or of all of it if the quote never ends.
fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == rest[0] => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of the raw text (`r"..."`, `r#"..."#`) that `rest` begins with, if it does.
fn raw_text(rest: &[u8]) -> Option<usize> {
    let after_b = usize::from(rest.first() == Some(&b'b'));
    if rest.get(after_b) == Some(&b'"') && after_b == 1 {
        return Some(1 + quoted(&rest[1..]));
    }
    if rest.get(after_b) != Some(&b'r') {
        return None;
    }
    let open = after_b + 1;
    let hashes = rest[open..].iter().take_while(|&&b| b == b'#').count();
    if rest.get(open + hashes) != Some(&b'"') {
        return None;
    }
    let mut at = open + hashes + 1;
    while at < rest.len() {
        if rest[at] == b'"'
            && rest[at + 1..]
                .iter()
                .take(hashes)
                .filter(|&&b| b == b'#')
                .count()
                == hashes
        {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(rest.len())
}

/// A step of a path into a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// A field of a group, or an entry of a map.
    Name(&'a str),
    /// A part of a list, from 0.
    Index(usize),
}

/// An entry between brackets.
struct Entry {
    /// Index of its name's token, if it has one.
    name: Option<usize>,
    /// Indices of its value's tokens.
    value: Range<usize>,
}

/// A text's pieces without comments, to be asked where something stands.
pub(crate) struct Places<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

impl<'a> Places<'a> {
    /// The places of `text`.
    pub fn new(text: &'a str) -> Self {
        let mut tokens = tokens(text);
        tokens.retain(|token| token.kind != Kind::Comment);
        Self { text, tokens }
    }

    /// Where the value at `path` stands.
    pub fn value(&self, path: &[Step<'_>]) -> Option<Range<usize>> {
        let found = self.find(path)?;
        self.span(&found.value)
    }

    /// Where the name of the entry at `path` stands, or its value if it has none.
    pub fn name(&self, path: &[Step<'_>]) -> Option<Range<usize>> {
        let found = self.find(path)?;
        match found.name {
            Some(name) => Some(self.tokens[name].at.clone()),
            None => self.span(&found.value),
        }
    }

    /// The paths of all names that are written, such as `nodes.api.workers` and `links[0].latency`. Numbers that name
    /// entries of a map are left out of them.
    pub fn paths(&self) -> BTreeSet<String> {
        let mut paths = BTreeSet::new();
        self.collect_paths(&(0..self.tokens.len()), "", &mut paths);
        paths
    }

    fn collect_paths(&self, value: &Range<usize>, path: &str, paths: &mut BTreeSet<String>) {
        let list = value
            .clone()
            .map(|index| &self.tokens[index])
            .find(|token| token.kind == Kind::Open)
            .is_some_and(|open| &self.text[open.at.clone()] == "[");
        for (index, entry) in self.entries(value).iter().enumerate() {
            let name = entry
                .name
                .map(|name| unquoted(&self.text[self.tokens[name].at.clone()]));
            let below = match name {
                Some(name) if name.parse::<u32>().is_ok() => path.to_owned(),
                Some(name) if path.is_empty() => name.to_owned(),
                Some(name) => format!("{path}.{name}"),
                None if list => format!("{path}[{index}]"),
                None => path.to_owned(),
            };
            self.collect_paths(&entry.value, &below, paths);
            if name.is_some() {
                paths.insert(below);
            }
        }
    }

    /// The last name, number or text that ends at or before `end`.
    pub fn last_word_before(&self, end: usize) -> Option<Range<usize>> {
        let until = self.tokens.partition_point(|token| token.at.end <= end);
        let token = self.tokens[..until]
            .iter()
            .rev()
            .find(|token| matches!(token.kind, Kind::Word | Kind::Text))?;
        Some(token.at.clone())
    }

    /// The piece that stands at or after `start`.
    pub fn token_from(&self, start: usize) -> Option<Range<usize>> {
        let index = self.tokens.partition_point(|token| token.at.end <= start);
        Some(self.tokens.get(index)?.at.clone())
    }

    /// The innermost bracket that is open at the end of the text, if one is.
    pub fn unclosed(&self) -> Option<Range<usize>> {
        let mut open = Vec::new();
        for token in &self.tokens {
            match token.kind {
                Kind::Open => open.push(&token.at),
                Kind::Close => {
                    open.pop();
                }
                _ => {}
            }
        }
        open.pop().cloned()
    }

    /// The first name that stands twice in the same `{}`, and its second place.
    pub fn repeated_entry(&self) -> Option<(&'a str, Range<usize>)> {
        let mut open: Vec<(bool, std::collections::HashSet<&str>)> = Vec::new();
        for (index, token) in self.tokens.iter().enumerate() {
            match token.kind {
                Kind::Open => open.push((&self.text[token.at.clone()] == "{", Default::default())),
                Kind::Close => {
                    open.pop();
                }
                Kind::Colon if index > 0 => {
                    let key = self.tokens[index - 1].at.clone();
                    let name = unquoted(&self.text[key.clone()]);
                    if let Some((true, names)) = open.last_mut()
                        && !names.insert(name)
                    {
                        return Some((name, key));
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn find(&self, path: &[Step<'_>]) -> Option<Entry> {
        let mut here = Entry {
            name: None,
            value: 0..self.tokens.len(),
        };
        for step in path {
            let mut entries = self.entries(&here.value);
            // `Clients((users: 3))` wraps a group once more, and so does `Some((...))`; no file does it oftener.
            for _ in 0..2 {
                if let ([only], Step::Name(_)) = (&entries[..], step)
                    && only.name.is_none()
                {
                    entries = self.entries(&only.value);
                }
            }
            here = match *step {
                Step::Name(wanted) => entries.into_iter().find(|entry| {
                    entry.name.is_some_and(|name| {
                        unquoted(&self.text[self.tokens[name].at.clone()]) == wanted
                    })
                }),
                Step::Index(index) => entries.into_iter().nth(index),
            }?;
        }
        Some(here)
    }

    /// What stands between the brackets of the value made of these tokens.
    fn entries(&self, value: &Range<usize>) -> Vec<Entry> {
        let Some(open) =
            (value.start..value.end).find(|&index| self.tokens[index].kind == Kind::Open)
        else {
            return Vec::new();
        };
        let mut entries = Vec::new();
        let (mut depth, mut start) = (0, open + 1);
        for index in open + 1..value.end {
            let kind = self.tokens[index].kind;
            let closes = kind == Kind::Close && depth == 0;
            if closes || (kind == Kind::Comma && depth == 0) {
                if index > start {
                    entries.push(self.entry(start..index));
                }
                start = index + 1;
            }
            if closes {
                return entries;
            }
            match kind {
                Kind::Open => depth += 1,
                Kind::Close => depth -= 1,
                _ => {}
            }
        }
        if value.end > start {
            entries.push(self.entry(start..value.end));
        }
        entries
    }

    fn entry(&self, tokens: Range<usize>) -> Entry {
        let named = tokens.len() >= 2 && self.tokens[tokens.start + 1].kind == Kind::Colon;
        if named {
            Entry {
                name: Some(tokens.start),
                value: tokens.start + 2..tokens.end,
            }
        } else {
            Entry {
                name: None,
                value: tokens,
            }
        }
    }

    fn span(&self, tokens: &Range<usize>) -> Option<Range<usize>> {
        let first = self.tokens.get(tokens.start)?;
        let last = self.tokens.get(tokens.end.checked_sub(1)?)?;
        (tokens.start < tokens.end).then_some(first.at.start..last.at.end)
    }
}

/// A name without its quotes. Names have no escapes.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text)
}

/// Line and column, from 1, of a place in `text`; the column counts characters.
pub(crate) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        1 + before.matches('\n').count(),
        1 + before[line_start..].chars().count(),
    )
}

/// The place of a line and column, from 1; the end of the text where there is no such place.
pub(crate) fn offset(text: &str, line: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        match text[start..].find('\n') {
            Some(newline) => start += newline + 1,
            None => return text.len(),
        }
    }
    text[start..]
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(text.len(), |(at, _)| start + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_past_comments_and_texts_with_brackets() {
        use Step::Name;
        let text = r##"// a comment with "quotes" and (brackets
Topology(schema: 1, /* a /* nested */ one, */
    nodes: {"api": Service(mean: LogNormal(mean: "1)5ms", cv: 2), note: r#"a " b"#, c: 'x', last: "\"")},
)"##;
        let places = Places::new(text);
        let value = |path: &[Step<'_>]| places.value(path).map(|at| &text[at]);
        assert_eq!(value(&[Name("schema")]), Some("1"));
        let api = |rest: &[Step<'static>]| {
            let path: Vec<Step<'_>> = [Name("nodes"), Name("api")]
                .into_iter()
                .chain(rest.iter().copied())
                .collect();
            value(&path)
        };
        assert_eq!(api(&[Name("mean"), Name("mean")]), Some("\"1)5ms\""));
        assert_eq!(api(&[Name("note")]), Some("r#\"a \" b\"#"));
        assert_eq!(api(&[Name("last")]), Some("\"\\\"\""));
    }

    #[test]
    fn lists_and_wrapped_groups_are_entered() {
        use Step::{Index, Name};
        let text = r#"T(list: [At("60s", Crash("api", 2)), B], w: Some((a: 1)), last: -1.5e3,)"#;
        let places = Places::new(text);
        let value = |path: &[Step<'_>]| places.value(path).map(|at| &text[at]);
        assert_eq!(
            value(&[Name("list"), Index(0), Index(1)]),
            Some("Crash(\"api\", 2)")
        );
        assert_eq!(
            value(&[Name("list"), Index(0), Index(1), Index(1)]),
            Some("2")
        );
        assert_eq!(value(&[Name("list"), Index(1)]), Some("B"));
        assert_eq!(value(&[Name("list"), Index(2)]), None);
        assert_eq!(value(&[Name("w"), Name("a")]), Some("1"));
        assert_eq!(value(&[Name("last")]), Some("-1.5e3"));
        assert_eq!(value(&[Name("none")]), None);
    }

    #[test]
    fn repeated_entries_of_maps_are_found_but_fields_of_groups_are_not_its_matter() {
        let text = r#"T(a: 1, a: 2, nodes: {"x": A(b: 1), "y": A(b: 1), "x": C})"#;
        let (name, at) = Places::new(text).repeated_entry().unwrap();
        assert_eq!((name, at.start), ("x", text.rfind("\"x\"").unwrap()));
    }

    #[test]
    fn any_text_is_scanned_to_its_end() {
        for text in [
            "\"",
            "'",
            "r#\"",
            "r##\"a\"#",
            "/*",
            "/* /*",
            "((((",
            "))))",
            "\\",
            "\"\\",
            "é\"é",
            "b\"",
            "b",
            "r",
            "r#",
        ] {
            let found = tokens(text);
            assert!(
                found.iter().all(|t| text.get(t.at.clone()).is_some()),
                "{text}"
            );
            let places = Places::new(text);
            places.value(&[Step::Name("a"), Step::Index(0)]);
            places.unclosed();
            places.repeated_entry();
        }
    }

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let text = "aé\nb\n";
        for at in [0, 1, 3, 4, 5, 6] {
            let (line, column) = line_and_column(text, at);
            assert_eq!(offset(text, line, column), at, "{line}:{column}");
        }
        assert_eq!(line_and_column(text, 3), (1, 3));
        assert_eq!(offset(text, 99, 99), text.len());
    }
}
