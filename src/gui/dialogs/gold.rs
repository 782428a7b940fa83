//! Gold posts: choose where labels are known from and how many posts come up, and see how often the reviewer agreed.

use egui::{DragValue, Label, Slider, Ui};
use egui_material_icons::icons;

use super::{Next, Shown, modal, path_field::PathField};
use crate::{
    gui::{
        background::waker,
        bench::Bench,
        command::{Command, People},
        errand::Errand,
        file_dialog::Choose,
        panels::ceiling,
        theme::{self, Palette, space},
        widgets::{self, segmented},
    },
    review::{
        Session,
        gold::{GoldRequest, GoldSource, KeptGold},
        queue::{Filter, Order},
    },
};

/// Which kind of source is chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    File,
    /// The second reviewer at this place.
    Second(usize),
    Own,
}

impl Origin {
    /// A file of known labels was made to be asked; of what people decided some will do.
    fn usual_percent(self) -> u8 {
        match self {
            Self::File => 100,
            Self::Second(_) | Self::Own => 10,
        }
    }
}

/// The dialog.
pub struct GoldDialog {
    from: Origin,
    file: PathField,
    share_percent: u8,
    seed: u32,
    every: u32,
    order: Order,
    drawing: Option<Errand<Result<KeptGold, String>>>,
    /// Whether it is being asked if the present ones, and what they told, are to go.
    removing: bool,
    failure: Option<String>,
}

impl GoldDialog {
    pub(super) fn new(bench: &Bench) -> Self {
        Self {
            from: Origin::File,
            file: PathField::default(),
            share_percent: Origin::File.usual_percent(),
            seed: 1,
            every: 20,
            order: bench.order,
            drawing: None,
            removing: false,
            failure: None,
        }
    }

    /// Draws gold posts off the frame.
    pub(super) fn draw(&mut self, request: GoldRequest, session: &Session, ctx: &egui::Context) {
        let (posts, own) = (session.snapshot(), session.file().to_owned());
        let draw =
            move || KeptGold::draw(&request, &own, &posts).map_err(|error| error.to_string());
        self.failure = None;
        self.drawing = Some(Errand::start("overrule-gold", waker(ctx), draw));
    }

    /// The gold posts that were drawn.
    pub(super) fn receive(&mut self) -> Option<KeptGold> {
        self.file.receive();
        match Errand::take(&mut self.drawing)?.flatten() {
            Ok(gold) => Some(gold),
            Err(message) => {
                self.failure = Some(message);
                None
            }
        }
    }

    pub(super) fn show(
        &mut self,
        ctx: &egui::Context,
        shown: &Shown<'_>,
        out: &mut Vec<Command>,
    ) -> Next {
        let mut next = Next::Stay;
        let closes = modal(ctx, "Gold posts", 620.0, |ui| {
            let text = "Posts whose labels are known come up among those you have yet to decide, and look like them. Your first \
                        decision about each is compared with what is known, which itself decides nothing.";
            ui.add(Label::new(text).wrap());
            let Some(bench) = shown.bench else { return };
            ui.add_space(space::S);
            if bench.session.gold().is_some() {
                next = self.present_ui(ui, bench, out);
            } else {
                self.choose_ui(ui, &bench.session, out);
            }
            if let Some(message) = &self.failure {
                ui.add_space(space::XS);
                widgets::notice(ui, icons::ICON_ERROR, Palette::from_ui(ui).bad, message);
            }
        });
        if closes { Next::Close } else { next }
    }

    fn choose_ui(&mut self, ui: &mut Ui, session: &Session, out: &mut Vec<Command>) {
        let mut choices = vec![(
            Origin::File,
            "A file",
            "A CSV or JSON file with labels, or somebody’s session",
        )];
        let seconds = session.seconds().enumerate();
        choices.extend(seconds.map(|(place, second)| {
            let tooltip = "What this second reviewer decided and you have not";
            (Origin::Second(place), second.name(), tooltip)
        }));
        choices.push((
            Origin::Own,
            "Decided before",
            "Your own decisions, to be made once more",
        ));
        if let Some(from) = segmented(ui, "Labels from", self.from, &choices) {
            self.from = from;
            self.share_percent = from.usual_percent();
            self.failure = None;
        }
        match self.from {
            Origin::File => {
                let hint = "A CSV, JSON or JSON Lines file, or a session";
                let name = "File of known labels";
                self.file.ui(ui, (name, hint), Choose::Labelled);
            }
            Origin::Second(_) => {}
            Origin::Own => {
                let text = "The posts drawn are open again: until you have decided them once more, scores and exports leave \
                            their decisions out. Taking the gold posts out gives back those you did not come to.";
                ui.add(Label::new(theme::caption(ui, text)).wrap());
            }
        }
        ui.horizontal(|ui| {
            ui.label("Take");
            let share = Slider::new(&mut self.share_percent, 1..=100).suffix(" % of them");
            ui.add(share).accessible_name("Share of the known posts");
            ui.label(theme::caption(ui, "Seed"));
            let seed = DragValue::new(&mut self.seed).speed(0.1);
            ui.add(seed).accessible_name("Seed of the draw");
        });
        ui.horizontal(|ui| {
            ui.label("One in about");
            let every = DragValue::new(&mut self.every)
                .range(2..=500)
                .suffix(" posts");
            ui.add(every).accessible_name("One gold post in so many");
        });
        if self.order == Order::Dataset {
            let text =
                "In dataset order their numbers may give them away; the order “Random” does not.";
            ui.add(Label::new(theme::caption(ui, text)).wrap());
        }
        ui.add_space(space::S);
        let source = match self.from {
            Origin::File => self.file.path().map(GoldSource::File),
            Origin::Second(place) => session
                .seconds()
                .nth(place)
                .map(|second| GoldSource::Second(second.file().to_owned())),
            Origin::Own => Some(GoldSource::Own),
        };
        let ready = source.is_some() && self.drawing.is_none();
        let clicked = widgets::primary(ui, icons::ICON_SHUFFLE, "Mix in", ready).clicked();
        if let Some(source) = source.filter(|_| clicked) {
            out.push(Command::People(People::TakeGold(GoldRequest {
                source,
                share_percent: self.share_percent,
                seed: self.seed,
                every: self.every,
                order: self.order,
            })));
        }
    }

    /// The gold posts there are.
    fn present_ui(&mut self, ui: &mut Ui, bench: &Bench, out: &mut Vec<Command>) -> Next {
        let mut next = Next::Stay;
        let Some(gold) = bench.session.gold() else {
            return next;
        };
        let answered = gold.n_answered();
        let text = format!(
            "{} known from {}, {} decided so far",
            widgets::posts(gold.len()),
            gold.name(),
            widgets::thousands(answered)
        );
        ui.label(text);
        ceiling::gold_ui(ui, &bench.session);
        ui.add_space(space::S);
        let remove = Command::People(People::RemoveGold);
        if self.removing {
            let text =
                "This tally goes with them, and nothing brings it back. What you decided stays.";
            widgets::notice(ui, icons::ICON_WARNING, Palette::from_ui(ui).warn, text);
            ui.horizontal(|ui| {
                let before = out.len();
                widgets::button(ui, remove, true, out);
                let keeps = ui.button("Keep them").clicked();
                self.removing = out.len() == before && !keeps;
            });
            return next;
        }
        ui.horizontal(|ui| {
            let label = "Show those that differ";
            if widgets::primary(ui, icons::ICON_COMPARE_ARROWS, label, answered > 0).clicked() {
                out.push(Command::SetFilter(Filter::GoldDiffers));
                next = Next::Close;
            }
            let mut asked = Vec::new();
            widgets::button(ui, remove, true, &mut asked);
            if answered > 0 {
                self.removing = !asked.is_empty();
            } else {
                out.append(&mut asked);
            }
        });
        next
    }
}
