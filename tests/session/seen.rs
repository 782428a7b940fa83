//! What was seen before blind mode was chosen is not decided blind, also on another day.

use overrule::review::{blind::BlindMode, session::SaveState};

use crate::reviewing::{Watched, confirm, dataset, in_folder, run, said};

const EVERY_POST: BlindMode = BlindMode {
    share_percent: 100,
    seed: 0,
    hides_dataset: false,
};

#[test]
fn an_answer_that_was_seen_stays_seen_when_the_session_is_opened_again() {
    let (_folder, file) = in_folder();
    let mut watched = Watched::open(dataset(4), &file);
    watched.session.begin_run(run("m"));
    for post in 0..3 {
        watched.session.record_prediction(post, said(&[0]));
    }
    for post in [0, 1, 3] {
        // Nobody has said anything about the last one.
        watched.session.note_seen(post);
    }
    watched.session.apply(1, confirm(&[0]));
    watched.wait_until_saved();
    watched.close();

    for _ in 0..2 {
        let mut again = Watched::open(dataset(4), &file);
        again.wait(|session| !session.is_loading() && session.poll() == SaveState::Saved);
        again.session.set_blind_mode(EVERY_POST);
        let seen: Vec<bool> = (0..4).map(|post| again.session.has_seen(post)).collect();
        assert_eq!(seen, [true, true, false, false]);
        // What is hidden is not seen by being on screen.
        again.session.note_seen(2);
        assert!(again.session.hides_answer(2));
        again.close();
    }
}
