//! One connection of HTTP/1.1 that is kept open, by hand: a library would repeat requests in silence.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::Failure;

/// A client's connection, opened when there is something to send.
pub(super) struct Wire {
    host: String,
    patience: Duration,
    open: Option<BufReader<TcpStream>>,
}

/// An answer.
#[derive(Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// `X-Served-By`.
    pub(super) gateway: Option<String>,
    /// `Content-Length`, in bytes.
    pub(super) length: usize,
    pub(super) body: Vec<u8>,
    is_last: bool,
}

impl Wire {
    pub(super) fn new(host: &str, patience: Duration) -> Self {
        Self { host: host.to_owned(), patience, open: None }
    }

    /// Sends one request, once. A connection that was closed before is replaced; one that is closed from now on has
    /// broken the request off.
    pub(super) fn exchange(&mut self, method: &str, target: &str, body: &[u8]) -> Result<Reply, Failure> {
        let mut open = match self.open.take().filter(is_idle) {
            Some(open) => open,
            None => self.connect().map_err(|_| Failure::NoConnection)?,
        };
        let (host, length) = (&self.host, body.len());
        let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n");
        // Where the other side has heard enough, it may have said why.
        let sent = open.get_mut().write_all(&[head.as_bytes(), body].concat());
        let mut reply = read_head(&mut open).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Failure::Late(self.patience),
            _ => Failure::BrokenOff,
        })?;
        if method != "HEAD" {
            reply.body = vec![0; reply.length];
            open.read_exact(&mut reply.body).map_err(|_| Failure::CutShort)?;
        }
        if sent.is_ok() && !reply.is_last {
            self.open = Some(open);
        }
        Ok(reply)
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let address = self.host.to_socket_addrs()?.next().ok_or(ErrorKind::NotFound)?;
        let stream = TcpStream::connect_timeout(&address, self.patience)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        Ok(BufReader::new(stream))
    }
}

/// Whether a connection is open, with nothing to be read.
fn is_idle(open: &BufReader<TcpStream>) -> bool {
    let stream = open.get_ref();
    let look = || -> io::Result<usize> {
        stream.set_nonblocking(true)?;
        let seen = stream.peek(&mut [0]);
        stream.set_nonblocking(false)?;
        seen
    };
    look().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

fn read_head(open: &mut BufReader<TcpStream>) -> io::Result<Reply> {
    let mut reply = Reply { status: status(&line(open)?)?, ..Reply::default() };
    loop {
        let header = line(open)?;
        let Some((name, value)) = header.split_once(':') else { return Ok(reply) };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => reply.length = value.parse().map_err(|_| ErrorKind::InvalidData)?,
            "connection" if value.eq_ignore_ascii_case("close") => reply.is_last = true,
            // Gateways send errors in chunks. What they say does not matter here.
            "transfer-encoding" => reply.is_last = true,
            "x-served-by" => reply.gateway = Some(value.to_owned()),
            _ => {}
        }
    }
}

fn line(open: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    open.read_line(&mut line)?;
    if line.ends_with('\n') { Ok(line.trim_end().to_owned()) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

fn status(line: &str) -> io::Result<u16> {
    let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status = status.and_then(|digits| digits.parse().ok());
    status.ok_or_else(|| ErrorKind::InvalidData.into())
}
