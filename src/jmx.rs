//! What SCMs and OMs report by JMX: safe mode, who is in their Ratis group, and who leads it.
//!
//! Knows the format only, not how a page is fetched.

use serde_json::Value;

/// Path of an SCM's page.
pub const SCM: &str =
    "jmx?qry=Hadoop:service=StorageContainerManager,name=StorageContainerManagerInfo,component=ServerRuntime";
/// Path of an OM's page.
pub const OM: &str = "jmx?qry=Hadoop:service=OzoneManager,name=OzoneManagerInfo,component=ServerRuntime";

/// Safe mode of the SCM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafeMode {
    /// Whether it blocks writes.
    pub on: bool,
    /// The first rule that is not satisfied, in Ozone's words.
    pub waits_for: String,
    /// How many datanodes registered: `1 of 3 registered`.
    pub datanodes: String,
    /// Whether that rule is met.
    pub has_datanodes: bool,
}

/// A member of a Ratis group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its host, which is its service.
    pub host: String,
    /// Whether it is the leader.
    pub leads: bool,
}

/// Safe mode as an SCM's page reports it; none where it is no such page.
#[must_use]
pub fn safe_mode(page: &str) -> Option<SafeMode> {
    let bean = bean(page)?;
    let mut mode = SafeMode {
        on: bean["InSafeMode"].as_bool()?,
        waits_for: String::new(),
        datanodes: String::new(),
        has_datanodes: false,
    };
    for rule in bean["SafeModeRuleStatus"].as_array().into_iter().flatten() {
        let text = rule["value"][0].as_str().unwrap_or_default().to_owned();
        let met = rule["value"][1] == "true";
        if rule["key"] == "DataNodeSafeModeRule" {
            (mode.datanodes, mode.has_datanodes) = (registered(&text), met);
        }
        if !met && mode.waits_for.is_empty() {
            mode.waits_for = text;
        }
    }
    Some(mode)
}

/// From `registered datanodes (=1) >= required datanodes (=3)`; as it is, should Ozone say it otherwise one day.
fn registered(rule: &str) -> String {
    let numbers: Vec<&str> =
        rule.split("(=").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0)).collect();
    match numbers[..] {
        [has, needs] => format!("{has} of {needs} registered"),
        _ => rule.to_owned(),
    }
}

/// The Ratis group in the page of an SCM or OM, as that one sees it; empty while it knows none.
#[must_use]
pub fn members(page: &str) -> Vec<Member> {
    let member = |row: &Value| {
        let leads = row.as_array()?.iter().any(|cell| cell == "LEADER");
        Some(Member { host: row[0].as_str()?.to_owned(), leads })
    };
    let roles =
        |bean: Value| ["RatisRoles", "ScmRatisRoles"].iter().find_map(|name| bean[name].as_array().cloned());
    let rows = bean(page).and_then(roles).unwrap_or_default();
    rows.iter().filter_map(member).collect()
}

/// The member of a page's group that leads; none while none does.
#[must_use]
pub fn leader(page: &str) -> Option<String> {
    members(page).into_iter().find(|member| member.leads).map(|member| member.host)
}

fn bean(page: &str) -> Option<Value> {
    let mut page: Value = serde_json::from_str(page).ok()?;
    page.get_mut("beans")?.get_mut(0).map(Value::take)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_is_not_met_is_what_the_scm_waits_for() {
        let page = r#"{"beans":[{"InSafeMode":true,"SafeModeRuleStatus":[
            {"key":"RatisContainerSafeModeRule","value":["100% of containers","true"]},
            {"key":"DataNodeSafeModeRule","value":["registered datanodes (=0) >= required datanodes (=1)","false"]}]}]}"#;
        let mode = safe_mode(page).expect("a page");
        assert!(mode.on && !mode.has_datanodes);
        assert_eq!(mode.waits_for, "registered datanodes (=0) >= required datanodes (=1)");
        assert_eq!(mode.datanodes, "0 of 1 registered");
        assert_eq!(registered("other words"), "other words");
        assert_eq!(safe_mode(r#"{"beans":[]}"#), None);
        assert_eq!(safe_mode("<html>"), None);
    }

    #[test]
    fn the_leader_is_found_among_the_members() {
        let oms = r#"{"beans":[{"RatisRoles":[["om1","om1","9872","FOLLOWER",""],["om2","om2","9872","LEADER","LEADER_AND_READY"]]}]}"#;
        assert_eq!(leader(oms).as_deref(), Some("om2"));
        let scms = r#"{"beans":[{"ScmRatisRoles":[["scm3","426a","9894","FOLLOWER"],["scm1","af53","9894","LEADER"]]}]}"#;
        assert_eq!((leader(scms).as_deref(), members(scms).len()), (Some("scm1"), 2));
        assert_eq!(leader(r#"{"beans":[{"RatisRoles":[["om","om1","9872","FOLLOWER",""]]}]}"#), None);
        // What an OM says while it knows no leader.
        assert_eq!(members(r#"{"beans":[{"RatisRoles":"the OM is not ready"}]}"#), []);
        assert_eq!(members("<html>"), []);
    }
}
