//! Reads the app's variables by every interface of 0.2 age: `/KEY` asks each of them for KEY,
//! `/` lists what `wasi:config/store` knows. One line for each interface.

use std::fmt::Debug;

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

wit_bindgen::generate!({
    inline: r#"
        package test:settings;

        world settings {
            import wasi:config/store@0.2.0-rc.1;
            import wasi:config/store@0.2.0-draft-2024-09-27;
            import fermyon:spin/variables@2.0.0;
        }

        package wasi:config@0.2.0-rc.1 {
            interface store {
                variant error { upstream(string), io(string) }
                get: func(key: string) -> result<option<string>, error>;
                get-all: func() -> result<list<tuple<string, string>>, error>;
            }
        }

        package wasi:config@0.2.0-draft-2024-09-27 {
            interface store {
                variant error { upstream(string), io(string) }
                get: func(key: string) -> result<option<string>, error>;
                get-all: func() -> result<list<tuple<string, string>>, error>;
            }
        }

        package fermyon:spin@2.0.0 {
            interface variables {
                variant error {
                    invalid-name(string),
                    undefined(string),
                    provider(string),
                    other(string),
                }
                get: func(name: string) -> result<string, error>;
            }
        }
    "#,
    generate_all,
});

use fermyon::spin::variables;
use wasi::config0_2_0_draft_2024_09_27::store as draft;
use wasi::config0_2_0_rc_1::store as candidate;

struct Settings;

impl wasip2::exports::http::incoming_handler::Guest for Settings {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let text = match target.trim_start_matches('/') {
            "" => {
                line("wasi:config@0.2.0-rc.1", candidate::get_all().map(sorted))
                    + &line("wasi:config@0.2.0-draft-2024-09-27", draft::get_all().map(sorted))
            }
            key => {
                line("wasi:config@0.2.0-rc.1", candidate::get(key))
                    + &line("wasi:config@0.2.0-draft-2024-09-27", draft::get(key))
                    + &line("fermyon:spin/variables@2.0.0", variables::get(key))
            }
        };
        answer(response_out, &text);
    }
}

fn sorted(mut entries: Vec<(String, String)>) -> Vec<(String, String)> {
    entries.sort();
    entries
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

wasip2::http::proxy::export!(Settings);
