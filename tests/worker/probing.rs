//! Forms of a post that its base is asked about, beside the model.

use std::sync::atomic::Ordering;

use overrule::{
    model::{ModelSpec, PromptStyle},
    predict::{
        probe::{Found, PictureChange, Probe, Variant},
        worker::{Event, Probing},
    },
};

use super::fake::{Bench, job};

/// Asks the model, or its base where that is said, about the same post.
fn probe(bench: &Bench, base: &str, forms: &[bool]) -> Probing {
    let job = job(&[""], 1);
    let form = |asks_base: &bool| Variant {
        text: "0".into(),
        picture: PictureChange::None,
        prompt: PromptStyle::Trained,
        asks_base: *asks_base,
    };
    bench.worker.probe(Probe {
        dataset: job.dataset,
        post: 0,
        variants: forms.iter().map(form).collect(),
        answers: job.options.answers,
        ask: true,
        base: Some(ModelSpec {
            model: base.to_owned(),
            ..ModelSpec::default()
        }),
    })
}

#[test]
fn the_base_is_loaded_beside_the_model_for_one_form_and_put_away_again() {
    let mut bench = Bench::loaded();
    bench.gate.open();
    for (base, reason) in [
        ("base", None),
        ("broken", Some("it is a fake")),
        ("panics", Some("failed unexpectedly")),
    ] {
        let probing = probe(&bench, base, &[false, true]);
        let mut said = [const { None }; 2];
        for (form, found) in bench.found(&probing) {
            match found {
                Found::Said(prediction) => said[form] = Some(Ok(prediction.raw)),
                Found::Failed(message) => said[form] = Some(Err(message)),
                Found::Seen(_) => {}
            }
        }
        let [model, base] = said.map(Option::unwrap);
        assert_eq!(model.as_deref(), Ok(r#"["sexist"]"#));
        match reason {
            None => assert_eq!(base, model),
            Some(reason) => {
                let message = base.unwrap_err();
                assert!(message.starts_with("the base cannot be loaded beside the model"));
                assert!(message.contains(reason), "{message}");
            }
        }
        assert_eq!(bench.alive.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn a_form_gets_probabilities_also_between_the_posts_of_a_run_without_them() {
    let mut bench = Bench::loaded();
    let mut job = job(&["", "", ""], 1);
    job.options.answers.scores = false;
    bench.worker.predict(job);
    let probing = probe(&bench, "base", &[false]);
    bench.gate.open();
    let scored = |found: &Found| matches!(found, Found::Said(said) if said.scores.is_some());
    let found = bench.found(&probing);
    assert!(found.iter().any(|(_, found)| scored(found)));
}

#[test]
fn a_base_that_nobody_waits_for_any_more_is_not_loaded_to_its_end() {
    let mut bench = Bench::loaded();
    let probing = probe(&bench, "slow", &[true]);
    bench.gate.let_one_pass();
    drop(probing);
    bench.gate.open();
    let load = bench.load("other");
    bench
        .wait_for(|event| matches!(event, Event::Loaded { generation, .. } if *generation == load));
    assert_eq!(bench.alive.load(Ordering::SeqCst), 1);
}
