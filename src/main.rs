//! `ozone-compose`: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let status = ozone_compose::run(std::env::args_os(), std::env::vars_os());
    ExitCode::from(u8::try_from(status.code()).unwrap_or(1))
}
