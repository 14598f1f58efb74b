//! Servers as an app of spin-sdk 5 uses them. A line of the body is a statement; one that begins
//! with "!" is executed, others are queried. The header `x-parameters` has a parameter in each of
//! its parts between spaces, "TYPE:VALUE".

/// The parameters that all interfaces have.
macro_rules! parameter {
    ($module:ident, $text:expr) => {{
        use spin_sdk::$module::ParameterValue as Value;
        let (kind, value) = $text.split_once(':').unwrap_or(($text, ""));
        match kind {
            "bool" => Value::Boolean(value == "true"),
            "i8" => Value::Int8(value.parse().unwrap_or_default()),
            "i16" => Value::Int16(value.parse().unwrap_or_default()),
            "i32" => Value::Int32(value.parse().unwrap_or_default()),
            "i64" => Value::Int64(value.parse().unwrap_or_default()),
            "f32" => Value::Floating32(value.parse().unwrap_or_default()),
            "f64" => Value::Floating64(value.parse().unwrap_or_default()),
            "str" => Value::Str(value.to_owned()),
            "bin" => Value::Binary(value.as_bytes().to_vec()),
            _ => Value::DbNull,
        }
    }};
}

macro_rules! run {
    ($module:ident, $address:expr, $statements:expr, $parameters:expr) => {{
        use spin_sdk::$module::Connection;
        let parameters: Vec<_> =
            $parameters.split_whitespace().map(|text| parameter!($module, text)).collect();
        match Connection::open($address) {
            Ok(connection) => {
                let one = |statement: &str| match statement.strip_prefix('!') {
                    Some(command) => match connection.execute(command, &parameters) {
                        Ok(done) => format!("{done:?}"),
                        Err(error) => format!("error: {error:?}"),
                    },
                    None => match connection.query(statement, &parameters) {
                        Ok(set) => {
                            let columns = set.columns.iter();
                            let columns: Vec<_> =
                                columns.map(|c| format!("{}:{:?}", c.name, c.data_type)).collect();
                            let rows: Vec<_> =
                                set.rows.iter().take(5).map(|row| format!("{row:?}")).collect();
                            format!("{} {} {}", columns.join(","), set.rows.len(), rows.join(""))
                        }
                        Err(error) => format!("error: {error:?}"),
                    },
                };
                $statements.lines().map(one).collect::<Vec<_>>().join("\n")
            }
            Err(error) => format!("error: {error:?}"),
        }
    }};
}

pub fn run(interface: &str, address: &str, statements: &str, parameters: &str) -> String {
    match interface {
        "pg2" => run!(pg, address, statements, parameters),
        "pg3" => run!(pg3, address, statements, parameters),
        "pg4" => run!(pg4, address, statements, parameters),
        "mysql" => run!(mysql, address, statements, parameters),
        _ => publish(address, statements, parameters),
    }
}

/// Each line is "QOS TOPIC TEXT"; the parameters are user and password.
fn publish(address: &str, lines: &str, login: &str) -> String {
    use spin_sdk::mqtt::{Connection, Qos};
    let (user, password) = login.split_once(' ').unwrap_or(("", ""));
    let connection = match Connection::open(address, user, password, 30) {
        Ok(connection) => connection,
        Err(error) => return format!("error: {error:?}"),
    };
    let one = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let quality = match parts.next() {
            Some("2") => Qos::ExactlyOnce,
            Some("1") => Qos::AtLeastOnce,
            _ => Qos::AtMostOnce,
        };
        let topic = parts.next().unwrap_or_default();
        let payload = parts.next().unwrap_or_default().as_bytes().to_vec();
        match connection.publish(topic, &payload, quality) {
            Ok(done) => format!("{done:?}"),
            Err(error) => format!("error: {error:?}"),
        }
    };
    lines.lines().map(one).collect::<Vec<_>>().join("\n")
}
