//! A promise is made of a figure, wherever that stands.

use egui::{Popup, Response, Ui};

use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::panes::verdicts::Kind;
use crate::app::run::state::View;
use crate::app::widgets::{self, menu_item};

/// The menu of a figure that can be promised: what would be promised from what it is now.
pub fn menu_of(response: &Response, kind: Kind, view: &View) -> Option<Action> {
    let mut asked = None;
    by_menu(response, |ui| {
        widgets::menu_header(ui, kind.title(), "");
        let target = kind.suggested(view);
        let text = format!("Promise this: {}", words(kind, &target));
        if menu_item(ui, Some(Icon::Check), &text, "").clicked() {
            ui.close();
            asked = promise(kind, &target);
        }
        let promised = kind.target(&view.topology.objectives).is_some();
        let back = ui.add_enabled_ui(promised, |ui| {
            menu_item(ui, Some(Icon::Minus), "Take the promise back", "")
        });
        if back.inner.clicked() {
            ui.close();
            let label = format!("Promise of {} taken back", kind.in_sentence());
            asked = Some(Action::Edit(vec![kind.taken_back()], label));
        }
    });
    asked
}

/// Opens a menu on a right click; Enter and a click do the same.
pub(super) fn by_menu(response: &Response, content: impl FnOnce(&mut Ui)) {
    let menu = Popup::context_menu(response);
    let menu = if response.clicked() {
        menu.open_memory(Some(egui::SetOpenCommand::Bool(true)))
    } else {
        menu
    };
    menu.show(content);
}

/// What promises this much.
pub(super) fn promise(kind: Kind, target: &str) -> Option<Action> {
    let command = kind.promised(target).ok()?;
    let label = format!("Promised: {}", words(kind, target));
    Some(Action::Edit(vec![command], label))
}

/// "p99 at most 200ms", "No lost sessions".
pub(super) fn words(kind: Kind, target: &str) -> String {
    if kind.is_loss() && target == "0" {
        return format!("No {}", kind.in_sentence());
    }
    let least = kind.asks().to_lowercase();
    format!("{} {least} {}", kind.title(), kind.written(target))
}
