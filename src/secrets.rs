//! Requests to `/secret` of a gateway, by which OM makes and revokes the secrets of S3 users.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;

use crate::engine::Engine;
use crate::engine::objects::Container;
use crate::s3::Key;

/// Sends a gateway, as an administrator, requests for the users that follow, with the method in the first argument: the
/// gateway in whose container it runs, or the one that GATEWAY names. A line is a user, the HTTP status, and the secret where
/// there is one. A gateway never shows an existing secret again: it is revoked, and a new one made.
pub const REQUESTS: &str = r#"
verb=$1; shift
cache=$(mktemp); trap 'rm -f "$cache"' EXIT; export KRB5CCNAME="FILE:$cache"
kinit -k -t /etc/security/keytabs/admin.keytab admin/ozone || exit 1
request() {
    curl --silent --max-time 5 --negotiate --user : --connect-to "s3g:19878:${GATEWAY:-127.0.0.1}:19878" --noproxy '*' \
        --write-out '\n%{http_code}' --request "$1" "http://s3g:19878/secret/$2"
}
for user in "$@"; do
    said=$(request "$verb" "$user")
    if [ "$verb" = PUT ] && [ "${said##*[!0-9]}" = 400 ]; then
        request DELETE "$user" >/dev/null
        said=$(request PUT "$user")
    fi
    echo "$user ${said##*[!0-9]} $(printf %s "$said" | sed -n 's|.*<awsSecret>\(.*\)</awsSecret>.*|\1|p')"
done
"#;

/// How long the requests for one user's secret may take: three requests of 5 s.
const ANSWERS_WITHIN: Duration = Duration::from_secs(15);

/// What OM is to do with the secrets of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Make new ones, and revoke those that are there.
    Make,
    /// Revoke them.
    Revoke,
}

impl Verb {
    /// The method of HTTP.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Self::Make => "PUT",
            Self::Revoke => "DELETE",
        }
    }
}

/// A gateway's answer for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whose.
    pub user: String,
    /// Of HTTP.
    pub status: u16,
    /// The user's new key; none where OM made none.
    pub key: Option<Key>,
}

impl Answer {
    /// Whether OM has done it.
    #[must_use]
    pub fn is_done(&self, verb: Verb) -> bool {
        match verb {
            Verb::Make => self.key.is_some(),
            // 404 where the secret was revoked before.
            Verb::Revoke => [200, 404].contains(&self.status),
        }
    }
}

/// A gateway's answers for users; none while it does not answer.
///
/// # Errors
/// Where the engine does not answer.
pub fn request(
    engine: &Engine,
    gateway: &Container,
    verb: Verb,
    users: &BTreeSet<&str>,
) -> Result<Vec<Answer>> {
    let requests = engine.command("request the secrets of S3 users", ["exec", "--interactive", &gateway.id]);
    let requests = requests.with(["sh", "-c", REQUESTS, "sh", verb.method()]).with(users.iter().copied());
    let patience = ANSWERS_WITHIN * u32::try_from(users.len()).unwrap_or(u32::MAX);
    Ok(answers(&engine.output(&requests.lasting(patience))?.stdout))
}

/// What a gateway has answered, by what the requests printed.
#[must_use]
pub fn answers(said: &str) -> Vec<Answer> {
    let answer = |line: &str| {
        let mut words = line.split_whitespace();
        let (user, status) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        let key = words.next().map(|secret| Key::new(&user, secret));
        Some(Answer { user, status, key })
    };
    said.lines().filter_map(answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_line_and_a_status_alone_is_no_secret() {
        let read = |said| {
            let answers = answers(said).into_iter();
            answers.map(|one| (one.user, one.status, one.key)).collect::<Vec<_>>()
        };
        let alice = ("alice".to_owned(), 200, Some(Key::new("alice", "f00")));
        assert_eq!(read("alice 200 f00\nbob 500 \n"), [alice, ("bob".to_owned(), 500, None)]);
        assert_eq!(read("kinit: no KDC\nalice  \n"), []);
    }
}
