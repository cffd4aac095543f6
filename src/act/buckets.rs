//! The step that makes buckets: by S3, and those of which more is chosen than S3 can say by Ozone's shell in an OM.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::Session;
use super::data::ANSWERS_WITHIN;
use crate::credentials;
use crate::error::{Failure, Status};
use crate::observe::listed;
use crate::s3::Client;
use crate::spec::values::{BucketChoice, Layout, Quota};

/// The volume whose buckets the S3 API shows.
const VOLUME: &str = "s3v";

/// How long Ozone's shell may take. Its JVM takes 3 to 6 s, and twice that while other JVMs start on all cores.
const SHELL_WITHIN: Duration = Duration::from_secs(120);

/// What a JVM that lives for seconds does without: a second compiler, and threads to collect garbage. It takes two thirds of
/// the time with these, as `docker exec` has it for `bucket info`.
const SHELL_OPTIONS: &str = "OZONE_OPTS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

/// A bucket that is there now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Whether this run made it; it was there before otherwise.
    pub made: bool,
    /// The layout that was chosen, which it has; none where none was.
    pub layout: Option<Layout>,
    /// The bytes that it may hold, where they were chosen.
    pub quota: Option<i64>,
}

impl Session<'_> {
    /// Makes buckets where they are not there, and sets the quotas of those that are.
    pub(super) fn make_buckets(&mut self, buckets: &[BucketChoice]) -> Result<()> {
        let (endpoint, key) = (self.endpoint()?, credentials::of_user(self.site, None)?);
        let names: Vec<_> = buckets.iter().map(|bucket| &bucket.name).collect();
        self.progress.doing("buckets", format!("making {}", listed(&names)));
        let mut by_shell = Vec::new();
        for bucket in buckets {
            let client = Client::new(&endpoint, bucket.name.as_str(), ANSWERS_WITHIN, &key)?;
            let made = if bucket.says_more() {
                let what = format!("find out whether the bucket `{}` is there", bucket.name);
                let is_there = self.insist(&what, 404, || client.head_bucket())?.is_good();
                by_shell.push((bucket, is_there));
                !is_there
            } else {
                let what = format!("make the bucket `{}`", bucket.name);
                self.insist(&what, 409, || client.create_bucket())?.is_good()
            };
            let quota = bucket.quota.as_ref().map(Quota::bytes);
            self.buckets.push(Bucket { name: bucket.name.to_string(), made, layout: bucket.layout, quota });
        }
        let quotas = self.make_by_shell(&by_shell, &key.access)?;
        self.progress.done("buckets", said(&self.buckets, &quotas));
        Ok(())
    }

    /// Makes buckets of `owner` by Ozone's shell, and compares existing ones with what is chosen; returns which of
    /// these have another quota now.
    fn make_by_shell(&self, buckets: &[(&BucketChoice, bool)], owner: &str) -> Result<Vec<String>> {
        if buckets.is_empty() {
            return Ok(Vec::new());
        }
        let command = |(bucket, is_there): &(&BucketChoice, bool)| {
            if *is_there { format!("bucket info {}", path(bucket)) } else { create(bucket, owner) }
        };
        let said = self.shell(&buckets.iter().map(command).collect::<Vec<_>>())?;
        let there = described(&said);
        let mut quotas = Vec::new();
        for (bucket, _) in buckets.iter().filter(|(_, is_there)| *is_there) {
            let name = bucket.name.as_str();
            let Some(found) = there.get(name) else {
                bail!("Ozone's shell says nothing of the bucket `{name}`")
            };
            if let Some(chosen) = bucket.layout.filter(|chosen| found.layout() != Some(*chosen)) {
                return Err(other_layout(name, chosen, found).into());
            }
            quotas.extend(
                bucket.quota.as_ref().filter(|quota| quota.bytes() != found.quota).map(|quota| {
                    (name.to_owned(), format!("bucket setquota --quota={quota} {}", path(bucket)))
                }),
            );
        }
        let (names, commands): (Vec<_>, Vec<_>) = quotas.into_iter().unzip();
        if !commands.is_empty() {
            self.shell(&commands)?;
        }
        Ok(names)
    }

    /// Runs commands of Ozone's shell in one JVM, in the container of an OM, up to the first that fails.
    fn shell(&self, commands: &[String]) -> Result<String> {
        let om = self.running_om()?;
        let shell = self.engine.command("make buckets", ["exec", "--env", SHELL_OPTIONS]);
        let shell =
            shell.with(self.as_administrator().iter().copied()).with([&*om.container.id, "ozone", "sh"]);
        let shell = shell.with(commands.iter().map(|command| format!("--execute={command}")));
        let finished = self.engine.output(&shell.ready_within(SHELL_WITHIN))?;
        if finished.status.success() {
            return Ok(finished.stdout);
        }
        // It prints each command before it runs it.
        let failed =
            commands.iter().rev().find(|command| finished.stdout.lines().any(|line| line == *command));
        let message = match failed {
            Some(command) => format!("could not do `ozone sh {command}` in {}", om.title()),
            None => format!("could not run `ozone sh` in {}", om.title()),
        };
        let hint = format!("`{} {}` shows what it says", self.site.command("logs"), om.title());
        let detail = finished.stderr.trim_end().to_owned();
        Err(Failure::new(Status::Failed, message).with_detail(detail).with_hint(hint).into())
    }
}

/// What Ozone's shell reports about a bucket.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    name: String,
    bucket_layout: String,
    /// In bytes; negative where there is none.
    #[serde(rename = "quotaInBytes")]
    quota: i64,
}

impl Described {
    fn layout(&self) -> Option<Layout> {
        match self.bucket_layout.as_str() {
            "FILE_SYSTEM_OPTIMIZED" => Some(Layout::Fso),
            "OBJECT_STORE" => Some(Layout::Obs),
            "LEGACY" => Some(Layout::Legacy),
            _ => None,
        }
    }
}

/// A layout that was chosen and cannot come true.
fn other_layout(name: &str, chosen: Layout, found: &Described) -> Failure {
    let layout = found.layout().map_or_else(|| found.bucket_layout.clone(), |layout| layout.to_string());
    let message = format!(
        "the bucket `{name}` is there with the layout {layout}, not {chosen}, and a layout cannot change"
    );
    let hint = format!(
        "`--bucket {name}:layout={layout}` keeps it as it is; if you delete it with its objects, the next `up` creates it again"
    );
    Failure::new(Status::Failed, message).with_hint(hint)
}

/// The buckets in the output of Ozone's shell: JSON after each command.
fn described(said: &str) -> BTreeMap<String, Described> {
    let objects = said.match_indices("\n{").filter_map(|(at, _)| {
        serde_json::Deserializer::from_str(&said[at..]).into_iter::<Described>().next()?.ok()
    });
    objects.map(|one| (one.name.clone(), one)).collect()
}

/// The command that makes a bucket, whose owner is as if S3 had made it.
fn create(bucket: &BucketChoice, owner: &str) -> String {
    let layout = bucket.layout.map(|layout| format!("--layout={layout} ")).unwrap_or_default();
    let quota = bucket.quota.as_ref().map(|quota| format!("--quota={quota} ")).unwrap_or_default();
    format!("bucket create {layout}{quota}--user={owner} {}", path(bucket))
}

fn path(bucket: &BucketChoice) -> String {
    format!("/{VOLUME}/{}", bucket.name)
}

/// What was made, what was there, and what of that has a new quota.
fn said(buckets: &[Bucket], quotas: &[String]) -> String {
    let of = |made: bool| buckets.iter().filter(move |one| one.made == made).map(|one| &one.name);
    let [made, kept] = [true, false].map(|made| listed(&of(made).collect::<Vec<_>>()));
    let said = match (made.as_str(), kept.as_str()) {
        ("", kept) => format!("{kept}: there already"),
        (made, "") => format!("made {made}"),
        (made, kept) => format!("made {made}; there already: {kept}"),
    };
    if quotas.is_empty() { said } else { format!("{said}; set the quota of {}", listed(quotas)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_made_with_what_is_chosen_of_it_and_the_owner_that_s3_would_give_it() {
        for (text, command) in [
            ("logs:layout=fso", "bucket create --layout=fso --user=ozone-compose /s3v/logs"),
            ("logs:quota=10GB", "bucket create --quota=10GB --user=ozone-compose /s3v/logs"),
            (
                "a.b:layout=obs:quota=1B",
                "bucket create --layout=obs --quota=1B --user=ozone-compose /s3v/a.b",
            ),
        ] {
            assert_eq!(create(&text.parse().expect("a bucket"), "ozone-compose"), command);
        }
    }

    #[test]
    fn what_the_shell_says_of_buckets_is_read_between_its_commands() {
        let object = |name: &str, layout: &str, quota: i64| {
            format!(
                "{{\n  \"metadata\" : {{ }},\n  \"name\" : \"{name}\",\n  \"quotaInBytes\" : {quota},\n  \"bucketLayout\" : \"{layout}\"\n}}"
            )
        };
        let said = format!(
            "bucket create /s3v/new\nbucket info /s3v/one\n{}\nbucket info /s3v/two\n{}\n",
            object("one", "FILE_SYSTEM_OPTIMIZED", -1),
            object("two", "NEWER", 1024)
        );
        let there = described(&said);
        let found = |name: &str| (there[name].layout(), there[name].quota);
        assert_eq!((there.len(), found("one"), found("two")), (2, (Some(Layout::Fso), -1), (None, 1024)));
    }
}
