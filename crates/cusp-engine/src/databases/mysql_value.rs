//! Values of MySQL as Spin's interfaces have them. What they have no word for comes as text where
//! it has one: decimals, times, JSON, enumerations.

use mysql_common::constants::{ColumnFlags, ColumnType};
use mysql_common::packets;
use mysql_common::value::Value;

use super::Failure;
use super::rdbms::{self, Column, DataType, Parameter};

pub fn parameter_of(parameter: Parameter) -> Value {
    match parameter {
        Parameter::Boolean(value) => Value::Int(value.into()),
        Parameter::Int8(value) => Value::Int(value.into()),
        Parameter::Int16(value) => Value::Int(value.into()),
        Parameter::Int32(value) => Value::Int(value.into()),
        Parameter::Int64(value) => Value::Int(value),
        Parameter::Uint8(value) => Value::UInt(value.into()),
        Parameter::Uint16(value) => Value::UInt(value.into()),
        Parameter::Uint32(value) => Value::UInt(value.into()),
        Parameter::Uint64(value) => Value::UInt(value),
        Parameter::Floating32(value) => Value::Float(value),
        Parameter::Floating64(value) => Value::Double(value),
        Parameter::Str(value) => Value::Bytes(value.into_bytes()),
        Parameter::Binary(value) => Value::Bytes(value),
        Parameter::Null => Value::NULL,
    }
}

pub fn column_of(column: &packets::Column) -> Column {
    Column { name: column.name_str().into_owned(), data_type: type_of(column) }
}

fn type_of(column: &packets::Column) -> DataType {
    use ColumnType as Type;
    let signed = !column.flags().contains(ColumnFlags::UNSIGNED_FLAG);
    // Of a text or of bytes: MySQL calls both BLOB.
    let binary = column.flags().contains(ColumnFlags::BINARY_FLAG);
    match (column.column_type(), signed) {
        (Type::MYSQL_TYPE_DOUBLE, _) => DataType::Floating64,
        (Type::MYSQL_TYPE_FLOAT, _) => DataType::Floating32,
        (Type::MYSQL_TYPE_INT24 | Type::MYSQL_TYPE_LONG, true) => DataType::Int32,
        (Type::MYSQL_TYPE_INT24 | Type::MYSQL_TYPE_LONG, false) => DataType::Uint32,
        (Type::MYSQL_TYPE_LONGLONG, true) => DataType::Int64,
        (Type::MYSQL_TYPE_LONGLONG, false) => DataType::Uint64,
        (Type::MYSQL_TYPE_SHORT, true) => DataType::Int16,
        (Type::MYSQL_TYPE_SHORT, false) => DataType::Uint16,
        (Type::MYSQL_TYPE_TINY, true) => DataType::Int8,
        (Type::MYSQL_TYPE_TINY, false) => DataType::Uint8,
        (
            Type::MYSQL_TYPE_BLOB
            | Type::MYSQL_TYPE_TINY_BLOB
            | Type::MYSQL_TYPE_MEDIUM_BLOB
            | Type::MYSQL_TYPE_LONG_BLOB
            | Type::MYSQL_TYPE_STRING
            | Type::MYSQL_TYPE_VAR_STRING
            | Type::MYSQL_TYPE_VARCHAR,
            _,
        ) => {
            if binary {
                DataType::Binary
            } else {
                DataType::Str
            }
        }
        _ => DataType::Other,
    }
}

pub fn value_of(value: Value, data_type: DataType) -> Result<rdbms::Value, Failure> {
    Ok(match (value, data_type) {
        (Value::NULL, _) => rdbms::Value::Null,
        (Value::Bytes(bytes), DataType::Binary) => rdbms::Value::Binary(bytes),
        (Value::Bytes(bytes), DataType::Str) => {
            let text = String::from_utf8(bytes)
                .map_err(|_| Failure::Conversion("a text of the result is not UTF-8".to_owned()))?;
            rdbms::Value::Str(text)
        }
        (Value::Bytes(bytes), _) => match String::from_utf8(bytes) {
            Ok(text) => rdbms::Value::Str(text),
            Err(_) => rdbms::Value::Unsupported,
        },
        (Value::Int(number), _) => integer(number.into(), data_type)?,
        (Value::UInt(number), _) => integer(number.into(), data_type)?,
        (Value::Float(number), _) => rdbms::Value::Floating32(number),
        (Value::Double(number), _) => rdbms::Value::Floating64(number),
        (time @ (Value::Date(..) | Value::Time(..)), _) => {
            rdbms::Value::Str(time.as_sql(true).trim_matches('\'').to_owned())
        }
    })
}

fn integer(number: i128, data_type: DataType) -> Result<rdbms::Value, Failure> {
    let value = match data_type {
        DataType::Int8 => number.try_into().map(rdbms::Value::Int8),
        DataType::Int16 => number.try_into().map(rdbms::Value::Int16),
        DataType::Int32 => number.try_into().map(rdbms::Value::Int32),
        DataType::Uint8 => number.try_into().map(rdbms::Value::Uint8),
        DataType::Uint16 => number.try_into().map(rdbms::Value::Uint16),
        DataType::Uint32 => number.try_into().map(rdbms::Value::Uint32),
        DataType::Uint64 => number.try_into().map(rdbms::Value::Uint64),
        _ => number.try_into().map(rdbms::Value::Int64),
    };
    let beyond = |_| Failure::Conversion(format!("{number} is not what its column may hold"));
    value.map_err(beyond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_size_of_their_column() {
        let value = |value, ty| value_of(value, ty).unwrap();
        assert_eq!(value(Value::Int(-1), DataType::Int8), rdbms::Value::Int8(-1));
        assert_eq!(value(Value::UInt(u64::MAX), DataType::Uint64), rdbms::Value::Uint64(u64::MAX));
        assert_eq!(value(Value::Int(2026), DataType::Other), rdbms::Value::Int64(2026));
        assert!(value_of(Value::Int(300), DataType::Int8).is_err());
    }

    #[test]
    fn what_the_interfaces_have_no_word_for_is_text() {
        let value = |value| value_of(value, DataType::Other).unwrap();
        let text = |text: &str| rdbms::Value::Str(text.to_owned());
        assert_eq!(value(Value::Bytes(b"1.50".to_vec())), text("1.50"));
        assert_eq!(value(Value::Date(2026, 11, 23, 0, 0, 0, 0)), text("2026-11-23"));
        assert_eq!(
            value(Value::Date(2026, 11, 23, 1, 2, 3, 4)),
            text("2026-11-23 01:02:03.000004")
        );
        assert_eq!(value(Value::Bytes(vec![0xff])), rdbms::Value::Unsupported);
    }
}
