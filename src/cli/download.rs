//! Fetching from the Hub on the command line: what a named model lacks, and `overrule models download`.

use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::model::{
    ModelSpec,
    hub::{self, DownloadProgress, HubSettings, Watch, size_text},
};

/// How often a log gets a line.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Fetches what a model lacks. Where the environment forbids the network nothing is done: loading says what is missing.
pub(super) fn fetch_missing(spec: &ModelSpec) -> anyhow::Result<()> {
    let settings = HubSettings::from_environment();
    let wants = hub::missing(spec, &settings.cache);
    if wants.is_empty() || settings.offline.is_some() {
        return Ok(());
    }
    let names: Vec<&str> = wants
        .iter()
        .map(|want| want.id.repository.as_str())
        .collect();
    super::note(&format!(
        "Fetching {} from {} into {}",
        names.join(", "),
        settings.endpoint,
        settings.cache.display()
    ));
    hub::download(&settings, wants, &mut Bars::new())?;
    Ok(())
}

/// Fetches models and adapters by name, and prints a folder a line.
pub(super) fn fetch(names: &[String]) -> anyhow::Result<()> {
    let settings = HubSettings::from_environment();
    for name in names {
        let wants = hub::wants_of(name)?;
        let spec = ModelSpec {
            model: name.clone(),
            ..ModelSpec::default()
        };
        if let Some(variable) = settings.offline
            && !wants.is_empty()
            && hub::missing(&spec, &settings.cache).is_empty()
        {
            super::note(&format!(
                "{name} was here already; {variable} forbids to look for a newer one"
            ));
            for folder in wants.iter().filter_map(|want| want.folder(&settings.cache)) {
                super::print(&format!("{}\n", folder.display()))?;
            }
            continue;
        }
        let fetched = hub::download(&settings, wants, &mut Bars::new())?;
        for fetched in &fetched {
            let what = match fetched.fetched_bytes {
                0 => "was here already".to_owned(),
                bytes => format!("fetched {}", size_text(bytes)),
            };
            super::note(&format!(
                "{}: {what}, commit {}",
                fetched.repository,
                fetched.commit.get(..12).unwrap_or(&fetched.commit)
            ));
            super::print(&format!("{}\n", fetched.folder.display()))?;
        }
        if fetched.is_empty() {
            super::note(&format!("{name} ships with Overrule"));
        }
    }
    Ok(())
}

/// A bar for the file and one for everything in a terminal, a line now and then elsewhere.
struct Bars {
    bars: Option<[ProgressBar; 2]>,
    file: String,
    note: String,
    last_line: Instant,
}

impl Bars {
    fn new() -> Self {
        Self {
            bars: io::stderr().is_terminal().then(new_bars),
            file: String::new(),
            note: String::new(),
            last_line: Instant::now(),
        }
    }

    fn log(&mut self, progress: &DownloadProgress) {
        if !progress.note.is_empty() && progress.note != self.note {
            super::note(&format!("{}: {}", progress.repository, progress.note));
        }
        self.note.clone_from(&progress.note);
        let is_new = !progress.file.is_empty() && progress.file != self.file;
        if is_new {
            self.file.clone_from(&progress.file);
            super::note(&format!(
                "{}: {} ({})",
                progress.repository,
                progress.file,
                size_text(progress.file_bytes)
            ));
        }
        if is_new || self.last_line.elapsed() < LOG_INTERVAL {
            return;
        }
        self.last_line = Instant::now();
        super::note(&progress.in_all(", "));
    }
}

impl Watch for Bars {
    fn progress(&mut self, progress: &DownloadProgress) -> bool {
        let Some([file, all]) = &self.bars else {
            self.log(progress);
            return true;
        };
        file.set_length(progress.file_bytes);
        file.set_position(progress.file_done_bytes);
        file.set_message(match progress.note.as_str() {
            "" => progress.file.clone(),
            note => format!("{}: {note}", progress.repository),
        });
        all.set_length(progress.total_bytes);
        all.set_position(progress.done_bytes);
        all.set_message(progress.in_all(", "));
        true
    }

    fn wait(&mut self, pause: Duration) -> bool {
        // What the Hub asks for is time; Ctrl-C ends the program meanwhile.
        crossbeam_channel::after(pause).recv().is_ok()
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        for bar in self.bars.iter().flatten() {
            bar.finish_and_clear();
        }
    }
}

fn new_bars() -> [ProgressBar; 2] {
    let both = MultiProgress::new();
    let style = ProgressStyle::with_template("{bar:30} {percent:>3}% {msg}");
    [(); 2].map(|()| {
        let bar = both.add(ProgressBar::new(0));
        if let Ok(style) = &style {
            bar.set_style(style.clone());
        }
        bar
    })
}
