//! How long calls of stores take, as a guest sees it: for `./x bench stores`.
//!
//! `/nothing`, `/kv`, `/sql` and `/redis` with `?count=CALLS&keys=KEYS` read keys by chance, each
//! `key/NUMBER`, and answer a line of JSON: how long a call took in nanoseconds, from the shortest
//! to the longest. `/redis` asks the server of `&address=`.

use std::time::Instant;

use anyhow::{ensure, Context};
use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_component;
use spin_sdk::key_value::Store;
use spin_sdk::redis;
use spin_sdk::sqlite::{Connection, Value};

const VALUE_BYTES: usize = 100;

#[http_component]
fn handle(request: Request) -> anyhow::Result<impl IntoResponse> {
    let number = |name: &str| -> anyhow::Result<u64> {
        parameter(request.query(), name)
            .context("count and keys are needed")?
            .parse()
            .context(name.to_owned())
    };
    let (count, keys) = (number("count")?, number("keys")?);
    let times = match request.path() {
        "/nothing" => time(count, keys, |_| Ok(())),
        "/kv" => {
            let store = Store::open_default()?;
            time(count, keys, |key| {
                let value = store.get(&format!("key/{key}"))?;
                ensure!(value.is_some_and(|value| value.len() == VALUE_BYTES), "key/{key}");
                Ok(())
            })
        }
        "/sql" => {
            let connection = Connection::open_default()?;
            time(count, keys, |key| {
                let statement = "SELECT value FROM entries WHERE id = ?";
                let found = connection.execute(statement, &[Value::Integer(key as i64)])?;
                ensure!(found.rows.len() == 1, "entry {key}");
                Ok(())
            })
        }
        "/redis" => {
            let address = parameter(request.query(), "address").context("address is needed")?;
            let connection = redis::Connection::open(address)?;
            time(count, keys, |key| {
                let value = connection.get(&format!("key/{key}"))?;
                ensure!(value.is_some_and(|value| value.len() == VALUE_BYTES), "key/{key}");
                Ok(())
            })
        }
        path => anyhow::bail!("there is no {path}"),
    }?;
    Ok(Response::builder().status(200).body(format!("{}\n", percentiles(times))).build())
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// Each call's nanoseconds, that of reading the clock once included.
fn time(
    count: u64,
    keys: u64,
    mut call: impl FnMut(u64) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<u64>> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut times = Vec::with_capacity(count as usize);
    for _ in 0..count {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let began = Instant::now();
        call(random % keys)?;
        times.push(began.elapsed().as_nanos() as u64);
    }
    times.sort_unstable();
    Ok(times)
}

fn percentiles(times: Vec<u64>) -> String {
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    format!(
        "{{\"min\": {}, \"p50\": {}, \"p90\": {}, \"p99\": {}, \"max\": {}}}",
        at(0.0),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    )
}
