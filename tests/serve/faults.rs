//! What clients and machines do to a service: it goes on, or ends and says why; it is never there in name only.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use crossbeam_channel::Sender;
use overrule::{
    image::Rgb,
    model::{ModelError, ModelInput, Processor, PromptStyle},
    post::LabelNames,
    predict::answering::{AnswerOptions, DecodeMode},
    serve::{Listener, Served, Service},
};

use super::Service as Program;
use crate::{common::PATIENCE, worker::fake};

/// As few threads as read at least.
const READERS: usize = 8;

/// A service of no patience, one post at a time.
fn service() -> Service {
    Service {
        prompt: PromptStyle::Trained,
        answers: AnswerOptions {
            labels: LabelNames::new(["racist", "sexist"]).unwrap(),
            max_new_tokens: 8,
            decode: DecodeMode::Plain,
            scores: false,
        },
        batch_size: 1,
        max_body_bytes: 1 << 20,
        max_pixels: 1 << 20,
        patience: Duration::ZERO,
        farewell: Duration::ZERO,
    }
}

/// Runs a service with a fake model while a client does something, then tells it to end.
fn serving<T>(client: impl FnOnce(SocketAddr) -> T) -> (T, Served) {
    let listener = Listener::bind("127.0.0.1", 0).unwrap();
    let address = listener.address();
    let (stop, stopped) = crossbeam_channel::bounded(1);
    std::thread::scope(|scope| {
        let service =
            scope.spawn(move || listener.run(fake::model(), &service(), &stopped).unwrap());
        let seen = client(address);
        stop.send(()).unwrap();
        (seen, service.join().unwrap())
    })
}

/// Status and body of the reply to a request as it stands.
fn send(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap();
    (status.to_owned(), body.to_owned())
}

fn post(address: SocketAddr, text: &str) -> (String, String) {
    let body = serde_json::json!({"text": text}).to_string();
    let length = body.len();
    let head = "POST /invocations HTTP/1.1\r\nHost: here\r\nConnection: close";
    send(
        address,
        &format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}"),
    )
}

#[test]
fn clients_that_do_not_go_on_sending_hold_up_nobody_else() {
    let ((ping, answer), served) = serving(|address| {
        let begun = "POST /invocations HTTP/1.1\r\nHost: here\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n";
        let stalled = (0..=READERS).map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(begun.as_bytes()).unwrap();
            let mut reader = BufReader::new(stream);
            let mut line = String::new();
            // The body is waited for now.
            reader.read_line(&mut line).unwrap();
            assert!(line.contains("100"), "{line}");
            reader
        });
        let stalled: Vec<_> = stalled.collect();
        let ping = "GET /ping HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
        let seen = (send(address, ping).0, post(address, "0").0);
        drop(stalled);
        seen
    });
    assert_eq!((ping.as_str(), answer.as_str()), ("200", "200"));
    assert_eq!(served.posts, 1);
}

#[test]
fn a_post_that_its_decoder_falls_over_costs_nobody_else_an_answer() {
    let (replies, served) = serving(|address| {
        let panics = format!("0 {}", fake::text::PROCESSOR_PANICS);
        let mut replies: Vec<_> = (0..=READERS).map(|_| post(address, &panics)).collect();
        replies.push(post(address, "0"));
        replies
    });
    let (last, others) = replies.split_last().unwrap();
    assert_eq!(last.0, "200", "{}", last.1);
    for (status, body) in others {
        assert_eq!(status, "500");
        assert!(body.contains("failed unexpectedly"), "{body}");
    }
    assert_eq!(served.posts, 1);
}

/// Tells of each post that it was made ready.
struct Telling {
    processor: Arc<dyn Processor>,
    ready: Sender<()>,
}

impl Processor for Telling {
    fn prepare(
        &self,
        text: &str,
        image: Option<&Rgb>,
        prompt: PromptStyle,
        labels: &LabelNames,
    ) -> Result<ModelInput, ModelError> {
        let input = self.processor.prepare(text, image, prompt, labels);
        self.ready.send(()).unwrap();
        input
    }

    fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.processor.decode(ids)
    }

    fn answer_ids(&self, answer: &str) -> Result<Vec<u32>, ModelError> {
        self.processor.answer_ids(answer)
    }
}

#[test]
fn posts_that_wait_for_a_slow_model_are_answered_although_the_service_ends() {
    const POSTS: usize = 4;
    let listener = Listener::bind("127.0.0.1", 0).unwrap();
    let address = listener.address();
    let (mut model, mut gate) = fake::gated();
    let (ready, made_ready) = crossbeam_channel::bounded(POSTS);
    model.processor = Arc::new(Telling {
        processor: model.processor,
        ready,
    });
    let (stop, stopped) = crossbeam_channel::bounded(1);
    std::thread::scope(|scope| {
        let running = scope.spawn(move || listener.run(model, &service(), &stopped).unwrap());
        let clients: Vec<_> = (0..POSTS)
            .map(|number| scope.spawn(move || post(address, &number.to_string())))
            .collect();
        (0..POSTS).for_each(|_| made_ready.recv_timeout(PATIENCE).unwrap());
        gate.wait_for_batch();
        stop.send(()).unwrap();
        gate.open();
        for client in clients {
            assert_eq!(client.join().unwrap().0, "200");
        }
        assert_eq!(running.join().unwrap().posts, POSTS);
    });
}

/// Connections take two files each where 48 may be open: the one that finds one left ends tiny_http’s thread by a panic, the one
/// that finds none by an error.
#[test]
#[cfg(unix)]
fn a_service_that_can_take_no_more_connections_ends_and_says_why() {
    use crate::cli::run::{isolated, model_args, overrule};

    for limit in ["48", "49"] {
        let program = overrule(["serve", "--port", "0"]);
        let mut shell = isolated("sh");
        // Files that were left open for it would count.
        let close = (3..10).map(|file| format!("exec {file}>&-; "));
        let script = close.collect::<String>() + "ulimit -n $0; exec \"$@\"";
        shell
            .args(["-c", &script, limit])
            .arg(program.get_program())
            .args(program.get_args())
            .args(model_args());
        let mut service = Program::run(&mut shell);
        // They are idle, as those of a client that keeps its connections.
        let clients: Vec<_> = (0..60)
            .map_while(|_| TcpStream::connect(service.address()).ok())
            .collect();
        assert!(clients.len() > 15, "{}", clients.len());
        let (rest, code) = service.end();
        assert_eq!(code, Some(2), "{rest:?}");
        let says = |line: &String| line.contains("no more connections can be taken");
        assert!(rest.iter().any(says), "{rest:?}");
        drop(clients);
    }
}
