//! Whatever a reviewer does to posts, in whatever order: the replayed session is the one in memory.

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
    ApplyAll(Vec<(usize, Action)>),
    Undo,
    Redo,
    Reopen,
}

/// Actions on one of three posts. Several posts are cleared at once for gold alone, which has rules of its own.
fn actions(may_clear: bool) -> impl Strategy<Value = (usize, Action)> {
    let labels = || (0u64..8).prop_map(LabelSet::from_bits);
    let action = prop_oneof![
        labels().prop_map(Action::Draft),
        (labels(), any::<bool>())
            .prop_map(|(labels, assisted)| Action::Confirm { labels, assisted }),
        Just(Action::Skip),
        Just(Action::Escalate),
        any::<bool>().prop_map(Action::Flag),
        "[a“]{0,2}".prop_map(Action::Note),
        Just(if may_clear {
            Action::Clear
        } else {
            Action::Skip
        }),
    ];
    (0usize..3, action)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => actions(true).prop_map(|(post, action)| Step::Apply(post, action)),
        2 => proptest::collection::vec(actions(false), 1..5).prop_map(Step::ApplyAll),
        3 => Just(Step::Undo),
        2 => Just(Step::Redo),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 0..40)
}

/// What the reference does: actions make one new state, unless they change nothing.
fn go_on(
    states: &mut Vec<(Vec<Review>, usize)>,
    now: &mut usize,
    actions: impl IntoIterator<Item = (usize, Action)>,
) {
    let (mut reviews, mut in_force) = states[*now].clone();
    for (post, action) in actions {
        let after = reviews[post].after(action);
        in_force += usize::from(after != reviews[post]);
        reviews[post] = after;
    }
    if in_force > states[*now].1 {
        states.truncate(*now + 1);
        states.push((reviews, in_force));
        *now += 1;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// The reference keeps every state in a list and moves along it.
    #[test]
    fn a_replayed_session_equals_the_one_in_memory(steps in steps()) {
        let (_folder, file) = in_folder();
        let mut watched = Watched::open(dataset(3), &file);
        // And how many actions are in force in each.
        let mut states = vec![(vec![Review::UNTOUCHED; 3], 0)];
        let mut now = 0;
        for step in steps {
            match step {
                Step::Apply(post, action) => {
                    go_on(&mut states, &mut now, [(post, action.clone())]);
                    watched.session.apply(post, action);
                }
                Step::ApplyAll(actions) => {
                    go_on(&mut states, &mut now, actions.clone());
                    watched.session.apply_all(actions);
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
            prop_assert_eq!(&reviews, &states[now].0);
            prop_assert_eq!(watched.session.can_undo(), now > 0);
            prop_assert_eq!(watched.session.can_redo(), now + 1 < states.len());
            prop_assert_eq!(watched.session.recent().count(), states[now].1);
        }
    }
}
