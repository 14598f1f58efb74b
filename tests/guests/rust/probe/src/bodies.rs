//! Bodies and trailers in every order.

use wasip2::clocks::monotonic_clock;
use wasip2::http::types::{Fields, IncomingBody, Trailers};
use wasip2::io::streams::{InputStream, StreamError};

use crate::http::{Exchange, headers};

const CHUNK_BYTES: u64 = 64 * 1024;

/// What the guest sees of the request, one `name: value` a line.
pub fn describe(exchange: Exchange) {
    let request = &exchange.request;
    let mut text = format!("method: {:?}\n", request.method());
    text += &format!("target: {}\n", request.path_with_query().unwrap_or_default());
    text += &format!("scheme: {:?}\n", request.scheme());
    text += &format!("authority: {}\n", request.authority().unwrap_or_default());
    for (name, value) in request.headers().entries() {
        text += &format!("header {name}: {}\n", String::from_utf8_lossy(&value));
    }
    exchange.answer(200, &text);
}

/// The body comes back, passed on by the host. Trailers too.
pub fn echo(exchange: Exchange) {
    let incoming = exchange.request.consume().expect("a body is consumed once");
    let input = incoming.stream().expect("a new body has its stream");
    let body = exchange.start(200, Fields::new());
    let end = loop {
        if let Err(end) = body.stream().blocking_splice(&input, CHUNK_BYTES) {
            break end;
        }
    };
    drop(input);
    if matches!(end, StreamError::Closed) {
        body.finish(trailers_of(incoming));
    }
}

/// The body comes back through the guest's own memory.
pub fn echo_copy(exchange: Exchange) {
    let incoming = exchange.request.consume().expect("a body is consumed once");
    let input = incoming.stream().expect("a new body has its stream");
    let body = exchange.start(200, Fields::new());
    while let Ok(bytes) = input.blocking_read(CHUNK_BYTES) {
        if !body.write(&bytes) {
            return;
        }
    }
    drop(input);
    body.finish(trailers_of(incoming));
}

/// Reads the whole body first and answers with its size and how it ended.
pub fn count(exchange: Exchange) {
    let incoming = exchange.request.consume().expect("a body is consumed once");
    let input = incoming.stream().expect("a new body has its stream");
    let report = read_to_end(&input);
    drop(input);
    exchange.answer(200, &report);
}

/// Answers before it reads: the head and a line first, the count of the body after.
pub fn early(exchange: Exchange) {
    let incoming = exchange.request.consume().expect("a body is consumed once");
    let input = incoming.stream().expect("a new body has its stream");
    let body = exchange.start(200, Fields::new());
    body.write(b"early\n");
    let report = read_to_end(&input);
    body.finish_with(report.as_bytes());
}

fn read_to_end(input: &InputStream) -> String {
    let mut total = 0;
    loop {
        match input.blocking_read(CHUNK_BYTES) {
            Ok(bytes) => total += bytes.len(),
            Err(StreamError::Closed) => return format!("{total} bytes\n"),
            Err(StreamError::LastOperationFailed(error)) => {
                return format!("{total} bytes, then {}\n", error.to_debug_string());
            }
        }
    }
}

/// The request's trailers in the response's body, and as the response's trailers.
pub fn trailers(exchange: Exchange) {
    let incoming = exchange.request.consume().expect("a body is consumed once");
    let input = incoming.stream().expect("a new body has its stream");
    while input.blocking_read(CHUNK_BYTES).is_ok() {}
    drop(input);
    let received = trailers_of(incoming);
    let mut text = String::new();
    for (name, value) in received.as_ref().map(|fields| fields.entries()).unwrap_or_default() {
        text += &format!("trailer {name}: {}\n", String::from_utf8_lossy(&value));
    }
    let sent = received.unwrap_or_else(|| headers(&[("x-no-trailers", "received")]));
    let body = exchange.start(200, Fields::new());
    body.write(text.as_bytes());
    body.finish(Some(sent));
}

pub fn trailers_of(body: IncomingBody) -> Option<Trailers> {
    let future = IncomingBody::finish(body);
    future.subscribe().block();
    future.get()?.ok()?.ok()?.map(|trailers| trailers.clone())
}

/// `?bytes=` bytes, with their length declared unless `?chunked=1`.
pub fn sized(exchange: Exchange) {
    let bytes = vec![b's'; exchange.number("bytes", 100 * 1024)];
    let length = bytes.len().to_string();
    let fields = match exchange.number("chunked", 0u8) {
        0 => headers(&[("content-length", &length)]),
        _ => Fields::new(),
    };
    exchange.start(200, fields).finish_with(&bytes);
}

/// `?count=` lines, one every `?ms=`.
pub fn drip(exchange: Exchange) {
    let (count, ms) = (exchange.number("count", 5u32), exchange.number("ms", 100u64));
    let body = exchange.start(200, Fields::new());
    for line in 0..count {
        if !body.write(format!("drip {line}\n").as_bytes()) {
            eprintln!("drip: the client left after {line} lines");
            return;
        }
        monotonic_clock::subscribe_duration(ms * 1_000_000).block();
    }
    body.finish(None);
}

/// Finishes the response, works on for `?ms=` and says so in the log.
pub fn works_after(exchange: Exchange) {
    let ms = exchange.number("ms", 100u64);
    exchange.answer(200, "answered\n");
    monotonic_clock::subscribe_duration(ms * 1_000_000).block();
    eprintln!("worked {ms} ms after the response");
}
