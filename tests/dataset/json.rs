//! Files of other tools: what is read, and what is said about the rest.

use super::{folder, open_error, options, truth};
use overrule::dataset::{Dataset, Format, OpenOptions, open};

fn open_json(name: &'static str, text: &str) -> Dataset {
    let folder = folder([(name, text)]);
    open(&folder.path().join(name), &OpenOptions::default()).unwrap()
}

/// Each post as `text|image|labels`.
fn posts(dataset: &Dataset) -> Vec<String> {
    let shown = |(i, post): (usize, &overrule::post::Post)| {
        format!("{}|{}|{}", post.text, post.image_path, truth(dataset, i))
    };
    dataset.posts.iter().enumerate().map(shown).collect()
}

fn messages(dataset: &Dataset) -> Vec<&str> {
    dataset
        .problems
        .iter()
        .map(|p| p.message.as_str())
        .collect()
}

#[test]
fn each_tool_is_recognised_by_what_it_writes() {
    for (name, text, format, expected) in [
        (
            "plain.jsonl",
            "{\"text\": \"hi\", \"image_path\": \"a.png\", \"labels\": [\"x\", \"y\"]}\n{\"text\": \"ho\", \"labels\": \"x\"}\n\
             {\"image\": {\"bytes\": null, \"path\": \"b.png\"}, \"labels\": []}\n{\"text\": \"?\", \"labels\": null}\n",
            Format::Json,
            vec!["hi|a.png|x,y", "ho||x", "|b.png|", "?||?"],
        ),
        (
            "binary.json",
            "[{\"text\": \"a\", \"label\": 1}, {\"text\": \"b\", \"label\": 0}]",
            Format::Json,
            vec!["a||harmful", "b||"],
        ),
        // doccano writes lines into files that end in .json, too.
        (
            "doccano.json",
            "{\"id\": 1, \"text\": \"a\", \"label\": [\"x\"], \"Comments\": []}\n{\"id\": 2, \"filename\": \"b.png\", \"label\": []}\n",
            Format::Doccano,
            vec!["a||x", "|b.png|"],
        ),
        (
            "prodigy.jsonl",
            "{\"text\": \"a\", \"options\": [{\"id\": \"y\"}, {\"id\": \"x\"}], \"accept\": [\"x\"], \"answer\": \"accept\"}\n\
             {\"text\": \"b\", \"options\": [], \"accept\": [], \"answer\": \"ignore\"}\n\
             {\"image\": \"data:image/png;base64,xx\", \"path\": \"c.png\", \"accept\": [], \"answer\": \"accept\"}\n",
            Format::Prodigy,
            vec!["a||x", "b||?", "|c.png|"],
        ),
        (
            "binary.jsonl",
            "{\"text\": \"a\", \"label\": \"x\", \"answer\": \"accept\"}\n{\"text\": \"a\", \"label\": \"y\", \"answer\": \"accept\"}\n\
             {\"text\": \"b\", \"label\": \"x\", \"answer\": \"reject\"}\n{\"text\": \"c\", \"label\": \"x\", \"answer\": \"ignore\"}\n",
            Format::Prodigy,
            vec!["a||x,y", "b||", "c||?"],
        ),
        (
            "tasks.json",
            r#"[{"id": 1, "data": {"image": "/data/local-files/?d=m/a%20b.png", "caption": "hi"}, "predictions": [7],
                 "annotations": [{"was_cancelled": true, "result": [{"type": "choices", "value": {"choices": ["x"]}}]},
                   {"result": [{"type": "choices", "value": {"choices": ["y", "x"]}}, {"type": "rectanglelabels", "value": {}}]}]},
                {"data": {"photo": "https://a.b/c.jpg?x=1", "text": "ho"}, "annotations": [{"result": []}]},
                {"data": {"text": "new"}, "predictions": [{"model_version": "v1", "score": 0.5, "result": []}]}]"#,
            Format::LabelStudio,
            vec!["hi|m/a b.png|y,x", "ho|https://a.b/c.jpg?x=1|", "new||?"],
        ),
        (
            "min.json",
            r#"[{"image": "/data/upload/1/ab-c.png", "text": "a", "id": 3, "mood": {"choices": ["y", "x"]}, "annotator": 1, "annotation_id": 9, "lead_time": 2.5},
                {"text": "b", "id": 4, "mood": "x", "annotator": 1, "annotation_id": 10},
                {"text": "c", "id": 5, "annotator": 1, "annotation_id": 11}]"#,
            Format::LabelStudio,
            vec!["a|upload/1/ab-c.png|y,x", "b||x", "c||"],
        ),
        (
            "records.json",
            r#"[{"id": "1", "fields": {"text": "a", "image": "a.png"}, "suggestions": {"labels": {"value": ["y"], "score": [0.5], "agent": "m"}},
                 "responses": {"labels": [{"value": ["x"], "user_id": "u", "status": "submitted"}, {"value": ["y"], "user_id": "v", "status": "draft"}]}},
                {"id": "2", "fields": {"review": "b"}, "responses": {}, "suggestions": {"mood": {"value": "x", "score": null, "agent": null}}},
                {"fields": {"text": "c"}, "responses": [{"values": {"labels": {"value": ["x"]}}, "status": "submitted"}]}]"#,
            Format::Argilla,
            vec!["a|a.png|x", "b||?", "c||x"],
        ),
        (
            "labels.json",
            r#"{"classes": ["y", "x"], "labels": {"a": "x", "sub/b": ["x", "y"], "c": 0, "d": null, "e": [{"label": "x", "confidence": 0.5}], "/abs/f": []}}"#,
            Format::FiftyOne,
            vec![
                "|data/a|x",
                "|data/sub/b|y,x",
                "|data/c|y",
                "|data/d|?",
                "|data/e|x",
                "|/abs/f|",
            ],
        ),
    ] {
        let dataset = open_json(name, text);
        assert_eq!(dataset.format, format, "{name}");
        assert_eq!(posts(&dataset), expected, "{name}");
        assert_eq!(messages(&dataset), <[&str; 0]>::default(), "{name}");
    }
}

#[test]
fn bad_lines_are_told_with_their_numbers_and_the_others_read() {
    let dataset = open_json(
        "posts.jsonl",
        "\u{feff}{\"text\": \"a\", \"labels\": [\"x\"], \"split\": \"train\", \"n\": 7}\n\n{\"text\": 3}\n[1]\n{\"text\": \"b\"\n{\"a\": 1}\n{\"text\": \"c\"}",
    );
    assert_eq!(posts(&dataset), ["a||x", "c||?"]);
    assert_eq!(dataset.extra_columns, ["split", "n"]);
    assert_eq!(&*dataset.posts[0].extra[1], "7");
    assert_eq!((dataset.posts[0].line, dataset.posts[1].line), (1, 7));
    let lines: Vec<_> = dataset.problems.iter().map(|p| p.line).collect();
    assert_eq!(lines, [Some(3), Some(4), Some(5), Some(6)]);
    assert!(messages(&dataset)[3].contains("neither a text nor an image"));
}

#[test]
fn labels_beyond_the_label_set_and_odd_labels_are_told_on_their_post() {
    let folder = folder([(
        "posts.jsonl",
        "{\"id\": 1, \"text\": \"a\", \"label\": [[0, 3, \"x\"]]}\n{\"id\": 2, \"text\": \"b\", \"label\": [\"x\", \"z\"]}\n",
    )]);
    let dataset = open(
        &folder.path().join("posts.jsonl"),
        &options(Some(&["x"]), None),
    )
    .unwrap();
    assert_eq!(posts(&dataset), ["a||?", "b||x"]);
    assert_eq!(
        dataset.problems.iter().map(|p| p.post).collect::<Vec<_>>(),
        [Some(0), Some(1)]
    );
    assert!(messages(&dataset)[0].contains("spans or boxes"));
}

#[test]
fn a_file_of_something_else_is_refused_with_what_would_do() {
    let folder = folder([
        ("broken.json", "[{\"text\": \"a\"},"),
        ("number.json", "3"),
        ("other.json", "{\"name\": \"x\"}"),
        ("empty.jsonl", " \n"),
        ("lines.jsonl", "x\ny\n"),
        ("none.json", "{\"classes\": [], \"labels\": {}}"),
    ]);
    for (name, said) in [
        ("broken.json", "cannot be read as JSON"),
        ("number.json", "it holds no objects"),
        ("other.json", "neither a text nor an image"),
        ("empty.jsonl", "the file is empty"),
        ("lines.jsonl", "cannot be read as JSON"),
        ("none.json", "name no image"),
    ] {
        let error = open_error(&folder.path().join(name));
        assert!(error.contains(said), "{name}: {error}");
    }
}

#[test]
fn a_fiftyone_folder_finds_its_images_by_stem() {
    let folder = folder([
        ("data/a.jpg", "x"),
        ("data/sub/b.png", "x"),
        (
            "labels.json",
            r#"{"classes": null, "labels": {"a": "x", "sub/b": null}}"#,
        ),
    ]);
    let dataset = open(folder.path(), &OpenOptions::default()).unwrap();
    assert_eq!(dataset.format, Format::FiftyOne);
    assert_eq!(posts(&dataset), ["|data/a.jpg|x", "|data/sub/b.png|?"]);
    assert!(dataset.image_file(&dataset.posts[1]).unwrap().is_file());
}

#[test]
fn metadata_of_a_folder_describes_nothing_outside_it() {
    let lines = [
        "../a.png",
        "/etc/b.png",
        "https://a.b/c.png",
        "C:\\\\d.png",
        "ok.png",
    ];
    let jsonl: Vec<String> = lines
        .iter()
        .map(|l| format!("{{\"file_name\": \"{l}\", \"text\": \"t\"}}"))
        .collect();
    let folder = folder([
        ("metadata.jsonl", jsonl.join("\n").as_str()),
        ("ok.png", "x"),
    ]);
    let dataset = open(folder.path(), &OpenOptions::default()).unwrap();
    assert_eq!(posts(&dataset), ["t|ok.png|?"]);
    assert_eq!(dataset.problems.len(), 4);
    assert!(
        messages(&dataset)
            .iter()
            .all(|m| m.contains("leads out of the folder"))
    );
}
