//! Topology files: reading with errors made for people, writing, and saving without ever leaving half a file.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Deserialize;
use serde_path_to_error::{Path as FieldPath, Segment, Track};

use super::naming::Renaming;
use super::node::Node;
use super::place::{Kind, Places, Step, line_and_column, offset, tokens};
use super::presets;
use super::scenario::{COMMANDS, Timed};
use super::settings::{
    Profile, Setting, Shape, choices_and_example, described, explain, nearest, ron_options,
    shortened, to_ron, with_profile,
};
use super::topology::{Link, SCHEMA, Topology, check_name};
use super::written::Written;

/// The largest file that is read, in bytes. A session recorded for hours stays far below.
pub const MAX_BYTES: usize = 4 << 20;

/// Why a file was refused: what is wrong, where, and what would be right. Nothing of the file was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The file's name as the user gave it.
    pub file: Box<str>,
    /// Line, from 1; 0 if the file could not be read at all.
    pub line: u32,
    /// Column, from 1, in characters; 0 if the file could not be read at all.
    pub column: u32,
    /// The field's path, such as `nodes.api.workers`; empty where no field is to blame.
    pub path: Box<str>,
    /// What is wrong, in a sentence.
    pub message: Box<str>,
    /// What may stand there, where that is known.
    pub expected: Option<Box<str>>,
    /// What stands there.
    pub found: Option<Box<str>>,
    /// The known name that was probably meant.
    pub nearest: Option<Box<str>>,
    /// The line's text.
    source: Box<str>,
}

impl std::error::Error for FileError {}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(f, "{}: {}", self.file, self.message);
        }
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        writeln!(f, "{}", self.message)?;
        let (source, caret) = self.excerpt();
        let number = self.line.to_string();
        let gap = " ".repeat(number.len());
        writeln!(f, "  {number} | {source}")?;
        write!(f, "  {gap} | {caret}")?;
        if let Some(expected) = self
            .expected
            .as_ref()
            .filter(|expected| !self.message.contains(&***expected))
        {
            write!(f, "\n  {gap} = expected {expected}")?;
        }
        Ok(())
    }
}

impl FileError {
    /// An error about the file as a whole.
    fn unreadable(file: &str, message: impl Into<Box<str>>) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
            path: "".into(),
            message: message.into(),
            expected: None,
            found: None,
            nearest: None,
            source: "".into(),
        }
    }

    /// An error at a place of the text.
    fn at(file: &str, text: &str, at: Range<usize>, message: impl Into<Box<str>>) -> Self {
        let (line, column) = line_and_column(text, at.start);
        let found = text.get(at).unwrap_or_default();
        Self {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            found: (!found.is_empty()).then(|| one_line(found).into()),
            source: text.lines().nth(line - 1).unwrap_or_default().into(),
            ..Self::unreadable(file, message)
        }
    }

    /// The part of the line around the place, and carets below it.
    fn excerpt(&self) -> (String, String) {
        const BEFORE: usize = 60;
        const SHOWN: usize = 100;
        let before = self.column.saturating_sub(1) as usize;
        let skipped = before.saturating_sub(BEFORE);
        let shown: String = self
            .source
            .chars()
            .skip(skipped)
            .take(SHOWN)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let lead = if skipped > 0 { "..." } else { "" };
        let indent = lead.len() + before - skipped;
        let found = self.found.as_deref().unwrap_or_default();
        let width = found.trim_end_matches(" ...").chars().count();
        let width = width.clamp(1, SHOWN - (before - skipped));
        (
            format!("{lead}{shown}"),
            format!("{}{}", " ".repeat(indent), "^".repeat(width)),
        )
    }
}

/// A topology with the text it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The file, unless it is a preset.
    pub path: Option<PathBuf>,
    /// What the user calls it: the file's or preset's name.
    pub name: String,
    /// The text.
    pub text: String,
    /// What it describes.
    pub topology: Topology,
}

impl Loaded {
    /// The text that saving `topology` must write: the original bytes if nothing was edited.
    pub fn text_for(&self, topology: &Topology) -> String {
        if *topology == self.topology {
            self.text.clone()
        } else {
            write_like(topology, &self.text, &self.topology)
        }
    }
}

/// Loads a topology file, or a preset by name. A file of that name goes first.
///
/// # Errors
/// There is neither, it cannot be read, or it is not a topology.
pub fn load(name: &str) -> Result<Loaded, FileError> {
    let path = Path::new(name);
    if !path.exists() {
        return match presets::find(name) {
            Some(preset) => Ok(Loaded {
                path: None,
                name: preset.name.to_owned(),
                text: preset.text.to_owned(),
                topology: read(preset.text, preset.name)?,
            }),
            None => Err(nothing_there(name)),
        };
    }
    let text = read_text(path, name)?;
    Ok(Loaded {
        path: Some(path.to_owned()),
        name: name.to_owned(),
        topology: read(&text, name)?,
        text,
    })
}

fn nothing_there(name: &str) -> FileError {
    let mut message = "there is no such file".to_owned();
    let mut meant = None;
    if !name.contains(['/', '\\', '.']) {
        message = "there is no such file, and no preset of that name".to_owned();
        meant = nearest(name, presets::all().iter().map(|preset| preset.name));
        match meant {
            Some(meant) => message += &format!("; did you mean `{meant}`?"),
            None => message += "; `statescope presets` lists those there are",
        }
    }
    FileError {
        nearest: meant.map(Into::into),
        ..FileError::unreadable(name, message)
    }
}

/// The text of a file, of at most [`MAX_BYTES`]. `name` is what errors call it.
///
/// # Errors
/// It is no file, cannot be read, is too large, or holds no text.
pub fn read_text(path: &Path, name: &str) -> Result<String, FileError> {
    let refused = |error: &io::Error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::PermissionDenied => {
                "it may not be read: its permissions forbid it".to_owned()
            }
            io::ErrorKind::IsADirectory => "it is a folder, not a file".to_owned(),
            _ => format!("it cannot be read: {error}"),
        };
        FileError::unreadable(name, reason)
    };
    // Before it is opened: opening a pipe waits for somebody who writes to it.
    let kind = fs::metadata(path).map_err(|error| refused(&error))?;
    if kind.is_dir() {
        return Err(FileError::unreadable(name, "it is a folder, not a file"));
    }
    if !kind.is_file() {
        return Err(FileError::unreadable(name, NO_FILE));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| refused(&error))?;
    if bytes.len() > MAX_BYTES {
        return Err(too_large(name));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        FileError {
            found: None,
            ..FileError::at(
                name,
                &text,
                valid..valid,
                "this is not text: the file is not UTF-8 from here on",
            )
        }
    })
}

const NO_FILE: &str = "it is a pipe or a device, not a file: put what it gives into a file first";

fn too_large(name: &str) -> FileError {
    FileError::unreadable(
        name,
        format!(
            "it is larger than {} MiB, which no topology and no list of cases is",
            MAX_BYTES >> 20
        ),
    )
}

/// Reads a topology from a file's text. `file_name` is what errors call it.
///
/// # Errors
/// The text is not a topology of a known schema; the error says where and why. Whether the topology makes sense is
/// told by [`check`](super::check::check).
pub fn read(text: &str, file_name: &str) -> Result<Topology, FileError> {
    if text.len() > MAX_BYTES {
        return Err(too_large(file_name));
    }
    let places = Places::new(text);
    let schema = places.value(&[Step::Name("schema")]);
    if let Some(at) = schema.clone()
        && let Ok(schema) = text[at.clone()].parse::<u64>()
        && schema != u64::from(SCHEMA)
    {
        return Err(FileError {
            path: "schema".into(),
            expected: Some(SCHEMA.to_string().into()),
            ..FileError::at(file_name, text, at, unknown_schema(schema))
        });
    }
    let profile = places
        .value(&[Step::Name("profile")])
        .filter(|at| &text[at.clone()] == "Bare")
        .map_or(Profile::Standard, |_| Profile::Bare);
    let topology = with_profile(profile, || parse(text, file_name, &places))?;
    if schema.is_none() {
        let at = places.token_from(0).unwrap_or(0..0);
        return Err(FileError {
            path: "schema".into(),
            expected: Some(SCHEMA.to_string().into()),
            ..FileError::at(
                file_name,
                text,
                at,
                format!(
                    "the file does not say its version: write `schema: {SCHEMA},` as its first field"
                ),
            )
        });
    }
    if let Some((name, at)) = places.repeated_entry() {
        let message = format!("`{}` stands here twice", shortened(name));
        return Err(FileError::at(file_name, text, at, message));
    }
    for name in topology.nodes.keys() {
        if let Err(message) = check_name(name) {
            let at = places.name(&[Step::Name("nodes"), Step::Name(name)]);
            return Err(FileError {
                path: "nodes".into(),
                ..FileError::at(file_name, text, at.unwrap_or(0..0), message)
            });
        }
    }
    Ok(topology)
}

/// Schema 1 is the first. A later one turns texts of the earlier ones into its own here, before they are parsed.
fn unknown_schema(schema: u64) -> String {
    if schema > u64::from(SCHEMA) {
        format!(
            "the file has schema {schema}, and this program knows schemas up to {SCHEMA}: a newer statescope wrote it"
        )
    } else {
        format!("there is no schema {schema}: files begin with schema 1")
    }
}

fn parse(text: &str, file_name: &str, places: &Places<'_>) -> Result<Topology, FileError> {
    let mut track = Track::new();
    let result =
        ron::Deserializer::from_str_with_options(text, &ron_options()).and_then(|mut ron| {
            let tracked = serde_path_to_error::Deserializer::new(&mut ron, &mut track);
            let topology = Topology::deserialize(tracked).map_err(|code| ron.span_error(code))?;
            ron.end().map_err(|code| ron.span_error(code))?;
            Ok(topology)
        });
    result.map_err(|error| {
        let reached = offset(text, error.span.end.line, error.span.end.col);
        Blame {
            text,
            places,
            path: track.path(),
            code: error.code,
            reached,
        }
        .error(file_name)
    })
}

/// What is known of a parse error, to find its place and words.
struct Blame<'a> {
    text: &'a str,
    places: &'a Places<'a>,
    path: FieldPath,
    code: ron::Error,
    /// How far the parser came, in bytes.
    reached: usize,
}

impl Blame<'_> {
    fn error(&self, file_name: &str) -> FileError {
        let at = self.place();
        let expected = self.expected();
        let near = match &self.code {
            ron::Error::NoSuchStructField {
                expected, found, ..
            }
            | ron::Error::NoSuchEnumVariant {
                expected, found, ..
            } => nearest(found, expected.iter().copied()),
            _ => None,
        };
        let message = self.sentence(&at, expected.as_deref());
        FileError {
            path: self.readable_path().into(),
            expected: expected.map(Into::into),
            nearest: near.map(Into::into),
            ..FileError::at(file_name, self.text, at, message)
        }
    }

    /// Whether brackets, commas or names are at fault rather than a value.
    fn is_syntax(&self) -> bool {
        use ron::Error as E;
        let said_of_what_was_read = matches!(
            self.code,
            E::Message(_) | E::NoSuchStructField { .. } | E::NoSuchEnumVariant { .. }
        );
        let at_end = self.places.token_from(self.reached).is_none();
        (at_end && !said_of_what_was_read)
            || matches!(
                self.code,
                E::Eof
                    | E::ExpectedArrayEnd
                    | E::ExpectedAttribute
                    | E::ExpectedAttributeEnd
                    | E::ExpectedComma
                    | E::ExpectedMapColon
                    | E::ExpectedMapEnd
                    | E::ExpectedOptionEnd
                    | E::ExpectedStructLike
                    | E::ExpectedNamedStructLike(_)
                    | E::ExpectedStructLikeEnd
                    | E::ExpectedIdentifier
                    | E::ExpectedStringEnd
                    | E::InvalidEscape(_)
                    | E::NoSuchExtension(_)
                    | E::TrailingCharacters
                    | E::UnclosedBlockComment
                    | E::UnclosedLineComment
                    | E::UnexpectedChar(_)
                    | E::ExceededRecursionLimit
            )
    }

    /// What to point at.
    fn place(&self) -> Range<usize> {
        use ron::Error as E;
        let next = || {
            self.places
                .token_from(self.reached)
                .unwrap_or(self.text.len()..self.text.len())
        };
        match &self.code {
            E::NoSuchStructField { found, .. }
            | E::NoSuchEnumVariant { found, .. }
            | E::ExpectedDifferentStructName { found, .. } => {
                // The name was just read, or is about to be.
                return [self.places.last_word_before(self.reached), Some(next())]
                    .into_iter()
                    .flatten()
                    .find(|at| self.text[at.clone()] == **found)
                    .unwrap_or_else(next);
            }
            E::UnclosedBlockComment => {
                let all = tokens(self.text);
                let comment = all.iter().rev().find(|t| t.kind == Kind::Comment);
                return comment.map_or_else(next, |comment| comment.at.start..comment.at.start + 2);
            }
            _ if self.is_syntax() => return next(),
            _ => {}
        }
        let steps: Vec<Step<'_>> = self
            .path
            .iter()
            .map_while(|segment| match segment {
                Segment::Map { key } => Some(Some(Step::Name(key))),
                Segment::Seq { index } => Some(Some(Step::Index(*index))),
                Segment::Enum { .. } => Some(None),
                Segment::Unknown => None,
            })
            .flatten()
            .collect();
        let Some(value) = self.places.value(&steps) else {
            return next();
        };
        let inside =
            value.contains(&self.reached) && self.text[value.clone()].ends_with([')', ']', '}']);
        if !inside {
            return value;
        }
        let said_after_reading = matches!(self.code, E::Message(_) | E::InvalidValueForType { .. });
        if said_after_reading {
            self.places
                .last_word_before(self.reached)
                .filter(|at| at.start >= value.start)
                .unwrap_or(value)
        } else {
            next()
        }
    }

    /// The field's path as `--set` takes it, with the alternatives' names left out.
    fn readable_path(&self) -> String {
        let mut path = String::new();
        for segment in &self.path {
            match segment {
                Segment::Map { key } => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&shortened(key));
                }
                // An event is named by its number; which of its parts is wrong, the caret shows.
                Segment::Seq { .. } if path.ends_with(']') => break,
                Segment::Seq { index } => path += &format!("[{index}]"),
                Segment::Enum { .. } => {}
                Segment::Unknown => break,
            }
        }
        path
    }

    /// What may stand at the path, from the settings' own description.
    fn expected(&self) -> Option<String> {
        let no_name = matches!(self.code, ron::Error::ExpectedIdentifier);
        if self.is_syntax() && !no_name && !matches!(self.code, ron::Error::ExpectedStructLike) {
            return None; // something would be right there if what is before it were
        }
        let mut shape = Topology::shape();
        let mut range = None;
        for segment in &self.path {
            while let Shape::Optional(inner) = shape {
                shape = *inner;
            }
            (shape, range) = match (shape, segment) {
                (Shape::Group(fields), Segment::Map { key }) => {
                    let field = fields.into_iter().find(|field| field.name == key)?;
                    (field.shape, field.range)
                }
                (Shape::Map(inner), Segment::Map { .. } | Segment::Seq { .. })
                | (Shape::List(inner), Segment::Seq { .. }) => (*inner, None),
                (Shape::Tuple(parts), Segment::Seq { index }) => {
                    (parts.into_iter().nth(*index)?, None)
                }
                (Shape::Choice(variants), Segment::Enum { variant }) => {
                    let variant = variants.into_iter().find(|v| v.name == variant)?;
                    (variant.payload?, None)
                }
                _ => return None,
            };
        }
        match (&shape, &self.code) {
            // What was read was of the right form, and its own sentence says what is wrong with it.
            (Shape::Group(_) | Shape::Map(_), ron::Error::Message(_)) => None,
            (Shape::Map(_), _) if self.readable_path() == "links" => {
                Some("a list of links, such as [\"clients -> lb\", \"lb -> api\"]".to_owned())
            }
            (Shape::Tuple(_), _) => {
                let Some(Segment::Enum { variant }) = self.path.iter().next_back() else {
                    return described(&shape, None);
                };
                let example = COMMANDS
                    .iter()
                    .find(|command| command.name == variant)
                    .map_or("At(\"60s\", Crash(\"api\", 2))", |command| command.example);
                Some(format!("all that `{variant}` holds, such as {example}"))
            }
            // Where a field's name is missing, the fields are not what was left out.
            _ if no_name && !is_choice(&shape) => None,
            _ => {
                let found = self.places.token_from(self.reached).unwrap_or(0..0);
                choices_and_example(&shape, range, &self.text[found])
            }
        }
    }

    fn sentence(&self, at: &Range<usize>, expected: Option<&str>) -> String {
        use ron::Error as E;
        let found = &self.text[at.clone()];
        let before = self
            .places
            .last_word_before(at.start)
            .filter(|word| self.text[word.end..at.start].trim().is_empty())
            .map(|word| &self.text[word]);
        let named = before.filter(|word| word.starts_with(|c: char| c.is_alphabetic()));
        match &self.code {
            E::UnclosedBlockComment => {
                "a comment begins here and never ends: close it with `*/`".to_owned()
            }
            _ if self.is_syntax() && (found.is_empty() || self.code == E::Eof) => {
                match self.places.unclosed() {
                    Some(open) => format!(
                        "the file ends here, but the `{}` of line {} is still open",
                        &self.text[open.clone()],
                        line_and_column(self.text, open.start).0
                    ),
                    None => "the file ends here, before the topology does".to_owned(),
                }
            }
            E::ExpectedComma => match (named, found) {
                (Some(name), "(") => format!("`{name}` takes nothing in brackets"),
                // The reader of whole numbers stops at what does not belong to one.
                _ if at.start < self.reached => {
                    format!("`{}` is not a whole number", one_line(found))
                }
                _ => format!("a comma is missing before `{}`", one_line(found)),
            },
            E::ExpectedMapColon => format!(
                "a colon is missing between a name and its value, before `{}`",
                one_line(found)
            ),
            E::ExpectedStructLike | E::ExpectedNamedStructLike(_) => match named {
                Some(name) => format!(
                    "`{name}` needs brackets: write `{name}()`, with what differs from the defaults between them"
                ),
                None => format!(
                    "expected {}, found `{}`",
                    expected.unwrap_or("an opening bracket `(`"),
                    one_line(found)
                ),
            },
            E::ExpectedIdentifier => {
                let expected = expected.unwrap_or("a name");
                format!("expected {expected}, found `{}`", one_line(found))
            }
            E::ExpectedDifferentStructName { expected, found } => {
                format!("expected `{expected}`, found `{}`", shortened(found))
            }
            E::TrailingCharacters => {
                format!("`{}` stands after the end of the topology", one_line(found))
            }
            E::ExceededRecursionLimit => "brackets are nested too deeply".to_owned(),
            E::NoSuchStructField { .. } | E::NoSuchEnumVariant { .. } | E::Message(_) => {
                explain(&self.code)
            }
            _ if self.is_syntax() => explain(&self.code),
            E::ExpectedDifferentLength { expected, found } => {
                // "tuple variant Command::Crash with 2 elements"
                let what = expected.rsplit("::").next().unwrap_or(expected);
                format!("expected {what}, found {found}")
            }
            _ => match expected {
                Some(expected) => {
                    format!("expected {expected}, found `{}`", one_line(found))
                }
                None => {
                    let expected = match &self.code {
                        E::ExpectedInteger => "expected a whole number".to_owned(),
                        E::ExpectedFloat => "expected a number".to_owned(),
                        E::ExpectedString => "expected a text in quotes".to_owned(),
                        E::ExpectedBoolean => "expected true or false".to_owned(),
                        E::ExpectedArray => "expected a list in square brackets".to_owned(),
                        E::ExpectedMap => "expected named entries in braces".to_owned(),
                        code => explain(code),
                    };
                    format!("{expected}, found `{}`", one_line(found))
                }
            },
        }
    }
}

/// Whether the shape is a choice between alternatives, perhaps with none taken.
fn is_choice(shape: &Shape) -> bool {
    match shape {
        Shape::Choice(_) => true,
        Shape::Optional(inner) => is_choice(inner),
        _ => false,
    }
}

/// The beginning of a piece of text, without line breaks.
fn one_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short = shortened(line);
    if short.len() == line.len() && line.len() < text.len() {
        format!("{short} ...")
    } else {
        short
    }
}

/// Line and column, from 1, of what stands at a path such as `nodes.api.workers` in a file's text.
pub fn place_of(text: &str, path: &str) -> Option<(usize, usize)> {
    let mut steps = Vec::new();
    for segment in path.split('.') {
        let (name, indices) = segment.split_once('[').unwrap_or((segment, ""));
        steps.push(Step::Name(name));
        for index in indices.split('[').filter(|index| !index.is_empty()) {
            steps.push(Step::Index(index.trim_end_matches(']').parse().ok()?));
        }
    }
    let at = Places::new(text).name(&steps)?;
    Some(line_and_column(text, at.start))
}

/// The topology as a file's text: a top-level field, node or list entry on a line each, defaults left out.
pub fn write(topology: &Topology) -> String {
    write_with(topology, None)
}

/// The same, for a topology that came from a file: what that file said, though it equals a default, is said again.
/// `original` is what `text` means.
pub fn write_like(topology: &Topology, text: &str, original: &Topology) -> String {
    let written = Written::of(text);
    write_with(topology, Some((&written, original)))
}

fn write_with(topology: &Topology, like: Option<(&Written, &Topology)>) -> String {
    // Each piece is written under the path at which its like stood in the original.
    let at = |path: Option<String>, write: &dyn Fn() -> String| match (like, path) {
        (Some((written, _)), Some(path)) => written.keeping(&path, write),
        _ => write(),
    };
    // What refers to a renamed node stood there under the name of then.
    let back = like.map(|(_, original)| Renaming::between(topology, original));
    let back = back.unwrap_or_default();
    let stood = |find: &dyn Fn(&Topology) -> Option<String>| find(like?.1);
    with_profile(topology.profile, || {
        let mut text = String::from("Topology(\n");
        let Shape::Group(fields) = Topology::shape() else {
            return text;
        };
        for field in &fields {
            let default = topology.get(&[field.name]).unwrap_or_default() == field.default;
            let said = like.is_some_and(|(written, _)| written.has(field.name));
            let named = |name: &str, value: String| format!("{}: {value}", to_ron(&name));
            let lines: Option<(char, Vec<String>, char)> = match field.name {
                "nodes" => {
                    let node = |(name, node): (&String, &Node)| {
                        let path = stood(&|original| node_before(original, name, node));
                        named(name, at(path, &|| to_ron(node)))
                    };
                    Some(('{', topology.nodes.iter().map(node).collect(), '}'))
                }
                "canvas" => {
                    let places = topology.canvas.iter();
                    let lines = places.map(|(name, place)| named(name, to_ron(place)));
                    Some(('{', lines.collect(), '}'))
                }
                "links" => {
                    let link = |link: &Link| {
                        let path = stood(&|original| {
                            let mut key = link.key();
                            back.link(&mut key);
                            Some(format!("links[{}]", original.links.find(&key)?))
                        });
                        at(path, &|| to_ron(link))
                    };
                    Some(('[', topology.links.0.iter().map(link).collect(), ']'))
                }
                "scenario" => {
                    let event = |event: &Timed| {
                        let path = stood(&|original| {
                            let mut before = event.clone();
                            back.timed(&mut before);
                            let place = original.scenario.iter().position(|old| *old == before)?;
                            Some(format!("scenario[{place}]"))
                        });
                        at(path, &|| to_ron(event))
                    };
                    Some(('[', topology.scenario.iter().map(event).collect(), ']'))
                }
                "expects" => Some(('[', topology.expects.iter().map(to_ron).collect(), ']')),
                _ => None,
            };
            match lines {
                _ if field.name == "schema" => text += &format!("    schema: {SCHEMA},\n"),
                _ if default && !said => {}
                Some((open, lines, close)) if lines.is_empty() => {
                    text += &format!("    {}: {open}{close},\n", field.name);
                }
                Some((open, lines, close)) => {
                    text += &format!("    {}: {open}\n", field.name);
                    for line in lines {
                        text += &format!("        {line},\n");
                    }
                    text += &format!("    {close},\n");
                }
                None => {
                    let path = Some(field.name.to_owned());
                    let value = at(path, &|| topology.get(&[field.name]).unwrap_or_default());
                    text += &format!("    {}: {value},\n", field.name);
                }
            }
        }
        text + ")\n"
    })
}

/// The path of a node in the topology it came from. A renamed one keeps its old name as its identity.
fn node_before(original: &Topology, name: &str, node: &Node) -> Option<String> {
    [name, node.id()]
        .into_iter()
        .find(|name| original.nodes.contains_key(*name))
        .map(|name| format!("nodes.{name}"))
}

/// Whether saving an edited topology would lose comments of its file: there are some outside quotes.
pub fn comments_lost(original_text: &str) -> bool {
    tokens(original_text)
        .iter()
        .any(|token| token.kind == Kind::Comment)
}

/// Writes a file as a whole or not at all, and leaves nothing beside it. The permissions of a file that is replaced are
/// kept.
///
/// # Errors
/// It could not be written; a file that was there before is untouched.
pub fn save(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    let refused = |kind, message: &str| Err(io::Error::new(kind, message));
    // Behind a symbolic link the file it leads to is replaced, not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if path.file_name().is_none() {
        return refused(
            io::ErrorKind::InvalidInput,
            "this is not the name of a file",
        );
    }
    let permissions = match fs::metadata(&path) {
        Ok(old) if old.is_dir() => {
            return refused(io::ErrorKind::IsADirectory, "this is a folder, not a file");
        }
        Ok(old) if !old.is_file() => {
            return refused(
                io::ErrorKind::InvalidInput,
                "this is a pipe or a device, not a file",
            );
        }
        Ok(old) if old.permissions().readonly() => {
            return refused(
                io::ErrorKind::PermissionDenied,
                "the file may not be written: its permissions forbid it",
            );
        }
        Ok(old) => Some(old.permissions()),
        Err(_) => None,
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let fill = |mut file: &fs::File| {
        if let Some(permissions) = &permissions {
            file.set_permissions(permissions.clone())?;
        }
        file.write_all(content.as_ref())?;
        file.sync_all()
    };
    // Short, so that it fits wherever the file's own name does.
    static SAVED: AtomicU32 = AtomicU32::new(0);
    let (process, number) = (std::process::id(), SAVED.fetch_add(1, Ordering::Relaxed));
    let temporary = folder.join(format!(".statescope.{process}.{number}.tmp"));
    let written = match unnamed_file(folder) {
        Some(file) => fill(&file).and_then(|()| {
            // A file without a name is gone with its process, whenever that is killed. It gets one when it is complete.
            name_file(&file, &temporary).or_else(|_| fill(&fs::File::create(&temporary)?))
        }),
        None => fs::File::create(&temporary).and_then(|file| fill(&file)),
    }
    .and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary); // it may not exist; the first error is what counts
        return written;
    }
    // The new name reaches the disk with its folder; not every system can do that, and the file itself is safe.
    if let Ok(folder) = fs::File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// A file in that folder that has no name yet, where the system has such.
#[cfg(target_os = "linux")]
fn unnamed_file(folder: &Path) -> Option<fs::File> {
    use rustix::fs::{Mode, OFlags};
    let mode = Mode::from_raw_mode(0o666);
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    rustix::fs::open(folder, flags, mode)
        .ok()
        .map(fs::File::from)
}

/// Gives a file without a name one.
#[cfg(target_os = "linux")]
fn name_file(file: &fs::File, name: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD};
    use std::os::fd::AsRawFd;
    let itself = format!("/proc/self/fd/{}", file.as_raw_fd());
    let _ = fs::remove_file(name); // left by a process of the same number that was killed just here
    rustix::fs::linkat(CWD, itself, CWD, name, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from)
}

#[cfg(not(target_os = "linux"))]
fn unnamed_file(_: &Path) -> Option<fs::File> {
    None
}

#[cfg(not(target_os = "linux"))]
fn name_file(_: &fs::File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
