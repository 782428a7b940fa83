//! A small dataset with real pictures, a model that answers what a post's text tells it to, and a window without a display.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use candle_core::{Device, Tensor};
use eframe::App as _;
use egui_kittest::{
    Harness,
    kittest::{NodeT, Queryable},
};
use overrule::{
    gui::{
        Launch,
        app::{App, Parts},
        bench::Bench,
    },
    image::Rgb,
    model::{
        Adapter, DeviceChoice, DtypeChoice, Engine, Family, LoadProgress, LoadedModel, ModelError,
        ModelInfo, ModelInput, ModelSpec, Network, Node, Processor, PromptStyle, TokenTree,
        hub::HubSettings,
    },
    post::{LabelNames, LabelSet},
    predict::worker::Worker,
};

/// How many frames a test waits for something to happen before it has failed.
const PATIENCE: usize = 20_000;

/// How much time a frame takes; three of them are enough for a post to be seen.
const FRAME_SECS: f32 = 0.06;

/// The labels of the dataset.
pub const LABELS: [&str; 3] = ["racist", "sexist", "religion"];

/// Rows as a test writes them: text, image, labels. The model answers with what stands behind `says ` in the text.
pub const POSTS: [[&str; 3]; 5] = [
    [r#"says ["racist"]"#, "a.png", "racist"],
    [r#"says ["sexist"]"#, "b.png", ""],
    [r#"says well, ["religion", "bogus"] it is"#, "", "religion"],
    ["says I would rather not", "a.png", "sexist"],
    ["says []", "broken.png", ""],
];

/// A folder with a dataset in it.
pub struct Folder {
    /// Removed with everything in it at the end.
    pub temporary: tempfile::TempDir,
}

impl Folder {
    /// Writes the posts and their pictures.
    pub fn new(posts: &[[&str; 3]]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        let mut csv = csv::Writer::from_path(folder.join("posts.csv")).unwrap();
        csv.write_record(["text", "image_path", "labels"]).unwrap();
        for post in posts {
            csv.write_record(post).unwrap();
        }
        csv.flush().unwrap();
        fs::write(
            folder.join("class_names.txt"),
            LABELS.map(|label| format!("{label}\n")).concat(),
        )
        .unwrap();
        for (name, color) in [("a.png", [200, 30, 30]), ("b.png", [30, 30, 200])] {
            let picture = image::RgbImage::from_pixel(64, 48, image::Rgb(color));
            picture.save(folder.join(name)).unwrap();
        }
        fs::write(folder.join("broken.png"), b"this is no picture").unwrap();
        Self { temporary }
    }

    /// A file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    /// Opens the window on the dataset, with the fake model.
    pub fn window(&self) -> Window {
        self.window_with(Some("fake"))
    }

    /// Opens the window on the dataset, with a model of that name or none.
    pub fn window_with(&self, model: Option<&str>) -> Window {
        Window::open(Launch {
            dataset: Some(self.file("posts.csv")),
            session: Some(self.file("posts.overrule")),
            model: model.map(|model| ModelSpec {
                model: model.to_owned(),
                ..ModelSpec::default()
            }),
            ..Launch::default()
        })
    }
}

/// A window without a display.
pub struct Window {
    /// Steps the application.
    pub harness: Harness<'static, App>,
    /// The sessions of datasets for which no other place was named.
    _data: tempfile::TempDir,
}

impl Window {
    /// Starts the application; it loads fake models only.
    pub fn open(launch: Launch) -> Self {
        Self::open_changed(launch, |_| {})
    }

    /// Starts the application with fake models; small pictures are kept in this folder.
    pub fn open_with_thumbnails(launch: Launch, folder: PathBuf) -> Self {
        Self::open_changed(launch, |parts| parts.thumbnails = Some(folder))
    }

    /// Starts the application with fake models; the settings are in this file, as [`close`](Self::close) leaves them.
    pub fn open_with_settings(launch: Launch, file: PathBuf) -> Self {
        Self::open_changed(launch, |parts| parts.settings_file = Some(file))
    }

    /// Starts the application with fake models and this Hub.
    pub fn open_with_hub(launch: Launch, hub: HubSettings) -> Self {
        Self::open_changed(launch, |parts| parts.hub = hub)
    }

    /// Starts the application with the models that ship.
    pub fn open_with_models(launch: Launch) -> Self {
        Self::start(launch, Worker::spawn, |_| {})
    }

    fn open_changed(launch: Launch, change: impl FnOnce(&mut Parts)) -> Self {
        Self::start(launch, |wake| Worker::spawn_with(load, wake), change)
    }

    fn start(
        launch: Launch,
        worker: impl FnOnce(Box<dyn Fn() + Send + Sync>) -> std::io::Result<Worker>,
        change: impl FnOnce(&mut Parts),
    ) -> Self {
        let data = tempfile::tempdir().unwrap();
        let harness = Harness::builder()
            .with_size([1280.0, 800.0])
            .with_step_dt(FRAME_SECS)
            .allow_missing_glyphs()
            .build_eframe(|cc| {
                let ctx = cc.egui_ctx.clone();
                let mut parts = Parts {
                    worker: worker(Box::new(move || ctx.request_repaint())).unwrap(),
                    settings_file: None,
                    thumbnails: None,
                    data_folder: Some(data.path().to_owned()),
                    hub: offline(),
                };
                change(&mut parts);
                App::with_parts(cc, launch, parts).unwrap()
            });
        Self {
            harness,
            _data: data,
        }
    }

    /// Ends the application as a user does who closes the window.
    pub fn close(mut self) {
        self.harness.state_mut().on_exit(None);
    }

    /// Steps until something is so.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        for _ in 0..PATIENCE {
            if is_so(self) {
                return;
            }
            self.harness.step();
            std::thread::yield_now();
        }
        panic!("{what} did not happen; on screen: {:?}", self.texts());
    }

    /// Steps until the dataset is open and every post predicted.
    #[track_caller]
    pub fn settle(&mut self) {
        self.until("predicting everything", |window| {
            window.is_open() && {
                let session = &window.bench().session;
                session.counts().predicted == session.dataset().posts.len()
            }
        });
        // The scores follow a little later.
        self.until("scoring everything", |window| {
            let bench = window.bench();
            let scored = bench.figures.metrics.as_ref().map_or(0, |scores| scores.n);
            scored as usize + bench.figures.left_out.without_truth == bench.queue().len()
        });
        // What came last can be read by now.
        self.run_secs(0.6);
    }

    /// Whether a dataset is open.
    pub fn is_open(&self) -> bool {
        self.harness.state().bench().is_some()
    }

    /// The open dataset.
    pub fn bench(&self) -> &Bench {
        self.harness.state().bench().expect("an open dataset")
    }

    /// The names of the labels in front of the reviewer.
    pub fn working(&self, post: usize) -> Option<Vec<&str>> {
        let bench = self.bench();
        let labels = bench.working(post).labels?;
        Some(bench.session.dataset().labels.names_of(labels))
    }

    /// The confirmed labels of a post.
    pub fn decision(&self, post: usize) -> Option<LabelSet> {
        self.bench().session.review(post).decision
    }

    /// Lets so much of the window's time go by.
    pub fn run_secs(&mut self, secs: f32) {
        self.harness.run_steps((secs / FRAME_SECS).ceil() as usize);
    }

    /// Presses a key and shows what it did.
    pub fn press(&mut self, key: egui::Key) {
        self.harness.key_press(key);
        self.harness.run_steps(3);
    }

    /// Presses a key with Ctrl (and Shift).
    pub fn press_with(&mut self, modifiers: egui::Modifiers, key: egui::Key) {
        self.harness.key_press_modifiers(modifiers, key);
        // A dialog finds its place in its first frames.
        self.harness.run_steps(5);
    }

    /// Clicks what has this name.
    #[track_caller]
    pub fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run_steps(3);
    }

    /// Clicks what has this name and role.
    #[track_caller]
    pub fn click_role(&mut self, role: egui::Role, label: &str) {
        self.harness.get_by_role_and_label(role, label).click();
        self.harness.run_steps(3);
    }

    /// Types into the field with the keyboard.
    pub fn type_text(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.to_owned()));
        self.harness.run_steps(2);
    }

    /// Opens the dialog that chooses a model, and names one.
    pub fn name_model(&mut self, name: &str) {
        self.press_with(super::CTRL, egui::Key::M);
        let field = self
            .harness
            .get_by_role_and_label(egui::Role::TextInput, "Model");
        field.focus();
        self.harness.run_steps(2);
        self.type_text(name);
    }

    /// Whether something on screen has this name or says this.
    pub fn has(&self, text: &str) -> bool {
        self.any(|said| said == text)
    }

    /// Whether something on screen has this in its name or in what it says.
    pub fn has_part(&self, part: &str) -> bool {
        self.any(|said| said.contains(part))
    }

    fn any(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.texts().iter().any(|text| fits(text))
    }

    /// The name, the value and the description of everything on screen.
    fn texts(&self) -> Vec<String> {
        let nodes = self.harness.root().children_recursive();
        nodes
            .flat_map(|node| {
                let node = node.accesskit_node();
                [node.label(), node.value(), node.description()]
            })
            .flatten()
            .collect()
    }
}

/// The sorted names of the files in a folder.
pub fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// No Hub and no cache.
fn offline() -> HubSettings {
    HubSettings::read(|key| match key {
        "HF_HUB_OFFLINE" => Some("1".to_owned()),
        "HF_HOME" => Some("/nowhere".to_owned()),
        _ => None,
    })
}

fn load(
    spec: &ModelSpec,
    progress: &mut dyn FnMut(LoadProgress) -> bool,
) -> Result<LoadedModel, ModelError> {
    let knows_other_labels = spec.model == "fake with other labels";
    let is_folder = Path::new(&spec.model).is_dir();
    let known = ["fake", "blind", "adapted", "on a small GPU", "org/name"];
    let on_gpu = spec.model == "on a small GPU" && spec.device == DeviceChoice::Auto;
    let is_known = known.contains(&spec.model.as_str()) || is_folder;
    let adapter = (spec.model == "adapted" && spec.adapter != Adapter::None).then_some("taught");
    if !is_known && !knows_other_labels {
        return Err(ModelError::NoSuchModel {
            name: spec.model.clone(),
            hint: "name a folder with config.json".to_owned(),
        });
    }
    progress(LoadProgress {
        step: "Inventing weights".to_owned(),
        fraction: 1.0,
    });
    Ok(LoadedModel {
        info: ModelInfo {
            name: spec.model.clone(),
            family: Family("fake"),
            folder: PathBuf::from("/models/fake"),
            revision: None,
            adapter: adapter.map(str::to_owned),
            labels: knows_other_labels.then(|| {
                ["sexist", "otherhate", "racist"]
                    .map(str::to_owned)
                    .to_vec()
            }),
            dtype: match spec.dtype {
                DtypeChoice::Auto => "f32".to_owned(),
                chosen => chosen.name().to_owned(),
            },
            device: if on_gpu { "cuda:0" } else { "cpu" }.to_owned(),
            parameters: 12,
            image_setting: None,
            is_demo: true,
            is_classifier: false,
        },
        processor: Arc::new(Obedient {
            is_blind: spec.model == "blind",
        }),
        engine: Engine::Generative(Box::new(Echo {
            is_untaught: spec.model == "adapted" && adapter.is_none(),
            has_no_room: on_gpu,
            ..Echo::default()
        })),
    })
}

/// Makes the wanted answer, byte by byte, the prompt.
struct Obedient {
    /// Whether it says nothing in place of sexist.
    is_blind: bool,
}

impl Processor for Obedient {
    fn prepare(
        &self,
        text: &str,
        _image: Option<&Rgb>,
        _prompt: PromptStyle,
        _labels: &LabelNames,
    ) -> Result<ModelInput, ModelError> {
        let answer = text.strip_prefix("says ").unwrap_or("[]");
        let answer = if self.is_blind && answer == r#"["sexist"]"# {
            "[]"
        } else {
            answer
        };
        Ok(ModelInput {
            prompt: text.to_owned(),
            input_ids: answer.bytes().map(u32::from).collect(),
            pixel_values: None,
            request: None,
        })
    }

    fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        let bytes: Vec<u8> = ids.iter().filter_map(|id| u8::try_from(*id).ok()).collect();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn answer_ids(&self, answer: &str) -> Result<Vec<u32>, ModelError> {
        Ok(answer.bytes().map(u32::from).chain([END]).collect())
    }
}

const END: u32 = 256;

/// Says its prompt.
#[derive(Default)]
struct Echo {
    /// Says nothing instead, whatever the prompt.
    is_untaught: bool,
    /// Whether its memory is not enough for the third post.
    has_no_room: bool,
    answers: Vec<Vec<u32>>,
    /// How many tokens of each answer were kept.
    said: Vec<usize>,
    trees: Vec<TokenTree>,
}

impl Echo {
    /// Behind the tokens kept (if `with_prompt`) and behind each node of the trees.
    fn logits(&self, with_prompt: bool) -> Result<Tensor, ModelError> {
        let nodes = self.trees.iter().map(TokenTree::len).max().unwrap_or(0);
        let mut rows = Vec::new();
        for ((answer, said), tree) in self.answers.iter().zip(&self.said).zip(&self.trees) {
            let prompt = with_prompt.then_some(0).into_iter();
            for depth in prompt.chain((0..nodes).map(|node| tree.depth(Some(node)))) {
                let next = answer.get(said + depth).copied().unwrap_or(END);
                let mut row = vec![0_f32; END as usize + 1];
                row[next as usize] = 9.0;
                rows.push(row);
            }
        }
        let shape = (self.answers.len(), (), END as usize + 1);
        Ok(Tensor::new(rows.concat(), &Device::Cpu)?.reshape(shape)?)
    }
}

impl Network for Echo {
    fn prefill(&mut self, batch: &[&ModelInput], drafts: &TokenTree) -> Result<Tensor, ModelError> {
        let answer = |input: &&ModelInput| match self.is_untaught {
            true => b"[]".map(u32::from).to_vec(),
            false => input.input_ids.clone(),
        };
        if self.has_no_room && batch.iter().any(|input| input.prompt.contains("well,")) {
            return Err(candle_core::Error::Msg("out of memory".to_owned()).into());
        }
        self.answers = batch.iter().map(answer).collect();
        self.said = vec![0; batch.len()];
        self.trees = vec![drafts.clone(); batch.len()];
        self.logits(true)
    }

    fn keep(&mut self, nodes: &[Node]) -> Result<(), ModelError> {
        for ((said, tree), node) in self.said.iter_mut().zip(&self.trees).zip(nodes) {
            *said += tree.depth(*node);
        }
        Ok(())
    }

    fn extend(&mut self, trees: &[TokenTree]) -> Result<Tensor, ModelError> {
        self.trees = trees.to_vec();
        self.logits(false)
    }

    fn rewind(&mut self) {
        self.said.fill(0);
    }

    fn eos_ids(&self) -> &[u32] {
        &[END]
    }

    fn device(&self) -> &Device {
        &Device::Cpu
    }
}
