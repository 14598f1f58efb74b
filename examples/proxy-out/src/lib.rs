//! Calls an upstream and streams its answer back, by wasi:http 0.2 `outgoing-handler`.
//!
//! The upstream is `?url=…` of the request (percent-encoded), or the environment variable
//! `UPSTREAM`. Which hosts may be called is not decided here but in the manifest
//! (`allowed_outbound_hosts`): a refused call answers 403, an unreachable upstream 502.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, IncomingResponse, OutgoingBody, OutgoingRequest,
    OutgoingResponse, ResponseOutparam, Scheme,
};
use wasip2::io::streams::StreamError;

const CHUNK_BYTES: u64 = 64 * 1024;

struct Proxy;

impl wasip2::exports::http::incoming_handler::Guest for Proxy {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let Some(url) = upstream(&target) else {
            return answer(response_out, 400, "Give ?url=…, or set UPSTREAM\n");
        };
        let Some(outgoing) = request_to(&url) else {
            return answer(response_out, 400, &format!("Not an http(s) URL: {url}\n"));
        };
        match call(outgoing) {
            Ok(response) => pass_on(response, response_out),
            Err(ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited) => {
                answer(response_out, 403, &format!("This app may not call {url}\n"))
            }
            Err(error) => answer(response_out, 502, &format!("{url}: {error:?}\n")),
        }
    }
}

fn upstream(target: &str) -> Option<String> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("url="))
        .map(percent_decode)
        .or_else(|| std::env::var("UPSTREAM").ok())
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn request_to(url: &str) -> Option<OutgoingRequest> {
    let (scheme, rest) = match url.split_once("://")? {
        ("http", rest) => (Scheme::Http, rest),
        ("https", rest) => (Scheme::Https, rest),
        _ => return None,
    };
    let path_at = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(path_at);
    let path = if path.is_empty() { "/" } else { path };
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&scheme)).ok()?;
    request.set_authority(Some(authority)).ok()?;
    request.set_path_with_query(Some(path)).ok()?;
    Some(request)
}

fn call(request: OutgoingRequest) -> Result<IncomingResponse, ErrorCode> {
    let body = request.body().expect("a new request has its body");
    let future = outgoing_handler::handle(request, None)?;
    OutgoingBody::finish(body, None)?;
    future.subscribe().block();
    future.get().expect("it is ready").expect("it is taken once")
}

/// Headers that concern one connection and not the message (RFC 9110, section 7.6.1).
fn is_hop_by_hop(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&name.to_ascii_lowercase().as_str())
}

fn pass_on(upstream: IncomingResponse, response_out: ResponseOutparam) {
    let headers = Fields::new();
    for (name, value) in upstream.headers().entries() {
        if !is_hop_by_hop(&name) {
            // A header that this side may not set is the host's own to add.
            let _ = headers.append(&name, &value);
        }
    }
    let response = OutgoingResponse::new(headers);
    response.set_status_code(upstream.status()).expect("a status that was received is valid");
    let body = response.body().expect("a new response has its body");
    ResponseOutparam::set(response_out, Ok(response));

    let incoming = upstream.consume().expect("a body is consumed once");
    let input = incoming.stream().expect("a new body has its stream");
    let output = body.write().expect("a new body has its stream");
    let end = loop {
        if let Err(end) = output.blocking_splice(&input, CHUNK_BYTES) {
            break end;
        }
    };
    drop(input);
    drop(output);
    if matches!(end, StreamError::Closed) {
        let _ = OutgoingBody::finish(body, None);
    }
}

fn answer(response_out: ResponseOutparam, status: u16, text: &str) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(status).expect("a valid status");
    let body = response.body().expect("a new response has its body");
    ResponseOutparam::set(response_out, Ok(response));
    let stream = body.write().expect("a new body has its stream");
    let _ = stream.blocking_write_and_flush(text.as_bytes());
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

wasip2::http::proxy::export!(Proxy);
