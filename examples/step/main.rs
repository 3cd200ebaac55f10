//! Both passes of a program, step by step: on a screen in the terminal, or as text, page or picture.
//!
//! `cargo run -p step -- [PROGRAM]`; `--help` tells the rest.

mod cli;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

fn main() -> ExitCode {
    let terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
    let arguments = std::env::args_os().skip(1);
    match cli::run(arguments, &mut io::stdout(), terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            error.exit_code().into()
        }
    }
}
