//! Build your own: checks the stages that the reader fills in. The book tells the rest.
//!
//! `cargo run --example build -- 3` checks `examples/build/stage_3.rs`, and
//! `cargo run --example build -- 3 --solution` the solution. Without a number it goes through all
//! stages, up to the first that does not hold.

// The same files are checked as the reader's and as the solution's.
#![allow(clippy::duplicate_mod)]

// Gaps leave unused what is to be used.
#[allow(dead_code, unused_mut, unused_variables, clippy::match_same_arms)]
mod mine;
mod report;
#[path = "solutions/mod.rs"]
mod solutions;

use std::process::ExitCode;

use report::{TITLES, report};

fn main() -> ExitCode {
    let (mut stages, mut solution) = (1..=TITLES.len(), false);
    for argument in std::env::args().skip(1) {
        match argument.parse() {
            Ok(stage) if (1..=TITLES.len()).contains(&stage) => stages = stage..=stage,
            _ if argument == "--solution" => solution = true,
            _ => {
                eprintln!("there are the stages 1 to {}, and --solution", TITLES.len());
                return ExitCode::FAILURE;
            }
        }
    }
    for stage in stages {
        let (text, holds) = if solution {
            report(stage, "examples/build/solutions", solutions::checks::stage)
        } else {
            report(stage, "examples/build", mine::checks::stage)
        };
        print!("{text}");
        if !holds {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
