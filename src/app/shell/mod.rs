//! The window: its screens and panes, and what happens with what they ask for.

mod act;
mod dialogs;
mod floating;
pub mod keys;
mod names;
mod panes;
mod pasting;
mod saving;
mod taking;
mod unsaved;

pub use panes::Panes;

use std::path::{Path, PathBuf};

use egui::{Context, Ui};

use crate::app::action::Action;
use crate::app::action::{Take, TakeOptions};
use crate::app::document::draft::Drafts;
use crate::app::document::files::{Files, Purpose};
use crate::app::panes::canvas::Canvas;
use crate::app::panes::charts::Charts;
use crate::app::panes::inspector::Inspector;
use crate::app::panes::log::Log;
use crate::app::panes::standing::Standing;
use crate::app::panes::start::Start;
use crate::app::run::live::{Answer, Live};
use crate::app::run::runner::Runner;
use crate::app::take::{Material, Taking};
use crate::app::theme;
use crate::app::widgets::{Toast, Toasts};
use crate::model::{Loaded, file};
use dialogs::Leaving;
use pasting::Pasting;
use saving::dropped_file;
use unsaved::Next;

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
    pub taking: TakeOptions,
    /// Work that was not saved when the window was last seen: the file it belongs to and its text. It has a file of its
    /// own, see [`Drafts`].
    #[serde(skip)]
    pub draft: Option<(Option<PathBuf>, String)>,
}

/// Which screen is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Screen {
    Start,
    Main,
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
        let mut actions = Vec::new();
        let mut save = Vec::new();
        if !self.is_asking() {
            if !typing {
                actions = self.keys(&ctx, quiet);
            } else if self.screen == Screen::Main && !self.files.is_asking() {
                save = self.keys_while_typing(&ctx);
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

    /// Whether a question holds everything up.
    fn is_asking(&self) -> bool {
        self.leaving.is_some() || self.losing_comments.is_some() || self.changed_on_disk.is_some()
    }

    /// What the keys of this frame ask for; `quiet`: something was typed a moment ago.
    fn keys(&mut self, ctx: &Context, quiet: bool) -> Vec<Action> {
        let view = self.live.view();
        match self.screen {
            Screen::Main => {
                let covered = self.help || self.details.is_some() || self.files.is_asking();
                let actions = keys::main_view(ctx, &view, covered, quiet);
                self.cycle_panes(ctx);
                actions
            }
            Screen::Start => keys::start_screen(ctx, &view),
        }
    }

    /// The same while text is being typed.
    fn keys_while_typing(&self, ctx: &Context) -> Vec<Action> {
        let actions = keys::while_typing(ctx, &self.live.view());
        if !actions.is_empty() {
            // The field takes what was typed when it loses the keyboard.
            ctx.memory_mut(|memory| {
                if let Some(field) = memory.focused() {
                    memory.surrender_focus(field);
                }
            });
        }
        actions
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

    fn show_main(&mut self) {
        self.screen = Screen::Main;
        self.canvas = Canvas::default();
        self.inspector = Inspector::default();
        self.charts = Charts::default();
        self.log = Log::default();
        self.standing = Standing::default();
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
}
