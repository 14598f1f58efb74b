//! The waker of an invocation: a C callback that any thread may trigger.

use std::ffi::c_void;
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use crate::host::Callback;

/// Calls the host until it is disarmed. The lock makes sure that no call runs once `disarm` has
/// returned; a call is short (it posts to a shard), and nobody else contends for it.
pub struct HostWaker {
    target: Mutex<Option<Callback>>,
}

impl HostWaker {
    pub fn new(callback: Callback) -> Arc<HostWaker> {
        Arc::new(HostWaker { target: Mutex::new(Some(callback)) })
    }

    pub fn disarm(&self) {
        *self.target.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = None;
    }

    pub fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(self.clone())
    }

    /// Whether it calls `user`, so that a poll with the same target needs no new waker.
    pub fn targets(&self, user: *mut c_void) -> bool {
        self.target
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .as_ref()
            .is_some_and(|callback| callback.user_is(user))
    }
}

impl Wake for HostWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(callback) =
            self.target.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).as_ref()
        {
            callback.call();
        }
    }
}
