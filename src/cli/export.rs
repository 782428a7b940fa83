//! `overrule export`: a review's labels as training data, or in another tool's format.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::{
    Outcome,
    common::{DataArgs, open_session, unwritten},
    progress::posts,
};
use crate::export::{Format, Selection, TrainingSet};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The session file of a review
    session: PathBuf,
    /// The format
    #[arg(long, value_name = "FORMAT", default_value = "csv", value_parser = formats())]
    format: Format,
    /// The file to write; a folder for imagefolder and fiftyone
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Which posts: all (in csv, label-studio-min and doccano: all with a truth), those with a decision, or those whose decision differs from the dataset
    #[arg(long, value_name = "POSTS", default_value = "all", value_parser = selections())]
    select: Selection,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    /// Add columns that say where each label comes from
    #[arg(long)]
    provenance: bool,
    /// The dataset, if it is not where it was when the review was made
    #[arg(long = "data", value_name = "DATASET")]
    dataset: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let session = open_session(&args.session, args.dataset.as_deref(), &args.data)?;
    let mut training_set = TrainingSet::for_format(&session, args.select, args.format);
    if args.provenance {
        if !args.format.takes_provenance() {
            anyhow::bail!(
                "--provenance goes with csv, jsonl, imagefolder and parquet; {} has no room for it",
                args.format.name()
            );
        }
        training_set = training_set.with_session_provenance(&session);
    }
    let exported = training_set
        .write(&args.out, args.force)
        .map_err(unwritten)?;
    let mut text = format!("{} in {}", posts(exported.posts), exported.path.display());
    if exported.without_truth > 0 {
        text += &format!(
            "; {} without a label or a decision were left out",
            exported.without_truth
        );
    }
    if exported.absolute_paths > 0 {
        text += &format!(
            "; the image paths of {} were made absolute",
            exported.absolute_paths
        );
    }
    if exported.without_image > 0 {
        text += &format!(
            "; {} without an image that exists were left out",
            exported.without_image
        );
    }
    if exported.pictures_missing > 0 {
        text += &format!(
            "; the pictures of {} cannot be read and are not in it",
            posts(exported.pictures_missing)
        );
    }
    super::note(&text);
    if let Some(advice) = exported.advice {
        super::note(&advice);
    }
    Ok(Outcome::Done)
}

fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::name))
        .map(|name| Format::from_name(&name).unwrap_or_default())
}

fn selections() -> impl TypedValueParser<Value = Selection> {
    PossibleValuesParser::new(["all", "reviewed", "corrected"]).map(|name| match name.as_str() {
        "reviewed" => Selection::Reviewed,
        "corrected" => Selection::Corrected,
        _ => Selection::All,
    })
}
