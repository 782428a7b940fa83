//! Fetching models in the window, and those that are on this machine.

use std::{fs, path::PathBuf};

use egui::{Key, Role};
use egui_kittest::kittest::Queryable;
use overrule::{gui::Launch, model::hub::HubSettings};

use super::{
    CTRL,
    fake::{Folder, POSTS, Window},
};
use crate::hub::server::{Fault, GATED, Hub};

const SECRET: &str = "hf_a_secret_nobody_may_see";

/// A window, a Hub with one model, and an empty cache.
struct Machine {
    hub: Hub,
    home: tempfile::TempDir,
    _posts: Folder,
    window: Window,
}

impl Machine {
    fn new() -> Self {
        let hub = Hub::start();
        hub.file(
            "org/name",
            "config.json",
            br#"{"model_type": "qwen2_vl"}"#,
            false,
        );
        hub.file("org/name", "tokenizer.json", b"{}", false);
        hub.file("org/name", "model.safetensors", &[7; 2_000_000], true);
        let home = tempfile::tempdir().unwrap();
        let (url, folder) = (hub.url.clone(), home.path().to_str().unwrap().to_owned());
        let settings = HubSettings::read(|key| match key {
            "HF_HOME" => Some(folder.clone()),
            "HF_ENDPOINT" => Some(url.clone()),
            _ => None,
        });
        let posts = Folder::new(&POSTS);
        let launch = Launch {
            dataset: Some(posts.file("posts.csv")),
            session: Some(posts.file("posts.overrule")),
            ..Launch::default()
        };
        let mut window = Window::open_with_hub(launch, settings);
        window.until("opening", Window::is_open);
        Self {
            hub,
            home,
            _posts: posts,
            window,
        }
    }

    /// Names the model in the dialog and asks for it.
    fn choose(&mut self) {
        let window = &mut self.window;
        window.name_model("org/name");
        window.until("looking", |window| {
            window.has_part("Not on this machine yet: org/name")
        });
        window.click_role(Role::Button, "Fetch and load");
    }

    /// Asks for it from a Hub that cuts the connection and then makes it wait for minutes, so that there is time.
    fn choose_and_be_held_up(&mut self) {
        let cut = Fault::CutAfter(500_000);
        let wait = Fault::Refuse(429, &[("Retry-After", "290")]);
        for fault in [cut, wait] {
            self.hub.fail("model.safetensors", fault);
        }
        self.choose();
        self.window
            .until("waiting", |window| window.has_part("The Hub asks to wait"));
    }

    fn repository(&self) -> PathBuf {
        self.home.path().join("hub/models--org--name")
    }
}

#[test]
fn a_model_that_is_not_here_is_fetched_and_loaded() {
    let mut machine = Machine::new();
    machine.choose();
    let window = &mut machine.window;
    window.until("fetching", |window| window.has("Fetched org/name (2 MB)"));
    window.settle();
    assert!(window.has("Model: org/name"));
    assert!(!window.has("Progress of all files"));
    assert!(machine.repository().join("refs/main").exists());

    // The next time it is here.
    machine.hub.requests();
    let window = &mut machine.window;
    window.press_with(CTRL, Key::M);
    assert!(!window.has_part("Not on this machine yet: org/name"));
    window.click_role(Role::Button, "Load model");
    window.settle();
    assert!(machine.hub.requests().is_empty());
}

#[test]
fn a_gated_model_asks_for_a_token_and_keeps_it_where_the_hubs_tools_do() {
    let mut machine = Machine::new();
    machine.hub.fail("revision/main", GATED);
    machine.choose();
    let window = &mut machine.window;
    window.until("refusing", |window| {
        window.has("The model could not be fetched")
    });
    assert!(window.has("Open the page with its terms"));
    assert!(window.has_part("Accept them on its page"));
    let field = window
        .harness
        .get_by_role_and_label(Role::PasswordInput, "Token of your account");
    field.focus();
    window.harness.run_steps(2);
    window.type_text(SECRET);
    assert!(
        !window.has_part(SECRET),
        "it is not shown while it is typed"
    );
    machine.hub.requests();
    window.click("Save token and try again");
    window.until("fetching", |window| window.has("Fetched org/name (2 MB)"));
    window.settle();
    let token = machine.home.path().join("token");
    assert_eq!(fs::read_to_string(token).unwrap(), SECRET);
    let sent = machine.hub.requests()[0]
        .headers
        .get("authorization")
        .cloned();
    assert_eq!(sent, Some(format!("Bearer {SECRET}")));
}

#[test]
fn a_download_is_stopped_and_gone_on_with() {
    let mut machine = Machine::new();
    machine.choose_and_be_held_up();
    let window = &mut machine.window;
    assert!(window.has("Progress of the file") && window.has("Progress of all files"));
    window.harness.run_steps(5);
    window.click("Stop: download");
    window.until("stopping", |window| {
        window.has_part("Stopped fetching org/name at 500 kB of 2 MB")
    });
    window.click("Go on: download");
    window.until("fetching", |window| window.has("Fetched org/name (2 MB)"));
    window.settle();
    let resumed = machine.hub.requests().into_iter().any(|request| {
        let range = request.headers.get("range");
        range.is_some_and(|range| range == "bytes=500000-")
    });
    assert!(resumed);
}

#[test]
fn one_model_is_fetched_at_a_time_and_what_was_put_away_is_not_loaded() {
    let mut machine = Machine::new();
    machine.choose_and_be_held_up();
    let window = &mut machine.window;
    window.name_model("org/other");
    window.until("looking", |window| {
        window.has_part("Not on this machine yet: org/other")
    });
    window.click_role(Role::Button, "Fetch and load");
    window.until("refusing", |window| {
        window.has_part("Another model is being fetched")
    });
    assert!(window.has_part("The Hub asks to wait"), "it goes on");

    // The same one is wanted again, and then none.
    window.name_model("org/name");
    window.until("looking", |window| {
        window.has_part("Not on this machine yet: org/name")
    });
    window.click_role(Role::Button, "Fetch and load");
    window.press_with(CTRL, Key::K);
    window.type_text("go on without a model");
    window.press(Key::Enter);
    window.click("Stop: download");
    window.click("Go on: download");
    window.until("fetching", |window| window.has("Fetched org/name (2 MB)"));
    window.harness.run_steps(20);
    assert!(!window.has("Model: org/name") && window.has("Load model"));
}

#[test]
fn a_model_that_is_refused_leaves_the_one_on_its_way_to_be_loaded() {
    let mut machine = Machine::new();
    machine.choose_and_be_held_up();
    let window = &mut machine.window;
    window.name_model("org/other");
    window.until("looking", |window| {
        window.has_part("Not on this machine yet: org/other")
    });
    window.click_role(Role::Button, "Fetch and load");
    window.until("refusing", |window| {
        window.has_part("Another model is being fetched")
    });
    window.click("Stop: download");
    window.click("Go on: download");
    window.until("fetching", |window| window.has("Fetched org/name (2 MB)"));
    window.settle();
    assert!(window.has("Model: org/name"));
}

#[test]
fn a_download_that_fails_says_why_and_is_tried_again() {
    let mut machine = Machine::new();
    machine.hub.fail("config.json", Fault::Damage);
    machine.choose();
    let window = &mut machine.window;
    window.until("failing", |window| {
        window.has("The model could not be fetched")
    });
    assert!(window.has_part("config.json is not what the Hub announced"));
    assert!(
        !window.has("Token of your account"),
        "a token would not help"
    );
    window.click("Try again: download");
    window.until("fetching", |window| window.has("Fetched org/name (2 MB)"));
}

#[test]
fn models_on_this_machine_are_used_and_deleted() {
    let mut machine = Machine::new();
    machine.choose();
    let window = &mut machine.window;
    window.settle();
    window.click("Dataset: posts.csv");
    window.click("Models on this machine…");
    window.until("looking", |window| window.has("Use org/name"));
    assert!(window.has_part("Qwen2-VL · 2 MB"));
    assert!(window.has("Fetch SmolVLM 256M, not fine-tuned"));
    assert!(window.has_part("of disk free"));

    // The dialog finds its place once it is full.
    window.harness.run_steps(5);
    window.click("Delete org/name");
    window.until("asking", |window| {
        window.has_part("Delete org/name, all revisions? That frees 2 MB")
    });
    window.click("Keep it");
    window.click("Delete org/name");
    window.click("Delete it");
    window.until("deleting", |window| {
        window.has("Deleted; 2 MB are free again")
    });
    window.until("looking", |window| !window.has("Use org/name"));
    assert!(!machine.repository().exists());
}
