//! Ozone's settings as a table: which keys are written, for which versions and profile, and why.

use serde::Serialize;

use crate::spec::values::{OzoneVersion, Profile};

/// A group of settings with the one reason they share.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// The comment above them.
    pub why: &'static str,
    /// At least one.
    pub settings: Vec<Setting>,
}

/// A line of `docker-config`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The variable, `OZONE-SITE.XML_` and the key in most cases.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Setting {
    /// A variable and its value.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.to_owned() }
    }
}

/// What the values of the table depend on.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Decides which keys there are.
    pub version: OzoneVersion,
    /// Decides how soon things happen.
    pub profile: Profile,
    /// Copies of each block, and so the datanodes that safe mode waits for.
    pub replication: u32,
    /// Names of the SCMs.
    pub scms: Vec<String>,
    /// Names of the OMs.
    pub oms: Vec<String>,
    /// Names of the services that are called, which no HTTP proxy of the engine may take over. Not the
    /// gateways: only HAProxy calls them, and these settings would change, and recreate everything, with
    /// their number.
    pub services: Vec<String>,
    /// Whether there is a KDC.
    pub secure: bool,
    /// Whether there is a Recon.
    pub recon: bool,
    /// Whether there is an HttpFS.
    pub httpfs: bool,
}

enum When {
    /// From this minor version of Ozone 2 on; before, the key is unknown or harmful.
    Since(u32),
    Tuned,
    Upstream,
    OneScm,
    SeveralScms,
    OneOm,
    SeveralOms,
    /// Several of one or the other.
    Several,
    /// With Kerberos.
    Secure,
    /// With Recon.
    Recon,
    /// With HttpFS.
    Httpfs,
}

/// A line, written when all of its conditions are true.
type Row = (&'static [When], &'static str, &'static str);

/// The id of several OMs together, in the table below.
pub const OM_SERVICE: &str = "omservice";

const SECURE: &[When] = &[When::Secure];
const RECON: &[When] = &[When::Recon];
const SECURE_RECON: &[When] = &[When::Secure, When::Recon];
const HTTPFS: &[When] = &[When::Httpfs];
const SECURE_HTTPFS: &[When] = &[When::Secure, When::Httpfs];

/// Words in `{}` are facts of the cluster. A row whose name has `{scm}` or `{om}` in it stands for one of each.
const TABLE: &[(&str, &[Row])] = &[
    (
        "Who is where.",
        &[
            (&[When::OneOm], "CORE-SITE.XML_fs.defaultFS", "ofs://om"),
            (&[When::OneOm], "OZONE-SITE.XML_ozone.om.address", "om"),
            (&[When::OneOm], "OZONE-SITE.XML_ozone.om.http-address", "om:9874"),
            (&[When::SeveralOms], "CORE-SITE.XML_fs.defaultFS", "ofs://omservice"),
            (&[When::SeveralOms], "OZONE-SITE.XML_ozone.om.service.ids", "omservice"),
            (&[When::SeveralOms], "OZONE-SITE.XML_ozone.om.nodes.omservice", "{oms}"),
            (&[When::SeveralOms], "OZONE-SITE.XML_ozone.om.address.omservice.{om}", "{om}"),
            (&[When::OneScm], "OZONE-SITE.XML_ozone.scm.names", "scm"),
            (&[When::OneScm], "OZONE-SITE.XML_ozone.scm.client.address", "scm"),
            (&[When::OneScm], "OZONE-SITE.XML_ozone.scm.block.client.address", "scm"),
            (&[When::OneScm], "OZONE-SITE.XML_ozone.scm.http-address", "scm:9876"),
            (&[When::SeveralScms], "OZONE-SITE.XML_ozone.scm.service.ids", "scmservice"),
            (&[When::SeveralScms], "OZONE-SITE.XML_ozone.scm.nodes.scmservice", "{scms}"),
            (&[When::SeveralScms], "OZONE-SITE.XML_ozone.scm.address.scmservice.{scm}", "{scm}"),
            (&[When::SeveralScms], "OZONE-SITE.XML_ozone.scm.primordial.node.id", "scm1"),
            (&[], "OZONE_CONF_DIR", "/etc/hadoop"),
            (&[], "OZONE_LOG_DIR", "/var/log/hadoop"),
            (&[], "no_proxy", "{services}"),
        ],
    ),
    (
        "Keys beyond ASCII: in the image's own locale, POSIX, the OM answers 500 to them.",
        &[(&[], "LC_ALL", "C.UTF-8")],
    ),
    (
        "Where data lies; /data is a volume.",
        &[
            (&[], "OZONE-SITE.XML_ozone.metadata.dirs", "/data/metadata"),
            (&[], "OZONE-SITE.XML_ozone.scm.datanode.id.dir", "/data/metadata"),
            (&[], "OZONE-SITE.XML_hdds.datanode.dir", "/data/hdds"),
            (&[], "OZONE-SITE.XML_ozone.http.basedir", "/tmp/ozone_http"),
        ],
    ),
    (
        "Copies of each block, and the datanodes that safe mode waits for (its default is 3 since 2.1).",
        &[
            (&[], "OZONE-SITE.XML_ozone.server.default.replication", "{replication}"),
            (&[], "OZONE-SITE.XML_hdds.scm.safemode.min.datanode", "{replication}"),
        ],
    ),
    (
        "Datanodes reach each other by name: containers that start again may have other addresses, and Ratis keeps those that \
         a pipeline began with.",
        &[(&[], "OZONE-SITE.XML_hdds.datanode.use.datanode.hostname", "true")],
    ),
    (
        "Small disks: by default a datanode keeps 5 GB (2.0) or 20 GB free and refuses writes below that.",
        &[
            (&[], "OZONE-SITE.XML_hdds.datanode.volume.min.free.space", "100MB"),
            // 2.0 falls back to 5 GB as soon as both keys are set.
            (&[When::Since(1)], "OZONE-SITE.XML_hdds.datanode.volume.min.free.space.percent", "0"),
            (&[], "OZONE-SITE.XML_ozone.scm.datanode.ratis.volume.free-space.min", "10MB"),
            (&[], "OZONE-SITE.XML_ozone.scm.container.size", "1GB"),
        ],
    ),
    (
        "Pipelines: one of each datanode for Ratis is enough here, and erasure coding makes no more than it must.",
        &[
            (&[], "OZONE-SITE.XML_ozone.scm.datanode.pipeline.limit", "1"),
            (&[], "OZONE-SITE.XML_ozone.scm.pipeline.owner.container.count", "1"),
            (&[], "OZONE-SITE.XML_ozone.scm.ec.pipeline.minimum", "1"),
        ],
    ),
    (
        "Fast start: datanodes register and report at once, and the SCM looks for pipelines as often.",
        &[
            (&[When::Tuned], "OZONE-SITE.XML_hdds.heartbeat.interval", "1s"),
            // Fixed at 2 s in 2.0.
            (&[When::Tuned, When::Since(1)], "OZONE-SITE.XML_hdds.heartbeat.initial-interval", "1s"),
            (&[When::Tuned], "OZONE-SITE.XML_ozone.scm.heartbeat.thread.interval", "1s"),
            (&[When::Tuned], "OZONE-SITE.XML_ozone.scm.pipeline.creation.interval", "1s"),
            (&[When::Tuned], "OZONE-SITE.XML_hdds.pipeline.report.interval", "5s"),
        ],
    ),
    (
        "Fast start: a Ratis group of one or three elects its leader after 1 s, not 5 s.",
        &[
            (&[When::Tuned, When::OneScm], "OZONE-SITE.XML_ozone.scm.ha.ratis.leader.election.timeout", "1s"),
            (&[When::Tuned, When::OneOm], "OZONE-SITE.XML_ozone.om.ratis.minimum.timeout", "1s"),
            (&[When::Tuned], "OZONE-SITE.XML_hdds.ratis.leader.election.minimum.timeout.duration", "1s"),
        ],
    ),
    (
        "An SCM's threads for container reports look for work 1000 times a second each: one, not ten.",
        &[(
            &[When::Tuned],
            "OZONE-SITE.XML_ozone.scm.event.ContainerReportOrIncrementalContainerReport.thread.pool.size",
            "1",
        )],
    ),
    (
        "Several of a kind elect their first leader as soon; later ones after 3 s, so that a JVM that pauses stays leader.",
        &[
            (
                &[When::Tuned, When::SeveralScms],
                "OZONE-SITE.XML_ozone.scm.ha.raft.server.rpc.first-election.timeout",
                "1s",
            ),
            (
                &[When::Tuned, When::SeveralScms],
                "OZONE-SITE.XML_ozone.scm.ha.ratis.leader.election.timeout",
                "3s",
            ),
            (
                &[When::Tuned, When::SeveralOms],
                "OZONE-SITE.XML_ozone.om.ha.raft.server.rpc.first-election.timeout.min",
                "1s",
            ),
            (
                &[When::Tuned, When::SeveralOms],
                "OZONE-SITE.XML_ozone.om.ha.raft.server.rpc.first-election.timeout.max",
                "1200ms",
            ),
            (&[When::Tuned, When::SeveralOms], "OZONE-SITE.XML_ozone.om.ratis.minimum.timeout", "3s"),
        ],
    ),
    (
        "A gateway that finds no OM, or no leader among them, asks again after 0.2 s, 0.4 s and so on, not after 2 s, 4 s and 6 s.",
        &[(&[When::Tuned], "OZONE-SITE.XML_ozone.client.wait.between.retries.millis", "200")],
    ),
    (
        "A container that was killed took its address along: nothing refuses a connection there, so it ends after 2 s, not 20 s.",
        &[
            (&[When::Several], "CORE-SITE.XML_ipc.client.connect.timeout", "2000"),
            (&[When::Several], "CORE-SITE.XML_ipc.client.connect.max.retries.on.timeouts", "0"),
        ],
    ),
    (
        "The intervals of Ozone's own Compose example (compose/ozone/docker-config).",
        &[
            (&[When::Upstream], "OZONE-SITE.XML_hdds.heartbeat.interval", "5s"),
            (&[When::Upstream], "OZONE-SITE.XML_ozone.scm.pipeline.creation.interval", "30s"),
            (&[When::Upstream], "OZONE-SITE.XML_hdds.pipeline.report.interval", "5m"),
            (&[When::Upstream], "OZONE-SITE.XML_hdds.container.report.interval", "60s"),
            (&[When::Upstream], "OZONE-SITE.XML_hdds.scm.replication.thread.interval", "15s"),
            (&[When::Upstream], "OZONE-SITE.XML_hdds.scm.replication.under.replicated.interval", "10s"),
            (&[When::Upstream], "OZONE-SITE.XML_hdds.scm.wait.time.after.safemode.exit", "30s"),
        ],
    ),
    (
        "A datanode that died is noticed in a minute, and a request to an SCM that is away ends in 30 s.",
        &[
            (&[], "OZONE-SITE.XML_ozone.scm.stale.node.interval", "30s"),
            (&[], "OZONE-SITE.XML_ozone.scm.dead.node.interval", "45s"),
            (&[], "OZONE-SITE.XML_hdds.scmclient.max.retry.timeout", "30s"),
        ],
    ),
    (
        "Recon: datanodes report to it and it reads what OM has every 10 s, and what SCM has of containers every 2 m; its own data follows from theirs.",
        &[
            (RECON, "OZONE-SITE.XML_ozone.recon.address", "recon:9891"),
            (RECON, "OZONE-SITE.XML_ozone.recon.http-address", "recon:9888"),
            (RECON, "OZONE-SITE.XML_ozone.recon.db.dir", "/data/metadata/recon"),
            (RECON, "OZONE-SITE.XML_ozone.recon.om.snapshot.task.initial.delay", "10s"),
            (RECON, "OZONE-SITE.XML_ozone.recon.om.snapshot.task.interval.delay", "10s"),
            (RECON, "OZONE-SITE.XML_ozone.recon.scm.container.sync.task.initial.delay", "30s"),
            (RECON, "OZONE-SITE.XML_ozone.recon.scm.container.sync.task.interval.delay", "2m"),
            (RECON, "OZONE-SITE.XML_hdds.heartbeat.recon.interval", "10s"),
        ],
    ),
    (
        "HttpFS: its clients say who they are, and it asks OM in their names. Its process is `hadoop`'s, with Kerberos `httpfs`'s.",
        &[
            (HTTPFS, "CORE-SITE.XML_hadoop.proxyuser.hadoop.hosts", "*"),
            (HTTPFS, "CORE-SITE.XML_hadoop.proxyuser.hadoop.groups", "*"),
            (SECURE_HTTPFS, "CORE-SITE.XML_hadoop.proxyuser.httpfs.hosts", "*"),
            (SECURE_HTTPFS, "CORE-SITE.XML_hadoop.proxyuser.httpfs.groups", "*"),
            (SECURE_HTTPFS, "HTTPFS-SITE.XML_httpfs.hadoop.authentication.type", "kerberos"),
            (
                SECURE_HTTPFS,
                "HTTPFS-SITE.XML_httpfs.hadoop.authentication.kerberos.principal",
                "httpfs/httpfs@EXAMPLE.COM",
            ),
            (
                SECURE_HTTPFS,
                "HTTPFS-SITE.XML_httpfs.hadoop.authentication.kerberos.keytab",
                "/etc/security/keytabs/httpfs.keytab",
            ),
            (SECURE_HTTPFS, "HTTPFS-SITE.XML_hadoop.http.authentication.type", "kerberos"),
            (
                SECURE_HTTPFS,
                "HTTPFS-SITE.XML_hadoop.http.authentication.kerberos.principal",
                "HTTP/httpfs@EXAMPLE.COM",
            ),
            (
                SECURE_HTTPFS,
                "HTTPFS-SITE.XML_hadoop.http.authentication.kerberos.keytab",
                "/etc/security/keytabs/httpfs.keytab",
            ),
        ],
    ),
    (
        "Who the services are to Kerberos: one principal a kind of service, so that any number of them fits.",
        &[
            (SECURE, "CORE-SITE.XML_hadoop.security.authentication", "kerberos"),
            (SECURE, "OZONE-SITE.XML_ozone.security.enabled", "true"),
            (SECURE, "OZONE-SITE.XML_hdds.scm.kerberos.principal", "scm/scm@EXAMPLE.COM"),
            (SECURE, "OZONE-SITE.XML_hdds.scm.kerberos.keytab.file", "/etc/security/keytabs/scm.keytab"),
            (SECURE, "OZONE-SITE.XML_ozone.om.kerberos.principal", "om/om@EXAMPLE.COM"),
            (SECURE, "OZONE-SITE.XML_ozone.om.kerberos.keytab.file", "/etc/security/keytabs/om.keytab"),
            (SECURE, "OZONE-SITE.XML_hdds.datanode.kerberos.principal", "dn/dn@EXAMPLE.COM"),
            (SECURE, "OZONE-SITE.XML_hdds.datanode.kerberos.keytab.file", "/etc/security/keytabs/dn.keytab"),
            (SECURE, "OZONE-SITE.XML_ozone.s3g.kerberos.principal", "s3g/s3g@EXAMPLE.COM"),
            (SECURE, "OZONE-SITE.XML_ozone.s3g.kerberos.keytab.file", "/etc/security/keytabs/s3g.keytab"),
            (SECURE_RECON, "OZONE-SITE.XML_ozone.recon.kerberos.principal", "recon/recon@EXAMPLE.COM"),
            (
                SECURE_RECON,
                "OZONE-SITE.XML_ozone.recon.kerberos.keytab.file",
                "/etc/security/keytabs/recon.keytab",
            ),
        ],
    ),
    (
        "Blocks are handed out with tokens. No TLS between services: a datanode that comes back at another address has no \
         certificate for it, and every write breaks (Ozone 2.2).",
        &[
            (SECURE, "OZONE-SITE.XML_hdds.block.token.enabled", "true"),
            (SECURE, "OZONE-SITE.XML_hdds.container.token.enabled", "true"),
            (SECURE, "OZONE-SITE.XML_hdds.grpc.tls.enabled", "false"),
        ],
    ),
    (
        "Who may do what: the default authorizer allows everything to everybody.",
        &[
            (SECURE, "OZONE-SITE.XML_ozone.acl.enabled", "true"),
            (
                SECURE,
                "OZONE-SITE.XML_ozone.acl.authorizer.class",
                "org.apache.hadoop.ozone.security.acl.OzoneNativeAuthorizer",
            ),
            (SECURE, "OZONE-SITE.XML_ozone.administrators", "admin,om,recon"),
            (SECURE, "OZONE-SITE.XML_ozone.s3.administrators", "admin,s3g"),
        ],
    ),
    (
        "S3 secrets are made and revoked at /secret of the gateways' web pages, by who has a ticket of an administrator. All \
         other web pages need none.",
        &[
            (SECURE, "OZONE-SITE.XML_ozone.s3g.secret.http.enabled", "true"),
            (SECURE, "OZONE-SITE.XML_ozone.s3g.http.auth.kerberos.principal", "HTTP/s3g@EXAMPLE.COM"),
            (
                SECURE,
                "OZONE-SITE.XML_ozone.s3g.http.auth.kerberos.keytab",
                "/etc/security/keytabs/s3g.keytab",
            ),
        ],
    ),
];

/// The settings for these facts.
#[must_use]
pub fn settings(facts: &Facts) -> Vec<Group> {
    let holds = |when: &When| match *when {
        When::Since(minor) => facts.version.minor() >= minor,
        When::Tuned => facts.profile == Profile::Tuned,
        When::Upstream => facts.profile == Profile::Upstream,
        When::OneScm => facts.scms.len() == 1,
        When::SeveralScms => facts.scms.len() > 1,
        When::OneOm => facts.oms.len() == 1,
        When::SeveralOms => facts.oms.len() > 1,
        When::Several => facts.scms.len() > 1 || facts.oms.len() > 1,
        When::Secure => facts.secure,
        When::Recon => facts.recon,
        When::Httpfs => facts.httpfs,
    };
    let group = |(why, rows): &(&'static str, &[Row])| {
        let rows = rows.iter().filter(|(conditions, _, _)| conditions.iter().all(holds));
        Group { why, settings: rows.flat_map(|(_, name, value)| lines(name, value, facts)).collect() }
    };
    TABLE.iter().map(group).filter(|group: &Group| !group.settings.is_empty()).collect()
}

/// The lines of a row: one, or one of each SCM or OM.
fn lines(name: &str, value: &str, facts: &Facts) -> Vec<Setting> {
    for (place, nodes) in [("{scm}", &facts.scms), ("{om}", &facts.oms)] {
        if name.contains(place) {
            let line = |node: &String| Setting::new(&name.replace(place, node), &value.replace(place, node));
            return nodes.iter().map(line).collect();
        }
    }
    let value = match value {
        "{replication}" => facts.replication.to_string(),
        "{services}" => format!("{},localhost,127.0.0.1", facts.services.join(",")),
        "{scms}" => facts.scms.join(","),
        "{oms}" => facts.oms.join(","),
        fixed => fixed.to_owned(),
    };
    vec![Setting::new(name, &value)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: u32, role: &str) -> Vec<String> {
        (1..=count).map(|number| format!("{role}{number}")).collect()
    }

    fn lines(version: &str, profile: Profile, scms: u32, oms: u32) -> Vec<String> {
        let facts = Facts {
            version: version.parse().expect("a version"),
            profile,
            replication: 3,
            scms: of(scms, "scm"),
            oms: of(oms, "om"),
            services: vec!["om".to_owned(), "s3g".to_owned()],
            secure: false,
            recon: false,
            httpfs: false,
        };
        let settings = settings(&facts).into_iter().flat_map(|group| group.settings);
        settings.map(|Setting { name, value }| format!("{name}={value}")).collect()
    }

    fn has(lines: &[String], line: &str) -> bool {
        lines.iter().any(|found| found == line)
    }

    #[test]
    fn keys_that_a_version_lacks_are_left_out() {
        let percent = "OZONE-SITE.XML_hdds.datanode.volume.min.free.space.percent=0";
        let initial = "OZONE-SITE.XML_hdds.heartbeat.initial-interval=1s";
        let (old, new) = (lines("2.0.0", Profile::Tuned, 1, 1), lines("2.1.0", Profile::Tuned, 1, 1));
        assert!(!has(&old, percent) && !has(&old, initial));
        assert!(has(&new, percent) && has(&new, initial));
        assert_eq!(lines("3.0.0", Profile::Tuned, 1, 1), lines("2.2.1", Profile::Tuned, 1, 1));
    }

    #[test]
    fn upstream_keeps_its_own_intervals() {
        let upstream = lines("2.2.1", Profile::Upstream, 3, 3);
        assert!(has(&upstream, "OZONE-SITE.XML_hdds.heartbeat.interval=5s"));
        assert!(!upstream.iter().any(|line| line.contains("election")));
    }

    #[test]
    fn no_key_is_written_twice() {
        for (profile, count) in [(Profile::Tuned, 1), (Profile::Tuned, 3), (Profile::Upstream, 3)] {
            let mut keys: Vec<String> = lines("2.2.1", profile, count, count)
                .iter()
                .map(|line| line.split('=').next().unwrap_or_default().to_owned())
                .collect();
            let all = keys.len();
            keys.sort();
            keys.dedup();
            assert_eq!(keys.len(), all);
        }
    }

    #[test]
    fn facts_fill_their_places() {
        let lines = lines("2.2.1", Profile::Tuned, 3, 5);
        for line in [
            "OZONE-SITE.XML_ozone.server.default.replication=3",
            "OZONE-SITE.XML_ozone.scm.nodes.scmservice=scm1,scm2,scm3",
            "OZONE-SITE.XML_ozone.scm.address.scmservice.scm3=scm3",
            "OZONE-SITE.XML_ozone.om.nodes.omservice=om1,om2,om3,om4,om5",
            "OZONE-SITE.XML_ozone.om.address.omservice.om5=om5",
            "no_proxy=om,s3g,localhost,127.0.0.1",
        ] {
            assert!(has(&lines, line), "{line} in {lines:#?}");
        }
        assert!(!lines.iter().any(|line| line.contains('{')), "{lines:#?}");
    }

    #[test]
    fn one_node_has_no_service_id() {
        let mixed = lines("2.2.1", Profile::Tuned, 1, 3);
        assert!(has(&mixed, "OZONE-SITE.XML_ozone.scm.names=scm"));
        assert!(!mixed.iter().any(|line| line.contains("scmservice") || line.ends_with("om.address=om")));
    }
}
