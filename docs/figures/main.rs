//! Draws the figures of the book: `cargo run --example figures` writes `docs/src/figures`, and with
//! `-- --check` it says which of them it would draw otherwise.

mod chapters;
mod figures;
mod invented;
mod pictured;
mod quoted;
mod svg;
mod trained;

use std::path::Path;
use std::process::ExitCode;

fn main() -> std::io::Result<ExitCode> {
    let argument = std::env::args().nth(1);
    let check = match argument.as_deref() {
        None => false,
        Some("--check") => true,
        Some(other) => {
            eprintln!("only --check can stand here, not {other:?}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/figures");
    std::fs::create_dir_all(&folder)?;
    let all = figures::ALL
        .iter()
        .chain(chapters::ALL)
        .chain(invented::ALL)
        .chain(quoted::ALL)
        .chain(trained::ALL);
    let mut stale = 0;
    for (name, draw) in all.clone() {
        let file = folder.join(format!("{name}.svg"));
        if !check {
            std::fs::write(file, draw())?;
        } else if !svg::look_alike(&std::fs::read_to_string(&file).unwrap_or_default(), &draw()) {
            println!("{name} is stale; cargo run --example figures");
            stale += 1;
        }
    }
    println!("{} figures, {stale} stale", all.count());
    Ok(if stale == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
