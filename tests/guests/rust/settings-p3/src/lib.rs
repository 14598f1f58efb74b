//! Reads the variable that its path names (`/KEY`) by `spin:variables@3.0.0`, whose `get` is async.

use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_future, wit_stream};

wit_bindgen::generate!({
    inline: r#"
        package test:settings;

        world settings {
            import spin:variables/variables@3.0.0;
        }

        package spin:variables@3.0.0 {
            interface variables {
                variant error {
                    invalid-name(string),
                    undefined(string),
                    provider(string),
                    other(string),
                }
                get: async func(name: string) -> result<string, error>;
            }
        }
    "#,
    generate_all,
});

use spin::variables::variables;

struct Settings;

impl wasip3::exports::http::handler::Guest for Settings {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let target = request.get_path_with_query().unwrap_or_default();
        let outcome = variables::get(target.trim_start_matches('/').to_owned()).await;
        let text = format!("spin:variables@3.0.0: {outcome:?}\n");

        let (mut body_writer, body) = wit_stream::new();
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
        wasip3::spawn(async move {
            let _ = body_writer.write_all(text.into_bytes()).await;
        });
        Ok(response)
    }
}

wasip3::http::service::export!(Settings);
