//! `wasi:http/handler@0.3`.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use futures::channel::oneshot;
use wasmtime::{AsContextMut, Store};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{Prepared, Proxy};

use crate::invocation::{Input, Shared};
use crate::state::GuestState;

pub async fn run(
    store: &mut Store<GuestState>,
    proxy: &Proxy,
    input: Input,
    shared: &Arc<Shared>,
) -> wasmtime::Result<()> {
    let Input::Request { request, .. } = input else { unreachable!("a handler gets a request") };
    let (sender, receiver) = oneshot::channel();
    let prepared = Prepared::new(store.as_context_mut(), proxy, request, GuestState::http, sender)?;
    store
        .run_concurrent(async |accessor| -> wasmtime::Result<()> {
            prepared.run(accessor, pending()).await?;
            match receiver.await {
                Ok(Ok(response)) => shared.answer(Ok(response)),
                Ok(Err(error)) => return Err(error),
                Err(_) => {}
            }
            // The guest's tasks go on after its handler has returned: they write the body, and work
            // after the response is allowed. A body that the guest passes on without touching moves
            // only while the store runs.
            poll_fn(|context| {
                shared.watch_body(context);
                let tasks = accessor.poll_no_interesting_tasks(context);
                if shared.body_ended() { tasks } else { Poll::Pending }
            })
            .await;
            Ok(())
        })
        .await?
}
