//! The list of what is wrong with the data; a click goes to the post.

use egui::{
    Align, Button, Frame, Id, Layout, Margin, RichText, ScrollArea, Ui, Window, pos2, vec2,
};
use egui_material_icons::icons;

use crate::{
    gui::{
        command::Command,
        focus,
        theme::{self, ICON, Palette, space},
        widgets::{self, icon},
    },
    post::Problem,
    review::Session,
};

/// Height of a row, in points.
const ROW: f32 = 46.0;

/// The window's own state.
#[derive(Default)]
pub struct ProblemsView {
    open: bool,
    /// Whether it opens in this frame.
    is_new: bool,
    /// What had the keyboard before.
    before: Option<Id>,
}

impl ProblemsView {
    /// Shows the window, or hides it.
    pub fn toggle(&mut self) {
        self.open = !self.open;
        self.is_new = self.open;
    }

    /// Draws the window if it is open.
    pub fn show(&mut self, ctx: &egui::Context, session: &Session, out: &mut Vec<Command>) {
        if !self.open {
            return;
        }
        let frame = Frame::window(&ctx.style_of(ctx.theme())).inner_margin(Margin::same(16));
        Window::new("Problems")
            .title_bar(false)
            .frame(frame)
            .default_pos(pos2(300.0, 120.0))
            .default_size(vec2(560.0, 400.0))
            .min_size(vec2(360.0, 200.0))
            .show(ctx, |ui| {
                widgets::row_from_right(ui, |ui| {
                    let close = Button::new(icon(icons::ICON_CLOSE)).frame_when_inactive(false);
                    let close = ui.add(close).accessible_name("Close problems");
                    // It stands behind everything else in the order of Tab.
                    if std::mem::take(&mut self.is_new) {
                        self.before = ui.memory(|memory| memory.focused());
                        close.request_focus();
                    }
                    if close.clicked() {
                        self.open = false;
                        if let Some(before) = self.before.take() {
                            ui.memory_mut(|memory| memory.request_focus(before));
                        }
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.label(theme::strong("Problems").size(theme::HEADING));
                    });
                });
                list_ui(ui, session, out);
            });
    }
}

fn list_ui(ui: &mut Ui, session: &Session, out: &mut Vec<Command>) {
    let palette = Palette::from_ui(ui);
    let n_problems = session.n_problems();
    if n_problems == 0 {
        ui.label(RichText::new("Nothing is wrong with this dataset.").color(palette.weak));
        return;
    }
    let text = format!(
        "{} found. Everything else of the dataset is loaded.",
        match n_problems {
            1 => "1 problem was".to_owned(),
            n => format!("{} problems were", widgets::thousands(n)),
        }
    );
    ui.label(theme::caption(ui, text));
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical()
        .auto_shrink(false)
        .show_rows(ui, ROW, n_problems, |ui, rows| {
            for problem in rows.filter_map(|row| session.problem(row)) {
                problem_ui(ui, problem, out);
            }
            focus::follow(ui);
        });
}

fn problem_ui(ui: &mut Ui, problem: &Problem, out: &mut Vec<Command>) {
    let palette = Palette::from_ui(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(ROW);
        ui.spacing_mut().item_spacing.x = space::S;
        widgets::symbol(ui, icons::ICON_WARNING, palette.warn, ICON);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            ui.spacing_mut().interact_size.y = 16.0;
            ui.add_space(space::XS);
            ui.horizontal(|ui| {
                ui.label(theme::strong(problem.kind.name()));
                ui.label(theme::caption(ui, place(problem)));
                if let Some(post) = problem.post {
                    let command = Command::GoTo(post);
                    let text = RichText::new(command.label())
                        .color(palette.accent)
                        .size(12.0);
                    let button = egui::Button::new(text).small().frame_when_inactive(false);
                    let response = ui.add(button);
                    // All of the message, which the pointer finds on the line below.
                    if response.has_focus() {
                        response.show_tooltip_text(&problem.message);
                    }
                    if response.clicked() {
                        out.push(command);
                    }
                }
            });
            let text = RichText::new(&problem.message).size(12.5);
            ui.add(egui::Label::new(text).truncate())
                .on_hover_text(&problem.message);
        });
    });
}

fn place(problem: &Problem) -> String {
    match (problem.line, problem.column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}"),
        (Some(line), None) => format!("line {line}"),
        _ => String::new(),
    }
}
