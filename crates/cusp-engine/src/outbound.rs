//! A guest's request to the outside, handed to the host's HTTP client.

use std::ffi::c_void;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use futures::channel::oneshot;
use http::{HeaderMap, HeaderName, Response};
use http_body_util::BodyExt;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody,
    WasiHttpHooks,
};

use crate::body::{Pipe, PipeBody};
use crate::host::{Callback, Host};
use crate::waker::HostWaker;

type Answer = Result<Response<WasiBody>, Error>;
type IoFuture = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// One request on its way out. The host owns it, reads its body and answers it.
pub struct Outbound {
    pub parts: http::request::Parts,
    pub options: RequestOptions,
    body: WasiBody,
    answer: Option<oneshot::Sender<Answer>>,
    waker: Option<Arc<HostWaker>>,
    host: Host,
}

impl Outbound {
    /// Whether there is a body to send.
    pub fn has_body(&self) -> bool {
        use http_body::Body;
        !self.body.is_end_stream()
    }

    pub fn poll_body(
        &mut self,
        callback: Callback,
        user: *mut c_void,
    ) -> Poll<Option<Result<http_body::Frame<bytes::Bytes>, Error>>> {
        let waker = match &self.waker {
            Some(waker) if waker.targets(user) => waker.clone(),
            _ => self.waker.insert(HostWaker::new(callback)).clone(),
        };
        use http_body::Body;
        Pin::new(&mut self.body).poll_frame(&mut Context::from_waker(&waker.waker()))
    }

    /// The body that the host then feeds, or nothing when the guest has stopped waiting.
    pub fn respond(&mut self, head: Response<()>, user: *mut c_void) -> Option<Arc<Pipe>> {
        let pipe = Pipe::new(self.host.outbound_body_wanted(user));
        let body = PipeBody(pipe.clone()).boxed_unsync();
        let sender = self.answer.take()?;
        match sender.send(Ok(head.map(|()| body))) {
            Ok(()) => Some(pipe),
            Err(_) => None,
        }
    }

    pub fn fail(&mut self, error: Error) {
        if let Some(sender) = self.answer.take() {
            // The guest may have dropped its future: then nobody is left to tell.
            let _ = sender.send(Err(error));
        }
    }
}

impl Drop for Outbound {
    fn drop(&mut self) {
        if let Some(waker) = &self.waker {
            waker.disarm();
        }
        self.fail(Error::ConnectionTerminated);
    }
}

/// How wasmtime-wasi-http reaches the outside.
pub struct Hooks {
    host: Host,
    subrequests_left: u32,
}

impl Hooks {
    pub fn new(host: Host, subrequests_max: u32) -> Hooks {
        Hooks { host, subrequests_left: subrequests_max }
    }
}

impl WasiHttpHooks for Hooks {
    // Asked for every field that a guest sets: no closure is made for the answer.
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        DEFAULT_FORBIDDEN_HEADERS.contains(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        static FILTER: OnceLock<ForbiddenHeaderFilter> = OnceLock::new();
        FILTER.get_or_init(|| Arc::new(|name| DEFAULT_FORBIDDEN_HEADERS.contains(name))).clone()
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        64 << 10
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        64 << 10
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        processed: IoFuture,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, IoFuture), Error>> + Send> {
        // Tells a guest how its handling of the response went; the host has no use for it.
        drop(processed);
        if self.subrequests_left == 0 {
            return Box::new(async { Err(Error::ConnectionLimitReached) });
        }
        self.subrequests_left -= 1;
        let (parts, body) = request.into_parts();
        let (sender, receiver) = oneshot::channel();
        self.host.outbound(Outbound {
            parts,
            options: options.unwrap_or_default(),
            body,
            answer: Some(sender),
            waker: None,
            host: self.host,
        });
        Box::new(async move {
            let response = receiver.await.unwrap_or(Err(Error::ConnectionTerminated))?;
            let io: IoFuture = Box::new(async { Ok(()) });
            Ok((response, io))
        })
    }
}

/// Header fields from the host, which has checked their syntax already; what `http` refuses is left
/// out.
pub fn header_map<'a>(fields: impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])>) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), http::HeaderValue::from_bytes(value))
        {
            map.append(name, value);
        }
    }
    map
}
