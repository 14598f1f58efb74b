//! `spin:sqlite@3.x`, `fermyon:spin/sqlite@2.0.0`, and the one without a version, whose connections
//! are numbers.

use wasmtime::StoreContextMut;
use wasmtime::component::{
    Accessor, FutureReader, Linker, LinkerInstance, Resource, ResourceType, StreamReader,
};

use super::sql::{self, Connection, Error, QueryResult, Row, Value};
use crate::interface::stream;
use crate::state::GuestState;

const VERSION_3_1: &str = "spin:sqlite/sqlite@3.1.0";
const VERSION_3_0: &str = "spin:sqlite/sqlite@3.0.0";
const VERSION_2: &str = "fermyon:spin/sqlite@2.0.0";
const UNVERSIONED: &str = "fermyon:spin/sqlite";
pub const NAMES: [&str; 4] = [VERSION_3_1, VERSION_3_0, VERSION_2, UNVERSIONED];

type Context<'a> = StoreContextMut<'a, GuestState>;
type Guest = Accessor<GuestState>;
type Execute<H> = (H, String, Vec<Value>);

async fn open(mut context: Context<'_>, database: String) -> Result<Resource<Connection>, Error> {
    let answer = sql::open(context.data(), &database).await;
    sql::opened(context.data_mut(), database, answer)
}

async fn execute(
    mut context: Context<'_>,
    (connection, statement, parameters): Execute<Resource<Connection>>,
) -> Result<QueryResult, Error> {
    let call = sql::execute(context.data(), &connection, &statement, &parameters)?;
    let answer = call.await;
    sql::executed(context.data_mut(), &connection, answer)
}

fn add_connection(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    interface.resource(
        "connection",
        ResourceType::host::<Connection>(),
        |mut context, handle| {
            sql::close(context.data_mut(), handle);
            Ok(())
        },
    )?;
    interface.func_wrap_async(
        "[static]connection.open",
        |context: Context<'_>, (database,): (String,)| {
            Box::new(async move { Ok((open(context, database).await,)) })
        },
    )?;
    interface.func_wrap_async(
        "[method]connection.execute",
        |context: Context<'_>, arguments: Execute<Resource<Connection>>| {
            Box::new(async move { Ok((execute(context, arguments).await,)) })
        },
    )
}

fn add_counts(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    interface.func_wrap(
        "[method]connection.last-insert-rowid",
        |context: Context<'_>, (connection,): (Resource<Connection>,)| {
            Ok((context.data().table.get(&connection)?.last_insert_rowid,))
        },
    )?;
    interface.func_wrap(
        "[method]connection.changes",
        |context: Context<'_>, (connection,): (Resource<Connection>,)| {
            Ok((context.data().table.get(&connection)?.changes,))
        },
    )
}

fn add_unversioned(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    interface.func_wrap_async("open", |context: Context<'_>, (database,): (String,)| {
        Box::new(async move { Ok((open(context, database).await.map(|opened| opened.rep()),)) })
    })?;
    interface.func_wrap_async(
        "execute",
        |context: Context<'_>, (connection, statement, parameters): Execute<u32>| {
            let arguments = (Resource::new_borrow(connection), statement, parameters);
            Box::new(async move { Ok((execute(context, arguments).await,)) })
        },
    )?;
    interface.func_wrap("close", |mut context: Context<'_>, (connection,): (u32,)| {
        sql::close(context.data_mut(), connection);
        Ok(())
    })
}

/// The names of columns, the rows, and how they ended.
type Streamed = (Vec<String>, StreamReader<Row>, FutureReader<Result<(), Error>>);

/// The rows are all there when the first is read: a session goes on with its next statement,
/// however slowly its guest reads.
async fn execute_streamed(
    guest: &Guest,
    (connection, statement, parameters): Execute<Resource<Connection>>,
) -> wasmtime::Result<Result<Streamed, Error>> {
    let call = guest
        .with(|mut access| sql::execute(access.data_mut(), &connection, &statement, &parameters));
    let answer = match call {
        Ok(call) => call.await,
        Err(error) => return Ok(Err(error)),
    };
    guest.with(|mut access| {
        let result = match sql::executed(access.data_mut(), &connection, answer) {
            Ok(result) => result,
            Err(error) => return Ok(Err(error)),
        };
        let (rows, outcome) = stream(&mut access, result.rows)?;
        Ok(Ok((result.columns, rows, outcome)))
    })
}

fn add_asynchronous(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    interface.func_wrap_concurrent(
        "[static]connection.open-async",
        |guest: &Guest, (database,): (String,)| {
            Box::pin(async move {
                let call = guest.with(|mut access| sql::open(access.data_mut(), &database));
                let answer = call.await;
                let opened =
                    guest.with(|mut access| sql::opened(access.data_mut(), database, answer));
                Ok((opened,))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]connection.execute-async",
        |guest: &Guest, arguments: Execute<Resource<Connection>>| {
            Box::pin(async move { Ok((execute_streamed(guest, arguments).await?,)) })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]connection.last-insert-rowid-async",
        |guest: &Guest, (connection,): (Resource<Connection>,)| {
            Box::pin(async move {
                guest.with(|mut access| {
                    Ok((access.data_mut().table.get(&connection)?.last_insert_rowid,))
                })
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]connection.changes-async",
        |guest: &Guest, (connection,): (Resource<Connection>,)| {
            Box::pin(async move {
                guest.with(|mut access| Ok((access.data_mut().table.get(&connection)?.changes,)))
            })
        },
    )
}

pub fn add_to_linker(linker: &mut Linker<GuestState>, concurrent: bool) -> wasmtime::Result<()> {
    for name in [VERSION_2, VERSION_3_0, VERSION_3_1] {
        add_connection(&mut linker.instance(name)?)?;
    }
    for name in [VERSION_3_0, VERSION_3_1] {
        add_counts(&mut linker.instance(name)?)?;
    }
    add_unversioned(&mut linker.instance(UNVERSIONED)?)?;
    if concurrent {
        add_asynchronous(&mut linker.instance(VERSION_3_1)?)?;
    }
    Ok(())
}
