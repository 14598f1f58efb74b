//! Stores as an app of spin-sdk 5 uses them: `fermyon:spin/key-value@2.0.0`,
//! `fermyon:spin/sqlite@2.0.0` and `spin:sqlite/sqlite@3.0.0`.
//!
//! `/get/STORE/KEY`, `/set/…` (the value is the body), `/delete/…`, `/exists/…`, `/keys/STORE`;
//! `/sql2/DATABASE` and `/sql3/DATABASE` run the statements of the body, one a line, on one
//! connection. "?" stands for the header `x-parameter`. `/redis` sends the commands of the body to
//! the server of the header `x-address`, by `fermyon:spin/redis@2.0.0`; `/pg2`, `/pg3`, `/pg4`,
//! `/mysql` and `/mqtt` do so by their interfaces (databases.rs).

mod databases;

use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_component;
use spin_sdk::key_value::Store;
use spin_sdk::{redis, sqlite, sqlite3};

#[http_component]
fn handle(request: Request) -> anyhow::Result<impl IntoResponse> {
    let path = request.path().to_owned();
    let parts: Vec<&str> = path.trim_start_matches('/').splitn(3, '/').collect();
    let text = match parts[..] {
        ["redis", ..] => {
            let address = request.header("x-address").and_then(|value| value.as_str());
            let body = String::from_utf8_lossy(request.body());
            match run_redis(address.unwrap_or_default(), &body) {
                Ok(text) => text,
                Err(error) => format!("error: {error:?}"),
            }
        }
        [interface @ ("pg2" | "pg3" | "pg4" | "mysql" | "mqtt")] => {
            let header = |name| request.header(name).and_then(|value| value.as_str());
            let body = String::from_utf8_lossy(request.body());
            let address = header("x-address").unwrap_or_default();
            databases::run(interface, address, &body, header("x-parameters").unwrap_or_default())
        }
        [operation @ ("sql2" | "sql3"), database] => {
            let body = String::from_utf8_lossy(request.body());
            let parameter = request.header("x-parameter").and_then(|value| value.as_str());
            if operation == "sql2" {
                run_2(database, &body, parameter)
            } else {
                run_3(database, &body, parameter)
            }
        }
        [operation, store, ..] => {
            let key = parts.get(2).copied().unwrap_or_default();
            match key_value(operation, store, key, request.body()) {
                Ok(text) => text,
                Err(error) => format!("error: {error:?}"),
            }
        }
        _ => "there is no such path".to_owned(),
    };
    Ok(Response::builder().status(200).header("content-type", "text/plain").body(text).build())
}

fn key_value(
    operation: &str,
    store: &str,
    key: &str,
    body: &[u8],
) -> Result<String, spin_sdk::key_value::Error> {
    let store = Store::open(store)?;
    Ok(match operation {
        "get" => match store.get(key)? {
            Some(value) => format!("some: {}", String::from_utf8_lossy(&value)),
            None => "none".to_owned(),
        },
        "set" => format!("{:?}", store.set(key, body)?),
        "delete" => format!("{:?}", store.delete(key)?),
        "exists" => format!("{:?}", store.exists(key)?),
        _ => store.get_keys()?.join(" "),
    })
}

/// The functions of the interface by their names; any other word is a command of Redis's.
fn run_redis(address: &str, commands: &str) -> Result<String, redis::Error> {
    let connection = redis::Connection::open(address)?;
    let run = |line: &str| -> Result<String, redis::Error> {
        let words: Vec<&str> = line.split(' ').collect();
        let rest: Vec<String> = words.iter().skip(2).map(|word| (*word).to_owned()).collect();
        Ok(match words[..] {
            ["publish", channel, text] => {
                format!("{:?}", connection.publish(channel, &text.as_bytes().to_vec())?)
            }
            ["get", key] => {
                format!(
                    "{:?}",
                    connection.get(key)?.map(|v| String::from_utf8_lossy(&v).into_owned())
                )
            }
            ["set", key, value] => {
                format!("{:?}", connection.set(key, &value.as_bytes().to_vec())?)
            }
            ["incr", key] => format!("{:?}", connection.incr(key)?),
            ["del", key] => format!("{:?}", connection.del(&[key.to_owned()])?),
            ["sadd", key, ..] => format!("{:?}", connection.sadd(key, &rest)?),
            ["smembers", key] => format!("{:?}", connection.smembers(key)?),
            ["srem", key, ..] => format!("{:?}", connection.srem(key, &rest)?),
            _ => {
                let parameter = |word: &&str| redis::RedisParameter::Binary(word.as_bytes().into());
                let parameters: Vec<_> = words.iter().skip(1).map(parameter).collect();
                format!("{:?}", connection.execute(words[0], &parameters)?)
            }
        })
    };
    let outcome = |line| run(line).unwrap_or_else(|error| format!("error: {error:?}"));
    Ok(commands.lines().map(outcome).collect::<Vec<_>>().join("\n"))
}

fn run_2(database: &str, statements: &str, parameter: Option<&str>) -> String {
    let connection = match sqlite::Connection::open(database) {
        Ok(connection) => connection,
        Err(error) => return format!("error: {error:?}"),
    };
    let run = |statement: &str| {
        let parameter = parameter.filter(|_| statement.contains('?'));
        let parameters: Vec<_> =
            parameter.iter().map(|text| sqlite::Value::Text((*text).to_owned())).collect();
        match connection.execute(statement, &parameters) {
            Ok(result) => format!(
                "{:?} {:?}",
                result.columns,
                result.rows.into_iter().map(|row| row.values).collect::<Vec<_>>()
            ),
            Err(error) => format!("error: {error:?}"),
        }
    };
    statements.lines().map(run).collect::<Vec<_>>().join("\n")
}

fn run_3(database: &str, statements: &str, parameter: Option<&str>) -> String {
    let connection = match sqlite3::Connection::open(database) {
        Ok(connection) => connection,
        Err(error) => return format!("error: {error:?}"),
    };
    let run = |statement: &str| {
        let parameter = parameter.filter(|_| statement.contains('?'));
        let parameters: Vec<_> =
            parameter.iter().map(|text| sqlite3::Value::Text((*text).to_owned())).collect();
        match connection.execute(statement, &parameters) {
            Ok(result) => format!(
                "{:?} {:?} changes {} rowid {}",
                result.columns,
                result.rows.into_iter().map(|row| row.values).collect::<Vec<_>>(),
                connection.changes(),
                connection.last_insert_rowid()
            ),
            Err(error) => format!("error: {error:?}"),
        }
    };
    statements.lines().map(run).collect::<Vec<_>>().join("\n")
}
