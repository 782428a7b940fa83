//! `overrule predict`: the goldens' answers, resuming, interruption, failed posts.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::Stdio,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

#[cfg(unix)]
use super::run::signal;
use super::run::{
    Run, ended, lines, overrule, predict, run, test_posts, text, timeless, write_dataset,
};
use crate::common::{Expected, copy_folder, fixture, read_jsonl};

#[test]
fn every_answer_is_that_of_transformers_in_the_order_of_the_dataset() {
    let expected: Vec<Expected> = read_jsonl(&fixture("paligemma2/expected.jsonl"));
    for batch_size in ["1", "4"] {
        let args = predict(&test_posts(), &["--batch-size", batch_size]);
        let records = lines(&run(args).expect(0).stdout);
        assert_eq!(records.len(), expected.len());
        for (place, (record, expected)) in records.iter().zip(&expected).enumerate() {
            assert_eq!(record["index"], place);
            assert_eq!(record["text"], *expected.text);
            assert_eq!(
                record["raw"], *expected.trained.generated_text,
                "post {place}"
            );
            assert_eq!(record["labels"], json!(expected.trained.labels));
            assert_eq!(record["parse"], "clean");
            assert_eq!(record["error"], Value::Null);
            assert_eq!(record["n_tokens"], expected.trained.generated_ids.len());
            let logprob = record["answer_logprob"].as_f64().unwrap();
            let golden = expected.label_set_logprobs[&expected.trained.generated_text];
            assert!(
                (logprob - golden).abs() < 1e-2,
                "post {place}: {logprob} {golden}"
            );
        }
        let about = &records[0]["run"];
        assert_eq!(about["prompt"], "trained");
        assert_eq!(
            (&about["dtype"], &about["device"]),
            (&json!("f32"), &json!("cpu"))
        );
    }
}

#[test]
fn probabilities_that_an_earlier_run_left_out_are_added_by_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.jsonl");
    let resume = |more: &[&str]| {
        let more = [&["--limit", "2", "--out", out.to_str().unwrap()], more].concat();
        let told = run(predict(&test_posts(), &more)).expect(0).stderr;
        let records = lines(&fs::read_to_string(&out).unwrap());
        let scored: Vec<bool> = records.iter().map(|r| !r["scores"].is_null()).collect();
        (scored, told.contains("2 were there already"))
    };
    assert_eq!(resume(&["--no-scores"]), (vec![false, false], false));
    assert_eq!(resume(&["--no-scores"]), (vec![false, false], true));
    assert_eq!(resume(&[]), (vec![false, false, true, true], false));
    // Answers with probabilities are answers.
    for more in [&[][..], &["--no-scores"]] {
        assert_eq!(resume(more), (vec![false, false, true, true], true));
    }
}

#[test]
fn the_base_and_the_card_prompt_can_be_asked_too() {
    let expected: Vec<Expected> = read_jsonl(&fixture("paligemma2/expected.jsonl"));
    let model = text(&fixture("paligemma2/base"));
    let base = [
        "predict",
        &text(&test_posts()),
        "--model",
        &model,
        "--no-adapter",
        "--limit",
        "6",
    ];
    let records = lines(&run(base).expect(0).stdout);
    assert_eq!(records.len(), 6);
    for (record, expected) in records.iter().zip(&expected) {
        assert_eq!(
            record["raw"],
            json!(expected.trained.base.base_generated_text)
        );
        assert_eq!(record["run"]["adapter"], Value::Null);
    }
    let card = predict(&test_posts(), &["--prompt", "card", "--limit", "6"]);
    for (record, expected) in lines(&run(card).expect(0).stdout).iter().zip(&expected) {
        let card = expected.card.as_ref().unwrap();
        assert_eq!(record["raw"], *card.generated_text);
    }
}

#[test]
fn a_run_that_was_cut_off_goes_on_and_gives_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.jsonl");
    let args = predict(&test_posts(), &["--limit", "6", "--out", &text(&out)]);
    let first = run(&args).expect(0);
    assert_eq!(first.stdout, "");
    assert!(first.stderr.contains("6 posts in"), "{}", first.stderr);
    let whole = fs::read_to_string(&out).unwrap();
    let records: Vec<Value> = lines(&whole).into_iter().map(timeless).collect();
    assert_eq!(records.len(), 6);

    // A crash in the middle of the fifth line.
    let ends: Vec<usize> = whole.match_indices('\n').map(|(end, _)| end).collect();
    fs::write(&out, &whole[..ends[3] + 200]).unwrap();
    let second = run(&args).expect(0);
    assert!(second.stderr.contains("2 posts in"), "{}", second.stderr);
    assert!(
        second.stderr.contains("4 were there already"),
        "{}",
        second.stderr
    );
    let resumed = fs::read_to_string(&out).unwrap();
    assert!(resumed.starts_with(&whole[..=ends[3]]));
    let resumed: Vec<Value> = lines(&resumed).into_iter().map(timeless).collect();
    assert_alike(&json!(resumed), &json!(records));

    let third = run(&args).expect(0);
    assert!(third.stderr.contains("0 posts in"), "{}", third.stderr);
    assert_eq!(lines(&fs::read_to_string(&out).unwrap()).len(), 6);
}

/// The same, but for the last digits of what is computed: what ran beside a post can round its sums in another way.
fn assert_alike(left: &Value, right: &Value) {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() < 1e-5, "{a} and {b}");
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b).for_each(|(a, b)| assert_alike(a, b));
        }
        (Value::Object(a), Value::Object(b)) => {
            assert!(a.keys().eq(b.keys()));
            a.values()
                .zip(b.values())
                .for_each(|(a, b)| assert_alike(a, b));
        }
        _ => assert_eq!(left, right),
    }
}

#[test]
fn another_run_is_added_to_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = text(&folder.path().join("out.jsonl"));
    for prompt in ["trained", "card"] {
        let more = ["--limit", "2", "--prompt", prompt, "--out", &out];
        run(predict(&test_posts(), &more)).expect(0);
    }
    let prompts: Vec<Value> = lines(&fs::read_to_string(out).unwrap())
        .iter()
        .map(|record| record["run"]["prompt"].clone())
        .collect();
    assert_eq!(prompts, ["trained", "trained", "card", "card"]);
}

#[test]
fn an_adapter_trained_again_into_the_same_folder_is_another_run() {
    let folder = tempfile::tempdir().unwrap();
    let adapter = folder.path().join("adapter");
    copy_folder(&fixture("paligemma2/adapter"), &adapter);
    let out = text(&folder.path().join("out.jsonl"));
    let (posts, base) = (text(&test_posts()), text(&fixture("paligemma2/base")));
    let mut args = vec![
        "predict", &posts, "--model", &base, "--limit", "1", "--out", &out,
    ];
    let adapter_name = text(&adapter);
    args.extend(["--adapter", &adapter_name]);
    for written in ["1 post in", "0 posts in"] {
        let told = run(&args).expect(0).stderr;
        assert!(told.contains(written), "{told}");
    }
    let weights = fs::File::options()
        .write(true)
        .open(adapter.join("adapter_model.safetensors"))
        .unwrap();
    weights
        .set_modified(SystemTime::now() + Duration::from_secs(60))
        .unwrap();
    let told = run(&args).expect(0).stderr;
    assert!(told.contains("1 post in"), "{told}");
}

#[test]
fn a_text_that_would_take_all_memory_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("good.jpg");
    fs::copy(fixture("posts/images/test_001_rgb.jpg"), image).unwrap();
    let long = "a long story ".repeat(20_000);
    let csv = format!("text,image_path,labels\na,good.jpg,\n{long},good.jpg,\nc,good.jpg,\n");
    let dataset = write_dataset(folder.path(), &csv);
    let ran = run(predict(&dataset, &["--batch-size", "3"])).expect(1);
    let errors: Vec<Value> = lines(&ran.stdout)
        .iter()
        .map(|record| record["error"].clone())
        .collect();
    assert_eq!((&errors[0], &errors[2]), (&Value::Null, &Value::Null));
    let told = errors[1].as_str().unwrap();
    assert!(told.contains("at most 16384 can be run"), "{told}");
}

#[test]
fn answers_that_were_cut_off_are_made_again_with_a_longer_limit() {
    let folder = tempfile::tempdir().unwrap();
    let out = text(&folder.path().join("out.jsonl"));
    for (longest, records_then, cut_off) in [
        ("2", 2, true),
        ("2", 2, false),
        ("64", 4, false),
        ("64", 4, false),
    ] {
        let args = ["--limit", "2", "--out", &out, "--max-new-tokens", longest];
        let told = run(predict(&test_posts(), &args)).expect(0).stderr;
        let text = "2 posts could not be read, since the answer did not end within 2 tokens";
        assert_eq!(told.contains(text), cut_off, "{told}");
        let records = lines(&fs::read_to_string(&out).unwrap());
        assert_eq!(records.len(), records_then, "{longest}");
    }
}

#[test]
fn posts_that_fail_do_not_stop_the_others_and_are_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let image = |name: &str| folder.path().join(name);
    fs::copy(fixture("posts/images/test_001_rgb.jpg"), image("good.jpg")).unwrap();
    fs::write(image("broken.png"), "no picture").unwrap();
    let csv = "text,image_path,labels\na,good.jpg,\nb,gone.jpg,\nc,broken.png,\nd,,\ne,good.jpg,\n";
    let dataset = write_dataset(folder.path(), csv);
    let out = folder.path().join("out.jsonl");
    let args = predict(&dataset, &["--out", &text(&out)]);

    let told = run(&args).expect(1).stderr;
    assert!(
        told.contains("5 posts in") && told.contains("3 of them failed"),
        "{told}"
    );
    assert!(
        told.contains("post 1: ") && told.contains("gone.jpg"),
        "{told}"
    );
    let records = lines(&fs::read_to_string(&out).unwrap());
    let failed: Vec<bool> = records
        .iter()
        .map(|record| record["error"].is_string())
        .collect();
    assert_eq!(failed, [false, true, true, true, false]);
    assert_eq!(records[1]["parse"], "failed");
    assert_eq!(records[1]["labels"], json!([]));

    fs::copy(image("good.jpg"), image("gone.jpg")).unwrap();
    let told = run(&args).expect(1).stderr;
    assert!(
        told.contains("3 posts in") && told.contains("2 were there already"),
        "{told}"
    );
    let records = lines(&fs::read_to_string(&out).unwrap());
    assert_eq!(records.len(), 8);
    assert_eq!(
        (&records[5]["index"], &records[5]["error"]),
        (&json!(1), &Value::Null)
    );
}

#[test]
#[cfg(unix)]
fn ctrl_c_keeps_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let image = text(&fixture("posts/images/test_001_rgb.jpg"));
    let rows = format!("hello,{image},\n").repeat(5000);
    let dataset = write_dataset(folder.path(), &format!("text,image_path,labels\n{rows}"));
    let mut child = overrule(predict(&dataset, &[]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    stdout.read_line(&mut text).unwrap();
    signal(&child, libc::SIGINT);
    stdout.read_to_string(&mut text).unwrap();
    let ended = ended(child.wait_with_output().unwrap()).expect(130);
    assert!(ended.stderr.contains("Interrupted: "), "{}", ended.stderr);
    let written = lines(&text).len();
    assert!((1..5000).contains(&written), "{written}");
}

#[test]
fn options_of_the_model_change_what_they_name_and_no_answer_of_the_demo() {
    let demo = text(&overrule::resources::demo_dataset().unwrap());
    let on_demo = |more: &[&str]| -> (Vec<Value>, Run) {
        let args = ["predict", &demo, "--model", "demo", "--device", "cpu"];
        let told = run([&args[..], &["--limit", "4"], more].concat()).expect(0);
        (lines(&told.stdout), told)
    };
    let (usual, _) = on_demo(&[]);
    let one_pass = |told: &Run| !told.stderr.contains("\n0 % of the answers took one pass");
    // The option, the number format in the record, and whether drafts ride along.
    for (more, dtype, with_drafts) in [
        (["--dtype", "f32"], "f32", true),
        (["--dtype", "bf16"], "bf16", true),
        (["--dtype", "f16"], "f16", true),
        (["--dtype", "q8_0"], "q8_0", true),
        (["--decode", "draft"], "f32", true),
        (["--decode", "plain"], "f32", false),
        (["--threads", "1"], "f32", true),
        (["--image-splitting", "off"], "f32", true),
    ] {
        let (records, told) = on_demo(&more);
        assert_eq!(one_pass(&told), with_drafts, "{more:?}: {}", told.stderr);
        assert_eq!(records.len(), usual.len());
        for (record, usual) in records.iter().zip(&usual) {
            assert_eq!(record["run"]["dtype"], dtype, "{more:?}");
            assert_eq!(record["raw"], usual["raw"], "{more:?}");
            // Another format has other digits.
            let are_equal = record["answer_logprob"] == usual["answer_logprob"];
            assert!(are_equal == (dtype == "f32") || !with_drafts, "{more:?}");
        }
    }
    run(["predict", &demo, "--model", "demo", "--threads", "0"]).expect(2);

    // A model that cuts images up sees others without.
    let smolvlm = text(&fixture("smolvlm/base"));
    let [tiles, one] = ["auto", "off"].map(|splitting| {
        let args = ["predict", &demo, "--model", &smolvlm, "--limit", "1"];
        let told = run([&args[..], &["--image-splitting", splitting]].concat());
        lines(&told.expect(0).stdout).remove(0)
    });
    assert_eq!(tiles["run"]["image_setting"], Value::Null);
    assert_eq!(one["run"]["image_setting"], "single_tile");
    assert_ne!(one["answer_logprob"], tiles["answer_logprob"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = overrule(predict(&test_posts(), &[]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = ended(child.wait_with_output().unwrap()).expect(0);
    assert!(!ended.stderr.contains("error"), "{}", ended.stderr);
}
