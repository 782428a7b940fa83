//! Every figure about one run, or about two side by side.

use super::{Axis, Content, Dash, Dot, Figure, Grid, Ink, Join, Look, Plot, Point, Series};
use crate::{
    metrics::{
        Metrics,
        analysis::{Analysis, LabelAnalysis},
        bootstrap::Intervals,
        history::Moment,
        label_pairs::LabelPairs,
        ranking::Ranking,
        threshold::{AtThreshold, Threshold},
    },
    post::LabelNames,
};

/// What is drawn about one run.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// What it is called.
    pub name: &'a str,
    /// The scores.
    pub metrics: &'a Metrics,
    /// Their intervals, if they were worked out.
    pub intervals: Option<&'a Intervals>,
    /// The curves.
    pub analysis: &'a Analysis,
    /// The scores as the review went on.
    pub moments: &'a [Moment],
}

/// What the figures are about.
#[derive(Clone)]
pub struct Gallery<'a> {
    /// The labels.
    pub labels: &'a LabelNames,
    /// What the answers are compared with, in a few words.
    pub truth: &'a str,
    /// The run.
    pub run: Shown<'a>,
    /// A second run on the same posts.
    pub other: Option<Shown<'a>>,
}

impl<'a> Gallery<'a> {
    /// Every figure that has something to show, thresholds as the model answered.
    pub fn all(&self) -> Vec<Figure> {
        let mut figures = vec![
            self.f1_by_label(),
            self.confusions(),
            self.together(false),
            self.together(true),
        ];
        if !self.run.moments.is_empty() {
            figures.push(self.over_time());
        }
        for (label, found) in self.run.analysis.labels.iter().enumerate() {
            if found.ranking.positives() > 0 {
                figures.push(self.precision_recall(label, None));
                figures.push(self.thresholds(label, None));
            }
            if found.reliability.is_some() {
                figures.push(self.reliability(label));
            }
        }
        figures
    }

    /// Both runs, or the one there is, with the colour and the dashes of each.
    fn runs(&self) -> impl Iterator<Item = (Shown<'a>, Ink, Dash, Dot)> {
        let first = (self.run, Ink::First, Dash::Solid, Dot::Circle);
        let second = |run| (run, Ink::Second, Dash::Dashed, Dot::Square);
        std::iter::once(first).chain(self.other.map(second))
    }

    /// The name of a series, with that of the run where there are two.
    fn name(&self, run: Shown, name: &str) -> String {
        match self.other {
            Some(_) => format!("{}: {name}", run.name),
            None => name.to_owned(),
        }
    }

    fn label(&self, label: usize) -> &'a str {
        self.labels.get(label).unwrap_or_default()
    }

    /// What a figure of one label is called.
    fn file_name(&self, figure: &str, label: usize) -> String {
        format!("{figure}-{}-{}", label + 1, slug(self.label(label)))
    }

    fn note(&self, text: &str) -> String {
        format!("{text} · truth: {}", self.truth)
    }

    fn n(&self) -> String {
        format!("n = {} posts", self.run.metrics.n)
    }

    /// For what is drawn of the first run alone.
    fn n_of_first(&self) -> String {
        match self.other {
            Some(_) => format!("run {}, {}", self.run.name, self.n()),
            None => self.n(),
        }
    }

    /// F1 of every label.
    pub fn f1_by_label(&self) -> Figure {
        let both = self.other.is_some();
        let series = self.runs().map(|(run, ink, _, dot)| {
            let aside = match (both, ink == Ink::First) {
                (false, _) => 0.0,
                (true, true) => -0.12,
                (true, false) => 0.12,
            };
            let intervals = run.intervals.map(|intervals| &intervals.per_class_f1);
            let classes = run.metrics.per_class.iter().enumerate();
            Series {
                name: self.name(run, "F1"),
                look: Look::dots(ink, dot),
                points: classes
                    .map(|(label, class)| Point {
                        range: intervals.and_then(|i| i.get(label)).map(|i| (i.lo, i.hi)),
                        n: Some(class.support),
                        ..Point::new(label as f64 + aside, class.f1)
                    })
                    .collect(),
            }
        });
        let names = self.labels.iter().map(str::to_owned).collect();
        Figure {
            name: "f1-by-label".to_owned(),
            title: "F1 by label".to_owned(),
            note: self.note(&match self.run.intervals {
                Some(_) => format!("{}, whiskers: 95 % bootstrap intervals", self.n()),
                None => self.n(),
            }),
            content: Content::Plot(Plot {
                series: series.collect(),
                x: Axis::of_names("Label", names),
                y: Axis::share("F1"),
                z: None,
            }),
        }
    }

    /// The precision–recall curve of a label, with the threshold where it stands.
    pub fn precision_recall(&self, label: usize, threshold: Option<Threshold>) -> Figure {
        let mut series = Vec::new();
        let mut notes = Vec::new();
        for (run, ink, dash, _) in self.runs() {
            let Some(found) = run.analysis.labels.get(label) else {
                continue;
            };
            let mut points: Vec<Point> = Vec::new();
            for at in &found.curve {
                let point = Point {
                    z: Some(at.threshold),
                    ..Point::new(at.recall, at.precision)
                };
                if points.is_empty() {
                    points.push(Point { x: 0.0, ..point });
                }
                points.push(point);
            }
            series.push(Series {
                name: self.name(run, "precision–recall"),
                look: Look {
                    join: Join::Steps,
                    ..Look::line(ink, dash)
                },
                points,
            });
            notes.push(self.name(run, &areas(found)));
        }
        if let Some(found) = self.run.analysis.labels.get(label) {
            series.extend(self.marks(&found.ranking, threshold));
        }
        Figure {
            name: self.file_name("precision-recall", label),
            title: format!("Precision and recall of {}", self.label(label)),
            note: self.note(&format!("{} · {}", self.scored(label), notes.join("; "))),
            content: Content::Plot(Plot {
                x: Axis::share("Recall"),
                y: Axis::share("Precision"),
                z: Some("Threshold"),
                series,
            }),
        }
    }

    /// Chance, the model's own answers and the threshold, on a precision–recall curve.
    fn marks(&self, ranking: &Ranking, threshold: Option<Threshold>) -> Vec<Series> {
        let chance = ranking.positives() as f64 / ranking.n().max(1) as f64;
        let mut series = vec![Series {
            name: "By chance".to_owned(),
            look: Look::line(Ink::Weak, Dash::Dotted),
            points: vec![Point::new(0.0, chance), Point::new(1.0, chance)],
        }];
        let mut mark = |name: String, class: crate::metrics::ClassMetrics, ink, dot| {
            if class.tp + class.fp > 0 {
                series.push(Series {
                    name,
                    look: Look::dots(ink, dot),
                    points: vec![Point::new(class.recall, class.precision)],
                });
            }
        };
        let answered = (&ranking.as_answered()).into();
        mark(
            "The answers as given".to_owned(),
            answered,
            Ink::Text,
            Dot::Square,
        );
        if let Some(threshold) = threshold {
            let class = (&ranking.at(threshold.p())).into();
            let name = format!("Threshold {}", threshold.p());
            mark(name, class, Ink::Third, Dot::Diamond);
        }
        series
    }

    /// Precision, recall and F1 of a label along its threshold.
    pub fn thresholds(&self, label: usize, threshold: Option<Threshold>) -> Figure {
        let mut series = Vec::new();
        let mut note = self.scored(label);
        for (run, ink, ..) in self.runs() {
            let Some(found) = run.analysis.labels.get(label) else {
                continue;
            };
            let curve = |of: fn(&AtThreshold) -> f64| -> Vec<Point> {
                // Between two probabilities nothing changes: what holds at the higher one holds from the lower one on.
                let points = found.sweep.iter().rev();
                let mut points: Vec<Point> =
                    points.map(|at| Point::new(at.threshold, of(at))).collect();
                if let Some(first) = points.first().copied() {
                    points.insert(0, Point { x: 0.0, ..first });
                }
                points
            };
            for (name, dash, points) in [
                ("F1", Dash::Solid, curve(|at| at.class.f1)),
                ("precision", Dash::Dashed, curve(|at| at.class.precision)),
                ("recall", Dash::Dotted, curve(|at| at.class.recall)),
            ] {
                series.push(Series {
                    name: self.name(run, name),
                    look: Look {
                        join: Join::Steps,
                        ..Look::line(ink, dash)
                    },
                    points,
                });
            }
            if let Some(best) = &found.best {
                note.push_str(&format!(
                    " · {}",
                    self.name(
                        run,
                        &format!(
                            "highest F1 {:.3} at {:.4}, found on these posts",
                            best.class.f1, best.threshold
                        )
                    )
                ));
            }
        }
        if let Some(threshold) = threshold {
            let x = threshold.p();
            series.push(Series {
                name: format!("Threshold {x}"),
                look: Look::line(Ink::Third, Dash::Dotted),
                points: vec![Point::new(x, 0.0), Point::new(x, 1.0)],
            });
        }
        Figure {
            name: self.file_name("thresholds", label),
            title: format!("The threshold of {}", self.label(label)),
            note: self.note(&note),
            content: Content::Plot(Plot {
                x: Axis::share("Threshold: posts of at least this probability get the label"),
                y: Axis::share("Score"),
                z: None,
                series,
            }),
        }
    }

    /// Whether the probabilities of a label mean what they say.
    pub fn reliability(&self, label: usize) -> Figure {
        let diagonal = Series {
            name: "Perfectly calibrated".to_owned(),
            look: Look::line(Ink::Weak, Dash::Dotted),
            points: vec![Point::new(0.0, 0.0), Point::new(1.0, 1.0)],
        };
        let mut series = vec![diagonal];
        let mut notes = Vec::new();
        for (run, ink, dash, dot) in self.runs() {
            let found = run.analysis.labels.get(label);
            let Some(reliability) = found.and_then(|found| found.reliability.as_ref()) else {
                continue;
            };
            let bins = reliability.bins.iter();
            series.push(Series {
                name: self.name(run, "bins of posts"),
                look: Look {
                    dot: Some(dot),
                    ..Look::line(ink, dash)
                },
                points: bins
                    .map(|bin| Point {
                        range: Some((bin.share_95.lo, bin.share_95.hi)),
                        n: Some(bin.n),
                        ..Point::new(bin.mean_p, bin.share)
                    })
                    .collect(),
            });
            let text = format!(
                "expected calibration error {:.3}, Brier score {:.3}",
                reliability.ece, reliability.brier
            );
            notes.push(self.name(run, &text));
        }
        Figure {
            name: self.file_name("reliability", label),
            title: format!("Calibration of {}", self.label(label)),
            note: self.note(&format!(
                "{} · {} · whiskers: 95 % intervals (Wilson)",
                self.scored(label),
                notes.join("; ")
            )),
            content: Content::Plot(Plot {
                x: Axis::share("Mean probability of the bin"),
                y: Axis::share("Share that has the label"),
                z: None,
                series,
            }),
        }
    }

    /// Which label is taken for which, by the first run.
    pub fn confusions(&self) -> Figure {
        let names = |none: &str| -> Vec<String> {
            let names = self.labels.iter().map(str::to_owned);
            names.chain([none.to_owned()]).collect()
        };
        let what = "posts that differ from the truth, by missed and by wrongly given label";
        Figure {
            name: "confused-labels".to_owned(),
            title: "Labels taken for one another".to_owned(),
            note: self.note(&format!("{}; {what}", self.n_of_first())),
            content: Content::Grid(grid(
                ("Missed", names("nothing missed")),
                ("Given in its place", names("nothing given")),
                &self.run.analysis.confusions,
            )),
        }
    }

    /// Which labels stand together, by the answers or by the truth.
    pub fn together(&self, by_model: bool) -> Figure {
        let (name, title, found) = match by_model {
            true => (
                "together-in-answers",
                "Labels together in the answers",
                &self.run.analysis.together_in_answers,
            ),
            false => (
                "together-in-truth",
                "Labels together in the truth",
                &self.run.analysis.together_in_truth,
            ),
        };
        let names = || self.labels.iter().map(str::to_owned).collect();
        Figure {
            name: name.to_owned(),
            title: title.to_owned(),
            note: self.note(&format!(
                "{}; posts that have both labels, on the diagonal the one",
                if by_model {
                    self.n_of_first()
                } else {
                    self.n()
                }
            )),
            content: Content::Grid(grid(("Label", names()), ("Label", names()), found)),
        }
    }

    /// The scores as the review went on.
    pub fn over_time(&self) -> Figure {
        let mut series = Vec::new();
        for (run, ink, ..) in self.runs() {
            let curve = |of: fn(&Metrics) -> f64| -> Vec<Point> {
                let moments = run.moments.iter().map(|moment| &moment.metrics);
                moments.map(|m| Point::new(m.n as f64, of(m))).collect()
            };
            for (name, dash, points) in [
                ("micro F1", Dash::Solid, curve(|m| m.f1_micro)),
                ("macro F1", Dash::Dashed, curve(|m| m.f1_macro)),
                ("exact", Dash::Dotted, curve(|m| m.subset_accuracy)),
            ] {
                series.push(Series {
                    name: self.name(run, name),
                    look: Look::line(ink, dash),
                    points,
                });
            }
        }
        let last = self.run.moments.last().map_or(0, |moment| moment.metrics.n);
        Figure {
            name: "scores-over-time".to_owned(),
            title: "Scores as the review went on".to_owned(),
            note: self.note(&format!(
                "{last} decided posts; each score is over all decided until then, so it settles"
            )),
            content: Content::Plot(Plot {
                x: Axis::count("Decided posts", last),
                y: Axis::share("Score"),
                z: None,
                series,
            }),
        }
    }

    /// How many posts a label's curves go over.
    fn scored(&self, label: usize) -> String {
        let found = self.run.analysis.labels.get(label);
        let (n, positives) = found.map_or((0, 0), |found| {
            (found.ranking.n(), found.ranking.positives())
        });
        format!("n = {n} posts with probabilities, {positives} of them have the label")
    }
}

/// The areas under a label's curves, in words.
fn areas(found: &LabelAnalysis) -> String {
    let figure = |name: &str, value: Option<f64>| match value {
        Some(value) => format!("{name} {value:.3}"),
        None => format!("no {name}"),
    };
    format!(
        "{}, {}",
        figure("average precision", found.average_precision),
        figure("ROC AUC", found.roc_auc)
    )
}

fn grid(
    (rows_name, rows): (&str, Vec<String>),
    (columns_name, columns): (&str, Vec<String>),
    found: &LabelPairs,
) -> Grid {
    Grid {
        rows_name: rows_name.to_owned(),
        rows,
        columns_name: columns_name.to_owned(),
        columns,
        counts: found.counts.clone(),
    }
}

/// A name that every file system takes: letters, digits and hyphens.
fn slug(name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() { c } else { '-' };
    let name: String = name.chars().take(40).map(safe).collect();
    name.trim_matches('-').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_safe() {
        for (name, safe) in [
            ("racist", "racist"),
            ("../../etc", "etc"),
            ("Other Hate/2", "other-hate-2"),
            ("여성/가족", "여성-가족"),
        ] {
            assert_eq!(slug(name), safe);
        }
    }
}
