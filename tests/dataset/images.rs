//! Where images are, and which are missing.

use std::fs;

use overrule::{
    dataset::{LabelSource, OpenOptions, find_missing_images, open},
    post::ProblemKind,
};

use super::folder;

#[test]
fn images_are_looked_for_where_they_are() {
    let csv = "image_path\na.png\nb.png\n/nowhere/c.png\n";
    for (image, root, missing) in [
        ("a.png", "", vec![1, 2]),
        ("images/a.png", "images", vec![1, 2]),
        ("elsewhere/a.png", "", vec![0, 1, 2]),
    ] {
        let folder = folder([("posts.csv", csv), (image, "")]);
        let base = folder.path().canonicalize().unwrap();
        let path = folder.path().join("posts.csv");
        let dataset = open(&path, &OpenOptions::default()).unwrap();
        assert_eq!(dataset.image_root, base.join(root), "{image}");
        let problems = find_missing_images(&dataset, 0..3);
        assert_eq!(
            problems.iter().filter_map(|p| p.post).collect::<Vec<_>>(),
            missing,
            "{image}"
        );
        assert!(problems.iter().all(|p| p.kind == ProblemKind::MissingImage));

        let elsewhere = OpenOptions {
            image_root: Some(folder.path().join("elsewhere")),
            ..OpenOptions::default()
        };
        let dataset = open(&path, &elsewhere).unwrap();
        let found = usize::from(image.starts_with("elsewhere"));
        assert_eq!(
            find_missing_images(&dataset, 0..2).len(),
            2 - found,
            "{image}"
        );
    }
}

#[test]
fn missing_images_among_many_are_found_by_listing() {
    let rows: String = (0..600)
        .map(|i| format!("images/{}/{i}.png\n", i % 3))
        .collect();
    let folder = folder([("posts.csv", format!("image_path\n{rows}\n"))]);
    for i in (0..600).filter(|i| i % 3 != 2 && i % 100 != 0) {
        let image = folder.path().join(format!("images/{}/{i}.png", i % 3));
        fs::create_dir_all(image.parent().unwrap()).unwrap();
        fs::write(image, "").unwrap();
    }
    let dataset = open(&folder.path().join("posts.csv"), &OpenOptions::default()).unwrap();
    let missing: Vec<_> = find_missing_images(&dataset, 0..600)
        .iter()
        .filter_map(|p| p.post)
        .collect();
    let expected: Vec<_> = (0..600).filter(|i| i % 3 == 2 || i % 100 == 0).collect();
    assert_eq!(missing, expected);
}

#[test]
#[cfg(unix)]
fn a_linked_csv_keeps_its_neighbours() {
    let folder = folder([
        ("store/x.csv", "text,image_path,labels\nhi,a.png,y\n"),
        ("shown/a.png", ""),
        ("shown/class_names.txt", "x\ny\n"),
    ]);
    let link = folder.path().join("shown/posts.csv");
    std::os::unix::fs::symlink(folder.path().join("store/x.csv"), &link).unwrap();
    let dataset = open(&link, &OpenOptions::default()).unwrap();
    assert_eq!(dataset.label_source, LabelSource::ClassNames);
    assert_eq!(find_missing_images(&dataset, 0..1), []);
}
