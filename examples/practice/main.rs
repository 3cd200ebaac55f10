//! Problems in the chain rule: in the terminal, as a page, a worksheet or a quiz.
//!
//! `cargo run --release -p practice -- --level 3 --seed 7`; `--help` tells the rest.

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1);
    match practice::cli::run(arguments, &mut io::stdin().lock(), &mut io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            error.exit_code().into()
        }
    }
}
