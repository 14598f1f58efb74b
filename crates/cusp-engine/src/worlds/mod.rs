//! The worlds that a component may be made for, one file each.

mod command;
mod http_p2;
mod http_p3;
mod spin_events;
mod spin_inbound;

use anyhow::{Context, Result, bail};
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{InstancePre, Linker};
use wasmtime_wasi::p2::bindings::{Command, CommandPre};
use wasmtime_wasi_http::p2::bindings::{Proxy as HttpP2, ProxyPre as HttpP2Pre};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::component::Live;
use crate::databases;
use crate::describe;
use crate::edge;
use crate::invocation::{Input, Shared};
use crate::state::GuestState;
use crate::stores;
use crate::variables;

pub use self::spin_events::CRON_TYPES;
use self::spin_events::{Event, SpinEvent, SpinEventPre};
use self::spin_inbound::{SpinInbound, SpinInboundPre};

/// Everything that is served to every component; what is not granted is decided per component.
pub fn linker(engine: &Engine, concurrent: bool) -> Result<Linker<GuestState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    // Streams and pollables again, by way of the table alone: the usual way asks for the whole WASI
    // context, and most requests need nothing else of it.
    linker.allow_shadowing(true);
    wasmtime_wasi_io::add_to_linker_async(&mut linker)?;
    linker.allow_shadowing(false);
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    if concurrent {
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    }
    variables::add_to_linker(&mut linker, concurrent)?;
    edge::add_to_linker(&mut linker)?;
    stores::add_to_linker(&mut linker, concurrent)?;
    databases::add_to_linker(&mut linker, concurrent)?;
    Ok(linker)
}

/// A linked component, by the world that its exports name.
pub enum ProxyPre {
    HttpP2(HttpP2Pre<GuestState>),
    HttpP3(ServicePre<GuestState>),
    Command(CommandPre<GuestState>),
    SpinInbound(SpinInboundPre),
    SpinEvent(SpinEventPre),
}

/// Refuses an export that has the name of a world's and another type: bindings look at types only
/// when an instance is made.
fn check_handler(pre: &InstancePre<GuestState>, world: &str, id: &str) -> Result<()> {
    let (function, params, results) = match world {
        "wasi:http/incoming-handler@0.2" => ("handle", 2, 0),
        "wasi:http/handler@0.3" => ("handle", 1, 1),
        "wasi:cli/run@0.2" => ("run", 0, 1),
        "fermyon:spin/inbound-http" => ("handle-request", 1, 1),
        "fermyon:spin-cron" => ("handle-cron-event", 1, 1),
        _ => ("handle-message", 1, 1),
    };
    let engine = pre.engine();
    for (name, item) in pre.component().component_type().exports(engine) {
        if describe::world_of_export(name) != Some(world) {
            continue;
        }
        let found = match item.ty {
            ComponentItem::ComponentInstance(interface) => {
                interface.get_export(engine, function).map(|export| export.ty)
            }
            item => Some(item),
        };
        let fits = matches!(
            found,
            Some(ComponentItem::ComponentFunc(found))
                if found.params().len() == params && found.results().len() == results
        );
        if !fits {
            bail!(
                "component '{id}' exports `{name}` without a `{function}` of the type of {world}"
            );
        }
    }
    Ok(())
}

/// An instance of one.
pub enum Proxy {
    HttpP2(HttpP2),
    HttpP3(wasmtime_wasi_http::handler::Proxy),
    Command(Command),
    SpinInbound(SpinInbound),
    SpinEvent(SpinEvent),
}

impl ProxyPre {
    pub fn new(pre: InstancePre<GuestState>, id: &str) -> Result<ProxyPre> {
        let exports: Vec<String> = pre
            .component()
            .component_type()
            .exports(pre.engine())
            .map(|(name, _)| name.to_owned())
            .collect();
        let served = |name: &String| Some((name.clone(), describe::world_of_export(name)?));
        let (export, world) = exports.iter().find_map(served).unzip();
        if let Some(world) = world {
            check_handler(&pre, world, id)?;
        }
        if let (Some(export), Some(event)) = (export, world.and_then(Event::of_world)) {
            return SpinEventPre::new(pre, event, &export).map(ProxyPre::SpinEvent);
        }
        let proxy = match world {
            Some("wasi:http/incoming-handler@0.2") => HttpP2Pre::new(pre).map(ProxyPre::HttpP2),
            Some("wasi:http/handler@0.3") => ServicePre::new(pre).map(ProxyPre::HttpP3),
            Some("wasi:cli/run@0.2") => CommandPre::new(pre).map(ProxyPre::Command),
            Some(_) => return SpinInboundPre::new(pre).map(ProxyPre::SpinInbound),
            None => bail!(
                "component '{id}' exports nothing that can be called (it exports {exports:?}); \
                 expected wasi:http/incoming-handler@0.2.x, wasi:http/handler@0.3.x, \
                 fermyon:spin/inbound-http, wasi:cli/run, or what Spin's triggers for Redis and \
                 cron call"
            ),
        };
        proxy.map_err(anyhow::Error::from).with_context(|| format!("component '{id}'"))
    }

    pub fn world(&self) -> &'static str {
        match self {
            ProxyPre::HttpP2(_) => "wasi:http/incoming-handler@0.2",
            ProxyPre::HttpP3(_) => "wasi:http/handler@0.3",
            ProxyPre::Command(_) => "wasi:cli/run@0.2",
            ProxyPre::SpinInbound(_) => "fermyon:spin/inbound-http",
            ProxyPre::SpinEvent(pre) => pre.event.world(),
        }
    }

    pub async fn instantiate(
        &self,
        store: &mut wasmtime::Store<GuestState>,
    ) -> wasmtime::Result<Proxy> {
        Ok(match self {
            ProxyPre::HttpP2(pre) => Proxy::HttpP2(pre.instantiate_async(store).await?),
            ProxyPre::HttpP3(pre) => Proxy::HttpP3(wasmtime_wasi_http::handler::Proxy::P3(
                pre.instantiate_async(store).await?,
            )),
            ProxyPre::Command(pre) => Proxy::Command(pre.instantiate_async(store).await?),
            ProxyPre::SpinInbound(pre) => Proxy::SpinInbound(pre.instantiate(store).await?),
            ProxyPre::SpinEvent(pre) => Proxy::SpinEvent(pre.instantiate(store).await?),
        })
    }
}

/// Runs one request on an instance; the response goes to `shared`.
pub async fn run(
    live: &mut Live,
    input: Input,
    shared: &std::sync::Arc<Shared>,
) -> wasmtime::Result<()> {
    match &live.proxy {
        Proxy::HttpP2(proxy) => http_p2::run(&mut live.store, proxy, input, shared).await,
        Proxy::HttpP3(proxy) => http_p3::run(&mut live.store, proxy, input, shared).await,
        Proxy::Command(command) => command::run(&mut live.store, command).await,
        Proxy::SpinInbound(inbound) => inbound.run(&mut live.store, input, shared).await,
        Proxy::SpinEvent(event) => event.run(&mut live.store, input, shared).await,
    }
}
