//! Engine, components, errors and buffers.

use std::path::Path;
use std::sync::Arc;

use super::types::*;
use crate::component::{self, Mount, Prepared, Settings};
use crate::engine::{EngineSet, Options};
use crate::host::AddressPolicy;
use crate::{compose, describe};

fn report<T>(result: anyhow::Result<T>, kind: u32, take: impl FnOnce(T)) -> *mut CuspError {
    match result {
        Ok(value) => {
            take(value);
            std::ptr::null_mut()
        }
        Err(error) => CuspError::raise(kind, format!("{error:#}")),
    }
}

/// # Safety
/// `out` must be writable.
unsafe fn give_bytes(out: *mut *mut CuspBuffer) -> impl FnOnce(Vec<u8>) {
    // SAFETY: promised by the caller.
    move |bytes| unsafe { *out = Box::into_raw(Box::new(CuspBuffer(bytes))) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_error_get_kind(error: *const CuspError) -> u32 {
    // SAFETY: the caller passes an error that it owns.
    unsafe { (*error).kind }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_error_message(error: *const CuspError) -> CuspBytes {
    // SAFETY: the caller passes an error that it owns, and uses the view while it does.
    CuspBytes::from_slice(unsafe { &*error }.message.as_bytes())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_error_free(error: *mut CuspError) {
    // SAFETY: the caller gives up an error that it owns.
    drop(unsafe { Box::from_raw(error) });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_buffer_bytes(buffer: *const CuspBuffer) -> CuspBytes {
    // SAFETY: the caller passes a buffer that it owns, and uses the view while it does.
    CuspBytes::from_slice(&unsafe { &*buffer }.0)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_buffer_free(buffer: *mut CuspBuffer) {
    // SAFETY: the caller gives up a buffer that it owns.
    drop(unsafe { Box::from_raw(buffer) });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_engine_create(
    options: *const CuspEngineOptions,
    out: *mut *mut CuspEngine,
) -> *mut CuspError {
    // SAFETY: the caller passes valid options.
    let options = unsafe { &*options };
    let engines = EngineSet::new(&Options {
        instances_max: options.instances_max,
        memory_keep_resident: options.memory_keep_resident,
        stack_keep_resident: options.stack_keep_resident,
        table_keep_resident: options.table_keep_resident,
    });
    // SAFETY: `out` is writable.
    report(engines, ERROR_INTERNAL, |set| unsafe { *out = Box::into_raw(Box::new(set)) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_engine_free(engine: *mut CuspEngine) {
    // SAFETY: the caller gives up an engine that it owns.
    drop(unsafe { Box::from_raw(engine) });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_engine_tick(engine: *const CuspEngine) {
    // SAFETY: the engine is alive; ticking is thread-safe.
    unsafe { &*engine }.tick();
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_engine_fingerprint(engine: *const CuspEngine) -> *mut CuspBuffer {
    // SAFETY: the engine is alive.
    let text = unsafe { &*engine }.fingerprint();
    Box::into_raw(Box::new(CuspBuffer(text.into_bytes())))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_componentize(
    wasm: CuspBytes,
    out: *mut *mut CuspBuffer,
) -> *mut CuspError {
    // SAFETY: `wasm` is valid for the call, `out` is writable.
    unsafe { report(component::componentize(wasm.as_slice()), ERROR_INVALID, give_bytes(out)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_compose(
    wasm: CuspBytes,
    imports: *const CuspBytes,
    dependencies: *const CuspBytes,
    count: usize,
    out: *mut *mut CuspBuffer,
) -> *mut CuspError {
    // SAFETY: both arrays hold `count` views that are valid for the call, `out` is writable.
    unsafe {
        let plugs: Vec<(String, &[u8])> = slice(imports, count)
            .iter()
            .zip(slice(dependencies, count))
            .map(|(name, bytes)| (name.to_text(), bytes.as_slice()))
            .collect();
        report(compose::compose(wasm.as_slice(), &plugs), ERROR_INVALID, give_bytes(out))
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_describe(wasm: CuspBytes, out: *mut *mut CuspBuffer) -> *mut CuspError {
    // SAFETY: `wasm` is valid for the call, `out` is writable.
    unsafe {
        let json = describe::describe(wasm.as_slice()).map(|json| json.to_string().into_bytes());
        report(json, ERROR_INVALID, give_bytes(out))
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_compile(
    engine: *const CuspEngine,
    wasm: CuspBytes,
    out: *mut *mut CuspBuffer,
) -> *mut CuspError {
    // SAFETY: the engine is alive, `wasm` is valid for the call, `out` is writable.
    unsafe { report(component::compile(&*engine, wasm.as_slice()), ERROR_INVALID, give_bytes(out)) }
}

/// # Safety
/// Everything that `options` points to must be valid for the call.
unsafe fn settings(options: &CuspComponentOptions) -> Settings {
    // SAFETY: promised by the caller.
    unsafe {
        Settings {
            id: options.id.to_text(),
            environment: pairs(options.environment, options.environment_count),
            variables: pairs(options.variables, options.variables_count),
            mounts: slice(options.mounts, options.mounts_count)
                .iter()
                .map(|mount| Mount {
                    source: mount.source.to_text(),
                    destination: mount.destination.to_text(),
                })
                .collect(),
            memory_bytes_max: options.memory_bytes_max,
            table_elements_max: options.table_elements_max,
            subrequests_max: options.subrequests_max,
            address_policy: options
                .allow_address
                .filter(|_| options.allow_sockets)
                .map(|function| AddressPolicy::new(function, options.user)),
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_component_load(
    engine: *const CuspEngine,
    artifact_path: *const std::ffi::c_char,
    options: *const CuspComponentOptions,
    out: *mut *mut CuspComponent,
) -> *mut CuspError {
    // SAFETY: all pointers are valid for the call; the caller vouches for the artifact.
    unsafe {
        let path = std::ffi::CStr::from_ptr(artifact_path).to_string_lossy();
        let loaded = Prepared::load(&*engine, Path::new(path.as_ref()), settings(&*options));
        report(loaded, ERROR_INVALID, |prepared| {
            *out = Box::into_raw(Box::new(CuspComponent(Arc::new(prepared))));
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_component_free(component: *mut CuspComponent) {
    // SAFETY: the caller gives up a component that it owns; running invocations hold a reference of
    // their own.
    drop(unsafe { Box::from_raw(component) });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cusp_component_world(component: *const CuspComponent) -> CuspBytes {
    // SAFETY: the component is alive; the text is static.
    CuspBytes::from_slice(unsafe { &*component }.0.pre.world().as_bytes())
}
