//! The model's answer to the post on screen: verbatim, as it was read, and what it took.

use egui::{Frame, Grid, Label, Margin, RichText, Ui};
use egui_material_icons::icons;

use super::scores;
use crate::{
    gui::{
        app::{ModelState, Run},
        bench::Bench,
        command::Command,
        theme::{self, Palette, space},
        widgets::{self, icon, notice},
    },
    predict::{answer::Parse, prediction::Prediction},
};

/// Draws it.
pub fn show(
    ui: &mut Ui,
    bench: &Bench,
    model: &ModelState,
    run: Option<&Run>,
    out: &mut Vec<Command>,
) {
    let Some(post) = bench.cursor() else { return };
    ui.add_space(space::XS);
    if bench.session.hides_answer(post) {
        let text = "Hidden: this post is decided blind. The answer is shown when you have decided.";
        ui.label(RichText::new(text).color(Palette::from_ui(ui).weak));
        widgets::button(ui, Command::Reveal, true, out);
        return;
    }
    match bench.session.prediction(post) {
        Some(prediction) => prediction_ui(ui, bench, prediction, out),
        None => waiting_ui(ui, model, run, out),
    }
}

fn waiting_ui(ui: &mut Ui, model: &ModelState, run: Option<&Run>, out: &mut Vec<Command>) {
    let palette = Palette::from_ui(ui);
    match model {
        ModelState::None => {
            ui.label(
                RichText::new("No model is loaded, so there is no answer.").color(palette.weak),
            );
            widgets::button(ui, Command::ChooseModel, true, out);
        }
        ModelState::Loading { step, .. } => {
            ui.label(
                RichText::new(format!("The model is being loaded: {step}")).color(palette.weak),
            );
        }
        ModelState::Failed { message } => {
            notice(ui, icons::ICON_ERROR, palette.bad, message);
            widgets::button(ui, Command::ChooseModel, true, out);
        }
        ModelState::Ready(_) if run.is_some_and(|run| !run.ended) => {
            let text = "The model has not come to this post yet. Posts on screen go first.";
            ui.label(RichText::new(text).color(palette.weak));
        }
        ModelState::Ready(_) => {
            ui.label(RichText::new("This post was not predicted.").color(palette.weak));
            widgets::button(ui, Command::Predict, true, out);
        }
    }
}

fn prediction_ui(ui: &mut Ui, bench: &Bench, prediction: &Prediction, out: &mut Vec<Command>) {
    let palette = Palette::from_ui(ui);
    if let Some(error) = &prediction.error {
        notice(ui, icons::ICON_ERROR, palette.bad, error);
        widgets::button(ui, Command::RetryFailed, true, out);
        return;
    }
    let (symbol, color, text) = match prediction.parse {
        Parse::Clean => (
            icons::ICON_CHECK,
            palette.good,
            "Clean: the whole answer could be read",
        ),
        Parse::Salvaged => (
            icons::ICON_BUILD,
            palette.warn,
            "Salvaged: the array stood inside other text",
        ),
        Parse::Failed => (
            icons::ICON_HELP,
            palette.warn,
            "Failed: no JSON array; scores count it as no labels",
        ),
    };
    notice(ui, symbol, color, text);
    let run = bench.session.run();
    if let Some(run) = run.filter(|run| run.was_cut_off(prediction)) {
        let text = format!(
            "Cut off: it did not end within {} tokens",
            run.longest_answer()
        );
        notice(ui, icons::ICON_WARNING, palette.warn, &text);
    }
    if !prediction.unknown_labels.is_empty() {
        let text = format!(
            "Labels that do not exist: {}",
            prediction.unknown_labels.join(", ")
        );
        notice(ui, icons::ICON_WARNING, palette.warn, &text);
    }
    code(ui, "Verbatim", &prediction.raw);
    if let Some(pretty) = pretty(&prediction.raw) {
        code(ui, "Formatted", &pretty);
    }
    measures_ui(ui, prediction);
    ui.horizontal(|ui| {
        widgets::button(ui, Command::ShowSeen, true, out);
        widgets::button(ui, Command::ShowProbe, true, out);
    });
    if let Some(run) = run {
        let adapter = match &run.adapter {
            Some(adapter) => format!(" · {adapter}"),
            None if run.is_imported() => String::new(),
            None => " · no adapter".to_owned(),
        };
        let text = format!("{}{adapter} · {}", run.model, run.settings());
        ui.add(Label::new(theme::caption(ui, text)).wrap());
    }
}

/// The answer with one value a line, if it is JSON and that reads better.
fn pretty(raw: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(raw.trim()).ok()?;
    let pretty = serde_json::to_string_pretty(&value).ok()?;
    (pretty.lines().count() > 1 && pretty != raw.trim()).then_some(pretty)
}

/// A text in a frame of its own, with a button that copies it.
pub fn code(ui: &mut Ui, title: &str, text: &str) {
    let palette = Palette::from_ui(ui);
    ui.spacing_mut().item_spacing.y = space::XS;
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 20.0;
        ui.spacing_mut().button_padding.y = 0.0;
        ui.label(theme::caption(ui, title));
        let copy = egui::Button::new(
            icon(icons::ICON_CONTENT_COPY)
                .color(palette.weak)
                .size(14.0),
        )
        .frame_when_inactive(false);
        let response = ui
            .add(copy)
            .accessible_name(format!("Copy {}", title.to_lowercase()));
        if response.on_hover_text("Copy").clicked() {
            ui.ctx().copy_text(text.to_owned());
        }
    });
    let frame = Frame::new()
        .fill(palette.ground)
        .corner_radius(6)
        .inner_margin(Margin::same(8));
    frame.show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        let shown = if text.is_empty() { "(nothing)" } else { text };
        ui.add(
            Label::new(RichText::new(shown).monospace())
                .wrap()
                .selectable(true),
        );
    });
}

fn measures_ui(ui: &mut Ui, prediction: &Prediction) {
    let seconds = &prediction.seconds;
    let time = |secs: f64| {
        if secs < 1.0 {
            format!("{:.0} ms", secs * 1e3)
        } else {
            format!("{secs:.1} s")
        }
    };
    let figure = |value: Option<f64>| value.map(|value| format!("{value:.3}"));
    let vision = (seconds.vision > 0.0).then(|| time(seconds.vision));
    let rows = [
        (
            "Answer probability",
            prediction
                .answer_logprob
                .map(|logprob| scores::percent(logprob.exp())),
            "How likely the model was to give exactly this answer",
        ),
        (
            "Log-probability",
            figure(prediction.answer_logprob),
            "The same as a natural logarithm",
        ),
        (
            "Margin",
            figure(prediction.margin),
            "The smallest gap to the second-best token, in nats",
        ),
        (
            "Tokens",
            Some(prediction.n_tokens.to_string()),
            "How many tokens were generated",
        ),
        (
            "Image",
            Some(time(seconds.image)),
            "Decoding and resizing the image",
        ),
        ("Vision", vision, "The image tower"),
        (
            "Prompt",
            Some(time(seconds.prefill)),
            "Image tower and prompt",
        ),
        ("Answer", Some(time(seconds.decode)), "The generated tokens"),
    ];
    ui.spacing_mut().interact_size.y = 18.0;
    Grid::new("measures")
        .num_columns(2)
        .spacing([space::L, 3.0])
        .show(ui, |ui| {
            for (name, value, tooltip) in rows {
                let Some(value) = value else { continue };
                ui.label(theme::caption(ui, name)).on_hover_text(tooltip);
                ui.label(RichText::new(value).size(12.5));
                ui.end_row();
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_that_gains_by_it_is_formatted() {
        assert_eq!(
            pretty(r#"["a", "b"]"#).as_deref(),
            Some("[\n  \"a\",\n  \"b\"\n]")
        );
        for raw in ["[]", "", "no json", "42"] {
            assert_eq!(pretty(raw), None, "{raw}");
        }
    }
}
