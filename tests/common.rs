//! What several test files share: where the fixtures lie, and the goldens as transformers wrote them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// Longer than anything here takes; a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The path of something below `tests/fixtures`.
pub fn fixture(path: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(path)
}

/// Every fixture model of a family with goldens beside it: `paligemma2`, `paligemma2_b`, …, sorted by name.
pub fn model_fixtures(family: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(fixture(""))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|folder| {
            let name = folder.file_name().unwrap().to_string_lossy();
            name.starts_with(family)
                && folder.join("base").is_dir()
                && folder.join("expected.jsonl").is_file()
        })
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "tests/fixtures holds no {family}");
    folders
}

/// The ids of the tokens of a fixture's model, which are others whenever the fixtures are made again.
pub struct TokenIds {
    added: BTreeMap<String, u32>,
    others: BTreeMap<String, u32>,
}

impl TokenIds {
    /// Those of `base/tokenizer.json` of a fixture.
    pub fn of(model: &str) -> Self {
        let file = fixture(model).join("base/tokenizer.json");
        let json: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let id = |token: &Value| {
            let content = token["content"].as_str().unwrap().to_owned();
            (content, token["id"].as_u64().unwrap() as u32)
        };
        let added = json["added_tokens"].as_array().unwrap().iter().map(id);
        Self {
            added: added.collect(),
            others: BTreeMap::deserialize(&json["model"]["vocab"]).unwrap(),
        }
    }

    /// The id of a token.
    pub fn id(&self, token: &str) -> u32 {
        let found = self.added.get(token).or_else(|| self.others.get(token));
        *found.unwrap_or_else(|| panic!("no token {token:?}"))
    }

    /// Whether an id stands for one of the tokens that were added to the vocabulary.
    pub fn is_added(&self, id: u32) -> bool {
        self.added.values().any(|added| *added == id)
    }
}

/// Copies the files of a folder.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// The image of a golden's post; `image_path` is as the goldens write it.
pub fn post_image(image_path: &str) -> PathBuf {
    fixture("posts").join(image_path)
}

/// The bytes of a string of hexadecimal digits.
pub fn bytes_from_hex(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The rows of a JSON Lines file.
pub fn read_jsonl<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines()
        .enumerate()
        .map(|(i, line)| {
            serde_json::from_str(line)
                .unwrap_or_else(|e| panic!("{}:{}: {e}", path.display(), i + 1))
        })
        .collect()
}

/// What transformers computes for one post (`expected.jsonl`, torchvision's pixels).
#[derive(Deserialize)]
#[allow(dead_code)]
pub struct Expected {
    pub index: usize,
    pub image_path: String,
    pub text: String,
    pub true_labels: Vec<String>,
    #[serde(flatten)]
    pub trained: ExpectedAnswer,
    /// `None` if the post was shown without its image.
    pub pixel_values: Option<TensorStats>,
    /// How many tiles the image is cut into, for families that see images in tiles.
    pub tiles: Option<usize>,
    /// Time, rows and columns of the image's patches, for families that see images of any size.
    pub image_grid_thw: Option<[usize; 3]>,
    #[serde(default)]
    pub batched_generated_ids: Vec<u32>,
    /// Natural logarithm of the probability of each label set's JSON text and the end of sequence.
    #[serde(default)]
    pub label_set_logprobs: BTreeMap<String, f64>,
    /// The same post with the model card's prompt.
    #[serde(rename = "prompt2")]
    pub card: Option<ExpectedAnswer>,
}

/// What transformers makes of one prompt: with the adapter, and without it under `base`.
#[derive(Deserialize)]
#[allow(dead_code)]
pub struct ExpectedAnswer {
    pub prompt: String,
    pub input_ids: Vec<u32>,
    pub first_logits_top10: Vec<(u32, f64)>,
    pub generated_ids: Vec<u32>,
    pub generated_text: String,
    pub labels: Option<Vec<String>>,
    #[serde(flatten)]
    pub base: BaseAnswer,
}

/// The same prompt without the adapter; empty if the fixture has none.
#[derive(Deserialize)]
#[allow(dead_code)]
pub struct BaseAnswer {
    #[serde(default)]
    pub first_logits_top10_base: Vec<(u32, f64)>,
    #[serde(default)]
    pub base_generated_ids: Vec<u32>,
    pub base_generated_text: Option<String>,
    pub base_labels: Option<Vec<String>>,
}

/// The same post through PIL's resampling (`expected_pil.jsonl`), the goldens to match exactly.
#[derive(Deserialize)]
#[allow(dead_code)]
pub struct ExpectedPil {
    pub index: usize,
    pub pixel_values: TensorStats,
    #[serde(flatten)]
    pub trained: ExpectedPilAnswer,
    #[serde(rename = "prompt2")]
    pub card: Option<ExpectedPilAnswer>,
    #[serde(default)]
    pub batched_generated_ids: Vec<u32>,
    /// As in `Expected`, with PIL's pixels.
    #[serde(default)]
    pub label_set_logprobs: BTreeMap<String, f64>,
    /// The top row of the resized 8-bit RGB pixels, before rescaling.
    pub pixels_first_row_hex: Option<String>,
}

/// What transformers makes of one prompt and PIL's pixels.
#[derive(Deserialize)]
#[allow(dead_code)]
pub struct ExpectedPilAnswer {
    pub first_logits_top10: Vec<(u32, f64)>,
    pub generated_ids: Vec<u32>,
    #[serde(flatten)]
    pub base: BaseAnswer,
}

/// Enough of a tensor to recognise it. `strided16` holds the elements `i · n / 16`.
#[derive(Deserialize)]
#[allow(dead_code)]
pub struct TensorStats {
    pub shape: Vec<usize>,
    pub mean: f64,
    pub std: f64,
    pub first16: Vec<f64>,
    pub strided16: Vec<f64>,
}

/// The goldens of a fixture model, torchvision's and PIL's row of each post side by side.
pub fn goldens(model: &Path) -> Vec<(Expected, ExpectedPil)> {
    let expected: Vec<Expected> = read_jsonl(&model.join("expected.jsonl"));
    let pil: Vec<ExpectedPil> = read_jsonl(&model.join("expected_pil.jsonl"));
    assert_eq!(expected.len(), pil.len(), "{}", model.display());
    let pairs: Vec<_> = expected.into_iter().zip(pil).collect();
    assert!(
        pairs.iter().all(|(e, p)| e.index == p.index),
        "{}",
        model.display()
    );
    pairs
}
