//! A real HAProxy with the tool's own configuration, under load, while gateways fail, move, come and go.

mod domains;
mod failing;
mod load;
mod logging;
mod managing;
mod moving;
mod refusing;
mod sharing;
mod stage;
#[path = "../support/mod.rs"]
mod support;
mod verifying;

#[test]
#[ignore = "is a gateway, which the other tests start as a process of its own"]
fn serve() {
    support::gateway::serve_if_told();
}
