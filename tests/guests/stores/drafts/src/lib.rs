//! Stores by the interfaces that no SDK speaks any more, or not yet: both drafts of
//! `wasi:keyvalue`, `fermyon:spin/key-value` and `fermyon:spin/sqlite` without a version.
//!
//! `/INTERFACE/STORE` does what the query says: `do` is the function, `key` (a list where the
//! function takes one), `value`, `delta`, `cursor`.

wit_bindgen::generate!({
    path: "wit",
    world: "drafts",
    generate_all,
});

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Drafts;

/// The query, without any escapes.
struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    fn get(&self, name: &str) -> &'a str {
        self.all(name).into_iter().next().unwrap_or_default()
    }

    fn all(&self, name: &str) -> Vec<&'a str> {
        let pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).collect()
    }

    fn owned(&self, name: &str) -> Vec<String> {
        self.all(name).into_iter().map(str::to_owned).collect()
    }

    fn pairs(&self) -> Vec<(String, Vec<u8>)> {
        let values = self.all("value").into_iter().map(|value| value.as_bytes().to_vec());
        self.owned("key").into_iter().zip(values).collect()
    }
}

fn text(value: Vec<u8>) -> String {
    String::from_utf8_lossy(&value).into_owned()
}

/// What both drafts have in common.
macro_rules! common {
    ($store:ident, $batch:ident, $bucket:expr, $query:expr) => {{
        let key = $query.get("key");
        let value = $query.get("value").as_bytes();
        match $query.get("do") {
            "get" => format!("{:?}", $bucket.get(key)?.map(text)),
            "set" => format!("{:?}", $bucket.set(key, value)?),
            "delete" => format!("{:?}", $bucket.delete(key)?),
            "exists" => format!("{:?}", $bucket.exists(key)?),
            "set-many" => format!("{:?}", $batch::set_many($bucket, &$query.pairs())?),
            "delete-many" => format!("{:?}", $batch::delete_many($bucket, &$query.owned("key"))?),
            other => format!("there is no function {other}"),
        }
    }};
}

fn draft(
    label: &str,
    query: &Query<'_>,
) -> Result<String, wasi::keyvalue0_2_0_draft::store::Error> {
    use wasi::keyvalue0_2_0_draft::{atomics, batch, store};
    let bucket = &store::open(label)?;
    Ok(match query.get("do") {
        "keys" => {
            let page = bucket.list_keys(query.get("cursor").parse().ok())?;
            format!("{} {:?} {:?}", page.keys.len(), page.keys.last(), page.cursor)
        }
        "next-page" => {
            let first = bucket.list_keys(None)?;
            let second = bucket.list_keys(first.cursor)?;
            format!("{} {}", first.keys.len(), second.keys.len())
        }
        "increment" => {
            let delta = query.get("delta").parse().unwrap_or_default();
            format!("{}", atomics::increment(bucket, query.get("key"), delta)?)
        }
        "get-many" => {
            let pairs = batch::get_many(bucket, &query.owned("key"))?;
            let shown = pairs.into_iter().map(|pair| pair.map(|(key, value)| (key, text(value))));
            format!("{:?}", shown.collect::<Vec<_>>())
        }
        _ => common!(store, batch, bucket, query),
    })
}

fn draft2(
    label: &str,
    query: &Query<'_>,
) -> Result<String, wasi::keyvalue0_2_0_draft2::store::Error> {
    use wasi::keyvalue0_2_0_draft2::{atomics, batch, store};
    let bucket = &store::open(label)?;
    let key = query.get("key");
    let value = query.get("value").as_bytes();
    Ok(match query.get("do") {
        "keys" => {
            let cursor = Some(query.get("cursor")).filter(|cursor| !cursor.is_empty());
            let page = bucket.list_keys(cursor)?;
            format!("{} {:?} {:?}", page.keys.len(), page.keys.last(), page.cursor)
        }
        "increment" => {
            let delta = query.get("delta").parse().unwrap_or_default();
            format!("{}", atomics::increment(bucket, key, delta)?)
        }
        "get-many" => {
            let pairs = batch::get_many(bucket, &query.owned("key"))?;
            let shown = pairs.into_iter().map(|(key, value)| (key, value.map(text)));
            format!("{:?}", shown.collect::<Vec<_>>())
        }
        // Two who prepared the same swap: the second one learns what is there now, and tries again.
        "race" => {
            let first = atomics::Cas::new(bucket, key)?;
            let second = atomics::Cas::new(bucket, key)?;
            let before = first.current()?.map(text);
            let won = atomics::swap(first, value).is_ok();
            match atomics::swap(second, b"lost") {
                Ok(()) => "both have won".to_owned(),
                Err(atomics::CasError::StoreError(error)) => format!("error: {error:?}"),
                Err(atomics::CasError::CasFailed(again)) => {
                    let seen = again.current()?.map(text);
                    let swapped = atomics::swap(again, b"in the end").is_ok();
                    format!("{before:?} {won} {seen:?} {swapped}")
                }
            }
        }
        _ => common!(store, batch, bucket, query),
    })
}

fn unversioned(name: &str, query: &Query<'_>) -> Result<String, fermyon::spin::key_value::Error> {
    use fermyon::spin::key_value as kv;
    let store = kv::open(name)?;
    let key = query.get("key");
    let answer = match query.get("do") {
        "get" => format!("{:?}", kv::get(store, key).map(text)?),
        "set" => format!("{:?}", kv::set(store, key, query.get("value").as_bytes())?),
        "delete" => format!("{:?}", kv::delete(store, key)?),
        "exists" => format!("{:?}", kv::exists(store, key)?),
        "closed" => {
            kv::close(store);
            kv::close(store);
            format!("{:?}", kv::get(store, key)?)
        }
        "forged" => format!("{:?}", kv::get(store + 1000, key)?),
        _ => format!("{:?}", kv::get_keys(store)?),
    };
    kv::close(store);
    Ok(answer)
}

fn sql(database: &str, query: &Query<'_>) -> Result<String, fermyon::spin::sqlite::Error> {
    use fermyon::spin::sqlite::{self, Value};
    let connection = sqlite::open(database)?;
    let statement = query.get("statement").replace('+', " ");
    let parameters = query.all("value").into_iter().map(|text| Value::Text(text.to_owned()));
    let result = sqlite::execute(connection, &statement, &parameters.collect::<Vec<_>>())?;
    let rows: Vec<_> = result.rows.into_iter().map(|row| row.values).collect();
    sqlite::close(connection);
    Ok(format!("{:?} {rows:?}", result.columns))
}

impl wasip2::exports::http::incoming_handler::Guest for Drafts {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = Query(query);
        let (interface, name) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
        let answer = match interface {
            "draft" => draft(name, &query).map_err(|error| format!("{error:?}")),
            "draft2" => draft2(name, &query).map_err(|error| format!("{error:?}")),
            "unversioned" => unversioned(name, &query).map_err(|error| format!("{error:?}")),
            _ => sql(name, &query).map_err(|error| format!("{error:?}")),
        };
        let body = answer.unwrap_or_else(|error| format!("error: {error}"));
        let response = OutgoingResponse::new(Fields::new());
        let outgoing = response.body().expect("the body is there once");
        ResponseOutparam::set(response_out, Ok(response));
        let stream = outgoing.write().expect("the stream is there once");
        stream.blocking_write_and_flush(body.as_bytes()).expect("the text is short");
        drop(stream);
        OutgoingBody::finish(outgoing, None).expect("the body is whole");
    }
}

wasip2::http::proxy::export!(Drafts);
