//! A folder of the shape of `compose/ozone` in an Ozone checkout, for overlays to lie in.

use std::path::PathBuf;

use crate::support::Sandbox;

/// The services that matter to an overlay, with the ports, mounts and variables of Ozone's own file.
const COMPOSE: &str = r#"
x-ozone: &ozone
  image: ${OZONE_RUNNER_IMAGE}:${OZONE_RUNNER_VERSION}
  volumes:
    - ../..:/opt/hadoop
  env_file:
    - docker-config

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

const ENV: &str = "\
OZONE_RUNNER_VERSION=20260206-2-jdk21
OZONE_RUNNER_IMAGE=apache/ozone-runner
OZONE_OPTS=
";

const SETTINGS: &str = "\
OZONE-SITE.XML_ozone.om.address=om
OZONE-SITE.XML_ozone.scm.names=scm
";

/// The image that the checkout above runs.
pub(crate) const RUNNER: &str = "apache/ozone-runner:20260206-2-jdk21";

/// Makes the folder, as deep in a distribution as Ozone's.
pub(crate) fn make(sandbox: &Sandbox) -> PathBuf {
    for (name, text) in [("docker-compose.yaml", COMPOSE), (".env", ENV), ("docker-config", SETTINGS)] {
        sandbox.write(&format!("ozone/compose/ozone/{name}"), text);
    }
    sandbox.path("ozone/compose/ozone")
}
