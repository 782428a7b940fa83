//! Folders of images.

use std::fs;

use overrule::dataset::{Format, OpenOptions, find_missing_images, open};

use super::{folder, places, truth};

#[test]
fn a_folder_is_read_in_the_order_people_expect() {
    let folder = folder([
        ("img10.PNG", "" as &str),
        ("img2.jpg", ""),
        ("img2.txt", "\u{feff}two\nlines\r\n"),
        ("sub/a.webp", ""),
        ("sub/a.json", r#"{"text": "json", "labels": ["x", "y"]}"#),
        ("sub/b.gif", ""),
        ("sub/b.json", "{"),
        (".hidden.png", ""),
        (".git/c.png", ""),
        ("notes.md", ""),
    ]);
    let dataset = open(folder.path(), &OpenOptions::default()).unwrap();
    assert_eq!(dataset.format, Format::Folder);
    let posts: Vec<_> = dataset
        .posts
        .iter()
        .map(|p| (&*p.image_path, &*p.text))
        .collect();
    assert_eq!(
        posts,
        [
            ("img2.jpg", "two\nlines"),
            ("img10.PNG", ""),
            ("sub/a.webp", "json"),
            ("sub/b.gif", "")
        ]
    );
    assert_eq!(truth(&dataset, 2), "x,y");
    assert_eq!(truth(&dataset, 0), "?");
    assert_eq!(places(&dataset.problems), ["Unreadable@3:-:-"]);
    assert_eq!(find_missing_images(&dataset, 0..4), []);
}

#[test]
fn metadata_describes_the_images_around_it() {
    let folder = folder([
        ("a.png", "" as &str),
        ("a.txt", "beside"),
        ("sub/b.png", ""),
        ("sub/c.png", ""),
        ("sub/c.txt", "beside"),
        (
            "metadata.csv",
            "file_name,text,labels\na.png,described,x\nsub/b.png,far,\"x,y\"\ngone.png,lost,\n",
        ),
        (
            "sub/metadata.jsonl",
            "{\"file_name\": \"c.png\", \"labels\": [\"y\"]}\nnonsense\n",
        ),
    ]);
    let dataset = open(folder.path(), &OpenOptions::default()).unwrap();
    let posts: Vec<_> = (0..dataset.posts.len())
        .map(|i| {
            let post = &dataset.posts[i];
            format!("{} {} [{}]", post.image_path, post.text, truth(&dataset, i))
        })
        .collect();
    assert_eq!(
        posts,
        [
            "a.png described [x]",
            "gone.png lost []",
            "sub/b.png far [x,y]",
            "sub/c.png beside [y]"
        ]
    );
    assert_eq!(places(&dataset.problems), ["Unreadable@-:-:-"]);
    assert!(
        dataset.problems[0]
            .message
            .starts_with("line 2: not a JSON object")
    );
    assert_eq!(find_missing_images(&dataset, 0..4).len(), 1);
}

#[test]
fn a_folder_with_a_csv_says_that_the_csv_can_be_opened() {
    let folder = folder([
        ("images/a.png", ""),
        ("test.csv", "text\n"),
        ("class_names.txt", "x\n"),
    ]);
    let dataset = open(folder.path(), &OpenOptions::default()).unwrap();
    assert_eq!(dataset.posts.len(), 1);
    assert!(
        dataset.problems[0]
            .message
            .contains("open a CSV file in it: test.csv")
    );
}

#[test]
#[cfg(unix)]
fn links_are_followed_and_loops_end() {
    use std::os::unix::{ffi::OsStrExt as _, fs::symlink};
    let folder = folder([("a/one.png", "")]);
    let base = folder.path();
    symlink(base, base.join("a/loop")).unwrap();
    symlink(base.join("a/one.png"), base.join("two.png")).unwrap();
    symlink(base.join("nowhere"), base.join("three.png")).unwrap();
    fs::write(base.join(std::ffi::OsStr::from_bytes(b"\xff.png")), "").unwrap();
    let dataset = open(base, &OpenOptions::default()).unwrap();
    let mut paths: Vec<_> = dataset.posts.iter().map(|p| &*p.image_path).collect();
    paths.sort();
    assert_eq!(paths, ["a/one.png", "three.png", "two.png"]);
    assert_eq!(places(&dataset.problems), ["Unreadable@-:-:-"]);
}

#[test]
fn metadata_that_leads_elsewhere_is_told_and_not_used() {
    for name in [
        ".//etc/x.png",
        "/etc/x.png",
        "../x.png",
        "sub//x.png",
        "./../x.png",
    ] {
        let csv = format!("file_name,text\na.png,here\n{name},out\n");
        let folder = folder([("a.png", ""), ("metadata.csv", csv.as_str())]);
        let dataset = open(folder.path(), &OpenOptions::default()).unwrap();
        let paths: Vec<&str> = dataset.posts.iter().map(|p| &*p.image_path).collect();
        assert_eq!(paths, ["a.png"], "{name}");
        let message = &dataset.problems[0].message;
        assert!(message.contains("leads out of the folder"), "{message}");
    }
}
