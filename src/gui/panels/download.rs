//! The line that says how a download stands, and what to do where it cannot go on.

use egui::{Align, Button, Label, Layout, RichText, TextEdit, Ui, vec2};
use egui_material_icons::icons;

use super::top_bar::bar;
use crate::{
    gui::{
        command::Command,
        downloading::{Download, DownloadState, DownloadStep, Failure, Secret},
        theme::{self, ICON, Palette, space},
        widgets,
    },
    model::hub::size_text,
};

/// Draws it. `token` is what is being typed.
pub fn show(ui: &mut Ui, download: &Download, token: &mut String, out: &mut Vec<Command>) {
    match &download.state {
        DownloadState::Running(_) => running(ui, download, out),
        DownloadState::Stopped => stopped(ui, download, out),
        DownloadState::Failed(failure) => failed(ui, failure, download, token, out),
    }
}

fn running(ui: &mut Ui, download: &Download, out: &mut Vec<Command>) {
    let palette = Palette::from_ui(ui);
    ui.horizontal(|ui| {
        widgets::symbol(ui, icons::ICON_CLOUD_DOWNLOAD, palette.accent, ICON);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            step(ui, "Stop", DownloadStep::Stop, out);
            let columns = ui.available_size() - vec2(space::S, 0.0);
            ui.allocate_ui_with_layout(columns, Layout::left_to_right(Align::Center), |ui| {
                let progress = &download.progress;
                let half = vec2(ui.available_width() / 2.0 - space::S, 28.0);
                let fraction = |done: u64, all: u64| done as f32 / all.max(1) as f32;
                let file = fraction(progress.file_done_bytes, progress.file_bytes);
                let all = fraction(progress.done_bytes, progress.total_bytes);
                for (fraction, text, name) in [
                    (file, file_text(download), "Progress of the file"),
                    (all, progress.in_all(" · "), "Progress of all files"),
                ] {
                    ui.allocate_ui(half, |ui| {
                        ui.set_min_width(half.x);
                        bar(ui, fraction, &text, name, &text);
                    });
                }
            });
        });
    });
}

fn stopped(ui: &mut Ui, download: &Download, out: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let weak = Palette::from_ui(ui).weak;
        widgets::symbol(ui, icons::ICON_PAUSE, weak, ICON);
        let progress = &download.progress;
        ui.label(format!(
            "Stopped fetching {} at {}; what came is kept.",
            download.title,
            progress.bytes_text()
        ));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            // Where “Stop” stood: a second click must not put anything away.
            step(ui, "Go on", DownloadStep::GoOn, out);
            step(ui, "Dismiss", DownloadStep::Dismiss, out);
        });
    });
}

fn failed(
    ui: &mut Ui,
    failure: &Failure,
    download: &Download,
    token: &mut String,
    out: &mut Vec<Command>,
) {
    let palette = Palette::from_ui(ui);
    ui.horizontal_top(|ui| {
        widgets::symbol(ui, icons::ICON_ERROR, palette.bad, ICON);
        let buttons = 210.0;
        ui.allocate_ui(vec2(ui.available_width() - buttons, 0.0), |ui| {
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.label(theme::strong("The model could not be fetched").color(palette.bad));
                let message = RichText::new(&failure.message).size(12.5);
                ui.add(Label::new(message).wrap().selectable(true));
                if let Some(page) = &failure.page {
                    ui.hyperlink_to("Open the page with its terms", page);
                }
                if failure.asks_for_token {
                    token_ui(ui, download, token, out);
                }
            });
        });
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            step(ui, "Try again", DownloadStep::GoOn, out);
            step(ui, "Dismiss", DownloadStep::Dismiss, out);
        });
    });
}

fn token_ui(ui: &mut Ui, download: &Download, token: &mut String, out: &mut Vec<Command>) {
    ui.add_space(space::XS);
    ui.horizontal(|ui| {
        let edit = TextEdit::singleline(token)
            .password(true)
            .hint_text("hf_…")
            .align(egui::Align2::LEFT_CENTER)
            .min_size(vec2(0.0, theme::ROW_HEIGHT))
            .desired_width(260.0);
        let response = ui.add(edit).accessible_name("Token of your account");
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let save = ui.add_enabled(
            !token.trim().is_empty(),
            Button::new("Save token and try again"),
        );
        if (save.clicked() || entered) && !token.trim().is_empty() {
            let token = Secret(std::mem::take(token));
            out.push(Command::Download(DownloadStep::GiveToken(token)));
        }
    });
    ui.label(theme::caption(
        ui,
        format!(
            "Kept in {} for you alone, where the Hub’s own tools keep it, and sent to {} only.",
            download.token_file.display(),
            download.endpoint
        ),
    ));
}

fn step(ui: &mut Ui, label: &str, step: DownloadStep, out: &mut Vec<Command>) {
    let response = ui.button(label);
    if response
        .accessible_name(format!("{label}: download"))
        .clicked()
    {
        out.push(Command::Download(step));
    }
}

/// Which file comes, and how far it has come; or what is waited for.
fn file_text(download: &Download) -> String {
    let progress = &download.progress;
    match (progress.note.as_str(), progress.file.as_str()) {
        ("", "") => format!("Fetching {}", download.title),
        ("", file) => format!(
            "{} · {file} · {} of {}",
            progress.repository,
            size_text(progress.file_done_bytes),
            size_text(progress.file_bytes)
        ),
        (note, _) => note.to_owned(),
    }
}
