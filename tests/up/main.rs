//! `up` and the verbs around it, with a `docker` that gives prepared answers and a service in this process for the
//! cluster: no engine is needed.

mod attending;
mod careless;
mod changing;
mod data;
mod documented;
mod ending;
mod interrupting;
mod jobs;
mod lab;
mod lacking;
mod looking;
mod machine;
mod profiles;
mod removing;
mod repeating;
mod requesting;
mod showing;
mod stacking;
mod starting;
#[path = "../support/mod.rs"]
mod support;
mod troubles;
mod waiting;
