//! `wasi:cli/run@0.2`: a program that answers as a CGI script does (RFC 3875), Spin's `wagi`.

use wasmtime::{Store, format_err};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p2::bindings::Command;

use crate::state::GuestState;

pub async fn run(store: &mut Store<GuestState>, command: &Command) -> wasmtime::Result<()> {
    let outcome = command.wasi_cli_run().call_run(&mut *store).await;
    // Closes the program's stdout, which ends the response's body.
    store.data_mut().command = None;
    store.data_mut().close_wasi();
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(())) => Err(format_err!(I32Exit(1))),
        Err(error) if matches!(error.downcast_ref::<I32Exit>(), Some(I32Exit(0))) => Ok(()),
        Err(error) => Err(error),
    }
}
