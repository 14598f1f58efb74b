//! Imports an interface that the host knows and does not serve, and calls it: the app must start,
//! and the call must answer an error.

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

wit_bindgen::generate!({
    inline: r#"
        package test:unserved;

        world unserved {
            import fermyon:spin/llm@2.0.0;
        }

        package fermyon:spin@2.0.0 {
            interface llm {
                variant error {
                    model-not-supported, runtime-error(string), invalid-input(string)
                }
                record embeddings-usage { prompt-token-count: u32 }
                record embeddings-result { embeddings: list<list<f32>>, usage: embeddings-usage }
                generate-embeddings:
                    func(model: string, text: list<string>) -> result<embeddings-result, error>;
            }
        }
    "#,
    generate_all,
});

use fermyon::spin::llm;

struct Unserved;

impl wasip2::exports::http::incoming_handler::Guest for Unserved {
    fn handle(_request: IncomingRequest, response_out: ResponseOutparam) {
        let outcome = llm::generate_embeddings("model", &[]);
        answer(response_out, &format!("{outcome:?}\n"));
    }
}

fn answer(response_out: ResponseOutparam, text: &str) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().expect("a new response has its body");
    ResponseOutparam::set(response_out, Ok(response));
    let stream = body.write().expect("a new body has its stream");
    let _ = stream.blocking_write_and_flush(text.as_bytes());
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

wasip2::http::proxy::export!(Unserved);
