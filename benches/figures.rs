//! The figures over 150,000 posts: what `overrule-figures` works out beside the frames, and what a frame lays out.
#![allow(clippy::unwrap_used, missing_docs)] // a bench that fails may say so

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use overrule::{
    export::figure::{
        gallery::{Gallery, Shown},
        layout::lay_out,
    },
    metrics::{
        self, Pair,
        analysis::{Judged, analyse},
        bootstrap, history,
        label_errors::{Given, qualities},
        threshold::{Threshold, move_to},
    },
    post::{LabelNames, LabelSet},
    predict::prediction::Score,
};

const N_POSTS: u64 = 150_000;
const N_LABELS: usize = 5;

/// A number from 0 to 1 that looks like chance and is always the same.
fn share(number: u64) -> f64 {
    let mixed = number
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .rotate_left(31)
        .wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

fn figures(criterion: &mut Criterion) {
    let labels =
        LabelNames::new(["racist", "sexist", "homophobe", "religion", "otherhate"]).unwrap();
    let scores: Vec<Vec<Score>> = (0..N_POSTS)
        .map(|post| {
            let score = |label| {
                let p = share(post * 8 + label as u64).powi(2);
                Score { p, lo: p, hi: p }
            };
            (0..N_LABELS).map(score).collect()
        })
        .collect();
    let judged: Vec<Judged> = (0_u32..)
        .zip(&scores)
        .map(|(post, scores)| {
            let chosen = |threshold: &dyn Fn(usize) -> f64| -> LabelSet {
                let labels = scores.iter().enumerate();
                labels
                    .filter(|(label, score)| score.p >= threshold(*label))
                    .map(|(label, _)| label)
                    .collect()
            };
            let truth = chosen(&|label| share(u64::from(post) * 8 + label as u64 + (1 << 40)));
            Judged {
                post,
                pair: Pair {
                    truth,
                    predicted: chosen(&|_| 0.5),
                    parse_failed: false,
                    failed: false,
                },
                scores,
            }
        })
        .collect();
    let pairs: Vec<Pair> = judged.iter().map(|judged| judged.pair).collect();
    let p: Vec<Vec<f64>> = scores
        .iter()
        .map(|scores| scores.iter().map(|score| score.p).collect())
        .collect();

    let mut group = criterion.benchmark_group("150,000 posts, 5 labels");
    group.bench_function("scores", |bench| {
        bench.iter(|| metrics::evaluate(&labels, black_box(&pairs).iter().copied()));
    });
    group.bench_function("bootstrap intervals", |bench| {
        bench.iter(|| bootstrap::intervals(&labels, black_box(&pairs), 1, || false));
    });
    group.bench_function("curves, calibration and label pairs", |bench| {
        bench.iter(|| analyse(&labels, black_box(&judged)));
    });
    group.bench_function("scores over time", |bench| {
        bench.iter(|| history::over_time(&labels, black_box(&pairs)));
    });
    group.bench_function("suspected label errors", |bench| {
        let given: Vec<Given> = pairs
            .iter()
            .zip(&p)
            .map(|(pair, p)| Given {
                labels: pair.truth,
                p,
            })
            .collect();
        bench.iter(|| qualities(N_LABELS, black_box(&given)));
    });

    let analysis = analyse(&labels, &judged);
    let scores = metrics::evaluate(&labels, pairs.iter().copied());
    let gallery = Gallery {
        labels: &labels,
        truth: "the dataset’s labels",
        run: Shown {
            name: "A",
            metrics: &scores,
            intervals: None,
            analysis: &analysis,
            moments: &[],
        },
        other: None,
    };
    group.bench_function("a moved threshold", |bench| {
        let ranking = &analysis.labels.first().unwrap().ranking;
        bench.iter(|| move_to(black_box(ranking), Threshold::HALF));
    });
    group.bench_function("a frame with two curves", |bench| {
        bench.iter(|| {
            for figure in [
                gallery.precision_recall(0, Some(Threshold::HALF)),
                gallery.thresholds(0, Some(Threshold::HALF)),
            ] {
                black_box(lay_out(&figure, 600.0, 420.0, false));
            }
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = figures
}
criterion_main!(benches);
