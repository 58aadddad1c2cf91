//! Names and sentences of the file format as people say them: checks and refusals are written for whoever edits a file,
//! and here a person clicked.

use std::io;

/// Names of kinds and strategies as people say them.
const SAID: [(&str, &str); 7] = [
    ("LoadBalancer", "load balancer"),
    ("RedisLike", "Redis-like store"),
    ("SqlDatabase", "SQL database"),
    ("ObjectStore", "object store"),
    ("Clients", "clients"),
    ("Service", "service"),
    ("Jwt", "JWT"),
];

/// Why a file could not be read or written, for the end of a sentence.
pub fn io(error: &io::Error) -> String {
    use io::ErrorKind::{
        NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    // Those that the program made itself are sentences already.
    if error.get_ref().is_some() {
        return error.to_string();
    }
    let text = match error.kind() {
        StorageFull => "the disk is full",
        QuotaExceeded => "you have used all the room that you may on that disk",
        NotFound => "the folder is gone",
        PermissionDenied => "you may not write in that folder",
        ReadOnlyFilesystem => "that disk can only be read",
        _ => {
            let text = error.to_string();
            return text.split(" (os error").next().unwrap_or(&text).to_owned();
        }
    };
    text.to_owned()
}

/// A message without the signs and names of the file format; `is_name` knows the names of nodes, which stay. What stands
/// in parentheses as it is to be written in a file is left out.
pub fn sentence(message: &str, is_name: impl Fn(&str) -> bool) -> String {
    let mut text = String::with_capacity(message.len());
    let mut parts = message.split('`').enumerate().peekable();
    while let Some((i, part)) = parts.next() {
        let code = i % 2 == 1;
        let next = parts.peek_mut().filter(|_| code && text.ends_with(" ("));
        if let Some(rest) = next.and_then(|(_, next)| Some((next.strip_prefix(')')?, next))) {
            text.truncate(text.len() - 2);
            *rest.1 = rest.0;
        } else if code && is_name(part) {
            text.push_str(part);
        } else if code {
            let ends: Vec<String> = part
                .split(" -> ")
                .map(|end| said(end, true, &is_name))
                .collect();
            text.push_str(&ends.join(" to "));
        } else {
            text.push_str(&said(part, false, &is_name));
        }
    }
    text
}

/// Every word of a text as it is said; in `code`, signs are left out as well.
fn said(text: &str, code: bool, is_name: &impl Fn(&str) -> bool) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        if length > 0 {
            let (word, after) = rest.split_at(length);
            result.push_str(&said_word(word, code, is_name));
            rest = after;
        } else if let Some(after) = rest.strip_prefix("()").or(rest.strip_prefix("(...)")) {
            rest = after;
        } else {
            if !(code && matches!(first, '"' | '(' | ')')) {
                result.push(first);
            } else if first == '(' {
                result.push(' ');
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    result
}

fn said_word(word: &str, code: bool, is_name: &impl Fn(&str) -> bool) -> String {
    if is_name(word) {
        return word.to_owned();
    }
    if let Some((_, said)) = SAID.iter().find(|(name, _)| *name == word) {
        // Outside of code it may begin a sentence or be meant as it stands.
        if code || word.chars().filter(|c| c.is_uppercase()).count() > 1 {
            return (*said).to_owned();
        }
        return word.to_owned();
    }
    let written_so = word.contains('_') || word.chars().skip(1).any(char::is_uppercase);
    let acronym = word.chars().all(|c| c.is_uppercase() || c.is_numeric());
    if acronym || !(code || written_so && word.contains('_')) {
        return word.to_owned();
    }
    words(word).to_lowercase()
}

/// A link by its key or path: "lb → api".
pub fn link(path: &str) -> String {
    let ends: Vec<&str> = path.split("->").map(str::trim).collect();
    ends.join(" \u{2192} ")
}

/// The same, to be read out: "lb to api".
pub fn link_words(path: &str) -> String {
    let ends: Vec<&str> = path.split("->").map(str::trim).collect();
    ends.join(" to ")
}

/// A name as words: "snapshot_every" is "snapshot every", "ReplaceSigningKey" is "replace signing key".
pub fn words(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    let mut before = ' ';
    for c in name.chars() {
        match c {
            '_' => text.push(' '),
            c if c.is_uppercase() && before.is_lowercase() => {
                text.push(' ');
                text.extend(c.to_lowercase());
            }
            c => text.push(c),
        }
        before = c;
    }
    text
}

/// With a capital at the front.
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_told_in_words() {
        use io::ErrorKind;
        for (kind, words) in [
            (ErrorKind::StorageFull, "the disk is full"),
            (ErrorKind::NotFound, "the folder is gone"),
            (
                ErrorKind::PermissionDenied,
                "you may not write in that folder",
            ),
        ] {
            assert_eq!(io(&io::Error::from(kind)), words);
        }
        let own = io::Error::new(ErrorKind::PermissionDenied, "it is mine");
        assert_eq!(io(&own), "it is mine");
        // ENAMETOOLONG: the system's words, without its number.
        let other = io(&io::Error::from_raw_os_error(36));
        assert!(!other.is_empty() && !other.contains("os error"), "{other}");
    }

    #[test]
    fn messages_lose_the_signs_of_the_file() {
        let is_name = |name: &str| ["api", "my_db", "Web"].contains(&name);
        for (written, spoken) in [
            (
                "`my_db` has no replica to fail over to: give it `replication: Asynchronous()`",
                "my_db has no replica to fail over to: give it replication: asynchronous",
            ),
            (
                "there is no signing key: only `sessions: Jwt(...)` has one",
                "there is no signing key: only sessions: JWT has one",
            ),
            (
                "sessions lives in a RedisLike, SqlDatabase or ObjectStore node",
                "sessions lives in a Redis-like store, SQL database or object store node",
            ),
            (
                "it is not above connect_timeout of `Web`: write `store: \"NAME\"`",
                "it is not above connect timeout of Web: write store: NAME",
            ),
            (
                "choose where it keeps it (`state: External(store: \"db\")`), or link it",
                "choose where it keeps it, or link it",
            ),
            ("turn it round, `api -> Web`", "turn it round, api to Web"),
            (
                "users log in, but `sessions` is None",
                "users log in, but sessions is None",
            ),
        ] {
            assert_eq!(sentence(written, is_name), spoken);
        }
    }
}
