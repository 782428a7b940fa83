//! Parquet files: unpacked with their pictures, opened where they have none, refused where they are damaged.

mod doubtful;

use std::{
    fs,
    path::{Path, PathBuf},
};

use overrule::{
    dataset::{Format, LabelSource, OpenError, OpenOptions, open},
    prepare::{Images, LabelsBy, Options, PrepareError, Prepared, prepare},
};
use parquet::{
    data_type::{ByteArray, ByteArrayType, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use tempfile::TempDir;

use crate::cli::run::{run, text};

/// Six posts as the `datasets` library writes them, in row groups of four (`tests/reference/parquet.py`).
const HUB: &str = "tests/fixtures/parquet/train-00000-of-00001.parquet";

fn options(out: &Path) -> Options {
    Options {
        out: out.to_owned(),
        images: Images::Link,
        labels_by: LabelsBy::Union,
        image_text: false,
        replace: false,
    }
}

fn unpack(source: &Path, out: &Path) -> Result<Prepared, PrepareError> {
    prepare(source, &options(out), &mut |_| true)
}

/// A file of texts and two numbers a row, without any description.
fn write_numbers(path: &Path, rows: &[(&str, i64, i64)]) {
    let schema = "message schema { required binary comment (UTF8); required int64 toxic; required int64 likes; }";
    let schema = parse_message_type(schema).unwrap();
    let properties = WriterProperties::builder().build();
    let file = fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema.into(), properties.into()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let texts: Vec<ByteArray> = rows.iter().map(|row| ByteArray::from(row.0)).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<ByteArrayType>()
        .write_batch(&texts, None, None)
        .unwrap();
    column.close().unwrap();
    for values in [
        rows.iter().map(|row| row.1).collect::<Vec<_>>(),
        rows.iter().map(|row| row.2).collect(),
    ] {
        let mut column = group.next_column().unwrap().unwrap();
        column
            .typed::<Int64Type>()
            .write_batch(&values, None, None)
            .unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

fn summary(path: &Path) -> Vec<String> {
    let dataset = open(path, &OpenOptions::default()).unwrap();
    let labels = |post: &overrule::post::Post| {
        post.truth
            .map_or_else(|| "?".to_owned(), |t| dataset.labels.names_of(t).join("+"))
    };
    let line = |post: &overrule::post::Post| {
        format!(
            "{}|{}|{}|{}",
            post.text,
            post.image_path,
            labels(post),
            post.extra.join("|")
        )
    };
    dataset.posts.iter().map(line).collect()
}

#[test]
fn a_file_of_the_hub_becomes_a_table_with_pictures_and_class_names() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let said = run(["prepare", HUB, "--out", &text(&out)]).expect(0).stderr;
    assert!(said.contains("6 posts in"), "{said}");
    assert!(
        said.contains("0 linked, 6 copied, 0 in their place already"),
        "{said}"
    );
    assert_eq!(
        fs::read_to_string(out.join("class_names.txt")).unwrap(),
        "racist\nsexist\nother, hate\n"
    );
    let id = |n: i64| 1_114_679_353_714_016_256 + n;
    let expected = |n, image: &str, labels: &str| {
        format!(
            "line one\nline \"two\" of {n}, ä|images/train/{image}|{labels}|{}",
            id(n)
        )
    };
    assert_eq!(
        summary(&out.join("train.csv")),
        [
            expected(0, "post 0.png", ""),
            expected(1, "post 1.png", "racist"),
            expected(2, "00000003.png", "sexist"),
            expected(3, "post 3.png", "racist+sexist"),
            expected(4, "post 4.png", "other, hate"),
            expected(5, "00000006.png", "racist+other, hate"),
        ]
    );
    for entry in fs::read_dir(out.join("images/train")).unwrap().flatten() {
        assert!(
            overrule::image::decode_file(&entry.path()).is_ok(),
            "{:?}",
            entry.path()
        );
    }
    // What was stopped is gone on with, and nothing is made twice.
    fs::remove_file(out.join("images/train/post 4.png")).unwrap();
    let again = unpack(Path::new(HUB), &out).unwrap();
    assert_eq!((again.copied, again.there), (1, 5));
    let stopped = prepare(Path::new(HUB), &options(&out), &mut |progress| {
        progress.done < 2
    });
    assert!(matches!(stopped, Err(PrepareError::Stopped)), "{stopped:?}");
}

#[test]
fn shards_of_a_folder_are_one_dataset_by_split() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("hub/data");
    fs::create_dir_all(&data).unwrap();
    for name in [
        "train-00001-of-00002.parquet",
        "train-00000-of-00002.parquet",
        "validation-00000-of-00001.parquet",
    ] {
        fs::copy(HUB, data.join(name)).unwrap();
    }
    let out = folder.path().join("out");
    let made = unpack(&folder.path().join("hub"), &out).unwrap();
    let tables: Vec<(String, usize)> = made
        .tables
        .iter()
        .map(|(path, n)| (text(path.file_name().unwrap().as_ref()), *n))
        .collect();
    assert_eq!(
        tables,
        [("train.csv".to_owned(), 12), ("val.csv".to_owned(), 6)]
    );
    // The second shard's pictures have the names of the first's.
    let train = summary(&out.join("train.csv"));
    assert!(train[0].contains("images/train/post 0.png"), "{}", train[0]);
    assert!(
        train[6].contains("images/train/00000007.png"),
        "{}",
        train[6]
    );
    let pictures = fs::read_dir(out.join("images/train")).unwrap().count();
    assert_eq!(pictures, 12);
}

#[test]
fn a_file_with_pictures_says_how_to_unpack_it_and_one_without_opens() {
    let error = open(Path::new(HUB), &OpenOptions::default()).unwrap_err();
    assert!(matches!(error, OpenError::Packed(_)));
    assert!(error.to_string().contains("overrule prepare"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("comments.parquet");
    write_numbers(&path, &[("fine", 0, 12), ("not fine", 1, 3)]);
    let dataset = open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(dataset.format, Format::Parquet);
    assert_eq!(dataset.label_source, LabelSource::Header);
    assert_eq!(dataset.labels.python_list(), "['toxic']");
    assert_eq!(dataset.extra_columns, ["likes"]);
    assert_eq!(summary(&path), ["fine|||12", "not fine||toxic|3"]);
    // Numbers that are no truth values are no labels.
    write_numbers(&path, &[("fine", 0, 12), ("not fine", 2, 3)]);
    assert_eq!(summary(&path), ["fine||?|0|12", "not fine||?|2|3"]);
}

#[test]
fn every_usual_compression_is_read_and_another_is_named() {
    let expected: Vec<String> = (0..40)
        .map(|n| {
            let labels = ["", "a", "b", "a+b"][n % 4];
            format!("text {n} {}||{labels}|", "again ".repeat(20))
        })
        .collect();
    for codec in ["gzip", "gzip_v2", "zstd", "zstd_v2", "polars", "lz4"] {
        let path = format!("tests/fixtures/parquet/{codec}.parquet");
        assert_eq!(summary(Path::new(&path)), expected, "{codec}");
    }
    let brotli = Path::new("tests/fixtures/parquet/brotli.parquet");
    let told = open(brotli, &OpenOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        told.contains("brotli") && told.contains("compression=\"snappy\""),
        "{told}"
    );
}

/// A file made of some bytes, and where it would be unpacked to.
fn hostile(bytes: &[u8]) -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("x.parquet"), folder.path().join("out"));
    fs::write(&path, bytes).unwrap();
    (folder, path, out)
}

#[test]
fn a_file_that_is_no_parquet_or_cut_off_is_an_error_that_names_it() {
    let whole = fs::read(HUB).unwrap();
    let n = whole.len();
    let mut wrong_magic = whole.clone();
    wrong_magic[n - 4..].copy_from_slice(b"PARQ");
    let mut huge_footer = whole.clone();
    huge_footer[n - 8..n - 4].copy_from_slice(&i32::MAX.to_le_bytes());
    let mut negative_footer = whole.clone();
    negative_footer[n - 8..n - 4].copy_from_slice(&(-1i32).to_le_bytes());
    for bytes in [
        &b""[..],
        b"PAR1",
        b"PAR1PAR1",
        &whole[..n / 2],
        &whole[..n - 1],
        &wrong_magic,
        &huge_footer,
        &negative_footer,
    ] {
        let (_folder, path, out) = hostile(bytes);
        let error = unpack(&path, &out).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("x.parquet cannot be read as Parquet"),
            "{error}"
        );
        assert!(!out.exists(), "nothing is written");
    }
}

#[test]
fn a_damaged_row_group_costs_its_rows_and_no_others() {
    let mut bytes = fs::read(HUB).unwrap();
    // The first pictures' page: the checks of the pictures' own bytes are not Parquet's business, its header's are.
    bytes[4..24].fill(0xff);
    let (_folder, path, out) = hostile(&bytes);
    let made = unpack(&path, &out).unwrap();
    assert_eq!(made.tables.iter().map(|table| table.1).sum::<usize>(), 2);
    assert_eq!(made.faults.len(), 1);
    let list = fs::read_to_string(out.join("left_out.csv")).unwrap();
    assert!(list.contains("x.parquet, 4 rows from row 1 on"), "{list}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 48, ..Default::default() })]
    #[test]
    fn any_damage_is_an_error_or_a_shorter_table(
        file in proptest::sample::select(&["train-00000-of-00001", "gzip", "zstd_v2", "lz4"][..]),
        changes in proptest::collection::vec((0.0..1.0f64, proptest::num::u8::ANY), 1..6),
        in_footer in proptest::bool::ANY,
    ) {
        let mut bytes = fs::read(format!("tests/fixtures/parquet/{file}.parquet")).unwrap();
        let n = bytes.len();
        let footer = usize::try_from(u32::from_le_bytes(bytes[n - 8..n - 4].try_into().unwrap())).unwrap();
        let (first, width) = if in_footer { (n - 8 - footer, footer) } else { (0, n) };
        for (place, value) in changes {
            bytes[first + (place * width as f64) as usize] = value;
        }
        let (_folder, path, out) = hostile(&bytes);
        if let Ok(made) = unpack(&path, &out) {
            proptest::prop_assert!(made.tables.iter().map(|table| table.1).sum::<usize>() <= 40);
        }
    }
}
