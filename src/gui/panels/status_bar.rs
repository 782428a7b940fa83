//! The bottom line: what is saved and where, how far the review has come, and the keys needed most.

use egui::{Align, Layout, RichText, Ui};
use egui_material_icons::icons;

use crate::{
    gui::{
        bench::Bench,
        command::Command,
        sitting::Sitting,
        theme::{self, Palette, SMALL, space},
        widgets,
    },
    review::session::{SaveState, Unsaved},
};

/// Draws it.
pub fn show(ui: &mut Ui, bench: Option<&Bench>, sitting: &Sitting, out: &mut Vec<Command>) {
    ui.spacing_mut().interact_size.y = 22.0;
    ui.spacing_mut().button_padding.y = 1.0;
    ui.horizontal_centered(|ui| {
        let Some(bench) = bench else {
            ui.label(theme::caption(ui, "No dataset is open"));
            return;
        };
        save_ui(ui, bench, out);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            hints_ui(ui);
            ui.add_space(space::M);
            let (reviewed, all) = (
                bench.session.counts().reviewed,
                bench.session.dataset().posts.len(),
            );
            let text = format!(
                "{} of {} reviewed",
                widgets::thousands(reviewed),
                widgets::thousands(all)
            );
            let label = ui.label(theme::caption(ui, text));
            if let Some(name) = bench.session.reviewer() {
                label.on_hover_text(format!("Decisions are written down as those of {name}."));
            }
            if sitting.n_seen() > 0 && ui.ctx().content_rect().width() >= 1100.0 {
                let text = format!("{} seen in this sitting", widgets::posts(sitting.n_seen()));
                ui.label(theme::caption(ui, text));
            }
        });
    });
}

fn save_ui(ui: &mut Ui, bench: &Bench, out: &mut Vec<Command>) {
    let palette = Palette::from_ui(ui);
    let small = |text: String, color| RichText::new(text).size(SMALL).color(color);
    let file = bench.session.file();
    match &bench.save {
        SaveState::Saving(unsaved) if unsaved.actions > 0 => {
            widgets::symbol(ui, icons::ICON_SYNC, palette.weak, 14.0);
            ui.label(small(
                format!("Saving {}…", counted(*unsaved)),
                palette.weak,
            ));
        }
        // Predictions on their way are no news: lost ones are made again.
        SaveState::Saved | SaveState::Saving(_) => {
            widgets::symbol(ui, icons::ICON_CHECK, palette.good, 14.0);
            let name = file
                .file_name()
                .unwrap_or(file.as_os_str())
                .to_string_lossy();
            let mut tooltip = format!("The session file: {}", file.display());
            if let SaveState::Saving(unsaved) = &bench.save {
                tooltip.push_str(&format!("\nOn their way there: {}", counted(*unsaved)));
            }
            ui.label(small("All decisions saved".to_owned(), palette.text));
            ui.label(small(super::top_bar::elided(&name, 40), palette.weak))
                .on_hover_text(tooltip);
        }
        SaveState::Failed { unsaved, message } => {
            widgets::symbol(ui, icons::ICON_ERROR, palette.bad, 14.0);
            let text = format!(
                "Not saved: {} · {}",
                counted(*unsaved),
                super::top_bar::elided(message, 80)
            );
            ui.label(small(text, palette.bad)).on_hover_text(message);
            widgets::button(ui, Command::RetrySave, true, out);
        }
    }
}

/// “1 decision”, “2 decisions and 30 predictions”. Flags, notes and undoing count as decisions.
pub fn counted(unsaved: Unsaved) -> String {
    let count = |n: usize, what: &str| match n {
        1 => format!("1 {what}"),
        n => format!("{} {what}s", widgets::thousands(n)),
    };
    match (unsaved.actions, unsaved.predictions) {
        (actions, 0) => count(actions, "decision"),
        (0, predictions) => count(predictions, "prediction"),
        (actions, predictions) => format!(
            "{} and {}",
            count(actions, "decision"),
            count(predictions, "prediction")
        ),
    }
}

fn hints_ui(ui: &mut Ui) {
    if ui.ctx().content_rect().width() < 1200.0 {
        if let Some(key) = Command::ShowKeys.shortcut_text(ui.ctx()) {
            hint(ui, &key, "keys");
        }
        return;
    }
    let key = |ui: &Ui, command: Command| command.shortcut_text(ui.ctx());
    for (key, what) in [
        (key(ui, Command::ShowKeys), "keys"),
        (Some("Space".to_owned()), "see"),
        (key(ui, Command::Skip), "skip"),
        (key(ui, Command::Accept), "accept"),
        (key(ui, Command::ChooseNone), "none"),
        (key(ui, Command::Confirm), "confirm"),
    ] {
        if let Some(key) = key {
            hint(ui, &key, what);
        }
    }
}

/// Drawn from the right: the word first.
fn hint(ui: &mut Ui, key: &str, what: &str) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = space::XS;
        ui.label(theme::caption(ui, what));
        widgets::key_cap(ui, key);
    });
    ui.add_space(space::XS);
}
