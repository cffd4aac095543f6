//! What was chosen, and where: flags over environment over file, as texts, not validated yet.

use std::collections::BTreeMap;
use std::fmt;

use super::options::{OPTIONS, Opt, VARIABLE_PREFIX};

/// The file of choices, in the folder it describes.
pub const FILE_NAME: &str = "ozone-compose.yaml";

/// Where a choice was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On the command line, by this flag.
    Flag(&'static str),
    /// On the command line, as a plain argument.
    Argument,
    /// In this environment variable.
    Environment(String),
    /// In `ozone-compose.yaml`.
    File,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Argument => f.write_str("argument"),
            Self::Environment(variable) => f.write_str(variable),
            Self::File => f.write_str(FILE_NAME),
        }
    }
}

/// One choice: its texts (one, unless the option is a list) and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// As it was typed.
    pub texts: Vec<String>,
    /// Where it was typed.
    pub origin: Origin,
}

/// The choices of one run, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices(BTreeMap<&'static str, Choice>);

impl Choices {
    /// The choices in an environment; an empty variable counts as unset, as in most CI systems.
    pub fn from_environment(variables: impl Iterator<Item = (String, String)>) -> Self {
        let variables: BTreeMap<String, String> = variables.collect();
        let mut choices = Self::default();
        for option in OPTIONS {
            let name = option.variable();
            let Some(value) = variables.get(&name).filter(|value| !value.is_empty()) else {
                continue;
            };
            let texts = if option.is_list() { listed(value) } else { vec![value.clone()] };
            choices.choose(option, texts, Origin::Environment(name));
        }
        choices
    }

    /// Adds a choice, or replaces the one made for the same option.
    pub fn choose(&mut self, option: &'static Opt, texts: Vec<String>, origin: Origin) {
        self.0.insert(option.key, Choice { texts, origin });
    }

    /// Lays `stronger` over these choices.
    #[must_use]
    pub fn overlaid_by(mut self, stronger: Self) -> Self {
        self.0.extend(stronger.0);
        self
    }

    /// What was chosen for a key.
    #[must_use]
    pub fn of(&self, key: &str) -> Option<&Choice> {
        self.0.get(key)
    }

    /// All choices, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Opt, &Choice)> {
        OPTIONS.iter().filter_map(|option| Some((option, self.0.get(option.key)?)))
    }
}

/// The values of a list in a variable, between commas or blanks. Attributes of a gateway stay with it.
fn listed(value: &str) -> Vec<String> {
    let says_more = |text: &str| {
        let says = text == "backup" || text.starts_with("weight=") || text.starts_with("zone=");
        says && !text.contains(':')
    };
    let mut texts: Vec<String> = Vec::new();
    for text in value.split([',', ' ']).filter(|text| !text.is_empty()) {
        match texts.last_mut() {
            Some(last) if says_more(text) => {
                last.push(',');
                last.push_str(text);
            }
            _ => texts.push(text.to_owned()),
        }
    }
    texts
}

/// The variable that was probably meant by one that this tool does not read, where there is such.
#[must_use]
pub fn misspelled(name: &str) -> Option<String> {
    let word = name.strip_prefix(VARIABLE_PREFIX)?;
    let likeness = |option: &Opt| strsim::jaro_winkler(word, &option.variable()[VARIABLE_PREFIX.len()..]);
    let nearest = OPTIONS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (0.92..1.0).contains(&likeness(nearest)).then(|| nearest.variable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_gateway_stays_with_it_in_a_variable() {
        let variable = ("OZONE_COMPOSE_SERVER".to_owned(), "a:1,b=b:1,weight=2,backup c:1".to_owned());
        let choices = Choices::from_environment([variable].into_iter());
        assert_eq!(choices.of("servers").expect("a choice").texts, ["a:1", "b=b:1,weight=2,backup", "c:1"]);
    }

    #[test]
    fn only_what_is_almost_a_variable_of_this_tool_is_a_misspelled_one() {
        for (name, meant) in [
            ("OZONE_COMPOSE_GATWAYS", Some("OZONE_COMPOSE_GATEWAYS")),
            ("OZONE_COMPOSE_S3PORT", Some("OZONE_COMPOSE_S3_PORT")),
            ("OZONE_COMPOSE_DATANODE", Some("OZONE_COMPOSE_DATANODES")),
            ("OZONE_COMPOSE_GATEWAYS", None),
            ("OZONE_COMPOSE_OUTPUT", None),
            ("OZONE_COMPOSE_REQUIRE_TOOLS", None),
            ("GATWAYS", None),
        ] {
            assert_eq!(misspelled(name).as_deref(), meant, "{name}");
        }
        assert!(OPTIONS.iter().all(|option| misspelled(&option.variable()).is_none()));
    }
}
