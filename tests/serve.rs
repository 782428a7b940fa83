//! `overrule serve` as its clients see it: the real program, asked over a socket.

mod faults;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use serde_json::{Value, json};

use crate::{
    cli::run::{lines, model_args, overrule, predict, run, signal, test_posts},
    common::{PATIENCE, post_image},
};

/// The service on a free port; ended when dropped.
pub struct Service {
    process: Child,
    address: String,
    /// The lines on its standard error.
    said: Receiver<String>,
}

impl Service {
    pub fn start(more: &[&str]) -> Self {
        let more = more.iter().map(|arg| (*arg).to_owned());
        Self::of(model_args().into_iter().chain(more).collect())
    }

    /// A service of any model.
    pub fn of(model: Vec<String>) -> Self {
        let mut args = vec!["serve".to_owned(), "--port".to_owned(), "0".to_owned()];
        args.extend(model);
        Self::run(&mut overrule(args))
    }

    /// The service that a command starts.
    fn run(command: &mut Command) -> Self {
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (tell, said) = bounded(1_000);
        // Read to the end, or the program would wait for a reader.
        std::thread::Builder::new()
            .name("listener".to_owned())
            .spawn(move || lines.for_each(|line| drop(tell.send(line.unwrap()))))
            .unwrap();
        let address = loop {
            let line = said.recv_timeout(PATIENCE).expect("an address");
            if let Some((_, address)) = line.split_once("http://") {
                break address.split_once('/').unwrap().0.to_owned();
            }
        };
        Self {
            process,
            address,
            said,
        }
    }

    /// Waits for its end: what it still said, and its exit code.
    fn end(&mut self) -> (Vec<String>, Option<i32>) {
        let mut rest = Vec::new();
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it goes on: {rest:?}"),
            }
        }
        (rest, self.process.wait().unwrap().code())
    }

    /// Where it listens, `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Status, headers and body of the reply to a request as it stands.
    fn send(&self, request: &[u8]) -> (u16, String, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("{reply}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (
            status,
            head.to_owned(),
            serde_json::from_str(body).unwrap_or(Value::Null),
        )
    }

    fn post(&self, body: &str) -> (u16, String, Value) {
        let length = body.len();
        let head = "POST /invocations HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Type: application/json";
        self.send(format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The first posts of the fixture with what `predict` says of them.
fn posts(n: usize) -> Vec<(String, Value)> {
    let predicted = run(predict(
        &test_posts(),
        &["--out", "-", "--limit", &n.to_string()],
    ))
    .expect(0);
    let of = |record: Value| {
        let image = std::fs::read(post_image(record["image_path"].as_str().unwrap())).unwrap();
        let body = json!({"text": record["text"], "image_base64": BASE64_STANDARD.encode(image)});
        (body.to_string(), record)
    };
    lines(&predicted.stdout).into_iter().map(of).collect()
}

#[test]
fn answers_are_those_of_predict_alone_and_together() {
    let posts = posts(8);
    let service = Service::start(&["--batch-size", "4"]);
    let (status, head, body) =
        service.send(b"GET /ping HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    assert_eq!((status, &body), (200, &json!({"status": "ok"})), "{head}");
    let check = |(body, record): &(String, Value)| {
        let (status, head, answer) = service.post(body);
        assert_eq!(status, 200, "{answer}");
        assert!(head.contains("application/json"), "{head}");
        assert_eq!(answer["labels"], record["labels"]);
        assert_eq!(answer["raw_generation"], record["raw"]);
        assert_eq!(answer["parse"], record["parse"]);
        for (label, p) in answer["scores"].as_object().unwrap() {
            let predicted = record["scores"][label]["p"].as_f64().unwrap();
            assert!((p.as_f64().unwrap() - predicted).abs() < 1e-3, "{label}");
        }
    };
    posts.iter().take(2).for_each(check);
    std::thread::scope(|scope| {
        for post in &posts {
            scope.spawn(|| check(post));
        }
    });
}

#[test]
fn what_a_client_does_wrong_is_told_and_the_next_one_is_answered() {
    let posts = posts(1);
    let service = Service::start(&["--max-body", "1", "--max-pixels", "1", "--no-scores"]);
    let image = |width: u32, height: u32| {
        let mut png = std::io::Cursor::new(Vec::new());
        let picture = image::GrayImage::new(width, height);
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        json!({"text": "x", "image_base64": BASE64_STANDARD.encode(png.into_inner())}).to_string()
    };
    let large = json!({"text": "x".repeat(1 << 20)}).to_string();
    for (body, status, says) in [
        ("", 400, "JSON"),
        ("[1, 2", 400, "JSON"),
        (r#"["a text"]"#, 400, "one post at a time"),
        (r#"{"text": 7}"#, 400, "JSON"),
        ("{}", 400, "neither a text nor an image"),
        (r#"{"text": "x", "image_base64": "@@@"}"#, 400, "not base64"),
        (
            r#"{"text": "x", "image_base64": "AAAA"}"#,
            422,
            "image_base64",
        ),
        (r#"{"text": "no image"}"#, 422, "without"),
        (&image(2000, 2000), 413, "2000 × 2000 pixels"),
        (&large, 413, "more than 1048576 bytes"),
    ] {
        let (got, _, answer) = service.post(body);
        let message = answer["error"].as_str().unwrap_or_default().to_owned();
        assert_eq!(got, status, "{message}");
        assert!(message.contains(says), "{message}");
    }
    let requests = [
        ("GET /invocations HTTP/1.1", 405),
        ("POST /ping HTTP/1.1", 405),
        ("GET / HTTP/1.1", 404),
        ("POST /invocations HTTP/1.1\r\nContent-Type: text/csv", 415),
    ];
    for (request, status) in requests {
        let request =
            format!("{request}\r\nHost: here\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(service.send(request.as_bytes()).0, status, "{request}");
    }
    let (status, _, answer) = service.post(&posts[0].0);
    assert_eq!((status, &answer["labels"]), (200, &posts[0].1["labels"]));
    assert_eq!(answer.get("scores"), None);
}

#[test]
fn a_port_in_use_says_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut args = vec!["serve".to_owned(), "--port".to_owned(), port];
    args.extend(model_args());
    let ended = run(args).expect(2);
    assert!(
        ended.stderr.contains("choose another --port"),
        "{}",
        ended.stderr
    );
}

#[test]
#[cfg(unix)]
fn a_polite_request_to_end_is_obeyed() {
    let mut service = Service::start(&[]);
    signal(&service.process, libc::SIGTERM);
    assert_eq!(service.end().1, Some(0));
}

/// The threads of a process that have no name of their own, as those have that compute.
#[cfg(target_os = "linux")]
fn nameless_threads(service: &Service) -> usize {
    let tasks = format!("/proc/{}/task", service.process.id());
    let names = std::fs::read_dir(tasks).unwrap().filter_map(|task| {
        // One that has just ended has no name any more.
        std::fs::read_to_string(task.unwrap().path().join("comm")).ok()
    });
    names.filter(|name| name.trim() == "overrule").count()
}

#[test]
#[cfg(target_os = "linux")]
fn as_many_threads_compute_as_are_asked_for() {
    let [few, many] =
        ["2", "42"].map(|threads| nameless_threads(&Service::start(&["--threads", threads])));
    // The service itself has a few, more or less.
    assert!((30..50).contains(&(many - few)), "{few}, {many}");
}
