//! `overrule prepare`: a published dataset, or Parquet files, made ready for training.

use std::{collections::BTreeMap, path::PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::{
    Outcome,
    progress::{Reporter, posts},
};
use crate::{
    dataset::raw::{Fault, Reason},
    prepare::{Images, LabelsBy, Options, PrepareError, prepare},
};

/// How many ids of each reason are named.
const NAMED: usize = 3;

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// MMHS150K (a folder or zip with MMHS150K_GT.json), Hateful Memes (train.jsonl, dev*.jsonl, test*.jsonl, img/), or Parquet
    /// (a file, or a folder of shards)
    source: PathBuf,
    /// The folder for the tables (train.csv, val.csv, test.csv; posts.csv where there are no splits), class_names.txt and images/
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Pictures as second names of the same files (copies where that is not possible), as copies, or where they are
    #[arg(long, value_name = "HOW", default_value = "link", value_parser = images())]
    images: Images,
    /// A label counts if any annotator chose it (as in the original training), if most did, or as with union beside all votes
    #[arg(long, value_name = "RULE", default_value = "union", value_parser = labels_by())]
    labels_by: LabelsBy,
    /// Add a column with the text in the picture (img_txt/)
    #[arg(long)]
    image_text: bool,
    /// Replace tables that say something else
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let options = Options {
        out: args.out.clone(),
        images: args.images,
        labels_by: args.labels_by,
        image_text: args.image_text,
        replace: args.force,
    };
    let mut reporter = Reporter::new();
    reporter.loading(&format!("reading {}", args.source.display()), 0.0);
    let made = prepare(&args.source, &options, &mut |progress| {
        reporter.counting("pictures", progress.done, progress.total);
        true
    });
    reporter.clear();
    let made = made.map_err(|error| match error {
        PrepareError::Exists(path) => anyhow::anyhow!(
            "{} exists already and says something else; choose another folder, or replace it with --force",
            path.display()
        ),
        error => error.into(),
    })?;
    for (path, n) in &made.tables {
        super::note(&format!("{} in {}", posts(*n), path.display()));
    }
    for path in &made.kept {
        super::note(&format!(
            "{} was there already and is not of this dataset; it stays as it is",
            path.display()
        ));
    }
    super::note(&format!(
        "pictures: {} linked, {} copied, {} in their place already",
        made.linked, made.copied, made.there
    ));
    report(&made.faults);
    let left_out = made.faults.iter().any(|fault| fault.reason.leaves_out());
    Ok(if left_out {
        Outcome::SomePostsFailed
    } else {
        Outcome::Done
    })
}

/// Tells what was left out, by reason.
fn report(faults: &[Fault]) {
    let mut by_reason: BTreeMap<Reason, Vec<&Fault>> = BTreeMap::new();
    for fault in faults {
        by_reason.entry(fault.reason).or_default().push(fault);
    }
    for (reason, faults) in &by_reason {
        let place = |fault: &&Fault| match fault.line {
            Some(line) => format!("{} line {line}", fault.file),
            None if fault.reason == Reason::MissingImage => fault.file.clone(),
            None => fault.id.clone(),
        };
        let named: Vec<String> = faults.iter().take(NAMED).map(place).collect();
        let more = if faults.len() > NAMED { ", …" } else { "" };
        let what = if reason.leaves_out() {
            "left out"
        } else {
            "noted"
        };
        super::note(&format!(
            "{} {what}: {reason} ({}{more})",
            faults.len(),
            named.join(", ")
        ));
    }
    if !by_reason.is_empty() {
        super::note("the whole list is in left_out.csv");
    }
}

fn images() -> impl TypedValueParser<Value = Images> {
    PossibleValuesParser::new(["link", "copy", "in-place"]).map(|name| match name.as_str() {
        "copy" => Images::Copy,
        "in-place" => Images::InPlace,
        _ => Images::Link,
    })
}

fn labels_by() -> impl TypedValueParser<Value = LabelsBy> {
    PossibleValuesParser::new(["union", "majority", "votes"]).map(|name| match name.as_str() {
        "majority" => LabelsBy::Majority,
        "votes" => LabelsBy::Votes,
        _ => LabelsBy::Union,
    })
}
