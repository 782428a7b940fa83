//! Models that do not fit into memory are asked about before the present one is put away.

use std::{fs, path::Path};

use egui::Role;
use egui_kittest::kittest::Queryable;
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

/// How often a test begins anew where other programs took or gave back much memory meanwhile.
const TRIES: usize = 20;

#[test]
fn a_model_that_does_not_fit_is_offered_in_a_format_that_does() {
    let offer = "Load as q8_0";
    let free = || free_memory_bytes().unwrap_or_default();
    if free() == 0 {
        // Where the system does not tell, nothing is asked.
        return;
    }
    let offered = || {
        let before = free();
        // In bf16 a third too many, in q8_0 a third to spare.
        let (posts, mut window) = naming(before / 3 * 2);
        for is_meant in [false, true] {
            window.click_role(Role::Button, "Load model");
            if !window.has(offer) {
                assert!(free().abs_diff(before) > before / 10, "{before} were free");
                return None;
            }
            assert!(window.has_part("It will hardly load like this"));
            assert!(!window.has("Load model"));
            if !is_meant {
                window.click("Back");
            }
        }
        Some((posts, window))
    };
    let (_posts, mut window) = (0..TRIES).find_map(|_| offered()).expect("an offer");
    window.click(offer);
    window.settle();
    assert!(window.has_part("q8_0"));
}

#[test]
fn enter_right_behind_the_name_waits_until_it_is_known_what_the_model_needs() {
    let Some(free) = free_memory_bytes() else {
        return;
    };
    let posts = Folder::new(&POSTS);
    let model = posts.file("large");
    write_model(&model, free * 2);
    let mut window = posts.window_with(None);
    window.until("opening", Window::is_open);
    window.press_with(super::CTRL, egui::Key::M);
    let field = window
        .harness
        .get_by_role_and_label(Role::TextInput, "Model");
    field.focus();
    window.harness.run_steps(2);
    let name = model.to_str().unwrap().to_owned();
    window.harness.event(egui::Event::Text(name));
    window.harness.key_press(egui::Key::Enter);
    window.until("asking", |window| {
        window.has_part("It will hardly load like this")
    });
    assert!(window.has("Back"));
}

#[test]
fn a_model_that_moves_to_the_cpu_goes_on_with_its_run() {
    let posts = Folder::new(&POSTS);
    let mut window = posts.window_with(Some("on a small GPU"));
    window.until("moving", |window| window.has_part("goes on with the CPU"));
    window.settle();
    assert!(window.has("cpu · f32"), "where it is now");
    assert!(!window.has_part("An earlier run is shown"));
    let run = window.bench().session.run().cloned().unwrap();
    assert_eq!(run.device, "cuda:0");
    window.press_with(super::CTRL, egui::Key::R);
    assert!(
        window.has_part("Predicting 1 post again"),
        "of the broken picture"
    );
    window.settle();
    assert_eq!(window.bench().session.run(), Some(&run));
}

#[test]
fn a_model_that_fits_in_no_format_is_tried_only_on_purpose() {
    let Some(free) = free_memory_bytes() else {
        return;
    };
    let (_posts, mut window) = naming(free * 4);
    window.click_role(Role::Button, "Load model");
    assert!(!window.has("Load as q8_0"));
    window.click("Try bf16 all the same");
    window.settle();
}
