//! Components: from what a developer has to a linked component that instances are made from.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use wasmtime::component::Component;
use wasmtime::{Engine, Store};
use wit_component::ComponentEncoder;

use crate::describe;
use crate::engine::EngineSet;
use crate::host::AddressPolicy;
use crate::imports;
use crate::state::GuestState;
use crate::worlds::{Proxy, ProxyPre};

pub struct Mount {
    pub source: String,
    pub destination: String,
}

/// How instances are set up: plain values that the host has decided on.
pub struct Settings {
    pub id: String,
    pub environment: Vec<(String, String)>,
    pub variables: Vec<(String, String)>,
    pub mounts: Vec<Mount>,
    pub memory_bytes_max: u64,
    pub table_elements_max: u64,
    pub subrequests_max: u32,
    pub address_policy: Option<AddressPolicy>,
}

/// A component that instances are made from.
pub struct Prepared {
    pub engine: Engine,
    pub pre: ProxyPre,
    pub settings: Arc<Settings>,
}

/// An instance with its store.
pub struct Live {
    pub store: Store<GuestState>,
    pub proxy: Proxy,
}

/// A component binary from a component, a core module with embedded component types, a WASI command
/// module, or text.
pub fn componentize(input: &[u8]) -> Result<Vec<u8>> {
    let mut wasm = wat(input)?;
    imports::adopt_candidates(&mut wasm);
    if wasmparser::Parser::is_component(&wasm) {
        return Ok(wasm);
    }
    if !wasmparser::Parser::is_core_wasm(&wasm) {
        bail!("not WebAssembly: expected a component, a core module or their text form");
    }
    let has_start = describe::core_exports(&wasm)?.iter().any(|name| name == "_start");
    let adapter = if has_start {
        wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER
    } else {
        wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER
    };
    ComponentEncoder::default()
        .validate(true)
        .module(&wasm)
        .context("the core module has no usable embedded component type")?
        .adapter(
            wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
            adapter,
        )?
        .encode()
        .context("the core module cannot be made a component")
}

/// The binary form of `input`, which may be text.
pub fn wat(input: &[u8]) -> Result<Vec<u8>> {
    Ok(wat::parse_bytes(input).context("not WebAssembly, neither binary nor text")?.into_owned())
}

pub fn compile(engines: &EngineSet, wasm: &[u8]) -> Result<Vec<u8>> {
    let compile = |concurrent| engines.flavor(concurrent).engine.precompile_component(wasm);
    let artifact = if describe::mentions_wasi_03(wasm)? {
        compile(true)
    } else {
        // Names do not tell whether a component uses async types; the plain engine refuses those
        // early.
        compile(false).or_else(|_| compile(true))
    };
    artifact.map_err(anyhow::Error::from)
}

impl Prepared {
    /// Maps an artifact and links it.
    ///
    /// # Safety
    /// The file must be an unchanged artifact of `compile` by engines with the same fingerprint.
    pub unsafe fn load(engines: &EngineSet, path: &Path, settings: Settings) -> Result<Prepared> {
        // An artifact names the settings of the engine that made it, and only that one of the two
        // takes it.
        // SAFETY: promised by the caller.
        let plain = unsafe { Component::deserialize_file(&engines.plain.engine, path) };
        let (flavor, component) = match plain {
            Ok(component) => (&engines.plain, component),
            Err(_) => {
                // SAFETY: promised by the caller.
                let component =
                    unsafe { Component::deserialize_file(&engines.concurrent.engine, path) }
                        .map_err(anyhow::Error::from)
                        .context("the compiled artifact does not fit this engine")?;
                (&engines.concurrent, component)
            }
        };
        let pre = imports::link(flavor, &component, &settings)?;
        Ok(Prepared { engine: flavor.engine.clone(), pre, settings: Arc::new(settings) })
    }
}
