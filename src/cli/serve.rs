//! `overrule serve`: the model behind `/ping` and `/invocations`, as a SageMaker container answers.

use std::time::Duration;

use anyhow::{Context, bail};

use super::{
    Outcome,
    common::{ModelArgs, RunArgs, load_model},
    download::fetch_missing,
    progress::posts,
};
use crate::{
    model::LoadedModel,
    post::LabelNames,
    serve::{Listener, Service},
};

/// How long a client may take to send its post before another thread reads beside the one that waits for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long after the last answer clients that have begun to send may take when the service ends.
const FAREWELL: Duration = Duration::from_secs(20);

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The model: a folder, a Hub id, a preset's name, or one on another machine (openai:URL#NAME, sagemaker:URL)
    #[arg(long, value_name = "MODEL")]
    model: String,
    /// The address to listen on; 0.0.0.0 lets other machines in, and there is no password
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: String,
    /// The port; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// The label set in class order, instead of the model's own
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    labels: Option<Vec<String>>,
    /// The largest request, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_body: u64,
    /// The largest image, in million pixels
    #[arg(long, value_name = "MPX", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=178))]
    max_pixels: u64,
    #[command(flatten)]
    model_args: ModelArgs,
    #[command(flatten)]
    run: RunArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    args.run.set_threads()?;
    // Before the model, which takes longer to load than to hear that the port is taken.
    let listener = Listener::bind(&args.host, args.port)?;
    let spec = args.model_args.spec(&args.model);
    fetch_missing(&spec)?;
    let stop = super::interrupts::catch()?;
    let model = load_model(&spec)?;
    let labels = labels(args, &model)?;
    let service = Service {
        prompt: args.run.prompt,
        answers: args.run.answers(&labels),
        batch_size: args.run.batch_size.unwrap_or(1),
        max_body_bytes: args.max_body << 20,
        max_pixels: args.max_pixels * 1_000_000,
        patience: PATIENCE,
        farewell: FAREWELL,
    };
    super::note(&format!(
        "{} answers at http://{}/invocations (Ctrl-C ends it)",
        model.info.name,
        listener.address()
    ));
    let served = listener.run(model, &service, &stop)?;
    super::note(&format!(
        "ended; every request taken was answered: {} in {} batches",
        posts(served.posts),
        served.batches
    ));
    Ok(Outcome::Done)
}

fn labels(args: &Args, model: &LoadedModel) -> anyhow::Result<LabelNames> {
    let names = args.labels.as_ref().or(model.info.labels.as_ref());
    let Some(names) = names.filter(|names| !names.is_empty()) else {
        bail!("the model names no labels; name them with --labels a,b,c");
    };
    LabelNames::new(names).context("the labels cannot be used")
}
