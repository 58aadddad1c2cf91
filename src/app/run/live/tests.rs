use super::*;
use crate::model::load;

fn live() -> Live {
    let mut live = Live::new(Runner::stepped());
    live.open(Document::from_loaded(load("sticky-in-memory").unwrap()));
    live.tick(0.0, 0.0);
    live
}

fn run(live: &mut Live, seconds: f64) {
    for frame in 0..(seconds * 60.0) as u32 {
        live.tick(f64::from(frame) / 60.0, 1.0 / 60.0);
    }
}

fn set(path: &str, value: &str) -> Command {
    Command::Set(path.into(), value.into())
}

fn instances(topology: &Topology) -> u32 {
    match &topology.nodes["api"] {
        Node::Service(service) => service.instances,
        _ => 0,
    }
}

#[test]
fn before_it_runs_an_edit_starts_afresh_and_later_it_is_recorded() {
    let mut live = live();
    live.edit(&[set("nodes.api.instances", "5")], "5 instances");
    live.tick(0.0, 0.0);
    assert!(!live.has_recording());
    assert_eq!(instances(&live.at_reset), 5);

    live.play();
    run(&mut live, 1.0);
    live.edit(&[set("nodes.api.instances", "6")], "6 instances");
    live.run(Command::Crash("api".into(), 1));
    live.tick(2.0, 0.0);
    assert_eq!(live.latest.recording.len(), 2);
    // The fault is not in the document and not in what undo takes back.
    assert_eq!(instances(live.document().topology()), 6);
    live.undo();
    live.tick(2.0, 0.0);
    assert_eq!(instances(live.document().topology()), 5);
    assert_eq!(live.latest.recording.len(), 3);
    let session = live.session();
    assert_eq!(instances(&session), 5);
    assert_eq!(session.scenario.len(), live.at_reset.scenario.len() + 3);
}

#[test]
fn what_cannot_run_says_so_and_runs_again_once_it_can() {
    let mut live = live();
    live.edit(&[Command::Remove("api".into())], "Removed api");
    assert!(live.view().problem.is_some());
    live.play();
    live.tick(0.0, 0.1);
    assert!(!live.view().playing);
    let messages = live.take_messages();
    assert!(
        messages
            .iter()
            .any(|m| m.text.starts_with("Cannot run yet")),
        "{messages:?}"
    );
    live.undo();
    assert_eq!(live.view().problem, None);
    live.play();
    run(&mut live, 0.5);
    assert!(live.view().playing && live.view().snapshot.now > Duration(0));
}

#[test]
fn a_run_goes_on_where_it_stood_once_the_document_can_be_run_again() {
    let service = Command::Add("orders".into(), Node::Service(Default::default()));
    let link = Command::Link("lb -> orders".into());
    let add = [service, link];
    let unlink = Command::Unlink("lb -> orders".into());
    for mend in [None, Some(unlink)] {
        let mut live = live();
        live.play();
        run(&mut live, 1.0);
        let stood = live.view().snapshot.now;
        live.edit(&add, "Added orders");
        run(&mut live, 0.5);
        let view = live.view();
        assert!(!view.playing && view.snapshot.now == stood);
        let told = view.cannot_run().unwrap();
        let names = told.starts_with("Cannot go on yet: ") && told.contains("orders");
        assert!(names, "{told}");
        assert!(!told.contains(['`', '(', '"', '_']), "{told}");
        match &mend {
            None => live.undo(),
            Some(unlink) => live.edit(std::slice::from_ref(unlink), "Removed the link"),
        }
        run(&mut live, 0.5);
        assert!(live.view().playing && live.view().snapshot.now > stood);
        assert_eq!(live.running, *live.document().topology());
    }
    // Whoever stopped it finds it stopped.
    let mut live = live();
    live.play();
    run(&mut live, 1.0);
    live.edit(&add, "Added orders");
    live.pause();
    live.undo();
    run(&mut live, 0.5);
    assert!(!live.view().playing);
}

#[test]
fn a_wrong_edit_changes_nothing_and_says_why() {
    let mut live = live();
    let before = live.document().topology().clone();
    live.edit(&[set("nodes.api.workers", "many")], "w");
    assert_eq!(*live.document().topology(), before);
    assert_eq!(live.take_messages().len(), 1);
}

#[test]
fn a_reset_forgets_what_happened_and_keeps_the_document() {
    let mut live = live();
    live.play();
    run(&mut live, 1.0);
    live.run(Command::Crash("api".into(), 1));
    live.tick(1.0, 0.0);
    live.reset();
    live.tick(1.0, 0.0);
    assert!(!live.has_recording());
    assert_eq!(live.view().snapshot.now, Duration(0));
    assert!(live.view().history.intervals().is_empty());
    assert!(!live.document().dirty());
}

#[test]
fn another_seed_is_part_of_the_document() {
    let mut live = live();
    live.set_seed(7);
    live.tick(0.0, 0.0);
    assert_eq!(live.view().seed, 7);
    assert!(live.document().dirty());
}

#[test]
fn a_name_is_given_and_taken_back_while_it_runs() {
    let mut live = live();
    live.play();
    run(&mut live, 1.0);
    live.run(Command::Crash("api".into(), 1));
    live.tick(1.0, 0.0);
    live.rename("api", "shop");
    live.tick(1.0, 0.0);
    assert!(live.view().node("shop").is_some() && live.view().node("api").is_none());
    let recorded = |live: &Live| live.session().scenario.last().cloned();
    let crash = |name: &str| Command::Crash(name.into(), 1);
    assert_eq!(recorded(&live).unwrap().command(), &crash("shop"));
    assert_eq!(live.latest.recording.len(), 1, "a name is no event");
    assert!(
        live.view()
            .history
            .happenings()
            .all(|happening| { !format!("{happening:?}").contains("api") })
    );
    live.undo();
    live.tick(1.0, 0.0);
    assert!(live.view().node("api").is_some());
    assert_eq!(recorded(&live).unwrap().command(), &crash("api"));
    live.redo();
    run(&mut live, 0.5);
    let messages = live.take_messages();
    assert!(
        !messages
            .iter()
            .any(|m| m.text.starts_with("Not carried out"))
    );
    assert_eq!(live.running, *live.document().topology());
}

#[test]
fn the_name_of_a_node_that_is_gone_can_be_given_again() {
    let mut live = live();
    live.play();
    run(&mut live, 0.5);
    let late = Node::Service(Default::default());
    for (commands, label) in [
        (vec![Command::Add("late".into(), late)], "add"),
        (vec![Command::Remove("late".into())], "remove"),
    ] {
        live.edit(&commands, label);
        run(&mut live, 0.5);
    }
    live.rename("api", "late");
    run(&mut live, 0.5);
    live.run(Command::Crash("late".into(), 2));
    run(&mut live, 0.5);
    live.pause();
    live.tick(3.0, 0.0);
    let messages = live.take_messages();
    assert!(
        !messages
            .iter()
            .any(|m| m.text.starts_with("Not carried out")),
        "{messages:?}"
    );
    // What is gone goes by another name, so that the session can be told apart and replayed.
    let session = live.session();
    assert!(
        session
            .scenario
            .iter()
            .any(|timed| timed.command().node() == Some("late2"))
    );
    assert_eq!(crate::model::check::errors(&session), []);
    let mut replayed =
        crate::sim::Sim::new(&session, session.seed, crate::sim::Watch { live: true });
    replayed.run_until(live.view().snapshot.now);
    let lost = |snapshot: &crate::sim::snapshot::Snapshot| {
        let nodes = snapshot.nodes.iter().filter(|node| node.name == "late");
        nodes
            .map(|node| (node.arrived, node.lost_writes, node.lost_sessions))
            .collect::<Vec<_>>()
    };
    assert_eq!(lost(&replayed.snapshot()), lost(live.view().snapshot));
}

#[test]
fn a_run_that_is_brought_back_gets_the_names_of_now() {
    let mut live = live();
    live.play();
    run(&mut live, 1.0);
    let before = live.view().node("api").cloned().unwrap();
    live.reset();
    live.tick(1.0, 0.0);
    live.rename("api", "shop");
    live.restore_run();
    live.tick(1.0, 0.0);
    let after = live.view().node("shop").cloned().unwrap();
    assert_eq!(after.arrived, before.arrived);
    assert!(live.view().node("api").is_none());
    run(&mut live, 0.2);
    let messages = live.take_messages();
    assert!(
        !messages
            .iter()
            .any(|m| m.text.starts_with("Not carried out")),
        "{messages:?}"
    );
}

#[test]
fn a_selection_goes_with_what_was_selected() {
    let mut live = live();
    let node = Selection::Node("api".into());
    live.select(Some(node.clone()));
    assert_eq!(live.view().selection, Some(&node));
    live.edit(&[Command::Remove("api".into())], "r");
    assert_eq!(live.view().selection, None);
}
