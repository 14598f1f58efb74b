//! `spin:postgres@3.0.0`, and Postgres by the values that came before it.

use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower, Resource};

use super::client::Client;
use super::postgres::Postgres;
use super::postgres_parameter as parameter;
use super::postgres_value::{self as value, Date, Datetime, Time};
use super::rdbms::{self, Error};
use super::{Connection, Failure, add_resource};
use crate::state::GuestState;
use crate::stdio::HostSlot;

pub const NAME: &str = "spin:postgres/postgres@3.0.0";

#[derive(ComponentType, Lift)]
#[component(variant)]
enum Parameter {
    #[component(name = "boolean")]
    Boolean(bool),
    #[component(name = "int8")]
    Int8(i8),
    #[component(name = "int16")]
    Int16(i16),
    #[component(name = "int32")]
    Int32(i32),
    #[component(name = "int64")]
    Int64(i64),
    #[component(name = "floating32")]
    Floating32(f32),
    #[component(name = "floating64")]
    Floating64(f64),
    #[component(name = "str")]
    Str(String),
    #[component(name = "binary")]
    Binary(Vec<u8>),
    #[component(name = "date")]
    Date(Date),
    #[component(name = "time")]
    Time(Time),
    #[component(name = "datetime")]
    Datetime(Datetime),
    #[component(name = "timestamp")]
    Timestamp(i64),
    #[component(name = "db-null")]
    Null,
}

impl From<Parameter> for parameter::Parameter {
    fn from(given: Parameter) -> parameter::Parameter {
        match given {
            Parameter::Boolean(value) => parameter::Parameter::Boolean(value),
            Parameter::Int8(value) => parameter::Parameter::Int8(value),
            Parameter::Int16(value) => parameter::Parameter::Int16(value),
            Parameter::Int32(value) => parameter::Parameter::Int32(value),
            Parameter::Int64(value) => parameter::Parameter::Int64(value),
            Parameter::Floating32(value) => parameter::Parameter::Floating32(value),
            Parameter::Floating64(value) => parameter::Parameter::Floating64(value),
            Parameter::Str(value) => parameter::Parameter::Str(value),
            Parameter::Binary(value) => parameter::Parameter::Binary(value),
            Parameter::Date(value) => parameter::Parameter::Date(value),
            Parameter::Time(value) => parameter::Parameter::Time(value),
            Parameter::Datetime(value) => parameter::Parameter::Datetime(value),
            Parameter::Timestamp(value) => parameter::Parameter::Timestamp(value),
            Parameter::Null => parameter::Parameter::Null,
        }
    }
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum Value {
    #[component(name = "boolean")]
    Boolean(bool),
    #[component(name = "int8")]
    Int8(i8),
    #[component(name = "int16")]
    Int16(i16),
    #[component(name = "int32")]
    Int32(i32),
    #[component(name = "int64")]
    Int64(i64),
    #[component(name = "floating32")]
    Floating32(f32),
    #[component(name = "floating64")]
    Floating64(f64),
    #[component(name = "str")]
    Str(String),
    #[component(name = "binary")]
    Binary(Vec<u8>),
    #[component(name = "date")]
    Date(Date),
    #[component(name = "time")]
    Time(Time),
    #[component(name = "datetime")]
    Datetime(Datetime),
    #[component(name = "timestamp")]
    Timestamp(i64),
    #[component(name = "db-null")]
    Null,
    #[component(name = "unsupported")]
    Unsupported,
}

impl From<value::Value> for Value {
    fn from(value: value::Value) -> Value {
        match value {
            value::Value::Boolean(value) => Value::Boolean(value),
            value::Value::Int8(value) => Value::Int8(value),
            value::Value::Int16(value) => Value::Int16(value),
            value::Value::Int32(value) => Value::Int32(value),
            value::Value::Int64(value) => Value::Int64(value),
            value::Value::Floating32(value) => Value::Floating32(value),
            value::Value::Floating64(value) => Value::Floating64(value),
            value::Value::Str(value) => Value::Str(value),
            value::Value::Binary(value) => Value::Binary(value),
            value::Value::Date(value) => Value::Date(value),
            value::Value::Time(value) => Value::Time(value),
            value::Value::Datetime(value) => Value::Datetime(value),
            value::Value::Timestamp(value) => Value::Timestamp(value),
            value::Value::Null => Value::Null,
            _ => Value::Unsupported,
        }
    }
}

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

impl From<value::DataType> for DataType {
    fn from(data_type: value::DataType) -> DataType {
        match data_type {
            value::DataType::Boolean => DataType::Boolean,
            value::DataType::Int16 => DataType::Int16,
            value::DataType::Int32 => DataType::Int32,
            value::DataType::Int64 => DataType::Int64,
            value::DataType::Floating32 => DataType::Floating32,
            value::DataType::Floating64 => DataType::Floating64,
            value::DataType::Str => DataType::Str,
            value::DataType::Binary => DataType::Binary,
            value::DataType::Date => DataType::Date,
            value::DataType::Time => DataType::Time,
            value::DataType::Datetime => DataType::Datetime,
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

fn converted(parameters: Vec<Parameter>) -> Vec<parameter::Parameter> {
    parameters.into_iter().map(parameter::Parameter::from).collect()
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
        .map(|(name, ty)| Column { name, data_type: value::DataType::from(&ty).into() });
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

impl TryFrom<rdbms::Parameter> for parameter::Parameter {
    type Error = Failure;

    /// Postgres has no unsigned numbers: the next larger signed one takes them.
    fn try_from(given: rdbms::Parameter) -> Result<parameter::Parameter, Failure> {
        Ok(match given {
            rdbms::Parameter::Boolean(value) => parameter::Parameter::Boolean(value),
            rdbms::Parameter::Int8(value) => parameter::Parameter::Int8(value),
            rdbms::Parameter::Int16(value) => parameter::Parameter::Int16(value),
            rdbms::Parameter::Int32(value) => parameter::Parameter::Int32(value),
            rdbms::Parameter::Int64(value) => parameter::Parameter::Int64(value),
            rdbms::Parameter::Uint8(value) => parameter::Parameter::Int16(value.into()),
            rdbms::Parameter::Uint16(value) => parameter::Parameter::Int32(value.into()),
            rdbms::Parameter::Uint32(value) => parameter::Parameter::Int64(value.into()),
            rdbms::Parameter::Uint64(value) => {
                let signed = value.try_into().map_err(|_| {
                    Failure::Parameter(format!("{value} is beyond what Postgres has"))
                })?;
                parameter::Parameter::Int64(signed)
            }
            rdbms::Parameter::Floating32(value) => parameter::Parameter::Floating32(value),
            rdbms::Parameter::Floating64(value) => parameter::Parameter::Floating64(value),
            rdbms::Parameter::Str(value) => parameter::Parameter::Str(value),
            rdbms::Parameter::Binary(value) => parameter::Parameter::Binary(value),
            rdbms::Parameter::Null => parameter::Parameter::Null,
        })
    }
}

impl From<value::Value> for rdbms::Value {
    fn from(value: value::Value) -> rdbms::Value {
        match value {
            value::Value::Boolean(value) => rdbms::Value::Boolean(value),
            value::Value::Int16(value) => rdbms::Value::Int16(value),
            value::Value::Int32(value) => rdbms::Value::Int32(value),
            value::Value::Int64(value) => rdbms::Value::Int64(value),
            value::Value::Floating32(value) => rdbms::Value::Floating32(value),
            value::Value::Floating64(value) => rdbms::Value::Floating64(value),
            value::Value::Str(value) => rdbms::Value::Str(value),
            value::Value::Binary(value) => rdbms::Value::Binary(value),
            value::Value::Null => rdbms::Value::Null,
            _ => rdbms::Value::Unsupported,
        }
    }
}

impl From<value::DataType> for rdbms::DataType {
    fn from(data_type: value::DataType) -> rdbms::DataType {
        match data_type {
            value::DataType::Boolean => rdbms::DataType::Boolean,
            value::DataType::Int16 => rdbms::DataType::Int16,
            value::DataType::Int32 => rdbms::DataType::Int32,
            value::DataType::Int64 => rdbms::DataType::Int64,
            value::DataType::Floating32 => rdbms::DataType::Floating32,
            value::DataType::Floating64 => rdbms::DataType::Floating64,
            value::DataType::Str => rdbms::DataType::Str,
            value::DataType::Binary => rdbms::DataType::Binary,
            _ => rdbms::DataType::Other,
        }
    }
}

fn older(parameters: Vec<rdbms::Parameter>) -> Result<Vec<parameter::Parameter>, Failure> {
    parameters.into_iter().map(parameter::Parameter::try_from).collect()
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
        let columns = result
            .columns
            .into_iter()
            .map(|(name, ty)| rdbms::Column { name, data_type: value::DataType::from(&ty).into() });
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
