//! Draws the figures of the book: `cargo run --example figures` writes `docs/src/figures`.

mod chapters;
mod figures;
mod invented;
mod quoted;
mod svg;
mod trained;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/figures");
    std::fs::create_dir_all(&folder)?;
    let all = figures::ALL
        .iter()
        .chain(chapters::ALL)
        .chain(invented::ALL)
        .chain(quoted::ALL)
        .chain(trained::ALL);
    for (name, draw) in all.clone() {
        std::fs::write(folder.join(format!("{name}.svg")), draw())?;
    }
    println!("{} figures", all.count());
    Ok(())
}
