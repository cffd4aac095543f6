//! Whether clients of this machine find a bucket that they name in the host.

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::Check;
use crate::spec::values::DomainName;

/// How long a name server may take; those that are away are given up after 10 s by most resolvers.
const PATIENCE: Duration = Duration::from_secs(5);

/// A finding for each domain: whether the name of a bucket under it leads to `address`, where S3 is published; none where
/// only its name is known.
#[must_use]
pub fn names(domains: &[DomainName], bucket: &str, address: Option<IpAddr>) -> Vec<Check> {
    domains
        .iter()
        .map(|domain| check_of(domain, bucket, address, &found(&format!("{bucket}.{domain}"))))
        .collect()
}

/// The addresses of a name, as most programs of this machine find them; empty where there are none in time.
fn found(name: &str) -> Vec<IpAddr> {
    let (tell, hear) = mpsc::channel();
    let place = (name.to_owned(), 0);
    // The system's resolver cannot be stopped: it ends on its own, or with this process.
    thread::spawn(move || {
        let addresses = place.to_socket_addrs().map(|all| all.map(|one| one.ip()).collect());
        let _ = tell.send(addresses.unwrap_or_default());
    });
    hear.recv_timeout(PATIENCE).unwrap_or_default()
}

fn check_of(domain: &DomainName, bucket: &str, address: Option<IpAddr>, found: &[IpAddr]) -> Check {
    let leads_there = address.map_or(!found.is_empty(), |address| found.contains(&address));
    if leads_there {
        return Check::good("names", format!("{bucket}.{domain} leads to S3"));
    }
    let place = address.map_or("ADDRESS".to_owned(), |address| address.to_string());
    let finding = match found.first() {
        Some(other) => format!("{bucket}.{domain} leads to {other}, and S3 is at {place}"),
        None if domain.as_str().ends_with("localhost") => format!(
            "this machine finds no {bucket}.{domain}; curl and browsers do by themselves, Python, Node and Go do not"
        ),
        None => format!("this machine finds no {bucket}.{domain}"),
    };
    let line =
        format!("a line `{place} {domain} {bucket}.{domain}` in /etc/hosts, with each bucket, leads there");
    let advice = match address {
        Some(IpAddr::V4(address)) => {
            format!(
                "{line}; public DNS knows all names under s3.{address}.nip.io: `--domain s3.{address}.nip.io`"
            )
        }
        _ => line,
    };
    Check::warning("names", finding, advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Verdict;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn of(address: Option<IpAddr>, found: &[IpAddr]) -> Check {
        check_of(&"s3.localhost".parse().expect("a domain"), "logs", address, found)
    }

    #[test]
    fn a_name_that_leads_elsewhere_or_nowhere_comes_with_what_to_type() {
        let six: IpAddr = "::1".parse().expect("an address");
        assert_eq!(of(Some(HERE), &[six, HERE]).verdict, Verdict::Good);
        assert_eq!(of(None, &[six]).verdict, Verdict::Good);
        let elsewhere = of(Some(HERE), &[six]);
        assert_eq!(elsewhere.finding, "logs.s3.localhost leads to ::1, and S3 is at 127.0.0.1");
        let nowhere = of(Some(HERE), &[]);
        assert_eq!(nowhere.verdict, Verdict::Warning);
        assert!(nowhere.finding.starts_with("this machine finds no logs.s3.localhost; curl"), "{nowhere:?}");
        assert!(
            nowhere.advice.starts_with("a line `127.0.0.1 s3.localhost logs.s3.localhost` in /etc/hosts")
        );
        assert!(nowhere.advice.ends_with("`--domain s3.127.0.0.1.nip.io`"), "{nowhere:?}");
        assert!(!of(Some(six), &[]).advice.contains("nip.io"));
    }

    #[test]
    fn the_address_of_a_name_is_found_and_a_name_without_one_is_none() {
        assert!(found("localhost").iter().all(IpAddr::is_loopback) && !found("localhost").is_empty());
    }
}
