//! Answers to the calls of guests.

use super::types::*;
use crate::call::{CallError, CallErrorKind, Value};

/// # Safety
/// What the value views must be valid for the call.
unsafe fn to_value(value: &CuspValue) -> Value {
    // SAFETY: the kind says which member is set; the view is valid, as promised by the caller.
    unsafe {
        match value.kind {
            VALUE_BOOLEAN => Value::Boolean(value.content.integer != 0),
            VALUE_INTEGER => Value::Integer(value.content.integer),
            VALUE_REAL => Value::Real(value.content.real),
            VALUE_TEXT => Value::Text(value.content.bytes.to_text()),
            VALUE_BLOB => Value::Blob(value.content.bytes.as_slice().to_vec()),
            _ => Value::None,
        }
    }
}

fn error_kind(error: u32) -> CallErrorKind {
    match error {
        1 => CallErrorKind::Denied,
        2 => CallErrorKind::NotFound,
        3 => CallErrorKind::Invalid,
        4 => CallErrorKind::Conflict,
        5 => CallErrorKind::Limit,
        6 => CallErrorKind::Busy,
        _ => CallErrorKind::Other,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_call_answer(call: *mut CuspCall, values: *const CuspValue, count: usize) {
    // SAFETY: the call is alive and used by this thread only, `values` is valid for the call.
    unsafe {
        let values = slice(values, count).iter().map(|value| to_value(value)).collect();
        (*call).end(Ok(values));
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_call_fail(call: *mut CuspCall, error: u32, message: CuspBytes) {
    // SAFETY: the call is alive and used by this thread only, `message` is valid for the call.
    unsafe { (*call).end(Err(CallError { kind: error_kind(error), message: message.to_text() })) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_call_free(call: *mut CuspCall) {
    // SAFETY: the caller gives up a call that it owns.
    drop(unsafe { Box::from_raw(call) });
}
