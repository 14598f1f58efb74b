//! `cusp:edge/rate-limit`.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower};

use super::EdgeError;
use crate::call::{Answer, CallError, Operation};
use crate::state::GuestState;

pub const NAME: &str = "cusp:edge/rate-limit@0.1.0";

#[derive(ComponentType, Lift)]
#[component(record)]
struct Quota {
    limit: u32,
    #[component(name = "window-seconds")]
    window_seconds: u32,
    burst: Option<u32>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Verdict {
    allowed: bool,
    remaining: u32,
    #[component(name = "reset-seconds")]
    reset_seconds: u32,
    #[component(name = "retry-after-seconds")]
    retry_after_seconds: u32,
}

fn verdict(mut answer: Answer) -> Result<Verdict, CallError> {
    Ok(Verdict {
        allowed: answer.take()?,
        remaining: answer.take()?,
        reset_seconds: answer.take()?,
        retry_after_seconds: answer.take()?,
    })
}

pub fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    linker.instance(NAME)?.func_wrap_async(
        "check",
        |context: StoreContextMut<'_, GuestState>, (name, key, quota): (String, String, Quota)| {
            let arguments = [
                name.as_str().into(),
                key.as_str().into(),
                quota.limit.into(),
                quota.window_seconds.into(),
                quota.burst.into(),
            ];
            let call = context.data().call(Operation::RateLimitCheck, &arguments);
            Box::new(async move { Ok((call.await.and_then(verdict).map_err(EdgeError::from),)) })
        },
    )
}
