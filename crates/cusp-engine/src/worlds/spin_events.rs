//! What Spin's other triggers call: `fermyon:spin/inbound-redis`, `spin:redis/inbound-redis@3.0.0`
//! and `fermyon:spin-cron@2.0.0`. An event comes as a request that nobody outside has made, and its
//! outcome goes back as a response's status.

use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use wasmtime::component::{
    ComponentExportIndex, ComponentType, Instance, InstancePre, Lift, Lower,
};
use wasmtime::{Store, format_err};

use crate::abi::CUSP_STDERR;
use crate::invocation::{Input, Shared};
use crate::state::GuestState;

/// What a component for schedules imports: types, which need no provider.
pub const CRON_TYPES: &str = "fermyon:spin-cron/cron-types@2.0.0";

/// Says when, in seconds of Unix time.
const CRON_TIME: &str = "cusp-scheduled-timestamp";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Redis2,
    Redis3,
    Cron,
}

impl Event {
    pub fn world(self) -> &'static str {
        match self {
            Event::Redis2 => "fermyon:spin/inbound-redis",
            Event::Redis3 => "spin:redis/inbound-redis@3.0",
            Event::Cron => "fermyon:spin-cron",
        }
    }

    pub fn of_world(world: &str) -> Option<Event> {
        [Event::Redis2, Event::Redis3, Event::Cron].into_iter().find(|event| event.world() == world)
    }
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "the enum mirrors the interface")]
enum Redis2Error {
    #[component(name = "success")]
    Success,
    #[component(name = "error")]
    Error,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
enum Redis3Error {
    #[component(name = "invalid-address")]
    InvalidAddress,
    #[component(name = "too-many-connections")]
    TooManyConnections,
    #[component(name = "type-error")]
    WrongType,
    #[component(name = "other")]
    Other(String),
}

impl From<Redis2Error> for String {
    fn from(_: Redis2Error) -> String {
        "it says no more".to_owned()
    }
}

impl From<Redis3Error> for String {
    fn from(error: Redis3Error) -> String {
        match error {
            Redis3Error::InvalidAddress => "invalid address".to_owned(),
            Redis3Error::TooManyConnections => "too many connections".to_owned(),
            Redis3Error::WrongType => "a value of another type".to_owned(),
            Redis3Error::Other(message) => message,
        }
    }
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct CronMetadata {
    timestamp: u64,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
enum CronError {
    #[component(name = "other")]
    Other(String),
}

pub struct SpinEventPre {
    pre: InstancePre<GuestState>,
    pub event: Event,
    handle: ComponentExportIndex,
}

pub struct SpinEvent {
    instance: Instance,
    event: Event,
    handle: ComponentExportIndex,
}

impl SpinEventPre {
    /// `export` is the name that says which event it is for.
    pub fn new(pre: InstancePre<GuestState>, event: Event, export: &str) -> Result<SpinEventPre> {
        let component = pre.component();
        let export = component.get_export_index(None, export);
        let handle = match event {
            Event::Cron => export,
            Event::Redis2 | Event::Redis3 => export.and_then(|interface| {
                component.get_export_index(Some(&interface), "handle-message")
            }),
        };
        let handle = handle.with_context(|| format!("no handler for {}", event.world()))?;
        Ok(SpinEventPre { pre, event, handle })
    }

    pub async fn instantiate(&self, store: &mut Store<GuestState>) -> wasmtime::Result<SpinEvent> {
        let instance = self.pre.instantiate_async(store).await?;
        Ok(SpinEvent { instance, event: self.event, handle: self.handle })
    }
}

impl SpinEvent {
    pub async fn run(
        &self,
        store: &mut Store<GuestState>,
        input: Input,
        shared: &Arc<Shared>,
    ) -> wasmtime::Result<()> {
        let Input::Request { request, .. } = input else {
            unreachable!("a handler gets a request")
        };
        let (parts, body) = request.into_parts();
        let payload = body.collect().await.map_err(|error| format_err!("{error:?}"))?.to_bytes();
        let failure = match self.event {
            Event::Redis2 => self.redis::<Redis2Error>(store, payload).await?,
            Event::Redis3 => self.redis::<Redis3Error>(store, payload).await?,
            Event::Cron => self.cron(store, &parts).await?,
        };
        let status = if failure.is_none() { 204 } else { 500 };
        if let (Some(message), Some(host)) = (failure, store.data().host.get()) {
            host.output(CUSP_STDERR, format!("the handler failed: {message}\n").as_bytes());
        }
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        shared.answer(Ok(http::Response::builder().status(status).body(body)?));
        Ok(())
    }

    /// Why the handler failed, if it did; `cron` too.
    async fn redis<E: Lift + Into<String> + 'static>(
        &self,
        store: &mut Store<GuestState>,
        payload: Bytes,
    ) -> wasmtime::Result<Option<String>> {
        type Handle<E> = (Result<(), E>,);
        let handle =
            self.instance.get_typed_func::<(&[u8],), Handle<E>>(&mut *store, self.handle)?;
        let (outcome,) = handle.call_async(&mut *store, (&payload[..],)).await?;
        Ok(outcome.err().map(E::into))
    }

    async fn cron(
        &self,
        store: &mut Store<GuestState>,
        parts: &http::request::Parts,
    ) -> wasmtime::Result<Option<String>> {
        let timestamp = parts
            .headers
            .get(CRON_TIME)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .ok_or_else(|| format_err!("only a [[trigger.cron]] starts this component"))?;
        type Handle = (Result<(), CronError>,);
        let handle =
            self.instance.get_typed_func::<(CronMetadata,), Handle>(&mut *store, self.handle)?;
        let (outcome,) = handle.call_async(&mut *store, (CronMetadata { timestamp },)).await?;
        Ok(outcome.err().map(|CronError::Other(message)| message))
    }
}
