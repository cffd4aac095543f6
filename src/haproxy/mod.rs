//! What HAProxy says of its gateways, as CSV from its statistics page or its socket, and what it is told.
//!
//! Knows nothing of what ought to be so: who gets requests is for `traffic` to say.

pub mod control;
mod workers;

use serde::Serialize;

/// The backend whose servers are gateways.
const BACKEND: &str = "gateways";

/// A gateway as HAProxy sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gateway {
    /// `s3g1` and on.
    pub name: String,
    /// Where HAProxy sends its requests, `172.18.0.5:9878`; empty on the statistics page, which does not say.
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

    /// Whether it gets no new requests because somebody said so.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.weight == 0 || self.state.starts_with("DRAIN")
    }

    /// Whether it is a place for a gateway that DNS has not named.
    fn is_empty_slot(&self) -> bool {
        self.state.contains("resolution") && self.requests == 0
    }
}

/// The gateways in a statistics page, in its order; fields are found by their names in the first line.
#[must_use]
pub fn gateways(csv: &str) -> Vec<Gateway> {
    let mut lines = csv.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().trim_start_matches("# ").split(',').collect();
    let rows = lines.map(|line| line.split(',').collect::<Vec<_>>());
    let field = |row: &[&str], name: &str| -> String {
        let place = names.iter().position(|candidate| *candidate == name);
        place.and_then(|place| row.get(place)).unwrap_or(&"").to_string()
    };
    let number = |row: &[&str], name: &str| field(row, name).parse().unwrap_or(0);
    let gateway = |row: Vec<&str>| Gateway {
        name: field(&row, "svname"),
        address: field(&row, "addr"),
        state: field(&row, "status"),
        check: field(&row, "check_status"),
        weight: field(&row, "weight").parse().unwrap_or(1),
        sessions: number(&row, "scur") + number(&row, "qcur"),
        requests: number(&row, "stot"),
        errors: number(&row, "econ") + number(&row, "eresp") + number(&row, "hrsp_5xx"),
    };
    rows.filter(|row| field(row, "pxname") == BACKEND && field(row, "type") == "2")
        .map(gateway)
        .filter(|gateway| !gateway.is_empty_slot())
        .collect()
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
            found.iter().map(|gateway| gateway.name.as_str()).collect::<Vec<_>>(),
            ["s3g1", "s3g2", "s3g4"]
        );
        assert_eq!((found[0].requests, found[0].errors, found[0].is_up()), (7, 4, true));
        assert!(!found[1].is_up());
        assert_eq!((found[2].is_drained(), found[2].is_up()), (true, false), "it was loaded with weight 0");
        assert!(gateways("").is_empty());
    }
}
