//! The top bar: which dataset, which model on which device, how far predicting has come, and the menus.

use egui::{Align, Button, Layout, ProgressBar, Rect, RichText, Ui, vec2};
use egui_material_icons::icons;

use crate::{
    gui::{
        app::{ModelState, Run, progress_details, progress_text},
        bench::Bench,
        command::{Command, People},
        dialogs::{
            settings::Section,
            tour::{self, Place},
        },
        settings::Settings,
        theme::{self, Palette, ThemeChoice, space},
        widgets::{self, badge, entry, icon, icon_button},
    },
    model::{LabelNote, ModelInfo},
};

/// In windows of fewer points, as a large zoom makes them, only what nothing else does is shown.
const ROOM_FOR_ALL: f32 = 720.0;

fn has_room(ui: &Ui) -> bool {
    ui.ctx().content_rect().width() > ROOM_FOR_ALL
}

/// How many letters of a model's name there is room for, beside what else the smallest window shows.
fn name_chars(ui: &Ui) -> usize {
    let width = ui.ctx().content_rect().width();
    ((width - 420.0) / 10.0).clamp(6.0, 24.0) as usize
}

/// What the bar shows.
pub struct TopBar<'a> {
    /// The open dataset.
    pub bench: Option<&'a Bench>,
    /// Whether it is the demo.
    pub is_demo: bool,
    /// The model.
    pub model: &'a ModelState,
    /// The prediction run.
    pub run: Option<&'a Run>,
    /// What is remembered.
    pub settings: &'a Settings,
}

impl TopBar<'_> {
    /// Draws it.
    pub fn show(&self, ui: &mut Ui, out: &mut Vec<Command>) {
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            let left = ui.cursor().left();
            self.dataset_menu(ui, out);
            tour::mark(ui, Place::Data, since(ui, left));
            // The demo's model is named beside it, and has less room to give.
            if self.is_demo && has_room(ui) {
                badge(ui, "Demo", Palette::from_ui(ui).demo)
                    .on_hover_text("Drawn pictures and invented words, made to try Overrule with.");
            }
            ui.separator();
            let left = ui.cursor().left();
            self.model_button(ui, out);
            tour::mark(ui, Place::Model, since(ui, left));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                self.tools(ui, out);
                let tools = ui.min_rect();
                tour::mark(ui, Place::Help, tools.expand(space::XS));
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    self.progress(ui, out);
                });
            });
        });
    }

    fn dataset_menu(&self, ui: &mut Ui, out: &mut Vec<Command>) {
        let name = self
            .bench
            .map_or("Overrule", |bench| bench.session.dataset().name.as_str());
        let text = theme::strong(elided(name, name_chars(ui).max(10)));
        let content = (
            icon(icons::ICON_FOLDER_OPEN),
            text,
            icon(icons::ICON_EXPAND_MORE),
        );
        let (response, _) = egui::containers::menu::MenuButton::from_button(
            Button::new(content).frame_when_inactive(false),
        )
        .ui(ui, |ui| {
            self.file_menu(ui, out);
        });
        let response = response.accessible_name(format!("Dataset: {name}"));
        if let Some(bench) = self.bench {
            let dataset = bench.session.dataset();
            let text = format!(
                "{}\n{}, {} labels",
                dataset.path.display(),
                widgets::posts(dataset.posts.len()),
                dataset.labels.len()
            );
            widgets::with_words(response, text);
        }
    }

    fn file_menu(&self, ui: &mut Ui, out: &mut Vec<Command>) {
        ui.set_min_width(280.0);
        ui.set_max_width(300.0);
        ui.spacing_mut().item_spacing.y = 2.0;
        menu_item(ui, Command::OpenData, true, out);
        let recent = &self.settings.recent_datasets;
        for path in recent.iter().take(6) {
            let name = path
                .file_name()
                .unwrap_or(path.as_os_str())
                .to_string_lossy();
            let response = entry(ui, icons::ICON_HISTORY, &elided(&name, 40));
            if response.on_hover_text(path.display().to_string()).clicked() {
                out.push(Command::OpenPath(path.clone()));
                // A click closes the menu by itself, Enter does not.
                ui.close();
            }
        }
        ui.separator();
        menu_item(ui, Command::ChooseModel, true, out);
        menu_item(ui, Command::ManageModels, true, out);
        let counts = self.bench.map(|bench| bench.session.counts());
        let failed = counts.is_some_and(|counts| counts.failed > 0);
        menu_item(ui, Command::RetryFailed, failed, out);
        menu_item(ui, Command::ShowRuns, self.bench.is_some(), out);
        for people in [People::ShowSeconds, People::ShowGold] {
            menu_item(ui, Command::People(people), self.bench.is_some(), out);
        }
        menu_item(ui, Command::Export, self.bench.is_some(), out);
        ui.separator();
        menu_item(ui, Command::Quit, true, out);
    }

    fn model_button(&self, ui: &mut Ui, out: &mut Vec<Command>) {
        let palette = Palette::from_ui(ui);
        let (symbol, color, text, tooltip) = match self.model {
            ModelState::None => (
                icons::ICON_DEPLOYED_CODE,
                palette.weak,
                "No model".to_owned(),
                "Posts can be reviewed without a model. Click to choose one.".to_owned(),
            ),
            ModelState::Loading { step, .. } => (
                icons::ICON_HOURGLASS_EMPTY,
                palette.text,
                "Loading model".to_owned(),
                step.clone(),
            ),
            ModelState::Ready(info) => (
                icons::ICON_DEPLOYED_CODE,
                palette.text,
                info.name.clone(),
                model_text(info),
            ),
            ModelState::Failed { message } => (
                icons::ICON_ERROR,
                palette.bad,
                "Model failed".to_owned(),
                message.clone(),
            ),
        };
        let content = (
            icon(symbol).color(color),
            RichText::new(elided(&text, name_chars(ui))).color(color),
        );
        let response = ui.add(Button::new(content).frame_when_inactive(false));
        let response = response.accessible_name(format!("Model: {text}"));
        if widgets::with_words(response, tooltip).clicked() {
            out.push(Command::ChooseModel);
        }
        if let ModelState::Ready(info) = self.model {
            if info.is_demo && has_room(ui) {
                badge(ui, "Demo model", palette.demo)
                    .on_hover_text("A toy that ships with Overrule; it knows drawn pictures only.");
            }
            if info.is_remote() {
                badge(ui, "Remote", palette.warn).on_hover_text(format!(
                    "Posts leave this machine: they are sent to {}.",
                    info.device
                ));
            }
            self.label_note(ui, info);
            if ui.ctx().content_rect().width() > 1150.0 {
                ui.label(theme::caption(
                    ui,
                    format!("{} · {}", info.device, info.dtype),
                ));
            }
        }
    }

    /// Says so where the dataset asks for other labels than the model was trained on.
    fn label_note(&self, ui: &mut Ui, model: &ModelInfo) {
        let labels = self.bench.map(|bench| &bench.session.dataset().labels);
        let Some(note) = labels.and_then(|labels| LabelNote::new(model, labels)) else {
            return;
        };
        let text = match note {
            LabelNote::StandsFor { .. } => "Label by another name",
            LabelNote::Untold { .. } => "Labels not told",
            LabelNote::OtherLabels { .. } | LabelNote::FixedLabels { .. } => {
                "Trained on other labels"
            }
        };
        // What it stands for is told where the pointer rests.
        let text = if has_room(ui) { text } else { "!" };
        let note = note.to_string();
        badge(ui, text, Palette::from_ui(ui).warn)
            .accessible_name(&note)
            .on_hover_text(note);
    }

    fn progress(&self, ui: &mut Ui, out: &mut Vec<Command>) {
        if let ModelState::Loading { step, fraction, .. } = self.model {
            bar(ui, *fraction, step, "Loading model", "");
            return;
        }
        let (Some(run), Some(_)) = (self.run, self.bench) else {
            return;
        };
        let progress = &run.progress;
        let finished = progress.done >= progress.total;
        if run.ended {
            if !finished {
                ui.label(theme::caption(ui, progress_text(run)));
                widgets::button(ui, Command::Predict, true, out);
            }
            return;
        }
        let text = progress_text(run);
        let command = if progress.paused {
            Command::Resume
        } else {
            Command::Pause
        };
        ui.spacing_mut().item_spacing.x = 2.0;
        icon_button(ui, command, true, out);
        icon_button(ui, Command::CancelRun, true, out);
        let all = (run.before + progress.total).max(1);
        let fraction = (run.before + progress.done) as f32 / all as f32;
        bar(
            ui,
            fraction,
            &text,
            "Predicting",
            &progress_details(progress),
        );
    }

    fn tools(&self, ui: &mut Ui, out: &mut Vec<Command>) {
        ui.spacing_mut().item_spacing.x = space::XS;
        help_menu(ui, out);
        icon_button(ui, Command::ShowPalette, true, out);
        self.view_menu(ui, out);
        let session = self.bench.map(|bench| &bench.session);
        icon_button(ui, Command::ShowMetrics, session.is_some(), out);
        icon_button(ui, Command::Export, session.is_some(), out);
        // Both have keys, and stand in the palette.
        if has_room(ui) {
            let can_redo = session.is_some_and(|s| s.can_redo());
            icon_button(ui, Command::Redo, can_redo, out);
            let can_undo = session.is_some_and(|s| s.can_undo());
            icon_button(ui, Command::Undo, can_undo, out);
        }
        let problems = session.map_or(0, |session| session.n_problems());
        if problems > 0 {
            let palette = Palette::from_ui(ui);
            let content = (
                icon(icons::ICON_WARNING).color(palette.warn),
                RichText::new(widgets::thousands(problems)).color(palette.warn),
            );
            let response = ui.add(Button::new(content).frame_when_inactive(false));
            let response = response.accessible_name(format!("Problems: {problems}"));
            if widgets::with_tooltip(response, &Command::ShowProblems).clicked() {
                out.push(Command::ShowProblems);
            }
        }
    }

    fn view_menu(&self, ui: &mut Ui, out: &mut Vec<Command>) {
        let button = Button::new(icon(icons::ICON_TUNE)).frame_when_inactive(false);
        let (response, _) = egui::containers::menu::MenuButton::from_button(
            button.min_size(vec2(28.0, 28.0)),
        )
        .ui(ui, |ui| {
            ui.set_min_width(240.0);
            for (command, on) in [
                (Command::ToggleBlur, self.settings.blur),
                (Command::ToggleGrey, self.settings.grey),
            ] {
                let mut checked = on;
                let label = command.label();
                let response =
                    widgets::outlined(ui, |ui| ui.checkbox(&mut checked, label.as_ref()));
                if widgets::with_tooltip(response, &command).clicked() {
                    out.push(command);
                }
            }
            ui.separator();
            let choices = [
                (ThemeChoice::System, "System", "As the desktop has it"),
                (ThemeChoice::Light, "Light", "Dark text on light ground"),
                (ThemeChoice::Dark, "Dark", "Light text on dark ground"),
            ];
            ui.label(theme::caption(ui, "Theme"));
            if let Some(theme) = widgets::segmented(ui, "Theme", self.settings.theme, &choices) {
                out.push(Command::SetTheme(theme));
            }
            ui.separator();
            menu_item(ui, Command::ShowSettings(Section::default()), true, out);
        });
        let response = response.accessible_name("View settings");
        widgets::with_words(response, "Blur, grey, theme");
    }
}

/// What was drawn in a row since its cursor was there.
fn since(ui: &Ui, left: f32) -> Rect {
    let row = ui.min_rect().y_range();
    Rect::from_x_y_ranges(left..=ui.cursor().left() - space::S, row)
}

fn help_menu(ui: &mut Ui, out: &mut Vec<Command>) {
    let button = Button::new(icon(icons::ICON_HELP)).frame_when_inactive(false);
    let (response, _) = egui::containers::menu::MenuButton::from_button(
        button.min_size(vec2(28.0, 28.0)),
    )
    .ui(ui, |ui| {
        ui.set_min_width(240.0);
        ui.set_max_width(260.0);
        ui.spacing_mut().item_spacing.y = 2.0;
        menu_item(ui, Command::ShowTour, true, out);
        menu_item(ui, Command::ShowKeys, true, out);
        menu_item(ui, Command::ShowPalette, true, out);
        ui.separator();
        menu_item(ui, Command::About, true, out);
    });
    let response = response.accessible_name("Help");
    widgets::with_words(response, "Tour, keys, about");
}

fn menu_item(ui: &mut Ui, command: Command, enabled: bool, out: &mut Vec<Command>) {
    let label = command.label();
    let key = command.shortcut_text(ui.ctx()).unwrap_or_default();
    let button = Button::new((icon(command.icon()), label.as_ref()))
        .frame_when_inactive(false)
        .shortcut_text(theme::caption(ui, key))
        .min_size(vec2(ui.available_width(), 0.0));
    let response = ui.add_enabled(enabled, button).accessible_name(label);
    if response.on_hover_text(command.tooltip()).clicked() {
        out.push(command);
        ui.close();
    }
}

/// How far something has come, in words and as a bar.
pub(super) fn bar(ui: &mut Ui, fraction: f32, text: &str, name: &str, details: &str) {
    let palette = Palette::from_ui(ui);
    let width = ui.available_width().min(360.0);
    if width < 60.0 {
        return;
    }
    let drawn = ui.allocate_ui(vec2(width, 28.0), |ui| {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            ui.spacing_mut().interact_size.y = 14.0;
            ui.add_space(3.0);
            let text = RichText::new(text).size(theme::SMALL).color(palette.weak);
            ui.add(egui::Label::new(text).truncate());
            let bar = ProgressBar::new(fraction)
                .desired_width(width)
                .desired_height(4.0)
                .corner_radius(2)
                .fill(palette.accent);
            ui.add(bar).accessible_name(name);
        });
    });
    if !details.is_empty() {
        drawn.response.on_hover_text(details);
    }
}

/// The details of a model, a line each.
pub fn model_text(info: &ModelInfo) -> String {
    if info.is_remote() {
        return format!("{}\nPosts are sent to {}", info.name, info.device);
    }
    let adapter = info.adapter.as_deref().unwrap_or("no adapter");
    format!(
        "{}\nAdapter: {adapter}\n{:.2} billion parameters, {} on {}\n{}",
        info.name,
        info.parameters as f64 / 1e9,
        info.dtype,
        info.device,
        info.folder.display()
    )
}

/// The first `most` characters; a longer text ends in an ellipsis.
pub fn elided(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars()
        .take(most.saturating_sub(1))
        .chain(['…'])
        .collect()
}
