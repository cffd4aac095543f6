//! `ozone-compose`: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let status = ozone_compose::run(std::env::args_os(), std::env::vars_os());
    ExitCode::from(status as u8)
}
