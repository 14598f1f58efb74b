//! Invocations and the bodies that guests read.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http_body::Frame;
use http_body_util::{BodyExt, Empty};
use wasmtime_wasi_http::{Error, WasiBody};

use super::types::*;
use crate::body::{Pipe, PipeBody};
use crate::host::Host;
use crate::invocation::{FailureKind, Input, Invocation, Progress};

/// # Safety
/// `request` and what it points to must be valid for the call.
unsafe fn read_request(
    request: &CuspRequest,
    body: Option<&Arc<Pipe>>,
) -> Result<http::Request<WasiBody>, String> {
    // SAFETY: promised by the caller.
    let (method, target, fields) = unsafe {
        (
            request.method.as_slice(),
            request.target.as_slice(),
            fields(request.fields, request.fields_count),
        )
    };
    let target = PathAndQuery::from_maybe_shared(Bytes::copy_from_slice(target))
        .map_err(|error| format!("the request target cannot be given to a guest: {error}"))?;
    let body = match body {
        Some(pipe) => PipeBody(pipe.clone()).boxed_unsync(),
        None => Empty::new().map_err(|never| match never {}).boxed_unsync(),
    };
    let mut message = http::Request::new(body);
    *message.method_mut() = http::Method::from_bytes(method)
        .map_err(|error| format!("the request method cannot be given to a guest: {error}"))?;
    *message.uri_mut() = http::Uri::from(target);
    *message.headers_mut() = fields;
    Ok(message)
}

fn boxed(run: Invocation) -> *mut CuspInvocation {
    let body = run.request_body().cloned();
    Box::into_raw(Box::new(CuspInvocation { run, body, views: Views::default() }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_invocation_start(
    component: *const CuspComponent,
    instance: *mut CuspInstance,
    keep: bool,
    request: *const CuspRequest,
    callbacks: *const CuspCallbacks,
    user: *mut c_void,
) -> *mut CuspInvocation {
    // SAFETY: all pointers are valid for the call, `callbacks` is static, `instance` is given up.
    unsafe {
        let host = Host::new(&*callbacks, user);
        let live = (!instance.is_null()).then(|| Box::from_raw(instance));
        let request = &*request;
        let body = request.has_body.then(|| Pipe::new(host.body_wanted()));
        boxed(match read_request(request, body.as_ref()) {
            Ok(message) => {
                let https = request.scheme.as_slice() == b"https";
                let input = Input::Request { request: message, https };
                Invocation::start((*component).0.clone(), live, keep, input, body, host)
            }
            Err(message) => Invocation::failed(FailureKind::BadRequest, message, host),
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_invocation_start_command(
    component: *const CuspComponent,
    environment: *const CuspField,
    environment_count: usize,
    arguments: *const CuspBytes,
    arguments_count: usize,
    has_body: bool,
    callbacks: *const CuspCallbacks,
    user: *mut c_void,
) -> *mut CuspInvocation {
    // SAFETY: all pointers are valid for the call, `callbacks` is static.
    unsafe {
        let host = Host::new(&*callbacks, user);
        let body = has_body.then(|| Pipe::new(host.body_wanted()));
        let input = Input::Command {
            environment: pairs(environment, environment_count),
            arguments: slice(arguments, arguments_count)
                .iter()
                .map(|text| text.to_text())
                .collect(),
        };
        boxed(Invocation::start((*component).0.clone(), None, false, input, body, host))
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_invocation_free(invocation: *mut CuspInvocation) {
    // SAFETY: the caller gives up an invocation that it owns.
    drop(unsafe { Box::from_raw(invocation) });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_invocation_poll(invocation: *mut CuspInvocation) -> u32 {
    // SAFETY: the invocation is alive and used by this thread only.
    match unsafe { &mut *invocation }.run.poll() {
        Progress::Running => 0,
        Progress::Yielded => 1,
        Progress::Finished => 2,
        Progress::Failed => 3,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_invocation_failure(
    invocation: *const CuspInvocation,
    message: *mut CuspBytes,
) -> u32 {
    // SAFETY: the invocation is alive, `message` is writable.
    unsafe {
        let Some(failure) = (*invocation).run.failure() else {
            *message = CuspBytes::EMPTY;
            return 0;
        };
        *message = CuspBytes::from_slice(failure.message.as_bytes());
        match failure.kind {
            FailureKind::Trap => 1,
            FailureKind::StackOverflow => 2,
            FailureKind::Memory => 3,
            FailureKind::Table => 4,
            FailureKind::NoResponse => 5,
            FailureKind::ErrorCode => 6,
            FailureKind::Exhausted => 7,
            FailureKind::BadRequest => 8,
            FailureKind::Exit => 9,
            FailureKind::Internal => 10,
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_invocation_limit_hit(invocation: *const CuspInvocation) -> i32 {
    // SAFETY: the invocation is alive.
    match unsafe { &*invocation }.run.meter().limit_hit.load(Ordering::Relaxed) {
        crate::state::LIMIT_MEMORY => 3,
        crate::state::LIMIT_TABLE => 4,
        _ => 0,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_invocation_memory_peak(invocation: *const CuspInvocation) -> u64 {
    // SAFETY: the invocation is alive.
    unsafe { &*invocation }.run.meter().memory_peak.load(Ordering::Relaxed)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_invocation_take_response(
    invocation: *mut CuspInvocation,
    out: *mut CuspResponse,
) -> bool {
    // SAFETY: the invocation is alive and used by this thread only, `out` is writable.
    let (invocation, out) = unsafe { (&mut *invocation, &mut *out) };
    let Some(head) = invocation.run.take_response() else { return false };
    let views = &mut invocation.views;
    let head = views.head.insert(head);
    view_fields(&head.headers, &mut views.fields);
    *out = CuspResponse {
        status: head.status.as_u16(),
        fields: views.fields.as_ptr(),
        fields_count: views.fields.len(),
    };
    true
}

/// Turns what a body's poll gave into the header's terms; the views point into `views`.
pub fn report_frame(
    polled: Poll<Option<Result<Frame<Bytes>, Error>>>,
    views: &mut Views,
    out: &mut CuspChunk,
) -> u32 {
    *out = CuspChunk { data: CuspBytes::EMPTY, trailers: std::ptr::null(), trailers_count: 0 };
    match polled {
        Poll::Pending => BODY_PENDING,
        Poll::Ready(None) => BODY_END,
        Poll::Ready(Some(Err(_))) => BODY_ERROR,
        Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
            Ok(data) => {
                views.chunk = data;
                out.data = CuspBytes::from_slice(&views.chunk);
                BODY_CHUNK
            }
            Err(frame) => {
                views.trailers = frame.into_trailers().unwrap_or_default();
                view_fields(&views.trailers, &mut views.fields);
                out.trailers = views.fields.as_ptr();
                out.trailers_count = views.fields.len();
                BODY_END
            }
        },
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_invocation_poll_body(
    invocation: *mut CuspInvocation,
    out: *mut CuspChunk,
) -> u32 {
    // SAFETY: the invocation is alive and used by this thread only, `out` is writable.
    let (invocation, out) = unsafe { (&mut *invocation, &mut *out) };
    let state = report_frame(invocation.run.poll_body(), &mut invocation.views, out);
    if state == BODY_END {
        invocation.run.drop_body();
    }
    state
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_invocation_drop_body(invocation: *mut CuspInvocation) {
    // SAFETY: the invocation is alive and used by this thread only.
    unsafe { &mut *invocation }.run.drop_body();
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_invocation_request_body(
    invocation: *mut CuspInvocation,
) -> *mut CuspBody {
    // SAFETY: the invocation is alive and used by this thread only.
    match &mut unsafe { &mut *invocation }.body {
        Some(body) => body,
        None => std::ptr::null_mut(),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_invocation_take_instance(
    invocation: *mut CuspInvocation,
) -> *mut CuspInstance {
    // SAFETY: the invocation is alive and used by this thread only.
    unsafe { &mut *invocation }.run.take_live().map_or(std::ptr::null_mut(), Box::into_raw)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_instance_free(instance: *mut CuspInstance) {
    crate::engine::enter_runtime();
    // SAFETY: the caller gives up an instance that it owns.
    drop(unsafe { Box::from_raw(instance) });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_body_wanted(body: *const CuspBody) -> bool {
    // SAFETY: the body is alive.
    unsafe { &*body }.wanted()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_body_closed(body: *const CuspBody) -> bool {
    // SAFETY: the body is alive.
    unsafe { &*body }.closed()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_body_push(body: *mut CuspBody, chunk: CuspBytes) {
    // SAFETY: the body is alive, `chunk` is valid for the call.
    unsafe { (*body).push(Bytes::copy_from_slice(chunk.as_slice())) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_body_finish(
    body: *mut CuspBody,
    trailers: *const CuspField,
    trailers_count: usize,
) {
    // SAFETY: the body is alive, `trailers` is valid for the call.
    unsafe {
        let trailers = (trailers_count > 0).then(|| fields(trailers, trailers_count));
        (*body).finish(trailers);
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_body_fail(body: *mut CuspBody, error: u32) {
    // SAFETY: the body is alive.
    unsafe { &*body }.fail(super::outbound::http_error(error, String::new()));
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_body_free(body: *mut CuspBody) {
    // SAFETY: the caller gives up a body that it owns.
    unsafe { Box::from_raw(body) }.detach();
}
