//! Models on other machines, as `predict` uses them.

mod reach;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use serde_json::{Value, json};
use tiny_http::{Header, Response, Server};

use crate::{
    cli::run::{lines, overrule, predict, run, test_posts, text},
    common::{fixture, post_image},
    serve::Service,
};

/// A server that speaks OpenAI's protocol. It answers `["sexist"]`, and refuses as it is told to.
pub struct Endpoint {
    server: Arc<Server>,
    thread: Option<JoinHandle<()>>,
    /// The requests for an answer.
    pub asked: Arc<Mutex<Vec<Value>>>,
    /// What was sent as `Authorization`.
    pub keys: Arc<Mutex<Vec<String>>>,
}

impl Endpoint {
    /// `refuse` is given the number of a request for an answer, and its body.
    pub fn start(
        refuse: impl Fn(usize, &Value) -> Option<(u16, &'static str)> + Send + 'static,
    ) -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
        let keys: Arc<Mutex<Vec<String>>> = Arc::default();
        let (serving, log, heard) = (Arc::clone(&server), Arc::clone(&asked), Arc::clone(&keys));
        let number = AtomicUsize::new(0);
        let thread = std::thread::Builder::new().name("endpoint".to_owned()).spawn(move || {
            for mut request in serving.incoming_requests() {
                for header in request.headers() {
                    if header.field.equiv("Authorization") {
                        heard.lock().unwrap().push(header.value.as_str().to_owned());
                    }
                }
                let (status, body) = if request.url() == "/v1/models" {
                    (
                        200,
                        json!({"data": [{"id": "base"}, {"id": "mmhs"}]}).to_string(),
                    )
                } else {
                    let body: Value = serde_json::from_reader(request.as_reader()).unwrap();
                    let refused = refuse(number.fetch_add(1, Ordering::SeqCst), &body);
                    let with_logprobs = body.get("logprobs").is_some();
                    log.lock().unwrap().push(body);
                    match refused {
                        Some((status, message)) => {
                            (status, json!({"error": {"message": message}}).to_string())
                        }
                        None => {
                            let tokens = json!({"content": [{"logprob": -0.25, "top_logprobs": [{"logprob": -0.25}, {"logprob": -1.75}]}]});
                            let choice = json!({
                                "message": {"content": "[\"sexist\"]"},
                                "logprobs": if with_logprobs { tokens } else { Value::Null },
                            });
                            (
                                200,
                                json!({"choices": [choice], "usage": {"completion_tokens": 4}})
                                    .to_string(),
                            )
                        }
                    }
                };
                let at_once = Header::from_bytes("Retry-After", "0").unwrap();
                let response = Response::from_string(body)
                    .with_status_code(status)
                    .with_header(at_once);
                request.respond(response).unwrap();
            }
        }).unwrap();
        Self {
            server,
            thread: Some(thread),
            asked,
            keys,
        }
    }

    /// Its address, with the models `base` and `mmhs` behind it.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.server.server_addr().to_ip().unwrap())
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.server.unblock();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A text that an endpoint cannot take.
const FALLS_OVER: &str = "falls over";

/// The arguments of `predict` on some test posts by a model of this name.
fn ask(model: &str, more: &[&str]) -> Vec<String> {
    let mut args: Vec<String> = vec!["predict".to_owned(), text(&test_posts())];
    args.extend(["--model", model, "--out", "-"].map(str::to_owned));
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    args
}

#[test]
fn an_endpoint_of_openai_is_asked_with_the_trained_prompt_and_the_image() {
    let endpoint = Endpoint::start(|number, _| (number == 0).then_some((429, "too many")));
    let model = format!("openai:{}#mmhs", endpoint.url());
    let mut command = overrule(ask(
        &model,
        &["--limit", "3", "--batch-size", "3", "--max-new-tokens", "9"],
    ));
    let output = command
        .env("OPENAI_API_KEY", " secret \n")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(!stderr.contains("secret"), "{stderr}");
    let records = lines(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(records.len(), 3);
    for record in &records {
        assert_eq!(record["labels"], json!(["sexist"]));
        assert_eq!(
            (&record["parse"], &record["n_tokens"]),
            (&json!("clean"), &json!(4))
        );
        assert_eq!(
            (&record["answer_logprob"], &record["margin"]),
            (&json!(-0.25), &json!(1.5))
        );
        assert_eq!(record["run"]["model"], json!(model));
        assert!(!record.to_string().contains("secret"));
    }
    let asked = endpoint.asked.lock().unwrap();
    assert_eq!(asked.len(), 4, "one was asked twice");
    for body in asked.iter() {
        assert_eq!(
            (&body["model"], &body["max_tokens"]),
            (&json!("mmhs"), &json!(9))
        );
        assert!(
            body["messages"][0]["content"]
                .as_str()
                .unwrap()
                .contains("'otherhate'")
        );
        assert!(body.to_string().contains("data:image/png;base64,"));
    }
    assert!(
        endpoint
            .keys
            .lock()
            .unwrap()
            .iter()
            .all(|key| key == "Bearer secret")
    );
}

#[test]
fn a_server_that_tells_no_probabilities_is_asked_without() {
    let endpoint = Endpoint::start(|_, body| {
        body.get("logprobs")
            .map(|_| (400, "logprobs are not supported"))
    });
    let model = format!("openai:{}#base", endpoint.url());
    let ended = run(ask(&model, &["--limit", "2"])).expect(0);
    for record in lines(&ended.stdout) {
        assert_eq!(
            (&record["labels"], &record["answer_logprob"]),
            (&json!(["sexist"]), &Value::Null)
        );
    }
    assert_eq!(endpoint.asked.lock().unwrap().len(), 3);
}

#[test]
fn what_an_endpoint_refuses_is_told_on_its_post_or_before_anything_begins() {
    let endpoint =
        Endpoint::start(|number, _| (number == 0).then_some((413, "the image is too large")));
    let url = endpoint.url();
    let ended = run(ask(&format!("openai:{url}#mmhs"), &["--limit", "2"])).expect(1);
    let records = lines(&ended.stdout);
    let failed: Vec<&Value> = records
        .iter()
        .filter(|record| !record["error"].is_null())
        .collect();
    assert!(failed.len() == 1 && records.len() == 2, "{records:?}");
    let error = failed[0]["error"].as_str().unwrap();
    assert!(
        error.contains("413") && error.contains("the image is too large; the post is larger"),
        "{error}"
    );

    for (model, says) in [
        (format!("openai:{url}"), "the models base, mmhs"),
        (format!("openai:{url}#other"), "the models base, mmhs"),
        (
            "openai:http://127.0.0.1:9/v1#a".to_owned(),
            "cannot be reached",
        ),
    ] {
        let ended = run(ask(&model, &[])).expect(2);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
    }
    let asked = endpoint.asked.lock().unwrap().len();
    let ended = run(ask(&format!("openai:{url}#mmhs"), &["--adapter", "mine"])).expect(2);
    let says = "the adapter of a served model is chosen where it is served";
    assert!(ended.stderr.contains(says), "{}", ended.stderr);
    assert_eq!(endpoint.asked.lock().unwrap().len(), asked);
}

#[test]
fn a_run_ends_where_the_endpoint_answers_nobody_and_goes_on_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    // How many posts stand in the file then, and the requests for the last of them.
    for (status, batch_size, written, tries, says) in [
        (
            401,
            "1",
            4,
            1,
            "give the key in the environment variable OPENAI_API_KEY",
        ),
        (404, "3", 6, 3, "and the model’s name"),
        (
            503,
            "1",
            6,
            3 * 4,
            "No answer to 3 batches in a row (3 posts)",
        ),
        (
            500,
            "3",
            12,
            9 * 4,
            "No answer to 3 batches in a row (9 posts)",
        ),
    ] {
        let broken = Arc::new(AtomicBool::new(true));
        let is_broken = Arc::clone(&broken);
        let endpoint = Endpoint::start(move |number, _| {
            let refuses = number >= 3 && is_broken.load(Ordering::SeqCst);
            refuses.then_some((status, "out of order"))
        });
        let model = format!("openai:{}#mmhs", endpoint.url());
        let out = text(&folder.path().join(format!("{status}.jsonl")));
        let mut args = ask(&model, &["--batch-size", batch_size, "--limit", "15"]);
        let place = args.iter().position(|arg| arg == "-").unwrap();
        args[place].clone_from(&out);

        let ended = run(&args).expect(2);
        let said = &ended.stderr;
        assert!(
            said.contains("error: predicting stopped: http://"),
            "{said}"
        );
        assert!(
            said.contains(&format!("{status}: out of order")) && said.contains(says),
            "{said}"
        );
        let left = format!(
            "{} posts left unpredicted; run the same command again",
            15 - written
        );
        assert!(said.contains(&left), "{said}");
        let records = lines(&std::fs::read_to_string(&out).unwrap());
        let answered = records.iter().filter(|record| record["error"].is_null());
        assert_eq!((records.len(), answered.count()), (written, 3), "{status}");
        assert_eq!(endpoint.asked.lock().unwrap().len(), 3 + tries, "{status}");

        broken.store(false, Ordering::SeqCst);
        let ended = run(&args).expect(0);
        assert!(
            ended.stderr.contains("3 were there already"),
            "{}",
            ended.stderr
        );
        let records = lines(&std::fs::read_to_string(&out).unwrap());
        let answered = records.iter().filter(|record| record["error"].is_null());
        assert_eq!(answered.count(), 15);
    }
}

#[test]
fn a_post_that_an_endpoint_falls_over_is_the_error_of_that_post() {
    let endpoint = Endpoint::start(|_, body| {
        // Every try of it.
        let falls_over = body.to_string().contains(FALLS_OVER);
        falls_over.then_some((500, "out of order"))
    });
    let folder = tempfile::tempdir().unwrap();
    let posts = folder.path().join("posts.csv");
    let rows: String = (0..9)
        .map(|n| match n % 3 {
            0 => format!("fine {n},,\n"),
            _ => format!("{FALLS_OVER} {n},,\n"),
        })
        .collect();
    std::fs::write(&posts, format!("text,image_path,labels\n{rows}")).unwrap();
    let model = format!("openai:{}#mmhs", endpoint.url());
    let mut args = ask(&model, &["--labels", "racist,sexist", "--batch-size", "2"]);
    args[1] = text(&posts);
    let ended = run(&args).expect(1);
    let records = lines(&ended.stdout);
    let failed = records.iter().filter(|record| !record["error"].is_null());
    assert_eq!((records.len(), failed.count()), (9, 6));
}

#[test]
fn what_serve_answers_is_what_predict_says_here() {
    let service = Service::start(&["--batch-size", "4"]);
    let model = format!("sagemaker:http://{}", service.address());
    let there = run(ask(&model, &["--limit", "6", "--batch-size", "3"])).expect(0);
    let here = run(predict(&test_posts(), &["--out", "-", "--limit", "6"])).expect(0);
    let (there, here) = (lines(&there.stdout), lines(&here.stdout));
    assert_eq!(there.len(), 6);
    for (there, here) in there.iter().zip(&here) {
        assert_eq!(
            (&there["labels"], &there["raw"]),
            (&here["labels"], &here["raw"])
        );
        let p = |record: &Value| record["scores"]["racist"]["p"].as_f64().unwrap();
        assert!((p(there) - p(here)).abs() < 1e-3);
    }
}

#[test]
fn what_serve_answers_of_models_that_write_no_json_is_what_predict_says_here() {
    let folder = tempfile::tempdir().unwrap();
    let posts = folder.path().join("posts.csv");
    let picture = post_image("images/test_000_rgb.png");
    let rows: String = (0..4)
        .map(|n| format!("a text {n},{}\n", picture.display()))
        .collect();
    std::fs::write(&posts, format!("text,image_path\n{rows}")).unwrap();
    for (data, labels, model) in [
        (
            fixture("gemma2/test.csv"),
            None,
            vec![
                "--model".to_owned(),
                text(&fixture("gemma2/base")),
                "--adapter".to_owned(),
                text(&fixture("gemma2/adapter")),
            ],
        ),
        (
            posts,
            Some("biased"),
            vec![
                "--model".to_owned(),
                text(&fixture("bias_classifier/concat")),
            ],
        ),
    ] {
        let mut local = vec!["predict".to_owned(), text(&data)];
        local.extend(model.clone());
        let mut more: Vec<&str> = vec!["--limit", "6"];
        more.extend(labels.iter().flat_map(|labels| ["--labels", labels]));
        local.extend(more.iter().map(|arg| (*arg).to_owned()));
        let here = lines(&run(&local).expect(0).stdout);

        let label_set: Vec<&str> = here[0]["run"]["label_set"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        let label_set = label_set.join(",");
        let mut args = model;
        args.extend(["--labels".to_owned(), label_set]);
        let service = Service::of(args);
        let mut there = vec!["predict".to_owned(), text(&data)];
        let name = format!("sagemaker:http://{}", service.address());
        there.extend(["--model".to_owned(), name]);
        there.extend(more.iter().map(|arg| (*arg).to_owned()));
        let there = lines(&run(&there).expect(0).stdout);

        assert!(here.len() >= 4 && here.len() == there.len());
        assert!(here.iter().any(|record| record["parse"] == "clean"));
        for (there, here) in there.iter().zip(&here) {
            for key in ["labels", "raw", "parse"] {
                assert_eq!(there[key], here[key], "{there} {here}");
            }
        }
    }
}

#[test]
fn a_password_with_odd_characters_is_sent_as_it_is_meant() {
    let endpoint = Endpoint::start(|_, _| None);
    for password in ["p%40ss%2Fw", "p%40ss/w"] {
        let url = endpoint
            .url()
            .replace("http://", &format!("http://me:{password}@"));
        run(ask(&format!("openai:{url}#mmhs"), &["--limit", "1"])).expect(0);
    }
    // me:p@ss/w
    let keys = endpoint.keys.lock().unwrap();
    assert!(
        keys.iter().all(|key| key == "Basic bWU6cEBzcy93"),
        "{keys:?}"
    );
}

#[test]
fn a_password_in_an_address_is_sent_and_stands_nowhere() {
    let endpoint = Endpoint::start(|number, _| (number == 1).then_some((413, "too large")));
    let url = endpoint.url().replace("http://", "http://me:secret@");
    let model = format!("openai:{url}#mmhs");
    let ended = run(ask(&model, &["--limit", "2", "--batch-size", "1"])).expect(1);
    let records = lines(&ended.stdout);
    assert_eq!(
        records[0]["run"]["model"],
        json!(format!("openai:{}#mmhs", endpoint.url()))
    );
    assert!(records[1]["error"].as_str().unwrap().contains("413"));
    let keys = endpoint.keys.lock().unwrap();
    // me:secret
    assert!(
        keys.len() == 3 && keys.iter().all(|key| key == "Basic bWU6c2VjcmV0"),
        "{keys:?}"
    );
    drop(keys);

    let unknown = run(ask(&format!("openai:{url}#other"), &[])).expect(2);
    let away = run(ask("sagemaker:http://me:secret@127.0.0.1:9", &[])).expect(2);
    for said in [&ended.stdout, &ended.stderr, &unknown.stderr, &away.stderr] {
        assert!(!said.contains("secret") && !said.contains("me:"), "{said}");
    }
}
