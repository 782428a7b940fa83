//! How far people agree, beside the model: the reviewer and the model held against second reviewers, and the reviewer
//! against gold posts.

use egui::{Label, Ui};

use super::{
    metrics::short,
    scores::percent,
    table::{self, Cell, Figure},
};
use crate::{
    gui::{
        bench::Bench,
        command::Command,
        theme::{self, space},
        widgets,
    },
    metrics::{
        Metrics,
        bootstrap::{Interval, Intervals},
    },
    review::{Session, people::Beside},
};

/// Draws a table for each second reviewer with whom there is something to compare.
pub fn show(ui: &mut Ui, bench: &Bench, out: &mut Vec<Command>) {
    gold_ui(ui, &bench.session);
    let people = bench.figures.people.beside.iter();
    let mut any = false;
    for (index, beside) in people.enumerate() {
        if beside.ceiling.is_some() {
            ui.add_space(space::S);
            one(ui, index, beside, bench, out);
            any = true;
        }
    }
    if any {
        let text = "The human ceiling: as far as two people agree is as far as a model can be told to be right. A decision \
                    made with the model’s answer in sight is drawn towards it. Behind each score: its 95 % interval.";
        ui.add(Label::new(theme::caption(ui, text)).wrap());
    }
}

/// How often each reviewer agreed with gold posts.
pub fn gold_ui(ui: &mut Ui, session: &Session) {
    let Some(gold) = session.gold().filter(|gold| gold.n_answered() > 0) else {
        return;
    };
    ui.add_space(space::XS);
    for (name, proportion) in gold.tally() {
        let (Some(share), Some(interval)) = (proportion.share(), proportion.interval()) else {
            continue;
        };
        let who = match name.as_deref() {
            None => "You",
            Some(name) if session.reviewer() == Some(name) => "You",
            Some(name) => name,
        };
        let text = format!(
            "{who}: {} of {} gold posts alike, {} (95 % interval {} to {})",
            widgets::thousands(proportion.hits as usize),
            widgets::thousands(proportion.n as usize),
            percent(share),
            percent(interval.lo),
            percent(interval.hi),
        );
        let tooltip = "Your first decision about each gold post has all its labels and no other. Interval: Wilson’s score.";
        ui.add(Label::new(text).wrap()).on_hover_text(tooltip);
    }
}

fn one(ui: &mut Ui, index: usize, beside: &Beside, bench: &Bench, out: &mut Vec<Command>) {
    let Some(ceiling) = &beside.ceiling else {
        return;
    };
    let figure = |name, tooltip| Figure::new(name, 98.0, tooltip);
    let columns = [
        figure(
            "Micro F1",
            "F1 over all post–label pairs together; what the second reviewer decided stands for the truth",
        ),
        figure(
            "Macro F1",
            "The mean of the labels’ F1; what the second reviewer decided stands for the truth",
        ),
    ];
    let cells = |scores: &Metrics, intervals: Option<&Intervals>| {
        let cell = |value: f64, interval: Option<Interval>| {
            // A place is kept, so that nothing moves when the interval comes.
            let range = interval.map_or_else(|| "…".to_owned(), range);
            let tooltip = "Behind the score: its 95 % interval (bootstrap over the posts that both of you decided)";
            Cell::new(format!("{value:.3}"))
                .with_interval(Some(range))
                .with_tooltip(tooltip)
        };
        vec![
            cell(scores.f1_micro, intervals.map(|i| i.f1_micro)),
            cell(scores.f1_macro, intervals.map(|i| i.f1_macro)),
        ]
    };
    let intervals = bench.figures.ceiling_intervals(&beside.file);
    let (person, model) = (
        intervals.map(|ceiling| &ceiling.person),
        intervals.map(|ceiling| &ceiling.model),
    );
    let rows = [
        ("You", cells(&ceiling.person, person)),
        ("The model", cells(&ceiling.model, model)),
    ];
    let against = format!("Against {}", beside.name);
    let posts = widgets::posts(ceiling.n as usize);
    let tooltip = format!(
        "You and the model, both held against {} on the same {posts}",
        beside.name
    );
    let id = format!("ceiling {index}");
    table::show(ui, &id, (&against, &tooltip), &columns, &rows, out);
    let text = format!("n = {posts} that both of you decided and the model answered");
    ui.label(theme::caption(ui, text));
}

/// “.57–.95”.
pub fn range(interval: Interval) -> String {
    format!("{}–{}", short(interval.lo), short(interval.hi))
}
