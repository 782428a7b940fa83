//! Probing an error: the shown post in other forms, their label probabilities side by side. Nothing here is stored.

mod cover;
mod results;

use std::sync::Arc;

use egui::{ScrollArea, Sense, TextEdit, TextureHandle, TextureOptions, Ui, vec2};
use egui_material_icons::icons;

use self::{cover::Cover, results::Column};
use super::{
    Next, modal,
    seen::{Covered, fitted, reveal_ui},
};
use crate::{
    gui::{
        command::Command,
        focus,
        picture::color_image,
        theme::{self, Palette, space},
        widgets::{self, outlined},
    },
    model::{ModelSpec, PromptStyle},
    post::LabelNames,
    predict::{
        probe::{Found, PictureChange, Variant},
        worker::Probing,
    },
};

/// Longer side of the picture, in points, where there is room for it.
const PICTURE: f32 = 230.0;

/// From this width on, in points, the forms stand beside the picture, else below it.
const BESIDE: f32 = 560.0;

/// What the dialog is about.
pub struct Subject {
    /// The post's place in the dataset.
    pub post: usize,
    /// Its text.
    pub text: Arc<str>,
    /// Whether it has a picture that the model looks at.
    pub has_picture: bool,
    /// The labels asked for.
    pub labels: LabelNames,
    /// The prompt in use.
    pub prompt: PromptStyle,
    /// How to load the model without its adapter, if it has one.
    pub base: Option<ModelSpec>,
}

/// The ways to change a post.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    AsItIs,
    NoText,
    BlankPicture,
    Covered,
    Edited,
    OtherPrompt,
    /// Last, since it must be loaded first.
    Base,
}

impl Form {
    const ALL: [Self; 7] = [
        Self::AsItIs,
        Self::NoText,
        Self::BlankPicture,
        Self::Covered,
        Self::Edited,
        Self::OtherPrompt,
        Self::Base,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::AsItIs => "As it is",
            Self::NoText => "No text",
            Self::BlankPicture => "Grey picture",
            Self::Covered => "Part covered",
            Self::Edited => "Edited text",
            Self::OtherPrompt => "Other prompt",
            Self::Base => "Base model",
        }
    }
}

/// The dialog.
pub struct ProbeDialog {
    subject: Subject,
    text: String,
    cover: Cover,
    picture: Option<TextureHandle>,
    covered: Covered,
    /// Whether the text was covered when it was opened: then there is a way to show it.
    hides_text: bool,
    /// The forms left out although they could be asked about.
    left_out: Vec<Form>,
    looking: Option<Probing>,
    asking: Option<Probing>,
    columns: Vec<Column>,
}

impl ProbeDialog {
    /// `looking` finds out how the picture looks to the model.
    pub fn new(subject: Subject, looking: Probing, covered: Covered) -> Self {
        Self {
            text: subject.text.to_string(),
            cover: Cover::default(),
            picture: None,
            covered,
            hides_text: covered.text,
            left_out: vec![Form::OtherPrompt, Form::Base],
            looking: Some(looking),
            asking: None,
            columns: Vec::new(),
            subject,
        }
    }

    /// Takes the answers of the forms that were asked about.
    pub(super) fn ask(&mut self, probing: Probing) {
        self.asking = Some(probing);
    }

    pub(super) fn receive(&mut self, ctx: &egui::Context) {
        if let Some(found) = self.looking.as_ref().map(Probing::take) {
            if found.is_none() {
                self.looking = None;
            }
            for (_, found) in found.into_iter().flatten() {
                // Of tiles, the last one is all of the picture.
                if let Found::Seen(seen) = found
                    && let Some(picture) = seen.pictures.last()
                {
                    let image = color_image(picture);
                    let options = TextureOptions::LINEAR;
                    self.picture = Some(ctx.load_texture("probed", image, options));
                }
            }
        }
        let Some(found) = self.asking.as_ref().map(Probing::take) else {
            return;
        };
        let ended = found.is_none();
        for (variant, found) in found.into_iter().flatten() {
            if let Some(column) = self.columns.get_mut(variant) {
                column.take(found);
            }
        }
        if ended {
            self.asking = None;
            self.columns.iter_mut().for_each(Column::end);
        }
    }

    pub(super) fn show(&mut self, ctx: &egui::Context, out: &mut Vec<Command>) -> Next {
        let title = format!("Probe post {}", widgets::thousands(self.subject.post + 1));
        let mut next = Next::Stay;
        let closes = modal(ctx, &title, 820.0, |ui| {
            let text = "Ask the model about other forms of this post, to see which part of it drove a label. \
                        Nothing here is stored as a prediction.";
            ui.label(theme::caption(ui, text));
            let room = ui.ctx().content_rect().height() - 190.0;
            let scroll = ScrollArea::vertical().max_height(room);
            scroll.min_scrolled_height(room).show(ui, |ui| {
                // All of it is in sight at once, with the ring that tells that it has the keyboard.
                let side = PICTURE.min(room - space::L);
                if ui.available_width() < BESIDE {
                    self.picture_column(ui, side);
                    self.forms_column(ui, out);
                } else {
                    ui.horizontal_top(|ui| {
                        self.picture_column(ui, side);
                        self.forms_column(ui, out);
                    });
                }
                if let Some(base) = &self.subject.base {
                    ui.add_space(space::S);
                    let runs = Command::ShowRuns.shortcut_text(ui.ctx());
                    let runs = runs.map_or_else(String::new, |key| format!(" ({key})"));
                    let text = format!(
                        "To compare all posts with the base, load it as a run of its own, and compare the two{runs}."
                    );
                    ui.label(theme::caption(ui, text));
                    if ui.button("Load the base").clicked() {
                        out.push(Command::LoadModel(base.clone()));
                        next = Next::Close;
                    }
                }
                focus::follow(ui);
            });
        });
        if closes { Next::Close } else { next }
    }

    /// The picture, if there is one, `side` points on its longer side.
    fn picture_column(&mut self, ui: &mut Ui, side: f32) {
        if self.subject.has_picture {
            ui.vertical(|ui| {
                ui.set_width(PICTURE);
                self.picture_ui(ui, side);
            });
            ui.add_space(space::S);
        }
    }

    /// The forms, and what the model says of them.
    fn forms_column(&mut self, ui: &mut Ui, out: &mut Vec<Command>) {
        ui.vertical(|ui| {
            self.forms_ui(ui);
            self.ask_ui(ui, out);
            if !self.columns.is_empty() {
                ScrollArea::horizontal().show(ui, |ui| {
                    results::show(ui, &self.subject.labels, &self.columns);
                });
            }
        });
    }

    /// The picture, on which a region to cover is drawn.
    fn picture_ui(&mut self, ui: &mut Ui, side: f32) {
        let palette = Palette::from_ui(ui);
        let size = self
            .picture
            .as_ref()
            .map_or(vec2(side, side), |p| fitted(p.size_vec2(), side));
        let (rect, response) = ui.allocate_exact_size(size, Sense::drag() | Sense::FOCUSABLE);
        response.widget_info(|| {
            let name = "Picture: drag, or press Enter, to cover a part";
            egui::WidgetInfo::labeled(egui::Role::Image, true, name)
        });
        match &self.picture {
            Some(picture) if !self.covered.picture => {
                egui::Image::new(picture).paint_at(ui, rect);
            }
            _ => {
                ui.painter().rect_filled(rect, 6.0, palette.raised);
            }
        }
        self.cover.steer(ui, &response);
        self.cover.paint(ui, rect);
        reveal_ui(ui, &mut self.covered.picture, "Show the picture");
        let text = self.cover.hint(response.has_focus());
        ui.add(egui::Label::new(theme::caption(ui, text)).wrap());
    }

    /// The text to edit, and which forms to ask about.
    fn forms_ui(&mut self, ui: &mut Ui) {
        if self.hides_text {
            reveal_ui(ui, &mut self.covered.text, "Show the text");
        }
        if !self.covered.text {
            let edit = TextEdit::multiline(&mut self.text)
                .desired_rows(4)
                .desired_width(f32::INFINITY);
            ui.add(edit).accessible_name("Edited text");
        }
        if *self.text != *self.subject.text && ui.button("Back to the post’s text").clicked() {
            self.text = self.subject.text.to_string();
        }
        outlined(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                for form in Form::ALL {
                    let possible = self.is_possible(form);
                    let mut chosen = self.is_chosen(form);
                    let fixed = form == Form::AsItIs;
                    let check = egui::Checkbox::new(&mut chosen, form.name());
                    let response = ui.add_enabled(possible && !fixed, check);
                    if response.clicked() {
                        self.left_out.retain(|other| *other != form);
                        if !chosen {
                            self.left_out.push(form);
                        }
                    }
                }
            });
        });
    }

    fn ask_ui(&mut self, ui: &mut Ui, out: &mut Vec<Command>) {
        ui.horizontal(|ui| {
            let idle = self.asking.is_none();
            let ask = widgets::primary(ui, icons::ICON_SCIENCE, "Ask the model", idle);
            if ask.clicked() {
                let forms: Vec<Form> = Form::ALL
                    .into_iter()
                    .filter(|form| self.is_chosen(*form))
                    .collect();
                self.columns = forms.iter().map(|form| Column::new(form.name())).collect();
                let variants = forms.iter().map(|form| self.variant(*form)).collect();
                let post = self.subject.post;
                out.push(Command::AskProbe { post, variants });
            }
            let text = match (idle, self.is_chosen(Form::Base)) {
                (true, false) => return,
                (true, true) => "The base is loaded beside the model, and put away again.",
                (false, false) => "The model answers between the posts of its run…",
                (false, true) => {
                    "The model answers between the posts of its run, the base once it is loaded…"
                }
            };
            ui.add(egui::Label::new(theme::caption(ui, text)).wrap());
        });
    }

    fn is_chosen(&self, form: Form) -> bool {
        self.is_possible(form) && !self.left_out.contains(&form)
    }

    fn is_possible(&self, form: Form) -> bool {
        match form {
            Form::AsItIs | Form::OtherPrompt => true,
            Form::NoText => !self.subject.text.trim().is_empty(),
            Form::BlankPicture => self.subject.has_picture,
            Form::Covered => self.cover.region.is_some(),
            Form::Edited => *self.text != *self.subject.text,
            Form::Base => self.subject.base.is_some(),
        }
    }

    fn variant(&self, form: Form) -> Variant {
        let Subject { text, prompt, .. } = &self.subject;
        let mut variant = Variant {
            text: Arc::clone(text),
            picture: PictureChange::None,
            prompt: *prompt,
            asks_base: form == Form::Base,
        };
        match form {
            Form::AsItIs | Form::Base => {}
            Form::NoText => variant.text = Arc::from(""),
            Form::BlankPicture => variant.picture = PictureChange::Blank,
            Form::Covered => {
                variant.picture = self
                    .cover
                    .region
                    .map_or(PictureChange::None, PictureChange::Cover);
            }
            Form::Edited => variant.text = Arc::from(self.text.as_str()),
            Form::OtherPrompt => {
                variant.prompt = match prompt {
                    PromptStyle::Trained => PromptStyle::Card,
                    PromptStyle::Card => PromptStyle::Trained,
                };
            }
        }
        variant
    }
}
