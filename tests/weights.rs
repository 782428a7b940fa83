//! Checkpoints on disk: what is read, and what a damaged or foreign folder is told.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use overrule::model::{
    Adapter, DeviceChoice, DtypeChoice, LoadedModel, ModelError, ModelSpec, load,
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tempfile::TempDir;

use crate::common::{copy_folder, fixture};

/// Tensors by name: format, shape, bytes.
pub type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

/// Reads every safetensors file of a folder.
pub fn read_tensors(folder: &Path) -> Tensors {
    let mut tensors = Tensors::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "safetensors") {
            let bytes = fs::read(&path).unwrap();
            for (name, view) in SafeTensors::deserialize(&bytes).unwrap().tensors() {
                tensors.insert(
                    name,
                    (view.dtype(), view.shape().to_vec(), view.data().to_vec()),
                );
            }
        }
    }
    tensors
}

/// Writes tensors to one file.
pub fn write_tensors(tensors: &Tensors, path: &Path) {
    let views: Vec<(&String, TensorView)> = tensors
        .iter()
        .map(|(name, (dtype, shape, bytes))| {
            (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        })
        .collect();
    safetensors::serialize_to_file(views, None, path).unwrap();
}

/// A copy of a base's folder, with its weights to be renamed and its small files to be changed.
pub struct BaseCopy {
    pub folder: TempDir,
    pub tensors: Tensors,
}

impl BaseCopy {
    pub fn of(base: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(base, folder.path());
        Self {
            folder,
            tensors: read_tensors(base),
        }
    }

    pub fn rename(&mut self, rename: impl Fn(&str) -> String) {
        let tensors = std::mem::take(&mut self.tensors);
        self.tensors = tensors
            .into_iter()
            .map(|(name, tensor)| (rename(&name), tensor))
            .collect();
    }

    pub fn load(&self, adapter: Adapter) -> LoadedModel {
        write_tensors(&self.tensors, &self.folder.path().join("model.safetensors"));
        load_from(self.folder.path(), adapter, DtypeChoice::F32).unwrap()
    }
}

/// Loads a folder on the CPU.
pub fn load_from(
    model: &Path,
    adapter: Adapter,
    dtype: DtypeChoice,
) -> Result<LoadedModel, ModelError> {
    let spec = ModelSpec {
        model: model.display().to_string(),
        adapter,
        device: DeviceChoice::Cpu,
        dtype,
        ..ModelSpec::default()
    };
    load(&spec, &mut |_| true)
}

/// The error of a load that must fail, with its causes.
pub fn failure(result: Result<LoadedModel, ModelError>) -> String {
    match result {
        Ok(_) => panic!("the model was loaded"),
        Err(error) => error.to_string(),
    }
}

/// A checkpoint in one file in a temporary folder, to be damaged.
struct Copy {
    folder: TempDir,
    tensors: Tensors,
}

impl Copy {
    fn new() -> Self {
        let base = fixture("paligemma2").join("base");
        let copy = Self {
            folder: tempfile::tempdir().unwrap(),
            tensors: read_tensors(&base),
        };
        for name in [
            "config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "preprocessor_config.json",
            "processor_config.json",
            "generation_config.json",
        ] {
            fs::copy(base.join(name), copy.path(name)).unwrap();
        }
        copy.write();
        copy
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self) {
        write_tensors(&self.tensors, &self.path("model.safetensors"));
    }

    fn load(&self) -> Result<LoadedModel, ModelError> {
        load_from(self.folder.path(), Adapter::Default, DtypeChoice::F32)
    }

    fn config(&self, change: impl FnOnce(&mut serde_json::Value)) {
        let path = self.path("config.json");
        let mut config = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut config);
        fs::write(path, config.to_string()).unwrap();
    }
}

#[test]
fn a_folder_that_is_no_complete_model_is_told_what_it_lacks() {
    type Damage = fn(&Copy);
    let table: [(&str, Damage, &[&str]); 9] = [
        (
            "no config.json",
            |copy| fs::remove_file(copy.path("config.json")).unwrap(),
            &["config.json"],
        ),
        (
            "a config.json that is no JSON",
            |copy| fs::write(copy.path("config.json"), "{").unwrap(),
            &["config.json", "line 1"],
        ),
        (
            "no weights",
            |copy| fs::remove_file(copy.path("model.safetensors")).unwrap(),
            &["model.safetensors", "model.safetensors.index.json"],
        ),
        (
            "an empty file of weights",
            |copy| fs::write(copy.path("model.safetensors"), "").unwrap(),
            &["model.safetensors", "0 bytes"],
        ),
        (
            "a file of weights that was cut off",
            |copy| {
                let bytes = fs::read(copy.path("model.safetensors")).unwrap();
                fs::write(copy.path("model.safetensors"), &bytes[..bytes.len() - 100]).unwrap();
            },
            &["model.safetensors", "damaged", "download it again"],
        ),
        (
            "a file of weights that was cut off within its header",
            |copy| {
                let bytes = fs::read(copy.path("model.safetensors")).unwrap();
                fs::write(copy.path("model.safetensors"), &bytes[..100]).unwrap();
            },
            &["model.safetensors", "damaged"],
        ),
        (
            "a page of HTML in place of the weights",
            |copy| fs::write(copy.path("model.safetensors"), "<!doctype html><html>").unwrap(),
            &["model.safetensors", "damaged"],
        ),
        (
            "an index that names a shard that is not there",
            |copy| {
                fs::rename(copy.path("model.safetensors"), copy.path("a.safetensors")).unwrap();
                let index = r#"{"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}"#;
                fs::write(copy.path("model.safetensors.index.json"), index).unwrap();
            },
            &["model.safetensors.index.json", "b.safetensors"],
        ),
        (
            "an index that leads out of the folder",
            |copy| {
                fs::remove_file(copy.path("model.safetensors")).unwrap();
                let index = r#"{"weight_map": {"x": "../a.safetensors"}}"#;
                fs::write(copy.path("model.safetensors.index.json"), index).unwrap();
            },
            &["model.safetensors.index.json", "../a.safetensors"],
        ),
    ];
    for (what, damage, words) in table {
        let copy = Copy::new();
        damage(&copy);
        let message = failure(copy.load());
        for word in words {
            assert!(message.contains(word), "{what}: {message}");
        }
    }
}

#[test]
fn a_missing_tensor_a_wrong_shape_and_a_foreign_layer_are_named() {
    type Change = fn(&mut Tensors);
    let q = "language_model.model.layers.1.self_attn.q_proj.weight";
    let table: [(&str, Change, &[&str]); 4] = [
        (
            "a missing tensor",
            |tensors| {
                tensors.remove("vision_tower.post_layernorm.bias").unwrap();
            },
            &["lacks", "vision_tower.post_layernorm.bias"],
        ),
        (
            "a shape that config.json does not ask for",
            |tensors| {
                let tensor = tensors.get_mut("language_model.model.norm.weight").unwrap();
                tensor.1 = vec![32];
                tensor.2.truncate(128);
            },
            &["language_model.model.norm.weight", "[32]", "[64]"],
        ),
        (
            "a number format that is not read",
            |tensors| {
                let tensor = tensors.get_mut("language_model.model.norm.weight").unwrap();
                *tensor = (Dtype::I32, vec![64], vec![0; 256]);
            },
            &["language_model.model.norm.weight", "I32"],
        ),
        (
            "a layer more than config.json counts",
            |tensors| {
                let tensor =
                    tensors["language_model.model.layers.1.self_attn.q_proj.weight"].clone();
                tensors.insert(
                    "language_model.model.layers.3.self_attn.q_proj.weight".into(),
                    tensor,
                );
            },
            &["layers.3.self_attn.q_proj", "config.json"],
        ),
    ];
    for (what, change, words) in table {
        let mut copy = Copy::new();
        assert!(copy.tensors.contains_key(q));
        change(&mut copy.tensors);
        copy.write();
        let message = failure(copy.load());
        for word in words {
            assert!(message.contains(word), "{what}: {message}");
        }
    }
}

#[test]
fn tensors_that_nobody_asks_for_do_no_harm() {
    let mut copy = Copy::new();
    let buffer = (Dtype::I64, vec![4], vec![0; 32]);
    copy.tensors.insert(
        "vision_tower.vision_model.embeddings.position_ids".into(),
        buffer,
    );
    copy.write();
    assert!(copy.load().is_ok());
}

#[test]
fn what_the_network_does_not_compute_is_refused_by_name() {
    type Change = fn(&mut serde_json::Value);
    let table: [(Change, &[&str]); 5] = [
        (
            |c| c["model_type"] = "mllama".into(),
            &["mllama", "not supported in this version"],
        ),
        (
            |c| c["text_config"]["model_type"] = "gemma".into(),
            &["paligemma with gemma", "PaliGemma 2"],
        ),
        (
            |c| c["text_config"]["hidden_activation"] = "silu".into(),
            &["hidden_activation", "silu"],
        ),
        (
            |c| c["vision_config"]["hidden_act"] = "gelu".into(),
            &["vision_config.hidden_act", "gelu"],
        ),
        (
            |c| c["vision_config"]["patch_size"] = 57.into(),
            &["vision_config.patch_size", "57"],
        ),
    ];
    for (change, words) in table {
        let copy = Copy::new();
        copy.config(change);
        let message = failure(copy.load());
        for word in words {
            assert!(message.contains(word), "{message}");
        }
    }
}

#[test]
fn weights_load_in_every_number_format() {
    let copy = Copy::new();
    for (dtype, name) in [
        (DtypeChoice::Auto, "f32"),
        (DtypeChoice::Bf16, "bf16"),
        (DtypeChoice::F16, "f16"),
        (DtypeChoice::Q8_0, "q8_0"),
    ] {
        let model = load_from(copy.folder.path(), Adapter::None, dtype).unwrap();
        assert_eq!(
            (model.info.dtype.as_str(), model.info.device.as_str()),
            (name, "cpu")
        );
        assert_eq!(model.info.parameters, 353_648);
    }
}

#[test]
fn loading_tells_its_progress_and_can_be_given_up() {
    let spec = ModelSpec {
        model: fixture("paligemma2").join("base").display().to_string(),
        device: DeviceChoice::Cpu,
        ..ModelSpec::default()
    };
    let mut told = Vec::new();
    load(&spec, &mut |progress| {
        told.push(progress.fraction);
        true
    })
    .unwrap();
    assert!(
        !told.is_empty() && told.iter().all(|f| (0.0..=1.0).contains(f)),
        "{told:?}"
    );

    let given_up = load(&spec, &mut |_| false);
    assert!(matches!(given_up, Err(ModelError::Cancelled)));
}

#[test]
fn a_gpu_that_this_build_cannot_use_is_an_error_that_says_so() {
    let spec = |device| ModelSpec {
        model: fixture("paligemma2").join("base").display().to_string(),
        device,
        ..ModelSpec::default()
    };
    if !cfg!(feature = "cuda") {
        let message = failure(load(&spec(DeviceChoice::Cuda), &mut |_| true));
        assert!(
            message.contains("no CUDA support") && message.contains("--device cpu"),
            "{message}"
        );
    }
    if !cfg!(feature = "metal") {
        let message = failure(load(&spec(DeviceChoice::Metal), &mut |_| true));
        assert!(message.contains("no Metal support"), "{message}");
    }
}

#[test]
fn a_name_that_is_no_model_says_what_a_name_can_be() {
    let file = fixture("paligemma2").join("base").join("config.json");
    let table = [
        ("no-such-preset", "demo"),
        ("no/such/folder", "Hub id"),
        (
            "some-org/some-model-nobody-has",
            "overrule models download some-org/some-model-nobody-has",
        ),
        ("some-org/some-model@v2", "download some-org/some-model@v2"),
        (file.to_str().unwrap(), "name the folder"),
    ];
    for (name, words) in table {
        let spec = ModelSpec {
            model: name.to_owned(),
            ..ModelSpec::default()
        };
        let message = failure(load(&spec, &mut |_| true));
        assert!(message.contains(words), "{name}: {message}");
    }
}
