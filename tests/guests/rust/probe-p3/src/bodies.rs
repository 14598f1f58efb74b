//! Bodies and trailers in every order.

use wasip3::clocks::monotonic_clock;
use wasip3::http::types::{Fields, Request, Response};
use wasip3::wit_bindgen::{StreamReader, StreamResult, StreamWriter};

use crate::http::{Target, answer, consume, pass_on, start};

const CHUNK_BYTES: usize = 64 * 1024;

pub fn describe(request: Request) -> Response {
    let mut text = format!("method: {:?}\n", request.get_method());
    text += &format!("target: {}\n", request.get_path_with_query().unwrap_or_default());
    text += &format!("scheme: {:?}\n", request.get_scheme());
    text += &format!("authority: {}\n", request.get_authority().unwrap_or_default());
    for (name, value) in request.get_headers().copy_all() {
        text += &format!("header {name}: {}\n", String::from_utf8_lossy(&value));
    }
    answer(200, &text)
}

/// Hands the request's body and trailers back whole: no byte passes through the guest.
pub fn echo(request: Request) -> Response {
    let (body, trailers) = consume(request);
    pass_on(200, Fields::new(), body, trailers)
}

/// The body comes back through the guest's own memory.
pub fn echo_copy(request: Request) -> Response {
    let (mut input, trailers) = consume(request);
    let (response, mut output, trailers_writer) = start(200, Fields::new());
    wasip3::spawn(async move {
        if copy(&mut input, &mut output).await {
            drop(output);
            let _ = trailers_writer.write(trailers.await).await;
        }
    });
    response
}

/// False: the client has gone.
async fn copy(input: &mut StreamReader<u8>, output: &mut StreamWriter<u8>) -> bool {
    let mut buffer = Vec::with_capacity(CHUNK_BYTES);
    loop {
        let (end, mut bytes) = input.read(buffer).await;
        if !bytes.is_empty() {
            bytes = output.write_all(bytes).await;
            if !bytes.is_empty() {
                return false;
            }
        }
        if !matches!(end, StreamResult::Complete(_)) {
            return true;
        }
        bytes.reserve(CHUNK_BYTES);
        buffer = bytes;
    }
}

async fn read_to_end(mut input: StreamReader<u8>) -> usize {
    let mut total = 0;
    loop {
        let (end, bytes) = input.read(Vec::with_capacity(CHUNK_BYTES)).await;
        total += bytes.len();
        if !matches!(end, StreamResult::Complete(_)) {
            return total;
        }
    }
}

pub async fn count(request: Request) -> Response {
    let (input, trailers) = consume(request);
    let total = read_to_end(input).await;
    match trailers.await {
        Ok(_) => answer(200, &format!("{total} bytes\n")),
        Err(error) => answer(200, &format!("{total} bytes, then {error:?}\n")),
    }
}

/// Answers before it reads: the head and a line first, the count of the body after.
pub fn early(request: Request) -> Response {
    let (input, _trailers) = consume(request);
    let (response, mut output, _) = start(200, Fields::new());
    wasip3::spawn(async move {
        let _ = output.write_all(b"early\n".to_vec()).await;
        let total = read_to_end(input).await;
        let _ = output.write_all(format!("{total} bytes\n").into_bytes()).await;
    });
    response
}

/// The request's trailers in the response's body, and as the response's trailers.
pub async fn trailers(request: Request) -> Response {
    let (input, trailers) = consume(request);
    read_to_end(input).await;
    let received = trailers.await.ok().flatten();
    let mut text = String::new();
    for (name, value) in received.as_ref().map(Fields::copy_all).unwrap_or_default() {
        text += &format!("trailer {name}: {}\n", String::from_utf8_lossy(&value));
    }
    let sent = received.unwrap_or_else(|| {
        let fields = Fields::new();
        fields.append("x-no-trailers", b"received").expect("a valid trailer");
        fields
    });
    let (response, mut output, trailers_writer) = start(200, Fields::new());
    wasip3::spawn(async move {
        let _ = output.write_all(text.into_bytes()).await;
        drop(output);
        let _ = trailers_writer.write(Ok(Some(sent))).await;
    });
    response
}

/// `?bytes=` bytes with their length declared.
pub fn sized(target: &Target) -> Response {
    let bytes = vec![b's'; target.number("bytes", 100 * 1024)];
    let headers = Fields::new();
    let length = bytes.len().to_string().into_bytes();
    headers.append("content-length", &length).expect("a valid header");
    let (response, mut output, _) = start(200, headers);
    wasip3::spawn(async move {
        let _ = output.write_all(bytes).await;
    });
    response
}

/// `?count=` lines, one every `?ms=`.
pub fn drip(target: &Target) -> Response {
    let (count, ms) = (target.number("count", 5u32), target.number("ms", 100u64));
    let (response, mut output, _) = start(200, Fields::new());
    wasip3::spawn(async move {
        for line in 0..count {
            let left = output.write_all(format!("drip {line}\n").into_bytes()).await;
            if !left.is_empty() {
                eprintln!("drip: the client left after {line} lines");
                return;
            }
            monotonic_clock::wait_for(ms * 1_000_000).await;
        }
    });
    response
}

/// Ends the response, works on for `?ms=` and says so in the log.
pub fn works_after(target: &Target) -> Response {
    let ms = target.number("ms", 100u64);
    let (response, mut output, _) = start(200, Fields::new());
    wasip3::spawn(async move {
        let _ = output.write_all(b"answered\n".to_vec()).await;
        drop(output);
        monotonic_clock::wait_for(ms * 1_000_000).await;
        eprintln!("worked {ms} ms after the response");
    });
    response
}

pub fn answers_forever() -> Response {
    let (response, mut output, _) = start(200, Fields::new());
    wasip3::spawn(async move { while output.write_all(vec![b'x'; 4096]).await.is_empty() {} });
    response
}

pub fn traps_in_body() -> Response {
    let (response, mut output, _) = start(200, Fields::new());
    wasip3::spawn(async move {
        let _ = output.write_all(b"half of it\n".to_vec()).await;
        panic!("in the middle of the body");
    });
    response
}
