//! A person's own templates in the place of this tool's.

use ozone_compose::render::templates::BUILT_IN;

use crate::support::examples::all;
use crate::support::{Runs, Sandbox};

const CFG: &str = "haproxy/s3-haproxy.cfg";

/// A folder `demo` with all templates in `demo/mine`, from which its files are rendered.
fn templated() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["templates", "export", "demo/mine"]);
    sandbox.succeed(&["generate", "-o", "demo", "--templates", "mine"]);
    sandbox
}

/// Replaces a text in a template, which must hold it.
fn change(sandbox: &Sandbox, name: &str, old: &str, new: &str) {
    let path = format!("demo/mine/{name}");
    let text = sandbox.read(&path);
    assert!(text.contains(old), "{old} in {name}");
    sandbox.write(&path, text.replace(old, new));
}

#[test]
fn an_exported_folder_renders_the_same_bytes() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["templates", "export", "mine"]);
    assert_eq!(sandbox.tree("mine").len(), BUILT_IN.len());
    for example in all() {
        let case = example.case.as_str();
        sandbox.write(&format!("own/{case}/ozone-compose.yaml"), example.read("ozone-compose.yaml"));
        sandbox.write(&format!("built-in/{case}/ozone-compose.yaml"), example.read("ozone-compose.yaml"));
        sandbox.succeed(&["generate", "-o", &format!("own/{case}"), "--templates", "../../mine"]);
        sandbox.succeed(&["generate", "-o", &format!("built-in/{case}")]);
        let (mut own, built_in) =
            (sandbox.tree(&format!("own/{case}")), sandbox.tree(&format!("built-in/{case}")));
        // Only the choice itself is kept there besides.
        own.insert("ozone-compose.yaml".to_owned(), built_in["ozone-compose.yaml"].clone());
        assert_eq!(own, built_in, "{case}");
    }
}

#[test]
fn each_template_is_the_one_that_its_file_is_rendered_from() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["templates", "export", "demo/mine"]);
    for (name, text) in BUILT_IN {
        sandbox.write(&format!("demo/mine/{name}"), format!("{text}# from {name}\n"));
    }
    let last_line = |file: &str, profile: &str| {
        let arguments =
            ["generate", "-o", "demo", "--templates", "mine", "--profile", profile, "--stdout", file];
        sandbox.succeed(&arguments).stdout.lines().last().unwrap_or_default().to_owned()
    };
    for (file, name) in [
        (".env", "env.j2"),
        ("docker-compose.yaml", "docker-compose.yaml.j2"),
        ("docker-config", "docker-config.j2"),
        (CFG, "s3-haproxy.cfg.j2"),
        ("s3-haproxy.yaml", "s3-haproxy.yaml.j2"),
    ] {
        assert_eq!(last_line(file, "tuned"), format!("# from {name}"));
    }
    for (file, name) in
        [(CFG, "upstream/s3-haproxy.cfg.j2"), ("s3-haproxy.yaml", "upstream/s3-haproxy.yaml.j2")]
    {
        assert_eq!(last_line(file, "upstream"), format!("# from {name}"));
    }
}

#[test]
fn a_change_is_rendered_by_a_bare_generate_and_sealed() {
    let sandbox = templated();
    sandbox.succeed(&["generate", "-o", "demo", "--check"]);
    change(
        &sandbox,
        "s3-haproxy.cfg.j2",
        "option dontlognull",
        "option dontlognull\n    option tcp-smart-accept",
    );
    assert_eq!(sandbox.run(&["generate", "-o", "demo", "--check"]).status, 3);
    sandbox.succeed(&["generate", "-o", "demo"]);
    assert!(sandbox.read(&format!("demo/{CFG}")).contains("\n    option tcp-smart-accept\n"));
    sandbox.succeed(&["generate", "-o", "demo", "--check"]);

    sandbox.write(&format!("demo/{CFG}"), sandbox.read(&format!("demo/{CFG}")) + "# mine\n");
    assert_eq!(sandbox.run(&["generate", "-o", "demo"]).status, 3, "an edit is kept as always");
}

#[test]
fn a_template_that_is_missing_is_this_tools() {
    let sandbox = templated();
    let before = sandbox.read("demo/docker-compose.yaml");
    for (name, _) in BUILT_IN {
        fs_err::remove_file(sandbox.path("demo/mine").join(name)).unwrap();
    }
    sandbox.write("demo/mine/notes.txt", "nothing is rendered from this\n");
    sandbox.write("demo/mine/env.j2", "# mine");
    sandbox.succeed(&["generate", "-o", "demo"]);
    assert_eq!(sandbox.read("demo/docker-compose.yaml"), before);
    // The last line gets its end.
    assert!(sandbox.read("demo/.env").ends_with("\n# mine\n"));
}

#[test]
fn values_are_escaped_as_always() {
    let sandbox = templated();
    change(&sandbox, "docker-compose.yaml.j2", "name: {{ name }}", "name: {{ '${HOME}: \"x\"' }}");
    let written = sandbox.succeed(&["generate", "-o", "demo", "--stdout", "docker-compose.yaml"]).stdout;
    assert!(written.contains("\nname: \"$${HOME}: \\\"x\\\"\"\n"), "{written}");

    change(&sandbox, "s3-haproxy.cfg.j2", "retries {{ retries }}", "retries {{ 'a b' }}");
    let outcome = sandbox.run(&["generate", "-o", "demo", "--check"]);
    assert_eq!(outcome.status, 2, "{outcome}");
    assert!(outcome.stderr.contains("'a b' cannot be written to this file"), "{outcome}");
}

#[test]
fn an_error_names_its_place_and_the_variables_there_are() {
    for (old, new, said) in [
        ("retries {{ retries }}", "retries {{ retriess }}", "`retriess` is undefined"),
        ("server {{ server.name }}", "server {{ server.nam }}", "`server.nam` is undefined"),
        ("{%- for server in servers %}", "{%- for server in %}", "syntax error"),
        ("{%- if has_names %}", "{%- if has_names | shout %}", "unknown filter"),
    ] {
        let sandbox = templated();
        let template = sandbox.read("demo/mine/s3-haproxy.cfg.j2");
        let line = template.lines().position(|line| line.contains(old)).expect("a line") + 1;
        change(&sandbox, "s3-haproxy.cfg.j2", old, new);
        let before = sandbox.tree("demo");
        let outcome = sandbox.run(&["generate", "-o", "demo", "-n", "4"]);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{outcome}");
        let start = format!("error: demo/mine/s3-haproxy.cfg.j2:{line}: ");
        assert!(outcome.stderr.starts_with(&start) && outcome.stderr.contains(said), "{outcome}");
        assert!(outcome.stderr.contains(&format!(" {line} > ")), "the line itself: {outcome}");
        let hint = "\nhint: the variables of this template are gateways, in_containers, machine, ";
        assert!(outcome.stderr.contains(hint), "{outcome}");
        assert_eq!(sandbox.tree("demo"), before);
    }
}

#[test]
fn what_a_loop_has_at_hand_is_shown() {
    let sandbox = templated();
    change(&sandbox, "s3-haproxy.cfg.j2", "server {{ server.name }}", "server {{ server.nam }}");
    let outcome = sandbox.run(&["generate", "-o", "demo"]);
    assert!(outcome.stderr.contains("  |     server: {\n  |         'name': 's3g1',\n"), "{outcome}");
}

#[test]
fn a_folder_that_is_missing_or_misspelled_is_bad_usage() {
    let sandbox = templated();
    let outcome = sandbox.run(&["generate", "-o", "demo", "--templates", "mime"]);
    assert_eq!(
        outcome.to_string(),
        "exit 2\n--- stderr\n\
         error: templates: there is no folder `demo/mime`\n\
         hint: the path is relative to the cluster's folder; `ozone-compose templates export DIR` makes one\n"
    );
    sandbox.write("demo/mine/upstream/haproxy.cfg.j2", "");
    let outcome = sandbox.run(&["generate", "-o", "demo"]);
    assert_eq!(outcome.status, 2, "{outcome}");
    let said = "error: templates: nothing is rendered from `demo/mine/upstream/haproxy.cfg.j2`\n";
    assert!(outcome.stderr.starts_with(said), "{outcome}");
}

#[test]
fn an_export_replaces_nothing() {
    let sandbox = templated();
    change(&sandbox, "env.j2", "COMPOSE_FILE", "# mine\nCOMPOSE_FILE");
    let before = sandbox.tree("demo");
    let outcome = sandbox.run(&["templates", "export", "demo/mine"]);
    assert_eq!(
        outcome.to_string(),
        "exit 3\n--- stderr\n\
         error: `env.j2` in `demo/mine` differs from this tool's template; nothing was written\n\
         hint: export to a new folder, and compare the two: `diff -r`\n"
    );
    assert_eq!(sandbox.tree("demo"), before);
}

#[test]
fn haproxy_alone_reads_templates_too() {
    let sandbox = templated();
    change(&sandbox, "s3-haproxy.cfg.j2", "option dontlognull", "option log-health-checks");
    let outcome = sandbox.succeed(&["haproxy", "--server", "gw1:9878", "--templates", "demo/mine"]);
    assert!(outcome.stdout.contains("\n    option log-health-checks\n"), "{outcome}");
}
