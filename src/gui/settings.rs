//! What the window remembers between runs, in one JSON file of the platform's configuration folder.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{picture, theme::ThemeChoice};
use crate::{
    model::{Adapter, ModelSpec, remote::shown_name},
    post::{LabelNames, LabelSet},
};

/// The longest name of a person, in characters.
pub const MOST_NAME: usize = 60;

/// How many recent datasets and models are kept.
const RECENT: usize = 8;

/// A model used before.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecentModel {
    /// The folder, Hub id or preset.
    pub model: String,
    /// The adapter that was named; without one, the model's own was merged, if it has one.
    pub adapter: Option<String>,
    /// Whether no adapter was wanted at all.
    #[serde(default)]
    pub base_only: bool,
}

impl From<&ModelSpec> for RecentModel {
    fn from(spec: &ModelSpec) -> Self {
        let adapter = match &spec.adapter {
            Adapter::Named(adapter) => Some(adapter.clone()),
            Adapter::Default | Adapter::None => None,
        };
        Self {
            model: shown_name(&spec.model),
            adapter,
            base_only: spec.adapter == Adapter::None,
        }
    }
}

/// What is remembered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Datasets opened before, the latest first.
    pub recent_datasets: Vec<PathBuf>,
    /// Models used before, the latest first.
    pub recent_models: Vec<RecentModel>,
    /// Light, dark, or as the desktop has it.
    pub theme: ThemeChoice,
    /// Whether pictures are blurred until asked for.
    pub blur: bool,
    /// Whether pictures are shown in grey.
    pub grey: bool,
    /// How large everything is, from 0.75 to 2.
    pub zoom: f32,
    /// Width of the queue, in points.
    pub queue_width: f32,
    /// Width of the panel of labels, in points.
    pub labels_width: f32,
    /// Whether the demo's banner was put away.
    pub banner_dismissed: bool,
    /// Whether the tour was taken; it is offered less loudly then.
    pub tour_taken: bool,
    /// Whether the offer of the tour to those who begin with data of their own was put away.
    pub tour_declined: bool,
    /// The window's size, in points.
    pub window: [f32; 2],
    /// How much memory textures may take, in MiB.
    pub texture_mib: usize,
    /// Whether small pictures are kept in the cache folder between runs.
    pub keep_thumbnails: bool,
    /// Whether labels get probabilities; without them predicting is quicker.
    pub scores: bool,
    /// What the reviewer wants to be called in session files; empty for not at all. Nobody chose yet: as the system calls
    /// its user.
    pub reviewer: Option<String>,
    /// Whether the window says after a decision that it was about a gold post, or tells in the tally alone.
    pub gold_at_once: bool,
    /// What makes looking at this material bearable.
    pub care: Care,
    /// Keys that are not the default: from a command to the key as people write it, empty for none.
    pub keys: BTreeMap<String, String>,
}

/// How a covered picture is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Uncover {
    /// As long as Space is held, or the pointer presses on it.
    #[default]
    Hold,
    /// From a click or a press of Space on, until the next one or for some seconds.
    Click,
}

/// What makes looking at this material bearable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Care {
    /// How far a covered picture is blurred: the radius in hundredths of its longer side.
    pub blur_percent: u8,
    /// How much of the colour is taken out of grey pictures, in hundredths.
    pub grey_percent: u8,
    /// How a covered picture is shown.
    pub uncover: Uncover,
    /// After how many seconds a picture that was shown by a click is covered again; 0 for never.
    pub cover_after_secs: u32,
    /// Whether texts are covered as well.
    pub cover_text: bool,
    /// After how many minutes a break is proposed; 0 for never.
    pub break_minutes: u32,
    /// Labels whose posts are left out of the queue, by name.
    pub put_away: Vec<String>,
}

impl Default for Care {
    fn default() -> Self {
        Self {
            blur_percent: 10,
            grey_percent: 100,
            uncover: Uncover::Hold,
            cover_after_secs: 10,
            cover_text: false,
            break_minutes: 60,
            put_away: Vec::new(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            recent_datasets: Vec::new(),
            recent_models: Vec::new(),
            theme: ThemeChoice::System,
            blur: true,
            grey: false,
            zoom: 1.0,
            queue_width: 272.0,
            labels_width: 374.0,
            banner_dismissed: false,
            tour_taken: false,
            tour_declined: false,
            window: [1280.0, 800.0],
            texture_mib: 256,
            keep_thumbnails: true,
            scores: true,
            reviewer: None,
            gold_at_once: true,
            care: Care::default(),
            keys: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// The file: `OVERRULE_CONFIG_DIR/settings.json` if that is set, else in the platform's configuration folder.
    pub fn file() -> Option<PathBuf> {
        let folder = match std::env::var_os("OVERRULE_CONFIG_DIR") {
            Some(folder) if !folder.is_empty() => PathBuf::from(folder),
            _ => directories::ProjectDirs::from("", "", "overrule")?
                .config_dir()
                .to_path_buf(),
        };
        Some(folder.join("settings.json"))
    }

    /// Reads the file. What is missing or cannot be read in it has its default: settings are never worth an error on start.
    /// A file that is no JSON object, or cannot be read at all, is kept as `settings.json.bad`.
    pub fn load(file: Option<&Path>) -> Self {
        let mut settings = file.map_or_else(Self::default, Self::of_file);
        settings.zoom = if settings.zoom.is_finite() {
            settings.zoom.clamp(0.75, 2.0)
        } else {
            1.0
        };
        settings.texture_mib = settings.texture_mib.clamp(32, 4096);
        settings.care.blur_percent = settings.care.blur_percent.clamp(3, 20);
        settings.care.grey_percent = settings.care.grey_percent.min(100);
        settings
    }

    fn of_file(file: &Path) -> Self {
        let read = match std::fs::read(file) {
            Ok(bytes) => Self::read(&String::from_utf8_lossy(&bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => return Self::default(),
            Err(_) => None,
        };
        read.unwrap_or_else(|| {
            // The next save would replace it. Where this fails there is nobody to tell yet.
            drop(std::fs::rename(file, file.with_extension("json.bad")));
            Self::default()
        })
    }

    /// The settings of a JSON object, without those that cannot be read; `None` if it is none.
    fn read(text: &str) -> Option<Self> {
        let written: Map<String, Value> = serde_json::from_str(text).ok()?;
        let mut known = serde_json::to_value(Self::default()).ok()?;
        for (name, value) in written {
            // Of a group of settings each stands for itself.
            let parts: Vec<(Option<String>, Value)> = match value {
                Value::Object(group) if known.get(&name).is_some_and(Value::is_object) => {
                    let named = |(inner, value)| (Some(inner), value);
                    group.into_iter().map(named).collect()
                }
                value => vec![(None, value)],
            };
            for (inner, value) in parts {
                let mut tried = known.clone();
                match inner {
                    Some(inner) => tried[&name][inner] = value,
                    None => tried[&name] = value,
                }
                if Self::deserialize(&tried).is_ok() {
                    known = tried;
                }
            }
        }
        Self::deserialize(known).ok()
    }

    /// Writes the file in one step, so that a crash leaves the old one or the new one.
    pub fn save(&self, file: &Path) -> std::io::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut temporary, self)?;
        temporary.write_all(b"\n")?;
        temporary.persist(file).map_err(|error| error.error)?;
        Ok(())
    }

    /// The labels of a dataset that are put away.
    pub fn topics_put_away(&self, labels: &LabelNames) -> LabelSet {
        let names = self.care.put_away.iter();
        names.filter_map(|name| labels.index_of(name)).collect()
    }

    /// What the reviewer is called, if anything.
    pub fn reviewer_name(&self) -> Option<String> {
        let user = |variable| std::env::var(variable).ok();
        let name = match &self.reviewer {
            Some(name) => Some(name.clone()),
            None => user("USER").or_else(|| user("USERNAME")),
        };
        name.map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
    }

    /// How pictures are changed before anyone sees them.
    pub fn pictures(&self) -> picture::Care {
        picture::Care {
            grey_percent: if self.grey { self.care.grey_percent } else { 0 },
            blur_percent: self.care.blur_percent,
        }
    }

    /// Puts a dataset in front of the recent ones.
    pub fn remember_dataset(&mut self, path: &Path) {
        self.recent_datasets.retain(|known| known != path);
        self.recent_datasets.insert(0, path.to_path_buf());
        self.recent_datasets.truncate(RECENT);
    }

    /// Puts a model in front of the recent ones.
    pub fn remember_model(&mut self, model: RecentModel) {
        self.recent_models.retain(|known| *known != model);
        self.recent_models.insert(0, model);
        self.recent_models.truncate(RECENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sub").join("settings.json");
        let mut settings = Settings {
            blur: false,
            zoom: 1.25,
            ..Settings::default()
        };
        settings.remember_dataset(Path::new("/data/a.csv"));
        settings.remember_dataset(Path::new("/data/b.csv"));
        settings.remember_dataset(Path::new("/data/a.csv"));
        settings.save(&file).unwrap();
        let loaded = Settings::load(Some(&file));
        assert_eq!(loaded, settings);
        assert_eq!(
            loaded.recent_datasets,
            [Path::new("/data/a.csv"), Path::new("/data/b.csv")]
        );
    }

    #[test]
    fn one_setting_that_cannot_be_read_costs_no_other_one() {
        let text = r#"{"care": {"uncover": "by thinking", "cover_text": true, "put_away": ["a"]}, "texture_mib": -1,
            "zoom": 1.5, "keys": {"confirm": "F2"}, "of a later version": 7}"#;
        let settings = Settings::read(text).unwrap();
        assert_eq!(settings.care.uncover, Uncover::Hold);
        assert!(settings.care.cover_text && settings.care.put_away == ["a"]);
        assert_eq!((settings.zoom, settings.texture_mib), (1.5, 256));
        assert_eq!(settings.keys["confirm"], "F2");
    }

    #[test]
    fn a_name_in_another_encoding_costs_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.json");
        std::fs::write(&file, b"{\"zoom\": 1.5, \"reviewer\": \"J\xf6rg\"}").unwrap();
        let settings = Settings::load(Some(&file));
        assert_eq!(settings.zoom, 1.5);
        assert!(file.exists());
        // What cannot be read as a file is put aside, and not replaced.
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        assert_eq!(Settings::load(Some(&file)), Settings::default());
        assert!(file.with_extension("json.bad").is_dir() && !file.exists());
    }

    #[test]
    fn a_damaged_file_gives_the_defaults_and_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.json");
        for text in ["{\"zoom\": ", "", "[]", "{\"zoom\": 1e9}"] {
            std::fs::write(&file, text).unwrap();
            let settings = Settings::load(Some(&file));
            assert!(
                settings.blur && (0.75..=2.0).contains(&settings.zoom),
                "{text}"
            );
            let kept = if file.exists() {
                file.clone()
            } else {
                file.with_extension("json.bad")
            };
            assert_eq!(std::fs::read_to_string(kept).unwrap(), text);
        }
    }
}
