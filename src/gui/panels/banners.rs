//! Lines below the top bar: what is true of the whole window, and what to do about it.

use egui::{Align, Layout, RichText, Ui, vec2};
use egui_material_icons::icons;

use crate::{
    gui::{
        command::Command,
        theme::{self, ICON, Palette},
        widgets::{self, icon_button},
    },
    model::ModelSpec,
    predict::worker::Outage,
};

/// The line that says that this is a demo, and the three ways on. The tour stands out until it was taken.
pub fn demo(ui: &mut Ui, is_demo_data: bool, tour_taken: bool, out: &mut Vec<Command>) {
    let palette = Palette::from_ui(ui);
    ui.horizontal(|ui| {
        widgets::symbol(ui, icons::ICON_SCIENCE, palette.demo, ICON);
        let (title, text) = if is_demo_data {
            (
                "This is the demo.",
                "Drawn pictures and a toy model, to try everything with.",
            )
        } else {
            (
                "This is the demo model.",
                "A toy that knows drawn pictures only.",
            )
        };
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            icon_button(ui, Command::DismissBanner, true, out);
            if tour_taken {
                widgets::button(ui, Command::ShowTour, true, out);
            } else {
                widgets::primary_button(ui, Command::ShowTour, true, out);
            }
            widgets::button(ui, Command::ChooseModel, true, out);
            widgets::button(ui, Command::OpenData, true, out);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let title = theme::strong(title).color(palette.demo);
                ui.add(egui::Label::new(title).truncate());
                if ui.ctx().content_rect().width() > 1150.0 {
                    ui.add(egui::Label::new(text).truncate());
                }
            });
        });
    });
}

/// The line that offers the tour to those who begin with data of their own; once put away, it never comes again.
pub fn tour(ui: &mut Ui, out: &mut Vec<Command>) {
    let palette = Palette::from_ui(ui);
    ui.horizontal(|ui| {
        widgets::symbol(ui, icons::ICON_EXPLORE, palette.weak, ICON);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            icon_button(ui, Command::DismissBanner, true, out);
            widgets::button(ui, Command::ShowTour, true, out);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = "New here? Eight short steps show what is where.";
                ui.add(egui::Label::new(text).truncate());
            });
        });
    });
}

/// The line that says why there is no model, and what to do.
pub fn model_failed(ui: &mut Ui, message: &str, spec: Option<&ModelSpec>, out: &mut Vec<Command>) {
    let again = spec.map(|spec| Command::LoadModel(spec.clone()));
    failed(ui, ("The model could not be loaded", message), again, out);
}

/// The line that says why predicting has ended, and what to do.
pub fn outage(ui: &mut Ui, outage: &Outage, out: &mut Vec<Command>) {
    let again = Some(Command::RetryFailed);
    failed(ui, ("Predicting stopped", &outage.to_string()), again, out);
}

fn failed(
    ui: &mut Ui,
    (title, message): (&str, &str),
    again: Option<Command>,
    out: &mut Vec<Command>,
) {
    let palette = Palette::from_ui(ui);
    ui.horizontal_top(|ui| {
        widgets::symbol(ui, icons::ICON_ERROR, palette.bad, ICON);
        let buttons = 270.0;
        ui.allocate_ui(vec2(ui.available_width() - buttons, 0.0), |ui| {
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.label(theme::strong(title).color(palette.bad));
                ui.add(
                    egui::Label::new(RichText::new(message).size(12.5))
                        .wrap()
                        .selectable(true),
                );
            });
        });
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            widgets::button(ui, Command::ChooseModel, true, out);
            if let Some(again) = again
                && ui.button("Try again").clicked()
            {
                out.push(again);
            }
        });
    });
}
