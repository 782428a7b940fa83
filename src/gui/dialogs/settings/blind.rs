//! Blind mode. It belongs to the session, so that everybody who opens it decides the same posts blind.

use egui::{DragValue, Slider, Ui};

use super::{Shown, note, row};
use crate::{
    gui::{
        command::Command,
        theme,
        widgets::{outlined, posts, segmented},
    },
    review::blind::BlindMode,
};

pub(super) fn show(ui: &mut Ui, shown: &Shown<'_>, out: &mut Vec<Command>) {
    let Some(bench) = shown.bench else {
        ui.label("Blind mode belongs to a session. Open a dataset first.");
        return;
    };
    let before = bench.session.blind_mode();
    let mut mode = before;
    let with_share = |share_percent| BlindMode {
        share_percent,
        ..before
    };
    let sample = if (1..100).contains(&mode.share_percent) {
        mode.share_percent
    } else {
        10
    };
    ui.label("Hide the model’s answer until you have decided; then show it, to be kept or revised. Both are recorded.");
    let choices = [
        (with_share(0), "Off", "The answer is always in sight"),
        (
            with_share(sample),
            "A sample",
            "Some posts, drawn by chance",
        ),
        (with_share(100), "Every post", "No answer before a decision"),
    ];
    row(ui, "Decide blind", |ui| {
        if let Some(chosen) = segmented(ui, "Blind mode", mode, &choices) {
            mode = chosen;
        }
    });
    if (1..100).contains(&mode.share_percent) {
        row(ui, "Sample", |ui| {
            let slider = Slider::new(&mut mode.share_percent, 1..=99).suffix(" %");
            ui.add(slider).accessible_name("Share decided blind");
            ui.label(theme::caption(ui, "Seed"));
            let seed = DragValue::new(&mut mode.seed).speed(0.1);
            ui.add(seed).accessible_name("Seed of the sample");
        });
    }
    row(ui, "", |ui| {
        ui.add_enabled_ui(mode.is_on(), |ui| {
            let text = "Hide the dataset’s label as well";
            outlined(ui, |ui| ui.checkbox(&mut mode.hides_dataset, text));
        });
    });
    let counts = bench.session.counts();
    if counts.blind > 0 {
        let text = format!(
            "{} decided blind so far; {} of them revised when the answer was shown.",
            posts(counts.blind),
            counts.revised
        );
        note(ui, &text);
    }
    if mode != before {
        out.push(Command::SetBlind(mode));
    }
}
