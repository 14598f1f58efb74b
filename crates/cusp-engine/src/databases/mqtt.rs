//! A connection to an MQTT 3.1.1 server, which publishes.

use std::io;
use std::sync::Arc;

use mqtt_protocol_core::mqtt::Connection;
use mqtt_protocol_core::mqtt::Version;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{Event, role};
use mqtt_protocol_core::mqtt::packet::v3_1_1::{Connect, Publish};
use mqtt_protocol_core::mqtt::packet::{GenericPacketTrait, Packet, Qos};
use mqtt_protocol_core::mqtt::result_code::{ConnectReturnCode, MqttError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

use super::Failure;
use super::socket::Socket;
use crate::stdio::HostSlot;

/// Of what a server sends in answer to one message: who subscribes to nothing gets little.
const ANSWER_BYTES_MAX: usize = 64 << 10;
const PAYLOAD_BYTES_MAX: usize = 1 << 20;
const TOPIC_BYTES_MAX: usize = 65_535;

pub struct Address {
    host: String,
    port: u16,
    tls: bool,
    /// Empty: the server makes one up.
    client: String,
}

impl Address {
    /// "mqtt://host:port?client_id=…", or "mqtts://".
    pub fn parse(text: &str) -> Option<Address> {
        let url = Url::parse(text).ok()?;
        let (tls, port) = match url.scheme() {
            "mqtt" => (false, 1883),
            "mqtts" => (true, 8883),
            _ => return None,
        };
        let client = url.query_pairs().find(|(key, _)| key == "client_id");
        Some(Address {
            host: url.host_str()?.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(port),
            tls,
            client: client.map(|(_, name)| name.into_owned()).unwrap_or_default(),
        })
    }
}

pub struct Login {
    pub user: String,
    pub password: String,
    pub keep_alive: u16,
}

pub struct Mqtt {
    socket: Socket,
    protocol: Connection<role::Client>,
    /// Why it is of no more use.
    failed: Option<String>,
}

/// What came of the packets that were read.
enum Outcome {
    Nothing,
    Connected,
    Published,
}

fn broken(error: io::Error) -> String {
    error.to_string()
}

fn refused(error: MqttError) -> Failure {
    Failure::Other(format!("it cannot be sent: {error:?}"))
}

impl Mqtt {
    pub async fn open(
        host: Arc<HostSlot>,
        address: &Address,
        login: &Login,
    ) -> Result<Mqtt, Failure> {
        let scheme = if address.tls { "mqtts" } else { "mqtt" };
        let mut socket = Socket::connect(host, scheme, &address.host, address.port).await?;
        if address.tls {
            socket.secure(&address.host, None).await?;
        }
        let mut protocol = Connection::<role::Client>::new(Version::V3_1_1);
        protocol.set_auto_pub_response(true);
        let mut mqtt = Mqtt { socket, protocol, failed: None };
        let packet = connect(address, login).map_err(refused)?;
        let events = mqtt.protocol.checked_send(packet);
        mqtt.until_done(events).await.map_err(Failure::Connection)?;
        Ok(mqtt)
    }

    /// Returns when the server has what the quality of service promises.
    pub async fn publish(
        &mut self,
        topic: &str,
        payload: Vec<u8>,
        quality: Qos,
    ) -> Result<(), Failure> {
        if let Some(reason) = &self.failed {
            return Err(Failure::Connection(reason.clone()));
        }
        if payload.len() > PAYLOAD_BYTES_MAX || topic.len() > TOPIC_BYTES_MAX {
            let message = format!(
                "a message has {PAYLOAD_BYTES_MAX} bytes at most, and its topic {TOPIC_BYTES_MAX}"
            );
            return Err(Failure::Other(message));
        }
        let mut packet = Publish::builder().topic_name(topic).map_err(refused)?.qos(quality);
        if quality != Qos::AtMostOnce {
            packet = packet.packet_id(self.protocol.acquire_packet_id().map_err(refused)?);
        }
        let packet = packet.payload(payload).build().map_err(refused)?;
        let events = self.protocol.checked_send(packet);
        let done = if quality == Qos::AtMostOnce {
            self.handle(events).await.map(drop)
        } else {
            self.until_done(events).await
        };
        done.map_err(|reason| {
            self.failed = Some(reason.clone());
            Failure::Connection(reason)
        })
    }

    /// Reads until the server has said that it is connected, or has the message.
    async fn until_done(&mut self, events: Vec<Event>) -> Result<(), String> {
        self.socket.allowance().set(ANSWER_BYTES_MAX);
        let mut outcome = self.handle(events).await?;
        let mut piece = [0; 1024];
        while matches!(outcome, Outcome::Nothing) {
            let count = self.socket.read(&mut piece).await.map_err(broken)?;
            if count == 0 {
                return Err("the server has closed the connection".to_owned());
            }
            let mut unread = Cursor::new(&piece[..count]);
            while (unread.position() as usize) < count {
                let events = self.protocol.recv(&mut unread);
                if let done @ (Outcome::Connected | Outcome::Published) =
                    self.handle(events).await?
                {
                    outcome = done;
                }
            }
        }
        Ok(())
    }

    async fn handle(&mut self, events: Vec<Event>) -> Result<Outcome, String> {
        let mut outcome = Outcome::Nothing;
        for event in events {
            match event {
                Event::RequestSendPacket { packet, .. } => {
                    self.socket.write_all(&packet.to_continuous_buffer()).await.map_err(broken)?;
                }
                Event::NotifyPacketReceived(Packet::V3_1_1Connack(answer)) => {
                    if answer.return_code() != ConnectReturnCode::Accepted {
                        return Err(format!("the server refuses: {:?}", answer.return_code()));
                    }
                    outcome = Outcome::Connected;
                }
                Event::NotifyPacketReceived(Packet::V3_1_1Puback(_) | Packet::V3_1_1Pubcomp(_)) => {
                    outcome = Outcome::Published
                }
                Event::NotifyError(error) => {
                    return Err(format!("the server has sent what it should not: {error:?}"));
                }
                Event::RequestClose => return Err("the connection has ended".to_owned()),
                // Who publishes within one request's time does not wait long enough for a ping.
                _ => {}
            }
        }
        self.socket.flush().await.map_err(broken)?;
        Ok(outcome)
    }
}

fn connect(address: &Address, login: &Login) -> Result<Connect, MqttError> {
    let mut packet = Connect::builder()
        .client_id(address.client.as_str())?
        .clean_session(true)
        .keep_alive(login.keep_alive);
    if !login.user.is_empty() {
        packet = packet.user_name(login.user.as_str())?;
        if !login.password.is_empty() {
            packet = packet.password(login.password.as_str())?;
        }
    }
    packet.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_where_and_how() {
        let plain = Address::parse("mqtt://broker.example?client_id=a%20b").unwrap();
        assert_eq!((plain.host.as_str(), plain.port, plain.tls), ("broker.example", 1883, false));
        assert_eq!(plain.client, "a b");
        let tls = Address::parse("mqtts://[::1]:8884").unwrap();
        assert_eq!((tls.host.as_str(), tls.port, tls.tls), ("::1", 8884, true));
        for text in ["http://broker", "broker:1883", "mqtt://", ""] {
            assert!(Address::parse(text).is_none(), "{text}");
        }
    }
}
