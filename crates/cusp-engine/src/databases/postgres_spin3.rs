//! `spin:postgres@3.0.0`, and Postgres by the values that came before it.

use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower, Resource};

use super::client::Client;
use super::postgres::Postgres;
use super::postgres_value::{self, Date, Datetime, Time};
use super::rdbms::{self, Error};
use super::variants::{parameter_and_value, same_cases};
use super::{Connection, Failure};
use crate::interface::add_resource;
use crate::state::GuestState;
use crate::stdio::HostSlot;

pub const NAME: &str = "spin:postgres/postgres@3.0.0";

parameter_and_value! {
    Unsupported;
    Boolean(bool) = "boolean",
    Int8(i8) = "int8",
    Int16(i16) = "int16",
    Int32(i32) = "int32",
    Int64(i64) = "int64",
    Floating32(f32) = "floating32",
    Floating64(f64) = "floating64",
    Str(String) = "str",
    Binary(Vec<u8>) = "binary",
    Date(Date) = "date",
    Time(Time) = "time",
    Datetime(Datetime) = "datetime",
    Timestamp(i64) = "timestamp",
}

same_cases!(Parameter => postgres_value::Parameter:
    Boolean Int8 Int16 Int32 Int64 Floating32 Floating64 Str Binary Date Time Datetime Timestamp);

same_cases!(postgres_value::Value => Value:
    Boolean Int8 Int16 Int32 Int64 Floating32 Floating64 Str Binary Date Time Datetime Timestamp,
    else Unsupported);

#[derive(ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "mirrors the interface")]
enum DataType {
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
    #[component(name = "floating32")]
    Floating32,
    #[component(name = "floating64")]
    Floating64,
    #[component(name = "str")]
    Str,
    #[component(name = "binary")]
    Binary,
    #[component(name = "date")]
    Date,
    #[component(name = "time")]
    Time,
    #[component(name = "datetime")]
    Datetime,
    #[component(name = "timestamp")]
    Timestamp,
    #[component(name = "other")]
    Other,
}

impl From<postgres_value::DataType> for DataType {
    fn from(data_type: postgres_value::DataType) -> DataType {
        match data_type {
            postgres_value::DataType::Boolean => DataType::Boolean,
            postgres_value::DataType::Int16 => DataType::Int16,
            postgres_value::DataType::Int32 => DataType::Int32,
            postgres_value::DataType::Int64 => DataType::Int64,
            postgres_value::DataType::Floating32 => DataType::Floating32,
            postgres_value::DataType::Floating64 => DataType::Floating64,
            postgres_value::DataType::Str => DataType::Str,
            postgres_value::DataType::Binary => DataType::Binary,
            postgres_value::DataType::Date => DataType::Date,
            postgres_value::DataType::Time => DataType::Time,
            postgres_value::DataType::Datetime => DataType::Datetime,
            _ => DataType::Other,
        }
    }
}

#[derive(ComponentType, Lower)]
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

type Context<'a> = StoreContextMut<'a, GuestState>;
type Statement = (Resource<Connection<Postgres>>, String, Vec<Parameter>);

fn converted(parameters: Vec<Parameter>) -> Vec<postgres_value::Parameter> {
    parameters.into_iter().map(postgres_value::Parameter::from).collect()
}

async fn open(
    mut context: Context<'_>,
    address: String,
) -> Result<Resource<Connection<Postgres>>, Failure> {
    let client = Postgres::open(context.data().host.clone(), &address, None).await?;
    Ok(Connection::push(context.data_mut(), client)?)
}

async fn query(
    context: Context<'_>,
    (connection, statement, parameters): Statement,
) -> Result<RowSet, Failure> {
    let client = Connection::client(context.data(), &connection)?;
    let result = client.lock().await.query(&statement, &converted(parameters)).await?;
    let columns = result
        .columns
        .into_iter()
        .map(|(name, ty)| Column { name, data_type: postgres_value::DataType::from(&ty).into() });
    let rows = result.rows.into_iter();
    Ok(RowSet {
        columns: columns.collect(),
        rows: rows.map(|row| row.into_iter().map(Value::from).collect()).collect(),
    })
}

async fn execute(
    context: Context<'_>,
    (connection, statement, parameters): Statement,
) -> Result<u64, Failure> {
    let client = Connection::client(context.data(), &connection)?;
    client.lock().await.execute(&statement, &converted(parameters)).await
}

pub fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let interface = &mut linker.instance(NAME)?;
    add_resource::<Connection<Postgres>>(interface, "connection")?;
    interface.func_wrap_async(
        "[static]connection.open",
        |context: Context<'_>, (address,): (String,)| {
            Box::new(async move { Ok((open(context, address).await.map_err(Error::from),)) })
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

// ---- by the values of version 2 ---------------------------------------------------------------

impl TryFrom<rdbms::Parameter> for postgres_value::Parameter {
    type Error = Failure;

    /// Postgres has no unsigned numbers: the next larger signed one takes them.
    fn try_from(given: rdbms::Parameter) -> Result<postgres_value::Parameter, Failure> {
        Ok(match given {
            rdbms::Parameter::Boolean(value) => postgres_value::Parameter::Boolean(value),
            rdbms::Parameter::Int8(value) => postgres_value::Parameter::Int8(value),
            rdbms::Parameter::Int16(value) => postgres_value::Parameter::Int16(value),
            rdbms::Parameter::Int32(value) => postgres_value::Parameter::Int32(value),
            rdbms::Parameter::Int64(value) => postgres_value::Parameter::Int64(value),
            rdbms::Parameter::Uint8(value) => postgres_value::Parameter::Int16(value.into()),
            rdbms::Parameter::Uint16(value) => postgres_value::Parameter::Int32(value.into()),
            rdbms::Parameter::Uint32(value) => postgres_value::Parameter::Int64(value.into()),
            rdbms::Parameter::Uint64(value) => {
                let signed = value.try_into().map_err(|_| {
                    Failure::Parameter(format!("{value} is beyond what Postgres has"))
                })?;
                postgres_value::Parameter::Int64(signed)
            }
            rdbms::Parameter::Floating32(value) => postgres_value::Parameter::Floating32(value),
            rdbms::Parameter::Floating64(value) => postgres_value::Parameter::Floating64(value),
            rdbms::Parameter::Str(value) => postgres_value::Parameter::Str(value),
            rdbms::Parameter::Binary(value) => postgres_value::Parameter::Binary(value),
            rdbms::Parameter::Null => postgres_value::Parameter::Null,
        })
    }
}

same_cases!(postgres_value::Value => rdbms::Value:
    Boolean Int16 Int32 Int64 Floating32 Floating64 Str Binary,
    else Unsupported);

impl From<postgres_value::DataType> for rdbms::DataType {
    fn from(data_type: postgres_value::DataType) -> rdbms::DataType {
        match data_type {
            postgres_value::DataType::Boolean => rdbms::DataType::Boolean,
            postgres_value::DataType::Int16 => rdbms::DataType::Int16,
            postgres_value::DataType::Int32 => rdbms::DataType::Int32,
            postgres_value::DataType::Int64 => rdbms::DataType::Int64,
            postgres_value::DataType::Floating32 => rdbms::DataType::Floating32,
            postgres_value::DataType::Floating64 => rdbms::DataType::Floating64,
            postgres_value::DataType::Str => rdbms::DataType::Str,
            postgres_value::DataType::Binary => rdbms::DataType::Binary,
            _ => rdbms::DataType::Other,
        }
    }
}

fn older(parameters: Vec<rdbms::Parameter>) -> Result<Vec<postgres_value::Parameter>, Failure> {
    parameters.into_iter().map(postgres_value::Parameter::try_from).collect()
}

impl Client for Postgres {
    type Executed = u64;

    async fn open(host: Arc<HostSlot>, address: &str) -> Result<Postgres, Failure> {
        Postgres::open(host, address, None).await
    }

    async fn query(
        &mut self,
        statement: &str,
        parameters: Vec<rdbms::Parameter>,
    ) -> Result<rdbms::RowSet, Failure> {
        let result = Postgres::query(self, statement, &older(parameters)?).await?;
        let columns = result.columns.into_iter().map(|(name, ty)| rdbms::Column {
            name,
            data_type: postgres_value::DataType::from(&ty).into(),
        });
        let rows = result.rows.into_iter();
        Ok(rdbms::RowSet {
            columns: columns.collect(),
            rows: rows.map(|row| row.into_iter().map(rdbms::Value::from).collect()).collect(),
        })
    }

    async fn execute(
        &mut self,
        statement: &str,
        parameters: Vec<rdbms::Parameter>,
    ) -> Result<u64, Failure> {
        Postgres::execute(self, statement, &older(parameters)?).await
    }
}
