//! The programs that read the generated files judge them: Docker Compose, and HAProxy of two versions.

mod chart;
mod checkout;
mod compose;
mod haproxy;
mod including;
mod machine;
mod overlay;
mod stack;
#[path = "../support/mod.rs"]
mod support;
mod upstream;
