//! A name server whose answers a test changes.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

/// The addresses of each name; a name that is not there does not exist.
#[derive(Debug, Default)]
struct Zone {
    names: BTreeMap<String, Vec<Ipv4Addr>>,
    /// Whether no query gets an answer.
    is_silent: bool,
}

/// Answers by UDP on a port of its own until the process ends.
#[derive(Clone, Debug)]
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
}

impl NameServer {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let server = Self { address: socket.local_addr().expect("an address"), zone: Arc::default() };
        let zone = Arc::clone(&server.zone);
        thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((length, asker)) = socket.recv_from(&mut query) {
                if let Some(answer) = answer(&query[..length], &zone.lock().expect("a zone")) {
                    // The client may have gone.
                    let _ = socket.send_to(&answer, asker);
                }
            }
        });
        server
    }

    /// From now on a name has these addresses; with none it does not exist.
    pub(crate) fn set(&self, name: &str, addresses: &[Ipv4Addr]) {
        let names = &mut self.zone.lock().expect("a zone").names;
        names.remove(name);
        if !addresses.is_empty() {
            names.insert(name.to_owned(), addresses.to_vec());
        }
    }

    /// From now on it answers no query, or answers again.
    pub(crate) fn be_silent(&self, is_silent: bool) {
        self.zone.lock().expect("a zone").is_silent = is_silent;
    }
}

/// The answer to a query with one question, by RFC 1035.
fn answer(query: &[u8], zone: &Zone) -> Option<Vec<u8>> {
    if zone.is_silent {
        return None;
    }
    let (mut place, mut labels) = (12, Vec::new());
    loop {
        let length = usize::from(*query.get(place)?);
        place += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8(query.get(place..place + length)?.to_vec()).ok()?);
        place += length;
    }
    let question = query.get(12..place + 4)?;
    let is_for_ipv4 = query.get(place..place + 2)? == [0, 1];
    let known = zone.names.get(&labels.join("."));
    let addresses = known.filter(|_| is_for_ipv4).map_or(&[][..], Vec::as_slice);
    // An answer, with recursion wanted and given; 3 is "no such name".
    let flags = [0x81, if known.is_some() { 0x80 } else { 0x83 }];
    let count = u8::try_from(addresses.len()).ok()?;
    let mut reply = [&query[..2], &flags, &[0, 1, 0, count, 0, 0, 0, 0], question].concat();
    for address in addresses {
        // The name of the question, type A, class IN, one second, four bytes.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
        reply.extend(address.octets());
    }
    Some(reply)
}
