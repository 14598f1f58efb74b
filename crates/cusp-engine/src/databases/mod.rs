//! Servers that guests reach beside HTTP and Redis: Postgres, MySQL and MQTT, under all the names
//! that guests know them by. The protocols are spoken here, over sockets of the host's.

mod client;
mod mqtt;
mod mqtt_spin;
mod mysql;
mod mysql_address;
mod mysql_value;
mod postgres;
mod postgres_parameter;
mod postgres_spin;
mod postgres_spin3;
mod postgres_value;
mod rdbms;
mod socket;
mod variants;

use std::sync::Arc;

use futures::lock::Mutex;
use wasmtime::component::{Linker, Resource, ResourceTableError};

use crate::state::GuestState;

/// Of the answer to one statement.
const RESULT_BYTES_MAX: usize = 32 << 20;
const ROWS_MAX: usize = 100_000;
/// Of one statement and of its parameters together.
const STATEMENT_BYTES_MAX: usize = 1 << 20;
const PARAMETERS_BYTES_MAX: u64 = 15 << 20;

/// What goes wrong with a database, in the words of Spin's interfaces.
#[derive(Debug)]
pub enum Failure {
    Connection(String),
    Parameter(String),
    Query(String),
    /// What the server itself has said of a query.
    Server(Box<tokio_postgres::error::DbError>, String),
    Conversion(String),
    Other(String),
}

impl Failure {
    fn too_large() -> Failure {
        Failure::Query(format!(
            "the result is larger than {ROWS_MAX} rows or {RESULT_BYTES_MAX} bytes: ask for less"
        ))
    }

    fn parameter_count(wanted: usize, given: usize) -> Failure {
        Failure::Parameter(format!("the statement wants {wanted} parameters, not {given}"))
    }
}

fn check_statement(statement: &str) -> Result<(), Failure> {
    if statement.len() <= STATEMENT_BYTES_MAX {
        return Ok(());
    }
    Err(Failure::Parameter(format!("a statement has {STATEMENT_BYTES_MAX} bytes at most")))
}

/// `bytes` is what they have together, in the form that they are sent in.
fn check_parameters(bytes: u64) -> Result<(), Failure> {
    if bytes <= PARAMETERS_BYTES_MAX {
        return Ok(());
    }
    let message = format!("parameters have {PARAMETERS_BYTES_MAX} bytes together at most");
    Err(Failure::Parameter(message))
}

impl From<ResourceTableError> for Failure {
    fn from(error: ResourceTableError) -> Failure {
        Failure::Other(error.to_string())
    }
}

/// A connection that a guest has opened; it serves one call after the other.
struct Connection<C>(Arc<Mutex<C>>);

impl<C: Send + 'static> Connection<C> {
    fn push(state: &mut GuestState, client: C) -> Result<Resource<Self>, ResourceTableError> {
        state.table.push(Connection(Arc::new(Mutex::new(client))))
    }

    fn client(
        state: &GuestState,
        connection: &Resource<Self>,
    ) -> Result<Arc<Mutex<C>>, ResourceTableError> {
        Ok(state.table.get(connection)?.0.clone())
    }
}

pub fn serves(name: &str) -> bool {
    rdbms::NAMES.contains(&name)
        || postgres_spin3::NAME == name
        || postgres_spin::NAMES.contains(&name)
        || mqtt_spin::NAMES.contains(&name)
}

pub fn add_to_linker(linker: &mut Linker<GuestState>, concurrent: bool) -> wasmtime::Result<()> {
    rdbms::add_to_linker(linker, concurrent)?;
    postgres_spin3::add_to_linker(linker)?;
    postgres_spin::add_to_linker(linker, concurrent)?;
    mqtt_spin::add_to_linker(linker, concurrent)
}
