//! A connection to a MySQL or MariaDB server: client protocol 4.1 with prepared statements.

use std::sync::Arc;

use bytes::BytesMut;
use mysql_common::auth::plugins::{AuthProc, ChallengeResponsePlugin};
use mysql_common::constants::{CapabilityFlags, Command, StatusFlags};
use mysql_common::io::ParseBuf;
use mysql_common::packets::{
    AuthPlugin, AuthSwitchRequest, Column, ComStmtClose, ComStmtExecuteRequestBuilder,
    CommonOkPacket, ErrPacket, HandshakePacket, HandshakeResponse, OkPacketDeserializer,
    ResultSetTerminator, SslRequest, StmtPacket,
};
use mysql_common::proto::codec::PacketCodec;
use mysql_common::proto::{Binary, MySerialize};
use mysql_common::row::RowDeserializer;
use mysql_common::value::{ServerSide, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::Client;
use super::mysql_address::Address;
use super::mysql_value::{column_of, parameter_of, value_of};
use super::rdbms::{self, Parameter};
use super::socket::Socket;
use super::{Failure, RESULT_BYTES_MAX, ROWS_MAX, check_parameters, check_statement};
use crate::stdio::HostSlot;

const COLUMNS_MAX: u64 = 4096;

const OK: u8 = 0x00;
const MORE_DATA: u8 = 0x01;
const LOCAL_FILE: u8 = 0xfb;
const END: u8 = 0xfe;
const ERROR: u8 = 0xff;

/// What we ask of a server. Never to read files of ours (LOCAL INFILE).
const WANTED: CapabilityFlags = CapabilityFlags::CLIENT_LONG_PASSWORD
    .union(CapabilityFlags::CLIENT_LONG_FLAG)
    .union(CapabilityFlags::CLIENT_PROTOCOL_41)
    .union(CapabilityFlags::CLIENT_TRANSACTIONS)
    .union(CapabilityFlags::CLIENT_SECURE_CONNECTION)
    .union(CapabilityFlags::CLIENT_MULTI_RESULTS)
    .union(CapabilityFlags::CLIENT_PS_MULTI_RESULTS)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA)
    .union(CapabilityFlags::CLIENT_DEPRECATE_EOF);

/// What a way of authentication may know.
struct Secrets<'a> {
    password: &'a [u8],
    scramble: &'a [u8],
    tls: bool,
}

impl mysql_common::auth::plugins::Context for &Secrets<'_> {
    fn pass(&self) -> &[u8] {
        self.password
    }

    fn is_ipc_transport(&self) -> bool {
        false
    }

    fn is_tls_transport(&self) -> bool {
        self.tls
    }

    fn scramble(&self) -> &[u8] {
        self.scramble
    }

    fn server_key_pem(&self) -> Option<&[u8]> {
        None
    }
}

pub struct Mysql {
    socket: Socket,
    codec: PacketCodec,
    unread: BytesMut,
    capabilities: CapabilityFlags,
    /// An answer was not read to its end: the next one could not be told from it.
    broken: bool,
}

fn unexpected(what: impl std::fmt::Display) -> Failure {
    Failure::Query(format!("the server has sent what it should not: {what}"))
}

impl Mysql {
    async fn connect(host: Arc<HostSlot>, address: &Address) -> Result<Mysql, Failure> {
        let socket = Socket::connect(host, "mysql", &address.host, address.port).await?;
        socket.allowance().set(RESULT_BYTES_MAX);
        let mut codec = PacketCodec::default();
        codec.max_allowed_packet = RESULT_BYTES_MAX;
        let mut connection = Mysql {
            socket,
            codec,
            unread: BytesMut::new(),
            capabilities: CapabilityFlags::empty(),
            broken: false,
        };
        match connection.greet(address).await {
            Ok(()) => Ok(connection),
            Err(Failure::Query(text)) => Err(Failure::Connection(text)),
            Err(other) => Err(other),
        }
    }

    /// The next packet, which is never empty.
    async fn packet(&mut self) -> Result<Vec<u8>, Failure> {
        let mut packet = Vec::new();
        while !self.codec.decode(&mut self.unread, &mut packet).map_err(unexpected)? {
            let count = self.socket.read_buf(&mut self.unread).await;
            if count.map_err(|error| Failure::Query(error.to_string()))? == 0 {
                return Err(Failure::Query("the server has closed the connection".to_owned()));
            }
        }
        if packet.is_empty() {
            return Err(unexpected("an empty packet"));
        }
        Ok(packet)
    }

    /// The next packet; one that says an error is one.
    async fn read(&mut self) -> Result<Vec<u8>, Failure> {
        let packet = self.packet().await?;
        if packet[0] == ERROR {
            return Err(self.refusal(&packet)?);
        }
        Ok(packet)
    }

    /// What a packet that says an error says.
    fn refusal(&self, packet: &[u8]) -> Result<Failure, Failure> {
        let error = ParseBuf(packet).parse::<ErrPacket>(self.capabilities).map_err(unexpected)?;
        Ok(Failure::Query(error.to_string()))
    }

    async fn write(&mut self, mut packet: &[u8]) -> Result<(), Failure> {
        let mut framed = BytesMut::new();
        self.codec.encode(&mut packet, &mut framed).map_err(unexpected)?;
        let written = async {
            self.socket.write_all(&framed).await?;
            self.socket.flush().await
        };
        written.await.map_err(|error| Failure::Query(error.to_string()))
    }

    async fn command(&mut self, packet: &[u8]) -> Result<(), Failure> {
        self.codec.reset_seq_id();
        self.write(packet).await
    }

    async fn greet(&mut self, address: &Address) -> Result<(), Failure> {
        let packet = self.read().await?;
        let greeting = ParseBuf(&packet).parse::<HandshakePacket>(()).map_err(unexpected)?;
        let wanted = if address.tls { WANTED | CapabilityFlags::CLIENT_SSL } else { WANTED };
        let capabilities = wanted & greeting.capabilities();
        let size = RESULT_BYTES_MAX as u32;
        let version = greeting.server_version_parsed().unwrap_or((8, 0, 0));
        if address.tls {
            if !capabilities.contains(CapabilityFlags::CLIENT_SSL) {
                return Err(Failure::Connection("the server does not offer TLS".to_owned()));
            }
            if !self.unread.is_empty() {
                return Err(unexpected("more before TLS than its greeting"));
            }
            let mut request = Vec::new();
            SslRequest::new(capabilities, size, CHARSET).serialize(&mut request);
            self.write(&request).await?;
            self.socket.secure(&address.host, None).await?;
        }
        let nonce = greeting.nonce();
        let plugin = match greeting.auth_plugin() {
            Some(AuthPlugin::CachingSha2Password) => AuthPlugin::CachingSha2Password,
            _ => AuthPlugin::MysqlNativePassword,
        };
        let mut way = begin(&plugin, address.tls)?;
        let first = step(&mut way, address, &nonce, &nonce)?;
        let response = HandshakeResponse::new(
            first,
            version,
            Some(address.user.as_bytes()),
            address.database.as_ref().map(|name| name.as_bytes()),
            Some(plugin),
            capabilities,
            None,
            size,
        );
        let mut packet = Vec::new();
        response.serialize(&mut packet);
        self.capabilities = capabilities;
        self.write(&packet).await?;
        self.authenticate(address, way, nonce).await
    }

    async fn authenticate(
        &mut self,
        address: &Address,
        mut way: AuthProc,
        mut nonce: Vec<u8>,
    ) -> Result<(), Failure> {
        // Each way has a few steps, and a server changes its mind once.
        for _ in 0..8 {
            let packet = self.read().await?;
            let answer = match packet[0] {
                OK => return Ok(()),
                END => {
                    let request =
                        ParseBuf(&packet).parse::<AuthSwitchRequest>(()).map_err(unexpected)?;
                    way = begin(&request.auth_plugin(), address.tls)?;
                    nonce = request.plugin_data().to_vec();
                    Some(step(&mut way, address, &nonce, &nonce)?.unwrap_or_default())
                }
                MORE_DATA => step(&mut way, address, &nonce, &packet[1..])?,
                other => return Err(unexpected(format_args!("a packet {other:#04x}"))),
            };
            if let Some(answer) = answer {
                self.write(&answer).await?;
            }
        }
        Err(Failure::Connection("the server's authentication does not come to an end".to_owned()))
    }

    /// The definitions of so many columns, and their end.
    async fn columns(&mut self, count: u64) -> Result<Vec<Column>, Failure> {
        if count > COLUMNS_MAX {
            return Err(unexpected(format_args!("{count} columns")));
        }
        let mut columns = Vec::new();
        for _ in 0..count {
            let packet = self.read().await?;
            columns.push(ParseBuf(&packet).parse::<Column>(()).map_err(unexpected)?);
        }
        if count > 0 && !self.capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF) {
            self.read().await?;
        }
        Ok(columns)
    }

    /// The first result; others, as of a procedure, are read and left.
    async fn run(
        &mut self,
        statement: &str,
        parameters: Vec<Parameter>,
    ) -> Result<rdbms::RowSet, Failure> {
        if self.broken {
            return Err(Failure::Query("the connection has failed before".to_owned()));
        }
        check_statement(statement)?;
        let parameters: Vec<Value> = parameters.into_iter().map(parameter_of).collect();
        check_parameters(parameters.iter().map(Value::bin_len).sum())?;
        self.socket.allowance().set(RESULT_BYTES_MAX);
        let mut packet = vec![Command::COM_STMT_PREPARE as u8];
        packet.extend_from_slice(statement.as_bytes());
        self.command(&packet).await?;
        // A server's refusal is a whole answer; everything else that ends early is not.
        let packet = self.read().await?;
        self.broken = true;
        let prepared = ParseBuf(&packet).parse::<StmtPacket>(()).map_err(unexpected)?;
        self.columns(prepared.num_params().into()).await?;
        self.columns(prepared.num_columns().into()).await?;
        let wanted = usize::from(prepared.num_params());
        let result = if wanted == parameters.len() {
            self.execute_prepared(prepared.statement_id(), &parameters).await
        } else {
            self.broken = false;
            Err(Failure::parameter_count(wanted, parameters.len()))
        };
        if !self.broken {
            let mut close = Vec::new();
            ComStmtClose::new(prepared.statement_id()).serialize(&mut close);
            self.command(&close).await?;
        }
        result
    }

    async fn execute_prepared(
        &mut self,
        statement: u32,
        parameters: &[Value],
    ) -> Result<rdbms::RowSet, Failure> {
        let (request, _) = ComStmtExecuteRequestBuilder::new(statement).build(parameters);
        let mut packet = Vec::new();
        request.serialize(&mut packet);
        self.command(&packet).await?;
        let mut first = None;
        loop {
            let (result, more) = self.result(first.is_none()).await?;
            let kept = first.get_or_insert(result);
            if !more {
                self.broken = false;
                return std::mem::replace(kept, Err(Failure::too_large()));
            }
        }
    }

    /// One result, kept or only read, and whether another follows. The outer error ends the
    /// connection, unless it is the server's.
    async fn result(
        &mut self,
        keep: bool,
    ) -> Result<(Result<rdbms::RowSet, Failure>, bool), Failure> {
        let empty = rdbms::RowSet { columns: Vec::new(), rows: Vec::new() };
        let packet = self.packet().await?;
        match packet[0] {
            ERROR => {
                let refusal = self.refusal(&packet)?;
                // The server's answer is whole.
                self.broken = false;
                return Err(refusal);
            }
            OK => {
                let ok = ParseBuf(&packet)
                    .parse::<OkPacketDeserializer<CommonOkPacket>>(self.capabilities)
                    .map_err(unexpected)?
                    .into_inner();
                return Ok((Ok(empty), more(ok.status_flags())));
            }
            LOCAL_FILE => return Err(unexpected("a wish for a file of ours")),
            _ => {}
        }
        let count = ParseBuf(&packet).checked_eat_lenenc_int();
        let count = count.ok_or_else(|| unexpected("a result without a number of columns"))?;
        let columns: Arc<[Column]> = self.columns(count).await?.into();
        let mut result = Ok(rdbms::RowSet {
            columns: columns.iter().map(column_of).collect(),
            rows: Vec::new(),
        });
        loop {
            let packet = self.read().await?;
            if packet[0] == END && packet.len() < 0xff_ffff {
                return Ok((result, more(self.status_at_end(&packet)?)));
            }
            if keep {
                result = result.and_then(|kept| add_row(kept, &packet, &columns));
            }
        }
    }

    fn status_at_end(&self, packet: &[u8]) -> Result<StatusFlags, Failure> {
        if self.capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF) {
            let ok = ParseBuf(packet)
                .parse::<OkPacketDeserializer<ResultSetTerminator>>(self.capabilities)
                .map_err(unexpected)?;
            return Ok(ok.into_inner().status_flags());
        }
        match packet {
            [_, _, _, low, high, ..] => {
                Ok(StatusFlags::from_bits_truncate(u16::from_le_bytes([*low, *high])))
            }
            _ => Err(unexpected("a short end of rows")),
        }
    }
}

/// utf8mb4_general_ci
const CHARSET: u8 = 45;

fn more(status: StatusFlags) -> bool {
    status.contains(StatusFlags::SERVER_MORE_RESULTS_EXISTS)
}

fn add_row(
    mut kept: rdbms::RowSet,
    packet: &[u8],
    columns: &Arc<[Column]>,
) -> Result<rdbms::RowSet, Failure> {
    if kept.rows.len() == ROWS_MAX {
        return Err(Failure::too_large());
    }
    let row = ParseBuf(packet)
        .parse::<RowDeserializer<ServerSide, Binary>>(columns.clone())
        .map_err(unexpected)?
        .into_inner();
    let types: Vec<_> = kept.columns.iter().map(|column| column.data_type).collect();
    let values = row.unwrap().into_iter().zip(types).map(|(value, ty)| value_of(value, ty));
    kept.rows.push(values.collect::<Result<_, _>>()?);
    Ok(kept)
}

/// A password in the clear goes through TLS alone; the way of before 2004 is none.
fn begin(plugin: &AuthPlugin<'_>, tls: bool) -> Result<AuthProc, Failure> {
    let refused = match plugin {
        AuthPlugin::MysqlOldPassword => true,
        AuthPlugin::MysqlClearPassword => !tls,
        _ => false,
    };
    if refused {
        let message = "the server asks for the password in a form that is not safe here: use TLS";
        return Err(Failure::Connection(message.to_owned()));
    }
    plugin.init().map_err(|error| Failure::Connection(error.to_string()))
}

/// What to send, if anything.
fn step(
    way: &mut AuthProc,
    address: &Address,
    scramble: &[u8],
    challenge: &[u8],
) -> Result<Option<Vec<u8>>, Failure> {
    let secrets = Secrets { password: address.password.as_bytes(), scramble, tls: address.tls };
    let response = way.run(&secrets, challenge);
    let response = response.map_err(|error| Failure::Connection(error.to_string()))?;
    Ok(response.data().map(<[u8]>::to_vec))
}

impl Client for Mysql {
    type Executed = ();

    async fn open(host: Arc<HostSlot>, address: &str) -> Result<Mysql, Failure> {
        Mysql::connect(host, &Address::parse(address)?).await
    }

    async fn query(
        &mut self,
        statement: &str,
        parameters: Vec<Parameter>,
    ) -> Result<rdbms::RowSet, Failure> {
        self.run(statement, parameters).await
    }

    async fn execute(
        &mut self,
        statement: &str,
        parameters: Vec<Parameter>,
    ) -> Result<(), Failure> {
        self.run(statement, parameters).await.map(drop)
    }
}
