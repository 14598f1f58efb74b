//! A request with its query, and the ways to answer it.

use std::str::FromStr;

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam, Trailers,
};
use wasip2::io::streams::OutputStream;

/// One exchange. Each behaviour takes it whole, because some answer late, twice in parts or never.
pub struct Exchange {
    pub request: IncomingRequest,
    pub response_out: ResponseOutparam,
    pub path: String,
    query: String,
}

impl Exchange {
    pub fn new(request: IncomingRequest, response_out: ResponseOutparam) -> Self {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        Exchange { request, response_out, path, query }
    }

    /// The value of `name` in the query, as it is written there.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    pub fn number<T: FromStr>(&self, name: &str, default: T) -> T {
        self.text(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    /// A whole answer.
    pub fn answer(self, status: u16, text: &str) {
        self.start(status, Fields::new()).finish_with(text.as_bytes());
    }

    /// Sends the head; the body follows through what is returned.
    pub fn start(self, status: u16, headers: Fields) -> Body {
        Body::start(self.response_out, status, headers)
    }
}

/// A response body on its way. `stream` is declared first because a child drops before its parent.
pub struct Body {
    stream: OutputStream,
    body: OutgoingBody,
}

impl Body {
    pub fn start(response_out: ResponseOutparam, status: u16, headers: Fields) -> Body {
        let response = OutgoingResponse::new(headers);
        response.set_status_code(status).expect("a valid status");
        let body = response.body().expect("a new response has its body");
        ResponseOutparam::set(response_out, Ok(response));
        let stream = body.write().expect("a new body has its stream");
        Body { stream, body }
    }

    pub fn stream(&self) -> &OutputStream {
        &self.stream
    }

    /// Writes all of `bytes`, in the steps that the interface allows. False: the client has gone.
    pub fn write(&self, bytes: &[u8]) -> bool {
        const STEP_BYTES: usize = 4096;
        bytes.chunks(STEP_BYTES).all(|step| self.stream.blocking_write_and_flush(step).is_ok())
    }

    pub fn finish_with(self, bytes: &[u8]) {
        self.write(bytes);
        self.finish(None);
    }

    pub fn finish(self, trailers: Option<Trailers>) {
        drop(self.stream);
        let _ = OutgoingBody::finish(self.body, trailers);
    }
}

pub fn headers(entries: &[(&str, &str)]) -> Fields {
    let fields = Fields::new();
    for (name, value) in entries {
        fields.append(name, value.as_bytes()).expect("a valid header");
    }
    fields
}
