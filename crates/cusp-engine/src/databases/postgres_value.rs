//! Values and parameters of Postgres as `spin:postgres@4` has them, and values read from what the
//! server sends. The interfaces before know fewer.

use std::error::Error;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};
use postgres_protocol::types::{self, Range, RangeBound};
use rust_decimal::Decimal;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;
use wasmtime::component::{ComponentType, Lift, Lower};

use super::variants::parameter_and_value;

pub type Problem = Box<dyn Error + Sync + Send>;

/// Year, month, day.
pub type Date = (i32, u8, u8);
/// Hour, minute, second, nanosecond.
pub type Time = (u8, u8, u8, u32);
pub type Datetime = (i32, u8, u8, u8, u8, u8, u32);

#[derive(ComponentType, Lift, Lower, Clone, Copy, Debug, PartialEq)]
#[component(enum)]
#[repr(u8)]
pub enum BoundKind {
    #[component(name = "inclusive")]
    Inclusive,
    #[component(name = "exclusive")]
    Exclusive,
}

pub type Bound<T> = Option<(T, BoundKind)>;
pub type Bounds<T> = (Bound<T>, Bound<T>);

#[derive(ComponentType, Lift, Lower, Clone, Copy, Debug, PartialEq)]
#[component(record)]
pub struct Interval {
    pub micros: i64,
    pub days: i32,
    pub months: i32,
}

parameter_and_value! {
    Unsupported(Vec<u8>);
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
    Uuid(String) = "uuid",
    Jsonb(Vec<u8>) = "jsonb",
    Decimal(String) = "decimal",
    RangeInt32(Bounds<i32>) = "range-int32",
    RangeInt64(Bounds<i64>) = "range-int64",
    RangeDecimal(Bounds<String>) = "range-decimal",
    ArrayInt32(Vec<Option<i32>>) = "array-int32",
    ArrayInt64(Vec<Option<i64>>) = "array-int64",
    ArrayDecimal(Vec<Option<String>>) = "array-decimal",
    ArrayStr(Vec<Option<String>>) = "array-str",
    Interval(Interval) = "interval",
}

#[derive(ComponentType, Lift, Lower, Clone, Debug, PartialEq)]
#[component(variant)]
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
    #[component(name = "uuid")]
    Uuid,
    #[component(name = "jsonb")]
    Jsonb,
    #[component(name = "decimal")]
    Decimal,
    #[component(name = "range-int32")]
    RangeInt32,
    #[component(name = "range-int64")]
    RangeInt64,
    #[component(name = "range-decimal")]
    RangeDecimal,
    #[component(name = "array-int32")]
    ArrayInt32,
    #[component(name = "array-int64")]
    ArrayInt64,
    #[component(name = "array-decimal")]
    ArrayDecimal,
    #[component(name = "array-str")]
    ArrayStr,
    #[component(name = "interval")]
    Interval,
    #[component(name = "other")]
    Other(String),
}

impl From<&Type> for DataType {
    fn from(ty: &Type) -> DataType {
        match *ty {
            Type::BOOL => DataType::Boolean,
            Type::INT2 => DataType::Int16,
            Type::INT4 => DataType::Int32,
            Type::INT8 => DataType::Int64,
            Type::FLOAT4 => DataType::Floating32,
            Type::FLOAT8 => DataType::Floating64,
            Type::TEXT | Type::VARCHAR | Type::BPCHAR => DataType::Str,
            Type::BYTEA => DataType::Binary,
            Type::DATE => DataType::Date,
            Type::TIME => DataType::Time,
            Type::TIMESTAMP | Type::TIMESTAMPTZ => DataType::Datetime,
            Type::UUID => DataType::Uuid,
            Type::JSONB => DataType::Jsonb,
            Type::NUMERIC => DataType::Decimal,
            Type::INT4_RANGE => DataType::RangeInt32,
            Type::INT8_RANGE => DataType::RangeInt64,
            Type::NUM_RANGE => DataType::RangeDecimal,
            Type::INT4_ARRAY => DataType::ArrayInt32,
            Type::INT8_ARRAY => DataType::ArrayInt64,
            Type::NUMERIC_ARRAY => DataType::ArrayDecimal,
            Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => DataType::ArrayStr,
            Type::INTERVAL => DataType::Interval,
            _ => DataType::Other(ty.name().to_owned()),
        }
    }
}

fn get<'a, T: FromSql<'a>>(ty: &Type, raw: &'a [u8]) -> Result<T, Problem> {
    T::from_sql(ty, raw)
}

fn date_of(date: NaiveDate) -> Result<Date, Problem> {
    Ok((date.year(), date.month().try_into()?, date.day().try_into()?))
}

fn time_of(time: NaiveTime) -> Result<Time, Problem> {
    let [hour, minute, second] = [time.hour(), time.minute(), time.second()].map(u8::try_from);
    Ok((hour?, minute?, second?, time.nanosecond()))
}

fn datetime_of(moment: NaiveDateTime) -> Result<Datetime, Problem> {
    let (year, month, day) = date_of(moment.date())?;
    let (hour, minute, second, nanosecond) = time_of(moment.time())?;
    Ok((year, month, day, hour, minute, second, nanosecond))
}

fn bound_of<T>(
    bound: RangeBound<Option<&[u8]>>,
    read: impl Fn(&[u8]) -> Result<T, Problem>,
) -> Result<Bound<T>, Problem> {
    let (raw, kind) = match bound {
        RangeBound::Inclusive(raw) => (raw, BoundKind::Inclusive),
        RangeBound::Exclusive(raw) => (raw, BoundKind::Exclusive),
        RangeBound::Unbounded => return Ok(None),
    };
    raw.map(|raw| Ok((read(raw)?, kind))).transpose()
}

/// An empty range has no bounds that could say so: it goes to the guest as it came.
fn range_of<T>(
    raw: &[u8],
    value: impl Fn(Bounds<T>) -> Value,
    read: impl Fn(&[u8]) -> Result<T, Problem>,
) -> Result<Value, Problem> {
    match types::range_from_sql(raw)? {
        Range::Empty => Ok(Value::Unsupported(raw.to_vec())),
        Range::Nonempty(lower, upper) => {
            Ok(value((bound_of(lower, &read)?, bound_of(upper, &read)?)))
        }
    }
}

fn decimal_of(raw: &[u8]) -> Result<String, Problem> {
    Ok(get::<Decimal>(&Type::NUMERIC, raw)?.to_string())
}

fn interval_of(raw: &[u8]) -> Result<Interval, Problem> {
    let raw: [u8; 16] = raw.try_into()?;
    let (micros, rest) = raw.split_at(8);
    let (days, months) = rest.split_at(4);
    Ok(Interval {
        micros: i64::from_be_bytes(micros.try_into()?),
        days: i32::from_be_bytes(days.try_into()?),
        months: i32::from_be_bytes(months.try_into()?),
    })
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Value, Problem> {
        Ok(match *ty {
            Type::BOOL => Value::Boolean(get(ty, raw)?),
            Type::INT2 => Value::Int16(get(ty, raw)?),
            Type::INT4 => Value::Int32(get(ty, raw)?),
            Type::INT8 => Value::Int64(get(ty, raw)?),
            Type::FLOAT4 => Value::Floating32(get(ty, raw)?),
            Type::FLOAT8 => Value::Floating64(get(ty, raw)?),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR => Value::Str(get(ty, raw)?),
            Type::BYTEA => Value::Binary(get(ty, raw)?),
            Type::DATE => Value::Date(date_of(get(ty, raw)?)?),
            Type::TIME => Value::Time(time_of(get(ty, raw)?)?),
            Type::TIMESTAMP => Value::Datetime(datetime_of(get(ty, raw)?)?),
            Type::TIMESTAMPTZ => {
                Value::Datetime(datetime_of(get::<DateTime<Utc>>(ty, raw)?.naive_utc())?)
            }
            Type::UUID => Value::Uuid(get::<Uuid>(ty, raw)?.to_string()),
            Type::JSONB => match raw {
                [1, text @ ..] => Value::Jsonb(text.to_vec()),
                _ => return Err("a jsonb of an unknown version".into()),
            },
            Type::NUMERIC => Value::Decimal(decimal_of(raw)?),
            Type::INT4_RANGE => range_of(raw, Value::RangeInt32, types::int4_from_sql)?,
            Type::INT8_RANGE => range_of(raw, Value::RangeInt64, types::int8_from_sql)?,
            Type::NUM_RANGE => range_of(raw, Value::RangeDecimal, decimal_of)?,
            Type::INT4_ARRAY => Value::ArrayInt32(get(ty, raw)?),
            Type::INT8_ARRAY => Value::ArrayInt64(get(ty, raw)?),
            Type::NUMERIC_ARRAY => {
                let decimals: Vec<Option<Decimal>> = get(ty, raw)?;
                Value::ArrayDecimal(decimals.iter().map(|d| d.map(|d| d.to_string())).collect())
            }
            Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => {
                Value::ArrayStr(get(ty, raw)?)
            }
            Type::INTERVAL => Value::Interval(interval_of(raw)?),
            _ => Value::Unsupported(raw.to_vec()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Value, Problem> {
        Ok(Value::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_sends_wrong_is_an_error_and_no_panic() {
        let types = [
            Type::BOOL,
            Type::INT2,
            Type::INT8,
            Type::FLOAT8,
            Type::DATE,
            Type::TIME,
            Type::TIMESTAMPTZ,
            Type::UUID,
            Type::JSONB,
            Type::NUMERIC,
            Type::INT4_RANGE,
            Type::NUM_RANGE,
            Type::INT4_ARRAY,
            Type::NUMERIC_ARRAY,
            Type::TEXT_ARRAY,
            Type::INTERVAL,
        ];
        for ty in &types {
            for length in 0..40 {
                for fill in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                    let _ = Value::from_sql(ty, &vec![fill; length]);
                }
            }
        }
        assert!(Value::from_sql(&Type::INT4, &[1]).is_err());
        assert!(Value::from_sql(&Type::TEXT, &[0xff]).is_err());
    }
}
