//! `up` and the verbs around it, with a `docker` that answers as it was told and a service in this process for the
//! cluster: no engine is needed.

mod again;
mod careless;
mod changing;
mod documented;
mod ending;
mod interrupting;
mod lab;
mod looking;
mod machine;
mod removing;
mod showing;
mod starting;
#[path = "../support/mod.rs"]
mod support;
mod waiting;
