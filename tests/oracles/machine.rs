//! What `haproxy -o` writes for real machines is taken by HAProxy and keepalived.

use std::os::unix::fs::PermissionsExt;

use fs_err as fs;

use crate::support::{Outcome, Runs, Sandbox, clean, tools};

const IMAGE: &str = "haproxy:3.2-alpine";

/// A hash of `secret`.
const USERS: &str = "# who may see\nann:$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.\n";

/// Choices that change the shape of the configuration, for gateways that need no name server.
const MACHINES: &[&[&str]] = &[
    &["-o", "out"],
    &["--listen", "::", "-o", "out"],
    &["--listen", "0.0.0.0", "--listen", "::", "-o", "out"],
    &["--listen", "127.0.0.1", "--listen", "::1", "-o", "out"],
    &["--log-target", "/dev/log", "--admin-socket", "/tmp/admin.sock", "-o", "out"],
    &["--log-target", "127.0.0.1:514", "--log", "all", "-o", "out"],
    &["--stats-user", "users", "--stats-listen", "0.0.0.0", "-o", "out"],
    &["--stats-user", "users", "--stats-listen", "::1", "--zone", "a", "-o", "out"],
    &["--stats-port", "off", "--webadmin-port", "19878", "-o", "out"],
    &[
        "--vip",
        "10.77.0.9/24",
        "--vip-interface",
        "lo",
        "--peer",
        "10.77.0.1",
        "--peer",
        "10.77.0.2",
        "-o",
        "out",
    ],
];

const SERVERS: &[&str] = &[
    "haproxy",
    "--server",
    "east=127.0.0.1:9878,weight=2,zone=a",
    "--server",
    "[::1]:9878,zone=b",
    "--server",
    "127.0.0.3:9878,backup",
];

/// A folder for each of these machines.
fn folders() -> Vec<Sandbox> {
    let folder = |options: &&[&str]| {
        let sandbox = Sandbox::new();
        sandbox.write("users", USERS);
        sandbox.succeed(&[SERVERS, options].concat());
        sandbox
    };
    MACHINES.iter().map(folder).collect()
}

#[test]
fn haproxy_accepts_every_machine() {
    if !tools(&["haproxy"]) {
        return;
    }
    for (folder, options) in folders().iter().zip(MACHINES) {
        let outcome = Outcome::of(clean("haproxy").args(["-c", "-f"]).arg(folder.path("out/haproxy.cfg")));
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(
            outcome.status == 0 && !said.contains("WARNING") && !said.contains("ALERT"),
            "{options:?}: {outcome}"
        );
    }
}

#[test]
fn haproxy_of_the_image_accepts_every_machine() {
    if !tools(&["docker", IMAGE]) {
        return;
    }
    for (folder, options) in folders().iter().zip(MACHINES) {
        // Who may see the pages is for root alone.
        let mut command = clean("docker");
        command.args(["run", "--rm", "--network", "none", "--user", "0", "--volume"]);
        command.arg(format!("{}:/judged:ro", folder.path("out").display()));
        let outcome = Outcome::of(command.args([IMAGE, "haproxy", "-c", "-f", "/judged/haproxy.cfg"]));
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(
            outcome.status == 0 && !said.contains("WARNING") && !said.contains("ALERT"),
            "{options:?}: {outcome}"
        );
    }
}

#[test]
fn what_is_written_for_a_machine_is_whole_and_not_replaced() {
    let sandbox = Sandbox::new();
    sandbox.write("users", USERS);
    let pair =
        ["--vip", "10.0.0.9/24", "--vip-interface", "eth0", "--peer", "10.0.0.1", "--peer", "10.0.0.2"];
    let options = [SERVERS, &pair, &["--stats-user", "users", "-o", "out"]].concat();
    sandbox.succeed(&options);
    let names: Vec<String> = sandbox.tree("out").into_keys().collect();
    assert_eq!(
        names,
        ["INSTALL.md", "haproxy.cfg", "haproxy.service.conf", "keepalived-1.conf", "keepalived-2.conf"]
    );
    let mode = fs::metadata(sandbox.path("out/haproxy.cfg")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds hashes");
    assert!(sandbox.read("out/keepalived-1.conf").contains("\n    unicast_src_ip 10.0.0.1\n"));
    assert!(sandbox.read("out/keepalived-2.conf").contains("\n    unicast_src_ip 10.0.0.2\n"));
    assert!(sandbox.read("out/haproxy.service.conf").contains("\nLimitNOFILE=12288\n"));
    // Again, it is the same; changed, it is refused.
    sandbox.succeed(&options);
    sandbox.write("out/INSTALL.md", "mine");
    let outcome = sandbox.run(&options);
    assert_eq!(
        outcome.to_string(),
        "exit 3\n--- stderr\nerror: `INSTALL.md` in `out` would change; nothing was written\n\
         hint: write to a new folder, and compare the two: `diff -r`\n"
    );
    assert_eq!(sandbox.read("out/INSTALL.md"), "mine");
}

#[test]
fn what_gives_no_tuning_is_reported() {
    let sandbox = Sandbox::new();
    sandbox.write("users", "ann:secret\n");
    let one = ["haproxy", "--server", "127.0.0.1:1"];
    let pair = ["--vip", "10.0.0.9/24", "--vip-interface", "eth0", "--peer", "10.0.0.1", "-o", "out"];
    for (arguments, message) in [
        (["haproxy", "-o", "out"].to_vec(), "there is no gateway on another"),
        (
            [&one[..], &["--profile", "upstream", "-o", "out"]].concat(),
            "have no meaning with the profile `upstream`",
        ),
        ([&one[..], &["--zone", "a"]].concat(), "--zone: no gateway is in the zone `a`"),
        ([&one[..], &["--stats-listen", "0.0.0.0"]].concat(), "and /stats asks for no password"),
        ([&one[..], &["--stats-user", "users"]].concat(), "users: line 1 has no hash that HAProxy reads"),
        ([&one[..], &pair].concat(), "--peer was given 1 time, and two balancers share an address"),
        ([&one[..], &["--listen", "gw1"]].concat(), "is not an IP address of this machine"),
        ([&one[..], &["--user", "a b"]].concat(), "is not the name of a user or group"),
    ] {
        let outcome = sandbox.run(&arguments);
        assert!(outcome.status == 2 && outcome.stderr.contains(message), "{arguments:?}: {outcome}");
        assert!(!outcome.stderr.contains("secret"), "{outcome}");
    }
    assert!(!sandbox.path("out").exists());
}
