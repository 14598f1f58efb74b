use wstd::http::{Body, Request, Response, Result, StatusCode};

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>> {
    match request.uri().path() {
        "/" => Ok(Response::new(Body::from("Hello from {{project-name}}\n"))),
        path => {
            let text = format!("Nothing at {path}\n");
            Ok(Response::builder().status(StatusCode::NOT_FOUND).body(Body::from(text))?)
        }
    }
}
