//! A connection to a Postgres server.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use futures::TryStreamExt;
use tokio_postgres::config::Host;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_postgres::{Client, Config, Error, RowStream, Statement};

use super::postgres_parameter::Encoded;
use super::postgres_value::{Parameter, Value};
use super::socket::{Allowance, Socket};
use super::{Failure, RESULT_BYTES_MAX, ROWS_MAX, check_parameters, check_statement};
use crate::call::CallError;
use crate::stdio::HostSlot;

const PORT: u16 = 5432;

type Driver = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

pub struct Postgres {
    client: Client,
    /// What moves the bytes, while somebody waits; none: the connection has ended.
    driver: Option<Driver>,
    allowance: Allowance,
}

pub struct Rows {
    pub columns: Vec<(String, tokio_postgres::types::Type)>,
    pub rows: Vec<Vec<Value>>,
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Failure {
        Failure::Connection(error.message)
    }
}

/// What happened, and why.
fn text_of(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn failure(error: Error) -> Failure {
    let text = text_of(&error);
    match error.as_db_error() {
        Some(said) => Failure::Server(Box::new(said.clone()), text),
        None => Failure::Query(text),
    }
}

impl Postgres {
    /// `address` is a URL or "key=value …", as libpq has them; `authorities` are PEM. Nothing that
    /// fails repeats a password.
    pub async fn open(
        host: Arc<HostSlot>,
        address: &str,
        authorities: Option<&str>,
    ) -> Result<Postgres, Failure> {
        let config: Config = address.parse().map_err(|error| {
            Failure::Connection(format!("the address is no Postgres one: {}", text_of(&error)))
        })?;
        if config.get_user().is_none() {
            return Err(Failure::Connection("the address names no user".to_owned()));
        }
        let mut last = Failure::Connection("the address names no host".to_owned());
        for (index, name) in config.get_hosts().iter().enumerate() {
            let Host::Tcp(name) = name else {
                last = Failure::Connection("only hosts with a name or an IP address".to_owned());
                continue;
            };
            let ports = config.get_ports();
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(PORT);
            match Postgres::connect(host.clone(), &config, name, port, authorities).await {
                Ok(connected) => return Ok(connected),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    async fn connect(
        host: Arc<HostSlot>,
        config: &Config,
        name: &str,
        port: u16,
        authorities: Option<&str>,
    ) -> Result<Postgres, Failure> {
        let socket = Socket::connect(host, "postgres", name, port).await?;
        let allowance = socket.allowance();
        allowance.set(RESULT_BYTES_MAX);
        let tls = Tls { name: name.to_owned(), authorities: authorities.map(str::to_owned) };
        let connected = config.connect_raw(socket, tls).await;
        let (client, connection) =
            connected.map_err(|error| Failure::Connection(text_of(&error)))?;
        Ok(Postgres { client, driver: Some(Box::pin(connection)), allowance })
    }

    pub async fn query(
        &mut self,
        statement: &str,
        parameters: &[Parameter],
    ) -> Result<Rows, Failure> {
        let Postgres { client, driver, allowance } = self;
        let work = async {
            let (prepared, rows) = begin(client, allowance, statement, parameters).await?;
            let columns = prepared.columns().iter();
            let columns =
                columns.map(|column| (column.name().to_owned(), column.type_().clone())).collect();
            Ok(Rows { columns, rows: collect(rows).await? })
        };
        drive(driver, work).await
    }

    /// How many rows it has changed.
    pub async fn execute(
        &mut self,
        statement: &str,
        parameters: &[Parameter],
    ) -> Result<u64, Failure> {
        let Postgres { client, driver, allowance } = self;
        let work = async {
            let (_prepared, rows) = begin(client, allowance, statement, parameters).await?;
            let mut rows = pin!(rows);
            while rows.try_next().await.map_err(failure)?.is_some() {}
            Ok(rows.rows_affected().unwrap_or_default())
        };
        drive(driver, work).await
    }
}

async fn begin(
    client: &Client,
    allowance: &Allowance,
    statement: &str,
    parameters: &[Parameter],
) -> Result<(Statement, RowStream), Failure> {
    check_statement(statement)?;
    allowance.set(RESULT_BYTES_MAX);
    let prepared = client.prepare(statement).await.map_err(failure)?;
    if prepared.params().len() != parameters.len() {
        return Err(Failure::parameter_count(prepared.params().len(), parameters.len()));
    }
    let mut bytes = 0;
    let mut encoded = Vec::with_capacity(parameters.len());
    for (index, (parameter, ty)) in parameters.iter().zip(prepared.params()).enumerate() {
        let value = Encoded::new(parameter, ty)
            .map_err(|problem| Failure::Parameter(format!("parameter {}: {problem}", index + 1)))?;
        bytes += value.len() as u64;
        encoded.push(value);
    }
    check_parameters(bytes)?;
    let rows = client.query_raw(&prepared, &encoded).await.map_err(failure)?;
    Ok((prepared, rows))
}

async fn collect(rows: RowStream) -> Result<Vec<Vec<Value>>, Failure> {
    let mut rows = pin!(rows);
    let mut collected = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(failure)? {
        if collected.len() == ROWS_MAX {
            return Err(Failure::too_large());
        }
        let values = (0..row.len()).map(|index| row.try_get(index)).collect::<Result<_, _>>();
        collected.push(values.map_err(|error| Failure::Conversion(text_of(&error)))?);
    }
    Ok(collected)
}

/// Waits for `work`, and moves the connection's bytes meanwhile.
async fn drive<T>(
    driver: &mut Option<Driver>,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let mut work = pin!(work);
    let mut ended = None;
    poll_fn(|cx| {
        if let Some(connection) = driver
            && let Poll::Ready(outcome) = connection.as_mut().poll(cx)
        {
            *driver = None;
            ended = outcome.err().map(|error| Failure::Query(text_of(&error)));
        }
        match work.as_mut().poll(cx) {
            // Why the connection has ended says more than that it has.
            Poll::Ready(Err(Failure::Query(closed))) => {
                Poll::Ready(Err(ended.take().unwrap_or(Failure::Query(closed))))
            }
            Poll::Pending if driver.is_none() => {
                let closed = || Failure::Query("the server has closed the connection".to_owned());
                Poll::Ready(Err(ended.take().unwrap_or_else(closed)))
            }
            outcome => outcome,
        }
    })
    .await
}

/// Has the host do the handshake, where the server agrees to one.
struct Tls {
    name: String,
    authorities: Option<String>,
}

impl TlsConnect<Socket> for Tls {
    type Stream = Socket;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Socket>> + Send>>;

    fn connect(self, mut socket: Socket) -> Self::Future {
        Box::pin(async move {
            let secured = socket.secure(&self.name, self.authorities.as_deref()).await;
            secured.map_err(|error| io::Error::other(error.message))?;
            Ok(socket)
        })
    }
}

impl TlsStream for Socket {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
