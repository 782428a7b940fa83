//! `overrule [review] [DATASET]`: the window.

use std::path::PathBuf;

use super::{
    Outcome,
    common::{DataArgs, ModelArgs, RunArgs},
};
use crate::{gui, resources};

/// The preset that runs on the demo dataset.
const DEMO_MODEL: &str = "demo";

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// A CSV, JSON or Parquet file, a folder of images, another tool's export, or a session file [default: the demo]
    pub dataset: Option<PathBuf>,
    /// The model: a folder, a Hub id, a preset's name, or one on another machine (openai:URL#NAME, sagemaker:URL). Without one the window opens without predictions
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// The session file [default: one a dataset, in the platform's data folder]
    #[arg(long, value_name = "FILE")]
    session: Option<PathBuf>,
    /// The window's size in points
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    size: Option<[f32; 2]>,
    #[command(flatten)]
    model_args: ModelArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) fn run(args: Args) -> anyhow::Result<Outcome> {
    args.run.set_threads()?;
    let demo = match args.dataset {
        Some(_) => None,
        // Without the demo the window opens all the same, for data of one's own.
        None => resources::demo_dataset()
            .inspect_err(|error| super::note(&error.to_string()))
            .ok(),
    };
    let demo_model = demo.is_some().then(|| DEMO_MODEL.to_owned());
    let model = args.model.or(demo_model);
    gui::run(gui::Launch {
        dataset: args.dataset.or(demo),
        open: args.data.options(None),
        model: model.map(|model| args.model_args.spec(&model)),
        prompt: args.run.prompt,
        max_new_tokens: args.run.max_new_tokens,
        decode: args.run.decode,
        no_scores: args.run.no_scores,
        batch_size: args.run.batch_size,
        session: args.session,
        size: args.size,
    })?;
    Ok(Outcome::Done)
}

fn size(text: &str) -> Result<[f32; 2], String> {
    let side = |text: &str| {
        let side = text.parse::<f32>().ok()?;
        (1.0..=1e5).contains(&side).then_some(side)
    };
    let sides = text
        .split_once('x')
        .and_then(|(width, height)| Some([side(width)?, side(height)?]));
    sides.ok_or_else(|| "write it as 1280x800".to_owned())
}
