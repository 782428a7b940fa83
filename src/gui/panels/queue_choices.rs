//! The choices above the queue: which posts, and in which order.

use egui::{Button, DragValue, RichText, ScrollArea, Ui, containers::menu::MenuButton};
use egui_material_icons::icons;

use crate::{
    dataset::{self, Dataset},
    gui::{
        bench::Bench,
        command::Command,
        focus,
        theme::{self, Palette, space},
        widgets,
    },
    review::{
        basis::Part,
        queue::{Filter, Order, Split},
    },
};

/// Every filter that any dataset has, with its name and what it shows.
const FILTERS: [(Filter, &str, &str); 11] = [
    (Filter::All, "All posts", "Every post"),
    (
        Filter::Todo,
        "To do",
        "Not confirmed, skipped or escalated yet",
    ),
    (Filter::Reviewed, "Reviewed", "With a confirmed decision"),
    (
        Filter::Overruled,
        "Overruled",
        "The decision differs from the model",
    ),
    (
        Filter::Disagreement,
        "Disagreement",
        "The model differs from the decision or the dataset",
    ),
    (Filter::Skipped, "Skipped", "Put aside"),
    (Filter::Escalated, "Escalated", "Left to someone else"),
    (Filter::Flagged, "Flagged", "Marked for a second look"),
    (
        Filter::Problems,
        "Problems",
        "Something is wrong with the row, the image or the prediction",
    ),
    (
        Filter::ParseFailed,
        "Unreadable answers",
        "The model’s answer could not be parsed",
    ),
    (
        Filter::Unlabelled,
        "Unlabelled",
        "Without a label in the dataset",
    ),
];

/// Posts with a note; shown with the others where there is one.
const NOTED: (Filter, &str, &str) = (Filter::Noted, "With a note", "Somebody wrote something");

/// Posts on which two runs differ; shown with the others while two are compared.
const RUNS_DIFFER: (Filter, &str, &str) = (
    Filter::RunsDiffer(Part::All),
    "Runs differ",
    "The two compared runs say different things",
);

/// Posts on which two reviewers differ; shown with the others where there is a second reviewer.
const CONFLICTS: (Filter, &str, &str) = (
    Filter::Conflicts,
    "Conflicts",
    "You and a second reviewer decided otherwise, and nobody has settled it",
);

/// Gold posts that were not seen as they are known; shown with the others where gold posts were answered.
const GOLD_DIFFERS: (Filter, &str, &str) = (
    Filter::GoldDiffers,
    "Gold differs",
    "Gold posts about which your first decision was another one",
);

/// Posts that the reviewer does not want to meet; shown with the others where topics are put away.
const PUT_AWAY: (Filter, &str, &str) = (
    Filter::PutAway,
    "Put away",
    "With a label that your settings leave out of every other queue",
);

/// Every order with its name and what it means; the random one keeps its seed.
fn orders(seed: u32) -> [(Order, &'static str, &'static str); 5] {
    [
        (Order::Dataset, "In order", "As in the dataset"),
        (
            Order::Uncertainty,
            "Least certain first",
            "The label whose probability is nearest 50 %, or the smallest margin of the answer",
        ),
        (
            Order::Disagreement,
            "Different first",
            "Most labels in which model and truth differ first",
        ),
        (
            Order::Suspects,
            "Suspected labels first",
            "The dataset’s labels that are likely wrong, by confident learning from the label probabilities",
        ),
        (
            Order::Random(seed),
            "Random",
            "By chance, the same for the same seed: the front is a fair sample",
        ),
    ]
}

/// What a filter is called.
pub fn filter_name(filter: Filter, dataset: &Dataset) -> String {
    let label = |index| dataset.labels.get(index).unwrap_or_default();
    let known = FILTERS
        .iter()
        .chain([&NOTED, &RUNS_DIFFER, &PUT_AWAY, &CONFLICTS, &GOLD_DIFFERS]);
    match filter {
        Filter::Label(index) => label(index).to_owned(),
        Filter::Predicted(index) => format!("Predicted {}", label(index)),
        Filter::Confusion {
            label: index, cell, ..
        } => format!("{}: {}", label(index), cell.name()),
        Filter::Confused { missed, added, .. } => {
            confused_name(missed.map(label), added.map(label))
        }
        Filter::Together {
            labels: (a, b),
            by_model,
            ..
        } => {
            let whose = if by_model { "Answers" } else { "Truth" };
            match a == b {
                true => format!("{whose}: {}", label(a)),
                false => format!("{whose}: {} with {}", label(a), label(b)),
            }
        }
        Filter::Flipped {
            label: index,
            threshold,
            added,
            ..
        } => {
            let what = match added {
                Some(true) => "gets",
                Some(false) => "loses",
                None => "flips",
            };
            format!("{what} {} at {}", label(index), threshold.p())
        }
        Filter::Column { column, like } => {
            let name = dataset.extra_columns.get(column);
            let value = dataset.posts.get(like as usize);
            let value = value.and_then(|post| post.extra.get(column));
            format!(
                "{}: {}",
                name.map_or("", |name| name),
                shown(value.map_or("", |value| value))
            )
        }
        Filter::RunsDiffer(_) => RUNS_DIFFER.1.to_owned(),
        filter => known
            .into_iter()
            .find(|(known, ..)| *known == filter)
            .map_or_else(String::new, |(_, name, _)| (*name).to_owned()),
    }
}

/// Whether the queue tells something of what the model said about its posts. Where topics are put away every one does: by the
/// model's answers, too, posts are left out of it.
pub fn tells_answers(bench: &Bench) -> bool {
    let is_of_predictions = |column: usize| {
        let name = bench.session.dataset().extra_columns.get(column);
        name.is_some_and(|name| dataset::is_prediction_column(name))
    };
    let of_filter = matches!(
        bench.filter,
        Filter::Disagreement
            | Filter::ParseFailed
            | Filter::Confusion { .. }
            | Filter::Confused { .. }
            | Filter::Together { by_model: true, .. }
            | Filter::Flipped { .. }
            | Filter::Predicted(_)
            | Filter::RunsDiffer(_)
            | Filter::Label(_)
            | Filter::Problems
            | Filter::PutAway
    ) || matches!(bench.filter, Filter::Column { column, .. } if is_of_predictions(column));
    of_filter
        || !bench.session.topics_put_away().is_empty()
        || matches!(
            bench.order,
            Order::Uncertainty | Order::Disagreement | Order::Suspects
        )
}

/// What the posts of a cell of the table of confused labels are called.
fn confused_name(missed: Option<&str>, added: Option<&str>) -> String {
    match (missed, added) {
        (Some(missed), Some(added)) => format!("{missed} taken for {added}"),
        (Some(missed), None) => format!("{missed} missed"),
        (None, Some(added)) => format!("{added} for nothing"),
        (None, None) => "Right".to_owned(),
    }
}

fn shown(value: &str) -> String {
    match value.trim() {
        "" => "(empty)".to_owned(),
        value => super::top_bar::elided(value, 28),
    }
}

/// The filters that have a name of their own, as far as there is something for them to show.
fn known(bench: &Bench) -> impl Iterator<Item = (Filter, &'static str, &'static str)> {
    let session = &bench.session;
    let answered = session.gold().is_some_and(|gold| gold.n_answered() > 0);
    let more = [
        (session.counts().noted > 0, NOTED),
        (session.other_run().is_some(), RUNS_DIFFER),
        (session.seconds().len() > 0, CONFLICTS),
        (answered, GOLD_DIFFERS),
        (!session.topics_put_away().is_empty(), PUT_AWAY),
    ];
    let more = more.into_iter().filter(|(is_there, _)| *is_there);
    FILTERS.into_iter().chain(more.map(|(_, filter)| filter))
}

/// Every choice that the open dataset offers, in words.
pub fn all(bench: &Bench) -> Vec<(Command, String)> {
    let dataset = bench.session.dataset();
    let show = |filter: Filter| {
        let name = filter_name(filter, dataset);
        (Command::SetFilter(filter), format!("Show: {name}"))
    };
    let labels = 0..dataset.labels.len();
    let by_label = labels.flat_map(|label| [Filter::Label(label), Filter::Predicted(label)]);
    let filters = known(bench)
        .map(|(filter, ..)| filter)
        .chain(by_label)
        .chain(bench.splits().iter().flat_map(Split::filters));
    let order = |(order, name, _)| (Command::SetOrder(order), format!("Order: {name}"));
    filters.map(show).chain(orders(1).map(order)).collect()
}

/// Draws both choices, and the seed of a random order.
pub fn show(ui: &mut Ui, bench: &Bench, out: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let width = (ui.available_width() - space::S) / 2.0;
        filter_ui(ui, width, bench, out);
        let seed = match bench.order {
            Order::Random(seed) => seed,
            _ => 1,
        };
        let order = ("Order", icons::ICON_SORT);
        if let Some(order) = widgets::choice(ui, order, width, bench.order, &orders(seed)) {
            out.push(Command::SetOrder(order));
        }
    });
    if let Order::Random(mut seed) = bench.order {
        ui.horizontal(|ui| {
            ui.label(theme::caption(ui, "Seed"));
            let response = ui.add(DragValue::new(&mut seed).speed(0.1));
            if response.accessible_name("Seed").changed() {
                out.push(Command::SetOrder(Order::Random(seed)));
            }
            ui.label(theme::caption(ui, "Every seed is another shuffle"));
        });
    }
}

fn filter_ui(ui: &mut Ui, width: f32, bench: &Bench, out: &mut Vec<Command>) {
    let dataset = bench.session.dataset();
    let name = filter_name(bench.filter, dataset);
    let symbol = widgets::icon(icons::ICON_FILTER_LIST).color(Palette::from_ui(ui).weak);
    let button = Button::new((symbol, RichText::new(&name).size(12.5)))
        .truncate()
        .min_size(egui::vec2(width, 0.0));
    ui.scope(|ui| {
        ui.set_max_width(width);
        let (response, _) = MenuButton::from_button(button).ui(ui, |ui| {
            ui.set_min_width(220.0);
            let room = ui.ctx().content_rect().height() - 200.0;
            ScrollArea::vertical().max_height(room).show(ui, |ui| {
                menu_ui(ui, bench, out);
                focus::follow(ui);
            });
        });
        response
            .accessible_name(format!("Show: {name}"))
            .on_hover_text(format!("Show: {name}"));
    });
}

fn menu_ui(ui: &mut Ui, bench: &Bench, out: &mut Vec<Command>) {
    let dataset = bench.session.dataset();
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.spacing_mut().interact_size.y = 25.0;
    let mut item = |ui: &mut Ui, filter: Filter, text: &str, tooltip: &str| {
        let response = ui.selectable_label(bench.filter == filter, text);
        if response.on_hover_text(tooltip).clicked() {
            out.push(Command::SetFilter(filter));
            ui.close();
        }
    };
    for (filter, name, tooltip) in known(bench) {
        item(ui, filter, name, tooltip);
    }
    ui.label(theme::caption(ui, "Label, by truth or model"));
    for (index, name) in dataset.labels.iter().enumerate() {
        let tooltip = "Truth or model name this label";
        item(ui, Filter::Label(index), name, tooltip);
    }
    ui.label(theme::caption(ui, "Label, by the model alone"));
    for index in 0..dataset.labels.len() {
        let filter = Filter::Predicted(index);
        let name = filter_name(filter, dataset);
        item(ui, filter, &name, "The model names this label");
    }
    for split in bench.splits() {
        let name = dataset.extra_columns.get(split.column);
        let name = name.map_or("", |name| name);
        ui.label(theme::caption(ui, format!("Column {name}")));
        for filter in split.filters() {
            let text = filter_name(filter, dataset);
            item(ui, filter, &text, "Posts with this value in the dataset");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_columns_with_a_few_values_split_a_dataset() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("posts.csv");
        let rows: String = (0..60)
            .map(|i| format!("t{i},,{i},{},same\n", ["train", "test", ""][i % 3]))
            .collect();
        std::fs::write(&file, format!("text,image_path,id,split,source\n{rows}")).unwrap();
        let dataset = crate::dataset::open(&file, &Default::default()).unwrap();
        let found = crate::review::queue::splits(&dataset);
        let names: Vec<String> = found
            .iter()
            .flat_map(Split::filters)
            .map(|filter| filter_name(filter, &dataset))
            .collect();
        assert_eq!(names, ["split: (empty)", "split: test", "split: train"]);
    }
}
