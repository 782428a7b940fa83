//! Whatever a reviewer does, in whatever order: the replayed session is the one in memory.

use overrule::{
    post::LabelSet,
    review::{Action, Review},
};
use proptest::prelude::*;

use crate::reviewing::{Watched, dataset, in_folder};

/// One step of a random review.
#[derive(Clone, Debug)]
enum Step {
    Apply(usize, Action),
    Undo,
    Redo,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let labels = || (0u64..8).prop_map(LabelSet::from_bits);
    let action = prop_oneof![
        labels().prop_map(Action::Draft),
        (labels(), any::<bool>())
            .prop_map(|(labels, assisted)| Action::Confirm { labels, assisted }),
        Just(Action::Skip),
        Just(Action::Escalate),
        any::<bool>().prop_map(Action::Flag),
        "[a“]{0,2}".prop_map(Action::Note),
        Just(Action::Clear),
    ];
    let step = prop_oneof![
        6 => (0usize..3, action).prop_map(|(post, action)| Step::Apply(post, action)),
        3 => Just(Step::Undo),
        2 => Just(Step::Redo),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// The reference keeps every state in a list and moves along it.
    #[test]
    fn a_replayed_session_equals_the_one_in_memory(steps in steps()) {
        let (_folder, file) = in_folder();
        let mut watched = Watched::open(dataset(3), &file);
        let mut states = vec![vec![Review::UNTOUCHED; 3]];
        let mut now = 0;
        for step in steps {
            match step {
                Step::Apply(post, action) => {
                    let mut next = states[now].clone();
                    next[post] = next[post].after(action.clone());
                    if next != states[now] {
                        states.truncate(now + 1);
                        states.push(next);
                        now += 1;
                    }
                    watched.session.apply(post, action);
                }
                Step::Undo => {
                    now = now.saturating_sub(1);
                    watched.session.undo();
                }
                Step::Redo => {
                    now = (now + 1).min(states.len() - 1);
                    watched.session.redo();
                }
                Step::Reopen => {
                    watched.close();
                    watched = Watched::open(dataset(3), &file);
                }
            }
            let reviews: Vec<Review> = (0..3).map(|i| watched.session.review(i).clone()).collect();
            prop_assert_eq!(&reviews, &states[now]);
            prop_assert_eq!(watched.session.can_undo(), now > 0);
            prop_assert_eq!(watched.session.can_redo(), now + 1 < states.len());
            prop_assert_eq!(watched.session.recent().count(), now);
        }
    }
}
