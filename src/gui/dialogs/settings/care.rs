//! What is covered, how it is uncovered, breaks, and topics to leave out.

use egui::{Slider, TextWrapMode, Ui};

use super::{Shown, note, row};
use crate::gui::{
    panels::top_bar::elided,
    settings::{Settings, Uncover},
    widgets::{outlined, segmented},
};

/// Of a label's name so many characters are shown, which a line holds.
const MOST_OF_A_NAME: usize = 44;

pub(super) fn show(ui: &mut Ui, settings: &mut Settings, shown: &Shown<'_>) {
    let care = &mut settings.care;
    row(ui, "Pictures", |ui| {
        outlined(ui, |ui| ui.checkbox(&mut settings.blur, "Blur"));
        ui.add_enabled_ui(settings.blur, |ui| {
            let slider = Slider::new(&mut care.blur_percent, 3..=20).suffix(" % of the side");
            ui.add(slider).accessible_name("Strength of the blur");
        });
    });
    row(ui, "", |ui| {
        outlined(ui, |ui| ui.checkbox(&mut settings.grey, "Grey"));
        ui.add_enabled_ui(settings.grey, |ui| {
            let slider = Slider::new(&mut care.grey_percent, 10..=100).suffix(" % of the colour");
            ui.add(slider).accessible_name("Strength of the grey");
        });
    });
    row(ui, "Texts", |ui| {
        outlined(ui, |ui| {
            ui.checkbox(&mut care.cover_text, "Cover texts as well")
        });
    });
    let ways = [
        (
            Uncover::Hold,
            "While held",
            "As long as Space is held, or the pointer presses",
        ),
        (
            Uncover::Click,
            "By a click",
            "From a click or a press of Space on",
        ),
    ];
    row(ui, "Shown", |ui| {
        if let Some(way) = segmented(ui, "Shown", care.uncover, &ways) {
            care.uncover = way;
        }
    });
    if care.uncover == Uncover::Click {
        row(ui, "Cover again", |ui| {
            let slider = Slider::new(&mut care.cover_after_secs, 0..=60).suffix(" s");
            ui.add(slider).accessible_name("Cover again after seconds");
        });
        note(ui, "0: only when you click again, or go on.");
    }
    row(ui, "Breaks", |ui| {
        let slider = Slider::new(&mut care.break_minutes, 0..=180)
            .suffix(" min")
            .step_by(5.0);
        ui.add(slider)
            .accessible_name("Propose a break after minutes");
    });
    note(
        ui,
        "A short message after so long without a break; 0: never.",
    );
    topics_ui(ui, &mut care.put_away, shown);
    note(
        ui,
        "Esc covers the whole window at once. Blur, grey and covers give you control over what you see; nothing more is claimed.",
    );
}

fn topics_ui(ui: &mut Ui, put_away: &mut Vec<String>, shown: &Shown<'_>) {
    let Some(bench) = shown.bench else {
        return;
    };
    row(ui, "Put away", |ui| {
        outlined(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                // A name goes to the next line as a whole.
                ui.style_mut().wrap_mode = Some(TextWrapMode::Extend);
                for name in bench.session.dataset().labels.iter() {
                    topic_ui(ui, put_away, name);
                }
            });
        });
    });
    note(
        ui,
        "Posts to which the model or the dataset gives such a label are in the queue “Put away” only.",
    );
}

fn topic_ui(ui: &mut Ui, put_away: &mut Vec<String>, name: &str) {
    let before = put_away.iter().any(|known| known == name);
    let mut chosen = before;
    ui.checkbox(&mut chosen, elided(name, MOST_OF_A_NAME))
        .accessible_name(format!("Put away {name}"))
        .on_hover_text(format!(
            "Leave posts with the label “{name}” out of the queues"
        ));
    if chosen != before {
        put_away.retain(|known| known != name);
        if chosen {
            put_away.push(name.to_owned());
        }
    }
}
