//! The command line as its callers see it: exit codes, both outputs, and what happens to the folder.

mod careless;
mod choosing;
mod completing;
mod configuring;
mod encrypting;
mod failing;
mod input;
mod keeping;
mod manual;
mod output;
mod rights;
mod securing;
mod sharing;
#[path = "../support/mod.rs"]
mod support;
mod templating;
