//! What HAProxy reports about its gateways, as CSV from its statistics page or its socket, and the commands to it.
//!
//! Does not know the desired state: `steps` decides which gateways get requests.

pub mod control;
pub(crate) mod workers;

use csv::{ReaderBuilder, StringRecord};
use serde::Serialize;

use crate::spec::values::GatewayName;

/// The backend whose servers are gateways.
const BACKEND: &str = "gateways";

/// A gateway as HAProxy sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gateway {
    /// `s3g1` and on; where gateways are found by DNS, the place that holds an address.
    pub name: GatewayName,
    /// Where HAProxy sends its requests, `172.18.0.5:9878`.
    pub address: String,
    /// HAProxy's words: `UP`, `DOWN`, `DRAIN`, `MAINT`, or `UP 1/2` on the way.
    pub state: String,
    /// Result of the last check: `L7OK`, `L4CON`, `L7TOUT`.
    pub check: String,
    /// Its share beside the others; with 0 it gets no new requests, also where HAProxy calls it UP.
    pub weight: u64,
    /// Requests in flight, and those that wait for this gateway below its `maxconn`.
    pub sessions: u64,
    /// Requests since the balancer started.
    pub requests: u64,
    /// Of those, ended by a failed connection, a broken answer or a 5xx.
    pub errors: u64,
}

impl Gateway {
    /// Whether HAProxy sends it requests.
    #[must_use]
    pub fn is_up(&self) -> bool {
        // Before its first check HAProxy takes a gateway for UP on trust.
        let is_well = (self.state.starts_with("UP") && self.check != "INI") || self.state == "no check";
        is_well && !self.is_drained()
    }

    /// Whether HAProxy sends its requests to this host.
    #[must_use]
    pub fn is_at(&self, host: &str) -> bool {
        self.address.rsplit_once(':').is_some_and(|(address, _)| address == host)
    }

    /// Whether it gets no new requests because it was drained.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.weight == 0 || self.state.starts_with("DRAIN")
    }

    /// Whether it is a place for a gateway that DNS has not named.
    fn is_empty_slot(&self) -> bool {
        self.state.contains("resolution") && self.requests == 0
    }
}

/// The gateways in a statistics page, in its order; fields are found by their names in the first line. Rows may have more
/// fields than that, or fewer.
#[must_use]
pub fn gateways(csv: &str) -> Vec<Gateway> {
    let page = csv.trim_start().trim_start_matches("# ");
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(page.as_bytes());
    let names = reader.headers().cloned().unwrap_or_default();
    let field = |row: &StringRecord, name: &str| -> String {
        let place = names.iter().position(|candidate| candidate == name);
        place.and_then(|place| row.get(place)).unwrap_or_default().to_owned()
    };
    let number = |row: &StringRecord, name: &str| field(row, name).parse().unwrap_or(0);
    let gateway = |row: StringRecord| {
        let name = field(&row, "svname").parse().ok()?;
        Some(Gateway {
            name,
            address: field(&row, "addr"),
            state: field(&row, "status"),
            check: field(&row, "check_status"),
            weight: field(&row, "weight").parse().unwrap_or(1),
            sessions: number(&row, "scur") + number(&row, "qcur"),
            requests: number(&row, "stot"),
            errors: number(&row, "econ") + number(&row, "eresp") + number(&row, "hrsp_5xx"),
        })
    };
    let is_gateway = |row: &StringRecord| field(row, "pxname") == BACKEND && field(row, "type") == "2";
    // Only what is no UTF-8 cannot be read, and this is a text.
    let rows = reader.records().filter_map(Result::ok).filter(is_gateway);
    rows.filter_map(gateway).filter(|gateway| !gateway.is_empty_slot()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_the_gateways_backend_are_read_by_field_name() {
        let csv = "# pxname,svname,scur,stot,econ,eresp,hrsp_5xx,status,weight,check_status,type,\n\
                   s3,FRONTEND,1,9,,,0,OPEN,,,0,\n\
                   gateways,s3g1,2,7,1,0,3,UP,1,L7OK,2,\n\
                   gateways,s3g2,0,0,0,0,0,UP,1,INI,2,\n\
                   gateways,s3g3,0,0,0,0,0,MAINT (resolution),1,,2,\n\
                   gateways,s3g4,0,9,0,0,0,UP,0,L7OK,2,\n\
                   gateways,BACKEND,0,0,0,0,0,UP,1,,1,\n";
        let found = gateways(csv);
        assert_eq!(
            found.iter().map(|gateway| gateway.name.to_string()).collect::<Vec<_>>(),
            ["s3g1", "s3g2", "s3g4"]
        );
        assert_eq!((found[0].requests, found[0].errors, found[0].is_up()), (7, 4, true));
        assert!(!found[1].is_up());
        assert_eq!((found[2].is_drained(), found[2].is_up()), (true, false), "it was loaded with weight 0");
        assert!(gateways("").is_empty());
    }

    #[test]
    fn what_a_check_was_answered_shifts_no_field() {
        let csv = "# pxname,svname,status,last_chk,weight,check_status,type,stot,\n\
                   gateways,s3g1,UP,\"L7STS, 503 \"\"x\"\"\nand, more\",1,L7OK,2,7,\n\
                   gateways,s3g2,DOWN,\"a \"\"word\"\"\",1,L7STS,2,8,more,than,named\n\
                   gateways,s3g3,UP\n\
                   gateways,s3g4,UP,,1,L7OK,2,9,\n";
        let found = gateways(csv);
        let seen = found.iter().map(|one| (one.name.number(), one.check.as_str(), one.requests));
        assert_eq!(seen.collect::<Vec<_>>(), [(1, "L7OK", 7), (2, "L7STS", 8), (4, "L7OK", 9)]);
    }
}
