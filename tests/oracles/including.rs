//! A cluster as a part of another Compose project, by the recipe of README.md.

use std::path::Path;

use serde_json::{Value, json};

use crate::compose::{config, services};
use crate::support::{Sandbox, examples, tools};

/// The recipe: a project that includes `my-cluster`.
fn recipe() -> String {
    let blocks = include_str!("../../README.md").split("```yaml\n").skip(1);
    let mut blocks = blocks.filter_map(|rest| rest.split("```").next());
    blocks.find(|block| block.starts_with("include:")).expect("a block that includes").to_owned()
}

#[test]
fn another_project_gets_every_service_as_it_is_alone_from_wherever_it_is_named() {
    if !tools(&["docker compose"]) {
        return;
    }
    for example in examples::all().iter().filter(|example| example.has("docker-compose.yaml")) {
        let sandbox = Sandbox::new();
        for (name, bytes) in crate::support::tree(&example.folder) {
            sandbox.write(&format!("shop/my-cluster/{name}"), bytes.expect("a file"));
        }
        let mut recipe = recipe();
        for overlay in ["kerberos.yaml", "monitoring.yaml"].iter().filter(|name| example.has(name)) {
            let last = "      - my-cluster/s3-haproxy.yaml\n";
            recipe = recipe.replace(last, &format!("{last}      - my-cluster/{overlay}\n"));
        }
        sandbox.write("shop/compose.yaml", recipe);
        let (shop, cluster) = (sandbox.path("shop"), sandbox.path("shop/my-cluster"));
        let (file, place) = (shop.join("compose.yaml").display().to_string(), shop.display().to_string());
        let alone = config(&cluster, &[]);

        let elsewhere = Path::new("/");
        for (folder, options, name) in [
            (shop.as_path(), &[][..], "shop"),
            (&shop, &["-p", "other"], "other"),
            (&cluster, &["-f", "../compose.yaml"], "shop"),
            (elsewhere, &["-f", &file], "shop"),
            (elsewhere, &["--project-directory", &place], "shop"),
            (elsewhere, &["-p", "other", "-f", &file], "other"),
        ] {
            let at = format!("{} in {} with {options:?}", example.case, folder.display());
            let project = config(folder, options);
            assert_eq!(project["name"], *name, "{at}");
            let (app, included): (Vec<_>, Vec<_>) = services(&project).partition(|(name, _)| *name == "app");
            assert_eq!(included, services(&alone).collect::<Vec<_>>(), "{at}");

            let s3g = &project["services"]["s3g"];
            let [(_, app)] = app[..] else { panic!("an app: {at}") };
            let networks = |service: &Value| -> Vec<String> {
                service["networks"].as_object().expect("networks").keys().cloned().collect()
            };
            assert_eq!(networks(app), networks(s3g), "{at}");
            assert_eq!(app["depends_on"]["s3g"]["condition"], "service_healthy", "{at}");
            assert_eq!(app["environment"]["AWS_ENDPOINT_URL_S3"], "http://s3g:9878", "{at}");
            let mounted = s3g["volumes"].as_array().and_then(|all| all[0]["source"].as_str());
            let travels = example.read("ozone-compose.yaml").contains("engine: remote");
            let is_here = mounted.is_some_and(|path| Path::new(path).starts_with(&cluster));
            assert!(travels || is_here, "{at}: {mounted:?}");
            // Data of the one is not data of the other.
            for (volume, definition) in project["volumes"].as_object().expect("volumes") {
                assert_eq!(definition["name"], json!(format!("{name}_{volume}")), "{at}");
            }
        }
    }
}
