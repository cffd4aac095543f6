//! `user`: who has S3 secrets in a secure cluster.

use std::env;
use std::path::Path;

use anyhow::Result;

use super::change::{going_on, plan};
use super::request::chosen;
use super::{Context, stack};
use crate::cli::{ListUsers, OneUser, User, UserWithSecret};
use crate::credentials::{Credentials, FILE, no_security};
use crate::error::{Failure, Status};
use crate::s3::Key;
use crate::site::Site;
use crate::spec::choices::Choices;
use crate::spec::values::{Target, UserName};
use crate::steps::Goal;
use crate::ui::table;

/// Runs the verb.
pub fn run(verb: User, context: &Context) -> Result<Status> {
    match verb {
        User::Add(arguments) => add(&arguments, context),
        User::Remove(OneUser { folder, name }) => remove(&folder.folder, &name, context),
        User::Rotate(arguments) => rotate(&arguments, context),
        User::List(arguments) => list(&arguments, context),
    }
}

fn add(arguments: &UserWithSecret, context: &Context) -> Result<Status> {
    let (path, name) = (&arguments.user.folder.folder, &arguments.user.name);
    let key = chosen_key(arguments)?;
    let choose = |site: &Site| {
        let users = users(site)?;
        if Credentials::read(path)?.of(name).is_some() {
            let message = format!("cluster `{}` has a user `{name}` already", site.name);
            let hint = format!("`{}` gives it another secret", site.command(&format!("user rotate {name}")));
            return Err(Failure::new(Status::Usage, message).with_hint(hint).into());
        }
        let others = users.iter().filter(|one| *one != name);
        Ok((naming(others.chain([name])), Goal::Users(Vec::new())))
    };
    let site = change(path, context, key, &format!("user add {name}"), choose)?;
    let run = site.command(&format!("env --user {name}"));
    context.ui.say(&format!("user `{name}` has a secret in {FILE}; `{run}` prints it"));
    Ok(Status::Done)
}

fn remove(path: &Path, name: &UserName, context: &Context) -> Result<Status> {
    let choose = |site: &Site| {
        refuse_unknown(site, name)?;
        Ok((naming(users(site)?.iter().filter(|one| *one != name)), Goal::Users(Vec::new())))
    };
    change(path, context, None, &format!("user remove {name}"), choose)?;
    context.ui.say(&format!("user `{name}` is removed, and its secret is revoked; its buckets stay"));
    Ok(Status::Done)
}

fn rotate(arguments: &UserWithSecret, context: &Context) -> Result<Status> {
    let (path, name) = (&arguments.user.folder.folder, &arguments.user.name);
    let key = chosen_key(arguments)?;
    let choose = |site: &Site| {
        refuse_unknown(site, name)?;
        Ok((Choices::default(), Goal::Users(vec![name.clone()])))
    };
    change(path, context, key, &format!("user rotate {name}"), choose)?;
    context.ui.say(&format!("user `{name}` has another secret in {FILE}; the one before is revoked"));
    Ok(Status::Done)
}

fn list(arguments: &ListUsers, context: &Context) -> Result<Status> {
    let path = &arguments.folder.folder;
    let (site, credentials) = (Site::of_any_target(path)?, Credentials::read(path)?);
    let row = |user: &UserName| {
        let secret = if credentials.of(user).is_some() { FILE } else { "missing" };
        [user.to_string(), secret.to_owned()]
    };
    let rows: Vec<_> = users(&site)?.iter().map(row).collect();
    context.ui.data(&table(["USER", "SECRET"], &rows))?;
    Ok(Status::Done)
}

/// Changes who has which secret, and returns the cluster.
fn change(
    path: &Path,
    context: &Context,
    key: Option<Key>,
    again: &str,
    choose: impl FnOnce(&Site) -> Result<(Choices, Goal)>,
) -> Result<Site> {
    let site = Site::of_any_target(path)?;
    if site.spec.target == Target::Swarm {
        let (choices, goal) = choose(&site)?;
        let anew = if let Goal::Users(anew) = goal { anew } else { Vec::new() };
        return stack::users::change(&site, choices, &anew, key, context);
    }
    let planned = plan(path, context, choose)?;
    let (result, acted) = planned.act(context, |session| session.chosen_key = key);
    result.map_err(|error| going_on(error, "interrupted", &acted.site.command(again)))?;
    Ok(acted.site)
}

/// The users of a secure cluster.
fn users(site: &Site) -> Result<&[UserName]> {
    site.spec
        .kerberos
        .as_ref()
        .map(|kerberos| kerberos.users.as_slice())
        .ok_or_else(|| no_security(site).into())
}

fn refuse_unknown(site: &Site, name: &UserName) -> Result<()> {
    if users(site)?.contains(name) {
        return Ok(());
    }
    let message = format!("cluster `{}` has no user `{name}`", site.name);
    let hint = format!("`{}` shows those that it has", site.command("user list"));
    Err(Failure::new(Status::Usage, message).with_hint(hint).into())
}

/// The choice of who the users are.
fn naming<'a>(users: impl Iterator<Item = &'a UserName>) -> Choices {
    chosen("users", users.map(ToString::to_string).collect())
}

/// The secret that a person chose, where one did.
fn chosen_key(arguments: &UserWithSecret) -> Result<Option<Key>> {
    let Some(variable) = &arguments.secret_from_env else { return Ok(None) };
    let refused = |what: &str| {
        let message = format!("--secret-from-env: {variable} {what}");
        let hint =
            "a secret has 8 to 128 characters: letters, digits and `/+=._~-`, and does not begin with `-`";
        Failure::new(Status::Usage, message).with_hint(hint).into()
    };
    let Ok(secret) = env::var(variable) else { return Err(refused("is not set, or is not text")) };
    let is_plain = secret.chars().all(|c| c.is_ascii_alphanumeric() || "/+=._~-".contains(c));
    if !(8..=128).contains(&secret.len()) || !is_plain || secret.starts_with('-') {
        return Err(refused("holds a secret that is not accepted"));
    }
    Ok(Some(Key::new(arguments.user.name.as_str(), &secret)))
}
