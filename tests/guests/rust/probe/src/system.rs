//! What the guest can reach of the machine: environment, arguments, files, sockets.

use std::io::Write;
use std::net::{TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::http::Exchange;

/// A fresh instance per request answers 1 forever.
pub fn served(exchange: Exchange) {
    static SERVED: AtomicU32 = AtomicU32::new(0);
    let served = SERVED.fetch_add(1, Ordering::Relaxed) + 1;
    exchange.answer(200, &format!("{served}\n"));
}

pub fn environment(exchange: Exchange) {
    let mut lines: Vec<_> =
        std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect();
    lines.sort();
    exchange.answer(200, &lines.concat());
}

pub fn arguments(exchange: Exchange) {
    let lines: Vec<_> = std::env::args().map(|argument| format!("{argument}\n")).collect();
    exchange.answer(200, &lines.concat());
}

pub fn read_file(exchange: Exchange) {
    let path = exchange.text("path").unwrap_or("/").to_owned();
    report(exchange, std::fs::read_to_string(path));
}

pub fn write_file(exchange: Exchange) {
    let path = exchange.text("path").unwrap_or("/written").to_owned();
    report(exchange, std::fs::write(path, "written by the guest").map(|()| "written\n".to_owned()));
}

pub fn remove_file(exchange: Exchange) {
    let path = exchange.text("path").unwrap_or("/").to_owned();
    report(exchange, std::fs::remove_file(path).map(|()| "removed\n".to_owned()));
}

pub fn list_folder(exchange: Exchange) {
    let path = exchange.text("path").unwrap_or("/").to_owned();
    let listing = std::fs::read_dir(path).map(|entries| {
        let mut names: Vec<_> =
            entries.flatten().map(|entry| format!("{}\n", entry.file_name().display())).collect();
        names.sort();
        names.concat()
    });
    report(exchange, listing);
}

/// Sends `ping` to `?to=host:port` and answers with what comes back.
pub fn tcp(exchange: Exchange) {
    let to = exchange.text("to").unwrap_or("127.0.0.1:9").to_owned();
    let talk = || {
        let mut stream = TcpStream::connect(&to)?;
        stream.write_all(b"ping\n")?;
        stream.shutdown(std::net::Shutdown::Write)?;
        std::io::read_to_string(stream)
    };
    report(exchange, talk());
}

pub fn udp(exchange: Exchange) {
    let to = exchange.text("to").unwrap_or("127.0.0.1:9").to_owned();
    let talk = || {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.connect(&to)?;
        socket.send(b"ping\n")?;
        let mut answer = [0; 1024];
        let length = socket.recv(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    };
    report(exchange, talk());
}

pub fn resolve(exchange: Exchange) {
    let name = format!("{}:0", exchange.text("name").unwrap_or("localhost"));
    let resolved = name.to_socket_addrs().map(|addresses| {
        addresses.map(|address| format!("{}\n", address.ip())).collect::<String>()
    });
    report(exchange, resolved);
}

pub fn log(exchange: Exchange) {
    println!("to standard output");
    eprintln!("to standard error");
    exchange.answer(200, "logged\n");
}

/// 200 and the outcome, or 403 and why not.
fn report(exchange: Exchange, outcome: std::io::Result<String>) {
    match outcome {
        Ok(text) => exchange.answer(200, &text),
        Err(error) => exchange.answer(403, &format!("{:?}: {error}\n", error.kind())),
    }
}
