//! A real Ozone behind a real HAProxy. Needs Docker, the images, the AWS CLI with boto3, rclone, a few GiB of memory and
//! some minutes: `cargo test --test cluster -- --ignored --test-threads=1`, since two clusters want one port.

mod anywhere;
mod changing;
mod clients;
mod failing;
mod generated;
mod ha;
mod including;
mod nodes;
mod running;
mod secure;
#[path = "../support/mod.rs"]
mod support;
mod swarm;
mod trouble;
mod up;
mod upgrading;
mod watching;
