//! The last ten decisions, to go back to by a click.

use std::collections::HashSet;

use egui::{Button, RichText, Ui};

use super::labels::someone_else;
use crate::{
    gui::{
        bench::Bench,
        command::Command,
        theme::{self, space},
        widgets,
    },
    review::{
        Outcome, Session,
        decision::{ActionKind, Change},
    },
};

/// How many there are.
const MOST: usize = 10;

/// How far back in the history they are looked for: edits of labels and notes stand between them.
const HISTORY: usize = 200;

/// The room for one, in points.
const ROOM: f32 = 110.0;

/// The posts decided last, the newest first, each once.
fn last(session: &Session) -> Vec<usize> {
    let mut known = HashSet::new();
    let is_decision = |change| {
        use ActionKind::{Confirm, Escalate, Settle, Skip};
        matches!(change, Change::Do(Confirm | Settle | Skip | Escalate))
    };
    session
        .recent()
        .take(HISTORY)
        .filter(|(post, entry)| is_decision(entry.change) && known.insert(*post))
        .map(|(post, _)| post)
        .take(MOST)
        .collect()
}

/// Whether there is anything to show.
pub fn is_empty(bench: &Bench) -> bool {
    last(&bench.session).is_empty()
}

/// Draws as many as there is room for.
pub fn show(ui: &mut Ui, bench: &Bench, out: &mut Vec<Command>) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = space::XS;
        ui.spacing_mut().interact_size.y = 22.0;
        ui.spacing_mut().button_padding.y = 1.0;
        ui.label(theme::caption(ui, "Last decisions"));
        for post in last(&bench.session) {
            if ui.available_width() < ROOM {
                return;
            }
            let what = what(&bench.session, post);
            let number = widgets::thousands(post + 1);
            let text = format!("{number} {}", super::top_bar::elided(&what, 12));
            let button = Button::new(RichText::new(text).size(theme::SMALL))
                .frame_when_inactive(false)
                .selected(bench.cursor() == Some(post));
            let mut name = format!("Go back to post {number}: {what}");
            if let Some(who) = someone_else(&bench.session, post) {
                name.push_str(&format!(", by {who}"));
            }
            let response = ui.add(button).accessible_name(&name);
            if response.on_hover_text(name).clicked() {
                out.push(Command::GoTo(post));
            }
        }
    });
}

/// What was decided, in words.
fn what(session: &Session, post: usize) -> String {
    let review = session.review(post);
    match (review.outcome, review.decision) {
        (Some(Outcome::Skipped), _) => "skipped".to_owned(),
        (Some(Outcome::Escalated), _) => "escalated".to_owned(),
        (_, Some(labels)) => session.dataset().labels.words(labels),
        (_, None) => "open".to_owned(),
    }
}
