//! A frame of the whole window, at 1,500 and at 150,000 posts: scrolling, filtering, ordering, deciding.
//!
//! `cargo bench --bench window`. The promise is a frame in 8 ms of CPU for 99 of 100, and any filter or order in 100 ms.
//! Frames are laid out and tessellated as for a screen; nothing is painted.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)] // a bench that fails may say so

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use egui::{Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, TouchPhase, pos2, vec2};
use egui_kittest::{Harness, kittest::Queryable};
use overrule::{
    dataset::{self, OpenOptions},
    gui::{
        Launch,
        app::{App, Parts},
    },
    post::LabelSet,
    predict::{
        answer::Parse,
        prediction::{Prediction, RunInfo, Score, Seconds},
        worker::Worker,
    },
    review::{
        Session,
        queue::{Filter, Order},
    },
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
    fn open(n_posts: usize) -> Self {
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
                    ..Launch::default()
                };
                let parts = Parts {
                    worker: Worker::spawn(|| {}).unwrap(),
                    settings_file: None,
                };
                App::with_parts(cc, launch, parts).unwrap()
            });
        let mut window = Self {
            harness,
            _folder: folder,
        };
        while window.harness.state().bench().is_none() {
            window.harness.step();
        }
        eprintln!(
            "{n_posts} posts: open with every prediction after {:?}",
            begin.elapsed()
        );
        window.rest();
        window
    }

    /// Until the figures are there and nothing is left to do.
    fn rest(&mut self) {
        let is_done = |app: &App| {
            app.bench()
                .is_some_and(|bench| bench.figures.intervals.is_some())
        };
        while !is_done(self.harness.state()) {
            self.harness.step();
        }
        self.harness.run_steps(3);
    }

    /// One frame, as far as the CPU goes.
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

    fn click(&mut self, name: &str) {
        self.harness.get_by_label(name).click();
        self.harness.run_steps(3);
    }

    /// The 50th and the 99th of 100 frames, and the longest.
    fn distribution(&mut self, what: &str, mut frame: impl FnMut(&mut Self, usize)) {
        let mut took: Vec<Duration> = (0..FRAMES)
            .map(|number| {
                let begin = Instant::now();
                frame(self, number);
                begin.elapsed()
            })
            .collect();
        took.sort();
        let at = |share: f64| took[(share * (took.len() - 1) as f64) as usize];
        let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
        eprintln!("{what}: p50 {p50:.2?}, p99 {p99:.2?}, longest {max:.2?}");
    }
}

fn window(criterion: &mut Criterion) {
    for n_posts in [1_500, 150_000] {
        let mut window = Window::open(n_posts);
        window.distribution(&format!("{n_posts} posts, scrolling"), |window, _| {
            window.scroll(300.0);
        });
        window.distribution(&format!("{n_posts} posts, deciding"), |window, number| {
            // A decision a second is fast; this is one every fourth frame.
            if number.is_multiple_of(4) {
                window.harness.key_press(Key::Enter);
            }
            window.frame();
        });
        window.rest();
        let mut group = criterion.benchmark_group(format!("{n_posts} posts"));
        group.sample_size(20);
        group.bench_function("frame while scrolling", |bencher| {
            bencher.iter(|| window.scroll(300.0));
        });
        let choices = [
            ("Show: All posts", "Disagreement"),
            ("Show: Disagreement", "split: test"),
            ("Show: split: test", "All posts"),
            ("Order: In order", "Least certain first"),
            ("Order: Least certain first", "Different first"),
            ("Order: Different first", "Random"),
            ("Order: Random", "In order"),
        ];
        // Opening the menu, choosing, and the first frame of the new queue: six frames.
        group.bench_function("seven choices of filter and order, 42 frames", |bencher| {
            bencher.iter(|| {
                for (menu, choice) in choices {
                    window.click(menu);
                    window.click(choice);
                }
            });
        });
        group.finish();
        let session = &window.harness.state().bench().unwrap().session;
        for (name, filter, order) in [
            ("Disagreement", Filter::Disagreement, Order::Dataset),
            ("least certain first", Filter::All, Order::Uncertainty),
            ("random", Filter::All, Order::Random(1)),
        ] {
            let begin = Instant::now();
            overrule::review::queue::build(session, filter, order, "");
            eprintln!("{n_posts} posts, queue {name}: {:?}", begin.elapsed());
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default();
    targets = window
}
criterion_main!(benches);
