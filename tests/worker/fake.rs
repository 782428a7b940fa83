//! A model that does what its posts say, and waits where a test wants to look.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use candle_core::{Device, Tensor};
use crossbeam_channel::{Receiver, Sender, bounded};
use overrule::{
    dataset::{Dataset, Format, LabelSource},
    image::Rgb,
    model::{
        DeviceChoice, Engine, Family, LoadProgress, LoadedModel, ModelError, ModelInfo, ModelInput,
        ModelSpec, Network, Node, Processor, PromptStyle, TokenTree,
    },
    post::{LabelNames, Post, PostId},
    predict::{
        answering::{AnswerOptions, DecodeMode},
        probe::Found,
        worker::{Event, Generation, Job, JobEnd, PredictOptions, Probing, Worker},
    },
};

use crate::common::PATIENCE;

const END: u32 = 1;
const ANSWER: u32 = 2;
const VOCABULARY: usize = 4;

/// What a post's text makes of the model. The text is these words; the prompt is as long as the text.
pub mod text {
    /// The processor refuses it.
    pub const REFUSED: &str = "refused";
    /// The processor panics.
    pub const PROCESSOR_PANICS: &str = "processor panics";
    /// The network panics.
    pub const PANICS: &str = "panics";
    /// The logits are not numbers.
    pub const NAN: &str = "nan";
    /// A batch with this post fails as a whole; alone it is answered.
    pub const ONLY_ALONE: &str = "only alone";
    /// The memory takes two posts of this kind at once, and no more.
    pub const LARGE: &str = "large";
    /// The memory of a GPU is not enough for it.
    pub const TOO_LARGE: &str = "too large";
}

/// Where the fake network waits: it says which posts it begins, then asks for leave.
pub struct Gate {
    /// The posts of each prefill as it begins.
    pub begun: Receiver<Vec<usize>>,
    leave: Option<Sender<()>>,
}

impl Gate {
    /// Waits until the network begins a batch.
    pub fn wait_for_batch(&self) -> Vec<usize> {
        self.begun.recv_timeout(PATIENCE).expect("a batch")
    }

    /// Lets the waiting prefill go on.
    pub fn let_one_pass(&self) {
        self.leave.as_ref().unwrap().send(()).unwrap();
    }

    /// Lets everything pass from now on.
    pub fn open(&mut self) {
        self.leave = None;
    }
}

/// Loads fake models. The spec's model name says what happens; “on the only GPU” there is none on the CPU.
#[derive(Clone)]
pub struct Loader {
    begun: Sender<Vec<usize>>,
    leave: Receiver<()>,
    /// How many networks exist.
    pub alive: Arc<AtomicUsize>,
}

impl Loader {
    pub fn load(
        &self,
        spec: &ModelSpec,
        progress: &mut dyn FnMut(LoadProgress) -> bool,
    ) -> Result<LoadedModel, ModelError> {
        let step = |fraction| LoadProgress {
            step: "Inventing weights".to_owned(),
            fraction,
        };
        match spec.model.as_str() {
            "broken" => return Err(no_such_model(spec)),
            "panics" => panic!("the loader fell over"),
            "slow" => {
                while progress(step(0.5)) {
                    // As slow as its reader: the next step waits for leave.
                    let _ = self.leave.recv();
                }
                return Err(no_such_model(spec));
            }
            _ => {}
        }
        progress(step(1.0));
        self.alive.fetch_add(1, Ordering::SeqCst);
        let device = match (spec.model.as_str(), spec.device) {
            ("on a GPU", DeviceChoice::Auto) => "cuda:0",
            ("too large for a GPU", DeviceChoice::Auto) => return Err(out_of_memory()),
            ("on the only GPU", DeviceChoice::Auto) => "cuda:0",
            ("on the only GPU", _) => return Err(no_such_model(spec)),
            _ => "cpu",
        };
        Ok(LoadedModel {
            info: ModelInfo {
                device: device.to_owned(),
                ..info(&spec.model)
            },
            processor: Arc::new(FakeProcessor),
            engine: Engine::Generative(Box::new(FakeNetwork {
                loader: self.clone(),
                on_gpu: device != "cpu",
                batch: Vec::new(),
            })),
        })
    }
}

/// A model that waits for nobody.
pub fn model() -> LoadedModel {
    let (model, mut gate) = gated();
    gate.open();
    model
}

/// A model that waits for leave before each prefill.
pub fn gated() -> (LoadedModel, Gate) {
    let (begun_sender, begun) = bounded(10_000);
    let (leave_sender, leave) = bounded(0);
    let loader = Loader {
        begun: begun_sender,
        leave,
        alive: Arc::default(),
    };
    let gate = Gate {
        begun,
        leave: Some(leave_sender),
    };
    let spec = ModelSpec::default();
    (loader.load(&spec, &mut |_| true).unwrap(), gate)
}

fn no_such_model(spec: &ModelSpec) -> ModelError {
    ModelError::NoSuchModel {
        name: spec.model.clone(),
        hint: "it is a fake".to_owned(),
    }
}

fn out_of_memory() -> ModelError {
    let message = "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")";
    candle_core::Error::Msg(message.to_owned()).into()
}

fn info(name: &str) -> ModelInfo {
    ModelInfo {
        name: name.to_owned(),
        family: Family("fake"),
        folder: PathBuf::new(),
        revision: None,
        adapter: None,
        labels: None,
        dtype: "f32".to_owned(),
        device: "cpu".to_owned(),
        parameters: 0,
        image_setting: None,
        is_demo: false,
        is_classifier: false,
    }
}

struct FakeProcessor;

impl Processor for FakeProcessor {
    /// Writes the post's number (the first word) into every id; the rest of the text says what happens.
    fn prepare(
        &self,
        text: &str,
        _: Option<&Rgb>,
        _: PromptStyle,
        _: &LabelNames,
    ) -> Result<ModelInput, ModelError> {
        let (number, behaviour) = text.split_once(' ').unwrap_or((text, ""));
        if behaviour == text::PROCESSOR_PANICS {
            panic!("the processor fell over");
        }
        if behaviour == text::REFUSED {
            return Err(ModelError::NoSuchModel {
                name: "prompt".to_owned(),
                hint: "too long".to_owned(),
            });
        }
        let number: u32 = number.parse().unwrap();
        Ok(ModelInput {
            prompt: behaviour.to_owned(),
            input_ids: vec![number; text.len()],
            pixel_values: None,
            request: None,
        })
    }

    fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        let answered = ids.first() == Some(&ANSWER);
        Ok(if answered { "[\"sexist\"]" } else { "" }.to_owned())
    }

    fn answer_ids(&self, _: &str) -> Result<Vec<u32>, ModelError> {
        Ok(vec![ANSWER, END])
    }
}

struct FakeNetwork {
    loader: Loader,
    on_gpu: bool,
    batch: Vec<String>,
}

impl FakeNetwork {
    /// `ANSWER` behind the prompt (if `with_prompt`), and `END` behind each of `nodes` tokens.
    fn logits(&self, with_prompt: bool, nodes: usize) -> Result<Tensor, ModelError> {
        let mut logits = Vec::new();
        for behaviour in &self.batch {
            let best = with_prompt.then_some(ANSWER).into_iter();
            for best in best.chain(std::iter::repeat_n(END, nodes)) {
                let mut row = [0f32; VOCABULARY];
                row[best as usize] = if behaviour == text::NAN {
                    f32::NAN
                } else {
                    5.0
                };
                logits.extend(row);
            }
        }
        let rows = usize::from(with_prompt) + nodes;
        let shape = (self.batch.len(), rows, VOCABULARY);
        Ok(Tensor::from_vec(logits, shape, &Device::Cpu)?)
    }
}

impl Network for FakeNetwork {
    fn prefill(&mut self, batch: &[&ModelInput], drafts: &TokenTree) -> Result<Tensor, ModelError> {
        let posts = batch.iter().map(|input| input.input_ids[0] as usize);
        // Nobody listens any more once a test is over.
        let _ = self.loader.begun.send(posts.collect());
        let _ = self.loader.leave.recv();
        self.batch = batch.iter().map(|input| input.prompt.clone()).collect();
        let has = |behaviour: &str| self.batch.iter().any(|b| b == behaviour);
        if has(text::PANICS) {
            panic!("the network fell over");
        }
        if has(text::LARGE) && batch.len() > 2 || has(text::TOO_LARGE) && self.on_gpu {
            return Err(out_of_memory());
        }
        if has(text::ONLY_ALONE) && batch.len() > 1 {
            return Err(candle_core::Error::Msg("too much for me".to_owned()).into());
        }
        self.logits(true, drafts.len())
    }

    fn keep(&mut self, _: &[Node]) -> Result<(), ModelError> {
        Ok(())
    }

    fn extend(&mut self, trees: &[TokenTree]) -> Result<Tensor, ModelError> {
        self.logits(false, trees.iter().map(TokenTree::len).max().unwrap_or(0))
    }

    fn rewind(&mut self) {}

    fn eos_ids(&self) -> &[u32] {
        &[END]
    }

    fn device(&self) -> &Device {
        &Device::Cpu
    }
}

impl Drop for FakeNetwork {
    fn drop(&mut self) {
        self.loader.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A worker with a gated fake model on its way.
pub struct Bench {
    pub worker: Worker,
    pub gate: Gate,
    pub alive: Arc<AtomicUsize>,
    /// Something for every wake.
    pub woken: Receiver<()>,
}

impl Bench {
    pub fn new() -> Self {
        let (begun_sender, begun) = bounded(10_000);
        let (leave_sender, leave) = bounded(0);
        let (wake, woken) = bounded(100_000);
        let alive = Arc::new(AtomicUsize::new(0));
        let loader = Loader {
            begun: begun_sender,
            leave,
            alive: Arc::clone(&alive),
        };
        let worker = Worker::spawn_with(
            move |spec, progress| loader.load(spec, progress),
            move || {
                // A test that is over listens no more.
                let _ = wake.try_send(());
            },
        )
        .unwrap();
        let gate = Gate {
            begun,
            leave: Some(leave_sender),
        };
        Self {
            worker,
            gate,
            alive,
            woken,
        }
    }

    pub fn loaded() -> Self {
        Self::with_model("fake")
    }

    pub fn with_model(model: &str) -> Self {
        let bench = Self::new();
        let generation = bench.load(model);
        bench.wait_for(
            |event| matches!(event, Event::Loaded { generation: g, .. } if *g == generation),
        );
        bench
    }

    pub fn load(&self, model: &str) -> Generation {
        self.worker.load(ModelSpec {
            model: model.to_owned(),
            ..ModelSpec::default()
        })
    }

    pub fn next_event(&self) -> Event {
        self.worker
            .events()
            .recv_timeout(PATIENCE)
            .expect("an event")
    }

    /// Reads events up to the first that fits, and gives that one.
    pub fn wait_for(&self, fits: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.next_event();
            if fits(&event) {
                return event;
            }
        }
    }

    /// Reads events up to the end of a job: the posts answered with their errors, and whether it was cancelled.
    pub fn outcome(&self, job: Generation) -> (Vec<(usize, Option<String>)>, bool) {
        let mut answers = Vec::new();
        loop {
            match self.next_event() {
                Event::Predicted {
                    generation,
                    post,
                    prediction,
                } if generation == job => answers.push((post, prediction.error)),
                Event::Finished { generation, end } if generation == job => {
                    return (answers, end == JobEnd::Cancelled);
                }
                _ => {}
            }
        }
    }

    /// All that comes of a probe.
    pub fn found(&self, probing: &Probing) -> Vec<(usize, Found)> {
        let mut all = Vec::new();
        while let Some(found) = probing.take() {
            all.extend(found);
            self.woken.recv_timeout(PATIENCE).expect("a wake");
        }
        all
    }

    /// Waits until the inference thread has ended: it dropped its senders.
    pub fn wait_for_the_end(woken: &Receiver<()>) {
        while woken.recv_timeout(PATIENCE).is_ok() {}
        assert!(woken.try_recv().is_err_and(|e| e.is_disconnected()));
    }
}

/// A job on posts with these texts; the number of each post is put in front of its text.
pub fn job(texts: &[&str], batch_size: usize) -> Job {
    let labels = LabelNames::new(["racist", "sexist"]).unwrap();
    let posts = texts.iter().enumerate().map(|(number, text)| Post {
        id: PostId::new(text, "", number as u64),
        text: format!("{number} {text}").into(),
        image_path: "".into(),
        truth: None,
        line: 0,
        extra: Box::default(),
    });
    let dataset = Dataset {
        path: PathBuf::new(),
        name: "fake".to_owned(),
        format: Format::Csv,
        labels: labels.clone(),
        label_source: LabelSource::Given,
        image_root: PathBuf::from("/nowhere"),
        posts: posts.collect(),
        extra_columns: Vec::new(),
        imported: Vec::new(),
        problems: Vec::new(),
    };
    Job {
        dataset: Arc::new(dataset),
        posts: (0..texts.len()).collect(),
        options: PredictOptions {
            prompt: PromptStyle::Trained,
            answers: AnswerOptions {
                labels,
                max_new_tokens: 8,
                decode: DecodeMode::Plain,
                scores: true,
            },
            batch_size: Some(batch_size),
        },
    }
}
