//! Stores as an app of spin-sdk 7 uses them: `spin:key-value@3.0.0` and `spin:sqlite@3.1.0`, both
//! asynchronous.
//!
//! `/get/STORE/KEY`, `/set/…` (the value is the body), `/delete/…`, `/exists/…`, `/keys/STORE`;
//! `/sql3/DATABASE` runs the statements of the body, one a line, on one connection. "?" stands for
//! the header `x-parameter`. `/pg`, `/mysql`, `/mqtt` and `/redis` send the lines of the body to
//! the server of the header `x-address` (databases.rs).

mod databases;

use spin_sdk::http::{body::IncomingBodyExt, IntoResponse, Request, Response};
use spin_sdk::http_service;
use spin_sdk::key_value::Store;
use spin_sdk::sqlite::{Connection, Value};

#[http_service]
async fn handle(request: Request) -> anyhow::Result<impl IntoResponse> {
    let (head, body) = request.into_parts();
    let body = body.bytes().await?;
    let path = head.uri.path().to_owned();
    let parts: Vec<&str> = path.trim_start_matches('/').splitn(3, '/').collect();
    let text = match parts[..] {
        [interface @ ("pg" | "mysql" | "mqtt" | "redis")] => {
            let header = |name| head.headers.get(name).and_then(|text| text.to_str().ok());
            let body = String::from_utf8_lossy(&body);
            let address = header("x-address").unwrap_or_default();
            let parameters = header("x-parameters").unwrap_or_default();
            databases::run(interface, address, &body, parameters, header("x-ca")).await
        }
        ["sql3", database] => {
            let parameter = head.headers.get("x-parameter").and_then(|text| text.to_str().ok());
            run(database, &String::from_utf8_lossy(&body), parameter).await
        }
        [operation, store, ..] => {
            let key = parts.get(2).copied().unwrap_or_default();
            match key_value(operation, store, key, &body).await {
                Ok(text) => text,
                Err(error) => format!("error: {error:?}"),
            }
        }
        _ => "there is no such path".to_owned(),
    };
    Ok(Response::builder().status(200).header("content-type", "text/plain").body(text)?)
}

async fn key_value(
    operation: &str,
    store: &str,
    key: &str,
    body: &[u8],
) -> Result<String, spin_sdk::key_value::Error> {
    let store = Store::open(store).await?;
    Ok(match operation {
        "get" => match store.get(key).await? {
            Some(value) => format!("some: {}", String::from_utf8_lossy(&value)),
            None => "none".to_owned(),
        },
        "set" => format!("{:?}", store.set(key, body).await?),
        "delete" => format!("{:?}", store.delete(key).await?),
        "exists" => format!("{:?}", store.exists(key).await?),
        _ => store.get_keys().await.collect().await?.join(" "),
    })
}

async fn run(database: &str, statements: &str, parameter: Option<&str>) -> String {
    let connection = match Connection::open(database).await {
        Ok(connection) => connection,
        Err(error) => return format!("error: {error:?}"),
    };
    let mut answers = Vec::new();
    for statement in statements.lines() {
        let parameter = parameter.filter(|_| statement.contains('?'));
        let parameters = parameter.iter().map(|text| Value::Text((*text).to_owned()));
        answers.push(match connection.execute(statement, parameters).await {
            Ok(result) => {
                let columns = result.columns().to_vec();
                let rows = result
                    .collect()
                    .await
                    .map(|rows| rows.into_iter().map(|row| row.values).collect::<Vec<_>>());
                format!(
                    "{columns:?} {rows:?} changes {} rowid {}",
                    connection.changes().await,
                    connection.last_insert_rowid().await
                )
            }
            Err(error) => format!("error: {error:?}"),
        });
    }
    answers.join("\n")
}
