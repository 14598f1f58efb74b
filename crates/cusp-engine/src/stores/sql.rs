//! What all SQL interfaces come to.

use wasmtime::component::{ComponentType, Lift, Lower, Resource};

use crate::call::{Answer, Argument, CallError, CallErrorKind, FromValue, Operation};
use crate::state::GuestState;

/// A connection that a guest has opened. The host knows its session by a number, and opens another
/// when that has gone with the request that it belonged to.
pub struct Connection {
    session: i64,
    database: String,
    pub changes: u64,
    pub last_insert_rowid: i64,
}

/// One value; the same in all interfaces.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Value {
    #[component(name = "integer")]
    Integer(i64),
    #[component(name = "real")]
    Real(f64),
    #[component(name = "text")]
    Text(String),
    #[component(name = "blob")]
    Blob(Vec<u8>),
    #[component(name = "null")]
    Null,
}

impl<'a> From<&'a Value> for Argument<'a> {
    fn from(value: &'a Value) -> Argument<'a> {
        match value {
            Value::Integer(integer) => (*integer).into(),
            Value::Real(real) => (*real).into(),
            Value::Text(text) => text.as_str().into(),
            Value::Blob(blob) => blob.as_slice().into(),
            Value::Null => None::<i64>.into(),
        }
    }
}

impl FromValue for Value {
    fn from_value(value: crate::call::Value) -> Option<Value> {
        Some(match value {
            crate::call::Value::None => Value::Null,
            crate::call::Value::Boolean(boolean) => Value::Integer(boolean.into()),
            crate::call::Value::Integer(integer) => Value::Integer(integer),
            crate::call::Value::Real(real) => Value::Real(real),
            crate::call::Value::Text(text) => Value::Text(text),
            crate::call::Value::Blob(blob) => Value::Blob(blob),
        })
    }
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
pub struct Row {
    values: Vec<Value>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct QueryResult {
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

/// The same in all interfaces.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Error {
    #[component(name = "no-such-database")]
    NoSuchDatabase,
    #[component(name = "access-denied")]
    AccessDenied,
    #[component(name = "invalid-connection")]
    InvalidConnection,
    #[component(name = "database-full")]
    DatabaseFull,
    #[component(name = "io")]
    Io(String),
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Error {
        match error.kind {
            CallErrorKind::Denied => Error::AccessDenied,
            CallErrorKind::NotFound => Error::NoSuchDatabase,
            CallErrorKind::Limit => Error::DatabaseFull,
            _ => Error::Io(error.message),
        }
    }
}

type Calling = Result<Answer, CallError>;

pub fn open(state: &GuestState, database: &str) -> impl Future<Output = Calling> + Send + use<> {
    state.call(Operation::SqlOpen, &[database.into()])
}

pub fn opened(
    state: &mut GuestState,
    database: String,
    answer: Calling,
) -> Result<Resource<Connection>, Error> {
    let session = answer?.take()?;
    let connection = Connection { session, database, changes: 0, last_insert_rowid: 0 };
    let full = |_| Error::Io("too many connections are open".to_owned());
    state.table.push(connection).map_err(full)
}

pub fn execute(
    state: &GuestState,
    connection: &Resource<Connection>,
    statement: &str,
    parameters: &[Value],
) -> Result<impl Future<Output = Calling> + Send + use<>, Error> {
    let connection = get(state, connection)?;
    let mut arguments = Vec::with_capacity(3 + parameters.len());
    arguments.push(connection.session.into());
    arguments.push(connection.database.as_str().into());
    arguments.push(statement.into());
    arguments.extend(parameters.iter().map(Argument::from));
    Ok(state.call(Operation::SqlExecute, &arguments))
}

pub fn executed(
    state: &mut GuestState,
    connection: &Resource<Connection>,
    answer: Calling,
) -> Result<QueryResult, Error> {
    let mut answer = answer?;
    let connection = state.table.get_mut(connection).map_err(|_| Error::InvalidConnection)?;
    connection.changes = answer.take::<i64>()?.try_into().unwrap_or_default();
    connection.last_insert_rowid = answer.take()?;
    let width = answer.take::<u32>()?;
    let columns = (0..width).map(|_| answer.take()).collect::<Result<_, _>>()?;
    let mut rows = Vec::new();
    while !answer.is_empty() {
        rows.push(Row { values: (0..width).map(|_| answer.take()).collect::<Result<_, _>>()? });
    }
    Ok(QueryResult { columns, rows })
}

pub fn get<'a>(
    state: &'a GuestState,
    connection: &Resource<Connection>,
) -> Result<&'a Connection, Error> {
    state.table.get(connection).map_err(|_| Error::InvalidConnection)
}

pub fn close(state: &mut GuestState, handle: u32) {
    if let Ok(connection) = state.table.delete(Resource::<Connection>::new_own(handle)) {
        // Nobody waits for the answer.
        drop(state.call(Operation::SqlClose, &[connection.session.into()]));
    }
}
