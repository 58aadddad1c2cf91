//! What lies over the screen: the field for a path, messages, dialogs, the sheet of keys.

use std::path::Path;

use egui::Context;

use super::dialogs::{self, Reply};
use super::keys::GROUPS;
use super::panes::Panes;
use super::{Screen, Shell};
use crate::app::action::Action;
use crate::app::document::files::Purpose;
use crate::app::run::live::Answer;
use crate::app::theme::height;
use crate::app::widgets::Cover;

impl Shell {
    pub(super) fn floating(&mut self, ctx: &Context, actions: &mut Vec<Action>) {
        self.path_field(ctx);
        while let Some(done) = self.taking.take_done() {
            self.tell_taken(ctx, done);
        }
        self.messages(ctx, actions);
        if self.help {
            let (close, look) = dialogs::sheet(ctx, GROUPS);
            self.help = !close;
            actions.extend(look.map(Action::SetLook));
        }
        if let Some(text) = &self.details
            && dialogs::details(ctx, text)
        {
            self.details = None;
        }
        self.ask_about_unsaved(ctx);
        self.ask_about_changed(ctx);
        self.ask_about_comments(ctx);
    }

    fn path_field(&mut self, ctx: &Context) {
        if let Some((purpose, path)) = self.files.show(ctx, height::TOP_BAR) {
            self.file_chosen(ctx, purpose, path);
        } else if !self.files.is_busy() {
            self.taking.give_up();
            if self.losing_comments.is_none() && self.changed_on_disk.is_none() {
                // Whoever does not say where to save does not go on either.
                self.after_save = None;
            }
        }
    }

    fn messages(&mut self, ctx: &Context, actions: &mut Vec<Action>) {
        let screen = ctx.content_rect();
        let (room, covers) = match self.screen {
            Screen::Start => (screen.shrink(16.0), Vec::new()),
            Screen::Main => {
                let mut covers = self.canvas.occupied().to_vec();
                covers.extend(self.standing.rect().map(Cover::bar));
                (Panes::of(screen).canvas.shrink(12.0), covers)
            }
        };
        // What was offered may be out of date by now.
        self.toasts.revise(|message| self.live.stands(message));
        // What was saved before is no part of a picture of the window.
        let shown = (!self.taking.exposes(ctx))
            .then(|| self.toasts.show(ctx, room, &covers))
            .flatten();
        match shown {
            Some(Answer::Do(action)) => actions.push(action),
            Some(Answer::Details(text)) => self.details = Some(text),
            None => {}
        }
    }

    /// Something would replace what is not saved.
    fn ask_about_unsaved(&mut self, ctx: &Context) {
        let Some((leaving, _)) = &self.leaving else {
            return;
        };
        match dialogs::unsaved(ctx, leaving) {
            Some(Reply::Save) => {
                self.after_save = self.leaving.take().map(|(_, next)| next);
                self.save(ctx);
            }
            Some(Reply::Discard) => {
                let next = self.leaving.take().map(|(_, next)| next);
                self.go_on(ctx, next);
            }
            Some(Reply::Cancel) => {
                self.leaving = None;
                self.start.take_play();
            }
            None => {}
        }
    }

    /// Somebody else has written the file since it was opened.
    fn ask_about_changed(&mut self, ctx: &Context) {
        // Another document may have been opened meanwhile.
        let own = |path: &Path| self.live.document().path() == Some(path);
        if let Some(compared) = self.files.compared().filter(|c| own(&c.path)) {
            if compared.changed {
                self.changed_on_disk = Some(compared.path);
            } else {
                self.save_over(ctx, compared.path);
            }
        }
        let Some(path) = self.changed_on_disk.clone() else {
            return;
        };
        match dialogs::changed_on_disk(ctx, &path) {
            Some(Reply::Save) => {
                self.changed_on_disk = None;
                self.save_over(ctx, path);
            }
            Some(Reply::Discard) => {
                self.changed_on_disk = None;
                self.ask(ctx, Purpose::SaveAs);
            }
            Some(Reply::Cancel) => {
                self.changed_on_disk = None;
                self.after_save = None;
            }
            None => {}
        }
    }

    /// Comments of the file would be lost.
    fn ask_about_comments(&mut self, ctx: &Context) {
        let Some(path) = self.losing_comments.clone() else {
            return;
        };
        match dialogs::comments(ctx, &path) {
            Some(Reply::Save) => {
                self.losing_comments = None;
                self.write(ctx, path);
            }
            Some(Reply::Discard) => {
                self.losing_comments = None;
                self.ask(ctx, Purpose::SaveAs);
            }
            Some(Reply::Cancel) => {
                self.losing_comments = None;
                self.after_save = None;
            }
            None => {}
        }
    }
}
