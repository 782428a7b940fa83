//! `overrule evaluate A --against B`: two files of predictions side by side.

use serde_json::{Value, json};

use super::{
    evaluate::{describe, figure},
    joined::{Joined, Source},
    progress::posts,
    table,
};
use crate::{
    metrics::{
        self, Metrics,
        agreement::{self, Both, Comparison},
    },
    post::LabelNames,
    predict::prediction::{Record, RunInfo},
};

/// Two runs on the posts that both predicted.
pub(super) struct Against<'a> {
    labels: &'a LabelNames,
    found: Comparison,
    runs: [&'a RunInfo; 2],
    truth: &'static str,
    sentence: &'static str,
}

impl<'a> Against<'a> {
    /// Compares two runs whose records were joined to the same dataset.
    pub(super) fn new(
        source: &'a Source,
        joined: [&Joined<'_>; 2],
        runs: [&'a RunInfo; 2],
    ) -> Self {
        let labels = &source.dataset().labels;
        let [a, b] = joined;
        let said = |record: &Record| record.prediction(labels).said();
        let both = (0..source.dataset().posts.len()).filter_map(|place| {
            Some(Both {
                a: said(a.by_place.get(&place)?),
                b: said(b.by_place.get(&place)?),
                truth: source.truth(place),
            })
        });
        Self {
            labels,
            found: agreement::compare(labels, both),
            runs,
            truth: source.name(),
            sentence: source.sentence(),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let scores = |metrics: &Metrics, run: &RunInfo| {
            let unlabelled = self.found.predicted - metrics.n;
            let mut value = metrics::to_json(metrics, self.labels, unlabelled);
            if let Some(object) = value.as_object_mut() {
                object.insert("run".to_owned(), json!(run));
            }
            value
        };
        let [a, b] = self.runs;
        json!({
            "agreement": agreement::to_json(&self.found, self.labels),
            "truth": self.truth,
            "a": scores(&self.found.a, a),
            "b": scores(&self.found.b, b),
        })
    }

    pub(super) fn to_text(&self) -> String {
        let [a, b] = self.runs.map(describe);
        let found = &self.found;
        let agreement = &found.agreement;
        let mut text = format!("A: {a}\nB: {b}\n\n");
        text += &format!(
            "{} predicted by both, {} with different answers\n",
            posts(found.predicted),
            found.differing
        );
        if found.unread > 0 {
            text += &format!(
                "{} without two readable answers, left out of the agreement\n",
                posts(found.unread)
            );
        }
        if let Some(share) = agreement.equal_share() {
            text += &format!(
                "equal label sets: {} of {} ({:.1} %)\n\n",
                agreement.equal_sets,
                agreement.n,
                100.0 * share
            );
            text += &table::render(&self.agreement_rows());
        }
        if found.a.n == 0 {
            return text + "\nNo post that both predicted has a truth, so there are no scores.\n";
        }
        text += &format!("\n{} compared with {}\n", posts(found.a.n), self.sentence);
        text += &table::render(&self.score_rows());
        text
    }

    fn agreement_rows(&self) -> Vec<Vec<String>> {
        let header = [
            "label",
            "both",
            "only A",
            "only B",
            "neither",
            "agreement",
            "kappa",
        ];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        let labels = self.labels.iter().zip(&self.found.agreement.per_label);
        rows.extend(labels.map(|(name, label)| {
            let counts = [label.both, label.only_a, label.only_b, label.neither];
            let mut row = vec![name.to_owned()];
            row.extend(counts.map(|n| n.to_string()));
            let share = label
                .observed()
                .map(|share| format!("{:.1} %", 100.0 * share));
            row.push(share.unwrap_or_default());
            row.push(label.kappa().map_or("-".to_owned(), figure));
            row
        }));
        rows
    }

    fn score_rows(&self) -> Vec<Vec<String>> {
        let (a, b) = (&self.found.a, &self.found.b);
        let row = |name: &str, a: f64, b: f64, n: u64| {
            let difference = format!("{:+.4}", b - a);
            vec![
                name.to_owned(),
                figure(a),
                figure(b),
                difference,
                n.to_string(),
            ]
        };
        let mut rows = vec![
            ["score", "A", "B", "B - A", "n"]
                .map(str::to_owned)
                .to_vec(),
        ];
        rows.extend([
            row("micro F1", a.f1_micro, b.f1_micro, a.n),
            row("macro F1", a.f1_macro, b.f1_macro, a.n),
            row("subset accuracy", a.subset_accuracy, b.subset_accuracy, a.n),
            row("Hamming loss", a.hamming_loss, b.hamming_loss, a.n),
        ]);
        let classes = a.per_class.iter().zip(&b.per_class);
        for (name, (a, b)) in self.labels.iter().zip(classes) {
            for (what, a_is, b_is) in [
                ("precision", a.precision, b.precision),
                ("recall", a.recall, b.recall),
                ("F1", a.f1, b.f1),
            ] {
                rows.push(row(&format!("{name} {what}"), a_is, b_is, a.support));
            }
        }
        let unread = |m: &Metrics| (m.parse_failures + m.failed).to_string();
        rows.push(vec![
            "unreadable or failed (counted as empty)".to_owned(),
            unread(a),
            unread(b),
        ]);
        rows
    }
}
