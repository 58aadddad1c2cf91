//! What a key or a button means for what is selected: which service, which instance, and the edits that several panes
//! offer.

use crate::app::action::{Action, Selection};
use crate::app::run::state::View;
use crate::app::words::spoken;
use crate::model::node::MOST_INSTANCES;
use crate::model::{Command, Node};

/// The service that a button or key without a name means: the selected one, else the first that keeps state, else the
/// first.
pub fn service(view: &View) -> Option<String> {
    let is_service = |name: &&str| matches!(view.topology.nodes.get(*name), Some(Node::Service(_)));
    let names = view.selection.map(Selection::names).unwrap_or_default();
    let selected = names.iter().map(String::as_str).find(is_service);
    let keeps_state = |node: &Node| matches!(node, Node::Service(s) if s.state.is_local());
    let any_service = |node: &Node| matches!(node, Node::Service(_));
    let first = |wanted: &dyn Fn(&Node) -> bool| {
        let mut nodes = view.topology.nodes.iter();
        nodes
            .find(|(_, node)| wanted(node))
            .map(|(name, _)| name.as_str())
    };
    selected
        .or_else(|| first(&keeps_state))
        .or_else(|| first(&any_service))
        .map(str::to_owned)
}

/// The instance that Crash means: the selected one; of the selected node, or the one that [`service`] names, the first
/// that is not down.
pub fn instance_to_crash(view: &View) -> Option<(String, u32)> {
    if let Some(Selection::Instance(node, number)) = view.selection {
        return Some((node.clone(), *number));
    }
    let has_instances = |name: &&str| {
        view.topology
            .nodes
            .get(*name)
            .is_some_and(|node| matches!(node, Node::Service(_)) || node.is_store())
    };
    let names = view.selection.map(Selection::names).unwrap_or_default();
    let selected = names.iter().map(String::as_str).find(has_instances);
    let name = selected.map(str::to_owned).or_else(|| service(view))?;
    let up = view
        .node(&name)
        .and_then(|node| {
            let mut instances = node.instances.iter();
            instances.find(|instance| instance.status.serves())
        })
        .map(|instance| instance.number)?;
    Some((name, up))
}

/// One instance more or fewer, of each service that is selected.
pub fn scaled(view: &View, by: i32) -> Option<Action> {
    if let Some(Selection::Nodes(names)) = view.selection {
        return all_scaled(view, names, by);
    }
    let name = service(view)?;
    let Some(Node::Service(service)) = view.topology.nodes.get(&name) else {
        return None;
    };
    let wanted = service
        .instances
        .saturating_add_signed(by)
        .clamp(1, MOST_INSTANCES);
    (wanted != service.instances).then(|| scale_to(&name, wanted))
}

fn all_scaled(view: &View, names: &[String], by: i32) -> Option<Action> {
    let set = |name: &String| match view.topology.nodes.get(name) {
        Some(Node::Service(service)) => {
            let wanted = service
                .instances
                .saturating_add_signed(by)
                .clamp(1, MOST_INSTANCES);
            let path = format!("nodes.{name}.instances");
            (wanted != service.instances).then(|| Command::Set(path, wanted.to_string()))
        }
        _ => None,
    };
    let commands: Vec<Command> = names.iter().filter_map(set).collect();
    let which = if by > 0 { "more" } else { "fewer" };
    let label = format!("{} services: one instance {which}", commands.len());
    (!commands.is_empty()).then(|| Action::Edit(commands, label))
}

/// So many instances.
pub fn scale_to(name: &str, instances: u32) -> Action {
    let plural = if instances == 1 { "" } else { "s" };
    Action::Edit(
        vec![Command::Set(
            format!("nodes.{name}.instances"),
            instances.to_string(),
        )],
        format!("{name}: {instances} instance{plural}"),
    )
}

/// What Delete takes away.
pub fn removed(view: &View) -> Option<Action> {
    match view.selection? {
        selection @ (Selection::Node(_) | Selection::Nodes(_)) => Some(remove(selection.names())),
        Selection::Link(key) => Some(unlink(key)),
        Selection::Instance(..) => None,
    }
}

/// The edit that takes nodes away.
pub fn remove(names: &[String]) -> Action {
    let (commands, what) = removal(names);
    Action::Edit(commands, format!("Removed {what}"))
}

/// The commands that take nodes away, and which those are, in words.
pub fn removal(names: &[String]) -> (Vec<Command>, String) {
    let commands = names.iter().cloned().map(Command::Remove);
    let what = match names {
        [name] => name.clone(),
        _ => format!("{} nodes", names.len()),
    };
    (commands.collect(), what)
}

/// The edit that takes a link away.
pub fn unlink(key: &str) -> Action {
    let label = format!("Removed the link {}", spoken::link(key));
    Action::Edit(vec![Command::Unlink(key.replace("->", " -> "))], label)
}
