//! What all key-value interfaces come to.

use wasmtime::component::Resource;

use crate::call::{Answer, Argument, CallError, CallErrorKind, Operation};
use crate::state::GuestState;

/// A store that a guest has opened. The host knows it by its label.
pub struct Store {
    pub label: String,
    /// Where pages of keys go on, for interfaces that count (wasi:keyvalue@0.2.0-draft).
    pub cursors: Vec<String>,
}

/// The keys of a list that is answered as a whole.
const KEYS_BYTES_MAX: usize = 16 << 20;

/// A page of keys, and where the next one goes on.
pub struct Page {
    pub keys: Vec<String>,
    pub next: Option<String>,
}

/// Calls the host about an open store.
pub fn call(
    state: &GuestState,
    store: &Resource<Store>,
    operation: Operation,
    rest: &[Argument<'_>],
) -> Result<impl Future<Output = Result<Answer, CallError>> + Send + use<>, CallError> {
    let store = state.table.get(store).map_err(|_| no_such_handle())?;
    let mut arguments = Vec::with_capacity(1 + rest.len());
    arguments.push(Argument::from(store.label.as_str()));
    arguments.extend_from_slice(rest);
    Ok(state.call(operation, &arguments))
}

/// Waits for a call that could be made.
pub async fn finish(
    call: Result<impl Future<Output = Result<Answer, CallError>>, CallError>,
) -> Result<Answer, CallError> {
    call?.await
}

fn no_such_handle() -> CallError {
    let message = "this handle is of no open store".to_owned();
    CallError { kind: CallErrorKind::NotFound, message }
}

/// The guest has opened too many.
pub struct TableFull;

pub fn push(state: &mut GuestState, label: String) -> Result<Resource<Store>, TableFull> {
    state.table.push(Store { label, cursors: Vec::new() }).map_err(|_| TableFull)
}

pub fn close(state: &mut GuestState, handle: u32) {
    // A handle that is not there is closed already.
    let _ = state.table.delete(Resource::<Store>::new_own(handle));
}

/// The answer of KvGet.
pub fn entry(mut answer: Answer) -> Result<Option<(Vec<u8>, i64)>, CallError> {
    if answer.is_empty() {
        return Ok(None);
    }
    Ok(Some((answer.take()?, answer.take()?)))
}

pub fn page(mut answer: Answer) -> Result<Page, CallError> {
    let next = answer.take()?;
    let mut keys = Vec::new();
    while !answer.is_empty() {
        keys.push(answer.take()?);
    }
    Ok(Page { keys, next })
}

/// All keys of a store, page by page.
#[derive(Default)]
pub struct AllKeys {
    keys: Vec<String>,
    bytes: usize,
}

impl AllKeys {
    /// Where to go on; nothing: that was the last page.
    pub fn add(&mut self, page: Page) -> Result<Option<String>, CallError> {
        self.bytes += page.keys.iter().map(|key| size_of::<String>() + key.len()).sum::<usize>();
        if self.bytes > KEYS_BYTES_MAX {
            let message = "the store has more keys than one list can hold".to_owned();
            return Err(CallError { kind: CallErrorKind::Limit, message });
        }
        self.keys.extend(page.keys);
        Ok(page.next)
    }

    pub fn into_vec(self) -> Vec<String> {
        self.keys
    }
}

/// `{key, value}…` as KvSet takes them.
pub fn pairs(values: &[(String, Vec<u8>)]) -> Vec<Argument<'_>> {
    values
        .iter()
        .flat_map(|(key, value)| [Argument::from(key.as_str()), Argument::from(value.as_slice())])
        .collect()
}

pub fn texts(texts: &[String]) -> Vec<Argument<'_>> {
    texts.iter().map(|text| Argument::from(text.as_str())).collect()
}
