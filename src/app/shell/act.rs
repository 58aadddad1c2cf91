//! What is done with what panels, keys and menus ask for. Every action is named here, so that the compiler finds one that
//! nobody carries out.

use egui::Context;

use super::unsaved::Next;
use super::{Screen, Shell};
use crate::app::action::Action;
use crate::app::document::files::Purpose;
use crate::app::panes::canvas::Canvas;
use crate::app::panes::topbar;
use crate::app::theme;
use crate::model::Command;

impl Shell {
    /// Carries an action out. `continued`: a move belongs to the step before it.
    pub(super) fn act(&mut self, ctx: &Context, action: Action, continued: bool) {
        match action {
            // Document and running system.
            Action::Run(command) => self.live.run(command),
            Action::Edit(commands, label) => self.edit(&commands, &label),
            Action::Preview(commands) => self.live.preview(commands),
            Action::Move(places) => {
                self.live.move_nodes(&places, continued);
                self.dragging = true;
            }
            Action::MoveOn(places) => self.live.move_on(&places),
            Action::Arrange(places, label) => self.live.arrange(&places, &label),
            Action::Rename(name, new) => self.live.rename(&name, &new),
            Action::Reconnect(key, from, to) => self.live.reconnect(&key, &from, &to),
            Action::Duplicate(names, by, fixed) => self.live.duplicate(&names, by, &fixed),
            Action::Insert(part, label, fixed) => self.live.insert(&part, &label, &fixed),
            Action::Undo => self.live.undo(),
            Action::Redo => self.live.redo(),
            Action::UndoStep(number) => self.live.undo_step(number),
            Action::RedoStep(number) => self.live.redo_step(number),
            Action::SetSeed(seed) => self.live.set_seed(seed),
            Action::SelectAll => self.live.select_all(),
            Action::Select(selection) => self.live.select(selection),
            Action::DismissLoss(name) => self.live.dismiss_loss(&name),
            Action::SetCursor(cursor) => self.live.set_cursor(cursor),
            // Its time.
            Action::Play => self.live.play(),
            Action::Pause => self.live.pause(),
            Action::TogglePlay => self.live.toggle_play(),
            Action::Step => self.live.step(),
            Action::Reset => self.live.reset(),
            Action::RestoreRun => self.live.restore_run(),
            Action::SetSpeed(speed) => self.live.set_speed(speed),
            // What only the canvas can answer, in its next frame.
            Action::AskName(name) => self.of_canvas(ctx, |canvas| canvas.name(&name)),
            Action::AskLatency(key) => self.of_canvas(ctx, |canvas| canvas.type_latency(&key)),
            Action::AskCopies(names) => self.of_canvas(ctx, |canvas| canvas.add_copies(names)),
            Action::AskArrange(way) => self.of_canvas(ctx, |canvas| canvas.arrange_selected(way)),
            Action::AddKind(kind) => self.of_canvas(ctx, |canvas| canvas.add_kind(kind)),
            Action::ZoomTo(zoom) => self.canvas.zoom_to(zoom),
            Action::Fit => self.canvas.fit(),
            // The clipboard.
            Action::Copy => drop(self.copy(ctx)),
            Action::Cut => self.cut(ctx),
            Action::AskPaste => self.ask_paste(ctx),
            Action::Paste(text) => self.paste(ctx, &text),
            Action::CopyPicture => {
                let scene = self.scene(ctx);
                self.taking.copy(ctx, scene);
            }
            // Files.
            Action::New | Action::RestoreDraft => self.unless_unsaved(ctx, Next::Do(action)),
            // Asking for a file loses nothing; opening the one that is chosen might.
            Action::Open => self.ask(ctx, Purpose::Open),
            Action::OpenPath(path) => self.open_path(ctx, &path),
            Action::OpenPreset(name) => self.open_named(ctx, &name),
            Action::ForgetRecent(path) => self.kept.recent.retain(|recent| *recent != path),
            Action::Save => self.save(ctx),
            Action::SaveAs => self.ask(ctx, Purpose::SaveAs),
            Action::SaveSession => self.ask(ctx, Purpose::SaveSession),
            Action::Take(take) => self.take(ctx, take),
            Action::SetTaking(options) => self.kept.taking = options,
            Action::ShowTaking => topbar::take::open(ctx),
            // The window.
            Action::ShowStart => {
                self.live.pause();
                self.screen = Screen::Start;
            }
            Action::ShowMain => self.screen = Screen::Main,
            Action::ToggleTheme => {
                let dark = !theme::palette(ctx).dark;
                self.kept.dark = Some(dark);
                theme::set(ctx, dark);
            }
            Action::SetLook(look) => {
                self.kept.look = look;
                theme::apply(ctx, look);
            }
            Action::ToggleHelp => self.help = !self.help,
        }
        for names in self.live.take_renamings() {
            self.canvas.rename(&names);
        }
    }

    fn edit(&mut self, commands: &[Command], label: &str) {
        for command in commands {
            if let Command::Add(name, _) = command {
                self.canvas.reveal(name);
            }
        }
        self.live.edit(commands, label);
    }

    /// What the canvas answers in its next frame, which is drawn at once.
    fn of_canvas(&mut self, ctx: &Context, ask: impl FnOnce(&mut Canvas)) {
        ask(&mut self.canvas);
        ctx.request_repaint();
    }
}
