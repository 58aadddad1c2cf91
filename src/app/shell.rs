//! The window: its screens and panes, and what happens with what they ask for.

use std::path::{Path, PathBuf};

use egui::{Context, Id, Rect, Role, Stroke, Ui, UiBuilder, WidgetInfo};

use super::action::Action;
use super::canvas::{Canvas, Look, remove};
use super::charts::Charts;
use super::dialogs::{self, Leaving, Reply};
use super::document::Document;
use super::draft::Drafts;
use super::files::{Files, Purpose};
use super::inspector::Inspector;
use super::live::{Answer, Live};
use super::log::Log;
use super::runner::Runner;
use super::standing::Standing;
use super::start::Start;
use super::still::Still;
use super::take::{self, Done, Material, Scene, Take, Taking};
use super::theme::{self, height};
use super::widgets::{Cover, Toast, Toasts};
use super::{charts, format, keys, spoken, topbar, transport};
use crate::model::{Command, FileError, Loaded, Topology, file, part};

/// What outlives the window.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Kept {
    /// Dark or light; `None`: as the system has it.
    pub dark: Option<bool>,
    /// Contrast and motion.
    pub look: theme::Settings,
    /// Files opened and saved lately, the latest first.
    pub recent: Vec<PathBuf>,
    /// How pictures that are taken away look.
    pub taking: take::Options,
    /// Work that was not saved when the window was last seen: the file it belongs to and its text. It has a file of its
    /// own, see [`Drafts`].
    #[serde(skip)]
    pub draft: Option<(Option<PathBuf>, String)>,
}

/// Edits that follow within this time are kept as one draft, in seconds.
const DRAFT_AFTER_S: f64 = 0.3;

/// Which screen is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Screen {
    Start,
    Main,
}

/// What was asked for and waits until unsaved work is dealt with.
#[derive(Clone, Debug, PartialEq)]
enum Next {
    Do(Action),
    Open(Box<Loaded>),
    Close,
}

/// The whole window.
#[derive(Debug)]
pub struct Shell {
    live: Live,
    kept: Kept,
    screen: Screen,
    start: Start,
    canvas: Canvas,
    inspector: Inspector,
    charts: Charts,
    log: Log,
    standing: Standing,
    toasts: Toasts<Answer>,
    files: Files,
    taking: Taking,
    /// The dialog about unsaved work, and what it holds up.
    leaving: Option<(Leaving, Next)>,
    /// What to do once the document has been saved.
    after_save: Option<Next>,
    /// Comments would be lost: asked before this is written.
    losing_comments: Option<PathBuf>,
    /// Somebody else has written this file since it was opened: asked before it is replaced.
    changed_on_disk: Option<PathBuf>,
    help: bool,
    details: Option<String>,
    /// Nodes are being moved since the pointer went down.
    dragging: bool,
    pasting: Pasting,
    may_close: bool,
    /// Something was typed, and neither Esc nor a click on the canvas came since.
    typed: bool,
    title: String,
    pane: usize,
    drafts: Option<Drafts>,
    /// The changes of the document that are kept, or wait to be since then; `None`: nothing is kept.
    draft: Option<(u64, Option<f64>)>,
}

/// How many frames are waited for the clipboard, once it was asked.
const PASTE_FRAMES: u32 = 10;
/// A key that is let go within this time after something came has pasted that, in seconds.
const PASTE_S: f64 = 1.0;

/// What is known of a paste that is under way.
#[derive(Debug, Default)]
struct Pasting {
    /// When something came last, in seconds.
    came_s: Option<f64>,
    /// Frames that are waited yet for what was asked for.
    asked: Option<u32>,
    /// The letter of the key is down, and that was no paste.
    typed: bool,
}

/// Panes that F6 goes through, by the name under which each is put into the tree.
const PANES: [&str; 5] = ["Top bar", "Canvas", "Transport", "Charts", "Inspector"];

impl Shell {
    /// The window with a thread for the simulation; `initial` is opened, else the start screen shows.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn new(
        ctx: &Context,
        kept: Kept,
        drafts: Option<Drafts>,
        initial: Option<Loaded>,
    ) -> std::io::Result<Self> {
        let waker = ctx.clone();
        let runner = Runner::spawn(move || waker.request_repaint())?;
        let files = Files::default();
        Ok(Self::with(ctx, (runner, files, drafts), kept, initial))
    }

    /// The window without thread and system dialogs: the same frames give the same pictures, for tests.
    pub fn stepped(
        ctx: &Context,
        kept: Kept,
        drafts: Option<Drafts>,
        initial: Option<Loaded>,
    ) -> Self {
        let parts = (Runner::stepped(), Files::typed_only(), drafts);
        Self::with(ctx, parts, kept, initial)
    }

    fn with(
        ctx: &Context,
        (runner, files, mut drafts): (Runner, Files, Option<Drafts>),
        mut kept: Kept,
        initial: Option<Loaded>,
    ) -> Self {
        if let Some(draft) = drafts.as_mut().and_then(Drafts::take_found) {
            kept.draft = Some((draft.file, draft.text));
        }
        theme::install(ctx, kept.look);
        if let Some(dark) = kept.dark {
            theme::set(ctx, dark);
        }
        let taking = Taking::new(files.are_typed());
        let mut shell = Self {
            live: Live::new(runner),
            kept,
            screen: Screen::Start,
            start: Start::default(),
            canvas: Canvas::default(),
            inspector: Inspector::default(),
            charts: Charts::default(),
            log: Log::default(),
            standing: Standing::default(),
            toasts: Toasts::default(),
            files,
            taking,
            leaving: None,
            after_save: None,
            losing_comments: None,
            changed_on_disk: None,
            help: false,
            details: None,
            dragging: false,
            pasting: Pasting::default(),
            may_close: false,
            typed: false,
            title: String::new(),
            pane: 0,
            drafts,
            draft: None,
        };
        match initial {
            None => shell.restore_draft(),
            Some(loaded) => {
                shell.open(loaded);
                if shell.kept.draft.is_some() {
                    let text = "There is work that was not saved last time";
                    let restore = Answer::Do(Action::RestoreDraft);
                    shell
                        .toasts
                        .push(Toast::info(text).with_action("Restore", restore));
                }
            }
        }
        shell
    }

    /// What outlives the window, as it is now.
    pub fn kept(&self) -> Kept {
        let document = self.live.document();
        let draft = document.dirty().then(|| {
            let path = document.path().map(Path::to_owned);
            (path, file::write(document.topology()))
        });
        let kept = self.kept.clone();
        Kept {
            draft: draft.or(kept.draft),
            ..kept
        }
    }

    /// The document and the running system.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// One frame of the window.
    pub fn ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let (now, passed) = ctx.input(|input| (input.time, f64::from(input.stable_dt)));
        self.live.tick(now, passed);
        if self.screen == Screen::Main {
            self.live.measure(&ctx);
        }
        for message in self.live.take_messages() {
            self.toasts.push(message);
        }
        self.name_window(&ctx);
        self.watch_close(&ctx);

        let typing = ctx.text_edit_focused();
        if self.screen == Screen::Main {
            self.watch_paste(&ctx, typing);
        }
        let quiet = self.typed;
        self.listen_again(&ctx, typing);
        let asking = self.leaving.is_some()
            || self.losing_comments.is_some()
            || self.changed_on_disk.is_some();
        let mut actions = Vec::new();
        if !typing && !asking {
            actions.extend(match self.screen {
                Screen::Main => {
                    let covered = self.help || self.details.is_some() || self.files.is_asking();
                    keys::main_view(&ctx, &self.live.view(), covered, quiet)
                }
                Screen::Start => keys::start_screen(&ctx),
            });
            if self.screen == Screen::Main {
                self.cycle_panes(&ctx);
            }
        }
        let mut save = None;
        if typing && !asking && self.screen == Screen::Main && !self.files.is_asking() {
            save = keys::save(&ctx);
            if save.is_some() {
                // The field takes what was typed when it loses the keyboard.
                ctx.memory_mut(|memory| {
                    if let Some(field) = memory.focused() {
                        memory.surrender_focus(field);
                    }
                });
            }
        }
        actions.extend(match self.screen {
            Screen::Start => {
                let open = (!self.live.document().topology().nodes.is_empty())
                    .then(|| self.live.document());
                self.start.ui(ui, &self.kept.recent, open)
            }
            Screen::Main => self.main_ui(ui),
        });
        // A card that was named has the keyboard, so keys mean something again.
        self.typed &= !self.canvas.take_named();
        actions.extend(dropped_file(&ctx));
        self.floating(&ctx, &mut actions);
        actions.extend(save);

        self.live.clear_preview();
        let pointer_down = ctx.input(|input| input.pointer.any_down());
        let mut with_edit = false;
        for action in actions {
            // A new node and its place are one step.
            let continued = self.dragging || with_edit;
            with_edit = matches!(action, Action::Edit(..));
            self.act(&ctx, action, continued);
        }
        self.dragging &= pointer_down;
        self.keep_draft(&ctx, now);
        if let Some(frame) = self.taking.exposed(&ctx) {
            self.taking.wait(Take::WindowPng, Material::Window(frame));
            self.ask(&ctx, Purpose::Take(Take::WindowPng));
        }
    }

    /// Letters and digits mean something again once what was typed is left by Esc or by a click on the canvas.
    fn listen_again(&mut self, ctx: &Context, typing: bool) {
        let canvas = Panes::of(ctx.content_rect()).canvas;
        let left = ctx.input(|input| {
            let at = input.pointer.interact_pos();
            let on_canvas = at.is_some_and(|at| canvas.contains(at));
            input.key_pressed(egui::Key::Escape) || input.pointer.any_pressed() && on_canvas
        });
        self.typed = typing || self.typed && !left;
    }

    /// Keeps what is not saved, soon after it changed; and lets go of it once it is.
    fn keep_draft(&mut self, ctx: &Context, now: f64) {
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

    /// What lies over the screen: path field, messages, dialogs, the sheet of keys.
    fn floating(&mut self, ctx: &Context, actions: &mut Vec<Action>) {
        let screen = ctx.content_rect();
        if let Some((purpose, path)) = self.files.show(ctx, height::TOP_BAR) {
            self.file_chosen(ctx, purpose, path);
        } else if !self.files.is_busy() {
            self.taking.give_up();
            if self.losing_comments.is_none() && self.changed_on_disk.is_none() {
                // Whoever does not say where to save does not go on either.
                self.after_save = None;
            }
        }
        while let Some(done) = self.taking.take_done() {
            self.tell_taken(ctx, done);
        }
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
        if self.help {
            let (close, look) = dialogs::sheet(ctx, keys::SHEET);
            self.help = !close;
            actions.extend(look.map(Action::SetLook));
        }
        if let Some(text) = &self.details
            && dialogs::details(ctx, text)
        {
            self.details = None;
        }
        if let Some((leaving, _)) = &self.leaving {
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
        // Another document may have been opened meanwhile.
        let own = |path: &Path| self.live.document().path() == Some(path);
        if let Some(compared) = self.files.compared().filter(|c| own(&c.path)) {
            if compared.changed {
                self.changed_on_disk = Some(compared.path);
            } else {
                self.save_over(ctx, compared.path);
            }
        }
        if let Some(path) = self.changed_on_disk.clone() {
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
        if let Some(path) = self.losing_comments.clone() {
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

    fn main_ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let panes = Panes::of(ui.max_rect());
        let view = self.live.view();
        let document = self.live.document();
        let recorded = self.live.has_recording();
        let mut actions = Vec::new();
        let palette = theme::palette(ui);

        actions.extend(pane(ui, panes.canvas, "Canvas", palette.canvas, |ui| {
            let actions = self.canvas.ui(ui, &view);
            self.standing.ui(ui, panes.canvas, &view);
            actions
        }));
        actions.extend(pane(ui, panes.top, "Top bar", palette.panel, |ui| {
            let of = topbar::Of {
                document,
                recent: &self.kept.recent,
                taking: self.kept.taking,
            };
            topbar::ui(ui, &view, &of)
        }));
        actions.extend(pane(
            ui,
            panes.transport,
            "Transport",
            palette.panel,
            |ui| transport::ui(ui, &view, recorded),
        ));
        actions.extend(pane(ui, panes.charts, "Charts", palette.panel, |ui| {
            self.charts.ui(ui, &view)
        }));
        actions.extend(pane(ui, panes.log, "Log", palette.panel, |ui| {
            if panes.wide {
                self.log.ui(ui, &view)
            } else {
                self.log.line_ui(ui, &view)
            }
        }));
        actions.extend(pane(
            ui,
            panes.inspector,
            "Inspector",
            palette.panel,
            |ui| self.inspector.ui(ui, &view),
        ));

        let hair = Stroke::new(theme::stroke::HAIR, palette.hair);
        let painter = ui.painter();
        painter.hline(panes.top.x_range(), panes.top.bottom() - 0.5, hair);
        painter.hline(panes.transport.x_range(), panes.transport.top() - 0.5, hair);
        painter.hline(panes.charts.x_range(), panes.charts.top() - 0.5, hair);
        painter.vline(
            panes.inspector.left() - 0.5,
            panes.inspector.y_range(),
            hair,
        );
        if panes.wide {
            painter.vline(panes.log.left() - 0.5, panes.log.y_range(), hair);
            painter.hline(panes.log.x_range(), panes.log.top() - 0.5, hair);
        } else {
            painter.hline(panes.log.x_range(), panes.log.top() - 0.5, hair);
        }
        actions
    }

    /// `continued`: a move belongs to the step before it.
    fn act(&mut self, ctx: &Context, action: Action, continued: bool) {
        let moving = matches!(action, Action::Move(_));
        let Some(action) = self.concerns_canvas(ctx, action) else {
            return;
        };
        if let Action::Edit(commands, _) = &action {
            for command in commands {
                if let Command::Add(name, _) = command {
                    self.canvas.reveal(name);
                }
            }
        }
        if self.live.act(&action, continued) {
            self.dragging |= moving;
            for names in self.live.take_renamings() {
                self.canvas.rename(&names);
            }
            return;
        }
        match action {
            Action::OpenPath(path) if self.is_gone(&path) => {
                self.kept.recent.retain(|recent| *recent != path);
                let place = format::shortened(&shown_folder(&path), 60);
                let text = format!("{} is gone from {place}", shown_name(&path));
                self.toasts.push(Toast::error(format!(
                    "{text}: off the list of recent files"
                )));
            }
            Action::OpenPath(path) => self.open_named(ctx, &path.to_string_lossy()),
            Action::OpenPreset(name) => self.open_named(ctx, &name),
            Action::New | Action::RestoreDraft => self.unless_unsaved(ctx, Next::Do(action)),
            // Asking for a file loses nothing; opening the one that is chosen might.
            Action::Open => self.ask(ctx, Purpose::Open),
            Action::Save => self.save(ctx),
            Action::SaveAs => self.ask(ctx, Purpose::SaveAs),
            Action::SaveSession => self.ask(ctx, Purpose::SaveSession),
            Action::Take(take) => self.take(ctx, take),
            Action::CopyPicture => {
                let scene = self.scene(ctx);
                self.taking.copy(ctx, scene);
            }
            Action::SetTaking(options) => self.kept.taking = options,
            Action::ShowTaking => topbar::take::open(ctx),
            Action::ShowStart => {
                self.live.act(&Action::Pause, false);
                self.screen = Screen::Start;
            }
            Action::ShowMain => self.screen = Screen::Main,
            Action::ZoomTo(zoom) => self.canvas.zoom_to(zoom),
            Action::Fit => self.canvas.fit(),
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
            Action::ForgetRecent(path) => self.kept.recent.retain(|recent| *recent != path),
            _ => {}
        }
    }

    /// What only the canvas can answer, or the clipboard; anything else is given back.
    fn concerns_canvas(&mut self, ctx: &Context, action: Action) -> Option<Action> {
        match action {
            Action::AskName(name) => self.canvas.name(&name),
            Action::AskLatency(key) => self.canvas.type_latency(&key),
            Action::AskCopies(names) => self.canvas.add_copies(names),
            Action::AskArrange(way) => self.canvas.arrange_selected(way),
            Action::AddKind(kind) => self.canvas.add_kind(kind),
            Action::Copy => {
                self.copy(ctx);
            }
            Action::Cut => {
                if let Some(names) = self.copy(ctx) {
                    let Action::Edit(commands, label) = remove(&names) else {
                        return None;
                    };
                    let label = label.replacen("Removed", "Cut", 1);
                    return Some(Action::Edit(commands, label));
                }
            }
            Action::AskPaste => {
                self.pasting.asked = Some(PASTE_FRAMES);
                ctx.send_viewport_cmd(egui::ViewportCommand::RequestPaste);
            }
            Action::Paste(text) => match part::read(&text) {
                Ok(part) => self.canvas.add_part(part),
                Err(why) => self.toasts.push(Toast::error(format!("Not pasted: {why}"))),
            },
            other => return Some(other),
        }
        ctx.request_repaint();
        None
    }

    /// Puts what is selected into the clipboard, as the text of a topology; returns which nodes those are.
    fn copy(&mut self, ctx: &Context) -> Option<Vec<String>> {
        let names = self.live.view().selection?.names().to_vec();
        let topology = self.live.document().topology();
        let part = part::copy(topology, names.iter().map(String::as_str));
        ctx.copy_text(file::write(&part));
        (!names.is_empty()).then_some(names)
    }

    /// Says so where somebody pastes and nothing comes: of a clipboard without text the system tells nothing.
    fn watch_paste(&mut self, ctx: &Context, typing: bool) {
        use egui::{Event, Key};
        let mut let_go = false;
        let mut typed = self.pasting.typed;
        let (now, pasted, picture) = ctx.input(|input| {
            for event in &input.events {
                // Of the press that pastes nothing is told, and Ctrl may be let go of before the letter.
                if let Event::Key {
                    key: Key::V,
                    pressed,
                    modifiers,
                    ..
                } = event
                {
                    let_go |= !pressed && !typed;
                    typed = *pressed && !modifiers.command_only();
                }
            }
            let any = |is: &dyn Fn(&Event) -> bool| input.events.iter().any(is);
            (
                input.time,
                any(&|event| matches!(event, Event::Paste(_))),
                any(&|event| matches!(event, Event::PasteImage(_))),
            )
        });
        self.pasting.typed = typed;
        let pasting = &mut self.pasting;
        if pasted || picture || typing {
            pasting.came_s = Some(now);
            pasting.asked = None;
        }
        let waited = pasting.asked.take_if(|left| *left == 0).is_some();
        if let Some(left) = &mut pasting.asked {
            *left -= 1;
            ctx.request_repaint();
        }
        let came = pasting.came_s.is_some_and(|at| now - at < PASTE_S);
        if picture && !typing {
            let text = "Not pasted: the clipboard holds a picture, not the text of a topology";
            self.toasts.push(Toast::error(text));
        } else if waited || let_go && !came {
            self.toasts.push(Toast::error(
                "Not pasted: there is no text in the clipboard",
            ));
        }
    }

    /// Goes on if nothing would be lost, else asks first.
    fn unless_unsaved(&mut self, ctx: &Context, next: Next) {
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
    fn go_on(&mut self, ctx: &Context, next: Option<Next>) {
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
                    self.live.act(&Action::Play, false);
                }
            }
            Some(Next::Do(Action::RestoreDraft)) => self.restore_draft(),
            Some(Next::Do(_)) | None => {}
        }
    }

    /// Opens a file or preset; what cannot be opened is said before anything is asked, where its path was typed if it was.
    fn open_named(&mut self, ctx: &Context, name: &str) {
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

    fn open(&mut self, loaded: Loaded) {
        if let Some(path) = &loaded.path {
            self.remember(path.clone());
        }
        self.live.open(Document::from_loaded(loaded));
        self.show_main();
    }

    fn show_main(&mut self) {
        self.screen = Screen::Main;
        self.canvas = Canvas::default();
        self.inspector = Inspector::default();
        self.charts = Charts::default();
        self.log = Log::default();
        self.standing = Standing::default();
    }

    /// Whether it is one of the files of late and is not there any more.
    fn is_gone(&self, path: &Path) -> bool {
        let gone = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        let listed = self.kept.recent.iter().any(|recent| recent == path);
        listed && std::fs::metadata(path).is_err_and(gone)
    }

    fn remember(&mut self, path: PathBuf) {
        // By whatever way it was given, a file stands there once.
        let path = std::fs::canonicalize(&path).unwrap_or(path);
        self.kept.recent.retain(|recent| *recent != path);
        self.kept.recent.insert(0, path);
        self.kept.recent.truncate(8);
    }

    fn ask(&mut self, ctx: &Context, purpose: Purpose) {
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

    /// Takes something away, as it is now.
    fn take(&mut self, ctx: &Context, take: Take) {
        let still = Still::of(&self.live.view());
        let look = self.look(ctx);
        let material = match take {
            Take::WindowPng => {
                // Asked for once the window has been drawn without the menu.
                self.taking.expose(ctx, look.dark);
                return;
            }
            Take::CanvasPng | Take::CanvasSvg => Material::Canvas(self.scene(ctx)),
            Take::ChartsPng | Take::ChartsSvg | Take::ChartsCsv => {
                let now = still.view().snapshot.now.secs();
                let seen = charts::TimeWindow::shared(ctx).past(now);
                Material::Charts(still, seen, look)
            }
            Take::LogText => Material::Log(still, self.live.document().title()),
            Take::ResultsJson => Material::Results(self.live.take_results()),
        };
        self.taking.wait(take, material);
        self.ask(ctx, Purpose::Take(take));
    }

    /// How pictures look that are taken away now.
    fn look(&self, ctx: &Context) -> Look {
        let here = theme::palette(ctx).dark;
        Look {
            dark: self.kept.taking.dark.unwrap_or(here),
            settings: self.kept.look,
        }
    }

    /// The whole canvas, with or without what runs.
    fn scene(&self, ctx: &Context) -> Scene {
        let view = self.live.view();
        Scene {
            canvas: self.canvas.untouched(),
            still: if self.kept.taking.without_figures {
                Still::before(view.topology)
            } else {
                Still::of(&view)
            },
            look: self.look(ctx),
        }
    }

    /// Says what became of what was taken away.
    fn tell_taken(&mut self, ctx: &Context, done: Done) {
        let toast = match done {
            Done::Saved(take, path) => {
                let (name, folder) = (shown_name(&path), shown_folder(&path));
                let folder = format::shortened(&folder, 60);
                Toast::info(format!("{} saved as {name} in {folder}", take.name()))
            }
            Done::Copied(image) => {
                ctx.copy_image(image.to_egui());
                Toast::info("Picture of the canvas copied")
            }
            Done::Failed(text) => {
                let show = Answer::Details(text.clone());
                Toast::error(shortened(&text)).with_action("Show", show)
            }
        };
        self.toasts.push(toast);
    }

    fn file_chosen(&mut self, ctx: &Context, purpose: Purpose, path: PathBuf) {
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

    fn save(&mut self, ctx: &Context) {
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
    fn save_over(&mut self, ctx: &Context, path: PathBuf) {
        if self.live.document().would_lose_comments() {
            self.losing_comments = Some(path);
        } else {
            self.write(ctx, path);
        }
    }

    fn write(&mut self, ctx: &Context, path: PathBuf) {
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
    fn not_saved(&mut self, ctx: &Context, path: &Path, error: &std::io::Error) {
        let why = spoken::io(error);
        let whole = format!("{} could not be written: {why}", path.display());
        if !self.files.refuse(ctx, &whole) {
            let short = shortened(&whole);
            let toast = Toast::error(short).with_action("Show", Answer::Details(whole));
            self.toasts.push(toast);
        }
    }

    /// Brings back work that was not saved when the window went away.
    fn restore_draft(&mut self) {
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

    /// Title of the window for the system, and its name for assistive technology.
    fn name_window(&mut self, ctx: &Context) {
        let title = match self.screen {
            Screen::Start => "statescope".to_owned(),
            Screen::Main => {
                let document = self.live.document();
                let mark = if document.dirty() { "• " } else { "" };
                format!("{mark}{} - statescope", document.title())
            }
        };
        ctx.accesskit_node_builder(egui::accesskit_root_id(), |node| {
            node.set_label(title.as_str());
        });
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    /// Holds the window open while there is unsaved work.
    fn watch_close(&mut self, ctx: &Context) {
        if !ctx.input(|input| input.viewport().close_requested()) || self.may_close {
            return;
        }
        if self.live.document().dirty() {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.unless_unsaved(ctx, Next::Close);
        }
    }

    /// F6 moves the keyboard to the next pane.
    fn cycle_panes(&mut self, ctx: &Context) {
        let backward = ctx.input(|input| input.modifiers.shift);
        if ctx.input_mut(|input| {
            input.consume_key(egui::Modifiers::SHIFT, egui::Key::F6)
                || input.consume_key(egui::Modifiers::NONE, egui::Key::F6)
        }) {
            let step = if backward { PANES.len() - 1 } else { 1 };
            self.pane = (self.pane + step) % PANES.len();
            ctx.memory_mut(|memory| memory.request_focus(pane_id(PANES[self.pane])));
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

/// A file name made from a title, with that ending.
fn file_name(title: &str, ending: &str) -> String {
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

fn shown_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The folder of a file, from the home folder on where it is there.
fn shown_folder(path: &Path) -> String {
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

fn file_error(error: &FileError) -> Toast<Answer> {
    let details = Answer::Details(error.to_string());
    Toast::error(shortened(&shown_error(error))).with_action("Show", details)
}

/// Why a file cannot be opened, in a line.
fn shown_error(error: &FileError) -> String {
    let name = shown_name(Path::new(error.file.as_ref()));
    let line = if error.line > 0 {
        format!(", line {}", error.line)
    } else {
        String::new()
    };
    format!("{name}{line}: {}", format::shortened(&error.message, 300))
}

/// The beginning of a text, for a message of one line.
fn shortened(text: &str) -> String {
    format::shortened(text, 90)
}

/// A file dropped on the window.
fn dropped_file(ctx: &Context) -> Option<Action> {
    ctx.input(|input| {
        let mut dropped = input.raw.dropped_files.iter();
        dropped.next().map(|file| file.path().to_owned())
    })
    .map(Action::OpenPath)
}

/// Where everything lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Panes {
    /// The bar at the top.
    pub top: Rect,
    /// The topology.
    pub canvas: Rect,
    /// The bar that runs time.
    pub transport: Rect,
    /// The time surface.
    pub charts: Rect,
    /// The log: a pane beside the charts, or one line beneath them.
    pub log: Rect,
    /// What is selected.
    pub inspector: Rect,
    /// Whether the log is a pane.
    pub wide: bool,
}

impl Panes {
    /// The panes of a window of this size.
    pub fn of(window: Rect) -> Self {
        let wide = window.width() > 1500.0;
        let inspector_width = if wide { 340.0 } else { 280.0 };
        let dock_height: f32 = if wide { 275.0 } else { 243.0 };
        // The canvas keeps at least a third of a low window.
        let below = window.height() - height::TOP_BAR;
        let dock_height = dock_height.min((below * 0.6).max(120.0));

        let (top, below) = window.split_top_bottom_at_y(window.top() + height::TOP_BAR);
        let (left, inspector) = below.split_left_right_at_x(below.right() - inspector_width);
        let (canvas, dock) = left.split_top_bottom_at_y(left.bottom() - dock_height);
        let (dock, log_pane) = if wide {
            dock.split_left_right_at_x(dock.right() - 440.0)
        } else {
            (dock, Rect::NOTHING)
        };
        let (transport, charts) = dock.split_top_bottom_at_y(dock.top() + 1.0 + height::TRANSPORT);
        let transport = transport.with_min_y(dock.top() + 1.0);
        let charts = charts.with_min_y(charts.top() + 1.0);
        let (charts, log) = if wide {
            (charts, log_pane.with_min_y(log_pane.top() + 1.0))
        } else {
            charts.split_top_bottom_at_y(charts.bottom() - 28.0)
        };
        Self {
            top,
            canvas,
            transport,
            charts,
            log,
            inspector: inspector.with_min_x(inspector.left() + 1.0),
            wide,
        }
    }
}

fn pane_id(name: &str) -> Id {
    Id::unique(("pane", name))
}

/// A pane: a ground, and a group of that name for assistive technology.
fn pane<T>(
    ui: &mut Ui,
    rect: Rect,
    name: &'static str,
    ground: egui::Color32,
    content: impl FnOnce(&mut Ui) -> T,
) -> T {
    ui.painter().rect_filled(rect, 0.0, ground);
    let id = pane_id(name);
    let group = ui.interact(rect, id, egui::Sense::focusable_noninteractive());
    group.widget_info(|| WidgetInfo::labeled(Role::Pane, true, name));
    let builder = UiBuilder::new()
        .scope_id(id.with("content"))
        .max_rect(rect)
        .accessibility_parent(id);
    let mut inside = ui.new_child(builder);
    inside.set_clip_rect(rect.intersect(ui.clip_rect()));
    let result = content(&mut inside);
    if group.has_focus() {
        let ring = Stroke::new(theme::stroke::FOCUS, theme::palette(ui).text);
        ui.painter()
            .rect_stroke(rect.shrink(1.0), 0.0, ring, egui::StrokeKind::Inside);
    }
    result
}
