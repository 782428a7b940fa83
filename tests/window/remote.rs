//! Models on other machines, chosen and lost in the window.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use egui::{Key, Role};
use egui_kittest::kittest::{NodeT, Queryable};
use overrule::{gui::Launch, model::ModelSpec};

use super::{
    CTRL,
    fake::{Folder, Window},
};
use crate::remote::Endpoint;

const POSTS: [[&str; 3]; 4] = [
    ["one", "a.png", "racist"],
    ["two", "b.png", "sexist"],
    ["three", "a.png", ""],
    ["four", "", ""],
];

fn open(folder: &Folder, model: String) -> Window {
    Window::open_with_models(Launch {
        dataset: Some(folder.file("posts.csv")),
        session: Some(folder.file("posts.overrule")),
        model: Some(ModelSpec {
            model,
            ..ModelSpec::default()
        }),
        ..Launch::default()
    })
}

#[test]
fn an_endpoint_that_answers_nobody_ends_the_run_and_it_goes_on_when_somebody_does() {
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let endpoint = Endpoint::start(move |number, _| {
        let refuses = number >= 1 && is_broken.load(Ordering::SeqCst);
        refuses.then_some((401, "the key has expired"))
    });
    let folder = Folder::new(&POSTS);
    let mut window = open(&folder, format!("openai:{}#mmhs", endpoint.url()));
    window.until("stopping", |window| window.has("Predicting stopped"));
    assert!(window.has_part("answered 401: the key has expired; give the key in"));
    let counts = window.bench().session.counts();
    assert!(
        counts.failed > 0 && counts.predicted == counts.failed + 1,
        "{counts:?}"
    );
    let left = POSTS.len() - counts.predicted;
    assert!(window.has_part(&format!("{left} post")));

    broken.store(false, Ordering::SeqCst);
    window.click("Try again");
    window.settle();
    assert_eq!(window.bench().session.counts().failed, 0);
    assert!(!window.has("Predicting stopped"));
}

#[test]
fn a_password_in_an_address_is_used_and_not_shown() {
    let endpoint = Endpoint::start(|_, _| None);
    let shown = format!("openai:{}#mmhs", endpoint.url());
    let folder = Folder::new(&POSTS);
    let given = shown.replace("http://", "http://me:secret@");
    let mut window = open(&folder, given);
    window.settle();
    window.press_with(CTRL, Key::M);
    let field = window
        .harness
        .get_by_role_and_label(Role::TextInput, "Model");
    assert_eq!(
        field.accesskit_node().value().as_deref(),
        Some(shown.as_str())
    );
    assert!(window.has_part("Posts leave this machine"));
    assert!(!window.has_part("secret"));

    // Loaded from the dialog, it is the same model with the same password.
    let asked = endpoint.keys.lock().unwrap().len();
    window.press(Key::Enter);
    window.until("connecting", |_| {
        endpoint.keys.lock().unwrap().len() > asked
    });
    // me:secret
    let keys = endpoint.keys.lock().unwrap();
    assert!(
        keys.iter().all(|key| key == "Basic bWU6c2VjcmV0"),
        "{keys:?}"
    );
}
