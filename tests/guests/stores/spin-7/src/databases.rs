//! Servers as an app of spin-sdk 7 uses them, asynchronously. A line of the body is a statement;
//! one that begins with "!" is executed, others are queried. The header `x-parameters` has a
//! parameter in each of its parts between spaces, "TYPE:VALUE".

use spin_sdk::{mqtt, mysql, pg, redis};

fn pg_parameter(text: &str) -> pg::ParameterValue {
    use pg::ParameterValue as Value;
    use pg::RangeBoundKind::{Exclusive, Inclusive};
    let (kind, value) = text.split_once(':').unwrap_or((text, ""));
    let numbers: Vec<i32> = value.split(',').map(|part| part.parse().unwrap_or_default()).collect();
    match kind {
        "bool" => Value::Boolean(value == "true"),
        "i32" => Value::Int32(numbers[0]),
        "i64" => Value::Int64(numbers[0].into()),
        "f64" => Value::Floating64(value.parse().unwrap_or_default()),
        "str" => Value::Str(value.to_owned()),
        "bin" => Value::Binary(value.as_bytes().to_vec()),
        "date" => Value::Date((numbers[0], numbers[1] as u8, numbers[2] as u8)),
        "timestamp" => Value::Timestamp(numbers[0].into()),
        "uuid" => Value::Uuid(value.to_owned()),
        "jsonb" => Value::Jsonb(value.as_bytes().to_vec()),
        "decimal" => Value::Decimal(value.to_owned()),
        "range" => {
            Value::RangeInt32((Some((numbers[0], Inclusive)), Some((numbers[1], Exclusive))))
        }
        "array" => Value::ArrayInt32(numbers.into_iter().map(Some).collect()),
        "interval" => {
            Value::Interval(pg::Interval { micros: numbers[0].into(), days: 1, months: 2 })
        }
        _ => Value::DbNull,
    }
}

async fn postgres(
    address: &str,
    statements: &str,
    parameters: &str,
    authorities: Option<&str>,
) -> Result<String, pg::Error> {
    // A header has no line breaks.
    let text = authorities.map(|text| pg::Certificate::Text(text.replace('|', "\n")));
    let options = pg::OpenOptions { ca_root: text };
    let connection = pg::Connection::open_with_options(address, options).await?;
    let mut answers = Vec::new();
    for statement in statements.lines() {
        let parameters: Vec<_> = parameters.split_whitespace().map(pg_parameter).collect();
        answers.push(match statement.strip_prefix('!') {
            Some(command) => match connection.execute(command, parameters).await {
                Ok(count) => format!("{count}"),
                Err(error) => format!("error: {error:?}"),
            },
            None => match query_postgres(&connection, statement, parameters).await {
                Ok(text) => text,
                Err(error) => format!("error: {error:?}"),
            },
        });
    }
    Ok(answers.join("\n"))
}

async fn query_postgres(
    connection: &pg::Connection,
    statement: &str,
    parameters: Vec<pg::ParameterValue>,
) -> Result<String, pg::Error> {
    let (columns, mut rows, end) = connection.query(statement, parameters).await?.into_inner();
    let columns = columns.iter().map(|column| format!("{}:{:?}", column.name, column.data_type));
    let columns = columns.collect::<Vec<_>>().join(",");
    let mut shown = String::new();
    let mut count = 0;
    while let Some(row) = rows.next().await {
        count += 1;
        if count <= 5 {
            shown += &format!("{row:?}");
        }
    }
    end.await?;
    Ok(format!("{columns} {count} {shown}"))
}

async fn maria(address: &str, statements: &str, parameters: &str) -> Result<String, mysql::Error> {
    use mysql::ParameterValue as Value;
    let parameter = |text: &str| match text.split_once(':') {
        Some(("i64", value)) => Value::Int64(value.parse().unwrap_or_default()),
        Some(("u64", value)) => Value::Uint64(value.parse().unwrap_or_default()),
        Some(("str", value)) => Value::Str(value.to_owned()),
        _ => Value::DbNull,
    };
    let connection = mysql::Connection::open(address).await?;
    let mut answers = Vec::new();
    for statement in statements.lines() {
        let parameters: Vec<_> = parameters.split_whitespace().map(parameter).collect();
        answers.push(match statement.strip_prefix('!') {
            Some(command) => format!("{:?}", connection.execute(command, parameters).await),
            None => match connection.query(statement, parameters).await {
                Ok(mut result) => {
                    let columns = result.columns().iter();
                    let columns: Vec<_> = columns
                        .map(|column| format!("{}:{:?}", column.name, column.data_type))
                        .collect();
                    let mut rows = Vec::new();
                    while let Some(row) = result.rows().next().await {
                        rows.push(format!("{row:?}"));
                    }
                    let shown = rows.iter().take(5).cloned().collect::<String>();
                    format!("{} {} {shown}", columns.join(","), rows.len())
                }
                Err(error) => format!("error: {error:?}"),
            },
        });
    }
    Ok(answers.join("\n"))
}

async fn publish(address: &str, lines: &str, login: &str) -> Result<String, mqtt::Error> {
    let (user, password) = login.split_once(' ').unwrap_or(("", ""));
    let connection = mqtt::Connection::open(address, user, password, 30).await?;
    let mut answers = Vec::new();
    for line in lines.lines() {
        let mut parts = line.splitn(3, ' ');
        let quality = match parts.next() {
            Some("2") => mqtt::Qos::ExactlyOnce,
            Some("1") => mqtt::Qos::AtLeastOnce,
            _ => mqtt::Qos::AtMostOnce,
        };
        let topic = parts.next().unwrap_or_default();
        let payload = parts.next().unwrap_or_default().as_bytes().to_vec();
        answers.push(match connection.publish(topic, payload, quality).await {
            Ok(done) => format!("{done:?}"),
            Err(error) => format!("error: {error:?}"),
        });
    }
    Ok(answers.join("\n"))
}

async fn send(address: &str, commands: &str) -> Result<String, redis::Error> {
    let connection = redis::Connection::open(address).await?;
    let mut answers = Vec::new();
    for line in commands.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let parameter = |word: &&str| redis::RedisParameter::Binary(word.as_bytes().into());
        let parameters: Vec<_> = words.iter().skip(1).map(parameter).collect();
        answers.push(match connection.execute(words[0], parameters).await {
            Ok(values) => format!("{values:?}"),
            Err(error) => format!("error: {error:?}"),
        });
    }
    Ok(answers.join("\n"))
}

pub async fn run(
    interface: &str,
    address: &str,
    lines: &str,
    parameters: &str,
    authorities: Option<&str>,
) -> String {
    match interface {
        "pg" => match postgres(address, lines, parameters, authorities).await {
            Ok(text) => text,
            Err(error) => format!("error: {error:?}"),
        },
        "mysql" => match maria(address, lines, parameters).await {
            Ok(text) => text,
            Err(error) => format!("error: {error:?}"),
        },
        "mqtt" => match publish(address, lines, parameters).await {
            Ok(text) => text,
            Err(error) => format!("error: {error:?}"),
        },
        _ => match send(address, lines).await {
            Ok(text) => text,
            Err(error) => format!("error: {error:?}"),
        },
    }
}
