//! Parameters of Postgres in the form that the server asks for.

use bytes::{BufMut, BytesMut};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use postgres_protocol::types::{self, RangeBound};
use rust_decimal::Decimal;
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::postgres_value::{
    Bound, BoundKind, Bounds, Date, Datetime, Interval, Parameter, Problem, Time,
};

/// A parameter in the form that the server has asked for.
#[derive(Debug)]
pub struct Encoded(Option<BytesMut>);

impl Encoded {
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, BytesMut::len)
    }

    /// `ty` is what the server takes in this place. Numbers and texts fit wherever nothing is lost.
    pub fn new(parameter: &Parameter, ty: &Type) -> Result<Encoded, Problem> {
        let mut out = BytesMut::new();
        let null = encode(parameter, ty, &mut out)?;
        Ok(Encoded(matches!(null, IsNull::No).then_some(out)))
    }
}

impl ToSql for Encoded {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Problem> {
        let Some(bytes) = &self.0 else { return Ok(IsNull::Yes) };
        out.put_slice(bytes);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn wrong_type(what: &str, ty: &Type) -> Problem {
    format!("the statement wants a value of type {ty} here, not {what}").into()
}

fn integer(value: i64, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Problem> {
    match *ty {
        Type::INT2 => out.put_i16(value.try_into()?),
        Type::INT4 => out.put_i32(value.try_into()?),
        Type::INT8 => out.put_i64(value),
        Type::OID => out.put_u32(value.try_into()?),
        Type::NUMERIC => return Decimal::from(value).to_sql(ty, out),
        _ => return Err(wrong_type("an integer", ty)),
    }
    Ok(IsNull::No)
}

fn text(value: &str, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Problem> {
    match *ty {
        Type::UUID => return uuid(value)?.to_sql(ty, out),
        Type::NUMERIC => return decimal(value)?.to_sql(ty, out),
        Type::JSONB => out.put_u8(1),
        Type::JSON | Type::XML => {}
        _ if matches!(ty.kind(), Kind::Enum(_)) || <&str as ToSql>::accepts(ty) => {}
        _ => return Err(wrong_type("a text", ty)),
    }
    out.put_slice(value.as_bytes());
    Ok(IsNull::No)
}

fn uuid(value: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(value).map_err(|_| "it is no UUID".into())
}

fn decimal(value: &str) -> Result<Decimal, Problem> {
    Decimal::from_str_exact(value).map_err(|error| format!("it is no decimal: {error}").into())
}

fn decimals(values: &[Option<String>]) -> Result<Vec<Option<Decimal>>, Problem> {
    values.iter().map(|value| value.as_deref().map(decimal).transpose()).collect()
}

fn naive_date((year, month, day): Date) -> Result<NaiveDate, Problem> {
    NaiveDate::from_ymd_opt(year, month.into(), day.into())
        .ok_or_else(|| format!("there is no date {year}-{month}-{day}").into())
}

fn naive_time((hour, minute, second, nanosecond): Time) -> Result<NaiveTime, Problem> {
    NaiveTime::from_hms_nano_opt(hour.into(), minute.into(), second.into(), nanosecond)
        .ok_or_else(|| format!("there is no time {hour}:{minute}:{second}.{nanosecond}").into())
}

fn naive_datetime(moment: Datetime) -> Result<NaiveDateTime, Problem> {
    let (year, month, day, hour, minute, second, nanosecond) = moment;
    Ok(naive_date((year, month, day))?.and_time(naive_time((hour, minute, second, nanosecond))?))
}

/// In the zone of the column, if it has one: such times are UTC.
fn moment(value: NaiveDateTime, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Problem> {
    match *ty {
        Type::TIMESTAMPTZ => value.and_utc().to_sql(ty, out),
        _ => value.to_sql_checked(ty, out),
    }
}

fn range<T>(
    (lower, upper): &Bounds<T>,
    (ty, wanted): (&Type, &Type),
    out: &mut BytesMut,
    write: impl Fn(&T, &mut BytesMut) -> Result<(), Problem>,
) -> Result<IsNull, Problem> {
    if ty != wanted {
        return Err(wrong_type(&format!("a {wanted}"), ty));
    }
    let bound = |bound: &Bound<T>, out: &mut BytesMut| {
        let Some((value, kind)) = bound else { return Ok(RangeBound::Unbounded) };
        write(value, out)?;
        Ok(match kind {
            BoundKind::Inclusive => RangeBound::Inclusive(postgres_protocol::IsNull::No),
            BoundKind::Exclusive => RangeBound::Exclusive(postgres_protocol::IsNull::No),
        })
    };
    types::range_to_sql(|out| bound(lower, out), |out| bound(upper, out), out)?;
    Ok(IsNull::No)
}

fn interval(value: Interval, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Problem> {
    if *ty != Type::INTERVAL {
        return Err(wrong_type("an interval", ty));
    }
    out.put_i64(value.micros);
    out.put_i32(value.days);
    out.put_i32(value.months);
    Ok(IsNull::No)
}

fn encode(parameter: &Parameter, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Problem> {
    match parameter {
        Parameter::Boolean(value) => value.to_sql_checked(ty, out),
        Parameter::Int8(value) => integer((*value).into(), ty, out),
        Parameter::Int16(value) => integer((*value).into(), ty, out),
        Parameter::Int32(value) => integer((*value).into(), ty, out),
        Parameter::Int64(value) => integer(*value, ty, out),
        Parameter::Floating32(value) if *ty == Type::FLOAT8 => f64::from(*value).to_sql(ty, out),
        Parameter::Floating32(value) => value.to_sql_checked(ty, out),
        Parameter::Floating64(value) => value.to_sql_checked(ty, out),
        Parameter::Str(value) => text(value, ty, out),
        Parameter::Binary(value) => value.to_sql_checked(ty, out),
        Parameter::Date(value) => naive_date(*value)?.to_sql_checked(ty, out),
        Parameter::Time(value) => naive_time(*value)?.to_sql_checked(ty, out),
        Parameter::Datetime(value) => moment(naive_datetime(*value)?, ty, out),
        Parameter::Timestamp(value) => {
            let time = DateTime::<Utc>::from_timestamp(*value, 0);
            moment(time.ok_or("there is no such time")?.naive_utc(), ty, out)
        }
        Parameter::Uuid(value) => uuid(value)?.to_sql_checked(ty, out),
        Parameter::Jsonb(value) => text(std::str::from_utf8(value)?, ty, out),
        Parameter::Decimal(value) => decimal(value)?.to_sql_checked(ty, out),
        Parameter::RangeInt32(bounds) => range(bounds, (ty, &Type::INT4_RANGE), out, |v, out| {
            out.put_i32(*v);
            Ok(())
        }),
        Parameter::RangeInt64(bounds) => range(bounds, (ty, &Type::INT8_RANGE), out, |v, out| {
            out.put_i64(*v);
            Ok(())
        }),
        Parameter::RangeDecimal(bounds) => range(bounds, (ty, &Type::NUM_RANGE), out, |v, out| {
            decimal(v)?.to_sql(&Type::NUMERIC, out).map(drop)
        }),
        Parameter::ArrayInt32(values) => values.to_sql_checked(ty, out),
        Parameter::ArrayInt64(values) => values.to_sql_checked(ty, out),
        Parameter::ArrayDecimal(values) => decimals(values)?.to_sql_checked(ty, out),
        Parameter::ArrayStr(values) => values.to_sql_checked(ty, out),
        Parameter::Interval(value) => interval(*value, ty, out),
        Parameter::Null => Ok(IsNull::Yes),
    }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::types::FromSql;

    use super::*;
    use crate::databases::postgres_value::Value;

    fn encoded(parameter: Parameter, ty: &Type) -> Result<Vec<u8>, String> {
        let encoded = Encoded::new(&parameter, ty).map_err(|problem| problem.to_string())?;
        Ok(encoded.0.expect("not null").to_vec())
    }

    fn round_trip(parameter: Parameter, ty: &Type) -> Value {
        Value::from_sql(ty, &encoded(parameter, ty).unwrap()).unwrap()
    }

    #[test]
    fn what_is_sent_comes_back() {
        use BoundKind::{Exclusive, Inclusive};
        let date = (2026, 11, 23);
        let time = (23, 59, 58, 123_456_000);
        let moment = (1969, 7, 20, 20, 17, 40, 0);
        assert_eq!(round_trip(Parameter::Date(date), &Type::DATE), Value::Date(date));
        assert_eq!(round_trip(Parameter::Time(time), &Type::TIME), Value::Time(time));
        for ty in [Type::TIMESTAMP, Type::TIMESTAMPTZ] {
            let value = round_trip(Parameter::Datetime(moment), &ty);
            assert_eq!(value, Value::Datetime(moment));
        }
        let range = (Some((-5, Inclusive)), Some((7, Exclusive)));
        assert_eq!(
            round_trip(Parameter::RangeInt32(range), &Type::INT4_RANGE),
            Value::RangeInt32(range)
        );
        let open = (None, Some(("1.50".to_owned(), Exclusive)));
        assert_eq!(
            round_trip(Parameter::RangeDecimal(open.clone()), &Type::NUM_RANGE),
            Value::RangeDecimal(open)
        );
        let array = vec![Some("a,\"b".to_owned()), None];
        assert_eq!(
            round_trip(Parameter::ArrayStr(array.clone()), &Type::TEXT_ARRAY),
            Value::ArrayStr(array)
        );
        let interval = Interval { micros: -1, days: 2, months: -3 };
        assert_eq!(
            round_trip(Parameter::Interval(interval), &Type::INTERVAL),
            Value::Interval(interval)
        );
        let decimal = "-12345678901234567890.12345678".to_owned();
        assert_eq!(
            round_trip(Parameter::Decimal(decimal.clone()), &Type::NUMERIC),
            Value::Decimal(decimal)
        );
        let json = br#"{"a": [1, null]}"#.to_vec();
        assert_eq!(round_trip(Parameter::Jsonb(json.clone()), &Type::JSONB), Value::Jsonb(json));
    }

    #[test]
    fn numbers_fit_where_nothing_is_lost() {
        assert_eq!(round_trip(Parameter::Int8(-1), &Type::INT8), Value::Int64(-1));
        assert_eq!(round_trip(Parameter::Int64(32_767), &Type::INT2), Value::Int16(32_767));
        assert!(encoded(Parameter::Int64(32_768), &Type::INT2).is_err());
        assert_eq!(round_trip(Parameter::Int32(5), &Type::NUMERIC), Value::Decimal("5".to_owned()));
        let error = encoded(Parameter::Int32(5), &Type::TEXT).unwrap_err();
        assert_eq!(error, "the statement wants a value of type text here, not an integer");
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        assert!(encoded(Parameter::Date((2026, 2, 30)), &Type::DATE).is_err());
        assert!(encoded(Parameter::Time((24, 0, 0, 0)), &Type::TIME).is_err());
        assert!(encoded(Parameter::Timestamp(i64::MAX), &Type::TIMESTAMP).is_err());
        assert!(encoded(Parameter::Uuid("not one".to_owned()), &Type::UUID).is_err());
        assert!(encoded(Parameter::Decimal("1e9999".to_owned()), &Type::NUMERIC).is_err());
        assert!(encoded(Parameter::Str("x".to_owned()), &Type::INT4).is_err());
    }
}
