//! Satisfies imports of one component with the exports of others (`[component.x.dependencies]`).

use anyhow::{Context, Result, bail};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};

/// Whether an import (`ns:pkg/interface@1.2.3`) is meant by a dependency's name, which may leave
/// out the interface.
fn names(import: &str, dependency: &str) -> bool {
    import == dependency || import.split('/').next() == Some(dependency) || {
        let (base, _) = import.split_once('@').unwrap_or((import, ""));
        base == dependency
    }
}

pub fn compose(socket: &[u8], plugs: &[(String, &[u8])]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let package = Package::from_bytes("app", None, socket.to_vec(), graph.types_mut())?;
    let wanted: Vec<String> = graph.types()[package.ty()].imports.keys().cloned().collect();
    let socket = graph.register_package(package)?;
    let root = graph.instantiate(socket);

    for (index, (name, bytes)) in plugs.iter().enumerate() {
        let plug = Package::from_bytes(
            &format!("dependency-{index}"),
            None,
            bytes.to_vec(),
            graph.types_mut(),
        )
        .with_context(|| format!("the dependency `{name}` is not a component"))?;
        let exports: Vec<String> = graph.types()[plug.ty()].exports.keys().cloned().collect();
        let plug = graph.register_package(plug)?;
        let instance = graph.instantiate(plug);
        let mut used = false;
        for import in wanted.iter().filter(|import| names(import, name)) {
            if !exports.contains(import) {
                continue;
            }
            let export = graph.alias_instance_export(instance, import)?;
            graph.set_instantiation_argument(root, import, export)?;
            used = true;
        }
        if !used {
            bail!(
                "the dependency `{name}` satisfies nothing: the component imports {wanted:?}, \
                 the dependency exports {exports:?}"
            );
        }
    }

    let exports: Vec<String> = graph.types()[graph[socket].ty()].exports.keys().cloned().collect();
    for name in exports {
        let export = graph.alias_instance_export(root, &name)?;
        graph.export(export, &name)?;
    }
    Ok(graph.encode(EncodeOptions::default())?)
}
