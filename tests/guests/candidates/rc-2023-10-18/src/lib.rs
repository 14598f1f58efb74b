//! A handler of wasi:http 0.2.0-rc-2023-10-18 without an SDK, with what spin-sdk 2 does not use of
//! the other interfaces of that date. The path of the request says what it does.

wit_bindgen::generate!({ path: "wit", generate_all });

use exports::wasi::http::incoming_handler::Guest;
use wasi::clocks::monotonic_clock;
use wasi::filesystem::preopens;
use wasi::filesystem::types::{
    AccessType, Descriptor, DescriptorFlags, ErrorCode, Modes, OpenFlags, PathFlags,
};
use wasi::http::outgoing_handler;
use wasi::http::types::{
    Error, Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingRequest,
    OutgoingResponse, RequestOptions, ResponseOutparam, Scheme,
};
use wasi::io::poll::{poll_list, poll_one};
use wasi::io::streams::StreamError;

struct Handler;

export!(Handler);

const WRITE_MAX: usize = 4096;

impl Guest for Handler {
    fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        match target.split('?').next().unwrap_or_default() {
            "/echo" => echo(request, outparam),
            "/splice" => splice(request, outparam),
            "/forward" => forward(request, outparam),
            "/fetch" => fetch(&request, outparam),
            "/file" => respond(outparam, 200, &file()),
            "/sleep" => respond(outparam, 200, &sleep()),
            "/fields" => respond(outparam, 200, &fields()),
            "/no-response" => {
                ResponseOutparam::set(outparam, Err(Error::UnexpectedError("asked for".into())));
            }
            "/bad-field" => drop(Fields::new(&[("not a name".into(), b"x".to_vec())])),
            "/bad-status" => drop(OutgoingResponse::new(1, &Fields::new(&[]))),
            "/trap" => panic!("asked for"),
            "/loop" => loop {
                std::hint::spin_loop();
            },
            _ => {
                let (method, header) = (request.method(), header(&request, "x-test"));
                respond(outparam, 201, &format!("{method:?} {target} {header}\n"));
            }
        }
    }
}

fn header(request: &IncomingRequest, name: &str) -> String {
    let values = request.headers().get(name);
    let text = values.first().map(|value| String::from_utf8_lossy(value).into_owned());
    text.unwrap_or_default()
}

fn respond(outparam: ResponseOutparam, status: u16, text: &str) {
    let body = start(outparam, status);
    let stream = body.write().expect("the first stream");
    stream.blocking_write_and_flush(text.as_bytes()).expect("the text is written");
    drop(stream);
    OutgoingBody::finish(body, None);
}

/// Sends the head of a response. That of a hop is not the guest's to set.
fn start(outparam: ResponseOutparam, status: u16) -> OutgoingBody {
    let headers = Fields::new(&[
        ("x-answer".into(), b"candidate".to_vec()),
        ("connection".into(), b"close".to_vec()),
    ]);
    let response = OutgoingResponse::new(status, &headers);
    headers.set("x-answer", &[b"too late".to_vec()]);
    let body = response.write().expect("the first body");
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
    let future = IncomingBody::finish(incoming);
    let ready = future.subscribe();
    assert_eq!(poll_list(&[&ready]), [0]);
    drop(ready);
    let trailers = future.get().expect("the future is ready").expect("trailers");
    OutgoingBody::finish(outgoing, Some(Fields::new(&trailers.entries())));
}

/// Echoes by `splice`, which takes the input stream for good.
fn splice(request: IncomingRequest, outparam: ResponseOutparam) {
    let outgoing = start(outparam, 200);
    let incoming = request.consume().expect("the first body");
    let sink = outgoing.write().expect("the first stream");
    let stream = incoming.stream().expect("the first stream");
    sink.blocking_splice(stream, WRITE_MAX as u64).expect("bytes move");
    sink.blocking_flush().expect("they are sent");
    drop(sink);
    OutgoingBody::finish(outgoing, None);
}

/// Echoes by `forward`, which moves everything up to the end.
fn forward(request: IncomingRequest, outparam: ResponseOutparam) {
    let outgoing = start(outparam, 200);
    let incoming = request.consume().expect("the first body");
    let sink = outgoing.write().expect("the first stream");
    sink.forward(incoming.stream().expect("the first stream")).expect("bytes move");
    sink.blocking_flush().expect("they are sent");
    drop(sink);
    OutgoingBody::finish(outgoing, None);
}

/// Calls the URL in `x-url` and answers what came.
fn fetch(request: &IncomingRequest, outparam: ResponseOutparam) {
    let url = header(request, "x-url");
    let rest = url.strip_prefix("http://").expect("x-url names an http URL");
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let headers = Fields::new(&[("x-from".into(), b"candidate".to_vec())]);
    let outgoing = OutgoingRequest::new(
        &Method::Post,
        Some(&format!("/{path}")),
        Some(&Scheme::Http),
        Some(authority),
        &headers,
    );
    let body = outgoing.write().expect("the first body");
    let options = RequestOptions {
        connect_timeout_ms: Some(5_000),
        first_byte_timeout_ms: Some(5_000),
        between_bytes_timeout_ms: None,
    };
    let future = match outgoing_handler::handle(outgoing, Some(options)) {
        Ok(future) => future,
        Err(error) => return respond(outparam, 502, &format!("{error:?}\n")),
    };
    let stream = body.write().expect("the first stream");
    stream.blocking_write_and_flush(b"sent along").expect("the body is written");
    drop(stream);
    OutgoingBody::finish(body, None);
    poll_one(&future.subscribe());
    match future.get().expect("the future is ready").expect("it is asked once") {
        Ok(response) => {
            let outgoing = start(outparam, response.status());
            let incoming = response.consume().expect("the first body");
            let (source, sink) = (incoming.stream().unwrap(), outgoing.write().unwrap());
            while let Ok(chunk) = source.blocking_read(WRITE_MAX as u64) {
                sink.blocking_write_and_flush(&chunk).expect("a chunk is written");
            }
            drop(sink);
            OutgoingBody::finish(outgoing, None);
        }
        Err(error) => respond(outparam, 502, &format!("{error:?}\n")),
    }
}

/// Reads `note.txt`, and tries what a read-only folder refuses.
fn file() -> String {
    let folders = preopens::get_directories();
    let (folder, _) = folders.first().expect("a folder");
    let open = |name: &str, how, rights| -> Result<Descriptor, ErrorCode> {
        folder.open_at(PathFlags::empty(), name, how, rights, Modes::READABLE)
    };
    let note = open("note.txt", OpenFlags::empty(), DescriptorFlags::READ).expect("the note");
    let (data, _) = note.read(1 << 10, 0).expect("its text");
    let there = folder.access_at(PathFlags::empty(), "note.txt", AccessType::Exists);
    let gone = folder.access_at(PathFlags::empty(), "nothing", AccessType::Exists);
    let readable = AccessType::Access(Modes::READABLE);
    let readable = folder.access_at(PathFlags::empty(), "note.txt", readable);
    let made = open("new", OpenFlags::CREATE, DescriptorFlags::WRITE).map(|_| ());
    let modes = folder.change_file_permissions_at(PathFlags::empty(), "note.txt", Modes::all());
    format!(
        "{:?} {there:?} {gone:?} {readable:?} {made:?} {modes:?} {:?}\n",
        String::from_utf8_lossy(&data),
        note.try_lock_shared(),
    )
}

/// Waits for a duration and for an instant.
fn sleep() -> String {
    let start = monotonic_clock::now();
    poll_one(&monotonic_clock::subscribe(20_000_000, false));
    poll_one(&monotonic_clock::subscribe(start + 40_000_000, true));
    format!("{}\n", (monotonic_clock::now() - start) / 1_000_000)
}

fn fields() -> String {
    let fields = Fields::new(&[("a".into(), b"1".to_vec()), ("b".into(), b"2".to_vec())]);
    fields.append("a", b"3");
    fields.set("c", &[b"4".to_vec()]);
    fields.delete("b");
    let mut entries = fields.clone().entries();
    entries.sort();
    format!("{entries:?}\n")
}
