//! Copying and pasting: what goes into the clipboard, and what is said where nothing comes out of it.

use egui::Context;

use super::Shell;
use crate::app::run::meant::removal;
use crate::app::widgets::Toast;
use crate::model::{file, part};

/// How many frames are waited for the clipboard, once it was asked.
const PASTE_FRAMES: u32 = 10;
/// A key that is let go within this time after something came has pasted that, in seconds.
const PASTE_S: f64 = 1.0;

/// What is known of a paste that is under way.
#[derive(Debug, Default)]
pub(super) struct Pasting {
    /// When something came last, in seconds.
    came_s: Option<f64>,
    /// Frames that are waited yet for what was asked for.
    asked: Option<u32>,
    /// The letter of the key is down, and that was no paste.
    typed: bool,
}

impl Shell {
    /// Puts what is selected into the clipboard, as the text of a topology; returns which nodes those are.
    pub(super) fn copy(&mut self, ctx: &Context) -> Option<Vec<String>> {
        let names = self.live.view().selection?.names().to_vec();
        let topology = self.live.document().topology();
        let part = part::copy(topology, names.iter().map(String::as_str));
        ctx.copy_text(file::write(&part));
        ctx.request_repaint();
        (!names.is_empty()).then_some(names)
    }

    /// The same, and takes it away here.
    pub(super) fn cut(&mut self, ctx: &Context) {
        if let Some(names) = self.copy(ctx) {
            let (commands, what) = removal(&names);
            self.live.edit(&commands, &format!("Cut {what}"));
        }
    }

    /// Asks for what is in the clipboard; it comes in a later frame, if anything is there.
    pub(super) fn ask_paste(&mut self, ctx: &Context) {
        self.pasting.asked = Some(PASTE_FRAMES);
        ctx.send_viewport_cmd(egui::ViewportCommand::RequestPaste);
        ctx.request_repaint();
    }

    pub(super) fn paste(&mut self, ctx: &Context, text: &str) {
        match part::read(text) {
            Ok(part) => self.canvas.add_part(part),
            Err(why) => self.toasts.push(Toast::error(format!("Not pasted: {why}"))),
        }
        ctx.request_repaint();
    }

    /// Says so where somebody pastes and nothing comes: of a clipboard without text the system tells nothing.
    pub(super) fn watch_paste(&mut self, ctx: &Context, typing: bool) {
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
}
