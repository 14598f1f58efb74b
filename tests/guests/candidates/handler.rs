//! The handler of the candidates that differ from the release by little. The path of the request
//! says what it does.

use crate::exports::wasi::http::incoming_handler::Guest;
use crate::release::{set_timeouts, trailers_of};
use crate::wasi::http::outgoing_handler;
use crate::wasi::http::types::{
    Fields, IncomingBody, IncomingRequest, IncomingResponse, OutgoingBody, OutgoingRequest,
    OutgoingResponse, RequestOptions, ResponseOutparam, Scheme,
};
use crate::wasi::io::streams::StreamError;

struct Handler;

crate::export!(Handler with_types_in crate);

const WRITE_MAX: usize = 4096;

impl Guest for Handler {
    fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        match target.split('?').next().unwrap_or_default() {
            "/echo" => echo(request, outparam),
            "/fetch" => fetch(&request, outparam),
            "/trap" => panic!("asked for"),
            "/loop" => loop {
                std::hint::spin_loop();
            },
            _ => {
                let method = format!("{:?}", request.method());
                let header = header(&request, "x-test");
                respond(outparam, 201, &format!("{method} {target} {header}\n"));
            }
        }
    }
}

fn header(request: &IncomingRequest, name: &str) -> String {
    let values = request.headers().get(&name.to_owned());
    let text = values.first().map(|value| String::from_utf8_lossy(value).into_owned());
    text.unwrap_or_default()
}

fn respond(outparam: ResponseOutparam, status: u16, text: &str) {
    let body = start(outparam, status);
    let stream = body.write().expect("the first stream");
    stream.blocking_write_and_flush(text.as_bytes()).expect("the text is written");
    drop(stream);
    OutgoingBody::finish(body, None).expect("the body ends");
}

/// Sends the head of a response.
fn start(outparam: ResponseOutparam, status: u16) -> OutgoingBody {
    let headers = Fields::new();
    headers.set(&"x-answer".to_owned(), &[b"candidate".to_vec()]).expect("a header is set");
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).expect("the status is one");
    let body = response.body().expect("the first body");
    ResponseOutparam::set(outparam, Ok(response));
    body
}

/// Hands chunks on as they come, and the trailers.
fn echo(request: IncomingRequest, outparam: ResponseOutparam) {
    let outgoing = start(outparam, 200);
    let incoming = request.consume().expect("the first body");
    let (source, sink) = (incoming.stream().expect("the first stream"), outgoing.write().unwrap());
    loop {
        match source.blocking_read(WRITE_MAX as u64) {
            Ok(chunk) => sink.blocking_write_and_flush(&chunk).expect("a chunk is written"),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => panic!("{}", error.to_debug_string()),
        }
    }
    drop((source, sink));
    let trailers = trailers_of(&IncomingBody::finish(incoming));
    let copy = trailers.map(|trailers| Fields::from_list(&trailers.entries()).expect("trailers"));
    OutgoingBody::finish(outgoing, copy).expect("the body ends");
}

/// Calls the URL in `x-url` and answers what came.
fn fetch(request: &IncomingRequest, outparam: ResponseOutparam) {
    match call(&header(request, "x-url")) {
        Ok(response) => {
            let outgoing = start(outparam, response.status());
            let incoming = response.consume().expect("the first body");
            let (source, sink) = (incoming.stream().unwrap(), outgoing.write().unwrap());
            while let Ok(chunk) = source.blocking_read(WRITE_MAX as u64) {
                sink.blocking_write_and_flush(&chunk).expect("a chunk is written");
            }
            drop(sink);
            OutgoingBody::finish(outgoing, None).expect("the body ends");
        }
        Err(error) => respond(outparam, 502, &format!("{error}\n")),
    }
}

fn call(url: &str) -> Result<IncomingResponse, String> {
    let rest = url.strip_prefix("http://").ok_or("x-url must name an http URL")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let outgoing = OutgoingRequest::new(Fields::new());
    outgoing.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    outgoing.set_authority(Some(authority)).map_err(|()| "no authority")?;
    outgoing.set_path_with_query(Some(&format!("/{path}"))).map_err(|()| "no path")?;
    let options = RequestOptions::new();
    set_timeouts(&options);
    let future =
        outgoing_handler::handle(outgoing, Some(options)).map_err(|error| format!("{error:?}"))?;
    future.subscribe().block();
    let answer = future.get().expect("the future is ready").expect("it is asked once");
    answer.map_err(|error| format!("{error:?}"))
}
