//! What the engine has: containers, volumes and networks, listed by their labels. Needs no files and no Compose.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Engine, ROLE_LABEL};
use crate::error::{Failure, Status};

/// The label in which Compose keeps the name of the project.
pub(crate) const PROJECT_LABEL: &str = "com.docker.compose.project";
/// The label in which Compose keeps the name of the service.
pub(super) const SERVICE_LABEL: &str = "com.docker.compose.service";
/// The label in which Compose keeps the folder of the project's first file.
const FOLDER_LABEL: &str = "com.docker.compose.project.working_dir";
/// The label in which Compose keeps the paths of the project's files, joined by commas.
const FILES_LABEL: &str = "com.docker.compose.project.config_files";
/// The labels in which Compose keeps the key of a volume or network.
const VOLUME_LABEL: &str = "com.docker.compose.volume";
const NETWORK_LABEL: &str = "com.docker.compose.network";
/// The label in which this tool keeps a digest of what a service was made from.
pub const DIGEST_LABEL: &str = "io.github.ozone-compose.digest";

/// The label of the volumes of a secure cluster, whose data is none for another; its value is `kerberos`.
pub(super) const SECURITY_LABEL: &str = "io.github.ozone-compose.security";

/// Which objects are listed.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// Those of a Compose project.
    Project(&'a str),
    /// Those of a stack of a Swarm on this engine's own node.
    Stack(&'a str),
    /// Those that were started from a folder, which must be absolute.
    Folder(&'a str),
    /// Those of this tool, in any project.
    Ours,
}

impl Scope<'_> {
    /// What `--filter` takes.
    fn filter(self) -> String {
        match self {
            Self::Project(name) => format!("label={PROJECT_LABEL}={name}"),
            Self::Stack(name) => super::swarm::of_stack(name),
            Self::Folder(path) => format!("label={FOLDER_LABEL}={path}"),
            Self::Ours => format!("label={ROLE_LABEL}"),
        }
    }
}

/// What a container does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the engine's own words")]
pub enum State {
    #[default]
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
}

impl State {
    /// The engine's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
        }
    }
}

/// What a container's health check says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It has none.
    #[default]
    #[serde(rename(serialize = ""))]
    None,
    /// It has not passed yet, nor failed for good.
    Starting,
    /// It passes.
    Healthy,
    /// It fails.
    Unhealthy,
}

/// A port of a container that is published on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedPort {
    /// In the container.
    pub inside: u16,
    /// The address of the host: `127.0.0.1`, `0.0.0.0`.
    pub address: String,
    /// On the host.
    pub outside: u16,
}

/// A network that a container is in, with what it needs to return there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Attachment {
    /// The network's name.
    pub network: String,
    /// The container's names there, beside its own.
    pub aliases: Vec<String>,
    /// The address that was chosen for it there, where one was.
    pub chosen_address: Option<String>,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// The engine's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it does.
    pub state: State,
    /// What its health check says.
    pub health: Health,
    /// The exit code, meaningful once it has ended.
    pub exit_code: i64,
    /// In the engine's words: `Up 3 minutes (healthy)`.
    pub status: String,
    /// The node of a Swarm that it is on; empty on an engine alone.
    pub place: String,
    /// The image by the name that it was made with.
    pub image: String,
    /// The image by its id.
    pub image_id: String,
    /// What it runs.
    pub command: Vec<String>,
    /// Its addresses, one for each network that it is in; none where it does not run.
    pub addresses: Vec<String>,
    /// The networks that it is in.
    pub attachments: Vec<Attachment>,
    /// What it publishes.
    pub ports: Vec<PublishedPort>,
    /// Ports of the host that it is to publish, whether it runs or not.
    pub bindings: Vec<u16>,
    /// Folders and files of the engine's machine that it mounts.
    pub mounts: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

impl Container {
    /// Whether its process has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Exited | State::Dead)
    }

    /// Whether its process was ever started.
    #[must_use]
    pub fn has_started(&self) -> bool {
        self.state != State::Created
    }

    /// Whether its process runs and is not paused.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state == State::Running
    }

    /// Whether it is in a network.
    #[must_use]
    pub fn is_in(&self, network: &str) -> bool {
        self.attachments.iter().any(|one| one.network == network)
    }

    /// The value of a label; empty without it.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// Its Compose project; empty where it has none.
    #[must_use]
    pub fn project(&self) -> &str {
        self.label(PROJECT_LABEL)
    }

    /// Its Compose service; empty where it has none.
    #[must_use]
    pub fn service(&self) -> &str {
        self.label(SERVICE_LABEL)
    }

    /// The folder that Compose was in when it made the container; empty where something else made it.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.label(FOLDER_LABEL)
    }

    /// The files that Compose read when it made the container.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.label(FILES_LABEL).split(',').filter(|path| !path.is_empty())
    }

    /// The host and port on which a port of the container answers; `engine` is the host where it listens everywhere.
    #[must_use]
    pub fn published(&self, inside: u16, engine: &str) -> Option<String> {
        let port = self.ports.iter().find(|port| port.inside == inside)?;
        let host = match port.address.as_str() {
            "" | "0.0.0.0" | "::" => engine.to_owned(),
            address if address.contains(':') => format!("[{address}]"),
            address => address.to_owned(),
        };
        Some(format!("{host}:{}", port.outside))
    }
}

/// A volume or a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// Its key in the Compose file; empty where something else made it.
    pub key: String,
    /// Its Compose project; empty where it has none.
    pub project: String,
    /// The value of the role label; empty where it is not of this tool.
    pub role: String,
    /// The value of the label of a volume whose data is of a secure cluster; empty without it.
    pub security: String,
}

impl Resource {
    /// Whether it is a volume whose data is of a secure cluster.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        !self.security.is_empty()
    }
}

/// `docker inspect`, as far as it matters here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    id: String,
    name: String,
    state: InspectedState,
    config: InspectedConfig,
    #[serde(default)]
    image: String,
    #[serde(default)]
    network_settings: InspectedNetworks,
    #[serde(default, deserialize_with = "or_default")]
    mounts: Vec<InspectedMount>,
    #[serde(default)]
    host_config: InspectedHost,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedHost {
    #[serde(default, deserialize_with = "or_default")]
    port_bindings: BTreeMap<String, Option<Vec<InspectedPort>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedMount {
    #[serde(default)]
    source: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedState {
    status: State,
    #[serde(default)]
    exit_code: i64,
    health: Option<InspectedHealth>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedHealth {
    status: Health,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedConfig {
    #[serde(default)]
    image: String,
    #[serde(default, deserialize_with = "or_default")]
    cmd: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    labels: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedNetworks {
    #[serde(default, deserialize_with = "or_default")]
    networks: BTreeMap<String, InspectedNetwork>,
    #[serde(default, deserialize_with = "or_default")]
    ports: BTreeMap<String, Option<Vec<InspectedPort>>>,
}

#[derive(Deserialize)]
struct InspectedNetwork {
    #[serde(rename = "IPAddress", default)]
    address: String,
    #[serde(rename = "Aliases", default, deserialize_with = "or_default")]
    aliases: Vec<String>,
    #[serde(rename = "IPAMConfig", default, deserialize_with = "or_default")]
    chosen: InspectedChoice,
}

#[derive(Default, Deserialize)]
struct InspectedChoice {
    #[serde(rename = "IPv4Address", default)]
    address: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedPort {
    host_ip: String,
    host_port: String,
}

/// Engines write `null` for what is empty.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Every container in a scope, ended ones too, by name.
///
/// # Errors
/// When the engine does not answer, or prints what cannot be read.
pub fn containers(engine: &Engine, scope: Scope<'_>) -> Result<Vec<Container>> {
    let listed = list(engine, "containers", ["ps", "--all", "--no-trunc"], scope, "{{.ID}}\t{{.Status}}")?;
    let statuses: BTreeMap<&str, &str> = listed.lines().filter_map(|line| line.split_once('\t')).collect();
    if statuses.is_empty() {
        return Ok(Vec::new());
    }
    let inspect = engine.command("inspect containers", ["inspect", "--type", "container"]);
    let inspect = inspect.with(["--format", "{{json .}}"]).with(statuses.keys().copied());
    // Its exit status is ignored: a container may have gone since it was listed.
    let said = engine.output(&inspect)?;
    if said.stdout.trim().is_empty() && !said.stderr.to_lowercase().contains("no such") {
        return Err(super::failure(&inspect, &said));
    }
    let mut containers = parse(&said.stdout).map_err(|error| {
        let message =
            format!("could not inspect containers: what `docker inspect` printed is not its JSON ({error})");
        Failure::new(Status::Failed, message).with_detail(said.stdout.lines().next().unwrap_or_default())
    })?;
    for container in &mut containers {
        container.status = statuses.get(container.id.as_str()).copied().unwrap_or_default().to_owned();
    }
    containers.sort_by_cached_key(|container| natural_key(&container.name));
    Ok(containers)
}

/// Ids of the images that the engine has among these names.
///
/// # Errors
/// When the engine does not answer.
pub fn images(engine: &Engine, names: &BTreeSet<String>) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for name in names {
        let query = ["image", "inspect", "--format", "{{.Id}}", name];
        let said = engine.output(&engine.command(&format!("look for the image {name}"), query))?;
        if said.status.success() {
            found.insert(name.clone(), said.stdout.trim().to_owned());
        }
    }
    Ok(found)
}

/// Every volume in a scope, by name.
///
/// # Errors
/// When the engine does not answer.
pub fn volumes(engine: &Engine, scope: Scope<'_>) -> Result<Vec<Resource>> {
    resources(engine, "volumes", ["volume", "ls"], VOLUME_LABEL, scope)
}

/// Every network in a scope, by name.
///
/// # Errors
/// When the engine does not answer.
pub fn networks(engine: &Engine, scope: Scope<'_>) -> Result<Vec<Resource>> {
    resources(engine, "networks", ["network", "ls"], NETWORK_LABEL, scope)
}

fn resources<const N: usize>(
    engine: &Engine,
    what: &str,
    command: [&str; N],
    key_label: &str,
    scope: Scope<'_>,
) -> Result<Vec<Resource>> {
    let labels = [PROJECT_LABEL, key_label, ROLE_LABEL, SECURITY_LABEL];
    let labels = labels.map(|label| format!("{{{{.Label {label:?}}}}}")).join("\t");
    let format = format!("{{{{.Name}}}}\t{labels}");
    let resource = |line: &str| {
        let mut words = line.split('\t').map(str::to_owned);
        let [name, project, key, role] = [words.next()?, words.next()?, words.next()?, words.next()?];
        Some(Resource { name, key, project, role, security: words.next().unwrap_or_default() })
    };
    Ok(list(engine, what, command, scope, &format)?.lines().filter_map(resource).collect())
}

fn list<const N: usize>(
    engine: &Engine,
    what: &str,
    command: [&str; N],
    scope: Scope<'_>,
    format: &str,
) -> Result<String> {
    let query = engine.command(&format!("list {what}"), command);
    engine.run(&query.with(["--filter", &scope.filter(), "--format", format]))
}

/// Reads `docker inspect --format '{{json .}}'`: an object a line.
fn parse(text: &str) -> serde_json::Result<Vec<Container>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| Ok(container(serde_json::from_str(line)?))).collect()
}

fn container(from: Inspected) -> Container {
    let ports = from.network_settings.ports.into_iter().flat_map(|(inside, hosts)| {
        let inside = inside.split('/').next().and_then(|port| port.parse().ok());
        let port = move |host: InspectedPort| {
            Some(PublishedPort {
                inside: inside?,
                address: host.host_ip,
                outside: host.host_port.parse().ok()?,
            })
        };
        hosts.unwrap_or_default().into_iter().filter_map(port)
    });
    let bindings = from.host_config.port_bindings.into_values().flatten().flatten();
    let networks = from.network_settings.networks;
    let addresses: Vec<String> = networks.values().map(|network| network.address.clone()).collect();
    let attachments = networks.into_iter().map(|(network, InspectedNetwork { aliases, chosen, .. })| {
        let chosen_address = Some(chosen.address).filter(|address| !address.is_empty());
        Attachment { network, aliases, chosen_address }
    });
    Container {
        id: from.id,
        name: from.name.trim_start_matches('/').to_owned(),
        state: from.state.status,
        health: from.state.health.map_or(Health::None, |health| health.status),
        exit_code: from.state.exit_code,
        status: String::new(),
        place: String::new(),
        image: from.config.image,
        image_id: from.image,
        command: from.config.cmd,
        addresses: addresses.into_iter().filter(|address| !address.is_empty()).collect(),
        attachments: attachments.collect(),
        ports: ports.collect(),
        bindings: bindings.filter_map(|port| port.host_port.parse().ok()).collect(),
        mounts: from.mounts.into_iter().map(|mount| mount.source).collect(),
        labels: from.config.labels,
    }
}

/// Sorts `s3g2` before `s3g10`.
pub(super) fn natural_key(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    for chunk in name.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let (digits, rest) = chunk.split_at(chunk.find(|c: char| !c.is_ascii_digit()).unwrap_or(chunk.len()));
        parts.push((rest.to_owned(), digits.parse().unwrap_or(0)));
    }
    parts
}

/// Whether two names are of one image: Podman names the registry that Docker leaves out, and `localhost` for what was
/// built.
#[must_use]
pub fn is_same_image(one: &str, other: &str) -> bool {
    fn short(name: &str) -> &str {
        let prefixes = ["docker.io/library/", "docker.io/", "localhost/"];
        prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
    }
    short(one) == short(other)
}

/// Containers for the tests of the code that evaluates them.
#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    /// A running container of this tool in the project `demo`, started from `/demo`.
    pub(crate) fn container(service: &str, role: &str) -> Container {
        let labels = [
            (PROJECT_LABEL, "demo"),
            (SERVICE_LABEL, service),
            (FOLDER_LABEL, "/demo"),
            (FILES_LABEL, "/demo/docker-compose.yaml,/demo/s3-haproxy.yaml"),
            (ROLE_LABEL, role),
        ];
        let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
        Container {
            id: format!("id-{service}"),
            name: format!("demo-{service}-1"),
            state: State::Running,
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            ..Container::default()
        }
    }

    /// The same with another label.
    pub(crate) fn labelled(mut container: Container, name: &str, value: &str) -> Container {
        container.labels.insert(name.to_owned(), value.to_owned());
        container
    }

    /// The same as another folder's Compose app would have started it.
    pub(crate) fn started_from(container: Container, folder: &str, file: &str) -> Container {
        labelled(labelled(container, FOLDER_LABEL, folder), FILES_LABEL, file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSPECTED: &str = r#"{"Id":"a1","Name":"/demo-s3g2-1","State":{"Status":"exited","ExitCode":255,"Health":{"Status":"unhealthy"}},"Image":"sha256:1","Config":{"Image":"apache/ozone:2.2.1","Labels":{"io.github.ozone-compose.role":"gateway","com.docker.compose.service":"s3g2"}},"NetworkSettings":{"Ports":{"9878/tcp":[{"HostIp":"0.0.0.0","HostPort":"9000"},{"HostIp":"::","HostPort":"9000"}],"8404/tcp":null},"Networks":{"app":{"IPAddress":""},"demo_default":{"IPAddress":"172.18.0.5"}}}}"#;

    #[test]
    fn a_container_is_read_as_the_engine_inspects_it() {
        let found = parse(&format!("{INSPECTED}\n\n")).expect("an object");
        let one = &found[0];
        assert_eq!((one.name.as_str(), one.state, one.exit_code), ("demo-s3g2-1", State::Exited, 255));
        assert_eq!(
            (one.health, one.service(), one.label(ROLE_LABEL)),
            (Health::Unhealthy, "s3g2", "gateway")
        );
        assert_eq!(one.addresses, ["172.18.0.5"]);
        assert_eq!(one.published(9878, "10.0.0.9").as_deref(), Some("10.0.0.9:9000"));
        assert_eq!(one.published(8404, "10.0.0.9"), None);
        assert!(one.has_ended());
    }

    #[test]
    fn an_image_is_the_same_with_and_without_its_registry() {
        assert!(is_same_image("docker.io/apache/ozone:2.2.1", "apache/ozone:2.2.1"));
        assert!(is_same_image("haproxy:3.2-alpine", "docker.io/library/haproxy:3.2-alpine"));
        assert!(is_same_image("mine:1", "localhost/mine:1"));
        assert!(!is_same_image("ghcr.io/apache/ozone:2.2.1", "apache/ozone:2.2.1"));
        assert!(!is_same_image("apache/ozone:2.2.0", "apache/ozone:2.2.1"));
    }

    #[test]
    fn what_is_empty_may_be_null_or_missing() {
        let text = r#"{"Id":"a","Name":"/x","State":{"Status":"running"},"Config":{"Labels":null},"NetworkSettings":{"Ports":null,"Networks":null}}"#;
        let found = parse(text).expect("an object");
        assert_eq!((found[0].health, found[0].label(ROLE_LABEL)), (Health::None, ""));
        assert!(parse("NAME STATE\n").is_err());
    }

    #[test]
    fn names_sort_by_their_numbers() {
        let mut names = ["d-s3g10-1", "d-s3g2-1", "d-om-1"];
        names.sort_by_cached_key(|name| natural_key(name));
        assert_eq!(names, ["d-om-1", "d-s3g2-1", "d-s3g10-1"]);
    }
}
