//! Steps that write objects which a cluster has from the start, through its balancer.

use std::time::Duration;

use anyhow::{Context, Result};
use fs_err as fs;
use serde::Serialize;

use super::Session;
use crate::credentials;
use crate::error::{Failure, Status};
use crate::s3::{Answer, Client, Endpoint, insist};
use crate::seed::Object;

/// How long one answer may take.
pub(super) const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// How long a cluster that is ready may refuse: the time in which HAProxy finds a gateway that has just died.
const SERVES_WITHIN: Duration = Duration::from_secs(30);

/// How many objects were to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Those that this run wrote.
    pub written: usize,
    /// Those that were there with the same size.
    pub kept: usize,
}

impl Session<'_> {
    /// Writes the files of the seed, those aside that are there with the same size.
    pub(super) fn write_objects(&mut self) -> Result<()> {
        let seed = self.seed.context("this run has no seed")?;
        let (endpoint, s3_key) = (self.endpoint()?, credentials::of_user(self.site, None)?);
        let count = seed.objects.len();
        for (number, object) in seed.objects.iter().enumerate() {
            let Object { bucket, key, path, size } = object;
            // In a log, ten lines are enough for any number.
            if number % count.div_ceil(10) == 0 {
                self.progress.doing("seed", format!("{number} of {}", objects(count)));
            }
            let client =
                Client::new(&endpoint, bucket.as_str(), ANSWERS_WITHIN + sent_within(*size), &s3_key)?;
            let what = format!("of the object `{key}` in the bucket `{bucket}`");
            let there = self.insist(&format!("find the size {what}"), 404, || client.head(key))?;
            if there.is_good() && there.length == Some(*size) {
                self.objects.kept += 1;
                continue;
            }
            let write = || client.put_file(key, fs::File::open(path)?.file());
            self.insist(&format!("write `{}` as {}", path.display(), &what[3..]), 200, write)?;
            self.objects.written += 1;
        }
        let Written { written, kept } = self.objects;
        let said = match (written, kept) {
            (_, 0) => format!("wrote {}", objects(written)),
            (0, _) => format!("{}: there already", objects(kept)),
            _ => format!("wrote {}; there already with the same size: {kept}", objects(written)),
        };
        self.progress.done("seed", said);
        Ok(())
    }

    /// The answer to a request that may be repeated: a good one, or one with the status that is as good.
    pub(super) fn insist(
        &self,
        what: &str,
        as_good: u16,
        ask: impl Fn() -> Result<Answer>,
    ) -> Result<Answer> {
        let problem = match insist(SERVES_WITHIN, self.interrupt, ask) {
            Ok(answer) if answer.is_good() || answer.status == as_good => return Ok(answer),
            Ok(answer) => format!("{} answered {}", answer.sender(), answer.verdict()),
            Err(error) if error.is::<Failure>() => return Err(error),
            Err(error) => format!("{error:#}"),
        };
        let hint = format!("`{}` shows what the gateways say", self.site.command("logs"));
        Err(Failure::new(Status::Failed, format!("could not {what}: {problem}")).with_hint(hint).into())
    }

    /// Where the balancer that runs now answers.
    pub(super) fn endpoint(&self) -> Result<Endpoint> {
        let endpoint = self.site.endpoint(&self.observe()?, self.engine)?;
        endpoint
            .with_context(|| format!("the balancer of cluster `{}` does not run any more", self.site.name))
    }
}

/// How long so many bytes may be on their way: a machine that writes less than 1 MiB a second has another problem.
fn sent_within(bytes: u64) -> Duration {
    Duration::from_secs(bytes >> 20)
}

fn objects(count: usize) -> String {
    format!("{count} object{}", if count == 1 { "" } else { "s" })
}
