//! A body on its way from the host to a guest: one chunk at a time, handed over when the guest
//! asks.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use wasmtime_wasi_http::Error;

use crate::host::Callback;

enum End {
    Finished(Option<HeaderMap>),
    Failed(Error),
}

struct State {
    chunk: Option<Bytes>,
    end: Option<End>,
    waker: Option<Waker>,
    wanted: bool,
    closed: bool,
    on_wanted: Option<Callback>,
}

/// The slot between the two ends. Both ends live on one shard; the lock is there because Rust
/// cannot know that.
pub struct Pipe(Mutex<State>);

impl Pipe {
    pub fn new(on_wanted: Callback) -> Arc<Pipe> {
        Arc::new(Pipe(Mutex::new(State {
            chunk: None,
            end: None,
            waker: None,
            wanted: false,
            closed: false,
            on_wanted: Some(on_wanted),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = self.state();
            change(&mut state);
            state.wanted = false;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub fn wanted(&self) -> bool {
        self.state().wanted
    }

    pub fn closed(&self) -> bool {
        self.state().closed
    }

    pub fn push(&self, chunk: Bytes) {
        self.change(|state| state.chunk = Some(chunk));
    }

    pub fn finish(&self, trailers: Option<HeaderMap>) {
        self.change(|state| state.end = Some(End::Finished(trailers)));
    }

    pub fn fail(&self, error: Error) {
        self.change(|state| state.end = Some(End::Failed(error)));
    }

    /// The host lets go: no callback from here on, and what is not finished breaks off.
    pub fn detach(&self) {
        self.change(|state| {
            state.on_wanted = None;
            if state.end.is_none() {
                state.end = Some(End::Failed(Error::ConnectionTerminated));
            }
        });
    }

    /// The next chunk; `None` at the end.
    pub fn poll_chunk(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut state = self.state();
        if let Some(chunk) = state.chunk.take() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        match state.end.take() {
            Some(End::Finished(Some(trailers))) => {
                state.end = Some(End::Finished(None));
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            Some(End::Finished(None)) => {
                state.end = Some(End::Finished(None));
                Poll::Ready(None)
            }
            Some(End::Failed(error)) => {
                state.end = Some(End::Finished(None));
                Poll::Ready(Some(Err(error)))
            }
            None => {
                state.waker = Some(context.waker().clone());
                if !state.wanted {
                    state.wanted = true;
                    if let Some(callback) = &state.on_wanted {
                        callback.call();
                    }
                }
                Poll::Pending
            }
        }
    }

    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.chunk = None;
        // The host may be waiting to be asked: tell it once more, so that it sees the closed end.
        if let Some(callback) = &state.on_wanted {
            callback.call();
        }
    }
}

/// The guest's end, as the `http_body::Body` that wasmtime-wasi-http takes.
pub struct PipeBody(pub Arc<Pipe>);

impl http_body::Body for PipeBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.0.poll_chunk(context)
    }
}

impl Drop for PipeBody {
    fn drop(&mut self) {
        self.0.close();
    }
}
