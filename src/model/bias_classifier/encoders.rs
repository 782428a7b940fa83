//! Where the files of the two encoders are: in the folder that `config.json` names, beside the weights, or in the local
//! cache of the Hub. The weights themselves are all in the classifier's own file.

use std::path::{Path, PathBuf};

use super::config::{Config, path_in};
use crate::model::{MissingEncoder, ModelError, hub};

/// An encoder's place in `config.json` and beside the weights.
struct Encoder {
    key: &'static str,
    /// What its folder beside the weights is called, if it has one.
    folder: &'static str,
    /// What the published model calls it, and where the Hub has it.
    published: &'static [&'static str],
}

const TEXT: Encoder = Encoder {
    key: "text_encoder_id_or_path",
    folder: "text_encoder",
    published: &["google-bert/bert-base-uncased", "bert-base-uncased"],
};

const IMAGE: Encoder = Encoder {
    key: "image_encoder_id_or_path",
    folder: "image_encoder",
    published: &["microsoft/resnet-34", "resnet-34", "resnet34"],
};

/// The encoders' folders beside the weights, if they have any.
pub const FOLDERS: [&str; 2] = [TEXT.folder, IMAGE.folder];

/// The files that a vocabulary may be in, best first.
pub const VOCABULARY: [&str; 2] = ["tokenizer.json", "vocab.txt"];

/// The folder with the text encoder's vocabulary.
///
/// # Errors
/// There is none anywhere.
pub fn vocabulary(folder: &Path, id: &str) -> Result<PathBuf, ModelError> {
    let mut folders = TEXT.folders(folder, id);
    // A vocabulary may lie beside the weights; a config.json there is the classifier's own.
    folders.insert(2, folder.to_owned());
    let has_vocabulary =
        |folder: &&PathBuf| VOCABULARY.iter().any(|name| folder.join(name).exists());
    match folders.iter().find(has_vocabulary) {
        Some(found) => Ok(found.clone()),
        None => Err(TEXT.nowhere(
            "the vocabulary (tokenizer.json or vocab.txt)",
            folder,
            id,
            folders,
        )),
    }
}

/// The text encoder's `config.json`; `None` for the published one, whose settings are known.
///
/// # Errors
/// There is none anywhere.
pub fn text_config(folder: &Path, id: &str) -> Result<Option<PathBuf>, ModelError> {
    TEXT.config(folder, id)
}

/// The image encoder's `config.json`; `None` for the published one, whose settings are known.
///
/// # Errors
/// There is none anywhere.
pub fn image_config(folder: &Path, id: &str) -> Result<Option<PathBuf>, ModelError> {
    IMAGE.config(folder, id)
}

/// The repositories of the Hub with the settings or the vocabulary that a classifier's folder lacks: its text encoder's,
/// its image encoder's. Neither, where the folder holds no classifier.
pub fn lacking(folder: &Path) -> (Option<String>, Option<String>) {
    let Ok(config) = Config::load(folder) else {
        return (None, None);
    };
    let text = &config.text_encoder_id_or_path;
    let lacks_text = vocabulary(folder, text).is_err() || text_config(folder, text).is_err();
    let image = &config.image_encoder_id_or_path;
    let lacks_image = image_config(folder, image).is_err();
    // A folder beside the weights is not on the Hub under its own name.
    let on_hub =
        |encoder: &Encoder, id: &str| (id != encoder.folder).then(|| encoder.on_hub(id).to_owned());
    (
        on_hub(&TEXT, text).filter(|_| lacks_text),
        on_hub(&IMAGE, image).filter(|_| lacks_image),
    )
}

impl Encoder {
    /// Where the Hub has it.
    fn on_hub<'a>(&self, id: &'a str) -> &'a str {
        let published = self.published.first().copied();
        published
            .filter(|_| self.published.contains(&id))
            .unwrap_or(id)
    }

    fn config(&self, folder: &Path, id: &str) -> Result<Option<PathBuf>, ModelError> {
        let folders = self.folders(folder, id);
        let mut paths = folders.iter().map(|folder| path_in(folder));
        match paths.find(|path| path.exists()) {
            Some(path) => Ok(Some(path)),
            None if self.published.contains(&id) => Ok(None),
            None => Err(self.nowhere("the configuration (config.json)", folder, id, folders)),
        }
    }

    /// Where to look, in this order: the folder that is named, the one beside the weights, the Hub's cache.
    fn folders(&self, folder: &Path, id: &str) -> Vec<PathBuf> {
        let mut folders = vec![folder.join(id), folder.join(self.folder)];
        // The published encoder goes by several names; a cache has it under one of them.
        let ids = if self.published.contains(&id) {
            self.published
        } else {
            &[id][..]
        };
        folders.extend(ids.iter().filter_map(|id| hub::snapshot(id)));
        folders
    }

    fn nowhere(
        &self,
        wanted: &'static str,
        folder: &Path,
        id: &str,
        mut looked_in: Vec<PathBuf>,
    ) -> ModelError {
        let name = self.on_hub(id);
        looked_in.push(hub::cache_folder());
        ModelError::NoEncoder(Box::new(MissingEncoder {
            wanted,
            encoder: id.to_owned(),
            key: self.key,
            config: path_in(folder),
            looked_in,
            hint: format!(
                "Fetch it once with `hf download {name} config.json tokenizer.json vocab.txt`, or put it into {}",
                folder.join(self.folder).display()
            ),
        }))
    }
}
