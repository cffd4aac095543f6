//! The binary against a real engine and a real HAProxy: what belongs to a cluster, runs at the same time, variables,
//! umasks, and runs that were killed. Small programs stand in for Ozone, so that a cluster starts in two seconds.
//!
//! Where there is no engine, each test says that it was skipped. The tests run one after another.

mod addressing;
mod app;
mod carrying;
mod cluster;
mod encrypting;
mod ending;
mod failing;
mod filling;
mod finding;
mod jobs;
mod killing;
mod lab;
mod naming;
mod overriding;
mod owning;
mod pausing;
mod permitting;
mod planning;
mod publishing;
mod refusing;
mod reporting;
mod rolling;
mod sharing;
#[path = "../support/mod.rs"]
mod support;
mod switching;
