//! What belongs to a cluster is what has this tool's label; everything else is left alone.

use fs_err as fs;

use crate::app::{App, compose, text};
use crate::cluster::Cluster;
use crate::lab::{BALANCER, Container, Lab, Project};
use crate::support::run::until;
use crate::support::{Outcome, Runs, tree};

/// An app that has a cluster as a part, as the README shows it.
const INCLUDE: &str =
    "include:\n  - path:\n      - ozone/docker-compose.yaml\n      - ozone/s3-haproxy.yaml\n\n";

/// The app and its cluster, both of which run.
fn shop(lab: &Lab) -> (App, Cluster<'_>) {
    let app = lab.app("shop");
    let cluster = lab.cluster("shop");
    Outcome::of(&mut cluster.first("generate", &["-n", "1", "-o", "ozone"])).succeeded();
    fs::write(app.folder.join("compose.yaml"), format!("{INCLUDE}{}", text())).expect("a file");
    app.compose(&["up", "--detach"]);
    until("the database has its data", || app.is_well());
    (app, cluster)
}

/// The app is as it was, nothing is left of the cluster, and the run says so.
fn assert_only_the_app_is_left(app: &App, down: &Outcome) {
    assert_eq!(down.status, 0, "{down}");
    assert!(app.is_well(), "{down}");
    let left: Vec<String> = app.project.containers().into_iter().map(|one| one.name).collect();
    assert_eq!(left, [app.database()]);
    assert_eq!(app.project.volumes(), [format!("{}_db", app.project.name)]);
    assert!(down.stderr.contains(&app.database()), "it says what it left: {down}");
}

#[test]
fn an_app_that_includes_a_cluster_keeps_its_own_container_and_data_when_that_name_goes_down() {
    let Some(lab) = Lab::open() else { return };
    let (app, _cluster) = shop(&lab);
    let down = lab.sandbox.run(&["down", "--name", &app.project.name, "--volumes"]);
    assert_only_the_app_is_left(&app, &down);
}

#[test]
#[ignore = "removes every cluster of this engine, those of others too"]
fn an_app_that_includes_a_cluster_keeps_its_own_container_and_data_when_all_clusters_go_down() {
    let Some(lab) = Lab::open() else { return };
    let (app, _cluster) = shop(&lab);
    let down = lab.sandbox.run(&["down", "--all", "--volumes"]);
    assert_only_the_app_is_left(&app, &down);
}

#[test]
fn an_included_cluster_is_found_from_its_folder_also_where_nothing_is_mounted() {
    let Some(lab) = Lab::open() else { return };
    for engine in ["local", "remote"] {
        let app = lab.app(engine);
        let cluster = Cluster::new(&lab, engine, Project::new("part"));
        let options = ["-n", "1", "-o", "ozone", "--engine", engine, "--bind", "127.0.0.1"];
        Outcome::of(&mut cluster.first("generate", &options)).succeeded();
        fs::write(app.folder.join("compose.yaml"), INCLUDE).expect("a file");
        app.compose(&["up", "--detach"]);
        let answers = || cluster.run(&["env", "-o", "ozone"]).stdout.contains(&cluster.endpoint());
        until(&format!("its S3 is found, {engine}"), answers);
    }
}

#[test]
fn up_is_refused_where_an_app_of_the_same_folder_has_the_name() {
    let Some(lab) = Lab::open() else { return };
    let app = lab.app("app");
    app.start("app.yaml");
    let (files, containers) = (tree(&app.folder), app.project.containers());
    let cluster = lab.cluster("app");
    let up = Outcome::of(&mut cluster.first("up", &["--timeout", "10s"]));
    assert_eq!((up.status, up.stdout.as_str()), (3, ""), "{up}");
    for part in [&app.database(), &app.folder.display().to_string(), "--name "] {
        assert!(up.stderr.contains(part), "{part} in {up}");
    }
    let now: Vec<String> = tree(&app.folder).into_keys().collect();
    assert!(tree(&app.folder) == files, "{now:?}: {up}");
    assert_eq!(app.project.containers(), containers, "{up}");
    assert!(app.is_well());
}

#[test]
fn down_leaves_the_container_and_the_volume_of_an_app_that_has_the_same_name() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("twin");
    cluster.up(&["-n", "1"]);
    let app = lab.app("twin");
    app.start("app.yaml");

    app.compose(&["-f", "app.yaml", "stop", "db"]);
    let down = cluster.run(&["down", "--volumes"]);
    assert_eq!(down.status, 0, "{down}");
    let left: Vec<String> = app.project.containers().into_iter().map(|one| one.name).collect();
    assert_eq!(left, [app.database()], "{down}");
    assert!(down.stderr.contains(&app.database()), "it says what it left: {down}");
    app.compose(&["-f", "app.yaml", "rm", "--force", "db"]);
    assert!(app.has_its_volume());

    let again = cluster.run(&["down", "--volumes"]);
    assert_eq!(again.status, 0, "{again}");
    assert!(app.has_its_volume(), "{again}");
}

#[test]
fn a_service_of_ones_own_beside_a_cluster_belongs_to_the_folder() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("own");
    let mine = format!(
        "services:\n  mine:\n    image: {BALANCER}\n    command: [sleep, '600']\n    stop_signal: SIGKILL\n"
    );
    cluster.write("compose.override.yaml", &mine);
    cluster.up(&["-n", "1"]);
    let before = cluster.project.containers();
    assert!(before.iter().any(|one| one.service == "mine" && one.is_running() && one.role.is_empty()));
    cluster.succeed(&["up"]);
    assert_eq!(cluster.project.containers(), before);
    cluster.succeed(&["scale", "2"]);
    let mine = |one: &Container| one.service == "mine" && one.is_running();
    assert!(cluster.project.containers().iter().any(mine));
    compose(&cluster.folder, &cluster.project.name, &["rm", "--stop", "--force", "mine"]);
}
