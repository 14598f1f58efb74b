//! A connection that the host has made, as the clients of protocols want it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::call::{Answer, CallError, Calling, Operation};
use crate::stdio::HostSlot;

const PIECE_BYTES: usize = 64 << 10;

/// How many bytes may still be read: what a server sends in answer to one command is bounded.
#[derive(Clone)]
pub struct Allowance(Arc<AtomicUsize>);

impl Allowance {
    pub fn set(&self, bytes: usize) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    fn take(&self, bytes: usize) -> io::Result<()> {
        let left = self.0.load(Ordering::Relaxed).checked_sub(bytes);
        self.set(left.ok_or_else(|| io::Error::other("the server's answer is too large"))?);
        Ok(())
    }
}

/// Closed when it is dropped.
pub struct Socket {
    host: Arc<HostSlot>,
    number: i64,
    allowance: Allowance,
    unread: Bytes,
    reading: Option<Calling>,
    writing: Option<Calling>,
}

impl Socket {
    pub async fn connect(
        host: Arc<HostSlot>,
        scheme: &str,
        name: &str,
        port: u16,
    ) -> Result<Socket, CallError> {
        let arguments = [scheme.into(), name.into(), u32::from(port).into()];
        let calling = host.call(Operation::SocketConnect, &arguments);
        let number = calling.await?.take()?;
        let allowance = Allowance(Arc::new(AtomicUsize::new(0)));
        Ok(Socket { host, number, allowance, unread: Bytes::new(), reading: None, writing: None })
    }

    pub fn allowance(&self) -> Allowance {
        self.allowance.clone()
    }

    /// From here on in TLS. Nothing that came before it is read any more: it was not authentic.
    pub async fn secure(&mut self, name: &str, authorities: Option<&str>) -> Result<(), CallError> {
        if self.reading.is_some() || !self.unread.is_empty() {
            return Err(CallError::other("the server has sent more before TLS than it should"));
        }
        let arguments = [self.number.into(), name.into(), authorities.into()];
        self.host.call(Operation::SocketSecure, &arguments).await?;
        Ok(())
    }

    fn poll_write_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(writing) = &mut self.writing else { return Poll::Ready(Ok(())) };
        let outcome = ready!(writing.as_mut().poll(cx));
        self.writing = None;
        Poll::Ready(outcome.map(drop).map_err(|error| io::Error::other(error.message)))
    }
}

fn bytes_of(outcome: Result<Answer, CallError>) -> io::Result<Bytes> {
    let bytes = outcome.and_then(|mut answer| answer.take::<Vec<u8>>());
    bytes.map(Bytes::from).map_err(|error| io::Error::other(error.message))
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.unread.is_empty() {
            let Socket { host, number, reading, .. } = this;
            let reading = reading
                .get_or_insert_with(|| host.call(Operation::SocketRead, &[(*number).into()]));
            let outcome = ready!(reading.as_mut().poll(cx));
            this.reading = None;
            this.unread = bytes_of(outcome)?;
            this.allowance.take(this.unread.len())?;
        }
        let count = this.unread.len().min(into.remaining());
        into.put_slice(&this.unread[..count]);
        this.unread.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_write_end(cx))?;
        let piece = &data[..data.len().min(PIECE_BYTES)];
        let arguments = [this.number.into(), piece.into()];
        this.writing = Some(this.host.call(Operation::SocketWrite, &arguments));
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_write_end(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Nobody waits for the answer.
        drop(self.host.call(Operation::SocketClose, &[self.number.into()]));
    }
}
