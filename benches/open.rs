//! How long it takes to open a dataset of the size of MMHS150K: 150,000 rows.
//!
//! `cargo bench --bench open`. The promise is less than a second.
#![allow(clippy::expect_used)] // a bench that fails may say so

use std::{fs, hint::black_box, path::Path};

use criterion::{Criterion, criterion_group, criterion_main};
use overrule::dataset::{OpenOptions, find_missing_images, open};

const N_ROWS: usize = 150_000;

const LABELS: [&str; 6] = [
    "",
    "racist",
    "sexist",
    "\"racist,sexist\"",
    "['homophobe']",
    "religion",
];

/// Rows as they come: quotes, line breaks, other scripts, equal texts, a column nobody reads.
fn write_dataset(folder: &Path) {
    let mut csv = String::from("id,text,image_path,labels\n");
    for row in 0..N_ROWS {
        let text = match row % 8 {
            0 => format!("\"a quoted text, with \"\"quotes\"\" and\na second line, number {row}\""),
            1 => format!("дождь идёт уже третий день подряд, а кот спит на окне {row}")
                .replace(',', ""),
            2 => "the very same words as in many other rows".to_owned(),
            _ => format!(
                "some words of a post of ordinary length with a link http://t.co/{row} and a #tag"
            ),
        };
        let (id, labels) = (1_114_679_353_714_016_256 + row, LABELS[row % LABELS.len()]);
        csv += &format!("{id},{text},img_resized/{id}.jpg,{labels}\n");
    }
    fs::write(folder.join("posts.csv"), csv).expect("the temporary folder can be written");
}

fn benchmark(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    write_dataset(folder.path());
    let path = folder.path().join("posts.csv");
    let options = OpenOptions::default();
    let dataset = open(&path, &options).expect("the dataset opens");
    assert_eq!((dataset.posts.len(), dataset.problems.len()), (N_ROWS, 0));

    let mut group = criterion.benchmark_group("dataset");
    group.sample_size(20);
    group.bench_function("open 150,000 rows", |bencher| {
        // Dropping the posts is not part of it.
        bencher.iter_with_large_drop(|| open(black_box(&path), &options));
    });
    group.bench_function("find 150,000 missing images", |bencher| {
        bencher.iter(|| find_missing_images(black_box(&dataset), 0..N_ROWS).len());
    });
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
