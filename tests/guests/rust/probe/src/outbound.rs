//! Calls out by wasi:http 0.2 `outgoing-handler`.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

use crate::bodies::trailers_of;
use crate::http::Exchange;

const CHUNK_BYTES: u64 = 64 * 1024;

/// Where to call: the header `x-url`, because a URL in a query needs escaping.
fn target(exchange: &Exchange) -> String {
    let values = exchange.request.headers().get("x-url");
    values.first().map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

fn request_to(exchange: &Exchange) -> OutgoingRequest {
    let url = target(exchange);
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", &url));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    let request = OutgoingRequest::new(Fields::new());
    request.set_method(&exchange.request.method()).expect("the method came from a request");
    let _ = request.set_scheme(Some(&scheme));
    let _ = request.set_authority(Some(authority));
    let _ = request.set_path_with_query(Some(if path.is_empty() { "/" } else { path }));
    request
}

fn options(exchange: &Exchange) -> Option<RequestOptions> {
    let ms: u64 = exchange.text("timeout_ms")?.parse().ok()?;
    let options = RequestOptions::new();
    options.set_connect_timeout(Some(ms * 1_000_000)).ok()?;
    options.set_first_byte_timeout(Some(ms * 1_000_000)).ok()?;
    options.set_between_bytes_timeout(Some(ms * 1_000_000)).ok()?;
    Some(options)
}

fn wait(future: &FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    future.subscribe().block();
    future.get().expect("it is ready").expect("it is taken once")
}

/// Calls `x-url`, with the request's body streamed up (`/upload`) or none (`/fetch`), and streams
/// the answer back with its status, headers and trailers. A refusal is a 502 that names the error.
pub fn fetch(exchange: Exchange, with_body: bool) {
    let request = request_to(&exchange);
    let body = request.body().expect("a new request has its body");
    let future = match outgoing_handler::handle(request, options(&exchange)) {
        Ok(future) => future,
        Err(error) => return exchange.answer(502, &format!("refused: {error:?}\n")),
    };
    if with_body {
        send_up(&exchange, body);
    } else {
        let _ = OutgoingBody::finish(body, None);
    }
    match wait(&future) {
        Ok(response) => send_down(exchange, response),
        Err(error) => exchange.answer(502, &format!("failed: {error:?}\n")),
    }
}

fn send_up(exchange: &Exchange, body: OutgoingBody) {
    let incoming = exchange.request.consume().expect("a body is consumed once");
    let input = incoming.stream().expect("a new body has its stream");
    let output = body.write().expect("a new body has its stream");
    while output.blocking_splice(&input, CHUNK_BYTES).is_ok() {}
    drop(input);
    drop(output);
    let _ = OutgoingBody::finish(body, trailers_of(incoming));
}

fn send_down(exchange: Exchange, response: IncomingResponse) {
    let headers = Fields::new();
    for (name, value) in response.headers().entries() {
        // Hop-by-hop headers are refused by the host, and rightly do not pass.
        let _ = headers.append(&name, &value);
    }
    let body = exchange.start(response.status(), headers);
    let incoming = response.consume().expect("a body is consumed once");
    let input = incoming.stream().expect("a new body has its stream");
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

/// Starts `?count=` calls at once, waits for all and says how each ended.
pub fn fetch_many(exchange: Exchange) {
    let count = exchange.number("count", 51u32);
    let started: Vec<_> = (0..count)
        .map(|_| {
            let request = request_to(&exchange);
            let body = request.body().expect("a new request has its body");
            let future = outgoing_handler::handle(request, options(&exchange));
            let _ = OutgoingBody::finish(body, None);
            future
        })
        .collect();
    let mut report = String::new();
    for (index, future) in started.into_iter().enumerate() {
        let outcome = match future.and_then(|future| wait(&future)) {
            Ok(response) => response.status().to_string(),
            Err(error) => format!("{error:?}"),
        };
        report += &format!("{index}: {outcome}\n");
    }
    exchange.answer(200, &report);
}

/// Calls `x-url` and leaves without waiting for the answer.
pub fn abandons_call(exchange: Exchange) {
    let request = request_to(&exchange);
    let body = request.body().expect("a new request has its body");
    let future = outgoing_handler::handle(request, None);
    let _ = OutgoingBody::finish(body, None);
    exchange.answer(200, if future.is_ok() { "abandoned\n" } else { "refused\n" });
}
