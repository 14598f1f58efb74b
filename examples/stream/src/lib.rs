//! Bodies as streams, by wasi:http 0.2.
//!
//! - `GET /events?count=5&every=1000`: server-sent events, one every so many milliseconds;
//! - `POST /echo`: the request's body and trailers come back as they arrive, however large;
//! - `GET /trailers`: a body followed by the trailer `x-body-bytes`.

use wasip2::clocks::monotonic_clock;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
    Trailers,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

/// Bytes that move in one step. The host keeps its own buffers, so this bounds the guest's work
/// per call and not the memory in use.
const CHUNK_BYTES: u64 = 64 * 1024;
const EVENTS_MAX: u64 = 10_000;

struct Stream;

impl wasip2::exports::http::incoming_handler::Guest for Stream {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path {
            "/events" => send_events(query, response_out),
            "/echo" => echo(request, response_out),
            "/trailers" => send_trailers(response_out),
            _ => {
                let body = start(response_out, 404, "text/plain");
                finish_with(body, b"Try /events, /echo or /trailers\n");
            }
        }
    }
}

/// Sends the head and returns the body that follows it.
fn start(response_out: ResponseOutparam, status: u16, content_type: &str) -> OutgoingBody {
    let headers = Fields::new();
    let value = content_type.as_bytes().to_vec();
    headers.append("content-type", &value).expect("a valid header");
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).expect("a valid status");
    let body = response.body().expect("a new response has its body");
    ResponseOutparam::set(response_out, Ok(response));
    body
}

fn finish_with(body: OutgoingBody, bytes: &[u8]) {
    let stream = body.write().expect("a new body has its stream");
    let _ = stream.blocking_write_and_flush(bytes);
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

fn number(query: &str, name: &str, default: u64) -> u64 {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(default)
}

fn send_events(query: &str, response_out: ResponseOutparam) {
    let count = number(query, "count", 5).min(EVENTS_MAX);
    let every_ms = number(query, "every", 1000);
    let body = start(response_out, 200, "text/event-stream");
    let stream = body.write().expect("a new body has its stream");
    for event in 1..=count {
        let text = format!("id: {event}\ndata: event {event} of {count}\n\n");
        // Each event is flushed, so that the client has it before the next one is due.
        if stream.blocking_write_and_flush(text.as_bytes()).is_err() {
            return; // The client has gone.
        }
        if event < count {
            monotonic_clock::subscribe_duration(every_ms.saturating_mul(1_000_000)).block();
        }
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

fn echo(request: IncomingRequest, response_out: ResponseOutparam) {
    let incoming = request.consume().expect("a body is consumed once");
    let input = incoming.stream().expect("a new body has its stream");
    let body = start(response_out, 200, "application/octet-stream");
    let output = body.write().expect("a new body has its stream");
    let copied = copy(&input, &output);
    drop(input);
    drop(output);
    if copied.is_err() {
        return; // Dropping an unfinished body tells the client that it is not whole.
    }
    let _ = OutgoingBody::finish(body, trailers_of(incoming));
}

/// Moves `input` to `output` without the bytes passing through this component.
fn copy(input: &InputStream, output: &OutputStream) -> Result<(), StreamError> {
    loop {
        match output.blocking_splice(input, CHUNK_BYTES) {
            Ok(_) => {}
            Err(StreamError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn trailers_of(body: IncomingBody) -> Option<Trailers> {
    let future = IncomingBody::finish(body);
    future.subscribe().block();
    // The layers say: ready, not taken before, no network error, and then whether there are any.
    future.get()?.ok()?.ok()?.map(|trailers| trailers.clone())
}

fn send_trailers(response_out: ResponseOutparam) {
    const TEXT: &[u8] = b"The trailer counts these bytes.\n";
    let body = start(response_out, 200, "text/plain");
    let stream = body.write().expect("a new body has its stream");
    let _ = stream.blocking_write_and_flush(TEXT);
    drop(stream);

    let trailers = Fields::new();
    let count = TEXT.len().to_string().into_bytes();
    trailers.append("x-body-bytes", &count).expect("a valid trailer");
    let _ = OutgoingBody::finish(body, Some(trailers));
}

wasip2::http::proxy::export!(Stream);
