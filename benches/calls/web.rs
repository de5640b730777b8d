//! The web application of the load tool: the same document for every call, and the sound that it plays.
//! It must never be what is measured: it answers at once, from memory.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

/// Serves until the process ends.
pub struct Web {
    /// Where.
    pub address: SocketAddr,
}

impl Web {
    /// `document` for every POST, in which `{host}` stands for this server, and `sound` for every GET.
    pub fn start(document: &str, sound: Vec<u8>) -> io::Result<Web> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let document = document.replace("{host}", &address.to_string());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (document, sound) = (document.clone(), sound.clone());
                std::thread::spawn(move || serve(&stream, &document, &sound));
            }
        });
        Ok(Web { address })
    }
}

/// Requests of one connection, one after the other.
fn serve(stream: &TcpStream, document: &str, sound: &[u8]) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    loop {
        let (mut length, mut first) = (0, String::new());
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        let (kind, body) = if first.starts_with("POST") {
            ("text/xml", document.as_bytes())
        } else {
            ("audio/wav\r\nCache-Control: max-age=3600", sound)
        };
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
        writer.write_all(&[head.as_bytes(), body].concat())?;
    }
}
