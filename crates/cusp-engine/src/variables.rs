//! Configuration values of a component, under the four names that guests know them by. All of them
//! read the same map, which the host has resolved before the first instance.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, Lower};

use crate::state::GuestState;

/// `fermyon:spin/variables@2.0.0` and `spin:variables/variables@3.0.0` error.
#[derive(ComponentType, Lower)]
#[component(variant)]
#[allow(dead_code, reason = "mirrors the interface")]
enum VariableError {
    #[component(name = "invalid-name")]
    InvalidName(String),
    #[component(name = "undefined")]
    Undefined(String),
    #[component(name = "provider")]
    Provider(String),
    #[component(name = "other")]
    Other(String),
}

/// `fermyon:spin/config` error.
#[derive(ComponentType, Lower)]
#[component(variant)]
#[allow(dead_code, reason = "mirrors the interface")]
enum ConfigError {
    #[component(name = "provider")]
    Provider(String),
    #[component(name = "invalid-key")]
    InvalidKey(String),
    #[component(name = "invalid-schema")]
    InvalidSchema(String),
    #[component(name = "other")]
    Other(String),
}

/// `wasi:config/store` error.
#[derive(ComponentType, Lower)]
#[component(variant)]
#[allow(dead_code, reason = "mirrors the interface")]
enum StoreError {
    #[component(name = "upstream")]
    Upstream(String),
    #[component(name = "io")]
    Io(String),
}

pub const WASI_CONFIG: [&str; 2] =
    ["wasi:config/store@0.2.0-rc.1", "wasi:config/store@0.2.0-draft-2024-09-27"];
pub const SPIN_VARIABLES_2: &str = "fermyon:spin/variables@2.0.0";
pub const SPIN_VARIABLES_3: &str = "spin:variables/variables@3.0.0";
pub const SPIN_CONFIG: &str = "fermyon:spin/config";

/// Spin's rule: lower-case words, digits and single underscores, a letter first.
fn valid_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('_')
        && !name.contains("__")
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn get(state: &GuestState, name: &str) -> Result<String, VariableError> {
    if !valid_name(name) {
        return Err(VariableError::InvalidName(format!(
            "'{name}' is not a variable name: lower-case letters, digits and '_' are"
        )));
    }
    state
        .settings
        .variables
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.clone())
        .ok_or_else(|| {
            VariableError::Undefined(format!(
                "component '{}' declares no variable '{name}'",
                state.settings.id
            ))
        })
}

pub fn add_to_linker(linker: &mut Linker<GuestState>, concurrent: bool) -> wasmtime::Result<()> {
    for name in WASI_CONFIG {
        let mut store = linker.instance(name)?;
        store.func_wrap("get", |context: StoreContextMut<'_, GuestState>, (key,): (String,)| {
            let values = &context.data().settings.variables;
            let value = values.iter().find(|(name, _)| *name == key).map(|(_, v)| v.clone());
            Ok((Ok::<_, StoreError>(value),))
        })?;
        store.func_wrap("get-all", |context: StoreContextMut<'_, GuestState>, (): ()| {
            Ok((Ok::<_, StoreError>(context.data().settings.variables.clone()),))
        })?;
    }
    linker.instance(SPIN_VARIABLES_2)?.func_wrap(
        "get",
        |context: StoreContextMut<'_, GuestState>, (name,): (String,)| {
            Ok((get(context.data(), &name),))
        },
    )?;
    linker.instance(SPIN_CONFIG)?.func_wrap(
        "get-config",
        |context: StoreContextMut<'_, GuestState>, (name,): (String,)| {
            Ok((get(context.data(), &name).map_err(|error| match error {
                VariableError::InvalidName(text) => ConfigError::InvalidKey(text),
                VariableError::Provider(text) => ConfigError::Provider(text),
                VariableError::Undefined(text) | VariableError::Other(text) => {
                    ConfigError::Other(text)
                }
            }),))
        },
    )?;
    if concurrent {
        linker.instance(SPIN_VARIABLES_3)?.func_wrap_concurrent(
            "get",
            |accessor, (name,): (String,)| {
                let value = accessor.with(|mut access| get(access.data_mut(), &name));
                Box::pin(async move { Ok((value,)) })
            },
        )?;
    }
    Ok(())
}
