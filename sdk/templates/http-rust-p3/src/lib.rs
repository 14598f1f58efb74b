use http::{Response, StatusCode};
use wasip3::http::types::{self, ErrorCode};
use wasip3::http_compat::{Request, http_from_wasi_request, http_into_wasi_response};

struct Handler;

impl wasip3::exports::http::handler::Guest for Handler {
    async fn handle(request: types::Request) -> Result<types::Response, ErrorCode> {
        let response = respond(http_from_wasi_request(request)?).await;
        http_into_wasi_response(response)
    }
}

async fn respond(request: Request) -> Response<String> {
    match request.uri().path() {
        "/" => Response::new("Hello from {{project-name}}\n".to_owned()),
        path => {
            let mut response = Response::new(format!("Nothing at {path}\n"));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    }
}

wasip3::http::service::export!(Handler);
