//! What of wasi:http 0.2.0-rc-2023-10-18, the version of spin-sdk 2.0 to 2.2, the release changed.
//! Most of it: errors were few, fields could not be refused, a message was made whole. What had no
//! error then and has one now ends the guest.

use std::time::Duration;

use wasmtime::component::{ComponentType, Lift, Linker, Lower, Resource};
use wasmtime::{StoreContextMut, format_err};
use wasmtime_wasi_http::p2::HeaderError;
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler::Host as HostOutgoingHandler;
use wasmtime_wasi_http::p2::bindings::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, FutureTrailers, HeaderError as FieldError,
    HostFields, HostFutureIncomingResponse, HostFutureTrailers, HostOutgoingBody,
    HostOutgoingRequest, HostOutgoingResponse, HostResponseOutparam, IncomingResponse, Method,
    OutgoingBody, OutgoingRequest, OutgoingResponse, ResponseOutparam, Scheme, Trailers,
};
use wasmtime_wasi_http::{RequestOptions as Limits, WasiHttpCtxView, WasiHttpView};

use super::release;
use crate::state::GuestState;

type Context<'a> = StoreContextMut<'a, GuestState>;

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum Error {
    #[component(name = "invalid-url")]
    InvalidUrl(String),
    #[component(name = "timeout-error")]
    Timeout(String),
    #[component(name = "protocol-error")]
    Protocol(String),
    #[component(name = "unexpected-error")]
    Unexpected(String),
}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Error {
        let text = code.to_string();
        match code {
            ErrorCode::HttpRequestUriInvalid | ErrorCode::HttpRequestUriTooLong => {
                Error::InvalidUrl(text)
            }
            ErrorCode::DnsTimeout
            | ErrorCode::ConnectionTimeout
            | ErrorCode::ConnectionReadTimeout
            | ErrorCode::ConnectionWriteTimeout
            | ErrorCode::HttpResponseTimeout => Error::Timeout(text),
            ErrorCode::HttpProtocolError
            | ErrorCode::HttpRequestMethodInvalid
            | ErrorCode::HttpResponseIncomplete
            | ErrorCode::TlsProtocolError => Error::Protocol(text),
            _ => Error::Unexpected(text),
        }
    }
}

impl From<Error> for ErrorCode {
    fn from(error: Error) -> ErrorCode {
        let (Error::InvalidUrl(text)
        | Error::Timeout(text)
        | Error::Protocol(text)
        | Error::Unexpected(text)) = error;
        ErrorCode::InternalError(Some(text))
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct RequestOptions {
    #[component(name = "connect-timeout-ms")]
    connect_timeout_ms: Option<u32>,
    #[component(name = "first-byte-timeout-ms")]
    first_byte_timeout_ms: Option<u32>,
    #[component(name = "between-bytes-timeout-ms")]
    between_bytes_timeout_ms: Option<u32>,
}

pub fn fit_types(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    fit_fields(linker)?;
    fit_requests(linker)?;
    fit_responses(linker)?;
    fit_bodies(linker)
}

/// A field that belongs to the hop was the host's to replace: the guest's is left out.
fn settle(outcome: Result<(), HeaderError>) -> wasmtime::Result<()> {
    let Err(error) = outcome else { return Ok(()) };
    match error.downcast()? {
        FieldError::Forbidden => Ok(()),
        FieldError::InvalidSyntax => Err(format_err!("the guest set a malformed HTTP field")),
        FieldError::Immutable => {
            Err(format_err!("the guest changed the fields of a message that it received"))
        }
    }
}

fn fit_fields(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut types = release(linker, "wasi:http/types")?;
    types.func_wrap(
        "[constructor]fields",
        |mut context: Context<'_>, (entries,): (Vec<(String, Vec<u8>)>,)| {
            let mut http = context.data_mut().http();
            let fields = HostFields::new(&mut http)?;
            for (name, value) in entries {
                settle(http.append(Resource::new_borrow(fields.rep()), name, value))?;
            }
            Ok((fields,))
        },
    )?;
    types.func_wrap(
        "[method]fields.set",
        |mut context: Context<'_>,
         (fields, name, values): (Resource<Fields>, String, Vec<Vec<u8>>)| {
            settle(HostFields::set(&mut context.data_mut().http(), fields, name, values))
        },
    )?;
    types.func_wrap(
        "[method]fields.delete",
        |mut context: Context<'_>, (fields, name): (Resource<Fields>, String)| {
            settle(context.data_mut().http().delete(fields, name))
        },
    )?;
    types.func_wrap(
        "[method]fields.append",
        |mut context: Context<'_>, (fields, name, value): (Resource<Fields>, String, Vec<u8>)| {
            settle(context.data_mut().http().append(fields, name, value))
        },
    )
}

type NewRequest = (Method, Option<String>, Option<Scheme>, Option<String>, Resource<Fields>);

fn new_request(
    http: &mut WasiHttpCtxView<'_>,
    (method, path, scheme, authority, fields): NewRequest,
) -> wasmtime::Result<Resource<OutgoingRequest>> {
    let fields = HostFields::clone(http, fields)?;
    let request = HostOutgoingRequest::new(http, fields)?;
    let borrow = || Resource::new_borrow(request.rep());
    let refused = |part| move |()| format_err!("the guest made a request with a malformed {part}");
    http.set_method(borrow(), method)?.map_err(refused("method"))?;
    http.set_path_with_query(borrow(), path)?.map_err(refused("path"))?;
    http.set_scheme(borrow(), scheme)?.map_err(refused("scheme"))?;
    http.set_authority(borrow(), authority)?.map_err(refused("authority"))?;
    Ok(request)
}

fn fit_requests(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut types = release(linker, "wasi:http/types")?;
    types.func_wrap(
        "[constructor]outgoing-request",
        |mut context: Context<'_>, request: NewRequest| {
            Ok((new_request(&mut context.data_mut().http(), request)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.write",
        |mut context: Context<'_>, (request,): (Resource<OutgoingRequest>,)| {
            Ok((HostOutgoingRequest::body(&mut context.data_mut().http(), request)?,))
        },
    )?;
    types.func_wrap(
        "[method]future-incoming-response.get",
        |mut context: Context<'_>, (future,): (Resource<FutureIncomingResponse>,)| {
            let answer = HostFutureIncomingResponse::get(&mut context.data_mut().http(), future)?;
            let answer = answer.map(|once| once.map(|response| response.map_err(Error::from)));
            Ok::<(Option<Result<Result<Resource<IncomingResponse>, Error>, ()>>,), _>((answer,))
        },
    )
}

fn fit_responses(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut types = release(linker, "wasi:http/types")?;
    types.func_wrap(
        "[constructor]outgoing-response",
        |mut context: Context<'_>, (status, fields): (u16, Resource<Fields>)| {
            let mut http = context.data_mut().http();
            let fields = HostFields::clone(&mut http, fields)?;
            let response = HostOutgoingResponse::new(&mut http, fields)?;
            http.set_status_code(Resource::new_borrow(response.rep()), status)?.map_err(|()| {
                format_err!("the guest answered with {status}, which is no status")
            })?;
            Ok((response,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-response.write",
        |mut context: Context<'_>, (response,): (Resource<OutgoingResponse>,)| {
            Ok((HostOutgoingResponse::body(&mut context.data_mut().http(), response)?,))
        },
    )?;
    types.func_wrap(
        "[static]response-outparam.set",
        |mut context: Context<'_>,
         (outparam, response): (
            Resource<ResponseOutparam>,
            Result<Resource<OutgoingResponse>, Error>,
        )| {
            let response = response.map_err(ErrorCode::from);
            HostResponseOutparam::set(&mut context.data_mut().http(), outparam, response)
        },
    )
}

fn fit_bodies(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut types = release(linker, "wasi:http/types")?;
    types.func_wrap(
        "[static]outgoing-body.finish",
        |mut context: Context<'_>,
         (body, trailers): (Resource<OutgoingBody>, Option<Resource<Trailers>>)| {
            let ended = HostOutgoingBody::finish(&mut context.data_mut().http(), body, trailers);
            ended.map_err(|error| match error.downcast() {
                Ok(code) => format_err!("the guest ended a body wrongly: {code}"),
                Err(trap) => trap,
            })
        },
    )?;
    types.func_wrap(
        "[method]future-trailers.get",
        |mut context: Context<'_>, (future,): (Resource<FutureTrailers>,)| {
            Ok((trailers(&mut context.data_mut().http(), future)?,))
        },
    )
}

/// A message without trailers has empty ones, and they may be asked for once.
fn trailers(
    http: &mut WasiHttpCtxView<'_>,
    future: Resource<FutureTrailers>,
) -> wasmtime::Result<Option<Result<Resource<Trailers>, Error>>> {
    let answer = match HostFutureTrailers::get(http, future)? {
        None => return Ok(None),
        Some(Err(())) => return Err(format_err!("the trailers were asked for before")),
        Some(Ok(answer)) => answer,
    };
    Ok(Some(match answer {
        Ok(Some(trailers)) => Ok(trailers),
        Ok(None) => Ok(HostFields::new(http)?),
        Err(code) => Err(Error::from(code)),
    }))
}

pub fn fit_outgoing_handler(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    release(linker, "wasi:http/outgoing-handler")?.func_wrap(
        "handle",
        |mut context: Context<'_>,
         (request, options): (Resource<OutgoingRequest>, Option<RequestOptions>)| {
            let limits = options.map(|options| {
                let limit = |millis: Option<u32>| millis.map(u64::from).map(Duration::from_millis);
                Limits {
                    connect_timeout: limit(options.connect_timeout_ms),
                    first_byte_timeout: limit(options.first_byte_timeout_ms),
                    between_bytes_timeout: limit(options.between_bytes_timeout_ms),
                }
            });
            let table = &mut context.data_mut().table;
            let limits = limits.map(|limits| table.push(limits)).transpose()?;
            let answer = context.data_mut().http().handle(request, limits);
            match answer {
                Ok(future) => Ok((Ok(future),)),
                Err(error) => Ok((Err(Error::from(error.downcast()?)),)),
            }
        },
    )
}
