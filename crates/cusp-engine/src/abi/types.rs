//! The types of the header.

use std::ffi::c_void;

use crate::component::{Live, Prepared};
use crate::engine::EngineSet;
use crate::invocation::Invocation;
use crate::outbound::{Outbound, header_map};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct CuspBytes {
    pub data: *const u8,
    pub size: usize,
}

impl CuspBytes {
    pub const EMPTY: CuspBytes = CuspBytes { data: std::ptr::null(), size: 0 };

    pub fn from_slice(slice: &[u8]) -> CuspBytes {
        CuspBytes { data: slice.as_ptr(), size: slice.len() }
    }

    /// # Safety
    /// The view must be valid for as long as the result is used; in this crate that is the length
    /// of one call.
    pub unsafe fn as_slice<'a>(&self) -> &'a [u8] {
        if self.size == 0 {
            return &[];
        }
        // SAFETY: promised by the caller.
        unsafe { std::slice::from_raw_parts(self.data, self.size) }
    }

    /// # Safety
    /// As for `as_slice`.
    pub unsafe fn to_text(self) -> String {
        // SAFETY: promised by the caller.
        String::from_utf8_lossy(unsafe { self.as_slice() }).into_owned()
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct CuspField {
    pub name: CuspBytes,
    pub value: CuspBytes,
}

impl CuspField {
    fn new(name: &http::HeaderName, value: &http::HeaderValue) -> CuspField {
        CuspField {
            name: CuspBytes::from_slice(name.as_str().as_bytes()),
            value: CuspBytes::from_slice(value.as_bytes()),
        }
    }
}

/// Views of all fields, into `views`.
pub fn view_fields(map: &http::HeaderMap, views: &mut Vec<CuspField>) {
    views.clear();
    views.extend(map.iter().map(|(name, value)| CuspField::new(name, value)));
}

/// # Safety
/// `items` must point to `count` values, or `count` be 0; used for the length of one call.
pub unsafe fn slice<'a, T>(items: *const T, count: usize) -> &'a [T] {
    if count == 0 {
        return &[];
    }
    // SAFETY: promised by the caller.
    unsafe { std::slice::from_raw_parts(items, count) }
}

/// # Safety
/// As for `slice`.
pub unsafe fn pairs(items: *const CuspField, count: usize) -> Vec<(String, String)> {
    // SAFETY: promised by the caller, for the fields and for what they view.
    unsafe { slice(items, count) }
        .iter()
        // SAFETY: as above.
        .map(|field| unsafe { (field.name.to_text(), field.value.to_text()) })
        .collect()
}

/// # Safety
/// As for `slice`.
pub unsafe fn fields(items: *const CuspField, count: usize) -> http::HeaderMap {
    // SAFETY: promised by the caller, for the fields and for what they view.
    let items = unsafe { slice(items, count) };
    header_map(items.iter().map(|field| {
        // SAFETY: as above.
        unsafe { (field.name.as_slice(), field.value.as_slice()) }
    }))
}

pub const VALUE_NONE: u32 = 0;
pub const VALUE_BOOLEAN: u32 = 1;
pub const VALUE_INTEGER: u32 = 2;
pub const VALUE_REAL: u32 = 3;
pub const VALUE_TEXT: u32 = 4;
pub const VALUE_BLOB: u32 = 5;

#[repr(C)]
#[derive(Clone, Copy)]
pub union CuspValueContent {
    pub integer: i64,
    pub real: f64,
    pub bytes: CuspBytes,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct CuspValue {
    pub kind: u32,
    pub content: CuspValueContent,
}

// SAFETY: a view of bytes that nobody writes to while it lives, like the slice it was made from.
unsafe impl Send for CuspValue {}
// SAFETY: as above.
unsafe impl Sync for CuspValue {}

pub struct CuspError {
    pub kind: u32,
    pub message: String,
}

pub const ERROR_INVALID: u32 = 1;
pub const ERROR_INTERNAL: u32 = 2;

impl CuspError {
    pub fn raise(kind: u32, message: impl Into<String>) -> *mut CuspError {
        Box::into_raw(Box::new(CuspError { kind, message: message.into() }))
    }
}

pub struct CuspBuffer(pub Vec<u8>);

pub type CuspEngine = EngineSet;
pub struct CuspComponent(pub std::sync::Arc<Prepared>);
pub type CuspInstance = Live;
pub type CuspBody = std::sync::Arc<crate::body::Pipe>;
pub type CuspCall = crate::call::Waiting;

/// A guest's request with the storage behind the views that it has given out.
pub struct CuspOutbound {
    pub outbound: Outbound,
    pub authority: String,
    pub target: String,
    pub fields: Vec<CuspField>,
    pub views: Views,
}

/// An invocation with the storage behind the views that it has given out.
pub struct CuspInvocation {
    pub run: Invocation,
    pub body: Option<CuspBody>,
    pub views: Views,
}

/// What the last views point into.
#[derive(Default)]
pub struct Views {
    pub head: Option<http::response::Parts>,
    pub chunk: bytes::Bytes,
    pub trailers: http::HeaderMap,
    pub fields: Vec<CuspField>,
}

#[repr(C)]
pub struct CuspEngineOptions {
    pub instances_max: u32,
    pub memory_keep_resident: usize,
    pub stack_keep_resident: usize,
    pub table_keep_resident: usize,
}

#[repr(C)]
pub struct CuspMount {
    pub source: CuspBytes,
    pub destination: CuspBytes,
}

pub const SOCKET_TCP_CONNECT: u32 = 0;
pub const SOCKET_TCP_BIND: u32 = 1;
pub const SOCKET_UDP: u32 = 2;
pub const SOCKET_TCP_LISTEN: u32 = 3;

#[repr(C)]
pub struct CuspComponentOptions {
    pub id: CuspBytes,
    pub environment: *const CuspField,
    pub environment_count: usize,
    pub variables: *const CuspField,
    pub variables_count: usize,
    pub mounts: *const CuspMount,
    pub mounts_count: usize,
    pub memory_bytes_max: u64,
    pub table_elements_max: u64,
    pub subrequests_max: u32,
    pub allow_sockets: bool,
    pub user: *mut c_void,
    pub allow_address: Option<unsafe extern "C" fn(*mut c_void, u32, CuspBytes, u16) -> bool>,
}

#[repr(C)]
pub struct CuspRequest {
    pub method: CuspBytes,
    pub scheme: CuspBytes,
    pub authority: CuspBytes,
    pub target: CuspBytes,
    pub fields: *const CuspField,
    pub fields_count: usize,
    pub has_body: bool,
}

pub type CuspStdio = u32;
pub const CUSP_STDOUT: CuspStdio = 1;
pub const CUSP_STDERR: CuspStdio = 2;

#[repr(C)]
pub struct CuspCallbacks {
    pub wake: unsafe extern "C" fn(*mut c_void),
    pub body_wanted: unsafe extern "C" fn(*mut c_void),
    pub output: unsafe extern "C" fn(*mut c_void, CuspStdio, CuspBytes),
    pub outbound: unsafe extern "C" fn(*mut c_void, *mut CuspOutbound),
    pub outbound_body_wanted: unsafe extern "C" fn(*mut c_void),
    pub call: unsafe extern "C" fn(*mut c_void, u32, *const CuspValue, usize, *mut CuspCall),
}

#[repr(C)]
pub struct CuspResponse {
    pub status: u16,
    pub fields: *const CuspField,
    pub fields_count: usize,
}

#[repr(C)]
pub struct CuspChunk {
    pub data: CuspBytes,
    pub trailers: *const CuspField,
    pub trailers_count: usize,
}

pub const BODY_PENDING: u32 = 0;
pub const BODY_CHUNK: u32 = 1;
pub const BODY_END: u32 = 2;
pub const BODY_ERROR: u32 = 3;

#[repr(C)]
pub struct CuspOutboundRequest {
    pub request: CuspRequest,
    pub connect_timeout_ms: u64,
    pub first_byte_timeout_ms: u64,
    pub between_bytes_timeout_ms: u64,
}
