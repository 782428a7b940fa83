//! Who is in front of the window.

use egui::{RichText, Ui};

use super::{Shown, note, row};
use crate::gui::{
    command::{Command, People},
    settings::{MOST_NAME, Settings},
    theme::space,
    widgets::{self, field, segmented},
};

pub(super) fn show(
    ui: &mut Ui,
    settings: &mut Settings,
    shown: &Shown<'_>,
    out: &mut Vec<Command>,
) {
    let mut name = match &settings.reviewer {
        Some(name) => name.clone(),
        None => settings.reviewer_name().unwrap_or_default(),
    };
    row(ui, "Your name", |ui| {
        let edit = field(&mut name)
            .hint_text("No name")
            .char_limit(MOST_NAME)
            .desired_width(260.0);
        if ui.add(edit).accessible_name("Your name").changed() {
            settings.reviewer = Some(name.clone());
        }
    });
    note(
        ui,
        "Written with each decision from now on, and into reports and the provenance of exports. Decisions made so far keep \
         the name they have. Empty: no name is written.",
    );
    ui.add_space(space::S);
    row(ui, "Gold posts", |ui| {
        let ways = [
            (true, "Tell at once", "After the decision about a gold post"),
            (
                false,
                "Only in the tally",
                "How often you agreed, and no more",
            ),
        ];
        if let Some(way) = segmented(ui, "Gold posts", settings.gold_at_once, &ways) {
            settings.gold_at_once = way;
        }
    });
    let Some(bench) = shown.bench else { return };
    row(ui, "", |ui| {
        widgets::button(ui, Command::People(People::ShowGold), true, out);
    });
    ui.add_space(space::S);
    row(ui, "Other people", |ui| {
        let n = bench.session.seconds().len();
        let text = match n {
            0 => "Nobody else’s decisions are kept in this session".to_owned(),
            1 => "One second reviewer is kept in this session".to_owned(),
            n => format!("{n} second reviewers are kept in this session"),
        };
        ui.label(RichText::new(text));
    });
    row(ui, "", |ui| {
        widgets::button(ui, Command::People(People::ShowSeconds), true, out);
    });
}
