//! A frame of the whole window, at 1,500 and at 150,000 posts: scrolling, deciding, choosing a filter or an order, and
//! scrolling while the demo model runs.
//!
//! `cargo bench --bench window`. The promise is a frame in 8 ms of CPU for 99 of 100, and any filter or order in 100 ms.
//! Frames are laid out and tessellated as for a screen; nothing is painted. Frames are timed in processor time of their
//! thread; what is waited for is timed by the clock.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)] // a bench that fails may say so

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use cpu_time::ThreadTime;
use egui::{Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, TouchPhase, pos2, vec2};
use egui_kittest::{Harness, kittest::Queryable};
use overrule::{
    dataset::{self, OpenOptions},
    gui::{
        Launch,
        app::{App, Parts},
    },
    model::{ModelSpec, hub::HubSettings},
    post::LabelSet,
    predict::{
        answer::Parse,
        prediction::{Prediction, RunInfo, Score, Seconds},
        worker::Worker,
    },
    review::Session,
};

/// How many frames the distribution is taken from.
const FRAMES: usize = 2000;

fn write_dataset(folder: &Path, n_posts: usize) -> PathBuf {
    let mut csv = String::from("text,image_path,labels,split\n");
    for row in 0..n_posts {
        let labels = ["", "racist", "sexist", "\"racist,sexist\"", "religion"][row % 5];
        let split = ["train", "train", "test"][row % 3];
        writeln!(
            csv,
            "post {row} has some words and one number of its own,,{labels},{split}"
        )
        .unwrap();
    }
    let file = folder.join("posts.csv");
    std::fs::write(&file, csv).unwrap();
    std::fs::write(
        folder.join("class_names.txt"),
        "racist\nsexist\nhomophobe\nreligion\notherhate\n",
    )
    .unwrap();
    file
}

/// Every post predicted by two runs, with probabilities.
fn predict(file: &Path, session: &Path) {
    let dataset = dataset::open(file, &OpenOptions::default()).unwrap();
    let n_posts = dataset.posts.len();
    let mut session = Session::open(Arc::new(dataset), session, || {}).unwrap();
    for model in ["earlier", "shown"] {
        session.begin_run(RunInfo {
            model: model.into(),
            revision: None,
            adapter: None,
            prompt: "trained".into(),
            dtype: "f32".into(),
            device: "cpu".into(),
            image_setting: None,
            max_new_tokens: None,
            label_set: Vec::new(),
            version: overrule::VERSION.into(),
        });
        for post in 0..n_posts {
            let chance =
                |salt: usize| ((post + salt).wrapping_mul(2_654_435_761) % 9973) as f64 / 9973.0;
            let scores: Vec<Score> = (0..5)
                .map(|label| {
                    let p = chance(label * 77 + model.len());
                    Score {
                        p,
                        lo: p * 0.9,
                        hi: p,
                    }
                })
                .collect();
            let labels: LabelSet = (0..5).filter(|label| scores[*label].p > 0.8).collect();
            session.record_prediction(
                post,
                Prediction {
                    labels,
                    raw: "[\"racist\"]".into(),
                    parse: Parse::Clean,
                    unknown_labels: Vec::new(),
                    scores: Some(scores),
                    answer_logprob: Some(-0.5),
                    margin: Some(1.0),
                    n_tokens: 7,
                    seconds: Seconds::default(),
                    error: None,
                },
            );
        }
    }
    session.close();
}

struct Window {
    harness: Harness<'static, App>,
    _folder: tempfile::TempDir,
}

impl Window {
    fn open(n_posts: usize, model: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = write_dataset(folder.path(), n_posts);
        let session = folder.path().join("posts.overrule");
        predict(&file, &session);
        let begin = Instant::now();
        let harness = Harness::builder()
            .with_size([1280.0, 800.0])
            .allow_missing_glyphs()
            .build_eframe(|cc| {
                let launch = Launch {
                    dataset: Some(file),
                    session: Some(session),
                    model: model.map(|model| ModelSpec {
                        model: model.to_owned(),
                        ..ModelSpec::default()
                    }),
                    ..Launch::default()
                };
                let parts = Parts {
                    worker: Worker::spawn(|| {}).unwrap(),
                    settings_file: None,
                    thumbnails: None,
                    data_folder: None,
                    hub: HubSettings::read(|_| None),
                };
                App::with_parts(cc, launch, parts).unwrap()
            });
        let mut window = Self {
            harness,
            _folder: folder,
        };
        window.step_until(|app| app.bench().is_some());
        println!("  open after {:.0?}", begin.elapsed());
        window.step_until(|app| {
            app.bench()
                .is_some_and(|bench| bench.figures.intervals.is_some())
        });
        window.harness.run_steps(3);
        window
    }

    fn step_until(&mut self, is_so: impl Fn(&App) -> bool) {
        while !is_so(self.harness.state()) {
            self.harness.step();
        }
    }

    /// One frame, as far as the processor goes.
    fn frame(&mut self) {
        self.harness.step();
        let output = self.harness.output();
        let shapes = output.shapes.clone();
        let _ = self.harness.ctx.tessellate(shapes, output.pixels_per_point);
    }

    fn scroll(&mut self, points: f32) {
        self.harness.event(Event::PointerMoved(pos2(130.0, 500.0)));
        self.harness.event(Event::MouseWheel {
            unit: MouseWheelUnit::Point,
            delta: vec2(0.0, -points),
            phase: TouchPhase::Move,
            source: MouseWheelSource::Unknown,
            modifiers: Modifiers::NONE,
        });
        self.frame();
    }

    /// Always onto new rows, also in a short list.
    fn back_and_forth(&mut self, number: usize) {
        let there = (number / 200).is_multiple_of(2);
        self.scroll(if there { 300.0 } else { -300.0 });
    }

    /// Chooses an entry of a menu; how long until the queue it asks for is shown.
    fn choose(&mut self, menu: &str, choice: &str) -> Duration {
        self.harness.get_by_label(menu).click();
        self.harness.run_steps(3);
        self.harness.get_by_label(choice).scroll_to_me();
        self.harness.run_steps(3);
        self.harness.get_by_label(choice).click();
        let begin = Instant::now();
        self.harness.run_steps(2);
        self.step_until(|app| {
            app.bench()
                .is_some_and(|bench| !bench.is_queue_on_its_way())
        });
        let took = begin.elapsed();
        self.harness.run_steps(3);
        took
    }

    /// The 50th and the 99th of 100 frames, and the longest.
    fn distribution(&mut self, what: &str, mut frame: impl FnMut(&mut Self, usize)) {
        let mut took: Vec<Duration> = (0..FRAMES)
            .map(|number| {
                let begin = ThreadTime::now();
                frame(self, number);
                begin.elapsed()
            })
            .collect();
        took.sort();
        let at = |share: f64| took[(share * (took.len() - 1) as f64) as usize];
        let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
        println!("  frame while {what}: p50 {p50:.2?}, p99 {p99:.2?}, longest {max:.2?}");
    }
}

const CHOICES: [(&str, &str); 7] = [
    ("Show: All posts", "Disagreement"),
    ("Show: Disagreement", "split: test"),
    ("Show: split: test", "All posts"),
    ("Order: In order", "Least certain first"),
    ("Order: Least certain first", "Different first"),
    ("Order: Different first", "Random"),
    ("Order: Random", "In order"),
];

fn main() {
    // `cargo bench --bench window -- 150000` does one size only.
    let given = std::env::args().find_map(|argument| argument.parse().ok());
    let sizes = given.map_or_else(|| vec![1_500, 150_000], |size| vec![size]);
    for n_posts in sizes {
        println!("{n_posts} posts");
        let mut window = Window::open(n_posts, None);
        window.distribution("scrolling", Window::back_and_forth);
        window.distribution("deciding", |window, number| {
            // A decision a second is fast; this is one every fourth frame.
            if number.is_multiple_of(4) {
                window.harness.key_press(Key::Enter);
            }
            window.frame();
        });
        for (menu, choice) in CHOICES {
            println!(
                "  {choice}: shown after {:.1?}",
                window.choose(menu, choice)
            );
        }
        // A queue that every decision changes.
        window.choose("Show: All posts", "To do");
        window.choose("Order: In order", "Least certain first");
        window.distribution("deciding, least certain first", |window, number| {
            if number.is_multiple_of(4) {
                window.harness.key_press(Key::Enter);
            }
            window.frame();
        });
        drop(window);
        let mut window = Window::open(n_posts, Some("demo"));
        window.step_until(|app| {
            app.bench()
                .is_some_and(|bench| bench.session.counts().predicted > 0)
        });
        window.choose("Order: In order", "Least certain first");
        window.distribution(
            "scrolling, least certain first, the model runs",
            |window, _| {
                window.scroll(300.0);
            },
        );
    }
}
