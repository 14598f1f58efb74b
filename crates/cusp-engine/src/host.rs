//! The C++ side as Rust sees it: function pointers with their user data. The one file, beside
//! `abi`, that calls C.

use std::ffi::c_void;
use std::net::SocketAddr;

use crate::abi::{CuspBytes, CuspCallbacks, CuspOutbound, CuspStdio};
use crate::call::{self, Answer, Argument, CallError, Operation};
use crate::outbound::Outbound;

/// One C function with its argument.
#[derive(Clone, Copy)]
pub struct Callback {
    function: unsafe extern "C" fn(*mut c_void),
    user: *mut c_void,
}

// SAFETY: the header says for each callback which threads may call it; whoever holds a `Callback`
// keeps to that.
unsafe impl Send for Callback {}
// SAFETY: as above; calling through a shared reference is the same call.
unsafe impl Sync for Callback {}

impl Callback {
    pub fn new(function: unsafe extern "C" fn(*mut c_void), user: *mut c_void) -> Callback {
        Callback { function, user }
    }

    pub fn call(&self) {
        // SAFETY: the host keeps `user` alive until it has freed the object that holds this
        // callback.
        unsafe { (self.function)(self.user) }
    }

    pub fn user_is(&self, user: *mut c_void) -> bool {
        std::ptr::eq(self.user, user)
    }
}

/// What one invocation calls.
#[derive(Clone, Copy)]
pub struct Host {
    callbacks: &'static CuspCallbacks,
    user: *mut c_void,
}

// SAFETY: an invocation is polled by one thread, and its callbacks run inside a poll (`wake`
// excepted, which may come from any thread by contract).
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

impl Host {
    pub fn new(callbacks: &'static CuspCallbacks, user: *mut c_void) -> Host {
        Host { callbacks, user }
    }

    pub fn wake(&self) -> Callback {
        Callback::new(self.callbacks.wake, self.user)
    }

    pub fn body_wanted(&self) -> Callback {
        Callback::new(self.callbacks.body_wanted, self.user)
    }

    pub fn outbound_body_wanted(&self, outbound_user: *mut c_void) -> Callback {
        Callback::new(self.callbacks.outbound_body_wanted, outbound_user)
    }

    pub fn output(&self, stream: CuspStdio, data: &[u8]) {
        // SAFETY: called inside a poll, so the host's object is alive; `data` is borrowed for the
        // call.
        unsafe { (self.callbacks.output)(self.user, stream, CuspBytes::from_slice(data)) }
    }

    pub fn outbound(&self, outbound: Outbound) {
        let outbound = Box::new(CuspOutbound::new(outbound));
        // SAFETY: called inside a poll; the host takes the box over and frees it with
        // cusp_outbound_free.
        unsafe { (self.callbacks.outbound)(self.user, Box::into_raw(outbound)) }
    }

    /// Calls a capability. The future has its answer at once when the host has given it inside this
    /// call.
    pub fn call(
        &self,
        operation: Operation,
        arguments: &[Argument<'_>],
    ) -> impl Future<Output = Result<Answer, CallError>> + Send + use<> {
        let (waiting, answer) = call::begin();
        let waiting = Box::into_raw(Box::new(waiting));
        let (values, count) = (arguments.as_ptr().cast(), arguments.len());
        // SAFETY: called inside a poll; the arguments are laid out as cusp_value and borrowed for
        // the call; the host takes the box over and frees it with cusp_call_free.
        unsafe { (self.callbacks.call)(self.user, operation as u32, values, count, waiting) }
        answer
    }
}

/// Asks the host whether a guest's socket may use an address.
#[derive(Clone, Copy)]
pub struct AddressPolicy {
    function: unsafe extern "C" fn(*mut c_void, u32, CuspBytes, u16) -> bool,
    user: *mut c_void,
}

// SAFETY: the header demands that allow_address may be called by any thread and that `user`
// outlives the component.
unsafe impl Send for AddressPolicy {}
// SAFETY: as above.
unsafe impl Sync for AddressPolicy {}

impl AddressPolicy {
    pub fn new(
        function: unsafe extern "C" fn(*mut c_void, u32, CuspBytes, u16) -> bool,
        user: *mut c_void,
    ) -> AddressPolicy {
        AddressPolicy { function, user }
    }

    pub fn allows(&self, usage: u32, address: SocketAddr) -> bool {
        let text = address.ip().to_string();
        // SAFETY: see the type; `text` is borrowed for the call.
        unsafe {
            (self.function)(
                self.user,
                usage,
                CuspBytes::from_slice(text.as_bytes()),
                address.port(),
            )
        }
    }
}
