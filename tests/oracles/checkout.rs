//! Folders of the shape of `compose/ozone` and `compose/ozone-ha` in an Ozone checkout, for overlays to lie in.

use std::path::PathBuf;

use crate::support::Sandbox;

/// A folder of a checkout: its name, and the services that matter to an overlay, with the ports, mounts and variables
/// of Ozone's own file.
#[derive(Debug)]
pub(crate) struct Checkout {
    pub(crate) name: &'static str,
    /// The options of an overlay for it.
    pub(crate) options: &'static [&'static str],
    compose: &'static [&'static str],
    settings: &'static str,
    /// A key by which a gateway finds the OM, or several.
    pub(crate) finds_om_by: (&'static str, &'static str),
}

pub(crate) const CHECKOUTS: &[Checkout] = &[
    Checkout {
        name: "ozone",
        options: &[],
        compose: &[SINGLE],
        settings: "OZONE-SITE.XML_ozone.om.address=om\nOZONE-SITE.XML_ozone.scm.names=scm\n",
        finds_om_by: ("OZONE-SITE.XML_ozone.om.address", "om"),
    },
    Checkout {
        name: "ozone-ha",
        options: &[],
        compose: &[HA],
        settings: HA_SETTINGS,
        finds_om_by: ("OZONE-SITE.XML_ozone.om.nodes.omservice", "om1,om2,om3"),
    },
    Checkout {
        name: "ozonesecure",
        options: &["--checkout", "ozonesecure"],
        compose: &[SECURE_COMMON, SECURE],
        settings: "OZONE-SITE.XML_ozone.om.address=om\nOZONE-SITE.XML_ozone.security.enabled=true\n",
        finds_om_by: ("OZONE-SITE.XML_ozone.om.address", "om"),
    },
    Checkout {
        name: "ozonesecure-ha",
        options: &["--checkout", "ozonesecure-ha"],
        compose: &[SECURE_COMMON, SECURE_HA],
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

/// What both secure folders begin with, up to the end of their KDC.
const SECURE_COMMON: &str = r#"
x-secure: &secure
  <<: *ozone
  dns_search: .
  volumes:
    - ../..:/opt/hadoop
    - ../_keytabs:/etc/security/keytabs
    - ./krb5.conf:/etc/krb5.conf
  depends_on:
    kdc:
      condition: service_healthy

services:
  kdc:
    image: ${OZONE_TESTKRB5_IMAGE}
    hostname: kdc
    dns_search: .
    volumes:
      - ../..:/opt/hadoop
      - ../_keytabs:/etc/security/keytabs
    command: ["/opt/hadoop/compose/common/init-kdc.sh"]
"#;

const SECURE: &str = r#"  om:
    <<: *secure
    hostname: om
    command: ["ozone", "om"]
    ports: ["9874:9874", "9862:9862"]
  s3g:
    <<: *secure
    hostname: s3g
    command: ["ozone", "s3g"]
    ports: ["9878:9878"]
"#;

const SECURE_HA: &str = r#"    networks:
      ozone_net:
        ipv4_address: 172.25.0.100
  om1:
    <<: *secure
    hostname: om1
    command: ["ozone", "om"]
    ports: ["9880:9874", "9890:9872"]
    extra_hosts: ["scm1.org=172.25.0.116"]
    networks:
      ozone_net:
        ipv4_address: 172.25.0.111
  scm1.org:
    <<: *secure
    hostname: scm1.org
    command: ["ozone", "scm"]
    ports: ["9990:9876", "9992:9860"]
    extra_hosts: ["om1=172.25.0.111", "scm1.org=172.25.0.116"]
    networks:
      ozone_net:
        ipv4_address: 172.25.0.116
  s3g:
    <<: *secure
    hostname: s3g
    command: ["ozone", "s3g"]
    networks:
      ozone_net:
        ipv4_address: 172.25.0.120
networks:
  ozone_net:
    ipam:
      driver: default
      config:
        - subnet: "172.25.0.0/24"
"#;

const ENV: &str = "\
OZONE_TESTKRB5_IMAGE=ghcr.io/apache/ozone-testkrb5:20260507-1
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
        let compose = format!("{COMMON}{}", self.compose.concat());
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
