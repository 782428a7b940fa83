//! The command line: one file a subcommand. Data goes to standard output, everything else to standard error.

mod against;
mod common;
mod download;
mod evaluate;
mod export;
mod figures;
mod inspect;
mod interrupts;
mod joined;
mod models;
mod output;
mod predict;
mod prepare;
mod progress;
mod report;
mod review;
mod serve;
mod table;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{causes::with_causes, model::pth};

/// Check what a moderation model said: review, correct and measure a vision-language model's labels.
///
/// Without a subcommand it opens the window: on DATASET if one is named, else on the demo.
#[derive(Parser, Debug)]
#[command(
    name = "overrule",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 done; 1 done, but some posts failed; 2 could not run, or not to its end; 130 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    review: review::Args,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Open the window (what happens without a subcommand, too).
    Review(review::Args),
    /// Predict the labels of every post; appends as results arrive and goes on where it stopped.
    Predict(predict::Args),
    /// Compare predictions with the truth.
    Evaluate(evaluate::Args),
    /// Show what the model sees and says of one post: ids, pixels, logits, log-probabilities.
    Inspect(inspect::Args),
    /// Make a published dataset (MMHS150K, Hateful Memes) or Parquet files ready: tables for training, and the pictures beside them.
    Prepare(prepare::Args),
    /// Write a review's labels as training data, or in another tool's format.
    Export(export::Args),
    /// Write an evaluation report of a review or of predictions as one HTML or Markdown file.
    Report(report::Args),
    /// Answer posts over HTTP with a model, as a SageMaker container does.
    Serve(serve::Args),
    /// List the models with short names and what is on this machine; fetch them from the Hub, or delete them.
    Models(models::Args),
    /// What a child process does with a file of PyTorch's: it writes down where the tensors lie.
    #[command(name = pth::SUBCOMMAND, hide = true)]
    TensorsOfPth {
        /// The file
        file: PathBuf,
        /// Where the answer goes
        answer: PathBuf,
    },
}

/// How a command ended that could run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    /// Everything asked for was done.
    Done,
    /// Some posts have no prediction.
    SomePostsFailed,
    /// Ctrl-C; what was written is whole.
    Interrupted,
}

/// Parses the arguments, runs the command, and tells an error once.
pub fn main() -> ExitCode {
    // Before any thread has memory of its own.
    crate::model::matmul::keep_freed_memory();
    if let Ok(program) = std::env::current_exe() {
        pth::read_in_children_of(program);
    }
    match run(Cli::parse()) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomePostsFailed) => ExitCode::from(1),
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody left to tell if standard error is gone.
            let _ = writeln!(io::stderr(), "error: {}", with_causes(&*error));
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<Outcome> {
    match cli.command.unwrap_or(Command::Review(cli.review)) {
        Command::Review(args) => review::run(args),
        Command::Predict(args) => predict::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Prepare(args) => prepare::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Models(args) => models::run(&args),
        Command::TensorsOfPth { file, answer } => {
            pth::write_index(&file, &answer)?;
            Ok(Outcome::Done)
        }
    }
}

/// Whether the reader of our output went away, as `head` does: it has what it wanted.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Writes to standard output and makes sure that it arrived.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// Tells the user something that is neither data nor an error.
fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_dataset_without_a_subcommand_opens_the_window() {
        let cli = Cli::try_parse_from(["overrule", "posts.csv", "--no-adapter"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.review.dataset.unwrap().to_str(), Some("posts.csv"));
    }

    #[test]
    fn a_subcommand_is_one_even_if_it_could_be_a_dataset() {
        let cli = Cli::try_parse_from(["overrule", "review", "posts.csv"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Review(_))));
    }
}
