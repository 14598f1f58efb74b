//! What Postgres and MySQL have in common for the interfaces of rdbms.rs.

use std::sync::Arc;

use wasmtime::component::{ComponentType, Lower};

use super::Failure;
use super::rdbms::{Parameter, RowSet};
use crate::stdio::HostSlot;

/// A connection to a database.
pub trait Client: Sized + Send + 'static {
    /// What `execute` answers.
    type Executed: ComponentType + Lower + Send + Sync + 'static;

    fn open(
        host: Arc<HostSlot>,
        address: &str,
    ) -> impl Future<Output = Result<Self, Failure>> + Send;
    fn query(
        &mut self,
        statement: &str,
        parameters: Vec<Parameter>,
    ) -> impl Future<Output = Result<RowSet, Failure>> + Send;
    fn execute(
        &mut self,
        statement: &str,
        parameters: Vec<Parameter>,
    ) -> impl Future<Output = Result<Self::Executed, Failure>> + Send;
}
