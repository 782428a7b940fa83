//! A Hub that says no, asks to wait, has a fault or is not there.

use std::time::Duration;

use super::{
    Fetching, SECRET,
    server::{Fault, GATED},
};

#[test]
fn refusals_say_what_to_do() {
    let page = "/org/name";
    let table: [(&str, Option<&'static str>, Fault, &[&str]); 8] = [
        (
            "revision/main",
            None,
            GATED,
            &[page, "Accept them on that page", "HF_TOKEN", "restricted"],
        ),
        (
            "config.json",
            Some(SECRET),
            GATED,
            &[
                page,
                "the token from the variable HF_TOKEN",
                "gated repositories",
            ],
        ),
        (
            "revision/main",
            Some(SECRET),
            Fault::Refuse(
                401,
                &[(
                    "X-Error-Message",
                    "Invalid credentials in Authorization header",
                )],
            ),
            &["does not accept the token from the variable HF_TOKEN"],
        ),
        (
            "revision/main",
            None,
            Fault::Refuse(401, &[("X-Error-Code", "RepoNotFound")]),
            &["no model “org/name”", "spelling"],
        ),
        (
            "revision/main",
            Some(SECRET),
            Fault::Refuse(404, &[]),
            &["no model “org/name”", "the token from"],
        ),
        (
            "config.json",
            None,
            Fault::Refuse(404, &[("X-Error-Code", "EntryNotFound")]),
            &["no file config.json"],
        ),
        (
            "config.json",
            None,
            Fault::Refuse(451, &[("X-Error-Message", "For legal reasons")]),
            &["451", "For legal reasons"],
        ),
        (
            "revision/main",
            None,
            Fault::Html,
            &["HF_ENDPOINT", "not the list"],
        ),
    ];
    for (path, token, fault, words) in table {
        let mut fetching = Fetching::new(100);
        fetching.token = token;
        fetching.hub.fail(path, fault);
        let said = fetching.error("org/name");
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(fetching.pauses.is_empty(), "waiting is of no use: {said}");
    }
    let mut fetching = Fetching::new(100);
    assert!(
        fetching
            .error("org/nothing")
            .contains("no model “org/nothing”")
    );
    assert!(fetching.error("org/name@v3").contains("no revision “v3”"));
    fetching.hub.file("org/words", "README.md", b"words", false);
    assert!(
        fetching
            .error("org/words")
            .contains("nothing that Overrule runs")
    );
}

#[test]
fn a_hub_that_asks_to_wait_is_waited_for_within_reason() {
    let wait = |secs| Fault::Refuse(429, secs);
    let mut fetching = Fetching::new(100);
    fetching
        .hub
        .fail("revision/main", wait(&[("Retry-After", "7")]));
    fetching
        .hub
        .fail("config.json", wait(&[("Retry-After", "30")]));
    fetching.fetch("org/name").unwrap();
    assert_eq!(fetching.pauses, [7, 30].map(Duration::from_secs));
    assert!(
        fetching
            .seen
            .iter()
            .any(|seen| seen.note.contains("again in 30 s"))
    );

    let mut fetching = Fetching::new(100);
    fetching
        .hub
        .fail("revision/main", wait(&[("Retry-After", "3600")]));
    let said = fetching.error("org/name");
    assert!(said.contains("for 1 h 0 min"), "{said}");
    assert!(fetching.pauses.is_empty());
}

#[test]
fn a_hub_with_a_fault_is_asked_a_few_times() {
    let mut fetching = Fetching::new(100);
    fetching
        .hub
        .fail_times(2, "revision/main", Fault::Refuse(503, &[]));
    fetching
        .hub
        .fail_times(2, "model.safetensors", Fault::Refuse(500, &[]));
    fetching.fetch("org/name").unwrap();
    assert_eq!(fetching.pauses, [1, 2, 1, 2].map(Duration::from_secs));

    fetching.pauses.clear();
    fetching
        .hub
        .fail_times(6, "revision/main", Fault::Refuse(502, &[]));
    let said = fetching.error("org/name");
    assert!(said.contains("502"), "{said}");
    assert_eq!(fetching.pauses, [1, 2, 4, 8, 16].map(Duration::from_secs));
}

#[test]
fn a_hub_that_is_not_there_is_told_at_once() {
    let mut fetching = Fetching::new(100);
    fetching.hub.url = "http://127.0.0.1:1".to_owned();
    let said = fetching.error("org/name");
    assert!(said.contains("cannot be reached"), "{said}");
    assert!(fetching.pauses.is_empty());
}

#[test]
fn a_file_that_is_refused_from_its_first_byte_on_is_asked_for_once() {
    let mut fetching = Fetching::new(100);
    fetching.hub.fail("config.json", Fault::Refuse(416, &[]));
    let said = fetching.error("org/name");
    assert!(said.contains("416"), "{said}");
    let asked = fetching.asked();
    let of_it = asked.iter().filter(|path| path.contains("config.json"));
    assert_eq!(of_it.count(), 1, "{asked:?}");
}
