//! What a repository holds, and which of it is needed.

use serde::Deserialize;

use super::{HubError, Part};
use crate::model::weights::PTH;

/// What the Hub says about a revision of a repository (`/api/models/…/revision/…?blobs=true`).
#[derive(Clone, Debug, Deserialize)]
pub struct Listing {
    /// The commit.
    pub sha: String,
    /// Its files.
    #[serde(default)]
    pub siblings: Vec<Sibling>,
}

/// A file as the Hub lists it.
#[derive(Clone, Debug, Deserialize)]
pub struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Clone, Debug, Deserialize)]
struct Lfs {
    sha256: String,
    size: Option<u64>,
}

/// A file to fetch, and how to know that it came whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoteFile {
    /// Its path in the repository.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its checksum, in hexadecimal digits; the cache keeps it under this name.
    pub checksum: Checksum,
}

/// The checksum of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Checksum {
    /// SHA-256 of the content: large files.
    Sha256(String),
    /// SHA-1 of git's header and the content: small files.
    GitBlob(String),
}

impl Checksum {
    /// In hexadecimal digits.
    pub fn hex(&self) -> &str {
        match self {
            Self::Sha256(hex) | Self::GitBlob(hex) => hex,
        }
    }
}

/// The files that are needed of a repository.
#[derive(Clone, Debug, Default)]
pub struct Needed {
    /// Settings, vocabulary, an index of shards: to be fetched first.
    pub settings: Vec<RemoteFile>,
    /// The weights; with an index, every file that looks like a shard.
    pub weights: Vec<RemoteFile>,
}

/// What stands beside a model's weights.
const SETTINGS: [&str; 12] = [
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "chat_template.json",
    "chat_template.jinja",
    "tokenizer.json",
    "tokenizer_config.json",
    "label_map.json",
    "text_encoder/config.json",
    "text_encoder/tokenizer.json",
    "image_encoder/config.json",
];

/// Vocabularies that stand in for a tokenizer.json.
const VOCABULARIES: [(&str, &str); 2] = [
    ("vocab.txt", "tokenizer.json"),
    ("text_encoder/vocab.txt", "text_encoder/tokenizer.json"),
];

const INDEX: &str = "model.safetensors.index.json";
const ADAPTER: [&str; 2] = ["adapter_config.json", "adapter_model.safetensors"];

impl Listing {
    /// The files that are needed for a part of the repository.
    ///
    /// # Errors
    /// There is nothing to run, or the list cannot be used.
    pub fn needed(&self, part: Part, repository: &str, endpoint: &str) -> Result<Needed, HubError> {
        let has = |name: &str| self.siblings.iter().any(|file| file.rfilename == name);
        let mut settings: Vec<&str> = match part {
            Part::Model | Part::Alone => SETTINGS.to_vec(),
            Part::TextEncoder => vec!["config.json", "tokenizer.json", "tokenizer_config.json"],
            Part::ImageEncoder => vec!["config.json"],
        };
        if part != Part::ImageEncoder {
            let stand_ins = VOCABULARIES.iter().filter(|(_, better)| !has(better));
            settings.extend(stand_ins.map(|(name, _)| name));
        }
        let mut weights = Vec::new();
        let is_shard = |name: &&str| {
            name.ends_with(".safetensors") && name.contains("-of-") && !name.contains('/')
        };
        match part {
            Part::TextEncoder | Part::ImageEncoder => {}
            _ if has("config.json") && has("model.safetensors") => {
                weights.push("model.safetensors");
            }
            _ if has("config.json") && has(INDEX) => {
                settings.push(INDEX);
                weights.extend(self.names().filter(is_shard));
            }
            _ if ADAPTER.iter().all(|name| has(name)) => {
                settings = vec!["label_map.json", ADAPTER[0]];
                weights.push(ADAPTER[1]);
            }
            _ => match PTH.iter().find(|name| has("config.json") && has(name)) {
                Some(pth) => weights.push(pth),
                None => return Err(self.nothing_to_run(repository)),
            },
        }
        let of = |names: &[&str]| {
            self.siblings
                .iter()
                .filter(|file| names.contains(&file.rfilename.as_str()))
                .map(|file| file.to_remote(endpoint))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Needed {
            settings: of(&settings)?,
            weights: of(&weights)?,
        })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.siblings.iter().map(|file| file.rfilename.as_str())
    }

    fn nothing_to_run(&self, repository: &str) -> HubError {
        let mut endings: Vec<&str> = [".gguf", ".bin", ".onnx", ".safetensors", ".pt"]
            .into_iter()
            .filter(|ending| self.names().any(|name| name.ends_with(ending)))
            .collect();
        endings.truncate(3);
        HubError::NothingToRun {
            repository: repository.to_owned(),
            others: match endings.is_empty() {
                true => String::new(),
                false => format!("{} files", endings.join(", ")),
            },
        }
    }
}

impl Sibling {
    fn to_remote(&self, endpoint: &str) -> Result<RemoteFile, HubError> {
        let unusable = |what: &str| HubError::Answer {
            endpoint: endpoint.to_owned(),
            reason: format!("it lists {} without {what}", self.rfilename),
        };
        let hex = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let checksum = match (&self.lfs, &self.blob_id) {
            (Some(lfs), _) if hex(&lfs.sha256, 64) => Checksum::Sha256(lfs.sha256.clone()),
            (None, Some(id)) if hex(id, 40) => Checksum::GitBlob(id.clone()),
            _ => return Err(unusable("a checksum")),
        };
        let bytes = self.lfs.as_ref().and_then(|lfs| lfs.size).or(self.size);
        Ok(RemoteFile {
            name: self.rfilename.clone(),
            bytes: bytes.ok_or_else(|| unusable("a size"))?,
            checksum,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(names: &[&str]) -> Listing {
        let siblings = names.iter().map(|name| Sibling {
            rfilename: (*name).to_owned(),
            size: Some(3),
            blob_id: Some("a".repeat(40)),
            lfs: None,
        });
        Listing {
            sha: "c".repeat(40),
            siblings: siblings.collect(),
        }
    }

    fn needed(names: &[&str], part: Part) -> Result<String, String> {
        let needed = listing(names)
            .needed(part, "org/name", "hub")
            .map_err(|error| error.to_string())?;
        let names = |files: Vec<RemoteFile>| {
            let names: Vec<String> = files.into_iter().map(|file| file.name).collect();
            names.join(" ")
        };
        Ok(format!(
            "{} | {}",
            names(needed.settings),
            names(needed.weights)
        ))
    }

    #[test]
    fn only_what_is_read_is_fetched() {
        let table: [(&[&str], Part, &str); 6] = [
            (
                &[
                    ".gitattributes",
                    "README.md",
                    "config.json",
                    "tokenizer.json",
                    "vocab.txt",
                    "model.safetensors",
                    "pytorch_model.bin",
                    "onnx/model.onnx",
                    "name.gguf",
                    "onnx/config.json",
                ],
                Part::Model,
                "config.json tokenizer.json | model.safetensors",
            ),
            (
                &[
                    "config.json",
                    "model-00001-of-00002.safetensors",
                    "model-00002-of-00002.safetensors",
                    "model.safetensors.index.json",
                    "original/model-00001-of-00001.safetensors",
                ],
                Part::Model,
                "config.json model.safetensors.index.json | \
                 model-00001-of-00002.safetensors model-00002-of-00002.safetensors",
            ),
            (
                &[
                    "adapter_config.json",
                    "adapter_model.safetensors",
                    "tokenizer.json",
                    "optimizer.pt",
                    "label_map.json",
                ],
                Part::Model,
                "adapter_config.json label_map.json | adapter_model.safetensors",
            ),
            (
                &["config.json", "model_weights.pth", "README.md"],
                Part::Alone,
                "config.json | model_weights.pth",
            ),
            (
                &["config.json", "vocab.txt", "model.safetensors"],
                Part::TextEncoder,
                "config.json vocab.txt | ",
            ),
            (
                &[
                    "config.json",
                    "preprocessor_config.json",
                    "model.safetensors",
                ],
                Part::ImageEncoder,
                "config.json | ",
            ),
        ];
        for (names, part, expected) in table {
            assert_eq!(needed(names, part).as_deref(), Ok(expected), "{names:?}");
        }
        let error = needed(&["README.md", "name.gguf"], Part::Model).unwrap_err();
        assert!(error.contains("it has .gguf files"), "{error}");
    }

    #[test]
    fn a_checksum_that_could_lead_out_of_the_cache_is_refused() {
        let mut listing = listing(&["config.json", "model.safetensors"]);
        listing.siblings[1].blob_id = Some(format!("{:/<40}", "../../x"));
        let error = listing.needed(Part::Model, "org/name", "hub").unwrap_err();
        assert!(error.to_string().contains("without a checksum"), "{error}");
    }
}
