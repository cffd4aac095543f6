//! S3 users of a secure cluster on Docker Swarm. No engine runs programs in containers of other nodes: what only an administrator
//! may do runs in a container of its own, in the network of the stack, and is gone when it ends.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fs_err as fs;

use super::services;
use crate::act::users::{ADMINISTRATOR, SET_SECRET};
use crate::commands::Context;
use crate::commands::request::{Request, open, refuse_to_lose_edits};
use crate::credentials::{Credentials, FILE};
use crate::engine::Invocation;
use crate::engine::swarm::STACK_LABEL;
use crate::error::{Failure, Status};
use crate::observe::{Observed, listed};
use crate::plan::stack::NAME_SERVER_PATIENCE;
use crate::proof::BUCKET;
use crate::realm::{self, Realm};
use crate::render::KRB5_CONF;
use crate::s3::{Client, Key};
use crate::secrets::{Answer, REQUESTS, Verb, answers};
use crate::site::Site;
use crate::spec::choices::Choices;
use crate::spec::values::UserName;
use crate::ui::progress::Progress;

/// Takes keytab and `krb5.conf` from its input, which no list of processes and no inspection shows, and runs what follows.
const PREPARE: &str = r"
set -eu
read -r keytab
read -r conf
mkdir -p /etc/security/keytabs
(umask 077 && printf %s $keytab | base64 -d >/etc/security/keytabs/admin.keytab)
printf %s $conf | base64 -d >/etc/krb5.conf
set +e
";

/// Lets every user who has a secret make buckets in the volume of S3; with `l`, since listing them fails without.
const GRANT: &str =
    "for try in 1 2 3; do ozone sh volume addacl --acl world::rwl s3v && exit; sleep 1; done; exit 1";

/// How long such a container may take: a JVM starts in it, which takes 3 s on two cores, and 20 s while all else starts too.
const DONE_WITHIN: Duration = Duration::from_secs(120);

/// How long OM may take to give all users secrets.
const GIVEN_WITHIN: Duration = Duration::from_secs(120);

/// Pause between two tries of that.
const PAUSE: Duration = Duration::from_secs(2);

/// Changes who has which secret in a cluster that is there: writes the choices, and acts on them. Those in `anew` get another
/// secret, or the one that was `chosen`.
///
/// # Errors
/// When it is not there, or OM does not do it.
pub(in crate::commands) fn change(
    site: &Site,
    choices: Choices,
    anew: &[UserName],
    chosen: Option<Key>,
    context: &Context,
) -> Result<Site> {
    let mut folder = open(&site.folder, context)?;
    services(site, context)?;
    realm(site)?;
    let request = Request::new(&folder, choices)?;
    let changes = super::changes(&request, &folder)?;
    refuse_to_lose_edits(&changes, &site.folder, false)?;
    folder.apply(&changes)?;
    let mut progress = context.ui.progress();
    if let Some(users) = Users::of(&request.site, context)? {
        users.admit(anew, chosen, &mut progress)?;
    }
    progress.finish();
    Ok(request.site)
}

/// The keys in the folder of a secure cluster.
fn realm(site: &Site) -> Result<Realm> {
    Realm::read(&site.folder).ok_or_else(|| {
        let message = format!("the keys of cluster `{}` are not in {}", site.name, realm::FOLDER);
        let hint = format!("`{}` says what to do", site.command("up"));
        Failure::new(Status::NotReady, message).with_hint(hint).into()
    })
}

/// The users of a cluster that runs.
pub(in crate::commands) struct Users<'a> {
    site: &'a Site,
    context: &'a Context,
    realm: Realm,
}

impl<'a> Users<'a> {
    /// Those of a secure cluster; none where there is no security.
    ///
    /// # Errors
    /// When the folder does not have its keys.
    pub(in crate::commands) fn of(site: &'a Site, context: &'a Context) -> Result<Option<Self>> {
        site.spec.kerberos.as_ref().map(|_| Ok(Self { site, context, realm: realm(site)? })).transpose()
    }

    /// Users of the choices get a secret where the folder has none, and others lose theirs.
    pub(super) fn admit(
        &self,
        anew: &[UserName],
        chosen: Option<Key>,
        progress: &mut Progress,
    ) -> Result<()> {
        let mut credentials = Credentials::read(&self.site.folder)?;
        let own = Key::new(UserName::of_this_tool().as_str(), &self.realm.s3_secret());
        let had = credentials.of(&UserName::of_this_tool()).cloned();
        // What a folder holds of a cluster whose data is gone is no secret.
        let is_fresh = had.as_ref().map_or(Ok(true), |key| self.is_refused(key))?;
        if is_fresh {
            credentials = Credentials::default();
        }
        let wanted = self.site.spec.kerberos.iter().flat_map(|kerberos| &kerberos.users);
        let wanted: BTreeSet<&str> = wanted.map(UserName::as_str).chain([own.access.as_str()]).collect();
        let gone: Vec<String> =
            credentials.users().filter(|name| !wanted.contains(name)).map(str::to_owned).collect();
        if !gone.is_empty() {
            progress.doing("secrets", format!("revoking those of {}", listed(&gone)));
            self.insist(Verb::Revoke, gone.iter().map(String::as_str).collect())?;
            for name in &gone {
                credentials.remove(name);
            }
            credentials.write(&self.site.folder)?;
            progress.done("secrets", format!("revoked those of {}", listed(&gone)));
        }
        let is_anew = |name: &str| anew.iter().any(|user| user.as_str() == name);
        let is_set = !is_fresh && had.as_ref() == Some(&own);
        let has_one =
            |name: &str| credentials.users().any(|one| one == name) && (is_set || name != own.access);
        let lacking: BTreeSet<&str> =
            wanted.iter().copied().filter(|name| !has_one(name) || is_anew(name)).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = lacking.iter().copied().collect();
        progress.doing("secrets", format!("OM makes those of {}", listed(&names)));
        for key in self.insist(Verb::Make, lacking.clone())? {
            if key.access != own.access {
                credentials.put(key);
            }
        }
        // OM sets secrets of users who have one alone.
        let set = chosen.into_iter().chain((!is_set).then(|| own.clone())).collect::<Vec<_>>();
        thread::scope(|scope| {
            let grant = is_fresh.then(|| scope.spawn(|| self.grant()));
            set.iter().try_for_each(|key| self.set_secret(key))?;
            grant.map_or(Ok(()), |grant| {
                grant.join().unwrap_or_else(|_| Err(anyhow!("the grant to S3 users came to no end")))
            })
        })?;
        for key in set {
            credentials.put(key);
        }
        credentials.write(&self.site.folder)?;
        progress.done("secrets", format!("those of {} are in {FILE}", listed(&names)));
        Ok(())
    }

    /// Whether a gateway does not know this key.
    fn is_refused(&self, key: &Key) -> Result<bool> {
        let observed = Observed::of(&self.context.engine, &self.site.spec, &self.site.folder)?;
        let Some(endpoint) = self.site.endpoint(&observed, &self.context.engine)? else { return Ok(false) };
        let client = Client::new(&endpoint, BUCKET, Duration::from_secs(10), key)?;
        Ok(client.head_bucket().is_ok_and(|answer| answer.status == 403))
    }

    /// A gateway's answers for users; none while it does not answer.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub(in crate::commands) fn request(&self, verb: Verb, users: &BTreeSet<&str>) -> Result<Vec<Answer>> {
        let run = self.container("request the secrets of S3 users", REQUESTS, "");
        let run = run.with([verb.method()]).with(users.iter().copied());
        Ok(answers(&self.context.engine.output(&run)?.stdout))
    }

    /// Has OM make or revoke secrets, until it has done so for all of these users.
    fn insist(&self, verb: Verb, users: BTreeSet<&str>) -> Result<Vec<Key>> {
        let (mut left, mut keys, end) = (users, Vec::new(), Instant::now() + GIVEN_WITHIN);
        loop {
            self.context.interrupt.check()?;
            for answer in self.request(verb, &left)? {
                if answer.is_done(verb) {
                    left.remove(answer.user.as_str());
                    keys.extend(answer.key);
                }
            }
            if left.is_empty() {
                return Ok(keys);
            }
            if Instant::now() >= end {
                let names: Vec<&str> = left.into_iter().collect();
                let message = format!("OM gave {} no secret in {GIVEN_WITHIN:?}", listed(&names));
                let hint = format!(
                    "`{}` shows why, and `{}` tries again",
                    self.site.command("logs om"),
                    self.site.command("up")
                );
                return Err(Failure::new(Status::NotReady, message).with_hint(hint).into());
            }
            thread::sleep(PAUSE);
        }
    }

    fn grant(&self) -> Result<()> {
        let grant = self.container("let S3 users make buckets", GRANT, "");
        self.context.engine.run(&grant).map(drop)
    }

    /// Has OM take a secret that it has not made.
    fn set_secret(&self, key: &Key) -> Result<()> {
        let set = self.container(
            &format!("set the secret of `{}`", key.access),
            &SET_SECRET.join(" "),
            &format!("-u\n{}\n-s\n{}\n", key.access, key.secret()),
        );
        let said = self.context.engine.output(&set)?;
        // It repeats the secret, so that what it prints is shown nowhere.
        if said.status.success() && said.stdout.contains("awsSecret=") {
            return Ok(());
        }
        let message = format!("OM did not take the secret that was chosen for `{}`", key.access);
        let hint = format!(
            "`{}` tries again, and `{}` shows why",
            self.site.command("up"),
            self.site.command("logs om")
        );
        Err(Failure::new(Status::Failed, message).with_hint(hint).into())
    }

    /// A container that runs a script as the administrator; arguments of the script may follow.
    fn container(&self, purpose: &str, script: &str, input: &str) -> Invocation {
        let conf = fs::read_to_string(self.site.folder.join(KRB5_CONF)).unwrap_or_default();
        let keytab = STANDARD.encode(self.realm.administrator());
        let input = format!("{keytab}\n{}\n{input}", STANDARD.encode(conf));
        let image = self.site.spec.ozone_image.as_ref().map(ToString::to_string).unwrap_or_default();
        let network = format!("{}_default", self.site.name);
        let label = format!("{STACK_LABEL}={}", self.site.name);
        let run = self.context.engine.command(purpose, ["run", "--rm", "--interactive", "--user", "root"]);
        run.with(["--network", &network, "--label", &label, "--env-file", "docker-config"])
            .with(["--env", "GATEWAY=s3gw", "--env", &format!("RES_OPTIONS={NAME_SERVER_PATIENCE}")])
            .with(ADMINISTRATOR)
            .with([image.as_str(), "bash", "-c", &format!("{PREPARE}{script}"), "bash"])
            .within(&self.site.folder)
            .reading(input)
            .ready_within(DONE_WITHIN)
    }
}
