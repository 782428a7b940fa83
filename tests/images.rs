//! Decoding, resampling and thumbnails, against PIL's pixels.

use std::{fs, path::Path};

use overrule::{
    image::{
        ImageFault, Rgb, decode_bytes, decode_file, decode_upright,
        resize::{Filter, resize},
        thumbnail,
    },
    post::ProblemKind,
};
use proptest::prelude::*;
use serde::Deserialize;

use crate::common::{bytes_from_hex, fixture};

/// A row of `edge_images/expected.json`.
#[derive(Deserialize)]
struct EdgeImage {
    file: String,
    size_wh: (u32, u32),
    rgb_hex: String,
    exif_transposed_size_wh: (u32, u32),
    exif_transposed_rgb_hex: Option<String>,
}

fn edge_images() -> Vec<EdgeImage> {
    serde_json::from_slice(&fs::read(fixture("edge_images/expected.json")).unwrap()).unwrap()
}

fn edge_image(name: &str) -> Vec<u8> {
    fs::read(fixture("edge_images").join(name)).unwrap()
}

#[test]
fn every_storage_form_decodes_to_the_bytes_that_pil_gives() {
    let images = edge_images();
    assert_eq!(images.len(), 29);
    for expected in images {
        let got = decode_file(&fixture("edge_images").join(&expected.file)).unwrap();
        assert_eq!(
            (got.width, got.height),
            expected.size_wh,
            "{}",
            expected.file
        );
        assert!(
            got.data == bytes_from_hex(&expected.rgb_hex),
            "{}: other pixels than PIL's",
            expected.file
        );
    }
}

#[test]
fn a_picture_to_look_at_is_turned_upright() {
    let images = edge_images();
    let turned = images
        .iter()
        .filter(|i| i.exif_transposed_rgb_hex.is_some());
    assert_eq!(turned.clone().count(), 8);
    for expected in turned {
        let upright = thumbnail::load(&fixture("edge_images").join(&expected.file), 1000).unwrap();
        let size = (upright.rgb.width, upright.rgb.height);
        assert_eq!(size, expected.exif_transposed_size_wh, "{}", expected.file);
        assert_eq!(
            (upright.original_width, upright.original_height),
            size,
            "{}",
            expected.file
        );
        let want = bytes_from_hex(expected.exif_transposed_rgb_hex.as_deref().unwrap());
        assert!(
            upright.rgb.data == want,
            "{}: other pixels than PIL's",
            expected.file
        );
    }
}

#[test]
fn a_picture_to_look_at_fits_and_keeps_its_proportions() {
    // 320 × 240 JPEG turned by EXIF, and others, all larger than asked for.
    for entry in fs::read_dir(fixture("posts/images")).unwrap().take(40) {
        let path = entry.unwrap().path();
        let whole = thumbnail::load(&path, u32::MAX).unwrap();
        assert_eq!(
            (whole.original_width, whole.original_height),
            (whole.rgb.width, whole.rgb.height)
        );
        let small = thumbnail::load(&path, 30).unwrap();
        assert_eq!(
            small.rgb.width.max(small.rgb.height),
            30,
            "{}",
            path.display()
        );
        assert_eq!(small.original_width, whole.rgb.width);
        let exact = 30.0 * f64::from(whole.rgb.width.min(whole.rgb.height))
            / f64::from(whole.rgb.width.max(whole.rgb.height));
        assert!((f64::from(small.rgb.width.min(small.rgb.height)) - exact).abs() <= 0.5);
        assert!(
            (mean(&small.rgb) - mean(&whole.rgb)).abs() < 4.0,
            "{}",
            path.display()
        );
    }
}

fn mean(rgb: &Rgb) -> f64 {
    rgb.data.iter().map(|v| f64::from(*v)).sum::<f64>() / rgb.data.len() as f64
}

#[test]
fn transparent_parts_are_white_to_a_person_and_unveiled_to_the_model() {
    let path = fixture("edge_images/rgba.png"); // alpha runs from 0 on the left
    let seen = decode_upright(&path, 100).unwrap();
    assert_eq!(seen.data[..3], [255, 255, 255]);
    assert_eq!(decode_file(&path).unwrap().data[..3], [0, 0, 0]);
}

#[test]
fn the_content_decides_the_format_whatever_the_name_says() {
    let folder = tempfile::tempdir().unwrap();
    let misnamed = folder.path().join("photo.jpg");
    fs::copy(fixture("edge_images/rgb.png"), &misnamed).unwrap();
    assert_eq!(
        decode_file(&misnamed).unwrap(),
        decode_file(&fixture("edge_images/rgb.png")).unwrap()
    );
}

#[test]
fn a_file_that_is_cut_off_is_an_error_and_never_grey() {
    for name in [
        "jpeg_q90_s2.jpg",
        "jpeg_prog.jpg",
        "jpeg_cmyk.jpg",
        "rgb.png",
        "bmp.bmp",
        "webp_lossless.webp",
    ] {
        let bytes = edge_image(name);
        for kept in [
            bytes.len() / 2,
            bytes.len() * 3 / 4,
            bytes.len() * 9 / 10,
            bytes.len() - 20,
        ] {
            let error = decode_bytes(&bytes[..kept]).expect_err(name);
            if name.ends_with("jpg") {
                assert!(
                    matches!(error, ImageFault::Truncated),
                    "{name} cut to {kept}: {error}"
                );
            }
        }
    }
    let whole = edge_image("jpeg_q90_s2.jpg");
    let without_end = decode_bytes(&whole[..whole.len() - 2]).unwrap_err();
    assert!(
        matches!(without_end, ImageFault::Truncated),
        "{without_end}"
    );
}

/// The PNG header of a picture of any size, and an empty body.
pub fn png_claiming(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = edge_image("rgb.png");
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 * (crc & 1))
        })
    })
}

#[test]
fn a_decompression_bomb_is_refused_by_its_header() {
    let error = decode_bytes(&png_claiming(60_000, 60_000)).unwrap_err();
    assert!(
        matches!(
            error,
            ImageFault::TooLarge {
                width: 60_000,
                height: 60_000
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("60000 × 60000"), "{error}");

    let mut jpeg = edge_image("jpeg_q90_s0.jpg");
    let frame = jpeg.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0xDC, 0xFF, 0xDC]);
    let error = decode_bytes(&jpeg).unwrap_err();
    assert!(matches!(error, ImageFault::TooLarge { .. }), "{error}");
    assert!(matches!(
        thumbnail::from_bytes(&jpeg, 64).unwrap_err(),
        ImageFault::TooLarge { .. }
    ));
}

#[test]
fn errors_name_the_file_and_say_which_problem_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let cases = [
        (
            folder.path().join("missing.png"),
            ProblemKind::MissingImage,
            "does not exist",
        ),
        (
            written("empty.png", b""),
            ProblemKind::BrokenImage,
            "no supported image format (PNG, JPEG",
        ),
        (
            written("text.png", b"hello, this is no picture"),
            ProblemKind::BrokenImage,
            "no supported image format",
        ),
        (
            written("icon.ico", &[0, 0, 1, 0, 1, 0, 0, 0]),
            ProblemKind::BrokenImage,
            "no supported image format",
        ),
        (
            written("short.jpg", &edge_image("jpeg_prog.jpg")[..400]),
            ProblemKind::BrokenImage,
            "ends before",
        ),
        (
            written("bomb.png", &png_claiming(60_000, 60_000)),
            ProblemKind::BrokenImage,
            "60000 × 60000",
        ),
        (
            folder.path().to_owned(),
            ProblemKind::BrokenImage,
            "not a regular file",
        ),
    ];
    for (path, kind, words) in cases {
        for error in [
            decode_file(&path).unwrap_err(),
            decode_upright(&path, 64).unwrap_err(),
        ] {
            let message = error.to_string();
            assert!(message.contains(words), "{message}");
            assert!(message.contains(&path.display().to_string()), "{message}");
            assert_eq!(error.problem_kind(), kind, "{message}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.png");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    assert!(matches!(
        decode_file(&pipe).unwrap_err().fault,
        ImageFault::NotAFile
    ));
    assert!(matches!(
        decode_file(Path::new("/dev/zero")).unwrap_err().fault,
        ImageFault::NotAFile
    ));
}

/// A row of `resize/expected.json`.
#[derive(Deserialize)]
struct Resized {
    filter: String,
    before: (u32, u32),
    after: (u32, u32),
    rgb_hex: String,
}

/// The pictures of `tests/reference/resize.py`.
fn noise(width: u32, height: u32) -> Rgb {
    let mut state = 1_u32;
    let data = (0..width * height * 3)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let byte = (state >> 24) as u8;
            [0, 255, byte, byte][(state >> 8 & 3) as usize]
        })
        .collect();
    Rgb {
        width,
        height,
        data,
    }
}

#[test]
fn resampling_gives_pils_bytes() {
    let rows: Vec<Resized> =
        serde_json::from_slice(&fs::read(fixture("resize/expected.json")).unwrap()).unwrap();
    assert!(rows.len() >= 30);
    for Resized {
        filter,
        before,
        after,
        rgb_hex,
    } in rows
    {
        let kernel = match filter.as_str() {
            "bilinear" => Filter::Bilinear,
            "bicubic" => Filter::Bicubic,
            "lanczos" => Filter::Lanczos,
            other => panic!("{other}"),
        };
        let got = resize(&noise(before.0, before.1), after.0, after.1, kernel);
        assert_eq!((got.width, got.height), after);
        assert!(
            got.data == bytes_from_hex(&rgb_hex),
            "{filter} from {before:?} to {after:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn resampling_gives_the_size_asked_for_and_stays_between_the_extremes(
        (width, height) in (1_u32..60, 1_u32..60),
        (to_width, to_height) in (1_u32..60, 1_u32..60),
        low in 0_u8..120,
        high in 120_u8..=255,
        seed in any::<u64>(),
    ) {
        let data = (0..width * height * 3)
            .map(|i| if seed.rotate_left(i) & 1 == 0 { low } else { high })
            .collect();
        let picture = Rgb { width, height, data };
        for filter in [Filter::Bilinear, Filter::Bicubic, Filter::Lanczos] {
            let got = resize(&picture, to_width, to_height, filter);
            prop_assert_eq!((got.width, got.height), (to_width, to_height));
            prop_assert_eq!(got.data.len() as u32, to_width * to_height * 3);
            if filter == Filter::Bilinear {
                prop_assert!(got.data.iter().all(|v| (low..=high).contains(v)));
            }
        }
        let flat = Rgb { data: vec![high; picture.data.len()], ..picture };
        let got = resize(&flat, to_width, to_height, Filter::Bicubic);
        prop_assert!(got.data.iter().all(|v| *v == high), "a flat picture stays flat");
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        magic in prop::sample::select(vec![
            &b""[..], b"\x89PNG\r\n\x1a\n", b"\xFF\xD8\xFF", b"GIF89a", b"BM", b"RIFF\x40\0\0\0WEBPVP8 ", b"II*\0",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let bytes = [magic, &rest[..]].concat();
        let _ = decode_bytes(&bytes);
        let _ = thumbnail::from_bytes(&bytes, 32);
    }

    #[test]
    fn damaged_files_never_panic(
        file in 0_usize..29,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = edge_image(&edge_images()[file].file);
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(rgb) = decode_bytes(&bytes) {
            prop_assert_eq!(rgb.data.len(), rgb.width as usize * rgb.height as usize * 3);
        }
        let _ = thumbnail::from_bytes(&bytes, 32);
    }
}
