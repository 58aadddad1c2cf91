//! Work that is not saved: kept soon after it changed, brought back, and asked about before anything replaces it.

use std::path::Path;

use egui::Context;

use super::Shell;
use super::dialogs::Leaving;
use super::names::shortened;
use crate::app::action::Action;
use crate::app::document::Document;
use crate::app::run::live::Answer;
use crate::app::widgets::Toast;
use crate::model::{Loaded, Topology, file};

/// Edits that follow within this time are kept as one draft, in seconds.
const DRAFT_AFTER_S: f64 = 0.3;

/// What was asked for and waits until unsaved work is dealt with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    Do(Action),
    Open(Box<Loaded>),
    Close,
}

impl Shell {
    /// Keeps what is not saved, soon after it changed; and lets go of it once it is.
    pub(super) fn keep_draft(&mut self, ctx: &Context, now: f64) {
        let Some(drafts) = &self.drafts else { return };
        let document = self.live.document();
        let changes = document.changes();
        self.draft = match self.draft {
            None if !document.dirty() => None,
            Some((kept, None)) if kept == changes => return,
            _ if !document.dirty() => {
                drafts.clear();
                None
            }
            Some((_, Some(since))) if now - since >= DRAFT_AFTER_S => {
                drafts.keep(
                    document.path().map(Path::to_owned),
                    document.topology().clone(),
                );
                Some((changes, None))
            }
            Some((_, Some(since))) => Some((changes, Some(since))),
            None | Some((_, None)) => Some((changes, Some(now))),
        };
        if matches!(self.draft, Some((_, Some(_)))) {
            ctx.request_repaint_after(std::time::Duration::from_secs_f64(DRAFT_AFTER_S));
        }
        if let Some(error) = drafts.error() {
            let text = format!("Unsaved work could not be kept for a crash: {error}");
            self.toasts.push(Toast::error(shortened(&text)));
        }
    }

    /// Waits until the draft is on the disk.
    pub fn wait_for_draft(&self) {
        if let Some(drafts) = &self.drafts {
            drafts.wait();
        }
    }

    /// Brings back work that was not saved when the window went away.
    pub(super) fn restore_draft(&mut self) {
        let Some((path, text)) = self.kept.draft.take() else {
            return;
        };
        let Ok(topology) = file::read(&text, "unsaved work") else {
            return;
        };
        let mut document = match &path {
            Some(path) => match file::load(&path.to_string_lossy()) {
                Ok(loaded) => Document::from_loaded(loaded),
                Err(_) => Document::new(blank()),
            },
            None => Document::new(blank()),
        };
        document.change("Unsaved work restored", |old| *old = topology);
        let mut told = Toast::info(format!("Restored unsaved work on {}", document.title()));
        if let Some(step) = document.undo_number() {
            told = told.with_action("Discard", Answer::Do(Action::UndoStep(step)));
        }
        self.live.open(document);
        self.show_main();
        self.toasts.push(told);
        if let Some(drafts) = &self.drafts {
            // Kept anew before it is let go of.
            let document = self.live.document();
            drafts.keep(
                document.path().map(Path::to_owned),
                document.topology().clone(),
            );
            drafts.settled();
            self.draft = Some((document.changes(), None));
        }
    }

    /// Goes on if nothing would be lost, else asks first.
    pub(super) fn unless_unsaved(&mut self, ctx: &Context, next: Next) {
        let document = self.live.document();
        if document.dirty() {
            let leaving = Leaving {
                title: document.title(),
            };
            self.leaving = Some((leaving, next));
        } else {
            self.go_on(ctx, Some(next));
        }
    }

    /// Does what was held up; unsaved work has been dealt with.
    pub(super) fn go_on(&mut self, ctx: &Context, next: Option<Next>) {
        match next {
            Some(Next::Close) => {
                self.may_close = true;
                // What was given up is not restored.
                self.live.open(Document::default());
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
            Some(Next::Do(Action::New)) => {
                self.live.open(Document::new(blank()));
                self.show_main();
            }
            Some(Next::Open(loaded)) => {
                let play = self.start.take_play();
                self.open(*loaded);
                if play {
                    self.live.play();
                }
            }
            Some(Next::Do(Action::RestoreDraft)) => self.restore_draft(),
            Some(Next::Do(_)) | None => {}
        }
    }

    /// Holds the window open while there is unsaved work.
    pub(super) fn watch_close(&mut self, ctx: &Context) {
        if !ctx.input(|input| input.viewport().close_requested()) || self.may_close {
            return;
        }
        if self.live.document().dirty() {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.unless_unsaved(ctx, Next::Close);
        }
    }
}

/// An empty document.
fn blank() -> Topology {
    Topology {
        schema: crate::model::SCHEMA,
        ..Topology::default()
    }
}
