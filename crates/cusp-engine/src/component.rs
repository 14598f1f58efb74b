//! Components: from what a developer has to a linked component that instances are made from.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rustix::mm::{Advice, madvise};
use wasmtime::component::Component;
use wasmtime::{Engine, Store};
use wit_component::ComponentEncoder;

use crate::candidates;
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
/// module, or text. It names the releases of WASI where it was made for candidates.
pub fn componentize(input: &[u8]) -> Result<Vec<u8>> {
    let mut component = encode(input)?;
    candidates::adopt(&mut component);
    Ok(component)
}

/// The same with the names that it was made with.
pub fn encode(input: &[u8]) -> Result<Vec<u8>> {
    let wasm = wat(input)?;
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
        release_pages(&component);
        Ok(Prepared { engine: flavor.engine.clone(), pre, settings: Arc::new(settings) })
    }
}

/// Unmaps the pages of a loaded artifact. Loading touched most of them and an idle app needs none;
/// they come back from the page cache when the code runs.
fn release_pages(component: &Component) {
    let image = component.image_range();
    let length = image.end.addr() - image.start.addr();
    if !maps_only_its_file(image.start.addr(), length).unwrap_or(false) {
        return;
    }
    // SAFETY: the pages hold what the file holds, which `load`'s caller promised not to change:
    // whoever reads them later reads the same. A failure leaves them resident.
    let _ = unsafe { madvise(image.start.cast_mut().cast(), length, Advice::LinuxDontNeed) };
}

/// Whether no page was written to since it was mapped: such a one is memory's own, and its contents
/// would be lost. The entries are described in the kernel's admin-guide/mm/pagemap.
fn maps_only_its_file(start: usize, length: usize) -> std::io::Result<bool> {
    const PRESENT: u64 = 1 << 63;
    const SWAPPED: u64 = 1 << 62;
    const OF_A_FILE: u64 = 1 << 61;
    let page = rustix::param::page_size();
    let mut entries = vec![0; length.div_ceil(page) * size_of::<u64>()];
    let offset = start / page * size_of::<u64>();
    File::open("/proc/self/pagemap")?.read_exact_at(&mut entries, offset as u64)?;
    let (entries, _) = entries.as_chunks();
    Ok(entries
        .iter()
        .map(|entry| u64::from_ne_bytes(*entry))
        .all(|entry| entry & SWAPPED == 0 && (entry & PRESENT == 0 || entry & OF_A_FILE != 0)))
}
