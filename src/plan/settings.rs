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

/// What the values of the table depend on.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Decides which keys there are.
    pub version: OzoneVersion,
    /// Decides how soon things happen.
    pub profile: Profile,
    /// Copies of each block, and so the datanodes that safe mode waits for.
    pub replication: u32,
    /// Names of the services that are called, which no HTTP proxy of the engine may take over. Not the
    /// gateways: only HAProxy calls them, and these settings would change, and recreate everything, with
    /// their number.
    pub services: Vec<String>,
}

enum When {
    Always,
    /// From this minor version of Ozone 2 on; before, the key is unknown or does harm.
    Since(u32),
    Tuned,
    TunedSince(u32),
    Upstream,
}

type Row = (When, &'static str, &'static str);

/// Values in `{}` are facts of the cluster.
const TABLE: &[(&str, &[Row])] = &[
    (
        "Who is where.",
        &[
            (When::Always, "CORE-SITE.XML_fs.defaultFS", "ofs://om"),
            (When::Always, "OZONE-SITE.XML_ozone.om.address", "om"),
            (When::Always, "OZONE-SITE.XML_ozone.om.http-address", "om:9874"),
            (When::Always, "OZONE-SITE.XML_ozone.scm.names", "scm"),
            (When::Always, "OZONE-SITE.XML_ozone.scm.client.address", "scm"),
            (When::Always, "OZONE-SITE.XML_ozone.scm.block.client.address", "scm"),
            (When::Always, "OZONE-SITE.XML_ozone.scm.http-address", "scm:9876"),
            (When::Always, "OZONE_CONF_DIR", "/etc/hadoop"),
            (When::Always, "OZONE_LOG_DIR", "/var/log/hadoop"),
            (When::Always, "no_proxy", "{services}"),
        ],
    ),
    (
        "Keys beyond ASCII: in the image's own locale, POSIX, the OM answers 500 to them.",
        &[(When::Always, "LC_ALL", "C.UTF-8")],
    ),
    (
        "Where data lies; /data is a volume.",
        &[
            (When::Always, "OZONE-SITE.XML_ozone.metadata.dirs", "/data/metadata"),
            (When::Always, "OZONE-SITE.XML_ozone.scm.datanode.id.dir", "/data/metadata"),
            (When::Always, "OZONE-SITE.XML_hdds.datanode.dir", "/data/hdds"),
            (When::Always, "OZONE-SITE.XML_ozone.http.basedir", "/tmp/ozone_http"),
        ],
    ),
    (
        "Copies of each block, and the datanodes that safe mode waits for (its default is 3 since 2.1).",
        &[
            (When::Always, "OZONE-SITE.XML_ozone.server.default.replication", "{replication}"),
            (When::Always, "OZONE-SITE.XML_hdds.scm.safemode.min.datanode", "{replication}"),
        ],
    ),
    (
        "Small disks: by default a datanode keeps 5 GB (2.0) or 20 GB free and refuses writes below that.",
        &[
            (When::Always, "OZONE-SITE.XML_hdds.datanode.volume.min.free.space", "100MB"),
            // 2.0 falls back to 5 GB as soon as both keys are set.
            (When::Since(1), "OZONE-SITE.XML_hdds.datanode.volume.min.free.space.percent", "0"),
            (When::Always, "OZONE-SITE.XML_ozone.scm.datanode.ratis.volume.free-space.min", "10MB"),
            (When::Always, "OZONE-SITE.XML_ozone.scm.container.size", "1GB"),
        ],
    ),
    (
        "Pipelines: one of each datanode for Ratis is enough here, and erasure coding makes no more than it must.",
        &[
            (When::Always, "OZONE-SITE.XML_ozone.scm.datanode.pipeline.limit", "1"),
            (When::Always, "OZONE-SITE.XML_ozone.scm.pipeline.owner.container.count", "1"),
            (When::Always, "OZONE-SITE.XML_ozone.scm.ec.pipeline.minimum", "1"),
        ],
    ),
    (
        "Fast start: datanodes register and report at once, and the SCM looks for pipelines as often.",
        &[
            (When::Tuned, "OZONE-SITE.XML_hdds.heartbeat.interval", "1s"),
            // Fixed at 2 s in 2.0.
            (When::TunedSince(1), "OZONE-SITE.XML_hdds.heartbeat.initial-interval", "1s"),
            (When::Tuned, "OZONE-SITE.XML_ozone.scm.heartbeat.thread.interval", "1s"),
            (When::Tuned, "OZONE-SITE.XML_ozone.scm.pipeline.creation.interval", "1s"),
            (When::Tuned, "OZONE-SITE.XML_hdds.pipeline.report.interval", "5s"),
        ],
    ),
    (
        "Fast start: a Ratis group of one or three elects its leader after 1 s, not 5 s.",
        &[
            (When::Tuned, "OZONE-SITE.XML_ozone.scm.ha.ratis.leader.election.timeout", "1s"),
            (When::Tuned, "OZONE-SITE.XML_ozone.om.ratis.minimum.timeout", "1s"),
            (When::Tuned, "OZONE-SITE.XML_hdds.ratis.leader.election.minimum.timeout.duration", "1s"),
        ],
    ),
    (
        "The intervals of Ozone's own Compose example (compose/ozone/docker-config).",
        &[
            (When::Upstream, "OZONE-SITE.XML_hdds.heartbeat.interval", "5s"),
            (When::Upstream, "OZONE-SITE.XML_ozone.scm.pipeline.creation.interval", "30s"),
            (When::Upstream, "OZONE-SITE.XML_hdds.pipeline.report.interval", "5m"),
            (When::Upstream, "OZONE-SITE.XML_hdds.container.report.interval", "60s"),
            (When::Upstream, "OZONE-SITE.XML_hdds.scm.replication.thread.interval", "15s"),
            (When::Upstream, "OZONE-SITE.XML_hdds.scm.replication.under.replicated.interval", "10s"),
            (When::Upstream, "OZONE-SITE.XML_hdds.scm.wait.time.after.safemode.exit", "30s"),
        ],
    ),
    (
        "A datanode that died is noticed in a minute, and a request to an SCM that is away ends in 30 s.",
        &[
            (When::Always, "OZONE-SITE.XML_ozone.scm.stale.node.interval", "30s"),
            (When::Always, "OZONE-SITE.XML_ozone.scm.dead.node.interval", "45s"),
            (When::Always, "OZONE-SITE.XML_hdds.scmclient.max.retry.timeout", "30s"),
        ],
    ),
];

/// The settings that hold for these facts.
#[must_use]
pub fn settings(facts: &Facts) -> Vec<Group> {
    let applies = |when: &When| match *when {
        When::Always => true,
        When::Since(minor) => facts.version.minor >= minor,
        When::Tuned => facts.profile == Profile::Tuned,
        When::TunedSince(minor) => facts.profile == Profile::Tuned && facts.version.minor >= minor,
        When::Upstream => facts.profile == Profile::Upstream,
    };
    let value = |text: &str| match text {
        "{replication}" => facts.replication.to_string(),
        "{services}" => format!("{},localhost,127.0.0.1", facts.services.join(",")),
        fixed => fixed.to_owned(),
    };
    let group = |(why, rows): &(&'static str, &[Row])| {
        let rows = rows.iter().filter(|(when, _, _)| applies(when));
        let settings =
            rows.map(|&(_, name, text)| Setting { name: name.to_owned(), value: value(text) }).collect();
        Group { why, settings }
    };
    TABLE.iter().map(group).filter(|group: &Group| !group.settings.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(version: &str, profile: Profile) -> Vec<String> {
        let facts = Facts {
            version: version.parse().expect("a version"),
            profile,
            replication: 3,
            services: vec!["om".to_owned(), "s3g".to_owned()],
        };
        let groups = settings(&facts).into_iter();
        groups
            .flat_map(|group| group.settings)
            .map(|setting| format!("{}={}", setting.name, setting.value))
            .collect()
    }

    #[test]
    fn keys_that_a_version_lacks_are_left_out() {
        let percent = "OZONE-SITE.XML_hdds.datanode.volume.min.free.space.percent=0".to_owned();
        let initial = "OZONE-SITE.XML_hdds.heartbeat.initial-interval=1s".to_owned();
        let (old, new) = (names("2.0.0", Profile::Tuned), names("2.1.0", Profile::Tuned));
        assert!(!old.contains(&percent) && !old.contains(&initial));
        assert!(new.contains(&percent) && new.contains(&initial));
    }

    #[test]
    fn upstream_keeps_its_own_intervals() {
        let upstream = names("2.2.1", Profile::Upstream);
        assert!(upstream.contains(&"OZONE-SITE.XML_hdds.heartbeat.interval=5s".to_owned()));
        assert!(!upstream.iter().any(|line| line.contains("election")));
    }

    #[test]
    fn no_key_is_written_twice() {
        for profile in [Profile::Tuned, Profile::Upstream] {
            let mut keys: Vec<String> = names("2.2.1", profile)
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
        let lines = names("2.2.1", Profile::Tuned);
        assert!(lines.contains(&"OZONE-SITE.XML_ozone.server.default.replication=3".to_owned()));
        assert!(lines.contains(&"no_proxy=om,s3g,localhost,127.0.0.1".to_owned()));
    }
}
