//! Folders of the shape of `compose/ozone` and `compose/ozone-ha` in an Ozone checkout, for overlays to lie in.

use std::path::PathBuf;

use crate::support::Sandbox;

/// A folder of a checkout: its name, and the services that matter to an overlay, with the ports, mounts and variables
/// of Ozone's own file.
#[derive(Debug)]
pub(crate) struct Checkout {
    name: &'static str,
    compose: &'static str,
    settings: &'static str,
    /// A key by which a gateway finds the OM, or several.
    pub(crate) finds_om_by: (&'static str, &'static str),
}

pub(crate) const CHECKOUTS: &[Checkout] = &[
    Checkout {
        name: "ozone",
        compose: SINGLE,
        settings: "OZONE-SITE.XML_ozone.om.address=om\nOZONE-SITE.XML_ozone.scm.names=scm\n",
        finds_om_by: ("OZONE-SITE.XML_ozone.om.address", "om"),
    },
    Checkout {
        name: "ozone-ha",
        compose: HA,
        settings: HA_SETTINGS,
        finds_om_by: ("OZONE-SITE.XML_ozone.om.nodes.omservice", "om1,om2,om3"),
    },
];

/// What each of Ozone's own files begins with.
const COMMON: &str = "
x-ozone: &ozone
  image: ${OZONE_RUNNER_IMAGE}:${OZONE_RUNNER_VERSION}
  volumes:
    - ../..:/opt/hadoop
  env_file:
    - docker-config
";

const SINGLE: &str = r#"
services:
  datanode:
    <<: *ozone
    command: ["ozone", "datanode"]
    ports: [19864, 9882]
  om:
    <<: *ozone
    command: ["ozone", "om"]
    environment:
      ENSURE_OM_INITIALIZED: /data/metadata/om/current/VERSION
      OZONE_OPTS:
    ports: ["9874:9874", "9862:9862"]
  scm:
    <<: *ozone
    command: ["ozone", "scm"]
    environment:
      ENSURE_SCM_INITIALIZED: /data/metadata/scm/current/VERSION
      OZONE_OPTS:
    ports: ["9876:9876", "9860:9860"]
  s3g:
    <<: *ozone
    command: ["ozone", "s3g"]
    environment:
      OZONE_OPTS:
    ports: ["9878:9878", "19878:19878"]
  recon:
    <<: *ozone
    hostname: recon
    command: ["ozone", "recon"]
    ports: ["9888:9888"]
"#;

const HA: &str = r#"
x-replication: &replication
  OZONE-SITE.XML_ozone.server.default.replication: ${OZONE_REPLICATION_FACTOR:-1}

x-om: &om
  ENSURE_OM_INITIALIZED: /data/metadata/om/current/VERSION
  WAITFOR: scm3:9894
  <<: *replication

services:
  datanode:
    <<: *ozone
    command: ["ozone", "datanode"]
    environment:
      <<: *replication
    ports: [9864, 9882]
  om1:
    <<: *ozone
    hostname: om1
    command: ["ozone", "om"]
    environment: *om
    ports: ["9874:9874", 9862]
  om2:
    <<: *ozone
    hostname: om2
    command: ["ozone", "om"]
    environment: *om
    ports: [9874, 9862]
  om3:
    <<: *ozone
    hostname: om3
    command: ["ozone", "om"]
    environment: *om
    ports: [9874, 9862]
  scm1:
    <<: *ozone
    command: ["ozone", "scm"]
    environment:
      ENSURE_SCM_INITIALIZED: /data/metadata/scm/current/VERSION
      <<: *replication
    ports: ["9876:9876"]
  scm2:
    <<: *ozone
    command: ["ozone", "scm"]
    environment:
      ENSURE_SCM_BOOTSTRAPPED: /data/metadata/scm/current/VERSION
      WAITFOR: scm1:9894
      <<: *replication
    ports: [9876]
  scm3:
    <<: *ozone
    command: ["ozone", "scm"]
    environment:
      ENSURE_SCM_BOOTSTRAPPED: /data/metadata/scm/current/VERSION
      WAITFOR: scm2:9894
      <<: *replication
    ports: [9876]
  httpfs:
    <<: *ozone
    command: ["ozone", "httpfs"]
    environment:
      <<: *replication
    ports: ["14000:14000"]
  s3g:
    <<: *ozone
    command: ["ozone", "s3g"]
    environment:
      <<: *replication
    ports: ["9878:9878"]
  recon:
    <<: *ozone
    command: ["ozone", "recon"]
    ports: ["9888:9888"]
"#;

const ENV: &str = "\
OZONE_RUNNER_VERSION=20260206-2-jdk21
OZONE_RUNNER_IMAGE=apache/ozone-runner
OZONE_OPTS=
";

const HA_SETTINGS: &str = "\
CORE-SITE.XML_fs.defaultFS=ofs://omservice/
OZONE-SITE.XML_ozone.om.service.ids=omservice
OZONE-SITE.XML_ozone.om.nodes.omservice=om1,om2,om3
OZONE-SITE.XML_ozone.om.address.omservice.om1=om1
OZONE-SITE.XML_ozone.om.address.omservice.om2=om2
OZONE-SITE.XML_ozone.om.address.omservice.om3=om3
OZONE-SITE.XML_ozone.scm.service.ids=scmservice
OZONE-SITE.XML_ozone.scm.nodes.scmservice=scm1,scm2,scm3
";

/// The image that the checkout above runs.
pub(crate) const RUNNER: &str = "apache/ozone-runner:20260206-2-jdk21";

impl Checkout {
    /// Makes the folder, as deep in a distribution as Ozone's.
    pub(crate) fn make(&self, sandbox: &Sandbox) -> PathBuf {
        let compose = format!("{COMMON}{}", self.compose);
        for (name, text) in
            [("docker-compose.yaml", compose.as_str()), (".env", ENV), ("docker-config", self.settings)]
        {
            sandbox.write(&self.file(name), text);
        }
        sandbox.path(&self.file("docker-config")).with_file_name("")
    }

    /// A file of the folder, as the sandbox knows it.
    pub(crate) fn file(&self, name: &str) -> String {
        format!("ozone/compose/{}/{name}", self.name)
    }
}
