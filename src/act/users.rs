//! Steps of S3 users: OM makes and revokes their secrets, which a gateway's `/secret` requests.

use std::collections::BTreeSet;
use std::thread::{self, JoinHandle};

use anyhow::{Result, anyhow};

use super::Session;
use crate::credentials::{self, Credentials, FILE};
use crate::engine::objects::Container;
use crate::error::{Failure, Status};
use crate::observe::listed;
use crate::plan::Role;
use crate::proof::Prover;
use crate::s3::Key;
use crate::secrets::{self, Verb};
use crate::spec::values::UserName;

/// Lets every user who has a secret make buckets in the volume of S3; with `l`, since listing them fails without. The JVM
/// starts once OM has its data, beside OM itself, and then waits for it: after it, everything would wait for this JVM.
const GRANT: &str = r"
until [ -e /data/metadata/om/current/VERSION ]; do sleep 0.2; done
for try in 1 2 3; do ozone sh volume addacl --acl world::rwl s3v && exit; sleep 1; done
exit 1
";

/// Reads arguments of `ozone s3 setsecret` from its standard input, since a list of processes shows all others.
pub(crate) const SET_SECRET: [&str; 4] = ["ozone", "s3", "setsecret", "@/dev/stdin"];

/// The administrator of Ozone, for its command line.
pub(crate) const ADMINISTRATOR: [&str; 4] = [
    "--env",
    "KRB5PRINCIPAL=admin/ozone@EXAMPLE.COM",
    "--env",
    "KRB5KEYTAB=/etc/security/keytabs/admin.keytab",
];

/// The grant without which an S3 user may make no bucket, under way beside the proof that gateways serve. This tool's own
/// key is kept once it is done, so that a run that was ended before does it again.
#[derive(Debug)]
pub(super) struct Grant {
    key: Key,
    work: JoinHandle<Result<()>>,
}

impl Session<'_> {
    /// The key with which this tool signs its own requests.
    pub(super) fn own_key(&self) -> Result<Key> {
        self.grant.as_ref().map_or_else(|| credentials::own(self.site), |grant| Ok(grant.key.clone()))
    }

    /// Gets a new secret for each of these users, and keeps them.
    pub(super) fn admit(&mut self, users: &[UserName]) -> Result<()> {
        let own = UserName::of_this_tool();
        let names: Vec<&str> = users.iter().map(UserName::as_str).collect();
        self.progress.doing("secrets", format!("requesting those of {} from OM", listed(&names)));
        let grant = users.contains(&own).then(|| self.begin_grant()).transpose()?;
        let keys = self.ask_for_secrets(Verb::Make, &names)?;
        let mut credentials = Credentials::read(&self.site.folder)?;
        let (own, others): (Vec<Key>, Vec<Key>) =
            keys.into_iter().partition(|key| key.access == own.as_str());
        for key in &own {
            credentials.remove(&key.access);
        }
        for key in others {
            credentials.put(key);
        }
        credentials.write(&self.site.folder)?;
        if let Some(key) = self.chosen_key.take() {
            self.set_secret(&key)?;
            credentials.put(key);
            credentials.write(&self.site.folder)?;
        }
        self.grant = own.into_iter().next().zip(grant).map(|(key, work)| Grant { key, work });
        self.progress.done("secrets", format!("those of {} are in {FILE}", listed(&names)));
        Ok(())
    }

    /// Has OM take a secret that a person chose in the place of the one that it gave.
    fn set_secret(&self, key: &Key) -> Result<()> {
        let om = self.running_om()?;
        let set =
            self.engine.command(&format!("set the secret of `{}`", key.access), ["exec", "--interactive"]);
        let set = set.with(ADMINISTRATOR).with([om.container.id]).with(SET_SECRET);
        let said = self.engine.output(&set.reading(format!("-u\n{}\n-s\n{}\n", key.access, key.secret())))?;
        // It repeats the secret, so that what it prints is shown nowhere.
        if said.status.success() && said.stdout.contains("awsSecret=") {
            return Ok(());
        }
        let message = format!("OM did not take the secret that was chosen for `{}`", key.access);
        let hint = format!("`{}` shows why; the user has one that OM made", self.site.command("logs om"));
        Err(Failure::new(Status::Failed, message).with_hint(hint).into())
    }

    /// Has OM forget the secrets of these users, and forgets them too.
    pub(super) fn revoke(&mut self, users: &[String]) -> Result<()> {
        let names: Vec<&str> = users.iter().map(String::as_str).collect();
        self.progress.doing("secrets", format!("revoking those of {}", listed(&names)));
        self.ask_for_secrets(Verb::Revoke, &names)?;
        let mut credentials = Credentials::read(&self.site.folder)?;
        for name in names.iter().copied() {
            credentials.remove(name);
        }
        credentials.write(&self.site.folder)?;
        self.progress.done("secrets", format!("revoked those of {}", listed(&names)));
        Ok(())
    }

    /// Waits for the grant, where one is under way, and keeps the key that it was for.
    pub(super) fn await_grant(&mut self) -> Result<()> {
        let Some(Grant { key, work }) = self.grant.take() else { return Ok(()) };
        work.join().unwrap_or_else(|_| Err(anyhow!("the grant to S3 users came to no end")))?;
        let mut credentials = Credentials::read(&self.site.folder)?;
        credentials.put(key);
        credentials.write(&self.site.folder)
    }

    /// Tries one gateway after the other until all users are done.
    fn ask_for_secrets(&mut self, verb: Verb, users: &[&str]) -> Result<Vec<Key>> {
        let prover: Prover<'_> = self.prover_with(Key::of_nobody());
        let (mut left, mut keys, mut turn): (BTreeSet<&str>, _, _) =
            (users.iter().copied().collect(), Vec::new(), 0);
        let engine = self.engine;
        prover.until(&mut self.progress, "the secrets of S3 users", |observed| {
            let gateways: Vec<&Container> =
                observed.running(Role::Gateway).map(|one| &one.container).collect();
            let Some(gateway) = gateways.get(turn % gateways.len().max(1)) else { return Ok(None) };
            turn += 1;
            for answer in secrets::request(engine, gateway, verb, &left)? {
                if answer.is_done(verb) {
                    left.remove(answer.user.as_str());
                }
                keys.extend(answer.key);
            }
            Ok(left.is_empty().then_some(()))
        })?;
        Ok(keys)
    }

    /// Begins to let S3 users make buckets.
    fn begin_grant(&self) -> Result<JoinHandle<Result<()>>> {
        let om = self.running_om()?;
        let grant = self.engine.command("let S3 users make buckets", ["exec"]).with(ADMINISTRATOR);
        let grant = grant.with([&*om.container.id, "sh", "-c", GRANT]).ready_within(self.serve_within);
        let engine = self.engine.clone();
        Ok(thread::spawn(move || engine.run(&grant).map(drop)))
    }
}
