//! The models on this machine: what is here, how large it is, what memory it needs; use, fetch, delete.

use egui::{Align, Button, Layout, ScrollArea, Ui};
use egui_material_icons::icons;

use super::{Next, modal};
use crate::{
    causes::with_causes,
    gui::{
        background::waker,
        command::Command,
        downloading::DownloadStep,
        errand::Errand,
        focus,
        settings::Settings,
        theme::{self, Palette, space},
        widgets::{self, icon, notice},
    },
    model::{
        DeviceChoice, DtypeChoice, Found, Inventory, Kind, MemoryFit, ModelSpec, OwnedPreset,
        free_memory_bytes,
        hub::{self, HubSettings, size_text},
        parameters_in,
    },
};

/// The dialog.
pub struct Models {
    hub: HubSettings,
    recent: Vec<String>,
    looking: Option<Errand<Look>>,
    deleting: Option<Errand<Result<u64, String>>>,
    look: Option<Look>,
    /// What waits for a yes, and of which model.
    asked: Option<(String, Question)>,
    /// What the last deletion did.
    told: Option<Result<String, String>>,
}

/// What is asked before it is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    Delete,
    /// To use it although it does not fit into memory.
    Use,
}

/// What was found.
struct Look {
    rows: Vec<Row>,
    presets: Vec<OwnedPreset>,
    free_memory_bytes: Option<u64>,
    free_disk_bytes: Option<u64>,
}

/// A model, an adapter, or what is left of one.
struct Row {
    /// As one would name it.
    name: String,
    /// What it is, its size, the memory it needs.
    facts: String,
    /// Whether it can be loaded.
    runs: bool,
    /// Whether the memory that is free holds it in the format that is chosen without being asked.
    fits: bool,
    /// The format to load it in.
    dtype: DtypeChoice,
    /// Whether it is in the Hub's cache, the only place where anything is deleted.
    in_cache: bool,
    bytes: u64,
}

impl Models {
    pub(super) fn new(ctx: &egui::Context, hub: HubSettings, settings: &Settings) -> Self {
        let recent = settings.recent_models.iter();
        let mut dialog = Self {
            hub,
            recent: recent.map(|recent| recent.model.clone()).collect(),
            looking: None,
            deleting: None,
            look: None,
            asked: None,
            told: None,
        };
        dialog.look(ctx);
        dialog
    }

    /// Looks around again, off the frame.
    pub(super) fn look(&mut self, ctx: &egui::Context) {
        let (hub, recent) = (self.hub.clone(), self.recent.clone());
        let look = move || Look::take(&hub, &recent);
        self.looking = Some(Errand::start("overrule-inventory", waker(ctx), look));
    }

    /// Deletes from the cache, off the frame.
    pub(super) fn delete(&mut self, ctx: &egui::Context, id: String) {
        let cache = self.hub.cache.clone();
        let delete = move || hub::delete(&cache, &id).map_err(|error| with_causes(&error));
        self.deleting = Some(Errand::start("overrule-delete", waker(ctx), delete));
    }

    pub(super) fn receive(&mut self, ctx: &egui::Context) {
        match Errand::take(&mut self.looking) {
            Some(Ok(look)) => self.look = Some(look),
            Some(Err(why)) => self.told = Some(Err(why)),
            None => {}
        }
        if let Some(deleted) = Errand::take(&mut self.deleting) {
            let told = |freed| format!("Deleted; {} are free again", size_text(freed));
            self.told = Some(deleted.flatten().map(told));
            self.look(ctx);
        }
    }

    pub(super) fn show(&mut self, ctx: &egui::Context, out: &mut Vec<Command>) -> Next {
        let mut fetches = false;
        let closes = modal(ctx, "Models on this machine", 680.0, |ui| {
            match &self.told {
                Some(Ok(told)) => {
                    notice(ui, icons::ICON_CHECK, Palette::from_ui(ui).good, told);
                }
                Some(Err(told)) => {
                    notice(ui, icons::ICON_ERROR, Palette::from_ui(ui).bad, told);
                }
                None => {}
            }
            let Some(look) = &self.look else {
                if self.looking.is_some() {
                    ui.label("Looking around…");
                }
                return;
            };
            ui.label(theme::caption(ui, look.room()));
            let height = ui.ctx().content_rect().height() - 260.0;
            // As wide as the dialog: the bar lies over what is behind it, and there shall be nothing.
            let area = ScrollArea::vertical().auto_shrink([false, true]);
            area.max_height(height).show(ui, |ui| {
                ui.set_max_width(ui.available_width() - space::M);
                ui.spacing_mut().item_spacing.y = 0.0;
                for row in &look.rows {
                    match &self.asked {
                        Some((name, question)) if *name == row.name => {
                            if let Some(yes) = question_ui(ui, row, *question) {
                                out.extend(yes.then(|| row.command(*question)));
                                self.asked = None;
                                return;
                            }
                        }
                        _ => {
                            if let Some(question) = row.ui(ui, self.deleting.is_none(), out) {
                                self.asked = Some((row.name.clone(), question));
                            }
                        }
                    }
                }
                if look.rows.is_empty() {
                    ui.label("No model has been fetched yet.");
                }
                fetches = presets_ui(ui, &look.presets, out);
                focus::follow(ui);
            });
            ui.label(theme::caption(
                ui,
                format!("The Hub’s cache is {}", self.hub.cache.display()),
            ));
        });
        // The line that shows the download is behind the dialog.
        if closes || fetches {
            Next::Close
        } else {
            Next::Stay
        }
    }
}

impl Look {
    fn take(hub: &HubSettings, recent: &[String]) -> Self {
        let cached = hub::repositories(&hub.cache)
            .into_iter()
            .map(|found| Row::of_cached(&found, hub));
        let folders = recent
            .iter()
            .filter(|model| std::path::Path::new(model).is_dir())
            .filter_map(|model| Row::of_folder(model));
        let presets = Inventory::presets_in(&hub.cache);
        Self {
            rows: cached.chain(folders).collect(),
            presets: presets
                .into_iter()
                .filter(|preset| !preset.is_here())
                .collect(),
            free_memory_bytes: free_memory_bytes(),
            free_disk_bytes: hub::free_bytes(&hub.cache),
        }
    }

    /// What there is room for.
    fn room(&self) -> String {
        let told = |bytes: Option<u64>, what: &str| {
            bytes.map(|bytes| format!("{} of {what} free", size_text(bytes)))
        };
        let parts = [
            told(self.free_memory_bytes, "memory"),
            told(self.free_disk_bytes, "disk"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

impl Row {
    fn of_cached(found: &hub::CachedRepository, hub: &HubSettings) -> Self {
        let id = hub::HubId::parse_oldest(&found.id);
        let snapshot = id.as_ref().and_then(|id| id.find_in(&hub.cache));
        let known = snapshot.and_then(|(folder, _)| Found::at(found.id.clone(), folder));
        let is_whole = id.is_some_and(|id| {
            let want = hub::Want {
                id,
                part: hub::Part::Alone,
            };
            want.is_here(&hub.cache)
        });
        let mut row = Self::new(found.id.clone(), known.as_ref(), found.bytes, true);
        if !is_whole {
            row.runs = false;
            let what = if found.incomplete_bytes > 0 {
                "not whole yet"
            } else {
                "settings and vocabulary, or part of a model"
            };
            row.facts = format!("{what} · {}", size_text(found.bytes));
        }
        row
    }

    fn of_folder(folder: &str) -> Option<Self> {
        let path = std::path::Path::new(folder);
        let known = Found::at(folder.to_owned(), path.to_owned())?;
        let files = std::fs::read_dir(path).ok()?;
        let sizes = files.filter_map(|file| file.ok()?.metadata().ok());
        let bytes = sizes
            .filter(std::fs::Metadata::is_file)
            .map(|file| file.len());
        Some(Self::new(
            folder.to_owned(),
            Some(&known),
            bytes.sum(),
            false,
        ))
    }

    fn new(name: String, known: Option<&Found>, bytes: u64, in_cache: bool) -> Self {
        let kind = match known.map(|found| &found.kind) {
            Some(Kind::Model { family }) => (*family).to_owned(),
            Some(Kind::Adapter { base: Some(base) }) => format!("adapter for {base}"),
            Some(Kind::Adapter { base: None }) => "adapter".to_owned(),
            None => "of a family that Overrule does not run".to_owned(),
        };
        let mut facts = format!("{kind} · {}", size_text(bytes));
        let (mut fits, mut dtype) = (true, DtypeChoice::Auto);
        let model = known.filter(|found| matches!(found.kind, Kind::Model { .. }));
        if let Some(weights) = model.and_then(|found| parameters_in(&found.folder))
            && let Some(fit) = MemoryFit::new(DeviceChoice::Auto, dtype, weights)
        {
            fits = fit.fits;
            let needed = size_text(fit.needed_bytes);
            facts += &match fit.smaller {
                None if fits => format!(" · takes {needed} of memory as {}", fit.dtype),
                None => format!(" · does not fit into memory: {needed} as {}", fit.dtype),
                Some(smaller) => format!(" · fits into memory only as {}", smaller.name()),
            };
            dtype = fit.smaller.unwrap_or(dtype);
        }
        Self {
            name,
            facts,
            runs: known.is_some(),
            fits,
            dtype,
            in_cache,
            bytes,
        }
    }

    /// What a yes does.
    fn command(&self, question: Question) -> Command {
        match question {
            Question::Delete => Command::DeleteModel(self.name.clone()),
            Question::Use => Command::LoadModel(ModelSpec {
                model: self.name.clone(),
                dtype: self.dtype,
                ..ModelSpec::default()
            }),
        }
    }

    /// Draws it. Returns what must be asked first.
    fn ui(&self, ui: &mut Ui, can_delete: bool, out: &mut Vec<Command>) -> Option<Question> {
        let mut question = None;
        widgets::row_from_right(ui, |ui| {
            if self.in_cache {
                let button = Button::new(icon(icons::ICON_DELETE)).frame_when_inactive(false);
                let response = ui.add_enabled(can_delete, button);
                let delete = response
                    .accessible_name(format!("Delete {}", self.name))
                    .on_hover_text("Delete it from the Hub’s cache")
                    .clicked();
                question = delete.then_some(Question::Delete);
            }
            let format = Some(self.dtype).filter(|dtype| *dtype != DtypeChoice::Auto);
            let format = format.map_or_else(String::new, |dtype| format!(" as {}", dtype.name()));
            let using = ui.add_enabled(self.runs, Button::new(format!("Use{format}")));
            let using = using.accessible_name(format!("Use {}{format}", self.name));
            match (
                using.clicked(),
                self.fits || self.dtype != DtypeChoice::Auto,
            ) {
                (true, true) => out.push(self.command(Question::Use)),
                (true, false) => question = Some(Question::Use),
                (false, _) => {}
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let palette = Palette::from_ui(ui);
                widgets::symbol(ui, icons::ICON_DEPLOYED_CODE, palette.weak, theme::ICON);
                ui.add(egui::Label::new(theme::strong(&self.name)).truncate());
            });
        });
        let color = if self.fits {
            Palette::from_ui(ui).weak
        } else {
            Palette::from_ui(ui).warn
        };
        ui.horizontal(|ui| {
            ui.add_space(theme::ICON + space::S);
            ui.label(theme::caption(ui, &self.facts).color(color));
        });
        ui.add_space(space::S);
        question
    }
}

/// Asks before anything is deleted, or loaded in vain. Returns the answer.
fn question_ui(ui: &mut Ui, row: &Row, question: Question) -> Option<bool> {
    let name = &row.name;
    let (symbol, text, yes, no) = match question {
        Question::Delete => {
            let size = size_text(row.bytes);
            let text = format!(
                "Delete {name}, all revisions? That frees {size}; it can be fetched again."
            );
            (icons::ICON_DELETE, text, "Delete it", "Keep it")
        }
        Question::Use => {
            let text = format!(
                "{name} hardly fits into the memory that is free, in any format. The present model is put away before it is tried."
            );
            (icons::ICON_WARNING, text, "Try it all the same", "Leave it")
        }
    };
    notice(ui, symbol, Palette::from_ui(ui).warn, &text);
    let mut answer = None;
    ui.horizontal(|ui| {
        if ui.button(yes).clicked() {
            answer = Some(true);
        }
        if ui.button(no).clicked() {
            answer = Some(false);
        }
    });
    ui.add_space(space::XS);
    answer
}

/// The models with short names that are not here. Returns whether one is to be fetched.
fn presets_ui(ui: &mut Ui, presets: &[OwnedPreset], out: &mut Vec<Command>) -> bool {
    let before = out.len();
    if presets.is_empty() {
        return false;
    }
    ui.add_space(space::S);
    ui.label(theme::caption(
        ui,
        "Not here yet: download, memory in f32, licence",
    ));
    ui.add_space(space::XS);
    for owned in presets {
        let preset = owned.preset;
        ui.add_space(2.0);
        widgets::row_from_right(ui, |ui| {
            let fetch = ui.button("Fetch");
            if fetch
                .accessible_name(format!("Fetch {}", preset.title))
                .clicked()
            {
                let spec = ModelSpec {
                    model: preset.name.to_owned(),
                    ..ModelSpec::default()
                };
                out.push(Command::Download(DownloadStep::Start(spec)));
            }
            ui.label(theme::caption(ui, super::choose_model::facts(owned)));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let palette = Palette::from_ui(ui);
                widgets::symbol(ui, icons::ICON_CLOUD_DOWNLOAD, palette.weak, theme::ICON);
                ui.label(preset.title);
            });
        });
    }
    out.len() > before
}
