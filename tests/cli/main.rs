//! The command line as its callers see it: exit codes, both outputs, and what happens to the folder.

mod careless;
mod choosing;
mod completing;
mod configuring;
mod failing;
mod input;
mod keeping;
mod manual;
mod output;
mod sharing;
#[path = "../support/mod.rs"]
mod support;
mod templating;
