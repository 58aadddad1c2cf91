//! Files: which to open and where to save, and what is said of each.

use std::path::{Path, PathBuf};

use egui::Context;

use super::Shell;
use super::names::{file_name, shortened, shown_error, shown_folder, shown_name};
use super::unsaved::Next;
use crate::app::action::Action;
use crate::app::document::Document;
use crate::app::document::files::Purpose;
use crate::app::run::live::Answer;
use crate::app::widgets::Toast;
use crate::app::words::{format, spoken};
use crate::model::{FileError, Loaded, file};

impl Shell {
    /// Opens a file or preset; what cannot be opened is said before anything is asked, where its path was typed if it was.
    pub(super) fn open_named(&mut self, ctx: &Context, name: &str) {
        match file::load(name) {
            Ok(loaded) => self.unless_unsaved(ctx, Next::Open(Box::new(loaded))),
            Err(error) => {
                self.start.take_play();
                if !self.files.refuse(ctx, &shown_error(&error)) {
                    self.toasts.push(file_error(&error));
                }
            }
        }
    }

    /// Opens a file; one of the files of late that is gone is taken off their list.
    pub(super) fn open_path(&mut self, ctx: &Context, path: &Path) {
        if !self.is_gone(path) {
            self.open_named(ctx, &path.to_string_lossy());
            return;
        }
        self.kept.recent.retain(|recent| recent != path);
        let place = format::shortened(&shown_folder(path), 60);
        let text = format!("{} is gone from {place}", shown_name(path));
        self.toasts.push(Toast::error(format!(
            "{text}: off the list of recent files"
        )));
    }

    pub(super) fn open(&mut self, loaded: Loaded) {
        if let Some(path) = &loaded.path {
            self.remember(path.clone());
        }
        self.live.open(Document::from_loaded(loaded));
        self.show_main();
    }

    /// Whether it is one of the files of late and is not there any more.
    fn is_gone(&self, path: &Path) -> bool {
        let gone = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        let listed = self.kept.recent.iter().any(|recent| recent == path);
        listed && std::fs::metadata(path).is_err_and(gone)
    }

    pub(super) fn remember(&mut self, path: PathBuf) {
        // By whatever way it was given, a file stands there once.
        let path = std::fs::canonicalize(&path).unwrap_or(path);
        self.kept.recent.retain(|recent| *recent != path);
        self.kept.recent.insert(0, path);
        self.kept.recent.truncate(8);
    }

    pub(super) fn ask(&mut self, ctx: &Context, purpose: Purpose) {
        let document = self.live.document();
        let folder = document
            .path()
            .and_then(Path::parent)
            .or_else(|| self.kept.recent.first().and_then(|recent| recent.parent()))
            .unwrap_or(Path::new(""));
        let suggested = match (purpose, document.path()) {
            (Purpose::Open, _) => folder.join(""),
            (Purpose::SaveAs, Some(path)) => path.to_owned(),
            (Purpose::SaveAs, None) => folder.join(file_name(&document.title(), ".ron")),
            (Purpose::SaveSession, _) => folder.join(file_name(&document.title(), "-session.ron")),
            (Purpose::Take(take), _) => {
                let (_, ending) = take.format();
                let ending = format!("{}.{ending}", take.part());
                let folder = self.taking.folder().unwrap_or(folder);
                folder.join(file_name(&document.title(), &ending))
            }
        };
        self.files.ask(ctx, purpose, &suggested);
    }

    pub(super) fn file_chosen(&mut self, ctx: &Context, purpose: Purpose, path: PathBuf) {
        match purpose {
            Purpose::Open => self.open_named(ctx, &path.to_string_lossy()),
            Purpose::SaveAs => self.write(ctx, path),
            Purpose::Take(_) => self.taking.write(ctx, path),
            Purpose::SaveSession => {
                let text = self.live.document().text_of(&self.live.session());
                match file::save(&path, &text) {
                    Ok(()) => {
                        let told = format!("Session saved as {}", shown_name(&path));
                        self.remember(path);
                        self.toasts.push(Toast::info(told));
                    }
                    Err(error) => self.not_saved(ctx, &path, &error),
                }
            }
        }
    }

    pub(super) fn save(&mut self, ctx: &Context) {
        let document = self.live.document();
        match (document.on_disk(), document.path()) {
            (Some((path, known)), _) => {
                self.files.compare(ctx, path, known, &document.text());
            }
            (None, Some(path)) => self.write(ctx, path.to_owned()),
            (None, None) => self.ask(ctx, Purpose::SaveAs),
        }
    }

    /// Saves to the document's own file, of which nobody else's work is lost.
    pub(super) fn save_over(&mut self, ctx: &Context, path: PathBuf) {
        if self.live.document().would_lose_comments() {
            self.losing_comments = Some(path);
        } else {
            self.write(ctx, path);
        }
    }

    pub(super) fn write(&mut self, ctx: &Context, path: PathBuf) {
        let text = self.live.document().text().into_owned();
        match file::save(&path, &text) {
            Ok(()) => {
                let told = format!("Saved {}", shown_name(&path));
                self.toasts.push(Toast::info(told));
                self.remember(path.clone());
                self.live.document_mut().was_saved(path, text);
                let next = self.after_save.take();
                self.go_on(ctx, next);
            }
            Err(error) => self.not_saved(ctx, &path, &error),
        }
    }

    /// Says why a file could not be written, where its path was typed if it was.
    pub(super) fn not_saved(&mut self, ctx: &Context, path: &Path, error: &std::io::Error) {
        let why = spoken::io(error);
        let whole = format!("{} could not be written: {why}", path.display());
        if !self.files.refuse(ctx, &whole) {
            let short = shortened(&whole);
            let toast = Toast::error(short).with_action("Show", Answer::Details(whole));
            self.toasts.push(toast);
        }
    }
}

fn file_error(error: &FileError) -> Toast<Answer> {
    let details = Answer::Details(error.to_string());
    Toast::error(shortened(&shown_error(error))).with_action("Show", details)
}

/// A file dropped on the window.
pub(super) fn dropped_file(ctx: &Context) -> Option<Action> {
    ctx.input(|input| {
        let mut dropped = input.raw.dropped_files.iter();
        dropped.next().map(|file| file.path().to_owned())
    })
    .map(Action::OpenPath)
}
