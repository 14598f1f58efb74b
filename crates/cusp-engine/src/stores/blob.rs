//! The bytes of objects on their way to and from a guest, in both directions with back pressure.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

use crate::call::{Answer, Argument, CallError, CallErrorKind, Calling, Operation};
use crate::stdio::HostSlot;

/// Asked for at once, and held for a guest at most.
const PIECE_BYTES: usize = 256 << 10;
/// What is read as one list of bytes.
pub const WHOLE_BYTES_MAX: u64 = 64 << 20;

fn failed(error: &CallError) -> StreamError {
    StreamError::LastOperationFailed(wasmtime::Error::msg(error.message.clone()))
}

/// The host's end of an object that is read or written; closed with it.
struct Handle {
    host: Arc<HostSlot>,
    number: i64,
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Nobody waits for the answer.
        drop(self.host.call(Operation::ObjectClose, &[self.number.into()]));
    }
}

/// A part of an object that was opened, as it was then.
pub struct Incoming {
    reader: Handle,
    offset: u64,
    end: u64,
    calling: Option<Calling>,
    ready: Result<Bytes, CallError>,
}

impl Incoming {
    /// `start` and `last` are both inclusive; what lies behind the object's end is not there.
    pub fn new(
        host: Arc<HostSlot>,
        mut answer: Answer,
        start: u64,
        last: u64,
    ) -> Result<Incoming, CallError> {
        let reader = Handle { host, number: answer.take()? };
        let size = u64::try_from(answer.take::<i64>()?).unwrap_or_default();
        if start > size || start > last {
            let message = format!("bytes {start} to {last} are not in an object of {size} bytes");
            return Err(CallError { kind: CallErrorKind::Invalid, message });
        }
        let end = last.saturating_add(1).min(size);
        Ok(Incoming { reader, offset: start, end, calling: None, ready: Ok(Bytes::new()) })
    }

    /// Bytes that were not read yet.
    pub fn size(&self) -> u64 {
        let waiting = self.ready.as_ref().map_or(0, Bytes::len);
        self.end - self.offset + waiting as u64
    }

    /// Whether a read has something to say.
    fn is_ready(&self) -> bool {
        self.ready.as_ref().map_or(true, |bytes| !bytes.is_empty()) || self.offset == self.end
    }

    /// Waits for the next piece; may be given up and called again.
    async fn fill(&mut self) {
        if self.is_ready() {
            return;
        }
        let most = (self.end - self.offset).min(PIECE_BYTES as u64) as i64;
        let reader = &self.reader;
        let calling = self.calling.get_or_insert_with(|| {
            let arguments = [reader.number.into(), (self.offset as i64).into(), most.into()];
            reader.host.call(Operation::ObjectRead, &arguments)
        });
        let outcome = calling.as_mut().await;
        self.calling = None;
        self.ready = outcome.and_then(|mut answer| answer.take::<Vec<u8>>()).and_then(|bytes| {
            if bytes.is_empty() || bytes.len() as u64 > self.end - self.offset {
                return Err(CallError::other("the object ended before its size"));
            }
            self.offset += bytes.len() as u64;
            Ok(bytes.into())
        });
    }

    /// All of it as one list.
    pub async fn collect(mut self) -> Result<Vec<u8>, CallError> {
        if self.size() > WHOLE_BYTES_MAX {
            let message = format!(
                "{} bytes are more than the {WHOLE_BYTES_MAX} that are read at once: consume the \
                 value as a stream, or ask for a part of it",
                self.size()
            );
            return Err(CallError { kind: CallErrorKind::Limit, message });
        }
        let mut whole = Vec::with_capacity(self.size() as usize);
        while self.size() > 0 {
            self.fill().await;
            whole.extend_from_slice(&std::mem::replace(&mut self.ready, Ok(Bytes::new()))?);
        }
        Ok(whole)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Incoming {
    async fn ready(&mut self) {
        self.fill().await;
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Incoming {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        match &mut self.ready {
            Err(error) => Err(failed(error)),
            Ok(bytes) if !bytes.is_empty() => Ok(bytes.split_to(size.min(bytes.len()))),
            Ok(_) if self.offset == self.end => Err(StreamError::Closed),
            Ok(_) => Ok(Bytes::new()),
        }
    }
}

/// What an outgoing value and its stream have in common.
#[derive(Default)]
struct Upload {
    /// None before the value has a name.
    writer: Option<Handle>,
    waiting: BytesMut,
    calling: Option<Calling>,
    flushing: bool,
    closed: bool,
    error: Option<String>,
}

impl Upload {
    /// Hands what waits to the host, when that is not busy.
    fn advance(&mut self) {
        let Some(writer) = &self.writer else { return };
        if self.calling.is_none() && !self.waiting.is_empty() && self.error.is_none() {
            let piece = self.waiting.split();
            let arguments = [writer.number.into(), Argument::from(&piece[..])];
            self.calling = Some(writer.host.call(Operation::ObjectWrite, &arguments));
        }
    }

    fn check(&self) -> StreamResult<()> {
        if let Some(error) = &self.error {
            return Err(StreamError::LastOperationFailed(wasmtime::Error::msg(error.clone())));
        }
        if self.closed { Err(StreamError::Closed) } else { Ok(()) }
    }

    fn fail(&mut self, error: CallError) -> String {
        self.error.get_or_insert(error.message).clone()
    }
}

/// A value that a guest writes: it has a name when its first bytes have come to the host, and is an
/// object when it is finished.
#[derive(Clone, Default)]
pub struct Outgoing(Arc<Mutex<Upload>>);

impl Outgoing {
    fn lock(&self) -> MutexGuard<'_, Upload> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn has_name(&self) -> bool {
        self.lock().writer.is_some()
    }

    /// `number` is the host's writer for the object of that name.
    pub fn name(&self, host: Arc<HostSlot>, number: i64) {
        let mut upload = self.lock();
        upload.writer = Some(Handle { host, number });
        upload.advance();
    }

    /// Waits until the host has all that was written; may be given up and called again.
    async fn drain(&self) -> Result<(), String> {
        loop {
            let mut calling = {
                let mut upload = self.lock();
                upload.advance();
                match upload.calling.take() {
                    Some(calling) => Returned { upload: self, calling: Some(calling) },
                    None => return upload.error.clone().map_or(Ok(()), Err),
                }
            };
            let Some(future) = &mut calling.calling else { unreachable!("taken above") };
            let outcome = future.as_mut().await;
            calling.calling = None;
            if let Err(error) = outcome {
                return Err(self.lock().fail(error));
            }
        }
    }

    /// Makes the object.
    pub async fn finish(self) -> Result<(), String> {
        self.lock().closed = true;
        if !self.has_name() {
            return Err("the value has no name: container.write-data gives it one".to_owned());
        }
        self.drain().await?;
        let calling = {
            let upload = self.lock();
            let Some(writer) = &upload.writer else { unreachable!("it has a name") };
            writer.host.call(Operation::ObjectFinish, &[writer.number.into()])
        };
        calling.await.map_err(|error| error.message)?;
        Ok(())
    }
}

/// Puts a call that was not waited for to its end back.
struct Returned<'a> {
    upload: &'a Outgoing,
    calling: Option<Calling>,
}

impl Drop for Returned<'_> {
    fn drop(&mut self) {
        if let Some(calling) = self.calling.take() {
            self.upload.lock().calling = Some(calling);
        }
    }
}

/// The stream of an outgoing value; its end is the value's.
pub struct OutgoingStream(pub Outgoing);

#[wasmtime_wasi::async_trait]
impl Pollable for OutgoingStream {
    async fn ready(&mut self) {
        // The next check says what went wrong.
        let _ = self.0.drain().await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for OutgoingStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut upload = self.0.lock();
        upload.check()?;
        if bytes.len() > PIECE_BYTES - upload.waiting.len() {
            return Err(StreamError::trap("more was written than check-write has allowed"));
        }
        upload.waiting.extend_from_slice(&bytes);
        upload.advance();
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        let mut upload = self.0.lock();
        upload.check()?;
        upload.flushing = true;
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        let mut upload = self.0.lock();
        upload.check()?;
        if upload.calling.is_none() {
            upload.flushing = false;
        }
        let room = if upload.flushing { 0 } else { PIECE_BYTES - upload.waiting.len() };
        if room == 0 && upload.writer.is_none() {
            let message = format!(
                "{PIECE_BYTES} bytes wait for a name: call container.write-data before more is \
                 written"
            );
            return Err(StreamError::LastOperationFailed(wasmtime::Error::msg(message)));
        }
        Ok(room)
    }
}
