//! The Korean UnSmile layout: a comment and a column of 0 and 1 for each kind of hate speech.

use overrule::dataset::{LabelSource, OpenOptions, UNSMILE_LABELS, find_missing_images, open};

use super::{folder, open_csv, options, places, truth};
use crate::common::fixture;

/// The published header.
const HEADER: &str = "문장\t여성/가족\t남성\t성소수자\t인종/국적\t연령\t지역\t종교\t기타 혐오\t악플/욕설\tclean\t개인지칭";

#[test]
fn the_published_layout_opens_without_a_problem() {
    let dataset = open(&fixture("unsmile.tsv"), &OpenOptions::default()).unwrap();
    assert_eq!(dataset.problems, []);
    assert_eq!(find_missing_images(&dataset, 0..usize::MAX), []);
    assert_eq!(dataset.label_source, LabelSource::Header);
    assert_eq!(dataset.labels.iter().collect::<Vec<_>>(), UNSMILE_LABELS);
    let rows: Vec<_> = (0..dataset.posts.len())
        .map(|i| (&*dataset.posts[i].text, truth(&dataset, i)))
        .collect();
    let expected = [
        ("오늘은 하늘이 맑아요", ""),
        ("쁩쁩이는 뿅뿅", "Women/Family,Religion"),
        ("가게가\t\"늦게\" 열어요", ""),
        ("뾰로롱 마을은 멀다", "Region"),
        ("흠 ㅋㅋ 😂", ""),
        ("쑥덕쑥덕 기타", "Other Hate Speech"),
    ];
    assert_eq!(rows, expected.map(|(text, names)| (text, names.to_owned())));
    assert!(dataset.posts.iter().all(|post| post.image_path.is_empty()));
}

#[test]
fn columns_that_are_no_kind_of_hate_speech_stay_beside_the_text() {
    let dataset = open(&fixture("unsmile.tsv"), &OpenOptions::default()).unwrap();
    assert_eq!(dataset.extra_columns, ["악플/욕설", "clean", "개인지칭"]);
    let extra: Vec<_> = dataset
        .posts
        .iter()
        .map(|post| post.extra.concat())
        .collect();
    assert_eq!(extra, ["010", "000", "010", "001", "100", "000"]);
}

#[test]
fn the_header_is_recognised_by_its_names_alone() {
    let row = "가나\t0\t0\t1\t0\t0\t0\t0\t0\t0\t0\t0\n";
    let spaced = HEADER
        .replace("기타 혐오", "기타혐오")
        .replace("개인지칭", "개인 지칭");
    for header in [HEADER.to_owned(), spaced, format!("\u{feff}{HEADER}")] {
        let dataset = open_csv(format!("{header}\n{row}"));
        assert_eq!(truth(&dataset, 0), "LGBTQ+", "{header}");
    }
    let with_commas = format!("{HEADER}\n{row}").replace('\t', ",");
    assert_eq!(truth(&open_csv(with_commas), 0), "LGBTQ+");
    let turned = HEADER.split('\t').rev().collect::<Vec<_>>().join("\t");
    let dataset = open_csv(format!("{turned}\n0\t0\t0\t0\t0\t0\t1\t0\t0\t0\t0\t가나\n"));
    assert_eq!(
        (&*dataset.posts[0].text, truth(&dataset, 0)),
        ("가나", "Age".to_owned())
    );
}

#[test]
fn a_label_cell_that_is_no_number_leaves_its_post_unlabelled_and_says_where() {
    let rows = [
        "가\t0\t0\t0\t0\t0\t0\t1\t0\t0\t0\t0",
        "\"나\n다\"\t0\t2\t0\t0\t0\t0\t0\t0\t0\t0\t0",
        "라\t\t\t\t\t\t\t\t\t0\t0\t0",
        "마\t1\t0",
        "바\t1.0\t0.0\t0\t0\t0\t0\t0\t0\t0\t0\t0",
    ];
    let dataset = open_csv(format!("{HEADER}\n{}\n", rows.join("\n")));
    let truths: Vec<_> = (0..5).map(|i| truth(&dataset, i)).collect();
    assert_eq!(truths, ["Religion", "?", "?", "?", "Women/Family"]);
    let expected = ["Unreadable@1:4:6", "Unreadable@3:6:6", "ShortRow@3:6:-"];
    assert_eq!(places(&dataset.problems), expected);
    let message = &dataset.problems[0].message;
    assert!(message.contains("남성 is “2”"), "{message}");
}

#[test]
fn only_the_user_and_class_names_beat_the_headers_labels() {
    let row = "가\t0\t0\t0\t0\t0\t0\t1\t0\t0\t0\t0";
    let text = format!("{HEADER}\n{row}\n");
    let alone = folder([("posts.tsv", text.clone())]);
    let beside = folder([
        ("posts.tsv", text),
        ("class_names.txt", "Religion\n".to_owned()),
    ]);
    let given = ["Age", "Religion"];
    for (folder, options, source, labels) in [
        (
            &alone,
            options(None, Some(&["racist"])),
            LabelSource::Header,
            8,
        ),
        (&alone, options(Some(&given), None), LabelSource::Given, 2),
        (&beside, OpenOptions::default(), LabelSource::ClassNames, 1),
    ] {
        let dataset = open(&folder.path().join("posts.tsv"), &options).unwrap();
        assert_eq!(
            (dataset.label_source, dataset.labels.len()),
            (source, labels)
        );
        assert_eq!(truth(&dataset, 0), "Religion");
        assert_eq!(dataset.problems, []);
    }
}

#[test]
fn other_files_of_tabs_are_read_as_those_of_commas() {
    for name in ["posts.tsv", "posts.csv"] {
        let folder = folder([(name, "text\tlabels\thint\n\"a, b\"\tx,y\t\"1\t2\"\n")]);
        let dataset = open(&folder.path().join(name), &OpenOptions::default()).unwrap();
        assert_eq!(&*dataset.posts[0].text, "a, b", "{name}");
        assert_eq!(truth(&dataset, 0), "x,y", "{name}");
        assert_eq!(&*dataset.posts[0].extra[0], "1\t2", "{name}");
        assert_eq!(dataset.problems, [], "{name}");
    }
    let folder = folder([("posts.tsv", "text,labels\na,x\n")]);
    let dataset = open(&folder.path().join("posts.tsv"), &OpenOptions::default()).unwrap();
    assert_eq!(&*dataset.posts[0].text, "a");
}
