//! How far people agree, beside the model: the reviewer and the model held against second reviewers, and the reviewer
//! against gold posts.

use egui::{Label, Ui};

use super::{
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
    metrics::Metrics,
    review::{Session, people::Ceiling},
};

/// Draws a table for each second reviewer with whom there is something to compare.
pub fn show(ui: &mut Ui, bench: &Bench, out: &mut Vec<Command>) {
    gold_ui(ui, &bench.session);
    let people = bench.figures.people.beside.iter();
    let mut any = false;
    for (index, beside) in people.enumerate() {
        if let Some(ceiling) = &beside.ceiling {
            ui.add_space(space::S);
            one(ui, index, &beside.name, ceiling, out);
            any = true;
        }
    }
    if any {
        let text = "The human ceiling: as far as two people agree is as far as a model can be told to be right. A decision \
                    made with the model’s answer in sight is drawn towards it.";
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

fn one(ui: &mut Ui, index: usize, name: &str, ceiling: &Ceiling, out: &mut Vec<Command>) {
    let columns = [
        Figure {
            name: "Micro F1",
            tooltip: "F1 over all post–label pairs together; what the second reviewer decided stands for the truth",
            width: 62.0,
        },
        Figure {
            name: "Macro F1",
            tooltip: "The mean of the labels’ F1; what the second reviewer decided stands for the truth",
            width: 62.0,
        },
        Figure {
            name: "n",
            tooltip: "Posts that both of you decided and the model answered",
            width: 52.0,
        },
    ];
    let cells = |scores: &Metrics| {
        vec![
            Cell::new(format!("{:.3}", scores.f1_micro)),
            Cell::new(format!("{:.3}", scores.f1_macro)),
            Cell::new(widgets::thousands(ceiling.n as usize)),
        ]
    };
    let rows = [
        ("You", cells(&ceiling.person)),
        ("The model", cells(&ceiling.model)),
    ];
    let against = format!("Against {name}");
    let tooltip = "You and the model, both held against the same person on the same posts";
    let id = format!("ceiling {index}");
    table::show(ui, &id, (&against, tooltip), &columns, &rows, out);
}
