//! `haproxy`: HAProxy's configuration alone, on standard output, or with what else a machine needs in a folder.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;
use fs_err as fs;

use super::{Context, counted, templates};
use crate::cli::{Haproxy, Machine};
use crate::error::{Failure, Status};
use crate::plan::Plan;
use crate::plan::machine::{Bundle, Pair, Wanted};
use crate::render::{HAPROXY_CFG, bundle, render};
use crate::spec::values::machine::PlainPath;
use crate::spec::values::{PlainHttp, Profile, Published};
use crate::spec::{Spec, Tls};
use crate::tls;
use crate::workspace::{Change, Kind};

/// Its name in the folder, and where INSTALL.md puts it.
const CFG: &str = "haproxy.cfg";

/// Number of a pair where none is given: keepalived's own example has it too.
const ROUTER: u32 = 51;

/// Prints or writes the configuration for these choices; no file of a cluster is read.
pub fn run(arguments: Haproxy, context: &Context) -> Result<Status> {
    let Haproxy { machine, flags } = arguments;
    let spec = Spec::resolve(&context.environment.clone().overlaid_by(flags.0), "")?;
    let templates = templates::chosen(&spec, Path::new("."))?;
    let mut plan = Plan::new(&spec, &[]);
    check_certificate(&spec, context)?;
    if machine == Machine::default() {
        context.ui.data(&render(&plan, &templates)?.files[HAPROXY_CFG])?;
        return Ok(Status::Done);
    }
    refuse_containers(&spec)?;
    let (wanted, pair) = (wanted(&machine)?, pair(&machine)?);
    refuse_contradictions(&wanted, pair.is_some(), &spec)?;
    plan.balancer.on_machine(&wanted, &spec);
    let mut files = render(&plan, &templates)?.files;
    let cfg = files.remove(HAPROXY_CFG).unwrap_or_default();
    let Some(output) = machine.output else {
        context.ui.data(&cfg)?;
        return Ok(Status::Done);
    };
    let mut all = bundle(&Bundle::new(&wanted, pair.as_ref(), &spec), &templates)?;
    all.insert(CFG.to_owned(), cfg);
    let mut folder = super::request::open(&output, context)?;
    folder.make(|| context.interrupt.check())?;
    let changes: Result<Vec<Change>> =
        all.iter().map(|(name, text)| folder.compare(name, Some(text))).collect();
    let changes = changes?;
    refuse_to_replace(&changes, &output)?;
    folder.apply(&changes)?;
    if wanted.stats_users.is_some() {
        // It holds hashes of passwords, which the users of a machine need not see.
        fs::set_permissions(output.join(CFG), Permissions::from_mode(0o600))?;
    }
    let count = changes.iter().filter(|change| change.writes()).count();
    context.ui.say(&format!("wrote {} to `{}`", counted(count, "file"), output.display()));
    context.ui.say(&format!(
        "next: copy the folder to the machine, and read {}",
        output.join("INSTALL.md").display()
    ));
    Ok(Status::Done)
}

/// Refuses a bad certificate, and says where it cannot be read from here.
fn check_certificate(spec: &Spec, context: &Context) -> Result<()> {
    let Some(Tls::There { certificate, key }) = &spec.balancer.tls else { return Ok(()) };
    let key = key.as_ref().map(PlainPath::path);
    if let Some(path) = tls::check(certificate.path(), key, SystemTime::now())? {
        context.ui.say(&format!(
            "https: `{}` is not on this machine or not readable, and was not checked; `haproxy -c` on the balancer's machine checks it",
            path.display()
        ));
    }
    Ok(())
}

fn usage(message: String, hint: &str) -> Failure {
    Failure::new(Status::Usage, message).with_hint(hint.to_owned())
}

fn refuse_containers(spec: &Spec) -> Result<()> {
    if spec.in_containers() {
        let message =
            "these options are for a balancer on a real machine, and there is no gateway on another";
        return Err(usage(message.to_owned(), "name the gateways: --server HOST:9878 for each").into());
    }
    if spec.profile == Profile::Upstream {
        let message =
            "these options have no meaning with the profile `upstream`, which renders Ozone's own example";
        return Err(usage(message.to_owned(), "leave out --profile").into());
    }
    Ok(())
}

/// What the flags say about the machine. A folder for a machine is for its package, whose user is `haproxy`.
fn wanted(machine: &Machine) -> Result<Wanted> {
    let packaged = |text: &str| machine.output.as_ref().and_then(|_| text.parse().ok());
    let stats_users = match &machine.stats_user {
        None => None,
        Some(file) => {
            let users = fs::read_to_string(file)?.parse().map_err(|problem| {
                usage(format!("--stats-user: {}: {problem}", file.display()), "each line is NAME:HASH")
            })?;
            Some(users)
        }
    };
    let path = |text: &str| machine.output.as_ref().and_then(|_: &PathBuf| text.parse().ok());
    Ok(Wanted {
        listen: machine.listen.clone(),
        stats_listen: machine.stats_listen,
        stats_users,
        user: machine.user.clone().or_else(|| packaged("haproxy")),
        group: machine.group.clone().or_else(|| packaged("haproxy")),
        chroot: machine.chroot.clone().or_else(|| path("/var/lib/haproxy")),
        log_target: machine.log_target.clone(),
        admin_socket: machine.admin_socket.clone(),
        zone: machine.zone.clone(),
    })
}

fn pair(machine: &Machine) -> Result<Option<Pair>> {
    let (Some(address), Some(interface)) = (machine.vip, &machine.vip_interface) else {
        return Ok(None);
    };
    let &[first, second] = machine.peer.as_slice() else {
        let message = format!(
            "--peer was given {}, and two balancers share an address",
            counted(machine.peer.len(), "time")
        );
        return Err(usage(message, "give it twice: the addresses of both machines").into());
    };
    if first == second || first.is_ipv4() != second.is_ipv4() {
        let message = format!("--peer: {first} and {second} are not addresses of one family of two machines");
        return Err(usage(message, "give both as IPv4 addresses, or both as IPv6 addresses").into());
    }
    let router = machine.vip_router.map_or(ROUTER, crate::cli::RouterNumber::get);
    Ok(Some(Pair { address, interface: interface.clone(), peers: [first, second], router }))
}

fn refuse_contradictions(wanted: &Wanted, has_pair: bool, spec: &Spec) -> Result<()> {
    if let Some(zone) = &wanted.zone
        && !spec.servers.iter().any(|server| server.zone.as_ref() == Some(&zone.0))
    {
        let message = format!("--zone: no gateway is in the zone `{}`", zone.0);
        return Err(usage(message, "give the zone of each: --server HOST:9878,zone=NAME").into());
    }
    if has_pair && spec.ports.stats == Published::Off && spec.balancer.http != PlainHttp::Keep {
        let message = "--vip: keepalived checks HAProxy over http, and would reach neither its pages nor S3";
        return Err(usage(message.to_owned(), "leave out `--stats-port off`").into());
    }
    if let Some(address) = wanted.stats_listen
        && !address.ip().is_loopback()
        && wanted.stats_users.is_none()
    {
        let message = format!(
            "--stats-listen: {address} can be reached from other machines, and /stats asks for no password"
        );
        return Err(usage(message, "name who may see it: --stats-user FILE").into());
    }
    Ok(())
}

/// What is there may have been edited for the machine.
fn refuse_to_replace(changes: &[Change], path: &Path) -> Result<()> {
    let taken = changes.iter().filter(|change| change.writes() && change.kind() != Kind::New);
    let names: Vec<String> = taken.map(|change| format!("`{}`", change.name())).collect();
    if names.is_empty() {
        return Ok(());
    }
    let message = format!("{} in `{}` would change; nothing was written", names.join(", "), path.display());
    let hint = "write to a new folder, and compare the two: `diff -r`";
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
}
