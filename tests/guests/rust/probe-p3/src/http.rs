//! A request's target, and the ways to answer.

use std::str::FromStr;

use wasip3::http::types::{ErrorCode, Fields, Request, Response, Trailers};
use wasip3::wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamWriter};
use wasip3::{wit_future, wit_stream};

pub type TrailersResult = Result<Option<Trailers>, ErrorCode>;

pub struct Target {
    pub path: String,
    query: String,
}

impl Target {
    pub fn of(request: &Request) -> Target {
        let target = request.get_path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        Target { path: path.to_owned(), query: query.to_owned() }
    }

    pub fn number<T: FromStr>(&self, name: &str, default: T) -> T {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(default)
    }
}

/// A whole answer.
pub fn answer(status: u16, text: &str) -> Response {
    let bytes = text.as_bytes().to_vec();
    let (response, mut body, _) = start(status, Fields::new());
    wasip3::spawn(async move {
        let _ = body.write_all(bytes).await;
    });
    response
}

/// A head whose body and trailers follow through the writers.
pub fn start(
    status: u16,
    headers: Fields,
) -> (Response, StreamWriter<u8>, FutureWriter<TrailersResult>) {
    let (body_writer, body) = wit_stream::new();
    let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
    (pass_on(status, headers, body, trailers), body_writer, trailers_writer)
}

/// A response whose body and trailers come from elsewhere.
pub fn pass_on(
    status: u16,
    headers: Fields,
    body: StreamReader<u8>,
    trailers: FutureReader<TrailersResult>,
) -> Response {
    let (response, _sent) = Response::new(headers, Some(body), trailers);
    response.set_status_code(status).expect("a valid status");
    response
}

/// The request's body and trailers.
pub fn consume(request: Request) -> (StreamReader<u8>, FutureReader<TrailersResult>) {
    let (_, outcome) = wit_future::new(|| Ok(()));
    Request::consume_body(request, outcome)
}
