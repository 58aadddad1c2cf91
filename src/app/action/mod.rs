//! What the window can be asked for. Panels return actions; only the shell carries them out.

mod arrange;
mod selection;
mod take;

pub use arrange::Arrange;
pub use selection::Selection;
pub use take::{Take, TakeOptions};

use std::path::PathBuf;

use crate::app::theme;
use crate::model::{Command, Topology};
use crate::units::Duration;

/// Nodes and where they are on the canvas.
pub type Placed = Vec<(String, (f32, f32))>;

/// What a click, a key or a menu asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Carry out on the running system (a fault or a change of it); recorded, not undoable.
    Run(Command),
    /// Change the document (undoable, in one step), and the running system with it; the text names the step in menus
    /// and messages, such as "Sessions kept in a store".
    Edit(Vec<Command>, String),
    /// What an edit that is pointed at would do; lasts one frame. The canvas ghosts the nodes it would add.
    Preview(Vec<Command>),
    /// Move nodes on the canvas (undoable; changes nothing in the simulation).
    Move(Placed),
    /// The same as part of the move before, while a key is held.
    MoveOn(Placed),
    /// Move nodes on the canvas, in a step of that name.
    Arrange(Placed, String),
    /// Give a node another name, in the document and in the running system, which goes on undisturbed.
    Rename(String, String),
    /// Give a link, by its key, other ends: from and to. It keeps what is its own, and all that refers to it follows.
    Reconnect(String, String, String),
    /// Let a link's latency be typed where it stands.
    AskLatency(String),
    /// Let a node's name be typed where it stands.
    AskName(String),
    /// Put what is selected in line, or at equal distances.
    AskArrange(Arrange),
    /// Copies of these nodes beside them, wherever there is room.
    AskCopies(Vec<String>),
    /// Copies of these nodes so much further to the right and down; they are selected then. Others get the places that they
    /// are seen at, so that they stay there.
    Duplicate(Vec<String>, (f32, f32), Placed),
    /// What is selected as the text of a topology, to the clipboard.
    Copy,
    /// The same, and take it away here.
    Cut,
    /// Ask for what is in the clipboard.
    AskPaste,
    /// Nodes from the text of a topology; they are selected then.
    Paste(String),
    /// Nodes of a part, where they are to be, in a step named by that word and what they are; they are selected then. Others get the places that they
    /// are seen at.
    Insert(Box<Topology>, String, Placed),
    /// Add a node of a kind where it is seen and free: clients, balancer, service, Redis-like store, SQL database, object
    /// store by number from 0.
    AddKind(usize),
    /// Select every node.
    SelectAll,
    /// Select one thing, several nodes, or nothing.
    Select(Option<Selection>),
    /// Let simulated time run.
    Play,
    /// Stop simulated time.
    Pause,
    /// Play if it stands, pause if it runs.
    TogglePlay,
    /// One small step forward, then pause.
    Step,
    /// Start again from the document, at time 0.
    Reset,
    /// Bring back the run that the last reset threw away.
    RestoreRun,
    /// Simulated seconds a second, from 0.001; infinite: as fast as the machine goes.
    SetSpeed(f64),
    /// Another seed: changes the document and starts again.
    SetSeed(u64),
    /// Take back the last edit.
    Undo,
    /// Do again what was taken back.
    Redo,
    /// Take back this step, if it is the last one.
    UndoStep(u64),
    /// Do this step again, if it is the one that was taken back last.
    RedoStep(u64),
    /// An empty document.
    New,
    /// Ask for a file and open it.
    Open,
    /// Open this file.
    OpenPath(PathBuf),
    /// Open an embedded preset by its name.
    OpenPreset(String),
    /// Write the document to its file; asks for one if it has none.
    Save,
    /// Ask for a file and write the document to it.
    SaveAs,
    /// Ask for a file and write what happened in this run as a scenario.
    SaveSession,
    /// Take something away: ask for a file and write it there.
    Take(Take),
    /// The whole canvas as a picture, to the clipboard.
    CopyPicture,
    /// How pictures that are taken away look.
    SetTaking(TakeOptions),
    /// Open the menu of what can be taken away.
    ShowTaking,
    /// Show the start screen.
    ShowStart,
    /// Go back from the start screen to the document.
    ShowMain,
    /// Take a file off the list of recent ones.
    ForgetRecent(PathBuf),
    /// Take away the tag with the loss of this node.
    DismissLoss(String),
    /// Zoom the canvas; 1 is 100 %.
    ZoomTo(f32),
    /// Zoom and move the canvas so that everything is seen.
    Fit,
    /// The instant that the charts and the inspector read; `None`: now.
    SetCursor(Option<Duration>),
    /// Dark to light, or back.
    ToggleTheme,
    /// Contrast and motion.
    SetLook(theme::Settings),
    /// Show or hide the sheet of shortcuts.
    ToggleHelp,
    /// Bring back work that was not saved when the window was last seen.
    RestoreDraft,
}
