//! Why a cluster is not ready yet, in its own words: SCM and OM by JMX, gateways by HAProxy.

use serde_json::Value;

const SCM_QUERY: &str = "/jmx?qry=Hadoop:service=StorageContainerManager,name=StorageContainerManagerInfo,component=ServerRuntime";
const OM_QUERY: &str = "/jmx?qry=Hadoop:service=OzoneManager,name=OzoneManagerInfo,component=ServerRuntime";

/// Safe mode of the SCM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SafeMode {
    /// Whether it holds writes back.
    pub(super) on: bool,
    /// The first rule that is not met, in Ozone's words.
    pub(super) waits_for: String,
    /// How many datanodes registered: `1 of 3 registered`.
    pub(super) datanodes: String,
    /// Whether that rule is met.
    pub(super) has_datanodes: bool,
}

/// Asks an SCM; none while it does not answer.
#[must_use]
pub(super) fn safe_mode(scm: &str) -> Option<SafeMode> {
    parse_safe_mode(&crate::s3::page(&format!("{scm}{SCM_QUERY}"))?)
}

/// Asks an OM for the node that leads; none while none does.
#[must_use]
pub(super) fn leader(om: &str) -> Option<String> {
    parse_leader(&crate::s3::page(&format!("{om}{OM_QUERY}"))?)
}

fn parse_safe_mode(page: &str) -> Option<SafeMode> {
    let page: Value = serde_json::from_str(page).ok()?;
    let bean = page["beans"].get(0)?;
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

fn parse_leader(page: &str) -> Option<String> {
    let page: Value = serde_json::from_str(page).ok()?;
    let roles = page["beans"].get(0)?["RatisRoles"].as_array()?.clone();
    let leads = |role: &Value| role.as_array().is_some_and(|row| row.iter().any(|cell| cell == "LEADER"));
    let leader = roles.into_iter().find(leads)?;
    Some(leader[0].as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_is_not_met_is_what_the_scm_waits_for() {
        let page = r#"{"beans":[{"InSafeMode":true,"SafeModeRuleStatus":[
            {"key":"RatisContainerSafeModeRule","value":["100% of containers","true"]},
            {"key":"DataNodeSafeModeRule","value":["registered datanodes (=0) >= required datanodes (=1)","false"]}]}]}"#;
        let mode = parse_safe_mode(page).expect("a page");
        assert!(mode.on && !mode.has_datanodes);
        assert_eq!(mode.waits_for, "registered datanodes (=0) >= required datanodes (=1)");
        assert_eq!(mode.datanodes, "0 of 1 registered");
        assert_eq!(registered("other words"), "other words");
        assert_eq!(parse_safe_mode(r#"{"beans":[]}"#), None);
        assert_eq!(parse_safe_mode("<html>"), None);
    }

    #[test]
    fn the_leader_is_found_among_the_roles() {
        let page = r#"{"beans":[{"RatisRoles":[["om1","om1","9872","FOLLOWER",""],["om2","om2","9872","LEADER","LEADER_AND_READY"]]}]}"#;
        assert_eq!(parse_leader(page).as_deref(), Some("om2"));
        assert_eq!(parse_leader(r#"{"beans":[{"RatisRoles":[["om","om1","9872","FOLLOWER",""]]}]}"#), None);
    }
}
