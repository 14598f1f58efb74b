//! A guest's call of a capability: values to the host, and its answer, now or later.

use std::marker::PhantomData;
use std::pin::Pin;

use futures::channel::oneshot;

use crate::abi::{self, CuspBytes, CuspValue, CuspValueContent};

/// What the header's cusp_operation says.
#[derive(Clone, Copy)]
#[repr(u32)]
pub enum Operation {
    GeoClient = 0x0100,
    GeoClientAddress = 0x0101,
    GeoLookup = 0x0102,
    CacheGet = 0x0200,
    CacheInsert = 0x0201,
    CacheDelete = 0x0202,
    CachePurgeTag = 0x0203,
    RateLimitCheck = 0x0300,
    KvOpen = 0x0400,
    KvGet = 0x0401,
    KvGetMany = 0x0402,
    KvExists = 0x0403,
    KvSet = 0x0404,
    KvDelete = 0x0405,
    KvList = 0x0406,
    KvIncrement = 0x0407,
    KvSwap = 0x0408,
    SqlOpen = 0x0500,
    SqlExecute = 0x0501,
    SqlClose = 0x0502,
    RedisOpen = 0x0600,
    RedisExecute = 0x0601,
    RedisClose = 0x0602,
    ObjectOpen = 0x0700,
    ObjectHead = 0x0701,
    ObjectList = 0x0702,
    ObjectDelete = 0x0703,
    ObjectClear = 0x0704,
    ObjectCopy = 0x0705,
    ObjectGet = 0x0706,
    ObjectRead = 0x0707,
    ObjectPut = 0x0708,
    ObjectWrite = 0x0709,
    ObjectFinish = 0x070a,
    ObjectClose = 0x070b,
    SocketConnect = 0x0800,
    SocketSecure = 0x0801,
    SocketRead = 0x0802,
    SocketWrite = 0x0803,
    SocketClose = 0x0804,
}

/// One value on its way to the host, laid out as the ABI has it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Argument<'a>(CuspValue, PhantomData<&'a [u8]>);

impl Argument<'_> {
    fn integer(kind: u32, integer: i64) -> Self {
        Argument(CuspValue { kind, content: CuspValueContent { integer } }, PhantomData)
    }

    fn bytes(kind: u32, bytes: &[u8]) -> Self {
        let content = CuspValueContent { bytes: CuspBytes::from_slice(bytes) };
        Argument(CuspValue { kind, content }, PhantomData)
    }
}

impl From<bool> for Argument<'_> {
    fn from(boolean: bool) -> Self {
        Argument::integer(abi::VALUE_BOOLEAN, boolean.into())
    }
}

impl From<i64> for Argument<'_> {
    fn from(integer: i64) -> Self {
        Argument::integer(abi::VALUE_INTEGER, integer)
    }
}

impl From<u32> for Argument<'_> {
    fn from(integer: u32) -> Self {
        i64::from(integer).into()
    }
}

impl From<f64> for Argument<'_> {
    fn from(real: f64) -> Self {
        let content = CuspValueContent { real };
        Argument(CuspValue { kind: abi::VALUE_REAL, content }, PhantomData)
    }
}

impl<'a> From<&'a str> for Argument<'a> {
    fn from(text: &'a str) -> Self {
        Argument::bytes(abi::VALUE_TEXT, text.as_bytes())
    }
}

impl<'a> From<&'a [u8]> for Argument<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Argument::bytes(abi::VALUE_BLOB, bytes)
    }
}

impl<'a, T: Into<Argument<'a>>> From<Option<T>> for Argument<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Argument::integer(abi::VALUE_NONE, 0), T::into)
    }
}

/// What the host answers with.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    None,
    Boolean(bool),
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// Values as Rust has them.
pub trait FromValue: Sized {
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! from_value {
    ($type:ty, $case:ident) => {
        impl FromValue for $type {
            fn from_value(value: Value) -> Option<Self> {
                match value {
                    Value::$case(content) => Some(content),
                    _ => None,
                }
            }
        }
    };
}
from_value!(bool, Boolean);
from_value!(i64, Integer);
from_value!(f64, Real);
from_value!(String, Text);
from_value!(Vec<u8>, Blob);

impl FromValue for u32 {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).and_then(|integer| integer.try_into().ok())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::None => Some(None),
            some => T::from_value(some).map(Some),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallErrorKind {
    Other,
    Denied,
    NotFound,
    Invalid,
    Conflict,
    Limit,
    Busy,
}

/// Why a call failed; the message is for the guest's author.
#[derive(PartialEq, Eq, Debug)]
pub struct CallError {
    pub kind: CallErrorKind,
    pub message: String,
}

impl CallError {
    pub fn other(message: &str) -> CallError {
        CallError { kind: CallErrorKind::Other, message: message.to_owned() }
    }
}

/// The values of an answer, taken from first to last.
#[derive(Debug)]
pub struct Answer(std::vec::IntoIter<Value>);

impl Answer {
    pub fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub fn take<T: FromValue>(&mut self) -> Result<T, CallError> {
        self.0
            .next()
            .and_then(T::from_value)
            .ok_or_else(|| CallError::other("the host's answer is not what was asked for"))
    }
}

type Outcome = Result<Vec<Value>, CallError>;

/// A call that somebody keeps while it is under way.
pub type Calling = Pin<Box<dyn Future<Output = Result<Answer, CallError>> + Send>>;

/// A call that the host owns until it has ended it.
pub struct Waiting(Option<oneshot::Sender<Outcome>>);

impl Waiting {
    pub fn end(&mut self, outcome: Outcome) {
        if let Some(sender) = self.0.take() {
            // The guest may have gone: then nobody is left to tell.
            let _ = sender.send(outcome);
        }
    }
}

/// Both ends of a call. The second is ready at once when the first has ended before it is polled.
pub fn begin() -> (Waiting, impl Future<Output = Result<Answer, CallError>> + Send) {
    let (sender, receiver) = oneshot::channel::<Outcome>();
    let answer = async move {
        match receiver.await {
            Ok(outcome) => outcome.map(|values| Answer(values.into_iter())),
            Err(oneshot::Canceled) => Err(CallError::other("the host dropped the call")),
        }
    };
    (Waiting(Some(sender)), answer)
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use futures::task::noop_waker;

    use super::*;

    fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
        let waker = noop_waker();
        std::pin::pin!(future).poll(&mut Context::from_waker(&waker))
    }

    fn ready<T>(future: impl Future<Output = T>) -> T {
        match poll(future) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn an_answer_inside_the_call_is_there_at_the_first_poll() {
        let (mut call, answer) = begin();
        call.end(Ok(vec![Value::Text("JP".to_owned()), Value::None, Value::Integer(7)]));
        let mut answer = ready(answer).unwrap();
        assert_eq!(answer.take(), Ok("JP".to_owned()));
        assert_eq!(answer.take(), Ok(None::<f64>));
        assert_eq!(answer.take(), Ok(Some(7_u32)));
    }

    #[test]
    fn a_call_without_an_answer_waits_for_it() {
        let (mut call, answer) = begin();
        let mut answer = std::pin::pin!(answer);
        assert!(poll(answer.as_mut()).is_pending());
        call.end(Ok(vec![Value::Real(1.5)]));
        assert_eq!(ready(answer).unwrap().take(), Ok(1.5));
    }

    #[test]
    fn a_call_that_the_host_drops_fails() {
        let (call, answer) = begin();
        drop(call);
        assert_eq!(ready(answer).unwrap_err().message, "the host dropped the call");
    }

    #[test]
    fn only_the_first_end_of_a_call_counts() {
        let (mut call, answer) = begin();
        let denied = CallError { kind: CallErrorKind::Denied, message: "no".to_owned() };
        call.end(Err(denied));
        call.end(Ok(Vec::new()));
        assert_eq!(ready(answer).unwrap_err().kind, CallErrorKind::Denied);
    }

    #[test]
    fn an_answer_after_the_guest_has_gone_goes_nowhere() {
        let (mut call, answer) = begin();
        drop(answer);
        call.end(Ok(Vec::new()));
    }

    #[test]
    fn an_answer_of_another_shape_is_an_error_and_no_panic() {
        let (mut call, answer) = begin();
        call.end(Ok(vec![Value::Integer(-1), Value::Text("1".to_owned())]));
        let mut answer = ready(answer).unwrap();
        assert_eq!(answer.take::<u32>().unwrap_err().kind, CallErrorKind::Other);
        assert_eq!(answer.take::<i64>().unwrap_err().kind, CallErrorKind::Other);
        assert_eq!(answer.take::<String>().unwrap_err().kind, CallErrorKind::Other);
    }
}
