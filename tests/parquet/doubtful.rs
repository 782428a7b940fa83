//! Parquet files whose labels, pictures or schema are not what they seem.

use std::{fs, path::Path};

use overrule::prepare::PrepareError;
use parquet::{
    data_type::{ByteArray, ByteArrayType},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

use super::{HUB, options, summary, unpack};
use crate::cli::run::{run, text};

/// A file of columns of bytes: the values of each, and how deep they lie.
fn write_columns(path: &Path, schema: &str, columns: &[(&[&[u8]], i16)]) {
    let schema = parse_message_type(schema).unwrap();
    let properties = WriterProperties::builder().build();
    let file = fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema.into(), properties.into()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (values, depth) in columns {
        let values: Vec<ByteArray> = values.iter().map(|v| ByteArray::from(v.to_vec())).collect();
        let defined = vec![*depth; values.len()];
        let mut column = group.next_column().unwrap().unwrap();
        column
            .typed::<ByteArrayType>()
            .write_batch(&values, Some(&defined), None)
            .unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

fn write_labels(path: &Path, labels: [&[u8]; 3]) {
    let schema = "message schema { required binary text (UTF8); required binary labels (UTF8); }";
    let texts: [&[u8]; 3] = [b"fine", b"bad", b"odd"];
    write_columns(path, schema, &[(&texts, 0), (&labels, 0)]);
}

#[test]
fn classes_that_a_file_names_itself_are_its_labels_whatever_lies_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("train.parquet");
    fs::copy(HUB, &file).unwrap();
    fs::write(folder.path().join("class_names.txt"), "spam\nham\n").unwrap();
    let out = folder.path().join("out");
    let made = unpack(&file, &out).unwrap();
    assert_eq!(made.faults, []);
    let names = fs::read_to_string(out.join("class_names.txt")).unwrap();
    assert_eq!(names, "racist\nsexist\nother, hate\n");
    assert!(summary(&out.join("train.csv"))[3].contains("|racist+sexist|"));
}

#[test]
fn a_row_with_a_label_that_does_not_exist_is_in_no_table_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("posts.parquet");
    write_labels(&file, [b"", b"spam", b"spam,huh"]);
    fs::write(folder.path().join("class_names.txt"), "spam\n").unwrap();
    let out = folder.path().join("out");
    let told = run(["prepare", &text(&file), "--out", &text(&out)])
        .expect(1)
        .stderr;
    assert!(
        told.contains("1 left out: it names labels that are none of the classes"),
        "{told}"
    );
    assert!(told.contains("posts.parquet, row 3: “huh”"), "{told}");
    assert_eq!(summary(&out.join("posts.csv")), ["fine|||", "bad||spam|"]);
    let list = fs::read_to_string(out.join("left_out.csv")).unwrap();
    assert!(
        list.contains("row 3") && list.contains("true,it names labels"),
        "{list}"
    );

    // Where no row is left, there is no table that says that no label applies.
    write_labels(&file, [b"ham", b"eggs", b"huh"]);
    fs::remove_dir_all(&out).unwrap();
    let told = run(["prepare", &text(&file), "--out", &text(&out)])
        .expect(2)
        .stderr;
    assert!(
        told.contains("of most it is true that it names labels"),
        "{told}"
    );
    assert!(!out.join("posts.csv").exists());
}

#[test]
fn a_picture_is_its_bytes_also_where_its_name_is_written_as_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("posts.parquet");
    let picture = fs::read("tests/fixtures/edge_images/i16.png").unwrap();
    let schema = "message schema { required binary text (UTF8); optional group image { optional binary bytes; optional binary path; } }";
    let columns: [(&[&[u8]], i16); 3] = [(&[b"one"], 0), (&[&picture], 2), (&[b"cat.png"], 2)];
    write_columns(&file, schema, &columns);
    let out = folder.path().join("out");
    unpack(&file, &out).unwrap();
    assert_eq!(fs::read(out.join("images/cat.png")).unwrap(), picture);
}

#[test]
fn nothing_is_written_into_the_folders_of_a_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let hub = folder.path().join("hub");
    fs::create_dir_all(hub.join("data")).unwrap();
    fs::copy(HUB, hub.join("data/train.parquet")).unwrap();
    for out in [hub.clone(), hub.join("data"), hub.join("data/../data")] {
        let refused = unpack(&hub, &out);
        assert!(
            matches!(refused, Err(PrepareError::IsTheDataset(_))),
            "{refused:?}"
        );
    }
    assert_eq!(fs::read_dir(hub.join("data")).unwrap().count(), 1);
}

#[test]
fn tables_of_other_splits_are_told_and_never_get_other_classes() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for split in ["train", "val"] {
        let file = folder.path().join(format!("{split}.parquet"));
        fs::copy(HUB, &file).unwrap();
        let made = unpack(&file, &out).unwrap();
        let train = out.join("train.csv");
        assert_eq!(made.kept, if split == "val" { vec![train] } else { vec![] });
    }
    // Another dataset of a train split only: the other table would be of the first one's classes.
    let file = folder.path().join("train.parquet");
    write_labels(&file, [b"ham", b"eggs", b""]);
    let mut options = options(&out);
    options.replace = true;
    let refused = overrule::prepare::prepare(&file, &options, &mut |_| true);
    assert!(
        matches!(&refused, Err(PrepareError::OtherClasses(table)) if *table == out.join("val.csv")),
        "{refused:?}"
    );
    assert!(
        fs::read_to_string(out.join("train.csv"))
            .unwrap()
            .contains("line one")
    );
    // With nothing in the way it is replaced.
    fs::remove_file(out.join("val.csv")).unwrap();
    let made = overrule::prepare::prepare(&file, &options, &mut |_| true).unwrap();
    assert_eq!(made.tables, [(out.join("train.csv"), 3)]);
}

/// A file of nothing but a schema: how many children each element claims to have, by its bytes.
fn file_of_schema(elements: &[&[u8]]) -> Vec<u8> {
    let mut footer = vec![0x15, 0x02, 0x19, 0xfc];
    let mut n = elements.len();
    while n > 0x7f {
        footer.push(0x80 | (n & 0x7f) as u8);
        n >>= 7;
    }
    footer.push(n as u8);
    for n_children in elements {
        // Repetition, name, the number of children, the end.
        footer.extend([0x35, 0x00, 0x18, 0x01, b'a', 0x15]);
        footer.extend(*n_children);
        footer.push(0);
    }
    footer.push(0);
    let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
    [b"PAR1", footer.as_slice(), &length, b"PAR1"].concat()
}

#[test]
fn a_schema_that_would_end_the_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.parquet");
    let huge: &[u8] = &[0xfe, 0xff, 0xff, 0xff, 0x0f];
    let deep = vec![&[0x02][..]; 9_000];
    let many = vec![&[0x02][..]; 100_000];
    for (elements, reason) in [
        (vec![huge, &[0x00]], "claims to have 2147483647 columns"),
        (deep, "deep in each other"),
        (many, "it claims to have 100000 columns"),
    ] {
        fs::write(&file, file_of_schema(&elements)).unwrap();
        let out = text(&folder.path().join("out"));
        let told = run(["prepare", &text(&file), "--out", &out])
            .expect(2)
            .stderr;
        assert!(
            told.contains("x.parquet cannot be read as Parquet") && told.contains(reason),
            "{told}"
        );
        let session = text(&folder.path().join("s.overrule"));
        let told = run([
            "predict",
            &text(&file),
            "--model",
            "demo",
            "--out",
            &session,
        ])
        .expect(2);
        assert!(told.stderr.contains(reason), "{}", told.stderr);
    }
}
