//! The way to an endpoint: through a proxy, to where it is no more, to one that hangs.

use overrule::{
    model::ModelSpec,
    predict::worker::{Event, Worker},
};
use tiny_http::{Header, Request, Response, Server};

use super::{Endpoint, ask};
use crate::{
    cli::run::{ended, overrule, run},
    common::PATIENCE,
    worker::fake,
};

/// What a server without a thread of its own is asked next.
fn next_request(server: &Server) -> Request {
    let request = server.recv_timeout(PATIENCE).unwrap();
    request.expect("a request")
}

#[test]
fn a_proxy_is_for_other_machines_and_named_where_one_fails() {
    let endpoint = Endpoint::start(|_, _| None);
    let predict = |url: &str| {
        let mut command = overrule(ask(&format!("openai:{url}#mmhs"), &["--limit", "1"]));
        for name in ["ALL_PROXY", "https_proxy", "HTTP_PROXY"] {
            // Nobody listens there.
            command.env(name, "http://me:secret@127.0.0.1:9");
        }
        ended(command.output().unwrap())
    };
    let here = endpoint.url();
    for url in [&here, &here.replace("127.0.0.1", "localhost")] {
        predict(url).expect(0);
    }
    let told = predict("http://gpu.invalid:8000/v1").expect(2).stderr;
    let says = "(through the proxy 127.0.0.1:9) cannot be reached";
    assert!(told.contains(says) && !told.contains("secret"), "{told}");
}

#[test]
fn an_endpoint_that_has_moved_is_not_followed_and_says_where_it_is() {
    let server = Server::http("127.0.0.1:0").unwrap();
    let address = server.server_addr().to_ip().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let request = next_request(&server);
            let place = Header::from_bytes("Location", "https://elsewhere/v1/models").unwrap();
            let moved = Response::empty(301).with_header(place);
            request.respond(moved).unwrap();
        });
        let ended = run(ask(&format!("openai:http://{address}/v1"), &[])).expect(2);
        let says = "has moved to https://elsewhere/v1/models";
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
    });
}

#[test]
fn nobody_waits_for_an_endpoint_that_hangs_once_the_run_is_cancelled() {
    let server = Server::http("127.0.0.1:0").unwrap();
    let address = server.server_addr().to_ip().unwrap();
    let worker = Worker::spawn(|| {}).unwrap();
    worker.load(ModelSpec {
        model: format!("sagemaker:http://{address}"),
        ..ModelSpec::default()
    });
    let ping = next_request(&server);
    ping.respond(Response::from_string("{}")).unwrap();
    worker.predict(fake::job(&["of ten"; 10], 2));
    let never_answered = [next_request(&server), next_request(&server)];
    worker.cancel();
    let ended = |event: &Event| matches!(event, Event::Finished { .. });
    while !ended(&worker.events().recv_timeout(PATIENCE).unwrap()) {}
    drop(never_answered);
}
