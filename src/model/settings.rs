//! Every setting, described once.
//!
//! `settings!` declares a group of settings: name, type, default, range, one sentence of meaning and the source of
//! the default. From that one description come the struct, reading and writing it in files (defaults left out),
//! access by path (`--set nodes.api.workers=4`), the inspector's fields and the generated reference.
//! `choices!` does the same for a choice between alternatives.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use indexmap::IndexMap;
use ron::extensions::Extensions;
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};

use super::place::{Kind, tokens};
use crate::units::{Bandwidth, Bytes, Duration, Rate, Share};

/// Which defaults apply to what a file leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub enum Profile {
    /// Defaults of practice, each with its source.
    #[default]
    Standard,
    /// Nothing but the stations: no latency, timeout, retry, check or session, so that queueing theory applies.
    Bare,
}

thread_local! {
    static PROFILE: Cell<Profile> = const { Cell::new(Profile::Standard) };
}

/// Runs `f` with the defaults of `profile`, which reading, writing and describing settings look up.
pub fn with_profile<T>(profile: Profile, f: impl FnOnce() -> T) -> T {
    struct Restore(Profile);
    impl Drop for Restore {
        fn drop(&mut self) {
            PROFILE.set(self.0);
        }
    }
    let _restore = Restore(PROFILE.replace(profile));
    f()
}

/// The profile whose defaults apply on this thread now.
pub fn current_profile() -> Profile {
    PROFILE.get()
}

/// What a setting may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A time, such as `"250us"`.
    Duration,
    /// A rate, such as `"500/s"`.
    Rate,
    /// A size, such as `"16KiB"`.
    Bytes,
    /// A bandwidth, such as `"1GiB/s"`.
    Bandwidth,
    /// A share, such as `"99.9%"`.
    Share,
    /// Text.
    Text,
    /// `true` or `false`.
    Flag,
    /// One of several alternatives.
    Choice(Vec<Variant>),
    /// The inner shape, or `None`.
    Optional(Box<Shape>),
    /// Settings that belong together.
    Group(Vec<Field>),
    /// Named entries of one shape.
    Map(Box<Shape>),
    /// Entries of one shape in order.
    List(Box<Shape>),
    /// So many values of these shapes in brackets.
    Tuple(Vec<Shape>),
    /// Anything else, written as in a file.
    Ron,
}

/// One alternative of a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// As written in a file.
    pub name: &'static str,
    /// Its meaning in a sentence.
    pub doc: &'static str,
    /// What it holds, if anything.
    pub payload: Option<Shape>,
}

/// One setting of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// As written in a file.
    pub name: &'static str,
    /// Its meaning in a sentence.
    pub doc: &'static str,
    /// What it may be.
    pub shape: Shape,
    /// Its default under the current profile, as written in a file.
    pub default: String,
    /// Least and greatest value, as written in a file without quotes.
    pub range: Option<(&'static str, &'static str)>,
    /// Where the default comes from; "gk" is general knowledge, an order of magnitude.
    pub source: &'static str,
}

/// Why a path or its value was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    /// The path that was asked for, as far as it is wrong.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for SettingError {}

impl SettingError {
    /// An error at the place itself.
    pub fn here(message: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            message: message.into(),
        }
    }

    /// The same error seen from one level up.
    #[must_use]
    pub fn under(mut self, segment: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = format!("{segment}{dot}{}", self.path);
        self
    }

    /// No field `found`; names the nearest of `known`.
    pub fn unknown(found: &str, known: &[&str]) -> Self {
        Self::here(unknown_name("field", found, known.iter().copied()))
    }
}

/// "there is no field `x`; did you mean `y`?", or a list of what there is.
pub fn unknown_name<'a>(
    what: &str,
    found: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let found = &shortened(found);
    match nearest(found, known.clone()) {
        Some(near) => format!("there is no {what} `{found}`; did you mean `{near}`?"),
        None => {
            let all: Vec<&str> = known.collect();
            if all.is_empty() {
                format!("there is no {what} `{found}`; nothing is expected here")
            } else {
                format!(
                    "there is no {what} `{found}`; expected one of: {}",
                    all.join(", ")
                )
            }
        }
    }
}

/// The text, cut to a length that fits a sentence and on one line.
pub fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push_str("...");
    }
    short
}

/// The name closest to `found`, if any is close enough to be what was meant.
pub fn nearest<'a>(found: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if found.len() > 64 {
        return None; // no name is that long, and comparing takes its time
    }
    known
        .map(|name| {
            (
                strsim::jaro_winkler(&found.to_lowercase(), &name.to_lowercase()),
                name,
            )
        })
        .filter(|&(likeness, _)| likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// How this project reads and writes RON: bare values for optional ones, variants around groups without double brackets.
pub fn ron_options() -> ron::Options {
    ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES)
        .with_recursion_limit(64)
}

/// The value as written in a file, on one line.
pub fn to_ron<T: Serialize>(value: &T) -> String {
    let one_line = ron::ser::PrettyConfig::new()
        .new_line("")
        .indentor("")
        .compact_arrays(true)
        .compact_maps(true)
        .compact_structs(true);
    // Writing our own types into a string cannot fail; an empty text would be noticed by every round-trip test.
    let text = ron_options()
        .to_string_pretty(value, one_line)
        .unwrap_or_default();
    // As a person would write it: `cv: 2` for 2.0, and `None` for `r#None`, by which RON marks an alternative of that name.
    let mut short = String::with_capacity(text.len());
    let mut copied = 0;
    for token in tokens(&text) {
        let word = &text[token.at.clone()];
        let whole_number = token.kind == Kind::Word
            && word.ends_with(".0")
            && word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let raw_name =
            token.kind == Kind::Other && word == "#" && text[..token.at.start].ends_with('r');
        if whole_number {
            short.push_str(&text[copied..token.at.end - 2]);
            copied = token.at.end;
        } else if raw_name {
            short.push_str(&text[copied..token.at.start - 1]);
            copied = token.at.end;
        }
    }
    short + &text[copied..]
}

/// A value from text as in a file; quotes around a quantity may be left out.
///
/// # Errors
/// What is wrong with the text.
pub fn from_ron<T: DeserializeOwned>(text: &str) -> Result<T, SettingError> {
    ron_or_quoted(text).map_err(|code| SettingError::here(explain(&code)))
}

/// A value from text as in a file, or from the text put in quotes; else what is wrong.
fn ron_or_quoted<T: DeserializeOwned>(text: &str) -> Result<T, ron::Error> {
    ron_options()
        .from_str(text)
        .or_else(|error: ron::error::SpannedError| {
            let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            ron_options()
                .from_str(&quoted)
                .map_err(|again| match (error.code, again.code) {
                    // Unquoted "5 apples" is best explained by the quantity's own sentence.
                    (ron::Error::ExpectedString, sentence @ ron::Error::Message(_)) => sentence,
                    (code, _) => code,
                })
        })
}

/// The same for a setting: what is of another kind altogether is answered with what may stand there, and an example.
pub(crate) fn read<T: Setting>(text: &str) -> Result<T, SettingError> {
    use ron::Error as E;
    ron_or_quoted(text).map_err(|code| {
        let said = matches!(
            code,
            E::Message(_) | E::NoSuchStructField { .. } | E::NoSuchEnumVariant { .. }
        );
        let shape = T::shape();
        let begins = |c: char| text.trim_start().starts_with(c);
        let inside = match &shape {
            Shape::Choice(variants) => variants.iter().any(|variant| {
                text.trim_start()
                    .strip_prefix(variant.name)
                    .is_some_and(|rest| rest.trim_start().starts_with('('))
            }),
            Shape::Group(_) | Shape::Tuple(_) => begins('('),
            Shape::Map(_) => begins('{'),
            Shape::List(_) => begins('['),
            _ => false,
        };
        match choices_and_example(&shape, None, text) {
            Some(choices) if !said && !inside => SettingError::here(format!(
                "expected {choices}, found `{}`",
                shortened(text.trim())
            )),
            _ => SettingError::here(explain(&code)),
        }
    })
}

/// A shape in words, such as "a whole number from 1 to 1000".
pub(crate) fn described(shape: &Shape, range: Option<(&str, &str)>) -> Option<String> {
    let within = |what: &str| match range {
        Some((low, high)) => format!("{what} from {low} to {high}"),
        None => what.to_owned(),
    };
    Some(
        match shape {
            Shape::Integer => within("a whole number"),
            Shape::Number => within("a number"),
            Shape::Duration => within("a time in quotes, such as \"250us\","),
            Shape::Rate => within("a rate in quotes, such as \"500/s\","),
            Shape::Bytes => within("a size in quotes, such as \"16KiB\","),
            Shape::Bandwidth => {
                within("a bandwidth in quotes, such as \"1GiB/s\" or \"unlimited\",")
            }
            Shape::Share => within("a share in quotes, such as \"99.9%\","),
            Shape::Text => "a text in quotes".to_owned(),
            Shape::Flag => "true or false".to_owned(),
            Shape::Choice(variants) => {
                let names: Vec<&str> = variants.iter().map(|variant| variant.name).collect();
                format!("one of: {}", names.join(", "))
            }
            Shape::Optional(inner) => format!("None or {}", described(inner, range)?),
            Shape::Group(_) => "settings in brackets, such as (name: value)".to_owned(),
            Shape::Map(_) => "named entries in braces, such as {\"name\": value}".to_owned(),
            Shape::List(inner) => match example(inner, "") {
                Some(example) => format!("a list in square brackets, such as [{example}]"),
                None => "a list in square brackets".to_owned(),
            },
            Shape::Tuple(parts) => {
                let parts: Option<Vec<String>> = parts.iter().map(|p| example(p, "")).collect();
                format!("({})", parts?.join(", "))
            }
            Shape::Ron => return None,
        }
        .trim_end_matches(',')
        .to_owned(),
    )
}

/// A value of the shape as it is written. A choice takes up what was found, where that is what one of its alternatives
/// holds, or its name in quotes.
pub(crate) fn example(shape: &Shape, found: &str) -> Option<String> {
    let quantity = |sample: &str| Some(format!("\"{sample}\""));
    match shape {
        Shape::Integer => Some("3".to_owned()),
        Shape::Number => Some("1.5".to_owned()),
        Shape::Duration => quantity("60s"),
        Shape::Rate => quantity("100/s"),
        Shape::Bytes => quantity("16KiB"),
        Shape::Bandwidth => quantity("1GiB/s"),
        Shape::Share => quantity("99.9%"),
        Shape::Text => quantity("api"),
        Shape::Flag => Some("true".to_owned()),
        Shape::Optional(inner) => example(inner, found),
        Shape::Group(_) => Some("()".to_owned()),
        Shape::Map(_) => Some("{}".to_owned()),
        Shape::List(inner) => Some(format!("[{}]", example(inner, found)?)),
        Shape::Tuple(parts) => {
            let parts: Option<Vec<String>> = parts.iter().map(|part| example(part, "")).collect();
            Some(format!("({})", parts?.join(", ")))
        }
        Shape::Choice(variants) => {
            let bare = found.trim().trim_matches('"');
            if let Some(named) = variants.iter().find(|variant| variant.name == bare) {
                return written(named, "");
            }
            let holds = |variant: &&Variant| {
                variant
                    .payload
                    .as_ref()
                    .is_some_and(|payload| is_quantity_of(payload, bare))
            };
            match variants.iter().find(holds) {
                Some(variant) => written(variant, bare),
                None => written(variants.first()?, ""),
            }
        }
        Shape::Ron => None,
    }
}

/// An alternative as it is written, around `held` if that is not empty.
fn written(variant: &Variant, held: &str) -> Option<String> {
    let name = variant.name;
    Some(match &variant.payload {
        None => name.to_owned(),
        Some(_) if !held.is_empty() => format!("{name}(\"{held}\")"),
        Some(Shape::Group(_)) => format!("{name}()"),
        Some(tuple @ Shape::Tuple(_)) => format!("{name}{}", example(tuple, "")?),
        Some(payload) => format!("{name}({})", example(payload, "")?),
    })
}

/// Whether the text is a quantity of that shape.
fn is_quantity_of(shape: &Shape, text: &str) -> bool {
    match shape {
        Shape::Duration => text.parse::<Duration>().is_ok(),
        Shape::Rate => text.parse::<Rate>().is_ok(),
        Shape::Bytes => text.parse::<Bytes>().is_ok(),
        Shape::Bandwidth => text.parse::<Bandwidth>().is_ok(),
        Shape::Share => text.parse::<Share>().is_ok(),
        _ => false,
    }
}

/// What may stand where something else was found, with an example where the choice is not obvious.
pub(crate) fn choices_and_example(
    shape: &Shape,
    range: Option<(&str, &str)>,
    found: &str,
) -> Option<String> {
    let choices = described(shape, range)?;
    let inner = match shape {
        Shape::Optional(inner) => inner,
        other => other,
    };
    let plain = |variants: &[Variant]| variants.iter().all(|variant| variant.payload.is_none());
    let known = |variants: &[Variant]| {
        variants
            .iter()
            .any(|variant| variant.name == found.trim().trim_matches('"'))
    };
    match inner {
        Shape::Choice(variants) if !plain(variants) || known(variants) => {
            Some(format!("{choices}; such as {}", example(inner, found)?))
        }
        _ => Some(choices),
    }
}

/// A RON error as a sentence of ours, with a near match for a misspelt name.
pub fn explain(error: &ron::Error) -> String {
    match error {
        ron::Error::NoSuchStructField {
            expected, found, ..
        } => unknown_name("field", found, expected.iter().copied()),
        ron::Error::NoSuchEnumVariant {
            expected, found, ..
        } => unknown_name("choice", found, expected.iter().copied()),
        other => {
            let text = other.to_string();
            let mut chars = text.chars();
            chars
                .next()
                .map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
        }
    }
}

/// What every setting can do: describe itself, and be read and written by path.
pub trait Setting: Sized + Serialize + DeserializeOwned + PartialEq {
    /// What it may be.
    fn shape() -> Shape;

    /// The text at `path` below this setting, as in a file.
    ///
    /// # Errors
    /// There is nothing at that path.
    fn get(&self, path: &[&str]) -> Result<String, SettingError> {
        match path.first() {
            None => Ok(to_ron(self)),
            Some(segment) => Err(SettingError::here("has no fields").under(segment)),
        }
    }

    /// Sets what is at `path` below this setting from text as in a file.
    ///
    /// # Errors
    /// There is nothing at that path, or the text is not a value for it; then nothing has changed.
    fn set(&mut self, path: &[&str], text: &str) -> Result<(), SettingError> {
        match path.first() {
            None => {
                *self = read(text)?;
                Ok(())
            }
            Some(segment) => Err(SettingError::here("has no fields").under(segment)),
        }
    }

    /// What an entry of a map begins with when only a part of it is set; `None`: it has to be given as a whole.
    fn fresh() -> Option<Self> {
        None
    }

    /// Its size in base units (seconds, bytes, per second), to compare with a range.
    fn measure(&self) -> Option<f64> {
        None
    }

    /// The size of a bound's text.
    fn measure_text(_text: &str) -> Option<f64> {
        None
    }
}

macro_rules! leaf {
    ($($ty:ty, $shape:ident, |$v:ident| $measure:expr;)*) => { $(
        impl Setting for $ty {
            fn shape() -> Shape { Shape::$shape }
            fn measure(&self) -> Option<f64> { let $v = self; $measure }
            fn measure_text(text: &str) -> Option<f64> { text.parse::<Self>().ok()?.measure() }
        }
    )* };
}

leaf! {
    u32, Integer, |v| Some(f64::from(*v));
    u64, Integer, |v| Some(*v as f64);
    f64, Number, |v| Some(*v);
    Duration, Duration, |v| Some(v.secs());
    Rate, Rate, |v| Some(v.0);
    Bytes, Bytes, |v| Some(v.0 as f64);
    Bandwidth, Bandwidth, |v| Some(v.0);
    Share, Share, |v| Some(v.0);
    bool, Flag, |_v| None;
    String, Text, |_v| None;
}

impl Setting for Profile {
    fn shape() -> Shape {
        let variant = |name, doc| Variant {
            name,
            doc,
            payload: None,
        };
        Shape::Choice(vec![
            variant("Standard", "Defaults of practice."),
            variant(
                "Bare",
                "Nothing but the stations, so that queueing theory applies.",
            ),
        ])
    }
}

impl<T: Setting> Setting for Option<T> {
    fn shape() -> Shape {
        Shape::Optional(Box::new(T::shape()))
    }

    fn get(&self, path: &[&str]) -> Result<String, SettingError> {
        match self {
            Some(inner) if !path.is_empty() => inner.get(path),
            None if !path.is_empty() => Err(SettingError::here("is None").under(path[0])),
            _ => Ok(to_ron(self)),
        }
    }

    fn set(&mut self, path: &[&str], text: &str) -> Result<(), SettingError> {
        match self {
            Some(inner) if !path.is_empty() => inner.set(path, text),
            None if !path.is_empty() => {
                Err(SettingError::here("is None; set it as a whole first").under(path[0]))
            }
            _ => {
                *self = read(text)?;
                Ok(())
            }
        }
    }

    fn measure(&self) -> Option<f64> {
        self.as_ref()?.measure()
    }

    fn measure_text(text: &str) -> Option<f64> {
        T::measure_text(text)
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }

    fn get(&self, path: &[&str]) -> Result<String, SettingError> {
        let Some((&place, rest)) = path.split_first() else {
            return Ok(to_ron(self));
        };
        match index(place).and_then(|index| <[T]>::get(self, index)) {
            Some(entry) => entry.get(rest).map_err(|e| e.under(place)),
            None => Err(no_place(place, self.len())),
        }
    }

    /// The place after the last one adds an entry.
    fn set(&mut self, path: &[&str], text: &str) -> Result<(), SettingError> {
        let Some((&place, rest)) = path.split_first() else {
            *self = read(text)?;
            return Ok(());
        };
        match index(place) {
            Some(index) if index < self.len() => {
                self[index].set(rest, text).map_err(|e| e.under(place))
            }
            Some(index) if index == self.len() && rest.is_empty() => {
                self.push(read(text).map_err(|e| e.under(place))?);
                Ok(())
            }
            _ => Err(no_place(place, self.len())),
        }
    }
}

/// The place that `[3]` names.
pub(crate) fn index(place: &str) -> Option<usize> {
    place
        .strip_prefix('[')?
        .strip_suffix(']')?
        .trim()
        .parse()
        .ok()
}

/// There is nothing at `place` of a list.
pub(crate) fn no_place(place: &str, length: usize) -> SettingError {
    let message = match (index(place), length) {
        (None, _) => {
            "is a list: write the place of an entry in square brackets, counted from 0".to_owned()
        }
        (_, 0) => "the list is empty; [0] adds an entry".to_owned(),
        (_, n) => format!("the list ends with [{}]; [{n}] adds an entry", n - 1),
    };
    match index(place) {
        None => SettingError::here(message),
        Some(_) => SettingError::here(message).under(place),
    }
}

impl Setting for (f32, f32) {
    fn shape() -> Shape {
        Shape::Tuple(vec![Shape::Number, Shape::Number])
    }

    fn get(&self, path: &[&str]) -> Result<String, SettingError> {
        match path {
            [] => Ok(to_ron(self)),
            ["[0]"] => Ok(to_ron(&self.0)),
            ["[1]"] => Ok(to_ron(&self.1)),
            [place, ..] => Err(SettingError::here("is a pair: [0] or [1]").under(place)),
        }
    }

    fn set(&mut self, path: &[&str], text: &str) -> Result<(), SettingError> {
        match path {
            [] => *self = read(text)?,
            ["[0]"] => self.0 = from_ron(text).map_err(|e| e.under("[0]"))?,
            ["[1]"] => self.1 = from_ron(text).map_err(|e| e.under("[1]"))?,
            [place, ..] => return Err(SettingError::here("is a pair: [0] or [1]").under(place)),
        }
        Ok(())
    }
}

impl<K: MapKey, T: Setting> Setting for IndexMap<K, T> {
    fn shape() -> Shape {
        Shape::Map(Box::new(T::shape()))
    }

    fn get(&self, path: &[&str]) -> Result<String, SettingError> {
        let Some((&name, rest)) = path.split_first() else {
            return Ok(to_ron(self));
        };
        match name
            .parse()
            .ok()
            .and_then(|key: K| IndexMap::get(self, &key))
        {
            Some(entry) => entry.get(rest).map_err(|e| e.under(name)),
            None => Err(unknown_entry(self, name)),
        }
    }

    /// A path that ends at a new name adds an entry.
    fn set(&mut self, path: &[&str], text: &str) -> Result<(), SettingError> {
        let Some((&name, rest)) = path.split_first() else {
            *self = read(text)?;
            return Ok(());
        };
        let key: K = name
            .parse()
            .map_err(|_| SettingError::here("is not a number").under(name))?;
        if let Some(entry) = self.get_mut(&key) {
            return entry.set(rest, text).map_err(|e| e.under(name));
        }
        if rest.is_empty() {
            let entry = read(text).map_err(|e| e.under(name))?;
            self.insert(key, entry);
            return Ok(());
        }
        let Some(mut entry) = T::fresh() else {
            return Err(unknown_entry(self, name));
        };
        entry.set(rest, text).map_err(|e| e.under(name))?;
        self.insert(key, entry);
        Ok(())
    }
}

/// What names an entry: a name or a number.
pub trait MapKey:
    std::str::FromStr + fmt::Display + Eq + std::hash::Hash + Serialize + DeserializeOwned
{
}

impl MapKey for String {}
impl MapKey for u32 {}

fn unknown_entry<K: MapKey, T>(map: &IndexMap<K, T>, name: &str) -> SettingError {
    let keys: Vec<String> = map.keys().map(K::to_string).collect();
    SettingError::here(unknown_name("entry", name, keys.iter().map(String::as_str)))
}

/// Whether `value` lies in the range; the error says which it is.
pub fn check_range<T: Setting>(value: &T, range: (&str, &str)) -> Result<(), String> {
    let (Some(size), Some(low), Some(high)) = (
        value.measure(),
        T::measure_text(range.0),
        T::measure_text(range.1),
    ) else {
        return Ok(());
    };
    if (low..=high).contains(&size) {
        Ok(())
    } else {
        Err(format!(
            "{} is out of range: from {} to {}",
            to_ron(value),
            range.0,
            range.1
        ))
    }
}

/// Reads a value and refuses it outside its range, so that the error's path ends at the value itself.
pub(crate) struct InRange<T> {
    range: Option<(&'static str, &'static str)>,
    value: PhantomData<T>,
}

impl<T> InRange<T> {
    pub(crate) fn new(range: Option<(&'static str, &'static str)>) -> Self {
        Self {
            range,
            value: PhantomData,
        }
    }
}

impl<'de, T: Setting> DeserializeSeed<'de> for InRange<T> {
    type Value = T;
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        let value = T::deserialize(deserializer)?;
        if let Some(range) = self.range {
            check_range(&value, range).map_err(serde::de::Error::custom)?;
        }
        Ok(value)
    }
}

/// A field's name while reading a group.
pub(crate) struct Key(pub String);

impl<'de> serde::Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl serde::de::Visitor<'_> for Name {
            type Value = Key;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }
            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                Ok(Key(name.to_owned()))
            }
        }
        deserializer.deserialize_identifier(Name)
    }
}

/// Declares a group of settings; see the module.
macro_rules! settings {
    (@range) => { None };
    (@range $low:literal, $high:literal) => { Some(($low, $high)) };
    ($(
        $(#[doc = $struct_doc:literal])+
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                pub $field:ident : $ty:ty = $default:expr, $(bare $bare:expr,)? $(unnamed $unnamed:expr,)? $(in $low:literal .. $high:literal,)? source $source:literal;
            )*
        }
    )*) => { $(
        $(#[doc = $struct_doc])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $( $(#[doc = $doc])+ #[doc = concat!(" Source of the default: ", $source, ".")] pub $field: $ty, )*
        }

        impl $name {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            /// What fields hold that are not named, where others are.
            fn others_named() -> Self {
                #[allow(unused_mut)]
                let mut group = Self::default();
                $( $( group.$field = $unnamed; )? )*
                group
            }
        }

        impl Default for $name {
            fn default() -> Self {
                #[allow(unused_variables)]
                let bare = $crate::model::settings::current_profile() == $crate::model::settings::Profile::Bare;
                Self { $( $field: {
                    #[allow(unused_mut, unused_assignments)]
                    let mut value: $ty = $default;
                    $( if bare { value = $bare; } )?
                    value
                }, )* }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct;
                use $crate::model::written::{kept, under_field};
                let default = Self::default();
                let any = *self != default $( || kept(stringify!($field)) )*;
                let base = if any { Self::others_named() } else { default };
                let mut written = [ $( self.$field != base.$field || kept(stringify!($field)) ),* ];
                if any && !written.contains(&true) {
                    written.fill(true); // or it would read as the default
                }
                let count = written.iter().filter(|written| **written).count();
                let mut written = written.into_iter();
                let mut group = serializer.serialize_struct(stringify!($name), count)?;
                $( if written.next() == Some(true) {
                    under_field(stringify!($field), || group.serialize_field(stringify!($field), &self.$field))?;
                } )*
                group.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Group;
                impl<'de> serde::de::Visitor<'de> for Group {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("the settings of ", stringify!($name)))
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut fields: A) -> Result<$name, A::Error> {
                        use serde::de::Error as _;
                        #[allow(unused_mut)]
                        let mut group = $name::default();
                        let mut seen: Vec<String> = Vec::new();
                        while let Some(key) = fields.next_key::<$crate::model::settings::Key>()? {
                            if seen.contains(&key.0) {
                                return Err(A::Error::custom(format!("`{}` stands here twice", key.0)));
                            }
                            match key.0.as_str() {
                                $( stringify!($field) => {
                                    group.$field = fields.next_value_seed($crate::model::settings::InRange::new(
                                        $crate::model::settings::settings!(@range $($low, $high)?)
                                    ))?;
                                } )*
                                other => return Err(A::Error::unknown_field(other, $name::FIELDS)),
                            }
                            seen.push(key.0);
                        }
                        #[allow(unused_variables)]
                        let others_named = |field: &str| !seen.is_empty() && !seen.iter().any(|seen| seen == field);
                        $( $( if others_named(stringify!($field)) { group.$field = $unnamed; } )? )*
                        Ok(group)
                    }
                }
                deserializer.deserialize_struct(stringify!($name), Self::FIELDS, Group)
            }
        }

        impl $crate::model::settings::Setting for $name {
            fn shape() -> $crate::model::settings::Shape {
                #[allow(unused_variables)]
                let default = Self::default();
                $crate::model::settings::Shape::Group(vec![ $(
                    $crate::model::settings::Field {
                        name: stringify!($field),
                        doc: concat!($($doc),+).trim_ascii(),
                        shape: <$ty as $crate::model::settings::Setting>::shape(),
                        default: $crate::model::settings::to_ron(&default.$field),
                        range: $crate::model::settings::settings!(@range $($low, $high)?),
                        source: $source,
                    },
                )* ])
            }

            fn fresh() -> Option<Self> {
                Some(Self::default())
            }

            fn get(&self, path: &[&str]) -> Result<String, $crate::model::settings::SettingError> {
                let Some((&name, _rest)) = path.split_first() else {
                    return Ok($crate::model::settings::to_ron(self));
                };
                match name {
                    $( stringify!($field) => $crate::model::settings::Setting::get(&self.$field, _rest).map_err(|e| e.under(name)), )*
                    other => Err($crate::model::settings::SettingError::unknown(other, Self::FIELDS)),
                }
            }

            fn set(&mut self, path: &[&str], text: &str) -> Result<(), $crate::model::settings::SettingError> {
                let Some((&name, _rest)) = path.split_first() else {
                    *self = $crate::model::settings::read(text)?;
                    return Ok(());
                };
                match name {
                    $( stringify!($field) => {
                        #[allow(unused_mut)]
                        let mut value = self.$field.clone();
                        $crate::model::settings::Setting::set(&mut value, _rest, text).map_err(|e| e.under(name))?;
                        $( $crate::model::settings::check_range(&value, ($low, $high))
                            .map_err(|e| $crate::model::settings::SettingError::here(e).under(name))?; )?
                        self.$field = value;
                        Ok(())
                    } )*
                    other => Err($crate::model::settings::SettingError::unknown(other, Self::FIELDS)),
                }
            }
        }
    )* };
}

/// Declares a choice between alternatives, each alone or around one setting; see the module.
macro_rules! choices {
    ($(
        $(#[doc = $enum_doc:literal])+
        $(#[derive($($derive:ident),*)])?
        pub enum $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $variant:ident $( ( $payload:ty ) )?,
            )*
        }
    )*) => { $(
        $(#[doc = $enum_doc])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize $(, $($derive),*)?)]
        pub enum $name {
            $( $(#[doc = $doc])+ $variant $( ( $payload ) )?, )*
        }

        impl $name {
            /// The alternative's name, as written in a file.
            pub fn name(&self) -> &'static str {
                match self { $( choices!(@pattern $variant $($payload)?) => stringify!($variant), )* }
            }
        }

        impl $crate::model::settings::Setting for $name {
            fn shape() -> $crate::model::settings::Shape {
                $crate::model::settings::Shape::Choice(vec![ $(
                    $crate::model::settings::Variant {
                        name: stringify!($variant),
                        doc: concat!($($doc),+).trim_ascii(),
                        payload: { #[allow(unused_mut, unused_assignments)] let mut payload = None; $( payload = Some(<$payload as $crate::model::settings::Setting>::shape()); )? payload },
                    },
                )* ])
            }

            fn get(&self, path: &[&str]) -> Result<String, $crate::model::settings::SettingError> {
                if path.is_empty() {
                    return Ok($crate::model::settings::to_ron(self));
                }
                match self { $( choices!(@bind inner $variant $($payload)?) => choices!(@get inner path $($payload)?), )* }
            }

            fn set(&mut self, path: &[&str], text: &str) -> Result<(), $crate::model::settings::SettingError> {
                if path.is_empty() {
                    *self = $crate::model::settings::read(text)?;
                    return Ok(());
                }
                match self { $( choices!(@bind inner $variant $($payload)?) => choices!(@set inner path text $($payload)?), )* }
            }
        }
    )* };
    (@pattern $variant:ident) => { Self::$variant };
    (@pattern $variant:ident $payload:ty) => { Self::$variant(_) };
    (@bind $inner:ident $variant:ident) => { Self::$variant };
    (@bind $inner:ident $variant:ident $payload:ty) => { Self::$variant($inner) };
    (@get $inner:ident $path:ident) => {
        Err($crate::model::settings::SettingError::here("this choice has no fields").under($path[0]))
    };
    (@get $inner:ident $path:ident $payload:ty) => { $crate::model::settings::Setting::get($inner, $path) };
    (@set $inner:ident $path:ident $text:ident) => {
        Err($crate::model::settings::SettingError::here("this choice has no fields").under($path[0]))
    };
    (@set $inner:ident $path:ident $text:ident $payload:ty) => { $crate::model::settings::Setting::set($inner, $path, $text) };
}

pub(crate) use {choices, settings};
