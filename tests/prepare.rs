//! Published datasets: opened as they are, and made ready for training.

mod safety;

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use overrule::dataset::{Dataset, Format, OpenOptions, open};
use tempfile::TempDir;

use crate::cli::run::{run, text};

/// Ids of 19 digits that differ only where a float does not tell.
const A: &str = "1114679353714016256";
const B: &str = "1114679353714016257";
const C: &str = "1114679353714016258";
const D: &str = "1114679353714016259";
const E: &str = "1114679353714016260";
const F: &str = "1114679353714016261";

fn write(root: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// MMHS150K in small, with one of each fault.
fn mmhs150k(root: &Path) {
    let ground_truth = format!(
        r#"{{"{A}": {{"tweet_text": "all, \"agree\"", "labels": [1, 1, 1], "img_url": "x"}},
            "{B}": {{"tweet_text": "two\nlines", "labels": [0, 2, 5]}},
            "{C}": {{"tweet_text": "most", "labels": [3, 3, 0]}},
            "{D}": {{"tweet_text": "bad vote", "labels": [0, 9, 0]}},
            "{E}": {{"tweet_text": "no picture", "labels": [0, 0, 0]}},
            "{F}": {{"tweet_text": "in no split", "labels": [0, 0, 0]}}}}"#
    );
    write(root, "MMHS150K_GT.json", ground_truth);
    write(
        root,
        "splits/train_ids.txt",
        format!("{A}\n{C}\n{D}\n1.114679353714016e+18\n123\n"),
    );
    write(root, "splits/val_ids.txt", format!("{B}\r\n{E}\r\n"));
    write(root, "splits/test_ids.txt", format!("{C}\n"));
    write(
        root,
        &format!("img_txt/{A}.json"),
        r#"{"img_text": "on the picture"}"#,
    );
    for id in [A, B, C, D, F] {
        write(
            root,
            &format!("img_resized/{id}.jpg"),
            format!("picture {id}"),
        );
    }
}

fn hateful_memes(root: &Path) {
    write(
        root,
        "train.jsonl",
        "{\"id\": 42953, \"img\": \"img/42953.png\", \"label\": 0, \"text\": \"fine\"}\nbroken\n",
    );
    write(
        root,
        "dev.jsonl",
        "{\"id\": \"08291\", \"img\": \"img/08291.png\", \"label\": 1, \"text\": \"bad\"}\n",
    );
    write(
        root,
        "dev_seen.jsonl",
        "{\"id\": 8291, \"img\": \"img/08291.png\", \"label\": 1, \"text\": \"bad\"}\n",
    );
    write(
        root,
        "test_seen.jsonl",
        "{\"id\": 16395, \"img\": \"img/16395.png\", \"text\": \"who knows\"}\n{\"id\": 7, \"img\": \"../../etc/passwd\", \"text\": \"out\"}\n",
    );
    for name in ["42953", "08291", "16395"] {
        write(root, &format!("img/{name}.png"), name);
    }
}

struct Workplace {
    folder: TempDir,
}

impl Workplace {
    fn new(fill: fn(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fill(&folder.path().join("raw"));
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `prepare` and gives what it said.
    #[track_caller]
    fn prepare(&self, source: &str, code: i32, more: &[&str]) -> String {
        let (source, out) = (text(&self.path(source)), text(&self.path("out")));
        let args = [&["prepare", &source, "--out", &out], more].concat();
        run(args).expect(code).stderr
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path("out").join(name)).unwrap()
    }
}

fn summary(dataset: &Dataset) -> Vec<String> {
    let post = |post: &overrule::post::Post| {
        let labels = post
            .truth
            .map_or_else(|| "?".to_owned(), |t| dataset.labels.names_of(t).join(","));
        format!("{}|{}|{labels}", post.text, post.extra.join("|"))
    };
    dataset.posts.iter().map(post).collect()
}

#[test]
fn mmhs150k_opens_as_published_with_splits_and_votes() {
    let work = Workplace::new(mmhs150k);
    let dataset = open(&work.path("raw"), &OpenOptions::default()).unwrap();
    assert_eq!(dataset.format, Format::Mmhs150k);
    assert_eq!(dataset.extra_columns, ["id", "split", "votes"]);
    assert_eq!(
        dataset.labels.python_list(),
        "['racist', 'sexist', 'homophobe', 'religion', 'otherhate']"
    );
    assert_eq!(
        summary(&dataset),
        [
            format!("all, \"agree\"|{A}|train|racist | racist | racist|racist"),
            format!("two\nlines|{B}|val|none | sexist | otherhate|sexist,otherhate"),
            format!("most|{C}|test|homophobe | homophobe | none|homophobe"),
            format!("bad vote|{D}|train||?"),
            format!("no picture|{E}|val|none | none | none|"),
            format!("in no split|{F}||none | none | none|"),
        ]
    );
    assert!(dataset.image_file(&dataset.posts[0]).unwrap().is_file());
    let said: Vec<&str> = dataset
        .problems
        .iter()
        .map(|p| p.message.as_str())
        .collect();
    assert_eq!(said.len(), 5, "{said:#?}");
    assert!(
        said.iter()
            .any(|m| m.starts_with("splits/train_ids.txt, line 4: the line cannot be read")),
        "{said:#?}"
    );
}

#[test]
fn pictures_that_share_a_name_but_for_their_folder_stay_apart() {
    let work = Workplace::new(|_| ());
    let images = ["a.png", "img/a.png", "img/img/a.png", "img/b.png"];
    let lines = images.iter().enumerate().map(|(id, img)| {
        serde_json::json!({"id": id + 1, "img": img, "label": 0, "text": img}).to_string() + "\n"
    });
    let mut files = vec![(
        "train.jsonl".to_owned(),
        lines.collect::<String>().into_bytes(),
    )];
    files.extend(images.map(|name| (name.to_owned(), name.as_bytes().to_vec())));
    for (name, bytes) in &files {
        write(&work.path("raw"), name, bytes);
    }
    zip_of(&work.path("raw.zip"), &files);
    for source in ["raw", "raw.zip"] {
        work.prepare(source, 0, &[]);
        let dataset = open(&work.path("out/train.csv"), &OpenOptions::default()).unwrap();
        for post in &dataset.posts {
            // Each text is the name of its picture, and what the file says.
            assert_eq!(work.read(&post.image_path), *post.text);
        }
        let paths: Vec<&str> = dataset.posts.iter().map(|post| &*post.image_path).collect();
        let expected = [
            "images/a.png",
            "images/img/a.png",
            "images/img/img/a.png",
            "images/b.png",
        ];
        assert_eq!(paths, expected, "{source}");
        fs::remove_dir_all(work.path("out")).unwrap();
    }
}

#[test]
fn mmhs150k_becomes_tables_and_pictures_and_what_is_left_out_is_told() {
    let work = Workplace::new(mmhs150k);
    let said = work.prepare("raw", 1, &[]);
    assert_eq!(
        work.read("train.csv"),
        format!("text,image_path,labels\n\"all, \"\"agree\"\"\",images/{A}.jpg,racist\n")
    );
    assert_eq!(
        work.read("val.csv"),
        format!("text,image_path,labels\n\"two\nlines\",images/{B}.jpg,\"sexist,otherhate\"\n")
    );
    assert_eq!(
        work.read("test.csv"),
        format!("text,image_path,labels\nmost,images/{C}.jpg,homophobe\n")
    );
    assert_eq!(
        work.read("class_names.txt"),
        "racist\nsexist\nhomophobe\nreligion\notherhate\n"
    );
    assert!(work.path("raw/MMHS150K_GT.json").is_file());
    insta::assert_snapshot!(said.replace(work.folder.path().to_str().unwrap(), "[FOLDER]"));
    insta::assert_snapshot!(work.read("left_out.csv"));
    let dataset = open(&work.path("out/train.csv"), &OpenOptions::default()).unwrap();
    assert!(dataset.image_file(&dataset.posts[0]).unwrap().is_file());
}

#[test]
fn labels_come_from_all_annotators_most_or_each() {
    for (rule, header, row) in [
        ("union", "text,image_path,labels", "\"sexist,otherhate\""),
        ("majority", "text,image_path,labels", ""),
        (
            "votes",
            "text,image_path,labels,vote_1,vote_2,vote_3",
            "\"sexist,otherhate\",none,sexist,otherhate",
        ),
    ] {
        let work = Workplace::new(mmhs150k);
        work.prepare("raw", 1, &["--labels-by", rule]);
        assert_eq!(
            work.read("val.csv"),
            format!("{header}\n\"two\nlines\",images/{B}.jpg,{row}\n")
        );
    }
    let work = Workplace::new(mmhs150k);
    work.prepare("raw", 1, &["--image-text", "--images", "in-place"]);
    let raw = work.path("raw").canonicalize().unwrap();
    let image = raw.join(format!("img_resized/{A}.jpg"));
    assert!(
        work.read("train.csv")
            .ends_with(&format!("{},racist,on the picture\n", image.display()))
    );
    assert!(!work.path("out/images").exists());
}

#[test]
fn a_second_run_goes_on_and_never_replaces_other_tables() {
    let work = Workplace::new(mmhs150k);
    work.prepare("raw", 1, &["--images", "copy"]);
    // What a run that was killed leaves behind.
    fs::remove_file(work.path("out/train.csv")).unwrap();
    fs::write(work.path(&format!("out/images/{A}.jpg")), "pict").unwrap();
    let said = work.prepare("raw", 1, &["--images", "copy"]);
    assert!(
        said.contains("0 linked, 1 copied, 2 in their place already"),
        "{said}"
    );
    assert_eq!(
        fs::read_to_string(work.path(&format!("out/images/{A}.jpg"))).unwrap(),
        format!("picture {A}")
    );
    assert!(work.read("train.csv").contains("racist"));

    let said = work.prepare("raw", 2, &["--labels-by", "majority"]);
    assert!(
        said.contains("val.csv exists already and says something else"),
        "{said}"
    );
    assert!(work.read("val.csv").contains("sexist"));
    work.prepare("raw", 1, &["--labels-by", "majority", "--force"]);
    assert!(!work.read("val.csv").contains("sexist"));
}

#[test]
fn hateful_memes_opens_and_is_prepared() {
    let work = Workplace::new(hateful_memes);
    let dataset = open(&work.path("raw"), &OpenOptions::default()).unwrap();
    assert_eq!(dataset.format, Format::HatefulMemes);
    let expected = [
        "fine|42953|train|",
        "bad|8291|val|harmful",
        "who knows|16395|test|?",
        "out|7|test|?",
    ];
    assert_eq!(summary(&dataset), expected);

    let said = work.prepare("raw", 1, &[]);
    assert_eq!(
        work.read("train.csv"),
        "text,image_path,labels\nfine,images/42953.png,\n"
    );
    assert_eq!(
        work.read("val.csv"),
        "text,image_path,labels\nbad,images/08291.png,harmful\n"
    );
    assert_eq!(
        work.read("test.csv"),
        "text,image_path,labels\nwho knows,images/16395.png,?\n"
    );
    assert_eq!(work.read("class_names.txt"), "harmful\n");
    for told in [
        "train.jsonl line 2",
        "leads out of the dataset's folder",
        "1 noted: it occurs twice",
    ] {
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn an_archive_is_prepared_without_unpacking_it() {
    let work = Workplace::new(mmhs150k);
    let files = files_below(&work.path("raw"), "MMHS150K/");
    zip_of(&work.path("MMHS150K.zip"), &files);
    work.prepare("MMHS150K.zip", 1, &[]);
    assert!(work.read("train.csv").contains(A));
    assert_eq!(
        fs::read_to_string(work.path(&format!("out/images/{A}.jpg"))).unwrap(),
        format!("picture {A}")
    );
    let said = work.prepare("MMHS150K.zip", 2, &["--images", "in-place"]);
    assert!(said.contains("cannot be used in place"), "{said}");

    // A picture that is damaged costs one post.
    let mut bytes = fs::read(work.path("MMHS150K.zip")).unwrap();
    let name = format!("{B}.jpg");
    let at = bytes
        .windows(name.len())
        .position(|w| w == name.as_bytes())
        .unwrap();
    bytes[at + name.len() + 2] ^= 0x55;
    fs::write(work.path("broken.zip"), bytes).unwrap();
    fs::remove_dir_all(work.path("out")).unwrap();
    let said = work.prepare("broken.zip", 1, &[]);
    assert!(said.contains("damaged in the archive"), "{said}");
}

#[test]
fn something_else_is_refused() {
    let work = Workplace::new(mmhs150k);
    write(&work.path("other"), "a.png", "x");
    write(&work.path("other"), "a.zip", "x");
    for (source, said) in [
        ("other", "is neither MMHS150K"),
        ("other/a.zip", "is neither MMHS150K"),
        ("gone", "there is no file or folder"),
    ] {
        let error = work.prepare(source, 2, &[]);
        assert!(error.contains(said), "{source}: {error}");
    }
    let raw = text(&work.path("raw"));
    let error = run(["prepare", &raw, "--out", &raw]).expect(2).stderr;
    assert!(error.contains("the dataset's own folder"), "{error}");
    fs::remove_dir_all(work.path("raw/splits")).unwrap();
    let error = work.prepare("raw", 2, &[]);
    assert!(
        error.contains("of most it is true that it is in no split"),
        "{error}"
    );
}

/// Every file below a folder: its name with a prefix, and its bytes.
fn files_below(root: &Path, prefix: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            files.extend(files_below(&path, &format!("{name}/")));
        } else {
            files.push((name, fs::read(path).unwrap()));
        }
    }
    files
}

/// A zip archive with deflated entries, as the datasets are published. (The crate's own writer has compression switched off.)
fn zip_of(path: &Path, files: &[(String, Vec<u8>)]) {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut deflated =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        deflated.write_all(content).unwrap();
        let deflated = deflated.finish().unwrap();
        let mut sum = flate2::Crc::new();
        sum.update(content);
        // Version 2.0, no flags, deflated, no time; then the sum, both sizes, and the name's length.
        let mut header = vec![20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0];
        for number in [sum.sum(), deflated.len() as u32, content.len() as u32] {
            header.extend(number.to_le_bytes());
        }
        header.extend((name.len() as u16).to_le_bytes());
        header.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00".iter().chain(&header));
        directory.extend([0; 10]);
        directory.extend((bytes.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        bytes.extend(b"PK\x03\x04".iter().chain(&header));
        bytes.extend(name.as_bytes());
        bytes.extend(deflated);
    }
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend([(files.len() as u16).to_le_bytes(); 2].concat());
    end.extend((directory.len() as u32).to_le_bytes());
    end.extend((bytes.len() as u32).to_le_bytes());
    end.extend([0, 0]);
    File::create(path)
        .unwrap()
        .write_all(&[bytes, directory, end].concat())
        .unwrap();
}
