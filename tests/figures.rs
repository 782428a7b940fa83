//! Figures: the posts behind their numbers, fair samples, and the files they are exported to.

use std::fs;

use overrule::{
    export::{
        ExportError,
        figure::{Content, Figure, FigureFile, Format, gallery::Gallery, gallery::Shown},
    },
    metrics::{self, Pair, analysis, bootstrap, history, label_pairs, threshold::Threshold},
    predict::prediction::{Prediction, Score},
    review::{
        Action, Session,
        basis::{Basis, Part, Sample, random_key},
        queue::{Filter, Order, build},
        session::{Exposure, Truth},
    },
};

use crate::reviewing::{Watched, confirm, dataset, in_folder, run, said, set};

fn scored(labels: &[usize], p: [f64; 3]) -> Prediction {
    let score = |p: f64| Score {
        p,
        lo: p - 0.01,
        hi: p + 0.01,
    };
    Prediction {
        scores: Some(p.map(score).to_vec()),
        ..said(labels)
    }
}

/// Twelve posts. The dataset gives none of them a label (every third is unlabelled); the model sees `a` here and there.
fn fill(session: &mut Session) {
    session.begin_run(run("one"));
    for (post, (labels, p)) in [
        (vec![], [0.1, 0.1, 0.1]),
        (vec![0], [0.9, 0.1, 0.1]),
        (vec![0, 1], [0.8, 0.7, 0.1]),
        (vec![], [0.4, 0.2, 0.1]),
        (vec![1], [0.2, 0.6, 0.2]),
        (vec![], [0.1, 0.1, 0.1]),
        (vec![], [0.2, 0.1, 0.1]),
        (vec![0], [0.55, 0.1, 0.1]),
    ]
    .into_iter()
    .enumerate()
    {
        session.record_prediction(post, scored(&labels, p));
    }
    // No probabilities, and no answer.
    session.record_prediction(8, said(&[2]));
    session.record_prediction(9, Prediction::failed("broken", Default::default()));
    // What is true: a of 1, b of 2 and 4 (where the model says a, b and b), a of 3.
    for (post, labels) in [(1, vec![0]), (2, vec![1]), (3, vec![0]), (4, vec![1])] {
        session.apply(post, confirm(&labels));
    }
}

fn filled(test: impl FnOnce(&mut Session)) {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(12), &file);
    fill(&mut watched.session);
    test(&mut watched.session);
    watched.close();
}

#[test]
fn a_click_on_a_count_opens_as_many_posts() {
    filled(|session| {
        let now = session.snapshot();
        for truth in [Truth::Combined, Truth::Reviewed, Truth::Dataset] {
            let basis = Basis::from(truth);
            let pairs: Vec<Pair> = now.pairs(basis, Exposure::Any).collect();
            let confused = label_pairs::confusions(3, pairs.iter().copied());
            let together = label_pairs::together(3, pairs.iter().map(|pair| pair.predicted));
            let shown = |filter| build(&now, filter, Order::Dataset, "").len() as u64;
            let place = |at: usize| (at < 3).then_some(at);
            for row in 0..4 {
                for column in 0..4 {
                    let filter = Filter::Confused {
                        missed: place(row),
                        added: place(column),
                        basis,
                    };
                    assert_eq!(shown(filter), confused.get(row, column), "{filter:?}");
                    if row < 3 && column < 3 {
                        let filter = Filter::Together {
                            labels: (row, column),
                            by_model: true,
                            basis,
                        };
                        assert_eq!(shown(filter), together.get(row, column), "{filter:?}");
                    }
                }
            }
        }
    });
}

#[test]
fn a_moved_threshold_flips_exactly_the_posts_it_counts() {
    filled(|session| {
        let now = session.snapshot();
        let basis = Basis::from(Truth::Combined);
        let judged: Vec<_> = now.judged(basis, false).collect();
        let found = analysis::analyse(&now.dataset().labels, &judged);
        assert_eq!((found.n, found.n_scored), (8, 7));
        let ranking = &found.labels[0].ranking;
        for (p, gets, loses) in [
            (0.5, vec![], vec![]),
            (0.3, vec![3], vec![]),
            (0.6, vec![], vec![7]),
            (0.85, vec![], vec![2, 7]),
        ] {
            let threshold = Threshold::new(p);
            let (_, _, flips) = metrics::threshold::move_to(ranking, threshold);
            let shown = |added| {
                let filter = Filter::Flipped {
                    label: 0,
                    threshold,
                    added,
                    basis,
                };
                build(&now, filter, Order::Dataset, "")
            };
            assert_eq!((shown(Some(true)), shown(Some(false))), (gets, loses));
            assert_eq!(shown(None).len() as u64, flips.n());
        }
    });
}

#[test]
fn suspected_labels_come_first_and_what_nothing_is_known_of_last() {
    filled(|session| {
        let queue = build(&session.snapshot(), Filter::All, Order::Suspects, "");
        // The dataset gives no label; the model is surest of one on post 1, then on 4, 7, 3, 6 and 0. Then come 2, 5, 8 and 11,
        // which have no label in the dataset, and 9 and 10, which have no probabilities.
        assert_eq!(queue, [1, 4, 7, 3, 6, 0, 2, 5, 8, 9, 10, 11]);
    });
    // Post 1 lacks `a`, which the model is as sure of as where it is given. Of `b` on post 2 it is less sure than of anything,
    // but as sure as it ever is where that is given.
    let truths = [
        Some(vec![0]),
        Some(vec![]),
        Some(vec![1]),
        Some(vec![0]),
        None,
    ];
    let mut dataset = dataset(truths.len());
    for (post, truth) in dataset.posts.iter_mut().zip(truths) {
        post.truth = truth.map(|labels| set(&labels));
    }
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset, &file);
    watched.session.begin_run(run("one"));
    let said = [[0.9, 0.0], [0.95, 0.0], [0.0, 0.01], [0.8, 0.0], [0.5, 0.5]];
    for (post, [a, b]) in said.into_iter().enumerate() {
        let prediction = scored(&[], [a, b, 0.0]);
        watched.session.record_prediction(post, prediction);
    }
    let queue = build(&watched.session, Filter::All, Order::Suspects, "");
    assert_eq!(queue, [1, 2, 3, 0, 4]);
}

#[test]
fn the_random_part_ends_before_the_first_post_that_is_left() {
    filled(|session| {
        for seed in [1, 2, 77] {
            let mut shuffled: Vec<usize> = (0..12).collect();
            let id = |post: usize| session.dataset().posts[post].id;
            shuffled.sort_by_key(|post| random_key(id(*post), seed));
            let queue = build(&session.snapshot(), Filter::All, Order::Random(seed), "");
            assert_eq!(
                queue,
                shuffled.iter().map(|p| *p as u32).collect::<Vec<_>>()
            );
            let done = |post: &usize| session.review(*post).outcome.is_some();
            let expected = shuffled.iter().take_while(|post| done(post)).count();
            let part = Part::of(Sample::Random(seed), &session.snapshot());
            let held = (0..12).filter(|post| part.holds(id(*post))).count();
            assert_eq!(held, expected, "seed {seed}");
        }
        // Everything is dealt with, some of it by skipping: the part is all, and the scores go over what was confirmed.
        for post in [0, 5, 6, 7, 8, 9, 10, 11] {
            session.apply(post, Action::Skip);
        }
        let now = session.snapshot();
        let part = Part::of(Sample::Random(1), &now);
        let basis = Basis {
            truth: Truth::Reviewed,
            part,
        };
        assert_eq!(now.pairs(basis, Exposure::Any).count(), 4);
        assert_eq!(now.left_out(basis, Exposure::Any).outside_part, 0);
        assert_eq!(Part::of(Sample::All, &now), Part::All);
    });
}

#[test]
fn decisions_are_told_in_the_order_in_which_they_stand() {
    filled(|session| {
        assert_eq!(session.decided(), [1, 2, 3, 4]);
        session.apply(1, confirm(&[0, 1]));
        assert_eq!(session.decided(), [2, 3, 4, 1]);
        session.undo();
        assert_eq!(session.decided(), [1, 2, 3, 4]);
        session.apply(2, Action::Skip);
        session.apply(5, Action::Draft(set(&[0])));
        assert_eq!(session.decided(), [1, 3, 4]);
    });
}

/// Every figure of the filled session.
fn figures(session: &Session) -> Vec<Figure> {
    let now = session.snapshot();
    let basis = Basis::from(Truth::Combined);
    let labels = &now.dataset().labels;
    let judged: Vec<_> = now.judged(basis, false).collect();
    let pairs: Vec<Pair> = judged.iter().map(|judged| judged.pair).collect();
    let (scores, analysis) = (
        metrics::evaluate(labels, pairs.iter().copied()),
        analysis::analyse(labels, &judged),
    );
    let intervals = bootstrap::intervals(labels, &pairs, 1, || false);
    let moments = history::over_time(labels, &pairs);
    let run = |name| Shown {
        name,
        metrics: &scores,
        intervals: intervals.as_ref(),
        analysis: &analysis,
        moments: &moments,
    };
    let gallery = Gallery {
        labels,
        truth: "the dataset",
        run: run("A"),
        other: None,
    };
    let two = Gallery {
        other: Some(run("B")),
        ..gallery.clone()
    };
    let mut figures = gallery.all();
    figures.extend(two.all());
    figures.push(gallery.precision_recall(0, Some(Threshold::HALF)));
    figures.push(gallery.thresholds(0, Some(Threshold::HALF)));
    figures
}

#[test]
fn every_figure_becomes_a_whole_file_of_each_kind() {
    filled(|session| {
        let folder = tempfile::tempdir().unwrap();
        let figures = figures(session);
        assert!(figures.len() > 20, "{}", figures.len());
        for (number, figure) in figures.iter().enumerate() {
            for format in Format::ALL {
                // Pixels take time; those of every kind of figure are enough.
                if format == Format::Png && number % 4 != 0 {
                    continue;
                }
                let mut file = FigureFile {
                    figure: figure.clone(),
                    format,
                    path: folder.path().join(format!("f.{}", format.ending())),
                    replace: true,
                };
                file.write().unwrap();
                let bytes = fs::read(&file.path).unwrap();
                match format {
                    Format::Svg => {
                        let text = String::from_utf8(bytes).unwrap();
                        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
                        assert!(text.contains(&figure.title) && !text.contains("NaN"));
                    }
                    Format::Png => {
                        let picture = image::load_from_memory(&bytes).unwrap().to_rgb8();
                        assert_eq!(picture.dimensions(), (1440, 960));
                        let white = picture.pixels().filter(|p| p.0 == [255; 3]).count();
                        let all = 1440 * 960;
                        assert!(white > all / 3 && white < all * 99 / 100, "{}", figure.name);
                    }
                    Format::Csv => {
                        let mut csv = csv::Reader::from_reader(&bytes[..]);
                        assert!(csv.headers().unwrap().len() >= 3);
                        let rows = csv.records().map(Result::unwrap).count();
                        let expected = match &figure.content {
                            Content::Plot(plot) => {
                                plot.series.iter().map(|series| series.points.len()).sum()
                            }
                            Content::Grid(grid) => grid.rows.len(),
                        };
                        assert_eq!(rows, expected, "{}", figure.name);
                    }
                }
                file.replace = false;
                assert!(matches!(file.write(), Err(ExportError::Exists(_))));
            }
        }
    });
}

#[test]
fn the_numbers_of_a_figure_say_what_they_are() {
    filled(|session| {
        let all = figures(session);
        let csv = |name: &str| {
            let figure = all.iter().find(|figure| figure.name == name).unwrap();
            let file = FigureFile {
                figure: figure.clone(),
                format: Format::Csv,
                path: "unused".into(),
                replace: false,
            };
            String::from_utf8(file.bytes().unwrap()).unwrap()
        };
        let curve = csv("precision-recall-1-a");
        assert!(
            curve.starts_with(
                "series,Recall,Precision,Threshold\nprecision–recall,0,1,0.9\nprecision–recall,0.5,1,0.9\n"
            ),
            "{curve}"
        );
        let confused = csv("confused-labels");
        assert_eq!(
            confused.lines().next(),
            Some("Missed / Given in its place,a,b,c,nothing given")
        );
        let bins = csv("reliability-1-a");
        assert!(bins.starts_with(
            "series,Mean probability of the bin,Share that has the label,low,high,n\n"
        ));
    });
}

#[test]
fn the_random_part_goes_past_posts_that_are_put_away_without_counting_them() {
    filled(|session| {
        let front = |seed: u32| {
            let key = |post: &usize| random_key(session.dataset().posts[*post].id, seed);
            (0..12).min_by_key(key).unwrap()
        };
        // A shuffle whose first post nobody has worked on.
        let (seed, first) = (0..)
            .map(|seed| (seed, front(seed)))
            .find(|(_, first)| session.review(*first).outcome.is_none())
            .unwrap();
        for post in (0..12).filter(|post| *post != first) {
            session.apply(post, confirm(&[0]));
        }
        session.record_prediction(first, said(&[2]));
        session.put_topics_away(set(&[2]));
        let now = session.snapshot();
        assert!(now.is_put_away(first));
        let part = Part::of(Sample::Random(seed), &now);
        assert!((0..12).all(|post| now.is_in(part, post) == (post != first)));
        let basis = Basis {
            truth: Truth::Combined,
            part,
        };
        assert_eq!(now.left_out(basis, Exposure::Any).outside_part, 1);
    });
}
