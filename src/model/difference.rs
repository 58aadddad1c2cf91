//! What differs between two topologies, as commands: so a running system follows an undo.

use super::settings::{Setting, Shape, to_ron, with_profile};
use super::{Command, Link, Node, Topology};

/// The commands that turn one topology into the other, as far as a running system has what differs.
pub fn difference(from: &Topology, to: &Topology) -> Vec<Command> {
    let mut commands = Vec::new();
    for link in &from.links.0 {
        if to.links.find(&link.key()).is_none() && reconnected(from, to, link).is_none() {
            commands.push(Command::Unlink(link.settings.path.clone()));
        }
    }
    for (name, node) in &to.nodes {
        match from.nodes.get(name) {
            None => commands.push(Command::Add(name.clone(), node.clone())),
            Some(old) if old == node => {}
            Some(old) if std::mem::discriminant(old) == std::mem::discriminant(node) => {
                settings_that_differ(from, to, name, &mut commands);
            }
            Some(_) => {
                commands.push(Command::Remove(name.clone()));
                commands.push(Command::Add(name.clone(), node.clone()));
            }
        }
    }
    for link in &to.links.0 {
        let old = from.links.find(&link.key()).map(|at| &from.links.0[at]);
        let removed_with = |end: &String| {
            commands
                .iter()
                .any(|command| matches!(command, Command::Remove(name) if name == end))
        };
        let kept = old.is_some() && !removed_with(&link.from) && !removed_with(&link.to);
        let before = from
            .links
            .0
            .iter()
            .find(|old| reconnected(from, to, old) == Some(link));
        let base = if kept {
            old.cloned()
                .unwrap_or_else(|| Link::new(&link.from, &link.to))
        } else if let Some(before) = before {
            let path = format!("links.{}.path", before.key());
            commands.push(Command::Set(path, to_ron(&link.settings.path)));
            let mut moved = before.clone();
            moved.settings.path.clone_from(&link.settings.path);
            moved
        } else {
            commands.push(Command::Link(link.settings.path.clone()));
            Link::new(&link.from, &link.to)
        };
        if base.settings != link.settings {
            commands.push(Command::Set(format!("links.{}", link.key()), to_ron(link)));
        }
    }
    if from.sessions != to.sessions {
        commands.push(Command::Set("sessions".into(), to_ron(&to.sessions)));
    }
    if from.objectives != to.objectives {
        commands.push(Command::Set("objectives".into(), to_ron(&to.objectives)));
    }
    for name in from.nodes.keys() {
        if !to.nodes.contains_key(name) {
            commands.push(Command::Remove(name.clone()));
        }
    }
    if is_in_another_order(from, to, &commands) {
        commands.push(Command::Set("links".into(), to_ron(&to.links)));
    }
    commands
}

/// The link that stands at the place of one that is gone, with other ends: the same one, reconnected.
pub fn reconnected<'t>(from: &Topology, to: &'t Topology, link: &Link) -> Option<&'t Link> {
    let at = from.links.find(&link.key())?;
    let new = to.links.0.get(at)?;
    // A node that is replaced by one of another kind takes its links with it.
    let stays = |name: &String| {
        let kinds = [from, to].map(|topology| topology.nodes.get(name).map(Node::name));
        kinds[1].is_none() || kinds[0] == kinds[1]
    };
    let same_place = from.links.0.len() == to.links.0.len();
    let gone = to.links.find(&link.key()).is_none();
    let fresh = from.links.find(&new.key()).is_none();
    (same_place && gone && fresh && stays(&link.from) && stays(&link.to)).then_some(new)
}

/// Whether the commands leave the links in another order: clients call the first one, and services call them in turn.
fn is_in_another_order(from: &Topology, to: &Topology, commands: &[Command]) -> bool {
    let links = |command: &Command| match command {
        Command::Set(path, _) => path.starts_with("links"),
        Command::Link(_) | Command::Unlink(_) | Command::Remove(_) => true,
        _ => false,
    };
    let same_order = from
        .links
        .0
        .iter()
        .map(Link::key)
        .eq(to.links.0.iter().map(Link::key));
    if same_order && !commands.iter().any(links) {
        return false;
    }
    let mut reached = from.clone();
    for command in commands {
        // What cannot be carried out is said where it is tried.
        let _ = reached.apply(command);
    }
    reached.links != to.links
}

/// A `Set` for each setting of the node that differs.
fn settings_that_differ(from: &Topology, to: &Topology, name: &str, commands: &mut Vec<Command>) {
    let shape = with_profile(to.profile, <Node as Setting>::shape);
    let Shape::Choice(kinds) = shape else { return };
    let Some(node) = to.nodes.get(name) else {
        return;
    };
    let Some(Shape::Group(fields)) = kinds
        .into_iter()
        .find(|kind| kind.name == node.name())
        .and_then(|kind| kind.payload)
    else {
        return;
    };
    for field in fields {
        let path = format!("nodes.{name}.{}", field.name);
        if let Ok(new) = to.get_path(&path)
            && from.get_path(&path).as_ref() != Ok(&new)
        {
            commands.push(Command::Set(path, new));
        }
    }
}
