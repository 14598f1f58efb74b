//! What of wasi:http 0.2.0-rc-2023-11-10 the release changed: time limits in milliseconds, and
//! trailers that may be asked for once.

use std::time::Duration;

use wasmtime::component::{Linker, Resource};
use wasmtime::{StoreContextMut, format_err};
use wasmtime_wasi_http::p2::bindings::http::types::{
    ErrorCode, FutureTrailers, HostFutureTrailers, RequestOptions, Trailers,
};
use wasmtime_wasi_http::{RequestOptions as Limits, WasiHttpView};

use super::release;
use crate::state::GuestState;

type Context<'a> = StoreContextMut<'a, GuestState>;
type Field = fn(&mut Limits) -> &mut Option<Duration>;

const LIMITS: [(&str, &str, Field); 3] = [
    (
        "[method]request-options.connect-timeout-ms",
        "[method]request-options.set-connect-timeout-ms",
        |limits| &mut limits.connect_timeout,
    ),
    (
        "[method]request-options.first-byte-timeout-ms",
        "[method]request-options.set-first-byte-timeout-ms",
        |limits| &mut limits.first_byte_timeout,
    ),
    (
        "[method]request-options.between-bytes-timeout-ms",
        "[method]request-options.set-between-bytes-timeout-ms",
        |limits| &mut limits.between_bytes_timeout,
    ),
];

type TrailersResult = Result<Option<Resource<Trailers>>, ErrorCode>;

pub fn fit_types(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut types = release(linker, "wasi:http/types")?;
    for (get, set, field) in LIMITS {
        types.func_wrap(
            get,
            move |mut context: Context<'_>, (options,): (Resource<RequestOptions>,)| {
                let limit = *field(context.data_mut().table.get_mut(&options)?);
                let millis = limit.map(|limit| u64::try_from(limit.as_millis())).transpose()?;
                Ok((millis,))
            },
        )?;
        types.func_wrap(
            set,
            move |mut context: Context<'_>,
                  (options, millis): (Resource<RequestOptions>, Option<u64>)| {
                *field(context.data_mut().table.get_mut(&options)?) =
                    millis.map(Duration::from_millis);
                Ok((Ok::<(), ()>(()),))
            },
        )?;
    }
    types.func_wrap(
        "[method]future-trailers.get",
        |mut context: Context<'_>, (future,): (Resource<FutureTrailers>,)| {
            Ok((trailers(&mut context, future)?,))
        },
    )
}

/// `none` while they are under way. There is no value for "asked before": that ends the guest.
fn trailers(
    context: &mut Context<'_>,
    future: Resource<FutureTrailers>,
) -> wasmtime::Result<Option<TrailersResult>> {
    HostFutureTrailers::get(&mut context.data_mut().http(), future)?
        .map(|answer| answer.map_err(|()| format_err!("the trailers were asked for before")))
        .transpose()
}
