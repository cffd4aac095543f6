//! The request of a run: the choices of flags, environment and file, and the files that follow from them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Result;

use super::{Context, templates};
use crate::credentials::Credentials;
use crate::digest::digest;
use crate::engine::Engine;
use crate::error::{Failure, Status};
use crate::haproxy::control::Files;
use crate::observe::Observed;
use crate::plan::overlay::Config;
use crate::plan::stack::Stack;
use crate::plan::{Plan, WEBADMIN_PORT};
use crate::realm::{self, Realm};
use crate::render::{self, ALL_FILES, HAPROXY_CFG, HAPROXY_FOLDER, KRB5_CONF, MACHINE_UNIT, Service};
use crate::seed::Seed;
use crate::site::{Site, choices_in, command_in};
use crate::spec::choices::{Choice, Choices, FILE_NAME, Origin};
use crate::spec::options::{AUTO, Opt, Preset};
use crate::spec::values::{EngineAt, GatewayName, OzoneVersion, Port};
use crate::spec::{Spec, file};
use crate::steps::Desired;
use crate::tls::{self, Renewal, Wanted};
use crate::ui::Ui;
use crate::workspace::seal::sealed;
use crate::workspace::{Change, Folder, Kind};

/// Files of a person's own that join the generated Compose files: those that Compose adds on its own to a
/// `compose.yaml`.
const OVERRIDES: &[&str] = &[
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// Files that make a folder a Compose app of a person's own. `docker-compose.yaml` is this tool's.
const APPS: &[&str] = &["compose.yaml", "compose.yml", "docker-compose.yml"];

/// The user and group as which the official images run HAProxy.
const HAPROXY_IDS: (u32, u32) = (99, 99);

/// The choices of a run, and what follows from them.
pub(super) struct Request {
    /// The cluster.
    pub(super) site: Site,
    /// The generated files, without their seals.
    pub(super) files: render::Files,
    /// The services of the Compose files.
    pub(super) services: Vec<Service>,
    /// What `ozone-compose.yaml` is to say.
    pub(super) choices_file: String,
    /// The choices that the folder's file held before.
    kept: Choices,
    /// Those of this run.
    new: Choices,
    /// The Compose files of the cluster, in order.
    pub(super) compose_files: Vec<String>,
    /// The services of a Swarm, where it is on one.
    pub(super) stack: Option<Stack>,
    /// Whether a person's own are among them.
    has_overrides: bool,
    /// Keys of the volumes and networks that those declare.
    pub(super) declared: Vec<String>,
}

impl Request {
    /// Validates choices, those of `stronger` over those of the folder's file, and renders what follows from them.
    pub(super) fn new(folder: &Folder, stronger: Choices) -> Result<Self> {
        let old = folder.text_of(FILE_NAME)?;
        let kept = choices_in(folder)?.unwrap_or_default();
        let mut new = stronger;
        forget_gateways_that_go(&kept, &mut new);
        let spec = Spec::resolve(&kept.clone().overlaid_by(new.clone()), &folder.name())?;
        // Kept, so that a folder that is moved still finds its containers and volumes.
        if let Some(option) = Opt::with_key("name").filter(|_| spec.has_cluster())
            && kept.of(option.key).is_none()
        {
            new.choose(option, vec![spec.name.to_string()], Origin::File);
        }
        let (mut overrides, mut declared) = (Vec::new(), Vec::new());
        for name in OVERRIDES {
            if let Some(text) = folder.text_of(name)? {
                overrides.push((*name).to_owned());
                declared.extend(file::declared_resources(&text));
            }
        }
        let mut plan = Plan::new(&spec, &overrides);
        let chosen = templates::chosen(&spec, folder.path())?;
        let mut rendered = render::render(&plan, &chosen)?;
        if plan.embeds_haproxy() {
            let generated = sealed(&rendered.files[HAPROXY_CFG]);
            let change = folder.compare(HAPROXY_CFG, Some(&generated))?.keeping_current_edits();
            plan.embed_haproxy(haproxy_files(folder, change.writes().then_some(&generated))?);
            if let Some(stack) = &mut plan.stack {
                if let Some(served) = tls::served(folder.path())? {
                    stack.name_secrets(tls::SERVED_FOLDER, &digest(&served));
                }
                if let Some(realm) = Realm::read(folder.path()) {
                    stack.name_secrets(realm::FOLDER, &realm.digest());
                }
                if let Some(generated) = rendered.files.get(KRB5_CONF) {
                    let generated = sealed(generated);
                    let change = folder.compare(KRB5_CONF, Some(&generated))?.keeping_current_edits();
                    let edited = folder.text_of(KRB5_CONF)?.filter(|_| !change.writes());
                    stack.set_krb5_conf(&edited.unwrap_or(generated));
                }
            }
            rendered = render::render(&plan, &chosen)?;
        }
        let choices_file = file::with_choices(old.as_deref(), &new)?;
        Ok(Self {
            site: Site::new(spec, folder.path()),
            files: rendered.files,
            services: rendered.services,
            choices_file,
            kept,
            new,
            compose_files: plan.compose_files,
            stack: plan.stack,
            has_overrides: !overrides.is_empty(),
            declared,
        })
    }

    /// Says that the settings may not be those of this Ozone.
    pub(super) fn warn_of_version(&self, context: &Context) {
        let spec = &self.site.spec;
        if spec.in_containers() && spec.version.is_unknown() {
            context.ui.say(&format!(
                "warning: ozone.version: {} may be newer than Ozone 2.{newest}.x, the newest that this tool knows, and gets the \
                 settings of 2.{newest}",
                spec.version,
                newest = OzoneVersion::NEWEST
            ));
        }
    }

    /// What writing the files would do. The choices first: should a crash come between two files, running again
    /// completes them.
    pub(super) fn changes(&self, folder: &Folder) -> Result<Vec<Change>> {
        let choices = folder.compare(FILE_NAME, Some(&self.choices_file))?.agreed();
        let generated = ALL_FILES.iter().map(|name| {
            let text = self.files.get(name).map(|body| sealed(body));
            folder.compare(name, text.as_deref())
        });
        [Ok(choices)].into_iter().chain(generated).collect()
    }

    /// What HAProxy has to read, as it is in the folder once the changes and the new certificate are written.
    pub(super) fn haproxy(
        &self,
        folder: &Folder,
        changes: &[Change],
        renewal: Option<&Renewal>,
    ) -> Result<Files> {
        let is_written = changes.iter().any(|change| change.name() == HAPROXY_CFG && change.writes());
        let text = is_written.then(|| sealed(&self.files[HAPROXY_CFG]));
        let certificate = match renewal {
            _ if self.site.spec.balancer.tls.is_none() => None,
            Some(renewal) => Some(renewal.served().to_owned()),
            None => tls::served(folder.path())?,
        };
        Ok(Files { configuration: haproxy_files(folder, text.as_deref())?, certificate })
    }

    /// The certificate that replaces the one in the folder; none where that is valid, or no https.
    pub(super) fn renewal(&self, engine: &Engine) -> Result<Option<Renewal>> {
        // An engine is only looked for where that matters.
        if self.site.spec.balancer.tls.is_none() {
            return Ok(None);
        }
        self.renewal_for(&self.site.host(engine))
    }

    /// The same for a balancer that answers at `host`.
    pub(super) fn renewal_for(&self, host: &str) -> Result<Option<Renewal>> {
        let wanted = Wanted::new(&self.site.spec, &self.site.folder, host, SystemTime::now());
        wanted.map_or(Ok(None), |wanted| wanted.renewal())
    }

    /// Whether a stack needs keys that the folder does not have.
    pub(super) fn lacks_keys(&self) -> bool {
        let stack = self.stack.as_ref();
        stack.is_some_and(|stack| stack.kerberos.is_some()) && Realm::read(&self.site.folder).is_none()
    }

    /// Writes this certificate, and the keys of a stack that it lacks, and returns the request that names them.
    pub(super) fn certified(
        self,
        renewal: Option<&Renewal>,
        folder: &Folder,
        stronger: Choices,
        ui: Ui,
    ) -> Result<Self> {
        let lacks_keys = self.lacks_keys();
        if let Some(renewal) = renewal {
            renewal.write()?;
            ui.say(&renewal.to_string());
        }
        if lacks_keys {
            Realm::new()?.write(folder.path())?;
            ui.say(&format!("security: made the keys of all services, in {}", realm::FOLDER));
        }
        if renewal.is_some() || lacks_keys { Self::new(folder, stronger) } else { Ok(self) }
    }

    /// The desired state of a cluster, and how the present one differs.
    pub(super) fn desired<'a>(
        &'a self,
        folder: &Folder,
        changes: &[Change],
        observed: &Observed,
        engine: &Engine,
    ) -> Result<Desired<'a>> {
        let written = changes.iter().filter(|change| change.writes());
        let mut files: Vec<String> = written.map(|change| change.name().to_owned()).collect();
        let cfg_changes = files.iter().any(|name| name == HAPROXY_CFG);
        let is_mounted = self.site.spec.engine == EngineAt::Local;
        if !cfg_changes && is_mounted && !generated_is_readable(folder)? {
            files.push(HAPROXY_CFG.to_owned());
        }
        Ok(Desired {
            site: &self.site,
            services: &self.services,
            files,
            cfg_changes,
            cfg_is_newer: cfg_is_newer(folder, observed)?,
            certificate: None,
            has_overrides: self.has_overrides,
            keyed: Credentials::read(folder.path())?.users().map(str::to_owned).collect(),
            images: crate::engine::objects::images(engine, &images(observed))?,
            seed: None,
            hooks: Vec::new(),
        })
    }

    /// Each choice of this run that is another than the one before.
    pub(super) fn new_choices(&self) -> Vec<String> {
        let changed = self.new.iter().filter_map(|(option, choice)| {
            let shown = |texts: &[String]| if texts.is_empty() { "none".to_owned() } else { texts.join(" ") };
            let (old, new) = (shown(&self.kept.of(option.key)?.texts), shown(&choice.texts));
            (old != new).then(|| format!("{}: {old} -> {new}", option.key))
        });
        changed.collect()
    }

    /// Says them.
    pub(super) fn say_new_choices(&self, context: &Context) {
        for choice in self.new_choices() {
            context.ui.say(&choice);
        }
    }

    /// The files that become objects, where there are any.
    pub(super) fn seed(&self) -> Result<Option<Seed>> {
        let folder = self.site.spec.seed.as_ref().map(|folder| self.site.folder.join(folder.path()));
        folder.as_deref().map(Seed::read).transpose()
    }

    /// The name that the folder's cluster had before this run, where it had another.
    pub(super) fn former_name(&self) -> Option<String> {
        let name = self.kept.of("name")?.texts.first()?;
        (*name != self.site.name).then(|| name.clone())
    }
}

/// The files that HAProxy reads, in its order, with a text instead of the generated one where that has to be written.
fn haproxy_files(folder: &Folder, written: Option<&str>) -> Result<Vec<Config>> {
    let generated = HAPROXY_CFG.strip_prefix(HAPROXY_FOLDER).unwrap_or(HAPROXY_CFG).trim_start_matches('/');
    let mut names = folder.names_in(HAPROXY_FOLDER, ".cfg")?;
    if written.is_some() {
        names.insert(generated.to_owned());
    }
    let mut files = Vec::new();
    for name in names {
        let text = match written {
            Some(text) if name == generated => Some(text.to_owned()),
            _ => folder.text_of(&format!("{HAPROXY_FOLDER}/{name}"))?,
        };
        files.extend(text.map(|text| Config { name, text }));
    }
    Ok(files)
}

/// The images that containers were made from, by name.
fn images(observed: &Observed) -> BTreeSet<String> {
    observed.members.iter().map(|one| one.container.image.clone()).filter(|name| !name.is_empty()).collect()
}

/// Whether a file in HAProxy's folder was changed after HAProxy loaded it. The uptime is in whole seconds: rather one
/// reload too many.
fn cfg_is_newer(folder: &Folder, observed: &Observed) -> Result<bool> {
    let Some(loaded) = observed.loaded() else { return Ok(false) };
    let since = observed.at - loaded.workers.uptime;
    for name in [HAPROXY_FOLDER, tls::SERVED_FOLDER] {
        if folder.path().join(name).exists() && folder.last_change_in(name)? + Duration::from_secs(1) > since
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Fewer gateways: nothing is chosen any more of those that are removed.
fn forget_gateways_that_go(kept: &Choices, new: &mut Choices) {
    let count = new.of("gateways.count").and_then(|choice| choice.texts[0].parse::<u32>().ok());
    let Some(count) = count else { return };
    for key in ["gateways.drained", "gateways.image", "gateways.weight"] {
        let Some(choice) = kept.of(key).filter(|_| new.of(key).is_none()) else { continue };
        let stays = |text: &&String| {
            let name = text.split('=').next().unwrap_or_default();
            name.parse::<GatewayName>().map_or(true, |name| name.number() <= count)
        };
        let stay: Vec<String> = choice.texts.iter().filter(stays).cloned().collect();
        if stay.len() < choice.texts.len() {
            *new = new.clone().overlaid_by(chosen(key, stay));
        }
    }
}

/// The choice of which gateways are drained.
pub(super) fn with_drained(names: impl IntoIterator<Item = GatewayName>) -> Choices {
    let texts: BTreeSet<GatewayName> = names.into_iter().collect();
    chosen("gateways.drained", texts.iter().map(ToString::to_string).collect())
}

/// A choice that a verb's arguments make.
pub(super) fn chosen(key: &str, texts: Vec<String>) -> Choices {
    let mut choices = Choices::default();
    let option = Opt::with_key(key).unwrap_or_else(|| unreachable!("`{key}` is a row of the table"));
    choices.choose(option, texts, Origin::Argument);
    choices
}

/// The ports for which a free one has to be found.
pub(super) fn automatic(given: &Choices) -> Vec<&'static Opt> {
    let is_auto = |choice: &Choice| choice.texts == [AUTO];
    given
        .iter()
        .filter(|(option, choice)| option.is_port() && is_auto(choice))
        .map(|(option, _)| option)
        .collect()
}

/// The same choices with a number instead of each `auto`: the one that was kept, so that the same command leaves a
/// cluster as it is.
pub(super) fn numbered(given: &Choices, path: &Path) -> Result<Choices> {
    let mut choices = given.clone();
    let automatic = automatic(given);
    if automatic.is_empty() {
        return Ok(choices);
    }
    let kept = choices_in(&Folder::to_read(path))?.unwrap_or_default();
    let number = |text: &str| text.parse::<Port>().is_ok().then(|| text.to_owned());
    for option in automatic {
        let kept = kept.of(option.key).and_then(|choice| number(choice.texts.first()?));
        let default = || if let Preset::Is(text) = option.default { number(text) } else { None };
        let port = kept.or_else(default).unwrap_or_else(|| WEBADMIN_PORT.to_string());
        choices.choose(option, vec![port], Origin::Flag(option.flag));
    }
    Ok(choices)
}

/// Opens a folder to write in it; says so when it waits for another run there.
pub(super) fn open(path: &Path, context: &Context) -> Result<Folder> {
    Folder::to_write(path, waiting(path, context))
}

/// What is done while another run has locked the folder.
fn waiting<'a>(path: &'a Path, context: &'a Context) -> impl FnMut() -> Result<()> + 'a {
    let mut is_told = false;
    move || {
        if !is_told {
            context.ui.say(&format!("waiting for another ozone-compose run in `{}`", path.display()));
            is_told = true;
        }
        context.interrupt.check()
    }
}

/// Opens a folder to write in it, and validates the request before anything is made.
pub(super) fn open_and_check(
    path: &Path,
    stronger: &Choices,
    context: &Context,
) -> Result<(Folder, Request)> {
    let mut folder = open(path, context)?;
    let request = Request::new(&folder, stronger.clone())?;
    refuse_app(&folder, &request)?;
    if !folder.make(waiting(path, context))? {
        return Ok((folder, request));
    }
    // Several first runs at once: another may have made the folder and chosen in between.
    let request = Request::new(&folder, stronger.clone())?;
    Ok((folder, request))
}

/// The generated `.env` would displace a person's own app in the folder.
pub(super) fn refuse_app(folder: &Folder, request: &Request) -> Result<()> {
    if !request.site.spec.has_cluster() {
        return Ok(());
    }
    refuse_machine(folder)?;
    for name in APPS {
        if folder.bytes_of(name)?.is_some() {
            let folder = folder.path().display();
            let message = format!(
                "`{name}` makes `{folder}` a Compose app of your own, which the generated .env would displace; \
                 nothing was changed"
            );
            let hint =
                "choose a folder of its own with `-o DIR`; your app can `include` the cluster from there";
            return Err(Failure::new(Status::Differs, message).with_hint(hint).into());
        }
    }
    Ok(())
}

/// Refuses a folder that `haproxy --output` has written for a balancer's own machine.
fn refuse_machine(folder: &Folder) -> Result<()> {
    if folder.bytes_of(FILE_NAME)?.is_some() || folder.bytes_of(MACHINE_UNIT)?.is_none() {
        return Ok(());
    }
    let place = folder.path().display();
    let message = format!(
        "`{place}` holds the files of a balancer's own machine, which `haproxy` has written; nothing was changed"
    );
    let hint = "read INSTALL.md there; `-o DIR` chooses another folder for a cluster";
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
}

/// Refuses to write over what a person edited, or wrote in the first place.
pub(super) fn refuse_to_lose_edits(changes: &[Change], path: &Path, force: bool) -> Result<()> {
    let of_kind = |kind: Kind| changes.iter().filter(move |change| change.kind() == kind);
    let names = |kind: Kind| {
        of_kind(kind).map(|change| format!("`{}`", change.name())).collect::<Vec<_>>().join(", ")
    };
    let folder = path.display();
    let foreign = names(Kind::Foreign);
    if !foreign.is_empty() {
        let were = if of_kind(Kind::Foreign).count() == 1 { "was" } else { "were" };
        let message =
            format!("{foreign} in `{folder}` {were} not written by ozone-compose; nothing was changed");
        let hint = "choose another folder with `-o DIR`, or move the file away";
        return Err(Failure::new(Status::Differs, message).with_hint(hint).into());
    }
    let edited = names(Kind::Edited);
    if !edited.is_empty() && !force {
        let were = if of_kind(Kind::Edited).count() == 1 { "was" } else { "were" };
        let message = format!("{edited} in `{folder}` {were} edited by hand; nothing was changed");
        let hint = format!(
            "you can move the edit to {FILE_NAME}, compose.override.yaml or haproxy/zz-local.cfg, which stay yours \
             (most settings are keys of the first, as `config show` lists them; the last adds sections and changes none); \
             overwrite it with `{}`, which keeps it as FILE.bak; or leave \
             everything as it is: `reload`, `restart`, `stop` and `start` work, and changes that write this file do not",
            command_in(path, "generate --force")
        );
        let diff: String = of_kind(Kind::Edited).map(Change::diff).collect();
        return Err(Failure::new(Status::Differs, message).with_detail(diff).with_hint(hint).into());
    }
    Ok(())
}

/// Files that HAProxy may not read, as commands that let it.
pub(super) fn unreadable(folder: &Folder) -> Result<Vec<(String, String)>> {
    let (uid, gid) = HAPROXY_IDS;
    let found = folder.unreadable_by(HAPROXY_FOLDER, uid, gid)?;
    Ok(found.iter().map(|one| (one.path().display().to_string(), one.chmod())).collect())
}

fn generated_is_readable(folder: &Folder) -> Result<bool> {
    let own = [folder.path().join(HAPROXY_FOLDER), folder.path().join(HAPROXY_CFG)];
    let own = own.map(|path| path.display().to_string());
    Ok(!unreadable(folder)?.iter().any(|(path, _)| own.contains(path)))
}

/// Refuses a file of a person's own that HAProxy may not read; the generated ones are made readable.
pub(super) fn refuse_unreadable(folder: &Folder, request: &Request) -> Result<()> {
    if request.site.spec.engine == EngineAt::Remote {
        return Ok(());
    }
    let own = [HAPROXY_FOLDER, HAPROXY_CFG].map(|name| folder.path().join(name).display().to_string());
    let Some((path, chmod)) = unreadable(folder)?.into_iter().find(|(path, _)| !own.contains(path)) else {
        return Ok(());
    };
    let (uid, _) = HAPROXY_IDS;
    let message =
        format!("HAProxy, which runs as the user {uid}, may not read `{path}`; nothing was changed");
    Err(Failure::new(Status::Failed, message).with_hint(format!("`{chmod}` lets it")).into())
}
