//! The labels on the right: what the dataset says, what the model says, what the reviewer decides, and how they differ.

use egui::{Align, Frame, Layout, Margin, Panel, Rect, ScrollArea, Stroke, Ui};
use egui_material_icons::icons;

use super::{
    answer, buttons,
    difference::{compared, small_notice},
    label_rows::{self, Records},
    metrics,
    policy::{self, PolicyView},
    runs,
};
use crate::{
    gui::{
        app::{ModelState, Run},
        bench::Bench,
        command::Command,
        dialogs::tour::{self, Place},
        focus, scroll,
        theme::{self, ICON, Palette, space},
        widgets::{self, notice},
        working::Source,
    },
    post::LabelNames,
    review::{Outcome, Session, policy::Policy, session::Truth},
};

/// The room that the choice of the truth takes, in points.
const TRUTH_WIDTH: f32 = 218.0;

/// The room that the tabs take, in points.
const TABS_WIDTH: f32 = 240.0;

/// In fewer points of height, as a large zoom leaves them, everything but the buttons that decide scrolls together.
const LOW: f32 = 500.0;

/// What stands below the labels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Below {
    /// The scores of the model against the truth.
    #[default]
    Scores,
    /// The model's answer to the post on screen.
    Answer,
    /// The runs of the session, and two of them compared.
    Runs,
    /// The guideline.
    Policy,
}

/// What the panel shows.
pub struct LabelsPanel<'a> {
    /// The open dataset.
    pub bench: &'a Bench,
    /// The model.
    pub model: &'a ModelState,
    /// The prediction run.
    pub run: Option<&'a Run>,
    /// The guideline, if there is one.
    pub policy: Option<&'a Policy>,
    /// Whether gold posts are told as such, once decided.
    pub tells_gold: bool,
}

impl LabelsPanel<'_> {
    /// Draws it.
    pub fn show(
        &self,
        ui: &mut Ui,
        below: Below,
        policy_view: &mut PolicyView,
        out: &mut Vec<Command>,
    ) {
        let frame = Frame::new().inner_margin(Margin {
            left: 14,
            right: 14,
            top: 10,
            bottom: 10,
        });
        if ui.available_height() < LOW {
            self.low_ui(ui, frame, below, policy_view, out);
            return;
        }
        if let Some(post) = self.bench.cursor() {
            frame.show(ui, |ui| {
                let records = self.records(post);
                self.records_ui(ui, post, &records, true, out);
                ui.add_space(space::XS);
                buttons::show(ui, self.bench, (post, &records), false, out);
            });
        }
        self.below_frame_ui(ui, true, below, policy_view, out);
    }

    /// Where there is little height: the buttons stay in view at the bottom, and everything else scrolls above them.
    fn low_ui(
        &self,
        ui: &mut Ui,
        frame: Frame,
        below: Below,
        policy_view: &mut PolicyView,
        out: &mut Vec<Command>,
    ) {
        let post = self.bench.cursor();
        if let Some(post) = post {
            Panel::bottom("decision")
                .frame(frame.fill(Palette::from_ui(ui).surface))
                .resizable(false)
                .show(ui, |ui| {
                    buttons::show(ui, self.bench, (post, &self.records(post)), true, out);
                });
        }
        ScrollArea::vertical()
            .id_salt(("low", post))
            .auto_shrink(false)
            .show(ui, |ui| {
                if let Some(post) = post {
                    frame.show(ui, |ui| {
                        self.records_ui(ui, post, &self.records(post), false, out);
                    });
                    ui.add_space(space::S);
                }
                self.below_frame_ui(ui, false, below, policy_view, out);
                scroll::by_keys_within(ui);
                focus::follow(ui);
            });
    }

    /// What stands below the labels, under a line; with or without a scroll area of its own.
    fn below_frame_ui(
        &self,
        ui: &mut Ui,
        scrolls: bool,
        below: Below,
        policy_view: &mut PolicyView,
        out: &mut Vec<Command>,
    ) {
        let palette = Palette::from_ui(ui);
        let top = ui.cursor().top() - space::S;
        ui.painter()
            .hline(ui.max_rect().x_range(), top, Stroke::new(1.0, palette.line));
        Frame::new()
            .inner_margin(Margin {
                left: 14,
                right: 6,
                top: 0,
                bottom: 0,
            })
            .show(ui, |ui| {
                tour::mark(ui, Place::Below, ui.max_rect());
                self.below_ui(ui, scrolls, below, policy_view, out);
            });
    }

    fn below_ui(
        &self,
        ui: &mut Ui,
        scrolls: bool,
        below: Below,
        policy_view: &mut PolicyView,
        out: &mut Vec<Command>,
    ) {
        // The truth stands beside the tabs where there is room, else below them.
        let has_truth = !matches!(below, Below::Answer | Below::Policy);
        let fits = ui.available_width() >= TABS_WIDTH + TRUTH_WIDTH;
        ui.horizontal(|ui| {
            tabs_ui(ui, below, out);
            if has_truth && fits {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.add_space(space::S);
                    metrics::truth_ui(ui, self.bench, out);
                });
            }
        });
        if has_truth && !fits {
            metrics::truth_ui(ui, self.bench, out);
        }
        let mut content = |ui: &mut Ui| {
            ui.set_max_width(ui.available_width() - space::S);
            match below {
                Below::Scores => metrics::show(ui, self.bench, self.model, out),
                Below::Answer => answer::show(ui, self.bench, self.model, self.run, out),
                Below::Runs => runs::show(ui, self.bench, out),
                Below::Policy => policy::show(ui, self.policy, policy_view),
            }
            ui.add_space(space::M);
            focus::follow(ui);
        };
        if !scrolls {
            content(ui);
            return;
        }
        ScrollArea::vertical()
            .id_salt(("below", below as u8))
            .auto_shrink(false)
            .show(ui, |ui| {
                content(ui);
                scroll::by_keys_within(ui);
            });
    }

    fn records(&self, post: usize) -> Records<'_> {
        let session = &self.bench.session;
        let hidden = session.hides_answer(post);
        Records {
            dataset: session
                .truth(post, Truth::Dataset)
                .filter(|_| !session.hides_dataset(post)),
            model: session.shown_answer(post),
            other: session
                .other_run()
                .map(|_| session.other_answer(post).filter(|_| !hidden)),
            scores: session
                .shown_prediction(post)
                .and_then(|prediction| prediction.scores.as_deref())
                .unwrap_or_default(),
            working: self.bench.working(post),
        }
    }

    /// The three records; many labels scroll on request, so that what is below them stays in reach.
    fn records_ui(
        &self,
        ui: &mut Ui,
        post: usize,
        records: &Records,
        scrolls: bool,
        out: &mut Vec<Command>,
    ) {
        let session = &self.bench.session;
        let labels = &session.dataset().labels;
        let top = ui.cursor().min;
        self.state_ui(ui, post, records);
        if labels.is_empty() {
            let text = "This dataset has no labels to choose from. Put a class_names.txt beside it, \
                        one label a line, or start Overrule with --labels a,b,c.";
            notice(ui, icons::ICON_WARNING, Palette::from_ui(ui).warn, text);
            return;
        }
        label_rows::header(ui, records);
        let room = (ui.ctx().content_rect().height() * 0.42).max(4.0 * label_rows::ROW);
        let room = if scrolls { room } else { f32::INFINITY };
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical()
            .id_salt("label_rows")
            .max_height(room)
            .show(ui, |ui| {
                for (index, name) in labels.iter().enumerate() {
                    let about = self.policy.and_then(|policy| policy.about(name)?.summary());
                    label_rows::label(ui, index, (name, about.as_deref()), records, out);
                }
                focus::follow(ui);
            });
        label_rows::none(ui, records, out);
        ui.spacing_mut().item_spacing.y = space::S;
        self.difference_ui(ui, post, labels, records);
        let records_rect = Rect::from_min_max(top, ui.min_rect().max);
        tour::mark(ui, Place::Records, records_rect.expand(space::XS));
    }

    /// What the check marks are: suggestion, edit, or decision.
    fn state_ui(&self, ui: &mut Ui, post: usize, records: &Records) {
        let palette = Palette::from_ui(ui);
        let review = self.bench.session.review(post);
        let (symbol, color, text) = match (records.working.source, review.outcome) {
            (Source::Draft, _) => (
                icons::ICON_EDIT,
                palette.accent,
                "Changed, not confirmed yet",
            ),
            (_, Some(Outcome::Skipped)) => (icons::ICON_SKIP_NEXT, palette.weak, "Skipped"),
            (_, Some(Outcome::Escalated)) => {
                (icons::ICON_SUPERVISOR_ACCOUNT, palette.warn, "Escalated")
            }
            (Source::Decision, _) => {
                let symbol = icons::ICON_CHECK_CIRCLE;
                match someone_else(&self.bench.session, post) {
                    Some(name) => (symbol, palette.good, &*format!("Confirmed by {name}")),
                    None => (symbol, palette.good, "Confirmed"),
                }
            }
            (Source::Model, _) => (
                icons::ICON_DEPLOYED_CODE,
                palette.weak,
                "The model’s labels, not confirmed yet",
            ),
            (Source::Dataset, _) => (
                icons::ICON_TABLE_ROWS,
                palette.weak,
                "The dataset’s labels, not confirmed yet",
            ),
            (Source::Nothing, _) => (
                icons::ICON_RADIO_BUTTON_UNCHECKED,
                palette.weak,
                "Nothing chosen yet",
            ),
        };
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            widgets::symbol(ui, symbol, color, ICON);
            ui.label(theme::strong(text).color(color));
        });
    }

    fn difference_ui(&self, ui: &mut Ui, post: usize, labels: &LabelNames, records: &Records) {
        let palette = Palette::from_ui(ui);
        ui.spacing_mut().item_spacing.y = 3.0;
        ui.add_space(3.0);
        let session = &self.bench.session;
        blind_ui(ui, session, post);
        seconds_ui(ui, session, post);
        if self.tells_gold
            && let Some((known, answer)) = session.gold().and_then(|gold| gold.check(post))
        {
            compared(ui, labels, "You", answer.labels, known, "the gold post");
        }
        match session.shown_prediction(post) {
            None if session.hides_answer(post) => {}
            None => {
                let text = match self.run {
                    Some(run) if !run.ended => "The model has not come to this post yet",
                    _ => "No prediction for this post",
                };
                small_notice(ui, icons::ICON_PENDING, palette.weak, text);
            }
            Some(prediction) => match (&prediction.error, records.model) {
                (Some(error), _) => small_notice(ui, icons::ICON_ERROR, palette.bad, error),
                (None, None) => {
                    let text = "The model’s answer could not be read; scores count it as no labels";
                    small_notice(ui, icons::ICON_HELP, palette.warn, text);
                }
                (None, Some(model)) => {
                    if let Some(truth) = records.dataset {
                        compared(ui, labels, "The model", model, truth, "the dataset");
                    }
                    if let Some(Some(other)) = records.other {
                        compared(ui, labels, "Run A", model, other, "run B");
                    }
                    if records.working.is_own()
                        && let Some(mine) = records.working.labels
                    {
                        compared(ui, labels, "You", mine, model, "the model");
                    }
                }
            },
        }
        if session.truth(post, Truth::Dataset).is_none() && !session.hides_dataset(post) {
            small_notice(
                ui,
                icons::ICON_INFO,
                palette.weak,
                "The dataset has no label for this post",
            );
        }
        ui.spacing_mut().item_spacing.y = space::S;
    }
}

/// Who made the decision in force, if the person in front of the window is not known to have made it.
pub fn someone_else(session: &Session, post: usize) -> Option<&str> {
    let by = session.review(post).by.as_deref();
    by.filter(|by| session.reviewer() != Some(by))
}

/// What second reviewers said about the post, once this one has decided.
fn seconds_ui(ui: &mut Ui, session: &Session, post: usize) {
    let Some(mine) = session.review(post).own_decision() else {
        return;
    };
    let labels = &session.dataset().labels;
    let said = session
        .seconds()
        .filter_map(|second| Some((second.name(), second.decision(post)?)));
    let mut is_alone = true;
    for (name, theirs) in said {
        compared(ui, labels, "You", mine, theirs, name);
        is_alone = false;
    }
    if is_alone {
        return;
    }
    let palette = Palette::from_ui(ui);
    if session.is_conflict(post) {
        let text = "A conflict: what you confirm now settles it";
        small_notice(ui, icons::ICON_GROUP, palette.accent, text);
    } else if session.review(post).alone.is_some() {
        small_notice(ui, icons::ICON_GROUP, palette.good, "Settled");
    }
}

/// What blind mode does with the post.
fn blind_ui(ui: &mut Ui, session: &Session, post: usize) {
    if !session.is_blind(post) {
        return;
    }
    let palette = Palette::from_ui(ui);
    let review = session.review(post);
    let names = |labels| session.dataset().labels.words(labels);
    let differs = review.decision.is_some() && session.answer(post) != review.decision;
    let text = match review.blind {
        _ if session.hides_answer(post) => {
            let key = Command::Reveal.shortcut_text(ui.ctx());
            let now = key.map_or_else(String::new, |key| format!(" ({key} shows it now)"));
            format!("Blind: the model’s answer is hidden until you confirm{now}")
        }
        Some(blind) if review.is_revised() => {
            format!("Decided blind: {}; revised since", names(blind))
        }
        Some(_) if differs => {
            let key = Command::Confirm.shortcut_text(ui.ctx());
            let key = key.unwrap_or_else(|| "Confirming".to_owned());
            format!("Decided blind. {key} keeps it; or change it first")
        }
        Some(_) => "Decided blind".to_owned(),
        None if review.decision.is_some() => "Decided with the answer in sight".to_owned(),
        None => "You have seen the model’s answer: deciding counts as assisted".to_owned(),
    };
    small_notice(ui, icons::ICON_VISIBILITY_OFF, palette.accent, &text);
}

fn tabs_ui(ui: &mut Ui, below: Below, out: &mut Vec<Command>) {
    let with_key = |text: &str, command: Command| match command.shortcut_text(ui.ctx()) {
        Some(key) => format!("{text} ({key})"),
        None => text.to_owned(),
    };
    let answer = with_key("The model’s raw answer to this post", Command::ShowAnswer);
    let runs = with_key(
        "What other models and adapters said, and two compared",
        Command::ShowRuns,
    );
    let guideline = with_key(
        "What the labels mean, from the policy.md beside the dataset",
        Command::ShowBelow(Below::Policy),
    );
    let scores = "How well the model does against the truth";
    let tabs = [
        (Below::Scores, "Scores", scores),
        (Below::Answer, "Answer", answer.as_str()),
        (Below::Runs, "Runs", runs.as_str()),
        (Below::Policy, "Guideline", guideline.as_str()),
    ];
    if let Some(chosen) = widgets::segmented(ui, "Below", below, &tabs) {
        out.push(Command::ShowBelow(chosen));
    }
}
