//! What Postgres and MySQL had in common in Spin's interfaces before the third: one set of values
//! for both. `fermyon:spin/{postgres,mysql}@2.0.0`, those without a version, whose functions take
//! the address each time, and `spin:mysql@3.0.0`.

use wasmtime::StoreContextMut;
use wasmtime::component::{
    Accessor, ComponentType, FutureReader, Lift, Linker, LinkerInstance, Lower, Resource,
    StreamReader,
};

use super::client::Client;
use super::mysql::Mysql;
use super::postgres::Postgres;
use super::variants::parameter_and_value;
use super::{Connection, Failure};
use crate::interface::{add_resource, stream};
use crate::state::GuestState;

const POSTGRES_2: &str = "fermyon:spin/postgres@2.0.0";
const POSTGRES: &str = "fermyon:spin/postgres";
const MYSQL_3: &str = "spin:mysql/mysql@3.0.0";
const MYSQL_2: &str = "fermyon:spin/mysql@2.0.0";
const MYSQL: &str = "fermyon:spin/mysql";
pub const NAMES: [&str; 7] = [
    POSTGRES_2,
    POSTGRES,
    MYSQL_3,
    MYSQL_2,
    MYSQL,
    "fermyon:spin/rdbms-types@2.0.0",
    "fermyon:spin/rdbms-types",
];

parameter_and_value! {
    Unsupported;
    Boolean(bool) = "boolean",
    Int8(i8) = "int8",
    Int16(i16) = "int16",
    Int32(i32) = "int32",
    Int64(i64) = "int64",
    Uint8(u8) = "uint8",
    Uint16(u16) = "uint16",
    Uint32(u32) = "uint32",
    Uint64(u64) = "uint64",
    Floating32(f32) = "floating32",
    Floating64(f64) = "floating64",
    Str(String) = "str",
    Binary(Vec<u8>) = "binary",
}

#[derive(ComponentType, Lift, Lower, Clone, Copy, Debug, PartialEq)]
#[component(enum)]
#[repr(u8)]
pub enum DataType {
    #[component(name = "boolean")]
    Boolean,
    #[component(name = "int8")]
    Int8,
    #[component(name = "int16")]
    Int16,
    #[component(name = "int32")]
    Int32,
    #[component(name = "int64")]
    Int64,
    #[component(name = "uint8")]
    Uint8,
    #[component(name = "uint16")]
    Uint16,
    #[component(name = "uint32")]
    Uint32,
    #[component(name = "uint64")]
    Uint64,
    #[component(name = "floating32")]
    Floating32,
    #[component(name = "floating64")]
    Floating64,
    #[component(name = "str")]
    Str,
    #[component(name = "binary")]
    Binary,
    #[component(name = "other")]
    Other,
}

#[derive(ComponentType, Lift, Lower, Debug)]
#[component(record)]
pub struct Column {
    pub name: String,
    #[component(name = "data-type")]
    pub data_type: DataType,
}

#[derive(ComponentType, Lower, Debug)]
#[component(record)]
pub struct RowSet {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Value>>,
}

/// That of `spin:postgres@3.0.0` is the same.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Error {
    #[component(name = "connection-failed")]
    ConnectionFailed(String),
    #[component(name = "bad-parameter")]
    BadParameter(String),
    #[component(name = "query-failed")]
    QueryFailed(String),
    #[component(name = "value-conversion-failed")]
    ValueConversionFailed(String),
    #[component(name = "other")]
    Other(String),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::Connection(text) => Error::ConnectionFailed(text),
            Failure::Parameter(text) => Error::BadParameter(text),
            Failure::Query(text) | Failure::Server(_, text) => Error::QueryFailed(text),
            Failure::Conversion(text) => Error::ValueConversionFailed(text),
            Failure::Other(text) => Error::Other(text),
        }
    }
}

/// That of the interfaces without a version.
#[derive(ComponentType, Lower)]
#[component(variant)]
#[allow(dead_code, reason = "mirrors the interface")]
enum FirstError {
    #[component(name = "success")]
    Success,
    #[component(name = "connection-failed")]
    ConnectionFailed(String),
    #[component(name = "bad-parameter")]
    BadParameter(String),
    #[component(name = "query-failed")]
    QueryFailed(String),
    #[component(name = "value-conversion-failed")]
    ValueConversionFailed(String),
    #[component(name = "other-error")]
    Other(String),
}

impl From<Failure> for FirstError {
    fn from(failure: Failure) -> FirstError {
        match Error::from(failure) {
            Error::ConnectionFailed(text) => FirstError::ConnectionFailed(text),
            Error::BadParameter(text) => FirstError::BadParameter(text),
            Error::QueryFailed(text) => FirstError::QueryFailed(text),
            Error::ValueConversionFailed(text) => FirstError::ValueConversionFailed(text),
            Error::Other(text) => FirstError::Other(text),
        }
    }
}

type Context<'a> = StoreContextMut<'a, GuestState>;
type Guest = Accessor<GuestState>;
type Statement<C> = (Resource<Connection<C>>, String, Vec<Parameter>);
type Addressed = (String, String, Vec<Parameter>);

async fn open<C: Client>(
    mut context: Context<'_>,
    address: String,
) -> Result<Resource<Connection<C>>, Failure> {
    let client = C::open(context.data().host.clone(), &address).await?;
    Ok(Connection::push(context.data_mut(), client)?)
}

async fn query<C: Client>(
    context: Context<'_>,
    (connection, statement, parameters): Statement<C>,
) -> Result<RowSet, Failure> {
    let client = Connection::client(context.data(), &connection)?;
    client.lock().await.query(&statement, parameters).await
}

async fn execute<C: Client>(
    context: Context<'_>,
    (connection, statement, parameters): Statement<C>,
) -> Result<C::Executed, Failure> {
    let client = Connection::client(context.data(), &connection)?;
    client.lock().await.execute(&statement, parameters).await
}

fn add_version_2<C: Client>(
    interface: &mut LinkerInstance<'_, GuestState>,
) -> wasmtime::Result<()> {
    add_resource::<Connection<C>>(interface, "connection")?;
    interface.func_wrap_async(
        "[static]connection.open",
        |context: Context<'_>, (address,): (String,)| {
            Box::new(async move { Ok((open::<C>(context, address).await.map_err(Error::from),)) })
        },
    )?;
    interface.func_wrap_async(
        "[method]connection.query",
        |context: Context<'_>, statement: Statement<C>| {
            Box::new(async move { Ok((query(context, statement).await.map_err(Error::from),)) })
        },
    )?;
    interface.func_wrap_async(
        "[method]connection.execute",
        |context: Context<'_>, statement: Statement<C>| {
            Box::new(async move { Ok((execute(context, statement).await.map_err(Error::from),)) })
        },
    )
}

/// Each call is a connection of its own.
fn add_unversioned<C: Client>(
    interface: &mut LinkerInstance<'_, GuestState>,
) -> wasmtime::Result<()> {
    interface.func_wrap_async(
        "query",
        |context: Context<'_>, (address, statement, parameters): Addressed| {
            let host = context.data().host.clone();
            Box::new(async move {
                let rows = match C::open(host, &address).await {
                    Ok(mut client) => client.query(&statement, parameters).await,
                    Err(failure) => Err(failure),
                };
                Ok((rows.map_err(FirstError::from),))
            })
        },
    )?;
    interface.func_wrap_async(
        "execute",
        |context: Context<'_>, (address, statement, parameters): Addressed| {
            let host = context.data().host.clone();
            Box::new(async move {
                let executed = match C::open(host, &address).await {
                    Ok(mut client) => client.execute(&statement, parameters).await,
                    Err(failure) => Err(failure),
                };
                Ok((executed.map_err(FirstError::from),))
            })
        },
    )
}

/// The columns, the rows, and how they ended.
type Streamed = (Vec<Column>, StreamReader<Vec<Value>>, FutureReader<Result<(), Error>>);

/// The rows are all there when the first is read: a connection goes on with its next statement,
/// however slowly its guest reads.
async fn query_streamed(
    guest: &Guest,
    (connection, statement, parameters): Statement<Mysql>,
) -> wasmtime::Result<Result<Streamed, Error>> {
    let client = guest.with(|mut access| Connection::client(access.data_mut(), &connection))?;
    let rows = match client.lock().await.query(&statement, parameters).await {
        Ok(rows) => rows,
        Err(failure) => return Ok(Err(failure.into())),
    };
    guest.with(|mut access| {
        let (stream, outcome) = stream(&mut access, rows.rows)?;
        Ok(Ok((rows.columns, stream, outcome)))
    })
}

fn add_mysql_3(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    add_resource::<Connection<Mysql>>(interface, "connection")?;
    interface.func_wrap_concurrent(
        "[static]connection.open",
        |guest: &Guest, (address,): (String,)| {
            Box::pin(async move {
                let host = guest.with(|mut access| access.data_mut().host.clone());
                let opened = Mysql::open(host, &address).await;
                let opened = opened.and_then(|client| {
                    Ok(guest.with(|mut access| Connection::push(access.data_mut(), client))?)
                });
                Ok((opened.map_err(Error::from),))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]connection.query",
        |guest: &Guest, statement: Statement<Mysql>| {
            Box::pin(async move { Ok((query_streamed(guest, statement).await?,)) })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]connection.execute",
        |guest: &Guest, (connection, statement, parameters): Statement<Mysql>| {
            Box::pin(async move {
                let client =
                    guest.with(|mut access| Connection::client(access.data_mut(), &connection))?;
                let executed = client.lock().await.execute(&statement, parameters).await;
                Ok((executed.map_err(Error::from),))
            })
        },
    )
}

pub fn add_to_linker(linker: &mut Linker<GuestState>, concurrent: bool) -> wasmtime::Result<()> {
    add_version_2::<Postgres>(&mut linker.instance(POSTGRES_2)?)?;
    add_unversioned::<Postgres>(&mut linker.instance(POSTGRES)?)?;
    add_version_2::<Mysql>(&mut linker.instance(MYSQL_2)?)?;
    add_unversioned::<Mysql>(&mut linker.instance(MYSQL)?)?;
    if concurrent {
        add_mysql_3(&mut linker.instance(MYSQL_3)?)?;
    }
    Ok(())
}
