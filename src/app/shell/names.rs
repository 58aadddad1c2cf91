//! Files as they are told: their names, their folders, and why one cannot be opened.

use std::path::Path;

use crate::app::words::format;
use crate::model::FileError;

/// A file name made from a title, with that ending.
pub(super) fn file_name(title: &str, ending: &str) -> String {
    let mut name = String::new();
    for c in title.to_lowercase().chars() {
        if c.is_alphanumeric() {
            name.push(c);
        } else if !name.ends_with('-') && !name.is_empty() {
            name.push('-');
        }
    }
    let name = name.trim_end_matches('-');
    let name = if name.is_empty() { "topology" } else { name };
    // No system takes names of any length.
    let name: String = name.chars().take(80).collect();
    format!("{name}{ending}")
}

pub(super) fn shown_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The folder of a file, from the home folder on where it is there.
pub(super) fn shown_folder(path: &Path) -> String {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let Some(folder) = folder else {
        return "the program's folder".to_owned();
    };
    let home = std::env::home_dir().filter(|home| *home != Path::new("/"));
    match home.and_then(|home| folder.strip_prefix(home).ok().map(Path::to_owned)) {
        Some(rest) if rest == Path::new("") => "your home folder".to_owned(),
        Some(rest) => Path::new("~").join(rest).display().to_string(),
        None => folder.display().to_string(),
    }
}

/// Why a file cannot be opened, in a line.
pub(super) fn shown_error(error: &FileError) -> String {
    let name = shown_name(Path::new(error.file.as_ref()));
    let line = if error.line > 0 {
        format!(", line {}", error.line)
    } else {
        String::new()
    };
    format!("{name}{line}: {}", format::shortened(&error.message, 300))
}

/// The beginning of a text, for a message of one line.
pub(super) fn shortened(text: &str) -> String {
    format::shortened(text, 90)
}
