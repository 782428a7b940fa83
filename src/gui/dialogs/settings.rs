//! The settings. Every change holds at once; there is nothing to confirm.

use egui::{DragValue, Slider, Ui};

use super::{Next, Shown, modal};
use crate::{
    gui::{
        command::Command,
        settings::Settings,
        theme::{self, ThemeChoice, space},
        widgets::{outlined, segmented},
    },
    review::blind::BlindMode,
};

/// A page of the settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Section {
    /// Deciding before the model's answer is seen.
    #[default]
    Blind,
    /// Theme and size.
    Window,
}

pub(super) fn show(
    ctx: &egui::Context,
    section: &mut Section,
    shown: &Shown<'_>,
    out: &mut Vec<Command>,
) -> Next {
    let closes = modal(ctx, "Settings", 560.0, |ui| {
        let sections = [
            (
                Section::Blind,
                "Blind review",
                "Decide before you see the model’s answer",
            ),
            (Section::Window, "Window", "Theme and size"),
        ];
        if let Some(chosen) = segmented(ui, "Settings", *section, &sections) {
            *section = chosen;
        }
        ui.add_space(space::S);
        let mut settings = shown.settings.clone();
        match section {
            Section::Blind => blind_ui(ui, shown, out),
            Section::Window => window_ui(ui, &mut settings),
        }
        if settings != *shown.settings {
            out.push(Command::ChangeSettings(Box::new(settings)));
        }
    });
    if closes { Next::Close } else { Next::Stay }
}

/// Blind mode belongs to the session, so that everybody who opens it decides the same posts blind.
fn blind_ui(ui: &mut Ui, shown: &Shown<'_>, out: &mut Vec<Command>) {
    let Some(bench) = shown.bench else {
        ui.label("Blind mode belongs to a session. Open a dataset first.");
        return;
    };
    let before = bench.session.blind_mode();
    let mut mode = before;
    let all = BlindMode {
        share_percent: 100,
        ..mode
    };
    let some = BlindMode {
        share_percent: if (1..100).contains(&mode.share_percent) {
            mode.share_percent
        } else {
            10
        },
        ..mode
    };
    let off = BlindMode {
        share_percent: 0,
        ..mode
    };
    ui.label("Hide the model’s answer until you have decided, then show it, to be kept or revised. Both are recorded.");
    let choices = [
        (off, "Off", "The answer is always in sight"),
        (some, "A sample", "Some posts, drawn by chance"),
        (all, "Every post", "No answer before a decision"),
    ];
    if let Some(chosen) = segmented(ui, "Blind mode", mode, &choices) {
        mode = chosen;
    }
    if (1..100).contains(&mode.share_percent) {
        ui.horizontal(|ui| {
            ui.add(Slider::new(&mut mode.share_percent, 1..=99).suffix(" % of the posts"))
                .accessible_name("Share decided blind");
            ui.label(theme::caption(ui, "Seed"));
            ui.add(DragValue::new(&mut mode.seed).speed(0.1))
                .accessible_name("Seed of the sample");
        });
    }
    ui.add_enabled_ui(mode.is_on(), |ui| {
        outlined(ui, |ui| {
            ui.checkbox(&mut mode.hides_dataset, "Hide the dataset’s label as well")
        });
    });
    let counts = bench.session.counts();
    if counts.blind > 0 {
        let text = format!(
            "{} decided blind so far, {} of them revised after the answer was shown.",
            counts.blind, counts.revised
        );
        ui.label(theme::caption(ui, text));
    }
    if mode != before {
        out.push(Command::SetBlind(mode));
    }
}

fn window_ui(ui: &mut Ui, settings: &mut Settings) {
    let themes = [
        (ThemeChoice::System, "System", "As the desktop has it"),
        (ThemeChoice::Light, "Light", "Dark text on light ground"),
        (ThemeChoice::Dark, "Dark", "Light text on dark ground"),
    ];
    row(ui, "Theme", |ui| {
        if let Some(theme) = segmented(ui, "Theme", settings.theme, &themes) {
            settings.theme = theme;
        }
    });
    row(ui, "Size", |ui| {
        let mut percent = (settings.zoom * 100.0).round() as u32;
        let sizes = [75, 90, 100, 110, 125, 150, 175, 200].map(|size| (size, format!("{size} %")));
        let choices: Vec<(u32, &str, &str)> = sizes
            .iter()
            .map(|(size, text)| (*size, text.as_str(), "Size of everything"))
            .collect();
        if let Some(chosen) = segmented(ui, "Size", percent, &choices) {
            percent = chosen;
            settings.zoom = percent as f32 / 100.0;
        }
    });
}

/// A setting: its name at the left, how it is set behind it.
fn row(ui: &mut Ui, name: &str, content: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.allocate_ui(egui::vec2(130.0, theme::ROW_HEIGHT), |ui| {
            ui.set_min_width(130.0);
            ui.label(name);
        });
        content(ui);
    });
}
