//! Object stores by `wasi:blobstore@0.2.0-draft`.
//!
//! `/STORE/OBJECT` streams the request's body into an object (PUT), an object into the response
//! (GET, with the query `start` and `end`), or does what the query's `do` says (POST).

wit_bindgen::generate!({
    path: "wit",
    world: "blobs",
    generate_all,
    with: {
        "wasi:io/error@0.2.4": wasip2::io::error,
        "wasi:io/poll@0.2.4": wasip2::io::poll,
        "wasi:io/streams@0.2.4": wasip2::io::streams,
    },
});

use wasi::blobstore::blobstore::{self, ObjectId};
use wasi::blobstore::container::Container;
use wasi::blobstore::types::{IncomingValue, OutgoingValue};
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

struct Blobs;

fn get<'a>(query: &'a str, name: &str) -> &'a str {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next().unwrap_or_default()
}

fn number(query: &str, name: &str, otherwise: u64) -> u64 {
    get(query, name).parse().unwrap_or(otherwise)
}

/// All that comes from `input`, as it comes.
fn pump(input: &InputStream, output: &OutputStream) -> Result<u64, String> {
    let mut total = 0;
    loop {
        match output.blocking_splice(input, 64 << 10) {
            Ok(count) => total += count,
            Err(StreamError::Closed) => return Ok(total),
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
}

fn put(container: &Container, name: &str, request: &IncomingRequest) -> Result<String, String> {
    let body = request.consume().map_err(|()| "the body is gone")?;
    let input = body.stream().map_err(|()| "the stream is gone")?;
    let value = OutgoingValue::new_outgoing_value();
    let output = value.outgoing_value_write_body().map_err(|()| "no stream")?;
    container.write_data(name, &value)?;
    let total = pump(&input, &output)?;
    output.blocking_flush().map_err(|error| format!("flush: {error:?}"))?;
    drop(output);
    drop(input);
    IncomingBody::finish(body);
    OutgoingValue::finish(value)?;
    Ok(format!("{total} bytes"))
}

fn write(value: &OutgoingValue, bytes: &[u8]) -> Result<(), String> {
    let output = value.outgoing_value_write_body().map_err(|()| "no stream")?;
    for piece in bytes.chunks(4096) {
        output.blocking_write_and_flush(piece).map_err(|error| match error {
            StreamError::Closed => "closed".to_owned(),
            StreamError::LastOperationFailed(error) => error.to_debug_string(),
        })?;
    }
    Ok(())
}

fn names(container: &Container, query: &str) -> Result<String, String> {
    let stream = container.list_objects()?;
    let (skipped, _) = stream.skip_stream_object_names(number(query, "skip", 0))?;
    let (names, end) = stream.read_stream_object_names(number(query, "len", 10_000))?;
    let ends = [names.first(), names.last()].map(|name| name.cloned().unwrap_or_default());
    Ok(format!("{skipped} {} {ends:?} {end}", names.len()))
}

fn act(store: &str, name: &str, query: &str) -> Result<String, String> {
    let id = |container: &str, object: &str| ObjectId {
        container: container.to_owned(),
        object: object.to_owned(),
    };
    let to = || id(get(query, "to-store"), get(query, "to"));
    Ok(match get(query, "do") {
        "exists" => format!("{:?}", blobstore::container_exists(store)?),
        "delete-container" => format!("{:?}", blobstore::delete_container(store)?),
        "copy" => format!("{:?}", blobstore::copy_object(&id(store, name), &to())?),
        "move" => format!("{:?}", blobstore::move_object(&id(store, name), &to())?),
        "create" => blobstore::create_container(store)?.name()?,
        other => in_container(&blobstore::get_container(store)?, name, query, other)?,
    })
}

fn in_container(
    container: &Container,
    name: &str,
    query: &str,
    action: &str,
) -> Result<String, String> {
    Ok(match action {
        "info" => format!("{:?}", container.info()?),
        "object-info" => format!("{:?}", container.object_info(name)?),
        "has" => format!("{:?}", container.has_object(name)?),
        "names" => names(container, query)?,
        "delete" => format!("{:?}", container.delete_object(name)?),
        "delete-many" => {
            let names: Vec<String> = name.split(',').map(str::to_owned).collect();
            format!("{:?}", container.delete_objects(&names)?)
        }
        "clear" => format!("{:?}", container.clear()?),
        "whole" => {
            let value = container.get_data(name, 0, u64::MAX)?;
            format!("{}", IncomingValue::incoming_value_consume_sync(value)?.len())
        }
        // As some guests do it: the bytes first, then the name.
        "late-name" => {
            let value = OutgoingValue::new_outgoing_value();
            write(&value, &vec![b'x'; number(query, "size", 10) as usize])?;
            container.write_data(name, &value)?;
            format!("{:?}", OutgoingValue::finish(value)?)
        }
        "no-name" => format!("{:?}", OutgoingValue::finish(OutgoingValue::new_outgoing_value())?),
        "two-names" => {
            let value = OutgoingValue::new_outgoing_value();
            container.write_data(name, &value)?;
            format!("{:?}", container.write_data("other", &value)?)
        }
        "unfinished" => {
            let value = OutgoingValue::new_outgoing_value();
            container.write_data(name, &value)?;
            write(&value, b"never")?;
            "dropped".to_owned()
        }
        "after-finish" => {
            let value = OutgoingValue::new_outgoing_value();
            container.write_data(name, &value)?;
            let output = value.outgoing_value_write_body().map_err(|()| "no stream")?;
            OutgoingValue::finish(value)?;
            format!("{:?}", output.blocking_write_and_flush(b"late"))
        }
        "hoard" => {
            let mut kept = Vec::new();
            for _ in 0..number(query, "count", 1) {
                let value = OutgoingValue::new_outgoing_value();
                container.write_data(name, &value)?;
                kept.push(value);
            }
            format!("{}", kept.len())
        }
        // What was opened is what it was, whatever happens to its name.
        "snapshot" => {
            let value = container.get_data(name, 0, u64::MAX)?;
            container.delete_object(name)?;
            let bytes = IncomingValue::incoming_value_consume_sync(value)?;
            format!("{} {}", bytes.len(), container.has_object(name)?)
        }
        other => format!("there is no {other}"),
    })
}

fn respond(response_out: ResponseOutparam, answer: Result<String, String>) {
    let body = answer.unwrap_or_else(|error| format!("error: {error}"));
    let response = OutgoingResponse::new(Fields::new());
    let outgoing = response.body().expect("the body is there once");
    ResponseOutparam::set(response_out, Ok(response));
    let stream = outgoing.write().expect("the stream is there once");
    stream.blocking_write_and_flush(body.as_bytes()).expect("the text is short");
    drop(stream);
    OutgoingBody::finish(outgoing, None).expect("the body is whole");
}

fn open(store: &str, name: &str, query: &str) -> Result<(u64, InputStream), String> {
    let container = blobstore::get_container(store)?;
    let range = [number(query, "start", 0), number(query, "end", u64::MAX)];
    let value = container.get_data(name, range[0], range[1])?;
    let size = value.size();
    Ok((size, IncomingValue::incoming_value_consume_async(value)?))
}

fn stream(response_out: ResponseOutparam, store: &str, name: &str, query: &str) {
    let (size, input) = match open(store, name, query) {
        Ok(opened) => opened,
        Err(error) => return respond(response_out, Err(error)),
    };
    let fields = Fields::new();
    fields.set("content-length", &[size.to_string().into_bytes()]).expect("a field");
    let response = OutgoingResponse::new(fields);
    let outgoing = response.body().expect("the body is there once");
    ResponseOutparam::set(response_out, Ok(response));
    let output = outgoing.write().expect("the stream is there once");
    if let Err(error) = pump(&input, &output) {
        eprintln!("{error}");
    }
    drop(output);
    // A body that is too short is broken off, which the client sees.
    let _ = OutgoingBody::finish(outgoing, None);
}

impl wasip2::exports::http::incoming_handler::Guest for Blobs {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (store, name) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
        match request.method() {
            Method::Get => stream(response_out, store, name, query),
            Method::Put => {
                let container = blobstore::get_container(store);
                let answer = container.and_then(|container| put(&container, name, &request));
                respond(response_out, answer);
            }
            _ => respond(response_out, act(store, name, query)),
        }
    }
}

wasip2::http::proxy::export!(Blobs);
