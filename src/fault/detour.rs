//! Requests to one gateway go through a second HAProxy, in the balancer's container: it delays or refuses them.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::engine::objects::Container;
use crate::haproxy::control::Control;
use crate::spec::values::GatewayName;

/// Where the second HAProxy listens, on every address of the balancer's container. Nothing there has this port.
const PORT: u16 = 29878;

/// Starts the second HAProxy with a configuration. It is a child of no process in the container: HAProxy's master takes
/// children for its workers.
const START: &str = r#"
printf '%s\n' "$1" > /dev/shm/fault.cfg
echo $$ > /dev/shm/fault.pid
exec haproxy -db -f /dev/shm/fault.cfg
"#;

/// Waits up to 5 s until something listens on the port that the argument names as the kernel does: `:74B6`.
const AWAIT: &str = r#"
for look in $(seq 50); do
    grep -q "$1 00000000:0000 0A" /proc/net/tcp && exit
    sleep 0.1
done
echo "the second HAProxy does not listen" >&2
exit 1
"#;

/// Ends it once it has completed what it has; see `hard-stop-after` of its configuration.
const END: &str = r#"
test ! -e /dev/shm/fault.pid || kill -USR1 "$(cat /dev/shm/fault.pid)"
rm -f /dev/shm/fault.cfg /dev/shm/fault.pid
"#;

/// A gateway whose requests make a detour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detour {
    /// The gateway: HAProxy's name for it, and its own in the network.
    pub gateway: String,
    /// Where HAProxy sends its requests otherwise: `172.18.0.5`.
    pub address: String,
    /// The port of that, 9878.
    pub port: u16,
    /// The balancer's own name in the network, and its address there.
    pub balancer: (String, String),
    /// How long each request waits, in milliseconds; without, each is answered with status 500.
    pub delay: Option<u64>,
}

impl Detour {
    pub(super) fn make(&self, balancer: &Container, engine: &Engine) -> Result<()> {
        let start = ["exec", "--detach", &balancer.id, "sh", "-c", START, "sh"];
        let start = engine.command("start a second HAProxy", start);
        engine.run(&start.with([self.configuration()]))?;
        let port = format!(":{PORT:04X}");
        let wait = ["exec", &balancer.id, "sh", "-c", AWAIT, "sh", &port];
        engine.run(&engine.command("wait for the second HAProxy", wait))?;
        let (name, address) = &self.balancer;
        Control::of(balancer, engine).lead(&self.name()?, name, address, PORT)
    }

    pub(super) fn undo(&self, balancer: &Container, engine: &Engine) -> Result<()> {
        let control = Control::of(balancer, engine);
        control.lead(&self.name()?, &self.gateway, &self.address, self.port)?;
        let end = ["exec", &balancer.id, "sh", "-c", END];
        // It may be gone, as after a restart of the container.
        engine.output(&engine.command("end the second HAProxy", end)).map(drop)
    }

    fn name(&self) -> Result<GatewayName> {
        self.gateway.parse().map_err(anyhow::Error::msg)
    }

    /// What the second HAProxy reads. HAProxy's checks pass, so that a gateway which refuses requests stays in rotation.
    fn configuration(&self) -> String {
        let Self { gateway, port, .. } = self;
        let rule = match self.delay {
            // Each request is a stream of its own, also on a connection that is kept.
            Some(milliseconds) => format!(
                "tcp-request inspect-delay {milliseconds}ms\n    tcp-request content accept if WAIT_END"
            ),
            None => "http-request return status 500 hdr Connection close content-type application/xml string \
                     \"<Error><Code>InternalError</Code><Message>A fault that a test makes.</Message></Error>\" \
                     unless METH_GET { path / }"
                .to_owned(),
        };
        format!(
            "global\n    maxconn 1000\n    hard-stop-after 1m\n\
             defaults\n    mode http\n    timeout connect 5s\n    timeout client 1h\n    timeout server 1h\n\
             frontend fault\n    bind :{PORT}\n    {rule}\n    default_backend gateway\n\
             backend gateway\n    server gateway {gateway}:{port}"
        )
    }
}
