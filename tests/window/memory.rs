//! Models that do not fit into memory are asked about before the present one is put away.

use std::{fs, path::Path};

use egui::Role;
use overrule::model::free_memory_bytes;

use super::fake::{Folder, POSTS, Window};

/// A model with so many weights in bf16; the disk holds none of them.
fn write_model(folder: &Path, parameters: u64) {
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("config.json"), r#"{"model_type": "qwen2_vl"}"#).unwrap();
    let n = parameters * 2;
    let header = format!(
        r#"{{"w": {{"dtype": "BF16", "shape": [{parameters}], "data_offsets": [0, {n}]}}}}"#
    );
    let file = folder.join("model.safetensors");
    let length = header.len() as u64;
    fs::write(&file, [&length.to_le_bytes(), header.as_bytes()].concat()).unwrap();
    let file = fs::OpenOptions::new().write(true).open(file).unwrap();
    file.set_len(8 + length + n).unwrap();
}

/// A window whose dialog names a model with so many weights.
fn naming(parameters: u64) -> (Folder, Window) {
    let posts = Folder::new(&POSTS);
    let model = posts.file("large");
    write_model(&model, parameters);
    let mut window = posts.window_with(None);
    window.until("opening", Window::is_open);
    window.name_model(model.to_str().unwrap());
    window.until("looking", |window| {
        window.has_part("The weights need about")
    });
    (posts, window)
}

#[test]
fn a_model_that_does_not_fit_is_offered_in_a_format_that_does() {
    let Some(free) = free_memory_bytes() else {
        return;
    };
    // In bf16 a third too many, in q8_0 a third to spare.
    let (_posts, mut window) = naming(free / 3 * 2);
    window.click_role(Role::Button, "Load model");
    assert!(window.has_part("It will hardly load like this"));
    assert!(!window.has("Load model"));
    window.click("Back");
    window.click_role(Role::Button, "Load model");
    window.click("Load as q8_0");
    window.settle();
    assert!(window.has_part("q8_0"));
}

#[test]
fn a_model_that_fits_in_no_format_is_tried_only_on_purpose() {
    let Some(free) = free_memory_bytes() else {
        return;
    };
    let (_posts, mut window) = naming(free * 2);
    window.click_role(Role::Button, "Load model");
    assert!(!window.has("Load as q8_0"));
    window.click("Try bf16 all the same");
    window.settle();
}
