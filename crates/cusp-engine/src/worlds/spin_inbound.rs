//! `fermyon:spin/inbound-http`: Spin's first interface, which takes and returns whole bodies.

use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use http_body_util::{BodyExt, Full};
use wasmtime::component::{
    ComponentExportIndex, ComponentType, Instance, InstancePre, Lift, Lower,
};
use wasmtime::{Store, format_err};

use crate::invocation::{Input, Shared};
use crate::state::GuestState;

#[derive(ComponentType, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "the enum mirrors the interface")]
enum Method {
    #[component(name = "get")]
    Get,
    #[component(name = "post")]
    Post,
    #[component(name = "put")]
    Put,
    #[component(name = "delete")]
    Delete,
    #[component(name = "patch")]
    Patch,
    #[component(name = "head")]
    Head,
    #[component(name = "options")]
    Options,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Request {
    #[component(name = "method")]
    method: Method,
    #[component(name = "uri")]
    uri: String,
    #[component(name = "headers")]
    headers: Vec<(String, String)>,
    #[component(name = "params")]
    params: Vec<(String, String)>,
    #[component(name = "body")]
    body: Option<Vec<u8>>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct Response {
    #[component(name = "status")]
    status: u16,
    #[component(name = "headers")]
    headers: Option<Vec<(String, String)>>,
    #[component(name = "body")]
    body: Option<Vec<u8>>,
}

pub struct SpinInboundPre {
    pre: InstancePre<GuestState>,
    handle: ComponentExportIndex,
}

pub struct SpinInbound {
    instance: Instance,
    handle: ComponentExportIndex,
}

impl SpinInboundPre {
    pub fn new(pre: InstancePre<GuestState>) -> Result<SpinInboundPre> {
        let component = pre.component();
        let interface = component
            .get_export_index(None, "fermyon:spin/inbound-http")
            .or_else(|| component.get_export_index(None, "inbound-http"))
            .context("no export fermyon:spin/inbound-http")?;
        let handle = component
            .get_export_index(Some(&interface), "handle-request")
            .context("fermyon:spin/inbound-http has no handle-request")?;
        Ok(SpinInboundPre { pre, handle })
    }

    pub async fn instantiate(
        &self,
        store: &mut Store<GuestState>,
    ) -> wasmtime::Result<SpinInbound> {
        Ok(SpinInbound { instance: self.pre.instantiate_async(store).await?, handle: self.handle })
    }
}

impl SpinInbound {
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
        let body = body.collect().await.map_err(|error| format_err!("{error:?}"))?.to_bytes();
        let request = Request {
            method: method(&parts.method)?,
            uri: parts.uri.to_string(),
            headers: parts
                .headers
                .iter()
                .map(|(name, value)| {
                    (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                })
                .collect(),
            params: Vec::new(),
            body: Some(body.to_vec()),
        };
        let handle =
            self.instance.get_typed_func::<(Request,), (Response,)>(&mut *store, self.handle)?;
        let (response,) = handle.call_async(&mut *store, (request,)).await?;

        let mut head = http::Response::builder().status(response.status);
        for (name, value) in response.headers.unwrap_or_default() {
            head = head.header(
                HeaderName::from_bytes(name.as_bytes())?,
                HeaderValue::from_bytes(value.as_bytes())?,
            );
        }
        let body = Full::new(Bytes::from(response.body.unwrap_or_default()));
        shared.answer(Ok(head.body(body.map_err(|never| match never {}).boxed_unsync())?));
        Ok(())
    }
}

fn method(method: &http::Method) -> wasmtime::Result<Method> {
    Ok(match method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "PATCH" => Method::Patch,
        "HEAD" => Method::Head,
        "OPTIONS" => Method::Options,
        other => return Err(format_err!("fermyon:spin/inbound-http has no method {other}")),
    })
}
