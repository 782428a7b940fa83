//! Which posts the queue shows, in which order.

use overrule::{
    dataset::Dataset,
    post::{LabelSet, Problem, ProblemKind},
    predict::{
        answer::Parse,
        prediction::{Prediction, Score},
    },
    review::{
        Action, Session,
        queue::{Filter, Order, build},
    },
};

use crate::reviewing::{Watched, confirm, dataset, in_folder, run, said, set};

/// Ten posts in as many states. Posts 2, 5 and 8 are unlabelled, the others have no label.
fn fill(session: &mut Session) {
    session.begin_run(run("one"));
    let margin = |labels: &[usize], margin| Prediction {
        margin,
        ..said(labels)
    };
    session.record_prediction(0, margin(&[0], Some(2.0)));
    session.record_prediction(1, margin(&[0, 1], Some(0.5)));
    session.record_prediction(2, margin(&[2], Some(0.5)));
    session.record_prediction(3, margin(&[], None));
    let unread = Prediction {
        parse: Parse::Failed,
        ..margin(&[], Some(0.1))
    };
    session.record_prediction(4, unread.clone());
    session.record_prediction(
        5,
        Prediction {
            error: Some("the image is broken".into()),
            margin: None,
            ..unread
        },
    );
    session.apply(0, confirm(&[0]));
    session.apply(2, confirm(&[1]));
    session.apply(3, Action::Flag(true));
    session.apply(4, confirm(&[1]));
    session.apply(6, Action::Skip);
    session.apply(7, Action::Escalate);
    session.apply(8, Action::Draft(set(&[0])));
    session.add_problem(Problem {
        kind: ProblemKind::MissingImage,
        post: Some(9),
        line: None,
        column: None,
        message: "no such image".into(),
    });
}

#[test]
fn filters_show_the_posts_they_name() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(10), &file);
    fill(&mut watched.session);
    let rows: [(Filter, &[u32]); 14] = [
        (Filter::All, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (Filter::Todo, &[1, 3, 5, 8, 9]),
        (Filter::Reviewed, &[0, 2, 4]),
        (Filter::Overruled, &[2]),
        (Filter::Disagreement, &[1, 2]),
        (Filter::Skipped, &[6]),
        (Filter::Escalated, &[7]),
        (Filter::Flagged, &[3]),
        (Filter::Problems, &[5, 9]),
        (Filter::ParseFailed, &[4]),
        (Filter::Unlabelled, &[2, 5, 8]),
        (Filter::Label(0), &[0, 1]),
        (Filter::Label(1), &[1, 2, 4]),
        (Filter::Label(64), &[]),
    ];
    for (filter, expected) in rows {
        let shown = build(&watched.session, filter, Order::Dataset, "");
        assert_eq!(shown, expected, "{filter:?}");
    }
}

#[test]
fn orders_put_ties_in_dataset_order() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(10), &file);
    fill(&mut watched.session);
    let rows: [(Order, &[u32]); 3] = [
        (Order::Dataset, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (Order::Uncertainty, &[4, 1, 2, 0, 3, 5, 6, 7, 8, 9]),
        (Order::Disagreement, &[1, 2, 0, 3, 4, 5, 6, 7, 8, 9]),
    ];
    for (order, expected) in rows {
        let shown = build(&watched.session, Filter::All, order, "");
        assert_eq!(shown, expected, "{order:?}");
    }
    let shown = build(&watched.session, Filter::Reviewed, Order::Uncertainty, "");
    assert_eq!(shown, [4, 2, 0]);
}

#[test]
fn a_label_whose_interval_leaves_it_open_is_the_least_certain() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(4), &file);
    watched.session.begin_run(run("one"));
    for (post, (p, lo, hi)) in [
        (0.97, 0.9, 0.98),
        (0.98, 0.02, 0.99),
        (0.1, 0.05, 0.3),
        (0.6, 0.59, 0.61),
    ]
    .into_iter()
    .enumerate()
    {
        let prediction = Prediction {
            scores: Some(vec![Score { p, lo, hi }]),
            ..said(&[0])
        };
        watched.session.record_prediction(post, prediction);
    }
    let shown = build(&watched.session, Filter::All, Order::Uncertainty, "");
    assert_eq!(shown, [1, 3, 2, 0]);
}

#[test]
fn the_search_knows_no_case_and_no_patterns() {
    let texts = [
        "Ärger im BÜRO",
        "über alles",
        "100 % (sic!)",
        "",
        "ПРИВЕТ, мир",
    ];
    let mut dataset: Dataset = dataset(texts.len());
    for (post, text) in dataset.posts.iter_mut().zip(texts) {
        post.text = text.into();
        post.truth = Some(LabelSet::EMPTY);
    }
    dataset.posts[3].image_path = "img/Cat_7.JPG".into();
    let (_folder, file) = in_folder();
    let watched = Watched::open(dataset, &file);
    let long = "x".repeat(1_000_000);
    let rows: [(&str, &[u32]); 10] = [
        ("büro", &[0]),
        ("ÜBER", &[1]),
        (" über ", &[1]),
        ("r", &[0, 1]),
        ("(SIC", &[2]),
        (".*", &[]),
        ("cat_7.jpg", &[3]),
        ("привет", &[4]),
        ("  ", &[0, 1, 2, 3, 4]),
        (&long, &[]),
    ];
    for (search, expected) in rows {
        let shown = build(&watched.session, Filter::All, Order::Dataset, search);
        assert_eq!(shown, expected, "{:?}", search.get(..20).unwrap_or(search));
    }
}
