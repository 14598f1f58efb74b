//! Answers every request with 200 and one line of text, by wasi:http 0.3: the handler is an async
//! function, the body a stream that it goes on filling after it has returned the head.

use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_future, wit_stream};

struct Hello;

impl wasip3::exports::http::handler::Guest for Hello {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        let (mut body_writer, body) = wit_stream::new();
        // No trailers: the writer's default is the answer when it is dropped unused.
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);

        wasip3::spawn(async move {
            // What is left over was refused: the client has gone, and nobody is left to tell.
            let _ = body_writer.write_all(b"Hello from Rust\n".to_vec()).await;
        });
        Ok(response)
    }
}

wasip3::http::service::export!(Hello);
