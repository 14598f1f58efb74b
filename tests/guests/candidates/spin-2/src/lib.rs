//! An app as it was written with spin-sdk 2. The path of the request says what it does.

use futures::{SinkExt, StreamExt};
use spin_sdk::http::{
    send, Fields, IncomingRequest, IncomingResponse, IntoResponse, OutgoingResponse, Request,
    Response, ResponseOutparam,
};
use spin_sdk::http_component;

#[http_component]
async fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
    let target = request.path_with_query().unwrap_or_default();
    match target.split('?').next().unwrap_or_default() {
        "/echo" => echo(request, outparam).await,
        "/fetch" => fetch(request, outparam).await,
        "/trap" => panic!("asked for"),
        "/loop" => loop {
            std::hint::spin_loop();
        },
        _ => answer(outparam, describe(&request, &target)).await,
    }
}

/// What the app sees of the request.
fn describe(request: &IncomingRequest, target: &str) -> Response {
    let header = |name: &str| {
        let values = request.headers().get(name);
        let text = values.first().map(|value| String::from_utf8_lossy(value).into_owned());
        text.unwrap_or_default()
    };
    Response::builder()
        .status(201)
        .header("content-type", "text/plain")
        .header("x-answer", "spin-sdk 2")
        .body(format!("{} {} {}\n", request.method(), target, header("x-test")))
        .build()
}

async fn answer(outparam: ResponseOutparam, response: impl IntoResponse) {
    let response = response.into_response();
    let fields: Vec<_> = response
        .headers()
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .collect();
    let outgoing = OutgoingResponse::new(*response.status(), &Fields::new(&fields));
    let body = response.into_body();
    outparam.set_with_body(outgoing, body).await.expect("the response is written");
}

/// Hands chunks on as they come.
async fn echo(request: IncomingRequest, outparam: ResponseOutparam) {
    let response = OutgoingResponse::new(200, &Fields::new(&[]));
    let mut sink = response.take_body();
    outparam.set(response);
    let mut body = request.into_body_stream();
    while let Some(chunk) = body.next().await {
        sink.send(chunk.expect("a chunk is read")).await.expect("a chunk is written");
    }
}

/// Calls the URL in `x-url` and answers what came.
async fn fetch(request: IncomingRequest, outparam: ResponseOutparam) {
    let url = request.headers().get("x-url");
    let url = String::from_utf8_lossy(url.first().expect("x-url names an URL")).into_owned();
    let outgoing = Request::builder().uri(url).header("x-from", "spin-sdk 2").build();
    match send::<_, IncomingResponse>(outgoing).await {
        Ok(response) => {
            let status = response.status();
            let body = response.into_body().await.expect("the response is read");
            answer(outparam, Response::builder().status(status).body(body).build()).await;
        }
        Err(error) => answer(outparam, Response::new(502, format!("{error}\n"))).await,
    }
}
