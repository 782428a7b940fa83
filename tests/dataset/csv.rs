//! CSV files, good and bad.

use std::fs;

use overrule::dataset::{Format, LabelSource, OpenOptions, find_missing_images, open};

use super::{folder, open_csv, open_error, options, places, truth};
use crate::common::fixture;

#[test]
fn the_fixture_opens_without_a_problem() {
    let dataset = open(&fixture("posts/test.csv"), &OpenOptions::default()).unwrap();
    assert_eq!(dataset.format, Format::Csv);
    assert_eq!(dataset.name, "test.csv");
    assert_eq!(dataset.posts.len(), 40);
    assert_eq!(dataset.problems, []);
    assert_eq!(dataset.label_source, LabelSource::ClassNames);
    assert_eq!(dataset.posts[0].text.as_ref(), "it's\nquazzle  mundok walk");
    assert_eq!(truth(&dataset, 0), "sexist,homophobe,otherhate");
    assert_eq!((dataset.posts[0].line, dataset.posts[1].line), (2, 4));
    assert_eq!(find_missing_images(&dataset, 0..usize::MAX), []);
}

#[test]
fn headers_are_recognised_in_many_spellings() {
    for header in [
        "text,image_path,labels",
        "\u{feff}text,image_path,labels",
        " Text , Image Path ,LABELS",
        "\"text\",\"image-path\",\"labels\"",
    ] {
        for newline in ["\n", "\r\n"] {
            let dataset = open_csv(format!("{header}{newline}hi,a.png,\"x,y\"{newline}"));
            assert_eq!(dataset.posts[0].text.as_ref(), "hi", "{header}");
            assert_eq!(dataset.posts[0].image_path.as_ref(), "a.png", "{header}");
            assert_eq!(truth(&dataset, 0), "x,y", "{header}");
            assert_eq!(dataset.problems, [], "{header}");
        }
    }
}

#[test]
fn other_columns_are_kept() {
    let dataset = open_csv("id,text,labels,image_path,Split Name\n7,hi,x,a.png,train\n8,ho\n");
    assert_eq!(dataset.extra_columns, ["id", "Split Name"]);
    let extra = |post: usize| {
        dataset.posts[post]
            .extra
            .iter()
            .map(|c| &**c)
            .collect::<Vec<_>>()
    };
    assert_eq!((extra(0), extra(1)), (vec!["7", "train"], vec!["8", ""]));
}

#[test]
fn posts_without_a_labels_cell_are_unlabelled() {
    for (csv, expected) in [
        ("text,image_path\na,b\n", vec!["?"]),
        (
            "text,labels\na,\nb,?\nc\nd,nan\ne,\"['x']\"\n",
            vec!["", "?", "?", "", "x"],
        ),
        (
            "text,label\na,1\nb,0\nc,\nd,?\n",
            vec!["harmful", "", "?", "?"],
        ),
        ("text,label\na,x\nb,\nc,y\n", vec!["x", "?", "y"]),
    ] {
        let dataset = open_csv(csv);
        let found: Vec<_> = (0..dataset.posts.len())
            .map(|i| truth(&dataset, i))
            .collect();
        assert_eq!(found, expected, "{csv}");
    }
}

#[test]
fn the_label_set_comes_from_whoever_speaks_first() {
    let csv = "text,labels\na,\"c,a\"\nb,b\n";
    for (class_names, labels, model, expected, source) in [
        (None, None, None, "c,a,b", LabelSource::Seen),
        (
            None,
            None,
            Some(&["a", "b", "c", "d"][..]),
            "a,b,c,d",
            LabelSource::Model,
        ),
        (
            Some("\u{feff}b\r\n\r\na\r\nc\r\n"),
            None,
            Some(&["z"]),
            "b,a,c",
            LabelSource::ClassNames,
        ),
        (
            Some("b\na\nc\n"),
            Some(&["a", "c"][..]),
            Some(&["z"]),
            "a,c",
            LabelSource::Given,
        ),
        (Some("\n"), None, None, "c,a,b", LabelSource::Seen),
    ] {
        let folder = folder([("posts.csv", csv)]);
        if let Some(names) = class_names {
            fs::write(folder.path().join("class_names.txt"), names).unwrap();
        }
        let dataset = open(&folder.path().join("posts.csv"), &options(labels, model)).unwrap();
        assert_eq!(
            dataset.labels.iter().collect::<Vec<_>>().join(","),
            expected
        );
        assert_eq!(dataset.label_source, source);
    }
}

#[test]
fn a_binary_column_means_the_class_harmful() {
    let folder = folder([("posts.csv", "text,label\na,1\nb,0\n")]);
    let path = folder.path().join("posts.csv");
    for (labels, model, expected, source) in [
        (None, None, "harmful", LabelSource::Binary),
        (
            None,
            Some(&["racist", "sexist"][..]),
            "harmful",
            LabelSource::Binary,
        ),
        (
            None,
            Some(&["safe", "harmful"][..]),
            "harmful",
            LabelSource::Model,
        ),
        (Some(&["hateful"][..]), None, "hateful", LabelSource::Given),
    ] {
        let dataset = open(&path, &options(labels, model)).unwrap();
        assert_eq!(
            (truth(&dataset, 0).as_str(), truth(&dataset, 1).as_str()),
            (expected, "")
        );
        assert_eq!(dataset.label_source, source);
    }
}

#[test]
fn unknown_labels_stay_visible() {
    let folder = folder([
        ("posts.csv", "text,labels\na,x\nb,\"x,Y,z\"\n"),
        ("class_names.txt", "x\ny\n"),
    ]);
    let dataset = open(&folder.path().join("posts.csv"), &OpenOptions::default()).unwrap();
    assert_eq!(truth(&dataset, 1), "x");
    assert_eq!(places(&dataset.problems), ["UnknownLabel@1:3:-"]);
    assert!(
        dataset.problems[0]
            .message
            .contains("“Y”, “z” are not in the label set (x, y)")
    );
}

#[test]
fn a_bad_row_costs_nothing_but_itself() {
    let csv = b"text,image_path,labels\n\
        short\n\
        good,a.png,x\n\
        long,a.png,x,more,still more\n\
        a\xc3\xa4\xff!,a.png,x\n\
        nul\0,a.png,x\n\
        \"stray,a.png,x\n\
        good,a.png,x\n";
    let dataset = open_csv(csv);
    assert_eq!(
        places(&dataset.problems),
        [
            "ShortRow@0:2:-",
            "LongRow@2:4:-",
            "InvalidText@3:5:3",
            "InvalidText@4:6:4",
            "Unreadable@5:7:1",
        ]
    );
    let texts: Vec<_> = dataset.posts.iter().map(|p| &*p.text).collect();
    assert_eq!(
        texts,
        [
            "short",
            "good",
            "long",
            "aä\u{fffd}!",
            "nul\u{fffd}",
            "\"stray",
            "good"
        ]
    );
    assert_eq!(truth(&dataset, 0), "?");
    assert!((1..7).all(|post| truth(&dataset, post) == "x"));
}

#[test]
fn a_column_named_twice_is_said() {
    let dataset = open_csv("text,text,labels\na,b,x\n");
    assert_eq!(dataset.posts[0].text.as_ref(), "a");
    assert_eq!(dataset.extra_columns, ["text"]);
    assert_eq!(places(&dataset.problems), ["Unreadable@-:1:-"]);
}

#[test]
fn equal_posts_have_names_of_their_own_and_keep_them() {
    let dataset = open_csv("text,image_path\na,b\na,b\nab,\na,b\n");
    let mut ids: Vec<_> = dataset.posts.iter().map(|p| p.id).collect();
    let reordered = open_csv("image_path,text\n,ab\nb,a\nb,a\nb,a\n");
    let mut others: Vec<_> = reordered.posts.iter().map(|p| p.id).collect();
    assert_ne!(ids, others);
    ids.sort();
    others.sort();
    assert_eq!(ids, others);
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn what_cannot_be_opened_says_what_to_do() {
    let many: String = (0..65).map(|i| format!("a,l{i}\n")).collect();
    let utf16: Vec<u8> = "text,labels\na,b\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let marked = [b"\xff\xfe", &utf16[..]].concat();
    for (name, bytes, expected) in [
        ("a.csv", b"".to_vec(), "the file is empty"),
        ("a.csv", b"\xef\xbb\xbf \n".to_vec(), "the file is empty"),
        ("a.csv", b"text,labels\n".to_vec(), "no row below it"),
        (
            "a.csv",
            b"caption,file,tags\na,b,c\n".to_vec(),
            "it names: caption, file, tags; rename",
        ),
        ("a.csv", b"text;labels\na;b\n".to_vec(), "separated by “;”"),
        ("a.csv", utf16, "UTF-16"),
        ("a.csv", marked, "UTF-16"),
        (
            "a.csv",
            format!("text,labels\n{many}").into_bytes(),
            "65 labels were found",
        ),
        (
            "a.xlsx",
            b"PK".to_vec(),
            "a folder of images, a CSV or TSV file, a JSON",
        ),
    ] {
        let folder = folder([(name, bytes)]);
        let message = open_error(&folder.path().join(name));
        assert!(message.contains(expected), "{message}");
        assert!(
            message.contains(name) || expected.contains("labels"),
            "{message}"
        );
    }
    let folder = folder([("notes.md", "")]);
    assert!(open_error(&folder.path().join("nothing.csv")).contains("check the spelling"));
    assert!(open_error(folder.path()).contains("no image"));
}

#[test]
fn labels_that_are_no_label_set_are_refused() {
    let folder = folder([("a.csv", "text\na\n"), ("class_names.txt", "x\nx\n")]);
    let message = open_error(&folder.path().join("a.csv"));
    assert!(message.contains("class_names.txt"), "{message}");
    assert!(message.contains("“x” is listed twice"), "{message}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_open_or_are_refused(bytes in proptest::collection::vec(
        proptest::sample::select(&b"text,labels\n\n\n\r\"\"\",,,,a\0\xff\xc3\xa4['?]"[..]), 0..120
    )) {
        let bytes = [b"text,image_path,labels\n", &bytes[..]].concat();
        let folder = folder([("posts.csv", &bytes)]);
        if let Ok(dataset) = open(&folder.path().join("posts.csv"), &OpenOptions::default()) {
            proptest::prop_assert!(dataset.problems.iter().all(|p| p.post.is_none_or(|i| i < dataset.posts.len())));
            proptest::prop_assert!(dataset.posts.is_sorted_by_key(|p| p.line));
        }
    }
}
