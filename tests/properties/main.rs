//! What holds whatever is chosen: valid choices render, equal choices give equal texts, each gateway has its
//! place, and no value leaves its own.

mod hostile;
mod strategies;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_yaml::Value;

use ozone_compose::render::{ALL_FILES, Files, HAPROXY_CFG};
use ozone_compose::spec::choices::Choices;
use ozone_compose::spec::{Spec, file};

use strategies::valid_choices;
use support::library::{plan, render};

/// Few cases: each renders every file, and the whole suite is to stay within seconds.
fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn any_valid_choices_render_and_rendering_twice_is_equal(choices in valid_choices()) {
        let first = rendered(&choices)?;
        prop_assert_eq!(&first, &rendered(&choices)?);
        for (name, text) in &first {
            prop_assert!(ALL_FILES.contains(name), "{} is in no list of files", name);
            prop_assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "the end of {}", name);
            prop_assert!(text.lines().all(|line| line == line.trim_end()), "blanks end a line of {}", name);
            if is_yaml(name) {
                parsed(text)?;
            }
        }
    }

    #[test]
    fn each_gateway_is_a_server_in_each_backend_and_a_service(choices in valid_choices()) {
        let spec = Spec::resolve(&choices, "demo").map_err(|error| failed(&error))?;
        let files = rendered(&choices)?;
        let cfg = &files[HAPROXY_CFG];
        let gateways = if spec.in_containers() { spec.gateways.get() as usize } else { spec.servers.len() };
        let lines_of = |word: &str| {
            cfg.lines().filter(|line| line.split_whitespace().next() == Some(word)).count()
        };
        // The server of the backend `reads` is HAProxy itself.
        let itself = cfg.lines().filter(|line| *line == "backend reads").count();
        let servers = (lines_of("server") - itself, lines_of("server-template"));
        let backends = lines_of("backend") - itself;
        prop_assert!(backends > 0);
        let by_dns = choices.of("gateways.discovery").is_some_and(|choice| choice.texts == ["dns"]);
        let expected = if by_dns && spec.in_containers() { (0, backends) } else { (backends * gateways, 0) };
        prop_assert_eq!(servers, expected);
        if let Some(overlay) = files.get("s3-haproxy.yaml") {
            let overlay = parsed(overlay)?;
            let services = overlay["services"].as_mapping().expect("services");
            let of_gateways = services.iter().filter(|(name, _)| name.as_str() != Some("s3g"));
            let scale = |service: &Value| service.get("scale").map_or(Some(1), Value::as_u64);
            let found: Option<u64> = of_gateways.map(|(_, service)| scale(service)).sum();
            prop_assert_eq!(found, Some(gateways as u64));
        }
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn a_file_of_choices_reads_back_as_the_same_choices(choices in valid_choices()) {
        let text = file::with_choices(None, &choices).map_err(|error| failed(&error))?;
        let read = file::read(&text).map_err(|error| failed(&error))?;
        prop_assert_eq!(texts(&read), texts(&choices), "{}", text);
        // Chosen once more, nothing moves.
        prop_assert_eq!(file::with_choices(Some(&text), &choices).map_err(|error| failed(&error))?, text);
    }
}

fn rendered(choices: &Choices) -> Result<Files, TestCaseError> {
    render(&plan(choices).map_err(|error| failed(&error))?).map_err(|error| failed(&error))
}

fn is_yaml(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "yaml")
}

fn parsed(text: &str) -> Result<Value, TestCaseError> {
    serde_yaml::from_str(text).map_err(|error| failed(&format!("{error} in:\n{text}")))
}

fn failed(error: &impl ToString) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

/// Choices without their origins.
fn texts(choices: &Choices) -> Vec<(&'static str, Vec<String>)> {
    choices.iter().map(|(option, choice)| (option.key, choice.texts.clone())).collect()
}
