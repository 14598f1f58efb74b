//! Answers every request with 200 and one line of text.

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Hello;

impl wasip2::exports::http::incoming_handler::Guest for Hello {
    fn handle(_request: IncomingRequest, response_out: ResponseOutparam) {
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().expect("a new response has its body");

        // The head leaves first, so that the body below streams instead of waiting in memory.
        ResponseOutparam::set(response_out, Ok(response));

        let stream = body.write().expect("a new body has its stream");
        // An error here means that the client has gone: there is nobody left to tell.
        let _ = stream.blocking_write_and_flush(b"Hello from Rust\n");
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

wasip2::http::proxy::export!(Hello);
