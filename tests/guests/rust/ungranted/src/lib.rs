//! Imports interfaces that the host knows and its manifest does not grant, and calls them:
//! the app must start, and each call must answer an error. One line for each interface.

use std::fmt::Debug;

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

wit_bindgen::generate!({
    inline: r#"
        package test:ungranted;

        world ungranted {
            import fermyon:spin/key-value@2.0.0;
            import wasi:keyvalue/store@0.2.0-draft2;
        }

        package fermyon:spin@2.0.0 {
            interface key-value {
                variant error { store-table-full, no-such-store, access-denied, other(string) }
                resource store {
                    open: static func(label: string) -> result<store, error>;
                    get: func(key: string) -> result<option<list<u8>>, error>;
                }
            }
        }

        package wasi:keyvalue@0.2.0-draft2 {
            interface store {
                variant error { no-such-store, access-denied, other(string) }
                resource bucket {
                    get: func(key: string) -> result<option<list<u8>>, error>;
                }
                open: func(identifier: string) -> result<bucket, error>;
            }
        }
    "#,
    generate_all,
});

use fermyon::spin::key_value::Store;
use wasi::keyvalue::store;

struct Ungranted;

impl wasip2::exports::http::incoming_handler::Guest for Ungranted {
    fn handle(_request: IncomingRequest, response_out: ResponseOutparam) {
        let spin = Store::open("default").and_then(|store| store.get("key"));
        let wasi = store::open("default").and_then(|bucket| bucket.get("key"));
        let text = line("fermyon:spin/key-value@2.0.0", spin)
            + &line("wasi:keyvalue/store@0.2.0-draft2", wasi);
        answer(response_out, &text);
    }
}

fn line(interface: &str, outcome: impl Debug) -> String {
    format!("{interface}: {outcome:?}\n")
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

wasip2::http::proxy::export!(Ungranted);
