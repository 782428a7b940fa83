//! The first run, and the tour of the window.

use egui::{Key, Role};
use egui_kittest::kittest::Queryable;
use overrule::{gui::Launch, resources};

use super::{
    CTRL,
    fake::{Folder, POSTS, Window},
};

#[test]
fn the_demo_says_so_and_offers_three_ways_on() {
    let folder = Folder::new(&POSTS);
    let mut window = Window::open(Launch {
        dataset: Some(resources::demo_dataset().unwrap()),
        session: Some(folder.file("demo.overrule")),
        ..Launch::default()
    });
    window.until("opening", Window::is_open);
    window.harness.run_steps(2);
    assert!(window.has("This is the demo."));
    for way in ["Open data…", "Choose model…", "Take the tour"] {
        let mut buttons = window
            .harness
            .query_all_by_role_and_label(Role::Button, way);
        assert!(buttons.next().is_some(), "{way}");
    }
    // The tour is offered, never begun by itself, and the offer can be put away.
    assert!(!window.has_part(" of 8: "));
    window.click("Dismiss");
    assert!(!window.has("This is the demo."));
}

#[test]
fn the_tour_goes_forth_and_back_by_keys_and_buttons_and_leaves_no_trace() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.click("Take the tour");
    assert!(window.has_part("Tour, 1 of 8: The queue"));
    assert!(window.has("Previous post") && window.has("←"));
    window.press(Key::ArrowRight);
    assert!(window.has_part("Tour, 2 of 8: The post"));
    // What is lit up is the window itself: Space shows the picture behind the card.
    window.harness.key_down(Key::Space);
    window.harness.run_steps(2);
    assert!(window.has("Picture of post 1: shown"));
    window.harness.key_up(Key::Space);
    window.press(Key::ArrowLeft);
    assert!(window.has_part("Tour, 1 of 8"));
    window.click("Next");
    window.click("Back");
    assert!(window.has_part("Tour, 1 of 8"));
    for step in 2..=8 {
        window.press(Key::Enter);
        assert!(window.has_part(&format!("Tour, {step} of 8")));
    }
    window.click("Done");
    assert!(!window.has_part(" of 8: "));
    let counts = window.bench().session.counts();
    assert_eq!((counts.reviewed, window.bench().cursor()), (0, Some(0)));
    window.press(Key::Enter);
    assert_eq!(window.bench().session.counts().reviewed, 1);
}

#[test]
fn the_tour_is_in_the_help_menu_and_in_the_palette_and_escape_leaves_it() {
    let folder = Folder::new(&POSTS);
    let mut window = folder.window();
    window.settle();
    window.click("Dismiss");
    window.click("Help");
    window.click_role(Role::Button, "Take the tour");
    assert!(window.has_part("Tour, 1 of 8"));
    window.press(Key::Escape);
    assert!(!window.has_part(" of 8: ") && !window.has_part("Everything is hidden"));

    // From the figures it goes back to the post, which it is about.
    window.press(Key::M);
    window.press_with(CTRL, Key::K);
    window.type_text("tour");
    window.press(Key::Enter);
    window.press(Key::ArrowRight);
    assert!(window.has_part("Tour, 2 of 8") && window.has_part("Picture of post 1"));
    window.click("Leave the tour");
    assert!(!window.has_part(" of 8: "));
}

#[test]
fn data_of_ones_own_offers_the_tour_once() {
    let offer = "New here? Eight short steps show what is where.";
    // Who takes it is not asked again either.
    for (answer, is_taken) in [("Dismiss", false), ("Take the tour", true)] {
        let folder = Folder::new(&POSTS);
        let open = || {
            let launch = Launch {
                dataset: Some(folder.file("posts.csv")),
                session: Some(folder.file("posts.overrule")),
                ..Launch::default()
            };
            let mut window = Window::open_with_settings(launch, folder.file("settings.json"));
            window.until("opening", Window::is_open);
            window.harness.run_steps(2);
            window
        };
        let mut window = open();
        assert!(window.has(offer) && !window.has_part(" of 8: "));
        window.click(answer);
        assert_eq!(window.has_part("Tour, 1 of 8"), is_taken);
        if is_taken {
            window.press(Key::Escape);
        }
        assert!(window.has("racist") && !window.has(offer));
        window.close();
        let again = open();
        assert!(again.has("racist") && !again.has(offer), "{answer}");
    }
}

#[test]
fn where_nothing_could_be_opened_the_demo_and_its_tour_are_ways_on() {
    let mut window = Window::open(Launch {
        dataset: Some("/nowhere/posts.csv".into()),
        ..Launch::default()
    });
    window.until("failing", |window| window.has_part("could not be opened"));
    for way in ["Open data…", "Try again", "Open the demo", "Take the tour"] {
        assert!(window.has(way), "{way}");
    }
}
