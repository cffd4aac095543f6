//! Verbs on Docker Swarm, with a `docker` that answers as a manager does.

use serde_json::json;

use crate::support::engine::Machine;
use crate::support::{Runs, Sandbox};

const UP: &[&str] = &["up", "--target", "swarm", "--name", "demo", "-n", "3"];

/// A manager of these nodes, each with the number of the data that it holds.
fn manager(nodes: &[(&str, Option<u32>)]) -> Machine {
    let row = |(name, number): &(&str, Option<u32>)| {
        let labels = number.map_or(json!({}), |number| json!({ "ozone": number.to_string() }));
        let node = json!({
            "ID": format!("id-{name}"), "Spec": { "Labels": labels, "Role": "manager", "Availability": "active" },
            "Description": { "Hostname": name, "Platform": { "Architecture": if *name == "arm1" { "aarch64" } else { "x86_64" } } },
            "Status": { "State": "ready", "Addr": "10.0.0.1" },
        });
        format!("{node}\n")
    };
    let rows: String = nodes.iter().map(row).collect();
    Machine::new()
        .with_good_engine()
        .docker("info\\ --format\\ *Swarm.LocalNodeState*", 0, "active true\n", "")
        .docker("ps\\ *", 0, "", "")
        .docker("*\\ ls\\ *", 0, "", "")
        .docker("node\\ ls\\ *", 0, "ids\n", "")
        .docker("inspect\\ --type\\ node*", 0, &rows, "")
}

/// What the manager answers about one service of the stack.
fn with_service(machine: Machine, key: &str, role: &str, digest: &str) -> Machine {
    let mut labels = json!({ "com.docker.stack.namespace": "demo" });
    for (name, value) in
        [("role", role), ("digest", digest)].into_iter().filter(|(_, value)| !value.is_empty())
    {
        labels[format!("io.github.ozone-compose.{name}")] = value.into();
    }
    let service = json!({
        "ID": format!("id-{key}"),
        "Spec": {
            "Name": format!("demo_{key}"), "Labels": labels, "Mode": { "Replicated": { "Replicas": 1 } },
            "TaskTemplate": { "ContainerSpec": { "Image": "x" } },
        },
    });
    machine.docker("service\\ ls*", 0, "id\n", "").docker(
        "inspect\\ --type\\ service*",
        0,
        &format!("{service}\n"),
        "",
    )
}

/// The nodes of a Swarm with one container on one of them, as an object.
pub(crate) fn nodes_for_programs() -> String {
    let machine = with_service(manager(&[("node1", Some(1)), ("node2", None)]), "s3g", "balancer", "a");
    let task = json!({
        "ID": "id-task", "ServiceID": "id-s3g", "Slot": 1, "NodeID": "id-node1", "DesiredState": "running",
        "Status": { "State": "running" }, "Spec": { "ContainerSpec": { "Image": "x" } },
    });
    let machine = machine.docker("service\\ ps*", 0, "id\n", "").docker(
        "inspect\\ --type\\ task*",
        0,
        &format!("{task}\n"),
        "",
    );
    machine.sandbox.succeed(&["generate", "--target", "swarm", "--name", "demo", "-q"]);
    machine.succeed(&["nodes", "--format", "json"]).stdout
}

#[test]
fn an_engine_that_manages_no_swarm_is_reported_with_the_command_for_it() {
    for (state, said) in [
        ("inactive false", "error: the engine is in no Swarm\nhint: `docker swarm init`"),
        (
            "active false",
            "error: the engine is a worker of a Swarm, and only a manager takes commands\nhint: ",
        ),
    ] {
        let machine = manager(&[]).docker("info\\ --format\\ *Swarm.LocalNodeState*", 0, state, "");
        let outcome = machine.run(UP);
        assert_eq!(outcome.status, 4, "{outcome}");
        assert!(outcome.stderr.contains(said), "{outcome}");
        assert!(!machine.sandbox.path("stack.yaml").exists(), "nothing was written");
    }
}

#[test]
fn data_needs_nodes_that_are_labelled_once_each() {
    let none = manager(&[("node1", None)]).run(UP);
    assert_eq!(none.status, 1, "{none}");
    let said = "error: no node has the label ozone=1, which chooses where data is\nhint: `ozone-compose nodes --label node1=1`";
    assert!(none.stderr.contains(said), "{none}");
    let two = manager(&[("node1", Some(1)), ("node2", Some(1))]).run(UP);
    assert_eq!(two.status, 3, "{two}");
    assert!(two.stderr.contains("the nodes node1 and node2 both have the label ozone=1"), "{two}");
    let few = manager(&[("node1", Some(1)), ("node2", Some(2))]).run(&[UP, &["--base", "ha"]].concat());
    assert!(few.stderr.contains("no node has the label ozone=3"), "{few}");
}

#[test]
fn a_node_keeps_the_number_of_its_data() {
    let machine = manager(&[("node1", Some(1)), ("node2", None)]).docker("node\\ update*", 0, "", "");
    for taken in ["node1=2", "node2=1"] {
        let outcome = machine.run(&["nodes", "--label", taken]);
        assert_eq!(outcome.status, 3, "{outcome}");
        assert!(outcome.stderr.contains("node1 has the label ozone=1, and may have data"), "{outcome}");
    }
    for bad in ["node1", "node1=", "node1=0", "node3=1", "=1"] {
        assert_eq!(machine.run(&["nodes", "--label", bad]).status, 2, "{bad}");
    }
    assert!(!machine.commands().contains("node update"));
    machine.succeed(&["nodes", "--label", "node2=2"]);
    assert!(machine.commands().contains("node update --label-add ozone=2 id-node2"));
    let shown = machine.succeed(&["nodes"]).stdout;
    assert!(shown.contains("node1  manager  ready, active  ozone=1"), "{shown}");
}

#[test]
fn a_stack_of_somebody_else_stays() {
    let machine = with_service(manager(&[("node1", Some(1))]), "web", "", "");
    for arguments in [UP, &["down"], &["scale", "5"], &["restart"]] {
        machine.sandbox.succeed(&["generate", "--target", "swarm", "--name", "demo", "-q"]);
        let outcome = machine.run(arguments);
        assert_eq!(outcome.status, 3, "{outcome}");
        assert!(outcome.stderr.contains("the service `demo_web`, which this tool did not make"), "{outcome}");
    }
    let commands = machine.commands();
    assert!(
        !["stack deploy", "stack rm", "service scale", "service update"]
            .iter()
            .any(|one| commands.contains(one))
    );
}

#[test]
fn another_container_of_haproxy_is_accepted_first() {
    let machine = with_service(manager(&[("node1", Some(1))]), "s3g", "balancer", "other");
    let outcome = machine.run(UP);
    assert_eq!(outcome.status, 3, "{outcome}");
    assert!(outcome.stderr.contains("does not serve for some seconds; nothing was changed"), "{outcome}");
    assert!(!machine.sandbox.path("stack.yaml").exists(), "nothing was written");
    let planned = machine.succeed(&[UP, &["--dry-run"]].concat()).stdout;
    assert!(planned.contains("deploy the stack: HAProxy's image or ports change"), "{planned}");
    machine.sandbox.succeed(&["generate", "--target", "swarm", "--name", "demo", "-q"]);
    for arguments in [&["scale", "40"][..], &["reload"]] {
        let refused = machine.run(arguments);
        assert_eq!(refused.status, 3, "{refused}");
        assert!(refused.stderr.contains("`ozone-compose up --yes` does it"), "{refused}");
    }
    assert!(!machine.commands().contains("stack deploy"));
}

#[test]
fn nodes_of_two_architectures_are_a_warning() {
    let machine = manager(&[("arm1", None), ("node1", Some(1))]).docker("stack\\ deploy*", 1, "", "enough");
    let outcome = machine.run(UP);
    assert!(outcome.stderr.contains("warning: nodes differ in architecture (aarch64, x86_64)"), "{outcome}");
    let alike = manager(&[("node1", Some(1)), ("node2", None)]).docker("stack\\ deploy*", 1, "", "enough");
    let outcome = alike.run(UP);
    assert!(outcome.stderr.contains("enough") && !outcome.stderr.contains("architecture"), "{outcome}");
}

#[test]
fn other_files_of_haproxy_need_no_consent() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["generate", "--target", "swarm", "--name", "demo", "-q"]);
    let stack = sandbox.read("stack.yaml");
    let digest = stack.split("ozone-compose.digest: \"").nth(1).and_then(|rest| rest.split('"').next());
    let machine = manager(&[("node1", Some(1))]);
    let machine = with_service(machine, "s3g", "balancer", digest.expect("a digest"));
    machine.sandbox.succeed(&["generate", "--target", "swarm", "--name", "demo", "-q"]);
    for (arguments, step) in [
        (&["up", "--balance", "roundrobin"][..], "deploy the stack: "),
        (&["scale", "40"], "have Swarm run 40 gateways: "),
        (&["reload"], "deploy the stack, and have HAProxy reload: "),
    ] {
        let planned = machine.succeed(&[arguments, &["--dry-run"]].concat()).stdout;
        assert!(planned.contains(step) && !planned.contains("nothing serves"), "{planned}");
    }
}

#[test]
fn a_certificate_is_a_secret_of_the_swarm_and_another_one_another_secret() {
    let sandbox = Sandbox::new();
    let secret = || {
        let stack = sandbox.read("stack.yaml");
        stack.lines().find(|line| line.contains("name: \"demo_s3-pem_")).expect("a secret").to_owned()
    };
    sandbox.succeed(&["generate", "--target", "swarm", "--name", "demo", "--tls", "-q"]);
    let first = secret();
    sandbox.succeed(&["generate", "-q"]);
    assert_eq!(secret(), first);
    fs_err::remove_file(sandbox.path("tls/private/haproxy/s3.pem")).expect("a certificate");
    sandbox.succeed(&["generate", "-q"]);
    assert_ne!(secret(), first);
    assert!(!sandbox.read("stack.yaml").contains("PRIVATE KEY"));
}

/// A manager with a service of OM, whose data is of a secure cluster or not, in a folder of a secure one.
fn with_om(is_secure: bool) -> Machine {
    let machine = with_service(manager(&[("node1", Some(1))]), "om", "om", "");
    let security = if is_secure { "kerberos" } else { "" };
    let machine = machine.docker("volume\\ ls*", 0, &format!("demo_om\t\t\tom\t{security}\n"), "");
    machine.sandbox.succeed(&["generate", "--target", "swarm", "--secure", "--name", "demo", "-q"]);
    machine
}

#[test]
fn data_without_security_is_none_for_a_secure_stack() {
    let machine = with_om(false);
    let outcome = machine.run(UP);
    assert_eq!(outcome.status, 3, "{outcome}");
    assert!(outcome.stderr.contains("has the data of one without security"), "{outcome}");
    assert!(outcome.stderr.contains("`ozone-compose down --volumes` removes that data"), "{outcome}");
    assert!(!machine.commands().contains("stack deploy"));
}

#[test]
fn lost_keys_of_a_stack_that_runs_are_not_replaced() {
    let machine = with_service(manager(&[("node1", Some(1))]), "s3gw", "gateway", "");
    machine.sandbox.succeed(&["generate", "--target", "swarm", "--secure", "--name", "demo", "-q"]);
    fs_err::remove_file(machine.sandbox.path("kerberos/private/om.keytab")).expect("a keytab");
    for (arguments, status, said) in [
        (UP, 3, "put them back, or `ozone-compose down` and then `ozone-compose up`"),
        (&["scale", "3"], 5, "`kerberos/private/om.keytab`, a secret of the stack, is not in the folder"),
        (&["reload"], 5, "`kerberos/private/om.keytab`, a secret of the stack, is not in the folder"),
        (&["user", "add", "carol"], 5, "the keys of cluster `demo` are not in kerberos/private"),
    ] {
        let outcome = machine.run(arguments);
        assert_eq!(outcome.status, status, "{outcome}");
        assert!(outcome.stderr.contains(said), "{outcome}");
    }
    assert!(!machine.sandbox.read("ozone-compose.yaml").contains("carol"), "nothing was chosen");
    assert!(!machine.commands().contains("stack deploy"));
}

#[test]
fn an_administrators_container_has_om_make_secrets_and_nothing_shows_a_key() {
    let said = "ozone-compose 200 made\ncarol 200 s3cret-of-carol\nawsSecret=\n";
    let machine =
        with_service(manager(&[("node1", Some(1))]), "s3gw", "gateway", "").docker("run*", 0, said, "");
    machine.sandbox.succeed(&["generate", "--target", "swarm", "--secure", "--name", "demo", "-q"]);
    let added = machine.succeed(&["-v", "user", "add", "carol"]);
    assert_eq!(machine.succeed(&["user", "list"]).stdout, "USER   SECRET\ncarol  secrets/credentials\n");
    let credentials = machine.sandbox.read("secrets/credentials");
    let own = machine.sandbox.read("kerberos/private/s3-secret");
    assert!(
        credentials.contains("s3cret-of-carol") && credentials.contains(&own),
        "OM has the chosen secret"
    );
    let commands = machine.commands();
    let run = commands.lines().find(|line| line.contains("run --rm")).expect("a container");
    assert!(run.contains("--network demo_default") && run.contains("GATEWAY=s3gw"), "{run}");
    for place in [&commands, &added.stdout, &added.stderr] {
        assert!(!place.contains(&own) && !place.contains("s3cret-of-carol"), "{place}");
    }
    let removed = machine.docker("run*", 0, "carol 200\n", "").docker("service\\ ps*", 0, "", "");
    removed.succeed(&["user", "remove", "carol"]);
    assert!(!removed.sandbox.read("secrets/credentials").contains("carol"));
}

#[test]
fn verbs_for_the_containers_of_one_engine_say_what_there_is() {
    let machine = manager(&[("node1", Some(1))]);
    machine.sandbox.succeed(&["generate", "--target", "swarm", "--name", "demo", "-q"]);
    for verb in [&["drain", "s3g1"][..], &["resume"], &["stop"], &["start"]] {
        let outcome = machine.run(verb);
        assert_eq!(outcome.status, 2, "{outcome}");
        assert!(outcome.stderr.contains("`demo` is on Docker Swarm (`target: swarm`)"), "{outcome}");
    }
    for flag in
        [&["--rollback"][..], &["--timings"], &["--port", "auto"], &["--collect-on-failure", "x.tar.gz"]]
    {
        let outcome = machine.run(&[UP, flag].concat());
        assert_eq!(outcome.status, 2, "{outcome}");
        assert!(outcome.stderr.contains("does not work with `target: swarm`"), "{outcome}");
    }
    let logs = machine.run(&["logs"]);
    assert!(logs.status == 2 && logs.stderr.contains("`ozone-compose logs s3g` is HAProxy's"), "{logs}");
    let one = machine.run(&["restart", "s3g2"]);
    assert!(one.status == 2 && one.stderr.contains("Swarm cannot restart s3g2 alone"), "{one}");
}

#[test]
fn data_on_other_nodes_is_named_with_the_command_that_removes_it() {
    let machine = with_service(manager(&[("node1", Some(1)), ("node2", Some(2))]), "s3g", "balancer", "a")
        .docker("info\\ --format\\ *Swarm.NodeID*", 0, "id-node1\n", "")
        .docker("stack\\ rm*", 0, "", "")
        .docker("volume\\ rm*", 0, "", "");
    machine.sandbox.succeed(&["generate", "--target", "swarm", "--base", "ha", "--name", "demo", "-q"]);
    let kept = machine.succeed(&["down"]);
    assert!(kept.stderr.contains("its data stays on its nodes"), "{kept}");
    assert!(!machine.commands().contains("volume rm"));
    let removed = machine.succeed(&["down", "--volumes"]);
    assert!(
        machine.commands().contains("volume rm --force demo_datanode1 demo_haproxy demo_om1 demo_scm1\n")
    );
    let command = |number: u8| {
        format!("docker volume rm --force demo_datanode{number} demo_om{number} demo_scm{number}")
    };
    for said in [
        format!("the data on node node2 stays until you type there: {}", command(2)),
        format!("the data on the node that had the label ozone=3 stays until you type there: {}", command(3)),
    ] {
        assert!(removed.stderr.contains(&said), "{removed}");
    }
}

#[test]
fn a_stack_without_its_folder_is_removed_by_name_or_with_all() {
    for arguments in [&["down", "--name", "demo", "--volumes"][..], &["down", "--all", "--volumes"]] {
        let machine = with_service(manager(&[("node1", Some(1))]), "om", "om", "a")
            .docker("info\\ --format\\ *Swarm.NodeID*", 0, "id-node1\n", "")
            .docker("stack\\ rm*", 0, "", "")
            .docker("volume\\ rm*", 0, "", "");
        let outcome = machine.succeed(arguments);
        assert!(outcome.stderr.contains("cluster `demo` is removed from the Swarm"), "{outcome}");
        assert!(!outcome.stderr.contains("there is no cluster"), "{outcome}");
        assert!(machine.commands().contains("stack rm demo\n"), "{outcome}");
        assert!(
            machine.commands().contains("volume rm --force demo_haproxy demo_om\n"),
            "{}",
            machine.commands()
        );
    }
}

/// A manager of two nodes, with one container of the stack, by its key and role, on the second.
fn with_task_on_node2(key: &str, role: &str) -> Machine {
    let machine = with_service(manager(&[("node1", Some(1)), ("node2", None)]), key, role, "a");
    let task = json!({
        "ID": "id-task", "ServiceID": format!("id-{key}"), "Slot": 1, "NodeID": "id-node2", "DesiredState": "running",
        "Status": { "State": "running" }, "Spec": { "ContainerSpec": { "Image": "x" } },
    });
    let machine = machine
        .docker("service\\ ps*", 0, "id\n", "")
        .docker("inspect\\ --type\\ task*", 0, &format!("{task}\n"), "")
        .docker("node\\ ps*", 0, &format!("demo_{key}.1\n"), "")
        .docker("node\\ update*", 0, "", "")
        .docker("service\\ scale*", 0, "", "");
    machine.sandbox.succeed(&["generate", "--target", "swarm", "--name", "demo", "-n", "1", "-q"]);
    machine
}

#[test]
fn a_node_is_emptied_once_others_have_as_many_gateways() {
    let machine = with_task_on_node2("s3gw", "gateway");
    let planned = machine.succeed(&["drain", "--node", "node2", "--dry-run"]).stdout;
    assert_eq!(
        planned,
        "start 1 gateway elsewhere: the node's gateways serve until others do\ndrain node2: --node\n"
    );
    let drained = machine.succeed(&["drain", "--node", "node2"]);
    let commands = machine.commands();
    let changes: Vec<&str> = commands
        .lines()
        .filter(|line| line.contains("node update") || line.contains("service scale"))
        .collect();
    assert_eq!(
        changes,
        [
            "node update --availability pause id-node2",
            "service scale --detach demo_s3gw=2",
            "node update --availability drain id-node2",
            "service scale --detach demo_s3gw=1",
        ]
    );
    assert!(drained.stderr.contains("until `ozone-compose resume --node node2`"), "{drained}");
    machine.succeed(&["resume", "--node", "node2"]);
    assert!(machine.commands().contains("node update --availability active id-node2"));
}

#[test]
fn the_gateway_of_a_request_is_as_haproxy_has_logged_it() {
    let line = "demo_s3g.1.x@node1    | 10.1.2.3:4 [25/Nov/2026:14:42:18.346] s3 gateways/s3g7 0/0/0/7/9 500 54 180 ---- 1/1/0/0/0 0/0 \
                method=GET bucket=photos key_length=3 access_key=AKID presigned_by=- request_id=abc\n";
    let machine = with_task_on_node2("s3gw", "gateway");
    let machine = machine.docker("service\\ logs\\ --timestamps\\ --tail\\ 100000\\ demo_s3g", 0, line, "");
    let outcome = machine.succeed(&["logs", "--gateway-requests", "abc"]);
    assert!(outcome.stdout.contains("  abc         s3g7     GET "), "{outcome}");
    let said = "no log of demo_s3gw.1 was read: no engine runs a program in a container of another node\n";
    assert_eq!(outcome.stderr, said);
    assert!(!machine.commands().contains("exec "), "{}", machine.commands());
}

#[test]
fn a_kdc_moves_to_another_node() {
    let machine = with_task_on_node2("kdc", "kdc");
    let planned = machine.succeed(&["drain", "--node", "node2", "--dry-run"]).stdout;
    assert_eq!(planned, "drain node2: --node\n");
}

#[test]
fn a_node_that_cannot_be_missed_is_not_emptied() {
    for (key, role, said) in [
        ("s3g", "balancer", "node2 runs s3g, which no other node can run, and all requests go through s3g"),
        ("om1", "om", "only with `base: ha` is S3 served without om1"),
    ] {
        let machine = with_task_on_node2(key, role);
        let outcome = machine.run(&["drain", "--node", "node2"]);
        assert!(outcome.status == 3 && outcome.stderr.contains(said), "{outcome}");
        assert!(!machine.commands().contains("node update"));
    }
    let machine = with_task_on_node2("s3gw", "gateway").docker("node\\ ps*", 0, "web_nginx.1\n", "");
    let others = machine.run(&["drain", "--node", "node2"]);
    assert!(others.status == 3 && others.stderr.contains("node2 also runs `web_nginx.1`"), "{others}");
    let unknown = machine.run(&["drain", "--node", "node7"]);
    assert!(unknown.status == 2 && unknown.stderr.contains("there are node1, node2"), "{unknown}");
    assert!(!machine.commands().contains("node update"));
    let compose = Machine::new();
    compose.sandbox.succeed(&["generate", "-q"]);
    let compose = compose.run(&["drain", "--node", "node1"]);
    assert!(compose.status == 2 && compose.stderr.contains("only a Swarm has nodes"), "{compose}");
}
