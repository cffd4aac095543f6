//! Requests as the balancer and the gateways have logged them, and which gateway served which.
//!
//! Knows the lines, not where they were read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::spec::values::Discovery;

/// A line of the `log-format` in `templates/s3-haproxy.cfg.j2`. What an engine writes before it, a time or a task of a
/// Swarm, does not matter.
static BALANCED: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"\[(?<time>\d\d/[A-Z][a-z]{2}/\d{4}:[\d:.]+)\] \S+ [^\s/]+/(?<server>\S+) ",
        r"-?\d+/-?\d+/-?\d+/-?\d+/\+?(?<total>-?\d+) (?<status>-?\d+) \+?\d+ \d+ (?<ended>\S{4}) ",
        r"\d+/\d+/\d+/\d+/(?<elsewhere>\+?)(?<retries>\d+) \d+/\d+ method=(?<method>\S+) ",
        r"bucket=(?<bucket>[^ ]*) key_length=[^ ]* access_key=(?<access_key>[^ ]*) ",
        r"presigned_by=(?<presigned_by>[^ ]*) request_id=(?<request_id>[^ ]*)$",
    ))
});

/// A line of an audit log up to the parameters: Ozone's `s3g-audit-log4j2.properties` and `AuditMessage`.
static AUDITED: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"(?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[,.]\d{3}) \| [A-Z]+ +\| S3GAudit \| ",
        r"user=(?<user>.*?) \| ip=.*? \| op=(?<operation>\w+)(?:\(.*?\))? (?<parameters>\{.*)$",
    ))
});

/// What follows the parameters.
static RESULT: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"^ \| ret=(?<result>[A-Z]+)(?: \| perf=\{[^}]*?\bopLatencyMs=(?<milliseconds>\d+))?")
});

/// Parameters as Ozone 2.0 writes them, in any order: `{bucket=[photos], path=[a/b]}`.
static PARAMETER: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"[{ ](?<name>bucket|path|x-amz-request-id|x-amz-id-2)=(?<value>\[.*?\]|[\w-]+)[,}]")
});

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn regex(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| unreachable!("a fixed expression: {error}"))
}

/// A request in the balancer's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balanced {
    /// When it came: `2026-11-25 14:42:18.346`, in the time zone of the balancer's container.
    pub time: String,
    /// The id that a gateway gave it; none where no gateway answered.
    pub id: Option<String>,
    /// The last server that got it, by HAProxy's name; none where it was answered without one.
    pub server: Option<String>,
    /// Such as `GET`.
    pub method: Option<String>,
    /// The first part of its path, or of its host.
    pub bucket: Option<String>,
    /// The id of the access key that signed it.
    pub access_key: Option<String>,
    /// The answer's status; none where the client got no answer.
    pub status: Option<u16>,
    /// From the request to the end of the answer; none where there was none.
    pub milliseconds: Option<u64>,
    /// Attempts after the first.
    pub retries: u32,
    /// Whether the last of them was on another gateway.
    pub elsewhere: bool,
    /// HAProxy's four letters on how it ended, `----` where it ended well.
    pub ended: String,
}

/// A request in the audit log of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// When it was done: `2026-11-25 14:42:18.346`, in the time zone of the gateway's container.
    pub time: String,
    /// The gateway whose log it is.
    pub gateway: String,
    /// `x-amz-request-id` of the answer; none where the gateway refused the request before it had one.
    pub id: Option<String>,
    /// `x-amz-id-2` of the answer.
    pub id_2: Option<String>,
    /// The id of the access key.
    pub user: Option<String>,
    /// Such as `CREATE_KEY`; `AUTH` of one that was refused for how it was signed.
    pub operation: String,
    /// Its bucket.
    pub bucket: Option<String>,
    /// Its key.
    pub key: Option<String>,
    /// `SUCCESS` or `FAILURE`.
    pub result: String,
    /// How long the operation took, where the gateway says so.
    pub milliseconds: Option<u64>,
}

/// A request, by whatever log has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Request {
    /// When it came, or when it was done where only an audit log has it.
    pub time: String,
    /// `x-amz-request-id` of its answer.
    pub request_id: Option<String>,
    /// The gateway that served it; none where it had none, or where HAProxy's name for it does not say.
    pub gateway: Option<String>,
    /// What HAProxy calls that gateway.
    pub server: Option<String>,
    /// The container that HAProxy has by that name now, where the gateway is not known; who reads the logs sets it.
    pub server_now: Option<String>,
    /// Such as `GET`.
    pub method: Option<String>,
    /// Its operation in Ozone's words.
    pub operation: Option<String>,
    /// Its bucket.
    pub bucket: Option<String>,
    /// Its key, which HAProxy does not log.
    pub key: Option<String>,
    /// The id of its access key.
    pub user: Option<String>,
    /// The status of HAProxy's answer.
    pub status: Option<u16>,
    /// `SUCCESS` or `FAILURE`, in the gateway's words.
    pub result: Option<String>,
    /// How long it took, for the client where HAProxy has it.
    pub milliseconds: Option<u64>,
    /// Attempts after the first.
    pub retries: Option<u32>,
    /// Whether the last of them was on another gateway.
    pub redispatched: Option<bool>,
    /// HAProxy's four letters on how it ended.
    pub ended: Option<String>,
    /// Which logs have it: `haproxy`, `audit`.
    pub logs: Vec<&'static str>,
}

/// The requests in a balancer's log, in its order; other lines are left out.
#[must_use]
pub fn balanced(log: &str) -> Vec<Balanced> {
    log.lines().filter_map(balanced_line).collect()
}

fn balanced_line(line: &str) -> Option<Balanced> {
    let found = BALANCED.captures(line.trim_end())?;
    let field = |name: &str| Some(found[name].to_owned()).filter(|text| !["", "-"].contains(&text.as_str()));
    Some(Balanced {
        time: time_of(&found["time"])?,
        id: field("request_id"),
        server: field("server").filter(|server| !server.starts_with('<')),
        method: field("method").filter(|method| method != "<BADREQ>"),
        bucket: field("bucket"),
        access_key: field("access_key").or_else(|| field("presigned_by")),
        status: found["status"].parse().ok(),
        milliseconds: found["total"].parse().ok(),
        retries: found["retries"].parse().ok()?,
        elsewhere: !found["elsewhere"].is_empty(),
        ended: found["ended"].to_owned(),
    })
}

/// `2026-11-25 14:42:18.346` of HAProxy's `25/Nov/2026:14:42:18.346`, so that texts sort as times do.
fn time_of(text: &str) -> Option<String> {
    let (date, clock) = text.split_once(':')?;
    let (day, rest) = date.split_once('/')?;
    let (month, year) = rest.split_once('/')?;
    let month = MONTHS.iter().position(|one| *one == month)? + 1;
    Some(format!("{year}-{month:02}-{day} {clock}"))
}

/// The requests in the audit log of a gateway, in its order. Other lines, such as stack traces, are left out, and so are
/// all parameters but the few of [`Audited`]: those of a presigned URL have its signature.
#[must_use]
pub fn audited(gateway: &str, log: &str) -> Vec<Audited> {
    log.lines().filter_map(|line| audited_line(gateway, line)).collect()
}

fn audited_line(gateway: &str, line: &str) -> Option<Audited> {
    let found = AUDITED.captures(line)?;
    let (parameters, rest) = parameters(found.name("parameters")?.as_str())?;
    let end = RESULT.captures(rest)?;
    let parameter = |name: &str| parameters.get(name).map(|value| unlisted(value).to_owned());
    Some(Audited {
        time: found["time"].replace(',', "."),
        gateway: gateway.to_owned(),
        id: parameter("x-amz-request-id"),
        id_2: parameter("x-amz-id-2"),
        user: Some(found["user"].to_owned()).filter(|user| user != "null"),
        operation: found["operation"].to_owned(),
        bucket: parameter("bucket"),
        key: parameter("path"),
        result: end["result"].to_owned(),
        milliseconds: end.name("milliseconds").and_then(|number| number.as_str().parse().ok()),
    })
}

/// The parameters with which a text begins, and what follows them. Ozone 2.0 does not write them as JSON.
fn parameters(text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>();
    if let Some(Ok(map)) = values.next() {
        let text_of = |(name, value): (String, Value)| Some((name, value.as_str()?.to_owned()));
        return Some((map.into_iter().filter_map(text_of).collect(), &text[values.byte_offset()..]));
    }
    let end = text.rfind("} | ret=")? + 1;
    let (parameters, rest) = text.split_at(end);
    let pair = |found: regex::Captures<'_>| (found["name"].to_owned(), found["value"].to_owned());
    Some((PARAMETER.captures_iter(parameters).map(pair).collect(), rest))
}

/// A value without the brackets of the list that Ozone takes every parameter of a URL for.
fn unlisted(value: &str) -> &str {
    value.strip_prefix('[').and_then(|value| value.strip_suffix(']')).unwrap_or(value)
}

/// The requests of both kinds of log, in the order of time; a request that both have is one. Of two lines of one kind
/// about a request the later counts: HAProxy writes one when the answer of a slow request begins, another if it fails.
#[must_use]
pub fn joined(balanced: Vec<Balanced>, audited: Vec<Audited>, discovery: Discovery) -> Vec<Request> {
    let mut known: BTreeMap<String, Request> = BTreeMap::new();
    let mut nameless: Vec<Request> = Vec::new();
    for one in balanced {
        let request = Request {
            time: one.time,
            request_id: one.id,
            // Found by DNS, a server is a place that one gateway after the other may have.
            gateway: one.server.clone().filter(|_| discovery == Discovery::Static),
            server: one.server,
            method: one.method,
            bucket: one.bucket,
            user: one.access_key,
            status: one.status,
            milliseconds: one.milliseconds,
            retries: Some(one.retries),
            redispatched: Some(one.elsewhere),
            ended: Some(one.ended),
            logs: vec!["haproxy"],
            ..Request::default()
        };
        add(request, &mut known, &mut nameless);
    }
    for one in audited {
        let mut request = one.id.as_ref().and_then(|id| known.remove(id)).unwrap_or_default();
        if !request.logs.contains(&"haproxy") {
            request.time = one.time;
            request.milliseconds = one.milliseconds;
        }
        if !request.logs.contains(&"audit") {
            request.logs.push("audit");
        }
        request.request_id = one.id;
        request.gateway = Some(one.gateway);
        request.operation = Some(one.operation);
        request.result = Some(one.result);
        request.bucket = one.bucket.or(request.bucket);
        request.key = one.key.or(request.key);
        request.user = one.user.or(request.user);
        add(request, &mut known, &mut nameless);
    }
    let mut all: Vec<Request> = known.into_values().chain(nameless).collect();
    all.sort_by(|a, b| a.time.cmp(&b.time));
    all
}

fn add(request: Request, known: &mut BTreeMap<String, Request>, nameless: &mut Vec<Request>) {
    match &request.request_id {
        Some(id) => {
            known.insert(id.clone(), request);
        }
        None => nameless.push(request),
    }
}

/// The request ids that are meant by ids of either kind: `x-amz-id-2` stands only in audit logs.
#[must_use]
pub fn meant(ids: &[String], audited: &[Audited]) -> BTreeMap<String, String> {
    let request_id = |id: &String| {
        let by_other = audited.iter().find(|one| one.id_2.as_ref() == Some(id));
        let meant = by_other.and_then(|one| one.id.clone()).unwrap_or_else(|| id.clone());
        (id.clone(), meant)
    };
    ids.iter().map(request_id).collect()
}

/// The ids that no request has.
#[must_use]
pub fn missing(ids: &BTreeMap<String, String>, requests: &[Request]) -> Vec<String> {
    let found: BTreeSet<&String> = requests.iter().filter_map(|one| one.request_id.as_ref()).collect();
    ids.iter().filter(|(_, meant)| !found.contains(meant)).map(|(id, _)| id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5d41402a-1111-4222-8333-0123456789ab";

    fn line_of_haproxy(server: &str, status: &str, retries: &str, id: &str) -> String {
        format!(
            "10.1.2.3:46386 [25/Nov/2026:14:42:18.346] s3 gateways/{server} 0/0/0/7/9 {status} 54 180 ---- 1/1/0/0/{retries} 0/0 \
             method=GET bucket=photos key_length=3 access_key=AKID presigned_by=- request_id={id}"
        )
    }

    fn line_of_audit(parameters: &str, end: &str) -> String {
        format!(
            "2026-11-25 14:42:18,360 | INFO  | S3GAudit | user=alice | ip=10.1.2.3 | op=GET_KEY {parameters} | ret={end} |  \n"
        )
    }

    fn of_id() -> String {
        let id = format!(r#""x-amz-request-id":"{ID}","x-amz-id-2":"aBcDeF123""#);
        line_of_audit(&format!(r#"{{"bucket":"[photos]","path":"[a/b.txt]",{id}}}"#), "SUCCESS")
    }

    #[test]
    fn a_line_of_haproxy_says_where_a_request_went_and_how_it_ended() {
        let log = format!(
            "[NOTICE] (1) : New worker (8) forked\n2026-11-25T14:42:18.400000000Z demo_s3g.1.x@node1    | {}\nServer gateways/s3g1 is DOWN\n",
            line_of_haproxy("s3g2", "404", "+1", ID)
        );
        let expected = Balanced {
            time: "2026-11-25 14:42:18.346".to_owned(),
            id: Some(ID.to_owned()),
            server: Some("s3g2".to_owned()),
            method: Some("GET".to_owned()),
            bucket: Some("photos".to_owned()),
            access_key: Some("AKID".to_owned()),
            status: Some(404),
            milliseconds: Some(9),
            retries: 1,
            elsewhere: true,
            ended: "----".to_owned(),
        };
        assert_eq!(balanced(&log), [expected]);
    }

    #[test]
    fn a_request_without_an_answer_has_neither_gateway_nor_id() {
        let line = "::1:9 [01/Feb/2026:00:00:01.000] s3~ s3/<NOSRV> -1/-1/-1/-1/0 -1 0 9 CR-- 1/1/0/0/0 0/0 method=<BADREQ> \
                    bucket= key_length=0 access_key= presigned_by=- request_id=-";
        let found = balanced(line).pop().expect("a request");
        assert_eq!((found.id, found.server, found.method, found.status), (None, None, None, None));
        assert_eq!((found.time.as_str(), found.ended.as_str()), ("2026-02-01 00:00:01.000", "CR--"));
    }

    #[test]
    fn lines_of_the_template_are_those_that_are_read() {
        // The fields of the format, as HAProxy fills them in.
        let template = include_str!("../../templates/s3-haproxy.cfg.j2");
        let format = template.lines().find_map(|line| line.trim().strip_prefix("log-format ")).expect("one");
        let bucket = regex(r"\{% if domains %\}.*?\{% else %\}(.*?)\{% endif %\}");
        let mut line = bucket.replace(format.trim_matches('\''), "$1").into_owned();
        for (field, value) in [
            ("%ci:%cp", "1.2.3.4:5"),
            ("%tr", "25/Nov/2026:14:42:18.346"),
            ("%ft", "s3"),
            ("%b/%s", "gateways/s3g2"),
            ("%TR/%Tw/%Tc/%Tr/%Ta", "0/0/0/1/2"),
            ("%ST %B %U %tsc", "200 54 180 ----"),
            ("%ac/%fc/%bc/%sc/%rc %sq/%bq", "1/1/0/0/0 0/0"),
            ("%HM", "PUT"),
        ] {
            assert!(line.contains(field), "{field} in {line}");
            line = line.replace(field, value);
        }
        let line = regex(r"=%\[.*?\](?<next> [a-z_]+|$)").replace_all(&line, "=value$next").into_owned();
        let found = balanced(&line).pop().unwrap_or_else(|| panic!("not read: {line}"));
        assert_eq!((found.method.as_deref(), found.id.as_deref()), (Some("PUT"), Some("value")));
    }

    #[test]
    fn a_line_of_an_audit_log_says_who_did_what() {
        let trace = "org.apache.hadoop.ozone.s3.exception.OS3Exception: none\n\tat a.B(C.java:1)\n";
        let failed = line_of_audit(r#"{"bucket":"[photos]"}"#, "FAILURE");
        let timed = line_of_audit("{}", "SUCCESS | perf={metaLatencyMs=1, opLatencyMs=12, sizeByte=3}");
        let refused = failed.replace("op=GET_KEY", "op=AUTH(GET /photos/a (1).txt)");
        let found = audited("s3g1", &[of_id().as_str(), &failed, trace, &timed, &refused].concat());
        let expected = Audited {
            time: "2026-11-25 14:42:18.360".to_owned(),
            gateway: "s3g1".to_owned(),
            id: Some(ID.to_owned()),
            id_2: Some("aBcDeF123".to_owned()),
            user: Some("alice".to_owned()),
            operation: "GET_KEY".to_owned(),
            bucket: Some("photos".to_owned()),
            key: Some("a/b.txt".to_owned()),
            result: "SUCCESS".to_owned(),
            milliseconds: None,
        };
        assert_eq!(found[0], expected);
        assert_eq!((found[1].result.as_str(), &found[1].id), ("FAILURE", &None));
        assert_eq!((found[2].milliseconds, &found[2].bucket), (Some(12), &None));
        assert_eq!((found[3].operation.as_str(), found.len()), ("AUTH", 4));
    }

    #[test]
    fn ozone_2_0_writes_its_parameters_in_another_way() {
        for parameters in [
            format!("{{bucket=[photos], path=[a/b, c.txt], x-amz-request-id={ID}, x-amz-id-2=aB1}}"),
            format!("{{x-amz-id-2=aB1, path=[a/b, c.txt], x-amz-request-id={ID}, bucket=[photos]}}"),
        ] {
            let found = audited("s3g1", &line_of_audit(&parameters, "SUCCESS")).pop().expect("a request");
            assert_eq!((found.id.as_deref(), found.id_2.as_deref()), (Some(ID), Some("aB1")));
            assert_eq!((found.bucket.as_deref(), found.key.as_deref()), (Some("photos"), Some("a/b, c.txt")));
        }
    }

    #[test]
    fn a_key_that_looks_like_a_line_is_a_key() {
        let key = "} | ret=FAILURE | op=DELETE_KEY {";
        let line = line_of_audit(&format!(r#"{{"path":"[{key}]"}}"#), "SUCCESS");
        let found = audited("s3g1", &line).pop().expect("a request");
        assert_eq!((found.key.as_deref(), found.result.as_str()), (Some(key), "SUCCESS"));
    }

    #[test]
    fn the_signature_of_a_presigned_url_is_not_read() {
        let parameters = format!(
            r#"{{"bucket":"[photos]","X-Amz-Signature":"[hunter2]","X-Amz-Security-Token":"[hunter2]","x-amz-request-id":"{ID}"}}"#
        );
        let old = format!("{{X-Amz-Signature=[hunter2], x-amz-request-id={ID}, bucket=[photos]}}");
        for parameters in [parameters, old] {
            let found = audited("s3g1", &line_of_audit(&parameters, "SUCCESS"));
            assert_eq!(found[0].id.as_deref(), Some(ID));
            assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
        }
    }

    #[test]
    fn a_request_that_both_logs_have_is_one() {
        let log =
            [line_of_haproxy("s3g2", "200", "0", ID), line_of_haproxy("s3g1", "503", "0", "-")].join("\n");
        let both = joined(balanced(&log), audited("s3g2", &of_id()), Discovery::Static);
        assert_eq!(both.len(), 2);
        let one = both.iter().find(|one| one.request_id.is_some()).expect("the request");
        assert_eq!(
            (one.logs.as_slice(), one.status, one.milliseconds),
            (&["haproxy", "audit"][..], Some(200), Some(9))
        );
        assert_eq!((one.key.as_deref(), one.result.as_deref()), (Some("a/b.txt"), Some("SUCCESS")));
        assert_eq!((one.user.as_deref(), one.time.as_str()), (Some("alice"), "2026-11-25 14:42:18.346"));
    }

    #[test]
    fn a_request_that_one_log_has_says_which() {
        let haproxy = line_of_haproxy("s3g2", "200", "0", "other");
        let both = joined(balanced(&haproxy), audited("s3g1", &of_id()), Discovery::Static);
        let logs: Vec<_> = both.iter().map(|one| (one.gateway.as_deref(), one.logs.as_slice())).collect();
        assert_eq!(logs, [(Some("s3g2"), &["haproxy"][..]), (Some("s3g1"), &["audit"])]);
    }

    #[test]
    fn a_place_in_haproxy_is_no_gateway_where_dns_finds_them() {
        let log = line_of_haproxy("s3g2", "200", "0", ID);
        let place = joined(balanced(&log), Vec::new(), Discovery::Dns).pop().expect("a request");
        assert_eq!((place.gateway, place.server.as_deref()), (None, Some("s3g2")));
        let known = joined(balanced(&log), audited("demo-s3gw-1", &of_id()), Discovery::Dns).pop();
        assert_eq!(known.expect("a request").gateway.as_deref(), Some("demo-s3gw-1"));
    }

    #[test]
    fn the_second_line_about_a_slow_request_counts() {
        let log =
            [line_of_haproxy("s3g2", "200", "0", ID), line_of_haproxy("s3g2", "-1", "0", ID)].join("\n");
        let found = joined(balanced(&log), Vec::new(), Discovery::Static);
        assert_eq!(found.iter().map(|one| one.status).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn an_id_of_the_other_kind_means_the_request_that_has_it() {
        let ids = ["aBcDeF123", "unknown"].map(str::to_owned);
        let lines = audited("s3g1", &of_id());
        let meant = meant(&ids, &lines);
        assert_eq!(meant["aBcDeF123"], ID);
        assert_eq!(missing(&meant, &joined(Vec::new(), lines, Discovery::Static)), ["unknown"]);
    }
}
