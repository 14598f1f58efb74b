//! One run of a component for one request: a future that the host polls, and what comes out of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, UpdateDeadline};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi_http::WasiBody;

use crate::body::Pipe;
use crate::component::{Live, Prepared};
use crate::engine::enter_runtime;
use crate::host::Host;
use crate::state::{GuestState, LIMIT_MEMORY, LIMIT_TABLE, Meter};
use crate::stdio::{CommandStdin, CommandStdio, CommandStdout};
use crate::waker::HostWaker;
use crate::worlds;

type Answer = Result<http::Response<WasiBody>, String>;
type Outcome = (wasmtime::Result<()>, Option<Box<Live>>);

/// What a guest is started with.
pub enum Input {
    Request { request: http::Request<WasiBody>, https: bool },
    Command { environment: Vec<(String, String)>, arguments: Vec<String> },
}

/// What a running guest hands over.
#[derive(Default)]
pub struct Shared {
    answer: Mutex<Option<Answer>>,
    body_ended: AtomicBool,
    body_watcher: Mutex<Option<Waker>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Shared {
    pub fn answer(&self, answer: Answer) {
        *lock(&self.answer) = Some(answer);
    }

    /// Whether the host has read the response's body to its end, or does not want it.
    pub fn body_ended(&self) -> bool {
        self.body_ended.load(Ordering::Relaxed)
    }

    pub fn watch_body(&self, context: &Context<'_>) {
        *lock(&self.body_watcher) = Some(context.waker().clone());
    }

    fn end_body(&self) {
        self.body_ended.store(true, Ordering::Relaxed);
        if let Some(waker) = lock(&self.body_watcher).take() {
            waker.wake();
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureKind {
    Trap,
    StackOverflow,
    Memory,
    Table,
    NoResponse,
    ErrorCode,
    Exhausted,
    BadRequest,
    Exit,
    Internal,
}

pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    Running,
    Yielded,
    Finished,
    Failed,
}

pub struct Invocation {
    future: Option<Pin<Box<dyn Future<Output = Outcome> + Send>>>,
    waker: Waker,
    host_waker: Arc<HostWaker>,
    shared: Arc<Shared>,
    meter: Arc<Meter>,
    answered: bool,
    body: Option<WasiBody>,
    request_body: Option<Arc<Pipe>>,
    live: Option<Box<Live>>,
    failure: Option<Failure>,
}

/// The kept instance, made the next request's, or a fresh one.
async fn acquire(
    prepared: Arc<Prepared>,
    live: Option<Box<Live>>,
    stdio: Option<CommandStdio>,
    host: Host,
    meter: Arc<Meter>,
) -> wasmtime::Result<Box<Live>> {
    if let Some(mut live) = live {
        live.store.data_mut().rebind(host, meter);
        live.store.set_epoch_deadline(1);
        return Ok(live);
    }
    let mut state = GuestState::new(prepared.settings.clone(), host, meter);
    state.command = stdio;
    let mut store = Store::new(&prepared.engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_epoch_deadline(1);
    // A time slice is over: hand the shard back, and be known to have used it up.
    store.epoch_deadline_callback(|mut context| {
        context.data_mut().limiter.note_yield();
        Ok(UpdateDeadline::Yield(1))
    });
    let proxy = prepared.pre.instantiate(&mut store).await?;
    Ok(Box::new(Live { store, proxy }))
}

async fn run(
    acquired: impl Future<Output = wasmtime::Result<Box<Live>>> + Send,
    keep: bool,
    input: Input,
    shared: Arc<Shared>,
) -> Outcome {
    let mut live = match acquired.await {
        Ok(live) => live,
        Err(error) => return (Err(error), None),
    };
    let result = worlds::run(&mut live, input, &shared).await;
    if !keep || result.is_err() {
        return (result, None);
    }
    live.store.data_mut().unbind();
    (result, Some(live))
}

impl Invocation {
    pub fn start(
        prepared: Arc<Prepared>,
        live: Option<Box<Live>>,
        keep: bool,
        input: Input,
        request_body: Option<Arc<Pipe>>,
        host: Host,
    ) -> Invocation {
        let shared = Arc::new(Shared::default());
        let meter = Arc::new(Meter::default());
        let host_waker = HostWaker::new(host.wake());
        let mut body = None;
        let stdio = match &input {
            Input::Command { environment, arguments } => {
                let (stdout, output) = CommandStdout::new();
                body = Some(output.boxed_unsync());
                Some(CommandStdio {
                    environment: environment.clone(),
                    arguments: arguments.clone(),
                    stdin: CommandStdin::new(request_body.clone()),
                    stdout,
                })
            }
            Input::Request { .. } => None,
        };
        let answered = stdio.is_some();
        let acquired = acquire(prepared, live, stdio, host, meter.clone());
        let future = run(acquired, keep, input, shared.clone());
        Invocation {
            future: Some(Box::pin(future)),
            waker: host_waker.waker(),
            host_waker,
            shared,
            meter,
            answered,
            body,
            request_body,
            live: None,
            failure: None,
        }
    }

    /// One that has failed already.
    pub fn failed(kind: FailureKind, message: String, host: Host) -> Invocation {
        let host_waker = HostWaker::new(host.wake());
        Invocation {
            future: None,
            waker: host_waker.waker(),
            host_waker,
            shared: Arc::default(),
            meter: Arc::default(),
            answered: false,
            body: None,
            request_body: None,
            live: None,
            failure: Some(Failure { kind, message }),
        }
    }

    pub fn poll(&mut self) -> Progress {
        let Some(future) = self.future.as_mut() else { return self.ended() };
        enter_runtime();
        let mut context = Context::from_waker(&self.waker);
        // A panic would be a bug in the engine that a guest has found: it ends this guest, not the
        // node.
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        match polled {
            Ok(Poll::Pending) => {
                if self.meter.take_yield() {
                    Progress::Yielded
                } else {
                    Progress::Running
                }
            }
            Ok(Poll::Ready((result, live))) => {
                self.future = None;
                self.live = live;
                if let Err(error) = result {
                    self.failure = Some(self.explain(&error));
                }
                self.ended()
            }
            Err(_) => {
                self.future = None;
                self.failure = Some(Failure {
                    kind: FailureKind::Internal,
                    message: "the engine panicked; this is a bug of Cusp or Wasmtime".to_owned(),
                });
                Progress::Failed
            }
        }
    }

    fn ended(&mut self) -> Progress {
        let refused = matches!(&*lock(&self.shared.answer), Some(Err(_)));
        if refused {
            self.take_response();
        }
        if self.failure.is_some() {
            return Progress::Failed;
        }
        if !self.answered && lock(&self.shared.answer).is_none() {
            self.failure = Some(Failure {
                kind: FailureKind::NoResponse,
                message: "the guest returned without a response".to_owned(),
            });
            return Progress::Failed;
        }
        Progress::Finished
    }

    fn explain(&self, error: &wasmtime::Error) -> Failure {
        let kind = match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => FailureKind::StackOverflow,
            _ if error.is::<PoolConcurrencyLimitError>() => FailureKind::Exhausted,
            _ if error.is::<I32Exit>() => FailureKind::Exit,
            _ => match self.meter.limit_hit.load(Ordering::Relaxed) {
                LIMIT_MEMORY => FailureKind::Memory,
                LIMIT_TABLE => FailureKind::Table,
                _ => FailureKind::Trap,
            },
        };
        Failure { kind, message: format!("{error:?}") }
    }

    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    pub fn request_body(&self) -> Option<&Arc<Pipe>> {
        self.request_body.as_ref()
    }

    /// The head of the response, once. An answer that is an error-code becomes the failure.
    pub fn take_response(&mut self) -> Option<http::response::Parts> {
        match lock(&self.shared.answer).take()? {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                self.body = Some(body);
                self.answered = true;
                Some(parts)
            }
            Err(message) => {
                self.failure = Some(Failure { kind: FailureKind::ErrorCode, message });
                None
            }
        }
    }

    pub fn poll_body(&mut self) -> Poll<Option<Result<Frame<Bytes>, wasmtime_wasi_http::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        enter_runtime();
        let mut context = Context::from_waker(&self.waker);
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(&mut context)))
            .unwrap_or(Poll::Ready(Some(Err(wasmtime_wasi_http::Error::InternalError(None)))));
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.drop_body();
        }
        polled
    }

    pub fn drop_body(&mut self) {
        self.body = None;
        self.shared.end_body();
    }

    pub fn take_live(&mut self) -> Option<Box<Live>> {
        self.live.take()
    }
}

impl Drop for Invocation {
    fn drop(&mut self) {
        self.host_waker.disarm();
        if let Some(body) = &self.request_body {
            body.detach();
        }
        // Unwinds the guest's fiber where it is parked; timers and sockets of its store need the
        // runtime for that.
        enter_runtime();
        let future = self.future.take();
        let _ = catch_unwind(AssertUnwindSafe(move || drop(future)));
    }
}
