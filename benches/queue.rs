//! The queue of 150,000 posts: every filter and order below 100 ms. And how long such a session takes to open, what two second
//! reviewers of all posts cost, and gold posts.
#![allow(clippy::unwrap_used, missing_docs)] // a bench that fails may say so

use std::{hint::black_box, path::PathBuf, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use overrule::{
    dataset::{Dataset, Format, LabelSource},
    post::{LabelNames, LabelSet, Post, PostId},
    predict::{
        answer::Parse,
        prediction::{Prediction, RunInfo, Score, Seconds},
    },
    review::{
        Action, Session,
        basis::Part,
        gold::{GoldRequest, GoldSource, KeptGold},
        people::People,
        queue::{Filter, Order, build},
        second::SecondReviewer,
    },
};

const N_POSTS: usize = 150_000;
const N_DECISIONS: usize = 20_000;

/// Posts of about 100 bytes each, 15 MB in all.
fn dataset() -> Arc<Dataset> {
    let post = |number: usize| {
        let text = format!(
            "Post {number} has some words, {} of them rarer than others; ÜBER {} all it is as long as a tweet is.",
            number.wrapping_mul(2_654_435_761) % 1_000_003,
            number % 97,
        );
        let image_path = format!("img/{number}.jpg");
        Post {
            id: PostId::new(&text, &image_path, 0),
            text: text.into(),
            image_path: image_path.into(),
            truth: (!number.is_multiple_of(10))
                .then(|| LabelSet::from_bits((number as u64 % 7) & 5)),
            line: number as u32 + 2,
            extra: Box::new([]),
        }
    };
    let labels = ["racist", "sexist", "homophobe", "religion", "otherhate"];
    Arc::new(Dataset {
        path: PathBuf::from("/data/posts.csv"),
        name: "posts.csv".into(),
        format: Format::Csv,
        labels: LabelNames::new(labels).unwrap(),
        label_source: LabelSource::Given,
        image_root: PathBuf::from("/data"),
        posts: (0..N_POSTS).map(post).collect(),
        extra_columns: Vec::new(),
        imported: Vec::new(),
        problems: Vec::new(),
    })
}

fn prediction(number: usize) -> Prediction {
    Prediction {
        labels: LabelSet::from_bits((number as u64 % 11) & 7),
        raw: "[\"racist\", \"sexist\"]".into(),
        parse: if number.is_multiple_of(50) {
            Parse::Failed
        } else {
            Parse::Clean
        },
        unknown_labels: Vec::new(),
        scores: Some(
            (0..5)
                .map(|label| {
                    let p = (number.wrapping_mul(2_654_435_761 + label) % 997) as f64 / 997.0;
                    Score { p, lo: p, hi: p }
                })
                .collect(),
        ),
        answer_logprob: Some(-0.5),
        margin: Some((number.wrapping_mul(2_654_435_761) % 9973) as f64 / 997.0),
        n_tokens: 7,
        seconds: Seconds::default(),
        error: None,
    }
}

fn run() -> RunInfo {
    RunInfo {
        model: "demo".into(),
        revision: None,
        adapter: None,
        prompt: "trained".into(),
        dtype: "f32".into(),
        device: "cpu".into(),
        image_setting: None,
        max_new_tokens: None,
        label_set: Vec::new(),
        version: overrule::VERSION.into(),
    }
}

fn fill(session: &mut Session) {
    session.begin_run(run());
    for post in 0..N_POSTS {
        session.record_prediction(post, prediction(post));
    }
    for post in 0..N_DECISIONS {
        let labels = LabelSet::from_bits(post as u64 % 5);
        session.apply(
            post * 7,
            Action::Confirm {
                labels,
                assisted: true,
            },
        );
    }
}

fn queue(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("review.overrule");
    let dataset = dataset();
    let mut session = Session::open(Arc::clone(&dataset), &file, || {}).unwrap();
    fill(&mut session);
    session.close();
    criterion.bench_function(
        "open with 150,000 predictions and 20,000 decisions",
        |bench| {
            bench.iter(|| Session::open(Arc::clone(&dataset), &file, || {}).unwrap());
        },
    );

    let session = Session::open(dataset, &file, || {}).unwrap();
    let mut queue = criterion.benchmark_group("queue");
    let filters = [
        Filter::All,
        Filter::Todo,
        Filter::Overruled,
        Filter::Disagreement,
        Filter::Problems,
        Filter::Label(2),
    ];
    for filter in filters {
        queue.bench_function(format!("{filter:?}"), |bench| {
            bench.iter(|| black_box(build(&session, filter, Order::Dataset, "")));
        });
    }
    for order in [Order::Uncertainty, Order::Disagreement, Order::Suspects] {
        queue.bench_function(format!("by {order:?}"), |bench| {
            bench.iter(|| black_box(build(&session, Filter::All, order, "")));
        });
    }
    for search in ["rarer than", "über 9", "nowhere to be found", "e"] {
        queue.bench_function(format!("search “{search}”"), |bench| {
            bench.iter(|| black_box(build(&session, Filter::All, Order::Dataset, search)));
        });
    }
}

/// Decides every post from this one on.
fn decide_all(session: &mut Session, from: usize) {
    let confirm = |post: usize| Action::Confirm {
        labels: LabelSet::from_bits((post as u64).wrapping_mul(2_654_435_761) % 7),
        assisted: false,
    };
    session.apply_all((from..N_POSTS).map(|post| (post, confirm(post))));
}

fn people(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let dataset = dataset();
    let file = folder.path().join("review.overrule");
    let mut session = Session::open(Arc::clone(&dataset), &file, || {}).unwrap();
    fill(&mut session);
    // Some of the first tenth are open.
    decide_all(&mut session, N_POSTS / 10);
    let seconds = ["ana", "cem"].map(|name| folder.path().join(name));
    for second in &seconds {
        let mut theirs = Session::open(Arc::clone(&dataset), second, || {}).unwrap();
        decide_all(&mut theirs, 0);
        theirs.close();
        let read = SecondReviewer::read(second, &file, &session).unwrap();
        session.add_second(read);
    }

    let mut group = criterion.benchmark_group("people");
    let [ana, _] = &seconds;
    group.bench_function("read a second reviewer", |bench| {
        bench.iter(|| SecondReviewer::read(ana, &file, &session).unwrap());
    });
    group.bench_function("agreement and ceiling of three people", |bench| {
        bench.iter(|| black_box(People::of(&session, Part::All)));
    });
    group.bench_function("the order of the decisions", |bench| {
        bench.iter(|| black_box(session.decided()));
    });
    let request = GoldRequest {
        source: GoldSource::Second(ana.clone()),
        share_percent: 10,
        seed: 1,
        every: 20,
        order: Order::Dataset,
    };
    group.bench_function("draw gold posts", |bench| {
        bench.iter(|| KeptGold::draw(&request, &file, &session).unwrap());
    });
    let gold = KeptGold::draw(&request, &file, &session).unwrap();
    session.take_gold(gold);
    for filter in [Filter::All, Filter::Todo, Filter::Conflicts] {
        group.bench_function(format!("{filter:?} with gold posts"), |bench| {
            bench.iter(|| black_box(build(&session, filter, Order::Dataset, "")));
        });
    }
    session.close();
    group.bench_function("open with all of it", |bench| {
        bench.iter(|| Session::open(Arc::clone(&dataset), &file, || {}).unwrap());
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = queue, people
}
criterion_main!(benches);
