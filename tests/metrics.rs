//! Metrics against scikit-learn and against the original evaluation of the fixtures.

use overrule::{
    metrics::{Metrics, Pair, evaluate, to_json},
    post::{LabelNames, LabelSet},
};
use proptest::prelude::*;
use serde_json::Value;

use crate::common::{Expected, fixture, read_jsonl};

fn names(n: usize) -> LabelNames {
    LabelNames::new((0..n).map(|i| format!("label {i}"))).unwrap()
}

fn pair(truth: LabelSet, predicted: LabelSet) -> Pair {
    Pair {
        truth,
        predicted,
        parse_failed: false,
        failed: false,
    }
}

fn set(bits: [u8; 4]) -> LabelSet {
    (0..4).filter(|i| bits[*i] == 1).collect()
}

fn assert_close(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() < 1e-6,
        "{what}: {found} instead of {expected}"
    );
}

#[test]
fn figures_are_those_of_scikit_learn() {
    // scikit-learn 1.9.1, f1_score and friends with zero_division 0 and 1.
    let truth = [
        [1, 0, 0, 0],
        [0, 0, 0, 0],
        [1, 1, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 0],
    ];
    let predicted = [
        [1, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 1, 0, 1],
        [0, 0, 0, 0],
        [0, 0, 0, 1],
    ];
    let pairs = truth
        .into_iter()
        .zip(predicted)
        .map(|(t, p)| pair(set(t), set(p)));
    let metrics = evaluate(&names(4), pairs);

    assert_eq!(metrics.n, 5);
    assert_close(metrics.f1_micro, 0.5, "micro F1");
    assert_close(metrics.f1_macro, 0.583_333, "macro F1, zero_division=1");
    assert_close(
        metrics.f1_macro_zero_division_0,
        0.333_333,
        "macro F1, zero_division=0",
    );
    assert_close(metrics.subset_accuracy, 0.4, "subset accuracy");
    assert_close(metrics.hamming_loss, 0.2, "Hamming loss");
    let per_class = |of: fn(&overrule::metrics::ClassMetrics) -> f64, expected: [f64; 4]| {
        for (class, expected) in metrics.per_class.iter().zip(expected) {
            assert_close(of(class), expected, "a class");
        }
    };
    per_class(|c| c.f1, [2.0 / 3.0, 2.0 / 3.0, 1.0, 0.0]);
    per_class(|c| c.f1_zero_division_0, [2.0 / 3.0, 2.0 / 3.0, 0.0, 0.0]);
    per_class(|c| c.precision, [1.0, 1.0, 0.0, 0.0]);
    per_class(|c| c.recall, [0.5, 0.5, 0.0, 0.0]);
    per_class(|c| c.support as f64, [2.0, 2.0, 0.0, 0.0]);
    let counts: Vec<_> = metrics
        .per_class
        .iter()
        .map(|c| (c.tp, c.fp, c.fn_, c.tn))
        .collect();
    assert_eq!(
        counts,
        [(1, 0, 1, 3), (1, 0, 1, 3), (0, 0, 0, 5), (0, 2, 0, 3)]
    );
}

#[test]
fn figures_are_those_of_the_original_evaluation() {
    let rows: Vec<Expected> = read_jsonl(&fixture("paligemma2/expected.jsonl"));
    let text = std::fs::read_to_string(fixture("paligemma2/metrics.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let labels =
        LabelNames::new(["racist", "sexist", "homophobe", "religion", "otherhate"]).unwrap();
    let resolve = |names: &[String]| labels.resolve(names.iter().map(String::as_str)).0;

    type Answer = fn(&Expected) -> Option<&Vec<String>>;
    let runs: [(&str, Answer); 3] = [
        ("base_plus_adapter", |row| row.trained.labels.as_ref()),
        ("base", |row| row.trained.base.base_labels.as_ref()),
        ("prompt2", |row| {
            row.card.as_ref().and_then(|card| card.labels.as_ref())
        }),
    ];
    for (run, answer) in runs {
        let pairs = rows.iter().map(|row| Pair {
            truth: resolve(&row.true_labels),
            predicted: answer(row).map_or(LabelSet::EMPTY, |names| resolve(names)),
            parse_failed: answer(row).is_none(),
            failed: false,
        });
        let metrics = evaluate(&labels, pairs);
        let found = to_json(&metrics, &labels, 0);
        let expected = &expected[run];
        for figure in [
            "n",
            "f1_micro",
            "f1_macro",
            "subset_accuracy",
            "hamming_loss",
        ] {
            let (found, expected) = (found[figure].as_f64(), expected[figure].as_f64());
            assert_close(
                found.unwrap(),
                expected.unwrap(),
                &format!("{run} {figure}"),
            );
        }
        for (label, class) in expected["per_class"].as_object().unwrap() {
            for (figure, expected) in class.as_object().unwrap() {
                let ours = if figure == "f1" {
                    "f1_zero_division_0"
                } else {
                    figure
                };
                let found = found["per_class"][label][ours].as_f64();
                let what = format!("{run} {label} {figure}");
                assert_close(found.unwrap(), expected.as_f64().unwrap(), &what);
            }
        }
    }
}

#[test]
fn the_json_object_has_the_documented_keys() {
    let labels = LabelNames::new(["b", "a"]).unwrap();
    let failed = Pair {
        truth: LabelSet::from_iter([0]),
        predicted: LabelSet::EMPTY,
        parse_failed: true,
        failed: true,
    };
    let metrics = evaluate(
        &labels,
        [failed, pair(LabelSet::EMPTY, LabelSet::from_iter([0]))],
    );
    let expected = concat!(
        r#"{"n":2,"f1_micro":0.0,"f1_macro":0.5,"subset_accuracy":0.0,"hamming_loss":0.5,"#,
        r#""parse_failures":1,"failed":1,"unlabelled_left_out":3,"#,
        r#""f1_micro_zero_division_0":0.0,"f1_macro_zero_division_0":0.0,"per_class":{"#,
        r#""b":{"tp":0,"fp":1,"fn":1,"tn":0,"precision":0.0,"recall":0.0,"f1":0.0,"#,
        r#""f1_zero_division_0":0.0,"support":1},"#,
        r#""a":{"tp":0,"fp":0,"fn":0,"tn":2,"precision":0.0,"recall":0.0,"f1":1.0,"#,
        r#""f1_zero_division_0":0.0,"support":0}}}"#
    );
    assert_eq!(to_json(&metrics, &labels, 3).to_string(), expected);
}

#[test]
fn nothing_compared_claims_nothing() {
    let metrics = evaluate(&names(2), []);
    assert_eq!(
        (metrics.n, metrics.f1_micro, metrics.f1_macro),
        (0, 0.0, 0.0)
    );
    assert_eq!((metrics.subset_accuracy, metrics.hamming_loss), (0.0, 0.0));
    let json = to_json(&metrics, &names(2), 5);
    assert_eq!(
        (&json["n"], &json["unlabelled_left_out"]),
        (&0.into(), &5.into())
    );
    assert!(json["f1_micro"].is_null() && json["hamming_loss"].is_null());
}

#[test]
fn all_empty_and_right_is_perfect_by_the_original_convention() {
    let metrics = evaluate(&names(3), [pair(LabelSet::EMPTY, LabelSet::EMPTY); 4]);
    assert_eq!(
        (metrics.f1_micro, metrics.f1_macro, metrics.subset_accuracy),
        (1.0, 1.0, 1.0)
    );
    assert_eq!(
        (
            metrics.f1_micro_zero_division_0,
            metrics.f1_macro_zero_division_0
        ),
        (0.0, 0.0)
    );
}

fn figures(metrics: &Metrics) -> Vec<f64> {
    let mut figures = vec![
        metrics.f1_micro,
        metrics.f1_micro_zero_division_0,
        metrics.f1_macro,
        metrics.f1_macro_zero_division_0,
        metrics.subset_accuracy,
        metrics.hamming_loss,
    ];
    for class in &metrics.per_class {
        figures.extend([
            class.precision,
            class.recall,
            class.f1,
            class.f1_zero_division_0,
        ]);
    }
    figures
}

proptest! {
    #[test]
    fn figures_are_shares_and_the_order_of_posts_does_not_matter(
        posts in proptest::collection::vec((0u64..256, 0u64..256, any::<bool>()), 1..40),
        turn in 0usize..40,
        n_labels in 0usize..7,
    ) {
        let mut pairs: Vec<Pair> = posts
            .into_iter()
            .map(|(truth, predicted, parse_failed)| Pair {
                truth: LabelSet::from_bits(truth),
                predicted: LabelSet::from_bits(predicted),
                parse_failed,
                failed: false,
            })
            .collect();
        let metrics = evaluate(&names(n_labels), pairs.iter().copied());
        prop_assert!(figures(&metrics).iter().all(|f| (0.0..=1.0).contains(f)), "{:?}", metrics);
        for class in &metrics.per_class {
            prop_assert_eq!(class.tp + class.fp + class.fn_ + class.tn, metrics.n);
        }
        let n = pairs.len();
        pairs.rotate_left(turn % n);
        prop_assert_eq!(evaluate(&names(n_labels), pairs.iter().copied()), metrics);
        // The loss is symmetric in truth and prediction; a perfect prediction is perfect.
        let perfect = evaluate(&names(n_labels), pairs.iter().map(|p| pair(p.truth, p.truth)));
        prop_assert_eq!((perfect.subset_accuracy, perfect.hamming_loss), (1.0, 0.0));
        prop_assert_eq!(perfect.f1_micro, 1.0);
    }
}
