//! The standard streams of guests: log output for handlers, the CGI conversation for commands.

use std::future::ready;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::Frame;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use wasmtime_wasi::cli::{IsTerminal, StdinStream, StdoutStream};
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi_http::Error;

use crate::abi::{CUSP_STDERR, CUSP_STDOUT, CuspStdio};
use crate::body::Pipe;
use crate::call::{Argument, CallError, Calling, Operation};
use crate::host::Host;

/// The host that an instance speaks to now; none while a kept instance waits.
pub struct HostSlot(Mutex<Option<Host>>);

impl HostSlot {
    pub fn new(host: Host) -> Arc<HostSlot> {
        Arc::new(HostSlot(Mutex::new(Some(host))))
    }

    pub fn set(&self, host: Option<Host>) {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = host;
    }

    pub fn get(&self) -> Option<Host> {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Calls a capability from where there is no guest's state.
    pub fn call(&self, operation: Operation, arguments: &[Argument<'_>]) -> Calling {
        match self.get() {
            Some(host) => Box::pin(host.call(operation, arguments)),
            None => Box::pin(ready(Err(CallError::other(
                "there is no request that this could belong to",
            )))),
        }
    }

    fn output(&self, stream: CuspStdio, data: &[u8]) {
        if let Some(host) = self.get() {
            host.output(stream, data);
        }
    }
}

/// What a guest prints, handed to the host at once: it never waits, the host bounds what it keeps.
#[derive(Clone)]
pub struct Output {
    host: Arc<HostSlot>,
    stream: CuspStdio,
}

const OUTPUT_WRITE_MAX: usize = 64 << 10;

impl Output {
    pub fn stdout(host: Arc<HostSlot>) -> Output {
        Output { host, stream: CUSP_STDOUT }
    }

    pub fn stderr(host: Arc<HostSlot>) -> Output {
        Output { host, stream: CUSP_STDERR }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.host.output(self.stream, data);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.host.output(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(OUTPUT_WRITE_MAX)
    }
}

/// A command's arguments, environment and streams (CGI, RFC 3875).
pub struct CommandStdio {
    pub environment: Vec<(String, String)>,
    pub arguments: Vec<String>,
    pub stdin: CommandStdin,
    pub stdout: CommandStdout,
}

/// Reads the request's body.
#[derive(Clone)]
pub struct CommandStdin(Arc<Mutex<StdinState>>);

struct StdinState {
    pipe: Option<Arc<Pipe>>,
    buffer: Bytes,
}

impl CommandStdin {
    pub fn new(pipe: Option<Arc<Pipe>>) -> CommandStdin {
        CommandStdin(Arc::new(Mutex::new(StdinState { pipe, buffer: Bytes::new() })))
    }

    fn state(&self) -> MutexGuard<'_, StdinState> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Fills the buffer; ready with an empty one at the end.
    fn poll_fill(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if !state.buffer.is_empty() {
            return Poll::Ready(());
        }
        let Some(pipe) = &state.pipe else { return Poll::Ready(()) };
        match pipe.poll_chunk(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                match frame.into_data() {
                    Ok(data) => state.buffer = data,
                    Err(_trailers) => state.pipe = None,
                }
                Poll::Ready(())
            }
            Poll::Ready(_) => {
                state.pipe = None;
                Poll::Ready(())
            }
        }
    }
}

impl IsTerminal for CommandStdin {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdinStream for CommandStdin {
    // Commands are WASI 0.2 and read through `p2_stream`.
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(tokio::io::empty())
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for CommandStdin {
    async fn ready(&mut self) {
        std::future::poll_fn(|context| self.poll_fill(context)).await;
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for CommandStdin {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let filled = self.poll_fill(&mut Context::from_waker(Waker::noop()));
        let mut state = self.state();
        if state.buffer.is_empty() {
            let ended = filled.is_ready() && state.pipe.is_none();
            return if ended { Err(StreamError::Closed) } else { Ok(Bytes::new()) };
        }
        let size = size.min(state.buffer.len());
        Ok(state.buffer.split_to(size))
    }
}

/// Writes the response, head and body as CGI has it.
#[derive(Clone)]
pub struct CommandStdout(mpsc::Sender<Bytes>);

const STDOUT_CHUNKS: usize = 2;

impl CommandStdout {
    pub fn new() -> (CommandStdout, CommandOutput) {
        let (sender, receiver) = mpsc::channel(STDOUT_CHUNKS);
        (CommandStdout(sender), CommandOutput(receiver))
    }
}

impl IsTerminal for CommandStdout {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for CommandStdout {
    // Commands are WASI 0.2 and write through `p2_stream`.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::empty())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for CommandStdout {
    async fn ready(&mut self) {
        // Closed or with room: both are ready.
        let _ = self.0.reserve().await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for CommandStdout {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.try_send(bytes).map_err(|_| StreamError::Closed)
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        if self.0.is_closed() {
            return Err(StreamError::Closed);
        }
        Ok(if self.0.capacity() == 0 { 0 } else { OUTPUT_WRITE_MAX })
    }
}

/// The host's end of a command's stdout, as a body.
pub struct CommandOutput(mpsc::Receiver<Bytes>);

impl http_body::Body for CommandOutput {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}
