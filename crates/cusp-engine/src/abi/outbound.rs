//! Requests that guests send.

use std::ffi::c_void;
use std::time::Duration;

use wasmtime_wasi_http::Error;

use super::invocation::report_frame;
use super::types::*;
use crate::host::Callback;
use crate::outbound::Outbound;

impl CuspOutbound {
    pub fn new(outbound: Outbound) -> CuspOutbound {
        let uri = &outbound.parts.uri;
        let authority = uri.authority().map_or("", |authority| authority.as_str()).to_owned();
        let target = uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        CuspOutbound { outbound, authority, target, fields: Vec::new(), views: Views::default() }
    }
}

/// The host's failure in the guest's terms; `message` where the terms have room for one.
pub fn http_error(code: u32, message: String) -> Error {
    match code {
        1 => Error::DnsError { rcode: Some(message), info_code: None },
        2 => Error::DnsTimeout,
        3 => Error::DestinationIpProhibited,
        4 => Error::ConnectionRefused,
        5 => Error::ConnectionTimeout,
        6 => Error::ConnectionTerminated,
        7 => Error::TlsCertificateError,
        8 => Error::TlsProtocolError,
        9 => Error::ConnectionReadTimeout,
        10 => Error::HttpResponseIncomplete,
        11 => Error::HttpProtocolError,
        12 => Error::HttpResponseBodySize(None),
        13 => Error::HttpRequestUriInvalid,
        14 => Error::HttpRequestDenied,
        15 => Error::HttpRequestBodySize(None),
        16 => Error::ConnectionLimitReached,
        _ => Error::InternalError((!message.is_empty()).then_some(message)),
    }
}

fn milliseconds(duration: Option<Duration>) -> u64 {
    duration.map_or(0, |duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_outbound_get(outbound: *mut CuspOutbound, out: *mut CuspOutboundRequest) {
    // SAFETY: the request is alive and used by this thread only, `out` is writable.
    let (this, out) = unsafe { (&mut *outbound, &mut *out) };
    let parts = &this.outbound.parts;
    view_fields(&parts.headers, &mut this.fields);
    let options = &this.outbound.options;
    *out = CuspOutboundRequest {
        request: CuspRequest {
            method: CuspBytes::from_slice(parts.method.as_str().as_bytes()),
            scheme: CuspBytes::from_slice(parts.uri.scheme_str().unwrap_or("https").as_bytes()),
            authority: CuspBytes::from_slice(this.authority.as_bytes()),
            target: CuspBytes::from_slice(this.target.as_bytes()),
            fields: this.fields.as_ptr(),
            fields_count: this.fields.len(),
            has_body: this.outbound.has_body(),
        },
        connect_timeout_ms: milliseconds(options.connect_timeout),
        first_byte_timeout_ms: milliseconds(options.first_byte_timeout),
        between_bytes_timeout_ms: milliseconds(options.between_bytes_timeout),
    };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_outbound_poll_body(
    outbound: *mut CuspOutbound,
    wake: unsafe extern "C" fn(*mut c_void),
    user: *mut c_void,
    out: *mut CuspChunk,
) -> u32 {
    // SAFETY: the request is alive and used by this thread only, `out` is writable.
    let (this, out) = unsafe { (&mut *outbound, &mut *out) };
    let polled = this.outbound.poll_body(Callback::new(wake, user), user);
    report_frame(polled, &mut this.views, out)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_outbound_respond(
    outbound: *mut CuspOutbound,
    status: u16,
    items: *const CuspField,
    items_count: usize,
    user: *mut c_void,
) -> *mut CuspBody {
    // SAFETY: the request is alive and used by this thread only, `items` is valid for the call.
    let (this, fields) = unsafe { (&mut *outbound, fields(items, items_count)) };
    let mut head = http::Response::new(());
    let Ok(status) = http::StatusCode::from_u16(status) else {
        this.outbound.fail(Error::HttpProtocolError);
        return std::ptr::null_mut();
    };
    *head.status_mut() = status;
    *head.headers_mut() = fields;
    match this.outbound.respond(head, user) {
        Some(pipe) => Box::into_raw(Box::new(pipe)),
        None => std::ptr::null_mut(),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_outbound_fail(
    outbound: *mut CuspOutbound,
    error: u32,
    message: CuspBytes,
) {
    // SAFETY: the request is alive and used by this thread only, `message` is valid for the call.
    unsafe { (*outbound).outbound.fail(http_error(error, message.to_text())) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_outbound_free(outbound: *mut CuspOutbound) {
    // SAFETY: the caller gives up a request that it owns.
    drop(unsafe { Box::from_raw(outbound) });
}
