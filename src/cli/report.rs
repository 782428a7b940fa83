//! `overrule report`: an evaluation report as one file.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};

use super::{
    Outcome,
    common::{DataArgs, open_session, unwritten},
    evaluate::records_of_run,
    joined::join,
};
use crate::{
    dataset::Dataset,
    export::report::{Report, ReportedPost, Reviewed},
    predict::prediction::RunInfo,
    review::session::{Exposure, Truth},
};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The session file of a review, or what `overrule predict` wrote (with --data)
    #[arg(value_name = "SESSION|FILE.jsonl")]
    source: PathBuf,
    /// The file to write; HTML if its name ends in .html, else Markdown
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Quote the texts of wrongly labelled posts; without it the report has nothing harmful in it
    #[arg(long)]
    with_content: bool,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    /// The dataset of the predictions; of a session, if it is not where it was when the review was made
    #[arg(long = "data", value_name = "DATASET")]
    dataset: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    if is_session(&args.source)? {
        of_session(args)?;
    } else {
        of_predictions(args)?;
    }
    super::note(&format!("report in {}", args.out.display()));
    Ok(Outcome::Done)
}

/// Whether a file is a session and not a file of predictions.
fn is_session(path: &Path) -> anyhow::Result<bool> {
    const SQLITE: &[u8] = b"SQLite format 3\0";
    let mut head = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    file.take(SQLITE.len() as u64).read_to_end(&mut head)?;
    Ok(head == SQLITE)
}

fn of_session(args: &Args) -> anyhow::Result<()> {
    let session = open_session(&args.source, args.dataset.as_deref(), &args.data)?;
    let dataset = session.dataset();
    let posts = (0..dataset.posts.len()).map(|place| ReportedPost {
        place,
        truth: session.truth(place, Truth::Combined),
        prediction: session.prediction(place).cloned(),
        decision: session.review(place).decision,
        assisted: session.truth_among(place, Truth::Reviewed, Exposure::Assisted),
        blind: session.truth_among(place, Truth::Reviewed, Exposure::Blind),
    });
    let reviewed = Reviewed::of(&session);
    write(
        args,
        dataset,
        session.run(),
        posts.collect(),
        Some(reviewed),
    )
}

fn of_predictions(args: &Args) -> anyhow::Result<()> {
    let Some(path) = &args.dataset else {
        bail!("name the dataset of these predictions with --data");
    };
    let (records, run) = records_of_run(&args.source, None)?;
    let dataset = args.data.open_for(path, &run)?;
    let joined = join(&dataset, &records)?;
    let posts = dataset.posts.iter().enumerate().map(|(place, post)| {
        let record = joined.by_place.get(&place);
        ReportedPost {
            place,
            truth: post.truth,
            prediction: record.map(|record| record.prediction(&dataset.labels)),
            decision: None,
            assisted: None,
            blind: None,
        }
    });
    write(args, &dataset, Some(&run), posts.collect(), None)
}

fn write(
    args: &Args,
    dataset: &Dataset,
    run: Option<&RunInfo>,
    posts: Vec<ReportedPost>,
    reviewed: Option<Reviewed>,
) -> anyhow::Result<()> {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let report = Report {
        dataset,
        run,
        posts,
        reviewed,
        with_content: args.with_content,
        made_at_ms: i64::try_from(since_1970.as_millis()).unwrap_or_default(),
    };
    report.write(&args.out, args.force).map_err(unwritten)
}
