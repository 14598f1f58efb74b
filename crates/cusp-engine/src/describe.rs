//! What a component is, read from its binary without compiling it.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use wasmparser::{Encoding, Parser, Payload};

use crate::component;
use crate::imports;

#[derive(Default)]
struct Outline {
    imports: Vec<String>,
    exports: Vec<String>,
    modules: usize,
    memories: usize,
    code_bytes: usize,
}

/// Names at the component's own level, and totals over everything nested in it.
fn outline(wasm: &[u8]) -> Result<Outline> {
    let mut outline = Outline::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.context("malformed WebAssembly")? {
            Payload::Version { encoding, .. } => {
                depth += 1;
                outline.modules += usize::from(encoding == Encoding::Module);
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    outline.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    outline.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::MemorySection(section) => outline.memories += section.count() as usize,
            Payload::CodeSectionStart { size, .. } => outline.code_bytes += size as usize,
            _ => {}
        }
    }
    Ok(outline)
}

/// Whether a component says by its names that it needs WASI 0.3.
pub fn mentions_wasi_03(wasm: &[u8]) -> Result<bool> {
    let outline = outline(wasm)?;
    let names = outline.imports.iter().chain(&outline.exports);
    Ok(names.into_iter().any(|name| name.contains("@0.3.") || name.starts_with("spin:")))
}

/// The exports of a core module.
pub fn core_exports(wasm: &[u8]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::ExportSection(section) = payload.context("malformed WebAssembly")? {
            for export in section {
                names.push(export?.name.to_owned());
            }
        }
    }
    Ok(names)
}

/// The world that an export makes a component run in, as `cusp_component_world` names it.
pub fn world_of_export(name: &str) -> Option<&'static str> {
    let (path, version) = name.split_once('@').unwrap_or((name, ""));
    match path {
        "wasi:http/incoming-handler" => Some("wasi:http/incoming-handler@0.2"),
        "wasi:http/handler" if version.starts_with("0.3.") => Some("wasi:http/handler@0.3"),
        "wasi:cli/run" => Some("wasi:cli/run@0.2"),
        "fermyon:spin/inbound-http" | "inbound-http" => Some("fermyon:spin/inbound-http"),
        "fermyon:spin/inbound-redis" | "inbound-redis" => Some("fermyon:spin/inbound-redis"),
        "spin:redis/inbound-redis" if version.starts_with("3.0.") => {
            Some("spin:redis/inbound-redis@3.0")
        }
        "handle-cron-event" => Some("fermyon:spin-cron"),
        _ => None,
    }
}

pub fn describe(input: &[u8]) -> Result<Value> {
    let wasm = component::wat(input)?;
    let kind = if Parser::is_component(&wasm) { "component" } else { "core module" };
    let outline =
        if kind == "component" { outline(&wasm)? } else { outline(&component::encode(&wasm)?)? };
    let imports: Vec<Value> = outline
        .imports
        .iter()
        .map(|name| json!({ "name": name, "status": imports::classify(name).as_str() }))
        .collect();
    Ok(json!({
        "kind": kind,
        "world": outline.exports.iter().find_map(|name| world_of_export(name)),
        "exports": outline.exports,
        "imports": imports,
        "size": input.len(),
        "core": {
            "modules": outline.modules,
            "memories": outline.memories,
            "code_bytes": outline.code_bytes,
        },
        "producers": producers(&wasm),
    }))
}

/// The tools that made the binary, from its producers sections.
fn producers(wasm: &[u8]) -> Vec<Value> {
    let Ok(payload) = wasm_metadata::Payload::from_binary(wasm) else { return Vec::new() };
    let mut found = Vec::new();
    collect_producers(&payload, &mut found);
    found
}

fn collect_producers(payload: &wasm_metadata::Payload, found: &mut Vec<Value>) {
    if let Some(producers) = &payload.metadata().producers {
        for (field, tools) in producers.iter() {
            for (tool, version) in tools.iter() {
                let entry = json!({ "field": field, "tool": tool, "version": version });
                if !found.contains(&entry) {
                    found.push(entry);
                }
            }
        }
    }
    if let wasm_metadata::Payload::Component { children, .. } = payload {
        for child in children {
            collect_producers(child, found);
        }
    }
}
