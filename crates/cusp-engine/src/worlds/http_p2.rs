//! `wasi:http/incoming-handler@0.2`.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::Proxy;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;

use crate::invocation::{Input, Shared};
use crate::state::GuestState;

pub async fn run(
    store: &mut Store<GuestState>,
    proxy: &Proxy,
    input: Input,
    shared: &Arc<Shared>,
) -> wasmtime::Result<()> {
    let Input::Request { request, https } = input else { unreachable!("a handler gets a request") };
    let scheme = if https { Scheme::Https } else { Scheme::Http };
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(scheme, request)?;
    let answer = shared.clone();
    let response = http.new_response_outparam_from_callback(move |response| {
        answer.answer(response.map_err(|code| format!("{code:?}")));
    })?;
    proxy.wasi_http_incoming_handler().call_handle(store, request, response).await
}
