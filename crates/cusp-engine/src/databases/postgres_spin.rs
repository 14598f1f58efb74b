//! `spin:postgres@4.0.0` to `@4.2.0`.

use wasmtime::StoreContextMut;
use wasmtime::component::{
    Accessor, ComponentType, FutureReader, Lift, Linker, LinkerInstance, Lower, Resource,
    StreamReader,
};

use super::postgres::{Postgres, Rows};
use super::postgres_value::{DataType, Parameter, Value};
use super::{Connection, Failure};
use crate::interface::{add_resource, stream};
use crate::state::GuestState;

const VERSION_4_0: &str = "spin:postgres/postgres@4.0.0";
const VERSION_4_1: &str = "spin:postgres/postgres@4.1.0";
const VERSION_4_2: &str = "spin:postgres/postgres@4.2.0";
pub const NAMES: [&str; 3] = [VERSION_4_0, VERSION_4_1, VERSION_4_2];

const AUTHORITIES_BYTES_MAX: usize = 64 << 10;

struct Builder {
    address: String,
    /// PEM; none: the system's.
    authorities: Option<String>,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct DbError {
    #[component(name = "as-text")]
    as_text: String,
    severity: String,
    code: String,
    message: String,
    detail: Option<String>,
    extras: Vec<(String, String)>,
}

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum QueryError {
    #[component(name = "text")]
    Text(String),
    #[component(name = "db-error")]
    Server(DbError),
}

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum Error {
    #[component(name = "connection-failed")]
    ConnectionFailed(String),
    #[component(name = "bad-parameter")]
    BadParameter(String),
    #[component(name = "query-failed")]
    QueryFailed(QueryError),
    #[component(name = "value-conversion-failed")]
    ValueConversionFailed(String),
    #[component(name = "other")]
    Other(String),
}

impl DbError {
    fn new(said: &tokio_postgres::error::DbError, as_text: String) -> DbError {
        let extras = [
            ("column", said.column()),
            ("constraint", said.constraint()),
            ("routine", said.routine()),
            ("hint", said.hint()),
            ("table", said.table()),
            ("datatype", said.datatype()),
            ("schema", said.schema()),
            ("file", said.file()),
            ("where_", said.where_()),
        ];
        let given =
            |(name, value): (&str, Option<&str>)| Some((name.to_owned(), value?.to_owned()));
        let mut extras: Vec<_> = extras.into_iter().filter_map(given).collect();
        if let Some(line) = said.line() {
            extras.push(("line".to_owned(), line.to_string()));
        }
        DbError {
            as_text,
            severity: said.severity().to_owned(),
            code: said.code().code().to_owned(),
            message: said.message().to_owned(),
            detail: said.detail().map(str::to_owned),
            extras,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::Connection(text) => Error::ConnectionFailed(text),
            Failure::Parameter(text) => Error::BadParameter(text),
            Failure::Query(text) => Error::QueryFailed(QueryError::Text(text)),
            Failure::Server(said, text) => {
                Error::QueryFailed(QueryError::Server(DbError::new(&said, text)))
            }
            Failure::Conversion(text) => Error::ValueConversionFailed(text),
            Failure::Other(text) => Error::Other(text),
        }
    }
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Column {
    name: String,
    #[component(name = "data-type")]
    data_type: DataType,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct RowSet {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
}

impl From<Rows> for RowSet {
    fn from(rows: Rows) -> RowSet {
        let column = |(name, ty)| Column { name, data_type: DataType::from(&ty) };
        RowSet { columns: rows.columns.into_iter().map(column).collect(), rows: rows.rows }
    }
}

type Context<'a> = StoreContextMut<'a, GuestState>;
type Guest = Accessor<GuestState>;
type Handle = Resource<Connection<Postgres>>;
type Statement = (Handle, String, Vec<Parameter>);

async fn open(mut context: Context<'_>, builder: Builder) -> Result<Handle, Failure> {
    let host = context.data().host.clone();
    let client = Postgres::open(host, &builder.address, builder.authorities.as_deref()).await?;
    Ok(Connection::push(context.data_mut(), client)?)
}

async fn open_concurrently(guest: &Guest, builder: Builder) -> Result<Handle, Failure> {
    let host = guest.with(|mut access| access.data_mut().host.clone());
    let client = Postgres::open(host, &builder.address, builder.authorities.as_deref()).await?;
    Ok(guest.with(|mut access| Connection::push(access.data_mut(), client))?)
}

async fn query(
    context: Context<'_>,
    (connection, statement, parameters): Statement,
) -> Result<RowSet, Failure> {
    let client = Connection::client(context.data(), &connection)?;
    let rows = client.lock().await.query(&statement, &parameters).await?;
    Ok(rows.into())
}

async fn execute(
    context: Context<'_>,
    (connection, statement, parameters): Statement,
) -> Result<u64, Failure> {
    let client = Connection::client(context.data(), &connection)?;
    client.lock().await.execute(&statement, &parameters).await
}

fn plain(address: String) -> Builder {
    Builder { address, authorities: None }
}

fn add_connection(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    add_resource::<Connection<Postgres>>(interface, "connection")?;
    interface.func_wrap_async(
        "[static]connection.open",
        |context: Context<'_>, (address,): (String,)| {
            Box::new(async move { Ok((open(context, plain(address)).await.map_err(Error::from),)) })
        },
    )?;
    interface.func_wrap_async(
        "[method]connection.query",
        |context: Context<'_>, statement: Statement| {
            Box::new(async move { Ok((query(context, statement).await.map_err(Error::from),)) })
        },
    )?;
    interface.func_wrap_async(
        "[method]connection.execute",
        |context: Context<'_>, statement: Statement| {
            Box::new(async move { Ok((execute(context, statement).await.map_err(Error::from),)) })
        },
    )
}

fn builder_of(state: &GuestState, builder: &Resource<Builder>) -> wasmtime::Result<Builder> {
    let Builder { address, authorities } = state.table.get(builder)?;
    Ok(Builder { address: address.clone(), authorities: authorities.clone() })
}

fn add_builder(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    add_resource::<Builder>(interface, "connection-builder")?;
    interface.func_wrap(
        "[constructor]connection-builder",
        |mut context: Context<'_>, (address,): (String,)| {
            Ok((context.data_mut().table.push(plain(address))?,))
        },
    )?;
    interface.func_wrap(
        "[method]connection-builder.set-ca-root",
        |mut context: Context<'_>, (builder, certificate): (Resource<Builder>, String)| {
            if certificate.len() > AUTHORITIES_BYTES_MAX {
                let message = format!("certificates have {AUTHORITIES_BYTES_MAX} bytes at most");
                return Ok((Err(Error::Other(message)),));
            }
            context.data_mut().table.get_mut(&builder)?.authorities = Some(certificate);
            Ok((Ok::<_, Error>(()),))
        },
    )?;
    interface.func_wrap_async(
        "[method]connection-builder.build",
        |context: Context<'_>, (builder,): (Resource<Builder>,)| {
            Box::new(async move {
                let builder = builder_of(context.data(), &builder)?;
                Ok((open(context, builder).await.map_err(Error::from),))
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
    (connection, statement, parameters): Statement,
) -> wasmtime::Result<Result<Streamed, Error>> {
    let client = guest.with(|mut access| Connection::client(access.data_mut(), &connection))?;
    let rows = match client.lock().await.query(&statement, &parameters).await {
        Ok(rows) => RowSet::from(rows),
        Err(failure) => return Ok(Err(failure.into())),
    };
    guest.with(|mut access| {
        let (stream, outcome) = stream(&mut access, rows.rows)?;
        Ok(Ok((rows.columns, stream, outcome)))
    })
}

fn add_asynchronous(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    interface.func_wrap_concurrent(
        "[method]connection-builder.build-async",
        |guest: &Guest, (builder,): (Resource<Builder>,)| {
            Box::pin(async move {
                let builder = guest.with(|mut access| builder_of(access.data_mut(), &builder))?;
                Ok((open_concurrently(guest, builder).await.map_err(Error::from),))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[static]connection.open-async",
        |guest: &Guest, (address,): (String,)| {
            Box::pin(async move {
                Ok((open_concurrently(guest, plain(address)).await.map_err(Error::from),))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]connection.query-async",
        |guest: &Guest, statement: Statement| {
            Box::pin(async move { Ok((query_streamed(guest, statement).await?,)) })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]connection.execute-async",
        |guest: &Guest, (connection, statement, parameters): Statement| {
            Box::pin(async move {
                let client =
                    guest.with(|mut access| Connection::client(access.data_mut(), &connection))?;
                let executed = client.lock().await.execute(&statement, &parameters).await;
                Ok((executed.map_err(Error::from),))
            })
        },
    )
}

pub fn add_to_linker(linker: &mut Linker<GuestState>, concurrent: bool) -> wasmtime::Result<()> {
    for name in NAMES {
        add_connection(&mut linker.instance(name)?)?;
    }
    for name in [VERSION_4_1, VERSION_4_2] {
        add_builder(&mut linker.instance(name)?)?;
    }
    if concurrent {
        add_asynchronous(&mut linker.instance(VERSION_4_2)?)?;
    }
    Ok(())
}
