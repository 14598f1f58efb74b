//! Which interfaces a component may import: those served, those known but answered with an error,
//! and the rest.

use anyhow::{Result, anyhow};
use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::component::{Component, LinkerInstance, ResourceType, Val};

use crate::candidates::{self, CANDIDATES};
use crate::component::Settings;
use crate::databases;
use crate::edge;
use crate::engine::Flavor;
use crate::state::GuestState;
use crate::stores;
use crate::variables;
use crate::worlds::{CRON_TYPES, ProxyPre};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Linked to a real implementation.
    Served,
    /// A platform interface that this component has not been granted: calls answer an error.
    Known,
    /// Nobody provides it: the component cannot start.
    Unknown,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Served => "served",
            Status::Known => "known",
            Status::Unknown => "unknown",
        }
    }
}

const SERVED_PACKAGES: [&str; 7] = [
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:http",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
];

const KNOWN_PACKAGES: [&str; 9] = [
    "wasi:blobstore",
    "wasi:config",
    "wasi:keyvalue",
    "wasi:logging",
    "wasi:messaging",
    "wasi:nn",
    "wasi:otel",
    "wasi:sql",
    "fermyon:spin",
];

/// `name` is `ns:package/interface@version`, or a bare name for anything else.
pub fn classify(name: &str) -> Status {
    let exact = [variables::SPIN_VARIABLES_2, variables::SPIN_VARIABLES_3, variables::SPIN_CONFIG];
    if exact.contains(&name)
        || variables::WASI_CONFIG.contains(&name)
        || edge::INTERFACES.contains(&name)
        || name == CRON_TYPES
        || stores::serves(name)
        || databases::serves(name)
    {
        return Status::Served;
    }
    let (path, version) = name.split_once('@').unwrap_or((name, ""));
    let package = path.split('/').next().unwrap_or(path);
    if SERVED_PACKAGES.contains(&package) {
        let version = version.split_once('+').map_or(version, |(release, _)| release);
        let version = if CANDIDATES.contains(&version) { &version[..5] } else { version };
        let released = |minor: &str| {
            version
                .strip_prefix(minor)
                .is_some_and(|patch| patch.bytes().all(|b| b.is_ascii_digit()))
        };
        let served = released("0.2.") || (released("0.3.") && package != "wasi:io");
        return if served { Status::Served } else { Status::Unknown };
    }
    if KNOWN_PACKAGES.contains(&package) || package.starts_with("spin:") {
        return Status::Known;
    }
    Status::Unknown
}

/// Links `component`, or says which import stands in the way.
pub fn link(flavor: &Flavor, component: &Component, settings: &Settings) -> Result<ProxyPre> {
    let mut linker = None;
    for (name, item) in component.component_type().imports(&flavor.engine) {
        match classify(name) {
            Status::Served => {
                if let Some(fit) = candidates::fit(name) {
                    fit(linker.get_or_insert_with(|| flavor.linker.clone()))?;
                }
            }
            Status::Known => {
                let linker = linker.get_or_insert_with(|| flavor.linker.clone());
                deny_import(&mut linker.root(), name, name, &item.ty, &flavor.engine)?;
            }
            // Types that a world imports by name need no provider.
            Status::Unknown if matches!(item.ty, ComponentItem::Type(_)) => {}
            Status::Unknown => {
                return Err(anyhow!(
                    "component '{}' imports `{name}`, which nothing here provides; \
                     `cusp inspect` lists what is served",
                    settings.id
                ));
            }
        }
    }
    let linker = linker.as_ref().unwrap_or(&flavor.linker);
    let pre = linker.instantiate_pre(component).map_err(|error| {
        anyhow!("component '{}' does not fit the interfaces served: {error:#}", settings.id)
    })?;
    ProxyPre::new(pre, &settings.id)
}

/// Defines `item` so that it links, and answers every call with an error that says why.
fn deny_import(
    linker: &mut LinkerInstance<'_, GuestState>,
    interface: &str,
    name: &str,
    item: &ComponentItem,
    engine: &wasmtime::Engine,
) -> Result<()> {
    match item {
        ComponentItem::ComponentInstance(instance) => {
            let mut inner = linker.instance(name)?;
            for (export, item) in instance.exports(engine) {
                deny_import(&mut inner, interface, export, &item.ty, engine)?;
            }
        }
        ComponentItem::Resource(_) => {
            linker.resource(name, ResourceType::host::<Denied>(), |_, _| Ok(()))?;
        }
        ComponentItem::ComponentFunc(function) => {
            let message = format!(
                "`{interface}` is not granted to this component: its manifest does not ask for \
                 it, or this node does not offer it (called: {name})"
            );
            if function.async_() {
                linker.func_new_concurrent(name, move |_, function, _, results| {
                    let answer = deny_call(&function, results, &message);
                    Box::pin(async move { answer })
                })?;
            } else {
                linker.func_new(name, move |_, function, _, results| {
                    deny_call(&function, results, &message)
                })?;
            }
        }
        _ => {}
    }
    Ok(())
}

struct Denied;

/// An `err` where the function's type has room for a text or for "access denied"; a trap otherwise.
fn deny_call(function: &ComponentFunc, results: &mut [Val], message: &str) -> wasmtime::Result<()> {
    if let (Some(Type::Result(result)), [slot]) = (function.results().next(), results)
        && let Some(error) = result.err().and_then(|ty| error_value(&ty, message))
    {
        *slot = Val::Result(Err(Some(Box::new(error))));
        return Ok(());
    }
    Err(wasmtime::Error::msg(message.to_owned()))
}

/// The names of cases that carry a text for a person, best first.
const TEXT_CASES: [&str; 6] =
    ["other", "io", "upstream", "provider", "connection-failed", "runtime-error"];

fn error_value(ty: &Type, message: &str) -> Option<Val> {
    match ty {
        Type::String => Some(Val::String(message.to_owned())),
        Type::Variant(variant) => {
            for wanted in TEXT_CASES {
                if variant
                    .cases()
                    .any(|case| case.name == wanted && matches!(case.ty, Some(Type::String)))
                {
                    let text = Box::new(Val::String(message.to_owned()));
                    return Some(Val::Variant(wanted.to_owned(), Some(text)));
                }
            }
            variant
                .cases()
                .find(|case| case.name == "access-denied" && case.ty.is_none())
                .map(|case| Val::Variant(case.name.to_owned(), None))
        }
        Type::Enum(cases) => cases
            .names()
            .find(|name| *name == "access-denied" || *name == "error")
            .map(|name| Val::Enum(name.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Status, classify};

    #[test]
    fn served_interfaces_match_by_minor_version() {
        assert_eq!(classify("wasi:http/types@0.2.0"), Status::Served);
        assert_eq!(classify("wasi:http/types@0.2.9"), Status::Served);
        assert_eq!(classify("wasi:http/client@0.3.0"), Status::Served);
        assert_eq!(classify("wasi:config/store@0.2.0-rc.1"), Status::Served);
        assert_eq!(classify("fermyon:spin/variables@2.0.0"), Status::Served);
        assert_eq!(classify("cusp:edge/geo@0.1.0"), Status::Served);
        assert_eq!(classify("fermyon:spin/key-value@2.0.0"), Status::Served);
        assert_eq!(classify("wasi:keyvalue/store@0.2.0-draft2"), Status::Served);
        assert_eq!(classify("spin:sqlite/sqlite@3.1.0"), Status::Served);
        assert_eq!(classify("spin:redis/redis@3.0.0"), Status::Served);
        assert_eq!(classify("fermyon:spin/redis"), Status::Served);
        assert_eq!(classify("spin:postgres/postgres@4.2.0"), Status::Served);
        assert_eq!(classify("fermyon:spin/mysql"), Status::Served);
        assert_eq!(classify("spin:mqtt/mqtt@3.0.0"), Status::Served);
    }

    #[test]
    fn candidates_are_served_as_their_release() {
        let mut name = *b"(import \"wasi:http/types@0.3.0-rc-2026-03-15\")";
        assert_eq!(classify("wasi:http/types@0.3.0-rc-2026-03-15"), Status::Served);
        crate::candidates::adopt(&mut name);
        assert_eq!(&name, b"(import \"wasi:http/types@0.3.0+rc-2026-03-15\")");
        assert_eq!(classify("wasi:http/types@0.3.0+rc-2026-03-15"), Status::Served);
        assert_eq!(classify("wasi:http/types@0.3.0-rc-2025-01-01"), Status::Unknown);
    }

    #[test]
    fn platform_interfaces_without_an_implementation_are_known() {
        for name in [
            "fermyon:spin/llm@2.0.0",
            "wasi:keyvalue/store@0.2.0-draft9",
            "spin:sqlite/sqlite@9.0.0",
        ] {
            assert_eq!(classify(name), Status::Known, "{name}");
        }
    }

    #[test]
    fn anything_else_is_unknown() {
        for name in [
            "acme:nothing/here@9.9.9",
            "cusp:edge/geo@9.0.0",
            "wasi:http/types@0.9.0",
            "wasi:io/poll@0.3.0",
            "run",
            "",
        ] {
            assert_eq!(classify(name), Status::Unknown, "{name}");
        }
    }
}
