//! The workspace of figures, in place of the post: how good a run is, where it goes wrong, and what a threshold would change.

mod calibration;
mod figure;
mod labels;
mod overview;
mod thresholds;
mod zoom;

use std::collections::BTreeMap;

use egui::{Align, DragValue, Frame, Layout, Margin, RichText, ScrollArea, Ui};
use egui_material_icons::icons;

use super::{metrics, runs};
use crate::{
    export::figure::gallery::{Gallery, Shown},
    gui::{
        app::ModelState,
        bench::Bench,
        command::Command,
        figures::{Drawn, DrawnRun},
        focus,
        theme::{self, Palette, space},
        widgets,
    },
    metrics::threshold::{Flips, Threshold},
    metrics::{Counts, bootstrap::Intervals},
    predict::prediction::RunInfo,
    review::{basis::Sample, queue::Order, session::Truth},
};

/// From this width on two figures stand side by side, in points.
const TWO_COLUMNS: f32 = 700.0;

/// A page of the workspace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Page {
    #[default]
    Overview,
    Labels,
    Thresholds,
    Calibration,
    OverTime,
}

/// What the workspace keeps between frames.
#[derive(Default)]
pub struct WorkspaceView {
    /// Whether it is on screen.
    pub is_open: bool,
    page: Page,
    /// The label looked at, by its place in class order.
    label: usize,
    /// The thresholds that were moved.
    thresholds: BTreeMap<usize, Threshold>,
    /// Whether labels together are those of the answers, or else of the truth.
    by_model: bool,
    moved: Option<Moved>,
}

/// What a threshold changes, kept until something else is asked.
struct Moved {
    of: (u64, usize, Threshold),
    before: Counts,
    after: Counts,
    flips: Flips,
}

/// What a page shows.
struct Shows<'a> {
    bench: &'a Bench,
    drawn: &'a Drawn,
    gallery: Gallery<'a>,
}

impl Shows<'_> {
    /// What is true of the shown run alone, with its name where there are two.
    fn of_first(&self, text: &str) -> String {
        match self.drawn.other {
            Some(_) => format!("A: {text}"),
            None => text.to_owned(),
        }
    }
}

/// Draws it.
pub fn show(
    ui: &mut Ui,
    bench: &Bench,
    model: &ModelState,
    view: &mut WorkspaceView,
    out: &mut Vec<Command>,
) {
    let frame = Frame::new().inner_margin(Margin::symmetric(16, 10));
    frame.show(ui, |ui| {
        header_ui(ui, bench, view, out);
        let Some(drawn) = &bench.figures.drawn else {
            ui.label(theme::caption(ui, "Working the figures out"));
            return;
        };
        if drawn.run.metrics.n == 0 {
            empty_ui(ui, bench, model, out);
            return;
        }
        fairness_ui(ui, bench, out);
        view.label = view
            .label
            .min(bench.session.dataset().labels.len().saturating_sub(1));
        let intervals = bench.figures.intervals.as_ref();
        let shows = Shows {
            bench,
            drawn,
            gallery: Gallery {
                labels: &bench.session.dataset().labels,
                truth: truth_words(drawn.basis.truth),
                run: shown("A", &drawn.run, intervals.filter(|_| drawn.other.is_none())),
                other: drawn.other.as_ref().map(|run| shown("B", run, None)),
            },
        };
        ScrollArea::vertical()
            .id_salt(("workspace", view.page as u8))
            .auto_shrink(false)
            .show(ui, |ui| {
                ui.set_max_width(ui.available_width() - space::S);
                match view.page {
                    Page::Overview => overview::show(ui, &shows, out),
                    Page::Labels => labels::show(ui, &shows, view, out),
                    Page::Thresholds => thresholds::show(ui, &shows, view, out),
                    Page::Calibration => calibration::show(ui, &shows, view, out),
                    Page::OverTime => over_time_ui(ui, &shows, out),
                }
                ui.add_space(space::M);
                focus::follow(ui);
            });
    });
}

fn shown<'a>(name: &'a str, run: &'a DrawnRun, intervals: Option<&'a Intervals>) -> Shown<'a> {
    Shown {
        name,
        metrics: &run.metrics,
        intervals,
        analysis: &run.analysis,
        moments: &run.moments,
    }
}

/// The names of two runs; with what they were made, where the names alone do not tell them apart.
fn named(a: &RunInfo, b: &RunInfo) -> String {
    let is_one_model = runs::name(a) == runs::name(b);
    let [a, b] = [a, b].map(|run| match is_one_model {
        true => format!("{}, {}", runs::name(run), run.settings()),
        false => runs::name(run),
    });
    format!("A: {a} · B: {b}")
}

fn truth_words(truth: Truth) -> &'static str {
    match truth {
        Truth::Combined => "your decision, else the dataset’s label",
        Truth::Reviewed => "your decisions",
        Truth::Dataset => "the dataset’s labels",
    }
}

fn header_ui(ui: &mut Ui, bench: &Bench, view: &mut WorkspaceView, out: &mut Vec<Command>) {
    let pages = [
        (
            Page::Overview,
            "Scores",
            "Scores, intervals, and every label",
        ),
        (
            Page::Labels,
            "Labels",
            "Labels taken for one another, labels that stand together",
        ),
        (
            Page::Thresholds,
            "Thresholds",
            "Precision and recall, and what a threshold would change",
        ),
        (
            Page::Calibration,
            "Calibration",
            "Whether probabilities mean what they say",
        ),
        (
            Page::OverTime,
            "Over time",
            "The scores as the review went on",
        ),
    ];
    ui.horizontal_wrapped(|ui| {
        let back = widgets::icon(icons::ICON_ARROW_BACK);
        let response = ui.add(egui::Button::new((back, "Post")));
        let response = response.accessible_name("Back to the post");
        if widgets::with_tooltip(response, &Command::ShowMetrics).clicked() {
            out.push(Command::ShowMetrics);
        }
        if let Some(page) = widgets::segmented(ui, "Page", view.page, &pages) {
            view.page = page;
        }
    });
    ui.horizontal_wrapped(|ui| {
        metrics::truth_ui(ui, bench, out);
        sample_ui(ui, bench, out);
        if let Some(drawn) = &bench.figures.drawn {
            let n = widgets::posts(drawn.run.metrics.n as usize);
            let of_both = if drawn.other.is_some() {
                ", predicted by A and B"
            } else {
                ""
            };
            ui.label(theme::caption(ui, format!("n = {n}{of_both}")));
        }
        let session = &bench.session;
        if let (Some(a), Some(b)) = (session.run(), session.other_run()) {
            let text = named(a, b);
            ui.label(theme::caption(ui, text));
        }
    });
    ui.add_space(space::XS);
}

/// Over which posts the figures go.
fn sample_ui(ui: &mut Ui, bench: &Bench, out: &mut Vec<Command>) {
    let seed = bench.figures.seed(bench.order);
    let choices = [
        (Sample::All, "All posts", "Everything that can be compared"),
        (
            Sample::Random(seed),
            "Random part",
            "Only the front of a shuffle of the dataset, as far as you have dealt with all of it: a fair sample",
        ),
    ];
    let chosen = bench.figures.sample;
    if let Some(sample) = widgets::segmented(ui, "Posts", chosen, &choices) {
        out.push(Command::SetSample(sample));
    }
    if let Sample::Random(mut seed) = chosen {
        ui.label(theme::caption(ui, "Seed"));
        let response = ui.add(DragValue::new(&mut seed).speed(0.1));
        if response
            .accessible_name("Seed of the random part")
            .changed()
        {
            out.push(Command::SetSample(Sample::Random(seed)));
        }
    }
}

/// Says whether the scores are over a fair sample, and what to do if not.
fn fairness_ui(ui: &mut Ui, bench: &Bench, out: &mut Vec<Command>) {
    let figures = &bench.figures;
    let fairness = figures.fairness;
    let picked = fairness.reviewed - fairness.at_random.min(fairness.reviewed);
    if figures.sample != Sample::All || figures.truth == Truth::Dataset || picked == 0 {
        return;
    }
    let text = format!(
        "{} of the {} you confirmed came up through a filter or an order, and not at random (seed {}). Scores \
         over posts picked that way are biased.",
        widgets::thousands(picked),
        widgets::posts(fairness.reviewed),
        fairness.seed,
    );
    ui.horizontal_wrapped(|ui| {
        let palette = Palette::from_ui(ui);
        widgets::symbol(ui, icons::ICON_WARNING, palette.warn, 14.0);
        ui.add(egui::Label::new(RichText::new(text).size(12.0).color(palette.warn)).wrap());
    });
    if fairness.at_random > 0 {
        let command = Command::SetSample(Sample::Random(fairness.seed));
        widgets::button(ui, command, true, out);
    }
}

/// Nothing to draw: why, and what to do.
fn empty_ui(ui: &mut Ui, bench: &Bench, model: &ModelState, out: &mut Vec<Command>) {
    if let Sample::Random(seed) = bench.figures.sample {
        let text = "The first post of this shuffle is still to do. Order the queue at random with the same seed and \
                    confirm, skip or escalate from its front: what is done without a gap is a fair sample.";
        widgets::empty_state(
            ui,
            icons::ICON_SHUFFLE,
            "Nothing reviewed at random yet",
            text,
            |ui| {
                if ui.button("Order the queue at random").clicked() {
                    out.push(Command::SetOrder(Order::Random(seed)));
                }
            },
        );
        return;
    }
    if bench.session.other_run().is_some() {
        let comparison = bench.figures.comparison.as_ref();
        let comparison = comparison.filter(|_| !bench.session.is_other_loading());
        let Some(found) = comparison else {
            ui.label(theme::caption(ui, "Reading run B"));
            return;
        };
        if found.predicted == 0 {
            let title = "Nothing to compare";
            let text = "No post was predicted by both runs.";
            widgets::empty_state(ui, icons::ICON_COMPARE, title, text, |ui| {
                widgets::button(ui, Command::CompareWith(None), true, out);
            });
            return;
        }
    }
    let title = "Nothing to compare yet";
    let text = "Figures compare a model’s answers with the truth, and no post has both.";
    widgets::empty_state(ui, icons::ICON_BAR_CHART, title, text, |ui| {
        if matches!(model, ModelState::None) {
            widgets::button(ui, Command::ChooseModel, true, out);
        }
    });
}

/// The choice of a label.
fn label_ui(ui: &mut Ui, shows: &Shows, view: &mut WorkspaceView) {
    let labels = &shows.bench.session.dataset().labels;
    let choices: Vec<(usize, &str, &str)> = labels
        .iter()
        .enumerate()
        .map(|(label, name)| (label, name, "Show this label"))
        .collect();
    let name = ("Label", icons::ICON_LABEL);
    if let Some(label) = widgets::choice(ui, name, 180.0, view.label, &choices) {
        view.label = label;
    }
}

/// Says that there are no probabilities, and where they come from.
fn no_scores_ui(ui: &mut Ui) {
    let text = "This run gave its labels no probabilities, or none on posts with a truth. They are computed while \
                predicting, unless the window was started with --no-scores.";
    widgets::empty_state(
        ui,
        icons::ICON_BAR_CHART,
        "No label probabilities",
        text,
        |_| {},
    );
}

/// One figure beside another where there is room, else below it.
fn side_by_side(ui: &mut Ui, first: impl FnOnce(&mut Ui), second: impl FnOnce(&mut Ui)) {
    let width = ui.available_width();
    if width < TWO_COLUMNS {
        first(ui);
        ui.add_space(space::S);
        second(ui);
        return;
    }
    let half = (width - space::L) / 2.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = space::L;
        let column = |ui: &mut Ui, content: &mut dyn FnMut(&mut Ui)| {
            ui.allocate_ui_with_layout(egui::vec2(half, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.x = space::S;
                ui.set_width(half);
                content(ui);
            });
        };
        let (mut first, mut second) = (Some(first), Some(second));
        column(ui, &mut |ui| first.take().into_iter().for_each(|f| f(ui)));
        column(ui, &mut |ui| second.take().into_iter().for_each(|s| s(ui)));
    });
}

fn over_time_ui(ui: &mut Ui, shows: &Shows, out: &mut Vec<Command>) {
    if shows.drawn.run.moments.is_empty() {
        let text = "Confirm labels: every decision adds a point to the curves.";
        widgets::empty_state(
            ui,
            icons::ICON_TIMELINE,
            "Nothing is decided yet",
            text,
            |_| {},
        );
        return;
    }
    let height = figure::height(ui, 0.62, 0.0);
    figure::show(ui, &shows.gallery.over_time(), height, out);
}
