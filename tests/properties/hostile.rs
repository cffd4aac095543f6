//! Hostile texts: refused, or held in their place.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_yaml::{Mapping, Value};

use ozone_compose::plan::Plan;
use ozone_compose::plan::settings::Setting;
use ozone_compose::spec::choices::{Choices, Origin};
use ozone_compose::spec::options::OPTIONS;

use crate::strategies::hostile;
use crate::support::library::{choices, plan, render};
use crate::{config, failed, is_yaml, parsed};

/// A text without a meaning anywhere, to see where a place leads.
const MARK: &str = "zqmarkqz";

proptest! {
    #![proptest_config(config(1024))]

    #[test]
    fn every_option_refuses_hostile_text(row in 0..OPTIONS.len(), text in hostile()) {
        let option = &OPTIONS[row];
        let mut choices = Choices::default();
        choices.choose(option, vec![text.clone()], Origin::Flag(option.flag));
        if let Ok(plan) = plan(&choices) {
            if ["seed", "templates"].contains(&option.key) {
                // It leads to files, and into none.
                return Ok(());
            }
            if option.key == "ozone.dist" {
                // A path may hold almost anything; it is quoted, or refused.
                if let Ok(files) = render(&plan) {
                    let compose = parsed(&files["docker-compose.yaml"])?;
                    let source = compose["x-dist"]["source"].as_str().unwrap_or_default();
                    prop_assert_eq!(source.replace("$$", "$"), text);
                }
                return Ok(());
            }
            // What it takes instead has no meaning to YAML, Compose, HAProxy or a shell.
            let harmless = |c: char| c.is_ascii_alphanumeric() || "._/:@%+-[]".contains(c);
            prop_assert!(text.chars().all(harmless), "{} took {:?}", option.key, text);
            render(&plan).map_err(|error| failed(&error))?;
        }
    }
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn hostile_text_in_a_plan_is_refused_or_stays_in_its_place(
        place in any::<Index>(),
        text in hostile(),
        webadmin in select(&["off", "19878"][..]),
    ) {
        let tame = plan(&choices(&[("ports.webadmin", webadmin), ("domains", "s3.localhost")])).map_err(|error| failed(&error))?;
        let with = |text: &str| {
            let mut plan = tame.clone();
            let mut places = places(&mut plan);
            let index = place.index(places.len());
            text.clone_into(places[index]);
            render(&plan)
        };
        let marked = with(MARK).map_err(|error| failed(&error))?;
        prop_assert!(marked.values().any(|text| text.contains(MARK)), "a place that leads nowhere");
        let Ok(found) = with(&text) else {
            return Ok(());
        };
        for (name, found) in &found {
            let marked = &marked[name];
            if is_yaml(name) {
                // Compose takes `$$` for a dollar.
                let expected = replaced(parsed(&without_digests(marked))?, &text.replace('$', "$$"));
                prop_assert_eq!(parsed(&without_digests(found))?, expected, "{:?} in {}", text, found);
            } else {
                prop_assert_eq!(found.lines().count(), marked.lines().count(), "{:?} in {}", text, found);
                prop_assert_eq!(found, &marked.replace(MARK, &text));
            }
        }
    }
}

/// Every text of a plan, but for the names of variables, which only the table of options gives, and where
/// HAProxy's own pages listen, which is made of a number.
fn places(plan: &mut Plan) -> Vec<&mut String> {
    fn of_settings(settings: &mut [Setting]) -> impl Iterator<Item = &mut String> {
        settings.iter_mut().flat_map(|setting| [&mut setting.name, &mut setting.value])
    }
    let Plan { balancer, overlay, cluster, settings, compose_files, .. } = plan;
    let mut places: Vec<&mut String> = compose_files.iter_mut().collect();
    places.extend(balancer.servers.iter_mut().flat_map(|server| [&mut server.name, &mut server.host]));
    places.extend(balancer.domains.iter_mut().flat_map(|domains| domains.hosts.iter_mut().flatten()));
    places.extend(settings.iter_mut().flat_map(|group| of_settings(&mut group.settings)));
    if let Some(overlay) = overlay {
        places.extend(overlay.names.iter_mut());
        places.extend(overlay.aliases.iter_mut());
        places.extend(overlay.ports.iter_mut().map(|port| &mut port.host_ip));
        places.extend(of_settings(&mut overlay.environment));
    }
    if let Some(cluster) = cluster {
        places.push(&mut cluster.inventory);
        for service in &mut cluster.services {
            places.extend([&mut service.name, &mut service.health_url]);
            places.extend(service.volume.as_mut());
            places.extend(of_settings(&mut service.environment));
        }
    }
    places
}

/// A text without the digests, which another text in the plan changes.
fn without_digests(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains("io.github.ozone-compose.digest:"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// A document with `text` for the mark, in keys and values.
fn replaced(value: Value, text: &str) -> Value {
    match value {
        Value::String(old) => Value::String(old.replace(MARK, text)),
        Value::Sequence(items) => items.into_iter().map(|item| replaced(item, text)).collect(),
        Value::Mapping(entries) => {
            let entries =
                entries.into_iter().map(|(key, value)| (replaced(key, text), replaced(value, text)));
            Value::Mapping(entries.collect::<Mapping>())
        }
        other => other,
    }
}
